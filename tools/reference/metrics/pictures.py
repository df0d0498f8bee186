"""The pictures of packages/metrics/test/pictures.ts, number for number: a ramp pattern, and the same with noise."""

import numpy as np


def lcg(count, seed):
    """Numerical Recipes' generator, its upper 24 bits as numbers in [0, 1)."""
    out = np.empty(count)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = (state >> 8) / 2**24
    return out


def ramp(height, width, channels):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return ((7 * x + 3 * y + 11 * c) % 32) / 31


def noisy(image, amount, seed):
    noise = lcg(image.size, seed).reshape(image.shape) - 0.5
    return np.clip(image + amount * noise, 0, 1)
