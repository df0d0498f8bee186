import * as tf from '@tensorflow/tfjs-core';
import {
  isTaping,
  isTensor,
  rollbackOnThrow,
  tidy,
  treeLeavesLike,
  treeLike,
  type TensorTree,
} from '@missing-u/autodiff';
import { checkCallback, checkEvents, checkField, checkOutput, checkSignal } from '../control/arguments.ts';
import { checkOptionNames } from '../control/option-names.ts';
import { checkedSteps } from '../control/options.ts';
import { checkedTimes } from '../control/times.ts';
import type { Dense } from '../core/dense.ts';
import { drive, type Delivery, type Order } from '../core/drive.ts';
import { interpolating } from '../core/linear.ts';
import type { Row } from '../core/outputs.ts';
import { throwOnFailure, type SolverStats, type Status } from '../core/result.ts';
import { runLater, runNow } from '../core/run.ts';
import type { Read } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import { direct } from '../gradients/direct.ts';
import type { Plan } from '../gradients/gradient.ts';
import { methodOf } from '../methods/index.ts';
import { denseTree } from './dense.ts';
import { differentiableEvents, disposeEvents, eventValue, type FoundEvent } from './events.ts';
import { leavesField, tensorSystem, type Field } from './field.ts';
import { solveIndependently } from './independent.ts';
import {
  checkGradient,
  checkParameters,
  checkPositive,
  normOf,
  stateLeaves,
  optionNames,
  tolerances,
  type OdeOptions,
  type OutputOptions,
} from './options.ts';
import { reading, tensorSpace, type Leaves } from './space.ts';
import { stacked } from './stacked.ts';
import { movableEnd, movableStart, numbersOf, type Times } from './times.ts';

/** A solution. */
export interface OdeSolution<Y extends TensorTree, Z extends TensorTree = Y> {
  /** The times of `ys`. */
  ts: number[];
  /** The states, stacked: the first axis of every leaf is time. */
  ys: Z;
  /** The zeros found, in order of time. */
  events: FoundEvent<Y>[];
  /** With `dense: true`. */
  dense?: Dense<Y>;
  stats: SolverStats;
  status: Status;
}

/**
 * Solves y' = f(t, y), y(ts[0]) = y0, differentiably.
 *
 * Gradients reach y0, every float32 tensor and variable that f uses, whether named in `parameters` or closed over, and
 * `ts` where it is a tensor. Call it inside `tf.grads`, `tf.variableGrads`, `optimizer.minimize` or `vjp`.
 *
 * Adaptive solves end on the last time exactly, and give the times between by interpolation.
 *
 * @param f slopes in the structure and shapes of y; t is a JavaScript number. Or what `secondOrder` makes.
 * @param y0 float32 tensor, or arrays and objects of them, of any shapes.
 * @param ts times, increasing or decreasing, the first that of y0: numbers, or a 1-D tensor if they need a gradient.
 * @returns tensors that are the caller's to dispose: `ys`, `events`, and `dense`.
 * @throws OdeError for arguments that make no sense (`ODE_TIMES`, `ODE_STATE`, `ODE_TOLERANCE`, `ODE_UNKNOWN_METHOD`,
 *     `ODE_OPTION`, `ODE_FIELD_...`), and for a solve that fails, unless `throw` is false (`ODE_MAX_STEPS_REACHED`,
 *     `ODE_DT_UNDERFLOW`, `ODE_NON_FINITE`, `ODE_ABORTED`).
 */
export function odeint<Y extends TensorTree, Z extends TensorTree = Y>(
  f: Field<Y>,
  y0: Y,
  ts: Times,
  options: OdeOptions<Y> & OutputOptions<Y, Z> = {},
): OdeSolution<Y, Z> {
  return rollbackOnThrow(() =>
    runNow(options.independent === true ? solveIndependently(f, y0, ts, options) : solution(f, y0, ts, options)),
  );
}

/**
 * As {@link odeint}, but asynchronous: reads are awaited, which WebGPU needs, and other tasks run about every 16 ms, so a
 * page stays alive and `signal` can be given. It cannot be recorded on a tape. Within a step of `kvaerno3`, whose linear systems are
 * solved by the program, reads are not awaited, so that it cannot be used where only awaited ones are possible.
 */
export async function odeintAsync<Y extends TensorTree, Z extends TensorTree = Y>(
  f: Field<Y>,
  y0: Y,
  ts: Times,
  options: OdeOptions<Y> & OutputOptions<Y, Z> = {},
): Promise<OdeSolution<Y, Z>> {
  if (isTaping()) {
    throw new OdeError(
      'ODE_ASYNC_TAPE',
      'odeintAsync cannot be recorded on a tape, which is synchronous; use `odeint` there.',
    );
  }
  return runLater(
    options.independent === true ? solveIndependently(f, y0, ts, options) : solution(f, y0, ts, options),
    16,
  );
}

/** The end of a solution. */
export interface OdeEnd<Y extends TensorTree> {
  /** Where it ended. */
  t: number;
  y: Y;
  events: FoundEvent<Y>[];
  stats: SolverStats;
  status: Status;
}

/**
 * The state at t1 from that at t0: `odeint` without a time axis, for blocks of networks. Takes one step where the method is
 * of fixed steps and `stepSize` is not given.
 */
export function integrate<Y extends TensorTree>(
  f: Field<Y>,
  y0: Y,
  t0: number,
  t1: number,
  options: OdeOptions<Y> = {},
): OdeEnd<Y> {
  return rollbackOnThrow(() => {
    const { rows, events, stats, status, t } = runNow(solvedRows(f, y0, [t0, t1], { ...options, output: 'end' }));
    return { t, y: treeLike(y0, rows.at(-1)!.y), events, stats, status };
  });
}

