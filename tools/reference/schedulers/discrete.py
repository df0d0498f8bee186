"""Writes packages/schedulers/test/fixtures/discrete.json: full loops of DDPM, DDIM and DDIM inverse over their options.

    python tools/reference/schedulers/discrete.py
"""

from harness import write

BASE = {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}


def case(cls, config=None, **rest):
    return {"class": cls, "config": {**BASE, **(config or {})}, **rest}


cases = [
    case("DDPMScheduler"),
    case("DDPMScheduler", {"prediction_type": "v_prediction"}),
    case("DDPMScheduler", start=998),
]
for variance in ("fixed_small", "fixed_small_log", "fixed_large", "learned", "learned_range"):
    cases.append(
        case("DDPMScheduler", {"variance_type": variance}, steps=10, learned=variance.startswith("learned"))
    )
for prediction in ("epsilon", "sample", "v_prediction"):
    for spacing in ("leading", "linspace", "trailing"):
        config = {"prediction_type": prediction, "timestep_spacing": spacing}
        cases.append(case("DDPMScheduler", config, steps=10))
        cases.append(case("DDIMScheduler", config, steps=10))
        cases.append(case("DDIMScheduler", config, steps=7, step={"eta": 0.5, "use_clipped_model_output": True}))
for cls in ("DDPMScheduler", "DDIMScheduler"):
    cases += [
        case(cls, {"beta_schedule": "squaredcos_cap_v2"}, steps=10),
        case(cls, {"beta_schedule": "scaled_linear", "steps_offset": 1}, steps=10),
        case(cls, {"clip_sample": False}, steps=10),
        case(cls, {"clip_sample_range": 0.7}, steps=10),
        case(cls, {"trained_betas": [0.1, 0.2, 0.3, 0.4, 0.5], "num_train_timesteps": 5}, steps=5),
        case(cls, {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, steps=10),
    ]
    for maximum in (0.5, 1.0, 2.0):
        cases.append(case(cls, {"thresholding": True, "sample_max_value": maximum, "dynamic_thresholding_ratio": 0.9}, steps=10))
cases += [
    case("DDPMScheduler", {"beta_schedule": "sigmoid"}, steps=10),
    case("DDPMScheduler", {"beta_schedule": "laplace"}, steps=10),
    case("DDPMScheduler", timesteps=[100, 87, 50, 1, 0]),
    case("DDIMScheduler", {"set_alpha_to_one": True, "beta_start": 0.01}, steps=10),
    case("DDIMScheduler", {"set_alpha_to_one": False, "beta_start": 0.01}, steps=10),
    case("DDIMScheduler", start=8, steps=10),
    case("DDIMScheduler", steps=10, step={"eta": 1.0}),
]

write("discrete", cases)
