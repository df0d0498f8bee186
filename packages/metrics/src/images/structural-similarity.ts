import { MetricError } from '../errors.ts';
import { checkPair, checkRange, type Image } from './image.ts';
import { filter, meanInside, planesOf, thinOut, type Plane } from './planes.ts';
import { resolveSsim, type SsimOptions, type SsimSetting } from './ssim-options.ts';

/** A score with the pictures behind it; `map` and `gradient` are laid out as the compared pictures' data. */
export interface StructuralSimilarityDetails {
  readonly value: number;
  /** SSIM at each pixel, borders included. */
  readonly map: Image & { readonly data: Float64Array };
  /** d value / d b, by Avanaki's equations 7 and 8, as in scikit-image (exact up to the border and the sample covariance). */
  readonly gradient: Image & { readonly data: Float64Array };
}

/**
 * Mean structural similarity of two pictures (Wang et al. 2004, equation 13) in float64: 1 for equal pictures.
 * With the default options it equals scikit-image's `structural_similarity` to 1e-12.
 *
 * @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_NOT_FINITE`, `METRIC_OUT_OF_RANGE`, `METRIC_TOO_SMALL`, `METRIC_BAD_ARGUMENT`
 */
export function structuralSimilarity(a: Image, b: Image, options: SsimOptions): number {
  const { setting, pairs } = prepare(a, b, options);
  return mean(pairs.map(([x, y]) => meanOfMap(similarity(x, y, setting).map, setting)));
}

/** {@link structuralSimilarity} with the map of SSIM and the gradient with respect to `b`. */
export function structuralSimilarityDetails(a: Image, b: Image, options: SsimOptions): StructuralSimilarityDetails {
  const { setting, pairs } = prepare(a, b, options);
  const results = pairs.map(([x, y]) => {
    const result = similarity(x, y, setting);
    return { value: meanOfMap(result.map, setting), map: result.map, gradient: gradientOf(x, y, result, setting) };
  });
  return {
    value: mean(results.map(({ value }) => value)),
    map: interleave(results.map(({ map }) => map)),
    gradient: interleave(
      results.map(({ gradient }) => gradient),
      1 / results.length,
    ),
  };
}

/** The terms of SSIM at each pixel, in the paper's letters: S = A1 A2 / (B1 B2). */
export interface SimilarityTerms {
  readonly map: Plane;
  /** A2 / B2: contrast and structure without luminance, as MS-SSIM wants them. */
  readonly contrast: Plane;
  readonly a1: Float64Array;
  readonly a2: Float64Array;
  readonly b1: Float64Array;
  readonly b2: Float64Array;
  readonly meanX: Float64Array;
  readonly meanY: Float64Array;
}

/** SSIM and its terms for every pixel of two planes of one size. */
export function similarity(x: Plane, y: Plane, setting: SsimSetting): SimilarityTerms {
  const { rows, columns, covarianceFactor: factor, c1, c2, border } = setting;
  const { width, height } = x;
  const mirror = border === 'crop' ? 'symmetric' : 'reflect';
  const windowed = (value: (i: number) => number) =>
    filter({ data: Float64Array.from(x.data, (_, i) => value(i)), width, height }, rows, columns, mirror).data;
  const meanX = filter(x, rows, columns, mirror).data;
  const meanY = filter(y, rows, columns, mirror).data;
  const squareX = windowed((i) => x.data[i]! ** 2);
  const squareY = windowed((i) => y.data[i]! ** 2);
  const product = windowed((i) => x.data[i]! * y.data[i]!);

  const empty = () => new Float64Array(x.data.length);
  const [map, contrast, a1, a2, b1, b2] = [empty(), empty(), empty(), empty(), empty(), empty()];
  for (let i = 0; i < map.length; i++) {
    const [mx, my] = [meanX[i]!, meanY[i]!];
    a1[i] = 2 * mx * my + c1;
    b1[i] = mx * mx + my * my + c1;
    a2[i] = 2 * factor * (product[i]! - mx * my) + c2;
    b2[i] = factor * (squareX[i]! - mx * mx + (squareY[i]! - my * my)) + c2;
    contrast[i] = a2[i]! / b2[i]!;
    map[i] = (a1[i]! / b1[i]!) * contrast[i]!;
  }
  const plane = (data: Float64Array): Plane => ({ data, width, height });
  return { map: plane(map), contrast: plane(contrast), a1, a2, b1, b2, meanX, meanY };
}

/** The mean that the setting's border asks for. */
export function meanOfMap(map: Plane, { rows, columns, border }: SsimSetting): number {
  return border === 'reflect' ? meanInside(map, 0, 0) : meanInside(map, rows.length >> 1, columns.length >> 1);
}

/** Refuses pictures that the window does not fit into. */
export function checkWindow(
  { width, height }: { width: number; height: number },
  { rows, columns }: SsimSetting,
): void {
  if (height >= rows.length && width >= columns.length) return;
  throw new MetricError(
    'METRIC_TOO_SMALL',
    `The pictures are ${width} x ${height}, smaller than the window of ${columns.length} x ${rows.length}; ` +
      'take a smaller `winSize` or `sigma`, or larger pictures.',
  );
}

function prepare(a: Image, b: Image, options: SsimOptions): { setting: SsimSetting; pairs: [Plane, Plane][] } {
  const setting = resolveSsim(options);
  checkPair(a, b);
  checkRange({ a, b }, options);
  const [x, y] = [a, b].map((image) => {
    const planes = planesOf(image, setting.color);
    const factor = setting.downsample ? wangFactor(image) : 1;
    return factor === 1 ? planes : planes.map((plane) => thinOut(plane, factor));
  }) as [Plane[], Plane[]];
  checkWindow(x[0]!, setting);
  return { setting, pairs: x.map((plane, i) => [plane, y[i]!]) };
}

/** By how much Wang's second script thins a picture out: round(smaller side / 256), at least 1. */
export function wangFactor({ width, height }: { width: number; height: number }): number {
  return Math.max(1, Math.round(Math.min(width, height) / 256));
}

function gradientOf(x: Plane, y: Plane, terms: SimilarityTerms, { rows, columns, border }: SsimSetting): Plane {
  const { map, a1, a2, b1, b2, meanX, meanY } = terms;
  const mirror = border === 'crop' ? 'symmetric' : 'reflect';
  const windowed = (value: (i: number) => number) =>
    filter({ ...x, data: Float64Array.from(x.data, (_, i) => value(i)) }, rows, columns, mirror).data;
  const first = windowed((i) => a1[i]! / (b1[i]! * b2[i]!));
  const second = windowed((i) => -map.data[i]! / b2[i]!);
  const third = windowed((i) => {
    const change = meanX[i]! * (a2[i]! - a1[i]!) - meanY[i]! * (b2[i]! - b1[i]!) * map.data[i]!;
    return change / (b1[i]! * b2[i]!);
  });
  const data = Float64Array.from(
    x.data,
    (value, i) => (2 / x.data.length) * (first[i]! * value + second[i]! * y.data[i]! + third[i]!),
  );
  return { ...x, data };
}

function interleave(planes: readonly Plane[], scale = 1): Image & { data: Float64Array } {
  const { width, height } = planes[0]!;
  const channels = planes.length;
  const data = new Float64Array(width * height * channels);
  for (let i = 0; i < data.length; i++) data[i] = scale * planes[i % channels]!.data[Math.floor(i / channels)]!;
  return { data, width, height, channels };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
