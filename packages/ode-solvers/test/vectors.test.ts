import { describe, expect, it } from 'vitest';
import type { OdeError } from '../src/float64/index.ts';
import {
  methodNames,
  odeint,
  odeintAsync,
  secondOrder,
  stepper,
  type StepInfo,
  type VectorAcceleration,
  type VectorField,
} from '../src/float64/index.ts';

const decay: VectorField = (_t, y) => [-y[0]!];
const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as OdeError).code;
  }
  return 'nothing thrown';
};

// Expected values as published in odex-js' test/odexTest.ts.
describe("odex-js' problems", () => {
  const options = { rtol: 1e-8, atol: 1e-10 };
  const end = (f: VectorField, y0: number[], ts: number[]) => odeint(f, y0, ts, options).ys.at(-1)!;

  it('van der Pol, ε = 0.1', () => {
    const f: VectorField = (_t, [a, b]) => [b!, ((1 - a! ** 2) * b! - a!) / 0.1];
    expect(end(f, [2, 0], [0, 2])).toBeAllClose([-1.58184, 0.978449], { atol: 1e-4, rtol: 0 });
  });

  it.each([
    ['Airy', [0.3550280539, -0.2588194038], [0.1352924163, -0.1591474413]],
    ['Bairy', [0.6149266274, 0.4482883574], [1.207423595, 0.9324359334]],
  ])('%s', (_name, y0, expected) => {
    expect(end((t, [a, b]) => [b!, t * a!], y0, [0, 1])).toBeAllClose(expected, { atol: 1e-8 });
  });

  it('Bessel of order 1', () => {
    const f: VectorField = (t, [a, b]) => [b!, ((1 / t ** 2 - 1) * t * a! - b!) / t];
    const { ys } = odeint(f, [0.4400505857, 0.3251471008], [1, 2], { method: 'dopri8', rtol: 1e-12, atol: 1e-13 });
    expect(ys[1]!).toBeAllClose([0.5767248078, -0.06447162474], { atol: 2e-10, rtol: 0 });
  });

  it('Lotka-Volterra', () => {
    const f: VectorField = (_t, [x, y]) => [(2 / 3) * x! - (4 / 3) * x! * y!, x! * y! - y!];
    const ts = Array.from({ length: 16 }, (_, i) => i);
    const expected = [
      0.574285, 0.489477, 0.576685, 0.80643, 1.19248, 1.65428, 1.69637, 1.01791, 0.580062, 0.489149, 0.572558, 0.798319,
      1.18032, 1.64389, 1.70715,
    ];
    const { ys } = odeint(f, [1, 1], ts, options);
    expect(ys.slice(1).map(([x]) => x!)).toBeAllClose(expected, { atol: 1e-5, rtol: 0 });
  });

  it('sin(1 / x), with rejected steps', () => {
    const ts = [0.005, ...Array.from({ length: 20 }, (_, i) => (i + 1) / 10)];
    const { ys, stats } = odeint((t) => [-Math.cos(1 / t) / t ** 2], [Math.sin(200)], ts, options);
    ys.forEach(([y], i) => expect(y).toBeCloseTo(Math.sin(1 / ts[i]!), 5));
    expect(stats.rejected).toBeGreaterThan(0);
  });

  it('Lorenz and Brusselator: tighter tolerances come nearer', () => {
    const lorenz: VectorField = (_t, [x, y, z]) => [10 * (y! - x!), x! * (28 - z!) - y!, x! * y! - (8 / 3) * z!];
    const brusselator: VectorField = (_t, [x, y]) => [1 + x! ** 2 * y! - 4 * x!, 3 * x! - x! ** 2 * y!];
    for (const [f, y0] of [
      [lorenz, [1, 1, 1]],
      [brusselator, [1.5, 3]],
    ] as const) {
      const at = (tolerance: number) =>
        odeint(f, y0, [0, 5], { method: 'tsit5', rtol: tolerance, atol: tolerance }).ys[1]!;
      const reference = odeint(f, y0, [0, 5], { method: 'dopri8', rtol: 1e-13, atol: 1e-13 }).ys[1]!;
      const error = (y: Float64Array) => Math.max(...Array.from(y, (value, i) => Math.abs(value - reference[i]!)));
      expect(error(at(1e-9))).toBeLessThan(1e-6);
      expect(error(at(1e-9))).toBeLessThan(error(at(1e-5)) / 100);
    }
  });
});

