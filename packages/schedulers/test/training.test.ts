import { describe, expect, it } from 'vitest';
import {
  DDPMScheduler,
  DPMSolverMultistepScheduler,
  EDMEulerScheduler,
  FlowMatchEulerDiscreteScheduler,
  FlowMatchHeunDiscreteScheduler,
  LossSecondMomentSampler,
  SpacedDiffusion,
  arithmeticOf,
  createGenerator,
  discretizedLogLikelihood,
  linearBetas,
  logNormalSigmas,
  logitNormalProbabilities,
  logitNormalTimesteps,
  minSnrWeights,
  normalKl,
  p2Weights,
  signalToNoise,
  spaceTimesteps,
  stratifiedTimesteps,
  trainingPair,
  uniformTimesteps,
  type Generator,
} from '../src/index.ts';

const scheduler = new DDPMScheduler();
const draw = (count: number, seed = 1) => createGenerator(seed).fillNormal(new Float64Array(count));

describe('weights', () => {
  it('are those of the papers', () => {
    const snr = signalToNoise(scheduler.alphasCumprod);
    const epsilon = minSnrWeights(scheduler.alphasCumprod);
    const sample = minSnrWeights(scheduler.alphasCumprod, { predictionType: 'sample' });
    const velocity = minSnrWeights(scheduler.alphasCumprod, { predictionType: 'v_prediction' });
    for (const t of [0, 100, 500, 999]) {
      expect(sample[t]).toBeCloseTo(Math.min(snr[t]!, 5), 12);
      expect(epsilon[t]! * snr[t]!).toBeCloseTo(sample[t]!, 12);
      expect(velocity[t]! * (snr[t]! + 1)).toBeCloseTo(sample[t]!, 12);
      expect(p2Weights(scheduler.alphasCumprod)[t]).toBeCloseTo(1 / (1 + snr[t]!), 12);
    }
  });

  it('are finite at zero terminal SNR', () => {
    const { alphasCumprod } = new DDPMScheduler({ rescaleBetasZeroSnr: true });
    for (const predictionType of ['epsilon', 'sample', 'v_prediction'] as const) {
      expect(minSnrWeights(alphasCumprod, { predictionType }).every(Number.isFinite)).toBe(true);
      expect(p2Weights(alphasCumprod, { predictionType }).every(Number.isFinite)).toBe(true);
    }
  });
});

it.each(['epsilon', 'sample', 'v_prediction'] as const)(
  'a perfect prediction of the %s target gives x0 back',
  (predictionType) => {
    const forward = new DDPMScheduler({ predictionType, clipSample: false });
    const [x0, noise] = [draw(6, 1), draw(6, 2)];
    const { noisy, target } = trainingPair(forward, x0, noise, 300);
    expect(forward.step(target, 300, noisy, { noise }).predOriginalSample).toBeAllClose(x0, { atol: 1e-12 });
  },
);

it('the target of straight flows is the flow, noise less data', () => {
  for (const forward of [
    new FlowMatchEulerDiscreteScheduler(),
    new FlowMatchHeunDiscreteScheduler(),
    new DPMSolverMultistepScheduler({ useFlowSigmas: true, predictionType: 'flow_prediction' }),
  ]) {
    forward.setTimesteps(4);
    const [x0, noise, t] = [draw(6, 1), draw(6, 2), forward.timesteps[0]!];
    const { noisy, target } = trainingPair(forward, x0, noise, t);
    expect(target).toEqual(noise.map((one, i) => one - x0[i]!));
    expect(forward.step(target, t, noisy).predOriginalSample).toBeAllClose(x0, { atol: 1e-12 });
  }
});

it('refuses a pair for schedulers that name no target', () => {
  const edm = new EDMEulerScheduler();
  const nameless = { config: {}, addNoise: edm.addNoise.bind(edm) };
  const x0 = draw(6);
  expect(() => trainingPair(nameless, x0, x0, edm.timesteps[0]!)).toThrow(/predictionType/);
  const mixed = new DPMSolverMultistepScheduler({ predictionType: 'flow_prediction' });
  expect(() => trainingPair(mixed, x0, x0, mixed.timesteps[0]!)).toThrow(/levels are those of flows/);
});

describe('likelihood', () => {
  it('has the KL divergence of normal distributions', () => {
    const ops = arithmeticOf(new Float64Array(1));
    const kl = normalKl(
      ops,
      { mean: Float64Array.of(1), logVariance: Float64Array.of(Math.log(4)) },
      { mean: Float64Array.of(-1), logVariance: Float64Array.of(Math.log(9)) },
    );
    expect(kl[0]).toBeCloseTo(Math.log(3 / 2) + (4 + 4) / 18 - 0.5, 12);
  });

  it('puts a total probability of 1 on the 256 values', () => {
    const x = Float64Array.from({ length: 256 }, (_, i) => (2 * i) / 255 - 1);
    const ops = arithmeticOf(x);
    const constant = (value: number) => new Float64Array(256).fill(value);
    const logs = discretizedLogLikelihood(ops, x, { mean: constant(0.3), logVariance: constant(Math.log(0.04)) });
    expect(logs.reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 6);
  });
});

