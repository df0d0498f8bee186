import { describe, expect, it } from 'vitest';
import {
  DDIMInverseScheduler,
  DDIMScheduler,
  DDPMScheduler,
  DPMSolverMultistepInverseScheduler,
  DPMSolverMultistepScheduler,
  DPMSolverSinglestepScheduler,
  EDMEulerScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  LCMScheduler,
  PNDMScheduler,
  ScoreSdeVeScheduler,
  UniPCMultistepScheduler,
  createGenerator,
} from '../src/index.ts';

/** Where diffusers errs: what is right here, and the option that repeats it. */
const sample = () => Float64Array.of(0.3, -0.2, 0.8);

describe('the previous timestep of DDIM (diffusers#12633, #11347, #9261)', () => {
  it.each(['linspace', 'trailing', 'leading'] as const)('is the next one listed under %s', (timestepSpacing) => {
    const scheduler = new DDIMScheduler({ timestepSpacing });
    scheduler.setTimesteps(7);
    const listed = [...scheduler.timesteps];
    expect(listed.map((t) => scheduler.previousTimestep(t))).toEqual([...listed.slice(1), -1]);
  });

  it('is so for a list of timesteps, and t - T/n where diffusers is matched', () => {
    const scheduler = new DDIMScheduler();
    scheduler.setTimesteps({ timesteps: [900, 300, 20] });
    expect(scheduler.previousTimestep(900)).toBe(300);
    const matched = new DDIMScheduler({ timestepSpacing: 'linspace', matchDiffusers: true });
    matched.setTimesteps(10);
    expect(matched.previousTimestep(999)).toBe(899);
  });

  it('gives the exact solution on a Gaussian as steps grow, under every spacing', () => {
    // Data N(0, s²): ε(x, t) = √(1-ᾱ) x / (ᾱ s² + 1 - ᾱ), and x(t) / √(ᾱ s² + 1 - ᾱ) is constant along the ODE.
    const variance = 0.25;
    const error = (steps: number, matchDiffusers: boolean) => {
      const scheduler = new DDIMScheduler({ timestepSpacing: 'linspace', clipSample: false, matchDiffusers });
      scheduler.setTimesteps(steps);
      const spread = (t: number) => scheduler.alphasCumprod[t]! * variance + 1 - scheduler.alphasCumprod[t]!;
      let x = Float64Array.of(1);
      for (const t of scheduler.timesteps) {
        const output = x.map((one) => (Math.sqrt(1 - scheduler.alphasCumprod[t]!) * one) / spread(t));
        x = scheduler.step(output, t, x).prevSample;
      }
      return Math.abs(x[0]! - Math.sqrt(variance / spread(999)));
    };
    expect(error(100, false)).toBeLessThan(0.02);
    // With T/n cut to a whole number the wrong steps do not even add up to the whole way.
    expect(error(400, false)).toBeLessThan(0.005);
    expect(error(400, true)).toBeGreaterThan(0.02);
    expect(error(100, false) / error(50, false)).toBeLessThan(0.6);
  });
});

it('the previous timestep of DDIM inverse is the listed one too', () => {
  for (const timestepSpacing of ['leading', 'trailing'] as const) {
    const scheduler = new DDIMInverseScheduler({ timestepSpacing });
    scheduler.setTimesteps(13);
    const listed = [...scheduler.timesteps];
    expect(listed.map((t) => scheduler.previousTimestep(t))).toEqual([-1, ...listed.slice(0, -1)]);
  }
});

it('fixed_large_log has the deviation of fixed_large, not NaN (diffusers#14569)', () => {
  const noise = Float64Array.of(1, 1, 1);
  const [log, plain] = (['fixed_large_log', 'fixed_large'] as const).map((varianceType) =>
    new DDPMScheduler({ varianceType }).step(sample(), 500, sample(), { noise }),
  );
  expect(log!.prevSample).toEqual(plain!.prevSample);
  expect(log!.prevSample.every(Number.isFinite)).toBe(true);
});

