import { invalidArgument, unknownName } from '@missing-u/errors';
import type { Method } from '../core/method.ts';
import { OdeError } from '../errors.ts';
import { checkedTimes } from './times.ts';

/** How steps are chosen. The first group is for adaptive methods, the second for the others. */
export interface StepOptions {
  /** First step, a length; Hairer's estimate by default (two evaluations of f). */
  firstStep?: number;
  /** Steps of this length are accepted whatever their error; 0 by default. */
  minStep?: number;
  /** Longest step; Infinity by default. */
  maxStep?: number;
  /** Most steps tried, accepted or not, before the solve ends with `maxStepsReached`; 100 000 by default. */
  maxNumSteps?: number;
  /** Factor on the step that the controller thinks right; 0.9 by default. */
  safety?: number;
  /** Largest factor between two steps; 10 by default. */
  ifactor?: number;
  /** Smallest factor after a rejection; 0.2 by default. */
  dfactor?: number;
  /** Coefficients of a PID controller; `{ p: 0, i: 1, d: 0 }` by default, the elementary controller. */
  pid?: { p?: number; i?: number; d?: number };
  /** Times at which a step has to end. */
  stepT?: ArrayLike<number>;
  /** Times at which f jumps: a step ends there, and f is evaluated just beside them. */
  jumpT?: ArrayLike<number>;

  /** Length of the steps; the last is shorter if need be. By default one step from output time to output time. */
  stepSize?: number;
  /** The times between the steps, from the output times; excludes `stepSize`. First and last must be those of `ts`. */
  gridConstructor?: (ts: readonly number[]) => ArrayLike<number>;
  /** Between grid points: `cubic` (default; Hermite, one more evaluation where used) or `linear`. */
  interp?: 'cubic' | 'linear';
  /** Evaluate f just inside the ends of each step, never on them; for an f that jumps at grid points. */
  perturb?: boolean;
}

const adaptiveOnly = [
  'firstStep',
  'minStep',
  'maxStep',
  'safety',
  'ifactor',
  'dfactor',
  'pid',
  'stepT',
  'jumpT',
] as const;
const fixedOnly = ['stepSize', 'gridConstructor', 'interp', 'perturb'] as const;

/** The steps of an adaptive method, normalised: lengths positive, times in the direction of integration. */
export interface AdaptiveSteps {
  kind: 'adaptive';
  firstStep: number | undefined;
  minStep: number;
  maxStep: number;
  maxNumSteps: number;
  safety: number;
  ifactor: number;
  dfactor: number;
  pid: { p: number; i: number; d: number };
  /** Where a step has to end, in order, and whether f jumps there. */
  landings: { t: number; jump: boolean }[];
}

/** The grid of a method without error estimate. */
export interface GridSteps {
  kind: 'grid';
  grid: number[];
  interp: 'cubic' | 'linear';
  perturb: boolean;
  maxNumSteps: number;
}

/** Checks options against the method and brings them into canonical form. */
export function checkedSteps(method: Method, ts: readonly number[], options: StepOptions): AdaptiveSteps | GridSteps {
  const wrong = (method.adaptive ? fixedOnly : adaptiveOnly).find((name) => options[name] !== undefined);
  if (wrong !== undefined) {
    const kind = method.adaptive ? 'adapts its steps' : 'has no error estimate to adapt its steps by';
    throw new OdeError('ODE_OPTION', `\`${wrong}\` does not apply to the method '${method.name}', which ${kind}.`);
  }
  const { maxNumSteps = 100_000 } = options;
  inRange('maxNumSteps', maxNumSteps, 'an integer of 1 or more', Number.isInteger(maxNumSteps) && maxNumSteps >= 1);
  return method.adaptive ? adaptiveSteps(ts, options, maxNumSteps) : gridSteps(ts, options, maxNumSteps);
}

