"""`pykeops.torch.utils`: PyTorch's functions by KeOps' names, and the kernels in full that scripts compare with. `s` is the length scale, in the unit of the points."""

from __future__ import annotations

from typing import Any

import torch

from ....torch import Genred, KernelSolve
from ....torch.cluster import swap_axes
from ..common import tools

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


class torchtools(tools.Tools):
    """PyTorch's functions by the names that KeOps has for both array libraries."""

    Genred: type = Genred
    KernelSolve: type = KernelSolve
    arraytype: type = torch.Tensor
    float_types: Any = [float]
    swap_axes: Any = staticmethod(swap_axes)
    norm: Any = staticmethod(torch.norm)
    exp: Any = staticmethod(torch.exp)
    log: Any = staticmethod(torch.log)
    copy: Any = staticmethod(torch.clone)
    eq: Any = staticmethod(torch.eq)
    permute: Any = staticmethod(torch.Tensor.permute)
    contiguous: Any = staticmethod(torch.Tensor.contiguous)
    tile: Any = staticmethod(torch.Tensor.repeat)
    solve: Any = staticmethod(torch.linalg.solve)
    size: Any = staticmethod(torch.numel)
    view: Any = staticmethod(torch.Tensor.view)
    long: Any = staticmethod(torch.Tensor.long)
    is_complex: Any = staticmethod(torch.is_complex)
    rand: Any = staticmethod(torch.rand)
    randn: Any = staticmethod(torch.randn)
    eye: Any = staticmethod(torch.eye)
    get_pointer: Any = staticmethod(torch.Tensor.data_ptr)
    pointer: Any = staticmethod(torch.Tensor.data_ptr)

    @staticmethod
    def arraysum(x: Any, axis: Any = None) -> Any:
        """The sum of all numbers, or along an axis."""
        return x.sum() if axis is None else x.sum(axis)

    @staticmethod
    def numpy(x: Any) -> Any:
        """The tensor as a NumPy array, without a graph."""
        return x.detach().cpu().numpy()

    @staticmethod
    def view_as_complex(x: Any) -> Any:
        """Pairs (re, im) along the last axis as complex numbers."""
        return torch.view_as_complex(x.unflatten(-1, (-1, 2)))

    @staticmethod
    def view_as_real(x: Any) -> Any:
        """Complex numbers as pairs (re, im) along the last axis."""
        return torch.view_as_real(x).flatten(-2)

    @staticmethod
    def dtypename(dtype: Any) -> str:
        """The name of a type, without `torch.`"""
        return str(dtype).rsplit(".", 1)[-1]

    @staticmethod
    def zeros(shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Zeros."""
        return torch.zeros(*shape, dtype=dtype, device=device, requires_grad=requires_grad)

    @staticmethod
    def empty(shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """A tensor with unknown contents."""
        return torch.empty(*shape, dtype=dtype, device=device, requires_grad=requires_grad)

    @staticmethod
    def array(x: Any, dtype: str, device: Any = None) -> Any:
        """Numbers as a tensor of the type of that name."""
        return torch.tensor(x, dtype=getattr(torch, dtype), device=device)

    @staticmethod
    def device(x: Any) -> Any:
        """Where a tensor is; None for anything else."""
        return getattr(x, "device", None)

    @staticmethod
    def device_type_index(x: Any) -> Any:
        """The type and number of a tensor's device; None and None for anything else."""
        device = getattr(x, "device", None)
        return getattr(device, "type", None), getattr(device, "index", None)
