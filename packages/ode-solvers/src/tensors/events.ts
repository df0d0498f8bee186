import * as tf from '@tensorflow/tfjs-core';
import {
  isTaping,
  isTensor,
  jvp,
  stopGradient,
  tidy,
  treeLeaves,
  treeLike,
  withFreshTape,
  type TensorTree,
} from '@missing-u/autodiff';
import { invalidArgument } from '@missing-u/errors';
import type { Order } from '../core/drive.ts';
import type { Row } from '../core/outputs.ts';
import { OdeError } from '../errors.ts';
import type { OdeEvent } from './options.ts';
import type { Leaves } from './space.ts';

/** A zero of an event function. */
export interface FoundEvent<Y> {
  /** Which of the events. */
  index: number;
  t: number;
  /** The time as a scalar, with its gradient. */
  time: tf.Scalar;
  /** The state there, with its gradient, that of the time included. */
  y: Y;
}

/**
 * The events among the rows. By the implicit function theorem the time of g(t, y(t)) = 0 moves by -∂g / (dg/dt) when g moves
 * by ∂g at a fixed time, and the state by f times that.
 */
export function differentiableEvents<Y extends TensorTree>(
  order: Order<Leaves>,
  rows: readonly Row<Leaves>[],
  events: readonly OdeEvent<Y>[],
  like: Y,
): FoundEvent<Y>[] {
  return rows.flatMap(({ t, y, event: index }) => {
    if (index === undefined) return [];
    const { fn } = events[index]!;
    const g = (at: number, state: Leaves) => asScalar(fn(at, treeLike(like, state)));
    return [
      tidy(() => {
        if (!isTaping())
          return {
            index,
            t,
            time: tf.scalar(t),
            y: treeLike(
              like,
              y.map((leaf) => tf.clone(leaf)),
            ),
          };
        const { slopes, rate } = withFreshTape(() => tidy(() => rateOf(order, g, t, y)));
        const value = g(t, y);
        const shift = tf.div(tf.sub(stopGradient(value), value), rate);
        const moved = y.map((leaf, i) => tf.add(leaf, tf.mul(slopes[i]!, shift)));
        return { index, t, time: tf.add<tf.Scalar>(shift, t), y: treeLike(like, moved) };
      }),
    ];
  });
}

/** Frees what {@link differentiableEvents} made. */
export function disposeEvents<Y extends TensorTree>(events: readonly FoundEvent<Y>[]): void {
  for (const { time, y } of events) tf.dispose([time, ...treeLeaves(y)]);
}

/** f and dg/dt = ∂g/∂t + ∂g/∂y · f; the first by a central difference, as time is a number. */
function rateOf(order: Order<Leaves>, g: (t: number, y: Leaves) => tf.Tensor, t: number, y: Leaves) {
  const slopes = order.system.f(t, y);
  const delta = 1e-3 * (1 + Math.abs(t));
  const explicit = tf.div(tf.sub(g(t + delta, y), g(t - delta, y)), 2 * delta);
  const along = jvp((...leaves: tf.Tensor[]) => g(t, leaves), y as tf.Tensor[], slopes as tf.Tensor[]);
  return { slopes, rate: tf.add(explicit, along) };
}

/** What an event function gave, refused where it is more than one number. */
export function eventValue(value: tf.Tensor | number, index: number): tf.Tensor | number {
  if (typeof value === 'number' || (isTensor(value) && value.size === 1)) return value;
  const message = invalidArgument({ argument: `events[${index}].fn(t, y)`, value, allowed: 'a number or a scalar' });
  throw new OdeError('ODE_EVENT', message);
}

function asScalar(value: tf.Tensor | number): tf.Tensor {
  return typeof value === 'number' ? tf.scalar(value) : tf.reshape(value, []);
}
