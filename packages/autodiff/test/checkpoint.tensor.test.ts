import { compile } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkpoint, stopGradient, vjp, withCaptures } from '../src/index.ts';

/** A chain of operations whose intermediate results a tape would keep. */
function chain(x: tf.Tensor, w: tf.Tensor, length: number): tf.Tensor {
  let y = x;
  for (let i = 0; i < length; i++) y = tf.tanh(tf.add(tf.mul(y, w), 0.1));
  return y;
}

describe('checkpoint', () => {
  it('gives the gradients of the plain function for inputs and captured variables', () => {
    const x = tf.tensor1d([0.3, -0.7]);
    const w = tf.variable(tf.tensor1d([0.9, 1.1]));
    const plain = tf.variableGrads(() => tf.sum<tf.Scalar>(chain(x, w, 8)));
    const saved = tf.variableGrads(() => tf.sum<tf.Scalar>(checkpoint((y: tf.Tensor) => chain(y, w, 8), x)));
    expect(saved.value).toBeAllClose(plain.value);
    expect(saved.grads[w.name]!).toBeAllClose(plain.grads[w.name]!);
    expect(tf.grad((y) => checkpoint(() => chain(y, w, 8)))(x)).toBeAllClose(tf.grad((y) => chain(y, w, 8))(x));
    w.dispose();
  });

  it('reaches a captured result of the surrounding tape, which is gone when the backward pass begins', async () => {
    const s = tf.scalar(0.5);
    const loss = (t: tf.Tensor) =>
      tf.tidy(() => {
        const film = tf.square(t);
        return tf.sum(checkpoint((y: tf.Tensor) => tf.mul(y, film), tf.tensor1d([1, 2])));
      });
    expect(tf.grad(loss)(s)).toBeAllClose(3);
    await expect(() => tf.grad(loss)(s).dispose()).toLeakNoTensors();
  });

  it('reaches an input by its argument, by a closure over it, and by both, once each', () => {
    const x = tf.scalar(3);
    const segments: ((y: tf.Tensor) => tf.Tensor)[] = [
      (y) => checkpoint((z: tf.Tensor) => tf.square(z), y),
      (y) => checkpoint(() => tf.square(y), [y]),
      (y) => checkpoint((z: tf.Tensor) => tf.mul(y, z), [y]),
      (y) => checkpoint((a: tf.Tensor, b: tf.Tensor) => tf.mul(a, b), [y, y]),
    ];
    for (const square of segments) {
      expect(tf.grad((y) => square(y))(x)).toBeAllClose(6);
      expect(vjp((y: tf.Tensor) => vjp(square, y), x)).toBeAllClose(2);
    }
  });

  it('gives a result that comes twice its gradient once', () => {
    const twice = (y: tf.Tensor) => {
      const square = tf.square(y);
      return [square, square] as const;
    };
    const loss = (y: tf.Tensor) => {
      const [a, b] = checkpoint(twice, y);
      return tf.add(a, tf.mul(b, 10));
    };
    expect(tf.grad((y) => loss(y))(tf.scalar(3))).toBeAllClose(66);
  });

  it('keeps captured tensors that are made of each other apart in second derivatives', () => {
    // x · x², where both factors are captured: 3 x², then 6 x.
    const cube = (y: tf.Tensor) => {
      const square = tf.square(y);
      return checkpoint(() => tf.mul(y, square));
    };
    const x = tf.scalar(2);
    expect(tf.grad((y) => cube(y))(x)).toBeAllClose(12);
    expect(vjp((y: tf.Tensor) => vjp(cube, y), x)).toBeAllClose(12);
    expect(tf.grad((y) => tf.grad((z) => cube(z))(y))(x)).toBeAllClose(12);
  });

  it('leaves captured tensors to their owner', () => {
    const constant = tf.scalar(3);
    const x = tf.scalar(2);
    expect(tf.grad((y) => checkpoint((z: tf.Tensor) => tf.mul(z, constant), y))(x)).toBeAllClose(3);
    expect(constant.isDisposed).toBe(false);
    tf.tidy(() => {
      const scoped = tf.scalar(5);
      tf.grad((y) => checkpoint((z: tf.Tensor) => tf.mul(z, scoped), y))(x);
      expect(scoped.isDisposed).toBe(false);
      expect(scoped.kept).toBe(false);
    });
  });

  it('can be nested and differentiated twice', () => {
    const x = tf.tensor1d([0.5, 2]);
    const cube = (y: tf.Tensor) =>
      checkpoint(
        (z: tf.Tensor) =>
          tf.mul(
            z,
            checkpoint(() => tf.square(z)),
          ),
        y,
      );
    expect(tf.grad((y) => cube(y))(x)).toBeAllClose([0.75, 12]);
    expect(tf.grad((y) => tf.grad((z) => cube(z))(y))(x)).toBeAllClose([3, 12]);
    expect(vjp((y: tf.Tensor) => vjp(cube, y), x)).toBeAllClose([3, 12]);
  });

  it('needs the memory of one segment instead of all of them', () => {
    const x = tf.zeros([1000]);
    const w = tf.scalar(0.9);
    const peak = (segmented: boolean): number => {
      let bytes = 0;
      tf.grad((y) => {
        let z = y;
        for (let i = 0; i < 10; i++) z = segmented ? checkpoint((v: tf.Tensor) => chain(v, w, 10), z) : chain(z, w, 10);
        bytes = tf.memory().numBytes;
        return z;
      })(x).dispose();
      return bytes;
    };
    expect(peak(true) * 5).toBeLessThan(peak(false));
  });

  it('leaves no tensor behind, also when f throws', async () => {
    const x = tf.tensor1d([1, 2]);
    await expect(() =>
      tf
        .grad((y) => checkpoint((z: tf.Tensor) => tf.square(z), y))(x)
        .dispose(),
    ).toLeakNoTensors();
    await expect(() => checkpoint((z: tf.Tensor) => tf.square(z), x).dispose()).toLeakNoTensors();
    await expect(() =>
      vjp((y: tf.Tensor) => {
        const attempt = () =>
          checkpoint((z: tf.Tensor): tf.Tensor => {
            tf.square(z);
            throw new Error('half-way');
          }, y);
        expect(attempt).toThrow('half-way');
        return tf.square(y);
      }, x).dispose(),
    ).toLeakNoTensors();
  });

  it('refuses inputs that cannot be differentiated', () => {
    expect(() => tf.grad((x) => checkpoint(() => x, tf.scalar(1, 'int32')))(tf.scalar(1))).toThrow('float32 only');
  });
});

