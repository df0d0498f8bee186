import * as tf from '@tensorflow/tfjs-core';
import { checkpoint, gradCheck, vjp } from '@missing-u/autodiff';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adjoint, checkpointed, coupled, direct, initialMotion, integrate, methodNames, odeint, reversible, secondOrder,
  type Gradient, type OdeOptions, type SolverStats,
} from '../src/index.ts'; // prettier-ignore

import { allGradients } from './all-gradients.ts';
import * as float64 from '../src/float64/index.ts';
import { methodOf } from '../src/methods/index.ts';

let w: tf.Variable<tf.Rank.R2>;
let y0: tf.Tensor2D;
let film: tf.Tensor1D;

beforeAll(() => {
  w = tf.variable(tf.tensor2d([-0.3, 1.1, -0.9, -0.2], [2, 2]));
  y0 = tf.tensor2d([1, 0.5, -0.4, 0.8], [2, 2]);
  film = tf.tensor1d([0.3, -0.2]);
});
afterAll(() => tf.dispose([w, y0, film]));

const ts = [0, 0.4, 1];
/** Where the statistics of the last solve are left. */
let stats: SolverStats;

/** A loss on all outputs of a small network in time with a variable and a vector that is made on the tape and captured. */
function loss(
  gradient: Gradient,
  options: OdeOptions<{ u: tf.Tensor }> = {},
): (y: tf.Tensor, s: tf.Tensor) => tf.Tensor {
  return (y, s) =>
    tf.tidy(() => {
      const shift = tf.square(s);
      const f = (t: number, { u }: { u: tf.Tensor }) => ({
        u: tf.add(tf.tanh(tf.matMul(u as tf.Tensor2D, w)), tf.mul(shift, Math.cos(t))),
      });
      const solution = odeint(f, { u: y }, ts, { rtol: 1e-6, atol: 1e-7, gradient, ...options });
      ({ stats } = solution);
      return tf.sum(tf.mul(solution.ys.u, tf.reshape(tf.linspace(0.5, 1.5, 12), [3, 2, 2])));
    });
}

/** With respect to y0, the captured vector's source and the variable. */
function gradientsOf(gradient: Gradient, options: OdeOptions<{ u: tf.Tensor }> = {}): tf.Tensor[] {
  const value = loss(gradient, options);
  return vjp((y: tf.Tensor, s: tf.Tensor, _w: tf.Tensor) => value(y, s), [y0, film, w]);
}

const grid = { method: 'rk4', stepSize: 0.1 } as const;