export function* solution<Y extends TensorTree, Z extends TensorTree>(
  f: Field<Y>,
  y0: Y,
  ts: Times,
  options: OdeOptions<Y> & OutputOptions<Y, Z>,
): Generator<Read, OdeSolution<Y, Z>, number> {
  const { rows, events, dense, stats, status } = yield* solvedRows(f, y0, ts, options);
  const { outputFn } = options;
  let ys: Z;
  try {
    ys = tidy(() => {
      const states = rows.map(({ t, y }): [number, Y] => [t, treeLike(y0, y)]);
      const trees = states.map(([t, y]): TensorTree => (outputFn === undefined ? y : outputFn(t, y)));
      return stacked(trees) as Z;
    });
  } catch (error) {
    disposeEvents(events);
    dense?.dispose();
    throw error;
  } finally {
    for (const { y } of rows) tf.dispose(y as tf.Tensor[]);
  }
  return {
    ts: rows.map(({ t }) => t),
    ys,
    events,
    ...(dense !== undefined && { dense: denseTree(dense, y0) }),
    stats,
    status,
  };
}

interface SolvedRows<Y extends TensorTree> {
  rows: Row<Leaves>[];
  events: FoundEvent<Y>[];
  dense: Delivery<Leaves>['dense'];
  stats: SolverStats;
  status: Status;
  t: number;
}

/** Checks the arguments, solves, and makes times differentiable; the rows, the first included, are the receiver's. */
function* solvedRows<Y extends TensorTree>(
  f: Field<Y>,
  y0: Y,
  ts: Times,
  options: OdeOptions<Y> & OutputOptions<Y, TensorTree>,
): Generator<Read, SolvedRows<Y>, number> {
  const { rtol = 1e-7, atol = 1e-9, gradient = direct(), parameters = [], events = [] } = options;
  const { output = 'times', dense = false, checkFinite = true } = options;
  checkField(f);
  checkOptionNames(options, optionNames);
  const start = stateLeaves(y0);
  checkParameters(parameters);
  checkGradient(gradient);
  checkOutput(output);
  checkEvents(events);
  checkCallback('onStep', options.onStep, 'a function that is told of a step');
  checkCallback('outputFn', options.outputFn, 'a function (t, y) => what to return');
  checkSignal(options.signal);
  if (dense && isTaping() && gradient.name !== 'direct') {
    const message = `\`dense\` has a gradient with \`direct()\` only, not with \`${gradient.name}()\`; name the times in \`ts\`, or use direct().`;
    throw new OdeError('ODE_OPTION', message);
  }
  const times = checkedTimes(isTensor(ts) ? numbersOf(ts) : ts);
  const named = methodOf(options.method ?? 'dopri5');
  const method = gradient.adapt?.(named) ?? named;
  const steps = checkedSteps(method, times, options);
  const limits = {
    rtol: tolerances('rtol', rtol, y0),
    atol: tolerances('atol', atol, y0),
    norm: normOf(options.norm, y0),
  };
  const space = tensorSpace(limits.rtol, limits.atol, limits.norm);
  const stats: SolverStats = { nfe: 0, steps: 0, accepted: 0, rejected: 0 };
  const order: Order<Leaves> = {
    system: tensorSystem(f, y0, space, stats),
    method: interpolating(method, steps),
    y0: start,
    t0: times[0]!,
    t1: times.at(-1)!,
    ts: times,
    steps,
    stats,
    signal: options.signal,
    onStep: options.onStep,
    output,
    dense,
    events: events.map(({ fn, ...event }, i) => ({
      ...event,
      value: (t, y) => reading(() => eventValue(fn(t, treeLike(y0, y)), i)),
    })),
    checkFinite,
  };
  yield* checkPositive('rtol', limits.rtol);
  yield* checkPositive('atol', limits.atol);
  if (checkFinite && !Number.isFinite(yield space.finiteness(start))) {
    throw new OdeError('ODE_NON_FINITE', '`y0` holds NaN or infinite numbers.');
  }
  const movable = isTensor(ts) && isTaping() ? ts : undefined;
  const moved = movable === undefined ? order : { ...order, y0: movableStart(order, movable) };
  const plan: Plan = {
    order: moved,
    field: leavesField(f, y0),
    systemWith: (counts) => tensorSystem(f, y0, space, counts),
    parameters,
    options,
    ...limits,
  };
  const { rows, dense: record, status, t } = yield* isTaping() ? gradient.solve(plan) : drive(moved);
  const outputs = rows.filter((row) => row.output);
  let found: FoundEvent<Y>[] = [];
  try {
    throwOnFailure(status, t, options.throw === false);
    found = differentiableEvents(order, rows, events, y0);
    if (status === 'event' && isTaping()) {
      // The last row is at the time of the event, whose gradient is in the state found there.
      const end = rows.at(-1)!;
      space.free([end.y]);
      end.y = treeLeavesLike(found.at(-1)!.y, y0).map((leaf) => tf.clone(leaf));
    }
    if (output !== 'end' || outputs.length === 0) {
      outputs.unshift({ t: times[0]!, y: start.map((leaf) => tf.clone(leaf)), output: true });
    }
    if (movable !== undefined) movableEnd(order, movable, outputs);
  } catch (error) {
    space.free([...rows, ...outputs].map(({ y }) => y));
    disposeEvents(found);
    record?.dispose();
    throw error;
  }
  space.free(rows.filter((row) => !row.output).map(({ y }) => y));
  return { rows: outputs, events: found, dense: record, stats, status, t };
}
