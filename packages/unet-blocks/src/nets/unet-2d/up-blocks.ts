import * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import { UNetError } from '../../errors.ts';
import { silu } from '../../functional/activations.ts';
import { doubleSmooth } from '../../functional/resample.ts';
import { AdaptiveResidualBlock } from '../../layers/adaptive-residual-block.ts';
import type { AttentionBlock } from '../../layers/attention-block.ts';
import { Conv2d } from '../../layers/conv2d.ts';
import { GroupNorm } from '../../layers/norms.ts';
import { ResidualBlock } from '../../layers/residual-block.ts';
import { UpsampleConv } from '../../layers/samplers.ts';
import { Module } from '../../module.ts';
import { attention, groupsOf, residual, skipGroups, skipResidual, skipScale, type BlockSettings } from './settings.ts';

/** What flows up a model: the hidden image, and in skip blocks the output picture so far at the size of the level. */
export interface UpState {
  x: tf.Tensor4D;
  picture: tf.Tensor4D | undefined;
}

/** A level of the decoder; pops what the encoder pushed from `inputs`. */
export interface UpBlock extends Module {
  forward(state: UpState, time: tf.Tensor2D, inputs: tf.Tensor4D[]): UpState;
}

interface Place {
  /** Channels of the level above, whose outputs come last from the encoder. */
  inChannels: number;
  outChannels: number;
  /** Channels from the level below. */
  previousChannels: number;
  /** False on the last level. */
  resize: boolean;
}

/** Channels of what layer i of `layers` sees: from below or before, and from the encoder. */
function inputsOf({ inChannels, outChannels, previousChannels }: Place, i: number, layers: number) {
  return { hidden: i === 0 ? previousChannels : outChannels, skip: i === layers - 1 ? inChannels : outChannels };
}

const join = (x: tf.Tensor4D, inputs: tf.Tensor4D[]) => tf.concat([x, inputs.pop()!], 3);

/** `UpBlock2D`, `AttnUpBlock2D`, `ResnetUpsampleBlock2D`: residual blocks, attention after each or none, doubling. */
class PlainUpBlock extends Module implements UpBlock {
  private readonly resnets: ResidualBlock[] = [];
  private readonly attentions: AttentionBlock[] = [];
  private readonly upsampler: UpsampleConv | ResidualBlock | undefined;

  constructor(settings: BlockSettings, place: Place, withAttention: boolean, upsample: 'conv' | 'resnet') {
    super();
    const { outChannels } = place;
    const layers = settings.layers + 1;
    for (let i = 0; i < layers; i++) {
      const { hidden, skip } = inputsOf(place, i, layers);
      this.resnets.push(this.child(`resnets.${i}`, new ResidualBlock(residual(settings, hidden + skip, outChannels))));
      if (!withAttention) continue;
      const block = attention(settings, outChannels, groupsOf(settings.groups));
      this.attentions.push(this.child(`attentions.${i}`, block));
    }
    if (!place.resize) return;
    this.upsampler = this.child(
      'upsamplers.0',
      upsample === 'conv'
        ? new UpsampleConv({ inChannels: outChannels })
        : new ResidualBlock({ ...residual(settings, outChannels, outChannels), resample: 'up' }),
    );
  }

  forward({ x, picture }: UpState, time: tf.Tensor2D, inputs: tf.Tensor4D[]): UpState {
    this.resnets.forEach((resnet, i) => {
      x = resnet.forward(join(x, inputs), time);
      x = this.attentions[i]?.forward(x) ?? x;
    });
    return { x: this.upsampler?.forward(x, time) ?? x, picture };
  }
}

/** `SkipUpBlock2D`, `AttnSkipUpBlock2D` (Song et al. 2021): every level adds to the output picture. */
class SkipUpBlock extends Module implements UpBlock {
  private readonly resnets: ResidualBlock[] = [];
  private readonly attention: AttentionBlock | undefined;
  private readonly up: { resnet: ResidualBlock; conv: Conv2d; norm: GroupNorm } | undefined;

