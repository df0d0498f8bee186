import { describe, expect, it } from 'vitest';
import { createGenerator } from '@missing-u/random';
import {
  cmmd,
  frechetDistanceInfinity,
  frechetDistanceOfFeatures,
  inceptionScore,
  kernelInceptionDistance,
  maximumMeanDiscrepancy,
  numpyRandomState,
  precisionRecall,
} from '../src/index.ts';
import { momentsOf } from '../src/distributions/frechet-distance.ts';
import { features, randomState } from './numpy.ts';
// Plain NumPy after torch-fidelity, prdc and cmmd: tools/reference/metrics/distributions.py.
import golden from './fixtures/distributions.json' with { type: 'json' };

const state = randomState(11);
const x = features(state, 90, 16);
const y = { ...features(state, 70, 16) };
y.data = y.data.map((value) => 0.8 * value + 0.3);
const logits = features(state, 103, 10);
logits.data = logits.data.map((value) => 3 * value);

const close = (actual: number, expected: number) => expect(Math.abs(actual / expected - 1)).toBeLessThan(1e-11);

describe('kernelInceptionDistance', () => {
  it('equals torch-fidelity and torchmetrics on whole sets', () => {
    const first = { data: x.data.slice(0, 70 * 16), rows: 70, columns: 16 };
    const { mean, std } = kernelInceptionDistance(first, y);
    close(mean, golden.kidTorchmetrics);
    expect(std).toBe(0);
    close(maximumMeanDiscrepancy(x, y), golden.kid);
    close(maximumMeanDiscrepancy(x, y, { degree: 2, gamma: 0.1, coef0: 0.5 }), golden.kidOptions);
  });

  it("draws torch-fidelity's subsets", () => {
    const { mean, std } = kernelInceptionDistance(x, y, { subsets: 20, subsetSize: 30 });
    close(mean, golden.kidSubsets[0]!);
    close(std, golden.kidSubsets[1]!);
    const again = kernelInceptionDistance(x, y, { subsets: 20, subsetSize: 30, generator: numpyRandomState(2020) });
    expect(again).toEqual({ mean, std });
  });

  it('averages random subsets, repeatably', () => {
    const options = { subsets: 400, subsetSize: 30 };
    const { mean, std } = kernelInceptionDistance(x, y, options);
    // Subsets are unbiased: their mean is within a few standard errors.
    expect(Math.abs(mean - golden.kid)).toBeLessThan((4 * std) / Math.sqrt(options.subsets));
    expect(kernelInceptionDistance(x, y, options)).toEqual({ mean, std });
    const other = kernelInceptionDistance(x, y, { ...options, generator: createGenerator(1) });
    expect(other.mean).not.toBe(mean);
  });

  it('is about zero for equal distributions', () => {
    const rng = randomState(4);
    const { mean, std } = kernelInceptionDistance(features(rng, 400, 8), features(rng, 400, 8), { subsetSize: 100 });
    expect(Math.abs(mean)).toBeLessThan(2 * std);
  });
});

describe('maximumMeanDiscrepancy', () => {
  it('with an RBF kernel', () => {
    close(maximumMeanDiscrepancy(x, y, { kernel: 'rbf', sigma: 4 }), golden.mmdRbf);
    close(cmmd(x, y), golden.cmmd);
    expect(cmmd(x, x)).toBeCloseTo(0, 11);
  });
});

describe('numpyRandomState', () => {
  it("has NumPy's orders", () => {
    const order = numpyRandomState(7).permutation(1000);
    expect(Array.from(order.subarray(0, 12))).toEqual(golden.permutation);
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(Array.from(numpyRandomState(0).permutation(1))).toEqual([0]);
    expect(() => numpyRandomState(-1)).toThrow(/seed/);
  });
});

describe('inceptionScore', () => {
  it('equals torch-fidelity', () => {
    const { mean, std } = inceptionScore(logits);
    close(mean, golden.inceptionScore[0]!);
    close(std, golden.inceptionScore[1]!);
    const shuffled = inceptionScore(logits, { generator: numpyRandomState(2020) });
    close(shuffled.mean, golden.inceptionScoreShuffled[0]!);
    close(shuffled.std, golden.inceptionScoreShuffled[1]!);
    expect(inceptionScore(logits, { splits: 1 })).toEqual({
      mean: expect.closeTo(golden.inceptionScoreOneSplit[0]!, 11),
      std: 0,
    });
  });

  it('is the number of classes at best, and one at worst', () => {
    const onePerClass = {
      data: Float64Array.from({ length: 100 }, (_, i) => (i % 11 === 0 ? 1 : 0)),
      rows: 10,
      columns: 10,
    };
    expect(inceptionScore(onePerClass, { splits: 1, input: 'probabilities' }).mean).toBeCloseTo(10, 12);
    expect(inceptionScore({ ...onePerClass, data: new Float64Array(100).fill(1) }, { splits: 1 }).mean).toBeCloseTo(
      1,
      12,
    );
  });
});

