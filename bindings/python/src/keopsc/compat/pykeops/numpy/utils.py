"""The kernels in full that scripts written for `pykeops.numpy.utils` compare with. `s` is the length scale, in the unit of the points."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Kernels as functions of the squared distance over the squared scale: values, logarithms, derivatives by the argument.
_KERNELS = {
    "gaussian": (lambda q: np.exp(-q), lambda q: -q, lambda q: -np.exp(-q)),
    "laplacian": (lambda q: np.exp(-np.sqrt(q)), lambda q: -np.sqrt(q), lambda q: -np.exp(-np.sqrt(q)) / (2 * np.sqrt(q))),
    "cauchy": (lambda q: 1 / (1 + q), lambda q: -np.log1p(q), lambda q: -1 / (1 + q) ** 2),
    "inverse_multiquadric": (lambda q: (1 + q) ** -0.5, lambda q: -0.5 * np.log1p(q), lambda q: -0.5 * (1 + q) ** -1.5),
}


def differences(x: Any, y: Any) -> Any:
    """The differences of points x (M, D) and y (N, D): (D, M, N)."""
    return x.T[:, :, None] - y.T[:, None, :]


def squared_distances(x: Any, y: Any) -> Any:
    """The squared distances of points x (M, D) and y (N, D): (M, N)."""
    return (differences(x, y) ** 2).sum(0)


def np_kernel(x: Any, y: Any, s: float, kernel: str) -> Any:
    """A kernel ("gaussian", "laplacian", "cauchy", "inverse_multiquadric") between points: (M, N)."""
    return _KERNELS[kernel][0](squared_distances(x, y) / s**2)


def log_np_kernel(x: Any, y: Any, s: float, kernel: str) -> Any:
    """The logarithm of a kernel: (M, N)."""
    return _KERNELS[kernel][1](squared_distances(x, y) / s**2)


def grad_np_kernel(x: Any, y: Any, s: float, kernel: str) -> Any:
    """The derivative of a kernel by the squared distance: (M, N)."""
    return _KERNELS[kernel][2](squared_distances(x, y) / s**2) / s**2


def np_kernel_sphere(nalpha: Any, nbeta: Any, s: float, kernel: str) -> Any:
    """A kernel between unit vectors ("binet", "linear", "gaussian_unoriented", "gaussian_oriented"): (M, N)."""
    products = nalpha @ nbeta.T
    return {
        "binet": lambda: products**2,
        "linear": lambda: products,
        "gaussian_unoriented": lambda: np.exp(2 * (products**2 - 1) / s**2),
        "gaussian_oriented": lambda: np.exp(2 * (products - 1) / s**2),
    }[kernel]()


def chain_rules(q: Any, ax: Any, by: Any, Aa: Any, p: Any) -> Any:
    """The gradient in the points ax (M, D) of a function of squared distances with derivatives Aa (M, N), between weights q (M, E) and p (N, E)."""
    return np.einsum("ie,dij,ij,je->id", q, 2 * differences(ax, by), Aa, p).astype(np.float32)


def log_sum_exp(mat: Any, axis: int = 0) -> Any:
    """The logarithm of the sum of exponentials along an axis, without overflow."""
    largest = mat.max(axis=axis, keepdims=True)
    return np.squeeze(largest, axis) + np.log(np.exp(mat - largest).sum(axis=axis))


def WarmUpGpu() -> None:
    """Does nothing: libraries load their kernels at the first call."""
