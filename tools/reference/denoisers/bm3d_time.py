"""Prints wall and processor seconds of PyPI's bm3d (both stages, sigma 25) on a grey square as JSON: the peer of
packages/denoisers/bench/bm3d.mjs."""

import json
import sys
import time

import bm3d
import numpy as np

side = int(sys.argv[1])
x, y = np.meshgrid(np.arange(side), np.arange(side))
image = 0.5 + 0.2 * np.sin(x / 9) * np.cos(y / 7) + (((x >> 5) + (y >> 5)) % 2) * 0.2
noisy = image + np.random.default_rng(0).normal(0, 25 / 255, image.shape)
wall, processor = [], []
for _ in range(3):
    begin, used = time.perf_counter(), time.process_time()
    bm3d.bm3d(noisy, 25 / 255)
    wall.append(time.perf_counter() - begin)
    processor.append(time.process_time() - used)
print(json.dumps({"wall": min(wall), "processor": min(processor)}))
