import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createGenerator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, type Compiled } from '../src/index.ts';
import { heldGraphs, heldTensors, startNative } from './compile/native.ts';

const installed = await startNative();
const random = createGenerator(1);

function normal(...shape: number[]): tf.Tensor {
  return tf.tensor(random.fillNormal(new Float32Array(tf.util.sizeFromShape(shape))), shape);
}

type Fn = (...args: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
const made: Compiled<Fn>[] = [];

/** Compiles a function that is disposed after the test. */
function compiled<F extends (...args: never[]) => tf.Tensor | tf.Tensor[]>(fn: F, options = {}): Compiled<F> {
  const step = compile(fn, options);
  made.push(step as unknown as Compiled<Fn>);
  return step;
}

/** What a function throws within three calls. */
function failure(fn: Fn, ...args: tf.Tensor[]): { code: string; message: string } {
  const step = compiled(fn);
  try {
    for (let call = 0; call < 3; call++) step(...args);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
}

describe.skipIf(!installed)('compile on the native engine (needs `missing-u-engine native install`)', () => {
  afterEach(() => {
    for (const step of made.splice(0)) step.dispose();
    tf.disposeVariables();
  });

  it('trains as the eager function does, step by step', () => {
    const run = (wrap: (fn: Fn) => Fn) => {
      const filter = tf.variable(tf.reshape<tf.Rank.R4>(tf.mul(tf.sin(tf.range(0, 288)), 0.2), [3, 3, 4, 8]));
      const bias = tf.variable(tf.zeros([8]));
      const optimizer = tf.train.adam(1e-2);
      const average = tf.variable(filter);
      const step = wrap((x) => {
        const loss = () => tf.mean(tf.square(tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, filter, 1, 'same'), bias))));
        const { value, grads } = tf.variableGrads(loss as () => tf.Scalar, [filter, bias] as tf.Variable[]);
        const norm = tf.sqrt(tf.addN(Object.values(grads).map((grad) => tf.sum(tf.square(grad)))));
        optimizer.applyGradients(Object.fromEntries(Object.entries(grads).map(([n, g]) => [n, tf.div(g, norm)])));
        average.assign(tf.add(tf.mul(average, 0.9), tf.mul(filter as tf.Tensor, 0.1)));
        return [value, norm];
      });
      const losses = Array.from({ length: 20 }, (_, i) => {
        const x = tf.reshape(tf.cos(tf.add(tf.range(0, 512), i)), [2, 8, 8, 4]);
        return (step(x) as tf.Tensor[]).map((value) => value.dataSync()[0]!);
      });
      return { losses, filter: filter.dataSync(), average: average.dataSync() };
    };
    const eager = run((fn) => fn);
    tf.disposeVariables();
    const graph = run((fn) => compiled(fn));
    expect(graph.losses.flat()).toBeAllClose(eager.losses.flat(), { rtol: 1e-5 });
    expect(graph.filter).toBeAllClose(eager.filter, { rtol: 1e-5 });
    expect(graph.average).toBeAllClose(eager.average, { rtol: 1e-5 });
    const { graphs } = made[0]!.stats;
    expect(graphs).toHaveLength(1);
    expect(graphs[0]).toMatchObject({ arguments: 'float32[2,8,8,4]', replays: 18 });
    expect(graphs[0]!.difference).toBeLessThan(1e-5);
    expect(graphs[0]!.operationCounts['Conv2D']).toBe(1);
  });

  it('tells inputs apart that are the same tensor when it records', () => {
    const step = compiled((a: tf.Tensor, b: tf.Tensor) => [tf.sub(a, b), a, tf.add(a, 1), tf.add(a, 1)]);
    const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([5, 7])];
    step(x, x);
    step(x, x);
    const [difference, first, sum, again] = step(y, x);
    expect(difference!).toBeAllClose([4, 5]);
    expect(first!).toBeAllClose([5, 7]);
    tf.dispose([first!, sum!]);
    expect(again!).toBeAllClose([6, 8]);
    expect(y.isDisposed).toBe(false);
  });

  it('reads variables at each run, assigns them, and keeps apart those that began as one', () => {
    const weight = tf.variable(tf.scalar(1));
    const copy = tf.variable(weight);
    const swap = compiled(() => {
      const old = tf.clone(weight);
      weight.assign(tf.add(copy, 1));
      copy.assign(old);
      return [tf.mul(weight, 10)];
    });
    const seen = Array.from({ length: 4 }, () => swap()[0]!.dataSync()[0]);
    expect(seen).toEqual([20, 20, 30, 30]);
    expect([weight.dataSync()[0], copy.dataSync()[0]]).toEqual([3, 3]);
    weight.assign(tf.scalar(100));
    swap();
    expect([weight.dataSync()[0], copy.dataSync()[0]]).toEqual([4, 100]);
  });

  it('lets a function set up variables in its first call', () => {
    let counter: tf.Variable | undefined;
    const count = compiled((x: tf.Tensor) => {
      counter ??= tf.variable(tf.scalar(0));
      counter.assign(tf.add(counter, tf.sum(x)));
      return tf.clone(counter);
    });
    const seen = Array.from({ length: 5 }, () => count(tf.ones([2])).dataSync()[0]);
    expect(seen).toEqual([2, 4, 6, 8, 10]);
  });

  it('finds shapes that stand-ins of zeros cannot give', () => {
    const step = compiled((a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.floorDiv(a, tf.mul(b, b))));
    for (let call = 0; call < 3; call++) {
      expect(step(tf.tensor1d([17, 9], 'int32'), tf.tensor1d([2, 3], 'int32')).dataSync()[0]).toBe(5);
    }
    expect(() => step(tf.tensor1d([17], 'int32'), tf.tensor1d([0], 'int32'))).toThrow('division by zero');
    expect(step(tf.tensor1d([17], 'int32'), tf.tensor1d([2], 'int32')).dataSync()[0]).toBe(4);
  });

  it('leaves what a refused function had made before as if it had been executed up to there', () => {
    const total = tf.variable(tf.scalar(1));
    const extra: tf.Tensor[] = [];
    const step = compiled((x: tf.Tensor) => {
      total.assign(tf.add(total, tf.sum(x)));
      extra.push(tf.variable(tf.mul(total, 2)), tf.keep(tf.mul(total, 3)));
      return tf.mul(x, total.dataSync()[0]!);
    });
    const x = tf.ones([4]);
    expect(() => step(x)).toThrow(expect.objectContaining({ code: 'ENGINE_COMPILE_READS_VALUES' }));
    expect([total, ...extra].map((tensor) => tensor.dataSync()[0])).toEqual([5, 10, 15]);
    const before = heldTensors();
    expect(() => step(x)).toThrow(expect.objectContaining({ code: 'ENGINE_COMPILE_READS_VALUES' }));
    expect(heldTensors() - before).toBe(2);
    tf.dispose([x, ...extra]);
  });

  it('puts variables back where the function itself fails while it is executed', () => {
    const weight = tf.variable(tf.tensor1d([3], 'int32'));
    const step = compiled((x: tf.Tensor) => {
      weight.assign(tf.add(weight, x));
      return tf.gather(x, tf.add(x, x));
    });
    expect(() => step(tf.tensor1d([1], 'int32'))).toThrow('is not in [0, 1)');
    expect(weight.dataSync()[0]).toBe(3);
  });

  it('holds a bounded number of graphs, and frees them', async () => {
    const [graphs, tensors, folders] = [heldGraphs(), heldTensors(), temporaryFolders()];
    const step = compile((x: tf.Tensor) => tf.sum(tf.square(x)), { maxGraphs: 3 });
    for (let size = 1; size <= 200; size++) {
      const x = tf.ones([size]);
      const sum = step(x);
      expect(sum.dataSync()[0]).toBe(size);
      tf.dispose([x, sum]);
      expect(heldGraphs() - graphs).toBeLessThanOrEqual(3);
    }
    expect(step.stats.graphs.map((graph) => graph.arguments)).toEqual(['float32[198]', 'float32[199]', 'float32[200]']);
    const x = tf.ones([200]);
    await expect(() => step(x).dispose()).toLeakNoTensors();
    x.dispose();
    step.dispose();
    expect([heldGraphs(), heldTensors(), temporaryFolders()]).toEqual([graphs, tensors, folders]);
  });

  it('runs compiled functions within compiled functions', () => {
    const inner = compiled((x: tf.Tensor) => tf.square(x));
    const outer = compiled((x: tf.Tensor) => tf.add(inner(x), 1));
    for (let call = 0; call < 3; call++) expect(outer(tf.scalar(3)).dataSync()[0]).toBe(10);
    expect(inner.stats.graphs).toHaveLength(0);
  });

  it('refuses what would stay the same for ever, naming the line', () => {
    const x = tf.tensor1d([1, 2]);
    let calls = 0;
    const cases: [string, Fn][] = [
      ['ENGINE_COMPILE_READS_VALUES', (v) => tf.mul(v, v.dataSync()[0]!)],
      ['ENGINE_COMPILE_READS_VALUES', (v) => (tf.max(v).arraySync() === 2 ? v : tf.neg(v))],
      ['ENGINE_COMPILE_RANDOM', (v) => tf.add(v, tf.randomNormal(v.shape))],
      ['ENGINE_COMPILE_RANDOM', (v) => tf.mul(v, Math.random())],
      ['ENGINE_COMPILE_CHANGED', (v) => tf.mul(v, ++calls)],
      ['ENGINE_COMPILE_CHANGED', (v) => (++calls % 2 === 0 ? tf.square(v) : tf.exp(v))],
      ['ENGINE_COMPILE_CHANGED', (v) => (++calls % 2 === 0 ? tf.square(v) : tf.square(tf.square(v)))],
      ['ENGINE_COMPILE_UNSUPPORTED_OP', (v) => tf.unique(tf.cast(v, 'int32')).values],
    ];
    for (const [code, fn] of cases) {
      const { code: thrown, message } = failure(fn, x);
      expect([thrown, message]).toEqual([code, expect.stringContaining('compile.test.ts:')]);
    }
    // The engine works on.
    expect(compiled((v: tf.Tensor) => tf.square(v))(x)).toBeAllClose([1, 4]);
    expect(Math.random()).toBeLessThan(1);
  });

  it('refuses state that is not in variables, and closures over tensors that go', () => {
    const x = tf.tensor1d([1]);
    let state: tf.Tensor = tf.keep(tf.scalar(1));
    const keeps = failure((v) => {
      state = tf.keep(tf.add(state, 1));
      return tf.mul(v, state);
    }, x);
    expect(keeps).toMatchObject({
      code: 'ENGINE_COMPILE_STATE',
      message: expect.stringContaining('compile.test.ts:') as string,
    });

    const constant = tf.tensor1d([2]);
    const step = compiled((v: tf.Tensor) => tf.mul(v, constant));
    for (let call = 0; call < 3; call++) expect(step(x)).toBeAllClose([2]);
    constant.dispose();
    expect(() => step(x)).toThrow(
      expect.objectContaining({
        code: 'ENGINE_COMPILE_DISPOSED_CAPTURE',
        message: expect.stringContaining('compile.test.ts:') as string,
      }),
    );
  });

  it('refuses tensors that were disposed before, naming the line, and leaks nothing', () => {
    const [x, gone] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    tf.dispose([gone, tf.square(x)]); // Data is TensorFlow's from its first use on.
    const before = [heldTensors(), tf.memory().numTensors];
    const refused: [string, Fn][] = [
      ['ENGINE_COMPILE_DISPOSED_CAPTURE', (v) => tf.add(v, gone)],
      ['ENGINE_COMPILE_DISPOSED_CAPTURE', (v) => tf.grad((u) => tf.mul(u, gone))(v)],
      ['ENGINE_COMPILE_DISPOSED_CAPTURE', (v) => tf.add(tf.square(v), dispose(tf.exp(v)))],
      ['ENGINE_COMPILE_DISPOSED_CAPTURE', (v) => tf.mul(v, tf.reshape(gone, [1, 2]))],
      ['ENGINE_COMPILE_OUTPUT', (v) => dispose(tf.square(v))],
      ['ENGINE_COMPILE_UNSUPPORTED_OP', () => tf.tensor1d(['text'])],
    ];
    for (const [code, fn] of refused) {
      const { code: thrown, message } = failure(fn, x);
      expect([thrown, message]).toEqual([code, expect.stringContaining('compile.test.ts:')]);
    }
    expect([heldTensors(), tf.memory().numTensors]).toEqual(before);
    expect(compiled((v: tf.Tensor) => tf.square(v))(x)).toBeAllClose([1, 4]);
    x.dispose();
  });

  describe('with a memory budget', () => {
    /** Loss and gradient of some layers, 64 kB each. */
    const layers = (x: tf.Tensor, w: tf.Tensor) => {
      const loss = (v: tf.Tensor) => {
        let y = x;
        for (let layer = 0; layer < 24; layer++) y = tf.sigmoid(tf.mul(tf.add(y, v), 1.5));
        return tf.mean(y);
      };
      const { value, grad } = tf.valueAndGrad(loss)(w);
      return [value, grad];
    };
    const [x, w] = [normal(128, 128), normal(128)];

    it('holds no more than that, with the same results, and reports what it keeps', () => {
      const direct = compiled(layers);
      const expected = direct(x, w);
      const { memory } = direct.stats.graphs[0]!;
      expect(memory.recomputed).toBe(0);
      expect(memory.peakBytes).toBeGreaterThan(24 * 65536);
      expect(memory.kept[0]!.bytes).toBeGreaterThan(20 * 65536);
      expect(memory.kept[0]!.line).toContain('compile.test.ts:');
      for (const share of [0.8, 0.6, 0.45]) {
        const memoryBudget = share * memory.peakBytes;
        const step = compiled(layers, { memoryBudget });
        for (let call = 0; call < 3; call++) {
          const results = step(x, w);
          results.forEach((result, i) => expect(result.dataSync()).toEqual(expected[i]!.dataSync()));
          tf.dispose(results);
        }
        const [graph] = step.stats.graphs;
        expect(graph!.memory.peakBytes).toBeLessThanOrEqual(memoryBudget);
        expect(graph!.memory.recomputed).toBeGreaterThan(0);
      }
    });

    it('refuses one that cannot be met, saying what can, and leaks nothing', () => {
      const [tensors, graphs] = [heldTensors(), heldGraphs()];
      const step = compile(layers, { memoryBudget: 1e5 });
      const refusal = {
        code: 'ENGINE_COMPILE_MEMORY',
        message: expect.stringMatching(/needs at least [\d.]+ MB.*Raise/) as string,
      };
      expect(() => step(x, w)).toThrow(expect.objectContaining(refusal));
      expect(() => step(x, w)).toThrow(expect.objectContaining(refusal));
      expect([heldTensors(), heldGraphs()]).toEqual([tensors, graphs]);
      const smaller = normal(8, 128);
      expect(step(smaller, w)).toHaveLength(2);
      step.dispose();
    });

    it('checks it', () => {
      for (const memoryBudget of [0, -1, NaN, '1 GB']) {
        const bad = { code: 'ENGINE_COMPILE_OPTION', message: expect.stringContaining('memoryBudget') as string };
        expect(() => compile(layers, { memoryBudget: memoryBudget as number })).toThrow(expect.objectContaining(bad));
      }
    });
  });

  it('refuses another number of results for other shapes, and arguments that are not tensors', () => {
    const step = compiled((v: tf.Tensor) => tf.unstack(tf.square(v)));
    step(tf.ones([2]));
    const changed = { code: 'ENGINE_COMPILE_CHANGED', message: expect.stringContaining('compile.test.ts:') as string };
    expect(() => step(tf.ones([3]))).toThrow(expect.objectContaining(changed));
    expect(step(tf.ones([2]))).toHaveLength(2);
    const bad = { code: 'ENGINE_COMPILE_ARGUMENT', message: expect.stringContaining('tf.scalar') as string };
    expect(() => step(3 as never)).toThrow(expect.objectContaining(bad));
    const gone = tf.scalar(1);
    gone.dispose();
    expect(() => step(gone)).toThrow(expect.objectContaining({ code: 'ENGINE_COMPILE_ARGUMENT' }));
  });

  it('compares the graph with the eager call, unless told not to', () => {
    const mean = (x: tf.Tensor) => tf.mean(tf.exp(x));
    const x = normal(1000);
    const checked = compiled(mean);
    checked(x);
    expect(checked.stats.graphs[0]!.difference).toBeLessThan(1e-5);
    const unchecked = compiled(mean, { tolerance: Infinity });
    expect(unchecked(x).dataSync()[0]).toBeCloseTo(mean(x).dataSync()[0]!, 4);
    expect(unchecked.stats.graphs[0]).not.toHaveProperty('difference');
  });
});

function dispose(tensor: tf.Tensor): tf.Tensor {
  tensor.dispose();
  return tensor;
}

function temporaryFolders(): number {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`missing-u-graph-${process.pid}-`)).length;
}
