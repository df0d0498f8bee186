import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  SCHEDULERS,
  createGenerator,
  epsilonDenoiser,
  noiseTables,
  sampleDpmAdaptive,
  sampleDpmFast,
  sampleDpmpp2m,
  sampleDpmppSde,
  sampleEuler,
  karrasSigmas,
  type SchedulerName,
  type StepResult,
} from '../src/index.ts';

interface Walker {
  timesteps: Float64Array;
  setTimesteps(count: number, options?: object): void;
  scaleModelInput(x: tf.Tensor, t: number): tf.Tensor;
  step(output: tf.Tensor, t: number, x: tf.Tensor, options: object): StepResult<tf.Tensor>;
  reset(): void;
}

const SHAPE = [2, 2, 2, 1];
const image = () => tf.tensor(createGenerator(1).fillNormal(new Float32Array(8)), SHAPE);

describe.each(Object.keys(SCHEDULERS) as SchedulerName[])('%s', (name) => {
  const make = () => {
    const scheduler = new SCHEDULERS[name]() as unknown as Walker;
    scheduler.setTimesteps(name === 'RePaintScheduler' ? 4 : 5, { jumpLength: 10 });
    return scheduler;
  };

  /** A loop on tensors over the first `count` timesteps, as a caller writes it. */
  const walk = (scheduler: Walker, count = Infinity) => {
    let x = image();
    const [mask, originalImage] = [tf.ones(SHAPE), tf.zeros(SHAPE)];
    for (const t of scheduler.timesteps.slice(0, count)) {
      const output = tf.tidy(() => tf.mul(scheduler.scaleModelInput(x, t), 0.3));
      const result = scheduler.step(output, t, x, { generator: createGenerator(0), mask, originalImage, eta: 0.5 });
      tf.dispose([x, output, ...Object.values(result).filter((one) => one !== result.prevSample)]);
      x = result.prevSample;
    }
    tf.dispose([mask, originalImage]);
    return x;
  };

  it('leaves nothing behind after a whole loop, nor after half of one and reset()', async () => {
    await expect(() => tf.dispose(walk(make()))).toLeakNoTensors();
    await expect(() => {
      const scheduler = make();
      tf.dispose(walk(scheduler, 3));
      scheduler.reset();
    }).toLeakNoTensors();
  });

  it('gives on tensors what it gives on arrays', () => {
    const scheduler = make();
    const end = walk(scheduler);
    scheduler.setTimesteps(name === 'RePaintScheduler' ? 4 : 5, { jumpLength: 10 });
    const arrays = scheduler as unknown as {
      scaleModelInput(x: Float32Array, t: number): Float32Array;
      step(output: Float32Array, t: number, x: Float32Array, options: object): StepResult<Float32Array>;
    };
    let x: Float32Array = createGenerator(1).fillNormal(new Float32Array(8));
    for (const t of scheduler.timesteps) {
      const output = arrays.scaleModelInput(x, t).map((one) => one * 0.3);
      const [mask, originalImage] = [new Float32Array(8).fill(1), new Float32Array(8)];
      x = arrays.step(output, t, x, {
        generator: createGenerator(0),
        mask,
        originalImage,
        eta: 0.5,
        shape: SHAPE,
      }).prevSample;
    }
    const scale = Math.max(...x.map(Math.abs));
    expect(end).toBeAllClose(x, { rtol: 1e-3, atol: 1e-3 * scale });
  });
});

it('samplers leave nothing behind, even where the denoiser throws', async () => {
  const { alphasCumprod } = noiseTables({
    numTrainTimesteps: 100,
    betaStart: 1e-4,
    betaEnd: 0.02,
    betaSchedule: 'linear',
    trainedBetas: null,
    rescaleBetasZeroSnr: false,
    precision: 'float64',
  });
  const denoiser = epsilonDenoiser<tf.Tensor>((x) => tf.mul(x, 0.1), alphasCumprod);
  const x = image();
  const sigmas = karrasSigmas(5, { sigmaMin: 0.05, sigmaMax: 1 });
  await expect(() => {
    tf.dispose([sampleEuler(denoiser, x, sigmas), sampleDpmpp2m(denoiser, x, sigmas)]);
    tf.dispose(sampleDpmppSde(denoiser, x, sigmas, { generator: createGenerator(0) }));
    tf.dispose(sampleDpmFast(denoiser, x, { sigmaMin: 0.05, sigmaMax: 1, nfe: 8 }));
    tf.dispose(sampleDpmAdaptive(denoiser, x, { sigmaMin: 0.05, sigmaMax: 1 }).x);
  }).toLeakNoTensors();
  await expect(() => {
    let calls = 0;
    const broken = (at: tf.Tensor, sigma: number) => {
      if (calls++ === 2) throw new Error('broken');
      return denoiser(at, sigma);
    };
    expect(() => sampleDpmpp2m(broken, x, sigmas)).toThrow('broken');
  }).toLeakNoTensors();
});