describe('output', () => {
  it('of a single time is y0', () => {
    expect(odeint(decay, [3], [2]).ys).toEqual([Float64Array.of(3)]);
  });

  it('after every step, at the end, and in between by interpolation of the order of the method', () => {
    const steps = odeint(decay, [1], [0, 1], { output: 'steps' });
    expect(steps.ts.length).toBe(steps.stats.accepted + 1);
    expect(odeint(decay, [1], [0, 1], { output: 'end' }).ts).toEqual(Float64Array.of(1));
    for (const method of ['dopri5', 'tsit5', 'bosh3', 'kvaerno3'] as const) {
      const { ts, ys } = odeint(decay, [1], [0, 0.123, 0.456, 1], { method, rtol: 1e-8, atol: 1e-10 });
      ts.forEach((t, i) => expect(ys[i]![0]).toBeCloseTo(Math.exp(-t), 6));
    }
  });

  it('between grid points: cubic by default, linear on demand', () => {
    const at = (interp: 'cubic' | 'linear') =>
      Math.abs(odeint(decay, [1], [0, 0.05, 1], { method: 'rk4', stepSize: 0.1, interp }).ys[1]![0]! - Math.exp(-0.05));
    expect(at('cubic')).toBeLessThan(1e-6);
    expect(at('linear')).toBeGreaterThan(1e-4);
    expect(at('linear')).toBeLessThan(2e-3);
  });

  it('dense: a function of time with its derivative, forwards and backwards', () => {
    for (const ts of [
      [0, 2],
      [2, 0],
    ]) {
      const { dense } = odeint(decay, [Math.exp(-ts[0]!)], ts, { dense: true, rtol: 1e-9, atol: 1e-11 });
      for (const t of [0, 0.3, 1.1, 2]) {
        expect(dense!.evaluate(t)[0]).toBeCloseTo(Math.exp(-t), 6);
        expect(dense!.derivative(t)[0]).toBeCloseTo(-Math.exp(-t), 4);
      }
      expect(code(() => dense!.evaluate(2.5))).toBe('ODE_TIMES');
      dense!.dispose();
      expect(code(() => dense!.evaluate(1))).toBe('ODE_DISPOSED');
    }
    expect(odeint(decay, [1], [0], { dense: true }).dense!.evaluate(0)[0]).toBe(1);
  });
});

