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


class Embedding(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size, self.linear1, self.linear2 = size, nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, t):
        half = self.size // 2
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / (half - 1))
        return self.linear2(F.silu(self.linear1(torch.cat([angles.sin(), angles.cos()], 1))))


class Velocity(nn.Module):
    def __init__(self, half):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(half, half, 3, padding=1), nn.Conv2d(half, half, 1)

    def forward(self, x):
        return self.conv2(F.instance_norm(F.relu(self.conv1(F.instance_norm(x)))))


class Stem(nn.Module):
    def __init__(self, channels, c):
        super().__init__()
        self.lift, self.velocity = nn.Conv2d(channels, c // 2, 3, padding=1), Velocity(c // 2)

    def forward(self, x):
        x = self.lift(x)
        return torch.cat([x, self.velocity(x)], 1)


class Film(nn.Module):
    def __init__(self, size, c):
        super().__init__()
        self.linear = nn.Linear(size, 2 * c)


class Field(nn.Module):
    def __init__(self, c, groups, size):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, c), nn.Conv2d(c, c, 3, padding=1)
        self.norm2, self.film = nn.GroupNorm(groups, c), Film(size, c)
        self.conv2, self.residual = nn.Conv2d(c, c // 2, 3, padding=1), nn.Conv2d(c, c // 2, 3, padding=1)

    def forward(self, z, e):
        scale, shift = self.film.linear(F.silu(e))[:, :, None, None].chunk(2, 1)
        h = self.norm2(F.relu(self.conv1(self.norm1(z)))) * (1 + scale) + shift
        acceleration = F.relu(self.conv2(h)) + self.residual(z)
        return torch.cat([z.chunk(2, 1)[1], acceleration], 1)


class Block(nn.Module):
    def __init__(self, c, groups, size):
        super().__init__()
        self.f = Field(c, groups, size)

    def forward(self, z, e):
        return odeint(lambda t, y: self.f(y, e), z, torch.tensor([0.0, 1.0]), method="rk4")[-1]


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
    def __init__(self, c, groups, size, attention):
        super().__init__()
        self.block = Block(c, groups, size)
        self.attention = Attention(c) if attention else None

    def forward(self, z, e):
        z = self.block(z, e)
        return z if self.attention is None else z + self.attention(z)


class Transition(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, b, 1)

    def forward(self, x):
        return F.relu(self.conv(x))


class Down(nn.Module):
    def __init__(self, c, groups, size, attention):
        super().__init__()
        self.stage, self.transition = Stage(c, groups, size, attention), Transition(c, 2 * c)


class Up(nn.Module):
    def __init__(self, c, groups, size, attention):
        super().__init__()
        self.transition, self.stage = Transition(3 * c, c), Stage(c, groups, size, attention)


def resize(x, factor):
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class CUNet(nn.Module):
    def __init__(self, channels, c, groups, size, places):
        super().__init__()
        self.time, self.stem = Embedding(size), Stem(channels, c)
        self.down = nn.ModuleList(Down(c * 2**i, groups, size, f"e{i + 1}" in places) for i in range(4))
        self.mid = Stage(16 * c, groups, size, "b" in places)
        self.up = nn.ModuleList(Up(c * 2 ** (3 - i), groups, size, f"d{i + 1}" in places) for i in range(4))
        self.head = nn.Conv2d(c, channels, 1)

    def forward(self, x, t):
        e, z, skips = self.time(t), self.stem(x), []
        for level in self.down:
            z = level.stage(z, e)
            skips.append(z)
            z = resize(level.transition(z), 0.5)
        z = self.mid(z, e)
        for level in self.up:
            z = level.transition(torch.cat([resize(z, 2), skips.pop()], 1))
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


def measure(channels, c, groups, size, places, side):
    model = CUNet(channels, c, groups, size, places)
    set_weights(model)
    i = torch.arange(2 * channels * side * side, dtype=torch.float64)
    x = torch.sin(0.67 * i).float().reshape(2, channels, side, side)
    prediction = model(x, torch.tensor([3.0, 700.0]))
    weight = torch.cos(torch.arange(prediction.numel(), dtype=torch.float64)).float()
    (prediction.flatten() * weight).mean().backward()
    gradients = {}
    for name, parameter in model.named_parameters():
        flat = parameter.grad.flatten()
        at = [0, flat.numel() // 2, flat.numel() - 1]
        gradients[name] = digits([flat.norm().item(), *[flat[k].item() for k in at]])
    return {
        "options": {"inChannels": channels, "channels": c, "groups": groups, "timeSize": size, "attention": places},
        "side": side,
        "parameters": sum(p.numel() for p in model.parameters()),
        "prediction": digits(prediction.flatten().tolist()),
        "gradients": gradients,
    }


def digits(numbers):
    assert all(math.isfinite(n) for n in numbers)
    return [float(f"{n:.7g}") for n in numbers]


def main():
    full = CUNet(3, 32, 8, 64, ["e4", "d1"])
    assert sum(p.numel() for p in full.parameters()) == 8_763_491
    cases = [measure(1, 4, 2, 8, ["e4", "d1"], 16), measure(3, 4, 4, 16, ["e2", "e4", "b", "d1", "d3"], 16)]
    path = Path(__file__).parents[3] / "packages/cunet/test/fixtures/parity.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(cases) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
