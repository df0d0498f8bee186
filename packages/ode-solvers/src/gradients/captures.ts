import * as tf from '@tensorflow/tfjs-core';
import { withCaptures, withFreshTape } from '@missing-u/autodiff';
import type { Order } from '../core/drive.ts';
import type { Read } from '../core/space.ts';
import type { Leaves } from '../tensors/space.ts';
import type { Plan } from './gradient.ts';

/** An order whose f reports the tensors that it closes over, in whichever evaluation. */
export function withCaptureReport({ order, parameters }: Plan): { order: Order<Leaves>; captured: () => tf.Tensor[] } {
  const found = new Map(parameters.map((tensor) => [tensor.id, tensor]));
  // At the start f is handed clones: y0 itself is what it may close over, beside having it as its argument.
  const start = new Set(order.y0);
  const reporting = (run: (t: number, y: Leaves) => Leaves) => (t: number, y: Leaves) => {
    const given = y.some((leaf) => start.has(leaf)) ? y.map((leaf) => tf.clone(leaf)) : y;
    const { value, captured } = withCaptures(() => run(t, given), given);
    for (const tensor of captured) found.set(tensor.id, tensor);
    return value;
  };
  const { system } = order;
  const { secondOrder } = system;
  const parts = secondOrder && { ...secondOrder, acceleration: reporting(secondOrder.acceleration) };
  return {
    order: { ...order, system: { ...system, f: reporting(system.f), ...(parts && { secondOrder: parts }) } },
    captured: () => [...found.values()].filter((tensor) => !tensor.isDisposed),
  };
}

/** A solve of which nothing is recorded. */
export function* offTape<R>(solve: Generator<Read, R, number>): Generator<Read, R, number> {
  let turn = withFreshTape(() => solve.next());
  while (turn.done !== true) {
    let value: number;
    try {
      value = yield turn.value;
    } catch (error) {
      turn = withFreshTape(() => solve.throw(error));
      continue;
    }
    turn = withFreshTape(() => solve.next(value));
  }
  return turn.value;
}
