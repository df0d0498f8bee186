"""Unconditional pipelines of Python's diffusers.

`pipelines.py write` makes packages/diffusion/test/fixtures/pipelines/: two small pipelines as diffusers saves them, and the
pictures that they give, with the samples after each step. `pipelines.py run FOLDER SEED STEPS` prints, as JSON, the picture of
a pipeline saved elsewhere.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, DiffusionPipeline, UNet2DModel


def pictures(pipeline, seeds, **options):
    generator = [torch.Generator().manual_seed(seed) for seed in seeds]
    images = pipeline(batch_size=len(seeds), generator=generator, output_type="np", **options).images
    return images.reshape(-1).astype(float).round(6).tolist()


def trajectory(pipeline, seeds, **options):
    """The samples after each step, in [-1, 1] and beyond, NHWC."""
    samples, step = [], pipeline.scheduler.step

    def recorded(*args, **kwargs):
        result = step(*args, **kwargs)
        samples.append(result.prev_sample.permute(0, 2, 3, 1).reshape(-1).double().numpy().round(5).tolist())
        return result

    pipeline.scheduler.step = recorded
    try:
        return {"images": pictures(pipeline, seeds, **options), "samples": samples}
    finally:
        del pipeline.scheduler.step


def write(folder):
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8,
        in_channels=3,
        out_channels=3,
        block_out_channels=(4, 8),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ).eval()
    cases = {}
    for name, pipeline, options in (
        ("ddpm", DDPMPipeline(unet, DDPMScheduler()), {"num_inference_steps": 6}),
        ("ddim", DDIMPipeline(unet, DDIMScheduler()), {"num_inference_steps": 5, "eta": 0.5}),
    ):
        pipeline.set_progress_bar_config(disable=True)
        pipeline.save_pretrained(folder / name)
        cases[name] = {"seeds": [0, 7], "options": options, **trajectory(pipeline, [0, 7], **options)}
    (folder / "images.json").write_text(json.dumps(cases) + "\n")


if sys.argv[1] == "write":
    write(Path(__file__).parents[3] / "packages/diffusion/test/fixtures/pipelines")
else:
    loaded = DiffusionPipeline.from_pretrained(sys.argv[2])
    loaded.set_progress_bar_config(disable=True)
    print(json.dumps(pictures(loaded, [int(sys.argv[3])], num_inference_steps=int(sys.argv[4]))))
