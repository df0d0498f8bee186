import { describe, expect, it } from 'vitest';
import { DDIMScheduler, DDPMScheduler, UnCLIPScheduler } from '../src/index.ts';
import { goldenCases, runGolden, type GoldenCase } from './golden.ts';
import { runSpecial } from './special.ts';

type Case = Omit<GoldenCase, 'float32' | 'float64' | 'class'>;
interface Published {
  sum?: [value: number, tolerance: number];
  mean: [value: number, tolerance: number];
}

const BASE = { num_train_timesteps: 1000, beta_start: 0.0001, beta_end: 0.02, beta_schedule: 'linear' };
const LEVELS = { ...BASE, num_train_timesteps: 1100 };
const LATENT = { ...BASE, beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
const MULTI = { ...BASE, lower_order_final: false, final_sigmas_type: 'sigma_min' };
const SINGLE = { ...BASE, final_sigmas_type: 'sigma_min' };
const INVERSE = { ...BASE, lower_order_final: false };
const UNIPC = { ...BASE, final_sigmas_type: 'sigma_min' };
const EDM = { sigma_min: 0.002, sigma_max: 80 };
const EDM_DPM = { ...EDM, lower_order_final: false, final_sigmas_type: 'sigma_min' };
const CM = { num_train_timesteps: 201, sigma_min: 0.002, sigma_max: 80 };
const V = { prediction_type: 'v_prediction' };
const KARRAS = { use_karras_sigmas: true };
const THRESHOLD = { thresholding: true, dynamic_thresholding_ratio: 0.87, sample_max_value: 0.5 };

/** A loop on noise levels as the tests of these classes run it; `start` counts levels, of which second-order solvers have two. */
const levels = (config: object, extra: Partial<Case> = {}): Case => ({
  config: { ...LEVELS, ...config },
  steps: 10,
  overwrite: true,
  ...extra,
});
const late = (start: number): Partial<Case> => ({ start, startScaled: true });
const both = (sum: number, mean: number, tolerance = 1e-2, meanTolerance = 1e-3): Published => ({
  sum: [sum, tolerance],
  mean: [mean, meanTolerance],
});
const mean = (value: number, tolerance = 1e-3): Published => ({ mean: [value, tolerance] });

/** Every full loop that tests/schedulers/test_scheduler_*.py of diffusers (58eb52c) asserts, with its tolerance. */
const ROWS: [name: string, test: string, golden: Case, published: Published][] = [
  ['DDPMScheduler', 'no_noise', { config: BASE }, both(258.9606, 0.3372)],
  ['DDPMScheduler', 'v_prediction', { config: { ...BASE, ...V } }, both(202.0296, 0.2631)],
  ['DDPMScheduler', 'with_noise', { config: BASE, start: 998 }, both(387.9466, 0.5051)],
  ['DDPMParallelScheduler', 'no_noise', { config: BASE }, both(258.9606, 0.3372)],
  ['DDIMScheduler', 'no_noise', { config: BASE, steps: 10 }, both(172.0067, 0.223967)],
  ['DDIMScheduler', 'v_prediction', { config: { ...BASE, ...V }, steps: 10 }, both(52.5302, 0.0684)],
  [
    'DDIMScheduler',
    'set_alpha_to_one',
    { config: { ...BASE, set_alpha_to_one: true, beta_start: 0.01 }, steps: 10 },
    both(149.8295, 0.1951),
  ],
  [
    'DDIMScheduler',
    'no_set_alpha_to_one',
    { config: { ...BASE, set_alpha_to_one: false, beta_start: 0.01 }, steps: 10 },
    both(149.0784, 0.1941),
  ],
  ['DDIMScheduler', 'with_noise', { config: BASE, steps: 10, start: 8 }, both(354.5418, 0.4616)],
  ['DDIMParallelScheduler', 'no_noise', { config: BASE, steps: 10 }, both(172.0067, 0.223967)],
  ['DDIMInverseScheduler', 'no_noise', { config: BASE, steps: 10 }, both(671.6816, 0.8746)],
  ['DDIMInverseScheduler', 'v_prediction', { config: { ...BASE, ...V }, steps: 10 }, both(1394.2185, 1.8154)],
  [
    'DDIMInverseScheduler',
    'set_alpha_to_one',
    { config: { ...BASE, set_alpha_to_one: true, beta_start: 0.01 }, steps: 10 },
    both(539.9622, 0.7031),
  ],
  [
    'DDIMInverseScheduler',
    'no_set_alpha_to_one',
    { config: { ...BASE, set_alpha_to_one: false, beta_start: 0.01 }, steps: 10 },
    both(542.6722, 0.7066),
  ],
  ['EulerDiscreteScheduler', 'no_noise', levels({}), both(10.0807, 0.0131)],
  ['EulerDiscreteScheduler', 'v_prediction', levels(V), both(0.0002, 2.2676e-6)],
  ['EulerDiscreteScheduler', 'karras', levels(KARRAS), both(124.52299499511719, 0.16213932633399963)],
  ['EulerDiscreteScheduler', 'with_noise', levels({}, late(8)), both(57062.9297, 74.3007)],
  ['EulerAncestralDiscreteScheduler', 'no_noise', levels({}), both(152.3192, 0.1983)],
  ['EulerAncestralDiscreteScheduler', 'v_prediction', levels(V), both(108.4439, 0.1412)],
  ['EulerAncestralDiscreteScheduler', 'with_noise', levels({}, late(8)), both(56163.0508, 73.129)],
  ['HeunDiscreteScheduler', 'no_noise', levels({}), both(0.1233, 0.0002)],
  ['HeunDiscreteScheduler', 'v_prediction', levels(V), both(4.6934e-7, 6.1112e-10)],
  ['HeunDiscreteScheduler', 'karras', levels(KARRAS), both(0.00015, 1.9869554535034695e-7, 1e-2, 1e-2)],
  ['HeunDiscreteScheduler', 'with_noise', levels({}, late(16)), both(75074.8906, 97.7538)],
  ['LMSDiscreteScheduler', 'no_noise', levels({}), both(1006.388, 1.31)],
  ['LMSDiscreteScheduler', 'v_prediction', levels(V), both(0.0017, 2.2676e-6)],
  ['LMSDiscreteScheduler', 'karras', levels(KARRAS), both(3812.9927, 4.9648, 2e-2)],
  ['LMSDiscreteScheduler', 'with_noise', levels({}, late(8)), both(27663.6895, 36.0204)],
  ['KDPM2DiscreteScheduler', 'no_noise', levels({}), both(20.4125, 0.0266)],
  ['KDPM2DiscreteScheduler', 'v_prediction', levels(V), both(4.6934e-7, 6.1112e-10)],
  ['KDPM2DiscreteScheduler', 'with_noise', levels({}, late(16)), both(70408.4062, 91.6776)],
  ['KDPM2AncestralDiscreteScheduler', 'no_noise', levels({}), both(13979.9433, 18.203, 1e-2, 5e-3)],
  ['KDPM2AncestralDiscreteScheduler', 'v_prediction', levels(V), both(331.8133, 0.432)],
  ['KDPM2AncestralDiscreteScheduler', 'with_noise', levels({}, late(16)), both(93087.3437, 121.2074, 1e-2, 5e-3)],
  ['DPMSolverMultistepScheduler', 'no_noise', { config: MULTI, steps: 10 }, mean(0.3301)],
  ['DPMSolverMultistepScheduler', 'with_noise', { config: MULTI, steps: 10, start: 5 }, both(318.4111, 0.4146)],
  ['DPMSolverMultistepScheduler', 'no_noise_thres', { config: { ...MULTI, ...THRESHOLD }, steps: 10 }, mean(1.1364)],
  ['DPMSolverMultistepScheduler', 'v_prediction', { config: { ...MULTI, ...V }, steps: 10 }, mean(0.2251)],
  [
    'DPMSolverMultistepScheduler',
    'karras_and_v_prediction',
    { config: { ...MULTI, ...V, ...KARRAS }, steps: 10 },
    mean(0.2096),
  ],
  [
    'DPMSolverMultistepScheduler',
    'lu_and_v_prediction',
    { config: { ...MULTI, ...V, use_lu_lambdas: true }, steps: 10 },
    mean(0.1554),
  ],
  ['DPMSolverSinglestepScheduler', 'no_noise', { config: SINGLE, steps: 10 }, mean(0.2791)],
  ['DPMSolverSinglestepScheduler', 'uneven', { config: SINGLE, steps: 50, start: 3, plainStart: true }, mean(0.2574)],
  ['DPMSolverSinglestepScheduler', 'karras', { config: { ...SINGLE, ...KARRAS }, steps: 10 }, mean(0.2248)],
  ['DPMSolverSinglestepScheduler', 'v_prediction', { config: { ...SINGLE, ...V }, steps: 10 }, mean(0.1453)],
  [
    'DPMSolverSinglestepScheduler',
    'karras_and_v_prediction',
    { config: { ...SINGLE, ...V, ...KARRAS }, steps: 10 },
    mean(0.0649),
  ],
  ['DPMSolverSinglestepScheduler', 'with_noise', { config: SINGLE, steps: 10, start: 5 }, both(269.2187, 0.3505)],
  ['DPMSolverMultistepInverseScheduler', 'no_noise', { config: INVERSE, steps: 10 }, mean(0.7047)],
  [
    'DPMSolverMultistepInverseScheduler',
    'no_noise_thres',
    { config: { ...INVERSE, ...THRESHOLD }, steps: 10 },
    mean(19.8933),
  ],
  ['DPMSolverMultistepInverseScheduler', 'v_prediction', { config: { ...INVERSE, ...V }, steps: 10 }, mean(1.5194)],
  [
    'DPMSolverMultistepInverseScheduler',
    'karras_and_v_prediction',
    { config: { ...INVERSE, ...V, ...KARRAS }, steps: 10 },
    mean(1.7833, 2e-3),
  ],
  ['UniPCMultistepScheduler', 'no_noise', { config: UNIPC, steps: 10 }, mean(0.2464)],
  ['UniPCMultistepScheduler', 'karras', { config: { ...UNIPC, ...KARRAS }, steps: 10 }, mean(0.2925)],
  ['UniPCMultistepScheduler', 'v_prediction', { config: { ...UNIPC, ...V }, steps: 10 }, mean(0.1014)],
  [
    'UniPCMultistepScheduler',
    'karras_and_v_prediction',
    { config: { ...UNIPC, ...V, ...KARRAS }, steps: 10 },
    mean(0.1966),
  ],
  ['UniPCMultistepScheduler', 'with_noise', { config: UNIPC, steps: 10, start: 8 }, both(315.5757, 0.4109)],
  ['DEISMultistepScheduler', 'no_noise', { config: BASE, steps: 10 }, mean(0.23916)],
  ['DEISMultistepScheduler', 'v_prediction', { config: { ...BASE, ...V }, steps: 10 }, mean(0.091)],
  ['DEISMultistepScheduler', 'with_noise', { config: BASE, steps: 10, start: 8 }, both(315.3016, 0.41054)],
  ['PNDMScheduler', 'no_noise', { config: BASE, steps: 10 }, both(198.1318, 0.258)],
  ['PNDMScheduler', 'v_prediction', { config: { ...BASE, ...V }, steps: 10 }, both(67.3986, 0.0878)],
  [
    'PNDMScheduler',
    'set_alpha_to_one',
    { config: { ...BASE, set_alpha_to_one: true, beta_start: 0.01 }, steps: 10 },
    both(230.0399, 0.2995),
  ],
  [
    'PNDMScheduler',
    'no_set_alpha_to_one',
    { config: { ...BASE, set_alpha_to_one: false, beta_start: 0.01 }, steps: 10 },
    both(186.9482, 0.2434),
  ],
  ['IPNDMScheduler', 'no_noise', { config: {}, steps: 10, twice: true }, mean(2540529, 10)],
  [
    'EDMEulerScheduler',
    'no_noise',
    { config: { ...EDM, num_train_timesteps: 256 }, steps: 10 },
    both(34.1855, 0.044, 1e-3),
  ],
  [
    'EDMDPMSolverMultistepScheduler',
    'no_noise',
    { config: EDM_DPM, steps: 10, scaled: false, unscaledInput: true },
    mean(0.0001),
  ],
  [
    'EDMDPMSolverMultistepScheduler',
    'with_noise',
    { config: EDM_DPM, steps: 10, start: 5, unscaledInput: true },
    both(8.1661, 0.0106),
  ],
  [
    'EDMDPMSolverMultistepScheduler',
    'no_noise_thres',
    { config: { ...EDM_DPM, ...THRESHOLD }, steps: 10, scaled: false, unscaledInput: true },
    mean(0.008),
  ],
  [
    'EDMDPMSolverMultistepScheduler',
    'v_prediction',
    { config: { ...EDM_DPM, ...V }, steps: 10, scaled: false, unscaledInput: true },
    mean(0.0092),
  ],
  ['LCMScheduler', 'onestep', { config: LATENT, steps: 1 }, both(18.7097, 0.0244, 1e-3)],
  ['LCMScheduler', 'multistep', { config: LATENT, steps: 10 }, both(197.7616, 0.2575, 1e-3)],
  ['TCDScheduler', 'onestep_deter', { config: LATENT, steps: 1, step: { eta: 0 } }, both(29.8715, 0.0389, 1e-3)],
  ['TCDScheduler', 'multistep_deter', { config: LATENT, steps: 10, step: { eta: 0 } }, both(181.204, 0.2359, 1e-3)],
  ['CMStochasticIterativeScheduler', 'no_noise_onestep', { config: CM, steps: 1 }, both(192.7614, 0.251)],
  ['CMStochasticIterativeScheduler', 'no_noise_multistep', { config: CM, timesteps: [106, 0] }, both(347.6357, 0.4527)],
  [
    'CMStochasticIterativeScheduler',
    'with_noise',
    { config: CM, steps: 10, start: 8, startScaled: true },
    both(763.9186, 0.9947),
  ],
  ['UnCLIPScheduler', 'full_loop', { config: {} }, both(252.2682495, 0.3284743)],
  ['UnCLIPScheduler', 'skip_timesteps', { config: {}, steps: 25 }, both(258.2044983, 0.3362038)],
  ['SASolverScheduler', 'no_noise', { config: LEVELS, steps: 10 }, both(337.394287109375, 0.43931546807289124)],
  [
    'SASolverScheduler',
    'v_prediction',
    { config: { ...LEVELS, ...V }, steps: 10 },
    both(193.1467742919922, 0.2514931857585907),
  ],
  [
    'SASolverScheduler',
    'karras',
    { config: { ...LEVELS, ...KARRAS }, steps: 10 },
    both(837.2554931640625, 1.0901764631271362, 1e-2, 1e-2),
  ],
];

describe('published assertions', () => {
  it.each(ROWS)('%s %s', (name, _, golden, published) => {
    // The published numbers are float32: tables and samples are taken as float32, mistakes included.
    const { sum } = runGolden({ class: name, ...golden }, 'float32');
    if (published.sum !== undefined) expect(Math.abs(sum - published.sum[0])).toBeLessThan(published.sum[1]);
    expect(Math.abs(sum / 768 - published.mean[0])).toBeLessThan(published.mean[1]);
  });
});

describe('published assertions of other loops', () => {
  it.each([
    ['DDIMParallelScheduler', 'batch_step_no_noise', 3 * 768, 1147.7904, 1e-2, 0.4982, 1e-3],
    ['DDPMParallelScheduler', 'batch_step_no_noise', 3 * 768, 1153.1833, 1e-2, 0.5005, 1e-3],
    // numpy's isclose, of relative tolerance 1e-5.
    ['ScoreSdeVeScheduler', 'no_noise', 768, 14_372_758_528, 143_728, 18_714_530, 188],
  ])('%s %s', (name, _, count, sum, tolerance, mean, meanTolerance) => {
    const golden = goldenCases('special').find((one) => one.class === name)!;
    const reached = runSpecial(golden, 'float32').sum;
    expect(Math.abs(reached - sum)).toBeLessThan(tolerance);
    expect(Math.abs(reached / count - mean)).toBeLessThan(meanTolerance);
  });

  // The same numbers in the order of a (4, 3, 8) sample, of which only the means are published.
  it.each([
    ['no_noise', {}, 0, undefined, 0.2441],
    ['karras', KARRAS, 0, undefined, 0.2898],
    ['v_prediction', V, 0, undefined, 0.1014],
    ['karras_and_v_prediction', { ...V, ...KARRAS }, 0, undefined, 0.1944],
    ['with_noise', {}, 8, 39.087, 0.4072],
  ] as const)('UniPCMultistepScheduler, one dimension, %s', (_, config, start, sum, mean) => {
    const golden = { class: 'UniPCMultistepScheduler', config: { ...UNIPC, ...config }, steps: 10, count: 96 };
    const reached = runGolden({ ...golden, ...(start > 0 && { start }) }, 'float32').sum;
    if (sum !== undefined) expect(Math.abs(reached - sum)).toBeLessThan(1e-2);
    expect(Math.abs(reached / 96 - mean)).toBeLessThan(1e-3);
  });
});

describe('published variances', () => {
  it.each([
    [0, 0],
    [487, 0.00979],
    [999, 0.02],
  ])('DDPMScheduler at %i', (t, variance) => {
    expect(Math.abs(new DDPMScheduler({ precision: 'float32' }).getVariance(t) - variance)).toBeLessThan(1e-5);
  });

  it.each([
    [0, 0, 0],
    [420, 400, 0.14771],
    [980, 960, 0.3246],
    [487, 486, 0.00979],
    [999, 998, 0.02],
  ])('DDIMScheduler from %i to %i', (t, previous, variance) => {
    expect(Math.abs(new DDIMScheduler({ precision: 'float32' }).getVariance(t, previous) - variance)).toBeLessThan(
      1e-5,
    );
  });

  it.each([
    [0, 1e-10],
    [487, 0.0549625],
    [999, 0.9994987],
  ])('UnCLIPScheduler, fixed_small_log, at %i', (t, variance) => {
    const scheduler = new UnCLIPScheduler({ varianceType: 'fixed_small_log', precision: 'float32' });
    expect(Math.abs(scheduler.getVariance(t) - variance)).toBeLessThan(1e-5);
  });

  it.each([
    [1, -10.171279],
    [487, -5.7998052],
    [999, -0.0010011],
  ])('UnCLIPScheduler, learned_range of 0.5, at %i', (t, logVariance) => {
    // The published numbers are log σ²; a step of zeros at timestep t, with noise of ones, is σ.
    const scheduler = new UnCLIPScheduler({ varianceType: 'learned_range', precision: 'float32' });
    const [zeros, ones] = [new Float32Array(2), Float32Array.of(1, 1)];
    const output = Float32Array.of(0, 0, 0.5, 0.5);
    const { prevSample } = scheduler.step(output, t, zeros, { noise: ones, shape: [1, 2] });
    expect(Math.abs(2 * Math.log(prevSample[0]!) - logVariance)).toBeLessThan(1e-5);
  });
});
