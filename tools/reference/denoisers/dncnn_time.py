"""Prints the median time, in seconds, of DnCNN (17 layers, 64 features, grey) in PyTorch on images of 256x256 pixels.

    python tools/reference/denoisers/dncnn_time.py [images=1] [rounds=9]
"""

import os
import statistics
import sys
import time

import torch
from torch import nn

images, rounds = (int(one) for one in (sys.argv[1:] + ["1", "9"][len(sys.argv) - 1 :]))
torch.set_num_threads(os.cpu_count())
layers = [nn.Conv2d(1, 64, 3, padding=1, bias=False), nn.ReLU(inplace=True)]
for _ in range(15):
    layers += [nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
model = nn.Sequential(*layers, nn.Conv2d(64, 1, 3, padding=1, bias=False)).eval()
noisy = torch.rand(images, 1, 256, 256)
times = []
with torch.inference_mode():
    for _ in range(rounds + 3):
        begin = time.perf_counter()
        noisy - model(noisy)
        times.append(time.perf_counter() - begin)
print(statistics.median(times[3:]))
