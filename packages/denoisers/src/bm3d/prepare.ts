import { invalidArgument, unknownName } from '@missing-u/errors';
import { checkNames } from '../check-names.ts';
import { DenoisersError } from '../errors.ts';
import { checkRaster, checkSigma, isTensor, rasterShape, type Picture, type RasterImage } from '../raster.ts';
import type { Bm3dAsyncOptions } from './bm3d.ts';
import { estimateSigma } from './noise.ts';
import { opponentNoise, toOpponent, toRgb, type Planes } from './planes.ts';
import { profileFor, type Bm3dParameters, type ProfileName, type StageParameters } from './profiles.ts';
import { isPowerOfTwo } from './transforms.ts';

export interface Bm3dOptions {
  /** The published `np` (normal) or `vn` (very noisy); by default what suits the noise, changing above 40/255. */
  profile?: ProfileName;
  /** Changes to single parameters of the profile. */
  parameters?: {
    hardThreshold?: Partial<Bm3dParameters['hardThreshold']>;
    wiener?: Partial<Bm3dParameters['wiener']>;
  };
  /** `all` (default), or `hard-threshold` for the first stage's estimate: half the time, some 0.3 to 0.8 dB less. */
  stage?: 'all' | 'hard-threshold';
  /** Colour: `joint` (default) matches once in the luminance and filters in the opponent space; `separate` takes each channel for itself. */
  channels?: 'joint' | 'separate';
}

/** What `bm3d` and `bm3dAsync` take. */
const optionNames: Record<keyof Bm3dAsyncOptions, true> = {
  ...{ profile: true, parameters: true, stage: true, channels: true },
  ...{ workers: true, createWorker: true },
};

/** One run of the algorithm: over a grey image, the three planes of a coloured one, or one channel. */
export interface Run {
  readonly noisy: Planes;
  /** The planes are those of the opponent space. */
  readonly opponent: boolean;
  readonly sigmas: readonly number[];
  readonly parameters: Bm3dParameters;
  readonly stage: 'all' | 'hard-threshold';
}

/**
 * Less is no noise: a 4000th of a level of 8 bits. An estimate in a flat picture is the rounding of its sums, and the square of that
 * would be 0 in float32, by which the filters divide.
 */
const NOISELESS = 1e-6;

/** Checks everything, and splits the image into runs; none where there is no noise. */
export function prepare(image: RasterImage, sigma: number | undefined, options: Bm3dOptions): Run[] {
  checkNames('options', options, optionNames);
  if (sigma !== undefined) checkSigma(sigma, 10);
  checkRaster(image, sigma);
  const { channels = 'joint', stage = 'all' } = options;
  checkChoice('channels', channels, ['joint', 'separate']);
  checkChoice('stage', stage, ['all', 'hard-threshold']);
  const planes = planesOf(image);
  if (channels === 'joint' && planes.length !== 1 && planes.length !== 3) {
    const allowed = 'grey (1 channel) or RGB (3)';
    const bad = { argument: 'image', value: `${planes.length} channels`, allowed, remedy: "use channels: 'separate'" };
    throw new DenoisersError('DENOISERS_BAD_IMAGE', invalidArgument(bad));
  }
  const joint = channels === 'joint' && planes.length === 3;
  const parts = joint ? [planes] : planes.map((plane) => [plane]);
  return parts.map((data) => {
    const rgb = { width: image.width, height: image.height, data };
    const noise = sigma ?? mean(data.map((plane) => estimateSigma(plane, image)));
    const strength = noise < NOISELESS ? 0 : noise;
    const sigmas = joint ? opponentNoise.map((factor) => factor * strength) : [strength];
    const parameters = parametersFor(sigmas[0]!, options, image);
    const opponent = joint && strength > 0;
    return { noisy: opponent ? toOpponent(rgb) : rgb, opponent, sigmas, parameters, stage };
  });
}

/** The runs' results as a picture of the same kind as the one that was given. */
export function assemble(image: RasterImage, runs: readonly Run[], results: readonly Planes[]): RasterImage {
  const planes = results.flatMap((result, i) => (runs[i]!.opponent ? toRgb(result) : result).data);
  const data =
    image.data instanceof Float64Array ? new Float64Array(image.data.length) : new Float32Array(image.data.length);
  for (const [channel, plane] of planes.entries()) {
    for (let i = 0, to = channel; i < plane.length; i++, to += planes.length) data[to] = plane[i]!;
  }
  return { ...image, data };
}

