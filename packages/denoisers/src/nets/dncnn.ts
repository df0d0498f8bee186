import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import { Module } from '@missing-u/unet-blocks';
import { loadWeights, type LoadOptions, type Source, type StateDict } from '@missing-u/weights';
import { checkNames } from '../check-names.ts';
import { DenoisersError } from '../errors.ts';
import type { DenoiseOptions, ImageDenoiser, TrainableDenoiser } from '../face.ts';
import { checkImages } from '../images.ts';
import { BatchNorm } from './batch-norm.ts';
import { FoldingConv2d } from './convolution.ts';
import { fromPorts } from './dncnn-ports.ts';

export interface DnCNNOptions {
  /** 1 for grey (default), 3 for colour. */
  channels?: number;
  /** Convolutions: 17 for one noise level (default), 20 for a range of them and for colour. */
  depth?: number;
  /** Channels inside; default 64. */
  features?: number;
  /** Which convolutions have a bias; default none. */
  bias?: 'none' | 'first' | 'all';
  /** Default true; models whose normalisation was merged into the convolutions have none. */
  batchNorm?: boolean;
  /** Added to the variance by the normalisation; default 1e-5, PyTorch's. */
  eps?: number;
  /** Of the first weights; default 0. */
  seed?: number;
  /** Draws the first weights instead of a new generator with `seed`. */
  generator?: Generator;
}

const optionNames: Record<keyof DnCNNOptions, true> = {
  ...{ channels: true, depth: true, features: true, bias: true, batchNorm: true, eps: true },
  ...{ seed: true, generator: true },
};

/**
 * The denoising network of K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, "Beyond a Gaussian denoiser: residual learning of
 * deep CNN for image denoising", IEEE Transactions on Image Processing 26(7), 2017. It predicts the noise, which is then
 * subtracted. Trained for one noise level it is the paper's DnCNN-S, for a range DnCNN-B.
 */
export class DnCNN extends Module implements ImageDenoiser, TrainableDenoiser {
  readonly channels: number;
  private readonly convolutions: FoldingConv2d[] = [];
  private readonly norms: (BatchNorm | undefined)[] = [];

  constructor(options: DnCNNOptions = {}) {
    super();
    const { channels = 1, depth = 17, features = 64, bias = 'none', batchNorm = true, eps = 1e-5 } = options;
    const { seed = 0, generator = createGenerator(seed) } = options;
    checkNames('options', options, optionNames);
    for (const [argument, value, least] of [
      ['channels', channels, 1],
      ['depth', depth, 3],
      ['features', features, 1],
    ] as const) {
      if (Number.isInteger(value) && value >= least) continue;
      const allowed = `an integer of ${least} or more`;
      throw new DenoisersError('DENOISERS_BAD_OPTION', invalidArgument({ argument, value, allowed }));
    }
    this.channels = channels;
    for (let layer = 0; layer < depth; layer++) {
      const [first, last] = [layer === 0, layer === depth - 1];
      const inChannels = first ? channels : features;
      const outChannels = last ? channels : features;
      const convolution = new FoldingConv2d({
        inChannels,
        outChannels,
        bias: bias === 'all' || (bias === 'first' && first),
        // The network predicts noise, which is small: it begins near nothing, not at the size of its features.
        ...(last && { gain: 0.01 }),
      });
      // The numbers of PyTorch's Sequential: convolution, activation, then convolution, normalisation, activation...
      const position = first ? 0 : 2 + (layer - 1) * (batchNorm ? 3 : 2);
      this.convolutions.push(this.child(`dncnn.${position}`, convolution));
      const norm = batchNorm && !first && !last ? new BatchNorm({ channels: features, eps }) : undefined;
      this.norms.push(norm && this.child(`dncnn.${position + 1}`, norm));
    }
    this.initialize(generator);
  }

  /**
   * A network with the weights of a file, whose depth, width and kind are read from it: safetensors, PyTorch or npz, with the
   * names of the public ports (`module.dncnn.N.*`, `dncnn.N.*`, `model.N.*`).
   *
   * @param options `eps` of the normalisation where it is not PyTorch's (1e-4 in cszn's training code); `at` in the file
   */
  static async fromPretrained(source: Source, options: LoadOptions & Pick<DnCNNOptions, 'eps'> = {}): Promise<DnCNN> {
    return DnCNN.fromStateDict(await loadWeights(source, options), options);
  }

  /** As `fromPretrained`, from a state dict. */
  static fromStateDict(dict: StateDict, { eps }: Pick<DnCNNOptions, 'eps'> = {}): DnCNN {
    const { options, weights } = fromPorts(dict);
    const model = new DnCNN({ ...options, ...(eps !== undefined && { eps }) });
    model.loadStateDict(weights);
    return model;
  }

  /** Weights that training changes; running statistics are not counted, as in PyTorch. */
  override get parameterCount(): number {
    return this.parameters().reduce((sum, { variable }) => sum + (variable.trainable ? variable.size : 0), 0);
  }

  /**
   * The clean images, [images, height, width, channels] of 0 to 1. The normalisation is folded into the convolutions.
   * `sigma` is not needed: the network has learned its noise.
   */
  denoise(images: tf.Tensor4D, _options?: DenoiseOptions): tf.Tensor4D {
    checkImages(images, this.channels);
    return tf.tidy(() => {
      let x = images;
      for (const [layer, convolution] of this.convolutions.entries()) {
        const norm = this.norms[layer]?.folded();
        x = convolution.forwardFolded(x, norm, layer < this.convolutions.length - 1);
      }
      return tf.sub(images, x);
    });
  }

  /** As `denoise`, normalised by the batch's own statistics, which the running ones follow: for training. */
  forward(images: tf.Tensor4D): tf.Tensor4D {
    checkImages(images, this.channels);
    return tf.tidy(() => {
      let x = images;
      for (const [layer, convolution] of this.convolutions.entries()) {
        x = convolution.forward(x);
        x = this.norms[layer]?.forward(x) ?? x;
        if (layer < this.convolutions.length - 1) x = tf.relu(x);
      }
      return tf.sub(images, x);
    });
  }
}
