import type * as tf from '@tensorflow/tfjs-core';
import { treeLeaves, treeLike, type TensorTree } from '@missing-u/autodiff';
import { checkField } from '../control/arguments.ts';
import type { Method } from '../core/method.ts';
import type { SolverStats } from '../core/result.ts';
import { standAt, stepFrom, type StepTaken } from '../core/stepper.ts';
import { methodOf, type MethodName } from '../methods/index.ts';
import { tensorSystem, type Field } from './field.ts';
import { normOf, stateLeaves, tolerances, type OdeOptions } from './options.ts';
import { tensorSpace } from './space.ts';

/** Where a loop of one's own stands; `tf.dispose(state)` frees it. */
// An alias, not an interface: only those are containers to TensorFlow.js.
export type StepState<Y extends TensorTree> = { t: number; y: Y; carry: tf.Tensor[][] };

/** A method to be stepped by hand. */
export interface Stepper<Y extends TensorTree> {
  method: Method;
  stats: SolverStats;
  init(t0: number, y0: Y): StepState<Y>;
  /** One step of length h, negative backwards. */
  step(state: StepState<Y>, h: number): StepTaken<StepState<Y>>;
}

/**
 * A method without the loop around it, for loops of one's own: `odeint` is this with step control and output. Can be
 * recorded on a tape, as gradients go through it directly.
 *
 * @param f as for `odeint`.
 */
export function stepper<Y extends TensorTree>(
  f: Field<Y>,
  options: Pick<OdeOptions<Y>, 'rtol' | 'atol' | 'norm'> & { method?: MethodName | Method } = {},
): Stepper<Y> {
  const { rtol = 1e-7, atol = 1e-9 } = options;
  checkField(f);
  const method = methodOf(options.method ?? 'dopri5');
  const stats: SolverStats = { nfe: 0, steps: 0, accepted: 0, rejected: 0 };
  const systemFor = (like: Y) => {
    const space = tensorSpace(
      tolerances('rtol', rtol, like),
      tolerances('atol', atol, like),
      normOf(options.norm, like),
    );
    return tensorSystem(f, like, space, stats);
  };
  return {
    method,
    stats,
    init(t0, y0) {
      const { t, y, carry } = standAt(systemFor(y0), method, t0, stateLeaves(y0));
      return { t, y: treeLike(y0, y), carry: carry.map((leaves) => [...leaves]) };
    },
    step(state, h) {
      const from = { t: state.t, y: treeLeaves(state.y), carry: state.carry };
      const { state: next, errorRatio } = stepFrom(systemFor(state.y), method, from, h);
      stats.steps++;
      return {
        state: { t: next.t, y: treeLike(state.y, next.y), carry: next.carry.map((leaves) => [...leaves]) },
        errorRatio,
      };
    },
  };
}
