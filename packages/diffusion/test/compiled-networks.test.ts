import { CUNet, presets, type PresetName } from '@missing-u/cunet';
import { ConvAutoencoder, DnCNN } from '@missing-u/denoisers';
import { compile, useEngine } from '@missing-u/engine';
import { findInstallations } from '@missing-u/engine/node';
import { DDPMScheduler } from '@missing-u/schedulers';
import { UNet, UNet2DModel, unetPresets } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  DDIMPipeline,
  FlatParameters,
  lossAndGradient,
  Trainer,
  type Denoiser,
  type TrainableDenoiser,
} from '../src/index.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
if (installed) await useEngine('native', { threads: 2 });

type Network = TrainableDenoiser & { dispose(): void };

/** The network of Ho et al. and of diffusers' models, made small. */
const small = {
  ...{ inChannels: 1, outChannels: 1, sampleSize: 32, blockOutChannels: [8, 16], layersPerBlock: 1, normNumGroups: 4 },
  downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D'],
  upBlockTypes: ['AttnUpBlock2D', 'UpBlock2D'],
};

/** A denoiser of images, which knows no times. */
function fromImages(network: DnCNN | ConvAutoencoder): Network {
  return {
    predict: (images) => network.forward(images),
    parameters: () => network.parameters(),
    dispose: () => network.dispose(),
  };
}

/** A continuous U-Net with few channels; the published ones normalise over single pixels where images are smaller. */
function tiny(preset: PresetName): Network {
  const imageSize = sideOf(preset);
  return new CUNet({ inChannels: 1, imageSize, preset, channels: 8, groups: 4, timeSize: 8, attentionHeads: 2 });
}
const sideOf = (preset: PresetName) => (preset.startsWith('published') ? 32 : 16);

type Case = [name: string, side: number, make: () => Network];
const others: Case[] = [
  ['unet', 16, () => new UNet({ inChannels: 1, dim: 8, dimMults: [1, 2] })],
  ['UNet2DModel', 16, () => new UNet2DModel(small)],
  ['DnCNN', 16, () => fromImages(new DnCNN({ depth: 4, features: 8 }))],
  ['auto-encoder', 32, () => fromImages(new ConvAutoencoder({ channels: 1 }))],
];
/** Those of `cunet` have theirs in that package. */
const networks: Case[] = [
  ['cunet', 32, () => new CUNet({ inChannels: 1, imageSize: 32, channels: 16 })],
  ...others,
  ['ho', 16, () => new UNet({ preset: 'ho', inChannels: 1 })],
];
const trained: Case[] = [
  ...(Object.keys(presets) as PresetName[]).map((name): Case => [name, sideOf(name), () => tiny(name)]),
  ...others,
  // The options of Ho's network, and fewer channels.
  ['ho', 16, () => new UNet2DModel({ ...unetPresets.ho, ...small, blockOutChannels: [8, 8], sampleSize: 16 })],
];

/** Two images of a side. */
const pair = (side: number) =>
  tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.sin(tf.range(0, 2 * side * side)), [2, side, side, 1]));

