import type { Delivery, Order } from '../core/drive.ts';
import type { Method } from '../core/method.ts';
import type { Read, System } from '../core/space.ts';
import type { SolverStats } from '../core/result.ts';
import type { StepOptions } from '../control/options.ts';
import type { LeavesField } from '../tensors/field.ts';
import type { LeafTolerances, Leaves, LeavesNorm } from '../tensors/space.ts';
import type * as tf from '@tensorflow/tfjs-core';

/** A solve whose gradient is wanted. */
export interface Plan {
  order: Order<Leaves>;
  /** f without counts. */
  field: LeavesField;
  /** The system counting into other stats, for the way back. */
  systemWith(stats: SolverStats): System<Leaves>;
  /** The user's norm, without tolerances. */
  norm: LeavesNorm;
  /** Tolerances of the forward solve by leaf. */
  rtol: LeafTolerances;
  atol: LeafTolerances;
  /** The step options that the caller gave. */
  options: StepOptions;
  /** Tensors named by the caller, beside those that are found in f. */
  parameters: readonly tf.Tensor[];
}

/** How gradients pass through a solve: a value, made by `direct()`, `checkpointed()`, `adjoint()` or `reversible()`. */
export interface Gradient {
  readonly name: string;
  /** The method that this gradient needs instead, also where no gradient is taken, so that training and use agree. */
  adapt?(method: Method): Method;
  /** Solves within a tape, with its gradient on it. */
  solve(plan: Plan): Generator<Read, Delivery<Leaves>, number>;
}
