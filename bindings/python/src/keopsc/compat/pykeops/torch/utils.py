"""The kernels in full that scripts written for `pykeops.torch.utils` compare with. `s` is the length scale, in the unit of the points."""

from __future__ import annotations

from typing import Any

import torch

_KERNELS = {
    "gaussian": lambda q: torch.exp(-q),
    "laplacian": lambda q: torch.exp(-torch.sqrt(q)),
    "cauchy": lambda q: 1 / (1 + q),
    "inverse_multiquadric": lambda q: torch.rsqrt(1 + q),
}


def is_on_device(x: Any) -> bool:
    """Whether a tensor is on a GPU."""
    return x.is_cuda


def squared_distances(x: Any, y: Any) -> Any:
    """The squared distances of points x (M, D) and y (N, D): (M, N)."""
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(-1)


def torch_kernel(x: Any, y: Any, s: float, kernel: str) -> Any:
    """A kernel ("gaussian", "laplacian", "cauchy", "inverse_multiquadric") between points: (M, N)."""
    return _KERNELS[kernel](squared_distances(x, y) / s**2)


def WarmUpGpu() -> None:
    """Does nothing: libraries load their kernels at the first call."""
