import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { fromFunction, fromLayersModel, UNet2DModel } from '@missing-u/unet-blocks';
import { registerDenoisers, toLayersModel } from '@missing-u/unet-blocks/layers';
import { random } from './random.ts';

const tiny = () =>
  new UNet2DModel({
    blockOutChannels: [4, 4],
    downBlockTypes: ['DownBlock2D', 'DownBlock2D'],
    upBlockTypes: ['UpBlock2D', 'UpBlock2D'],
    normNumGroups: 2,
    layersPerBlock: 1,
    addAttention: false,
  });
const sample = () => random<tf.Rank.R4>([2, 8, 8, 3]);

describe('toLayersModel', () => {
  it('predicts and sums up what the denoiser does', () => {
    const denoiser = tiny();
    const model = toLayersModel(denoiser);
    const expected = denoiser.predict(sample(), [1, 2]);
    expect(model.predict([sample(), tf.tensor1d([1, 2])]) as tf.Tensor).toBeAllClose(expected);
    expect(model.countParams()).toBe(denoiser.parameterCount);
    const lines: string[] = [];
    model.summary(80, undefined, (line) => lines.push(String(line)));
    expect(lines.join('\n')).toContain('missing_u_denoiser');
  });

  it('shares its weights, so that training one trains the other', () => {
    const denoiser = tiny();
    const model = toLayersModel(denoiser, [8, 8, 3]);
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const before = denoiser.predict(sample(), [1, 2]);
    const weights = model.trainableWeights.map((weight) => weight.read());
    expect(weights).toEqual(denoiser.parameters().map(({ variable }) => variable));
    weights.forEach((weight) => (weight as tf.Variable).assign(tf.mul(weight, 1.1)));
    const after = denoiser.predict(sample(), [1, 2]);
    expect(tf.max(tf.abs(tf.sub(after, before))).dataSync()[0]).toBeGreaterThan(1e-4);
    expect(model.predict([sample(), tf.tensor1d([1, 2])]) as tf.Tensor).toBeAllClose(after);
  });

  it('is saved and loaded', async () => {
    const denoiser = tiny();
    let saved: tf.io.ModelArtifacts | undefined;
    await toLayersModel(denoiser).save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    registerDenoisers();
    const loaded = await tfl.loadLayersModel(tf.io.fromMemory(saved!));
    const expected = denoiser.predict(sample(), [1, 2]);
    expect(loaded.predict([sample(), tf.tensor1d([1, 2])]) as tf.Tensor).toBeAllClose(expected);
  });

  it('says what is missing', () => {
    const anonymous = fromFunction((x) => tf.clone(x));
    expect(() => toLayersModel(anonymous)).toThrow(/pass `inputShape`/);
    expect(() => toLayersModel(anonymous, [3])).toThrow(/inputShape/);
    expect(() => toLayersModel(anonymous, [8, 8, 3]).toJSON()).toThrow(/cannot be saved/);
  });
});

