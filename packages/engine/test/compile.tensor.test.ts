import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compile } from '../src/index.ts';

const double = (x: tf.Tensor) => tf.mul(x, 2);

describe('compile', () => {
  it('gives what the function gives, and says how it runs', () => {
    const step = compile((x: tf.Tensor1D, w: tf.Tensor1D) => [tf.dot(x, w), tf.grad((v) => tf.dot(x, v))(w)]);
    const [x, w] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([4, 5, 6])];
    for (let call = 0; call < 3; call++) {
      const [value, gradient] = step(x, w);
      expect(value!).toBeAllClose([32]);
      expect(gradient!).toBeAllClose([1, 2, 3]);
      tf.dispose([value!, gradient!]);
    }
    expect(step.stats.calls).toBe(3);
    expect(step.stats.mode).toBe(tf.getBackend() === 'tensorflow' ? 'graph' : 'eager');
    step.dispose();
  });

  it('can be differentiated, as the function itself', () => {
    const square = compile((x: tf.Tensor) => tf.square(x));
    const x = tf.tensor1d([3]);
    for (let call = 0; call < 3; call++) expect(tf.grad((v) => square(v))(x)).toBeAllClose([6]);
    square.dispose();
  });

  it('frees everything but its results', async () => {
    const x = tf.tensor1d([1]);
    const step = compile((v: tf.Tensor) => tf.add(tf.square(v), tf.exp(v)));
    await expect(() => step(x)).toLeakNoTensors(1);
    await expect(() => step(x).dispose()).toLeakNoTensors();
    step.dispose();
  });

  it('refuses promises and what is not a tensor, naming where it was compiled', () => {
    const x = tf.tensor1d([1]);
    const refused = (fn: unknown, code: string) => {
      const step = compile(fn as (x: tf.Tensor) => tf.Tensor);
      expect(() => step(x)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining('compile.tensor.test.ts:') as string }),
      );
    };
    refused(async (v: tf.Tensor) => v, 'ENGINE_COMPILE_ASYNC');
    refused(() => 3, 'ENGINE_COMPILE_OUTPUT');
    refused((v: tf.Tensor) => [v, undefined], 'ENGINE_COMPILE_OUTPUT');
  });

  it('cannot be called when disposed', () => {
    const step = compile(double);
    step.dispose();
    step.dispose();
    expect(() => step(tf.scalar(1))).toThrow(expect.objectContaining({ code: 'ENGINE_COMPILE_DISPOSED' }));
  });

  it.each([
    [5, {}, '`fn` is 5'],
    [double, null, '`options` is null'],
    [double, { maxGraphs: 0 }, '`maxGraphs` is 0'],
    [double, { tolerance: NaN }, '`tolerance` is NaN'],
    [double, { memoryBudget: '5' }, "`memoryBudget` is '5'"],
    [double, { enabled: 'no' }, "`enabled` is 'no'"],
    [double, { maxgraphs: 1 }, "Did you mean 'maxGraphs'?"],
  ])('refuses %s with the options %j before anything is called', (fn, options, message) => {
    expect(() => compile(fn as typeof double, options as object)).toThrow(
      expect.objectContaining({
        code: 'ENGINE_COMPILE_OPTION',
        message: expect.stringContaining(message) as string,
      }),
    );
  });
});