describe('gradients', () => {
  it.each<[string, Gradient, OdeOptions<{ u: tf.Tensor }>, number]>([
    ['direct, tsit5', direct(), { method: 'tsit5' }, 2e-5],
    ['direct, rk4', direct(), { method: 'rk4', stepSize: 0.05 }, 2e-5],
    ['direct, kvaerno3', direct(), { method: 'kvaerno3', rtol: 1e-4, atol: 1e-4 }, 2e-3],
    ['adjoint', adjoint(), {}, 1e-5],
    ['adjoint, full norm', adjoint({ norm: 'full', rtol: 1e-5 }), {}, 5e-5],
    ['adjoint, own norm', adjoint({ norm: (_y, a) => tf.max(tf.abs(a[0]!)) }), {}, 1e-5],
    ['adjoint, rk4', adjoint({ method: 'rk4', stepSize: 0.05 }), {}, 1e-5],
    ['adjoint, kvaerno3', adjoint({ method: 'kvaerno3', rtol: 1e-4, atol: 1e-4 }), {}, 2e-3],
    ['reversible, dopri5', reversible(), {}, 2e-5],
  ])('%s: that of the exact solution, to its tolerance', (_name, gradient, options, tolerance) => {
    const [actual, expected] = [gradientsOf(gradient, options), gradientsOf(direct())];
    actual.forEach((grad, i) => expect(grad).toBeAllClose(expected[i]!, { rtol: tolerance, atol: tolerance }));
  });

  it.each([
    ['checkpointed', checkpointed()],
    ['checkpointed in 2', checkpointed({ segments: 2 })],
    ['checkpointed with 1 snapshot', checkpointed({ snapshots: 1 })],
    ['checkpointed with 3 snapshots', checkpointed({ snapshots: 3 })],
    ['checkpointed with more snapshots than steps', checkpointed({ snapshots: 100 })],
    ['reversible', reversible()],
  ])('%s: that of the discrete solution, as direct', (name, gradient) => {
    for (const options of [grid, { method: 'dopri5' }, { method: 'bosh3', rtol: 1e-3 }] as const) {
      const method = name === 'reversible' ? coupled(options.method) : options.method;
      const [actual, expected] = [gradientsOf(gradient, options), gradientsOf(direct(), { ...options, method })];
      actual.forEach((grad, i) => expect(grad).toBeAllClose(expected[i]!, { rtol: 1e-5, atol: 1e-5 }));
    }
  });

  it.each(allGradients)('%s agrees with finite differences', (_name, gradient) => {
    gradCheck(loss(gradient(), { method: 'rk4', stepSize: 0.05 }), [y0, film], { rtol: 2e-3, atol: 2e-3 });
  });

  it.each(allGradients)(
    '%s reaches every step where all are put out, and zeros where f uses a tensor not at all',
    (_name, gradient) => {
      const unused = tf.scalar(1);
      const run = (y: tf.Tensor, _u: tf.Tensor) => {
        const options = { ...grid, gradient: gradient(), output: 'steps', parameters: [unused] } as const;
        return tf.sum(odeint((_t, x: tf.Tensor) => tf.neg(x), y, [0, 1], options).ys);
      };
      const [dy, du] = vjp(run, [tf.scalar(2), unused]);
      const sum = Array.from({ length: 11 }, (_, i) => Math.exp(-i / 10)).reduce((total, value) => total + value);
      expect(dy).toBeAllClose(sum, { rtol: 2e-3 });
      expect(du).toBeAllClose(0);
    },
  );

  it.each(allGradients)('%s goes backwards in time, past a jump, and through leapfrog', (name, gradient) => {
    const a = tf.scalar(0.7);
    const jump = (t: number, y: tf.Tensor) => tf.mul(y, t < 0.5 ? a : tf.neg(a));
    const run = (y: tf.Tensor, _a: tf.Tensor) =>
      odeint(jump, y, [1, 0.25, 0], { jumpT: [0.5], rtol: 1e-5, atol: 1e-6, gradient: gradient(), output: 'end' }).ys;
    // y(0) = y(1) e^{0.5 a} e^{-0.5 a}: the gradient of a is 0.
    const [dy, da] = vjp(run, [tf.scalar(2), a]);
    expect(dy).toBeAllClose(1, { rtol: 1e-3 });
    expect(da).toBeAllClose(0, { atol: 1e-3 });
    const oscillator = secondOrder((_t, x: tf.Tensor) => tf.mul(tf.neg(a), x));
    const swing = (x: tf.Tensor, _a: tf.Tensor) =>
      integrate(oscillator, initialMotion(x), 0, 1, { method: 'leapfrog', stepSize: 0.02, gradient: gradient() }).y.x;
    const [dx, ds] = vjp(swing, [tf.scalar(2), a]);
    const root = Math.sqrt(0.7);
    expect(dx).toBeAllClose(Math.cos(root), { rtol: 1e-3 });
    expect(ds).toBeAllClose(-Math.sin(root) / root, { rtol: name === 'adjoint' ? 5e-3 : 1e-3 });
  });

  it.each(allGradients)('%s gives times their gradients', (_name, gradient) => {
    const y = tf.scalar(1.5);
    const run = (times: tf.Tensor) =>
      odeint((_t, x: tf.Tensor) => tf.neg(x), y, times, { rtol: 1e-5, atol: 1e-6, gradient: gradient() }).ys;
    // y(tᵢ) = y0 e^{t0 - tᵢ}; the sum over i = 1, 2 and the constant row 0.
    const d = vjp(run, tf.tensor1d([0.2, 0.5, 1]));
    const [e1, e2] = [1.5 * Math.exp(-0.3), 1.5 * Math.exp(-0.8)];
    expect(d).toBeAllClose([e1 + e2, -e1, -e2], { rtol: 1e-3 });
  });

  it.each(allGradients)('%s gives the time of an event its gradient', (_name, gradient) => {
    const gravity = tf.scalar(9.81);
    const fall = secondOrder((_t, x: tf.Tensor) => tf.zerosLike(tf.add(tf.neg(gravity), tf.mul(x, 0))));
    const ball = Object.assign(
      (t: number, s: { x: tf.Tensor; v: tf.Tensor }) => ({ ...fall(t, s), v: tf.neg(gravity) }),
      {},
    );
    const run = (v: tf.Tensor, _g: tf.Tensor) => {
      const options = { rtol: 1e-5, atol: 1e-6, gradient: gradient() };
      const event = { fn: (_t: number, { x }: { x: tf.Tensor }) => x, direction: -1 } as const;
      const { events } = odeint(ball, initialMotion(tf.zerosLike(v), v), [0, 5], { ...options, events: [event] });
      return [events[0]!.time as tf.Tensor, events[0]!.y.v];
    };
    // t = 2 v / g; the velocity there is -v.
    const [dv, dg] = vjp(run, [tf.scalar(10), gravity], [tf.scalar(1), tf.scalar(0)]);
    expect(dv).toBeAllClose(2 / 9.81, { rtol: 2e-3 });
    expect(dg).toBeAllClose(-20 / 9.81 ** 2, { rtol: 2e-3 });
    expect(vjp(run, [tf.scalar(10), gravity], [tf.scalar(0), tf.scalar(1)])[0]).toBeAllClose(-1, { rtol: 2e-3 });
  });

  it('second derivatives are exact through direct and checkpointed, and go through a replay elsewhere', () => {
    // y(1) = y0 e^{a}: d²/da² = y0 e^a.
    for (const [, gradient] of allGradients) {
      const a = tf.scalar(0.4);
      const end = (b: tf.Tensor) =>
        integrate((_t, y: tf.Tensor) => tf.mul(b, y), tf.scalar(2), 0, 1, { ...grid, gradient: gradient() }).y;
      const second = tf.grad((b) => tf.grad((c) => end(c))(b))(a);
      expect(second).toBeAllClose(2 * Math.exp(0.4), { rtol: 1e-4 });
    }
  });

  it.each(allGradients)('%s: Hessian-vector products of a network in all of its inputs', (_name, gradient) => {
    const value = loss(gradient(), { method: 'rk4', stepSize: 0.1 });
    const slopes = (y: tf.Tensor, s: tf.Tensor, v: tf.Tensor) =>
      vjp((a: tf.Tensor, b: tf.Tensor, _v: tf.Tensor) => value(a, b), [y, s, v]);
    const directions = [
      tf.tensor2d([1, -1, 0.5, 2], [2, 2]),
      tf.tensor1d([1, -2]),
      tf.tensor2d([0.5, 1, -1, 2], [2, 2]),
    ];
    // The variable is moved in place: it is closed over.
    const [centre, h] = [tf.clone(w), 0.02];
    const moved = (k: number) => {
      const [y, s, v] = [y0, film, centre].map((x, i) => tf.add(x, tf.mul(directions[i]!, k * h)));
      w.assign(v as tf.Tensor2D);
      const grads = slopes(y!, s!, w);
      w.assign(centre);
      return grads;
    };
    const [a, b, c, d] = [moved(-2), moved(-1), moved(1), moved(2)];
    const along = (y: tf.Tensor, s: tf.Tensor, v: tf.Tensor) =>
      tf.addN(slopes(y, s, v).map((grad, i) => tf.sum(tf.mul(grad, directions[i]!))));
    vjp(along, [y0, film, w] as tf.Tensor[]).forEach((product, i) => {
      const differences = tf.sub(tf.mul(tf.sub(c[i]!, b[i]!), 8), tf.sub(d[i]!, a[i]!));
      expect(product).toBeAllClose(tf.div(differences, 12 * h), { rtol: 5e-3, atol: 5e-3 });
    });
  });

  it('second derivatives of times are refused rather than lost', () => {
    const a = tf.scalar(0.7);
    const end = (rate: tf.Tensor, t1: tf.Tensor) => {
      const ts = tf.stack([tf.scalar(0), t1]);
      return odeint((_t, y: tf.Tensor) => tf.mul(rate, y), tf.scalar(1), ts, { ...grid, output: 'end' }).ys;
    };
    const mixed = (b: tf.Tensor) => vjp((t: tf.Tensor) => end(b, t), tf.scalar(1));
    expect(() => vjp(mixed, a)).toThrow('Times have no second derivatives');
    // Where only the rate is differentiated, times in a tensor do no harm: d²/da² e^a = e^a.
    const rateOnly = (b: tf.Tensor) => vjp((c: tf.Tensor) => end(c, tf.scalar(1)), b);
    expect(vjp(rateOnly, a)).toBeAllClose(Math.exp(0.7), { rtol: 1e-4 });
  });

  it.each(methodNames.filter((name) => name !== 'leapfrog'))(
    '%s: those of y0 and times, by finite differences',
    (method) => {
      const implicit = method === 'kvaerno3';
      const end = implicit ? 0.3 : 0.6;
      const options = methodOf(method).adaptive
        ? { rtol: implicit ? 1e-3 : 1e-4, atol: 1e-4, firstStep: 0.1, minStep: 0.1, maxStep: 0.1 }
        : { stepSize: 0.05 };
      const f = (t: number, y: tf.Tensor) => tf.add(tf.neg(tf.sin(y)), Math.cos(t));
      const run = (y: tf.Tensor) => odeint(f, y, [0.2, end], { method, ...options, output: 'end' }).ys;
      gradCheck(run, [tf.tensor1d([0.8, -0.4])], { rtol: 5e-3, atol: 5e-3 });
      const ends = (ts: tf.Tensor) => odeint(f, tf.tensor1d([0.8, -0.4]), ts, { method, ...options, output: 'end' }).ys;
      const [dt0, dt1] = vjp(ends, tf.tensor1d([0.2, end]), tf.tensor2d([[1, 0]])).dataSync();
      // Of the exact solution, to the error of the method.
      const at = (t0: number, t1: number) => {
        const vector = (t: number, y: Float64Array) => y.map((value) => Math.cos(t) - Math.sin(value));
        return float64.odeint(vector, [0.8], [t0, t1]).ys[1]![0]!;
      };
      const tolerance = method === 'euler' ? 3e-2 : 5e-3;
      expect(Math.abs(dt0! - (at(0.201, end) - at(0.199, end)) / 0.002)).toBeLessThan(tolerance);
      expect(Math.abs(dt1! - (at(0.2, end + 0.001) - at(0.2, end - 0.001)) / 0.002)).toBeLessThan(tolerance);
    },
  );

  it('of ten Euler steps on y’ = y is 1.1^10, and of a constant solution 1, whose error is 0', () => {
    const gridConstructor = () => Array.from({ length: 11 }, (_, i) => (i === 10 ? 1 : i / 10));
    const grown = (y: tf.Tensor) => integrate((_t, x: tf.Tensor) => x, y, 0, 1, { method: 'euler', gridConstructor }).y;
    expect(vjp(grown, tf.scalar(1))).toBeAllClose(1.1 ** 10, { rtol: 1e-5 });
    for (const [, gradient] of allGradients) {
      const still = (y: tf.Tensor) =>
        integrate((_t, x: tf.Tensor) => tf.zerosLike(x), y, 0, 1, { gradient: gradient() }).y;
      expect(vjp(still, tf.scalar(2))).toBeAllClose(1);
      expect(
        vjp((y: tf.Tensor) => odeint((_t, x: tf.Tensor) => x, y, [3], { gradient: gradient() }).ys, tf.scalar(2)),
      ).toBeAllClose(1);
    }
  });

  it.each(allGradients)(
    '%s: both halves of an oscillator, x0 and v0, reach both halves of its end',
    (_name, gradient) => {
      const oscillator = secondOrder((_t, x: tf.Tensor) => tf.neg(x));
      const end = (x: tf.Tensor, v: tf.Tensor) =>
        integrate(oscillator, { x, v }, 0, 1, { method: 'rk4', stepSize: 0.1, gradient: gradient() }).y;
      const [cx, cv] = [1.5, -2];
      const [dx, dv] = vjp((x: tf.Tensor, v: tf.Tensor) => end(x, v), [tf.scalar(0.3), tf.scalar(0.7)], {
        x: tf.scalar(cx),
        v: tf.scalar(cv),
      });
      expect(dx).toBeAllClose(cx * Math.cos(1) - cv * Math.sin(1), { rtol: 1e-4 });
      expect(dv).toBeAllClose(cx * Math.sin(1) + cv * Math.cos(1), { rtol: 1e-4 });
    },
  );

  it('dense output has its gradient by direct, and is refused where it would be lost', async () => {
    const run = (gradient: Gradient) => (y: tf.Tensor) => {
      const f = (_t: number, x: tf.Tensor) => tf.neg(x);
      const { ys, dense } = odeint(f, y, [0, 1], { dense: true, rtol: 1e-4, atol: 1e-5, gradient });
      const middle = dense!.evaluate(0.5);
      dense!.dispose();
      ys.dispose();
      return middle;
    };
    expect(vjp(run(direct()), tf.scalar(2))).toBeAllClose(Math.exp(-0.5), { rtol: 1e-3 });
    for (const [name, gradient] of allGradients.slice(1)) {
      expect(() => vjp(run(gradient()), tf.scalar(2)), name).toThrow(`not with \`${name}()\``);
      tf.dispose(run(gradient())(tf.scalar(2)));
    }
    const y = tf.scalar(2);
    await expect(() => vjp(run(direct()), y).dispose()).toLeakNoTensors();
  });

  it('works within checkpoint, and a solve within the field of a solve', () => {
    const f = (_t: number, y: tf.Tensor) => tf.neg(y);
    const run = (y: tf.Tensor) => integrate(f, y, 0, 1, { ...grid, gradient: checkpointed() }).y;
    expect(tf.grad((y) => checkpoint(run, y))(tf.scalar(1))).toBeAllClose(Math.exp(-1), { rtol: 1e-4 });
    const nested = (_t: number, y: tf.Tensor) => tf.neg(integrate(f, y, 0, 0.5, { ...grid, gradient: adjoint() }).y);
    const outer = (y: tf.Tensor) => integrate(nested, y, 0, 1, { ...grid, gradient: checkpointed() }).y;
    expect(tf.grad((y) => outer(y))(tf.scalar(1))).toBeAllClose(Math.exp(-Math.exp(-0.5)), { rtol: 1e-3 });
  });

  it.each(allGradients)('%s passes through a gradient as dynamics: the divergence of a flow', (_name, gradient) => {
    const run = (v: tf.Tensor) => {
      const flow = (z: tf.Tensor) => tf.tanh(tf.matMul(z as tf.Tensor2D, v as tf.Tensor2D));
      const f = (_t: number, { x, log }: { x: tf.Tensor; log: tf.Tensor }) => ({
        x: flow(x),
        log: tf.add(tf.mul(log, 0), tf.sum(vjp((z: tf.Tensor) => flow(z), x))),
      });
      const start = { x: tf.tensor2d([[0.4, -1]]) as tf.Tensor, log: tf.scalar(0) as tf.Tensor };
      return integrate(f, start, 0, 1, { method: 'rk4', stepSize: 0.1, gradient: gradient() }).y.log;
    };
    gradCheck(run, tf.tensor2d([[0.3, -0.2], [0.5, 0.1]]), { rtol: 5e-3, atol: 2e-3 }); // prettier-ignore
  });

  it('a gradient as dynamics, linear', () => {
    const f = (_t: number, { x, log }: { x: tf.Tensor; log: tf.Tensor }) => ({
      x: tf.mul(x, w),
      log: tf.add(tf.mul(log, 0), tf.sum(vjp((y: tf.Tensor) => tf.mul(y, w), x))),
    });
    const { y } = integrate(f, { x: tf.ones([2, 2]), log: tf.scalar(0) }, 0, 1, grid);
    expect(y.log).toBeAllClose(tf.sum(w), { rtol: 1e-4 });
  });
});

