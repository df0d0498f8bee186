"""Writes packages/weights/test/fixtures/torch.json: small files that torch.save made (zip, legacy, compressed zip, a training
checkpoint), pickles of NumPy arrays and of Python's containers in every protocol, hostile pickles, and npz files, all base64,
with the numbers that are in them."""

import base64
import io
import json
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

out = Path(__file__).parents[3] / "packages/weights/test/fixtures/torch.json"


def b64(data):
    return base64.b64encode(data).decode()


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def deflated(data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue()


base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
tensors = OrderedDict(
    {
        "plain": base,
        "transposed": base.t(),
        "column": base[:, 1],
        "row": base[1],
        "expanded": torch.tensor([2.5]).expand(3),
        "parameter": torch.nn.Parameter(torch.tensor([[1.5, -2.0]])),
        "half": torch.tensor([0.1, 65504.0], dtype=torch.float16),
        "brain": torch.tensor([0.1, -3e38], dtype=torch.bfloat16),
        "double": torch.tensor([0.1, 1e30], dtype=torch.float64),
        "long": torch.tensor([-(2**40), 3]),
        "bytes": torch.tensor([0, 255], dtype=torch.uint8),
        "mask": torch.tensor([True, False]),
        "scalar": torch.tensor(7.0),
        "empty": torch.zeros(0, 2),
    }
)
newer = {"u16": torch.tensor([65535], dtype=torch.uint16), "f8": torch.tensor([0.1, 448.0]).to(torch.float8_e4m3fn)}
checkpoint = {
    "epoch": 3,
    "state_dict": torch.nn.Linear(2, 1).state_dict(),
    "optimizer": {"lr": 0.1, "state": {0: {"exp_avg": torch.zeros(2)}}},
    "name": "run",
}


class Hostile:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def rewritten(data, change):
    """The bytes of a torch zip file with another pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name.endswith("data.pkl") else content)
    return buffer.getvalue()


import os  # noqa: E402  (only to be named by the hostile pickles)

rng = np.random.default_rng(0)
pixels = rng.integers(0, 256, (2, 6), dtype=np.uint8)
containers = {"a": [1, -2, 2**40, 2**80, 0.5, None, True], "b": (1, "é", b"\x00\xff"), "c": {3}, "d": {}}
arrays = {
    "f4": np.array([[0.1, 2], [3, 4]], dtype=np.float32),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    "big": np.arange(3, dtype=">i4"),
    "half": np.array([0.5, -2], dtype=np.float16),
    "long": np.array(-5),
    "flag": np.array([True, False]),
}


def npz(save):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def objects():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{}], dtype=object))
    return buffer.getvalue()


def python2():
    """A CIFAR batch as Python 2 wrote it: str for bytes."""
    raw = pixels.tobytes()
    return (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87R"
        b"(K\x01K\x02K\x06\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"U"
        + bytes([len(raw)])
        + raw
        + b"tbU\x06labels]q\x09(K\x06K\x09eu."
    )


zipped = saved(tensors)
golden = {
    "values": {k: {"shape": list(v.shape), "data": v.detach().double().flatten().tolist()} for k, v in tensors.items()},
    "zip": b64(zipped),
    "legacy": b64(saved(tensors, _use_new_zipfile_serialization=False)),
    "deflated": b64(deflated(zipped)),
    "newer": b64(saved(newer)),
    "newerValues": {k: v.double().tolist() for k, v in newer.items()},
    "checkpoint": b64(saved(checkpoint)),
    "module": b64(saved(torch.nn.Linear(2, 1))),
    "hostileZip": b64(saved({"w": base, "x": Hostile(os.system, "true")})),
    "outOfRange": b64(rewritten(zipped, lambda p: p.replace(b"K\x03K\x04\x86", b"K\x03K\x7f\x86", 1))),
    "bomb": b64(rewritten(saved({"w": torch.zeros(1).expand(7, 9)}), lambda p: p.replace(b"K\x07K\t\x86", b"JB\x42\x42\x42JB\x42\x02\x00\x86", 1))),
    "containers": {str(p): b64(pickle.dumps(containers, protocol=p)) for p in range(6)},
    "hostile": {
        "nt.system" if os.name == "nt" else "posix.system": b64(pickle.dumps(Hostile(os.system, "true"))),
        "builtins.eval": b64(pickle.dumps(Hostile(eval, "1"))),
        "__builtin__.eval": b64(pickle.dumps(Hostile(eval, "1"), protocol=0)),
        "builtins.getattr": b64(pickle.dumps(Hostile(getattr, {}, "x"), protocol=4)),
    },
    "numpy": {str(p): b64(pickle.dumps({"x": arrays["fortran"], "n": np.float32(0.5), "y": pixels}, protocol=p)) for p in range(2, 6)},
    "pixels": pixels.flatten().tolist(),
    "python2": b64(python2()),
    "npz": b64(npz(np.savez)),
    "npzCompressed": b64(npz(np.savez_compressed)),
    "npzObjects": b64(objects()),
    "npzValues": {k: {"shape": list(v.shape), "data": v.astype(np.float64).flatten().tolist()} for k, v in arrays.items()},
}
loaded = pickle.loads(base64.b64decode(golden["python2"]), encoding="bytes")
assert (loaded[b"data"] == pixels).all() and loaded[b"labels"] == [6, 9]
out.write_text(json.dumps(golden, indent=1) + "\n")
