import { describe, expect, it } from 'vitest';
import { decode, encode, type DType } from '../src/dtypes.ts';

const small: [DType, number][] = [
  ['float16', 65536],
  ['bfloat16', 65536],
  ['float8_e4m3fn', 256],
  ['float8_e5m2', 256],
];

describe('small floats', () => {
  it.each(small)('encode undoes decode for every code of %s', (dtype, count) => {
    const codes =
      count === 256
        ? Uint8Array.from({ length: count }, (_, i) => i)
        : Uint16Array.from({ length: count }, (_, i) => i);
    const bytes = new Uint8Array(codes.buffer);
    const values = decode(dtype, bytes) as Float32Array<ArrayBuffer>;
    const again = decode(dtype, encode(dtype, values));
    expect(again).toEqual(values);
    const same = encode(dtype, values).every(
      (byte, i) => byte === bytes[i] || Number.isNaN(values[Math.floor((i / bytes.length) * count)]!),
    );
    expect(same).toBe(true);
  });

  // IEEE 754: half-way cases go to the even neighbour, and too large ones to infinity.
  it.each([
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [65519, 65504],
    [65520, Infinity],
    [2 ** -25, 0],
    [1.5 * 2 ** -24, 2 ** -23],
    [2 ** -14 - 2 ** -26, 2 ** -14],
  ])('rounds %f to %f in half precision', (value, expected) => {
    expect(decode('float16', encode('float16', Float32Array.of(value)))[0]).toBe(expected);
  });

  it('has no infinity in float8_e4m3fn', () => {
    expect(decode('float8_e4m3fn', encode('float8_e4m3fn', Float32Array.of(448, 1e9)))).toEqual(
      Float32Array.of(448, NaN),
    );
  });
});
