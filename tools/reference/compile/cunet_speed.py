"""Prints, as JSON, what PyTorch takes for a call and for a training step of the continuous U-Net: the peer of packages/diffusion/bench.

Arguments: batch, side, image channels, width, threads, rounds. A step is forward, backward, clipping by the global norm, Adam and
an average of the weights. Milliseconds are medians; CPU milliseconds count all threads, and suffer less from busy machines.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "cunet"))
from parity import CUNet  # noqa: E402


def measure(run, rounds):
    run(), run()
    wall, cpu = [], []
    for _ in range(rounds):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        run()
        wall.append(1e3 * (time.perf_counter() - begin))
        cpu.append(1e3 * (time.process_time() - begin_cpu))
    return {"milliseconds": statistics.median(wall), "cpu": statistics.median(cpu)}


def main():
    batch, side, channels, width, threads, rounds = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    model = CUNet({"inChannels": channels, "channels": width})
    x, target = torch.randn(2, batch, channels, side, side)
    t = torch.arange(batch) * 7 % 1000.0
    parameters = list(model.parameters())
    average = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.Adam(parameters, lr=1e-4)

    def call():
        with torch.no_grad():
            model(x, t)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x, t), target).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 0.001)

    result = {"call": measure(call, rounds), "step": measure(step, rounds)}
    result["peakMegabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps(result))


main()
