"""Writes packages/cunet/test/fixtures/parity.json: outputs and gradients of the continuous U-Net in PyTorch with torchdiffeq.

An independent version of the network from its description, with torchdiffeq's rk4 (the 3/8 rule, one step) for the blocks.
Weights and pictures are not stored: weight j in definition order gets 0.4 sin(1 + j + 0.37 i) / sqrt(fan-in) as number i (norm
scales 1 more), the pictures are sin(0.67 i) in channels-first order (no ReLU sits at its kink, where rounding would decide). The loss is sum(prediction * cos(i)) / N.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchdiffeq import odeint


activations = {"relu": nn.ReLU(), "softplus": nn.Softplus(), "silu": nn.SiLU()}

# As those of `new CUNet()`.
defaults = {
    "channels": 32,
    "groups": 8,
    "timeSize": 64,
    "attention": ["e4", "d1"],
    "attentionResidual": True,
    "order": "second",
    "secondKernel": 3,
    "residual": "conv3x3",
    "norm": "group",
    "activation": "relu",
    "accelerationOutput": "activated",
    "velocityOutput": "linear",
    "stem": "lift",
    "timeConditioning": "film",
    "timeEmbedding": "mlp",
    "integrationTime": False,
    "solver": {},
}


class Embedding(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size, self.linear1, self.linear2 = size, nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, t):
        half = self.size // 2
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / (half - 1))
        return self.linear2(F.silu(self.linear1(torch.cat([angles.sin(), angles.cos()], 1))))


def group_norm(c, o):
    return nn.GroupNorm(o["groups"], c) if o["norm"] == "group" else nn.InstanceNorm2d(c)


class Velocity(nn.Module):
    def __init__(self, a, b, half, o, activated):
        super().__init__()
        self.act, self.last = activations[o["activation"]], activations[o["activation"]] if activated else nn.Identity()
        self.conv1, self.conv2 = nn.Conv2d(a, half, 3, padding=1), nn.Conv2d(half, b, 1)

    def forward(self, x):
        return self.last(self.conv2(F.instance_norm(self.act(self.conv1(F.instance_norm(x))))))


class LiftStem(nn.Module):
    def __init__(self, channels, c, o):
        super().__init__()
        half = c // 2
        self.lift = nn.Conv2d(channels, half, 3, padding=1)
        self.velocity = Velocity(half, half, half, o, o["velocityOutput"] == "activated")

    def forward(self, x):
        x = self.lift(x)
        return torch.cat([x, self.velocity(x)], 1)


class PublishedStem(nn.Module):
    def __init__(self, channels, c, o):
        super().__init__()
        self.velocity = Velocity(channels, c, c // 2, o, True)

    def forward(self, x):
        return self.velocity(x)


class Film(nn.Module):
    def __init__(self, size, c):
        super().__init__()
        self.linear = nn.Linear(size, 2 * c)


class AdditiveTime(nn.Module):
    def __init__(self, size, c):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(size, c), nn.Linear(c, c)

    def forward(self, z, e):
        return z + self.linear2(F.silu(self.linear1(e)))[:, :, None, None]


class TimeTable(nn.Module):
    def __init__(self, rows, size):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rows, size), requires_grad=False)

    def forward(self, t):
        return self.weight[t.long()]


class Field(nn.Module):
    def __init__(self, c, o):
        super().__init__()
        self.o, self.act = o, activations[o["activation"]]
        self.second = o["order"] == "second"
        out, extra = c // 2 if self.second else c, int(o["integrationTime"])
        k = o["secondKernel"]
        self.norm1, self.conv1 = group_norm(c, o), nn.Conv2d(c + extra, c, 3, padding=1)
        self.norm2 = group_norm(c, o)
        if o["timeConditioning"] == "film":
            self.film = Film(o["timeSize"], c)
        self.conv2 = nn.Conv2d(c + extra, out, k, padding=k // 2)
        if o["residual"].startswith("conv"):
            k = int(o["residual"][-1])
            self.residual = nn.Conv2d(c, out, k, padding=k // 2)

    def forward(self, time, z, e):
        def with_time(x):
            return torch.cat([x, torch.ones_like(x[:, :1]) * time], 1) if self.o["integrationTime"] else x

        h = self.norm2(self.act(self.conv1(with_time(self.norm1(z)))))
        if self.o["timeConditioning"] == "film":
            scale, shift = self.film.linear(F.silu(e))[:, :, None, None].chunk(2, 1)
            h = h * (1 + scale) + shift
        d = self.conv2(with_time(h))
        if self.o["accelerationOutput"] == "activated":
            d = self.act(d)
        if self.o["residual"] == "identity":
            d = d + z
        elif self.o["residual"] != "none":
            d = d + self.residual(z)
        return torch.cat([z.chunk(2, 1)[1], d], 1) if self.second else d


class Block(nn.Module):
    def __init__(self, c, o):
        super().__init__()
        self.f, self.solver = Field(c, o), {"method": "rk4", "steps": 1, **o["solver"]}

    def forward(self, z, e):
        steps, method = self.solver["steps"], self.solver["method"]
        times = torch.tensor([0.0, 1.0])
        return odeint(lambda t, y: self.f(t, y, e), z, times, method=method, options={"step_size": 1 / steps})[-1]


class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, c, 1, 1))

    def forward(self, x):
        return F.normalize(x, dim=1) * self.g * x.shape[1] ** 0.5


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm, self.to_qkv, self.to_out = Norm(c), nn.Conv2d(c, 384, 1, bias=False), nn.Conv2d(128, c, 1)

    def forward(self, x):
        n, _, h, w = x.shape
        q, k, v = self.to_qkv(self.norm(x)).reshape(n, 3, 4, 32, h * w).unbind(1)
        weights = torch.softmax(torch.einsum("nhdi,nhdj->nhij", q, k) / math.sqrt(32), -1)
        return self.to_out(torch.einsum("nhij,nhdj->nhdi", weights, v).reshape(n, 128, h, w))


class Stage(nn.Module):
    def __init__(self, c, o, place):
        super().__init__()
        self.o, self.block = o, Block(c, o)
        self.attention = Attention(c) if place in o["attention"] else None

    def forward(self, z, e):
        z = self.block(z, e)
        if self.attention is None:
            return z
        return z + self.attention(z) if self.o["attentionResidual"] else self.attention(z)


class Transition(nn.Module):
    def __init__(self, a, b, o):
        super().__init__()
        self.act, self.conv = activations[o["activation"]], nn.Conv2d(a, b, 1)
        if o["timeConditioning"] == "additive":
            self.time = AdditiveTime(o["timeSize"], b)

    def forward(self, x, e, factor=1):
        y = self.act(self.conv(x))
        y = y if factor == 1 else resize(y, factor)
        return self.time(y, e) if hasattr(self, "time") else y


class Down(nn.Module):
    def __init__(self, c, o, place):
        super().__init__()
        self.stage, self.transition = Stage(c, o, place), Transition(c, 2 * c, o)


class Up(nn.Module):
    def __init__(self, c, o, place):
        super().__init__()
        self.transition, self.stage = Transition(3 * c, c, o), Stage(c, o, place)


def resize(x, factor):
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class CUNet(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.o = o = {**defaults, **o}
        channels, c, size = o["inChannels"], o["channels"], o["timeSize"]
        if o["timeEmbedding"] == "table":
            self.time = TimeTable(o["trainTimesteps"], size)
        elif o["timeConditioning"] != "none":
            self.time = Embedding(size)
        self.stem = (LiftStem if o["stem"] == "lift" else PublishedStem)(channels, c, o)
        if o["timeConditioning"] == "additive":
            self.stem_time = AdditiveTime(size, c)
        self.down = nn.ModuleList(Down(c * 2**i, o, f"e{i + 1}") for i in range(4))
        self.mid = Stage(16 * c, o, "b")
        self.up = nn.ModuleList(Up(c * 2 ** (3 - i), o, f"d{i + 1}") for i in range(4))
        self.head = nn.Conv2d(c, o.get("outChannels", channels), 1)

    def forward(self, x, t):
        e = self.time(t) if self.o["timeConditioning"] != "none" else None
        z, skips = self.stem(x), []
        if hasattr(self, "stem_time"):
            z = self.stem_time(z, e)
        for level in self.down:
            z = level.stage(z, e)
            skips.append(z)
            z = level.transition(z, e, 0.5)
        z = self.mid(z, e)
        for level in self.up:
            z = level.transition(torch.cat([resize(z, 2), skips.pop()], 1), e)
            z = level.stage(z, e)
        return self.head(z)


def set_weights(model):
    with torch.no_grad():
        for j, (name, weight) in enumerate(model.named_parameters()):
            i = torch.arange(weight.numel(), dtype=torch.float64)
            fan_in = weight[0].numel() if weight.ndim > 1 and not name.endswith(".g") else 1
            values = 0.4 * torch.sin(1 + j + 0.37 * i) / math.sqrt(fan_in)
            scale = name.endswith(".g") or (name.endswith("weight") and weight.ndim == 1)
            weight.copy_((values + (1 if scale else 0)).reshape(weight.shape).float())


def measure(options, side):
    model = CUNet(options)
    set_weights(model)
    height, width = side if isinstance(side, list) else (side, side)
    channels = options["inChannels"]
    i = torch.arange(2 * channels * height * width, dtype=torch.float64)
    x = torch.sin(0.67 * i).float().reshape(2, channels, height, width)
    prediction = model(x, torch.tensor([3.0, 700.0]))
    weight = torch.cos(torch.arange(prediction.numel(), dtype=torch.float64)).float()
    (prediction.flatten() * weight).mean().backward()
    gradients = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        flat = parameter.grad.flatten()
        at = [0, flat.numel() // 2, flat.numel() - 1]
        gradients[name] = digits([flat.norm().item(), *[flat[k].item() for k in at]])
    return {
        "options": options,
        "side": side,
        "parameters": sum(p.numel() for p in model.parameters()),
        "prediction": digits(prediction.flatten().tolist()),
        "gradients": gradients,
    }


def digits(numbers):
    assert all(math.isfinite(n) for n in numbers)
    return [float(f"{n:.7g}") for n in numbers]


def main():
    full = CUNet({"inChannels": 3})
    assert sum(p.numel() for p in full.parameters()) == 8_763_491
    small = {"inChannels": 1, "channels": 4, "groups": 2, "timeSize": 8, "attention": ["e4", "d1"]}
    smooth = {**small, "activation": "softplus"}
    published = {
        **smooth,
        "order": "first",
        "residual": "identity",
        "norm": "instance",
        "stem": "published",
        "attentionResidual": False,
    }
    without_residual = {**published, "residual": "none", "secondKernel": 1, "norm": "group", "attention": []}
    cases = {
        "second order": (small, 16),
        "attention at five places": (
            {**small, "inChannels": 3, "groups": 4, "timeSize": 16, "attention": ["e2", "e4", "b", "d1", "d3"]},
            16,
        ),
        "published": ({**published, "timeConditioning": "none", "timeEmbedding": "table", "trainTimesteps": 1000}, 32),
        "published without residual": (
            {**without_residual, "timeConditioning": "additive", "timeEmbedding": "table", "trainTimesteps": 1000},
            16,
        ),
        "integration time, 1x1 residual": (
            {**smooth, "residual": "conv1x1", "integrationTime": True, "velocityOutput": "activated"},
            [16, 32],
        ),
        "linear acceleration, three midpoint steps": (
            {
                **smooth,
                "channels": 6,
                "groups": 3,
                "residual": "none",
                "accelerationOutput": "linear",
                "outChannels": 2,
                "attention": [],
                "solver": {"method": "midpoint", "steps": 3},
            },
            16,
        ),
    }
    path = Path(__file__).parents[3] / "packages/cunet/test/fixtures/parity.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({name: measure(*case) for name, case in cases.items()}) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
