import type { Denoiser } from '@missing-u/unet-blocks';
import { invalidArgument, unknownName } from '@missing-u/errors';
import { OnnxError } from './errors.ts';

/** What is exported: anything that predicts from noisy images and times. */
export type Predicts = Pick<Denoiser, 'predict'>;

/** A condition that `predict` takes as its third argument: the shape of one image's, and its type. */
export interface ConditionSpec {
  /** Without the batch: `[]` for a number per image. Default `[]`. */
  readonly shape?: readonly number[];
  /** Default `float32`. */
  readonly dtype?: 'float32' | 'int32';
}

/** What a file says of a scheduler: anything with diffusers' JSON. */
export interface SchedulerLike {
  readonly config: Readonly<Record<string, unknown>>;
}

/** Options of an export. */
export interface ExportOptions {
  /** Side of the images, or [height, width]. Default: that of the denoiser's config. */
  imageSize?: number | readonly [number, number];
  /** Channels of the images. Default: those of the denoiser's config. */
  channels?: number;
  /** How many images a call takes; `dynamic` (the default) is any number. */
  batch?: 'dynamic' | number;
  /** How the weights are stored; `float16` halves the file, and costs about three decimal places. Default `float32`. */
  weights?: 'float32' | 'float16';
  /** Type of the input `timestep`; some pipelines give `int64`. Default `float32`. */
  timestepType?: 'float32' | 'int64';
  /** Further inputs, which `predict` gets as its third argument: `{ classLabels: {} }` for a class-conditional model. */
  conditions?: Readonly<Record<string, ConditionSpec>>;
  /** What the denoiser predicts, for the metadata. Default: what the scheduler's config says. */
  predictionType?: string;
  /** The scheduler to sample with, whose config goes into the metadata. */
  scheduler?: SchedulerLike;
  /** More lines for the metadata. */
  metadata?: Readonly<Record<string, string>>;
}

/** Options with their defaults. */
export interface ResolvedOptions {
  height: number;
  width: number;
  channels: number;
  batch: 'dynamic' | number;
  weights: 'float32' | 'float16';
  timestepType: 'float32' | 'int64';
  conditions: readonly { key: string; name: string; shape: readonly number[]; dtype: 'float32' | 'int32' }[];
}

/** What is looked at of a denoiser's config, by any of the names that our networks and diffusers use. */
interface ConfigLike {
  imageSize?: number;
  sample_size?: number | readonly [number, number] | null;
  inChannels?: number;
  in_channels?: number;
}

const optionNames: readonly (keyof ExportOptions)[] = [
  'imageSize',
  'channels',
  'batch',
  'weights',
  'timestepType',
  'conditions',
  'predictionType',
  'scheduler',
  'metadata',
];

/** Fills in the defaults; throws `ONNX_OPTION` for what is not allowed. */
export function resolveOptions(
  denoiser: Predicts,
  options: ExportOptions,
  extraNames: readonly string[] = [],
): ResolvedOptions {
  if (typeof (denoiser as Partial<Predicts> | undefined)?.predict !== 'function') {
    refuse('denoiser', denoiser, 'an object with `predict(sample, timesteps)`');
  }
  checkObject(options);
  const known = [...optionNames, ...extraNames];
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw new OnnxError('ONNX_OPTION', unknownName('option', key, known));
  }
  const config = (denoiser as { config?: ConfigLike | null }).config ?? {};
  const side = options.imageSize ?? config.imageSize ?? config.sample_size ?? undefined;
  const [height, width] = Array.isArray(side) ? (side as number[]) : [side, side];
  const channels = options.channels ?? config.inChannels ?? config.in_channels;
  const { batch = 'dynamic', weights = 'float32', timestepType = 'float32', conditions = {} } = options;
  if (!isLength(height) || !isLength(width)) refuse('imageSize', side, 'a whole number of pixels, or [height, width]');
  if (!isLength(channels)) refuse('channels', channels, 'a whole number of 1 or more');
  if (batch !== 'dynamic' && !isLength(batch)) refuse('batch', batch, "'dynamic' or a whole number of 1 or more");
  if (weights !== 'float32' && weights !== 'float16') refuse('weights', weights, "'float32' or 'float16'");
  if (timestepType !== 'float32' && timestepType !== 'int64')
    refuse('timestepType', timestepType, "'float32' or 'int64'");
  const { scheduler, metadata } = options as { scheduler?: unknown; metadata?: unknown };
  if (scheduler !== undefined && !(isRecord(scheduler) && isRecord(scheduler['config'])))
    refuse('scheduler', scheduler, 'a scheduler, or an object with its `config`');
  if (metadata !== undefined && !isRecord(metadata)) refuse('metadata', metadata, 'an object of texts');
  return { height, width, channels, batch, weights, timestepType, conditions: resolveConditions(conditions) };
}

function resolveConditions(conditions: unknown): ResolvedOptions['conditions'] {
  if (!isRecord(conditions)) refuse('conditions', conditions, 'an object with a name for each: { classLabels: {} }');
  const taken = new Map<string, string>(Object.values(portNames).map((name) => [plainName(name), name]));
  return Object.entries(conditions).map(([key, spec]) => {
    if (!isRecord(spec))
      refuse(`conditions.${key}`, spec, 'an object, { shape, dtype }, both of which may be left out');
    const { shape = [], dtype = 'float32' } = spec as ConditionSpec;
    if (!Array.isArray(shape) || !shape.every(isLength))
      refuse(`conditions.${key}.shape`, shape, 'a list of whole numbers, without the batch');
    if (dtype !== 'float32' && dtype !== 'int32') refuse(`conditions.${key}.dtype`, dtype, "'float32' or 'int32'");
    const other = taken.get(plainName(key));
    if (key === '' || other !== undefined) {
      const allowed = 'a name of its own, whatever its capitals and underscores';
      refuse('conditions', key, other === undefined ? allowed : `${allowed} (\`${other}\` is taken)`);
    }
    taken.set(plainName(key), key);
    return { key, name: snakeCase(key), shape, dtype };
  });
}

/** How a model calls what goes in and out, as the U-Nets of Python's diffusers are called. */
export const portNames = { sample: 'sample', timestep: 'timestep', output: 'out_sample' } as const;

/** How a model calls the number of its times, which is 1 or that of the images. */
export const timesLength = `${portNames.timestep}s`;

/** What is the same of a name in Python and here. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}

/** `classLabels` as Python says it. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Refuses options that are no object. */
export function checkObject(options: unknown): void {
  if (!isRecord(options)) refuse('options', options, 'an object');
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLength(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

function refuse(argument: string, value: unknown, allowed: string): never {
  throw new OnnxError('ONNX_OPTION', invalidArgument({ argument, value, allowed }));
}
