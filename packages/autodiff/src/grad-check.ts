import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { AutodiffError } from './errors.ts';
import { withFreshTape, tidy } from './tape.ts';
import { treeLeaves, treeLike, type TensorTree } from './tree.ts';
import { apply, checkedInputs, vjp, type TensorFunction } from './vjp.ts';

/** Options of {@link gradCheck}. */
export interface GradCheckOptions {
  /** Step of the finite difference, relative to max(1, |x|); 0.03 by default, near the best that float32 allows. */
  step?: number;
  /** Relative tolerance, against the larger of the entry and the gradient's largest entry / 100; 1e-3 by default. */
  rtol?: number;
  /** Absolute tolerance; 1e-4 by default. */
  atol?: number;
  /** false returns a report of a mismatch instead of throwing. */
  throw?: boolean;
}

/** What {@link gradCheck} found. */
export interface GradCheckReport {
  passed: boolean;
  /** Largest |analytic - numeric|. */
  maxError: number;
  /** Where the tolerance is missed most, or met by least: leaf of `xs`, flat index in it, and the two derivatives. */
  worst: { leaf: number; index: number; analytic: number; numeric: number };
}

/**
 * Checks the gradient of f at `xs` against finite differences, entry by entry: four evaluations of f for each number in
 * `xs`, so keep the tensors small. The result of f is contracted with fixed weights cos(1), cos(2), ..., in float64.
 *
 * Central differences of fourth order, (f(x-2h) - 8 f(x-h) + 8 f(x+h) - f(x+2h)) / 12h, reach about 1e-5 in float32. Stay
 * two steps away from kinks such as that of ReLU.
 *
 * @param f function of `xs`, as for `vjp`.
 * @param xs float32 tensors.
 * @throws AutodiffError `AUTODIFF_GRADIENT_MISMATCH` naming the worst entry, unless `throw` is false; `AUTODIFF_OPTION`.
 */
export function gradCheck<const X extends TensorTree, Y extends TensorTree>(
  f: TensorFunction<X, Y>,
  xs: X,
  options: GradCheckOptions = {},
): GradCheckReport {
  const { step = 0.03, rtol = 1e-3, atol = 1e-4 } = options;
  checkOption('step', step, 'a positive number', step > 0 && step < Infinity);
  checkOption('rtol', rtol, '0 or a positive number', rtol >= 0);
  checkOption('atol', atol, '0 or a positive number', atol >= 0);
  const inputs = checkedInputs(xs);
  const analytic = analyticGradients(f, xs);
  const scale = Math.max(...analytic.flatMap((grad) => Array.from(grad, Math.abs))) / 100;
  const report: GradCheckReport = { passed: true, maxError: 0, worst: { leaf: 0, index: 0, analytic: 0, numeric: 0 } };
  let worstExcess = -Infinity;
  inputs.forEach((input, leaf) => {
    const numbers = Float32Array.from(input.dataSync());
    for (let index = 0; index < numbers.length; index++) {
      const centre = numbers[index]!;
      const h = step * Math.max(1, Math.abs(centre));
      const at = (offset: number): number => {
        numbers[index] = centre + offset;
        const value = contracted(f, xs, leaf, numbers);
        numbers[index] = centre;
        return value;
      };
      const numeric = (at(-2 * h) - 8 * at(-h) + 8 * at(h) - at(2 * h)) / (12 * h);
      const exact = analytic[leaf]![index]!;
      const error = Math.abs(exact - numeric);
      const excess = error - (atol + rtol * Math.max(Math.abs(numeric), scale));
      // Written so that NaN is a failure.
      if (!(excess <= 0)) report.passed = false;
      if (!(error <= report.maxError)) report.maxError = error;
      if (!(excess <= worstExcess)) {
        worstExcess = excess;
        report.worst = { leaf, index, analytic: exact, numeric };
      }
    }
  });
  if (!report.passed && options.throw !== false) throw mismatch(report, rtol, atol);
  return report;
}

function checkOption(argument: string, value: number, allowed: string, ok: boolean): void {
  if (!ok) throw new AutodiffError('AUTODIFF_OPTION', invalidArgument({ argument, value, allowed }));
}

function mismatch({ worst }: GradCheckReport, rtol: number, atol: number): AutodiffError {
  return new AutodiffError(
    'AUTODIFF_GRADIENT_MISMATCH',
    `The gradient of leaf ${worst.leaf} at flat index ${worst.index} is ${worst.analytic}, but finite differences give ` +
      `${worst.numeric} (rtol ${rtol}, atol ${atol}).`,
  );
}

function analyticGradients<X extends TensorTree, Y extends TensorTree>(f: TensorFunction<X, Y>, xs: X): Float32Array[] {
  return withFreshTape(() => {
    const grads = tidy(() => {
      const inputs: tf.Tensor[] = treeLeaves(xs);
      const weighted = (...leaves: tf.Tensor[]): tf.Tensor[] => {
        const outputs = treeLeaves(apply(f, treeLike(xs, leaves)));
        return outputs.map((output, i) => tf.mul(output, tf.tensor(weights(outputs, i), output.shape)));
      };
      return treeLeaves(vjp<tf.Tensor[], tf.Tensor[]>(weighted, inputs));
    });
    const values = grads.map((grad) => grad.dataSync<'float32'>());
    tf.dispose(grads);
    return values;
  });
}

function contracted<X extends TensorTree, Y extends TensorTree>(
  f: TensorFunction<X, Y>,
  xs: X,
  leaf: number,
  numbers: Float32Array,
): number {
  return withFreshTape(() => {
    const outputs = tidy(() => {
      const leaves = treeLeaves(xs).map((x, i) => (i === leaf ? tf.tensor(numbers.slice(), x.shape) : tf.clone(x)));
      return treeLeaves(apply(f, treeLike(xs, leaves)));
    });
    let sum = 0;
    outputs.forEach((output, i) => {
      const values = output.dataSync();
      weights(outputs, i).forEach((weight, j) => (sum += weight * values[j]!));
    });
    tf.dispose(outputs);
    return sum;
  });
}

/** cos(1), cos(2), ... for the entries of output i, counted over all outputs. */
function weights(outputs: readonly tf.Tensor[], i: number): number[] {
  const before = outputs.slice(0, i).reduce((sum, output) => sum + output.size, 0);
  return Array.from({ length: outputs[i]!.size }, (_, j) => Math.cos(1 + before + j));
}
