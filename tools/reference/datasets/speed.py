"""Prints, as JSON, how many images per second torchvision's DataLoader and Python's lmdb with Pillow read.

    python tools/reference/datasets/speed.py FOLDER_OF_JPEGS LMDB_FOLDER

Run by packages/datasets/bench/speed.mjs, which compares itself with the numbers.
"""

import glob
import io
import json
import random
import sys
import time

import lmdb
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T

WORKERS = 2
BATCH = 128


class Folder(Dataset):
    transform = T.Compose([T.Resize(64), T.CenterCrop(64), T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])

    def __init__(self, folder, repeat):
        self.files = sorted(glob.glob(f"{folder}/*.jpg")) * repeat

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        return self.transform(Image.open(self.files[i]).convert("RGB"))


def loader_rate(folder):
    loader = DataLoader(Folder(folder, 25), BATCH, num_workers=WORKERS, persistent_workers=True)
    rates = []
    for _ in range(3):
        start, count = None, 0
        for batch in loader:
            if start is None:
                start = time.perf_counter()  # after the workers have started, as on the other side
            else:
                count += len(batch)
        rates.append(count / (time.perf_counter() - start))
    return max(rates)


def lmdb_rate(folder):
    env = lmdb.open(folder, readonly=True, lock=False)
    with env.begin() as transaction:
        keys = [key for key, _ in transaction.cursor()] * 20
        random.Random(0).shuffle(keys)
        start = time.perf_counter()
        for key in keys:
            Image.open(io.BytesIO(transaction.get(key))).convert("RGB")
    return len(keys) / (time.perf_counter() - start)


if __name__ == "__main__":
    print(json.dumps({"loader": loader_rate(sys.argv[1]), "lmdb": lmdb_rate(sys.argv[2])}))
