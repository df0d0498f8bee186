import { dtypes, type DType } from '../dtypes.ts';
import { WeightsError } from '../errors.ts';
import type { ByteSource } from '../source.ts';
import { sizeOf } from '../state-dict.ts';

/** Where a tensor lies in the data part of a safetensors file. */
export interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Byte offsets from the beginning of the file; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The largest header that is read, as in the format's own library: no honest file comes near it. */
const MAX_HEADER_BYTES = 100_000_000;

/** dtype names of the format, and ours. */
export const formatNames: Readonly<Record<string, DType>> = {
  BOOL: 'bool',
  U8: 'uint8',
  I8: 'int8',
  F8_E4M3: 'float8_e4m3fn',
  F8_E5M2: 'float8_e5m2',
  U16: 'uint16',
  I16: 'int16',
  F16: 'float16',
  BF16: 'bfloat16',
  U32: 'uint32',
  I32: 'int32',
  F32: 'float32',
  U64: 'uint64',
  I64: 'int64',
  F64: 'float64',
};

/** Whether these first bytes of a file are those of a safetensors file: a length that a header may have, and the brace that opens it. */
export function beginsAsSafetensors(head: Uint8Array<ArrayBuffer>): boolean {
  return head.byteLength > 8 && head[8] === 0x7b && headerLength(head) <= MAX_HEADER_BYTES;
}

function headerLength(head: Uint8Array<ArrayBuffer>): number {
  return Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true));
}

/** Reads and checks the header: eight bytes of length, then JSON. Nothing of the data is touched. */
export async function readHeader(source: ByteSource): Promise<Header> {
  const refuse = (what: string): never => {
    throw new WeightsError('WEIGHTS_BAD_SAFETENSORS', `${source.name} is not a sound safetensors file: ${what}.`);
  };
  if (source.size < 8) refuse(`it has ${source.size} bytes, and the header's length alone takes 8`);
  const length = headerLength(await source.read(0, 8));
  if (length > MAX_HEADER_BYTES) refuse(`its header claims ${length} bytes, more than the allowed ${MAX_HEADER_BYTES}`);
  if (8 + length > source.size)
    refuse(`its header claims ${length} bytes, but the file has ${source.size}: truncated?`);
  const text = decodeText(await source.read(8, 8 + length)) ?? refuse('its header is not UTF-8');
  const json = parseObject(text) ?? refuse('its header is not a JSON object');
  const twice = firstDuplicate(text);
  if (twice !== undefined) refuse(`the name '${twice}' occurs twice`);

  const { __metadata__: metadata = {}, ...tensors } = json;
  if (!isStringRecord(metadata)) refuse('__metadata__ has to map strings to strings');
  const dataStart = 8 + length;
  const entries = Object.entries(tensors).map(([name, value]) => entryOf(name, value, dataStart, refuse));
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  // The format allows neither holes nor overlaps, so that a file cannot hide anything and means one thing only.
  let position = dataStart;
  for (const { name, start, end } of entries) {
    if (start < position) refuse(`the data of '${name}' overlap those before them`);
    if (start > position) refuse(`there is a hole of ${start - position} bytes before the data of '${name}'`);
    position = end;
  }
  if (position > source.size) refuse(`its tensors need ${position} bytes, but the file has ${source.size}: truncated?`);
  if (position < source.size) refuse(`${source.size - position} bytes at its end belong to no tensor`);
  return { entries, metadata: metadata as Record<string, string> };
}

function entryOf(name: string, value: unknown, dataStart: number, refuse: (what: string) => never): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(formatNames, dtype)) {
    return refuse(`'${name}' has dtype ${JSON.stringify(dtype)}; known are ${Object.keys(formatNames).join(', ')}`);
  }
  if (!isSizes(shape)) return refuse(`'${name}' has shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2) return refuse(`'${name}' has data_offsets ${JSON.stringify(offsets)}`);
  const [start, end] = offsets as [number, number];
  const bytes = sizeOf(shape) * dtypes[formatNames[dtype]!].bytes;
  if (end - start !== bytes) {
    return refuse(
      `'${name}' of ${dtype} [${shape.join(', ')}] needs ${bytes} bytes, but its data_offsets span ${end - start}`,
    );
  }
  return { name, dtype: formatNames[dtype]!, shape, start: dataStart + start, end: dataStart + end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}

function decodeText(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `JSON.parse` keeps the last of two equal keys without a word; this finds the first that repeats within one object of a text
 * that is JSON. In the metadata, which say nothing of the data, a key may repeat, as for the format's own library.
 */
function firstDuplicate(text: string): string | undefined {
  const around: (Set<string> | undefined)[] = [];
  let [begin, end] = [0, 0];
  let key = '';
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') {
      [begin, end] = [at, endOfString(text, at)];
      at = end;
    } else if (letter === '{' || letter === '[') {
      around.push(around.length === 1 && key === '__metadata__' ? undefined : new Set());
    } else if (letter === '}' || letter === ']') {
      around.pop();
    } else if (letter === ':') {
      key = JSON.parse(text.slice(begin, end + 1)) as string;
      const keys = around.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

/** Where the closing quote of a string is: the first that an even number of backslashes, or none, stands before. */
function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}
