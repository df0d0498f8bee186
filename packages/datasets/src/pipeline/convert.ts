/** Lowest and highest value of float images: byte 0 becomes the first number, byte 255 the second. */
export type Range = readonly [low: number, high: number];

/** What models take. */
export const SIGNED: Range = [-1, 1];

/** What a range may be, for messages. */
export const RANGE = 'two finite numbers, like [-1, 1]';

export function isRange(range: unknown): range is Range {
  return Array.isArray(range) && range.length === 2 && range.every(Number.isFinite);
}

/**
 * Bytes 0 .. 255 to floats in `range`. Each value is the nearest float32 to `low + byte / 255 * (high - low)`.
 *
 * Two bytes are looked up at a time in a table of 65,536 pairs of floats, read and written as float64: this halves the
 * loads and stores of the loop that decides how fast images come out of memory. No pair of finite floats is a NaN double,
 * so the bits survive.
 */
export function toFloats(bytes: Uint8Array, range: Range = SIGNED): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bytes.length);
  const { single, pairs } = tablesFor(range);
  let done = 0;
  if (bytes.byteOffset % 2 === 0) {
    const input = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
    const output = new Float64Array(out.buffer, 0, input.length);
    const blocks = input.length & ~3;
    for (let i = 0; i < blocks; i += 4) {
      output[i] = pairs[input[i]!]!;
      output[i + 1] = pairs[input[i + 1]!]!;
      output[i + 2] = pairs[input[i + 2]!]!;
      output[i + 3] = pairs[input[i + 3]!]!;
    }
    done = 2 * blocks;
  }
  for (let i = done; i < bytes.length; i++) out[i] = single[bytes[i]!]!;
  return out;
}

interface Tables {
  single: Float32Array;
  pairs: Float64Array;
}

const tables = new Map<string, Tables>();

function tablesFor(range: Range): Tables {
  const key = range.join();
  let found = tables.get(key);
  if (found === undefined) {
    const [low, high] = range;
    const single = Float32Array.from({ length: 256 }, (_, byte) => low + (byte / 255) * (high - low));
    const pairs = new Float32Array(2 * 65536);
    const words = new Uint16Array(1);
    const halves = new Uint8Array(words.buffer);
    for (let word = 0; word < 65536; word++) {
      words[0] = word;
      pairs[2 * word] = single[halves[0]!]!;
      pairs[2 * word + 1] = single[halves[1]!]!;
    }
    found = { single, pairs: new Float64Array(pairs.buffer) };
    tables.set(key, found);
  }
  return found;
}
