"""Prints the time, in microseconds, of one DDIM step (epsilon, clipped, eta 0) of 16x64x64x3 float32 numbers in numpy.

    python tools/reference/schedulers/numpy_step.py
"""

import time

import numpy as np

shape = (16, 64, 64, 3)
rng = np.random.default_rng(0)
sample, output = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
a, b = np.float32(0.3), np.float32(0.5)
times = []
for _ in range(200):
    start = time.perf_counter()
    original = np.clip((sample - np.sqrt(1 - a) * output) / np.sqrt(a), -1, 1)
    previous = np.sqrt(b) * original + np.sqrt(1 - b) * output
    times.append(time.perf_counter() - start)
print(round(1e6 * float(np.median(times))))
