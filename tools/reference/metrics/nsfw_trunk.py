"""Fréchet distances on features of a trunk with real weights: photographs against the same photographs with noise.

The weights are the general layers of the npm package nsfwjs, written by packages/metrics/test/nsfw-trunk.mjs; the photographs
are shared/data/denoising/Set12. Writes packages/metrics/test/fixtures/nsfw-trunk.json.
Run: tools/reference/.venv/bin/python tools/reference/metrics/nsfw_trunk.py trunk.safetensors shared/data/denoising/Set12
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from safetensors.torch import load_file

from hashed import hashed

FIXTURES = Path(__file__).parents[3] / "packages/metrics/test/fixtures"
LEVELS = [0, 5, 15, 30, 60]


def build(path):
    net = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    state = load_file(path)
    blocks = [m for m in net.modules() if isinstance(m, torchvision.models.inception.BasicConv2d)]
    assert len(blocks) == 94
    for i, block in enumerate(blocks):
        prefix = f"{i}."
        own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        block.load_state_dict(own | {"bn.weight": torch.ones_like(own["bn.bias"])}, strict=False)
    net.fc = torch.nn.Identity()
    return net.eval()


def photographs(folder, left, level):
    """128 x 128 pixels of each photograph, from row 64 and the given column on, with uniform noise of that deviation in bytes."""
    pictures = [np.asarray(Image.open(path).convert("L"), np.float64) for path in sorted(Path(folder).glob("*.png"))]
    picked = np.stack([p[64:192, left : left + 128] for p in pictures]) / 255
    noise = np.sqrt(12) * (hashed(picked.size, 1000 + level).reshape(picked.shape) - 0.5)
    return np.clip(picked + level / 255 * noise, 0, 1).astype(np.float32)


def features(net, batch):
    x = torch.from_numpy(batch)[:, None].repeat(1, 3, 1, 1)
    taps = {}
    hook = net.Mixed_6e.register_forward_hook(lambda m, i, o: taps.update({"768": o.mean((2, 3)).double().numpy()}))
    with torch.no_grad():
        x = 2 * F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False) - 1
        taps["2048"] = net(x).double().numpy()
    hook.remove()
    return taps


def frechet(x, y):
    """Below full rank: the trace of the root is the nuclear norm of the centred features' product."""
    (a, b), n = (v - v.mean(0) for v in (x, y)), len(x) - 1
    mean = ((x.mean(0) - y.mean(0)) ** 2).sum()
    return mean + (a**2).sum() / n + (b**2).sum() / n - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum() / n


def main():
    net = build(sys.argv[1])
    real = features(net, photographs(sys.argv[2], 0, 0))
    fakes = [features(net, photographs(sys.argv[2], 64, level)) for level in LEVELS]
    out = {"levels": LEVELS}
    for tap in real:
        out[tap] = {
            "twelve": [float(frechet(real[tap], fake[tap])) for fake in fakes],
            "four": [float(frechet(real[tap][:4], fake[tap][:4])) for fake in fakes],
        }
    # Noise is drawn for twelve pictures; four are the first of them.
    (FIXTURES / "nsfw-trunk.json").write_text(json.dumps(out, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
