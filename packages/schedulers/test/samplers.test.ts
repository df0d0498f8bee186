import { describe, expect, it } from 'vitest';
import {
  appendZero,
  createGenerator,
  karrasSigmas,
  polyexponentialSigmas,
  sampleDdim,
  sampleDpm2,
  sampleDpm2Ancestral,
  sampleDpmAdaptive,
  sampleDpmpp2m,
  sampleDpmpp2mSde,
  sampleDpmFast,
  sampleDpmpp2sAncestral,
  sampleDpmpp3mSde,
  sampleDpmppSde,
  sampleEuler,
  sampleEulerAncestral,
  sampleHeun,
  sampleLms,
  type Denoiser,
} from '../src/index.ts';
import { MIXTURE, exactDenoiser } from './gaussian-mixture.ts';

/** A normal distribution N(m, s²): D(x) = m + (x - m) s²/(s² + σ²), and the ODE's solution is x(σ) = m + (x - m) √((s²+σ'²)/(s²+σ²)). */
const [CENTRE, SPREAD] = [0.4, 0.7];
const gaussian: Denoiser<Float64Array> = (x, sigma) =>
  x.map((one) => CENTRE + ((one - CENTRE) * SPREAD ** 2) / (SPREAD ** 2 + sigma ** 2));
const solution = (x: Float64Array, from: number, to: number) =>
  x.map((one) => CENTRE + (one - CENTRE) * Math.sqrt((SPREAD ** 2 + to ** 2) / (SPREAD ** 2 + from ** 2)));

const start = (count: number, seed = 1) => createGenerator(seed).fillNormal(new Float64Array(count));
type Sampler = (denoiser: Denoiser<Float64Array>, x: Float64Array, sigmas: Float64Array) => Float64Array;

/** With the order of the whole: multistep methods of higher order begin with an Euler step, which holds them at 2. */
const deterministic: [string, Sampler, number][] = [
  ['Euler', sampleEuler, 1],
  ['DDIM', sampleDdim, 1],
  ['Heun', sampleHeun, 2],
  ['DPM2', sampleDpm2, 2],
  ['2S without noise', (d, x, s) => sampleDpmpp2sAncestral(d, x, s, { eta: 0 }), 2],
  ['SDE without noise', (d, x, s) => sampleDpmppSde(d, x, s, { eta: 0 }), 2],
  ['DPM++ 2M', sampleDpmpp2m, 2],
  ['2M SDE without noise', (d, x, s) => sampleDpmpp2mSde(d, x, s, { eta: 0, solverType: 'heun' }), 2],
  ['3M SDE without noise', (d, x, s) => sampleDpmpp3mSde(d, x, s, { eta: 0 }), 2],
  ['LMS', sampleLms, 2],
];

describe.each(deterministic)('%s', (_, sample, order) => {
  it('has its order on a Gaussian mixture with exact scores', () => {
    const denoiser = exactDenoiser(MIXTURE);
    const x = start(20).map((one) => 3 * one);
    const range = { sigmaMin: 0.4, sigmaMax: 3 };
    const at = (steps: number) => sample(denoiser, x, polyexponentialSigmas(steps + 1, range));
    const reference = sampleHeun(denoiser, x, polyexponentialSigmas(20_001, range));
    const error = (steps: number) => Math.hypot(...at(steps).map((one, i) => one - reference[i]!));
    const measured = Math.log2(error(64) / error(128));
    expect(measured).toBeGreaterThan(order - 0.4);
    expect(measured).toBeLessThan(order + 0.9);
  });

  it('follows the exact solution on a Gaussian', () => {
    const x = start(8).map((one) => 10 * one);
    const sigmas = karrasSigmas(400, { sigmaMin: 0.05, sigmaMax: 10 });
    const error = order === 1 ? 2e-2 : 2e-4;
    expect(sample(gaussian, x, sigmas)).toBeAllClose(solution(x, 10, 0.05), { rtol: error, atol: error });
  });
});

const stochastic: [string, Sampler][] = [
  ['Euler with churn', (d, x, s) => sampleEuler(d, x, s, { sChurn: 20, generator: createGenerator(2) })],
  ['Euler ancestral', (d, x, s) => sampleEulerAncestral(d, x, s, { generator: createGenerator(2) })],
  ['Heun with churn', (d, x, s) => sampleHeun(d, x, s, { sChurn: 20, generator: createGenerator(2) })],
  ['DPM2 ancestral', (d, x, s) => sampleDpm2Ancestral(d, x, s, { generator: createGenerator(2) })],
  ['2S ancestral', (d, x, s) => sampleDpmpp2sAncestral(d, x, s, { generator: createGenerator(2) })],
  ['SDE', (d, x, s) => sampleDpmppSde(d, x, s, { generator: createGenerator(2) })],
  ['2M SDE', (d, x, s) => sampleDpmpp2mSde(d, x, s, { generator: createGenerator(2) })],
  ['3M SDE', (d, x, s) => sampleDpmpp3mSde(d, x, s, { generator: createGenerator(2) })],
];

