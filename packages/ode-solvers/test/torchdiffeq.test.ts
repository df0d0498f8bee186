import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { odeint, type MethodName } from '../src/float64/index.ts';
import goldens from './fixtures/torchdiffeq.json' with { type: 'json' };
import { analytic } from './problems.ts';

// Made by tools/reference/ode-solvers/torchdiffeq_counts.py.
describe('torchdiffeq 0.2.5 in float64', () => {
  const cases = goldens.map((golden) => {
    const { method, problem, start, rtol } = golden;
    return [`${method} on ${problem} from ${start}, rtol ${rtol ?? '-'}`, golden] as const;
  });

  it.each(cases)(
    '%s',
    (_name, { problem, method, start, end, y0, rtol, atol, nfe, last, nfe_landing, last_landing }) => {
      const ts = Array.from({ length: 10 }, (_, i) => start + ((end - start) * i) / 9);
      const tolerances = rtol === undefined ? {} : { rtol, atol: atol };
      const { ys, stats } = odeint(analytic[problem]!, y0, ts, { method: method as MethodName, ...tolerances });
      // Made to end its last step on the last time, torchdiffeq takes our very steps. By default it goes beyond and
      // interpolates, for which it may need a step more or less, and more where f is singular there (sine at t = 0).
      expect(stats.nfe).toBe(nfe_landing ?? nfe);
      expect(ys.at(-1)!).toBeAllClose(last_landing ?? last, { rtol: 1e-8, atol: 1e-9 });
      const singular = problem === 'sine' && end < start;
      if (method === 'dopri5' && !singular) expect(Math.abs(stats.nfe - nfe)).toBeLessThanOrEqual(6);
    },
  );

  it('needs as many evaluations as the table of the documentation says', () => {
    const page = readFileSync(new URL('../../../docs/ode-solvers.md', import.meta.url), 'utf8');
    const table = [...page.matchAll(/^\| `(\w+)` +\| (1e-\d), (1e-\d) +\|(.*)\|$/gm)];
    expect(table).toHaveLength(8);
    for (const [, problem, rtol, atol, counts] of table) {
      const cells = counts!.split('|').map(Number);
      const expected = [1, 8].flatMap((start) => {
        const at = ({ method, problem: name, start: from, rtol: tolerance }: (typeof goldens)[number]) =>
          method === 'dopri5' && name === problem && from === start && tolerance === Number(rtol);
        const { nfe, y0 } = goldens.find(at)!;
        const ts = Array.from({ length: 10 }, (_, i) => start + ((9 - 2 * start) * i) / 9);
        return [odeint(analytic[problem!]!, y0, ts, { rtol: Number(rtol), atol: Number(atol) }).stats.nfe, nfe];
      });
      expect(cells).toEqual(expected);
    }
  });

  it('needs the 266 evaluations that torchdiffeq is known for on the sine problem', () => {
    const ts = Array.from({ length: 10 }, (_, i) => 1 + (7 * i) / 9);
    const y0 = goldens.find(({ problem, start }) => problem === 'sine' && start === 1)!.y0;
    expect(odeint(analytic['sine']!, y0, ts).stats).toEqual({ nfe: 266, steps: 44, accepted: 40, rejected: 4 });
  });
});
