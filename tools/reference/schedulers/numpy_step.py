"""Prints the times, in microseconds, of one step of 16x64x64x3 float32 numbers in numpy, written as diffusers writes them in torch.

    python tools/reference/schedulers/numpy_step.py
"""

import json
import time

import numpy as np

shape = (16, 64, 64, 3)
rng = np.random.default_rng(0)
sample, output, noise, before = (rng.standard_normal(shape, dtype=np.float32) for _ in range(4))
a, b, c, d = (np.float32(one) for one in (0.3, 0.5, 0.2, 0.7))


def ddim():
    original = np.clip((sample - np.sqrt(1 - a) * output) / np.sqrt(a), -1, 1)
    return original, np.sqrt(b) * original + np.sqrt(1 - b) * output


def ddpm():
    original = np.clip((sample - np.sqrt(1 - a) * output) / np.sqrt(a), -1, 1)
    return original, c * original + d * sample + b * noise


def euler():
    original = sample - a * output
    return original, sample + (sample - original) / a * -b


def dpm_solver_2m():
    original = (sample - b * output) / a
    return original, c * sample - d * original - a * (c * (original - before))


STEPS = {
    "DDIMScheduler": ddim,
    "DDPMScheduler": ddpm,
    "EulerDiscreteScheduler": euler,
    "DPMSolverMultistepScheduler": dpm_solver_2m,
}
medians = {}
for name, step in STEPS.items():
    times = []
    for _ in range(200):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    medians[name] = round(1e6 * float(np.median(times)))
print(json.dumps(medians))
