"""Times PyTorch's calls of a network that torch_export.py writes, for packages/onnx/bench/call.mjs.

Arguments: `cunet` or `unet`, batch, threads. A number on a line of the input is answered with as many times in milliseconds.
"""

import json
import sys
import time

import torch
from torch_export import Unet, parity, three_eighths


def main():
    batch, threads = map(int, sys.argv[2:])
    torch.set_num_threads(threads)
    parity.odeint = three_eighths
    model = parity.CUNet({"inChannels": 3}) if sys.argv[1] == "cunet" else Unet(64, dim_mults=(1, 2, 4, 8))
    model.eval()
    x, t = torch.randn(batch, 3, 64, 64), torch.full([batch], 500.0)
    with torch.inference_mode():
        model(x, t)
        print("ready", flush=True)
        for line in sys.stdin:
            model(x, t)
            times = []
            for _ in range(int(line)):
                begin = time.perf_counter()
                model(x, t)
                times.append(1e3 * (time.perf_counter() - begin))
            print(json.dumps(times), flush=True)


main()
