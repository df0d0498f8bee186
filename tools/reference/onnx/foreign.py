"""Writes a U-Net of Python's diffusers as PyTorch's exporter does (`unet.onnx`: sample, timestep), and what it gives (`unet.json`).

Argument: folder. The pictures are those of four steps of DDIM from `start`; images are channels last.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DModel


class Plain(torch.nn.Module):
    """The network without the dataclass around its result, which exporters do not write."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep):
        return self.unet(sample, timestep).sample


def channels_last(images):
    return images.permute(0, 2, 3, 1).reshape(-1).tolist()


folder = Path(sys.argv[1])
torch.manual_seed(0)
unet = UNet2DModel(
    sample_size=16,
    block_out_channels=(16, 32),
    norm_num_groups=4,
    layers_per_block=1,
    attention_head_dim=8,
    down_block_types=("DownBlock2D", "AttnDownBlock2D"),
    up_block_types=("AttnUpBlock2D", "UpBlock2D"),
).eval()
axes = {"sample": {0: "batch"}, "out_sample": {0: "batch"}}
names = {"input_names": ["sample", "timestep"], "output_names": ["out_sample"]}
start = torch.randn(2, 3, 16, 16)
torch.onnx.export(Plain(unet), (start, torch.tensor(500)), folder / "unet.onnx", dynamo=False, dynamic_axes=axes, opset_version=17, **names)

scheduler = DDIMScheduler()
scheduler.set_timesteps(4)
with torch.no_grad():
    prediction = unet(start, 500).sample
    images = start
    for t in scheduler.timesteps:
        images = scheduler.step(unet(images, t).sample, t, images).prev_sample
report = {"start": start, "prediction": prediction, "images": images}
(folder / "unet.json").write_text(json.dumps({name: channels_last(value) for name, value in report.items()}))
