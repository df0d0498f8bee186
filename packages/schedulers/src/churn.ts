import type { Arithmetic, Coefficient } from './arithmetic/arithmetic.ts';
import { stepNoise } from './noise.ts';
import type { Round } from './precision.ts';
import type { Sample } from './sample.ts';
import type { StepOptions } from './scheduler.ts';

export interface ChurnOptions<A extends Sample = Sample> extends StepOptions<A> {
  /** Noise added per step, S_churn in the paper; 0 (the default) adds none. */
  sChurn?: number;
  /** Noise is added at levels from sTmin to sTmax only. */
  sTmin?: number;
  sTmax?: number;
  /** Inflation of the added noise, S_noise. */
  sNoise?: number;
}

/** The level σ̂ that a step of `steps` is raised to, and the deviation of the noise that does it (Karras et al. 2022, algorithm 2). */
export function churn(
  sigma: number,
  steps: number,
  { sChurn = 0, sTmin = 0, sTmax = Infinity, sNoise = 1 }: Omit<ChurnOptions, 'noise'>,
  round: Round,
): { hat: number; added: number } {
  const isChurned = sigma >= sTmin && sigma <= sTmax;
  const gamma = isChurned ? Math.min(sChurn / steps, Math.SQRT2 - 1) : 0;
  const hat = round(sigma * (gamma + 1));
  return { hat, added: sNoise * round(Math.sqrt(round(hat ** 2 - sigma ** 2))) };
}

/** The sample with that noise; the sample itself where none is added. */
export function churned<A extends Sample>(
  ops: Arithmetic<A>,
  sample: A,
  added: Coefficient,
  options: ChurnOptions<A>,
): A {
  const isNoisy = typeof added === 'number' ? added !== 0 : added.some((one) => one !== 0);
  return isNoisy ? ops.combine([1, sample], [added, stepNoise(ops, options)]) : sample;
}