describe.skipIf(!installed)('compiled networks (needs `missing-u native install`)', () => {
  it.each(networks)(
    '%s equals itself, in its prediction and its gradient',
    (_, side, make) => {
      const network = make();
      const parameters = new FlatParameters(network.parameters().filter(({ variable }) => variable.trainable));
      const [x, t] = [pair(side), tf.tensor1d([3, 700])];
      const both = (images: tf.Tensor4D, times: tf.Tensor1D) => {
        const { loss, gradient } = lossAndGradient(network, parameters, images, times, images);
        return [network.predict(images, times), loss, gradient];
      };
      const step = compile(both);
      const eager = tf.tidy(() => both(x, t));
      for (let call = 0; call < 2; call++) {
        const graph = step(x, t);
        graph.forEach((tensor, i) => expect(relative(tensor, eager[i]!)).toBeLessThan(1e-5));
        tf.dispose(graph);
      }
      step.dispose();
      tf.dispose([x, t, eager]);
      network.dispose();
    },
    240_000,
  );

  // Where rounding differed, Adam would make full steps of it for gradients near 0. It does not: all weights are the same digits.
  it.each(trained)(
    '20 training steps of %s end where they end without compiling',
    async (_, side, make) => {
      const train = async (compiled: boolean) => {
        const denoiser = make();
        const options = { scheduler: new DDPMScheduler(), seed: 1, learningRate: 1e-3, totalSteps: 20 };
        const trainer = new Trainer({ ...options, denoiser, compile: compiled });
        const images = pair(side);
        const losses: number[] = [];
        for (let step = 0; step < 20; step++) losses.push((await trainer.trainStep({ images })).loss);
        const weights = trainer.parameters.read();
        const values = (await weights.data()) as Float32Array;
        trainer.dispose();
        denoiser.dispose();
        tf.dispose([images, weights]);
        return { losses, values };
      };
      const [graph, eager] = [await train(true), await train(false)];
      const largest = eager.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(graph.losses).toBeAllClose(eager.losses, { rtol: 1e-5, atol: 0 });
      expect(graph.values).toBeAllClose(eager.values, {
        rtol: 0,
        atol: 1e-5 * largest,
      });
      expect(eager.losses[19]).not.toBe(eager.losses[0]);
    },
    240_000,
  );

  const classes = { ...small, numClassEmbeds: 3 };
  it.each<[string, () => Network, object]>([
    ['cunet', () => tiny('cunet'), {}],
    [
      'unet that sees its own estimate',
      () => new UNet({ inChannels: 1, dim: 8, dimMults: [1, 2], selfCondition: true }),
      {},
    ],
    ['UNet2DModel, guided', () => new UNet2DModel(classes), { classLabels: [0, 1], guidanceScale: 2 }],
  ])('sampling from %s runs its graph, and gives the pictures of the network itself', async (_, make, condition) => {
    const network = make();
    let calls = 0;
    const predict = network.predict.bind(network);
    network.predict = (...inputs) => {
      calls += 1;
      return predict(...inputs);
    };
    const sampled = async (compile?: boolean) => {
      const pipeline = new DDIMPipeline({ unet: network });
      const steps = {
        numInferenceSteps: 12,
        generator: 1,
        batchSize: 2,
        chunkSize: 2,
        imageShape: [16, 16, 1] as const,
      };
      const options = {
        ...steps,
        ...condition,
        ...(compile !== undefined && { compile }),
        outputType: 'array' as const,
      };
      const { data } = await pipeline.sample(options);
      pipeline.dispose();
      return { data, calls: calls - (calls = 0) };
    };
    const plain = await sampled(false);
    const graph = await sampled();
    expect(plain.calls).toBe('guidanceScale' in condition ? 24 : 12);
    expect(graph.calls).toBeLessThanOrEqual(plain.calls / 2); // It is recorded, and compared in the first calls.
    expect(graph.data).toBeAllClose(plain.data, { rtol: 0, atol: 1e-3 });
    network.dispose();
  });

  const sampling = { numInferenceSteps: 6, generator: 1, imageShape: [4, 4, 1] as const, outputType: 'array' as const };
  const overlaps: [string, object[], object][] = [
    ['in `compile`', [{ compile: true }, { compile: false }, { compile: true }], {}],
    ['in whether they have labels', [{}, { classLabels: 0 }, {}], { compile: true }],
  ];
  it.each(overlaps)('calls that overlap and differ %s keep their graphs', async (_, differences, shared) => {
    const { unet, calls } = counted();
    const pipeline = new DDIMPipeline({ unet });
    const sample = (difference: object) => pipeline.sample({ ...sampling, ...shared, ...difference });
    const alone: Float32Array[] = [];
    for (const difference of differences) alone.push((await sample(difference)).data);
    const before = calls();
    const together = await Promise.all(differences.map(sample));
    // Recorded and compared already, if graphs are kept: only what is not compiled is called.
    expect(calls() - before).toBe(differences.some((options) => 'compile' in options) ? sampling.numInferenceSteps : 0);
    together.forEach(({ data }, i) => expect(data).toBeAllClose(alone[i]!, { rtol: 0, atol: 1e-6 }));
    pipeline.dispose();
  });

  const promising: [string, object][] = [
    ['is declared to', { predict: async (sample: tf.Tensor4D) => tf.mul(sample, 0.5) }],
    ['says so', { predict: (sample: tf.Tensor4D) => Promise.resolve(tf.mul(sample, 0.5)), asynchronous: true }],
    ['does so unannounced', { predict: (sample: tf.Tensor4D) => Promise.resolve(tf.mul(sample, 0.5)) }],
    ['does so, and fails', { predict: () => Promise.reject(new Error('late')) }],
  ];
  it.each(promising)('a denoiser that answers with a promise is not compiled: it %s', async (_, parts) => {
    const pipeline = new DDIMPipeline({ unet: parts as Denoiser });
    const message = expect.stringMatching(/promise.*Leave `compile` out/) as string;
    const refused = { code: 'DIFFUSION_NOT_COMPILABLE', message };
    for (const guided of [{}, { classLabels: 0, guidanceScale: 2, nullLabel: 1 }]) {
      await expect(() =>
        expect(pipeline.sample({ ...sampling, ...guided, compile: true })).rejects.toMatchObject(refused),
      ).toLeakNoTensors();
    }
    pipeline.dispose();
  });

  it('a network of this project whose answers are promised runs as it is', async () => {
    const network = tiny('cunet');
    const predict = network.predict.bind(network);
    const asynchronous = Object.assign(network, {
      predict: async (...inputs: Parameters<typeof predict>) => predict(...inputs),
    });
    const pipeline = new DDIMPipeline({ unet: asynchronous });
    const { data } = await pipeline.sample({ ...sampling, numInferenceSteps: 2, imageShape: [16, 16, 1] });
    expect(data.every(Number.isFinite)).toBe(true);
    network.dispose();
  });

  it('what is on its way goes on without a graph where the pipeline is disposed of, or gets another network', async () => {
    for (const change of [
      (pipeline: DDIMPipeline) => pipeline.dispose(),
      (pipeline: DDIMPipeline) => void (pipeline.unet = counted().unet),
    ]) {
      const { unet, calls } = counted();
      const pipeline = new DDIMPipeline({ unet });
      const callbackOnStepEnd = (_: unknown, step: number) => void (step === 2 && change(pipeline));
      const { data } = await pipeline.sample({ ...sampling, compile: true, callbackOnStepEnd });
      expect(calls()).toBe(2 + 3);
      const whole = await new DDIMPipeline({ unet }).sample(sampling);
      expect(data).toBeAllClose(whole.data, { rtol: 0, atol: 1e-6 });
      pipeline.dispose();
    }
  });

  it('trains the same within a budget of memory, and refuses one that is too small', async () => {
    const images = tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.sin(tf.range(0, 8 * 16 * 16)), [8, 16, 16, 1]));
    const train = async (memoryBudget?: number) => {
      const denoiser = new UNet2DModel(small);
      const options = { scheduler: new DDPMScheduler(), seed: 1, learningRate: 1e-3, totalSteps: 3 };
      const trainer = new Trainer({ ...options, denoiser, ...(memoryBudget !== undefined && { memoryBudget }) });
      try {
        const losses: number[] = [];
        for (let step = 0; step < 3; step++) losses.push((await trainer.trainStep({ images })).loss);
        return { losses, memory: trainer.stats.gradient.graphs[0]!.memory };
      } finally {
        trainer.dispose();
        denoiser.dispose();
      }
    };
    const free = await train();
    const budget = 0.7 * free.memory.peakBytes;
    const bound = await train(budget);
    expect(bound.memory.peakBytes).toBeLessThanOrEqual(budget);
    expect(bound.losses).toEqual(free.losses);
    await expect(train(1000)).rejects.toThrow(expect.objectContaining({ code: 'ENGINE_COMPILE_MEMORY' }));
    images.dispose();
  }, 240_000);
});

/** A denoiser of one's own, which takes times as numbers and as tensors, and how often its JavaScript ran. */
function counted(): { unet: Denoiser; calls: () => number } {
  let calls = 0;
  const predict: Denoiser['predict'] = (sample, timesteps, condition) => {
    calls += 1;
    return tf.tidy(() => {
      const labels = condition?.classLabels;
      const shift = labels === undefined ? 0 : labels instanceof tf.Tensor ? tf.mean(labels) : labels[0]!;
      return tf.add<tf.Tensor4D>(tf.tanh(sample), tf.add(shift, tf.mean(tf.mul(timesteps, 1e-3))));
    });
  };
  return { unet: { predict }, calls: () => calls };
}

/** The largest difference, in the size of the largest element. */
function relative(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.div(tf.max(tf.abs(tf.sub(a, b))), tf.max(tf.abs(b))).dataSync()[0]!);
}
