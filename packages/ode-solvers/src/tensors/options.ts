import * as tf from '@tensorflow/tfjs-core';
import { isTensor, treeDifference, treeLeaves, treeLike, type TensorTree } from '@missing-u/autodiff';
import { invalidArgument, unknownName } from '@missing-u/errors';
import { stepOptionNames } from '../control/option-names.ts';
import type { StepOptions } from '../control/options.ts';
import type { Method } from '../core/method.ts';
import type { OutputKind } from '../core/outputs.ts';
import type { StepInfo } from '../core/solve.ts';
import type { Read } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import type { Gradient } from '../gradients/gradient.ts';
import type { MethodName } from '../methods/index.ts';
import { perSample, rms } from './norms.ts';
import { reading, type Leaves, type LeavesNorm, type LeafTolerances } from './space.ts';

/** One tolerance for all, or a tree like the state of numbers, or of tensors that broadcast to its leaves. */
export type Tolerance = number | ToleranceTree;
export type ToleranceTree = tf.Tensor | readonly Tolerance[] | { readonly [key: string]: Tolerance };

/** Size of an error, given in units of the tolerance in the structure of the state; the step is accepted at 1 or less. */
export type Norm<Y> = (scaled: Y) => tf.Tensor | number;

/** Options of `odeint` and `integrate`. */
export interface OdeOptions<Y extends TensorTree = TensorTree> extends StepOptions {
  /** `dopri5` by default. `rk4` is the 3/8 rule, as in torchdiffeq; the classical method is `rk4_classic`. */
  method?: MethodName | Method;
  /** Relative tolerance; 1e-7 by default, which float32 hardly reaches: 1e-5 or 1e-3 are usual for networks. */
  rtol?: Tolerance;
  /** Absolute tolerance; 1e-9 by default. */
  atol?: Tolerance;
  /** `rms` (default): root mean square of each leaf, the largest; `perSample`: of each sample, the largest; or your own. */
  norm?: 'rms' | 'perSample' | Norm<Y>;
  /** `direct()` by default. */
  gradient?: Gradient;
  /** Tensors that f uses; needed only for those that it does not touch at its first evaluations. */
  parameters?: readonly tf.Tensor[];
  /** Zeros to look for. */
  events?: readonly OdeEvent<Y>[];
  /** Called at every step tried. */
  onStep?: (info: StepInfo) => void;
  signal?: AbortSignal;
  /** false returns what was reached with the status instead of throwing. */
  throw?: boolean;
  /** Whether y0, and the end of a solve on a fixed grid, are read to find NaN; true by default, false saves the reads. */
  checkFinite?: boolean;
}

/** Options of `odeint` about what is returned. */
export interface OutputOptions<Y extends TensorTree, Z extends TensorTree> {
  /** Which states are returned: at `ts` (default), after every step, or at the end. */
  output?: OutputKind;
  /** Applied to each state that is returned. */
  outputFn?: (t: number, y: Y) => Z;
  /** Also return the solution as a function of time. */
  dense?: boolean;
  /** Solve each item of the first axis alone, with its own steps; f, or the acceleration, then gets one item, and its index last. */
  independent?: boolean;
}

/** Every name of both. */
export const optionNames: Record<keyof (OdeOptions & OutputOptions<TensorTree, TensorTree>), true> = {
  ...stepOptionNames,
  ...{ method: true, rtol: true, atol: true, norm: true, gradient: true, parameters: true, events: true, onStep: true },
  ...{ signal: true, throw: true, checkFinite: true, output: true, outputFn: true, dense: true, independent: true },
};

/** A function of time and state whose zeros along the solution are looked for. */
export interface OdeEvent<Y> {
  /** A scalar. */
  fn: (t: number, y: Y) => tf.Tensor | number;
  /** 1: rising in the direction of integration, -1: falling, 0 (default): both. */
  direction?: -1 | 0 | 1;
  /** Whether the solve ends there; true by default. */
  terminal?: boolean;
}

const norms = { rms, perSample } as const;

/** A norm on leaves. */
export function normOf<Y extends TensorTree>(norm: OdeOptions<Y>['norm'], like: Y): LeavesNorm {
  if (typeof norm === 'function') return (scaled) => norm(treeLike(like, scaled));
  const known = norms[norm ?? 'rms'];
  if (known === undefined) throw new OdeError('ODE_OPTION', unknownName('norm', norm, Object.keys(norms)));
  return known;
}

