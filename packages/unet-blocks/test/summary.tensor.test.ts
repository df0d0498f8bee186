import { describe, expect, it } from 'vitest';
import { Conv2d, Linear, Module, summary, UNet, UNet2DModel, type UNet2DOptions } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';

const smallest: Partial<UNet2DOptions> = {
  blockOutChannels: [4],
  downBlockTypes: ['DownBlock2D'],
  upBlockTypes: ['UpBlock2D'],
  normNumGroups: 2,
  layersPerBlock: 1,
  attentionHeadDim: 4,
};

/** A convolution of stride 2 and a linear layer that runs twice. */
class Tiny extends Module {
  private readonly conv = this.child('conv', new Conv2d({ inChannels: 3, outChannels: 4, stride: 2, padding: 1 }));
  private readonly linear = this.child('linear', new Linear({ inFeatures: 4, outFeatures: 4 }));

  predict(sample: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.linear.forward(this.linear.forward(this.conv.forward(sample))));
  }
}

describe('summary', () => {
  it('counts what runs, as often as it runs', () => {
    const { layers, ...sums } = summary(new Tiny(), [8, 8, 3]);
    expect(layers).toEqual([
      {
        ...{ name: 'conv', kind: 'Conv2d', outputShape: [1, 4, 4, 4], parameters: 112, calls: 1, operations: 64 * 27 },
        ...{ weightBytes: 4 * 112, activationBytes: 4 * 64, checkpointBytes: 16 * 112 },
      },
      {
        ...{
          name: 'linear',
          kind: 'Linear',
          outputShape: [1, 4, 4, 4],
          parameters: 20,
          calls: 2,
          operations: 2 * 64 * 4,
        },
        ...{ weightBytes: 4 * 20, activationBytes: 2 * 4 * 64, checkpointBytes: 16 * 20 },
      },
    ]);
    expect(sums).toMatchObject({
      parameters: 132,
      trainableParameters: 132,
      operations: 64 * 27 + 2 * 64 * 4,
      weightBytes: 528,
      activationBytes: 3 * 64 * 4,
      checkpointBytes: 16 * 132,
    });
  });

  it('prints a table', () => {
    expect(String(summary(new Tiny(), [1, 8, 8, 3]))).toMatch(
      /linear +Linear +1 x 4 x 4 x 4 +20 +2 +512 +80 +512 +320$/m,
    );
  });

  it('counts half the bytes of frozen weights', () => {
    const model = new Tiny().freeze();
    const { checkpointBytes, layers } = summary(model, [8, 8, 3]);
    expect(checkpointBytes).toBe(8 * 132);
    expect(layers.map((layer) => layer.checkpointBytes)).toEqual([8 * 112, 8 * 20]);
  });

  it.each<[string, Partial<UNet2DOptions>]>([
    ['classes', { numClassEmbeds: 1 }],
    ['embeddings as classes', { classEmbedType: 'identity', timeEmbeddingDim: 6 }],
    ['numbers as classes', { classEmbedType: 'timestep' }],
    ['numbers as classes, and noise levels', { classEmbedType: 'timestep', timeEmbeddingType: 'fourier' }],
    ['one time', { timeEmbeddingType: 'learned', numTrainTimesteps: 1 }],
  ])('counts models with %s', async (_, options) => {
    const model = new UNet2DModel({ ...smallest, ...options }, { weights: 'none' });
    const { parameters, layers } = summary(model, [2, 4, 4, 3]);
    expect(parameters).toBe(model.parameterCount);
    expect(
      layers.filter(({ calls, kind }) => calls === 0 && kind !== 'Embedding' && kind !== 'FourierProjection'),
    ).toEqual([]);
    await expect(() => summary(model, [4, 4, 3])).toLeakNoTensors();
  });

  it('counts a model of one time', () => {
    const model = new UNet({ dim: 8, dimMults: [1], trainTimesteps: 1, weights: 'none' });
    expect(summary(model, [4, 4, 3]).parameters).toBe(model.parameterCount);
  });

  it('leaks nothing, and refuses shapes that are none', async () => {
    await expect(() => summary(new Tiny(), [8, 8, 3])).toLeakNoTensors();
    expect(() => summary(new Tiny(), [8, 8])).toThrow(/inputShape/);
  });

  // The whole baseline takes the cpu engine a minute; its operations are linear in the number of pixels but for the time path.
  it('counts the operations of the baseline of the paper', () => {
    const timePath = 2_146_304;
    const { operations, parameters } = summary(new UNet({ weights: 'none' }), [8, 8, 3]);
    expect(parameters).toBe(35_710_339);
    expect((operations - timePath) * 64 + timePath).toBe(7_206_256_640);
  });
});
