"""Writes the ONNX files that PyTorch's own exporter makes of the networks that packages/onnx is measured against.

Arguments: folder, and optionally `script` for the older exporter. `cunet.onnx` is the cU-Net of ../cunet/parity.py, whose blocks
take one step of the 3/8 rule; `unet.onnx` is denoising-diffusion-pytorch's U-Net. Both take any number of images. The new
exporter needs `pip install onnxscript`.
"""

import sys
from pathlib import Path

import torch
from denoising_diffusion_pytorch import Unet

sys.path.insert(0, str(Path(__file__).parents[1] / "cunet"))
import parity  # noqa: E402


def three_eighths(f, y, times, **_):
    """torchdiffeq's `rk4`, without the Python control flow that exporters stumble over."""
    k1 = f(times[0], y)
    k2 = f(times[0] + 1 / 3, y + k1 / 3)
    k3 = f(times[0] + 2 / 3, y + k2 - k1 / 3)
    k4 = f(times[1], y + k1 - k2 + k3)
    return [y, y + (k1 + 3 * (k2 + k3) + k4) / 8]


def export(model, path, script):
    sample, times = torch.randn(2, 3, 64, 64), torch.tensor([3.0, 500.0])
    names = {"input_names": ["sample", "timestep"], "output_names": ["out_sample"]}
    model.eval()
    if script:
        axes = {"sample": {0: "batch"}, "timestep": {0: "batch"}, "out_sample": {0: "batch"}}
        torch.onnx.export(model, (sample, times), path, dynamo=False, dynamic_axes=axes, opset_version=17, **names)
    else:
        batch = torch.export.Dim("batch")
        torch.onnx.export(model, (sample, times), path, dynamo=True, dynamic_shapes=({0: batch}, {0: batch}), external_data=False, **names)


def main():
    folder, script = Path(sys.argv[1]), "script" in sys.argv[2:]
    parity.odeint = three_eighths
    torch.manual_seed(0)
    export(parity.CUNet({"inChannels": 3}), folder / "cunet.onnx", script)
    export(Unet(64, dim_mults=(1, 2, 4, 8), flash_attn=False), folder / "unet.onnx", script)


if __name__ == "__main__":
    main()
