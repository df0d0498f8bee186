"""Compares colour BM3D with PyPI's bm3d on the same noise: crops of scikit-image's bundled pictures, sigma 15, 25 and 50.
Usage: colour.py [picture ...]; runs node on packages/denoisers/dist, and prints PSNR side by side."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import bm3d
import numpy as np
from skimage import data

root = Path(__file__).parents[3]
script = """
import { readFileSync, writeFileSync } from 'node:fs';
import { bm3d } from '%s';
const [path, side, sigma] = process.argv.slice(2);
const bytes = readFileSync(path);
const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const result = bm3d({ data, width: +side, height: +side, channels: 3 }, +sigma);
writeFileSync(path, new Uint8Array(result.data.buffer));
"""
# Name, side of the square, and its upper left corner: the chrominance factor was chosen on the first three alone.
crops = [
    ("astronaut", 192, 20, 130),
    ("coffee", 192, 100, 200),
    ("chelsea", 192, 60, 100),
    ("rocket", 256, 80, 190),
    ("retina", 256, 577, 577),
    ("immunohistochemistry", 256, 128, 128),
]
rng = np.random.default_rng(0)
with tempfile.TemporaryDirectory() as folder:
    program = Path(folder) / "run.mjs"
    program.write_text(script % (root / "packages/denoisers/dist/index.js").as_posix())
    for name, side, top, left in crops:
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        try:
            clean = getattr(data, name)()[top : top + side, left : left + side] / 255
        except Exception as error:
            print(name, "is not bundled:", type(error).__name__)
            continue
        for level in (15, 25, 50):
            noisy = clean + rng.normal(0, level / 255, clean.shape)
            path = Path(folder) / "image.f32"
            noisy.astype(np.float32).tofile(path)
            subprocess.run(["node", program, path, str(side), str(level / 255)], check=True)
            ours = np.fromfile(path, np.float32).reshape(clean.shape)
            theirs = bm3d.bm3d_rgb(noisy, level / 255)
            psnr = lambda x: float(round(-10 * np.log10(np.mean((x - clean) ** 2)), 3))
            print(json.dumps({"image": name, "sigma": level, "ours": psnr(ours), "pypi": psnr(theirs)}), flush=True)
