import * as tf from '@tensorflow/tfjs-core';
import { tidy, withFreshTape } from '@missing-u/autodiff';
import type { Order } from '../core/drive.ts';
import type { Row } from '../core/outputs.ts';
import type { Leaves } from './space.ts';

/** Times of a solve: numbers, or a 1-D tensor where they need a gradient. */
export type Times = ArrayLike<number> | tf.Tensor;

/**
 * y0 with the gradient of the initial time: moving t0 by dt is moving y0 by -f(t0, y0) dt. First derivatives only, as times
 * are numbers to f; exact for the exact solution, and so to the tolerance for a computed one.
 */
export function movableStart(order: Order<Leaves>, ts: tf.Tensor): Leaves {
  return shifted(order, order.t0, order.y0, ts, 0, -1);
}

/** Gives the rows the gradient of their times, by y' = f(t, y); rows that belong to no time of `ts` stay as they are. */
export function movableEnd(order: Order<Leaves>, ts: tf.Tensor, rows: Row<Leaves>[]): void {
  for (const row of rows) {
    const index = order.ts.indexOf(row.t);
    if (index === -1 || (row === rows[0] && index === 0)) continue;
    row.y = shifted(order, row.t, row.y, ts, index, 1);
  }
}

function shifted({ system }: Order<Leaves>, t: number, y: Leaves, ts: tf.Tensor, index: number, sign: number): Leaves {
  const slopes = withFreshTape(() => tidy(() => system.f(t, y)));
  return tidy(() => {
    const time = tf.reshape(tf.slice(ts, [index], [1]), []);
    const shift = tf.mul(
      tf.sub(
        time,
        withFreshTape(() => tf.clone(time)),
      ),
      sign,
    );
    return y.map((leaf, i) => tf.add(leaf, tf.mul(slopes[i]!, shift)));
  });
}
