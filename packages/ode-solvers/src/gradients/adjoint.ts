import * as tf from '@tensorflow/tfjs-core';
import { tidy, withFreshTape } from '@missing-u/autodiff';
import { invalidArgument, unknownName } from '@missing-u/errors';
import { checkedSteps, type StepOptions } from '../control/options.ts';
import { drive, type Delivery } from '../core/drive.ts';
import { throwOnFailure } from '../core/result.ts';
import { runNow } from '../core/run.ts';
import type { Read } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import { methodOf, type MethodName } from '../methods/index.ts';
import type { Method } from '../core/method.ts';
import type { Leaves, LeafTolerances } from '../tensors/space.ts';
import { augmentedSystem, type AdjointNorm } from './augmented.ts';
import { offTape, withCaptureReport } from './captures.ts';
import type { Gradient, Plan } from './gradient.ts';
import { recordSolve, type BackwardPass } from './record.ts';

/** Options of {@link adjoint}; what is left out is as in the forward solve. */
export interface AdjointOptions extends StepOptions {
  method?: MethodName | Method;
  rtol?: number;
  atol?: number;
  /**
   * What the error of the way back is measured on: `seminorm` (default) state and adjoint, `full` the gradients of the
   * parameters as well, torchdiffeq's default, which shortens the steps for integrals that nothing depends on (P. Kidger
   * et al., "Hey, that's not an ODE", arXiv 2009.09457); or a function of the scaled errors.
   */
  norm?: 'seminorm' | 'full' | AdjointNorm;
}

/**
 * Optimise, then discretise: solves the adjoint equation a' = -aᵀ ∂f/∂y backwards, beside y itself and the gradients of the
 * parameters (R. Chen et al., "Neural ordinary differential equations", arXiv 1806.07366). The memory does not grow with
 * the steps.
 *
 * It is the gradient of the exact solution, not of the computed one: off by the errors of both solves, and by much where
 * the way back is unstable or the steps are few. Between output times y starts from the states found forwards.
 */
export function adjoint(options: AdjointOptions = {}): Gradient {
  const { norm = 'seminorm' } = options;
  if (typeof norm !== 'function' && norm !== 'seminorm' && norm !== 'full') {
    throw new OdeError('ODE_OPTION', unknownName('norm', norm, ['seminorm', 'full']));
  }
  for (const argument of ['rtol', 'atol'] as const) {
    const value: unknown = options[argument];
    if (value === undefined || (typeof value === 'number' && value > 0 && Number.isFinite(value))) continue;
    const allowed = 'a positive number';
    throw new OdeError(
      'ODE_TOLERANCE',
      invalidArgument({ argument, value, allowed, remedy: 'leave it out to go back with that of the solve' }),
    );
  }
  if (options.method !== undefined) methodOf(options.method);
  return { name: 'adjoint', solve: (plan) => solveWithAdjoint(plan, { ...options, norm }) };
}

type Settings = AdjointOptions & { norm: NonNullable<AdjointOptions['norm']> };

function* solveWithAdjoint(plan: Plan, settings: Settings): Generator<Read, Delivery<Leaves>, number> {
  const { order, captured } = withCaptureReport(plan);
  const delivery = yield* offTape(drive(order));
  const known = captured();
  const states = delivery.rows.map(({ y }) => y.map((leaf) => tf.keep(tf.clone(leaf))));
  const times = [plan.order.t0, ...delivery.rows.map(({ t }) => t)];
  recordSolve(plan, delivery, known, states.flat(), (pass) => {
    try {
      return withFreshTape(() => tidy(() => solveBack(plan, settings, pass, times, [pass.y0, ...states], known)));
    } catch (error) {
      if (error instanceof OdeError)
        throw new OdeError(error.code, `On the way back: ${error.message}`, { cause: error });
      throw error;
    }
  });
  return delivery;
}

