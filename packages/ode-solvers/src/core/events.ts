import { OdeError } from '../errors.ts';
import type { AcceptedStep } from './solve.ts';
import type { Read, Space } from './space.ts';

/** A zero of a function of time and state, to be found along the solution. */
export interface EventSpec<Y> {
  /** Its value. */
  value(t: number, y: Y): Read;
  /** 1: only where it rises through 0; -1: only where it falls; 0, the default: both. */
  direction?: -1 | 0 | 1;
  /** Whether the solve ends there; true by default. */
  terminal?: boolean;
}

/** A zero that was found. */
export interface Occurrence {
  /** Which of the events. */
  index: number;
  t: number;
  theta: number;
}

/** Where in a step the sign of an event is asked for that was 0 at its beginning: small, but above rounding. */
const justAfter = 1e-2;

/** Watches events from step to step. */
export class EventWatch<Y> {
  private before: number[] | undefined;

  constructor(
    private readonly space: Space<Y>,
    private readonly events: readonly EventSpec<Y>[],
  ) {}

  /** The zeros within a step in order of time, cut off after the first terminal one. */
  *within(step: AcceptedStep<Y>): Generator<Read, Occurrence[], number> {
    this.before ??= yield* this.valuesAt(step.span.t, step.y0);
    const after = yield* this.valuesAt(step.end, step.result.y);
    const found: Occurrence[] = [];
    for (const [index, event] of this.events.entries()) {
      const [before, to] = [this.before[index]!, after[index]!];
      // A zero at the beginning is the start's, or was found already; whether there is another shows by the sign right after it.
      const start =
        before === 0
          ? { theta: justAfter, value: yield* this.valueIn(step, event, justAfter) }
          : { theta: 0, value: before };
      const { value: from } = start;
      // Rising is meant in the direction of integration.
      if (!areApart(from, to) || event.direction === -Math.sign(to - from)) continue;
      const theta = to === 0 ? 1 : yield* this.zero(step, event, start, to);
      if (theta === undefined) continue;
      found.push({ index, theta, t: theta === 1 ? step.end : step.span.t + theta * step.span.h });
    }
    this.before = after;
    found.sort((a, b) => a.theta - b.theta);
    const last = found.findIndex(({ index }) => this.events[index]!.terminal !== false);
    return last === -1 ? found : found.slice(0, last + 1);
  }

  private *valuesAt(t: number, y: Y): Generator<Read, number[], number> {
    const values: number[] = [];
    for (const event of this.events) values.push(yield* this.value(event, t, y));
    return values;
  }

  private *value(event: EventSpec<Y>, t: number, y: Y): Generator<Read, number, number> {
    const value = yield event.value(t, y);
    if (!Number.isNaN(value)) return value;
    // Of a state that is NaN nothing else can be expected; the solve will end for it.
    if (!Number.isFinite(yield this.space.finiteness(y))) return NaN;
    const message = `\`events[${this.events.indexOf(event)}].fn\` gave NaN at t = ${t}, but has to give a number wherever the solution goes.`;
    throw new OdeError('ODE_EVENT', message);
  }

  /** The value within a step. */
  private *valueIn(step: AcceptedStep<Y>, event: EventSpec<Y>, theta: number): Generator<Read, number, number> {
    const { span } = step;
    // Made outside of the scope, as it is the step's.
    const interpolant = step.interpolant();
    const [y] = this.space.scope(() => [interpolant.evaluate(theta)]);
    try {
      return yield* this.value(event, span.t + theta * span.h, y);
    } finally {
      this.space.free([y]);
    }
  }

  /**
   * Regula falsi with the Illinois rule, in theta; bracketed, so it cannot leave the step. Undefined where the step is NaN inside, as
   * f is at its end.
   */
  private *zero(
    step: AcceptedStep<Y>,
    event: EventSpec<Y>,
    start: { theta: number; value: number },
    to: number,
  ): Generator<Read, number | undefined, number> {
    let [a, b, fa, fb] = [start.theta, 1, start.value, to];
    let side = 0;
    for (let i = 0; i < 100 && b - a > 1e-13; i++) {
      const slope = fa === fb ? 1 / 2 : fa / (fa - fb);
      const theta = Math.min(Math.max(a + slope * (b - a), a), b);
      if (theta === a || theta === b) break;
      const value = yield* this.valueIn(step, event, theta);
      if (Number.isNaN(value)) return undefined;
      if (value === 0) return theta;
      if (Math.sign(value) === Math.sign(fb)) {
        [b, fb] = [theta, value];
        if (side === 1) fa /= 2;
        side = 1;
      } else {
        [a, fa] = [theta, value];
        if (side === -1) fb /= 2;
        side = -1;
      }
    }
    return Math.abs(fa) < Math.abs(fb) ? a : b;
  }
}

/** Whether there is a zero between two values, the first of which is not one. */
function areApart(from: number, to: number): boolean {
  return from < 0 ? to >= 0 : from > 0 && to <= 0;
}
