import {
  DDIMParallelScheduler,
  DDPMParallelScheduler,
  DPMSolverSDEScheduler,
  RePaintScheduler,
  ScoreSdeVeScheduler,
  ScoreSdeVpScheduler,
  torchGenerator,
  type NumberArray,
  type Precision,
} from '../src/index.ts';
import { fallingRamp, model, ramp, summary, type GoldenCase, type GoldenNumbers } from './golden.ts';

interface Loop {
  timesteps: Float64Array;
  sample: NumberArray;
}

const shape = [4, 192];
type Run = (golden: GoldenCase, precision: Precision) => Loop;

/** The loops of tools/reference/schedulers/special.py. */
const LOOPS: Record<string, Run> = {
  DPMSolverSDEScheduler({ config, steps, step }, precision) {
    const scheduler = new DPMSolverSDEScheduler({ num_train_timesteps: 1000, ...config, ...common(precision) });
    scheduler.setTimesteps(steps!);
    const generator = torchGenerator(0);
    let sample: NumberArray = ramp(precision).map((x) => x * scheduler.initNoiseSigma);
    for (const t of scheduler.timesteps) {
      const output = model(scheduler.scaleModelInput(sample, t), t);
      const sNoise = (step?.['s_noise'] ?? 1) as number;
      sample = scheduler.step(output, t, sample, { generator, shape, sNoise }).prevSample;
    }
    return { timesteps: scheduler.timesteps, sample };
  },

  RePaintScheduler({ config, steps, jump_length: jumpLength, jump_n_sample: jumpNSample }, precision) {
    const scheduler = new RePaintScheduler({ ...config, ...common(precision) });
    scheduler.setTimesteps(steps!, { jumpLength: jumpLength!, jumpNSample: jumpNSample! });
    const generator = torchGenerator(0);
    const originalImage = fallingRamp(precision);
    const mask = originalImage.map((x) => (x > 0.5 ? 1 : 0));
    let sample: NumberArray = ramp(precision);
    let last = scheduler.timesteps[0]! + 1;
    for (const t of scheduler.timesteps) {
      if (t < last) {
        sample = scheduler.step(model(sample, t), t, sample, { originalImage, mask, generator, shape }).prevSample;
      } else sample = scheduler.undoStep(sample, last, { generator, shape });
      last = t;
    }
    return { timesteps: scheduler.timesteps, sample };
  },

  ScoreSdeVeScheduler({ config, steps }, precision) {
    const scheduler = new ScoreSdeVeScheduler({ num_train_timesteps: 2000, ...config, ...common(precision) });
    // In this order, as the published test has it, `sigmas` are still those of all trained times.
    scheduler.setSigmas(steps!);
    scheduler.setTimesteps(steps!);
    const generator = torchGenerator(0);
    let sample: NumberArray = ramp(precision);
    for (const [i, t] of scheduler.timesteps.entries()) {
      const sigma = scheduler.sigmas[i]!;
      for (let correction = 0; correction < Number(scheduler.config['correct_steps']); correction++) {
        sample = scheduler.stepCorrect(model(sample, sigma), sample, { generator, shape }).prevSample;
      }
      sample = scheduler.stepPred(model(sample, sigma), t, sample, { generator, shape }).prevSample;
    }
    return { timesteps: scheduler.timesteps, sample };
  },

  ScoreSdeVpScheduler({ config, steps }, precision) {
    const scheduler = new ScoreSdeVpScheduler({ num_train_timesteps: 2000, ...config, ...common(precision) });
    scheduler.setTimesteps(steps!);
    const generator = torchGenerator(0);
    let sample: NumberArray = ramp(precision);
    for (const t of scheduler.timesteps) {
      sample = scheduler.stepPred(model(sample, t), t, sample, { generator, shape }).prevSample;
    }
    return { timesteps: scheduler.timesteps, sample };
  },

  DDIMParallelScheduler: ({ config, steps }, precision) =>
    batchStep(new DDIMParallelScheduler({ ...config, ...common(precision) }), precision, steps),
  DDPMParallelScheduler: ({ config, steps }, precision) =>
    batchStep(new DDPMParallelScheduler({ ...config, ...common(precision) }), precision, steps),
};

function common(precision: Precision) {
  return { precision, match_diffusers: true };
}

function batchStep(
  scheduler: DDIMParallelScheduler | DDPMParallelScheduler,
  precision: Precision,
  steps: number | undefined,
): Loop {
  if (steps !== undefined) scheduler.setTimesteps(steps);
  const samples = [0, 0.1, -0.1].map((shift) => ramp(precision).map((x) => x + shift));
  const outputs = samples.map((sample, t) => model(sample, t));
  const join = (parts: NumberArray[]): NumberArray => {
    const joined = precision === 'float64' ? new Float64Array(3 * 768) : new Float32Array(3 * 768);
    for (const [i, part] of parts.entries()) joined.set(part, i * 768);
    return joined;
  };
  const timesteps = Float64Array.from({ length: 12 }, (_, item) => Math.floor(item / 4));
  const sample = scheduler.batchStepNoNoise(join(outputs), timesteps, join(samples), { shape: [12, 192] });
  return { timesteps: scheduler.timesteps, sample };
}

/** Runs a case of fixtures/special.json. */
export function runSpecial(golden: GoldenCase, precision: Precision): GoldenNumbers {
  const { timesteps, sample } = LOOPS[golden.class]!(golden, precision);
  return summary(timesteps, sample);
}
