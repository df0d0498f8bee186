import { unknownName } from '@missing-u/errors';
import { minSnrWeights, p2Weights, type PredictionType } from '@missing-u/schedulers';
import type { TrainingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

export interface LossWeightOptions {
  /**
   * How much each timestep's squared error counts: `constant` (the simple loss), `snr` (the error of x0 times SNR, which is
   * `constant` for noise), `min-snr` (Hang et al. 2023) or `p2` (Choi et al. 2022); default `constant`.
   */
  lossWeighting?: LossWeighting;
  /** gamma of `min-snr` (default 5) and of `p2` (default 1). */
  lossGamma?: number;
}

type Weights = (alphasCumprod: Float64Array, predictionType: PredictionType, gamma?: number) => Float64Array;

const weightings = {
  constant: (alphasCumprod) => new Float64Array(alphasCumprod.length).fill(1),
  snr: (alphasCumprod, predictionType) => minSnrWeights(alphasCumprod, { gamma: Infinity, predictionType }),
  'min-snr': (alphasCumprod, predictionType, gamma = 5) => minSnrWeights(alphasCumprod, { gamma, predictionType }),
  p2: (alphasCumprod, predictionType, gamma = 1) => p2Weights(alphasCumprod, { gamma, predictionType }),
} satisfies Record<string, Weights>;

export type LossWeighting = keyof typeof weightings;

export const lossWeightings = Object.keys(weightings) as LossWeighting[];

/**
 * The weight of each timestep's squared error.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_LOSS_WEIGHTING`; SchedulerError for a `lossGamma` of 0 or less
 */
export function lossWeights(
  { alphasCumprod, config }: TrainingScheduler,
  { lossWeighting = 'constant', lossGamma }: LossWeightOptions = {},
): Float64Array {
  if (!Object.hasOwn(weightings, lossWeighting)) {
    const message = unknownName('lossWeighting', lossWeighting, lossWeightings);
    throw new DiffusionError('DIFFUSION_UNKNOWN_LOSS_WEIGHTING', message);
  }
  const { prediction_type: predictionType = 'epsilon' } = config;
  return weightings[lossWeighting](alphasCumprod, predictionType as PredictionType, lossGamma);
}
