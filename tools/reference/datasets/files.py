"""Writes small data sets as other programs write them, into packages/datasets/test/fixtures/files/.

CIFAR python batches (pickles of both kinds that are in use), Parquet files as the Hugging Face hub has them, .npz, and small
pictures in BMP, PGM and PPM. Needs numpy, Pillow and pyarrow. Run from the root of the repository.
"""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

folder = Path("packages/datasets/test/fixtures/files")
folder.mkdir(parents=True, exist_ok=True)


def picture(i):
    """32x32x3, told apart by i and by each channel."""
    y, x = np.mgrid[0:32, 0:32]
    return np.stack([(x * 8 + i) % 256, (y * 8 + 3 * i) % 256, (x * y + 7 * i) % 256], axis=2).astype(np.uint8)


data = np.stack([picture(i).transpose(2, 0, 1).reshape(-1) for i in range(4)])
cifar10 = {b"batch_label": b"testing batch 1 of 1", b"labels": [3, 8, 8, 0], b"data": data, b"filenames": [b"a.png"] * 4}
(folder / "cifar10_protocol2").write_bytes(pickle.dumps({k.decode(): v for k, v in cifar10.items()}, protocol=2))
cifar100 = {"fine_labels": [19, 29, 0, 11], "coarse_labels": [11, 15, 4, 14], "data": data}
(folder / "cifar100_protocol4").write_bytes(pickle.dumps(cifar100, protocol=4))


def png(i):
    buffer = io.BytesIO()
    Image.fromarray(picture(i)).save(buffer, "PNG")
    return buffer.getvalue()


table = pa.table(
    {
        "image": pa.array([{"bytes": png(i), "path": f"{i}.png"} for i in range(7)]),
        "label": pa.array([i % 3 for i in range(7)], pa.int64()),
    }
)
pq.write_table(table, folder / "hub.parquet", row_group_size=3, compression="snappy")

# Columns of labels of every kind, good and bad.
labels = pa.table(
    {
        "image": pa.array([{"bytes": png(i), "path": f"{i}.png"} for i in range(3)]),
        "name": pa.array(["dog", "cat", "dog"]),
        "whole": pa.array([2.0, 0.0, 1.0]),
        "flag": pa.array([True, False, True]),
        "part": pa.array([0.5, 1.5, 1.0]),
        "missing": pa.array([1, None, 0], pa.int64()),
        "unnamed": pa.array(["cat", None, "dog"]),
        "several": pa.array([[0], [1, 2], []]),
        "large": pa.array([0, 1 << 40, 1], pa.int64()),
    }
)
pq.write_table(labels, folder / "labels.parquet", compression="snappy")
np.savez_compressed(
    folder / "samples.npz", arr_0=np.stack([picture(i) for i in range(3)]), arr_1=np.array([2, 0, 1], dtype=np.int64)
)
np.savez_compressed(
    folder / "parts.npz", images=np.zeros((2, 1, 1, 1), np.uint8), labels=np.array([0.5, 1.5]), whole=np.array([1.0, 0.0])
)

# Pictures of formats that sharp does not read, 5 x 3: grey, from a table, with two colours, RGB, RGB with opacity.
small = Image.fromarray(picture(1)[:3, :5])
small.save(folder / "rgb.bmp")
small.save(folder / "rgb.ppm")
small.convert("L").save(folder / "grey.bmp")
small.convert("L").save(folder / "grey.pgm")
small.quantize(7).save(folder / "table.bmp")
small.convert("1").save(folder / "two.bmp")
opaque = small.copy()
opaque.putalpha(100)
opaque.save(folder / "rgba.bmp")
decoded = {
    name: np.asarray(Image.open(folder / name).convert("RGB")).reshape(-1).tolist()
    for name in ["rgb.bmp", "rgb.ppm", "grey.bmp", "grey.pgm", "table.bmp", "two.bmp", "rgba.bmp"]
}
(folder / "decoded.json").write_text(json.dumps(decoded, separators=(",", ":")) + "\n")
