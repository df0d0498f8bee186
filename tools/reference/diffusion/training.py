"""Writes packages/diffusion/test/fixtures/training.json: the losses of 100 training steps in PyTorch, computed in float64.

The networks are the continuous U-Net of ../cunet/parity.py and lucidrains' Unet (denoising_diffusion_pytorch), the noising is
diffusers' DDPMScheduler, optimiser and clipping are torch's own. First weights, images, timesteps and noise come from
`node training_inputs.mjs FOLDER`. Usage: python training.py FOLDER

Each run is made in float32 too, and `rounding` is how far PyTorch is from itself: the largest relative difference of the losses
of the two. With a smooth activation it is about 1e-6. With ReLU every unit that rounding moves over its kink changes the gradient
by a finite amount, and the runs of the continuous U-Net part by 5e-2 within 100 steps (first by 1e-3 at step 8; with learning
rate 2e-4 at step 12; with batches of 8 images of 32x32 at step 11): what any other program computes in float32 parts likewise.
"""


import json
import sys
from pathlib import Path

import numpy as np
import torch
from denoising_diffusion_pytorch.denoising_diffusion_pytorch import Unet
from diffusers import DDPMScheduler
from diffusers.optimization import get_constant_schedule_with_warmup
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[1] / "cunet"))
from parity import CUNet  # noqa: E402

folder = Path(sys.argv[1])
draws = np.load(folder / "draws.npz")


def first(array):
    """Channels last to channels first."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 1))).to(torch.get_default_dtype())


def train(name, make, prediction_type, dtype):
    torch.set_default_dtype(dtype)
    model = make()
    weights = {key: value.to(dtype) for key, value in load_file(folder / f"{name}.safetensors").items()}
    missing = model.load_state_dict(weights, strict=False)
    assert not missing.unexpected_keys, missing
    assert all(key not in dict(model.named_parameters()) for key in missing.missing_keys), missing
    scheduler = DDPMScheduler(prediction_type=prediction_type)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    rates = get_constant_schedule_with_warmup(optimizer, num_warmup_steps=10)
    losses = []
    for images, noise, timesteps in zip(draws["images"], draws["noise"], draws["timesteps"]):
        clean, noise, times = first(images), first(noise), torch.from_numpy(timesteps).long()
        noisy = scheduler.add_noise(clean, noise, times)
        target = noise if prediction_type == "epsilon" else scheduler.get_velocity(clean, noise, times)
        loss = torch.nn.functional.mse_loss(model(noisy, times.to(dtype)), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rates.step()
        losses.append(loss.item())
    return losses


torch.set_num_threads(1)
cunet = {"inChannels": 1, "channels": 8, "attention": ["e4", "d1"]}
result = {}
for case, name, make, prediction in (
    ("cunet, smooth", "cunet", lambda: CUNet({**cunet, "activation": "silu"}), "epsilon"),
    ("cunet, ReLU", "cunet", lambda: CUNet(cunet), "epsilon"),
    ("unet", "unet", lambda: Unet(dim=8, channels=1), "epsilon"),
    ("unet, velocity", "unet", lambda: Unet(dim=8, channels=1), "v_prediction"),
):
    exact, rounded = (np.array(train(name, make, prediction, dtype)) for dtype in (torch.float64, torch.float32))
    differences = np.abs(rounded / exact - 1)
    agreed = int(np.argmax(differences > 1e-4)) if differences.max() > 1e-4 else len(exact)
    result[case] = {
        "rounding": float(f"{differences.max():.2g}"),
        # Steps before PyTorch's float32 leaves its float64 by 1e-4.
        "agreed": agreed,
        "losses": [float(f"{loss:.8g}") for loss in exact],
    }
    print(case, differences.max(), agreed, exact[0], exact[-1])
path = Path(__file__).parents[3] / "packages/diffusion/test/fixtures/training.json"
path.write_text(json.dumps(result) + "\n")
