import { firstStep } from '../control/first-step.ts';
import type { AdaptiveSteps, GridSteps } from '../control/options.ts';
import { createController } from '../control/pid.ts';
import { nextFloat } from '../control/times.ts';
import type { Interpolant, Method, Span, Spent, Stepped } from './method.ts';
import type { SolverStats, Status } from './result.ts';
import type { Read, System } from './space.ts';

/** An initial value problem, checked and in canonical form. */
export interface Problem<Y> {
  system: System<Y>;
  method: Method;
  /** Belongs to the caller; the solve does not free it. */
  y0: Y;
  /** From where to where. */
  t0: number;
  t1: number;
  steps: AdaptiveSteps | GridSteps;
  stats: SolverStats;
  signal?: AbortSignal | undefined;
  onStep?: ((info: StepInfo) => void) | undefined;
  /** Whether each step of a grid is looked at for NaN, which takes a read; the solve ends before one that has it. */
  checkSteps?: boolean;
  /** States put in here, by an observer that keeps interpolants, are not freed. */
  retained?: Set<Y> | undefined;
}

/** What is told about each step tried. */
export interface StepInfo {
  /** Beginning of the step. */
  t: number;
  /** Its length, negative backwards. */
  dt: number;
  accepted: boolean;
  /** Error in units of the tolerance; undefined for methods without an error estimate. */
  errorRatio: number | undefined;
  /** Part of the way that is done, 0 to 1. */
  progress: number;
  stats: Readonly<SolverStats>;
}

/** A step that was taken; its states are freed when the observer returns, unless it says otherwise. */
export interface AcceptedStep<Y> {
  span: Span;
  /** Time at its end. */
  end: number;
  y0: Y;
  carry0: readonly Y[];
  /** Where the method was started afresh before this step, if it was. */
  restart: number | undefined;
  result: Stepped<Y>;
  interpolant(): Interpolant<Y>;
}

/** A step under observation. */
class Step<Y> implements AcceptedStep<Y> {
  private made: Interpolant<Y> | undefined;

  constructor(
    private readonly system: System<Y>,
    private readonly method: Method,
    readonly span: Span,
    readonly end: number,
    readonly y0: Y,
    readonly carry0: readonly Y[],
    readonly restart: number | undefined,
    readonly result: Stepped<Y>,
  ) {}

  interpolant(): Interpolant<Y> {
    const { system, method, y0, result, span } = this;
    return (this.made ??= system.space.scope(() => method.interpolant(system, y0, result, span)));
  }

  /** The states that the interpolant made or holds. */
  get parts(): readonly Y[] {
    return this.made?.parts ?? [];
  }
}

/** Is shown every step; true ends the solve with the status `event`. A generator only where it has to read for its answer. */
export type Observer<Y> = (step: AcceptedStep<Y>) => boolean | Generator<Read, boolean, number>;

/** Where a solve ended. The states are the caller's to free; `y` may be the very `y0`. */
export interface Outcome<Y> {
  status: Status;
  t: number;
  y: Y;
}

/** Integrates from t0 to t1, showing each accepted step to the observer. */
export function* solve<Y>(problem: Problem<Y>, observe: Observer<Y>): Generator<Read, Outcome<Y>, number> {
  const walk = new Walk(problem, observe);
  try {
    const status = yield* problem.steps.kind === 'adaptive' ? walk.adaptive(problem.steps) : walk.grid(problem.steps);
    return walk.finish(status);
  } finally {
    walk.release();
  }
}

/** The state of a solve under way, and owner of its states. */
class Walk<Y> {
  private t: number;
  private y: Y;
  private carry: Y[] | undefined;
  private restart: number | undefined;
  private spent: Spent<Y> | undefined;
  private handedOver = false;

  constructor(
    private readonly problem: Problem<Y>,
    private readonly observe: Observer<Y>,
  ) {
    this.t = problem.t0;
    this.y = problem.y0;
  }

