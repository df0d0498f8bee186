import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { OdeError } from '../src/index.ts';
import {
  adjoint, initialMotion, integrate, methodNames, odeint, odeintAsync, secondOrder, stepper, type OdeOptions, type StepInfo,
} from '../src/index.ts'; // prettier-ignore

const decay = (_t: number, y: tf.Tensor): tf.Tensor => tf.neg(y);
const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as OdeError).code;
  }
  return 'nothing thrown';
};

describe('odeint', () => {
  const cases = methodNames.filter((name) => name !== 'leapfrog');

  it.each(cases)('solves y’ = -y by %s, both ways', (method) => {
    const adaptive = ['dopri5', 'tsit5', 'dopri8', 'bosh3', 'fehlberg2', 'adaptive_heun', 'kvaerno3'].includes(method);
    const options: OdeOptions = adaptive ? { rtol: 1e-5, atol: 1e-6 } : { stepSize: 0.02 };
    for (const ts of [
      [0, 0.5, 1],
      [1, 0.5, 0],
    ]) {
      const expected = ts.flatMap((t) => [Math.exp(-t), 2 * Math.exp(-t)]);
      const { ys, status } = odeint(decay, tf.tensor1d(expected.slice(0, 2)), ts, { method, ...options });
      expect(status).toBe('success');
      expect(ys.shape).toEqual([3, 2]);
      expect(ys).toBeAllClose(expected, { rtol: method === 'euler' ? 2e-2 : 2e-3 });
    }
  });

  it('works on trees, whose leaves get time as their first axis', () => {
    const y0: { a: tf.Tensor; rest: tf.Tensor[] } = { a: tf.tensor1d([1, 2]), rest: [tf.scalar(3)] };
    const { ys } = odeint(
      (_t, { a, rest }: typeof y0) => ({ a: tf.neg(a), rest: [tf.mul(rest[0]!, -2)] }),
      y0,
      [0, 1],
      { rtol: 1e-5, atol: 1e-6 },
    );
    expect(ys.a).toBeAllClose([1, 2, Math.exp(-1), 2 * Math.exp(-1)], { rtol: 1e-4 });
    expect(ys.rest[0]!).toBeAllClose([3, 3 * Math.exp(-2)], { rtol: 1e-4 });
  });

  it('returns y0 for a single time, without calling f', () => {
    const y0 = tf.tensor1d([1, 2]);
    const { ys, stats } = odeint(() => { throw new Error('called'); }, y0, [3]); // prettier-ignore
    expect(ys).toBeAllClose([[1, 2]]);
    expect(stats.nfe).toBe(0);
  });

  it('returns every step, the end, or a function of the states', () => {
    const y0 = tf.tensor1d([1, 2]);
    const options = { rtol: 1e-4, atol: 1e-4 };
    const steps = odeint(decay, y0, [0, 1], { ...options, output: 'steps' });
    expect(steps.ys.shape).toEqual([steps.stats.accepted + 1, 2]);
    expect(odeint(decay, y0, [0, 1], { ...options, output: 'end' }).ys.shape).toEqual([1, 2]);
    const { ys } = odeint(decay, y0, [0, 1], {
      ...options,
      outputFn: (t, y: tf.Tensor) => ({ sum: tf.sum(y), t: tf.scalar(t) }),
    });
    expect(ys.sum).toBeAllClose([3, 3 * Math.exp(-1)], { rtol: 1e-3 });
    expect(ys.t).toBeAllClose([0, 1]);
  });

  it('gives the solution as a function of time', async () => {
    const y0 = { y: tf.tensor1d([1, 2]) };
    const run = () =>
      odeint((_t, { y }: typeof y0) => ({ y: tf.neg(y) }), y0, [0, 2], {
        dense: true,
        rtol: 1e-5,
        atol: 1e-6,
      });
    const { dense } = run();
    expect(dense!.evaluate(0.7).y).toBeAllClose([Math.exp(-0.7), 2 * Math.exp(-0.7)], { rtol: 1e-4 });
    expect(dense!.derivative(0.7).y).toBeAllClose([-Math.exp(-0.7), -2 * Math.exp(-0.7)], { rtol: 3e-3 });
    dense!.dispose();
    await expect(() => {
      const solution = run();
      solution.dense!.evaluate(1).y.dispose();
      solution.dense!.dispose();
      solution.ys.y.dispose();
    }).toLeakNoTensors();
  });

  it('is cheap on a fixed grid: one rk4 step reads nothing and needs few tensors', () => {
    const y0 = tf.ones([4]);
    let reads = 0;
    const counted = Object.assign(Object.create(y0) as tf.Tensor, { dataSync: () => reads++ });
    integrate(decay, counted, 0, 1, { method: 'rk4', checkFinite: false });
    expect(reads).toBe(0);
    expect(integrate(decay, y0, 0, 1, { method: 'rk4', checkFinite: false }).y).toBeAllClose(tf.fill([4], 0.375));
  });

  it('takes the same steps whatever is beside a sample, with the norm over samples', () => {
    const rates = tf.tensor2d([[-1], [-1], [-20]]);
    const solveFirst = (count: number, norm: 'rms' | 'perSample') =>
      odeint(
        (_t, y: tf.Tensor) => tf.mul(tf.slice(rates, [3 - count, 0], [count, 1]), y),
        tf.ones([count, 1]),
        [0, 1],
        { norm, rtol: 1e-4, atol: 1e-5 },
      ).stats.nfe;
    // The hard sample alone, and with two easy ones: the root mean square over all would be lulled by them.
    expect(solveFirst(3, 'perSample')).toBe(solveFirst(1, 'perSample'));
    expect(solveFirst(3, 'rms')).toBeLessThan(solveFirst(1, 'rms'));
  });

  it('solves items independently: each as if it were alone', async () => {
    const rates = tf.tensor2d([[-1], [-20]]);
    const f = (_t: number, y: tf.Tensor, item?: number) => tf.mul(tf.slice(rates, [item!, 0], [1, 1]), y);
    const options = { independent: true, rtol: 1e-4, atol: 1e-5 } as const;
    const { ys, stats } = odeint(f, tf.ones([2, 1]), [0, 0.5, 1], options);
    const alone = [-1, -20].map((rate) =>
      odeint((_t, y: tf.Tensor) => tf.mul(y, rate), tf.ones([1, 1]), [0, 0.5, 1], { rtol: 1e-4, atol: 1e-5 }),
    );
    expect(ys).toBeAllClose(
      tf.concat(
        alone.map((solution) => solution.ys),
        1,
      ),
    );
    expect(stats.nfe).toBe(alone[0]!.stats.nfe + alone[1]!.stats.nfe);
    const y0 = tf.ones([2, 1]);
    await expect(() => odeint(f, y0, [0, 1], options).ys.dispose()).toLeakNoTensors();
    expect(code(() => odeint(decay, tf.scalar(1), [0, 1], { independent: true }))).toBe('ODE_OPTION');
  });

  it('takes tolerances by leaf and a norm of one’s own', () => {
    const y0 = { a: tf.scalar(1), b: tf.scalar(0) };
    const f = (t: number, { a }: typeof y0) => ({ a: tf.neg(a), b: tf.scalar(50 * Math.cos(50 * t)) });
    const nfe = (options: OdeOptions<typeof y0>) => odeint(f, y0, [0, 1], options).stats.nfe;
    const tight = nfe({ rtol: 1e-4, atol: 1e-4 });
    const components = { rtol: tf.tensor1d([1e-4, 1]), atol: tf.tensor1d([1e-4, 10]) };
    const joint = odeint(
      (t, y: tf.Tensor) => tf.add(tf.mul(y, [-1, 0]), [0, 50 * Math.cos(50 * t)]),
      tf.tensor1d([1, 0]),
      [0, 1],
      components,
    );
    expect(joint.stats.nfe).toBeLessThan(tight / 2);
    expect(nfe({ rtol: { a: 1e-4, b: 1 }, atol: { a: 1e-4, b: tf.scalar(10) } })).toBeLessThan(tight / 2);
    expect(nfe({ rtol: 1e-4, atol: 1e-4, norm: ({ a }) => tf.abs(a) })).toBeLessThan(tight / 2);
  });

  it('does not dispose what f hands through, nor its arguments', () => {
    const constant = tf.scalar(2);
    const y0 = tf.scalar(1);
    expect(odeint(() => constant, y0, [0, 1], { method: 'rk4' }).ys).toBeAllClose([1, 3]);
    expect(odeint((_t, y: tf.Tensor) => y, y0, [0, 1], { method: 'euler' }).ys).toBeAllClose([1, 2]);
    expect(constant.isDisposed || y0.isDisposed).toBe(false);
  });

  it('leaves no tensor behind, also when f throws half-way', async () => {
    const y0 = tf.tensor1d([1, 2]);
    for (const method of ['rk4', 'dopri5', 'kvaerno3'] as const) {
      const options = { method, ...(method !== 'rk4' && { rtol: 1e-3, atol: 1e-4 }) };
      await expect(() => odeint(decay, y0, [0, 0.3, 1], options).ys.dispose()).toLeakNoTensors();
      let calls = 0;
      const failing = (t: number, y: tf.Tensor) => {
        if (++calls % 7 === 0) throw new Error('half-way');
        return decay(t, y);
      };
      const ts = [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2];
      await expect(() => {
        calls = 0;
        expect(() => odeint(failing, y0, ts, options)).toThrow('half-way');
      }).toLeakNoTensors();
      await expect(() => {
        calls = 0;
        const attempt = (y: tf.Tensor) => {
          expect(() => odeint(failing, y, ts, options)).toThrow('half-way');
          return tf.square(y);
        };
        tf.grad(attempt)(y0).dispose();
      }).toLeakNoTensors();
    }
    await expect(() => {
      expect(code(() => odeint(() => tf.fill([2], NaN), y0, [0, 1]))).toBe('ODE_NON_FINITE');
      expect(code(() => odeint(decay, y0, [0, 1], { maxNumSteps: 1 }))).toBe('ODE_MAX_STEPS_REACHED');
    }).toLeakNoTensors();
  });

  it('returns the last good state on demand', () => {
    const short = odeint(decay, tf.scalar(1), [0, 1], { maxNumSteps: 2, throw: false, rtol: 1e-4 });
    expect(short.status).toBe('maxStepsReached');
    expect(short.ys).toBeAllClose(
      short.ts.map((t) => Math.exp(-t)),
      { rtol: 1e-4 },
    );
    const grid = odeint((t, y: tf.Tensor) => (t < 0.3 ? y : tf.mul(y, NaN)), tf.scalar(1), [0, 0.2, 0.4, 0.6], {
      method: 'euler',
      throw: false,
    });
    expect(grid.ts).toEqual([0, 0.2, 0.4]);
  });
});

