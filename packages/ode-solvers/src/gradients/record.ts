import * as tf from '@tensorflow/tfjs-core';
import { isTaping, keepAlive, linearise, pullBack, recordOperation } from '@missing-u/autodiff';
import type { Delivery } from '../core/drive.ts';
import type { BackwardStats, SolverStats } from '../core/result.ts';
import type { System } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import type { Leaves } from '../tensors/space.ts';
import type { Plan } from './gradient.ts';
import { replay } from './replay.ts';

/** What a backward pass is given. */
export interface BackwardPass {
  /** y0, alive. */
  y0: Leaves;
  /** Those captured tensors whose gradient is wanted. */
  parameters: tf.Tensor[];
  /** Cotangents of the rows. */
  dys: Leaves[];
  stats: BackwardStats;
  /** Counting into `stats`. */
  system: System<Leaves>;
}

/** A backward pass's way: gradients of y0 and of the parameters. */
export type Backward = (pass: BackwardPass) => { y0: tf.Tensor[]; parameters: tf.Tensor[] };

/**
 * Puts a solve that was made off the tape on it as one operation, from y0 and the captured tensors to the rows.
 *
 * A second derivative goes through a replay of all steps on the tape, whichever way the first one went.
 */
export function recordSolve(
  { order, systemWith }: Plan,
  { rows, trace }: Delivery<Leaves>,
  captured: tf.Tensor[],
  saved: readonly { dispose(): void }[],
  backward: Backward,
): void {
  const { method, stats: forward, y0 } = order;
  const width = y0.length;
  const start = y0.map((leaf) => tf.keep(tf.clone(leaf)));
  recordOperation({
    name: 'Odeint',
    inputs: [...y0, ...captured],
    outputs: rows.flatMap(({ y }) => y),
    saved: [...start, ...saved, keepAlive(captured)],
    vjp: (flat, needed) => {
      if (captured.some((tensor) => tensor.isDisposed)) {
        const message =
          'A tensor that f closes over was disposed before the gradient was taken; dispose it afterwards, or leave it to `tf.tidy`.';
        throw new OdeError('ODE_DISPOSED', message);
      }
      const dys = rows.map((_, row) => flat.slice(row * width, (row + 1) * width));
      const stats: SolverStats = { nfe: 0, steps: 0, accepted: 0, rejected: 0 };
      const system = systemWith(stats);
      if (isTaping()) {
        const { outputs, tape } = linearise(() => replay(system, method, trace, { y: start, carry: [] }).rows.flat());
        return pullBack(tape, [...start, ...captured], outputs, flat);
      }
      forward.backward = stats;
      const wanted = captured.flatMap((_, i) => (needed[width + i] === true ? [i] : []));
      const parameters = wanted.map((i) => captured[i]!);
      const grads = backward({ y0: start, parameters, dys, stats, system });
      const all: (tf.Tensor | undefined)[] = [...grads.y0, ...captured.map(() => undefined)];
      wanted.forEach((i, j) => (all[width + i] = grads.parameters[j]));
      return all;
    },
  });
}
