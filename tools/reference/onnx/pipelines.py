"""Prints, as JSON, the pictures that Python's diffusers makes with an exported denoiser in the place of its `unet`.

Arguments: path of an ONNX file, seeds with commas. The adapter is the one that docs/onnx.md shows.
"""

import json
import re
import sys
from pathlib import Path

import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler

page = (Path(__file__).parents[3] / "docs/onnx.md").read_text()
exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1])


def pictures(pipeline, seeds, **options):
    pipeline.set_progress_bar_config(disable=True)
    generator = [torch.Generator().manual_seed(seed) for seed in seeds]
    images = pipeline(batch_size=len(seeds), generator=generator, output_type="np", **options).images
    return images.reshape(-1).astype(float).round(6).tolist()


unet = OnnxUNet(sys.argv[1])  # noqa: F821
seeds = [int(seed) for seed in sys.argv[2].split(",")]
ddpm = pictures(DDPMPipeline(unet, DDPMScheduler()), seeds, num_inference_steps=6)
ddim = pictures(DDIMPipeline(unet, DDIMScheduler()), seeds, num_inference_steps=5, eta=0.5)
print(json.dumps({"ddpm": ddpm, "ddim": ddim}))
