import { describe, expect, it } from 'vitest';
import { odeint, secondOrder, type VectorField } from '../src/float64/index.ts';
import { coupled } from '../src/methods/coupled.ts';
import { methodNames, methodOf, tableaux, type MethodName } from '../src/methods/index.ts';
import type { Method } from '../src/core/method.ts';

interface Smooth {
  field: VectorField;
  start: number[];
}

/** Driven van der Pol oscillator: nonlinear, and dependent on time. */
const oscillator: Smooth = { field: (t, [a, b]) => [b!, (1 - a! ** 2) * b! - a! + Math.sin(2 * t)], start: [1.2, 0.7] };
/** Predator and prey, with larger derivatives, so that order 8 shows before rounding does. */
const prey: Smooth = { field: (t, [a, b]) => [2 * (a! - a! * b!), (a! * b! - b!) * Math.cos(t)], start: [1, 3] };

function errorWithSteps(method: MethodName | Method, steps: number, { field, start }: Smooth): number {
  const end = odeint(field, start, [0, 1], { method: 'dopri8', rtol: 1e-13, atol: 1e-15 }).ys[1]!;
  const { adaptive } = methodOf(method);
  const h = 1 / steps;
  // An adaptive method is held to steps of one length by accepting all of them.
  const size = adaptive ? { firstStep: h, minStep: h * (1 + 1e-9), maxStep: h * (1 + 1e-9) } : { stepSize: h };
  const { ys } = odeint(field, start, [0, 1], { method, ...size });
  return Math.max(...Array.from(end).map((value, i) => Math.abs(value - ys.at(-1)![i]!)));
}

describe('order of convergence', () => {
  const steps: Partial<Record<MethodName, number>> = { dopri8: 8, dopri5: 64, tsit5: 32, euler: 2000 };

  it.each(methodNames.filter((name) => name !== 'leapfrog'))('of %s is the nominal one within 0.2', (name) => {
    const n = steps[name] ?? 100;
    const problem = name === 'dopri8' ? prey : oscillator;
    const order = Math.log2(errorWithSteps(name, n, problem) / errorWithSteps(name, 2 * n, problem));
    expect(Math.abs(order - methodOf(name).order)).toBeLessThan(0.2);
  });

  it('of leapfrog is 2, and it keeps the energy of an oscillator over a thousand periods', () => {
    const f = secondOrder((_t, x) => x.map((value) => -value));
    const error = (stepSize: number) => {
      const [x, v] = odeint(f, [1, 0], [0, 1], { method: 'leapfrog', stepSize }).ys[1]!;
      return Math.hypot(x! - Math.cos(1), v! + Math.sin(1));
    };
    expect(Math.log2(error(0.02) / error(0.01))).toBeCloseTo(2, 1);
    const [x, v] = odeint(f, [1, 0], [0, 2000 * Math.PI], { method: 'leapfrog', stepSize: 0.1 }).ys[1]!;
    expect(Math.abs(x! ** 2 + v! ** 2 - 1)).toBeLessThan(0.003);
  });

  it.each(['midpoint', 'rk4', 'dopri5'] as const)('of the reversible method made of %s is that of it', (name) => {
    const method = coupled(name);
    const order = Math.log2(errorWithSteps(method, 40, oscillator) / errorWithSteps(method, 80, oscillator));
    expect(Math.abs(order - method.order)).toBeLessThan(0.2);
  });
});

describe('tableaux', () => {
  it.each(tableaux.map((tableau) => [tableau.name, tableau] as const))(
    '%s: rows sum to nodes, weights to 1',
    (_name, { a, b, c, error }) => {
      const sum = (weights: readonly number[]) => weights.reduce((total, weight) => total + weight, 0);
      a.forEach((row, i) => expect(sum(row)).toBeCloseTo(c[i]!, 12));
      expect(sum(b)).toBeCloseTo(1, 12);
      expect(sum(error ?? [0])).toBeCloseTo(0, 12);
    },
  );

  it.each(tableaux.map((tableau) => [tableau.name, tableau] as const))(
    '%s fulfils the order conditions up to order 4',
    (_name, tableau) => {
      // Hairer, Nørsett and Wanner I, II.2, Table 2.1: Σ bᵢ φᵢ = 1 / γ for the rooted trees of the order and below.
      const { order, a, b, c } = tableau;
      const inner = (values: readonly number[]) =>
        a.map((row) => row.reduce((total, weight, j) => total + weight * values[j]!, 0));
      const ac = inner(c);
      const trees: [number, readonly number[], number][] = [
        [2, c, 2],
        [3, c.map((ci) => ci ** 2), 3],
        [3, ac, 6],
        [4, c.map((ci) => ci ** 3), 4],
        [4, c.map((ci, i) => ci * ac[i]!), 8],
        [4, inner(c.map((ci) => ci ** 2)), 12],
        [4, inner(ac), 24],
      ];
      for (const [treeOrder, phi, gamma] of trees) {
        if (treeOrder > order) continue;
        expect(phi.reduce((total, value, i) => total + b[i]! * value, 0)).toBeCloseTo(1 / gamma, 11);
      }
    },
  );
});
