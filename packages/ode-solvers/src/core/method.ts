import type { System } from './space.ts';

/** The interval of one step: [t, t + h], h < 0 backwards. */
export interface Span {
  t: number;
  h: number;
  /** Where f is evaluated for the beginning and the end: t and t + h, or a float beside them next to a jump. */
  tStart: number;
  tEnd: number;
}

/** What a step made. */
export interface Stepped<Y> {
  /** State at t + h. */
  y: Y;
  /** What the next step goes on with beside y: the last derivative, or a second state. */
  carry: Y[];
  /** Estimate of the local error; absent for methods without one. */
  error: Y | undefined;
  /** What the interpolant needs. */
  stages: Y[];
  /** An implicit step whose equations could not be solved: the step has to be shorter. */
  failed?: boolean;
}

/** What is left of a step: a state, if there is one to spare, the error and the stages. */
export type Spent<Y> = Pick<Stepped<Y>, 'error' | 'stages'> & { y: Y | undefined };

/** The solution within a step; `theta` = (time - t) / h in [0, 1]. */
export interface Interpolant<Y> {
  evaluate(theta: number): Y;
  /** dy/dt. */
  derivative(theta: number): Y;
  /** The states that it reads and that have to stay alive. */
  parts: readonly Y[];
}

/**
 * A one-step method. Stateless; what is handed from step to step is `carry`, so that a solve can be resumed, replayed and
 * reversed from (t, y, carry).
 */
export interface Method {
  readonly name: string;
  /** Nominal order of convergence. */
  readonly order: number;
  /** Whether steps come with an error estimate. */
  readonly adaptive: boolean;
  /** Whether the carry is the derivative at the beginning of the step. */
  readonly carriesSlope: boolean;
  /** The carry for a first step at t. */
  start<Y>(system: System<Y>, t: number, y: Y): Y[];
  /**
   * One step; call it inside `space.scope`.
   *
   * @param spent a step of this method that nobody looks at any more and whose memory may be used again, all but that of
   *     the states in `carry`; only in spaces that are not `owned`.
   */
  step<Y>(system: System<Y>, y: Y, carry: readonly Y[], span: Span, spent?: Spent<Y>): Stepped<Y>;
  interpolant<Y>(system: System<Y>, y: Y, step: Stepped<Y>, span: Span): Interpolant<Y>;
  /** The step backwards, exact but for rounding, for reversible methods: (y, carry) before the step from those after. */
  reverse?<Y>(system: System<Y>, y: Y, carry: readonly Y[], span: Span): { y: Y; carry: Y[] };
}
