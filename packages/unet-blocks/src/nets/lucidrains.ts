import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { checkBoolean, checkChoice, checkInteger, checkSample, timestepTensor, type Timesteps } from '../checks.ts';
import { UNetError } from '../errors.ts';
import { gelu } from '../functional/activations.ts';
import { Conv2d } from '../layers/conv2d.ts';
import { Linear } from '../layers/linear.ts';
import { LinearAttention } from '../layers/linear-attention.ts';
import { ModulatedResidualBlock } from '../layers/modulated-residual-block.ts';
import { UnshuffleDownsample, UpsampleConv } from '../layers/samplers.ts';
import { SpatialAttention } from '../layers/spatial-attention.ts';
import { RandomSinusoids, sinusoidalEmbedding } from '../layers/time-embedding.ts';
import { Module } from '../module.ts';

/** Options of lucidrains' U-Net, with the meaning and defaults of `denoising_diffusion_pytorch.Unet` 1.8.3. */
export interface LucidrainsOptions {
  /** Channels of the first level. */
  dim: number;
  /** Channels of each level, in units of `dim`. */
  dimMults: readonly number[];
  /** Channels of the images. */
  inChannels: number;
  /** Channels of the prediction; default `inChannels`, or twice as many with `learnedVariance`. */
  outChannels?: number;
  /** Takes an earlier prediction of the clean image as a second input. */
  selfCondition: boolean;
  learnedVariance: boolean;
  groups: number;
  /** Features of time: the usual sinusoids, or random ones, frozen or trained. */
  sinusoids: 'fixed' | 'random' | 'learned';
  /** Number of random sinusoids. */
  randomSinusoids: number;
  /** Full attention by level, linear attention elsewhere; default on the last level only. */
  fullAttention?: readonly boolean[];
  attentionHeads: number;
  attentionHeadSize: number;
  /** Times are 0 to this less one; null takes any finite numbers, as do random sinusoids. */
  trainTimesteps: number | null;
}

type Attention = SpatialAttention | LinearAttention;

/** A level: two residual blocks, attention after the second, a change of size. */
interface Level {
  block1: ModulatedResidualBlock;
  block2: ModulatedResidualBlock;
  attention: Attention;
  resize: Conv2d | UnshuffleDownsample | UpsampleConv;
}

/**
 * lucidrains' U-Net, the baseline of the paper: with the defaults 35,710,339 weights and 7,206,256,640 operations for
 * 64x64x3. Names and shapes are those of `denoising_diffusion_pytorch` 1.8.3, so its weights load.
 */
export class LucidrainsUNet extends Module {
  private readonly options: LucidrainsOptions;
  private readonly initConv: Conv2d;
  private readonly sinusoids: RandomSinusoids | undefined;
  private readonly time1: Linear;
  private readonly time2: Linear;
  private readonly downs: Level[];
  private readonly mid: { block1: ModulatedResidualBlock; attention: SpatialAttention; block2: ModulatedResidualBlock };
  private readonly ups: Level[];
  private readonly finalBlock: ModulatedResidualBlock;
  private readonly finalConv: Conv2d;

  constructor(options: LucidrainsOptions) {
    super();
    checkOptions(options);
    this.options = options;
    const { dim, dimMults, inChannels, groups, selfCondition, learnedVariance, attentionHeads, attentionHeadSize } =
      options;
    const { outChannels = inChannels * (learnedVariance ? 2 : 1) } = options;
    const full = options.fullAttention ?? dimMults.map((_, i) => i === dimMults.length - 1);
    const timeSize = 4 * dim;
    const widths = [dim, ...dimMults.map((mult) => mult * dim)];
    const block = (inChannels: number, outChannels: number) =>
      new ModulatedResidualBlock({ inChannels, outChannels, timeSize, groups });
    const heads = { heads: attentionHeads, headSize: attentionHeadSize };
    const attention = (channels: number, isFull: boolean) =>
      isFull ? new SpatialAttention({ channels, ...heads }) : new LinearAttention({ channels, ...heads });

    const stem = { inChannels: inChannels * (selfCondition ? 2 : 1), outChannels: dim, kernelSize: 7 };
    this.initConv = this.child('init_conv', new Conv2d(stem));
    if (options.sinusoids !== 'fixed') {
      const trainable = options.sinusoids === 'learned';
      this.sinusoids = this.child('time_mlp.0', new RandomSinusoids({ count: options.randomSinusoids, trainable }));
    }
    const features = options.sinusoids === 'fixed' ? dim : options.randomSinusoids + 1;
    this.time1 = this.child('time_mlp.1', new Linear({ inFeatures: features, outFeatures: timeSize }));
    this.time2 = this.child('time_mlp.3', new Linear({ inFeatures: timeSize, outFeatures: timeSize }));

    const last = dimMults.length - 1;
    this.downs = dimMults.map((_, i): Level => {
      const [from, to] = [widths[i]!, widths[i + 1]!];
      return this.level(`downs.${i}`, block(from, from), block(from, from), attention(from, full[i] ?? false), () =>
        i < last
          ? new UnshuffleDownsample({ inChannels: from, outChannels: to })
          : new Conv2d({ inChannels: from, outChannels: to }),
      );
    });
    const bottom = widths.at(-1)!;
    this.mid = {
      block1: this.child('mid_block1', block(bottom, bottom)),
      attention: this.child('mid_attn', new SpatialAttention({ channels: bottom, ...heads })),
      block2: this.child('mid_block2', block(bottom, bottom)),
    };
    this.ups = dimMults.map((_, i): Level => {
      const [to, from] = [widths[last - i]!, widths[last - i + 1]!];
      const isFull = full[last - i] ?? false;
      return this.level(`ups.${i}`, block(from + to, from), block(from + to, from), attention(from, isFull), () =>
        i < last
          ? new UpsampleConv({ inChannels: from, outChannels: to, names: ['0', '1'] })
          : new Conv2d({ inChannels: from, outChannels: to }),
      );
    });
    this.finalBlock = this.child('final_res_block', block(2 * dim, dim));
    this.finalConv = this.child('final_conv', new Conv2d({ inChannels: dim, outChannels, kernelSize: 1 }));
  }

