import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { loadWeights } from '@missing-u/weights';
import { describe, expect, it } from 'vitest';
import { ConvAutoencoder, DnCNN, trainDenoiser, type RasterImage, type TrainingStep } from '../src/index.ts';
import golden from './fixtures/dncnn.json' with { type: 'json' };

const bytes = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const tensor = ({ data, shape }: { data: number[]; shape: number[] }) =>
  tf.tensor4d(data, shape as [number, number, number, number]);
const close = { rtol: 2e-5, atol: 2e-6 };

describe('DnCNN', () => {
  it.each(['saoyan', 'cszn', 'kair'] as const)(
    'gives what PyTorch gives with the weights of the port of %s',
    async (port) => {
      const { file, eps, input, output } = golden[port];
      const model = await DnCNN.fromPretrained(bytes(file), { eps });
      expect(model.denoise(tensor(input))).toBeAllClose(tensor(output), close);
      model.dispose();
    },
  );

  it('has the counts of the paper', () => {
    // The paper's experiment prints 669,312 for the 20-layer colour network; grey ones of 17 layers by hand.
    expect(new DnCNN({ channels: 3, depth: 20 }).parameterCount).toBe(669_312);
    expect(new DnCNN().parameterCount).toBe(2 * 9 * 64 + 15 * (9 * 64 * 64 + 2 * 64));
    expect(new DnCNN({ batchNorm: false, bias: 'all' }).parameterCount).toBe(
      2 * 9 * 64 + 15 * (9 * 64 * 64) + 16 * 64 + 1,
    );
  });

  it('gives what it gave after its state dict went out and in', async () => {
    const model = await DnCNN.fromPretrained(bytes(golden.saoyan.file));
    const copy = DnCNN.fromStateDict(model.stateDict());
    const x = tensor(golden.saoyan.input);
    expect(copy.denoise(x)).toBeAllClose(model.denoise(x));
    // Files do not keep the order of their tensors.
    const reversed = DnCNN.fromStateDict(Object.fromEntries(Object.entries(model.stateDict()).reverse()));
    expect(reversed.denoise(x)).toBeAllClose(model.denoise(x));
  });

  it('leaks nothing, and keeps its input', async () => {
    const model = new DnCNN({ depth: 3, features: 4 });
    const x = tf.ones<tf.Rank.R4>([1, 5, 5, 1]);
    await expect(() => model.denoise(x).dispose()).toLeakNoTensors();
    await expect(() => model.forward(x).dispose()).toLeakNoTensors();
    expect(x.isDisposed).toBe(false);
  });

  it('refuses other images, options and files', () => {
    const model = new DnCNN({ depth: 3, features: 2 });
    expect(() => model.denoise(tf.zeros([1, 5, 5, 3]))).toThrow(/\[images, height, width, 1\]/);
    expect(() => new DnCNN({ depth: 2 })).toThrow(/`depth` is 2/);
    const unknown = { code: 'DENOISERS_UNKNOWN_OPTION' };
    expect(() => new DnCNN({ layers: 20 } as never)).toThrow(expect.objectContaining(unknown));
    expect(() => new ConvAutoencoder({ feature: [4] } as never)).toThrow(expect.objectContaining(unknown));
    expect(() => DnCNN.fromStateDict({ x: { dtype: 'float32', shape: [1], data: new Float32Array(1) } })).toThrow(
      /not that of a DnCNN/,
    );
  });
});