describe('second order', () => {
  it('drifts exactly where the acceleration is 0', () => {
    const f = secondOrder((_t, x) => tf.zerosLike(x));
    for (const method of ['rk4', 'leapfrog'] as const) {
      const { y } = integrate(f, initialMotion(tf.scalar(2), tf.scalar(3)), 0, 1, { method });
      expect([y.x.dataSync()[0], y.v.dataSync()[0]]).toEqual([5, 3]);
    }
  });

  it('oscillates: x(1) = cos 1 x0 + sin 1 v0, one rk4 step within 1e-2', () => {
    const f = secondOrder((_t, x) => tf.neg(x));
    const y0 = initialMotion(tf.tensor1d([1, 0]), tf.tensor1d([0, 1]));
    const expected = [Math.cos(1), Math.sin(1)];
    expect(integrate(f, y0, 0, 1, { method: 'rk4' }).y.x).toBeAllClose(expected, { atol: 1e-2 });
    expect(integrate(f, y0, 0, 1, { method: 'rk4', stepSize: 0.1 }).y.x).toBeAllClose(expected, { atol: 1e-5 });
    expect(integrate(f, y0, 0, 1, { rtol: 1e-5, atol: 1e-6 }).y.x).toBeAllClose(expected, { atol: 1e-4 });
    expect(integrate(f, y0, 0, 1, { method: 'leapfrog', stepSize: 0.01 }).y.x).toBeAllClose(expected, { atol: 1e-4 });
  });

  it('begins at rest, with a velocity, or with one computed from x', () => {
    const x: tf.Tensor = tf.tensor1d([1, 2]);
    expect(initialMotion(x).v).toBeAllClose([0, 0]);
    expect(initialMotion({ a: x }, ({ a }) => ({ a: tf.mul(a, 3) })).v.a).toBeAllClose([3, 6]);
  });

  it('refuses states and accelerations that do not fit', () => {
    const f = secondOrder((_t, x: tf.Tensor) => ({ x }) as unknown as tf.Tensor);
    const motion = initialMotion(tf.scalar(1));
    expect(code(() => integrate(f, motion, 0, 1, { method: 'leapfrog' }))).toBe('ODE_FIELD_STRUCTURE');
    expect(code(() => integrate(f as never, tf.scalar(1), 0, 1, { method: 'leapfrog' }))).toBe('ODE_STATE');
    expect(code(() => integrate(decay, tf.scalar(1), 0, 1, { method: 'leapfrog' }))).toBe('ODE_METHOD');
  });

  it('leaves no tensor behind', async () => {
    const f = secondOrder((_t, x) => tf.neg(x));
    const y0 = initialMotion(tf.scalar(1));
    for (const method of ['rk4', 'leapfrog'] as const) {
      await expect(() => tf.dispose(odeint(f, y0, [0, 0.3, 1], { method, stepSize: 0.2 }).ys)).toLeakNoTensors();
    }
  });
});

