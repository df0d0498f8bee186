import { invalidArgument, unknownName } from '@missing-u/errors';
import { checkBoolean, checkChoice, checkInteger, checkOptionsObject } from '../../checks.ts';
import { UNetError } from '../../errors.ts';
import type { ActivationName } from '../../functional/activations.ts';

/** Options of `UNet2DModel`, with the meaning and defaults of diffusers' (in snake_case there, and in `config.json`). */
export interface UNet2DOptions {
  sampleSize: number | readonly [number, number] | null;
  inChannels: number;
  outChannels: number;
  /** Maps [0, 1] to [-1, 1] first. */
  centerInputSample: boolean;
  timeEmbeddingType: 'positional' | 'fourier' | 'learned';
  /** Default 4 times the first of `blockOutChannels`. */
  timeEmbeddingDim: number | null;
  freqShift: number;
  flipSinToCos: boolean;
  downBlockTypes: readonly string[];
  midBlockType: 'UNetMidBlock2D' | null;
  upBlockTypes: readonly string[];
  blockOutChannels: readonly number[];
  layersPerBlock: number;
  midBlockScaleFactor: number;
  /** 0 pads the end only, as Ho et al. */
  downsamplePadding: number;
  downsampleType: 'conv' | 'resnet';
  upsampleType: 'conv' | 'resnet';
  dropout: number;
  actFn: ActivationName;
  /** Channels of an attention head; null is one head. */
  attentionHeadDim: number | null;
  normNumGroups: number | null;
  attnNormNumGroups: number | null;
  normEps: number;
  /** `default` adds the time embedding, `scale_shift` is FiLM. */
  resnetTimeScaleShift: 'default' | 'scale_shift';
  addAttention: boolean;
  classEmbedType: 'timestep' | 'identity' | null;
  numClassEmbeds: number | null;
  numTrainTimesteps: number | null;
}

type JsonValue = string | number | boolean | null | readonly JsonValue[];

/** `config.json` of a diffusers model folder. */
export type UNet2DConfig = Readonly<Record<string, JsonValue>>;

const defaults: UNet2DOptions = {
  sampleSize: null,
  inChannels: 3,
  outChannels: 3,
  centerInputSample: false,
  timeEmbeddingType: 'positional',
  timeEmbeddingDim: null,
  freqShift: 0,
  flipSinToCos: true,
  downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D'],
  midBlockType: 'UNetMidBlock2D',
  upBlockTypes: ['AttnUpBlock2D', 'AttnUpBlock2D', 'AttnUpBlock2D', 'UpBlock2D'],
  blockOutChannels: [224, 448, 672, 896],
  layersPerBlock: 2,
  midBlockScaleFactor: 1,
  downsamplePadding: 1,
  downsampleType: 'conv',
  upsampleType: 'conv',
  dropout: 0,
  actFn: 'silu',
  attentionHeadDim: 8,
  normNumGroups: 32,
  attnNormNumGroups: null,
  normEps: 1e-5,
  resnetTimeScaleShift: 'default',
  addAttention: true,
  classEmbedType: null,
  numClassEmbeds: null,
  numTrainTimesteps: null,
};

const snakeCase = (name: string) =>
  name.replace(/[A-Z0-9]+/g, (match) => (/\d/.test(match) ? match : `_${match.toLowerCase()}`));
const optionNames = Object.keys(defaults) as (keyof UNet2DOptions)[];
const optionOf = new Map(optionNames.map((name) => [snakeCase(name), name]));

/** Options from options or from a diffusers `config.json` (told by its snake_case), checked, and the config they make. */
export function settleConfig(given: Partial<UNet2DOptions> | UNet2DConfig): {
  options: UNet2DOptions;
  config: UNet2DConfig;
} {
  checkOptionsObject('options', given);
  const options: Record<string, unknown> = { ...defaults };
  const fromFile = Object.keys(given).some((key) => key.includes('_'));
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || key.startsWith('_')) continue; // `_class_name`, `_diffusers_version`, `_name_or_path`
    const name = fromFile ? optionOf.get(key) : optionNames.find((known) => known === key);
    if (name === undefined) {
      const known = fromFile ? [...optionOf.keys()] : optionNames;
      throw new UNetError('UNET_OPTION', unknownName('option', key, known));
    }
    options[name] = value;
  }
  const checked = options as unknown as UNet2DOptions;
  checkOptions(checked);
  const entries = optionNames.map((name) => [snakeCase(name), checked[name]] as const);
  const config = { _class_name: 'UNet2DModel', _diffusers_version: '0.42.1', ...Object.fromEntries(entries) };
  return { options: checked, config: Object.freeze(config) };
}

