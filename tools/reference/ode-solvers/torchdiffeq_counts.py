"""Writes packages/ode-solvers/test/fixtures/torchdiffeq.json.

Evaluations of f and states that torchdiffeq 0.2.5 needs and gives in float64, for analytic problems like those of its
tests/problems.py, both directions, t = linspace(1, 8, 10).
"""

import json
import math
from pathlib import Path

import torch
from torchdiffeq import odeint

torch.set_default_dtype(torch.float64)


def rotation(t, y):
    """A linear system: y' = A y with A skew-symmetric and fixed, y in R^4."""
    a = torch.tensor([[0.0, 0.3, -0.2, 0.1], [-0.3, 0.0, 0.4, -0.1], [0.2, -0.4, 0.0, 0.25], [-0.1, 0.1, -0.25, 0.0]])
    return a @ y


def sine(t):
    return (
        -0.5 * t**4 * math.cos(2 * t)
        + 0.5 * t**3 * math.sin(2 * t)
        + 0.25 * t**2 * math.cos(2 * t)
        - t**3
        + 2 * t**4
        + (math.pi - 0.25) * t**2
    )


PROBLEMS = {
    "constant": (lambda t, y: 0.2 + (y - (0.2 * t + 3)) ** 5, lambda t: [0.2 * t + 3]),
    "sine": (lambda t, y: 2 * y / t + t**4 * torch.sin(2 * t) - t**2 + 4 * t**3, lambda t: [sine(t)]),
    "decay": (lambda t, y: -0.1 * y, lambda t: [math.exp(-0.1 * t)]),
    "rotation": (rotation, lambda t: [1.0, 1.0, 1.0, 1.0]),
}
ADAPTIVE = ["dopri5", "bosh3", "fehlberg2", "adaptive_heun", "dopri8"]
FIXED = ["euler", "midpoint", "heun2", "heun3", "rk4"]


def main():
    rows = []
    for problem, (f, exact) in PROBLEMS.items():
        for method in ADAPTIVE + FIXED:
            for rtol, atol in [(1e-3, 1e-4), (1e-7, 1e-9)] if method in ADAPTIVE else [(None, None)]:
                if method in ("fehlberg2", "adaptive_heun") and rtol == 1e-7:
                    rtol, atol = 1e-5, 1e-6
                for start, end in [(1.0, 8.0), (8.0, 1.0)]:
                    count = 0

                    def counted(t, y):
                        nonlocal count
                        count += 1
                        return f(t, y)

                    tolerances = {} if rtol is None else {"rtol": rtol, "atol": atol}
                    row = {"problem": problem, "method": method, "start": start, "end": end, "y0": exact(start), **tolerances}
                    ts = torch.linspace(start, end, 10)
                    ys = odeint(counted, torch.tensor(exact(start)), ts, method=method, **tolerances)
                    row |= {"nfe": count, "last": ys[-1].tolist()}
                    if method in ADAPTIVE:
                        # A step that ends on the last time instead of one beyond it, as ours do.
                        count = 0
                        landing = {"step_t": ts[-1:]}
                        ys = odeint(counted, torch.tensor(exact(start)), ts, method=method, options=landing, **tolerances)
                        row |= {"nfe_landing": count, "last_landing": ys[-1].tolist()}
                    rows.append(row)
    path = Path(__file__).parents[3] / "packages/ode-solvers/test/fixtures/torchdiffeq.json"
    path.write_text("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n")


main()
