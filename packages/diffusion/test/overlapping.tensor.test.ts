import { DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DiffusionPipeline, imageToImage, type Denoiser, type SamplingScheduler } from '../src/index.ts';

/** Answers something that depends on each pixel and its time. */
const unet: Denoiser = {
  predict: (sample, timestep) => tf.tidy(() => tf.mul(tf.tanh(sample), 0.5 + (timestep as number) / 2000)),
};
const sampling = { imageShape: [4, 4, 1] as const, outputType: 'array' as const };
const schedulers: [string, SamplingScheduler][] = [
  ['DDIM', new DDIMScheduler()],
  ['DPM-Solver++', new DPMSolverMultistepScheduler()],
  ['Euler', new EulerDiscreteScheduler()],
];

describe.each(schedulers)('processes that overlap on one pipeline, %s', (_, scheduler) => {
  const pipeline = new DiffusionPipeline({ unet, scheduler });

  it('give what they give one after the other', async () => {
    const counts = [4, 7, 4];
    const sample = (numInferenceSteps: number) => pipeline.sample({ ...sampling, numInferenceSteps });
    const alone: Float32Array[] = [];
    for (const count of counts) alone.push((await sample(count)).data);
    const images = tf.fill<tf.Rank.R4>([1, 4, 4, 1], 0.5);
    const changed = await imageToImage(pipeline, { images, numInferenceSteps: 6 });
    const [others, changedAgain] = await Promise.all([
      Promise.all(counts.map(sample)),
      imageToImage(pipeline, { images, numInferenceSteps: 6 }),
    ]);
    expect(others.map(({ data }) => data)).toEqual(alone);
    expect(changedAgain.dataSync()).toEqual(changed.dataSync());
    tf.dispose([images, changed, changedAgain]);
  });

  it('leak nothing', async () => {
    await expect(() =>
      Promise.all([3, 5].map((numInferenceSteps) => pipeline.sample({ ...sampling, numInferenceSteps }))),
    ).toLeakNoTensors();
  });

  it('may begin in a callback of the other', async () => {
    const inner: Float32Array[] = [];
    const asked = { ...sampling, numInferenceSteps: 3 };
    const outer = await pipeline.sample({
      ...asked,
      callbackOnStepEnd: async () => void inner.push((await pipeline.sample(asked)).data),
    });
    expect(inner).toHaveLength(3);
    for (const data of inner) expect(data).toEqual(outer.data);
  });
});

it('refuses to share a scheduler that cannot be copied', async () => {
  const real = new DDIMScheduler();
  const bare = {
    get timesteps() {
      return real.timesteps;
    },
    initNoiseSigma: 1,
    ...{ setTimesteps: (count: number) => real.setTimesteps(count), scaleModelInput: (x: tf.Tensor4D) => x },
    ...{ addNoise: real.addNoise.bind(real), step: real.step.bind(real) },
  } as SamplingScheduler;
  const pipeline = new DiffusionPipeline({ unet, scheduler: bare });
  const first = pipeline.sample({ ...sampling, numInferenceSteps: 3 });
  await expect(pipeline.sample(sampling)).rejects.toMatchObject({ code: 'DIFFUSION_SCHEDULER_BUSY' });
  await first;
  await pipeline.sample({ ...sampling, numInferenceSteps: 3 });
});
