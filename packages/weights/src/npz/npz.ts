import { WeightsError } from '../errors.ts';
import type { DownloadOptions } from '../download/download.ts';
import { withSource, type Source } from '../source.ts';
import { checkStateDict, type StateDict } from '../state-dict.ts';
import { writeFileAtomically } from '../write-file.ts';
import { openZip } from '../zip/read.ts';
import { zipPieces } from '../zip/write.ts';
import { decodeNpy, encodeNpy } from './npy.ts';

export interface NpzOptions {
  /** Deflates the arrays, as `numpy.savez_compressed`. */
  compress?: boolean;
}

/** The arrays of a NumPy `.npz` file, compressed or not. */
export async function loadNpz(source: Source, options: DownloadOptions = {}): Promise<StateDict> {
  return withSource(source, options, async (bytes) => {
    const zip = await openZip(bytes);
    const arrays: [string, StateDict[string]][] = [];
    for (const name of zip.names) {
      if (!name.endsWith('.npy'))
        throw new WeightsError('WEIGHTS_BAD_NPY', `${bytes.name} is no npz file: it contains ${name}.`);
      arrays.push([name.slice(0, -4), decodeNpy(await zip.read(name), `${bytes.name}/${name}`)]);
    }
    return Object.fromEntries(arrays);
  });
}

/** Writes a state dict as a NumPy `.npz` file (Node), through a temporary file. */
export async function saveNpz(dict: StateDict, path: string, options: NpzOptions = {}): Promise<void> {
  await writeFileAtomically(path, await pieces(dict, options));
}

/** A state dict as the bytes of a NumPy `.npz` file. */
export async function encodeNpz(dict: StateDict, options: NpzOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Blob(await pieces(dict, options)).arrayBuffer());
}

function pieces(dict: StateDict, { compress = false }: NpzOptions): Promise<Uint8Array<ArrayBuffer>[]> {
  checkStateDict(dict);
  const files = Object.entries(dict).map(([name, tensor]) => [`${name}.npy`, encodeNpy(tensor, name)] as const);
  return zipPieces(files, compress);
}
