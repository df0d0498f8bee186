import * as tf from '@tensorflow/tfjs-core';
import {
  isTaping,
  jvp,
  recordOperation,
  tidy,
  treeLike,
  valueAndVjp,
  withCaptures,
  withFreshTape,
  keepAlive,
  type TensorTree,
} from '@missing-u/autodiff';
import { gmres } from '../core/gmres.ts';
import type { SolverStats } from '../core/result.ts';
import type { Space, System } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import { secondOrderParts, type SecondOrderField } from './second-order.ts';
import { checkedSlopes } from './slopes.ts';
import type { Leaves } from './space.ts';

/** dy/dt at time t, in the structure, shapes and dtype of y. */
export type Field<Y extends TensorTree> = (t: number, y: Y) => Y;

/** The user's f on lists of leaves, checked at every evaluation. */
export type LeavesField = (t: number, y: Leaves) => Leaves;

/** f of the user's tree as a function of its leaves. */
export function leavesField<Y extends TensorTree>(f: Field<Y>, like: Y): LeavesField {
  const call = { name: 'f(t, y)', argument: 'y' };
  return (t, y) => checkedSlopes(call, () => f(t, treeLike(like, y)), like, y);
}

/** The system of a field, counting its evaluations. */
export function tensorSystem<Y extends TensorTree>(
  f: Field<Y>,
  like: Y,
  space: Space<Leaves>,
  stats: SolverStats,
): System<Leaves> {
  const evaluate = leavesField(f, like);
  const counted: LeavesField = (t, y) => {
    stats.nfe++;
    return evaluate(t, y);
  };
  return {
    space,
    f: counted,
    linearise: (t, y) => (v) => {
      stats.njev = (stats.njev ?? 0) + 1;
      return jvp((...leaves: tf.Tensor[]) => evaluate(t, leaves) as tf.Tensor[], y as tf.Tensor[], v as tf.Tensor[]);
    },
    implicitStage: (t, base, gamma, solve) => implicitStage(evaluate, space, t, base, gamma, solve),
    ...('acceleration' in f && { secondOrder: secondOrderParts(f as unknown as SecondOrderField, like, stats) }),
  };
}

/**
 * The solution of y = base + γ f(t, y) with the gradient of the implicit function theorem: with w = (1 - γ J)⁻ᵀ dy, the
 * cotangent of base is w and that of what f closes over γ (∂f/∂·)ᵀ w. So the iterations are not recorded.
 */
function implicitStage(
  f: LeavesField,
  space: Space<Leaves>,
  t: number,
  base: Leaves,
  gamma: number,
  solve: () => Leaves | undefined,
): Leaves | undefined {
  const y = withFreshTape(() => tidy(solve));
  if (y === undefined || !isTaping()) return y;
  const { value, captured } = withCaptures(() => f(t, y) as tf.Tensor[], y);
  tf.dispose(value);
  const saved = y.map((leaf) => tf.keep(tf.clone(leaf)));
  recordOperation({
    name: 'ImplicitStage',
    inputs: [...base, ...captured],
    outputs: y,
    saved: [...saved, keepAlive(captured)],
    vjp: (dys) => {
      if (isTaping())
        throw new OdeError(
          'ODE_SECOND_DERIVATIVE',
          'Implicit methods have no second derivatives; use an explicit method.',
        );
      const run = (...leaves: tf.Tensor[]) => f(t, leaves.slice(0, y.length)) as tf.Tensor[];
      const transposed = (v: Leaves): Leaves => {
        const { grads } = valueAndVjp(run, saved, v as tf.Tensor[]);
        return space.combine(v, -gamma, [1], [grads]);
      };
      const w = gmres(space, transposed, dys);
      const { grads } = valueAndVjp(() => f(t, saved) as tf.Tensor[], captured, w as tf.Tensor[]);
      return [...w, ...grads.map((grad) => tf.mul(grad, gamma))];
    },
  });
  return y;
}
