"""K-means on 1797 handwritten digits, one call a step (../kmeans.kf): it gives each image's nearest centre, and what the next centres are made of.

    python kmeans.py [clusters]

The images come with scikit-learn, whose own k-means begins at the same centres and has to end as well. `keopsc` is taken from $KEOPSC or the PATH.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

STEPS = 100
FORMULA = Path(__file__).resolve().parents[1] / "kmeans.kf"


def compile_formula(folder):
    """Runs keopsc and loads what it made."""
    path = Path(folder) / "libkmeans.so"
    subprocess.run([os.environ.get("KEOPSC", "keopsc"), "compile", FORMULA, "-o", path], check=True)
    library = ctypes.CDLL(str(path))
    library.kmeans_strerror.restype = ctypes.c_char_p
    library.kmeans_step.argtypes = 2 * [ctypes.c_int64] + 5 * [ctypes.c_void_p]
    return library


def step(library, points, centres):
    """The nearest centre of each point; the sum and the number of each centre's points."""
    label, total = np.empty(len(points), np.int64), np.empty_like(centres)
    count = np.empty((len(centres), 1), np.float32)
    arrays = [array.ctypes.data for array in (points, centres, label, total, count)]
    status = library.kmeans_step(len(points), len(centres), *arrays)
    if status:
        raise RuntimeError(library.kmeans_strerror(status).decode())
    return label, total, count


def clusters(library, points, centres):
    """Moves centres to the means of their points until none changes. Returns labels, centres and the number of steps."""
    before = None
    for number in range(STEPS):
        label, total, count = step(library, points, centres)
        if before is not None and np.array_equal(label, before):
            return label, centres, number
        before = label
        centres = np.where(count > 0, total / np.maximum(count, 1), centres)
    return label, centres, STEPS


def main(count=10):
    points = np.ascontiguousarray(load_digits().data, np.float32)
    first = points[np.random.default_rng(0).choice(len(points), count, replace=False)]
    with tempfile.TemporaryDirectory() as folder:
        library = compile_formula(folder)
        start = time.perf_counter()
        label, centres, steps = clusters(library, points, first)
        milliseconds = 1e3 * (time.perf_counter() - start)
    inertia = float(((points.astype(float) - centres[label]) ** 2).sum())
    reference = KMeans(count, init=first, n_init=1, max_iter=STEPS, tol=0).fit(points)
    print(f"{len(points)} images in {count} clusters: {steps} steps in {milliseconds:.1f} ms")
    print(f"sum of squared distances: {inertia:.0f}, scikit-learn {reference.inertia_:.0f}")
    print(f"same cluster as in scikit-learn: {100 * np.mean(label == reference.labels_):.1f} %")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main(*map(int, sys.argv[1:]))
