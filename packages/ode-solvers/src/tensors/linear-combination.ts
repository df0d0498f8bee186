import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, isTaping, recordOperation, runningRecording, tidy, withFreshTape } from '@missing-u/autodiff';

/**
 * base + Σ weights[i] · terms[i] as one operation on the tape, which saves nothing: its gradients are multiples of the
 * cotangent. Terms of equal |weight| are summed before they are multiplied.
 */
export function linearCombination(
  base: tf.Tensor | undefined,
  weights: readonly number[],
  terms: readonly tf.Tensor[],
): tf.Tensor {
  const used = weights.flatMap((weight, i) => (weight === 0 ? [] : [i]));
  if (!isTaping()) return tidy(() => compute(base, weights, terms, used));
  const sum = withFreshTape(() => tidy(() => compute(base, weights, terms, used)));
  const inputs = used.map((i) => terms[i]!);
  recordOperation({
    name: 'LinearCombination',
    inputs: base === undefined ? inputs : [...inputs, base],
    outputs: [sum],
    vjp: ([dy], needed) => {
      const grads = used.map((i, j) => (needed[j] === true ? tf.mul(dy!, weights[i]!) : undefined));
      return base === undefined ? grads : [...grads, needed[used.length] === true ? tf.clone(dy!) : undefined];
    },
  });
  return sum;
}

/** Up to here a tensor is small: an operation costs its call, not its arithmetic. */
const small = 4096;

function compute(
  base: tf.Tensor | undefined,
  weights: readonly number[],
  terms: readonly tf.Tensor[],
  used: readonly number[],
): tf.Tensor {
  const first = base ?? terms[0]!;
  if (used.length > 0 && hasKernel('LinearCombination')) {
    return inOneKernel(base, weights, terms, used);
  }
  // What is written down for other engines does the same for any number of images.
  const isRecorded = runningRecording()?.plain === true;
  if (!isRecorded && first.size <= small && used.length > 2) return contracted(base, weights, terms, used);
  const parts = base === undefined ? [] : [base];
  for (const { sum, weight } of grouped(weights, terms, used)) parts.push(weight === 1 ? sum : tf.mul(sum, weight));
  if (parts.length > 2) return tf.addN(parts);
  if (parts.length === 2) return tf.add(parts[0]!, parts[1]!);
  const [only] = parts;
  if (only === undefined) return tf.zerosLike(first);
  return only === base || only === terms[used[0]!] ? tf.clone(only) : only;
}

/** In one pass over the memory. */
function inOneKernel(
  base: tf.Tensor | undefined,
  weights: readonly number[],
  terms: readonly tf.Tensor[],
  used: readonly number[],
): tf.Tensor {
  const inputs = used.map((i) => terms[i]!);
  const factors = used.map((i) => weights[i]!);
  if (base !== undefined) {
    inputs.unshift(base);
    factors.unshift(1);
  }
  return tf.engine().runKernel('LinearCombination', Object.fromEntries(inputs.entries()), { weights: factors });
}

/** All at once, in three operations: the terms as rows of one tensor, times their weights, summed. */
function contracted(
  base: tf.Tensor | undefined,
  weights: readonly number[],
  terms: readonly tf.Tensor[],
  used: readonly number[],
): tf.Tensor {
  const rows = used.map((i) => terms[i]!);
  const factors = used.map((i) => weights[i]!);
  if (base !== undefined) {
    rows.push(base);
    factors.push(1);
  }
  const column = tf.tensor(factors, [factors.length, ...rows[0]!.shape.map(() => 1)]);
  return tf.sum(tf.mul(tf.stack(rows), column), 0);
}

/** Sums of terms of equal |weight|, so that each is multiplied once. */
function grouped(
  weights: readonly number[],
  terms: readonly tf.Tensor[],
  used: readonly number[],
): { sum: tf.Tensor; weight: number }[] {
  const groups = new Map<number, { sum: tf.Tensor; weight: number }>();
  for (const i of used) {
    const weight = weights[i]!;
    const group = groups.get(Math.abs(weight));
    if (group === undefined) groups.set(Math.abs(weight), { sum: terms[i]!, weight });
    else group.sum = weight === group.weight ? tf.add(group.sum, terms[i]!) : tf.sub(group.sum, terms[i]!);
  }
  return [...groups.values()];
}