describe('odeintAsync and stepper', () => {
  it('gives what odeint gives', async () => {
    const y0 = tf.tensor1d([1, 2]);
    const options = { rtol: 1e-4, atol: 1e-5 };
    const [now, later] = [odeint(decay, y0, [0, 1], options), await odeintAsync(decay, y0, [0, 1], options)];
    expect(later.ys).toBeAllClose(now.ys);
    expect(later.stats).toEqual(now.stats);
    await expect(async () => (await odeintAsync(decay, y0, [0, 1], options)).ys.dispose()).toLeakNoTensors();
    await expect(odeintAsync(decay, y0, [0, 1], { signal: AbortSignal.abort() })).rejects.toThrow('abort');
  });

  it('leaves no tensor behind where f throws half-way, or the signal is given on the way', async () => {
    const y0 = tf.tensor1d([1, 2]);
    await expect(async () => {
      let calls = 0;
      const failing = (t: number, y: tf.Tensor) => {
        if (++calls === 11) throw new Error('half-way');
        return decay(t, y);
      };
      await expect(odeintAsync(failing, y0, [0, 1, 2], { rtol: 1e-3 })).rejects.toThrow('half-way');
    }).toLeakNoTensors();
    await expect(async () => {
      const stop = new AbortController();
      const options = { rtol: 1e-3, signal: stop.signal, dense: true, output: 'steps' } as const;
      const onStep = ({ progress }: StepInfo) => {
        if (progress > 0.3) stop.abort();
      };
      await expect(odeintAsync(decay, y0, [0, 5], { ...options, onStep })).rejects.toMatchObject({
        code: 'ODE_ABORTED',
      });
    }).toLeakNoTensors();
  });

  it('steps by hand, without leaks', async () => {
    const y0 = tf.scalar(1);
    const run = () => {
      const hand = stepper(decay, { method: 'dopri5', rtol: 1e-3, atol: 1e-3 });
      let state = hand.init(0, y0);
      for (let i = 0; i < 4; i++) {
        const { state: next, errorRatio } = hand.step(state, 0.25);
        expect(errorRatio).toBeLessThan(1);
        tf.dispose(state);
        state = next;
      }
      expect(state.y).toBeAllClose(Math.exp(-1), { rtol: 1e-4 });
      tf.dispose(state);
    };
    await expect(run).toLeakNoTensors();
  });
});

