import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkpoint, jvp, valueAndVjp, vjp } from '../src/index.ts';

describe('vjp', () => {
  const cube = (x: tf.Tensor) => tf.mul(tf.mul(x, x), x);

  it('gives the gradient of x³ outside a tape: 3x²', () => {
    const x = tf.tensor1d([1, -2, 3]);
    expect(vjp(cube, x)).toBeAllClose([3, 12, 27]);
    expect(vjp(cube, [x], tf.tensor1d([1, 10, 100]))[0]).toBeAllClose([3, 120, 2700]);
  });

  it('matches inputs by identity where f closes over them', () => {
    const [x, w] = [tf.tensor1d([1, 2]), tf.variable(tf.tensor1d([3, 4]))];
    const [dx, dw] = vjp(() => tf.mul(x, w), [x, w]);
    expect(dx).toBeAllClose([3, 4]);
    expect(dw).toBeAllClose([1, 2]);
    w.dispose();
  });

  it('takes a tensor that is given twice as two inputs', async () => {
    const x = tf.scalar(3);
    const product = (a: tf.Tensor, b: tf.Tensor) => tf.mul(a, tf.square(b));
    const [da, db] = vjp(product, [x, x]);
    expect([da.dataSync()[0], db.dataSync()[0]]).toEqual([9, 18]);
    // Each of the two slots again: 9 + 18 = 3 x², whose derivative is 6 x.
    const total = (y: tf.Tensor) => tf.addN(vjp(product, [y, y]));
    expect(tf.grad((y) => total(y))(x)).toBeAllClose(18);
    await expect(() => tf.dispose(vjp(product, [x, x]))).toLeakNoTensors();
  });

  it('gives partial derivatives within a tape, too, where one input was made of another', () => {
    const outer = (y: tf.Tensor) => {
      const square = tf.square(y);
      return vjp((a: tf.Tensor, b: tf.Tensor) => tf.mul(a, b), [y, square])[0];
    };
    const x = tf.scalar(3);
    let partial: number | undefined;
    const slope = tf.grad((y) => {
      const value = outer(y);
      [partial] = value.dataSync();
      return value;
    })(x);
    expect(partial).toBe(9);
    expect(slope).toBeAllClose(6);
  });

  it('takes and gives trees, with several outputs', () => {
    const xs = { a: tf.scalar(2), b: tf.scalar(5) };
    const { value, grads } = valueAndVjp(({ a, b }: typeof xs) => ({ sum: tf.add(a, b), product: tf.mul(a, b) }), xs, {
      sum: tf.scalar(1),
      product: tf.scalar(10),
    });
    expect(value.product).toBeAllClose(10);
    expect(grads.a).toBeAllClose(51);
    expect(grads.b).toBeAllClose(21);
  });

  it('refuses to go back through complex numbers, rather than call their part nothing', ({ skip }) => {
    if (tf.getKernel('Complex', tf.getBackend()) === undefined) skip('this engine has no complex numbers');
    const doubled = (x: tf.Tensor) => tf.sum(tf.real(tf.complex(tf.mul(x, 2), x)));
    expect(() => vjp(doubled, tf.tensor1d([1, 2]))).toThrow(
      expect.objectContaining({ code: 'AUTODIFF_OPERATION', message: expect.stringMatching(/Real|Complex/) as string }),
    );
  });

  it('gives zeros for an input that f does not use, and clones where f returns its input', () => {
    const [x, unused] = [tf.tensor1d([1, 2]), tf.tensor2d([[1, 2]])];
    const [dx, du] = vjp((a: tf.Tensor) => a, [x, unused]);
    expect(dx).toBeAllClose([1, 1]);
    expect(du).toBeAllClose(tf.zeros([1, 2]));
    valueAndVjp((a: tf.Tensor) => a, x).value.dispose();
    expect(x.isDisposed).toBe(false);
  });

  it('works in the gradient function of a custom gradient, where tf.grad breaks the outer one', () => {
    const f = tf.customGrad((x) => ({
      value: cube(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => vjp(cube, x as tf.Tensor, dy),
    }));
    expect(tf.grad((x) => tf.sum(f(x)))(tf.tensor1d([1, 2]))).toBeAllClose([3, 12]);
  });

  it('works in the forward of a custom gradient', () => {
    const f = tf.customGrad((x) => ({
      value: vjp(cube, x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, tf.mul(x as tf.Tensor, 6)),
    }));
    expect(tf.grad((x) => tf.sum(f(x)))(tf.tensor1d([1, 2]))).toBeAllClose([6, 12]);
  });

  it('can be differentiated, by itself and by TensorFlow.js', () => {
    const slope = (x: tf.Tensor) => vjp(cube, x);
    const x = tf.tensor1d([1, 2]);
    expect(vjp(slope, x)).toBeAllClose([6, 12]);
    expect(tf.grad((y) => tf.sum(slope(y)))(x)).toBeAllClose([6, 12]);
    expect(vjp((y: tf.Tensor) => vjp(slope, y), x)).toBeAllClose([6, 6]);
    // d/dx of x·y at two outputs joined: the second derivative passes through the join.
    const joint = (y: tf.Tensor) =>
      vjp((z: tf.Tensor): tf.Tensor[] => [cube(z), tf.square(z)], y, [tf.onesLike(y), tf.onesLike(y)]);
    expect(vjp(joint, x)).toBeAllClose([8, 14]);
  });

  it('leaves no tensor behind, also when f throws half-way, within a tape or not', async () => {
    const x = tf.tensor1d([1, 2]);
    await expect(() => vjp(cube, x).dispose()).toLeakNoTensors();
    const failing = (y: tf.Tensor): tf.Tensor => {
      cube(y);
      throw new Error('half-way');
    };
    await expect(() => expect(() => vjp(failing, x)).toThrow('half-way')).toLeakNoTensors();
    await expect(() =>
      tf
        .grad((y) => {
          expect(() => vjp(failing, y)).toThrow('half-way');
          return tf.sum(cube(y));
        })(x)
        .dispose(),
    ).toLeakNoTensors();
  });

  it('refuses what cannot be differentiated', () => {
    const x = tf.tensor1d([1, 2]);
    expect(() => vjp(cube, tf.tensor1d([1], 'int32'))).toThrow('float32 only');
    expect(() => vjp(cube, x, tf.scalar(1))).toThrow('`dy` is float32 []');
    expect(() => vjp((y: tf.Tensor) => ({ y }), x, { z: x } as unknown as { y: tf.Tensor })).toThrow('`.y` is missing');
    expect(() => vjp((y: tf.Tensor) => tf.cast(y, 'int32'), x)).toThrow('int32');
    const gone = tf.tensor1d([1]);
    gone.dispose();
    expect(() => vjp(cube, gone)).toThrow('disposed');
    expect(() => vjp(cube, tf.tensor1d([1]), gone)).toThrow('`dy` holds a disposed tensor');
    expect(() => jvp(cube, tf.tensor1d([1]), gone)).toThrow('`vs` holds a disposed tensor');
    for (const run of [vjp, jvp, checkpoint]) {
      const refusal = expect.objectContaining({ code: 'AUTODIFF_FUNCTION' }) as Error;
      expect(() => run(3 as never, x as never, x as never)).toThrow(refusal);
    }
    expect(() => vjp(cube, { x: 3 } as unknown as tf.Tensor)).toThrow('`xs.x` is 3');
  });
});