describe('step control', () => {
  it('lands on stepT, and a jump given in jumpT costs fewer evaluations, both ways', () => {
    const f: VectorField = (t) => [t < 0.5 ? 1 : -1];
    for (const ts of [
      [0, 1],
      [1, 0],
    ]) {
      const plain = odeint(f, [0], ts, { rtol: 1e-8 });
      const told = odeint(f, [0], ts, { rtol: 1e-8, jumpT: [0.5], output: 'steps' });
      expect(told.stats.nfe).toBeLessThan(plain.stats.nfe);
      expect(Array.from(told.ts)).toContain(0.5);
      expect(told.ys.at(-1)![0]).toBeCloseTo(0, 12);
    }
    expect(Array.from(odeint(decay, [1], [0, 1], { stepT: [0.7, 0.2], output: 'steps' }).ts)).toEqual(
      expect.arrayContaining([0.2, 0.7]),
    );
  });

  it('perturb keeps f away from the grid points', () => {
    const seen: number[] = [];
    const f: VectorField = (t) => {
      seen.push(t);
      return [1];
    };
    odeint(f, [0], [0, 0.5, 1], { method: 'rk4', perturb: true });
    expect(seen.some((t) => t === 0 || t === 0.5 || t === 1)).toBe(false);
  });

  it('a grid of one’s own: ten Euler steps on y’ = y give 1.1^10', () => {
    const gridConstructor = () => Array.from({ length: 11 }, (_, i) => (i === 10 ? 1 : i / 10));
    const { ys, stats } = odeint((_t, y) => y, [1], [0, 1], { method: 'euler', gridConstructor });
    expect(ys[1]![0]).toBeCloseTo(1.1 ** 10, 12);
    expect(stats.nfe).toBe(10);
  });

  it('minStep ends a struggle, maxStep bounds the steps, and PID coefficients still meet the tolerance', () => {
    const singular: VectorField = (t, y) => [-y[0]! / (1.001 - Math.min(t, 1)) ** 2];
    expect(odeint(singular, [1], [0, 1], { minStep: 0.2 }).stats.nfe).toBeLessThan(50);
    expect(odeint(singular, [1], [0, 1]).stats.nfe).toBeGreaterThan(100);
    expect(odeint(decay, [1], [0, 1], { maxStep: 0.01 }).stats.accepted).toBeGreaterThanOrEqual(100);
    const { ys } = odeint(decay, [1], [0, 1], { pid: { p: 0.4, i: 0.3 }, rtol: 1e-6 });
    expect(ys[1]![0]).toBeCloseTo(Math.exp(-1), 5);
  });

  it('tolerances and norms for components', () => {
    const f: VectorField = (t, [a, b]) => [-a!, 50 * Math.cos(50 * t) + 0 * b!];
    const loose = odeint(f, [1, 0], [0, 1], { rtol: [1e-6, 1], atol: [1e-6, 10] });
    const tight = odeint(f, [1, 0], [0, 1], { rtol: 1e-6, atol: 1e-6 });
    expect(loose.stats.nfe).toBeLessThan(tight.stats.nfe / 2);
    const first = odeint(f, [1, 0], [0, 1], { rtol: 1e-6, atol: 1e-6, norm: (scaled) => Math.abs(scaled[0]!) });
    expect(first.stats.nfe).toBeLessThan(tight.stats.nfe / 2);
  });

  it('tells each step', () => {
    const seen: StepInfo[] = [];
    const { stats } = odeint(decay, [1], [0, 1], {
      method: 'rk4',
      stepSize: 0.1,
      onStep: (info) => void seen.push(info),
    });
    expect(seen.length).toBe(10);
    expect(seen.at(-1)!.progress).toBe(1);
    expect(stats).toEqual({ nfe: 40, steps: 10, accepted: 10, rejected: 0 });
  });
});

describe('events', () => {
  // A ball thrown up: x = v t - g t² / 2 is 0 again at t = 2 v / g.
  const ball: VectorField = (_t, [, v]) => [v!, -9.81];

  it('end the solve at the zero', () => {
    const { ts, ys, events, status } = odeint(ball, [0, 10], [0, 1, 5], {
      events: [{ fn: (_t, y) => y[0]!, direction: -1 }],
    });
    expect(status).toBe('event');
    expect(events).toHaveLength(1);
    expect(events[0]!.t).toBeCloseTo(20 / 9.81, 8);
    expect(ts.at(-1)).toBe(events[0]!.t);
    expect(ys.at(-1)![1]).toBeCloseTo(-10, 8);
    expect(Array.from(ts.slice(0, 2))).toEqual([0, 1]);
  });

  it('that do not end it are all found, by direction', () => {
    const f: VectorField = (_t, [x, v]) => [v!, -x!];
    const find = (direction: -1 | 0 | 1) =>
      odeint(f, [1, 0], [0, 10], { events: [{ fn: (_t, y) => y[0]!, direction, terminal: false }] }).events.map(
        ({ t }) => t,
      );
    expect(find(0)).toBeAllClose(
      [0.5, 1.5, 2.5].map((x) => x * Math.PI),
      { atol: 1e-6 },
    );
    expect(find(1)).toBeAllClose([1.5 * Math.PI], { atol: 1e-6 });
    expect(find(-1)).toBeAllClose([0.5 * Math.PI, 2.5 * Math.PI], { atol: 1e-6 });
  });
});

describe('stepping by hand', () => {
  it('gives what odeint gives', () => {
    const hand = stepper(decay, { method: 'rk4' });
    let state = hand.init(0, [1]);
    for (let i = 0; i < 10; i++) ({ state } = hand.step(state, 0.1));
    expect(state.y).toBeAllClose(odeint(decay, [1], [0, 1], { method: 'rk4', stepSize: 0.1 }).ys[1]!, { rtol: 1e-12 });
    expect(stepper(decay).step(stepper(decay).init(0, [1]), 1e-3).errorRatio).toBeLessThan(1);
  });
});

