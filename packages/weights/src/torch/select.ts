import { show, unknownName } from '@missing-u/errors';
import { WeightsError } from '../errors.ts';
import type { StateDict, StateTensor } from '../state-dict.ts';

/** The tensors at a place of an unpickled object, nested dicts flattened. */
export function selectTensors(value: unknown, at?: string): StateDict {
  const place = at === undefined ? value : find(value, at);
  if (isTensor(place)) return { [at?.split('.').at(-1) ?? 'tensor']: place };
  const tensors = [...tensorsIn(place, '')];
  if (tensors.length === 0) {
    const content = place instanceof Map ? `a dict with ${[...place.keys()].map(String).join(', ')}` : show(place);
    throw new WeightsError(
      'WEIGHTS_NO_TENSORS',
      `There are no tensors ${at === undefined ? 'in the file' : `at '${at}'`}: it holds ${content}.`,
    );
  }
  return Object.fromEntries(tensors);
}

/** Follows the keys of a path; a key may hold dots itself, so the longest that fits is taken. */
function find(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (value instanceof Map) {
    const keys = [...value.keys()].map(String).sort((a, b) => b.length - a.length);
    const key = keys.find((known) => path === known || path.startsWith(`${known}.`));
    if (key !== undefined) return find(value.get(key), path.slice(key.length + 1));
    throw new WeightsError('WEIGHTS_NO_TENSORS', unknownName('at', path, keys));
  }
  throw new WeightsError('WEIGHTS_NO_TENSORS', `\`at\` ends with '${path}', but there is ${show(value)} and no dict.`);
}

function* tensorsIn(value: unknown, prefix: string, inside: readonly unknown[] = []): Generator<[string, StateTensor]> {
  if (!(value instanceof Map) || inside.includes(value)) return;
  for (const [key, entry] of value as Map<unknown, unknown>) {
    const name = prefix === '' ? String(key) : `${prefix}.${String(key)}`;
    if (isTensor(entry)) yield [name, entry];
    else yield* tensorsIn(entry, name, [...inside, value]);
  }
}

function isTensor(value: unknown): value is StateTensor {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value;
}
