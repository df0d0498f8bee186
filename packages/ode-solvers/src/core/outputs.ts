import type { Occurrence } from './events.ts';
import type { Span } from './method.ts';
import type { AcceptedStep } from './solve.ts';
import type { Space } from './space.ts';

/** Which states are returned: at the times given, after every step, or at the end. */
export type OutputKind = 'times' | 'steps' | 'end';

/** A state that is put out: as the solution, as that of an event, or both. */
export interface Row<Y> {
  t: number;
  y: Y;
  output: boolean;
  /** Index of the event. */
  event?: number;
}

/** A step as a replay needs it: where it was, and at which thetas in it rows were put out. */
export interface TracedStep {
  span: Span;
  /** Where the method was started afresh before this step: at the beginning and after jumps. */
  restart: number | undefined;
  /** 1 stands for the state at the end itself. */
  thetas: number[];
}

const none: readonly [number, number][] = [];

/** Collects the states to return, in the order of time; the first of which, y0 itself, is the caller's to add. */
export class Outputs<Y> {
  readonly rows: Row<Y>[] = [];
  readonly trace: TracedStep[] = [];
  private next = 1;

  constructor(
    private readonly space: Space<Y>,
    private readonly kind: OutputKind,
    private readonly times: readonly number[],
    /** Whether the steps are kept for a replay. */
    private readonly traced: boolean,
  ) {}

  /** Takes from a step what falls into it, up to `until` < 1 where an event cut it off. */
  take(step: AcceptedStep<Y>, events: readonly Occurrence[], until: number | undefined): void {
    const due = this.due(step, until ?? 1);
    if (this.traced) this.trace.push({ span: step.span, restart: step.restart, thetas: [] });
    if (due.length === 0 && events.length === 0) return;
    const put = (t: number, theta: number, row: { output: boolean; event?: number }) => {
      const y = theta === 1 ? copy(this.space, step.result.y) : this.at(step, theta);
      this.trace.at(-1)?.thetas.push(theta);
      this.rows.push({ t, y, ...row });
    };
    const outputs = due.map(([t, theta]) => ({ t, theta, output: true }));
    // Of several zeros at the end only the last, which is the terminal one, is put out as the solution.
    const last = until === undefined ? -1 : events.length - 1;
    const zeros = events.map(({ index, t, theta }, i) => ({ t, theta, output: i === last, event: index }));
    const rows = [...outputs.filter(({ theta }) => theta !== until), ...zeros].sort((a, b) => a.theta - b.theta);
    for (const { t, theta, ...row } of rows) put(t, theta, row);
  }

  /** Adds the state at which a solve gave up, if it is beyond what was put out. */
  add(t: number, y: Y): void {
    if (t === this.times[0] || this.rows.findLast(({ output }) => output)?.t === t) return;
    this.trace.at(-1)?.thetas.push(1);
    this.rows.push({ t, y: copy(this.space, y), output: true });
  }

  free(): void {
    this.space.free(this.rows.splice(0).map(({ y }) => y));
  }

  /** Time and theta of the outputs in a step. */
  private due({ span, end }: AcceptedStep<Y>, until: number): readonly [number, number][] {
    if (this.kind !== 'times') {
      const wanted = until === 1 && (this.kind === 'steps' || end === this.times.at(-1));
      return wanted ? [[end, 1]] : none;
    }
    const next = this.times[this.next];
    if (next === undefined || (next !== end && (next - span.t) / span.h > until)) return none;
    const due: [number, number][] = [];
    for (; this.next < this.times.length; this.next++) {
      const t = this.times[this.next]!;
      const theta = t === end ? 1 : (t - span.t) / span.h;
      if (theta > until) break;
      due.push([t, theta]);
    }
    return due;
  }

  private at(step: AcceptedStep<Y>, theta: number): Y {
    const interpolant = step.interpolant();
    return this.space.scope(() => [interpolant.evaluate(theta)])[0]!;
  }
}

export function copy<Y>(space: Space<Y>, y: Y): Y {
  return space.scope(() => [space.combine(y, 0, [], [])])[0]!;
}
