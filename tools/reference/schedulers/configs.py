"""Writes packages/schedulers/test/fixtures/configs.json: the default config of every scheduler class, as diffusers saves it.

    python tools/reference/schedulers/configs.py
"""

import json
import sys
import types
from pathlib import Path

import diffusers

sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))  # need not be installed
from diffusers.schedulers.scheduling_dpmsolver_sde import DPMSolverSDEScheduler  # noqa: E402

diffusers.DPMSolverSDEScheduler = DPMSolverSDEScheduler

NAMES = (
    "CMStochasticIterativeScheduler DDIMInverseScheduler DDIMParallelScheduler DDIMScheduler DDPMParallelScheduler "
    "DDPMScheduler DEISMultistepScheduler DPMSolverMultistepInverseScheduler DPMSolverMultistepScheduler "
    "DPMSolverSDEScheduler DPMSolverSinglestepScheduler EDMDPMSolverMultistepScheduler EDMEulerScheduler EulerAncestralDiscreteScheduler "
    "EulerDiscreteScheduler FlowMatchEulerDiscreteScheduler FlowMatchHeunDiscreteScheduler HeunDiscreteScheduler "
    "IPNDMScheduler KDPM2AncestralDiscreteScheduler KDPM2DiscreteScheduler LCMScheduler LMSDiscreteScheduler "
    "PNDMScheduler RePaintScheduler SASolverScheduler ScoreSdeVeScheduler TCDScheduler UnCLIPScheduler "
    "UniPCMultistepScheduler"
)
rows = {}
for name in NAMES.split():
    rows[name] = json.loads(getattr(diffusers, name)().to_json_string())
path = Path(__file__).parents[3] / "packages/schedulers/test/fixtures/configs.json"
path.write_text(json.dumps(rows, indent=1) + "\n")
