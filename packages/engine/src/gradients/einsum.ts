import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradient of `tf.einsum`, which tfjs has for no engine: the einsum of dy with the other operand. Axes that an operand
 * has alone were summed over, so its gradient is the same all along them.
 */
export const einsumGradient: tf.GradConfig = {
  kernelName: 'Einsum',
  saveAllInputs: true,
  gradFunc: (dy, saved, attributes) => {
    const [terms, result] = String(attributes['equation']).replace(/\s/g, '').split('->') as [string, string];
    const operands = terms.split(',');
    const entries = operands.map((letters, i) => [
      i,
      () => {
        const others = operands.filter((_, j) => j !== i);
        const rest = saved.filter((_, j) => j !== i);
        const known = [...letters].filter((letter) => [result, ...others].some((term) => term.includes(letter)));
        const equation = `${[result, ...others].join(',')}->${known.join('')}`;
        const sum = tf.einsum(equation, dy as tf.Tensor, ...rest);
        const shape = saved[i]!.shape;
        const kept = shape.map((size, axis) => (known.includes(letters[axis]!) ? size : 1));
        return tf.broadcastTo(tf.reshape(sum, kept), shape);
      },
    ]);
    return Object.fromEntries(entries);
  },
};