  *adaptive(steps: AdaptiveSteps): Generator<Read, Status, number> {
    const { system, method, t0, t1, stats, signal } = this.problem;
    const sign = Math.sign(t1 - t0);
    if (sign === 0) return 'success';
    this.begin(t0);
    let h = steps.firstStep ?? (yield* this.estimateFirstStep(sign));
    if (Number.isNaN(h)) return 'nonFinite';
    const controller = createController(method.order, steps);
    let landing = 0;
    let tStart = t0;
    let finite = true;
    let refused: number | undefined;
    while (this.t !== t1) {
      if (signal?.aborted === true) return 'aborted';
      if (stats.steps >= steps.maxNumSteps) return 'maxStepsReached';
      h = Math.min(Math.max(h, steps.minStep), steps.maxStep);
      const target = steps.landings[landing];
      const limit = target?.t ?? t1;
      // A step that would leave a rounding error's length before the limit goes all the way.
      const lands = h >= Math.abs(limit - this.t) * (1 - 1e-12);
      const end = lands ? limit : this.t + sign * h;
      // Too short to be told from no step, or from the one that was refused.
      if (end === this.t || end === refused) return finite ? 'dtUnderflow' : 'nonFinite';
      const jump = lands && target?.jump === true;
      const span: Span = { t: this.t, h: end - this.t, tStart, tEnd: jump ? nextFloat(end, -sign) : end };

      stats.steps++;
      const mark = system.space.mark?.();
      const result = this.take(span);
      let ratio: number;
      try {
        const read = result.failed === true ? Infinity : this.errorRatio(result);
        // A number needs no turn of the generator, but now and then others want theirs.
        ratio = typeof read === 'number' && stats.steps % 64 !== 0 ? read : yield read;
      } catch (error) {
        this.free(result);
        throw error;
      }
      finite = Number.isFinite(ratio);
      // h is what was asked for; the length of the span may differ from it by a rounding error.
      const shortest = Math.min(h, Math.abs(span.h)) <= steps.minStep;
      const accepted = ratio <= 1 || (finite && shortest);
      this.report(span, end, accepted, ratio, result);
      h = Math.abs(span.h) * controller.factor(ratio, accepted);
      refused = accepted ? undefined : end;
      if (!accepted) {
        this.free(result);
        system.space.rewind?.(mark);
        // A shorter step may no longer do: at the shortest allowed, NaN will stay NaN.
        if (!finite && shortest) return 'nonFinite';
        continue;
      }
      const stop = this.show(span, end, result);
      if (typeof stop === 'boolean' ? stop : yield* stop) return 'event';
      tStart = this.t;
      if (lands && target !== undefined) landing++;
      if (jump) {
        tStart = nextFloat(end, sign);
        this.begin(tStart);
      }
    }
    return 'success';
  }

  *grid({ grid, perturb, maxNumSteps }: GridSteps): Generator<Read, Status, number> {
    const { stats, signal, checkSteps = false } = this.problem;
    if (grid.length > 1) this.begin(this.t);
    for (let i = 1; i < grid.length; i++) {
      if (signal?.aborted === true) return 'aborted';
      if (stats.steps >= maxNumSteps) return 'maxStepsReached';
      const [t, end] = [grid[i - 1]!, grid[i]!];
      const sign = Math.sign(end - t);
      const [tStart, tEnd] = perturb ? [nextFloat(t, sign), nextFloat(end, -sign)] : [t, end];
      const span: Span = { t, h: end - t, tStart, tEnd };
      stats.steps++;
      const result = this.take(span);
      if (checkSteps && !(yield* this.isFinite(result))) return 'nonFinite';
      this.report(span, end, true, undefined, result);
      const stop = this.show(span, end, result);
      if (typeof stop === 'boolean' ? stop : yield* stop) return 'event';
      yield 0;
    }
    return 'success';
  }

  /** Whether a step can be gone on from; it is freed where not. */
  private *isFinite(result: Stepped<Y>): Generator<Read, boolean, number> {
    let finite = false;
    try {
      const { space } = this.problem.system;
      finite = Number.isFinite(yield space.finiteness(result.y));
      for (const state of result.carry) finite &&= Number.isFinite(yield space.finiteness(state));
      return finite;
    } finally {
      if (!finite) this.free(result);
    }
  }

  finish(status: Status): Outcome<Y> {
    this.handedOver = true;
    return { status, t: this.t, y: this.y };
  }

