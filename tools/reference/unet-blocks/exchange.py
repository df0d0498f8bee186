"""Exchanges model folders with the TypeScript side, for its tests.

`exchange.py save FOLDER` writes random UNet2DModels of many configurations with diffusers' `save_pretrained`, each to a folder
of its own; `exchange.py load FOLDER` reads what the other side wrote to folders of the same names. Both print JSON: by name the
configuration, the class labels, the number of parameters and the prediction, channels first. The picture is sin(0.71 i).
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import UNet2DModel
from diffusers.utils import logging

from parity import blocks, diffusers_cases

logging.disable_progress_bar()
cases = {
    **diffusers_cases,
    "all kinds of blocks": {
        "down_block_types": ["SkipDownBlock2D", "ResnetDownsampleBlock2D", "AttnDownBlock2D"],
        "up_block_types": ["UpBlock2D", "AttnUpBlock2D", "SkipUpBlock2D"],
        "block_out_channels": [16, 32, 24],
        "norm_num_groups": 4,
        "layers_per_block": 1,
        "attention_head_dim": 5,
    },
    "grey, embeddings as classes, learned variance": blocks(
        ["DownBlock2D", "DownBlock2D"],
        ["UpBlock2D", "UpBlock2D"],
        in_channels=1,
        out_channels=2,
        class_embed_type="identity",
        sample_size=[8, 12],
    ),
}


def labels_of(config):
    if config.get("num_class_embeds"):
        return torch.tensor([4, 1])
    if config.get("class_embed_type") == "timestep":
        return torch.tensor([10.0, 20.0])
    if config.get("class_embed_type") == "identity":
        size = 4 * config["block_out_channels"][0]
        return torch.linspace(-1, 1, 2 * size).reshape(2, size)
    return None


def facts(config, model):
    channels = config.get("in_channels", 3)
    i = torch.arange(2 * channels * 8 * 12, dtype=torch.float64)
    labels = labels_of(config)
    times = torch.tensor([3, 70])
    with torch.no_grad():
        found = model.eval()(torch.sin(0.71 * i).float().reshape(2, channels, 8, 12), times, class_labels=labels).sample
    return {
        "config": config,
        "labels": None if labels is None else labels.tolist(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "prediction": found.flatten().tolist(),
    }


def main():
    command, folder = sys.argv[1], Path(sys.argv[2])
    result = {}
    for i, (name, config) in enumerate(cases.items()):
        path = folder / name
        if command == "save":
            torch.manual_seed(i)
            model = UNet2DModel(**config)
            model.save_pretrained(path, safe_serialization=i % 3 != 2)
        else:
            model, report = UNet2DModel.from_pretrained(path, output_loading_info=True)
            assert not any(report.values()), report
        result[name] = facts(config, model)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
