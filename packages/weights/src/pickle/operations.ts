import { latin1 } from './latin1.ts';
import type { PickleMachine } from './unpickle.ts';

type Operation = (machine: PickleMachine) => void;

/** The operations of pickle protocols 0 to 5 by their code, named as in Python's `pickletools`. */
export const operations: Readonly<Record<string, Operation>> = {
  '\x80': (m) => m.uint(1), // PROTO
  '\x95': (m) => m.uint(8), // FRAME
  '.': (m) => (m.stopped = true), // STOP

  // Numbers and constants
  N: (m) => m.push(null), // NONE
  '\x88': (m) => m.push(true), // NEWTRUE
  '\x89': (m) => m.push(false), // NEWFALSE
  I: (m) => m.push(textInteger(m.line())), // INT
  J: (m) => m.push(m.int32()), // BININT
  K: (m) => m.push(m.uint(1)), // BININT1
  M: (m) => m.push(m.uint(2)), // BININT2
  L: (m) => m.push(integer(BigInt(m.line().replace(/L$/, '')))), // LONG
  '\x8a': (m) => m.push(bytesInteger(m.take(m.uint(1)))), // LONG1
  '\x8b': (m) => m.push(bytesInteger(m.take(longLength(m)))), // LONG4
  F: (m) => m.push(Number(m.line())), // FLOAT
  G: (m) => m.push(m.float64()), // BINFLOAT

  // Text and bytes
  S: (m) => m.push(pythonLiteral(m.line())), // STRING
  T: (m) => m.push(latin1(m.take(m.uint(4)))), // BINSTRING
  U: (m) => m.push(latin1(m.take(m.uint(1)))), // SHORT_BINSTRING
  V: (m) => m.push(rawUnicode(m.line())), // UNICODE
  X: (m) => m.push(m.utf8(m.uint(4))), // BINUNICODE
  '\x8c': (m) => m.push(m.utf8(m.uint(1))), // SHORT_BINUNICODE
  '\x8d': (m) => m.push(m.utf8(m.uint(8))), // BINUNICODE8
  B: (m) => m.push(m.take(m.uint(4))), // BINBYTES
  C: (m) => m.push(m.take(m.uint(1))), // SHORT_BINBYTES
  '\x8e': (m) => m.push(m.take(m.uint(8))), // BINBYTES8
  '\x96': (m) => m.push(m.take(m.uint(8))), // BYTEARRAY8

  // Containers
  ']': (m) => m.push([]), // EMPTY_LIST
  l: (m) => m.push(m.popToMark()), // LIST
  a: (m) => append(m, [m.pop()]), // APPEND
  e: (m) => append(m, m.popToMark()), // APPENDS
  ')': (m) => m.push([]), // EMPTY_TUPLE
  t: (m) => m.push(m.popToMark()), // TUPLE
  '\x85': (m) => m.push(popped(m, 1)), // TUPLE1
  '\x86': (m) => m.push(popped(m, 2)), // TUPLE2
  '\x87': (m) => m.push(popped(m, 3)), // TUPLE3
  '}': (m) => m.push(new Map()), // EMPTY_DICT
  d: (m) => setItems(m, m.popToMark(), new Map()), // DICT
  s: (m) => setItems(m, popped(m, 2)), // SETITEM
  u: (m) => setItems(m, m.popToMark()), // SETITEMS
  '\x8f': (m) => m.push(new Set()), // EMPTY_SET
  '\x90': (m) => addItems(m, m.popToMark()), // ADDITEMS
  '\x91': (m) => m.push(new Set(m.popToMark())), // FROZENSET

  // Stack and memo
  '(': (m) => m.mark(), // MARK
  '0': (m) => m.drop(), // POP
  '1': (m) => m.popToMark(), // POP_MARK
  '2': (m) => m.push(m.top()), // DUP
  p: (m) => m.memo.set(Number(m.line()), m.top()), // PUT
  q: (m) => m.memo.set(m.uint(1), m.top()), // BINPUT
  r: (m) => m.memo.set(m.uint(4), m.top()), // LONG_BINPUT
  '\x94': (m) => m.memo.set(m.memo.size, m.top()), // MEMOIZE
  g: (m) => recall(m, Number(m.line())), // GET
  h: (m) => recall(m, m.uint(1)), // BINGET
  j: (m) => recall(m, m.uint(4)), // LONG_BINGET

  // Names and calls: whatever is not on the list of the machine is refused there, by name
  c: (m) => m.push(m.find(`${m.line()}.${m.line()}`)), // GLOBAL
  '\x93': (m) => m.push(m.find(stackName(m))), // STACK_GLOBAL
  i: (m) => m.push(m.call(m.find(`${m.line()}.${m.line()}`), m.popToMark())), // INST
  o: (m) => callFirst(m, m.popToMark()), // OBJ
  R: (m) => callLast(m), // REDUCE
  '\x81': (m) => callLast(m), // NEWOBJ
  b: (m) => build(m), // BUILD
  P: (m) => m.push(m.persistent(m.line())), // PERSID
  Q: (m) => m.push(m.persistent(m.pop())), // BINPERSID
};

function popped(m: PickleMachine, count: number): unknown[] {
  return Array.from({ length: count }, () => m.pop()).reverse();
}

function stackName(m: PickleMachine): string {
  const parts = popped(m, 2);
  if (parts.some((part) => typeof part !== 'string')) throw m.broken('a name is not text');
  return parts.join('.');
}

function append(m: PickleMachine, items: unknown[]): void {
  const list = m.top();
  if (!Array.isArray(list)) throw m.broken('it appends to something that is not a list');
  for (const item of items) list.push(item);
}

function setItems(m: PickleMachine, items: unknown[], fresh?: Map<unknown, unknown>): void {
  if (fresh !== undefined) m.push(fresh);
  const dict = m.top();
  if (!(dict instanceof Map) || items.length % 2 !== 0) throw m.broken('it sets items of something that is not a dict');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
}

function addItems(m: PickleMachine, items: unknown[]): void {
  const set = m.top();
  if (!(set instanceof Set)) throw m.broken('it adds to something that is not a set');
  for (const item of items) set.add(item);
}

function recall(m: PickleMachine, key: number): void {
  if (!m.memo.has(key)) throw m.broken(`nothing was memorised as ${key}`);
  m.push(m.memo.get(key));
}

function callLast(m: PickleMachine): void {
  const [callee, args] = popped(m, 2);
  m.push(m.call(callee, args));
}

function callFirst(m: PickleMachine, [callee, ...args]: unknown[]): void {
  m.push(m.call(callee, args));
}

function build(m: PickleMachine): void {
  const state = m.pop();
  m.build(m.top(), state);
}

function longLength(m: PickleMachine): number {
  const length = m.uint(4);
  if (length > 1024) throw m.broken(`an integer of ${length} bytes`);
  return length;
}

/** Two's complement, little-endian. */
function bytesInteger(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return integer(BigInt.asIntN(8 * bytes.length, value));
}

function integer(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Protocol 0 and 1 write booleans as the integers 00 and 01. */
function textInteger(text: string): number | bigint | boolean {
  if (text === '00' || text === '01') return text === '01';
  return integer(BigInt(text));
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** A quoted Python string. */
function pythonLiteral(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, letter: string) =>
      hex === undefined ? (escapes[letter] ?? letter) : String.fromCharCode(parseInt(hex, 16)),
    );
}

function rawUnicode(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi, (_, short: string | undefined, long: string) =>
    String.fromCodePoint(parseInt(short ?? long, 16)),
  );
}
