import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { describe, expect, it } from 'vitest';
import { anyChannels } from '../src/cli/any-channels.ts';
import { ConvAutoencoder, DnCNN, selfEnsemble, tiledDenoiser, type ImageDenoiser } from '../src/index.ts';

const sigma = { sigma: 0.1 };

function pictures(shape: [number, number, number, number]): tf.Tensor4D {
  const size = shape.reduce((a, b) => a * b);
  return tf.tensor4d(createGenerator(0).fillUniform(new Float32Array(size)), shape);
}

describe('tiledDenoiser', () => {
  it.each([
    [37, 50],
    [16, 16],
    [1, 45],
  ])('has no seams: tiles of %s x %s give what the whole gives', async (height, width) => {
    const model = new DnCNN({ depth: 4, features: 3, batchNorm: false, bias: 'all' });
    const images = pictures([2, height, width, 1]);
    const tiled = tiledDenoiser(model, { size: 16, overlap: 4 });
    expect(await tiled.denoise(images, sigma)).toBeAllClose(model.denoise(images), { atol: 1e-5 });
  });

  it('fills up sizes that a network cannot take, on its grid', async () => {
    const model = new ConvAutoencoder({ channels: 1, features: [3, 4] });
    const whole = pictures([1, 48, 64, 1]);
    const tiled = tiledDenoiser(model, { size: 20, overlap: 12, multiple: 4 });
    expect(await tiled.denoise(whole, sigma)).toBeAllClose(model.denoise(whole), { atol: 1e-5 });
    const odd = pictures([1, 1, 23, 1]);
    expect((await tiled.denoise(odd, sigma)).shape).toEqual([1, 1, 23, 1]);
  });

  it('leaks nothing, whether the denoiser fails or not', async () => {
    const images = pictures([1, 9, 20, 1]);
    const tiled = tiledDenoiser(new DnCNN({ depth: 3, features: 2 }), { size: 8, overlap: 3 });
    await expect(async () => (await tiled.denoise(images, sigma)).dispose()).toLeakNoTensors();
    const failing = tiledDenoiser({ denoise: () => Promise.reject(new Error('no')) });
    await expect(
      async () => void (await Promise.resolve(failing.denoise(images, sigma)).catch(() => 0)),
    ).toLeakNoTensors();
  });

  it.each([{ size: 0 }, { overlap: -1 }, { multiple: 1.5 }])('refuses %o', (options) => {
    const error = expect.objectContaining({ code: 'DENOISERS_BAD_OPTION' }) as Error;
    expect(() => tiledDenoiser(new DnCNN({ depth: 3, features: 2 }), options)).toThrow(error);
  });
});

describe('selfEnsemble', () => {
  it('gives the mean over all turns, each undone', async () => {
    const seen: string[] = [];
    // Keeps the first pixel of what it sees and nothing else: after the turns are undone, each corner has been first twice.
    const first: ImageDenoiser = {
      denoise: (images) => {
        seen.push(Array.from(images.dataSync()).join());
        const [, height, width] = images.shape;
        const corner = tf.slice(images, [0, 0, 0, 0], [-1, 1, 1, -1]);
        return tf.pad4d(corner, [[0, 0], [0, height - 1], [0, width - 1], [0, 0]]); // prettier-ignore
      },
    };
    const image = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const result = await selfEnsemble(first).denoise(image, sigma);
    expect(result).toBeAllClose(tf.tensor4d([0.25, 0, 0.75, 1, 0, 1.5], [1, 2, 3, 1]));
    expect(new Set(seen).size).toBe(8);
  });

  it('leaks nothing where the denoiser fails', async () => {
    const images = pictures([1, 4, 4, 1]);
    let calls = 0;
    const denoise = (given: tf.Tensor4D) => (++calls % 3 === 0 ? Promise.reject(new Error('no')) : given.clone());
    const ensemble = selfEnsemble({ denoise });
    await expect(() => expect(ensemble.denoise(images, sigma)).rejects.toThrow('no')).toLeakNoTensors();
    expect(calls).toBeGreaterThan(2);
  });

  it('does not care how the image is turned', async () => {
    const denoiser = selfEnsemble(new DnCNN({ depth: 3, features: 4 }));
    const image = pictures([1, 6, 9, 1]);
    const turned = tf.reverse(tf.transpose(image, [0, 2, 1, 3]), 1);
    const expected = tf.reverse(tf.transpose(await denoiser.denoise(image, sigma), [0, 2, 1, 3]), 1);
    expect(await denoiser.denoise(turned, sigma)).toBeAllClose(expected, { atol: 1e-5 });
    await expect(async () => (await denoiser.denoise(image, sigma)).dispose()).toLeakNoTensors();
  });
});

describe('anyChannels', () => {
  it('takes each channel alone where the network is grey, and grey as three equal ones where it is coloured', async () => {
    const grey = new DnCNN({ depth: 3, features: 4 });
    const colour = pictures([2, 5, 6, 3]);
    const result = await anyChannels(grey, 1).denoise(colour, sigma);
    const [red, green, blue] = tf.split(colour, 3, 3).map((plane) => grey.denoise(plane as tf.Tensor4D));
    expect(result).toBeAllClose(tf.concat([red!, green!, blue!], 3), { atol: 1e-5 });
    const three = new DnCNN({ channels: 3, depth: 3, features: 4 });
    const plane = pictures([1, 5, 6, 1]);
    const mean = tf.mean(three.denoise(tf.tile(plane, [1, 1, 1, 3])), 3, true);
    expect(await anyChannels(three, 3).denoise(plane, sigma)).toBeAllClose(mean, { atol: 1e-5 });
    await expect(async () => (await anyChannels(grey, 1).denoise(colour, sigma)).dispose()).toLeakNoTensors();
    await expect(async () => (await anyChannels(three, 3).denoise(plane, sigma)).dispose()).toLeakNoTensors();
  });
});
