"""Writes packages/schedulers/test/fixtures/timesteps.json: SHA-1 digests of diffusers' timestep lists for all counts 1 .. 1000.

Of each list: its numbers joined by commas, and a semicolon; of fractional ones their float32 bytes. Counts that diffusers
refuses are left out of `counts`.

    python tools/reference/schedulers/timesteps.py
"""

import hashlib
import json
from pathlib import Path

import diffusers

CLASSES = {
    "DDPMScheduler": ("leading", "linspace", "trailing"),
    "DDIMScheduler": ("leading", "linspace", "trailing"),
    "DDIMInverseScheduler": ("leading", "trailing"),
    "EulerDiscreteScheduler": ("leading", "trailing"),
    "DPMSolverMultistepScheduler": ("leading", "linspace", "trailing"),
    "DPMSolverMultistepInverseScheduler": ("leading", "linspace", "trailing"),
    "DEISMultistepScheduler": ("leading", "linspace", "trailing"),
    "UniPCMultistepScheduler": ("leading", "linspace", "trailing"),
    "SASolverScheduler": ("leading", "linspace", "trailing"),
    "PNDMScheduler": ("leading", "linspace", "trailing"),
    "DPMSolverSinglestepScheduler": (None,),
    "UnCLIPScheduler": (None,),
    "LCMScheduler": (None,),
    "TCDScheduler": (None,),
}
# Lists with fractions.
FRACTIONAL = {
    "EulerDiscreteScheduler": ("linspace",),
    "EulerAncestralDiscreteScheduler": ("leading", "linspace", "trailing"),
    "HeunDiscreteScheduler": ("leading", "linspace", "trailing"),
    "LMSDiscreteScheduler": ("leading", "linspace", "trailing"),
}
rows = []
for name, spacings in [*CLASSES.items(), *FRACTIONAL.items()]:
    is_fractional = FRACTIONAL.get(name) == spacings
    for spacing in spacings:
        for offset in (0, 1, 2) if spacing == "leading" else (0, 1) if spacing else (0,):
            config = {} if spacing is None else {"timestep_spacing": spacing, "steps_offset": offset}
            scheduler = getattr(diffusers, name)(**config)
            digest, counts = hashlib.sha1(), []
            for count in range(1, 1001):
                try:
                    scheduler.set_timesteps(count)
                except Exception:
                    continue
                counts.append(count)
                if is_fractional:
                    digest.update(scheduler.timesteps.numpy().astype("<f4").tobytes())
                    continue
                digest.update((",".join(str(int(t)) for t in scheduler.timesteps.tolist()) + ";").encode())
            rows.append({"class": name, "config": config, "fractional": is_fractional, "first": counts[0], "last": counts[-1], "count": len(counts), "sha1": digest.hexdigest()})
path = Path(__file__).parents[3] / "packages/schedulers/test/fixtures/timesteps.json"
path.write_text(json.dumps(rows, separators=(",", ":")).replace('{"class"', '\n{"class"') + "\n")
