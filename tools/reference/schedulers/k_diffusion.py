"""Writes packages/schedulers/test/fixtures/k-diffusion.json: every sampler of k-diffusion 0.1.1.post1 on a normal distribution.

    pip download --no-deps k-diffusion==0.1.1.post1 && unzip it
    python tools/reference/schedulers/k_diffusion.py <the folder>

Only `sampling.py` is loaded, with its imports of other packages replaced where they are not there. Everything is float64; noise
is drawn as float32 by torch.manual_seed(0), in place of torchsde's trees too, whose intervals within one step keep the law
of one Brownian path.
"""

import importlib.util
import json
import math
import sys
import types
from pathlib import Path

import torch

folder = Path(sys.argv[1]) / "k_diffusion"


class Bar:
    """A progress bar that shows nothing."""

    def __init__(self, **_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, *_):
        pass


for name, contents in {"torchsde": {}, "torchdiffeq": {"odeint": None}, "tqdm": {}, "tqdm.auto": {"tqdm": Bar}}.items():
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(contents, trange=lambda n, **_: range(n))
package = types.ModuleType("k_diffusion")
package.__path__ = [str(folder)]
utils = types.ModuleType("k_diffusion.utils")
utils.append_dims = lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)]
package.utils = utils
sys.modules.update({"k_diffusion": package, "k_diffusion.utils": utils})
spec = importlib.util.spec_from_file_location("k_diffusion.sampling", folder / "sampling.py")
sampling = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sampling)

torch.set_default_dtype(torch.float64)
CENTRE, VARIANCE = 0.4, 0.49


def denoiser(x, sigma, **_):
    sigma = sigma.reshape(-1, 1)
    return CENTRE + (x - CENTRE) * VARIANCE / (VARIANCE + sigma**2)


def draw(*_):
    return torch.randn(1, 20, dtype=torch.float32, generator=generator).double()


class BrownianPath:
    """Unit noise over intervals that begin at the same level: later ones contain the earlier."""

    def __init__(self):
        self.start = None

    def __call__(self, sigma, sigma_next):
        if self.start is None or float(self.start) != float(sigma):
            self.start, self.end, self.noise = sigma, sigma_next, draw()
            return self.noise
        share = (sigma - self.end) / (sigma - sigma_next)
        return share.sqrt() * self.noise + (1 - share).sqrt() * draw()


sigmas = sampling.append_zero(torch.tensor([math.exp(3 - 0.7 * i) for i in range(8)]))
start = torch.arange(20).reshape(1, 20) * 2.0 - 19
CASES = [
    ("sample_euler", {}),
    ("sample_euler", {"s_churn": 5.0, "s_tmin": 0.2, "s_tmax": 10.0, "s_noise": 1.01}),
    ("sample_euler_ancestral", {}),
    ("sample_euler_ancestral", {"eta": 0.5, "s_noise": 1.1}),
    ("sample_heun", {}),
    ("sample_heun", {"s_churn": 5.0}),
    ("sample_dpm_2", {}),
    ("sample_dpm_2", {"s_churn": 5.0}),
    ("sample_dpm_2_ancestral", {}),
    ("sample_lms", {}),
    ("sample_lms", {"order": 3}),
    ("sample_dpmpp_2s_ancestral", {}),
    ("sample_dpmpp_2s_ancestral", {"eta": 0.3}),
    ("sample_dpmpp_sde", {}),
    ("sample_dpmpp_sde", {"eta": 0.6, "s_noise": 1.1, "r": 0.4}),
    ("sample_dpmpp_sde", {"eta": 0.0}),
    ("sample_dpmpp_2m", {}),
    ("sample_dpmpp_2m_sde", {}),
    ("sample_dpmpp_2m_sde", {"eta": 0.5, "solver_type": "heun"}),
    ("sample_dpmpp_3m_sde", {}),
    ("sample_dpmpp_3m_sde", {"eta": 0.5}),
    ("sample_dpm_fast", {"n": 7}),
    ("sample_dpm_fast", {"n": 8}),
    ("sample_dpm_fast", {"n": 9}),
    ("sample_dpm_fast", {"n": 12, "eta": 0.8}),
    ("sample_dpm_adaptive", {}),
    ("sample_dpm_adaptive", {"order": 2, "rtol": 0.01, "eta": 0.5}),
]
rows = []
for name, options in CASES:
    generator = torch.Generator().manual_seed(0)
    torch.randn_like = draw
    arguments = dict(options)
    if name in ("sample_dpmpp_sde", "sample_dpmpp_2m_sde", "sample_dpmpp_3m_sde"):
        arguments["noise_sampler"] = BrownianPath()
    run = getattr(sampling, name)
    if "fast" in name or "adaptive" in name:
        result = run(denoiser, start, sigmas[-2], sigmas[0], disable=True, **arguments)
    else:
        result = run(denoiser, start * sigmas[0] / 20, sigmas, disable=True, **arguments)
    rows.append({"sampler": name, "options": options, "values": [float("%.14g" % x) for x in result.flatten()[[0, 1, 7, 10, 19]]]})
path = Path(__file__).parents[3] / "packages/schedulers/test/fixtures/k-diffusion.json"
path.write_text(json.dumps(rows, separators=(",", ":")).replace('{"sampler"', '\n{"sampler"') + "\n")
