"""Writes packages/schedulers/test/fixtures/special.json: loops of the schedulers whose loops are their own.

    python tools/reference/schedulers/special.py

DPMSolverSDEScheduler (with unit noise of one Brownian path in place of torchsde's tree, which need not be installed),
RePaintScheduler, ScoreSdeVeScheduler, ScoreSdeVpScheduler, and the steps without noise of the parallel schedulers.
"""

import json
import sys
import types
from pathlib import Path

import torch
from harness import SHAPE, model, precision, ramp, rounded

sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))
import diffusers  # noqa: E402
from diffusers.schedulers import scheduling_dpmsolver_sde as sde  # noqa: E402
from diffusers.schedulers.deprecated.scheduling_sde_vp import ScoreSdeVpScheduler  # noqa: E402

BASE = {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}


def draw(generator):
    return torch.randn(SHAPE, generator=generator).to(torch.get_default_dtype())


class BrownianPath:
    """Unit noise over intervals that begin at the same level: later ones contain the earlier."""

    def __init__(self, x, sigma_min, sigma_max, seed):
        self.generator, self.start = torch.Generator().manual_seed(0), None

    def __call__(self, sigma, sigma_next):
        # One level comes back from its logarithm with another last digit.
        if self.start is None or abs(float(self.start / sigma) - 1) > 1e-5:
            self.start, self.end, self.noise = sigma, sigma_next, draw(self.generator)
            return self.noise
        share = (sigma - self.end) / (sigma - sigma_next)
        return share.sqrt() * self.noise + (1 - share).sqrt() * draw(self.generator)


def dpm_sde(case):
    sde.BrownianTreeNoiseSampler = BrownianPath
    scheduler = sde.DPMSolverSDEScheduler(**case["config"])
    scheduler.set_timesteps(case["steps"])
    sample = ramp() * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        seen = scheduler.scale_model_input(sample, t)
        sample = scheduler.step(model(seen, t), t, sample, **case.get("step", {})).prev_sample
    return scheduler, sample


def repaint(case):
    scheduler = diffusers.RePaintScheduler(**case["config"])
    scheduler.set_timesteps(case["steps"], case["jump_length"], case["jump_n_sample"])
    scheduler.eta = case["config"].get("eta", 0.0)
    generator = torch.Generator().manual_seed(0)
    sample, original = ramp(), ramp(falling=True)
    mask = (original > 0.5).to(sample.dtype)
    last = scheduler.timesteps[0] + 1
    for t in scheduler.timesteps:
        if t < last:
            sample = scheduler.step(model(sample, t), t, sample, original, mask, generator).prev_sample
        else:
            sample = scheduler.undo_step(sample, last, generator)
        last = t
    return scheduler, sample


def score_ve(case):
    """`test_full_loop_no_noise` of tests/schedulers/test_scheduler_score_sde_ve.py, with the config's `correct_steps`."""
    scheduler = diffusers.ScoreSdeVeScheduler(**case["config"])
    scheduler.set_sigmas(case["steps"])
    scheduler.set_timesteps(case["steps"])
    generator, sample = torch.Generator().manual_seed(0), ramp()
    for i, t in enumerate(scheduler.timesteps):
        sigma = scheduler.sigmas[i]
        for _ in range(scheduler.config.correct_steps):
            sample = scheduler.step_correct(model(sample, sigma), sample, generator=generator).prev_sample
        sample = scheduler.step_pred(model(sample, sigma), t, sample, generator=generator).prev_sample
    return scheduler, sample


def score_vp(case):
    scheduler = ScoreSdeVpScheduler(**case["config"])
    scheduler.set_timesteps(case["steps"])
    generator, sample = torch.Generator().manual_seed(0), ramp()
    for t in scheduler.timesteps:
        sample, _ = scheduler.step_pred(model(sample, t), sample, t, generator=generator)
    return scheduler, sample


def batch_step(case):
    """`test_batch_step_no_noise` of the parallel schedulers: three samples at three timesteps, three times over."""
    scheduler = getattr(diffusers, case["class"])(**case["config"])
    scheduler.set_timesteps(case.get("steps", 1000))
    one = ramp()
    samples = torch.stack([one, one + 0.1, one - 0.1], dim=0)
    timesteps = torch.arange(1000)[0:3, None].repeat(1, 4)
    output = model(samples.flatten(0, 1), timesteps.flatten(0, 1).reshape(-1, 1, 1, 1))
    arguments = (0.0,) if case["class"].startswith("DDIM") else ()
    return scheduler, scheduler.batch_step_no_noise(output, timesteps.flatten(0, 1), samples.flatten(0, 1), *arguments)


