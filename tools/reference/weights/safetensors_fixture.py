"""Writes packages/weights/test/fixtures/safetensors.json: a file with every dtype made by the safetensors library (base64),
the numbers in it as float32, and the bytes of a second file that the writer has to match."""

import base64
import json
from pathlib import Path

import torch
from safetensors.torch import save

out = Path(__file__).parents[3] / "packages/weights/test/fixtures/safetensors.json"
inf, nan = float("inf"), float("nan")
tensors = {
    "f64": torch.tensor([1.5, -2.25, 1e30], dtype=torch.float64),
    "f32": torch.tensor([[0.1, -0.2], [3e-40, inf]]),
    "f16": torch.tensor([0.1, -65504, 6e-8, inf, nan], dtype=torch.float16),
    "bf16": torch.tensor([0.1, -3e38, 1e-40, -inf], dtype=torch.bfloat16),
    "f8_e4m3": torch.tensor([0.1, 448, -0.002, nan]).to(torch.float8_e4m3fn),
    "f8_e5m2": torch.tensor([0.1, 57344, -0.00002, inf]).to(torch.float8_e5m2),
    "i64": torch.tensor([-(2**62), 3]),
    "i32": torch.tensor([-(2**31), 3], dtype=torch.int32),
    "i16": torch.tensor([-(2**15), 3], dtype=torch.int16),
    "i8": torch.tensor([-128, 3], dtype=torch.int8),
    "u64": torch.tensor([2**63, 3], dtype=torch.uint64),
    "u32": torch.tensor([2**32 - 1, 3], dtype=torch.uint32),
    "u16": torch.tensor([2**16 - 1, 3], dtype=torch.uint16),
    "u8": torch.tensor([255, 3], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(7.0),
    "empty": torch.zeros(0, 3),
}


def number(x):
    return x if abs(x) < inf else {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(x)]


golden = {
    "file": base64.b64encode(save(tensors, {"made": "by Python"})).decode(),
    "values": {k: [number(x) for x in v.to(torch.float32).flatten().tolist()] for k, v in tensors.items()},
    "written": base64.b64encode(
        save({"b": torch.tensor([1.0, 2.0]), "a": torch.tensor([3.0], dtype=torch.float16)}, {"format": "pt"})
    ).decode(),
}
out.write_text(json.dumps(golden, indent=1) + "\n")
