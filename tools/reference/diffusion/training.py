"""Writes FOLDER/losses.json: the losses of 100 training steps in PyTorch.

The networks are the continuous U-Net of ../cunet/parity.py and lucidrains' Unet (denoising_diffusion_pytorch), the noising is
diffusers' DDPMScheduler, optimiser and clipping are torch's own. First weights, images, timesteps and noise come from
`node training_inputs.mjs FOLDER`. Usage: python training.py FOLDER
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
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 1)))


def train(name, model, prediction_type):
    weights = load_file(folder / f"{name}.safetensors")
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
        loss = torch.nn.functional.mse_loss(model(noisy, times.float()), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rates.step()
        losses.append(loss.item())
    return losses


torch.set_num_threads(1)
result = {
    f"{name}, {prediction}": [float(f"{loss:.8g}") for loss in train(name, make(), prediction)]
    for name, make in (
        ("cunet", lambda: CUNet(1, 8, 8, 64, ["e4", "d1"])),
        ("unet", lambda: Unet(dim=8, channels=1)),
    )
    for prediction in ("epsilon", "v_prediction")
}
path = folder / "losses.json"
path.write_text(json.dumps(result, indent=1) + "\n")
print({name: (losses[0], losses[-1]) for name, losses in result.items()})