describe('captured tensors', () => {
  it('that f uses only on the way back are refused by the adjoint, and named in `parameters` they are not', () => {
    const [a, b] = [tf.scalar(-1), tf.scalar(-2)];
    // Euler's one step forwards sees t = 0 only, its way back t = 1 only.
    const f = (t: number, y: tf.Tensor) => tf.mul(t < 0.5 ? a : b, y);
    const run = (parameters: tf.Tensor[]) => (y: tf.Tensor) =>
      integrate(f, y, 0, 1, { method: 'euler', gradient: adjoint(), parameters }).y;
    expect(() => vjp(run([]), tf.scalar(1))).toThrow(/did not use on the way forward.*`parameters`/);
    expect(() => vjp(run([b]), tf.scalar(1))).not.toThrow();
  });

  it.each(allGradients)('%s: y0 counts where it is the argument of f, and where f closes over it', (name, gradient) => {
    const end = (options: OdeOptions<tf.Tensor>) => (y: tf.Tensor) =>
      integrate((_t, x: tf.Tensor) => tf.mul(x, y), y, 0, 1, { ...options, gradient: gradient() }).y;
    // y' = y0 y: y0 + y0² after one step of Euler, and y0 e^y0 in the end.
    if (name !== 'adjoint') expect(vjp(end({ method: 'euler' }), tf.scalar(0.5))).toBeAllClose(2);
    expect(vjp(end(grid), tf.scalar(0.5))).toBeAllClose(1.5 * Math.exp(0.5), { rtol: 1e-3 });
  });

  it('found in any evaluation get their gradient', () => {
    const [a, b] = [tf.variable(tf.scalar(-1)), tf.variable(tf.scalar(-2))];
    const f = (t: number, y: tf.Tensor) => tf.mul(t < 0.5 ? a : b, y);
    for (const [, gradient] of allGradients) {
      const { value, grads } = tf.variableGrads(
        () => integrate(f, tf.scalar(1), 0, 1, { ...grid, gradient: gradient() }).y as tf.Scalar,
      );
      for (const variable of [a, b]) expect(grads[variable.name]!).toBeAllClose(0.5 * Math.exp(-1.5), { rtol: 6e-2 });
      tf.dispose([value, grads]);
    }
    tf.dispose([a, b]);
  });
});

