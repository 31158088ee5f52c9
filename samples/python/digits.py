"""Reads 797 handwritten digits by looking each up among 1000 known ones: a nearest-neighbour classifier in one formula (../digits.kf).

    python digits.py [picture.png]

The images come with scikit-learn (the UCI digits of 43 people: 8 x 8 pixels in 17 shades). `keopsc` is taken from $KEOPSC or the PATH.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

KNOWN = 1000
SHADES = " .:-=+*#%@"
FORMULA = Path(__file__).resolve().parents[1] / "digits.kf"


def compile_formula(folder):
    """Runs keopsc and loads what it made. Returns the library and the seconds that took."""
    path = Path(folder) / "libdigits.so"
    start = time.perf_counter()
    subprocess.run([os.environ.get("KEOPSC", "keopsc"), "compile", FORMULA, "-o", path], check=True)
    seconds = time.perf_counter() - start
    library = ctypes.CDLL(str(path))
    library.digits_strerror.restype = ctypes.c_char_p
    library.digits_nearest.argtypes = [ctypes.c_int64, ctypes.c_int64] + 3 * [ctypes.c_void_p]
    return library, seconds


def nearest(library, x, y):
    """For each row of x the number of the nearest row of y."""
    rows = np.empty(len(x), np.int64)
    status = library.digits_nearest(len(x), len(y), x.ctypes.data, y.ctypes.data, rows.ctypes.data)
    if status:
        raise RuntimeError(library.digits_strerror(status).decode())
    return rows


def nearest_by_numpy(x, y):
    """The same with a matrix of all distances."""
    return ((x * x).sum(axis=1)[:, None] - 2 * x @ y.T + (y * y).sum(axis=1)).argmin(axis=1)


def milliseconds(function, *arguments, rounds=20):
    """The least time of several calls."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def drawing(image):
    """An image as lines of text, each pixel two characters wide."""
    return ["".join(2 * SHADES[int(pixel * (len(SHADES) - 1) / 16)] for pixel in row) for row in image.reshape(8, 8)]


def save_picture(path, mistakes, x, y, read, truth, rows):
    """Every mistake: the image on the left, on the right the known image that it was taken for."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = 5
    lines = -(-len(mistakes) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(2.2 * columns, 1.6 * lines), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, mistake in zip(axes.flat, mistakes):
        pair = [x[mistake].reshape(8, 8), np.zeros((8, 1)), y[rows[mistake]].reshape(8, 8)]
        axis.imshow(np.hstack(pair), cmap="gray_r")
        axis.set_title(f"a {truth[mistake]}, read as {read[mistake]}", fontsize=9)
    figure.suptitle(f"{len(mistakes)} of {len(x)} digits misread: the image, and the known one that is nearest")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main(picture=None):
    """Classifies, prints a summary and, given a path, saves the picture."""
    digits = load_digits()
    images = np.ascontiguousarray(digits.data, np.float32)
    y, labels = images[:KNOWN], digits.target[:KNOWN]
    x, truth = images[KNOWN:], digits.target[KNOWN:]

    with tempfile.TemporaryDirectory() as folder:
        library, seconds = compile_formula(folder)
        rows = nearest(library, x, y)
        ours, numpy = milliseconds(nearest, library, x, y), milliseconds(nearest_by_numpy, x, y)
    read = labels[rows]
    mistakes = np.flatnonzero(read != truth)

    for line in zip(*(drawing(image) for image in (x[0], y[rows[0]]))):
        print("    ".join(line))
    print(f"the first new digit, a {truth[0]} (left), and the known one nearest to it, a {read[0]} (right)\n")
    print(f"read correctly: {len(x) - len(mistakes)} of {len(x)} digits ({100 * (1 - len(mistakes) / len(x)):.1f} %)")
    print("digit      " + " ".join(f"{digit:4}" for digit in range(10)))
    print("of these   " + " ".join(f"{np.sum(truth == digit):4}" for digit in range(10)))
    print("misread    " + " ".join(f"{np.sum(truth[mistakes] == digit):4}" for digit in range(10)))
    print(f"same neighbours as NumPy finds: {100 * np.mean(rows == nearest_by_numpy(x, y)):.1f} %")
    print(f"time: {ours:.2f} ms, NumPy {numpy:.2f} ms; compiling the formula took {1e3 * seconds:.0f} ms, once")
    if picture:
        save_picture(picture, mistakes, x, y, read, truth, rows)
        print(f"the misread digits are drawn in {picture}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
