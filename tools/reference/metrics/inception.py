"""Inception features of pytorch-fid and of torchvision's network with hashed weights, at all taps and with all resizes.

Writes packages/metrics/test/fixtures/inception.json (a sample of each vector; sizes of the pictures: 40 x 35, 320 x 310).
Run: tools/reference/.venv/bin/python tools/reference/metrics/inception.py
"""

import json
from pathlib import Path

import numpy as np
import pytorch_fid.inception as pytorch_fid
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image

from hashed import fill, images

FIXTURES = Path(__file__).parents[3] / "packages/metrics/test/fixtures"


def tf1_bilinear(x, side=299):
    """TensorFlow 1: source = index * in / out, right neighbour clamped."""
    for axis in (2, 3):
        size = x.shape[axis]
        source = torch.arange(side, dtype=torch.float64) * size / side
        low = source.floor().long()
        high = (low + 1).clamp(max=size - 1)
        weight = (source - low).to(x.dtype).reshape([-1 if a == axis else 1 for a in range(4)])
        x = x.index_select(axis, low) * (1 - weight) + x.index_select(axis, high) * weight
    return x


def pil_clean(batch, side=299):
    """clean-fid: PIL's bicubic of each channel in float mode, values 0 .. 255, clipped, not rounded."""
    out = [
        [np.asarray(Image.fromarray(255 * p[:, :, c], mode="F").resize((side, side), Image.BICUBIC)).clip(0, 255) for c in range(3)]
        for p in batch
    ]
    return torch.from_numpy(np.stack(out).astype(np.float32))


def inputs(batch, mode):
    x = torch.from_numpy(batch).permute(0, 3, 1, 2)
    if mode == "legacy_pytorch":
        return 2 * F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False) - 1
    resized = pil_clean(batch) if mode == "clean" else 255 * tf1_bilinear(x)
    return (resized - 128) / 128


def build(layout):
    if layout == "fid":
        # The constructor loads published weights; hashed ones take their place.
        pytorch_fid.load_state_dict_from_url = lambda *a, **k: EMPTY
        net = pytorch_fid._inception_v3(num_classes=1008, aux_logits=False, weights=None)
        globals()["EMPTY"] = net.state_dict()
        net = pytorch_fid.fid_inception_v3()
    else:
        net = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    return fill(net).eval()


def features(net, x):
    taps = {}
    hook = net.Mixed_6d.branch1x1.register_forward_hook(lambda m, i, o: taps.update(spatial=o[:, :7].permute(0, 2, 3, 1).flatten(1)))
    x = net.Conv2d_2b_3x3(net.Conv2d_2a_3x3(net.Conv2d_1a_3x3(x)))
    x = net.maxpool1(x)
    taps["64"] = x.mean((2, 3))
    x = net.maxpool2(net.Conv2d_4a_3x3(net.Conv2d_3b_1x1(x)))
    taps["192"] = x.mean((2, 3))
    for name in "5b 5c 5d 6a 6b 6c 6d 6e".split():
        x = getattr(net, f"Mixed_{name}")(x)
    taps["768"] = x.mean((2, 3))
    for name in "7a 7b 7c".split():
        x = getattr(net, f"Mixed_{name}")(x)
    taps["2048"] = x.mean((2, 3))
    taps["logits"] = net.fc(taps["2048"])
    taps["logits_unbiased"] = taps["2048"] @ net.fc.weight.T
    hook.remove()
    return taps


def main():
    small = images(2, 40, 35, 1)
    large = images(1, 320, 310, 2)
    out = {}
    with torch.no_grad():
        for layout in ("fid", "torchvision"):
            net = build(layout)
            cases = {"small": (small, "legacy_pytorch")}
            if layout == "fid":
                own = {64: 0, 192: 1, 768: 2, 2048: 3}
                wrapper = pytorch_fid.InceptionV3(list(own.values())).eval()
                cases |= {f"small-{m}": (small, m) for m in ("legacy_tensorflow", "clean")}
                cases |= {f"large-{m}": (large, m) for m in ("legacy_pytorch", "legacy_tensorflow", "clean")}
            for name, (batch, mode) in cases.items():
                x = inputs(batch, mode)
                taps = features(net, x)
                if name.startswith("small") and mode == "legacy_pytorch" and layout == "fid":
                    # The wrapper of pytorch-fid itself, from the pictures on, gives the same.
                    fill_wrapper(wrapper, net)
                    maps = wrapper(torch.from_numpy(batch).permute(0, 3, 1, 2))
                    for dim, m in zip(own, maps):
                        assert torch.allclose(m.mean((2, 3)), taps[str(dim)], rtol=1e-4, atol=1e-5), dim
                out[f"{layout}-{name}"] = {t: {"sample": v.flatten()[::37].tolist(), "size": v.shape[1]} for t, v in taps.items()}
                out[f"{layout}-{name}"]["inputSample"] = x.permute(0, 2, 3, 1).flatten()[::4999].tolist()
    (FIXTURES / "inception.json").write_text(json.dumps(out) + "\n")


def fill_wrapper(wrapper, net):
    """The wrapper's blocks hold the same modules in order; their state is copied over."""
    own = list(wrapper.state_dict().values())
    source = [v for k, v in net.state_dict().items() if not k.startswith("fc.")]
    assert len(own) == len(source), (len(own), len(source))
    for a, b in zip(own, source):
        a.copy_(b)


if __name__ == "__main__":
    main()