describe('failures are data', () => {
  const blowUp: VectorField = (_t, y) => [y[0]! ** 2];

  it('with the last good state', () => {
    const end = odeint(blowUp, [1], [0, 0.5, 2], { throw: false });
    expect(['dtUnderflow', 'nonFinite']).toContain(end.status);
    expect(end.ts.at(-1)).toBeCloseTo(1, 3);
    expect(end.ys.at(-1)!.every(Number.isFinite)).toBe(true);
    expect(end.ts[1]).toBe(0.5);
    const short = odeint(decay, [1], [0, 1], { maxNumSteps: 2, throw: false });
    expect(short.status).toBe('maxStepsReached');
    expect(short.ys.at(-1)![0]).toBeCloseTo(Math.exp(-short.ts.at(-1)!), 6);
    const none: VectorField = (t) => [t < 0.3 ? 1 : NaN];
    expect(odeint(none, [0], [0, 1], { throw: false }).status).toBe('nonFinite');
    const grid = odeint(none, [0], [0, 0.2, 0.4, 0.6], { method: 'euler', throw: false });
    expect([grid.status, grid.ts.at(-1)]).toEqual(['nonFinite', 0.4]);
    const signal = AbortSignal.abort();
    expect(odeint(decay, [1], [0, 1], { signal, throw: false }).status).toBe('aborted');
  });

  it('or errors with codes', () => {
    expect(code(() => odeint(blowUp, [1], [0, 2]))).toMatch(/ODE_DT_UNDERFLOW|ODE_NON_FINITE/);
    expect(code(() => odeint(decay, [1], [0, 1], { maxNumSteps: 2 }))).toBe('ODE_MAX_STEPS_REACHED');
    expect(code(() => odeint(() => [NaN], [1], [0, 1]))).toBe('ODE_NON_FINITE');
    expect(code(() => odeint(() => [NaN], [1], [0, 1], { method: 'rk4' }))).toBe('ODE_NON_FINITE');
    expect(code(() => odeint(decay, [1], [0, 1], { signal: AbortSignal.abort() }))).toBe('ODE_ABORTED');
  });
});