describe('memory', () => {
  /** Most bytes of tensors seen at an evaluation of f, forwards and backwards, above those at the beginning. */
  function peakBytes(gradient: Gradient, steps: number): number {
    const before = tf.memory().numBytes;
    let peak = 0;
    const f = (_t: number, y: tf.Tensor) => {
      peak = Math.max(peak, tf.memory().numBytes - before);
      return tf.tanh(y);
    };
    const y = tf.zeros([256]);
    const run = (x: tf.Tensor) => integrate(f, x, 0, 1, { method: 'rk4', stepSize: 1 / steps, gradient }).y;
    tf.dispose([tf.grad((x) => run(x))(y), y]);
    return peak;
  }

  it.each([
    ['adjoint', adjoint()],
    ['reversible', reversible()],
  ])('of %s does not grow with the steps', { timeout: 240_000 }, (_name, gradient) => {
    peakBytes(gradient, 10);
    expect(peakBytes(gradient, 1000)).toBeLessThanOrEqual(peakBytes(gradient, 10) * 1.05);
  });

  it(
    'of checkpointed grows as the square root of the steps, that of direct in proportion',
    { timeout: 240_000 },
    () => {
      const growth = (gradient: Gradient) => peakBytes(gradient, 256) / peakBytes(gradient, 16);
      expect(growth(checkpointed())).toBeLessThan(6);
      expect(growth(direct())).toBeGreaterThan(10);
      // Three states and one taped step, however many there are.
      expect(peakBytes(checkpointed({ snapshots: 3 }), 48)).toBeLessThanOrEqual(
        peakBytes(checkpointed({ snapshots: 3 }), 12) * 1.05,
      );
      expect(peakBytes(checkpointed({ snapshots: 3 }), 48) * 1.5).toBeLessThan(peakBytes(checkpointed(), 48));
      expect(peakBytes(checkpointed({ segments: 16 }), 256) * 4).toBeLessThan(peakBytes(direct(), 256));
    },
  );

  it.each(allGradients)('%s leaves no tensor behind', async (_name, gradient) => {
    for (const options of [{ rtol: 1e-3, atol: 1e-3 }, { method: 'rk4' }, { rtol: 1e-3, jumpT: [0.5] }] as const) {
      await expect(() => tf.dispose(gradientsOf(gradient(), options))).toLeakNoTensors();
      await expect(() => loss(gradient(), options)(y0, film).dispose()).toLeakNoTensors();
    }
    await expect(() => {
      let calls = 0;
      const failing = (_t: number, y: tf.Tensor) => {
        if (++calls === 11) throw new Error('half-way');
        return tf.mul(y, film);
      };
      const run = (y: tf.Tensor) =>
        integrate(failing, y, 0, 1, { method: 'rk4', stepSize: 0.2, gradient: gradient() }).y;
      expect(() => vjp(run, film)).toThrow('half-way');
    }).toLeakNoTensors();
    await expect(() => {
      let calls = 0;
      const failing = (_t: number, y: tf.Tensor) => {
        if (++calls === 25) throw new Error('half-way');
        return tf.mul(y, film);
      };
      const run = (y: tf.Tensor) =>
        integrate(failing, y, 0, 1, { method: 'rk4', stepSize: 0.2, gradient: gradient() }).y;
      if (gradient().name !== 'direct') expect(() => vjp(run, film)).toThrow('half-way');
    }).toLeakNoTensors();
  });
});

