"""The Python side of packages/metrics/bench/run.mjs: seconds of one call each, as JSON on standard output.

Run: tools/reference/.venv/bin/python tools/reference/metrics/bench.py [name...]
     ... bench.py --weights inception|squeeze|heads file.safetensors    writes random weights
"""

import json
import sys
import time

import numpy as np
import torch


def best(function, times):
    function()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def frechet():
    from scipy import linalg

    rng = np.random.default_rng(0)
    a, b = (np.cov(rng.standard_normal((3000, 2048)), rowvar=False) for _ in range(2))
    start = time.perf_counter()
    linalg.sqrtm(a @ b)
    return time.perf_counter() - start


def ssim():
    from skimage.metrics import structural_similarity

    rng = np.random.default_rng(0)
    a, b = rng.random((2, 256, 256, 3))
    return best(lambda: structural_similarity(a, b, data_range=1.0, channel_axis=2), 10)


def inception():
    import torchvision

    net = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False).eval()
    x = torch.rand(8, 3, 299, 299)
    with torch.no_grad():
        return best(lambda: net(x), 2) / 8


def lpips_squeeze():
    import lpips

    net = lpips.LPIPS(net="squeeze", pnet_rand=True, pretrained=False, verbose=False)
    a, b = torch.rand(2, 8, 3, 128, 128) * 2 - 1
    with torch.no_grad():
        return best(lambda: net(a, b), 5) / 8


def save_weights(name, path):
    import lpips
    import torchvision
    from safetensors.torch import save_file

    if name == "heads":
        net = lpips.LPIPS(net="squeeze", pnet_rand=True, pretrained=False, verbose=False)
        state = {k: v.abs() for k, v in net.state_dict().items() if k.startswith("lin") and "lins" not in k}
    elif name == "squeeze":
        state = torchvision.models.squeezenet1_1(weights=None).state_dict()
    else:
        state = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False).state_dict()
    save_file({k: v.contiguous() for k, v in state.items()}, path)


benches = {"frechet": frechet, "ssim": ssim, "inception": inception, "lpips": lpips_squeeze}
if sys.argv[1:2] == ["--weights"]:
    save_weights(*sys.argv[2:])
else:
    print(json.dumps({name: benches[name]() for name in sys.argv[1:] or benches}))
