import * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import { UNetError } from '../../errors.ts';
import { halveSmooth } from '../../functional/resample.ts';
import { AdaptiveResidualBlock } from '../../layers/adaptive-residual-block.ts';
import type { AttentionBlock } from '../../layers/attention-block.ts';
import { Conv2d } from '../../layers/conv2d.ts';
import { ResidualBlock } from '../../layers/residual-block.ts';
import { DownsampleConv } from '../../layers/samplers.ts';
import { Module } from '../../module.ts';
import { attention, groupsOf, residual, skipResidual, skipScale, type BlockSettings } from './settings.ts';

/** What flows down a model: the hidden image, and in skip blocks the input picture at the size of the level. */
export interface DownState {
  x: tf.Tensor4D;
  picture: tf.Tensor4D;
}

/** A level of the encoder; pushes what the decoder shall see to `outputs`. */
export interface DownBlock extends Module {
  forward(state: DownState, time: tf.Tensor2D, outputs: tf.Tensor4D[]): DownState;
}

interface Place {
  inChannels: number;
  outChannels: number;
  /** False on the last level. */
  resize: boolean;
}

/** Input channels of layer i of a level. */
const inputOf = ({ inChannels, outChannels }: Place, i: number) => (i === 0 ? inChannels : outChannels);

/** `DownBlock2D`, `AttnDownBlock2D`, `ResnetDownsampleBlock2D`: residual blocks, attention after each or none, halving. */
class PlainDownBlock extends Module implements DownBlock {
  private readonly resnets: ResidualBlock[] = [];
  private readonly attentions: AttentionBlock[] = [];
  private readonly downsampler: DownsampleConv | ResidualBlock | undefined;

  constructor(settings: BlockSettings, place: Place, withAttention: boolean, downsample: 'conv' | 'resnet') {
    super();
    const { outChannels } = place;
    for (let i = 0; i < settings.layers; i++) {
      const options = residual(settings, inputOf(place, i), outChannels);
      this.resnets.push(this.child(`resnets.${i}`, new ResidualBlock(options)));
      if (!withAttention) continue;
      const block = attention(settings, outChannels, groupsOf(settings.groups));
      this.attentions.push(this.child(`attentions.${i}`, block));
    }
    if (!place.resize) return;
    this.downsampler = this.child(
      'downsamplers.0',
      downsample === 'conv'
        ? new DownsampleConv({ channels: outChannels, padding: settings.downsamplePadding })
        : new ResidualBlock({ ...residual(settings, outChannels, outChannels), resample: 'down' }),
    );
  }

  forward({ x, picture }: DownState, time: tf.Tensor2D, outputs: tf.Tensor4D[]): DownState {
    this.resnets.forEach((resnet, i) => {
      x = resnet.forward(x, time);
      x = this.attentions[i]?.forward(x) ?? x;
      outputs.push(x);
    });
    if (this.downsampler !== undefined) {
      x = this.downsampler.forward(x, time);
      outputs.push(x);
    }
    return { x, picture };
  }
}

/** `SkipDownBlock2D`, `AttnSkipDownBlock2D` (Song et al. 2021): the picture itself is halved along and added in. */
class SkipDownBlock extends Module implements DownBlock {
  private readonly resnets: ResidualBlock[] = [];
  private readonly attentions: AttentionBlock[] = [];
  private readonly down: { resnet: ResidualBlock; conv: Conv2d } | undefined;

  constructor(settings: BlockSettings, place: Place, withAttention: boolean) {
    super();
    const { outChannels } = place;
    for (let i = 0; i < settings.layers; i++) {
      const options = skipResidual(settings, inputOf(place, i), outChannels);
      this.resnets.push(this.child(`resnets.${i}`, new ResidualBlock(options)));
      if (!withAttention) continue;
      this.attentions.push(this.child(`attentions.${i}`, attention(settings, outChannels, 32, skipScale)));
    }
    if (!place.resize) return;
    const options = {
      ...skipResidual(settings, outChannels, outChannels),
      shortcut: true,
      resample: 'fir-down',
    } as const;
    this.down = {
      resnet: this.child('resnet_down', new ResidualBlock(options)),
      conv: this.child('skip_conv', new Conv2d({ inChannels: 3, outChannels, kernelSize: 1 })),
    };
  }

  forward({ x, picture }: DownState, time: tf.Tensor2D, outputs: tf.Tensor4D[]): DownState {
    this.resnets.forEach((resnet, i) => {
      x = resnet.forward(x, time);
      x = this.attentions[i]?.forward(x) ?? x;
      outputs.push(x);
    });
    if (this.down === undefined) return { x, picture };
    const smaller = halveSmooth(picture, 'zero');
    x = tf.add(this.down.conv.forward(smaller), this.down.resnet.forward(x, time));
    outputs.push(x);
    return { x, picture: smaller };
  }
}

/** `KDownBlock2D`: the halved image is not seen by the decoder. */
class KDownBlock extends Module implements DownBlock {
  private readonly resnets: AdaptiveResidualBlock[] = [];
  private readonly resize: boolean;

  constructor(settings: BlockSettings, place: Place) {
    super();
    const { outChannels } = place;
    this.resize = place.resize;
    for (let i = 0; i < settings.layers; i++) {
      const inChannels = inputOf(place, i);
      const groups = { groups: Math.floor(inChannels / 32), outGroups: Math.floor(outChannels / 32) };
      const options = { ...settings, ...groups, inChannels, outChannels };
      this.resnets.push(this.child(`resnets.${i}`, new AdaptiveResidualBlock(options)));
    }
  }

  forward({ x, picture }: DownState, time: tf.Tensor2D, outputs: tf.Tensor4D[]): DownState {
    for (const resnet of this.resnets) {
      x = resnet.forward(x, time);
      outputs.push(x);
    }
    return { x: this.resize ? halveSmooth(x, 'reflect') : x, picture };
  }
}

const makers: Record<string, (settings: BlockSettings, place: Place) => DownBlock> = {
  DownBlock2D: (settings, place) => new PlainDownBlock(settings, place, false, 'conv'),
  AttnDownBlock2D: (settings, place) => new PlainDownBlock(settings, place, true, settings.downsampleType),
  ResnetDownsampleBlock2D: (settings, place) => new PlainDownBlock(settings, place, false, 'resnet'),
  SkipDownBlock2D: (settings, place) => new SkipDownBlock(settings, place, false),
  AttnSkipDownBlock2D: (settings, place) => new SkipDownBlock(settings, place, true),
  KDownBlock2D: (settings, place) => new KDownBlock(settings, place),
};

/** diffusers' block types of unconditional encoders. */
export const downBlockTypes = Object.keys(makers);

/** A level of the encoder by diffusers' name. */
export function createDownBlock(type: string, settings: BlockSettings, place: Place): DownBlock {
  const name = type.replace(/^UNetRes/, ''); // the prefix of early releases
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (make === undefined) throw new UNetError('UNET_BLOCK_TYPE', unknownName('downBlockTypes', type, downBlockTypes));
  return make(settings, place);
}
