import type { Arithmetic, Coefficient, StepRule, Term } from './arithmetic/arithmetic.ts';
import type { Sample } from './sample.ts';
import type { StepResult } from './scheduler.ts';

export const PREDICTION_TYPES = ['epsilon', 'sample', 'v_prediction'] as const;
/**
 * What the model was trained to return: the noise ε, the clean sample x0, the velocity v = √ᾱ ε - √(1-ᾱ) x0, or
 * (for samples α x0 + σ ε with α = 1 - σ) the flow ε - x0.
 */
export type PredictionType = (typeof PREDICTION_TYPES)[number] | 'flow_prediction';

/** A quantity as a linear combination of the noisy sample and the model's output. */
export interface Mix<C = number> {
  readonly sample: C;
  readonly output: C;
}

/** x0 from the sample x = α x0 + σ ε and the model's output. */
export function originalMix(type: PredictionType, alpha: number, sigma: number): Mix {
  switch (type) {
    case 'epsilon':
      return { sample: 1 / alpha, output: -sigma / alpha };
    case 'sample':
      return { sample: 0, output: 1 };
    case 'v_prediction':
      return { sample: alpha, output: -sigma };
    case 'flow_prediction':
      return { sample: 1, output: -sigma };
  }
}

/** ε from the sample x = α x0 + σ ε and the model's output; for v, α² + σ² = 1. */
export function epsilonMix(type: PredictionType, alpha: number, sigma: number): Mix {
  switch (type) {
    case 'epsilon':
      return { sample: 0, output: 1 };
    case 'sample':
      return { sample: 1 / sigma, output: -alpha / sigma };
    case 'v_prediction':
      return { sample: sigma, output: alpha };
    case 'flow_prediction':
      return { sample: 1, output: alpha };
  }
}

/** Evaluates a mix, leaving out what does not count: a coefficient of 0 must not spread a NaN or cost a pass. */
export function mixed<A extends Sample>(ops: Arithmetic<A>, mix: Mix<Coefficient>, sample: A, output: A): A {
  if (mix.sample === 0) return ops.combine([mix.output, output]);
  return ops.combine([mix.sample, sample], [mix.output, output]);
}

/** How an estimate of x0 is kept in range. */
export interface ClipOptions {
  clipSample: boolean;
  clipSampleRange: number;
  /** Dynamic thresholding (Saharia et al., "Photorealistic Text-to-Image Diffusion Models", 2022, section 2.3); replaces clipping. */
  thresholding: boolean;
  dynamicThresholdingRatio: number;
  sampleMaxValue: number;
}

export const CLIP_DEFAULTS: ClipOptions = {
  clipSample: true,
  clipSampleRange: 1,
  thresholding: false,
  dynamicThresholdingRatio: 0.995,
  sampleMaxValue: 1,
};

/** Of schedulers that leave x0 as it is. */
export const UNCLIPPED: ClipOptions = { ...CLIP_DEFAULTS, clipSample: false };

/** Clips or thresholds an estimate of x0, as the options say. */
export function clipOriginal<A extends Sample>(ops: Arithmetic<A>, original: A, options: ClipOptions): A {
  if (options.thresholding) return thresholdOriginal(ops, original, options);
  if (options.clipSample) return ops.clip(original, -options.clipSampleRange, options.clipSampleRange);
  return original;
}

/** Steps by a rule, with x0 kept in range as the options say; `added` is noise. */
export function stepByRule<A extends Sample>(
  ops: Arithmetic<A>,
  rule: StepRule,
  sample: A,
  output: A,
  options: ClipOptions,
  added: readonly Term<A>[],
): StepResult<A> {
  if (options.thresholding) {
    const mix = { sample: rule.originalSample, output: rule.originalOutput };
    const original = thresholdOriginal(ops, mixed(ops, mix, sample, output), options);
    const terms = [[rule.original, original], [rule.sample, sample], [rule.output, output], ...added] as const;
    return { prevSample: ops.combine(...terms), predOriginalSample: original };
  }
  const limit = options.clipSample ? options.clipSampleRange : Infinity;
  const { original, next } = ops.follow(rule, sample, output, limit, added);
  return { prevSample: next, predOriginalSample: original };
}

/** Per item: s = the given quantile of |x0|, held in [1, sampleMaxValue]; then x0 is clipped to [-s, s] and divided by s. */
export function thresholdOriginal<A extends Sample>(
  ops: Arithmetic<A>,
  original: A,
  { dynamicThresholdingRatio, sampleMaxValue }: Pick<ClipOptions, 'dynamicThresholdingRatio' | 'sampleMaxValue'>,
): A {
  const values = ops.values(original);
  const items = ops.shape[0]!;
  const stride = values.length / items;
  const scales = Float64Array.from({ length: items }, (_, item) => {
    const magnitudes = Float64Array.from({ length: stride }, (_, i) => Math.abs(values[item * stride + i]!)).sort();
    // As torch.clamp(min=1, max=sampleMaxValue): where the two bounds cross, the upper one wins.
    return 1 / Math.min(Math.max(quantile(magnitudes, dynamicThresholdingRatio), 1), sampleMaxValue);
  });
  return ops.clip(ops.combine([scales, original]), -1, 1);
}

/** Linear interpolation between the order statistics of a sorted array. */
function quantile(sorted: Float64Array, ratio: number): number {
  const position = ratio * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  return low + (position - below) * ((sorted[below + 1] ?? low) - low);
}
