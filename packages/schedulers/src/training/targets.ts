import { arithmeticOf } from '../arithmetic/choose.ts';
import { refuse } from '../errors.ts';
import type { PredictionType } from '../prediction.ts';
import type { Sample, Timestep } from '../sample.ts';

/** What a scheduler has that noises training data. */
export interface ForwardProcess {
  readonly config: Readonly<Record<string, unknown>>;
  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A;
  getVelocity<A extends Sample>(original: A, noise: A, timesteps: Timestep): A;
}

/** A noised batch, and what the model should return on it: ε, x0 or v, as the scheduler's `predictionType` says. */
export function trainingPair<A extends Sample>(
  scheduler: ForwardProcess,
  original: A,
  noise: A,
  timesteps: Timestep,
): { noisy: A; target: A } {
  const type = scheduler.config['prediction_type'] as PredictionType;
  const noisy = scheduler.addNoise(original, noise, timesteps);
  const ops = arithmeticOf(original);
  switch (type) {
    case 'epsilon':
      return { noisy, target: ops.combine([1, noise]) };
    case 'sample':
      return { noisy, target: ops.combine([1, original]) };
    case 'v_prediction':
      return { noisy, target: scheduler.getVelocity(original, noise, timesteps) };
    case 'flow_prediction':
      return refuse({ argument: 'predictionType', value: type, allowed: 'epsilon, sample or v_prediction' });
  }
}