describe('ConvAutoencoder', () => {
  it('gives what PyTorch gives', async () => {
    const { file, input, output } = golden.autoencoder;
    const model = new ConvAutoencoder({ features: [4, 5] });
    model.loadStateDict(await loadWeights(bytes(file)));
    expect(model.denoise(tensor(input))).toBeAllClose(tensor(output), close);
    await expect(() => model.denoise(tensor(input)).dispose()).toLeakNoTensors(1);
  });

  it('has the 4,307,011 parameters of the paper', () => {
    expect(new ConvAutoencoder().parameterCount).toBe(4_307_011);
  });

  it('lets something of an image through from the beginning', () => {
    const model = new ConvAutoencoder({ channels: 1, features: [16, 32, 64, 128] });
    const noise = createGenerator(1).fillUniform(new Float32Array(32 * 32));
    const { variance } = tf.moments(model.denoise(tf.tensor4d(noise, [1, 32, 32, 1])));
    expect(Math.sqrt(variance.dataSync()[0]!)).toBeGreaterThan(0.03);
  });

  it('learns to denoise what it sees', async () => {
    const model = new ConvAutoencoder({ channels: 1, features: [8, 16] });
    const data = Float32Array.from({ length: 64 }, (_, i) => ((i % 8) + Math.floor(i / 8)) / 14);
    const image: RasterImage = { data, width: 8, height: 8, channels: 1 };
    const options = {
      sigma: 0.3,
      steps: 150,
      patchSize: 8,
      batchSize: 8,
      clip: true,
      turns: false,
      learningRate: 3e-3,
    };
    await trainDenoiser(model, [image], { ...options, generator: createGenerator(0) });
    const clean = tf.tensor4d(data, [1, 8, 8, 1]);
    const noise = createGenerator(5).fillNormal(new Float32Array(64));
    const added = tf.mul(tf.tensor4d(noise, [1, 8, 8, 1]), 0.3);
    const noisy = tf.clipByValue<tf.Tensor4D>(tf.add(clean, added), 0, 1);
    const error = (x: tf.Tensor) => tf.mean(tf.squaredDifference(x, clean)).dataSync()[0]!;
    expect(error(model.denoise(noisy))).toBeLessThan(0.2 * error(noisy));
  });

  it('begins at the mean that it is told', () => {
    const images = tf.tensor4d(createGenerator(0).fillNormal(new Float32Array(4 * 16 * 16)), [4, 16, 16, 1]);
    for (const mean of [0.1, 0.5, 0.9]) {
      const model = new ConvAutoencoder({ channels: 1, features: [8, 16], mean });
      const output = tf.mean(model.denoise(images)).dataSync()[0]!;
      expect(Math.log(output / (1 - output)) - Math.log(mean / (1 - mean)), `${mean}`).toBeLessThan(0.5);
      expect(Math.log(output / (1 - output)) - Math.log(mean / (1 - mean)), `${mean}`).toBeGreaterThan(-0.5);
      model.dispose();
    }
    expect(() => new ConvAutoencoder({ mean: 25 })).toThrow(/between 0 and 1/);
    images.dispose();
  });

  it('refuses sizes that it cannot halve', () => {
    const model = new ConvAutoencoder({ features: [2, 2], channels: 1 });
    expect(() => model.denoise(tf.zeros([1, 8, 6, 1]))).toThrow(/divisible by 4/);
    expect(() => new ConvAutoencoder({ features: [] })).toThrow(/at least one feature/);
  });
});