describe('precisionRecall', () => {
  it.each([3, 5] as const)('equals torch-fidelity and prdc, k = %d', (neighbors) => {
    const result = precisionRecall(y, x, { neighbors });
    for (const [key, value] of Object.entries(golden[`prdc${neighbors}`]))
      expect(result[key as keyof typeof result]).toBeCloseTo(value, 12);
  });

  it('has precision and recall the right way round', () => {
    // Generated images cover one of two real clusters: faithful, but half of the reality is missing.
    const rng = randomState(2);
    const clusters = features(rng, 80, 4);
    clusters.data = clusters.data.map((value, i) => value + (i < 160 ? 100 : 0));
    const one = { data: rng.randn(40, 4).map((value) => 0.5 * value), rows: 40, columns: 4 };
    const { precision, recall, coverage } = precisionRecall(one, clusters);
    expect(precision).toBe(1);
    expect(recall).toBeLessThanOrEqual(0.5);
    expect(coverage).toBeLessThanOrEqual(0.5);
  });

  it('is defined for equal and for constant images', () => {
    expect(precisionRecall(x, x)).toMatchObject({ precision: 1, recall: 1, coverage: 1, fScore: 1 });
    const flat = (value: number) => ({ data: new Float64Array(80).fill(value), rows: 10, columns: 8 });
    expect(precisionRecall(flat(0.1), flat(0.1))).toEqual({
      precision: 1,
      recall: 1,
      fScore: 1,
      density: 0,
      coverage: 0,
    });
    expect(precisionRecall(flat(0.1), flat(0.7))).toEqual({
      precision: 0,
      recall: 0,
      fScore: 0,
      density: 0,
      coverage: 0,
    });
  });
});

describe('frechetDistanceInfinity', () => {
  it('takes away most of the bias', () => {
    // Equal distributions: the true distance is zero, and what finite samples show is bias.
    const rng = randomState(6);
    const n = 12;
    const reference = {
      mu: new Float64Array(n),
      sigma: Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    };
    const { distance, slope, sizes, distances } = frechetDistanceInfinity(features(rng, 3000, n), reference, {
      smallest: 300,
    });
    expect(sizes[0]).toBe(300);
    expect(sizes.at(-1)).toBe(3000);
    expect(slope).toBeGreaterThan(0);
    expect(Math.abs(distance)).toBeLessThan(0.3 * distances.at(-1)!);
  });
});

it('takes 2-D tensors, and agrees with SciPy', async () => {
  const { mu } = momentsOf(x);
  expect(mu.length).toBe(16);
  close(frechetDistanceOfFeatures(x, y), golden.frechet);
});

describe('bad input', () => {
  const one = { data: x.data.slice(0, 16), rows: 1, columns: 16 };
  const narrow = { data: x.data.slice(0, 80), rows: 10, columns: 8 };
  it.each([
    ['KID of one image', () => kernelInceptionDistance(one, y), 'METRIC_TOO_FEW', /1 image,/],
    ['KID of other widths', () => kernelInceptionDistance(x, narrow), 'METRIC_SHAPE_MISMATCH', /16 features .* 8/],
    ['no subsets', () => kernelInceptionDistance(x, y, { subsets: 0 }), 'METRIC_BAD_ARGUMENT', /subsets/],
    [
      'NaN',
      () => kernelInceptionDistance(x, { ...y, data: y.data.with(17, NaN) }),
      'METRIC_NOT_FINITE',
      /row 1, column 1/,
    ],
    ['RBF without a width', () => maximumMeanDiscrepancy(x, y, { kernel: 'rbf' }), 'METRIC_BAD_ARGUMENT', /sigma/],
    [
      'an unknown kernel',
      () => maximumMeanDiscrepancy(x, y, { kernel: 'cubic' as never }),
      'METRIC_BAD_ARGUMENT',
      /polynomial/,
    ],
    ['too many splits', () => inceptionScore(logits, { splits: 104 }), 'METRIC_TOO_FEW', /104 splits/],
    ['a degree of NaN', () => kernelInceptionDistance(x, y, { degree: NaN }), 'METRIC_BAD_ARGUMENT', /degree/],
    ['an infinite gamma', () => kernelInceptionDistance(x, y, { gamma: Infinity }), 'METRIC_BAD_ARGUMENT', /gamma/],
    [
      'an unknown input',
      () => inceptionScore(logits, { input: 'logit' as never }),
      'METRIC_BAD_ARGUMENT',
      /Did you mean 'logits'/,
    ],
    [
      'probabilities of another sum',
      () =>
        inceptionScore(
          { data: new Float64Array(4).fill(5), rows: 2, columns: 2 },
          { splits: 1, input: 'probabilities' },
        ),
      'METRIC_BAD_ARGUMENT',
      /sum 1/,
    ],
    [
      'negative probabilities',
      () => inceptionScore(logits, { input: 'probabilities' }),
      'METRIC_BAD_ARGUMENT',
      /probabilities/,
    ],
    [
      'too few for the neighbours',
      () => precisionRecall(y, x, { neighbors: 70 }),
      'METRIC_TOO_FEW',
      /`generated` has 70/,
    ],
    ['no neighbours', () => precisionRecall(y, x, { neighbors: 0 }), 'METRIC_BAD_ARGUMENT', /neighbors/],
    [
      'no room to extrapolate',
      () => frechetDistanceInfinity(x, momentsOf(y), { smallest: 90 }),
      'METRIC_TOO_FEW',
      /smallest/,
    ],
  ])('%s', (_, run, code, message) => {
    expect(run).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