function adaptiveSteps(ts: readonly number[], options: StepOptions, maxNumSteps: number): AdaptiveSteps {
  const { firstStep, minStep = 0, maxStep = Infinity, safety = 0.9, ifactor = 10, dfactor = 0.2, pid = {} } = options;
  if (firstStep !== undefined)
    inRange('firstStep', firstStep, 'a positive number', firstStep > 0 && firstStep < Infinity);
  inRange('minStep', minStep, '0 or a positive number', minStep >= 0 && minStep < Infinity);
  inRange('maxStep', maxStep, 'a positive number, not below `minStep`', maxStep > 0 && maxStep >= minStep);
  inRange('safety', safety, 'in (0, 1]', safety > 0 && safety <= 1);
  inRange('ifactor', ifactor, 'more than 1', ifactor > 1);
  inRange('dfactor', dfactor, 'in (0, 1)', dfactor > 0 && dfactor < 1);
  const coefficients = { p: 0, i: 1, d: 0, ...pid };
  const known = typeof pid === 'object' && Object.keys(coefficients).length === 3;
  const finite = Object.values(coefficients).every(Number.isFinite);
  inRange('pid', pid, 'an object of finite numbers p, i, d', known && finite);
  const landings = landingTimes(ts, options);
  return {
    kind: 'adaptive',
    firstStep,
    minStep,
    maxStep,
    maxNumSteps,
    safety,
    ifactor,
    dfactor,
    pid: coefficients,
    landings,
  };
}

function landingTimes(ts: readonly number[], { stepT = [], jumpT = [] }: StepOptions): AdaptiveSteps['landings'] {
  for (const [argument, times] of Object.entries({ stepT, jumpT })) {
    inRange(argument, times, 'an array of times', typeof times === 'object' && times !== null && 'length' in times);
  }
  const landings = [
    ...Array.from(stepT, (t) => ({ t, jump: false })),
    ...Array.from(jumpT, (t) => ({ t, jump: true })),
  ];
  const bad = landings.find(({ t }) => !Number.isFinite(t));
  if (bad !== undefined) inRange(bad.jump ? 'jumpT' : 'stepT', bad.jump ? jumpT : stepT, 'finite times', false);
  if (new Set(landings.map(({ t }) => t)).size < landings.length) {
    throw new OdeError('ODE_OPTION', '`stepT` and `jumpT` must not name a time twice.');
  }
  const [start, end] = [ts[0]!, ts.at(-1)!];
  const sign = Math.sign(end - start);
  return landings.filter(({ t }) => sign * (t - start) > 0 && sign * (end - t) > 0).sort((a, b) => sign * (a.t - b.t));
}

function gridSteps(ts: readonly number[], options: StepOptions, maxNumSteps: number): GridSteps {
  const { stepSize, gridConstructor, interp = 'cubic', perturb = false } = options;
  if (stepSize !== undefined && gridConstructor !== undefined) {
    throw new OdeError('ODE_OPTION', '`stepSize` and `gridConstructor` exclude each other; give one of them.');
  }
  if (interp !== 'cubic' && interp !== 'linear') {
    throw new OdeError('ODE_OPTION', unknownName('interp', interp, ['cubic', 'linear']));
  }
  if (stepSize !== undefined) {
    inRange('stepSize', stepSize, 'a positive number', stepSize > 0 && stepSize < Infinity);
    return { kind: 'grid', grid: uniformGrid(ts, stepSize, maxNumSteps), interp, perturb, maxNumSteps };
  }
  const grid = gridConstructor === undefined ? [...ts] : checkedTimes(gridConstructor(ts), 'gridConstructor(ts)');
  if (grid[0] !== ts[0] || grid.at(-1) !== ts.at(-1)) {
    const message = `\`gridConstructor\` gave ${grid[0]} ... ${grid.at(-1)}, but has to begin and end with \`ts\`: ${ts[0]} ... ${ts.at(-1)}.`;
    throw new OdeError('ODE_OPTION', message);
  }
  return { kind: 'grid', grid, interp, perturb, maxNumSteps };
}

function uniformGrid(ts: readonly number[], stepSize: number, maxNumSteps: number): number[] {
  const [start, end] = [ts[0]!, ts.at(-1)!];
  // A count within rounding of a whole number is that number: 1 / 0.1 steps are 10.
  const count = Math.ceil(Math.abs(end - start) / stepSize - 1e-9);
  const h = Math.sign(end - start) * stepSize;
  // No further than the solve will get, as there may be more points than an array can hold.
  const length = Math.min(count, maxNumSteps + 2);
  return [...Array.from({ length }, (_, i) => start + i * h), end];
}

function inRange(argument: string, value: unknown, allowed: string, ok: boolean): void {
  if (!ok) throw new OdeError('ODE_OPTION', invalidArgument({ argument, value, allowed }));
}
