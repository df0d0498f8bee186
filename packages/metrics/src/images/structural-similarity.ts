import { MetricError } from '../errors.ts';
import { checkPair, checkRange, type Image } from './image.ts';
import { filter, meanInside, planesOf, type Plane } from './planes.ts';
import { resolveSsim, type SsimOptions, type SsimSetting } from './ssim-options.ts';
import { thinOut } from './thinning.ts';

/** A score with the pictures behind it; `map` and `gradient` are laid out as the compared pictures' data. */
export interface StructuralSimilarityDetails {
  readonly value: number;
  /** SSIM at each pixel, borders included. */
  readonly map: Image & { readonly data: Float64Array };
  /**
   * d value / d b, by Avanaki's equations 7 and 8, as in scikit-image (exact up to the border and the sample covariance). Of
   * pictures of several channels it is the derivative of their mean; scikit-image returns each channel's own there, which is as
   * many times larger as there are channels.
   */
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
  const workspace = createWorkspace(pairs[0]![0]);
  return mean(pairs.map(([x, y]) => meanOfMap(similarity(x, y, setting, workspace).map, setting)));
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

/** SSIM at each pixel, S = A1 A2 / (B1 B2) in the paper's letters, and what it is made of. */
export interface SimilarityTerms {
  readonly map: Plane;
  /** A2 / B2: contrast and structure without luminance, as MS-SSIM wants them. */
  readonly contrast: Plane;
  readonly meanX: Float64Array;
  readonly meanY: Float64Array;
  /** Windowed means of x² + y² and of x y. */
  readonly meanSquares: Float64Array;
  readonly meanProduct: Float64Array;
}

/** Seven arrays of a plane's size: fresh memory for every channel would take longer than the arithmetic. */
export type Workspace = readonly Float64Array[];

/** For planes of one size; a result lies in it until the next one. */
export function createWorkspace({ data }: Plane): Workspace {
  return Array.from({ length: 7 }, () => new Float64Array(data.length));
}

/** SSIM and its terms for every pixel of two planes of one size; they lie in the workspace. */
export function similarity(
  x: Plane,
  y: Plane,
  setting: SsimSetting,
  workspace: Workspace = createWorkspace(x),
): SimilarityTerms {
  const { rows, columns, covarianceFactor: factor, c1, c2, border } = setting;
  const { width, height } = x;
  const size = width * height;
  const plane = (data: Float64Array): Plane => ({ data, width, height });
  const [squares, product, across, ...means] = workspace as [Float64Array, Float64Array, Float64Array, ...Quadruple];
  for (let i = 0; i < size; i++) {
    const [vx, vy] = [x.data[i]!, y.data[i]!];
    squares[i] = vx * vx + vy * vy;
    product[i] = vx * vy;
  }
  const mirror = border === 'crop' ? 'symmetric' : 'reflect';
  const windowed = (data: Float64Array, i: number) => filter(plane(data), rows, columns, mirror, across, means[i]).data;
  const [meanX, meanY, meanSquares, meanProduct] = [x.data, y.data, squares, product].map(windowed) as Quadruple;

  const [map, contrast] = [squares, product];
  for (let i = 0; i < size; i++) {
    const [mx, my] = [meanX[i]!, meanY[i]!];
    const [meansProduct, meansSquared] = [mx * my, mx * mx + my * my];
    contrast[i] =
      (2 * factor * (meanProduct[i]! - meansProduct) + c2) / (factor * (meanSquares[i]! - meansSquared) + c2);
    map[i] = ((2 * meansProduct + c1) / (meansSquared + c1)) * contrast[i]!;
  }
  return { map: plane(map), contrast: plane(contrast), meanX, meanY, meanSquares, meanProduct };
}

type Quadruple = [Float64Array, Float64Array, Float64Array, Float64Array];

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
    const { factor, how } = setting.thinning(image);
    return factor === 1 ? planes : planes.map((plane) => thinOut(plane, factor, how));
  }) as [Plane[], Plane[]];
  checkWindow(x[0]!, setting);
  return { setting, pairs: x.map((plane, i) => [plane, y[i]!]) };
}

function gradientOf(x: Plane, y: Plane, terms: SimilarityTerms, setting: SsimSetting): Plane {
  const { rows, columns, covarianceFactor: factor, c1, c2, border } = setting;
  const { map, meanX, meanY, meanSquares, meanProduct } = terms;
  const size = x.data.length;
  const [first, second, third] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < size; i++) {
    const [mx, my, s] = [meanX[i]!, meanY[i]!, map.data[i]!];
    const [a1, b1] = [2 * mx * my + c1, mx * mx + my * my + c1];
    const a2 = 2 * factor * (meanProduct[i]! - mx * my) + c2;
    const b2 = factor * (meanSquares[i]! - (mx * mx + my * my)) + c2;
    first[i] = a1 / (b1 * b2);
    second[i] = -s / b2;
    third[i] = (mx * (a2 - a1) - my * (b2 - b1) * s) / (b1 * b2);
  }
  const mirror = border === 'crop' ? 'symmetric' : 'reflect';
  const [f, g, h] = [first, second, third].map((data) => filter({ ...x, data }, rows, columns, mirror).data) as [
    ...[Float64Array, Float64Array, Float64Array],
  ];
  return { ...x, data: x.data.map((value, i) => (2 / size) * (f[i]! * value + g[i]! * y.data[i]! + h[i]!)) };
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
