import * as tf from '@tensorflow/tfjs-core';
import { again, linearise, pullBack, tidy } from '@missing-u/autodiff';
import type { Method } from '../core/method.ts';
import type { TracedStep } from '../core/outputs.ts';
import type { BackwardStats } from '../core/result.ts';
import type { System } from '../core/space.ts';
import type { Leaves } from '../tensors/space.ts';
import { replay, type Station } from './replay.ts';

/** Cotangents on the way back through the steps. */
export class Cotangents {
  /** Of state and carry where the way back has come to; undefined where nothing depends on it yet. */
  private y: tf.Tensor[] | undefined;
  private carry: tf.Tensor[] | undefined;
  private readonly sums: (tf.Tensor | undefined)[];

  constructor(
    private readonly system: System<Leaves>,
    private readonly method: Method,
    /** Tensors of f whose gradient is wanted. */
    private readonly parameters: tf.Tensor[],
    private readonly stats: BackwardStats,
  ) {
    this.sums = parameters.map(() => undefined);
  }

  /** Passes the cotangents back through steps that begin at `from`; `rows` are those of the rows put out in them. */
  through(steps: readonly TracedStep[], from: Station, rows: readonly Leaves[]): void {
    if (steps.length === 0 || (this.y === undefined && rows.length === 0)) return;
    const fresh = steps[0]!.restart !== undefined;
    const inputs = [...from.y, ...(fresh ? [] : from.carry.flat())];
    this.stats.steps += steps.length;
    this.stats.accepted += steps.length;
    const grads = tidy(() => {
      const { outputs, tape } = linearise(() => {
        const { rows: states, end } = again(() => replay(this.system, this.method, steps, from));
        const ends = this.y === undefined ? [] : [...end.y, ...(this.carry === undefined ? [] : end.carry.flat())];
        return [...states.flat(), ...ends];
      });
      return pullBack(tape, [...inputs, ...this.parameters], outputs, [
        ...rows.flat(),
        ...(this.y ?? []),
        ...(this.carry ?? []),
      ]);
    });
    this.free();
    this.y = grads.slice(0, from.y.length);
    this.carry = fresh ? undefined : grads.slice(from.y.length, inputs.length);
    grads.slice(inputs.length).forEach((grad, i) => {
      const sum = this.sums[i];
      this.sums[i] = sum === undefined ? grad : tf.add(sum, grad);
      if (sum !== undefined) tf.dispose([sum, grad]);
    });
  }

  /** Gradients of y0 and of the parameters. */
  finish(y0: Leaves): { y0: tf.Tensor[]; parameters: tf.Tensor[] } {
    return {
      y0: this.y ?? y0.map((leaf) => tf.zerosLike(leaf)),
      parameters: this.sums.map((sum, i) => sum ?? tf.zerosLike(this.parameters[i]!)),
    };
  }

  private free(): void {
    tf.dispose([...(this.y ?? []), ...(this.carry ?? [])]);
  }
}
