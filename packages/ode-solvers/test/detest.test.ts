import { describe, expect, it } from 'vitest';
import { odeint } from '../src/float64/index.ts';
import goldens from './fixtures/detest.json' with { type: 'json' };
import { detest, stiff } from './problems.ts';

const references = goldens as Record<string, { t: number; y0: number[]; y: number[] }>;

function worstError(name: string, options: Parameters<typeof odeint>[3]): number {
  const { t, y0, y } = references[name]!;
  const { ys } = odeint((detest[name] ?? stiff[name])!, y0, [0, t], options);
  return Math.max(...y.map((value, i) => Math.abs(ys.at(-1)![i]! - value) / (1 + Math.abs(value))));
}

// References made by tools/reference/ode-solvers/detest.py with SciPy's DOP853 and Radau.
describe('DETEST', () => {
  const cases = Object.keys(detest).flatMap((name) =>
    [1e-3, 1e-6, 1e-9].map((tolerance) => [name, tolerance] as const),
  );

  it.each(cases)('%s at %s', (name, tolerance) => {
    // A global error grows along the way, on the orbits D most; at 1e-3 theirs is of the size of the solution.
    const growth = name.startsWith('D') ? 3000 : 500;
    for (const method of ['dopri5', 'tsit5', 'dopri8'] as const) {
      expect(worstError(name, { method, rtol: tolerance, atol: tolerance })).toBeLessThan(growth * tolerance);
    }
  });
});

describe('stiff problems', () => {
  it.each(['robertson', 'van_der_pol'])('%s by kvaerno3', (name) => {
    expect(worstError(name, { method: 'kvaerno3', rtol: 1e-5, atol: 1e-8 })).toBeLessThan(1e-5);
  });
});