describe('zero terminal SNR', () => {
  it('with epsilon says what to do (diffusers#3851)', () => {
    const scheduler = new DDIMScheduler({ rescaleBetasZeroSnr: true, timestepSpacing: 'trailing' });
    scheduler.setTimesteps(10);
    expect(() => scheduler.step(sample(), 999, sample())).toThrow(/v_prediction/);
    expect(() => scheduler.step(sample(), 899, sample())).not.toThrow();
  });

  it('with eta 1 is finite (diffusers#5969)', () => {
    const scheduler = new DDIMScheduler({
      rescaleBetasZeroSnr: true,
      timestepSpacing: 'trailing',
      predictionType: 'v_prediction',
      precision: 'float32',
    });
    for (const steps of [5, 10, 20, 50, 100, 1000]) {
      scheduler.setTimesteps(steps);
      const { prevSample } = scheduler.step(sample(), 999, sample(), { eta: 1, generator: createGenerator(0) });
      expect(prevSample.every(Number.isFinite)).toBe(true);
    }
  });
});

it('ancestral steps under the cosine schedule are finite (diffusers#14213)', () => {
  for (const [matchDiffusers, isFinite] of [
    [false, true],
    [true, false],
  ] as const) {
    const scheduler = new EulerAncestralDiscreteScheduler({
      betaSchedule: 'squaredcos_cap_v2',
      precision: 'float32',
      matchDiffusers,
    });
    const finite: boolean[] = [];
    for (let steps = 1; steps <= 50; steps++) {
      scheduler.setTimesteps(steps);
      for (const t of scheduler.timesteps) {
        const { prevSample } = scheduler.step(sample(), t, sample(), { generator: createGenerator(0) });
        finite.push(prevSample.every(Number.isFinite));
      }
    }
    expect(finite.every(Boolean)).toBe(isFinite);
  }
});

it('1000 steps with offset 1 stay within the chain (diffusers#10003)', () => {
  const scheduler = new DDIMScheduler({ stepsOffset: 1 });
  scheduler.setTimesteps(1000);
  expect([scheduler.timesteps[0], scheduler.timesteps.at(-1)]).toEqual([999, 0]);
  expect(() => scheduler.step(sample(), 999, sample())).not.toThrow();
  const matched = new DDIMScheduler({ stepsOffset: 1, matchDiffusers: true });
  matched.setTimesteps(1000);
  expect(matched.timesteps[0]).toBe(1000);
});

