"""SSIM, MS-SSIM, PSNR, NRMSE of scikit-image, torchmetrics, piq, pytorch-msssim and a plain PyTorch MS-SSIM.

Writes packages/metrics/test/fixtures/image-pairs.json.
Run: tools/reference/.venv/bin/python tools/reference/metrics/image_pairs.py
"""

import json
from pathlib import Path

import numpy as np
import piq
import pytorch_msssim
import torch
import torch.nn.functional as F
from skimage import metrics
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

from pictures import noisy, ramp

FIXTURES = Path(__file__).parents[3] / "packages/metrics/test/fixtures"


def gaussian(size=11, sigma=1.5):
    x = torch.arange(size, dtype=torch.float64) - size // 2
    g = torch.exp(-(x**2) / (2 * sigma**2))
    return g / g.sum()


def ms_ssim(a, b, data_range=1.0, weights=(0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
    """TensorFlow's ssim_multiscale: valid windows, symmetric padding of odd sides, product per channel, mean over channels."""
    x, y = (torch.from_numpy(v).permute(2, 0, 1)[:, None] for v in (a, b))
    g = gaussian()
    blur = lambda v: F.conv2d(F.conv2d(v, g[None, None, :, None]), g[None, None, None, :])
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    score = torch.ones(x.shape[0], dtype=torch.float64)
    for scale, weight in enumerate(weights):
        mx, my = blur(x), blur(y)
        vx, vy, vxy = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
        cs = (2 * vxy + c2) / (vx + vy + c2)
        full = (2 * mx * my + c1) / (mx**2 + my**2 + c1) * cs
        term = (full if scale == len(weights) - 1 else cs).mean(dim=(1, 2, 3))
        score *= term.clamp(min=0) ** weight
        pad = (0, x.shape[3] % 2, 0, x.shape[2] % 2)
        x, y = (F.avg_pool2d(F.pad(v, pad, mode="replicate"), 2) for v in (x, y))
    return score.mean().item()


def torch_ssim(a, b, **options):
    x, y = (torch.from_numpy(v).permute(2, 0, 1)[None] for v in (a, b))
    return structural_similarity_index_measure(x, y, data_range=1.0, **options).item()


def conventions():
    """Three scales of sides that do not divide evenly, and the SSIM of piq on pictures that it thins out first."""
    weights = (0.3, 0.3, 0.4)
    tensors = lambda a: [torch.from_numpy(v).permute(2, 0, 1)[None] for v in (a, noisy(a, 0.6, 3))]
    out = {}
    for height, width in ((51, 48), (50, 47), (49, 53)):
        x, y = tensors(ramp(height, width, 2))
        out[f"{height}x{width}"] = {
            "torchmetrics": multiscale_structural_similarity_index_measure(x, y, data_range=1.0, betas=weights).item(),
            "piq": piq.multi_scale_ssim(x, y, scale_weights=torch.tensor(weights, dtype=torch.float64)).item(),
            "pytorch-msssim": pytorch_msssim.ms_ssim(x, y, data_range=1.0, weights=weights, win_size=3).item(),
        }
    out["piqSsim"] = {str(side): piq.ssim(*tensors(ramp(side, side + 3, 1))).item() for side in (390, 640)}
    return out


def main():
    grey, color = ramp(33, 40, 1), ramp(24, 28, 3)
    pairs = {"grey": (grey, noisy(grey, 0.5, 1)), "color": (color, noisy(color, 0.8, 2))}
    out = {}
    for name, (a, b) in pairs.items():
        ssim = lambda **options: metrics.structural_similarity(a, b, data_range=1.0, channel_axis=2, **options)
        wang = dict(gaussian_weights=True, use_sample_covariance=False)
        value, gradient, full = ssim(full=True, gradient=True)
        out[name] = {
            "default": value,
            "wang": ssim(**wang),
            "gaussianSample": ssim(gaussian_weights=True, sigma=0.8),
            "win5": ssim(win_size=5, use_sample_covariance=False),
            "constants": ssim(K1=0.02, K2=0.05),
            "mapSample": full.reshape(-1)[::97].tolist(),
            "gradientSample": gradient.reshape(-1)[::97].tolist(),
            "torchGaussian": torch_ssim(a, b),
            "torchGaussianUneven": torch_ssim(a, b, sigma=(0.5, 1.5)),
            "torchUniformUneven": torch_ssim(a, b, gaussian_kernel=False, kernel_size=(3, 5)),
            "psnr": metrics.peak_signal_noise_ratio(a, b, data_range=1.0),
            "mse": metrics.mean_squared_error(a, b),
            "nrmse": [metrics.normalized_root_mse(a, b, normalization=n) for n in ("euclidean", "min-max", "mean")],
        }
    for name, shape in {"even": (192, 176, 1), "odd": (181, 167, 3)}.items():
        a = ramp(*shape)
        b = noisy(a, 0.6, 3)
        out[f"ms-{name}"] = {"msSsim": ms_ssim(a, b), "twoScales": ms_ssim(a, b, weights=(0.4, 0.6))}
    out["conventions"] = conventions()
    torch.manual_seed(42)
    preds = torch.rand([3, 3, 256, 256])
    out["torchmetricsExample"] = {
        "msSsim": multiscale_structural_similarity_index_measure(preds, preds * 0.75, data_range=1.0).item(),
        "ssim": structural_similarity_index_measure(preds, preds * 0.75, data_range=1.0).item(),
        "ours": float(np.mean([ms_ssim(*(v[i].permute(1, 2, 0).double().numpy() for v in (preds, preds * 0.75))) for i in range(3)])),
    }
    (FIXTURES / "image-pairs.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
