import { decode, dtypes, type DType } from '../dtypes.ts';
import type { DownloadOptions } from '../download/download.ts';
import { WeightsError } from '../errors.ts';
import { siblingOf, withSource } from '../source.ts';
import { sizeOf, tensorFromBytes, type StateDict, type StateTensor } from '../state-dict.ts';

/** `WeightsManifestEntry` of TensorFlow.js. */
interface ManifestEntry {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { dtype: 'uint8' | 'uint16' | 'float16'; scale?: number; min?: number };
}

interface ManifestGroup {
  paths: string[];
  weights: ManifestEntry[];
}

const known: Readonly<Record<string, DType>> = { float32: 'float32', int32: 'int32', bool: 'bool', uint8: 'uint8' };

/** The weights of a TensorFlow.js model: its `model.json` and the shards that it names, quantised ones widened to float32. */
export async function loadTfjs(model: string | URL, options: DownloadOptions = {}): Promise<StateDict> {
  const refuse = (what: string): never => {
    throw new WeightsError('WEIGHTS_BAD_TFJS', `${String(model)} is not a sound model.json: ${what}.`);
  };
  const text = await withSource(model, options, async (source) =>
    new TextDecoder().decode(await source.read(0, source.size)),
  );
  // A checksum that was given is that of model.json, not of its shards.
  const { sha256: _sha256, md5: _md5, ...shardOptions } = options;
  const dict: [string, StateTensor][] = [];
  for (const { paths, weights } of manifestOf(text, refuse)) {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (const path of paths) {
      if (!/^[\w.-]+$/.test(path) || path.startsWith('.'))
        refuse(`it places weights in '${path}', which is not a plain file name`);
      parts.push(await withSource(siblingOf(model, path), shardOptions, (source) => source.read(0, source.size)));
    }
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let position = 0;
    for (const entry of weights) {
      const stored = storedType(entry, refuse);
      const end = position + sizeOf(entry.shape) * dtypes[stored].bytes;
      if (end > bytes.length) refuse(`its shards end within '${entry.name}'`);
      dict.push([entry.name, widen(entry, stored, bytes.slice(position, end))]);
      position = end;
    }
    if (position !== bytes.length)
      refuse(`its shards ${paths.join(', ')} hold ${bytes.length - position} bytes too many`);
  }
  return Object.fromEntries(dict);
}

function manifestOf(text: string, refuse: (what: string) => never): ManifestGroup[] {
  let manifest: unknown;
  try {
    manifest = (JSON.parse(text) as { weightsManifest?: unknown } | null)?.weightsManifest;
  } catch {
    refuse('it is not JSON');
  }
  const sound = (value: unknown): value is ManifestGroup[] =>
    Array.isArray(value) &&
    value.every((group: Partial<ManifestGroup> | null) => Array.isArray(group?.paths) && Array.isArray(group.weights));
  return sound(manifest) ? manifest : refuse('it has no weightsManifest');
}

function storedType({ name, dtype, shape, quantization }: ManifestEntry, refuse: (what: string) => never): DType {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    refuse(`'${name}' has shape ${JSON.stringify(shape)}`);
  if (!Object.hasOwn(known, dtype))
    return refuse(`'${name}' has dtype '${dtype}'; read are ${Object.keys(known).join(', ')}`);
  if (quantization === undefined) return known[dtype]!;
  if (!['uint8', 'uint16', 'float16'].includes(quantization.dtype))
    refuse(`'${name}' is quantised to '${String(quantization.dtype)}'`);
  return quantization.dtype;
}

/** Undoes the quantisation: value * scale + min (tfjs-core, io_utils.ts). */
function widen(
  { dtype, shape, quantization }: ManifestEntry,
  stored: DType,
  bytes: Uint8Array<ArrayBuffer>,
): StateTensor {
  if (quantization === undefined) return tensorFromBytes(known[dtype]!, shape, bytes);
  const codes = decode(stored, bytes) as Float32Array<ArrayBuffer>;
  if (stored === 'float16') return { dtype: 'float32', shape, data: codes };
  const { scale = 1, min = 0 } = quantization;
  const value = (code: number) => code * scale + min;
  if (dtype === 'int32')
    return { dtype: 'int32', shape, data: Int32Array.from(codes, (code) => Math.round(value(code))) };
  return { dtype: 'float32', shape, data: Float32Array.from(codes, value) };
}
