"""The numbers of packages/metrics/test/hashed.ts: weights that both sides make from a name, without a file."""

import numpy as np


def name_seed(name):
    seed = 0
    for character in name:
        seed = (seed * 31 + ord(character)) % 2**32
    return seed


def hashed(count, seed):
    """Numbers in [0, 1) from a hash of index and seed (the finaliser of MurmurHash3)."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) + np.uint32(seed)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return x / 2.0**32


def fill(module):
    """Every parameter and buffer from its name: weights uniform by fan-in, running variances and batch norm gains around 1."""
    import torch

    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.dtype != torch.float32:
                continue
            u = hashed(value.numel(), name_seed(name)).reshape(value.shape)
            if value.ndim > 1:
                u = (2 * u - 1) * np.sqrt(6 / np.prod(value.shape[1:]))
            elif name.endswith("running_var") or name.endswith("bn.weight"):
                u = 0.5 + u
            else:
                u = 0.2 * (u - 0.5)
            value.copy_(torch.from_numpy(u.astype(np.float32)))
    return module


def images(count, height, width, seed):
    """Pictures [count, height, width, 3] in [0, 1], float32."""
    return hashed(count * height * width * 3, seed).reshape(count, height, width, 3).astype(np.float32)
