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
    expectTrace(profileTrace({ mode, operations }));
    expectTrace(profileTrace(await profile(network, x)));
    step.dispose();
    x.dispose();
  });

  it('counts what is made of others once', async () => {
    const inner = tf.customGrad((x) => ({ value: tf.square(x as tf.Tensor), gradFunc: (dy: tf.Tensor) => dy }));
    const outer = tf.customGrad((x) => ({ value: tf.exp(inner(x as tf.Tensor)), gradFunc: (dy: tf.Tensor) => dy }));
    const x = tf.ones([8, 8]);
    const { operations } = await profile((v: tf.Tensor) => tf.neg(outer(v)), x);
    expect(operations.map(({ name }) => name)).toEqual(['Square', 'Exp', 'Neg']);
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
        { ...operation, name: 'Mul', begin: 3.5, milliseconds: 1 },
      ],
    };
    expect(profileTable(made).split('\n').slice(2)).toEqual([
      '| Add | 1 | 3.00 | 75.0 % |',
      '| Mul | 1 | 1.00 | 25.0 % |',
      '| all | 2 | 4.00 | 100.0 % |',
    ]);
    expectTrace(profileTrace(made));
    expect((JSON.parse(profileTrace(made)) as { traceEvents: unknown[] }).traceEvents[0]).toEqual({
      ...{ name: 'Add', ph: 'X', pid: 1, tid: 1, ts: 500, dur: 3000 },
      args: { shape: '[2, 3]' },
    });
  });
});

/**
 * Checks a file against the trace event format, which Perfetto reads: complete events (`X`) with their time and duration in
 * microseconds; those of one thread must not overlap, as none is within another.
 */
function expectTrace(text: string): void {
  const { traceEvents, displayTimeUnit, ...rest } = JSON.parse(text) as Record<string, unknown>;
  expect([displayTimeUnit, rest]).toEqual(['ms', {}]);
  const events = traceEvents as Record<string, unknown>[];
  expect(events.length).toBeGreaterThan(0);
  let end = 0;
  for (const { ts, dur, ...event } of events) {
    const args = { shape: expect.stringMatching(/^\[[\d, ]*\]$/) as string };
    expect(event).toEqual({ name: expect.stringMatching(/./) as string, ph: 'X', pid: 1, tid: 1, args });
    for (const time of [ts, dur]) expect(Number.isFinite(time) && (time as number) >= 0).toBe(true);
    expect(ts).toBeGreaterThanOrEqual(end - 1e-3);
    end = (ts as number) + (dur as number);
  }
}
