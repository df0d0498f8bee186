import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compile, profile, profileTable, profileTrace } from '../src/index.ts';

const network = (x: tf.Tensor) => tf.sum(tf.relu(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D)));

describe('profile', () => {
  it('times every operation of a call, one after the other', async () => {
    const x = tf.ones([16, 16]);
    const { mode, operations } = await profile(network, x);
    expect(mode).toBe('eager');
    expect(operations.map(({ name }) => name)).toEqual(expect.arrayContaining(['BatchMatMul', 'Relu', 'Sum']));
    for (const [i, { begin, milliseconds }] of operations.entries()) {
      expect(milliseconds).toBeGreaterThanOrEqual(0);
      expect(begin).toBeGreaterThanOrEqual(i === 0 ? 0 : operations[i - 1]!.begin);
    }
    x.dispose();
  });

  it('times compiled functions as they run', async () => {
    const [x, step] = [tf.ones([16, 16]), compile(network)];
    tf.dispose([step(x), step(x)]);
    const { mode, operations } = await profile(step, x);
    expect(mode).toBe(step.stats.mode);
    expect(operations.find(({ name }) => name === 'Relu')?.shape).toEqual([16, 16]);
    step.dispose();
    x.dispose();
  });

  it('leaks nothing', async () => {
    const [x, step] = [tf.ones([4, 4]), compile(network)];
    tf.dispose([step(x), step(x)]);
    await expect(() => profile(step, x)).toLeakNoTensors();
    await expect(() => profile(network, x)).toLeakNoTensors();
    step.dispose();
    x.dispose();
  });

  it('writes a table and a trace for Perfetto', () => {
    const operation = { shape: [2, 3], begin: 0.5, milliseconds: 3 };
    const made = {
      mode: 'eager' as const,
      operations: [
        { ...operation, name: 'Add' },
        { ...operation, name: 'Mul', milliseconds: 1 },
      ],
    };
    expect(profileTable(made).split('\n').slice(2)).toEqual([
      '| Add | 1 | 3.00 | 75.0 % |',
      '| Mul | 1 | 1.00 | 25.0 % |',
      '| all | 2 | 4.00 | 100.0 % |',
    ]);
    expect((JSON.parse(profileTrace(made)) as { traceEvents: unknown[] }).traceEvents[0]).toEqual({
      ...{ name: 'Add', ph: 'X', pid: 1, tid: 1, ts: 500, dur: 3000 },
      args: { shape: '[2, 3]' },
    });
  });
});
