import { unknownName } from '@missing-u/errors';
import { MetricError, refuse } from '../errors.ts';
import { checkDataRange, type RangeOptions } from './image.ts';
import type { Thinning } from './thinning.ts';

/** One number for both directions, or [rows, columns]. */
export type Both = number | readonly [rows: number, columns: number];

/** Settings of SSIM. Names and defaults are scikit-image's; every one of them changes the number. */
export interface SsimOptions extends RangeOptions {
  /**
   * Whose defaults: `'scikit-image'` (7 x 7 uniform window, sample covariance) or `'wang'`, the paper's (Gaussian window of
   * sigma 1.5 with 11 taps, population covariance), which `'torchmetrics'` (with mirrored borders), `'piq'` (thinned out first)
   * and `'pytorch-msssim'` (no change) follow. Options beside it override it.
   */
  readonly defaults?: SsimDefaults;
  /** Side of the uniform window, odd (default 7). Not together with Gaussian weights, whose window follows from sigma. */
  readonly winSize?: Both;
  /** A Gaussian window in place of the uniform one. */
  readonly gaussianWeights?: boolean;
  /** Width of the Gaussian in pixels (default 1.5). */
  readonly sigma?: Both;
  /** Where the Gaussian ends, in sigmas (default 3.5: 11 taps at sigma 1.5; 4 gives 13, as older libraries have). */
  readonly truncate?: number;
  /** Variances over n - 1 (true) or n, where n counts the pixels of the window. */
  readonly useSampleCovariance?: boolean;
  /** Constants of the definition (defaults 0.01 and 0.03), in units of the data range. */
  readonly K1?: number;
  readonly K2?: number;
  /**
   * `'crop'` averages over windows that lie inside (the default); `'reflect'` mirrors the picture, edge pixel not repeated,
   * and averages over all pixels, as torchmetrics does.
   */
  readonly border?: 'crop' | 'reflect';
  /** SSIM of each channel, averaged (the default), or of the luma 0.299 R + 0.587 G + 0.114 B. */
  readonly color?: 'channels' | 'luma';
  /**
   * First average and thin out by round(smaller side / 256): as Wang's second script does it (true), or over blocks that lie
   * side by side, as piq does it (`'blocks'`). Default false.
   */
  readonly downsample?: boolean | 'blocks';
}

export type SsimDefaults = keyof typeof defaults;

const wang = { gaussianWeights: true, useSampleCovariance: false, border: 'crop', downsample: false } as const;
const defaults = {
  'scikit-image': { ...wang, gaussianWeights: false, useSampleCovariance: true },
  wang,
  torchmetrics: { ...wang, border: 'reflect' },
  piq: { ...wang, downsample: 'blocks' },
  'pytorch-msssim': wang,
} as const satisfies Record<string, Basis>;

type Basis = Required<Pick<SsimOptions, 'gaussianWeights' | 'useSampleCovariance' | 'border' | 'downsample'>>;

/** The options as numbers: what the float64 and the tensor version both compute with. */
export interface SsimSetting {
  /** One-dimensional windows that add up to one. */
  readonly rows: Float64Array;
  readonly columns: Float64Array;
  /** Factor from the population's to the wanted covariance. */
  readonly covarianceFactor: number;
  readonly c1: number;
  readonly c2: number;
  readonly border: 'crop' | 'reflect';
  readonly color: 'channels' | 'luma';
  /** By how much a picture is thinned out first, and how. */
  readonly thinning: (size: { width: number; height: number }) => { readonly factor: number; readonly how: Thinning };
}

/** Options to numbers. @throws MetricError `METRIC_BAD_ARGUMENT` */
export function resolveSsim(options: SsimOptions): SsimSetting {
  checkDataRange(options?.dataRange);
  const name = options.defaults ?? 'scikit-image';
  if (!Object.hasOwn(defaults, name)) {
    throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('defaults', name, Object.keys(defaults)));
  }
  const settings = { ...(defaults[name] as Basis), ...withoutUndefined(options) };
  const { dataRange, gaussianWeights, useSampleCovariance, border, downsample } = settings;
  const { K1 = 0.01, K2 = 0.03, color = 'channels' } = settings;
  for (const [argument, value] of Object.entries({ K1, K2 })) {
    if (!(value >= 0)) refuse({ argument, value, allowed: 'a number of 0 or more' });
  }
  if (border !== 'crop' && border !== 'reflect')
    refuse({ argument: 'border', value: border, allowed: `'crop' or 'reflect'` });
  if (color !== 'channels' && color !== 'luma')
    refuse({ argument: 'color', value: color, allowed: `'channels' or 'luma'` });
  if (typeof downsample !== 'boolean' && downsample !== 'blocks')
    refuse({ argument: 'downsample', value: downsample, allowed: `true, false or 'blocks'` });

  const [rows, columns] = gaussianWeights ? gaussianWindows(options) : uniformWindows(options);
  const pixels = rows.length * columns.length;
  return {
    rows,
    columns,
    covarianceFactor: useSampleCovariance && pixels > 1 ? pixels / (pixels - 1) : 1,
    c1: (K1 * dataRange) ** 2,
    c2: (K2 * dataRange) ** 2,
    border,
    color,
    thinning: (size) => ({
      factor: downsample === false ? 1 : thinningFactor(size, downsample),
      how: downsample === 'blocks' ? 'cut' : 'symmetric',
    }),
  };
}

/** round(smaller side / 256), at least 1; halves go up in MATLAB, to the even number in Python. */
function thinningFactor({ width, height }: { width: number; height: number }, downsample: true | 'blocks'): number {
  const exact = Math.min(width, height) / 256;
  const isHalf = exact % 1 === 0.5;
  return Math.max(1, downsample === 'blocks' && isHalf ? 2 * Math.round(exact / 2) : Math.round(exact));
}

function uniformWindows({ winSize = 7 }: SsimOptions): [Float64Array, Float64Array] {
  return both(winSize, (size) => {
    if (Number.isSafeInteger(size) && size >= 1 && size % 2 === 1) return new Float64Array(size).fill(1 / size);
    return refuse({
      argument: 'winSize',
      value: winSize,
      allowed: 'an odd integer, or two of them as [rows, columns]',
    });
  });
}

function gaussianWindows({ sigma = 1.5, truncate = 3.5, winSize }: SsimOptions): [Float64Array, Float64Array] {
  if (winSize !== undefined) {
    const remedy = 'the window of Gaussian weights has 2 round(truncate sigma) + 1 taps: set `sigma` or `truncate`';
    refuse({ argument: 'winSize', value: winSize, allowed: 'absent where `gaussianWeights` is true', remedy });
  }
  if (!(truncate > 0)) refuse({ argument: 'truncate', value: truncate, allowed: 'a number above 0' });
  return both(sigma, (width) => {
    if (!(width > 0))
      refuse({ argument: 'sigma', value: sigma, allowed: 'a number above 0, or two as [rows, columns]' });
    const radius = Math.floor(truncate * width + 0.5);
    const window = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
      Math.exp(-0.5 * ((i - radius) / width) ** 2),
    );
    const sum = window.reduce((total, value) => total + value, 0);
    return window.map((value) => value / sum);
  });
}

function both(value: Both, window: (value: number) => Float64Array): [Float64Array, Float64Array] {
  const [rows, columns] = typeof value === 'number' ? [value, value] : value;
  return [window(rows), window(columns)];
}

/** So that `{ sigma: undefined }` means the default, as in a destructured argument. */
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
