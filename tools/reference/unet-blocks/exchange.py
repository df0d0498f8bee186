"""Exchanges model folders with the TypeScript side, for its tests.

`exchange.py save FOLDER` writes a small random UNet2DModel with diffusers' `save_pretrained`; `exchange.py load FOLDER` reads
one with `from_pretrained`. Both print the prediction for sin(0.71 i) at times 3 and 70 as JSON, channels first.
"""

import json
import sys

import torch
from diffusers import UNet2DModel

command, folder = sys.argv[1:]
if command == "save":
    torch.manual_seed(0)
    model = UNet2DModel(
        block_out_channels=[8, 16],
        down_block_types=["DownBlock2D", "AttnDownBlock2D"],
        up_block_types=["AttnUpBlock2D", "UpBlock2D"],
        norm_num_groups=4,
        layers_per_block=1,
        attention_head_dim=4,
        sample_size=8,
    )
    model.save_pretrained(folder)
else:
    model, report = UNet2DModel.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report
with torch.no_grad():
    sample = torch.sin(0.71 * torch.arange(2 * 3 * 64, dtype=torch.float64)).float().reshape(2, 3, 8, 8)
    print(json.dumps(model(sample, torch.tensor([3, 70])).sample.flatten().tolist()))