describe('fromLayersModel', () => {
  const convolution = () => {
    const image = tfl.input({ shape: [8, 8, 3] });
    const time = tfl.input({ shape: [1] });
    const shift = tfl.layers.reshape({ targetShape: [1, 1, 3] }).apply(tfl.layers.dense({ units: 3 }).apply(time));
    const features = tfl.layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' }).apply(image);
    const spread = tfl.layers.upSampling2d({ size: [8, 8] }).apply(shift);
    const output = tfl.layers.add().apply([features, spread] as tfl.SymbolicTensor[]) as tfl.SymbolicTensor;
    return tfl.model({ inputs: [image, time], outputs: output });
  };

  it('predicts as the model, and its weights can be trained', () => {
    const model = convolution();
    const denoiser = fromLayersModel(model);
    const expected = model.predict([sample(), tf.tensor2d([1, 2], [2, 1])]) as tf.Tensor;
    expect(denoiser.predict(sample(), [1, 2])).toBeAllClose(expected);
    const variables = denoiser.parameters().map(({ variable }) => variable);
    const { grads } = tf.variableGrads(() => tf.mean<tf.Scalar>(tf.square(denoiser.predict(sample(), 3))), variables);
    expect(Object.keys(grads)).toHaveLength(4);
  });

  it('refuses predictions of another size', () => {
    const [image, time] = [tfl.input({ shape: [8, 8, 3] }), tfl.input({ shape: [1] })];
    const half = tfl.layers.averagePooling2d({ poolSize: 2 }).apply(image);
    const shift = tfl.layers.reshape({ targetShape: [1, 1, 3] }).apply(tfl.layers.dense({ units: 3 }).apply(time));
    const spread = tfl.layers.upSampling2d({ size: [4, 4] }).apply(shift);
    const output = tfl.layers.add().apply([half, spread] as tfl.SymbolicTensor[]) as tfl.SymbolicTensor;
    const denoiser = fromLayersModel(tfl.model({ inputs: [image, time], outputs: output }));
    expect(() => denoiser.predict(sample(), [1, 2])).toThrow(/`model.apply\(inputs\)`.*\[2, 4, 4, 3\]/);
  });

  it('refuses models with other inputs', () => {
    expect(() =>
      fromLayersModel(tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] })),
    ).toThrow(/two inputs/);
  });
});

describe('fromFunction', () => {
  it('gives the function images and one time per image', async () => {
    const denoiser = fromFunction((x, t) => tf.mul(x, tf.reshape(t, [-1, 1, 1, 1])));
    expect(denoiser.predict(sample(), 3)).toBeAllClose(tf.mul(sample(), 3));
    expect(() => denoiser.predict(sample(), [1, 2, 3])).toThrow(/timesteps/);
    const x = sample();
    await expect(() => denoiser.predict(x, [1, 2]).dispose()).toLeakNoTensors();
  });

  it('gives a tensor of its own where the function gives the images themselves', () => {
    const x = sample();
    fromFunction((images) => images)
      .predict(x, 3)
      .dispose();
    expect(x.isDisposed).toBe(false);
  });

  it.each<[string, () => tf.Tensor4D]>([
    ['tensor', () => tf.zeros([2, 8, 8, 3])],
    ['variable', () => tf.variable(tf.zeros([2, 8, 8, 3])) as unknown as tf.Tensor4D],
  ])('gives a tensor of its own where the function gives a %s that it holds', async (_, make) => {
    const [x, held] = [sample(), make()];
    const denoiser = fromFunction(() => held);
    await expect(() => denoiser.predict(x, 3).dispose()).toLeakNoTensors();
    expect(held.isDisposed).toBe(false);
    expect(denoiser.predict(x, 3)).toBeAllClose(held);
    tf.dispose([x, held]);
  });

  it('gives gradients of what the function holds', () => {
    const held = tf.variable(tf.zeros<tf.Rank.R4>([2, 8, 8, 3]));
    const denoiser = fromFunction(() => held, { held });
    const { grads } = tf.variableGrads(() => tf.sum(denoiser.predict(sample(), 3)), [held]);
    expect(grads[held.name]!).toBeAllClose(new Array<number>(held.size).fill(1));
  });

  it.each<[string, () => unknown, RegExp]>([
    ['another shape', () => tf.zeros([1, 2]), /\[1, 2\].*\[2, 8, 8, channels\]/],
    ['fewer images', () => tf.zeros([1, 8, 8, 3]), /\[1, 8, 8, 3\]/],
    ['nothing', () => undefined, /`predict\(sample, timesteps\)` is undefined/],
    ['a promise', () => Promise.resolve(tf.zeros([2, 8, 8, 3])), /an instance of Promise/],
  ])('refuses a function that gives %s', (_, predict, message) => {
    const denoiser = fromFunction(predict as () => tf.Tensor4D);
    expect(() => denoiser.predict(sample(), 3)).toThrow(message);
    expect(() => denoiser.predict(sample(), 3)).toThrow(expect.objectContaining({ code: 'UNET_ADAPTER' }));
  });
});
