import { MetricError, refuse } from '../errors.ts';
import { checkPair, checkRange, type Image } from './image.ts';
import { planesOf } from './planes.ts';
import { resolveSsim, type SsimDefaults, type SsimOptions, type SsimSetting } from './ssim-options.ts';
import { meanOfMap, similarity } from './structural-similarity.ts';
import { thinOut, type Thinning } from './thinning.ts';

/**
 * Settings of MS-SSIM: those of SSIM, with `'wang'` as default, and the weight of each scale. `defaults` also says whose way
 * between scales is taken, which differs for odd sides, and for `'torchmetrics'` that channels are averaged before the
 * product and that contrast is averaged over windows that lie inside.
 */
export interface MultiscaleOptions extends Omit<SsimOptions, 'downsample'> {
  /** Exponent of each scale from fine to coarse (default Wang's five, 0.0448 0.2856 0.3001 0.2363 0.1333). */
  readonly weights?: readonly number[];
}

/** Wang, Simoncelli and Bovik 2003, section 3.2. */
export const msSsimWeights: readonly number[] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/** What libraries do differently at each scale. */
interface Convention {
  readonly halving: Thinning;
  /** The product is taken of means over channels, not per channel; and contrast is never taken from the border. */
  readonly joint: boolean;
}

const conventions: Readonly<Record<SsimDefaults, Convention>> = {
  wang: { halving: 'symmetric', joint: false },
  'scikit-image': { halving: 'symmetric', joint: false },
  torchmetrics: { halving: 'cut', joint: true },
  piq: { halving: 'replicate', joint: false },
  'pytorch-msssim': { halving: 'zeros', joint: false },
};

/** Options as numbers: what the float64 and the tensor version both compute with. */
export interface MultiscaleSetting extends Convention {
  readonly ssim: SsimSetting;
  /** Of contrast, which may leave out a border that luminance has. */
  readonly contrast: SsimSetting;
  readonly weights: readonly number[];
}

/**
 * Multi-scale structural similarity (Wang et al. 2003, equation 7) in float64: contrast and structure at every scale,
 * luminance at the coarsest, 2 x 2 means between scales, negative terms as 0, product per channel, then the mean over
 * channels. This is TensorFlow's `ssim_multiscale`, and piq's and pytorch-msssim's function where all sides divide evenly;
 * `defaults` gives theirs for other sizes, and torchmetrics'.
 *
 * @throws MetricError as `structuralSimilarity`
 */
export function multiscaleStructuralSimilarity(a: Image, b: Image, options: MultiscaleOptions): number {
  const setting = resolveMultiscale(options);
  const { ssim, contrast, weights, halving, joint } = setting;
  checkPair(a, b);
  checkRange({ a, b }, options);
  checkScales(a, setting);
  const others = planesOf(b, ssim.color);
  let pairs = planesOf(a, ssim.color).map((plane, channel) => [plane, others[channel]!] as const);
  let products: number[] = (joint ? [0] : pairs).map(() => 1);
  for (const [scale, weight] of weights.entries()) {
    const coarsest = scale === weights.length - 1;
    const terms = pairs.map(([x, y]) => {
      const found = similarity(x, y, ssim);
      return coarsest ? meanOfMap(found.map, ssim) : meanOfMap(found.contrast, contrast);
    });
    const factors = joint ? [mean(terms)] : terms;
    products = products.map((product, i) => product * Math.max(factors[i]!, 0) ** weight);
    if (!coarsest) pairs = pairs.map(([x, y]) => [thinOut(x, 2, halving), thinOut(y, 2, halving)]);
  }
  return mean(products);
}

/** Options to numbers, for the float64 and the tensor version. */
export function resolveMultiscale(options: MultiscaleOptions): MultiscaleSetting {
  const { weights = msSsimWeights, defaults = 'wang', ...rest } = options ?? {};
  if (weights.length === 0 || !weights.every((weight) => weight >= 0 && Number.isFinite(weight))) {
    refuse({ argument: 'weights', value: weights, allowed: 'a list of numbers of 0 or more, one per scale' });
  }
  const ssim = resolveSsim({ ...rest, defaults });
  const convention = conventions[defaults];
  return { ...convention, ssim, contrast: convention.joint ? { ...ssim, border: 'crop' } : ssim, weights };
}

/** Refuses pictures whose coarsest scale is smaller than the window. */
export function checkScales(
  size: { width: number; height: number },
  { ssim: { rows, columns }, weights: { length: scales }, halving }: MultiscaleSetting,
): void {
  const shrink = 2 ** (scales - 1);
  const cut = halving === 'cut';
  const coarsest = (side: number) => (cut ? Math.floor(side / shrink) : Math.ceil(side / shrink));
  if (coarsest(size.height) >= rows.length && coarsest(size.width) >= columns.length) return;
  const [width, height] = [columns, rows].map(({ length }) => (cut ? length * shrink : (length - 1) * shrink + 1));
  throw new MetricError(
    'METRIC_TOO_SMALL',
    `The pictures are ${size.width} x ${size.height}, but ${scales} scales with a window of ${columns.length} x ${rows.length} ` +
      `need at least ${width} x ${height}; give fewer \`weights\` or a smaller window.`,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
