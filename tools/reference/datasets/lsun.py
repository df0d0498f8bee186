"""Writes packages/datasets/test/fixtures/lsun.json: what Python's lmdb and Pillow read from the LMDB fixtures.

For every entry in the order of a cursor: key, SHA-256 of the value, of the decoded RGB pixels, and of the pixels after
torchvision's Resize(64) and CenterCrop(64). Run from the root of the repository with the folder of the fixtures:

    python tools/reference/datasets/lsun.py ../shared/data/lsun-format-fixture
"""

import hashlib
import io
import json
import sys

import lmdb
from PIL import Image
from torchvision import transforms as T

resize = T.Compose([T.Resize(64), T.CenterCrop(64)])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


result = {}
for name in ("photos_val", "faces_train"):
    env = lmdb.open(f"{sys.argv[1]}/{name}_lmdb", readonly=True, lock=False)
    entries = []
    with env.begin() as transaction:
        for key, value in transaction.cursor():
            image = Image.open(io.BytesIO(value)).convert("RGB")
            entries.append([key.decode(), sha256(value), sha256(image.tobytes()), sha256(resize(image).tobytes())])
    result[name] = entries

with open("packages/datasets/test/fixtures/lsun.json", "w") as file:
    json.dump(result, file, separators=(",", ":"))
