import { describe, expect, it } from 'vitest';
import { FeatureStatistics, frechetDistance } from '../src/index.ts';
import { features, randomState } from './numpy.ts';

const columns = 24;
const all = features(randomState(3), 700, columns);
const slice = (from: number, to: number) => ({
  data: all.data.slice(from * columns, to * columns),
  rows: to - from,
  columns,
});

/** Mean and covariance by the two-pass formula. */
function direct({ data, rows }: typeof all) {
  const mu = Float64Array.from({ length: columns }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += data[i * columns + j]!;
    return sum / rows;
  });
  const sigma = Float64Array.from({ length: columns ** 2 }, (_, at) => {
    const [j, k] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += (data[i * columns + j]! - mu[j]!) * (data[i * columns + k]! - mu[k]!);
    return sum / (rows - 1);
  });
  return { mu, sigma };
}

describe('FeatureStatistics', () => {
  it('equals the two-pass formula, far from zero too', () => {
    const shifted = { ...all, data: all.data.map((value, i) => value + 1e6 * ((i % columns) + 1)) };
    const { mu, sigma, count } = new FeatureStatistics(columns).update(shifted).compute();
    const expected = direct(shifted);
    expect(count).toBe(700);
    expect(mu).toBeAllClose(expected.mu, { rtol: 1e-14, atol: 0 });
    expect(sigma).toBeAllClose(expected.sigma, { rtol: 0, atol: 1e-8 });
    expect(new FeatureStatistics().update(all).compute().sigma).toBeAllClose(direct(all).sigma, {
      rtol: 0,
      atol: 1e-14,
    });
  });

  it("has pytorch-fid's values for three flat images", () => {
    const flat = { data: Float64Array.of(0, 0, 0.5, 0.5, 1, 1), rows: 3, columns: 2 };
    const { mu, sigma } = new FeatureStatistics().update(flat).compute();
    expect(Array.from(mu)).toEqual([0.5, 0.5]);
    expect(Array.from(sigma)).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  it.each([1, 7, 64])('gives one distance from %d shards', (shards) => {
    const other = new FeatureStatistics().update(features(randomState(8), 300, columns)).compute();
    const distanceTo = ({ mu, sigma }: { mu: Float64Array; sigma: Float64Array }) =>
      frechetDistance(mu, sigma, other.mu, other.sigma);
    const expected = distanceTo(direct(all));
    const parts = Array.from({ length: shards }, (_, shard) => {
      const [from, to] = [shard, shard + 1].map((edge) => Math.floor((edge * all.rows) / shards)) as [number, number];
      return new FeatureStatistics().update(slice(from, to));
    });
    const forwards = parts.reduce((sum, part) => sum.merge(part), new FeatureStatistics());
    const backwards = parts.reduceRight((sum, part) => sum.merge(part), new FeatureStatistics(columns));
    for (const merged of [forwards, backwards]) {
      expect(merged.count).toBe(700);
      expect(Math.abs(distanceTo(merged.compute()) / expected - 1)).toBeLessThan(1e-10);
    }
  });

  it('continues from its JSON bit by bit', () => {
    const first = new FeatureStatistics().update(slice(0, 333));
    const restored = FeatureStatistics.fromJSON(JSON.parse(JSON.stringify(first)));
    expect(restored.update(slice(333, 700)).compute()).toEqual(first.update(slice(333, 700)).compute());
    expect(FeatureStatistics.fromJSON(new FeatureStatistics().toJSON()).count).toBe(0);
  });

  it('comes from moments, merges with itself, and forgets', () => {
    const once = new FeatureStatistics().update(slice(0, 100));
    const { mu, sigma } = once.compute();
    const copy = FeatureStatistics.fromMoments({ mu, sigma, count: 100 });
    expect(copy.compute().sigma).toBeAllClose(sigma, { rtol: 1e-14 });
    const twice = copy.merge(copy).compute();
    expect(twice.count).toBe(200);
    expect(twice.sigma).toBeAllClose(
      sigma.map((value) => (value * 198) / 199),
      { rtol: 1e-12 },
    );
    once.reset();
    expect(once.update(slice(100, 200)).compute().sigma).toBeAllClose(direct(slice(100, 200)).sigma, {
      rtol: 1e-12,
      atol: 1e-14,
    });
  });

  it('takes constant images: no spread', () => {
    const flat = { data: new Float64Array(10 * columns).fill(0.3), rows: 10, columns };
    expect(
      new FeatureStatistics()
        .update(flat)
        .compute()
        .sigma.every((value) => Math.abs(value) < 1e-30),
    ).toBe(true);
  });
});

describe('bad input', () => {
  const json = (changes: object) => ({ ...new FeatureStatistics(3).toJSON(), ...changes });
  it.each([
    ['one image', () => new FeatureStatistics().update(slice(0, 1)).compute(), 'METRIC_TOO_FEW'],
    ['none', () => new FeatureStatistics().compute(), 'METRIC_TOO_FEW'],
    ['another width', () => new FeatureStatistics(7).update(all), 'METRIC_SHAPE_MISMATCH'],
    ['wrong size', () => new FeatureStatistics().update({ ...all, rows: 3 }), 'METRIC_SHAPE_MISMATCH'],
    [
      'NaN',
      () => new FeatureStatistics().update({ data: Float64Array.of(1, NaN), rows: 1, columns: 2 }),
      'METRIC_NOT_FINITE',
    ],
    ['no dimension', () => new FeatureStatistics(0), 'METRIC_BAD_ARGUMENT'],
    ['moments without a count', () => FeatureStatistics.fromMoments(direct(all)), 'METRIC_BAD_ARGUMENT'],
    ['moments of no image', () => FeatureStatistics.fromMoments({ ...direct(all), count: 0 }), 'METRIC_BAD_ARGUMENT'],
    ['moments of -3', () => FeatureStatistics.fromMoments({ ...direct(all), count: -3 }), 'METRIC_BAD_ARGUMENT'],
    ['moments of 2.5', () => FeatureStatistics.fromMoments({ ...direct(all), count: 2.5 }), 'METRIC_BAD_ARGUMENT'],
    [
      'a covariance of another size',
      () => FeatureStatistics.fromMoments({ mu: new Float64Array(2), sigma: new Float64Array(3), count: 5 }),
      'METRIC_SHAPE_MISMATCH',
    ],
    [
      'moments that are not finite',
      () => FeatureStatistics.fromMoments({ mu: new Float64Array(1), sigma: Float64Array.of(NaN), count: 5 }),
      'METRIC_NOT_FINITE',
    ],
    ['JSON without a mean', () => FeatureStatistics.fromJSON(json({ mean: undefined })), 'METRIC_BAD_FILE'],
    ['JSON that is no base64', () => FeatureStatistics.fromJSON(json({ scatter: '*' })), 'METRIC_BAD_FILE'],
    ['JSON without a dimension', () => FeatureStatistics.fromJSON(json({ dimension: undefined })), 'METRIC_BAD_FILE'],
    ['other JSON', () => FeatureStatistics.fromJSON({} as never), 'METRIC_BAD_FILE'],
    [
      'cut JSON',
      () => FeatureStatistics.fromJSON({ ...new FeatureStatistics(3).toJSON(), mean: '' }),
      'METRIC_BAD_FILE',
    ],
  ])('%s', (_, run, code) => {
    expect(run).toThrow(expect.objectContaining({ code }));
  });
});
