import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { initialMotion, integrate, secondOrder, type Motion, type OdeError } from '../src/index.ts';

describe('second order', () => {
  it.each(['leapfrog', 'rk4'] as const)('%s: refuses accelerations of other shapes and dtypes', async (method) => {
    const motion = initialMotion(tf.tensor1d([1, 2]));
    const gone = tf.tensor1d([1, 2]);
    gone.dispose();
    const solve = (acceleration: (x: tf.Tensor) => unknown, y0: Motion = motion): string => {
      try {
        integrate(
          secondOrder((_t, x: tf.Tensor) => acceleration(x) as tf.Tensor),
          y0,
          0,
          1,
          { method },
        );
      } catch (error) {
        return (error as OdeError).code;
      }
      return 'nothing thrown';
    };
    await expect(() => {
      expect(solve(() => tf.scalar(1))).toBe('ODE_FIELD_SHAPE');
      expect(solve((x) => tf.cast(x, 'int32'))).toBe('ODE_FIELD_SHAPE');
      expect(solve(() => tf.ones([2, 3]))).toBe('ODE_FIELD_SHAPE');
      expect(solve(() => gone)).toBe('ODE_DISPOSED');
      expect(solve((x) => tf.mul(x, gone))).toBe('ODE_DISPOSED');
      expect(solve((x) => Promise.resolve(x))).toMatch(/ODE_(ASYNC_FIELD|FIELD_STRUCTURE)/);
    }).toLeakNoTensors();
    expect(solve((x) => x, { x: tf.ones([2]), v: tf.scalar(1) })).toBe('ODE_STATE');
  });
});
