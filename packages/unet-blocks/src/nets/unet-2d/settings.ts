import { invalidArgument } from '@missing-u/errors';
import { UNetError } from '../../errors.ts';
import type { ActivationName } from '../../functional/activations.ts';
import { AttentionBlock } from '../../layers/attention-block.ts';
import type { ResidualBlockOptions } from '../../layers/residual-block.ts';

/** What all blocks of one model share. */
export interface BlockSettings {
  timeSize: number;
  layers: number;
  groups: number | null;
  epsilon: number;
  activation: ActivationName;
  time: 'add' | 'film';
  dropout: number;
  headSize: number | null;
  downsamplePadding: number;
  downsampleType: 'conv' | 'resnet';
  upsampleType: 'conv' | 'resnet';
}

/** The scale of the skip blocks: branch and shortcut have the same variance, and so shall the sum (Song et al. 2021). */
export const skipScale = Math.SQRT2;

/** Groups of the skip blocks' norms. */
export const skipGroups = (channels: number) => Math.min(Math.floor(channels / 4), 32);

/** Options of a residual block. */
export function residual(settings: BlockSettings, inChannels: number, outChannels: number): ResidualBlockOptions {
  const { groups, timeSize, epsilon, activation, time, dropout } = settings;
  return { inChannels, outChannels, groups: groupsOf(groups), timeSize, epsilon, activation, time, dropout };
}

/** Options of a residual block within a skip block. */
export function skipResidual(
  { timeSize, epsilon, activation, time, dropout }: BlockSettings,
  inChannels: number,
  outChannels: number,
  groups = skipGroups(inChannels),
): ResidualBlockOptions {
  const outGroups = skipGroups(outChannels);
  return {
    inChannels,
    outChannels,
    groups,
    outGroups,
    timeSize,
    epsilon,
    activation,
    time,
    dropout,
    outputScale: skipScale,
  };
}

/** Attention of a block; `groups` undefined leaves its norm out. */
export function attention(
  { headSize, epsilon }: BlockSettings,
  channels: number,
  groups: number | undefined,
  outputScale = 1,
): AttentionBlock {
  return new AttentionBlock({ channels, headSize: headSize ?? channels, groups, epsilon, outputScale });
}

export function groupsOf(groups: number | null): number {
  if (groups !== null) return groups;
  const bad = { argument: 'normNumGroups', value: null, allowed: 'a number for other than skip and k blocks' };
  throw new UNetError('UNET_OPTION', invalidArgument(bad));
}