/** The entries of a `config.json` that are known, and the names of the others. */
export function sortConfig(config: UNet2DConfig): { known: UNet2DConfig; unknown: string[] } {
  const isKnown = (key: string) => key.startsWith('_') || optionOf.has(key);
  return {
    known: Object.fromEntries(Object.entries(config).filter(([key]) => isKnown(key))),
    unknown: Object.keys(config).filter((key) => !isKnown(key)),
  };
}

function checkOptions(options: UNet2DOptions): void {
  const { downBlockTypes, upBlockTypes, blockOutChannels, timeEmbeddingType } = options;
  for (const name of ['inChannels', 'outChannels', 'layersPerBlock'] as const) checkInteger(name, options[name]);
  for (const name of ['centerInputSample', 'flipSinToCos', 'addAttention'] as const) checkBoolean(name, options[name]);
  for (const name of ['downBlockTypes', 'upBlockTypes', 'blockOutChannels'] as const) {
    if (!Array.isArray(options[name])) {
      throw new UNetError('UNET_OPTION', invalidArgument({ argument: name, value: options[name], allowed: 'a list' }));
    }
  }
  blockOutChannels.forEach((channels, i) => checkInteger(`blockOutChannels[${i}]`, channels));
  const refuse = (argument: string, value: unknown, allowed: string): never => {
    throw new UNetError('UNET_OPTION', invalidArgument({ argument, value, allowed }));
  };
  for (const name of ['downBlockTypes', 'upBlockTypes'] as const) {
    const other: unknown = options[name].find((type: unknown) => typeof type !== 'string');
    if (other !== undefined) refuse(name, options[name], 'a list of names');
  }
  const levels = downBlockTypes.length;
  if (levels === 0) refuse('downBlockTypes', downBlockTypes, 'one block type or more');
  if (upBlockTypes.length !== levels) refuse('upBlockTypes', upBlockTypes, `as long as downBlockTypes, ${levels}`);
  if (blockOutChannels.length !== levels) {
    refuse('blockOutChannels', blockOutChannels, `as long as downBlockTypes, ${levels}`);
  }
  checkChoice('timeEmbeddingType', timeEmbeddingType, ['positional', 'fourier', 'learned']);
  checkChoice('resnetTimeScaleShift', options.resnetTimeScaleShift, ['default', 'scale_shift']);
  checkChoice('downsampleType', options.downsampleType, ['conv', 'resnet']);
  checkChoice('upsampleType', options.upsampleType, ['conv', 'resnet']);
  checkChoice('actFn', String(options.actFn).toLowerCase(), ['silu', 'swish', 'mish', 'gelu', 'relu']);
  if (options.midBlockType !== null) checkChoice('midBlockType', options.midBlockType, ['UNetMidBlock2D']);
  if (options.classEmbedType !== null) checkChoice('classEmbedType', options.classEmbedType, ['timestep', 'identity']);
  if (options.numClassEmbeds !== null) checkInteger('numClassEmbeds', options.numClassEmbeds);
  if (timeEmbeddingType === 'learned') checkInteger('numTrainTimesteps', options.numTrainTimesteps);
  const { sampleSize, dropout, normEps, midBlockScaleFactor, freqShift, downsamplePadding } = options;
  if (Array.isArray(sampleSize) && sampleSize.length !== 2)
    refuse('sampleSize', sampleSize, 'two sides, or one for both');
  for (const side of [sampleSize].flat()) if (side !== null) checkInteger('sampleSize', side);
  if (typeof dropout !== 'number' || !(dropout >= 0 && dropout < 1)) refuse('dropout', dropout, 'in [0, 1)');
  if (!Number.isFinite(normEps) || normEps < 0) refuse('normEps', normEps, 'a number of 0 or more');
  if (!Number.isFinite(freqShift)) refuse('freqShift', freqShift, 'a number');
  if (!Number.isFinite(midBlockScaleFactor) || midBlockScaleFactor === 0) {
    refuse('midBlockScaleFactor', midBlockScaleFactor, 'a number other than 0');
  }
  if (downsamplePadding !== 0 && downsamplePadding !== 1) refuse('downsamplePadding', downsamplePadding, '0 or 1');
  const images = [...downBlockTypes, ...upBlockTypes].some((type) => type.includes('Skip'));
  for (const name of ['inChannels', 'outChannels'] as const) {
    if (images && options[name] !== 3) refuse(name, options[name], '3 with skip blocks');
  }
  for (const name of ['attentionHeadDim', 'normNumGroups', 'attnNormNumGroups', 'timeEmbeddingDim'] as const) {
    if (options[name] !== null) checkInteger(name, options[name]);
  }
}
