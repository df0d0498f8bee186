import { describe, expect, it } from 'vitest';
import { kaiserWindow, transformOf, type TransformName } from '../src/bm3d/transforms.ts';

const product = (a: Float64Array, b: Float64Array, size: number) =>
  Array.from({ length: size * size }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += a[Math.floor(i / size) * size + k]! * b[k * size + (i % size)]!;
    return sum;
  });
const identity = (size: number) => Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
const rows = (matrix: Float64Array, size: number) =>
  Array.from({ length: size }, (_, i) => matrix.slice(i * size, (i + 1) * size));

describe('transformOf', () => {
  it.each<[TransformName, number]>([
    ['dct', 8],
    ['dct', 11],
    ['bior1.5', 8],
    ['haar', 8],
    ['hadamard', 8],
  ])('%s of %i has rows of length one and an inverse', (name, size) => {
    const { forward, inverse } = transformOf(name, size);
    expect(product(forward, inverse, size)).toBeAllClose(identity(size), { atol: 1e-12 });
    expect(rows(forward, size).map((row) => Math.hypot(...row))).toBeAllClose(new Array<number>(size).fill(1));
  });

  it('gives the DCT of two and four points', () => {
    expect(transformOf('dct', 2).forward).toBeAllClose([1, 1, 1, -1].map((v) => v * Math.SQRT1_2));
    const [, first] = rows(transformOf('dct', 4).forward, 4);
    expect(first!).toBeAllClose([0.6532815, 0.2705981, -0.2705981, -0.6532815]); // scipy.fft.dct(numpy.eye(4), norm='ortho')
  });

  it('has wavelets whose details do not see a constant, and one average', () => {
    for (const name of ['haar', 'bior1.5'] as const) {
      const [average, ...details] = rows(transformOf(name, 8).forward, 8);
      expect(average!).toBeAllClose(new Array<number>(8).fill(Math.SQRT1_2 / 2));
      for (const detail of details) expect(detail.reduce((a, b) => a + b)).toBeCloseTo(0, 12);
    }
  });

  it("has bior1.5's finest details from pairs of neighbours, and its next from ten times two", () => {
    const all = rows(transformOf('bior1.5', 8).forward, 8);
    expect(all[4]!).toBeAllClose([1, -1, 0, 0, 0, 0, 0, 0].map((v) => v * Math.SQRT1_2));
    // Differences of neighbouring averages, each from the filter 3 -3 -22 22 128 128 22 -22 -3 3 around its pair.
    const filter = [3, -3, -22, 22, 128, 128, 22, -22, -3, 3];
    const around = (pair: number) => {
      const line = new Array<number>(8).fill(0);
      filter.forEach((tap, t) => (line[(2 * pair - 4 + t + 8) % 8]! += tap));
      return line;
    };
    const difference = around(0).map((value, i) => value - around(1)[i]!);
    const length = Math.hypot(...difference);
    expect(all[2]!).toBeAllClose(difference.map((value) => value / length));
  });
});

it("gives Kaiser's window", () => {
  // numpy.kaiser(8, 2)[:4]
  const line = [0.43867628, 0.68132426, 0.87683991, 0.98582251];
  const window = kaiserWindow(8, 2);
  expect(window.slice(8, 12)).toBeAllClose(
    line.map((v) => v * line[1]!),
    { rtol: 1e-5 },
  );
  expect(window[63]).toBeCloseTo(line[0]! ** 2, 6);
});