/**
 * Standard deviation of the noise of a picture, on the scale of its values: the mean of its channels'. It takes the finest
 * detail of the picture for noise, so it is somewhat too high where there is much of it.
 */
export function estimateNoise(image: Picture): number {
  if (isTensor(image)) return estimateNoise({ ...rasterShape(image), data: Float32Array.from(image.dataSync()) });
  checkRaster(image, undefined);
  return mean(planesOf(image).map((plane) => estimateSigma(plane, image)));
}

function planesOf({ data, channels }: RasterImage): Float32Array[] {
  return Array.from({ length: channels }, (_, channel) => {
    const plane = new Float32Array(data.length / channels);
    for (let i = 0, from = channel; i < plane.length; i++, from += channels) plane[i] = data[from]!;
    return plane;
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function parametersFor(sigma: number, { profile, parameters = {} }: Bm3dOptions, image: RasterImage): Bm3dParameters {
  const base = profileFor(sigma, profile);
  const merged = {
    hardThreshold: { ...base.hardThreshold, ...parameters.hardThreshold },
    wiener: { ...base.wiener, ...parameters.wiener },
  };
  checkNames('parameters', parameters, base);
  for (const name of ['hardThreshold', 'wiener'] as const) {
    checkNames(`parameters.${name}`, parameters[name] ?? {}, base[name]);
    checkStage(`parameters.${name}`, merged[name], image);
  }
  for (const [name, value] of [
    ['hardThreshold.threshold', merged.hardThreshold.threshold],
    ['hardThreshold.chrominanceFactor', merged.hardThreshold.chrominanceFactor],
    ['wiener.noiseFactor', merged.wiener.noiseFactor],
  ] as const) {
    if (value > 0 && Number.isFinite(value)) continue;
    const bad = { argument: `parameters.${name}`, value, allowed: 'a number above 0' };
    throw new DenoisersError('DENOISERS_BAD_PARAMETER', invalidArgument(bad));
  }
  return merged;
}

function checkStage(argument: string, values: StageParameters, { width, height }: RasterImage): void {
  const check = (name: keyof StageParameters, sound: boolean, allowed: string) => {
    if (sound) return;
    const bad = { argument: `${argument}.${name}`, value: values[name], allowed };
    throw new DenoisersError('DENOISERS_BAD_PARAMETER', invalidArgument(bad));
  };
  const { patchSize, step, searchSize, groupSize, matchThreshold, transform, kaiserBeta } = values;
  checkChoice(`${argument}.transform`, transform, ['dct', 'bior1.5', 'haar', 'hadamard']);
  const sound = transform === 'dct' || isPowerOfTwo(patchSize);
  check(
    'patchSize',
    Number.isInteger(patchSize) && patchSize >= 2 && patchSize <= 32 && sound,
    `2 to 32${sound ? '' : `, a power of two for ${transform}`}`,
  );
  check(
    'step',
    Number.isInteger(step) && step >= 1 && step <= patchSize,
    '1 to the size of a patch, or pixels are missed',
  );
  check(
    'searchSize',
    Number.isInteger(searchSize) && searchSize % 2 === 1 && searchSize >= 1,
    'an odd number of 1 or more',
  );
  check('groupSize', isPowerOfTwo(groupSize) && groupSize <= 1024, 'a power of two up to 1024');
  check('matchThreshold', matchThreshold > 0, 'above 0');
  // Beyond, the weights at the corners of a patch are 0 in float32.
  check('kaiserBeta', kaiserBeta >= 0 && kaiserBeta <= 20, 'a number from 0 to 20');
  if (Math.min(width, height) < patchSize) {
    const bad = {
      argument: 'image',
      value: `${width}x${height} pixels`,
      allowed: `at least ${patchSize}x${patchSize}, one patch`,
    };
    throw new DenoisersError('DENOISERS_IMAGE_TOO_SMALL', invalidArgument(bad));
  }
}

function checkChoice(argument: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) throw new DenoisersError('DENOISERS_UNKNOWN_OPTION', unknownName(argument, value, known));
}
