import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument, unknownName } from '@missing-u/errors';
import { createGenerator } from '@missing-u/random';
import {
  checkInteger,
  checkOptionNames,
  checkOptionsObject,
  checkSample,
  checkWeightOptions,
  timestepTensor,
  type Timesteps,
} from '../checks.ts';
import { UNetError } from '../errors.ts';
import { Module } from '../module.ts';
import { ho256, hoCifar10, hoInitializers } from './ho.ts';
import { LucidrainsUNet, type LucidrainsOptions } from './lucidrains.ts';
import type { UNet2DOptions } from './unet-2d/config.ts';
import { UNet2DModel, type WeightOptions } from './unet-2d/unet-2d-model.ts';

const lucidrains: LucidrainsOptions = {
  dim: 64,
  dimMults: [1, 2, 4, 8],
  inChannels: 3,
  selfCondition: false,
  learnedVariance: false,
  groups: 8,
  sinusoids: 'fixed',
  randomSinusoids: 16,
  attentionHeads: 4,
  attentionHeadSize: 32,
  trainTimesteps: 1000,
};

/** The networks that `UNet` knows by name. */
export const unetPresets = {
  /** The baseline of the paper. */
  lucidrains,
  /** Ho et al. 2020 for CIFAR-10, and for 256x256. */
  ho: hoCifar10,
  'ho-256': ho256,
} as const;

export type UNetPreset = keyof typeof unetPresets;

/** What all presets understand, and what lucidrains' understands besides. */
export interface UNetOptions extends Partial<LucidrainsOptions>, WeightOptions {
  /** Default `lucidrains`. */
  preset?: UNetPreset;
  /** Side of the images in training; the network takes others too. Default 64, for Ho's that of the preset. */
  imageSize?: number;
}

/** What a network sees besides the image and the time. */
export interface UNetCondition {
  /** An earlier prediction of the clean images, of the sample's shape, for networks with `selfCondition`. */
  selfCondition?: tf.Tensor4D;
}

/** The options with their values, as JSON: `new UNet(config)` makes a network of the same kind. */
export type UNetConfig = Readonly<Omit<UNetOptions, keyof WeightOptions>> & { readonly preset: UNetPreset };

const weightOptions = ['weights', 'seed', 'generator'];

/**
 * The usual U-Nets of diffusion, by preset: `lucidrains` (the default, and the baseline of the paper), `ho`, `ho-256`.
 */
export class UNet extends Module {
  /** The name that `model_index.json` and reports give it; a bundler may rename the class itself. */
  static readonly className: string = 'UNet';
  readonly config: UNetConfig;
  private readonly net: LucidrainsUNet | UNet2DModel;

  /** @throws UNetError `UNET_UNKNOWN_PRESET`, `UNET_OPTION`, `UNET_GROUPS` */
  constructor(options: UNetOptions = {}) {
    super();
    checkOptionsObject('options', options);
    const { preset = 'lucidrains', weights = 'random', seed = 0, generator, ...given } = options;
    if (!Object.hasOwn(unetPresets, preset)) {
      throw new UNetError('UNET_UNKNOWN_PRESET', unknownName('preset', preset, Object.keys(unetPresets)));
    }
    checkWeightOptions(options);
    const { imageSize, ...own } = given;
    if (imageSize !== undefined) checkInteger('imageSize', imageSize);
    if (preset === 'lucidrains') {
      const known = [...Object.keys(lucidrains), 'outChannels', 'fullAttention'];
      checkOptionNames(own, [...known, 'preset', 'imageSize', ...weightOptions]);
      const merged = { ...lucidrains, ...defined(own) };
      this.config = Object.freeze({ preset, imageSize: imageSize ?? 64, ...merged });
      this.net = this.child('', new LucidrainsUNet(merged));
    } else {
      checkOptionNames(own, ['inChannels', 'outChannels', 'trainTimesteps', 'preset', 'imageSize', ...weightOptions]);
      const base: Partial<UNet2DOptions> = unetPresets[preset];
      const inChannels = own.inChannels ?? 3;
      const { trainTimesteps = lucidrains.trainTimesteps } = own;
      if (trainTimesteps !== null) checkInteger('trainTimesteps', trainTimesteps);
      const merged = { inChannels, outChannels: own.outChannels ?? inChannels };
      const sampleSize = imageSize ?? (base.sampleSize as number);
      this.config = Object.freeze({ preset, imageSize: sampleSize, ...merged, trainTimesteps });
      this.net = this.child('', new UNet2DModel({ ...base, ...merged, sampleSize }, { weights: 'none' }));
    }
    if (weights === 'none') return;
    this.initialize(generator ?? createGenerator(seed), preset === 'lucidrains' ? undefined : hoInitializers);
  }

  /**
   * The prediction (of the noise, or of what else the network is trained for) for noisy images.
   *
   * @param sample [N, H, W, inChannels], float32; H and W are multiples of 8 (32 for `ho-256`)
   * @param timesteps diffusion times in 0 .. trainTimesteps - 1: one for all images, or one per image
   * @param condition an earlier prediction of the clean images, for networks with `selfCondition`
   * @returns [N, H, W, outChannels]
   * @throws UNetError `UNET_SAMPLE`, `UNET_TIMESTEPS`, `UNET_CONDITION`, `UNET_NO_WEIGHTS`
   */
  predict(sample: tf.Tensor4D, timesteps: Timesteps, { selfCondition }: UNetCondition = {}): tf.Tensor4D {
    const { net } = this;
    if (net instanceof LucidrainsUNet) return net.predict(sample, timesteps, selfCondition);
    if (selfCondition !== undefined) {
      const allowed = `left out, because the preset '${this.config.preset}' has no self-conditioning`;
      const bad = { argument: 'selfCondition', value: selfCondition, allowed };
      throw new UNetError('UNET_CONDITION', invalidArgument(bad));
    }
    checkSample(sample, this.config.inChannels!);
    return tf.tidy(() => {
      const times = timestepTensor(timesteps, sample.shape[0], this.config.trainTimesteps ?? undefined);
      return net.predict(sample, times);
    });
  }

  /** `predict` in the words of diffusers: `model.forward(sample, timestep).sample`. */
  forward(sample: tf.Tensor4D, timestep: Timesteps, condition?: UNetCondition): { sample: tf.Tensor4D } {
    return { sample: this.predict(sample, timestep, condition) };
  }
}

/** The options that have a value. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
