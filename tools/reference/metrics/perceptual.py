"""LPIPS of the lpips package with hashed trunk weights and hashed heads, for all nets, versions and forms; its squeeze form
on the example pair with the real weights. DISTS of its authors' package with hashed weights.

Writes packages/metrics/test/fixtures/perceptual.json.
Run: tools/reference/.venv/bin/python tools/reference/metrics/perceptual.py [shared/data]
"""

import json
import sys
from pathlib import Path

import lpips
import DISTS_pytorch.DISTS_pt as dists
import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file

from hashed import fill, images

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "packages/metrics/test/fixtures"
SIZES = {"squeeze": (33, 36), "alex": (40, 35), "vgg": (16, 18)}
TRUNKS = {"squeeze": torchvision.models.squeezenet1_1, "alex": torchvision.models.alexnet, "vgg": torchvision.models.vgg16}


def build(net, trunk, **options):
    """The package's model with the given trunk in its slices."""
    model = lpips.LPIPS(net=net, pnet_rand=True, pretrained=False, verbose=False, **options)
    for index in range(model.net.N_slices):
        for name, child in getattr(model.net, f"slice{index + 1}").named_children():
            child.load_state_dict(trunk.features[int(name)].state_dict())
    if options.get("lpips", True):
        for index, layer in enumerate(model.lins):
            layer.model[1].weight.data = torch.from_numpy(np.abs(fill_like(f"lin{index}.model.1.weight", layer.model[1].weight.shape)))
    return model.eval()


def fill_like(name, shape):
    module = torch.nn.Module()
    module.register_buffer("w", torch.zeros(shape))
    from hashed import hashed, name_seed

    u = hashed(int(np.prod(shape)), name_seed(name)).reshape(shape)
    return ((2 * u - 1) * np.sqrt(6 / np.prod(shape[1:]))).astype(np.float32)


def dists_scores():
    """The authors' model; its constructor asks torchvision for published weights, and gets hashed ones."""
    vgg16 = torchvision.models.vgg16
    dists.models.vgg16 = lambda pretrained: fill(vgg16(weights=None))
    model = dists.DISTS(load_weights=False).eval()
    dists.models.vgg16 = vgg16
    for name in ("alpha", "beta"):
        getattr(model, name).data = torch.from_numpy(np.abs(fill_like(name, (1, 1475, 1, 1))))
    out = {}
    for height, width in ((16, 16), (19, 26)):
        a, b = (tensor(images(1, height, width, seed)) for seed in (1, 2))
        with torch.enable_grad():
            b.requires_grad_()
            score = model(a, b, require_grad=True)
            gradient = torch.autograd.grad(score, b)[0]
        out[f"{height}x{width}"] = {"distance": [score.item()], "gradientSample": sample(gradient)}
    return out


def sample(gradient):
    """Every 29th number of a gradient, in the order of NHWC."""
    return gradient.permute(0, 2, 3, 1).flatten()[::29].tolist()


def tensor(batch):
    return torch.from_numpy(batch).permute(0, 3, 1, 2)


def main():
    out = {}
    with torch.no_grad():
        for net, (height, width) in SIZES.items():
            trunk = fill(TRUNKS[net](weights=None))
            a, b = (tensor(images(2, height, width, seed)) for seed in (1, 2))
            value, layers = build(net, trunk)(a, b, retPerLayer=True, normalize=True)
            with torch.enable_grad():
                b.requires_grad_()
                gradient = torch.autograd.grad(build(net, trunk)(a, b, normalize=True).sum(), b)[0]
                b = b.detach()
            out[net] = {
                "gradientSample": sample(gradient),
                "distance": value.flatten().tolist(),
                "layers": [layer.flatten().tolist() for layer in layers],
                "v0.0": build(net, trunk, version="0.0")(a, b, normalize=True).flatten().tolist(),
                "baseline": build(net, trunk, lpips=False)(a, b, normalize=True).flatten().tolist(),
                "spatialSample": build(net, trunk, spatial=True)(a, b, normalize=True).flatten()[::101].tolist(),
            }
        out["dists"] = dists_scores()
        if len(sys.argv) > 1:
            data = Path(sys.argv[1])
            trunk = torchvision.models.squeezenet1_1(weights=None)
            trunk.load_state_dict({k: v.float() for k, v in load_file(data / "squeezenet/squeezenet1_1-fp16.safetensors").items()})
            model = build("squeeze", trunk)
            model.load_state_dict(torch.load(data / "lpips/v0.1/squeeze.pth", map_location="cpu"), strict=False)
            a, b = (tensor(np.asarray(Image.open(data / f"lpips/{n}.png"), np.float32)[None] / 127.5 - 1) for n in ("ex_ref", "ex_p0"))
            value, layers = model(a, b, retPerLayer=True)
            out["examplePair"] = {"distance": value.item(), "layers": [layer.item() for layer in layers]}
    (FIXTURES / "perceptual.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
