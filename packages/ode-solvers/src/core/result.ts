import { OdeError } from '../errors.ts';

/** How a solve ended. */
export type Status = 'success' | 'event' | 'maxStepsReached' | 'dtUnderflow' | 'nonFinite' | 'aborted';

/** Counts of a solve. */
export interface SolverStats {
  /** Evaluations of f. */
  nfe: number;
  /** Steps tried. */
  steps: number;
  accepted: number;
  rejected: number;
  /** Products with the Jacobian; implicit methods only. */
  njev?: number;
  /** Counts of the way back, there once the gradient was taken. */
  backward?: BackwardStats;
}

/** Counts of the backward pass. */
export interface BackwardStats {
  /** Evaluations of f, those within vector-Jacobian products among them. */
  nfe: number;
  steps: number;
  accepted: number;
  rejected: number;
}

const failures: Record<Exclude<Status, 'success' | 'event'>, { code: string; message: string }> = {
  maxStepsReached: {
    code: 'ODE_MAX_STEPS_REACHED',
    message:
      '`maxNumSteps` steps were not enough; loosen `rtol` and `atol`, raise `maxNumSteps`, or use `kvaerno3` if it is stiff',
  },
  dtUnderflow: {
    code: 'ODE_DT_UNDERFLOW',
    message:
      'the step became too small to advance the time; the tolerances are beyond the precision, or it is stiff or singular',
  },
  nonFinite: { code: 'ODE_NON_FINITE', message: 'f or the state became NaN or infinite' },
  aborted: { code: 'ODE_ABORTED', message: 'the abort signal was given' },
};

/** Throws the error of a status that is a failure. */
export function throwOnFailure(status: Status, t: number, allowed: boolean): void {
  if (allowed || status === 'success' || status === 'event') return;
  const { code, message } = failures[status];
  throw new OdeError(
    code,
    `The solve stopped at t = ${t}: ${message}. \`throw: false\` returns the last good state instead.`,
  );
}