  constructor(settings: BlockSettings, place: Place, withAttention: boolean) {
    super();
    const { outChannels } = place;
    const layers = settings.layers + 1;
    for (let i = 0; i < layers; i++) {
      const { hidden, skip } = inputsOf(place, i, layers);
      // Precedence in diffusers' attention block: not a quarter of the sum, but the sum with a quarter of the second.
      const groups = withAttention ? Math.min(hidden + Math.floor(skip / 4), 32) : skipGroups(hidden + skip);
      const options = skipResidual(settings, hidden + skip, outChannels, groups);
      this.resnets.push(this.child(`resnets.${i}`, new ResidualBlock(options)));
    }
    if (withAttention) this.attention = this.child('attentions.0', attention(settings, outChannels, 32, skipScale));
    if (!place.resize) return;
    const options = {
      ...skipResidual(settings, outChannels, outChannels),
      shortcut: true,
      resample: 'fir-up',
    } as const;
    const groups = skipGroups(outChannels);
    this.up = {
      resnet: this.child('resnet_up', new ResidualBlock(options)),
      conv: this.child('skip_conv', new Conv2d({ inChannels: outChannels, outChannels: 3 })),
      norm: this.child('skip_norm', new GroupNorm({ groups, channels: outChannels, epsilon: settings.epsilon })),
    };
  }

  forward({ x, picture }: UpState, time: tf.Tensor2D, inputs: tf.Tensor4D[]): UpState {
    for (const resnet of this.resnets) x = resnet.forward(join(x, inputs), time);
    x = this.attention?.forward(x) ?? x;
    const larger = picture === undefined ? undefined : doubleSmooth(picture, 'zero');
    if (this.up === undefined) return { x, picture: larger };
    const seen = this.up.conv.forward(silu(this.up.norm.forward(x)));
    return { x: this.up.resnet.forward(x, time), picture: larger === undefined ? seen : tf.add(larger, seen) };
  }
}

/** `KUpBlock2D`: joins the encoder once, and leaves with the channels of the level above. */
class KUpBlock extends Module implements UpBlock {
  private readonly resnets: AdaptiveResidualBlock[] = [];
  private readonly resize: boolean;

  constructor(settings: BlockSettings, place: Place) {
    super();
    this.resize = place.resize;
    const { layers } = settings;
    for (let i = 0; i < layers; i++) {
      const inChannels = i === 0 ? 2 * place.outChannels : place.outChannels;
      const outChannels = i === layers - 1 ? place.inChannels : place.outChannels;
      const groups = { groups: Math.floor(inChannels / 32), outGroups: Math.floor(place.outChannels / 32) };
      const options = { ...settings, ...groups, inChannels, outChannels };
      this.resnets.push(this.child(`resnets.${i}`, new AdaptiveResidualBlock(options)));
    }
  }

  forward({ x, picture }: UpState, time: tf.Tensor2D, inputs: tf.Tensor4D[]): UpState {
    // As many are there as layers; only the last is used.
    const [last] = inputs.splice(-this.resnets.length).slice(-1);
    x = tf.concat([x, last!], 3);
    for (const resnet of this.resnets) x = resnet.forward(x, time);
    return { x: this.resize ? doubleSmooth(x, 'reflect') : x, picture };
  }
}

const makers: Record<string, (settings: BlockSettings, place: Place) => UpBlock> = {
  UpBlock2D: (settings, place) => new PlainUpBlock(settings, place, false, 'conv'),
  AttnUpBlock2D: (settings, place) => new PlainUpBlock(settings, place, true, settings.upsampleType),
  ResnetUpsampleBlock2D: (settings, place) => new PlainUpBlock(settings, place, false, 'resnet'),
  SkipUpBlock2D: (settings, place) => new SkipUpBlock(settings, place, false),
  AttnSkipUpBlock2D: (settings, place) => new SkipUpBlock(settings, place, true),
  KUpBlock2D: (settings, place) => new KUpBlock(settings, place),
};

/** diffusers' block types of unconditional decoders. */
export const upBlockTypes = Object.keys(makers);

/** A level of the decoder by diffusers' name. */
export function createUpBlock(type: string, settings: BlockSettings, place: Place): UpBlock {
  const name = type.replace(/^UNetRes/, '');
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (make === undefined) throw new UNetError('UNET_BLOCK_TYPE', unknownName('upBlockTypes', type, upBlockTypes));
  return make(settings, place);
}
