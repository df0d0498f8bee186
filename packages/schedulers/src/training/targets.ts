import { arithmeticOf } from '../arithmetic/choose.ts';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { refuse } from '../errors.ts';
import type { PredictionType } from '../prediction.ts';
import type { Sample, Timestep } from '../sample.ts';

/** What a scheduler has that noises training data. */
export interface ForwardProcess {
  readonly config: Readonly<Record<string, unknown>>;
  /** What its models return, where the config does not choose. */
  readonly predictionType?: PredictionType;
  addNoise<A extends Sample>(original: A, noise: A, timesteps: Timestep): A;
  /** Of schedulers whose `predictionType` can be v. */
  getVelocity?<A extends Sample>(original: A, noise: A, timesteps: Timestep): A;
}

/**
 * A noised batch, and what the model should return on it: ε, x0, v, or on a straight flow ε - x0, as the scheduler's
 * `predictionType` says.
 *
 * @throws SchedulerError `SCHEDULER_INVALID_ARGUMENT` for a scheduler that names none of these, or that does not noise so
 */
export function trainingPair<A extends Sample>(
  scheduler: ForwardProcess,
  original: A,
  noise: A,
  timesteps: Timestep,
): { noisy: A; target: A } {
  const ops = arithmeticOf(original);
  return ops.scope(() => ({
    noisy: scheduler.addNoise(original, noise, timesteps),
    target: targetOf(ops, scheduler, original, noise, timesteps),
  }));
}

function targetOf<A extends Sample>(
  ops: Arithmetic<A>,
  scheduler: ForwardProcess,
  original: A,
  noise: A,
  timesteps: Timestep,
): A {
  const type = scheduler.predictionType ?? scheduler.config['prediction_type'];
  const isFlow = scheduler.predictionType === 'flow_prediction' || scheduler.config['use_flow_sigmas'] === true;
  if (type === 'epsilon') return ops.combine([1, noise]);
  if (type === 'sample') return ops.combine([1, original]);
  if (type === 'v_prediction' && scheduler.getVelocity) return scheduler.getVelocity(original, noise, timesteps);
  if (type === 'flow_prediction' && isFlow) return ops.combine([1, noise], [-1, original]);
  const allowed = 'epsilon, sample or v_prediction, or flow_prediction where the noise levels are those of flows';
  const remedy = `train ${String(scheduler.config['_class_name'])} by its own objective`;
  return refuse({ argument: 'predictionType', value: type, allowed, remedy });
}
