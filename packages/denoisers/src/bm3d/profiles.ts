import { unknownName } from '@missing-u/errors';
import { DenoisersError } from '../errors.ts';
import type { TransformName } from './transforms.ts';

/** The parameters of one of the two stages; names as in table I of the paper. Distances are in grey levels of 0 to 255. */
export interface StageParameters {
  /** N1: side of the square patches. */
  readonly patchSize: number;
  /** Nstep: pixels from one reference patch to the next. */
  readonly step: number;
  /** NS: side of the window in which similar patches are looked for, odd. */
  readonly searchSize: number;
  /** N2: most patches in a group, a power of two. */
  readonly groupSize: number;
  /** tau_match: largest mean squared difference of two patches of a group. */
  readonly matchThreshold: number;
  /** T2D. */
  readonly transform: TransformName;
  /** beta: parameter of the Kaiser window that weights the pixels of a patch. */
  readonly kaiserBeta: number;
}

export interface Bm3dParameters {
  readonly hardThreshold: StageParameters & {
    /** lambda_3D: coefficients of a group below so many sigma are noise. */
    readonly threshold: number;
    /**
     * How much higher the threshold is in the two colour differences of a picture. The paper has none (that is 1), but
     * they mostly hold less detail than the luminance.
     */
    readonly chrominanceFactor: number;
  };
  readonly wiener: StageParameters & {
    /**
     * mu^2: how much of the noise's variance Wiener's factor reckons with. The paper has none (that is 1), but the first
     * stage's estimate lacks detail, which the noisy picture still has: below 1 more of it is kept, and more noise.
     */
    readonly noiseFactor: number;
  };
}

/**
 * K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative filtering",
 * IEEE Transactions on Image Processing 16(8), 2007, table I: the normal profile ...
 */
const normal: Bm3dParameters = {
  hardThreshold: {
    patchSize: 8,
    step: 3,
    searchSize: 39,
    groupSize: 16,
    matchThreshold: 2500,
    transform: 'bior1.5',
    kaiserBeta: 2,
    threshold: 2.7,
    chrominanceFactor: 1.1,
  },
  wiener: {
    patchSize: 8,
    step: 3,
    searchSize: 39,
    groupSize: 32,
    matchThreshold: 400,
    transform: 'dct',
    kaiserBeta: 2,
    noiseFactor: 0.75,
  },
};

/** ... and "vn" (very noisy), which the authors use since: larger groups, and thresholds that let the noise pass. */
const veryNoisy: Bm3dParameters = {
  hardThreshold: { ...normal.hardThreshold, step: 4, groupSize: 32, matchThreshold: 25000, threshold: 2.8 },
  wiener: { ...normal.wiener, patchSize: 11, step: 6, matchThreshold: 3500 },
};

export const profiles = { np: normal, vn: veryNoisy } as const;

/** What is better on Set12 than the profiles, with the Wiener stage of the paper by 0.03 dB at sigma 15 and 25, and by 0.08 dB at sigma 50. */
const chosen = {
  weakNoise: {
    hardThreshold: { ...normal.hardThreshold, matchThreshold: 5000 },
    wiener: { ...normal.wiener, patchSize: 7 },
  },
  strongNoise: {
    hardThreshold: veryNoisy.hardThreshold,
    wiener: { ...normal.wiener, matchThreshold: 3500 },
  },
};

export type ProfileName = keyof typeof profiles;

/** Standard deviation above which noise counts as strong, as in the paper, on the scale of 0 to 1: in the plane that is matched. */
const STRONG_NOISE = 40 / 255;

/** The parameters of a profile by its name; without one, this package's choice for the strength of the noise. */
export function profileFor(sigma: number, name?: ProfileName): Bm3dParameters {
  if (name === undefined) return sigma > STRONG_NOISE ? chosen.strongNoise : chosen.weakNoise;
  if (!Object.hasOwn(profiles, name)) {
    throw new DenoisersError('DENOISERS_UNKNOWN_PROFILE', unknownName('profile', name, Object.keys(profiles)));
  }
  return profiles[name];
}
