import { describe, expect, it } from 'vitest';
import { frechetDistance, frechetDistanceInWorker, frechetDistanceOfFeatures } from '../src/index.ts';
import { momentsOf } from '../src/distributions/frechet-distance.ts';
import { features, randomState } from './numpy.ts';

const pair = (rows: number, columns: number, seed: number) => {
  const state = randomState(seed);
  return [features(state, rows, columns), features(state, rows, columns)] as const;
};
const identity = (n: number) => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));

describe('frechetDistance', () => {
  // scipy's sqrtm and the eigenvalues of the product, as torch-fidelity takes them; NumPy's RandomState(seed).
  it.each([
    [64, 8, 2023, 1.0081763712033975],
    [256, 16, 2023, 0.744699064575304],
  ])('equals scipy at full rank, %d x %d', (rows, columns, seed, expected) => {
    const distance = frechetDistanceOfFeatures(...pair(rows, columns, seed));
    expect(Math.abs(distance / expected - 1)).toBeLessThan(1e-12);
  });

  it.each([
    [4, 4, 1, 4.753837617472012],
    [64, 128, 2023, 114.32331116097114],
  ])('agrees below full rank, %d x %d', (rows, columns, seed, expected) => {
    const [a, b] = pair(rows, columns, seed);
    expect(Math.abs(frechetDistanceOfFeatures(a, b) / expected - 1)).toBeLessThan(1e-7);
    expect(frechetDistanceOfFeatures(b, a)).toBeCloseTo(frechetDistanceOfFeatures(a, b), 9);
  });

  it('is exact for one deficient and one full covariance, in both orders', () => {
    // Diagonal matrices have the distance sum (sqrt a - sqrt b)².
    const n = 40;
    const a = Float64Array.from({ length: n }, (_, i) => (i < 10 ? i + 1 : 0));
    const b = Float64Array.from({ length: n }, (_, i) => 1 / (i + 1));
    const expected = a.reduce((sum, value, i) => sum + (Math.sqrt(value) - Math.sqrt(b[i]!)) ** 2, 0);
    const diagonal = (values: Float64Array) => identity(n).map((one, i) => one * values[Math.floor(i / n)]!);
    const zero = new Float64Array(n);
    expect(frechetDistance(zero, diagonal(a), zero, diagonal(b))).toBeCloseTo(expected, 12);
    expect(frechetDistance(zero, diagonal(b), zero, diagonal(a))).toBeCloseTo(expected, 12);
  });

  it("is 2048 for pytorch-fid's own test", () => {
    const n = 2048;
    expect(frechetDistance(new Float64Array(n), identity(n), new Float64Array(n).fill(1), identity(n))).toBeCloseTo(
      2048,
      9,
    );
  });

  it('is zero for equal distributions, never below', () => {
    const [a] = pair(200, 33, 5);
    const { mu, sigma } = momentsOf(a);
    const distance = frechetDistance(mu, sigma, mu, sigma);
    expect(distance).toBeGreaterThanOrEqual(0);
    expect(distance).toBeLessThan(1e-11);
    const zeros = new Float64Array(33 * 33);
    expect(frechetDistance(mu, zeros, mu, zeros)).toBe(0);
  });

  it('is exact for variances of any size', async () => {
    // Diagonals a and b of n features have the distance n (sqrt a - sqrt b)².
    for (const [a, b, expected] of [
      [1e200, 4e200, 2e200],
      [1e-300, 4e-300, 2e-300],
      [1e-320, 4e-300, 8e-300],
      [1e300, 1e-300, 2e300],
      [3, 3e100, 6e100],
    ] as const) {
      const zero = new Float64Array(2);
      const [s1, s2] = [a, b].map((size) => Float64Array.of(size, 0, 0, size)) as [Float64Array, Float64Array];
      for (const distance of [frechetDistance(zero, s1, zero, s2), await frechetDistanceInWorker(zero, s2, zero, s1)]) {
        expect(Math.abs(distance / expected - 1), `${a}, ${b}`).toBeLessThan(1e-9);
      }
    }
  });

  it('takes covariances of few images that were computed in float32', () => {
    const [a, b] = pair(10, 24, 9).map(momentsOf) as [ReturnType<typeof momentsOf>, ReturnType<typeof momentsOf>];
    const rounded = Float64Array.from(Float32Array.from(a.sigma));
    const exact = frechetDistance(a.mu, a.sigma, b.mu, b.sigma);
    expect(Math.abs(frechetDistance(a.mu, rounded, b.mu, b.sigma) / exact - 1)).toBeLessThan(1e-2);
  });

  it('gives the same number in a worker, with the event loop free', async () => {
    const [a, b] = pair(300, 70, 6).map(momentsOf) as [ReturnType<typeof momentsOf>, ReturnType<typeof momentsOf>];
    const distance = await frechetDistanceInWorker(a.mu, a.sigma, b.mu, b.sigma);
    expect(distance).toBe(frechetDistance(a.mu, a.sigma, b.mu, b.sigma));
  });
});

