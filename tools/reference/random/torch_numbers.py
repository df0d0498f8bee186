"""Writes packages/random/test/fixtures/torch.json: random numbers of PyTorch's CPU generator, as its version prints them."""

import json
from pathlib import Path

import torch

cases = []
for seed in (0, 1, 42, 2**32 - 1, 2**33 + 5):
    torch.manual_seed(seed)
    draws = []
    for count in (5, 1, 16, 20, 7, 100):
        draws.append({"kind": "normal", "values": torch.randn(count).tolist()})
    draws.append({"kind": "normal64", "values": torch.randn(37, dtype=torch.float64).tolist()})
    draws.append({"kind": "uniform", "values": torch.rand(5).tolist()})
    draws.append({"kind": "uniform64", "values": torch.rand(5, dtype=torch.float64).tolist()})
    draws.append({"kind": "integer", "bound": 1000, "values": torch.randint(0, 1000, (12,)).tolist()})
    draws.append({"kind": "permutation", "values": torch.randperm(11).tolist()})
    for bound in (2**28 - 1, 2**28, 2**28 + 1, 2**31 - 1, 2**32):
        draws.append({"kind": "integer", "bound": bound, "values": torch.randint(0, bound, (4,)).tolist()})
    draws.append({"kind": "normal", "values": torch.randn(3).tolist()})
    cases.append({"seed": seed, "draws": draws})

target = Path(__file__).parents[3] / "packages/random/test/fixtures/torch.json"
target.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