LOOPS = {
    "DPMSolverSDEScheduler": dpm_sde,
    "RePaintScheduler": repaint,
    "ScoreSdeVeScheduler": score_ve,
    "ScoreSdeVpScheduler": score_vp,
    "DDIMParallelScheduler": batch_step,
    "DDPMParallelScheduler": batch_step,
}
LEVELS = {**BASE, "num_train_timesteps": 1100}
CASES = [
    {"class": "DPMSolverSDEScheduler", "config": LEVELS, "steps": 10},
    {"class": "DPMSolverSDEScheduler", "config": {**LEVELS, "prediction_type": "v_prediction"}, "steps": 10},
    {"class": "DPMSolverSDEScheduler", "config": {**BASE, "use_karras_sigmas": True}, "steps": 10},
    {"class": "DPMSolverSDEScheduler", "config": {**BASE, "use_exponential_sigmas": True}, "steps": 9},
    {"class": "DPMSolverSDEScheduler", "config": {**BASE, "use_beta_sigmas": True}, "steps": 10},
    {"class": "DPMSolverSDEScheduler", "config": {**BASE, "timestep_spacing": "leading", "steps_offset": 1}, "steps": 7},
    {"class": "DPMSolverSDEScheduler", "config": {**BASE, "timestep_spacing": "trailing"}, "steps": 7},
    {"class": "DPMSolverSDEScheduler", "config": {}, "steps": 5, "step": {"s_noise": 0.8}},
    {"class": "RePaintScheduler", "config": {**BASE, "eta": 0.0}, "steps": 20, "jump_length": 5, "jump_n_sample": 2},
    {"class": "RePaintScheduler", "config": {**BASE, "eta": 1.0}, "steps": 20, "jump_length": 5, "jump_n_sample": 2},
    {"class": "RePaintScheduler", "config": {**BASE, "eta": 0.5, "clip_sample": False}, "steps": 50, "jump_length": 10, "jump_n_sample": 3},
    {"class": "RePaintScheduler", "config": {"eta": 1.0, "beta_schedule": "squaredcos_cap_v2"}, "steps": 10, "jump_length": 3, "jump_n_sample": 2},
    {"class": "ScoreSdeVeScheduler", "config": {"num_train_timesteps": 2000, "snr": 0.15, "sigma_min": 0.01, "sigma_max": 1348, "sampling_eps": 1e-5}, "steps": 3},
    {"class": "ScoreSdeVeScheduler", "config": {"snr": 0.1, "sigma_max": 50.0, "correct_steps": 2}, "steps": 7},
    {"class": "ScoreSdeVeScheduler", "config": {"sigma_max": 5.0, "correct_steps": 0}, "steps": 10},
    {"class": "ScoreSdeVpScheduler", "config": {}, "steps": 10},
    {"class": "ScoreSdeVpScheduler", "config": {"beta_max": 10.0, "sampling_eps": 0.01}, "steps": 25},
    {"class": "DDIMParallelScheduler", "config": BASE, "steps": 10},
    {"class": "DDPMParallelScheduler", "config": BASE},
]
rows = []
for case in CASES:
    row = dict(case)
    for name, digits in (("float32", 9), ("float64", 14)):
        with precision(name):
            scheduler, sample = LOOPS[case["class"]](case)
        numbers = {
            "timesteps": [float(t) for t in scheduler.timesteps][:25],
            "sum": float(sample.abs().sum(dtype=torch.float64)),
            "values": [float(x) for x in sample.flatten()[[0, 1, 100, 301, 500, 767]]],
        }
        row[name] = rounded(numbers, digits)
    rows.append(row)
path = Path(__file__).parents[3] / "packages/schedulers/test/fixtures/special.json"
text = json.dumps({"diffusers": diffusers.__version__, "torch": torch.__version__, "cases": rows}, separators=(",", ":"))
path.write_text(text.replace('{"class"', '\n{"class"') + "\n")
