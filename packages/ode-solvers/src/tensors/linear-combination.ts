import * as tf from '@tensorflow/tfjs-core';
import { isTaping, recordOperation, tidy, withFreshTape } from '@missing-u/autodiff';

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

function compute(
  base: tf.Tensor | undefined,
  weights: readonly number[],
  terms: readonly tf.Tensor[],
  used: readonly number[],
): tf.Tensor {
  const groups = new Map<number, { sum: tf.Tensor; sign: number }>();
  for (const i of used) {
    const [size, sign] = [Math.abs(weights[i]!), Math.sign(weights[i]!)];
    const group = groups.get(size);
    if (group === undefined) groups.set(size, { sum: terms[i]!, sign });
    else group.sum = sign === group.sign ? tf.add(group.sum, terms[i]!) : tf.sub(group.sum, terms[i]!);
  }
  let total = base;
  for (const [size, { sum, sign }] of groups) {
    const term = size * sign === 1 ? sum : tf.mul(sum, size * sign);
    total = total === undefined ? term : tf.add(total, term);
  }
  if (total === undefined) return tf.zerosLike(terms[0]!);
  return groups.size === 0 || total === terms[used[0]!] ? tf.clone(total) : total;
}