describe('trainDenoiser', () => {
  const stripes: RasterImage = {
    data: Float32Array.from({ length: 24 * 24 }, (_, i) => (Math.floor(i / 24 / 4) % 2 === 0 ? 0.25 : 0.75)),
    width: 24,
    height: 24,
    channels: 1,
  };
  const options = { sigma: 0.2, steps: 150, patchSize: 8, batchSize: 8, learningRate: 1e-2 };

  it('lowers the loss, and the running statistics make the trained network good at inference', async () => {
    const model = new DnCNN({ depth: 3, features: 8 });
    const losses: number[] = [];
    const onStep = ({ loss }: { loss: number }) => losses.push(loss);
    await trainDenoiser(model, [stripes], { ...options, generator: createGenerator(0), onStep });
    expect(losses).toHaveLength(150);
    const noise = createGenerator(5).fillNormal(new Float32Array(24 * 24));
    const clean = tf.tensor4d(stripes.data as Float32Array, [1, 24, 24, 1]);
    const noisy = tf.add<tf.Tensor4D>(clean, tf.mul(tf.tensor4d(noise, [1, 24, 24, 1]), 0.2));
    const error = (x: tf.Tensor) => tf.mean(tf.squaredDifference(x, clean)).dataSync()[0]!;
    expect(error(model.denoise(noisy))).toBeLessThan(0.5 * error(noisy));
  });

  it('gives the same numbers for the same seed, and leaks nothing', async () => {
    const run = async () => {
      const losses: number[] = [];
      const model = new DnCNN({ depth: 3, features: 2 });
      const given = { ...options, steps: 2, sigma: [0, 0.3] as const, clip: true, generator: createGenerator(3) };
      await trainDenoiser(model, [stripes], { ...given, onStep: ({ loss }) => losses.push(loss) });
      model.dispose();
      return losses;
    };
    expect(await run()).toEqual(await run());
    await expect(run).toLeakNoTensors();
  });

  it('runs the step that `compile` makes of it, and frees that', async () => {
    const run = async (compiled: boolean, firstStep = 0) => {
      const losses: number[] = [];
      const model = new DnCNN({ depth: 3, features: 2 });
      let disposed = 0;
      const compile = (step: TrainingStep) =>
        Object.assign(((x, y, numbers) => step(x, y, numbers)) as TrainingStep, { dispose: () => disposed++ });
      const given = { ...options, steps: 3, firstStep, turns: false, generator: createGenerator(3) };
      const onStep = ({ loss }: { loss: number }) => losses.push(loss);
      await trainDenoiser(model, [stripes], { ...given, onStep, ...(compiled && { compile }) });
      model.dispose();
      expect(disposed).toBe(compiled ? 1 : 0);
      return losses;
    };
    expect(await run(true)).toEqual(await run(false));
    expect(await run(false, 2)).toHaveLength(1);
    await expect(() => run(true)).toLeakNoTensors();
  });

  it('stops on request and refuses pictures that do not fit', async () => {
    const model = new DnCNN({ depth: 3, features: 2 });
    const given = { ...options, generator: createGenerator(0) };
    await expect(trainDenoiser(model, [stripes], { ...given, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await expect(trainDenoiser(model, [], given)).rejects.toThrow(/an empty list/);
    const unknown = { code: 'DENOISERS_UNKNOWN_OPTION', message: expect.stringContaining('batch_size') as string };
    await expect(trainDenoiser(model, [stripes], { ...given, batch_size: 4 } as never)).rejects.toMatchObject(unknown);
    const bytes = { ...stripes, data: stripes.data.map((value) => 255 * value) as Float32Array };
    await expect(trainDenoiser(model, [bytes], given)).rejects.toThrow(/divide by 255/);
    await expect(trainDenoiser(model, [stripes], { ...given, patchSize: 25 })).rejects.toThrow(/24x24x1/);
    await expect(trainDenoiser(model, [stripes], { ...given, sigma: [0.2, 0.1] })).rejects.toMatchObject({
      code: 'DENOISERS_BAD_SIGMA',
    });
    for (const wrong of [
      { steps: NaN },
      { steps: 1.5 },
      { firstStep: NaN },
      { batchSize: 0 },
      { patchSize: 0 },
      { learningRate: NaN },
    ]) {
      const refusal = {
        code: 'DENOISERS_BAD_OPTION',
        message: expect.stringContaining(`\`${Object.keys(wrong)[0]}\``) as string,
      };
      await expect(trainDenoiser(model, [stripes], { ...given, ...wrong })).rejects.toMatchObject(refusal);
    }
    for (const sigma of [undefined, null, '0.1', ['0.05', '0.1'], [0.1, undefined]]) {
      const wrong = { ...given, sigma: sigma as never };
      await expect(trainDenoiser(model, [stripes], wrong)).rejects.toMatchObject({ code: 'DENOISERS_BAD_SIGMA' });
    }
  });
});
