import * as tf from '@tensorflow/tfjs-core';
import { treeDifference, treeLeaves, treeLeavesLike, treeLike, type TensorTree } from '@missing-u/autodiff';
import { invalidArgument } from '@missing-u/errors';
import type { SolverStats } from '../core/result.ts';
import type { SecondOrderParts } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import { linearCombination } from './linear-combination.ts';
import { checkedSlopes } from './slopes.ts';
import type { Leaves } from './space.ts';

/** Position and velocity, of one structure. */
// An alias, not an interface: only those count as trees.
export type Motion<X extends TensorTree = tf.Tensor> = { x: X; v: X };

/** x'' at time t. */
export type Acceleration<X extends TensorTree = tf.Tensor> = (t: number, x: X, v: X) => X;

/** The field of a second-order system, (t, {x, v}) ↦ {x: v, v: a}; what {@link secondOrder} makes. */
export interface SecondOrderField<X extends TensorTree = tf.Tensor> {
  (t: number, state: Motion<X>): Motion<X>;
  readonly acceleration: Acceleration<X>;
}

/**
 * x'' = a(t, x, v) as a first-order system with the state {x, v}, for every solver and gradient, and for `leapfrog`, which
 * needs the parts. One vector-Jacobian product of this system gives the adjoint of both halves (r_x' = -aₓᵀ r_v,
 * r_v' = -r_x - a_vᵀ r_v); no second derivatives are needed.
 *
 * @param acceleration a(t, x, v), in structure and shapes of x.
 */
export function secondOrder<X extends TensorTree = tf.Tensor>(acceleration: Acceleration<X>): SecondOrderField<X> {
  const field = (t: number, { x, v }: Motion<X>): Motion<X> => ({ x: v, v: acceleration(t, x, v) });
  return Object.assign(field, { acceleration });
}

/**
 * The initial state {x, v} of a second-order system.
 *
 * @param x initial position.
 * @param velocity initial velocity: a tree like x, or a function of x such as a small network, or left out for rest.
 */
export function initialMotion<X extends TensorTree>(x: X, velocity?: X | ((x: X) => X)): Motion<X> {
  const v = typeof velocity === 'function' ? velocity(x) : velocity;
  const atRest = () =>
    treeLike(
      x,
      treeLeaves(x).map((leaf) => tf.zerosLike(leaf)),
    );
  return { x, v: v ?? atRest() };
}

/** A second-order state taken apart for `leapfrog`; the acceleration has its leaves in the order of those of v. */
export function secondOrderParts(
  { acceleration }: SecondOrderField,
  like: TensorTree,
  stats: SolverStats,
): SecondOrderParts<Leaves> {
  const { x: position, v: velocity } = like as Motion<TensorTree>;
  if (Object.keys(like).sort().join() !== 'v,x' || treeDifference(velocity, position) !== undefined) {
    const allowed = 'an object { x, v } of trees of the same structure';
    throw new OdeError(
      'ODE_STATE',
      invalidArgument({ argument: 'y0', value: like, allowed, remedy: 'see `initialMotion`' }),
    );
  }
  const rates = treeLeavesLike(velocity, position);
  treeLeaves(position).forEach((leaf, i) => {
    const { shape } = rates[i]!;
    if (tf.util.arraysEqual(leaf.shape, shape)) return;
    const message = `\`y0.v\` is [${shape}] where \`y0.x\` is [${leaf.shape}] in leaf ${i}, but has to have its shape.`;
    throw new OdeError('ODE_STATE', message);
  });
  const count = treeLeaves(position).length;
  const xFirst = Object.keys(like)[0] === 'x';
  const halves = (y: Leaves) => {
    const [first, second] = [y.slice(0, count), y.slice(count)];
    return xFirst ? ([first, second] as const) : ([second, first] as const);
  };
  const joined = (x: Leaves, v: Leaves): Leaves => (xFirst ? [...x, ...v] : [...v, ...x]);
  return {
    acceleration: (t, y) => {
      stats.nfe++;
      const [x, v] = halves(y);
      const run = () => (acceleration as Acceleration<TensorTree>)(t, treeLike(position, x), treeLike(velocity, v));
      return checkedSlopes({ name: 'acceleration(t, x, v)', argument: 'v' }, run, velocity, v);
    },
    drift: (y, h) => {
      const [x, v] = halves(y);
      const dx = treeLeavesLike(treeLike(velocity, v), position);
      return joined(
        x.map((leaf, i) => linearCombination(leaf, [h], [dx[i]!])),
        v,
      );
    },
    kick: (y, h, a) => {
      const [x, v] = halves(y);
      return joined(
        x,
        v.map((leaf, i) => linearCombination(leaf, [h], [a[i]!])),
      );
    },
  };
}
