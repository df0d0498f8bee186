"""Prints, as JSON, PyTorch's milliseconds (medians) for calls of the networks that torch_export.py writes: a peer of packages/onnx/bench.

Arguments: batch, threads, rounds.
"""

import json
import statistics
import sys
import time

import torch
from torch_export import Unet, parity, three_eighths


def main():
    batch, threads, rounds = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    parity.odeint = three_eighths
    models = {"cunet": parity.CUNet({"inChannels": 3}), "unet": Unet(64, dim_mults=(1, 2, 4, 8))}
    x, t = torch.randn(batch, 3, 64, 64), torch.full([batch], 500.0)
    result = {}
    with torch.inference_mode():
        for name, model in models.items():
            model.eval()
            times = []
            for _ in range(rounds + 2):
                begin = time.perf_counter()
                model(x, t)
                times.append(1e3 * (time.perf_counter() - begin))
            result[name] = statistics.median(times[2:])
    print(json.dumps(result))


main()