describe('SpacedDiffusion', () => {
  const betas = linearBetas(1000);

  it('respaces as improved-diffusion does', () => {
    expect(spaceTimesteps(300, [10, 15, 20])).toHaveLength(45);
    expect(spaceTimesteps(1000, 'ddim10')).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    expect(spaceTimesteps(1000, 5)).toEqual([0, 250, 500, 749, 999]);
    expect(() => spaceTimesteps(1000, 'ddim999')).toThrow(/whole stride/);
    expect(() => spaceTimesteps(10, [20])).toThrow(/from 1 to 10/);
    const spaced = new SpacedDiffusion({ betas, timesteps: [100, 500, 900] });
    expect(spaced.alphasCumprod).toBeAllClose(
      [100, 500, 900].map((t) => scheduler.alphasCumprod[t]!),
      { rtol: 1e-12 },
    );
    expect([...spaced.timestepMap]).toEqual([100, 500, 900]);
  });

  it('has the posterior moments of Bayes rule', () => {
    const diffusion = new SpacedDiffusion({ betas });
    const [x0, xt, t] = [0.3, -0.5, 400];
    const { mean, logVariance } = diffusion.qPosterior(Float64Array.of(x0), Float64Array.of(xt), t);
    // q(x_{t-1} | x0) = N(a x0, v) and q(x_t | x_{t-1}) = N(√α x, β): a product of two normal densities.
    const before = diffusion.alphasCumprod[t - 1]!;
    const beta = betas[t]!;
    const precision = 1 / (1 - before) + (1 - beta) / beta;
    expect(Math.exp(logVariance[0]!)).toBeCloseTo(1 / precision, 12);
    expect(mean[0]).toBeCloseTo(
      ((Math.sqrt(before) * x0) / (1 - before) + (Math.sqrt(1 - beta) * xt) / beta) / precision,
      12,
    );
  });

  it('has a bound that a perfect model brings near the entropy, and a worse one does not', () => {
    const diffusion = new SpacedDiffusion({ betas, timesteps: spaceTimesteps(1000, 100) });
    const x0 = Float64Array.from({ length: 16 }, (_, i) => Math.round(255 * (i / 15)) / 127.5 - 1);
    const bits = (worse: number) => {
      const noises = new Map<number, Float64Array>();
      const noiseAt = (t: number) => {
        const noise = draw(16, t);
        noises.set(diffusion.timestepMap[t]!, noise);
        return noise;
      };
      return diffusion.bitsPerDim((_, t) => noises.get(t[0]!)!.map((one) => one + worse), x0, noiseAt);
    };
    const [perfect, worse] = [bits(0), bits(0.3)];
    // The bound of a model that knows the noise is the prior's term and the decoder's rounding alone.
    expect(perfect.totalBpd[0]).toBeLessThan(2);
    expect(perfect.totalBpd[0]).toBeGreaterThan(0);
    expect(worse.totalBpd[0]).toBeGreaterThan(perfect.totalBpd[0]! + 0.5);
    expect(perfect.vb).toHaveLength(100);
    expect(perfect.xstartMse[0]![0]).toBeLessThan(1e-12);
    const sum = perfect.vb.reduce((total, term) => total + term[0]!, perfect.priorBpd[0]!);
    expect(perfect.totalBpd[0]).toBeCloseTo(sum, 12);
  });

  it('adds the bound to the squared error where a variance is learned', () => {
    const options = { betas, modelVariance: 'learned_range', lossType: 'rescaled_mse' } as const;
    const diffusion = new SpacedDiffusion(options);
    const [x0, noise] = [draw(8, 1).map((one) => Math.max(-1, Math.min(1, one))), draw(8, 2)];
    const output = Float64Array.of(...noise.map((one) => 0.9 * one), ...new Float64Array(8));
    const { loss, mse, vb } = diffusion.trainingLosses(output, x0, 500, noise, { shape: [1, 8] });
    expect(mse![0]).toBeCloseTo(noise.reduce((sum, one) => sum + (0.1 * one) ** 2, 0) / 8, 12);
    expect(loss[0]).toBeCloseTo(mse![0]! + vb![0]!, 12);
    const kl = new SpacedDiffusion({ ...options, lossType: 'kl' });
    const bound = kl.trainingLosses(output, x0, 500, noise, { shape: [1, 8] });
    expect(vb![0]).toBeCloseTo(bound.loss[0]!, 12);
    expect(() => new SpacedDiffusion({ betas, lossType: 'l2' as 'kl' })).toThrow(/rescaled_mse/);
  });
});

