import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import { Conv2d, Module, UpsampleTransposed } from '@missing-u/unet-blocks';
import { checkNames } from '../check-names.ts';
import { DenoisersError } from '../errors.ts';
import type { DenoiseOptions, ImageDenoiser, TrainableDenoiser } from '../face.ts';
import { checkImages } from '../images.ts';

export interface ConvAutoencoderOptions {
  /** Default 3. */
  channels?: number;
  /** Channels after each halving of the image; default 64, 128, 256, 512. */
  features?: readonly number[];
  /**
   * Mean of the pictures to train on, between 0 and 1, at which the output begins; default 0.5. Tell it where it is far from that, as for
   * white digits on black (0.1): or the first steps all say "darker", and at the usual learning rates every output ends at black.
   */
  mean?: number;
  /** Of the first weights; default 0. */
  seed?: number;
  /** Draws the first weights instead of a new generator with `seed`. */
  generator?: Generator;
}

const optionNames: Record<keyof ConvAutoencoderOptions, true> = {
  ...{ channels: true, features: true, mean: true, seed: true, generator: true },
};

/**
 * The convolutional auto-encoder that "The Missing U for Efficient Diffusion Models" compares with: four 3x3 convolutions
 * of stride 2 and ReLU, four 4x4 transposed ones back, a sigmoid at the end; 4,307,011 parameters for colour.
 */
export class ConvAutoencoder extends Module implements ImageDenoiser, TrainableDenoiser {
  readonly channels: number;
  private readonly encoder: Conv2d[];
  private readonly decoder: UpsampleTransposed[];

  constructor(options: ConvAutoencoderOptions = {}) {
    super();
    checkNames('options', options, optionNames);
    const {
      channels = 3,
      features = [64, 128, 256, 512],
      mean = 0.5,
      seed = 0,
      generator = createGenerator(seed),
    } = options;
    if (![channels, ...features].every((size) => Number.isInteger(size) && size > 0) || features.length === 0) {
      const bad = {
        argument: 'options',
        value: { channels, features },
        allowed: 'positive integers, at least one feature',
      };
      throw new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument(bad));
    }
    if (!(mean > 0 && mean < 1)) {
      const bad = { argument: 'mean', value: mean, allowed: 'a number between 0 and 1' };
      throw new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument(bad));
    }
    this.channels = channels;
    const widths = [channels, ...features];
    this.encoder = features.map((outChannels, i) =>
      this.child(`encoder.${2 * i}`, new Conv2d({ inChannels: widths[i]!, outChannels, stride: 2, padding: 1 })),
    );
    this.decoder = features.map((_, i) => {
      const [inChannels, outChannels] = [widths[features.length - i]!, widths[features.length - i - 1]!];
      return this.child(`decoder.${2 * i}`, new UpsampleTransposed({ inChannels, outChannels }));
    });
    this.initialize(generator);
    this.enliven();
    // The sigmoid's inverse, beside which the small random biases are kept.
    const { variable } = this.parameters().find(({ name }) => name === `decoder.${2 * features.length - 2}.bias`)!;
    tf.tidy(() => variable.assign(tf.add(variable, Math.log(mean / (1 - mean)))));
  }

  /**
   * Brings the first weights from PyTorch's size, with which eight layers leave nothing of an image and training stands still
   * for hundreds of steps, to that of He et al. (2015).
   */
  private enliven(): void {
    for (const { name, variable } of this.parameters()) {
      if (!name.endsWith('.weight')) continue;
      // Uniform in ±1/√n has variance 1/(3 n), where 2/n' is wanted. n' are the terms of a pixel: those of a convolution are n;
      // a transposed one has 4 for each input, and n is 16 for each output. Its filters are [4, 4, outputs, inputs].
      const [, , outputs, inputs] = variable.shape as [number, number, number, number];
      const factor = Math.sqrt(name.startsWith('encoder') ? 6 : (24 * outputs) / inputs);
      tf.tidy(() => variable.assign(tf.mul(variable, factor)));
    }
  }

  /** The clean images, [images, height, width, channels] of 0 to 1; height and width divisible by 16 (by 2 for each feature). */
  denoise(images: tf.Tensor4D, _options?: DenoiseOptions): tf.Tensor4D {
    return this.forward(images);
  }

  forward(images: tf.Tensor4D): tf.Tensor4D {
    checkImages(images, this.channels);
    const factor = 2 ** this.encoder.length;
    if (images.shape[1] % factor !== 0 || images.shape[2] % factor !== 0) {
      const bad = {
        argument: 'images',
        value: images,
        allowed: `a height and width divisible by ${factor}`,
        remedy: 'pad them',
      };
      throw new DenoisersError('DENOISERS_BAD_IMAGE', invalidArgument(bad));
    }
    return tf.tidy(() => {
      let x = images;
      for (const layer of this.encoder) x = tf.relu(layer.forward(x));
      for (const layer of this.decoder.slice(0, -1)) x = tf.relu(layer.forward(x));
      return tf.sigmoid(this.decoder.at(-1)!.forward(x));
    });
  }
}
