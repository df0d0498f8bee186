"""Writes packages/schedulers/test/fixtures/sigmas.json: full loops of the schedulers on noise levels.

    python tools/reference/schedulers/sigmas.py
"""

from harness import write

BASE = {"num_train_timesteps": 1100, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}
CLASSES = (
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "HeunDiscreteScheduler",
    "LMSDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
)
ORDER = {"HeunDiscreteScheduler": 2, "KDPM2DiscreteScheduler": 2, "KDPM2AncestralDiscreteScheduler": 2}


def case(cls, config=None, **rest):
    return {"class": cls, "config": {**BASE, **(config or {})}, **rest}


cases = []
for cls in CLASSES:
    cases += [
        case(cls, steps=10, overwrite=True),
        case(cls, {"prediction_type": "v_prediction"}, steps=10, overwrite=True),
        case(cls, {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}, steps=7),
        case(cls, {"timestep_spacing": "leading", "steps_offset": 1}, steps=10),
        case(cls, {"timestep_spacing": "trailing"}, steps=10),
        case(cls, steps=10, start=8 * ORDER.get(cls, 1), overwrite=True),
    ]
    if cls != "EulerAncestralDiscreteScheduler":
        for schedule in ("karras", "exponential", "beta"):
            cases.append(case(cls, {f"use_{schedule}_sigmas": True, "num_train_timesteps": 1000}, steps=10))
for cls in ("EulerDiscreteScheduler", "HeunDiscreteScheduler", "LMSDiscreteScheduler"):
    cases.append(case(cls, {"prediction_type": "sample"}, steps=10))
cases += [
    case("EulerDiscreteScheduler", timesteps=[999, 750, 500, 250, 10]),
    case("EulerDiscreteScheduler", sigmas=[14.0, 8.0, 3.0, 1.0, 0.3, 0.0]),
    case("EulerDiscreteScheduler", {"interpolation_type": "log_linear"}, steps=10),
    case("EulerDiscreteScheduler", {"final_sigmas_type": "sigma_min"}, steps=10),
    case("EulerDiscreteScheduler", {"use_karras_sigmas": True, "sigma_min": 0.02, "sigma_max": 90.0}, steps=10),
    case("EulerDiscreteScheduler", {"timestep_type": "continuous", "prediction_type": "v_prediction"}, steps=10),
    case("EulerDiscreteScheduler", {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"}, steps=10),
    case("EulerDiscreteScheduler", steps=10, step={"s_churn": 4.0, "s_tmin": 0.05, "s_tmax": 50.0, "s_noise": 1.003}),
    case("EulerAncestralDiscreteScheduler", {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"}, steps=10),
    case("HeunDiscreteScheduler", {"clip_sample": True, "clip_sample_range": 0.8}, steps=10),
    case("HeunDiscreteScheduler", timesteps=[999, 750, 500, 250, 10]),
    case("HeunDiscreteScheduler", {"beta_schedule": "exp"}, steps=10),
]

write("sigmas", cases)
