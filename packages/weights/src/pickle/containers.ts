import type { PickleGlobal } from './unpickle.ts';
import { WeightsError } from '../errors.ts';

const map = (pairs: unknown = []) => new Map(list(pairs).map((pair) => list(pair) as [unknown, unknown]));
const set = (items: unknown = []) => new Set(list(items));

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
  throw new WeightsError(
    'WEIGHTS_BAD_PICKLE',
    'The pickle is broken: a container is made of something that is not a list.',
  );
}

/** `_codecs.encode(text, 'latin1')`: how Python 3 writes bytes in the protocols that have none. */
function encodeLatin1(text: unknown, encoding: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text !== 'string' || encoding !== 'latin1') {
    throw new WeightsError(
      'WEIGHTS_BAD_PICKLE',
      'The pickle is broken: `_codecs.encode` is for bytes as Latin-1 text alone.',
    );
  }
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Python's own containers, by both names that its versions gave them. */
export const containers: Readonly<Record<string, PickleGlobal>> = {
  'collections.OrderedDict': map,
  'builtins.dict': map,
  'builtins.set': set,
  'builtins.frozenset': set,
  '__builtin__.set': set,
  '__builtin__.frozenset': set,
  '_codecs.encode': encodeLatin1,
};