  release(): void {
    if (this.carry !== undefined) this.discard(this.carry);
    if (!this.handedOver) this.discard([this.y]);
  }

  private *estimateFirstStep(sign: number): Generator<Read, number, number> {
    const { system, method, t0, y0 } = this.problem;
    if (method.carriesSlope) return yield* firstStep(system, method.order, t0, y0, this.carry![0]!, sign);
    const [f0] = system.space.scope(() => [system.f(t0, y0)]);
    try {
      return yield* firstStep(system, method.order, t0, y0, f0, sign);
    } finally {
      system.space.free([f0]);
    }
  }

  private begin(t: number): void {
    const { system, method } = this.problem;
    if (this.carry !== undefined) this.discard(this.carry);
    this.carry = undefined;
    this.restart = t;
    this.carry = system.space.scope(() => method.start(system, t, this.y));
  }

  private take(span: Span): Stepped<Y> {
    const { system, method } = this.problem;
    if (!system.space.owned) return method.step(system, this.y, this.carry!, span, this.spent);
    return system.space.scope(() => method.step(system, this.y, this.carry!, span));
  }

  private errorRatio({ error, y }: Stepped<Y>): Read {
    return this.problem.system.space.scaledNorm(error!, this.y, y);
  }

  private report(span: Span, end: number, accepted: boolean, errorRatio: number | undefined, result: Stepped<Y>): void {
    const { stats, onStep, t0, t1 } = this.problem;
    if (accepted) stats.accepted++;
    else stats.rejected++;
    const reached = accepted ? end : span.t;
    try {
      onStep?.({ t: span.t, dt: span.h, accepted, errorRatio, progress: (reached - t0) / (t1 - t0), stats });
    } catch (error) {
      this.free(result);
      throw error;
    }
  }

  /** Shows the step to the observer and goes on from its end. */
  private show(span: Span, end: number, result: Stepped<Y>): boolean | Generator<Read, boolean, number> {
    const step = new Step(
      this.problem.system,
      this.problem.method,
      span,
      end,
      this.y,
      this.carry!,
      this.restart,
      result,
    );
    let stop: boolean | Generator<Read, boolean, number> = false;
    try {
      stop = this.observe(step);
    } finally {
      if (typeof stop === 'boolean') this.advance(step);
    }
    return typeof stop === 'boolean' ? stop : this.showReading(step, stop);
  }

  private *showReading(step: Step<Y>, watching: Generator<Read, boolean, number>): Generator<Read, boolean, number> {
    try {
      return yield* watching;
    } finally {
      this.advance(step);
    }
  }

  private advance({ result, end, parts }: Step<Y>): void {
    if (this.problem.system.space.owned) this.leave(result, parts);
    else this.spend(result, this.y);
    this.t = end;
    this.y = result.y;
    this.carry = result.carry;
    this.restart = undefined;
  }

  /** Frees what a step began with and went through, bar what the next one begins with. */
  private leave({ y, carry, stages, error }: Stepped<Y>, parts: readonly Y[]): void {
    const kept = new Set<Y>([y, ...carry]);
    const old = new Set<Y>([...stages, ...this.carry!, ...parts, this.y]);
    if (error !== undefined) old.add(error);
    this.discard([...old].filter((state) => !kept.has(state)));
  }

  /** Keeps a step for its memory, unless interpolants hold on to it, with `y` in the place of its state. */
  private spend({ stages, error, failed }: Stepped<Y>, y: Y): void {
    const { y0, retained } = this.problem;
    this.spent = retained === undefined && failed !== true ? { stages, error, y: y === y0 ? undefined : y } : undefined;
  }

  private free(result: Stepped<Y>): void {
    if (!this.problem.system.space.owned) {
      this.spend(result, result.y);
      return;
    }
    const own = new Set<Y>([...result.stages, ...result.carry, result.y]);
    if (result.error !== undefined) own.add(result.error);
    for (const state of [...this.carry!, this.y]) own.delete(state);
    this.discard([...own]);
  }

  private discard(states: readonly Y[]): void {
    const { system, y0, retained } = this.problem;
    system.space.free(states.filter((state) => state !== y0 && retained?.has(state) !== true));
  }
}
