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
      const [from, to] = [this.before[index]!, after[index]!];
      // Rising is meant in the direction of integration.
      if (from === 0 || Math.sign(from) === Math.sign(to) || event.direction === -Math.sign(to - from)) continue;
      const theta = to === 0 ? 1 : yield* this.zero(step, event, from, to);
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
    const message = `\`events[${this.events.indexOf(event)}].fn\` gave NaN at t = ${t}, but has to give a number wherever the solution goes.`;
    throw new OdeError('ODE_EVENT', message);
  }

  /** Regula falsi with the Illinois rule, in theta; bracketed, so it cannot leave the step. */
  private *zero(step: AcceptedStep<Y>, event: EventSpec<Y>, from: number, to: number): Generator<Read, number, number> {
    const { span } = step;
    let [a, b, fa, fb] = [0, 1, from, to];
    let side = 0;
    for (let i = 0; i < 100 && b - a > 1e-13; i++) {
      const slope = fa === fb ? 1 / 2 : fa / (fa - fb);
      const theta = Math.min(Math.max(a + slope * (b - a), a), b);
      if (theta === a || theta === b) break;
      const [y] = this.space.scope(() => [step.interpolant().evaluate(theta)]);
      let value: number;
      try {
        value = yield* this.value(event, span.t + theta * span.h, y);
      } finally {
        this.space.free([y]);
      }
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
