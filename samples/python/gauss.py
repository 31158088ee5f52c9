"""Calls a compiled formula (../gauss.kf) from Python with ctypes and NumPy; no package is needed.

    keopsc compile ../gauss.kf -o libgauss.so
    python gauss.py ./libgauss.so
"""

import ctypes
import sys
import time

import numpy as np


def load(path):
    """The library with the argument types of its functions, as gauss.h declares them."""
    library = ctypes.CDLL(path)
    matrix = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
    indices = np.ctypeslib.ndpointer(np.int64, flags="C_CONTIGUOUS")
    rows = ctypes.c_int64
    library.gauss_conv.argtypes = [rows, rows, matrix, matrix, matrix, matrix, matrix]
    library.gauss_conv_x.argtypes = [rows, rows, matrix, matrix, matrix, matrix, matrix, matrix]
    library.gauss_nn.argtypes = [rows, rows, matrix, matrix, indices]
    library.gauss_strerror.restype = ctypes.c_char_p
    return library


def check(library, status):
    """Turns a status into an exception."""
    if status:
        raise RuntimeError(library.gauss_strerror(status).decode())


def main(path, m=2000, n=3000):
    """Computes a kernel sum, its gradient and nearest neighbours, and compares them with NumPy's on a few rows."""
    library = load(path)
    random = np.random.default_rng(0)
    x, y = (random.random((rows, 3), np.float32) for rows in (m, n))
    b, sigma = random.standard_normal((n, 1), np.float32), np.array([0.5], np.float32)
    conv, conv_x, nn = np.empty((m, 1), np.float32), np.empty((m, 3), np.float32), np.empty((m, 1), np.int64)

    start = time.perf_counter()
    check(library, library.gauss_conv(m, n, x, y, b, sigma, conv))
    print(f"{m} x {n} pairs in {1e3 * (time.perf_counter() - start):.2f} ms")
    check(library, library.gauss_conv_x(m, n, x, y, b, sigma, np.ones_like(conv), conv_x))
    check(library, library.gauss_nn(m, n, x, y, nn))

    rows = slice(0, 100)
    difference = x[rows, None, :].astype(float) - y[None, :, :]
    squared_distance = (difference**2).sum(axis=2)
    weighted = np.exp(-squared_distance / sigma[0] ** 2) * b[:, 0]
    gradient = (-2 / sigma[0] ** 2 * weighted[:, :, None] * difference).sum(axis=1)
    errors = {
        "conv": relative_error(conv[rows], weighted.sum(axis=1, keepdims=True)),
        "conv_x": relative_error(conv_x[rows], gradient),
        "nn": float((nn[rows, 0] != squared_distance.argmin(axis=1)).mean()),
    }
    for name, error in errors.items():
        print(f"{name:6} differs from NumPy by {error:.1e}")
    return 0 if max(errors.values()) < 1e-5 else 1


def relative_error(value, expected):
    """The error in the Euclidean norm, relative to that of what is expected."""
    return float(np.linalg.norm(value - expected) / np.linalg.norm(expected))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
