"""Writes packages/datasets/test/fixtures/transforms.json: what Pillow 13 and torchvision make of small pictures.

Pillow 12 and before always went along the rows first. Run with the reference environment from the root of the repository.
"""

import json

import numpy as np
import torch
import torchvision.transforms.v2.functional as F
from PIL import Image
from torchvision import transforms as T

rng = np.random.default_rng(0)
cases = []


def add(call, image, out):
    cases.append(
        {
            "call": call,
            "shape": list(image.shape),
            "image": image.reshape(-1).tolist(),
            "outShape": list(out.shape),
            "out": [float(v) for v in out.reshape(-1)] if out.dtype == np.float32 else out.reshape(-1).tolist(),
        }
    )


def picture(height, width, channels):
    smooth = np.add.outer(np.arange(height) * 5, np.arange(width) * 3)[..., None] % 256
    noise = rng.integers(0, 256, (height, width, channels))
    return ((smooth + noise) // 2).astype(np.uint8)


def to_pil(image):
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def from_pil(image):
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array


FILTERS = {
    "nearest": Image.NEAREST,
    "box": Image.BOX,
    "bilinear": Image.BILINEAR,
    "hamming": Image.HAMMING,
    "bicubic": Image.BICUBIC,
    "lanczos": Image.LANCZOS,
}

for name, pil_filter in FILTERS.items():
    for source, (height, width) in (((23, 17, 3), (8, 8)), ((9, 11, 1), (16, 7)), ((7, 6, 4), (7, 13))):
        image = picture(*source)
        if source[2] == 4:  # Pillow premultiplies RGBA, so the planes are resized one by one
            planes = [from_pil(Image.fromarray(image[..., c]).resize((width, height), pil_filter)) for c in range(4)]
            out = np.concatenate(planes, axis=2)
        else:
            out = from_pil(to_pil(image).resize((width, height), pil_filter))
        add({"transform": "resize", "size": [height, width], "filter": name, "antialias": True}, image, out)

for source, size in (((23, 17, 3), 8), ((17, 24, 3), 8), ((12, 12, 3), 20)):
    image = picture(*source)
    out = from_pil(T.Resize(size)(to_pil(image)))
    add({"transform": "resize", "size": size, "filter": "bilinear", "antialias": True}, image, out)

for source, size in (((13, 18, 3), (6, 7)), ((12, 11, 3), (7, 6)), ((5, 6, 3), (8, 7)), ((4, 13, 1), (8, 6))):
    image = picture(*source)
    out = from_pil(T.CenterCrop(size)(to_pil(image)))
    add({"transform": "centerCrop", "height": size[0], "width": size[1]}, image, out)

image = picture(5, 4, 3)
out = from_pil(T.Pad((1, 2, 3, 0), fill=7)(to_pil(image)))
add({"transform": "pad", "left": 1, "top": 2, "right": 3, "bottom": 0, "value": 7}, image, out)
add({"transform": "flip", "axis": "horizontal"}, image, from_pil(F.horizontal_flip(to_pil(image))))
add({"transform": "flip", "axis": "vertical"}, image, from_pil(F.vertical_flip(to_pil(image))))
add({"transform": "crop", "top": 1, "left": 0, "height": 3, "width": 2}, image, image[1:4, 0:2])

mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
out = T.Normalize(mean, std)(T.ToTensor()(to_pil(image))).permute(1, 2, 0).numpy()
add({"transform": "normalize", "mean": mean, "std": std}, image, np.ascontiguousarray(out))

image = picture(13, 17, 3)
tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float()
out = torch.nn.functional.interpolate(tensor, (8, 20), mode="bilinear", align_corners=False)
out = out[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
add({"transform": "resize", "size": [8, 20], "filter": "bilinear", "antialias": False, "tolerance": 1}, image, out)

# Shapes for which Pillow 13 goes down the columns first, and ones for which it does so no more.
for name, pil_filter in FILTERS.items():
    for source, (height, width) in (((40, 9, 3), (6, 7)), ((19, 6, 1), (5, 15)), ((31, 12, 4), (9, 8)), ((24, 12, 3), (16, 8))):
        image = picture(*source)
        planes = [from_pil(Image.fromarray(image[..., c]).resize((width, height), pil_filter)) for c in range(source[2])]
        out = np.concatenate(planes, axis=2)
        add({"transform": "resize", "size": [height, width], "filter": name, "antialias": True}, image, out)

# Places that Pillow's nearest adds up one by one round differently from those that are computed afresh.
for source, (height, width) in (((4, 22, 3), (14, 45)), ((12, 4, 1), (17, 23))):
    image = picture(*source)
    out = from_pil(to_pil(image).resize((width, height), Image.NEAREST))
    add({"transform": "resize", "size": [height, width], "filter": "nearest", "antialias": True}, image, out)

# A picture in which the float32 constants of the Hamming filter show.
image = np.random.default_rng(528).integers(0, 256, (6, 30), dtype=np.uint8)[..., None]
out = from_pil(to_pil(image).resize((11, 6), Image.HAMMING))
add({"transform": "resize", "size": [6, 11], "filter": "hamming", "antialias": True}, image, out)

with open("packages/datasets/test/fixtures/transforms.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
