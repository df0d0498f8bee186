/**
 * The Lorenz attractor and the Arenstorf orbit in float64 at 1e-9, against `odex` and `ode45-cash-karp` from npm and, where the
 * Python references are installed, SciPy's DOP853, compiled code that calls a Python function. Ratios are what counts:
 * above 1 the other one is slower.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { odeint } from '@missing-u/ode-solvers/float64';
import cashKarp from 'ode45-cash-karp';
import { Solver } from 'odex';

const tolerance = 1e-9;
const mu = 0.012277471;

const problems = {
  lorenz: {
    y0: [1, 1, 1],
    end: 5,
    f(_t, y, out) {
      out[0] = 10 * (y[1] - y[0]);
      out[1] = y[0] * (28 - y[2]) - y[1];
      out[2] = y[0] * y[1] - (8 / 3) * y[2];
    },
  },
  arenstorf: {
    y0: [0.994, 0, 0, -2.00158510637908252240537862224],
    end: 17.0652165601579625588917206249,
    f(_t, y, out) {
      const d1 = ((y[0] + mu) ** 2 + y[1] ** 2) ** 1.5;
      const d2 = ((y[0] - 1 + mu) ** 2 + y[1] ** 2) ** 1.5;
      out[0] = y[2];
      out[1] = y[3];
      out[2] = y[0] + 2 * y[3] - ((1 - mu) * (y[0] + mu)) / d1 - (mu * (y[0] - 1 + mu)) / d2;
      out[3] = y[1] - 2 * y[2] - ((1 - mu) * y[1]) / d1 - (mu * y[1]) / d2;
    },
  },
};

const ours =
  (method) =>
  ({ f, y0, end }) => {
    const { ys, stats } = odeint(f, y0, [0, end], { method, rtol: tolerance, atol: tolerance, output: 'end' });
    return { y: Array.from(ys[0]), evaluations: stats.nfe };
  };

const solvers = {
  dopri8: ours('dopri8'),
  dopri5: ours('dopri5'),
  tsit5: ours('tsit5'),
  odex({ f, y0, end }) {
    const solver = new Solver(y0.length);
    solver.absoluteTolerance = tolerance;
    solver.relativeTolerance = tolerance;
    const { y, nEval } = solver.solve(
      (t, y) => {
        const out = new Array(y.length);
        f(t, y, out);
        return out;
      },
      0,
      y0,
      end,
    );
    return { y, evaluations: nEval };
  },
  'ode45-cash-karp'({ f, y0, end }) {
    let evaluations = 0;
    const derivative = (out, y, t) => {
      evaluations++;
      f(t, y, out);
    };
    const solver = cashKarp(Float64Array.from(y0), derivative, 0, 1e-4, { tol: tolerance, dtMaxMag: 1 });
    while (solver.step(end));
    return { y: Array.from(solver.y), evaluations };
  },
};

function milliseconds(run) {
  for (let i = 0; i < 100; i++) run();
  const times = Array.from({ length: 60 }, () => {
    const start = performance.now();
    for (let i = 0; i < 5; i++) run();
    return (performance.now() - start) / 5;
  });
  return Math.min(...times);
}

const python = fileURLToPath(new URL('../../../tools/reference/.venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('../../../tools/reference/ode-solvers/scipy_speed.py', import.meta.url));
const scipy = existsSync(python) ? JSON.parse(execFileSync(python, [script], { encoding: 'utf8' })) : {};

for (const [name, problem] of Object.entries(problems)) {
  const reference = odeint(problem.f, problem.y0, [0, problem.end], { method: 'dopri8', rtol: 1e-13, atol: 1e-13 })
    .ys[1];
  const rows = Object.entries(solvers).map(([solver, solve]) => {
    const { y, evaluations } = solve(problem);
    const error = Math.max(...y.map((value, i) => Math.abs(value - reference[i])));
    return { solver, error: error.toExponential(1), evaluations, ms: milliseconds(() => solve(problem)) };
  });
  for (const [solver, { y, evaluations, ms }] of Object.entries(scipy[name] ?? {})) {
    const error = Math.max(...y.map((value, i) => Math.abs(value - reference[i])));
    rows.push({ solver, error: error.toExponential(1), evaluations, ms });
  }
  const best = rows[0].ms;
  console.log(name);
  console.table(
    rows.map(({ ms, ...row }) => ({
      ...row,
      ms: Number(ms.toFixed(3)),
      'times dopri8': Number((ms / best).toFixed(2)),
    })),
  );
}
