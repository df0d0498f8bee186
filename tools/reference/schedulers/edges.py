"""Writes packages/schedulers/test/fixtures/edges.json: loops where options meet that seldom do.

    python tools/reference/schedulers/edges.py
"""

from harness import write

SD = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def case(cls, config=None, base=SD, **rest):
    return {"class": cls, "config": {**base, **(config or {})}, **rest}


EULER, EDM = "EulerDiscreteScheduler", "EDMDPMSolverMultistepScheduler"
cases = [
    # Levels even in log sigma, as the bounds of a named schedule.
    *[case(EULER, {"interpolation_type": "log_linear", f"use_{name}_sigmas": True}, steps=5) for name in ("karras", "exponential", "beta")],
    # The end of EDM's levels.
    case(EDM, {"final_sigmas_type": "sigma_min"}, base={}, steps=1, scaled=False),
    case(EDM, {"final_sigmas_type": "sigma_min"}, base={}, steps=3, scaled=False),
    # Churn on a straight flow.
    *[case("FlowMatchHeunDiscreteScheduler", {"shift": shift}, base={}, steps=5, step={"s_churn": 1.5, "s_tmin": 0.1, "s_tmax": 0.9, "s_noise": 1.01}) for shift in (1.0, 3.0)],
    # Steps to t - T/n, which is another timestep than the listed one where n does not divide T.
    case("DDIMInverseScheduler", {"timestep_spacing": "trailing"}, steps=13),
    case("DDIMInverseScheduler", {"timestep_spacing": "leading", "steps_offset": 1}, steps=13),
    # One exponential level, and a list that strength shortens.
    case("EDMEulerScheduler", {"sigma_schedule": "exponential"}, base={}, steps=1, scaled=False),
    case("LCMScheduler", timesteps=[999, 499, 259, 19], set={"strength": 0.5}),
]

write("edges", cases)