describe('trailing timesteps', () => {
  const classes = [
    ['DDIMScheduler', DDIMScheduler],
    ['DDIMInverseScheduler', DDIMInverseScheduler],
    ['DDPMScheduler', DDPMScheduler],
    ['EulerDiscreteScheduler', EulerDiscreteScheduler],
    ['DPMSolverMultistepScheduler', DPMSolverMultistepScheduler],
    ['UniPCMultistepScheduler', UniPCMultistepScheduler],
  ] as const;

  it.each(classes)('of %s are as many as were asked for, none below 0', (_, make) => {
    for (const numTrainTimesteps of [100, 1000]) {
      const scheduler = new make({ timestepSpacing: 'trailing', numTrainTimesteps });
      for (let count = 4; count <= Math.min(numTrainTimesteps, 260); count++) {
        scheduler.setTimesteps(count);
        expect([count, new Set(scheduler.timesteps).size]).toEqual([count, count]);
        expect(Math.min(...scheduler.timesteps)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('of 61 steps end with -1 in diffusers, which Python takes for the last entry of a table', () => {
    const x = sample();
    // diffusers 0.42.1 in float64: set_timesteps(61), then step(0.5 * x, t, x) for every one of its 62 timesteps.
    const expected = {
      DDIMScheduler: [212.16475179625243, -141.44316786416843, 565.7726714566737],
      PNDMScheduler: [202.5248261981144, -135.01655079874283, 540.0662031949713],
    };
    for (const [name, scheduler] of [
      ['DDIMScheduler', new DDIMScheduler({ timestepSpacing: 'trailing', clipSample: false, matchDiffusers: true })],
      ['PNDMScheduler', new PNDMScheduler({ timestepSpacing: 'trailing', skipPrkSteps: true, matchDiffusers: true })],
    ] as const) {
      scheduler.setTimesteps(61);
      expect(scheduler.timesteps.at(-1)).toBe(-1);
      let present = x;
      for (const t of scheduler.timesteps) {
        const output = present.map((one) => 0.5 * one);
        present = scheduler.step(output, t, present).prevSample;
      }
      expect(present).toBeAllClose(expected[name], { rtol: 1e-10 });
    }
  });
});

describe('a level that is repeated at the end, where diffusers divides by a step of 0', () => {
  const inverse = [
    { useKarrasSigmas: true, solverOrder: 3 },
    { useBetaSigmas: true, solverOrder: 3 },
    { useFlowSigmas: true, solverOrder: 3, predictionType: 'flow_prediction' },
    { useKarrasSigmas: true, solverType: 'heun' },
    { useKarrasSigmas: true, solverOrder: 3, lowerOrderFinal: false },
  ] as const;
  const forward = [
    { useExponentialSigmas: true, solverOrder: 3 },
    { useBetaSigmas: true, solverOrder: 3 },
    { useExponentialSigmas: true, solverType: 'heun' },
  ] as const;

  it.each([
    ...inverse.map((options) => [options, new DPMSolverMultistepInverseScheduler(options)] as const),
    ...forward.map(
      (options) => [options, new DPMSolverMultistepScheduler({ ...options, finalSigmasType: 'sigma_min' })] as const,
    ),
  ])('keeps the sample in that step (%j)', (_, scheduler) => {
    const isInverse = scheduler instanceof DPMSolverMultistepInverseScheduler;
    for (const steps of isInverse ? [1, 3, 20] : [20]) {
      scheduler.setTimesteps(steps);
      expect(scheduler.sigmas.at(-1)).toBe(scheduler.sigmas.at(-2));
      let [before, x] = [sample(), sample()];
      for (const t of scheduler.timesteps) {
        before = x;
        const output = x.map((one) => 0.5 * one);
        x = scheduler.step(output, t, x).prevSample;
      }
      expect(x).toEqual(before);
      expect(x.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('whole timesteps of named levels', () => {
  // diffusers 0.42.1, set_timesteps(10) with Stable Diffusion's betas; with float64 in place of float32 the first are 999.
  const exponential = [998, 874, 723, 538, 329, 152, 52, 14, 2, 0];
  const beta = [998, 991, 972, 943, 902, 841, 746, 583, 257, 0];
  const betas = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'scaled_linear' } as const;

  it.each([DPMSolverMultistepScheduler, DPMSolverSinglestepScheduler, UniPCMultistepScheduler])(
    'begin at the noisiest, of which truncation in float32 misses 1 in diffusers',
    (make) => {
      for (const [schedule, listed] of [
        [{ useExponentialSigmas: true }, exponential],
        [{ useBetaSigmas: true }, beta],
      ] as const) {
        for (const precision of ['float64', 'float32'] as const) {
          for (const matchDiffusers of [false, true]) {
            const scheduler = new make({ ...betas, ...schedule, precision, matchDiffusers });
            scheduler.setTimesteps(10);
            const first = matchDiffusers && precision === 'float32' ? 998 : 999;
            expect([...scheduler.timesteps]).toEqual([first, ...listed.slice(1)]);
          }
        }
      }
    },
  );
});

it('the variance-exploding SDE goes down all of its levels without setSigmas', () => {
  // Data N(0, 0.5²): the score at x is -x / (σ² + 0.25).
  const deviation = (matchDiffusers: boolean) => {
    const scheduler = new ScoreSdeVeScheduler({ sigmaMax: 50, matchDiffusers });
    scheduler.setTimesteps(50);
    const generator = createGenerator(1);
    let x = generator.fillNormal(new Float64Array(200)).map((one) => one * scheduler.initNoiseSigma);
    for (const t of scheduler.timesteps) {
      const level = 0.01 * (50 / 0.01) ** t;
      const score = x.map((one) => -one / (level ** 2 + 0.25));
      x = scheduler.step(score, t, x, { generator }).prevSample;
    }
    return Math.sqrt(x.reduce((sum, one) => sum + one ** 2, 0) / x.length);
  };
  expect(deviation(false)).toBeAllClose(0.5, { rtol: 0.15 });
  // diffusers' levels are still those of 2000 steps, of which 50 steps see the least.
  expect(new ScoreSdeVeScheduler({ matchDiffusers: true }).discreteSigmas).toHaveLength(2000);
  expect(deviation(true)).toBeGreaterThan(10);
});

it('the variance-exploding SDE noises training data alike before and after sampling, and keeps the bounds of setSigmas', () => {
  const scheduler = new ScoreSdeVeScheduler();
  const noised = () => [10, 49, 1500].map((t) => scheduler.addNoise(Float64Array.of(0), Float64Array.of(1), t)[0]!);
  const before = noised();
  scheduler.setTimesteps(50);
  expect(noised()).toEqual(before);
  scheduler.setSigmas(50, { sigmaMax: 50 });
  scheduler.setTimesteps(20);
  expect(scheduler.discreteSigmas).toHaveLength(20);
  expect(scheduler.discreteSigmas.at(-1)).toBeAllClose(50);
});

it('one exponential level of EDM is the noisiest, and the least in diffusers', () => {
  for (const [matchDiffusers, level] of [
    [false, 80],
    [true, 0.002],
  ] as const) {
    const scheduler = new EDMEulerScheduler({ sigmaSchedule: 'exponential', matchDiffusers });
    scheduler.setTimesteps(1);
    expect(scheduler.sigmas).toBeAllClose([level, 0], { rtol: 1e-12 });
  }
});

it('LCM ends without noise where strength shortens a list of timesteps, and with it in diffusers', () => {
  for (const matchDiffusers of [false, true]) {
    const scheduler = new LCMScheduler({ matchDiffusers });
    scheduler.setTimesteps({ timesteps: [999, 499, 259, 19] }, { strength: 0.5 });
    const last = () => scheduler.step(sample(), 19, sample());
    if (matchDiffusers) expect(last).toThrow(/adds noise/);
    else expect(last().prevSample).toEqual(last().predOriginalSample);
  }
});

describe('UniPC', () => {
  it('steps into σ = 0 with first order, and keeps the sample at a repeated level, where diffusers gives NaN', () => {
    for (const solverOrder of [2, 3]) {
      for (const end of [{}, { finalSigmasType: 'sigma_min', useExponentialSigmas: true } as const]) {
        const scheduler = new UniPCMultistepScheduler({ solverOrder, lowerOrderFinal: false, ...end });
        scheduler.setTimesteps(10);
        let x = sample();
        let original = x;
        for (const t of scheduler.timesteps) {
          const output = x.map((one) => 0.5 * one);
          ({ prevSample: x, predOriginalSample: original } = scheduler.step(output, t, x));
        }
        expect(x.every(Number.isFinite)).toBe(true);
        if (scheduler.sigmas.at(-1) === 0) expect(x).toBeAllClose(original, { rtol: 1e-12 });
      }
    }
  });

  it('refuses to integrate noise predictions down to σ = 0', () => {
    expect(() => new UniPCMultistepScheduler({ predictX0: false })).toThrow(/finalSigmasType.*'sigma_min'/);
    expect(() => new UniPCMultistepScheduler({ predictX0: false, finalSigmasType: 'sigma_min' })).not.toThrow();
  });
});

it('order 3 is finite at every step count, 3n - 1 included (diffusers#9007)', () => {
  for (const algorithmType of ['dpmsolver++', 'sde-dpmsolver++'] as const) {
    for (const lowerOrderFinal of [true, false]) {
      for (let steps = 2; steps <= 20; steps++) {
        const options = { solverOrder: 3, lowerOrderFinal, algorithmType };
        for (const scheduler of [new DPMSolverSinglestepScheduler(options), new DPMSolverMultistepScheduler(options)]) {
          scheduler.setTimesteps(steps);
          let x = sample();
          for (const t of scheduler.timesteps) {
            x = scheduler.step(
              x.map((one) => 0.5 * one),
              t,
              x,
              { generator: createGenerator(0) },
            ).prevSample;
          }
          expect(x.every(Number.isFinite)).toBe(true);
        }
      }
    }
  }
});