describe('timestep samplers', () => {
  it('draw every timestep as often as their weights say', () => {
    const sampler = new LossSecondMomentSampler(4, 2);
    expect([...sampler.probabilities()]).toEqual([0.25, 0.25, 0.25, 0.25]);
    for (let round = 0; round < 2; round++) sampler.update([0, 1, 2, 3], [1, 2, 3, 4]);
    const probabilities = sampler.probabilities();
    expect(probabilities[3]! / probabilities[0]!).toBeCloseTo(4, 1);
    const { values, weights } = sampler.draw(createGenerator(0), 20_000);
    const share = values.filter((t) => t === 3).length / values.length;
    expect(share).toBeCloseTo(probabilities[3]!, 1.5);
    // Weighted back, the mean of a function of t is that of uniform draws.
    const mean = values.reduce((sum, t, i) => sum + t * weights[i]!, 0) / values.length;
    expect(mean).toBeCloseTo(1.5, 1);
  });

  it('go on from their state, and refuse one of another size', () => {
    const [sampler, resumed] = [new LossSecondMomentSampler(4, 2), new LossSecondMomentSampler(4, 2)];
    for (let round = 0; round < 3; round++) sampler.update([0, 1, 2, 3], [round, 2, 3, 4]);
    resumed.restore(JSON.parse(JSON.stringify(sampler.state())) as ReturnType<typeof sampler.state>);
    for (const one of [sampler, resumed]) one.update([0, 2], [7, 8]);
    expect(resumed.probabilities()).toEqual(sampler.probabilities());
    const other = () => new LossSecondMomentSampler(5, 2).restore(sampler.state());
    expect(other).toThrow(expect.objectContaining({ code: 'SCHEDULER_INVALID_ARGUMENT' }));
  });

  it('are uniform, stratified or log-normal', () => {
    const generator = createGenerator(3);
    expect(uniformTimesteps(generator, 1000, 10).values.every((t) => Number.isInteger(t) && t >= 0 && t < 10)).toBe(
      true,
    );
    const stratified = [...stratifiedTimesteps(generator, 10, 10).values].sort();
    expect(stratified).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const logs = logNormalSigmas(generator, 4000).values.map(Math.log);
    const mean = logs.reduce((sum, log) => sum + log, 0) / 4000;
    expect(mean).toBeCloseTo(-1.2, 1);
    expect(Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / 4000)).toBeCloseTo(1.2, 1);
  });

  it('stay in the chain where the largest of uniform numbers is drawn', () => {
    const most: Generator = {
      ...createGenerator(0),
      permutation: (n) => Uint32Array.from({ length: n }, (_, i) => i),
      uniform: () => 1 - 2 ** -53,
    };
    for (const draw of [stratifiedTimesteps, logitNormalTimesteps])
      expect(Math.max(...draw(most, 512, 1000).values)).toBe(999);
  });

  it('have a normal logit', () => {
    const [mean, deviation] = [-0.4, 0.7];
    const { values, weights } = logitNormalTimesteps(createGenerator(3), 4000, 1000, { mean, deviation });
    expect(weights.every((weight) => weight === 1)).toBe(true);
    const logits = values.map((t) => Math.log((t + 0.5) / (1000 - t - 0.5)));
    const average = logits.reduce((sum, logit) => sum + logit, 0) / 4000;
    expect(average).toBeCloseTo(mean, 2);
    expect(Math.sqrt(logits.reduce((sum, logit) => sum + (logit - average) ** 2, 0) / 4000)).toBeCloseTo(deviation, 2);
  });

  it('keep a share of the draws uniform', () => {
    const narrow = { mean: 2, deviation: 1e-3 };
    const probabilities = logitNormalProbabilities(10, { ...narrow, uniformShare: 0.2 });
    // logit(0.85) = 1.73 is the nearest to 2 but one: 0.95 has 2.94.
    expect(probabilities).toBeAllClose(
      Array.from({ length: 10 }, (_, t) => (t === 8 ? 0.82 : 0.02)),
      { atol: 1e-12 },
    );
    const { values } = logitNormalTimesteps(createGenerator(0), 1000, 10, { ...narrow, uniformShare: 0.2 });
    expect(values.filter((t) => t === 8)).toHaveLength(820);
    expect(values.filter((t) => t === 0)).toHaveLength(20);
  });

  it('refuse numbers that make no distribution', () => {
    const bad = [{ mean: NaN }, { deviation: 0 }, { uniformShare: 1.5 }];
    for (const options of bad) {
      const [[name]] = Object.entries(options) as [[string, number]];
      expect(() => logitNormalProbabilities(10, options)).toThrow(new RegExp(`\`${name}\` is`));
    }
    expect(() => logitNormalProbabilities(0)).toThrow(expect.objectContaining({ code: 'SCHEDULER_INVALID_ARGUMENT' }));
  });
});
