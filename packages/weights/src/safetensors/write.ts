import { invalidArgument } from '@missing-u/errors';
import { dtypes, encode, type DType } from '../dtypes.ts';
import { WeightsError } from '../errors.ts';
import { writeFileAtomically } from '../write-file.ts';
import { checkStateDict, sizeOf, type StateDict } from '../state-dict.ts';
import { formatNames } from './header.ts';
import { planShards, shardIndex, shardName } from './shards.ts';

export interface SafetensorsOptions {
  /** Text to keep in the file (`__metadata__`); Python readers of model files expect `{ format: 'pt' }`, the default. */
  metadata?: Readonly<Record<string, string>>;
}

export interface SaveOptions extends SafetensorsOptions {
  /** Beyond this many bytes of data, several files and an index are written, as transformers and diffusers do. */
  maxShardBytes?: number;
}

const nameInFormat = Object.fromEntries(Object.entries(formatNames).map(([name, dtype]) => [dtype, name])) as Record<
  DType,
  string
>;

/**
 * Writes a state dict as a safetensors file (Node), through a temporary file, so that a reader never sees half of it.
 * With `maxShardBytes`, `model.safetensors` becomes `model-00001-of-0000N.safetensors` and `model.safetensors.index.json`.
 *
 * @returns the paths written, the index last.
 */
export async function saveSafetensors(dict: StateDict, path: string, options: SaveOptions = {}): Promise<string[]> {
  const { maxShardBytes = Infinity, metadata } = options;
  if (!(maxShardBytes > 0)) {
    throw new WeightsError(
      'WEIGHTS_BAD_OPTION',
      invalidArgument({ argument: 'maxShardBytes', value: maxShardBytes, allowed: 'a number above 0' }),
    );
  }
  checkDict(dict, metadata);
  const shards = planShards(dict, maxShardBytes);
  if (shards.length === 1) {
    await writeFileAtomically(path, chunks(dict, metadata));
    return [path];
  }
  const paths = shards.map((_, index) => shardName(path, index, shards.length));
  for (const [index, shard] of shards.entries()) await writeFileAtomically(paths[index]!, chunks(shard, metadata));
  const indexPath = `${path}.index.json`;
  await writeFileAtomically(indexPath, [new TextEncoder().encode(shardIndex(shards, paths))]);
  return [...paths, indexPath];
}

/** A state dict as the bytes of a safetensors file. */
export function encodeSafetensors(dict: StateDict, { metadata }: SafetensorsOptions = {}): Uint8Array<ArrayBuffer> {
  checkDict(dict, metadata);
  const parts = [...chunks(dict, metadata)];
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.byteLength;
  }
  return bytes;
}

/** The file piece by piece: header first, then one tensor after the other, so that nothing is held twice. */
function* chunks(
  dict: StateDict,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Generator<Uint8Array<ArrayBuffer>> {
  // Wide dtypes first, then by name, as the format's own library: every tensor is aligned to its items.
  const itemSize = (name: string) => dtypes[dict[name]!.dtype].bytes;
  const names = Object.keys(dict).sort((a, b) => itemSize(b) - itemSize(a) || (a < b ? -1 : 1));
  const header: [string, unknown][] = [['__metadata__', metadata]];
  let position = 0;
  for (const name of names) {
    const tensor = dict[name]!;
    const bytes = sizeOf(tensor.shape) * dtypes[tensor.dtype].bytes;
    const entry = {
      dtype: nameInFormat[tensor.dtype],
      shape: tensor.shape,
      data_offsets: [position, position + bytes],
    };
    header.push([name, entry]);
    position += bytes;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(text, 8);
  yield padded;
  for (const name of names) yield encode(dict[name]!.dtype, dict[name]!.data);
}

function checkDict(dict: StateDict, metadata: SafetensorsOptions['metadata']): void {
  checkStateDict(dict);
  if (Object.hasOwn(dict, '__metadata__')) {
    throw new WeightsError('WEIGHTS_BAD_TENSOR', "A tensor cannot be called '__metadata__' in a safetensors file.");
  }
  const refuse = (argument: string, value: unknown, allowed: string): never => {
    throw new WeightsError('WEIGHTS_BAD_OPTION', invalidArgument({ argument, value, allowed }));
  };
  // Readers, ours and Python's, refuse a file with anything else.
  if (metadata === undefined) return;
  if (typeof metadata !== 'object' || (metadata as unknown) === null) refuse('metadata', metadata, 'an object of text');
  for (const [name, value] of Object.entries<unknown>(metadata)) {
    if (typeof value !== 'string') refuse(`metadata.${name}`, value, 'text, such as String(value) or JSON');
  }
}