it.each(stochastic)('%s ends in the moments of a Gaussian', (_, sample) => {
  const count = 4000;
  const x = start(count).map((one) => 20 * one);
  const end = sample(gaussian, x, appendZero(karrasSigmas(60, { sigmaMin: 0.02, sigmaMax: 20 })));
  const centre = end.reduce((sum, one) => sum + one, 0) / count;
  const spread = Math.sqrt(end.reduce((sum, one) => sum + (one - centre) ** 2, 0) / count);
  // Four standard errors of 4000 draws, and the discretisation.
  expect(Math.abs(centre - CENTRE)).toBeLessThan(0.06);
  expect(Math.abs(spread - SPREAD)).toBeLessThan(0.06);
});

describe('dpm_adaptive', () => {
  it.each([2, 3] as const)('keeps its tolerance at order %i', (order) => {
    const x = start(8).map((one) => 10 * one);
    const range = { sigmaMin: 0.05, sigmaMax: 10 };
    const errors = [1e-2, 1e-4].map((rtol) => {
      const { x: end, info } = sampleDpmAdaptive(gaussian, x, range, { order, rtol, atol: rtol / 10 });
      expect(info.accepted + info.rejected).toBe(info.steps);
      expect(info.nfe).toBe(order * info.steps);
      const exact = solution(x, 10, 0.05);
      return Math.max(...end.map((one, i) => Math.abs(one - exact[i]!)));
    });
    expect(errors[0]).toBeLessThan(5e-2);
    expect(errors[1]).toBeLessThan(1e-3);
  });

  it('says so when it does not arrive', () => {
    const run = () => sampleDpmAdaptive(gaussian, start(2), { sigmaMin: 0.05, sigmaMax: 10 }, { maxSteps: 3 });
    expect(run).toThrow(/maxSteps = 3/);
    expect(() => sampleDpmAdaptive(gaussian, start(2), { sigmaMin: 0, sigmaMax: 10 })).toThrow(/sigmaMin/);
  });
});

describe('dpm_fast', () => {
  const range = { sigmaMin: 0.05, sigmaMax: 10 };

  it('is of third order up to its last steps, with exactly as many model calls as it was told', () => {
    const x = start(8).map((one) => 10 * one);
    const exact = solution(x, 10, 0.05);
    const error = (nfe: number) => {
      let calls = 0;
      const counted: Denoiser<Float64Array> = (at, sigma) => (calls++, gaussian(at, sigma));
      const end = sampleDpmFast(counted, x, { ...range, nfe });
      expect(calls).toBe(nfe);
      return Math.max(...end.map((one, i) => Math.abs(one - exact[i]!)));
    };
    // With nfe = 3n + 2 the last step is of second order, of error h³; every step's own error is no less.
    expect(Math.log2(error(62) / error(122))).toBeGreaterThan(2.5);
    for (const nfe of [1, 2, 3, 4, 6]) expect(error(nfe)).toBeLessThan(20);
  });

  it('refuses ranges and counts that make no sense', () => {
    expect(() => sampleDpmFast(gaussian, start(2), { sigmaMin: 0, sigmaMax: 1, nfe: 5 })).toThrow(/sigmaMin/);
    expect(() => sampleDpmFast(gaussian, start(2), { ...range, nfe: 2.5 })).toThrow(/nfe/);
    expect(() => sampleDpmFast(gaussian, start(2), { ...range, nfe: 5 }, { eta: 1 })).toThrow(/generator/);
  });
});

it('tells the callback every level, and refuses levels that rise', () => {
  const seen: number[] = [];
  sampleEuler(gaussian, start(2), [4, 2, 1, 0], { callback: ({ sigma }) => seen.push(sigma) });
  expect(seen).toEqual([4, 2, 1]);
  expect(() => sampleEuler(gaussian, start(2), [1, 2])).toThrow(/falling/);
  expect(() => sampleEulerAncestral(gaussian, start(2), [2, 1])).toThrow(/generator/);
});
