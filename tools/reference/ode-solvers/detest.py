"""Writes packages/ode-solvers/test/fixtures/detest.json.

The 25 non-stiff problems of T. E. Hull et al., "Comparing numerical methods for ordinary differential equations"
(SIAM J. Numer. Anal. 9, 1972), classes A to E, at t = 20, by SciPy's DOP853 at rtol 1e-13, atol 1e-15; and two stiff
problems by SciPy's Radau at rtol 1e-11.
"""

import json
from math import cos, sin, sqrt
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

OUTER_MASS = [0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778]
OUTER_START = [
    3.42947415189, 3.35386959711, 1.35494901715, 6.64145542550, 5.97156957878, 2.18231499728, 11.2630437207, 14.6952576794,
    6.27960525067, -30.1552268759, 1.65699966404, 1.43785752721, -21.1238353380, 28.4465098142, 15.3882659679,
    -0.557160570446, 0.505696783289, 0.230578543901, -0.415570776342, 0.365682722812, 0.169143213293, -0.325325669158,
    0.189706021964, 0.0877265322780, -0.0240476254170, -0.287659532608, -0.117219543175, -0.176860753121, -0.216393453025,
    -0.0148647893090,
]  # fmt: skip


def chain(rates):
    def f(t, y):
        flow = np.array([rate * value for rate, value in zip(rates, y)])
        return np.append(-flow, 0.0) + np.append(0.0, flow)

    return f


def diffusion(t, y):
    padded = np.concatenate([[0.0], y, [0.0]])
    return padded[:-2] - 2 * y + padded[2:]


def planets(t, y):
    x, v = y[:15].reshape(5, 3), y[15:]
    r3 = np.sum(x**2, axis=1) ** 1.5
    a = np.zeros((5, 3))
    for i in range(5):
        a[i] = -(1.00000597682 + OUTER_MASS[i]) * x[i] / r3[i]
        for j in range(5):
            if i != j:
                d = x[j] - x[i]
                a[i] += OUTER_MASS[j] * (d / np.sum(d**2) ** 1.5 - x[j] / r3[j])
    return np.concatenate([v, 2.95912208286 * a.ravel()])


def kepler(t, y):
    r3 = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return [y[2], y[3], -y[0] / r3, -y[1] / r3]


def b4(t, y):
    r = sqrt(y[0] ** 2 + y[1] ** 2)
    return [-y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r]


PROBLEMS = {
    "A1": (lambda t, y: [-y[0]], [1.0]),
    "A2": (lambda t, y: [-y[0] ** 3 / 2], [1.0]),
    "A3": (lambda t, y: [y[0] * cos(t)], [1.0]),
    "A4": (lambda t, y: [y[0] / 4 * (1 - y[0] / 20)], [1.0]),
    "A5": (lambda t, y: [(y[0] - t) / (y[0] + t)], [4.0]),
    "B1": (lambda t, y: [2 * (y[0] - y[0] * y[1]), -(y[1] - y[0] * y[1])], [1.0, 3.0]),
    "B2": (lambda t, y: [-y[0] + y[1], y[0] - 2 * y[1] + y[2], y[1] - y[2]], [2.0, 0.0, 1.0]),
    "B3": (lambda t, y: [-y[0], y[0] - y[1] ** 2, y[1] ** 2], [1.0, 0.0, 0.0]),
    "B4": (b4, [3.0, 0.0, 0.0]),
    "B5": (lambda t, y: [y[1] * y[2], -y[0] * y[2], -0.51 * y[0] * y[1]], [0.0, 1.0, 1.0]),
    "C1": (chain([1] * 9), [1.0] + [0.0] * 9),
    "C2": (chain(range(1, 10)), [1.0] + [0.0] * 9),
    "C3": (diffusion, [1.0] + [0.0] * 9),
    "C4": (diffusion, [1.0] + [0.0] * 50),
    "C5": (planets, OUTER_START),
    **{f"D{i + 1}": (kepler, [1 - e, 0.0, 0.0, sqrt((1 + e) / (1 - e))]) for i, e in enumerate([0.1, 0.3, 0.5, 0.7, 0.9])},
    "E1": (lambda t, y: [y[1], -(y[1] / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * y[0])], [0.671396707141803, 0.0954005144474744]),
    "E2": (lambda t, y: [y[1], (1 - y[0] ** 2) * y[1] - y[0]], [2.0, 0.0]),
    "E3": (lambda t, y: [y[1], y[0] ** 3 / 6 - y[0] + 2 * sin(2.78535 * t)], [0.0, 0.0]),
    "E4": (lambda t, y: [y[1], 0.032 - 0.4 * y[1] ** 2], [30.0, 0.0]),
    "E5": (lambda t, y: [y[1], sqrt(1 + y[1] ** 2) / (25 - t)], [0.0, 0.0]),
}
STIFF = {
    # H. H. Robertson, 1966, at t = 40.
    "robertson": (
        lambda t, y: [
            -0.04 * y[0] + 1e4 * y[1] * y[2],
            0.04 * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] ** 2,
            3e7 * y[1] ** 2,
        ],
        [1.0, 0.0, 0.0],
        40.0,
    ),
    "van_der_pol": (lambda t, y: [y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]], [2.0, 0.0], 500.0),
}


def main():
    solved = {}
    for name, (f, y0) in PROBLEMS.items():
        end = solve_ivp(f, (0, 20), y0, method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
        solved[name] = {"t": 20, "y0": y0, "y": end.tolist()}
    for name, (f, y0, t) in STIFF.items():
        end = solve_ivp(f, (0, t), y0, method="Radau", rtol=1e-11, atol=1e-14).y[:, -1]
        solved[name] = {"t": t, "y0": y0, "y": end.tolist()}
    path = Path(__file__).parents[3] / "packages/ode-solvers/test/fixtures/detest.json"
    body = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in solved.items())
    path.write_text("{\n" + body + "\n}\n")


main()