describe('bad input', () => {
  const one = identity(2);
  const zero = new Float64Array(2);
  const opposed = Float64Array.of(1, -0.9, -0.9, -0.9, 1, -0.9, -0.9, -0.9, 1);
  it.each([
    ['different sizes', () => frechetDistance(zero, one, new Float64Array(3), identity(3)), 'METRIC_SHAPE_MISMATCH'],
    ['a covariance of another size', () => frechetDistance(zero, identity(3), zero, one), 'METRIC_SHAPE_MISMATCH'],
    ['NaN', () => frechetDistance(Float64Array.of(NaN, 0), one, zero, one), 'METRIC_NOT_FINITE'],
    ['NaN in a covariance', () => frechetDistance(zero, Float64Array.of(1, NaN, 0, 1), zero, one), 'METRIC_NOT_FINITE'],
    [
      'an infinite variance',
      () => frechetDistance(zero, Float64Array.of(Infinity, 0, 0, 1), zero, one),
      'METRIC_NOT_FINITE',
    ],
    ['no symmetry', () => frechetDistance(zero, Float64Array.of(1, 0.5, 0, 1), zero, one), 'METRIC_NOT_COVARIANCE'],
    [
      'a negative variance',
      () => frechetDistance(zero, Float64Array.of(-1, 0, 0, 1), zero, one),
      'METRIC_NOT_COVARIANCE',
    ],
    [
      'a covariance beyond the variances',
      () => frechetDistance(zero, Float64Array.of(1, 2, 2, 1), zero, one),
      'METRIC_NOT_COVARIANCE',
    ],
    [
      'three features that are all opposed, first',
      () => frechetDistance(new Float64Array(3), opposed, new Float64Array(3), identity(3)),
      'METRIC_NOT_COVARIANCE',
    ],
    [
      'three features that are all opposed, second',
      () => frechetDistance(new Float64Array(3), identity(3), new Float64Array(3), opposed),
      'METRIC_NOT_COVARIANCE',
    ],
    ['means too far apart', () => frechetDistance(Float64Array.of(1e200, 0), one, zero, one), 'METRIC_NOT_FINITE'],
    ['no mean', () => frechetDistance(undefined as never, one, zero, one), 'METRIC_BAD_ARGUMENT'],
    ['no features', () => frechetDistanceOfFeatures(undefined as never, undefined as never), 'METRIC_BAD_ARGUMENT'],
    ['nothing', () => frechetDistance(new Float64Array(0), new Float64Array(0), zero, one), 'METRIC_BAD_ARGUMENT'],
    [
      'one image',
      () => frechetDistanceOfFeatures({ data: zero, rows: 1, columns: 2 }, { data: one, rows: 2, columns: 2 }),
      'METRIC_TOO_FEW',
    ],
  ])('%s', (_, run, code) => {
    expect(run).toThrow(expect.objectContaining({ code }));
  });
});
