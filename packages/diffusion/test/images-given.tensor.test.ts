import { DDIMScheduler, DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  denoiseFrom,
  DiffusionPipeline,
  imageToImage,
  inpaint,
  interpolateImages,
  interpolateNoise,
  likelihood,
  restore,
  type Denoiser,
  type StepCallback,
} from '../src/index.ts';

const unet: Denoiser = { predict: (sample) => tf.tidy(() => tf.mul(tf.tanh(sample), 0.7)) };
const pipeline = new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() });
const few = { numInferenceSteps: 4 };
const imageShape = [2, 2, 1] as const;

/** What takes images, as functions of [1, 2, 2, 1] and a seed that give tensors, or nothing. */
const takers: [string, '[0, 1]' | '[-1, 1]', (images: tf.Tensor4D, generator?: number) => unknown][] = [
  ['imageToImage', '[0, 1]', (images, generator = 0) => imageToImage(pipeline, { images, generator, ...few })],
  [
    'inpaint',
    '[0, 1]',
    (images, generator = 0) => {
      const mask = tf.tidy(() => tf.onesLike(images));
      const options = { images, mask, generator, ...few, jumpLength: 1, jumpNSample: 1 };
      return inpaint(pipeline, options).finally(() => mask.dispose());
    },
  ],
  [
    'interpolateImages',
    '[0, 1]',
    (images, generator = 0) => {
      const [from, to] = [tf.zeros([2, 2, 1]), tf.reshape(images, [2, 2, 1])] as [tf.Tensor3D, tf.Tensor3D];
      return interpolateImages(pipeline, { from, to, count: 2, generator, ...few }).finally(() =>
        tf.dispose([from, to]),
      );
    },
  ],
  [
    'likelihood',
    '[0, 1]',
    async (images, generator = 0) => void likelihood(pipeline, { images, generator, rtol: 1, atol: 1 }),
  ],
  [
    'restore',
    '[0, 1]',
    async (images, generator = 0) => {
      const scheduler = new DDIMScheduler();
      await restore({ unet, scheduler, images, generator, from: 9, steps: 1, metrics: {} });
    },
  ],
  [
    'denoiseFrom',
    '[-1, 1]',
    async (images, generator = 0) => {
      const scheduler = new DDPMScheduler();
      await denoiseFrom({ unet, scheduler, images, steps: 1, generator, measures: {} });
    },
  ],
];

describe.each(takers)('%s', (_, range, take) => {
  const given = async (values: number[], generator?: number) => {
    const images = tf.tensor4d(values, [1, ...imageShape]);
    try {
      tf.dispose((await take(images, generator)) as tf.Tensor[]);
    } finally {
      images.dispose();
    }
  };

  it.each([
    ['bytes', [0, 12, 200, 255]],
    ['NaN', [0, NaN, 1, 1]],
  ])('refuses images of %s, and names its range', async (_, values) => {
    const message = expect.stringContaining(`values in ${range}; divide`) as string;
    await expect(async () => {
      await expect(given(values)).rejects.toMatchObject({ code: 'DIFFUSION_BAD_IMAGES', message });
    }).toLeakNoTensors();
  });

  it.runIf(range === '[0, 1]')('refuses images in [-1, 1]', async () => {
    await expect(given([-1, 0, 0.5, 1])).rejects.toMatchObject({ code: 'DIFFUSION_BAD_IMAGES' });
  });

  it('refuses a generator that is none', async () => {
    const refused = {
      code: 'DIFFUSION_BAD_GENERATORS',
      message: expect.stringContaining('`generator` is { seed: 3 }') as string,
    };
    await expect(async () => {
      await expect(given([0, 0, 1, 1], { seed: 3 } as never)).rejects.toMatchObject(refused);
    }).toLeakNoTensors();
  });

  it('takes images that leave the range a little, as noise makes them do', async () => {
    await expect(() => given([-0.2, 0.1, 0.9, 1.2])).toLeakNoTensors();
  });
});

it('what starts from noise alone refuses a generator that is none', async () => {
  const code = 'DIFFUSION_BAD_GENERATORS';
  const refused = (argument: string) => ({ code, message: expect.stringContaining(`\`${argument}\` is`) as string });
  const steps = { imageShape, numInferenceSteps: 2 };
  await expect(async () => {
    const sampled = pipeline.sample({ ...steps, generator: 'a seed' as never });
    await expect(sampled).rejects.toMatchObject(refused('generator'));
    const [from, to] = [0, null as never];
    await expect(interpolateNoise(pipeline, { ...steps, from, to })).rejects.toMatchObject(refused('to'));
  }).toLeakNoTensors();
});

describe('callbackOnStepEnd', () => {
  const images = (): tf.Tensor4D => tf.fill([1, ...imageShape], 0.5);
  const ways: [string, (callbackOnStepEnd: StepCallback) => Promise<tf.Tensor4D>][] = [
    [
      'imageToImage',
      async (callbackOnStepEnd) => {
        const start = images();
        const options = { images: start, strength: 0.5, ...few, callbackOnStepEnd };
        return imageToImage(pipeline, options).finally(() => start.dispose());
      },
    ],
    [
      'interpolateImages',
      async (callbackOnStepEnd) => {
        const [from, to] = [tf.zeros([...imageShape]), tf.ones([...imageShape])] as [tf.Tensor3D, tf.Tensor3D];
        const options = { from, to, count: 2, ...few, callbackOnStepEnd };
        return interpolateImages(pipeline, options).finally(() => tf.dispose([from, to]));
      },
    ],
    [
      'interpolateNoise',
      (callbackOnStepEnd) =>
        interpolateNoise(pipeline, { from: 0, to: 1, count: 2, imageShape, numInferenceSteps: 2, callbackOnStepEnd }),
    ],
  ];

  it.each(ways)('of %s is told of every step, and may replace its images', async (_, run) => {
    await expect(async () => {
      const steps: number[] = [];
      const replaced = await run((which, step, _timestep, { sample }) => {
        expect(which).toBe(pipeline);
        steps.push(step);
        return step === 1 ? { sample: tf.onesLike(sample) } : undefined;
      });
      expect(replaced).toBeAllClose(new Array<number>(replaced.size).fill(1));
      replaced.dispose();
      expect(steps).toEqual([0, 1]);
    }).toLeakNoTensors();
  });
});

it('options that do not exist are refused by name', async () => {
  const images: tf.Tensor4D = tf.fill([1, ...imageShape], 0.5);
  const refused = (meant: string) => ({
    code: 'DIFFUSION_UNKNOWN_OPTION',
    message: expect.stringContaining(`Did you mean '${meant}'?`) as string,
  });
  const run = { images, ...few };
  await expect(imageToImage(pipeline, { ...run, strenght: 0.1 } as typeof run)).rejects.toMatchObject(
    refused('strength'),
  );
  const painting = { ...run, mask: images, jump_length: 1 };
  await expect(inpaint(pipeline, painting)).rejects.toMatchObject(refused('jumpLength'));
  const between = { from: 0, to: 1, image_shape: imageShape };
  await expect(interpolateNoise(pipeline, between)).rejects.toMatchObject(refused('imageShape'));
  await expect(interpolateImages(pipeline, { counts: 3 } as never)).rejects.toMatchObject(refused('count'));
  images.dispose();
});
