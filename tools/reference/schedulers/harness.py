"""What the golden scripts of this folder share: diffusers' test sample and model, and one loop over any scheduler.

Every case is run twice with diffusers 0.42.1: as it is (float32), and with float64 in place of every float32; noise is drawn
as float32 by torch.manual_seed(0) in both.
"""

import contextlib
import inspect
import json
import warnings
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers.utils import torch_utils

warnings.filterwarnings("ignore")
diffusers.utils.logging.set_verbosity_error()
FLOAT32, NP_FLOAT32 = torch.float32, np.float32
RANDN = torch.randn
SHAPE = (4, 3, 8, 8)
COUNT = 4 * 3 * 8 * 8


def ramp(falling=False):
    """`dummy_sample_deter` (or `dummy_noise_deter`, falling) of tests/schedulers/test_schedulers.py."""
    numbers = torch.arange(COUNT)
    if falling:
        numbers = numbers.flip(-1)
    return (numbers.reshape(3, 8, 8, 4) / COUNT).permute(3, 0, 1, 2).contiguous().to(torch.get_default_dtype())


def model(sample, t):
    return sample * t / (t + 1)


@contextlib.contextmanager
def precision(name):
    """Float64 everywhere: the names of float32 stand for float64 while the block runs."""
    if name == "float64":
        torch.set_default_dtype(torch.float64)
        torch.float32, np.float32 = torch.float64, np.float64

        def randn(*size, dtype=None, **kwargs):
            return RANDN(*size, dtype=FLOAT32, **kwargs).to(torch.float64)

        torch.randn = randn
    try:
        yield
    finally:
        torch.set_default_dtype(FLOAT32)
        torch.float32, np.float32, torch.randn = FLOAT32, NP_FLOAT32, RANDN


def run(case):
    """The final sample of a case: {class, config, steps?, timesteps?, sigmas?, eta?, start?, model?, scaled?, seed?}."""
    cls = getattr(diffusers, case["class"])
    scheduler = cls(**case["config"])
    generator = torch.Generator().manual_seed(case.get("seed", 0))
    arguments = {name: case[name] for name in ("timesteps", "sigmas") if name in case}
    if "sigmas" in arguments and "FlowMatch" in case["class"]:
        arguments["sigmas"] = list(arguments["sigmas"])
    if "steps" in case:
        arguments["num_inference_steps"] = case["steps"]
    arguments.update(case.get("set", {}))
    if arguments:
        scheduler.set_timesteps(**arguments)
    options = dict(case.get("step", {}))
    if "generator" in inspect.signature(scheduler.step).parameters:
        options["generator"] = generator
    sample = ramp()
    times = scheduler.timesteps
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(case.get("start", 0))
    if "start" in case:
        times = times[case["start"] :]
        sample = scheduler.add_noise(sample, ramp(falling=True), times[:1])
    elif case.get("scaled", True):
        sample = sample * getattr(scheduler, "init_noise_sigma", 1)
    original = None
    for i, t in enumerate(list(times) * (2 if case.get("twice") else 1)):
        if case.get("twice") and i == len(times):
            scheduler._step_index = None
        if case.get("skip"):
            options["prev_timestep"] = times[i + 1] if i + 1 < len(times) else -1
        seen = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
        if case.get("overwrite"):
            sample = seen
        output = model(seen, t)
        if case.get("learned"):
            output = torch.cat([output, torch.clamp(0.5 * output.abs() + 0.1, max=1)], dim=1)
        result = scheduler.step(output, t, sample, **options)
        sample = result.prev_sample
        original = getattr(result, "pred_original_sample", None)
    numbers = {
        "timesteps": [float(t) for t in scheduler.timesteps][:25],
        "sum": float(sample.abs().sum(dtype=torch.float64)),
        "values": [float(x) for x in sample.flatten()[[0, 1, 100, 301, 500, 767]]],
    }
    if getattr(scheduler, "sigmas", None) is not None and len(scheduler.sigmas) <= 41:
        numbers["sigmas"] = [float(s) for s in scheduler.sigmas]
    if original is not None:
        numbers["original"] = float(original.abs().sum(dtype=torch.float64))
    return numbers


def both(case):
    result = {}
    for name in ("float32", "float64"):
        with precision(name):
            result[name] = run(case)
    return result


def rounded(value, digits):
    if isinstance(value, float):
        return float(f"%.{digits}g" % value)
    if isinstance(value, list):
        return [rounded(one, digits) for one in value]
    if isinstance(value, dict):
        return {key: rounded(one, digits) for key, one in value.items()}
    return value


def goldens(cases):
    """The fixture of a list of cases."""
    rows = []
    for case in cases:
        try:
            result = both(case)
        except Exception as error:
            raise RuntimeError(f"{case}: {error}") from error
        rows.append({**case, "float32": rounded(result["float32"], 9), "float64": rounded(result["float64"], 14)})
    return {"diffusers": diffusers.__version__, "torch": torch.__version__, "cases": rows}


def write(name, cases):
    """Writes a fixture of the schedulers package, one case per line."""
    path = Path(__file__).parents[3] / f"packages/schedulers/test/fixtures/{name}.json"
    text = json.dumps(goldens(cases), separators=(",", ":")).replace('{"class"', '\n{"class"')
    path.write_text(text + "\n")
