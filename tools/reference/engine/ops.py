"""Times the operations of packages/engine/bench on PyTorch; prints them as JSON, in milliseconds.

Usage: python ops.py THREADS. Part of `pnpm bench engine`; writes no file.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))


def best(run):
    for _ in range(3):
        run()
    times = []
    end = time.perf_counter() + 0.5
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 200):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


results = {}
for n, size, channels in [(1, 64, 32), (8, 32, 64), (16, 64, 32), (8, 8, 256)]:
    # The memory layout of TensorFlow.js: channels last.
    x = torch.randn(n, channels, size, size).to(memory_format=torch.channels_last)
    w = torch.randn(channels, channels, 3, 3).to(memory_format=torch.channels_last)
    dy = torch.randn(n, channels, size, size).to(memory_format=torch.channels_last)
    name = f"{n}x{size}x{size}x{channels}"
    gradient = torch.ops.aten.convolution_backward
    arguments = (dy, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1)
    with torch.no_grad():
        results[f"conv 3x3 {name}"] = best(lambda: F.conv2d(x, w, padding=1))
        results[f"  by input {name}"] = best(lambda: gradient(*arguments, [True, False, False]))
        results[f"  by filter {name}"] = best(lambda: gradient(*arguments, [False, True, False]))

with torch.no_grad():
    for size in (512, 1024):
        a, b = torch.randn(size, size), torch.randn(size, size)
        results[f"matmul {size}"] = best(lambda: a @ b)
        results[f"matmul {size}, transposed"] = best(lambda: a.T @ b)
    a, b = torch.randn(64, 256, 32), torch.randn(64, 32, 256)
    results["matmul 64 x 256x32x256"] = best(lambda: a @ b)
    x = torch.randn(16, 32, 64, 64).to(memory_format=torch.channels_last)
    results["group norm 16x64x64x32"] = best(lambda: F.group_norm(x, 8))
    one = torch.ones(1)
    results["one small operation"] = best(lambda: [one + one for _ in range(1000)]) / 1000

print(json.dumps(results))
