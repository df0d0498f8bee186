import { checkCallback, checkField } from '../control/arguments.ts';
import type { Method } from '../core/method.ts';
import type { SolverStats } from '../core/result.ts';
import { standAt, stepFrom, type Stand, type StepTaken } from '../core/stepper.ts';
import { methodOf, type MethodName } from '../methods/index.ts';
import { checkedState, checkTolerance } from './arguments.ts';
import { float64Space, type Norm, type Tolerance } from './space.ts';
import { float64System, type VectorField } from './system.ts';

/** A method to be stepped by hand. */
export interface VectorStepper {
  method: Method;
  stats: SolverStats;
  init(t0: number, y0: ArrayLike<number>): Stand<Float64Array>;
  /** One step of length h, negative backwards. */
  step(state: Stand<Float64Array>, h: number): StepTaken<Stand<Float64Array>>;
}

/** A method without the loop around it, for loops of one's own. */
export function stepper(
  f: VectorField,
  options: { method?: MethodName | Method; rtol?: Tolerance; atol?: Tolerance; norm?: Norm } = {},
): VectorStepper {
  checkField(f);
  const method = methodOf(options.method ?? 'dopri5');
  const { rtol = 1e-7, atol = 1e-9 } = options;
  const checkTolerances = (length?: number) => {
    checkTolerance('rtol', rtol, length);
    checkTolerance('atol', atol, length);
  };
  checkTolerances();
  checkCallback('norm', options.norm, 'a function of the scaled errors');
  const stats: SolverStats = { nfe: 0, steps: 0, accepted: 0, rejected: 0 };
  const system = float64System(f, float64Space(rtol, atol, options.norm), stats);
  return {
    method,
    stats,
    init: (t0, y0) => {
      const state = checkedState(y0);
      checkTolerances(state.length);
      return standAt(system, method, t0, state);
    },
    step: (state, h) => {
      stats.steps++;
      return stepFrom(system, method, state, h);
    },
  };
}