describe('bad input', () => {
  const y0 = () => tf.tensor1d([1, 2]);

  it.each([
    ['ODE_TIMES', () => odeint(decay, y0(), [])],
    ['ODE_TIMES', () => odeint(decay, y0(), [0, 0])],
    ['ODE_TIMES', () => odeint(decay, y0(), tf.tensor1d([0, 2, 1]))],
    ['ODE_NON_FINITE', () => odeint(decay, tf.tensor1d([NaN]), [0, 1])],
    ['ODE_NON_FINITE', () => odeint(decay, tf.tensor1d([Infinity]), [0, 1], { method: 'rk4' })],
    ['ODE_NON_FINITE', () => odeint((_t, y: tf.Tensor) => tf.mul(y, NaN), y0(), [0, 1], { method: 'rk4' })],
    ['ODE_STATE', () => odeint(decay, tf.tensor1d([1], 'int32'), [0, 1])],
    ['ODE_STATE', () => odeint((_t, y) => y, {}, [0, 1])],
    ['ODE_STATE', () => odeint(decay, 3 as never, [0, 1])],
    ['ODE_STATE', () => odeint(decay, undefined as never, [0, 1])],
    ['ODE_STATE', () => odeint(decay, [1, 2] as never, [0, 1])],
    ['ODE_TIMES', () => odeint(decay, y0(), 1 as never)],
    ['ODE_TIMES', () => odeint(decay, y0(), undefined as never)],
    ['ODE_FIELD', () => odeint(3 as never, y0(), [0, 1])],
    ['ODE_FIELD', () => stepper(undefined as never)],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { step_size: 0.1 } as object)],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { gradient: 'adjoint' as never })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { gradient: adjoint as never })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { output: 'all' as never })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { events: [{ fn: 1 as never }] })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { events: [{ fn: () => 1, direction: 2 as never }] })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { events: [null as never] })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { onStep: 5 as never })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { outputFn: 5 as never })],
    ['ODE_TIMES', () => odeint(decay, y0(), tf.tensor2d([[0, 1]]))],
    ['ODE_TOLERANCE', () => odeint((_t, y) => y, { y: y0() }, [0, 1], { rtol: null as never })],
    ['ODE_EVENT', () => odeint(decay, y0(), [0, 1], { events: [{ fn: (_t, y) => y }] })],
    ['ODE_EVENT', () => odeint(decay, y0(), [0, 1], { events: [{ fn: () => NaN }] })],
    ['ODE_TOLERANCE', () => odeint(decay, y0(), [0, 1], { rtol: -1 })],
    ['ODE_TOLERANCE', () => odeint(decay, y0(), [0, 1], { rtol: tf.tensor1d([1e-3, 0]) })],
    ['ODE_TOLERANCE', () => odeint(decay, y0(), [0, 1], { atol: tf.tensor1d([1e-3, 1e-3, 1e-3]) })],
    ['ODE_TOLERANCE', () => odeint(decay, y0(), [0, 1], { atol: { a: 1 } })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { norm: 'max' as never })],
    ['ODE_OPTION', () => odeint(decay, y0(), [0, 1], { method: 'euler', minStep: 1 })],
    ['ODE_UNKNOWN_METHOD', () => odeint(decay, y0(), [0, 1], { method: 'rk5' as never })],
    ['ODE_FIELD_STRUCTURE', () => odeint((_t, y: tf.Tensor) => ({ y }) as never, y0(), [0, 1])],
    ['ODE_FIELD_SHAPE', () => odeint(() => tf.scalar(1), y0() as tf.Tensor, [0, 1])],
    ['ODE_FIELD_SHAPE', () => odeint((_t, y: tf.Tensor) => tf.cast(y, 'int32'), y0(), [0, 1])],
    ['ODE_ASYNC_FIELD', () => odeint((async (_t: number, y: tf.Tensor) => y) as never, y0(), [0, 1])],
    ['ODE_PARAMETERS', () => odeint(decay, y0(), [0, 1], { parameters: [3 as never] })],
    ['ODE_PARAMETERS', () => odeint(decay, y0(), [0, 1], { parameters: tf.scalar(1) as never })],
  ])('%s', (expected, run) => {
    tf.tidy(() => void expect(code(run)).toBe(expected));
  });

  it('refuses disposed tensors', () => {
    const gone = tf.scalar(1);
    gone.dispose();
    expect(code(() => odeint(decay, gone, [0, 1]))).toBe('ODE_DISPOSED');
    expect(code(() => odeint(decay, tf.scalar(1), gone))).toBe('ODE_DISPOSED');
    expect(code(() => odeint(decay, tf.scalar(1), [0, 1], { parameters: [gone] }))).toBe('ODE_DISPOSED');
    expect(code(() => odeint(() => gone, tf.scalar(1), [0, 1]))).toBe('ODE_DISPOSED');
    const disposing = (t: number, y: tf.Tensor) => {
      const slope = decay(t, y);
      y.dispose();
      return slope;
    };
    expect(code(() => odeint(disposing, tf.scalar(1), [0, 1], { method: 'rk4' }))).toBe('ODE_DISPOSED');
  });

  it('names a disposed tensor that f closes over, and works on afterwards', async () => {
    const gone = tf.tensor2d([[1, 2]]);
    gone.dispose();
    const y0 = tf.tensor1d([1, 2]);
    const fields: ((t: number, y: tf.Tensor) => tf.Tensor)[] = [
      (_t, y) => tf.mul(y, tf.reshape(gone, [2])),
      (_t, y) => tf.reshape(tf.mul(gone, y), [2]),
      (_t, y) => tf.add(y, tf.sum(tf.concat([gone, tf.reshape(y, [1, 2])]))),
    ];
    for (const field of fields) {
      const refusal = { code: 'ODE_DISPOSED', message: expect.stringMatching(/\[1,2\].*keep/) as string };
      const solve = () => odeint(field, y0, [0, 1], { method: 'rk4' });
      expect(solve).toThrow(expect.objectContaining(refusal));
      expect(() => tf.grad((y) => tf.sum(odeint(field, y, [0, 1], { method: 'rk4' }).ys))(y0)).toThrow(
        expect.objectContaining({ code: 'ODE_DISPOSED' }),
      );
      await expect(() => void code(solve)).toLeakNoTensors();
    }
    const failing = () => {
      throw new RangeError('of the caller');
    };
    expect(() => odeint(failing, y0, [0, 1])).toThrow(RangeError);
    tf.dispose(odeint(decay, y0, [0, 1]).ys);
  });
});
