import { refuse } from '../errors.ts';
import type { PredictionType } from '../prediction.ts';

/** Signal-to-noise ratio ᾱ/(1-ᾱ) of each timestep. */
export function signalToNoise(alphasCumprod: Float64Array): Float64Array {
  return alphasCumprod.map((product) => product / (1 - product));
}

export interface SnrWeightOptions {
  /** What the model predicts, so that the loss on it is weighted rightly; `epsilon` by default. */
  predictionType?: PredictionType;
}

/**
 * Min-SNR-γ (Hang et al., "Efficient Diffusion Training via Min-SNR Weighting Strategy", 2023, equation 8): min(SNR, γ) on the
 * loss of x0, which is that over SNR for ε, and over SNR + 1 for v. At zero SNR the weight of ε is 1, its limit, so that
 * zero-terminal-SNR schedules stay finite.
 */
export function minSnrWeights(
  alphasCumprod: Float64Array,
  { gamma = 5, predictionType = 'epsilon' }: SnrWeightOptions & { gamma?: number } = {},
): Float64Array {
  if (!(gamma > 0)) refuse({ argument: 'gamma', value: gamma, allowed: 'a number above 0' });
  return signalToNoise(alphasCumprod).map((snr) => {
    const weight = Math.min(snr, gamma);
    return predictionType === 'epsilon' && snr === 0 ? 1 : scaled(weight, snr, predictionType);
  });
}

/**
 * P2 (Choi et al., "Perception Prioritized Training of Diffusion Models", 2022, equation 8): 1 / (k + SNR)^γ on the loss
 * of ε; for x0 times SNR, for v times SNR / (SNR + 1).
 */
export function p2Weights(
  alphasCumprod: Float64Array,
  { gamma = 1, k = 1, predictionType = 'epsilon' }: SnrWeightOptions & { gamma?: number; k?: number } = {},
): Float64Array {
  if (!(k > 0)) refuse({ argument: 'k', value: k, allowed: 'a number above 0' });
  return signalToNoise(alphasCumprod).map((snr) => {
    const weight = (k + snr) ** -gamma;
    return predictionType === 'epsilon' ? weight : scaled(weight * snr, snr, predictionType);
  });
}

/** A weight of the loss on x0 as one of the loss on what is predicted. */
function scaled(weight: number, snr: number, type: PredictionType): number {
  switch (type) {
    case 'epsilon':
      return weight / snr;
    case 'sample':
      return weight;
    case 'v_prediction':
      return weight / (snr + 1);
    case 'flow_prediction':
      return refuse({ argument: 'predictionType', value: type, allowed: 'epsilon, sample or v_prediction' });
  }
}
