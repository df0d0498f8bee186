import { describe, expect, it } from 'vitest';
import { parseIdx } from '../src/index.ts';

const file = (type: number, sizes: number[], body: number[]) =>
  new Uint8Array([0, 0, type, sizes.length, ...sizes.flatMap((size) => [0, 0, size >> 8, size & 255]), ...body]);

describe('parseIdx', () => {
  it('reads each of the six types, big-endian', () => {
    expect(parseIdx(file(0x08, [2, 2], [1, 2, 3, 255]))).toEqual({
      shape: [2, 2],
      data: new Uint8Array([1, 2, 3, 255]),
    });
    expect(parseIdx(file(0x09, [2], [1, 255])).data).toEqual(new Int8Array([1, -1]));
    expect(parseIdx(file(0x0b, [2], [1, 0, 0xff, 0xfe])).data).toEqual(new Int16Array([256, -2]));
    expect(parseIdx(file(0x0c, [1], [0, 1, 0, 0])).data).toEqual(new Int32Array([65536]));
    expect(parseIdx(file(0x0d, [1], [0x3f, 0x80, 0, 0])).data).toEqual(new Float32Array([1]));
    expect(parseIdx(file(0x0e, [1], [0xbf, 0xf0, 0, 0, 0, 0, 0, 0])).data).toEqual(new Float64Array([-1]));
  });

  it('reads from the middle of a larger buffer', () => {
    const whole = new Uint8Array([9, 9, 9, ...file(0x0b, [1], [1, 2]), 9]);
    expect(parseIdx(whole.subarray(3, -1)).data).toEqual(new Int16Array([0x102]));
  });

  it('refuses files that are not what their header says', () => {
    const images = file(0x08, [3], [1, 2, 3]);
    const code = (bytes: Uint8Array, rank?: number) => {
      try {
        return parseIdx(bytes, 'x', rank).shape;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(images)).toEqual([3]);
    expect(code(images.subarray(0, -1))).toBe('DATASETS_TRUNCATED');
    expect(code(images.subarray(0, 6))).toBe('DATASETS_TRUNCATED');
    expect(code(new Uint8Array([...images, 0]))).toBe('DATASETS_TRAILING_BYTES');
    expect(code(new Uint8Array([1, ...images]))).toBe('DATASETS_NOT_IDX');
    expect(code(file(0x0a, [1], [1]))).toBe('DATASETS_NOT_IDX');
    expect(code(new Uint8Array(0))).toBe('DATASETS_NOT_IDX');
    expect(code(images, 3)).toBe('DATASETS_NOT_IDX');
    expect(() => parseIdx(new TextEncoder().encode('<html>'), 'page')).toThrow(
      'page is not an IDX file: it begins with',
    );
  });
});
