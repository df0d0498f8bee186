import * as tf from '@tensorflow/tfjs-core';
import type { Method } from '../core/method.ts';
import type { TracedStep } from '../core/outputs.ts';
import type { System } from '../core/space.ts';
import type { Leaves } from '../tensors/space.ts';

/** State and carry between two steps. */
export interface Station {
  y: Leaves;
  carry: readonly Leaves[];
}

/** Disposes what a station holds. */
export function freeStation({ y, carry }: Station): void {
  tf.dispose([...y, ...carry.flat()]);
}

/** Takes traced steps again: the rows put out on the way, and where they lead. */
export function replay(
  system: System<Leaves>,
  method: Method,
  steps: readonly TracedStep[],
  from: Station,
): { rows: Leaves[]; end: Station } {
  const rows: Leaves[] = [];
  let { y, carry } = from;
  for (const { span, restart, thetas } of steps) {
    if (restart !== undefined) carry = method.start(system, restart, y);
    const result = method.step(system, y, carry, span);
    const inside = thetas.some((theta) => theta !== 1);
    const interpolant = inside ? method.interpolant(system, y, result, span) : undefined;
    for (const theta of thetas) rows.push(theta === 1 ? result.y : interpolant!.evaluate(theta));
    ({ y, carry } = result);
  }
  return { rows, end: { y, carry } };
}