describe('withCaptures', () => {
  it('finds what is read and not made inside, and not the results', async () => {
    const [x, w] = [tf.scalar(2), tf.variable(tf.scalar(3))];
    const run = () =>
      tf.tidy(() => withCaptures(() => tf.tanh(tf.mul(tf.add(x, 1), w)), [x]).captured.map(({ id }) => id));
    expect(run()).toEqual([w.id]);
    await expect(run).toLeakNoTensors();
    w.dispose();
  });
});

describe('stopGradient', () => {
  it('keeps the value and cuts the gradient', async () => {
    const x = tf.tensor1d([2, 3]);
    expect(tf.grad((y) => tf.mul(y, stopGradient(y)))(x)).toBeAllClose([2, 3]);
    expect(vjp((y: tf.Tensor) => stopGradient({ y }).y, x)).toBeAllClose([0, 0]);
    await expect(() => stopGradient(x).dispose()).toLeakNoTensors();
    expect(() => stopGradient('x' as unknown as tf.Tensor)).toThrow("is 'x'");
  });

  it('computes again in a graph, too, where the engine has graphs', () => {
    const [x, w] = [tf.ones([64, 64]), tf.scalar(0.7)];
    const run = (f: (v: tf.Tensor) => tf.Tensor) => {
      const step = compile((v: tf.Tensor) => tf.grad((u) => tf.sum(f(u)))(v));
      const results = [step(x), step(x)];
      const { mode, graphs } = step.stats;
      step.dispose();
      return { mode, results, memory: graphs[0]?.memory };
    };
    const segment = (v: tf.Tensor) => chain(v, w, 4);
    const direct = run((v) => segment(segment(segment(v))));
    const saving = run((v) => checkpoint(segment, checkpoint(segment, checkpoint(segment, v))));
    saving.results.forEach((result) => expect(result).toBeAllClose(direct.results[0]!, { rtol: 1e-5 }));
    if (direct.mode !== 'graph') return;
    expect(direct.memory!.recomputed).toBe(0);
    expect(saving.memory!.recomputed).toBeGreaterThanOrEqual(3 * 4 * 3);
    expect(saving.memory!.peakBytes).toBeLessThan(0.8 * direct.memory!.peakBytes);
  });
});