describe('bad input', () => {
  it.each([
    ['ODE_TIMES', () => odeint(decay, [1], [])],
    ['ODE_TIMES', () => odeint(decay, [1], [0, 1, 1])],
    ['ODE_TIMES', () => odeint(decay, [1], [0, 1, 0.5])],
    ['ODE_TIMES', () => odeint(decay, [1], [0, NaN])],
    ['ODE_TIMES', () => odeint(decay, [1], 2 as never)],
    ['ODE_STATE', () => odeint(decay, 1 as never, [0, 1])],
    ['ODE_FIELD', () => odeint(undefined as never, [1], [0, 1])],
    ['ODE_FIELD', () => stepper('f' as never)],
    ['ODE_TOLERANCE', () => stepper(decay, { rtol: -1 })],
    ['ODE_TOLERANCE', () => stepper(decay, { atol: [1e-3, NaN] })],
    ['ODE_TOLERANCE', () => stepper(decay, { atol: [1e-3, 1e-3] }).init(0, [1])],
    ['ODE_NON_FINITE', () => stepper(decay).init(0, [NaN])],
    ['ODE_STATE', () => stepper(decay).init(0, 1 as never)],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { output: 'every' as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { events: {} as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { events: [{ fn: () => 1, direction: 'up' as never }] })],
    ['ODE_EVENT', () => odeint(decay, [1], [0, 1], { events: [{ fn: (t) => (t > 0.5 ? NaN : 1) }] })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { events: [null as never] })],
    ['ODE_EVENT', () => odeint(decay, [1], [0, 1], { events: [{ fn: () => undefined as never }] })],
    ['ODE_EVENT', () => odeint(decay, [1], [0, 1], { events: [{ fn: (_t, y) => y as never }] })],
    ['ODE_EVENT', () => odeint(decay, [1], [0, 1], { events: [{ fn: (async () => 1) as never }] })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { tol: 1e-3 } as object)],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], null as never)],
    ['ODE_FIELD_STRUCTURE', () => odeint((_t, [y]) => void -y!, [1], [0, 1])],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { onStep: 5 as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { signal: 5 as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { signal: new AbortController() as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { norm: 'rms' as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { pid: 5 as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { pid: { q: 1 } as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { stepT: 5 as never })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { jumpT: null as never })],
    ['ODE_MAX_STEPS_REACHED', () => odeint(decay, [1], [0, 1], { method: 'euler', stepSize: 1e-12, maxNumSteps: 9 })],
    ['ODE_NON_FINITE', () => odeint(decay, [Infinity], [0, 1])],
    ['ODE_TOLERANCE', () => odeint(decay, [1], [0, 1], { rtol: 0 })],
    ['ODE_TOLERANCE', () => odeint(decay, [1], [0, 1], { rtol: null as never })],
    ['ODE_TOLERANCE', () => odeint(decay, [1], [0, 1], { rtol: '1' as never })],
    ['ODE_TOLERANCE', () => odeint(decay, [1], [0, 1], { atol: [1e-3, 1e-3] })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { method: 'rk4', firstStep: 1 })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { stepSize: 1 })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { method: 'rk4', stepSize: 1, gridConstructor: () => [0, 1] })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { method: 'rk4', gridConstructor: () => [0, 2] })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { maxNumSteps: 0.5 })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { stepT: [0.5], jumpT: [0.5] })],
    ['ODE_OPTION', () => odeint(decay, [1], [0, 1], { dfactor: 2 })],
    ['ODE_FIELD_SHAPE', () => odeint(() => [1, 2], [1], [0, 1])],
    ['ODE_FIELD_STRUCTURE', () => odeint(() => 3 as never, [1], [0, 1])],
    ['ODE_ASYNC_FIELD', () => odeint((async () => [1]) as never, [1], [0, 1])],
    ['ODE_METHOD', () => odeint(decay, [1], [0, 1], { method: 'leapfrog', stepSize: 0.1 })],
    [
      'ODE_STATE',
      () =>
        odeint(
          secondOrder((_t, x) => x),
          [1, 2, 3],
          [0, 1],
        ),
    ],
  ])('%s', (expected, run) => {
    expect(code(run)).toBe(expected);
  });

  it.each(['rk4', 'leapfrog', 'dopri5'] as const)('%s: accelerations that do not fit', (method) => {
    const run = (acceleration: unknown, y0 = [1, 0, 0, 0]) =>
      code(() => odeint(secondOrder(acceleration as VectorAcceleration), y0, [0, 1], { method }));
    expect(run(() => [1])).toBe('ODE_FIELD_SHAPE');
    expect(run(() => [1, 1, 1])).toBe('ODE_FIELD_SHAPE');
    expect(run(() => 1)).toBe('ODE_FIELD_STRUCTURE');
    expect(run(() => undefined)).toBe('ODE_FIELD_STRUCTURE');
    expect(run(() => Promise.resolve([1, 1]))).toBe('ODE_ASYNC_FIELD');
    expect(run((_t: number, x: Float64Array) => x, [1, 2, 3])).toBe('ODE_STATE');
    expect(run((_t: number, x: Float64Array) => x)).toBe('nothing thrown');
  });

  it('lists all methods where one is not known', () => {
    const run = () => odeint(decay, [1], [0, 1], { method: 'dopri6' as never });
    for (const name of methodNames) expect(run).toThrow(name);
    expect(run).toThrow("Did you mean 'dopri5'?");
    expect(code(run)).toBe('ODE_UNKNOWN_METHOD');
  });
});

describe('odeintAsync', () => {
  it('gives what odeint gives, lets other tasks run, and can be aborted', async () => {
    const stop = new AbortController();
    const oscillator: VectorField = (_t, [x, v]) => [v!, -x!];
    const [now, later] = [odeint(oscillator, [1, 0], [0, 1]), await odeintAsync(oscillator, [1, 0], [0, 1])];
    expect(later.ys[1]).toEqual(now.ys[1]);
    setTimeout(() => stop.abort(), 30);
    const long = await odeintAsync(oscillator, [1, 0], [0, 1e6], {
      signal: stop.signal,
      throw: false,
      maxNumSteps: 1e9,
    });
    expect(long.status).toBe('aborted');
    expect(long.ts.at(-1)).toBeGreaterThan(0);
  });
});