describe('checkpointed', () => {
  it('takes steps again as the binomial schedule says', () => {
    const evaluations = (steps: number, snapshots: number) => {
      let count = 0;
      const f = (_t: number, y: tf.Tensor) => {
        count++;
        return tf.neg(y);
      };
      const gradient = checkpointed({ snapshots });
      const run = (y: tf.Tensor) => integrate(f, y, 0, 1, { method: 'euler', stepSize: 1 / steps, gradient }).y;
      expect(vjp(run, tf.scalar(1))).toBeAllClose((1 - 1 / steps) ** steps, { rtol: 1e-5 });
      return count;
    };
    // Forwards, and each step once more to be differentiated; besides, t(n, 0) = n (n - 1) / 2 from the first state alone.
    expect(evaluations(10, 1)).toBe(10 + 10 + 45);
    expect(evaluations(10, 100)).toBe(10 + 10);
    // Less than r = 5 times 56 = (3 + 5)! / (3! 5!) steps.
    expect(evaluations(56, 4)).toBeLessThan(56 + 56 + 5 * 56);
  });

  it('leaves no tensor behind with snapshots, also when f throws on the way back', async () => {
    const run = (limit: number) => {
      let calls = 0;
      const f = (_t: number, y: tf.Tensor) => {
        if (++calls > limit) throw new Error('half-way');
        return tf.mul(y, film);
      };
      const options = { method: 'rk4', stepSize: 0.1, gradient: checkpointed({ snapshots: 2 }) } as const;
      return vjp((y: tf.Tensor) => integrate(f, y, 0, 1, options).y, film);
    };
    await expect(() => run(1e6).dispose()).toLeakNoTensors();
    for (const limit of [41, 47, 60, 75]) {
      await expect(() => expect(() => run(limit)).toThrow('half-way')).toLeakNoTensors();
    }
  });
});

