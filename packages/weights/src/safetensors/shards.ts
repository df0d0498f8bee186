import { dtypes } from '../dtypes.ts';
import { WeightsError } from '../errors.ts';
import type { DownloadOptions } from '../download/download.ts';
import { siblingOf, withSource, type Source } from '../source.ts';
import { sizeOf, type StateDict, type StateTensor } from '../state-dict.ts';

/** Whether the source is the index of a sharded model, by its name: `*.index.json`, or `*.index.fp16.json` of a variant. */
export function isShardIndex(source: Source): source is string | URL {
  return (
    (typeof source === 'string' || source instanceof URL) &&
    /\.index(\.[\w-]+)?\.json$/.test(String(source).replace(/[?#].*$/, ''))
  );
}

/** Reads the index and the shards beside it, and checks that they hold what the index says, no more and no less. */
export async function loadShards(
  index: string | URL,
  load: (shard: string | URL, options: DownloadOptions) => Promise<StateDict>,
  options: DownloadOptions,
): Promise<StateDict> {
  const map = await withSource(index, options, async (source) => {
    const text = new TextDecoder().decode(await source.read(0, source.size));
    return weightMap(text, source.name);
  });
  // A checksum that was given is the index's; the shards are checked against the index.
  const { sha256: _sha256, md5: _md5, ...shardOptions } = options;
  const dict: [string, StateTensor][] = [];
  for (const shard of new Set(map.values())) {
    const tensors = await load(siblingOf(index, shard), shardOptions);
    for (const [name, tensor] of Object.entries(tensors)) {
      if (map.get(name) !== shard)
        refuse(String(index), `${shard} holds '${name}', which the index does not place there`);
      map.delete(name);
      dict.push([name, tensor]);
    }
  }
  const [missing] = map.keys();
  if (missing !== undefined) refuse(String(index), `'${missing}' is not in ${map.get(missing)}`);
  return Object.fromEntries(dict);
}

function weightMap(text: string, name: string): Map<string, string> {
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown } | null)?.weight_map;
  } catch {
    refuse(name, 'it is not JSON');
  }
  if (typeof map !== 'object' || map === null) return refuse(name, 'it has no weight_map');
  const entries = Object.entries(map);
  for (const [tensor, shard] of entries) {
    // A shard lies beside its index; a path would let the index open any file of the machine.
    if (typeof shard !== 'string' || !/^[\w.-]+$/.test(shard) || shard.startsWith('.')) {
      refuse(name, `'${tensor}' is placed in ${JSON.stringify(shard)}, which is not a plain file name`);
    }
  }
  return new Map(entries as [string, string][]);
}

function refuse(name: string, what: string): never {
  throw new WeightsError('WEIGHTS_BAD_INDEX', `${name} is not a sound index of shards: ${what}.`);
}

/** Splits a state dict, in its order, into parts of at most `maxBytes` (or of one tensor, where that alone is larger). */
export function planShards(dict: StateDict, maxBytes: number): StateDict[] {
  const shards: [string, StateTensor][][] = [[]];
  let size = 0;
  for (const [name, tensor] of Object.entries(dict)) {
    const bytes = sizeOf(tensor.shape) * dtypes[tensor.dtype].bytes;
    if (size > 0 && size + bytes > maxBytes) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)!.push([name, tensor]);
    size += bytes;
  }
  return shards.map((shard) => Object.fromEntries(shard));
}

/** `model.safetensors` → `model-00001-of-00003.safetensors`. */
export function shardName(path: string, index: number, count: number): string {
  const digits = (n: number) => String(n).padStart(5, '0');
  return path.replace(/(\.safetensors)?$/, `-${digits(index + 1)}-of-${digits(count)}.safetensors`);
}

/** The index's text: which tensor is in which file, and the bytes in all. */
export function shardIndex(shards: readonly StateDict[], paths: readonly string[]): string {
  const map = shards.flatMap((shard, index) =>
    Object.keys(shard).map((name) => [name, paths[index]!.replace(/^.*[/\\]/, '')]),
  );
  const tensors = shards.flatMap((shard) => Object.values(shard));
  const total = tensors.reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * dtypes[dtype].bytes, 0);
  return `${JSON.stringify({ metadata: { total_size: total }, weight_map: Object.fromEntries(map) }, null, 2)}\n`;
}
