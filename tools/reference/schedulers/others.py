"""Writes packages/schedulers/test/fixtures/others.json: full loops of the remaining schedulers.

    python tools/reference/schedulers/others.py
"""

from harness import write

BASE = {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}
LATENT = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def case(cls, config=None, base=BASE, **rest):
    return {"class": cls, "config": {**base, **(config or {})}, **rest}


cases = []
for spacing in ("leading", "trailing"):
    for prediction in ("epsilon", "v_prediction", "sample"):
        # From a sample without noise, a predicted sample gives no epsilon: diffusers returns NaN.
        config = {"prediction_type": prediction, "timestep_spacing": spacing, "set_alpha_to_one": prediction != "sample"}
        cases.append(case("DDIMInverseScheduler", config, steps=10))
cases += [
    case("DDIMInverseScheduler", {"set_alpha_to_one": True, "beta_start": 0.01}, steps=10),
    case("DDIMInverseScheduler", {"set_alpha_to_one": False, "beta_start": 0.01}, steps=10),
    case("DDIMInverseScheduler", {"clip_sample": False}, steps=7),
    case("DDPMParallelScheduler", steps=10),
    case("DDIMParallelScheduler", steps=10),
    case("DDIMParallelScheduler", {"prediction_type": "v_prediction"}, steps=10, step={"eta": 0.7}),
]
for skip in (False, True):
    for prediction in ("epsilon", "v_prediction"):
        cases.append(case("PNDMScheduler", {"skip_prk_steps": skip, "prediction_type": prediction}, steps=10))
    for spacing in ("leading", "linspace", "trailing"):
        config = {"skip_prk_steps": skip, "timestep_spacing": spacing, "steps_offset": 1}
        cases.append(case("PNDMScheduler", config, base=LATENT, steps=11))
cases += [
    case("PNDMScheduler", {"set_alpha_to_one": True, "beta_start": 0.01}, steps=10),
    case("PNDMScheduler", {"set_alpha_to_one": False, "beta_start": 0.01}, steps=10),
    case("IPNDMScheduler", base={}, steps=10),
    case("IPNDMScheduler", base={}, steps=10, twice=True),
    case("IPNDMScheduler", base={}, steps=31),
]
for cls in ("LCMScheduler", "TCDScheduler"):
    for steps in (1, 4, 10):
        cases.append(case(cls, base=LATENT, steps=steps))
    for prediction in ("sample", "v_prediction"):
        cases.append(case(cls, {"prediction_type": prediction}, base=LATENT, steps=4))
    cases += [
        case(cls, base=LATENT, timesteps=[999, 499, 259, 19]),
        case(cls, base=LATENT, steps=4, set={"strength": 0.6}),
        case(cls, base=LATENT, steps=4, set={"original_inference_steps": 25}),
        case(cls, {"set_alpha_to_one": False}, base=LATENT, steps=3),
    ]
cases += [
    case("LCMScheduler", {"clip_sample": True, "clip_sample_range": 0.7}, base=LATENT, steps=4),
    case("LCMScheduler", {"thresholding": True, "sample_max_value": 2.0}, base=LATENT, steps=4),
    case("TCDScheduler", base=LATENT, steps=4, step={"eta": 0.0}),
    case("TCDScheduler", base=LATENT, steps=4, step={"eta": 1.0}),
]
CM = {"num_train_timesteps": 201, "sigma_min": 0.002, "sigma_max": 80.0}
cases += [
    case("CMStochasticIterativeScheduler", base=CM, steps=1),
    case("CMStochasticIterativeScheduler", base=CM, timesteps=[106, 0]),
    case("CMStochasticIterativeScheduler", base=CM, steps=10),
    case("CMStochasticIterativeScheduler", {"clip_denoised": False, "s_noise": 1.1, "rho": 5.0}, base=CM, steps=10),
]
EDM = {"sigma_min": 0.002, "sigma_max": 80.0}
for cls in ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler"):
    for schedule in ("karras", "exponential"):
        for prediction in ("epsilon", "v_prediction"):
            config = {"num_train_timesteps": 256, "sigma_schedule": schedule, "prediction_type": prediction}
            cases.append(case(cls, config, base=EDM, steps=10))
    cases.append(case(cls, {"final_sigmas_type": "sigma_min", "sigma_data": 1.0, "rho": 5.0}, base=EDM, steps=10))
cases.append(case("EDMEulerScheduler", base=EDM, steps=10, step={"s_churn": 4.0, "s_tmin": 0.05, "s_tmax": 50.0, "s_noise": 1.003}))
for algorithm in ("dpmsolver++", "sde-dpmsolver++"):
    for order in (1, 2, 3):
        for solver in ("midpoint", "heun"):
            if algorithm == "sde-dpmsolver++" and order == 3:
                continue
            config = {"algorithm_type": algorithm, "solver_order": order, "solver_type": solver}
            cases.append(case("EDMDPMSolverMultistepScheduler", config, base=EDM, steps=16))
cases += [
    case("EDMDPMSolverMultistepScheduler", {"thresholding": True, "sample_max_value": 2.0}, base=EDM, steps=10),
    case("UnCLIPScheduler", base={}),
    case("UnCLIPScheduler", base={}, steps=25, skip=True),
    case("UnCLIPScheduler", {"prediction_type": "sample", "clip_sample_range": 5.0}, base={}, steps=10, skip=True),
    case("UnCLIPScheduler", {"variance_type": "learned_range"}, base={}, steps=10, skip=True, learned=True),
]
for config in (
    {},
    {"shift": 3.0},
    {"shift": 3.0, "shift_terminal": 0.1},
    {"use_karras_sigmas": True},
    {"use_exponential_sigmas": True},
    {"use_beta_sigmas": True},
    {"invert_sigmas": True},
    {"stochastic_sampling": True},
):
    cases.append(case("FlowMatchEulerDiscreteScheduler", config, base={}, steps=10))
for kind in ("exponential", "linear"):
    config = {"use_dynamic_shifting": True, "time_shift_type": kind}
    cases.append(case("FlowMatchEulerDiscreteScheduler", config, base={}, steps=10, set={"mu": 0.8}))
cases += [
    case("FlowMatchEulerDiscreteScheduler", {"shift": 2.0}, base={}, sigmas=[1.0, 0.7, 0.4, 0.1]),
    case("FlowMatchEulerDiscreteScheduler", {"shift": 2.0}, base={}, timesteps=[1000.0, 700.0, 400.0, 100.0]),
    case("FlowMatchHeunDiscreteScheduler", base={}, steps=10),
    case("FlowMatchHeunDiscreteScheduler", {"shift": 3.0}, base={}, steps=7),
]

write("others", cases)
