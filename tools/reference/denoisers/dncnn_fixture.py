"""Writes packages/denoisers/test/fixtures/dncnn.json: small DnCNNs with random weights and statistics in the layouts of three
public ports (state dicts as legacy-free .pth, base64), a colour auto-encoder's layers, an input each, and PyTorch's output."""

import base64
import io
import json
from pathlib import Path

import torch
from torch import nn

out = Path(__file__).parents[3] / "packages/denoisers/test/fixtures/dncnn.json"
torch.manual_seed(0)


def saved(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def conv(i, o, bias):
    return nn.Conv2d(i, o, 3, padding=1, bias=bias)


def shaken(net):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def nhwc(x):
    return {"shape": list(x.permute(0, 2, 3, 1).shape), "data": [round(v, 7) for v in x.permute(0, 2, 3, 1).flatten().tolist()]}


def batch_normed(channels, first_bias, eps):
    layers = [conv(channels, 6, first_bias), nn.ReLU()]
    for _ in range(2):
        layers += [conv(6, 6, False), nn.BatchNorm2d(6, eps=eps), nn.ReLU()]
    return nn.Sequential(*layers, conv(6, channels, False))


cases = {}
for name, prefix, net, eps in [
    ("saoyan", "module.dncnn.", batch_normed(1, False, 1e-5), 1e-5),
    ("cszn", "dncnn.", batch_normed(3, True, 1e-4), 1e-4),
    ("kair", "model.", nn.Sequential(conv(1, 6, True), nn.ReLU(), conv(6, 6, True), nn.ReLU(), conv(6, 1, True)), 1e-5),
]:
    net = shaken(net)
    x = torch.rand(2, net[0].in_channels, 7, 6)
    cases[name] = {
        "file": saved({prefix + k: v for k, v in net.state_dict().items()}),
        "eps": eps,
        "input": nhwc(x),
        "output": nhwc((x - net(x)).detach()),
    }

encoder = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 5, 3, 2, 1), nn.ReLU())
decoder = nn.Sequential(nn.ConvTranspose2d(5, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 3, 4, 2, 1), nn.Sigmoid())
x = torch.rand(2, 3, 8, 12)
state = {f"encoder.{k}": v for k, v in encoder.state_dict().items()} | {f"decoder.{k}": v for k, v in decoder.state_dict().items()}
cases["autoencoder"] = {"file": saved(state), "eps": 0, "input": nhwc(x), "output": nhwc(decoder(encoder(x)).detach())}
out.write_text(json.dumps(cases) + "\n")
