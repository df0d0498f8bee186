import { invalidArgument } from '@missing-u/errors';
import { checkCallback, checkEvents, checkField, checkOutput, checkSignal } from '../control/arguments.ts';
import { checkOptionNames, stepOptionNames } from '../control/option-names.ts';
import { checkedSteps, type StepOptions } from '../control/options.ts';
import { checkedTimes } from '../control/times.ts';
import type { Dense } from '../core/dense.ts';
import { drive, type Delivery, type Order } from '../core/drive.ts';
import { interpolating } from '../core/linear.ts';
import type { Method } from '../core/method.ts';
import type { OutputKind } from '../core/outputs.ts';
import { throwOnFailure, type SolverStats, type Status } from '../core/result.ts';
import { runLater, runNow } from '../core/run.ts';
import type { StepInfo } from '../core/solve.ts';
import { OdeError } from '../errors.ts';
import { methodOf, type MethodName } from '../methods/index.ts';
import { checkedState, checkTolerance } from './arguments.ts';
import { float64Space, type Norm, type Tolerance } from './space.ts';
import { float64System, type VectorField } from './system.ts';

/** Options of {@link odeint} on vectors. */
export interface VectorOptions extends StepOptions {
  /** `dopri5` by default. */
  method?: MethodName | Method;
  /** Relative tolerance, for all components or one for each; 1e-7 by default. */
  rtol?: Tolerance;
  /** Absolute tolerance; 1e-9 by default. */
  atol?: Tolerance;
  /** Size of the error in units of the tolerance; root mean square by default. */
  norm?: Norm;
  /** Which states are returned: at `ts` (default), after every step, or at the end. */
  output?: OutputKind;
  /** Also return the solution as a function of time. */
  dense?: boolean;
  /** Zeros to look for. */
  events?: readonly VectorEvent[];
  onStep?: (info: StepInfo) => void;
  signal?: AbortSignal;
  /** false returns what was reached with the status instead of throwing. */
  throw?: boolean;
}

const optionNames: Record<keyof VectorOptions, true> = {
  ...stepOptionNames,
  ...{ method: true, rtol: true, atol: true, norm: true, output: true, dense: true, events: true, onStep: true },
  ...{ signal: true, throw: true },
};

/** A function of time and state whose zeros along the solution are looked for. */
export interface VectorEvent {
  fn: (t: number, y: Float64Array) => number;
  /** 1: rising in the direction of integration, -1: falling, 0 (default): both. */
  direction?: -1 | 0 | 1;
  /** Whether the solve ends there; true by default. */
  terminal?: boolean;
}

/** A solution of vectors. */
export interface VectorSolution {
  ts: Float64Array;
  /** One state per time. */
  ys: Float64Array[];
  /** In order of time. */
  events: { index: number; t: number; y: Float64Array }[];
  dense?: Dense<Float64Array>;
  stats: SolverStats;
  status: Status;
}

/**
 * Solves y' = f(t, y), y(ts[0]) = y0 in float64, without tensors.
 *
 * @param f slopes; see {@link VectorField}.
 * @param y0 initial state.
 * @param ts times, increasing or decreasing; the first is the initial time.
 * @throws OdeError for arguments that make no sense, and for a solve that fails, unless `throw` is false.
 */
export function odeint(
  f: VectorField,
  y0: ArrayLike<number>,
  ts: ArrayLike<number>,
  options: VectorOptions = {},
): VectorSolution {
  const order = checkedOrder(f, y0, ts, options);
  return solution(order, options, runNow(drive(order)));
}

/** As {@link odeint}, letting other tasks run about every 16 ms, so that a page stays alive and `signal` can be given. */
export async function odeintAsync(
  f: VectorField,
  y0: ArrayLike<number>,
  ts: ArrayLike<number>,
  options: VectorOptions = {},
): Promise<VectorSolution> {
  const order = checkedOrder(f, y0, ts, options);
  return solution(order, options, await runLater(drive(order), 16));
}

function checkedOrder(
  f: VectorField,
  y0: ArrayLike<number>,
  ts: ArrayLike<number>,
  options: VectorOptions,
): Order<Float64Array> {
  checkField(f);
  checkOptionNames(options, optionNames);
  const state = checkedState(y0);
  const { rtol = 1e-7, atol = 1e-9, output = 'times', dense = false, events = [] } = options;
  checkOutput(output);
  checkEvents(events);
  checkCallback('onStep', options.onStep, 'a function that is told of a step');
  checkCallback('norm', options.norm, 'a function of the scaled errors');
  checkSignal(options.signal);
  checkTolerance('rtol', rtol, state.length);
  checkTolerance('atol', atol, state.length);
  const times = checkedTimes(ts);
  const method = methodOf(options.method ?? 'dopri5');
  const steps = checkedSteps(method, times, options);
  const stats: SolverStats = { nfe: 0, steps: 0, accepted: 0, rejected: 0 };
  return {
    system: float64System(f, float64Space(rtol, atol, options.norm), stats),
    method: interpolating(method, steps),
    y0: state,
    t0: times[0]!,
    t1: times.at(-1)!,
    ts: times,
    steps,
    stats,
    signal: options.signal,
    onStep: options.onStep,
    output,
    dense,
    events: events.map(({ fn, ...event }, i) => ({ ...event, value: (t, y) => eventValue(fn(t, y), i) })),
    checkFinite: true,
  };
}

function solution(
  order: Order<Float64Array>,
  options: VectorOptions,
  delivery: Delivery<Float64Array>,
): VectorSolution {
  const { status, t, rows, dense } = delivery;
  throwOnFailure(status, t, options.throw === false);
  const outputs = rows.filter(({ output }) => output);
  if (order.output !== 'end' || outputs.length === 0) outputs.unshift({ t: order.t0, y: order.y0, output: true });
  return {
    ts: Float64Array.from(outputs, (row) => row.t),
    ys: outputs.map(({ y }) => y),
    events: rows.flatMap(({ event, t, y }) => (event === undefined ? [] : [{ index: event, t, y }])),
    ...(dense !== undefined && { dense }),
    stats: order.stats,
    status,
  };
}

/** What an event function gave, refused where it is no number. */
function eventValue(value: unknown, index: number): number {
  if (typeof value === 'number') return value;
  const argument = `events[${index}].fn(t, y)`;
  throw new OdeError('ODE_EVENT', invalidArgument({ argument, value, allowed: 'a number' }));
}
