"""KID, inception score, precision/recall, density/coverage and CMMD by plain NumPy, as torch-fidelity, prdc and cmmd define them.

Features are NumPy's RandomState(seed).randn, which the tests draw too.
Writes packages/metrics/test/fixtures/distributions.json.
Run: tools/reference/.venv/bin/python tools/reference/metrics/distributions.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from scipy import linalg
from torchmetrics.image.kid import poly_mmd

FIXTURES = Path(__file__).parents[3] / "packages/metrics/test/fixtures"


def kid(x, y, degree=3, gamma=None, coef0=1.0):
    gamma = gamma or 1 / x.shape[1]
    k = lambda a, b: (a @ b.T * gamma + coef0) ** degree
    m, n = len(x), len(y)
    kxx, kyy, kxy = k(x, x), k(y, y), k(x, y)
    return (kxx.sum() - np.trace(kxx)) / (m * (m - 1)) + (kyy.sum() - np.trace(kyy)) / (n * (n - 1)) - 2 * kxy.mean()


def rbf(a, b, sigma):
    d = ((a[:, None] - b[None]) ** 2).sum(-1)
    return np.exp(-d / (2 * sigma**2))


def mmd_rbf(x, y, sigma, unbiased):
    kxx, kyy, kxy = rbf(x, x, sigma), rbf(y, y, sigma), rbf(x, y, sigma)
    if not unbiased:
        return kxx.mean() + kyy.mean() - 2 * kxy.mean()
    m, n = len(x), len(y)
    return (kxx.sum() - m) / (m * (m - 1)) + (kyy.sum() - n) / (n * (n - 1)) - 2 * kxy.mean()


def kid_of_subsets(x, y, subsets, size, seed=2020):
    """torch-fidelity's kid_features_to_metric: the subsets of both sets are drawn in turn."""
    rng = np.random.RandomState(seed)
    draw = lambda v: v[rng.choice(len(v), size, replace=False)]
    scores = [kid(draw(x), draw(y)) for _ in range(subsets)]
    return [float(np.mean(scores)), float(np.std(scores))]


def inception_score(logits, splits):
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    scores = []
    for i in range(splits):
        part = p[i * len(p) // splits : (i + 1) * len(p) // splits]
        kl = part * (np.log(part) - np.log(part.mean(0, keepdims=True)))
        scores.append(np.exp(kl.sum(1).mean()))
    return [float(np.mean(scores)), float(np.std(scores))]


def prdc(fake, real, k):
    dist = lambda a, b: np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    radius = lambda a: np.partition(dist(a, a), k, axis=-1)[:, k]
    rr, fr, d = radius(real), radius(fake), dist(fake, real)
    precision, recall = (d <= rr[None]).any(1).mean(), (d <= fr[:, None]).any(0).mean()
    return {
        "precision": precision,
        "recall": recall,
        "fScore": 2 * precision * recall / (precision + recall),
        "density": (d < rr[None]).sum() / (k * len(fake)),
        "coverage": (d.min(0) < rr).mean(),
    }


def frechet(x, y):
    (m1, s1), (m2, s2) = ((v.mean(0), np.cov(v, rowvar=False)) for v in (x, y))
    root = linalg.sqrtm(s1 @ s2).real
    return float(((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * root))


def main():
    rng = np.random.RandomState(11)
    x, y = rng.randn(90, 16), 0.8 * rng.randn(70, 16) + 0.3
    logits = 3 * rng.randn(103, 10)
    out = {
        "kid": kid(x, y),
        "kidOptions": kid(x, y, degree=2, gamma=0.1, coef0=0.5),
        "kidSubsets": kid_of_subsets(x, y, 20, 30),
        "kidTorchmetrics": poly_mmd(torch.from_numpy(x[:70]), torch.from_numpy(y)).item(),
        "mmdRbf": mmd_rbf(x, y, 4.0, True),
        "cmmd": 1000 * mmd_rbf(x, y, 10.0, False),
        "inceptionScore": inception_score(logits, 10),
        "inceptionScoreOneSplit": inception_score(logits, 1),
        "inceptionScoreShuffled": inception_score(logits[np.random.RandomState(2020).permutation(len(logits))], 10),
        "permutation": np.random.RandomState(7).permutation(1000)[:12].tolist(),
        "prdc3": prdc(y, x, 3),
        "prdc5": prdc(y, x, 5),
        "frechet": frechet(x, y),
    }
    out = json.loads(json.dumps(out, default=float))
    (FIXTURES / "distributions.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
