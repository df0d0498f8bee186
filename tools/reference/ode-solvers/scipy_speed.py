"""Prints, as JSON for packages/ode-solvers/bench/vectors.mjs, what SciPy's DOP853 takes on its problems at 1e-9."""

import json
import time

import numpy as np
from scipy.integrate import ode, solve_ivp

MU = 0.012277471


def lorenz(t, y):
    return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]


def arenstorf(t, y):
    d1 = ((y[0] + MU) ** 2 + y[1] ** 2) ** 1.5
    d2 = ((y[0] - 1 + MU) ** 2 + y[1] ** 2) ** 1.5
    return [
        y[2],
        y[3],
        y[0] + 2 * y[3] - (1 - MU) * (y[0] + MU) / d1 - MU * (y[0] - 1 + MU) / d2,
        y[1] - 2 * y[2] - (1 - MU) * y[1] / d1 - MU * y[1] / d2,
    ]


PROBLEMS = {
    "lorenz": (lorenz, [1.0, 1.0, 1.0], 5.0),
    "arenstorf": (arenstorf, [0.994, 0.0, 0.0, -2.00158510637908252240537862224], 17.0652165601579625588917206249),
}


def compiled(f, y0, end):
    """The Fortran DOP853."""
    count = 0

    def counted(t, y):
        nonlocal count
        count += 1
        return f(t, y)

    solver = ode(counted).set_integrator("dop853", rtol=1e-9, atol=1e-9, nsteps=100000).set_initial_value(y0, 0.0)
    return solver.integrate(end), count


def python(f, y0, end):
    """solve_ivp's, in Python and NumPy."""
    solution = solve_ivp(f, (0, end), y0, method="DOP853", rtol=1e-9, atol=1e-9)
    return solution.y[:, -1], solution.nfev


def best_of(run, repeats=5):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


result = {}
for name, problem in PROBLEMS.items():
    result[name] = {}
    for label, solve in [("scipy DOP853, compiled", compiled), ("scipy DOP853, solve_ivp", python)]:
        y, count = solve(*problem)
        result[name][label] = {"y": np.asarray(y).tolist(), "evaluations": count, "ms": best_of(lambda: solve(*problem))}
print(json.dumps(result))
