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

/** `bytearray(...)` of bytes, or of Latin-1 text where a protocol has no bytes. A size alone could be any, and is refused. */
function byteArray(content: unknown = new Uint8Array(0)): Uint8Array {
  if (typeof content === 'string') return encodeLatin1(content, 'latin1');
  if (content instanceof Uint8Array) return content;
  throw new WeightsError(
    'WEIGHTS_BAD_PICKLE',
    'The pickle is broken: a `bytearray` is made of something that is not bytes.',
  );
}

/** What a `defaultdict` would make missing entries of; it is named and never called. */
const factories = ['list', 'tuple', 'int', 'long', 'float', 'bool', 'str', 'unicode', 'bytes'];

const builtins: Readonly<Record<string, PickleGlobal>> = {
  ...Object.fromEntries(factories.map((name) => [name, { value: name }])),
  dict: map,
  set,
  frozenset: set,
  bytearray: byteArray,
};

/** Python's own containers, by both names that its versions gave them. */
export const containers: Readonly<Record<string, PickleGlobal>> = {
  ...Object.fromEntries(
    Object.entries(builtins).flatMap(([name, global]) => [
      [`builtins.${name}`, global],
      [`__builtin__.${name}`, global],
    ]),
  ),
  'collections.OrderedDict': map,
  'collections.Counter': map,
  'collections.defaultdict': () => map(),
  '_codecs.encode': encodeLatin1,
};
