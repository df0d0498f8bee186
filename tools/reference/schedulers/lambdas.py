"""Writes packages/schedulers/test/fixtures/lambdas.json: full loops of the solvers in λ = log(α/σ).

    python tools/reference/schedulers/lambdas.py
"""

from harness import write

BASE = {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}
MULTI, SINGLE = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
INVERSE = "DPMSolverMultistepInverseScheduler"
DEIS, UNIPC, SA = "DEISMultistepScheduler", "UniPCMultistepScheduler", "SASolverScheduler"
PUBLISHED = {
    MULTI: {"lower_order_final": False, "euler_at_final": False, "variance_type": None, "final_sigmas_type": "sigma_min"},
    SINGLE: {"final_sigmas_type": "sigma_min", "variance_type": None},
    INVERSE: {"lower_order_final": False, "euler_at_final": False},
    UNIPC: {"final_sigmas_type": "sigma_min"},
}


def case(cls, config=None, **rest):
    return {"class": cls, "config": {**BASE, **PUBLISHED.get(cls, {}), **(config or {})}, **rest}


def plain(cls, config=None, **rest):
    return {"class": cls, "config": {**BASE, **(config or {})}, **rest}


cases = []
for cls in (MULTI, SINGLE, INVERSE, DEIS, UNIPC, SA):
    cases += [
        case(cls, steps=10),
        plain(cls, steps=10),
        plain(cls, steps=20),
        case(cls, {"prediction_type": "v_prediction"}, steps=10),
        plain(cls, {"prediction_type": "sample"}, steps=10),
        plain(cls, {"beta_schedule": "squaredcos_cap_v2"}, steps=10),
        plain(cls, {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}, steps=8),
        plain(cls, {"thresholding": True, "sample_max_value": 2.0, "dynamic_thresholding_ratio": 0.9}, steps=10),
        plain(cls, {"use_flow_sigmas": True, "flow_shift": 3.0, "prediction_type": "flow_prediction"}, steps=10),
    ]
    if cls not in (SINGLE,):
        cases += [plain(cls, {"timestep_spacing": spacing, "steps_offset": 1}, steps=10) for spacing in ("leading", "trailing")]
    for schedule in ("karras", "exponential", "beta"):
        if not (cls == INVERSE and schedule != "karras"):
            cases.append(plain(cls, {f"use_{schedule}_sigmas": True}, steps=10))
    if cls not in (SA, INVERSE):
        cases.append(case(cls, steps=10, start=5))
for cls in (MULTI, SINGLE, INVERSE):
    last = {} if cls == INVERSE else {"final_sigmas_type": "sigma_min"}
    for algorithm in ("dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"):
        for order in (1, 2, 3):
            for solver in ("midpoint", "heun"):
                if algorithm == "sde-dpmsolver" and (order == 3 or cls == SINGLE) or (algorithm.startswith("sde") and cls == INVERSE):
                    continue
                config = {"algorithm_type": algorithm, "solver_order": order, "solver_type": solver, **last}
                cases.append(plain(cls, config, steps=12 if cls == SINGLE else 16))
for order in (2, 3):
    for steps in (9, 10, 11):
        for cls in (MULTI, SINGLE):
            cases.append(plain(cls, {"solver_order": order, "lower_order_final": True}, steps=steps))
cases += [
    plain(MULTI, {"euler_at_final": True, "use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"}, steps=16),
    plain(MULTI, {"use_lu_lambdas": True}, steps=10),
    plain(MULTI, {"lambda_min_clipped": -5.1, "beta_schedule": "squaredcos_cap_v2"}, steps=10),
    plain(SINGLE, {"lambda_min_clipped": -5.1, "beta_schedule": "squaredcos_cap_v2"}, steps=10),
    plain(MULTI, {"use_karras_sigmas": True, "beta_schedule": "squaredcos_cap_v2"}, steps=10),
    plain(MULTI, {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"}, steps=10),
    plain(MULTI, {"variance_type": "learned_range"}, steps=10, learned=True),
    plain(MULTI, timesteps=[999, 700, 400, 100, 20]),
    plain(SINGLE, timesteps=[999, 700, 400, 100]),
    plain(MULTI, {"use_flow_sigmas": True, "use_dynamic_shifting": True, "prediction_type": "flow_prediction"}, steps=10, set={"mu": 0.8}),
    plain(UNIPC, {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "shift_terminal": 0.1}, steps=10),
    plain(UNIPC, {"use_flow_sigmas": True, "use_karras_sigmas": True, "prediction_type": "flow_prediction"}, steps=10),
    plain(UNIPC, {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"}, steps=10),
    plain(UNIPC, {"disable_corrector": [0, 1, 2], "final_sigmas_type": "sigma_min"}, steps=10),
]
for order in (1, 2, 3, 4):
    for solver in ("bh1", "bh2"):
        for predict_x0 in (True, False):
            cases.append(case(UNIPC, {"solver_order": order, "solver_type": solver, "predict_x0": predict_x0}, steps=10))
for order in (1, 3):
    cases.append(plain(DEIS, {"solver_order": order}, steps=16))
for algorithm in ("data_prediction", "noise_prediction"):
    for predictor, corrector in ((1, 1), (2, 1), (2, 2), (3, 3), (3, 4)):
        config = {"algorithm_type": algorithm, "predictor_order": predictor, "corrector_order": corrector}
        cases.append(plain(SA, config, steps=10))

write("lambdas", cases)
