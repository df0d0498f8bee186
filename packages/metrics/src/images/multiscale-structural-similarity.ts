import { MetricError, refuse } from '../errors.ts';
import { checkPair, checkRange, type Image } from './image.ts';
import { planesOf, thinOut, type Plane } from './planes.ts';
import { resolveSsim, type SsimOptions, type SsimSetting } from './ssim-options.ts';
import { meanOfMap, similarity } from './structural-similarity.ts';

/** Settings of MS-SSIM: those of SSIM, with Wang's defaults, and the weight of each scale. */
export interface MultiscaleOptions extends Omit<SsimOptions, 'downsample'> {
  /** Exponent of each scale from fine to coarse (default Wang's five, 0.0448 0.2856 0.3001 0.2363 0.1333). */
  readonly weights?: readonly number[];
}

/** Wang, Simoncelli and Bovik 2003, section 3.2. */
export const msSsimWeights: readonly number[] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/**
 * Multi-scale structural similarity (Wang et al. 2003, equation 7) in float64: contrast and structure at every scale,
 * luminance at the coarsest, 2 x 2 means between scales, negative terms as 0, product per channel, then the mean over
 * channels. This is TensorFlow's `ssim_multiscale` and piq's and pytorch-msssim's function for even sizes.
 *
 * @throws MetricError as `structuralSimilarity`
 */
export function multiscaleStructuralSimilarity(a: Image, b: Image, options: MultiscaleOptions): number {
  const { setting, weights } = resolveMultiscale(options);
  checkPair(a, b);
  checkRange({ a, b }, options);
  checkScales(a, setting, weights.length);
  const others = planesOf(b, setting.color);
  const scores = planesOf(a, setting.color).map((plane, channel) =>
    ofPlanes(plane, others[channel]!, setting, weights),
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** Options to numbers, for the float64 and the tensor version. */
export function resolveMultiscale(options: MultiscaleOptions): { setting: SsimSetting; weights: readonly number[] } {
  const { weights = msSsimWeights, ...rest } = options ?? {};
  if (weights.length === 0 || !weights.every((weight) => weight >= 0 && Number.isFinite(weight))) {
    refuse({ argument: 'weights', value: weights, allowed: 'a list of numbers of 0 or more, one per scale' });
  }
  return { setting: resolveSsim({ ...rest, defaults: rest.defaults ?? 'wang' }), weights };
}

/** Refuses pictures whose coarsest scale is smaller than the window. */
export function checkScales(
  size: { width: number; height: number },
  { rows, columns }: SsimSetting,
  scales: number,
): void {
  const shrink = 2 ** (scales - 1);
  if (Math.ceil(size.height / shrink) >= rows.length && Math.ceil(size.width / shrink) >= columns.length) return;
  const [width, height] = [columns, rows].map((window) => (window.length - 1) * shrink + 1);
  throw new MetricError(
    'METRIC_TOO_SMALL',
    `The pictures are ${size.width} x ${size.height}, but ${scales} scales with a window of ${columns.length} x ${rows.length} ` +
      `need at least ${width} x ${height}; give fewer \`weights\` or a smaller window.`,
  );
}

function ofPlanes(x: Plane, y: Plane, setting: SsimSetting, weights: readonly number[]): number {
  let product = 1;
  for (const [scale, weight] of weights.entries()) {
    const terms = similarity(x, y, setting);
    const term = meanOfMap(scale === weights.length - 1 ? terms.map : terms.contrast, setting);
    product *= Math.max(term, 0) ** weight;
    [x, y] = [thinOut(x, 2), thinOut(y, 2)];
  }
  return product;
}
