"""Times calls and training steps of the U-Nets in PyTorch, for packages/unet-blocks/bench: `speed.py BATCH SIDE ROUNDS`, ms as JSON."""

import json
import sys
import time

import torch
from denoising_diffusion_pytorch.denoising_diffusion_pytorch import Unet
from diffusers import UNet2DModel

batch, side, rounds = map(int, sys.argv[1:])
ho = dict(
    block_out_channels=[128, 256, 256, 256],
    down_block_types=["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
    up_block_types=["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
    attention_head_dim=None,
)
pictures = torch.randn(batch, 3, side, side)
times = torch.full((batch,), 500)


def best(run):
    found = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        run()
        found.append(1000 * (time.perf_counter() - start))
    return min(found[1:])


def measure(model, predict):
    def step():
        model.zero_grad()
        predict().square().mean().backward()

    with torch.no_grad():
        call = best(predict)
    return {"call": call, "step": best(step)}


lucidrains, diffusers = Unet(64), UNet2DModel(**ho)
print(
    json.dumps(
        {
            "lucidrains": measure(lucidrains, lambda: lucidrains(pictures, times)),
            "ho": measure(diffusers, lambda: diffusers(pictures, times).sample),
        }
    )
)
