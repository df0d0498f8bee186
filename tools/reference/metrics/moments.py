"""Small .npz statistics as NumPy writes them, for packages/metrics/test/fixtures, and a check of a file of ours.

Run: tools/reference/.venv/bin/python tools/reference/metrics/moments.py [our.npz]
"""

import sys
from pathlib import Path

import numpy as np

FIXTURES = Path(__file__).parents[3] / "packages/metrics/test/fixtures"
mu, sigma = np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 3.0]])

if len(sys.argv) > 1:
    with np.load(sys.argv[1]) as ours:
        assert np.array_equal(ours["mu"], mu) and np.array_equal(ours["sigma"], sigma), dict(ours)
        print("equal:", {name: ours[name].shape for name in ours})
else:
    np.savez(FIXTURES / "stored.npz", mu=mu, sigma=sigma)
    np.savez_compressed(FIXTURES / "compressed.npz", mu=mu, sigma=sigma)
    np.savez(FIXTURES / "fortran-float32.npz", mu=mu.astype("f4"), sigma=np.asfortranarray(sigma.astype("f4")))
