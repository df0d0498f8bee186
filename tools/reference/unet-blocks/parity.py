"""Writes packages/unet-blocks/test/fixtures/parity.json: outputs and gradients of PyTorch's networks.

Weights are not stored: both sides draw them from the same generator (`torch.manual_seed(0)`), in the same order, and then
add 0.05 sin(1 + j + 0.37 i) to number i of the j-th weight in alphabetical order, so that norms and zeros count too.
Pictures come from `torch.manual_seed(1)`. The loss is sum(prediction * cos(i)) / N, i running in channels-first order.
"""

import json
import math
from pathlib import Path

import torch
from denoising_diffusion_pytorch.denoising_diffusion_pytorch import Unet
from diffusers import UNet2DModel

small = dict(block_out_channels=[8, 16], norm_num_groups=4, layers_per_block=1, attention_head_dim=4)


def blocks(down, up, **more):
    """A configuration with these two levels."""
    return {**small, "down_block_types": down, "up_block_types": up, **more}


diffusers_cases = {
    "plain": blocks(["DownBlock2D", "AttnDownBlock2D"], ["AttnUpBlock2D", "UpBlock2D"], layers_per_block=2),
    "resnet resampling, FiLM": blocks(
        ["ResnetDownsampleBlock2D", "AttnDownBlock2D"],
        ["AttnUpBlock2D", "ResnetUpsampleBlock2D"],
        resnet_time_scale_shift="scale_shift",
        attn_norm_num_groups=2,
        act_fn="gelu",
    ),
    "attention with resnet resampling, one head": blocks(
        ["AttnDownBlock2D", "DownBlock2D"],
        ["UpBlock2D", "AttnUpBlock2D"],
        downsample_type="resnet",
        upsample_type="resnet",
        attention_head_dim=None,
        mid_block_scale_factor=1.5,
    ),
    "Ho et al.": blocks(
        ["DownBlock2D", "AttnDownBlock2D"],
        ["AttnUpBlock2D", "UpBlock2D"],
        downsample_padding=0,
        flip_sin_to_cos=False,
        freq_shift=1,
        norm_eps=1e-6,
        center_input_sample=True,
    ),
    "skip, Fourier": blocks(
        ["SkipDownBlock2D", "SkipDownBlock2D"],
        ["SkipUpBlock2D", "SkipUpBlock2D"],
        time_embedding_type="fourier",
        block_out_channels=[16, 32],
    ),
    "skip with attention": blocks(
        ["SkipDownBlock2D", "AttnSkipDownBlock2D"],
        ["AttnSkipUpBlock2D", "SkipUpBlock2D"],
        block_out_channels=[32, 32],
    ),
    "k-diffusion": blocks(
        ["KDownBlock2D", "KDownBlock2D"], ["KUpBlock2D", "KUpBlock2D"], block_out_channels=[32, 64], layers_per_block=2
    ),
    "learned time, class numbers, no middle": blocks(
        ["DownBlock2D", "DownBlock2D"],
        ["UpBlock2D", "UpBlock2D"],
        time_embedding_type="learned",
        num_train_timesteps=100,
        num_class_embeds=5,
        mid_block_type=None,
        act_fn="mish",
    ),
    "class times": blocks(
        ["DownBlock2D", "DownBlock2D"],
        ["UpBlock2D", "UpBlock2D"],
        class_embed_type="timestep",
        add_attention=False,
        act_fn="relu",
        time_embedding_dim=12,
    ),
}

lucidrains_cases = {
    "defaults": dict(dim=8, dim_mults=(1, 2), full_attn=(False, True)),
    "self-conditioned, learned variance, random sinusoids": dict(
        dim=8,
        dim_mults=(1, 2, 2),
        channels=1,
        self_condition=True,
        learned_variance=True,
        random_fourier_features=True,
        resnet_block_groups=4,
        full_attn=(False, True, False),
    ),
}


def perturb(model):
    with torch.no_grad():
        for j, (_, weight) in enumerate(sorted(model.named_parameters())):
            i = torch.arange(weight.numel(), dtype=torch.float64)
            weight += (0.05 * torch.sin(1 + j + 0.37 * i)).reshape(weight.shape).float()


def pictures(channels, side=8, count=2):
    torch.manual_seed(1)
    return torch.randn(count, channels, side, side)


def measure(model, run):
    """The prediction, and of each gradient the norm and three numbers in the weight's own order."""
    perturb(model)
    model.eval()
    prediction = run(model)
    i = torch.arange(prediction.numel(), dtype=torch.float64).reshape(prediction.shape)
    (prediction * torch.cos(i).float()).sum().div(prediction.numel()).backward()
    gradients = {}
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            flat = weight.grad.flatten()
            at = [0, flat.numel() // 2, flat.numel() - 1]
            gradients[name] = digits([flat.norm().item(), *[flat[k].item() for k in at]])
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "prediction": digits(prediction.flatten().tolist()),
        "gradients": gradients,
    }


def digits(numbers):
    assert all(math.isfinite(n) for n in numbers)
    return [float(f"{n:.7g}") for n in numbers]


def main():
    result = {"diffusers": {}, "lucidrains": {}}
    times = torch.tensor([3.0, 70.0])
    for name, config in diffusers_cases.items():
        torch.manual_seed(0)
        model = UNet2DModel(**config)
        labels = None
        if config.get("num_class_embeds"):
            labels = torch.tensor([4, 1])
        elif config.get("class_embed_type") == "timestep":
            labels = torch.tensor([10.0, 20.0])
        t = times.long() if config.get("time_embedding_type") == "learned" else times
        found = measure(model, lambda m: m(pictures(3), t, class_labels=labels).sample)
        result["diffusers"][name] = {"config": config, "labels": labels if labels is None else labels.tolist(), **found}
    for name, options in lucidrains_cases.items():
        torch.manual_seed(0)
        model = Unet(**options)
        channels = options.get("channels", 3)
        earlier = pictures(channels) * 0.5 if options.get("self_condition") else None
        found = measure(model, lambda m: m(pictures(channels), times, earlier))
        result["lucidrains"][name] = {"options": options, **found}
    path = Path(__file__).parents[3] / "packages/unet-blocks/test/fixtures/parity.json"
    path.write_text(json.dumps(result) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
