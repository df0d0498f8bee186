import { show, unknownName } from '@missing-u/errors';
import { WeightsError } from '../errors.ts';
import type { StateDict, StateTensor } from '../state-dict.ts';
import { broken } from './storage.ts';

/** Dicts that are looked into. Pickles may hold one dict many times over, so that few bytes can stand for endlessly many. */
const MOST_DICTS = 100_000;

/** The tensors at a place of an unpickled object, nested dicts flattened. */
export function selectTensors(value: unknown, at?: string): StateDict {
  const place = at === undefined ? value : find(value, at);
  if (isTensor(place)) return { [at?.split('.').at(-1) ?? 'tensor']: place };
  const tensors = [...tensorsIn(place, '', { dicts: 0 })];
  if (tensors.length === 0) {
    const content = place instanceof Map ? `a dict with ${namesIn(place).join(', ')}` : show(place);
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
    const entries = [...(value as Map<unknown, unknown>)].flatMap(([key, entry]) => {
      const name = nameOf(key);
      return name === undefined ? [] : ([[name, entry]] as const);
    });
    const fits = entries
      .filter(([name]) => path === name || path.startsWith(`${name}.`))
      .sort(([a], [b]) => b.length - a.length);
    if (fits[0] !== undefined) return find(fits[0][1], path.slice(fits[0][0].length + 1));
    throw new WeightsError('WEIGHTS_NO_TENSORS', unknownName('at', path, namesIn(value)));
  }
  throw new WeightsError('WEIGHTS_NO_TENSORS', `\`at\` ends with '${path}', but there is ${show(value)} and no dict.`);
}

function* tensorsIn(
  value: unknown,
  prefix: string,
  count: { dicts: number },
  inside: readonly unknown[] = [],
): Generator<[string, StateTensor]> {
  if (!(value instanceof Map) || inside.includes(value)) return;
  if (++count.dicts > MOST_DICTS || inside.length > 100) throw broken('its dicts are nested beyond all measure');
  for (const [key, entry] of value as Map<unknown, unknown>) {
    const own = nameOf(key);
    if (own === undefined) continue;
    const name = prefix === '' ? own : `${prefix}.${own}`;
    if (isTensor(entry)) yield [name, entry];
    else yield* tensorsIn(entry, name, count, [...inside, value]);
  }
}

/** A key of a dict as text; undefined for those that are containers themselves. */
function nameOf(key: unknown): string | undefined {
  return typeof key === 'object' ? undefined : String(key);
}

function namesIn(dict: Map<unknown, unknown>): string[] {
  return [...dict.keys()].flatMap((key) => nameOf(key) ?? []).slice(0, 50);
}

function isTensor(value: unknown): value is StateTensor {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value;
}
