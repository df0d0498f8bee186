import { invalidArgument } from '@missing-u/errors';
import { OdeError } from '../errors.ts';
import type { Interpolant } from './method.ts';
import type { AcceptedStep } from './solve.ts';
import type { Space } from './space.ts';

/** The solution at every time of the interval solved. */
export interface Dense<Y> {
  /** First and last time. */
  readonly t0: number;
  readonly t1: number;
  /** The state at t. */
  evaluate(t: number): Y;
  /** dy/dt of the interpolant at t. */
  derivative(t: number): Y;
  /** Frees the states that it holds. */
  dispose(): void;
}

/** Keeps the interpolants of a solve. */
export class DenseRecord<Y> implements Dense<Y> {
  t1: number;
  readonly retained = new Set<Y>();
  private readonly pieces: { t: number; h: number; interpolant: Interpolant<Y> }[] = [];

  constructor(
    private readonly space: Space<Y>,
    readonly t0: number,
    /** Held, so that a time may be asked for before any step was taken. */
    readonly y0: Y,
  ) {
    this.t1 = t0;
    this.retained.add(y0);
  }

  take(step: AcceptedStep<Y>, until: number): void {
    const interpolant = step.interpolant();
    for (const part of interpolant.parts) this.retained.add(part);
    this.pieces.push({ t: step.span.t, h: step.span.h, interpolant });
    this.t1 = until === 1 ? step.end : step.span.t + until * step.span.h;
  }

  evaluate(t: number): Y {
    return this.read(
      t,
      (interpolant, theta) => interpolant.evaluate(theta),
      () => this.space.combine(this.y0, 0, [], []),
    );
  }

  derivative(t: number): Y {
    return this.read(
      t,
      (interpolant, theta) => interpolant.derivative(theta),
      () => this.space.combine(undefined, 0, [1], [this.y0]),
    );
  }

  dispose(): void {
    this.space.free([...this.retained]);
    this.retained.clear();
    this.pieces.length = 0;
  }

  private read(t: number, at: (interpolant: Interpolant<Y>, theta: number) => Y, empty: () => Y): Y {
    const { t0, t1, pieces, space } = this;
    if (this.retained.size === 0)
      throw new OdeError('ODE_DISPOSED', 'The dense output was disposed before it was asked for a time.');
    if (!((t - t0) * (t - t1) <= 0)) {
      const allowed = `in the interval that was solved, [${Math.min(t0, t1)}, ${Math.max(t0, t1)}]`;
      throw new OdeError('ODE_TIMES', invalidArgument({ argument: 't', value: t, allowed }));
    }
    // The last piece that begins at or before t.
    let [low, high] = [0, pieces.length];
    const sign = Math.sign(t1 - t0);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (sign * (t - pieces[middle]!.t) >= 0) low = middle;
      else high = middle;
    }
    const piece = pieces[low];
    return space.scope(() => [piece === undefined ? empty() : at(piece.interpolant, (t - piece.t) / piece.h)])[0]!;
  }
}