describe('adjoint', () => {
  it('needs no more evaluations with the seminorm than with the full norm', () => {
    const count = (norm: 'seminorm' | 'full') => {
      tf.dispose(gradientsOf(adjoint({ norm, rtol: 1e-5, atol: 1e-6 })));
      return stats.backward!.nfe;
    };
    expect(count('seminorm')).toBeLessThanOrEqual(count('full'));
  });

  it('takes the steps of a grid of one’s own backwards, unless it has steps of its own', () => {
    const gridConstructor = () => [0, 0.1, 0.2, 0.3, 0.4, 0.7, 0.8, 0.9, 1];
    const options = { method: 'rk4', gridConstructor } as const;
    const [actual, expected] = [gradientsOf(adjoint(), options), gradientsOf(direct(), options)];
    actual.forEach((grad, i) => expect(grad).toBeAllClose(expected[i]!, { rtol: 1e-3, atol: 1e-3 }));
    const steps = (gradient: Gradient) => {
      tf.dispose(gradientsOf(gradient, options));
      return stats.backward!.steps;
    };
    expect(steps(adjoint())).toBe(8);
    expect(steps(adjoint({ stepSize: 0.2 }))).toBe(5);
    expect(steps(adjoint({ gridConstructor: (times) => times }))).toBe(2);
  });

  it('comes nearer to the discrete gradient with its steps, at order 4, as rk4 solves both', () => {
    const error = (stepSize: number) => {
      const options = { method: 'rk4', stepSize } as const;
      const [a, b] = [gradientsOf(adjoint(), options), gradientsOf(direct(), options)];
      return Math.max(...tf.abs(tf.sub(a[2]!, b[2]!)).dataSync());
    };
    expect(error(0.2) / error(0.4)).toBeLessThan(1 / 8);
  });

  it('is wrong on the spiral at loose tolerances: dL/dy0 = 2.43 where direct has about -5.4', () => {
    const a = tf.tensor2d([-0.1, 2, -2, -0.1], [2, 2]);
    const times = Array.from({ length: 10 }, (_, i) => (25 * i) / 9);
    const run = (gradient: Gradient, tolerances: OdeOptions) => (y: tf.Tensor) => {
      const f = (_t: number, x: tf.Tensor) => tf.matMul(tf.pow(x as tf.Tensor2D, 3), a);
      return tf.sum(tf.slice(odeint(f, y, times, { ...tolerances, gradient }).ys, [9, 0, 0]));
    };
    const start = tf.tensor2d([2, 0], [1, 2]);
    const loose = { rtol: 1e-3, atol: 1e-4 };
    const first = (gradient: Gradient, tolerances: OdeOptions) => vjp(run(gradient, tolerances), start).dataSync()[0]!;
    expect(Math.abs(first(direct(), { rtol: 1e-6, atol: 1e-7 }) + 5.37)).toBeLessThan(0.3);
    expect(Math.abs(first(adjoint(), loose) + 5.37)).toBeGreaterThan(3);
  });
});

describe('bad input', () => {
  it.each([
    ['segments', () => checkpointed({ segments: 0 })],
    ['snapshots', () => checkpointed({ snapshots: 1.5 })],
    ['exclude each other', () => checkpointed({ segments: 2, snapshots: 2 })],
    ['coupling', () => reversible({ coupling: 0 })],
    ['norm', () => adjoint({ norm: 'rms' as never })],
    ['method', () => adjoint({ method: 'rk' as never })],
    ['explicit', () => coupled('kvaerno3')],
    ...[0, -1, 2, NaN, 'a'].map((value): [string, () => unknown] => ['coupling', () => coupled('rk4', value as never)]),
    ...[0, -1, NaN, Infinity, 'a', null].flatMap((value): [string, () => unknown][] => [
      ['`rtol` is', () => adjoint({ rtol: value as never })],
      ['`atol` is', () => adjoint({ atol: value as never })],
    ]),
  ])('%s', (name, run) => {
    expect(run).toThrow(name);
  });
});
