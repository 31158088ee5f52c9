"""Formulas that several tests use, and NumPy's values for them."""

import numpy as np

GAUSS = """
dim D = 3
x     = Vi(D)
y     = Vj(D)
b     = Vj(1)
sigma = Pm(1)
K = Exp(-SqDist(x, y) / sigma**2)
out conv   = Sum[j](K * b)
out conv_x = Grad(conv, x)
out conv_y = Grad(conv, y)
out conv_s = Grad(conv, sigma)
out f      = -sigma * LogSumExp[j](-SqDist(x, y) / sigma, weight=Square(b))
out nn     = ArgMin[j](SqDist(x, y))
"""


def gauss_arguments(random, m, n, dtype=np.float32, dim=3):
    """x, y, b and sigma."""
    x, y = random.random((m, dim)).astype(dtype), random.random((n, dim)).astype(dtype)
    return x, y, random.standard_normal((n, 1)).astype(dtype), np.array([0.7], dtype)


def gauss_conv(x, y, b, sigma):
    """conv in float64; leading axes are batches."""
    x, y, b, sigma = (np.asarray(array, np.float64) for array in (x, y, b, sigma))
    distance = ((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(axis=-1)
    return np.exp(-distance / sigma[..., None] ** 2) @ b
