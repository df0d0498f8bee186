import { DDIMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  classifierFreeGuidance,
  compare,
  DiffusionPipeline,
  evaluate,
  restore,
  type Condition,
  type Denoiser,
} from '../src/index.ts';

/** Its answer tells its class. */
const labelled = {
  config: { num_class_embeds: 4, sample_size: 2, in_channels: 1 },
  predict: (x: tf.Tensor4D, _t: unknown, { classLabels }: Condition = {}) =>
    tf.tidy(() => {
      const labels = tf.tensor4d([...(classLabels as number[])], [x.shape[0], 1, 1, 1]);
      return tf.add<tf.Tensor4D>(tf.zerosLike(x), tf.square(labels));
    }),
};
const promising = {
  ...labelled,
  asynchronous: true,
  predict: async (...given: [tf.Tensor4D, number, Condition?]) => {
    await Promise.resolve();
    return labelled.predict(...given);
  },
};

describe('labels of a conditional network', () => {
  it.each([4, -1, 1.5, [0, 7]])('are refused where they are %j', async (classLabels) => {
    const pipeline = new DiffusionPipeline({ unet: labelled, scheduler: new DDIMScheduler() });
    const bad = { code: 'DIFFUSION_BAD_LABELS', message: expect.stringContaining('from 0 to 3') };
    await expect(async () => {
      await expect(pipeline.sample({ classLabels, batchSize: 2, numInferenceSteps: 1 })).rejects.toMatchObject(bad);
    }).toLeakNoTensors();
  });

  it('guide one that answers with promises as one that answers at once, without leaks', async () => {
    const sample: tf.Tensor4D = tf.ones([2, 2, 2, 1]);
    const condition = { classLabels: [1, 2] };
    const answer = async (denoiser: unknown, guidanceScale: number) => {
      const guided = classifierFreeGuidance(denoiser as Denoiser, { guidanceScale, nullLabel: 3 });
      return guided.predict(sample, 0, condition);
    };
    for (const scale of [1, 2.5]) {
      const [now, later] = [await answer(labelled, scale), await answer(promising, scale)];
      // u + s (c - u)
      expect(now).toBeAllClose([1, 4].flatMap((c) => new Array<number>(4).fill(9 + scale * (c - 9))));
      expect(later).toBeAllClose(now);
      tf.dispose([now, later]);
      await expect(async () => (await answer(promising, scale)).dispose()).toLeakNoTensors();
    }
    const options = { classLabels: 1, guidanceScale: 2, numInferenceSteps: 2, batchSize: 3 };
    const pictures = [labelled, promising].map((unet) =>
      new DiffusionPipeline({ unet: unet as Denoiser, scheduler: new DDIMScheduler() }).sample(options),
    );
    const [one, other] = await Promise.all(pictures);
    expect(other!).toBeAllClose(one!);
    tf.dispose([sample, one!, other!]);
  });
});

describe('evaluations of a conditional network', () => {
  const unet = {
    ...labelled,
    seen: [] as number[][],
    predict(x: tf.Tensor4D, t: unknown, condition?: Condition) {
      this.seen.push([...(condition!.classLabels as number[])]);
      return labelled.predict(x, t, condition);
    },
  };
  const scheduler = new DDIMScheduler();

  it('give each image its label, in chunks of any size', async () => {
    unet.seen = [];
    const pipeline = new DiffusionPipeline({ unet, scheduler });
    const options = { pipeline, count: 3, chunkSize: 2, numInferenceSteps: 1, metrics: {} };
    await evaluate({ ...options, classLabels: [2, 0, 1] });
    expect(unet.seen).toEqual([[2, 0], [1]]);
  });

  it('are of the label of each contender', async () => {
    const contenders = [1, 2].map((classLabels) => ({ name: `class ${classLabels}`, unet, classLabels }));
    const shared = { imageShape: [2, 2, 1] as const, steps: [1], count: 1, metrics: () => ({}) };
    const [one, two] = await compare({ ...shared, contenders, samplers: [{ name: 'DDIM', scheduler }] });
    expect(one!.samples.data).not.toEqual(two!.samples.data);
  });

  it('restore images of a label', async () => {
    unet.seen = [];
    const images: tf.Tensor4D = tf.fill([2, 2, 2, 1], 0.5);
    await restore({ unet, classLabels: 3, scheduler, images, from: 10, steps: 1, metrics: {} });
    expect(unet.seen).toEqual([[3, 3]]);
    images.dispose();
  });
});
