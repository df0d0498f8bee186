"""Prints, as JSON for packages/ode-solvers/bench/training.mjs, the milliseconds of torchdiffeq's training steps.

An argument, `spiral` or `block`, selects.
"""

import json
import sys
import time

import torch
from torch import nn
from torchdiffeq import odeint, odeint_adjoint


class Spiral(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))
        for layer in self.net:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.1)
                nn.init.zeros_(layer.bias)

    def forward(self, t, y):
        return self.net(y**3)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1))
        for layer in self.net:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.007)

    def forward(self, t, y):
        return self.net(y)


def best_of(step, seconds=5.0):
    step()
    times = []
    begin = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def training_step(module, loss):
    def step():
        module.zero_grad()
        loss().backward()

    return step


only = sys.argv[1] if len(sys.argv) > 1 else ""
torch.manual_seed(0)
result = {}
for name, solve in [("direct", odeint), ("adjoint", odeint_adjoint)]:
    if "block" != only:
        spiral = Spiral()
        y0 = 2 * torch.cos(torch.arange(40.0)).reshape(20, 1, 2)
        times = torch.linspace(0, 25, 1000)[:10]
        loss = lambda: solve(spiral, y0, times, method="dopri5").abs().mean()  # noqa: E731
        result[f"spiral, {name}"] = best_of(training_step(spiral, loss))
    if "spiral" != only:
        block = Block()
        x0 = torch.sin(torch.arange(8.0 * 32 * 32 * 64)).reshape(8, 64, 32, 32)
        options = {"step_size": 1 / 8}
        ends = torch.tensor([0.0, 1.0])
        loss = lambda: solve(block, x0, ends, method="rk4", options=options).square().mean()  # noqa: E731
        result[f"block, {name}"] = best_of(training_step(block, loss))
print(json.dumps(result))
