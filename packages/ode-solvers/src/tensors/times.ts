import * as tf from '@tensorflow/tfjs-core';
import { isTaping, recordOperation, tidy, withFreshTape } from '@missing-u/autodiff';
import { invalidArgument } from '@missing-u/errors';
import type { Order } from '../core/drive.ts';
import type { Row } from '../core/outputs.ts';
import { OdeError } from '../errors.ts';
import type { Leaves } from './space.ts';

/** Times of a solve: numbers, or a 1-D tensor where they need a gradient. */
export type Times = ArrayLike<number> | tf.Tensor;

/** The times in a tensor. */
export function numbersOf(ts: tf.Tensor): ArrayLike<number> {
  if (ts.isDisposed) throw new OdeError('ODE_DISPOSED', `\`ts\` is a disposed tensor of shape [${ts.shape}].`);
  if (ts.rank === 1) return ts.dataSync();
  throw new OdeError('ODE_TIMES', invalidArgument({ argument: 'ts', value: ts, allowed: 'of one dimension' }));
}

/**
 * y0 with the gradient of the initial time: moving t0 by dt is moving y0 by -f(t0, y0) dt. First derivatives only, as times
 * are numbers to f; exact for the exact solution, and so to the tolerance for a computed one.
 */
export function movableStart(order: Order<Leaves>, ts: tf.Tensor): Leaves {
  return shifted(order, order.t0, order.y0, ts, 0, -1);
}

/**
 * Gives the rows the gradient of their times, by y' = f(t, y); rows that belong to no time of `ts` stay as they are, as do those of
 * events, whose time has a gradient of its own.
 */
export function movableEnd(order: Order<Leaves>, ts: tf.Tensor, rows: Row<Leaves>[]): void {
  for (const row of rows) {
    const index = order.ts.indexOf(row.t);
    if (index === -1 || row.event !== undefined || (row === rows[0] && index === 0)) continue;
    row.y = shifted(order, row.t, row.y, ts, index, 1);
  }
}

function shifted({ system }: Order<Leaves>, t: number, y: Leaves, ts: tf.Tensor, index: number, sign: number): Leaves {
  const slopes = withFreshTape(() => tidy(() => system.f(t, y)));
  const moved = withFreshTape(() => y.map((leaf) => tf.clone(leaf)));
  recordOperation({
    name: 'Time',
    inputs: [ts, ...y],
    outputs: moved,
    saved: slopes.map((slope) => tf.keep(slope)),
    vjp: (dys, needed) => [
      needed[0] === true ? timeGradient(slopes, dys, ts, index, sign) : undefined,
      ...dys.map((dy) => tf.clone(dy)),
    ],
  });
  return moved;
}

/** Σ dy · f at its place among the times. */
function timeGradient(slopes: Leaves, dys: tf.Tensor[], ts: tf.Tensor, index: number, sign: number): tf.Tensor {
  if (isTaping()) {
    const message = 'Times have no second derivatives, as they are numbers to f; give `ts` as numbers.';
    throw new OdeError('ODE_SECOND_DERIVATIVE', message);
  }
  return tidy(() => {
    const products = dys.map((dy, i) => tf.sum(tf.mul(dy, slopes[i]!)));
    const slope = tf.reshape(tf.mul(tf.addN(products), sign), [1]);
    return tf.pad(slope, [[index, ts.size - 1 - index]]);
  });
}