/** The augmented solve from output time to output time, the last first. */
function solveBack(
  plan: Plan,
  settings: Settings,
  { parameters, dys, stats }: BackwardPass,
  times: readonly number[],
  states: readonly Leaves[],
  known: readonly tf.Tensor[],
): { y0: tf.Tensor[]; parameters: tf.Tensor[] } {
  const method = settings.method === undefined ? augmentable(plan.order.method) : methodOf(settings.method);
  const width = plan.order.y0.length;
  const tolerance = (own: number | undefined, forward: LeafTolerances) =>
    own === undefined ? forward : forward.map(() => own);
  const system = augmentedSystem({
    field: plan.field,
    width,
    parameters,
    known,
    rtol: tolerance(settings.rtol, plan.rtol),
    atol: tolerance(settings.atol, plan.atol),
    stateNorm: plan.norm,
    norm: settings.norm,
    stats,
  });
  let a: Leaves = dys.at(-1)?.map((leaf) => tf.clone(leaf)) ?? plan.order.y0.map((leaf) => tf.zerosLike(leaf));
  let gradients: Leaves = parameters.map((parameter) => tf.zerosLike(parameter));
  for (let i = dys.length; i > 0; i--) {
    const [from, to] = [times[i]!, times[i - 1]!];
    if (from !== to) {
      const ts = [from, to];
      const start = [...states[i]!, ...a, ...gradients];
      const { status, t, rows } = runNow(
        drive({
          system,
          method,
          y0: start,
          t0: from,
          t1: to,
          ts,
          steps: checkedSteps(method, ts, stepOptions(plan, settings, method)),
          stats,
          output: 'end',
          events: [],
          dense: false,
          checkFinite: false,
        }),
      );
      throwOnFailure(status, t, false);
      tf.dispose([...a, ...gradients]);
      const end = rows[0]!.y;
      tf.dispose(end.slice(0, width));
      [a, gradients] = [end.slice(width, 2 * width), end.slice(2 * width)];
    }
    if (i > 1) {
      const sum = a.map((leaf, j) => tf.add(leaf, dys[i - 2]![j]!));
      tf.dispose([...a]);
      a = sum;
    }
  }
  return { y0: a.map((leaf) => tf.clone(leaf)), parameters: [...gradients] };
}

/** The forward method, or for those that need a system of a certain kind an explicit one of their order. */
function augmentable(method: Method): Method {
  return method.name === 'leapfrog' ? methodOf('heun2') : method;
}

/** The step options of the forward solve where they apply, and over them those of the adjoint. */
function stepOptions({ order, options }: Plan, settings: Settings, method: Method): StepOptions {
  if (method.adaptive !== order.method.adaptive) return settings;
  const { firstStep, minStep, maxStep, maxNumSteps, safety, ifactor, dfactor, pid, stepT, jumpT, stepSize, perturb } =
    options;
  const forward = {
    firstStep,
    minStep,
    maxStep,
    maxNumSteps,
    safety,
    ifactor,
    dfactor,
    pid,
    stepT,
    jumpT,
    stepSize,
    perturb,
  };
  const given = Object.fromEntries(Object.entries(forward).filter(([, value]) => value !== undefined)) as StepOptions;
  if (settings.gridConstructor !== undefined) delete given.stepSize;
  const ownGrid = settings.stepSize !== undefined || settings.gridConstructor !== undefined;
  if (options.gridConstructor !== undefined && order.steps.kind === 'grid' && !ownGrid) {
    given.gridConstructor = backwardsThrough(order.steps.grid);
  }
  return { ...given, ...settings };
}

/** Goes from one time to another by the times of a grid between them, in the other direction than the grid. */
function backwardsThrough(grid: readonly number[]): NonNullable<StepOptions['gridConstructor']> {
  return ([from, to]) => {
    const between = grid.filter((t) => (t - from!) * (t - to!) < 0);
    return [from!, ...between.reverse(), to!];
  };
}
