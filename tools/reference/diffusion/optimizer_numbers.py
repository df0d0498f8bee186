"""Writes packages/diffusion/test/fixtures/optimizer.json: Adam, AdamW, clipping, EMA decays and learning rates of torch and diffusers."""

import json
from pathlib import Path

import torch
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel


def trajectory(make):
    torch.manual_seed(0)
    weights = torch.nn.Parameter(torch.randn(7))
    target = torch.randn(7)
    optimizer = make([weights])
    start, path = weights.tolist(), []
    for _ in range(12):
        optimizer.zero_grad()
        ((weights - target) ** 2).sum().backward()
        optimizer.step()
        path.append(weights.tolist())
    return {"start": start, "target": target.tolist(), "path": path}


def clipping():
    torch.manual_seed(1)
    cases = []
    for scale in (0.01, 10):
        parameter = torch.nn.Parameter(torch.zeros(9))
        parameter.grad = torch.randn(9) * scale
        gradient = parameter.grad.tolist()
        norm = torch.nn.utils.clip_grad_norm_([parameter], 1.0).item()
        cases.append({"gradient": gradient, "norm": norm, "clipped": parameter.grad.tolist()})
    return cases


def decays():
    settings = [{}, {"decay": 0.9, "min_decay": 0.2}, {"use_ema_warmup": True, "inv_gamma": 2.0, "power": 0.75}, {"update_after_step": 5}]
    cases = []
    for options in settings:
        ema = EMAModel([torch.nn.Parameter(torch.zeros(1))], **options)
        cases.append({"options": options, "decays": [ema.get_decay(step) for step in range(1, 41)]})
    return cases


def rates():
    cases = []
    for name in ("constant", "constant_with_warmup", "linear", "cosine"):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
        schedule = get_scheduler(name, optimizer, num_warmup_steps=4, num_training_steps=20)
        values = []
        for _ in range(20):
            values.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        cases.append({"schedule": name, "rates": values})
    return cases


numbers = {
    "torch": torch.__version__,
    "adam": trajectory(lambda p: torch.optim.Adam(p, lr=0.1)),
    "adamw": trajectory(lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.3)),
    "clipping": clipping(),
    "ema": decays(),
    "rates": rates(),
}
target = Path(__file__).parents[3] / "packages/diffusion/test/fixtures/optimizer.json"
target.write_text(json.dumps(numbers) + "\n")
