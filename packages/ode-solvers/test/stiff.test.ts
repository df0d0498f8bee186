import { describe, expect, it } from 'vitest';
import { odeint, type VectorField } from '../src/float64/index.ts';
import { factorised } from '../src/float64/dense-solve.ts';

describe('kvaerno3', () => {
  // H. Robertson's reaction (1966), as in Hairer and Wanner, Solving Ordinary Differential Equations II, IV.10.
  const robertson: VectorField = (_t, [a, b, c]) => {
    const [slow, fast, back] = [0.04 * a!, 3e7 * b! * b!, 1e4 * b! * c!];
    return [back - slow, slow - back - fast, fast];
  };

  it('solves a badly scaled stiff reaction in few steps, over eleven decades of time', () => {
    const { ys, stats } = odeint(robertson, [1, 0, 0], [0, 40, 1e4, 1e8], {
      method: 'kvaerno3',
      rtol: 1e-5,
      atol: 1e-9,
    });
    expect(ys[1]!).toBeAllClose([0.7158270687, 9.185534764e-6, 0.2841637457], { rtol: 1e-4 });
    expect(ys[2]!).toBeAllClose([0.1073004, 4.800166e-7, 0.8926991], { rtol: 1e-4 });
    expect(ys[3]![0]).toBeCloseTo(2.083e-5, 6);
    expect(stats.rejected).toBeLessThan(10);
    expect(stats.nfe).toBeLessThan(6000);
  });

  it('solves the van der Pol equation of μ = 1000, in less than half the evaluations that products took', () => {
    const f: VectorField = (_t, [x, v]) => [v!, 1000 * (1 - x! * x!) * v! - x!];
    const { ys, stats } = odeint(f, [2, 0], [0, 3000], { method: 'kvaerno3', rtol: 1e-5, atol: 1e-8 });
    expect(ys[1]!).toBeAllClose([-1.5106, 1.1784e-3], { rtol: 1e-3 });
    expect(stats.nfe).toBeLessThan(30_000);
  });

  it.each([200, 201])('diffuses on %i points, with the Jacobian and with products', (n) => {
    // u' = u'' with u = 0 at the ends: the first mode decays by its eigenvalue.
    const f: VectorField = (_t, u, out) => {
      for (let i = 0; i < n; i++) out[i] = ((u[i - 1] ?? 0) - 2 * u[i]! + (u[i + 1] ?? 0)) * (n + 1) ** 2;
    };
    const mode = Float64Array.from({ length: n }, (_, i) => Math.sin((Math.PI * (i + 1)) / (n + 1)));
    const { ys, stats } = odeint(f, mode, [0, 0.1], { method: 'kvaerno3', rtol: 1e-3, atol: 1e-5 });
    const rate = -4 * (n + 1) ** 2 * Math.sin(Math.PI / (2 * n + 2)) ** 2;
    const expected = mode.map((value) => value * Math.exp(0.1 * rate));
    expect(ys[1]!).toBeAllClose(expected, { rtol: 1e-2, atol: 1e-3 });
    expect(stats.njev! % n === 0).toBe(n === 200);
  });
});

describe('factorised', () => {
  it('solves with pivots', () => {
    const matrix = Float64Array.of(0, 2, 1, 1, 1, 0, 4, -1, 3);
    const solve = factorised(matrix.slice(), 3);
    for (const x of [
      [1, -2, 3],
      [0, 0, 1],
    ]) {
      // prettier-ignore
      const b = Float64Array.from({ length: 3 }, (_, i) => x.reduce((sum, value, j) => sum + matrix[3 * i + j]! * value, 0));
      expect(solve(b)).toBeAllClose(x);
    }
  });
});