  /** As `UNet.predict`. */
  predict(sample: tf.Tensor4D, timesteps: Timesteps, selfCondition?: tf.Tensor4D): tf.Tensor4D {
    const { inChannels, dim, dimMults, sinusoids, trainTimesteps } = this.options;
    const divisor = 2 ** (dimMults.length - 1);
    checkSample(sample, inChannels, divisor);
    this.checkCondition(sample, selfCondition);
    return tf.tidy(() => {
      const count = sinusoids === 'fixed' ? (trainTimesteps ?? undefined) : undefined;
      const times = timestepTensor(timesteps, sample.shape[0], count);
      const features = this.sinusoids?.forward(times) ?? sinusoidalEmbedding(times, dim);
      const time = this.time2.forward(gelu(this.time1.forward(features)));
      return this.run(this.withCondition(sample, selfCondition), time);
    });
  }

  private level(
    path: string,
    block1: ModulatedResidualBlock,
    block2: ModulatedResidualBlock,
    attention: Attention,
    makeResize: () => Level['resize'],
  ): Level {
    return {
      block1: this.child(`${path}.0`, block1),
      block2: this.child(`${path}.1`, block2),
      attention: this.child(`${path}.2`, attention),
      resize: this.child(`${path}.3`, makeResize()),
    };
  }

  private checkCondition(sample: tf.Tensor4D, selfCondition: tf.Tensor4D | undefined): void {
    if (selfCondition === undefined) return;
    const refuse = (allowed: string): never => {
      const bad = { argument: 'selfCondition', value: selfCondition, allowed };
      throw new UNetError('UNET_CONDITION', invalidArgument(bad));
    };
    if (!this.options.selfCondition) refuse('left out, because the network was made without `selfCondition: true`');
    if (!(selfCondition instanceof tf.Tensor) || !tf.util.arraysEqual(selfCondition.shape, sample.shape)) {
      refuse(`a tensor of the sample's shape, [${sample.shape.join(', ')}]`);
    }
  }

  private withCondition(sample: tf.Tensor4D, selfCondition: tf.Tensor4D | undefined): tf.Tensor4D {
    if (!this.options.selfCondition) return sample;
    return tf.concat([selfCondition ?? tf.zerosLike(sample), sample], 3);
  }

  private run(input: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    const stem = this.initConv.forward(input);
    const skips: tf.Tensor4D[] = [];
    const attended = (x: tf.Tensor4D, attention: Attention): tf.Tensor4D => tf.add(attention.forward(x), x);
    let x = stem;
    for (const { block1, block2, attention, resize } of this.downs) {
      x = block1.forward(x, time);
      skips.push(x);
      x = attended(block2.forward(x, time), attention);
      skips.push(x);
      x = resize.forward(x);
    }
    x = attended(this.mid.block1.forward(x, time), this.mid.attention);
    x = this.mid.block2.forward(x, time);
    for (const { block1, block2, attention, resize } of this.ups) {
      x = block1.forward(tf.concat([x, skips.pop()!], 3), time);
      x = attended(block2.forward(tf.concat([x, skips.pop()!], 3), time), attention);
      x = resize.forward(x);
    }
    return this.finalConv.forward(this.finalBlock.forward(tf.concat([x, stem], 3), time));
  }
}

function checkOptions(options: LucidrainsOptions): void {
  const { dim, dimMults, fullAttention, sinusoids } = options;
  const refuse = (argument: string, value: unknown, allowed: string): never => {
    throw new UNetError('UNET_OPTION', invalidArgument({ argument, value, allowed }));
  };
  checkInteger('dim', dim, 4);
  checkInteger('inChannels', options.inChannels);
  if (options.outChannels !== undefined) checkInteger('outChannels', options.outChannels);
  if (!Array.isArray(dimMults) || dimMults.length === 0) refuse('dimMults', dimMults, 'one number or more');
  dimMults.forEach((mult, i) => checkInteger(`dimMults[${i}]`, mult));
  const isList = Array.isArray(fullAttention) && fullAttention.every((full) => typeof full === 'boolean');
  if (fullAttention !== undefined && (!isList || fullAttention.length !== dimMults.length)) {
    refuse('fullAttention', fullAttention, `one boolean for each of the ${dimMults.length} levels`);
  }
  checkBoolean('selfCondition', options.selfCondition);
  checkBoolean('learnedVariance', options.learnedVariance);
  checkChoice('sinusoids', sinusoids, ['fixed', 'random', 'learned']);
  if (sinusoids === 'fixed' && dim % 2 !== 0) refuse('dim', dim, 'even: half of the features of time are sines');
  if (options.randomSinusoids < 2 || options.randomSinusoids % 2 !== 0) {
    refuse('randomSinusoids', options.randomSinusoids, 'an even integer of 2 or more');
  }
  checkInteger('attentionHeads', options.attentionHeads);
  checkInteger('attentionHeadSize', options.attentionHeadSize);
  if (options.trainTimesteps !== null) checkInteger('trainTimesteps', options.trainTimesteps);
}