/** A tolerance for each leaf. */
export function tolerances(argument: string, tolerance: Tolerance, like: TensorTree): LeafTolerances {
  const values: (number | tf.Tensor)[] = [];
  const allowed = 'a positive number, or a tree like y0 of positive numbers or of tensors that broadcast to its leaves';
  const refuse = (value: unknown): never => {
    throw new OdeError('ODE_TOLERANCE', invalidArgument({ argument, value, allowed }));
  };
  const visit = (value: Tolerance, node: TensorTree): void => {
    if (typeof value === 'number') {
      if (!(value > 0 && Number.isFinite(value))) refuse(value);
      treeLeaves(node).forEach(() => values.push(value));
    } else if (isTensor(node)) {
      if (!isTensor(value) || value.isDisposed || !broadcasts(value.shape, node.shape)) refuse(value);
      values.push(value as tf.Tensor);
    } else {
      const children = node as Record<string, TensorTree>;
      if (
        typeof value !== 'object' ||
        value === null ||
        isTensor(value) ||
        Object.keys(children).sort().join() !== Object.keys(value).sort().join()
      )
        refuse(value);
      for (const key of Object.keys(children)) visit((value as Record<string, Tolerance>)[key]!, children[key]!);
    }
  };
  visit(tolerance, like);
  return values;
}

function broadcasts(shape: readonly number[], to: readonly number[]): boolean {
  const offset = to.length - shape.length;
  return offset >= 0 && shape.every((size, axis) => size === 1 || size === to[offset + axis]);
}

/** Refuses tolerances in tensors that are not positive, which takes a look at them. */
export function* checkPositive(argument: string, tolerances: LeafTolerances): Generator<Read, void, number> {
  for (const value of tolerances) {
    if (typeof value === 'number' || (yield reading(() => tf.min(value))) > 0) continue;
    const allowed = 'positive in all of its numbers';
    throw new OdeError('ODE_TOLERANCE', invalidArgument({ argument, value, allowed }));
  }
}

/** The leaves of an initial state, refused where a solver could not work on them. */
export function stateLeaves(y0: TensorTree): Leaves {
  let leaves: Leaves;
  try {
    leaves = treeLeaves(y0, 'y0');
  } catch (error) {
    throw new OdeError('ODE_STATE', (error as Error).message, { cause: error });
  }
  if (leaves.length === 0) throw new OdeError('ODE_STATE', '`y0` holds no tensor.');
  for (const leaf of leaves) {
    if (leaf.isDisposed) throw new OdeError('ODE_DISPOSED', `\`y0\` holds a disposed tensor of shape [${leaf.shape}].`);
    if (leaf.dtype !== 'float32') {
      const allowed = 'a float32 tensor, or a tree of them';
      const value = `${leaf.dtype} tensor`;
      throw new OdeError('ODE_STATE', invalidArgument({ argument: 'y0', value, allowed, remedy: 'cast it' }));
    }
  }
  return leaves;
}

/** Refuses what `adjoint()` and the others did not make, the functions themselves first of all. */
export function checkGradient(gradient: unknown): void {
  if (typeof gradient === 'object' && gradient !== null && 'solve' in gradient) return;
  const allowed = 'what `direct()`, `checkpointed()`, `adjoint()` or `reversible()` makes';
  const remedy = 'call the function';
  throw new OdeError('ODE_OPTION', invalidArgument({ argument: 'gradient', value: gradient, allowed, remedy }));
}

/** Refuses parameters that are no live tensors. */
export function checkParameters(parameters: readonly tf.Tensor[]): void {
  if (!Array.isArray(parameters)) {
    const allowed = 'an array of tensors';
    throw new OdeError('ODE_PARAMETERS', invalidArgument({ argument: 'parameters', value: parameters, allowed }));
  }
  for (const parameter of parameters) {
    if (!isTensor(parameter) || treeDifference(parameter, parameter) !== undefined) {
      throw new OdeError(
        'ODE_PARAMETERS',
        invalidArgument({ argument: 'parameters', value: parameter, allowed: 'tensors' }),
      );
    }
    if (parameter.isDisposed) {
      throw new OdeError('ODE_DISPOSED', `\`parameters\` holds a disposed tensor of shape [${parameter.shape}].`);
    }
  }
}
