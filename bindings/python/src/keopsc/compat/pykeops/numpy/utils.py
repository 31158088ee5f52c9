"""`pykeops.numpy.utils`: NumPy's functions by KeOps' names, and the kernels in full that scripts compare with. `s` is the length scale, in the unit of the points."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....numpy import Genred, KernelSolve
from ....numpy.cluster import swap_axes
from ..common import tools

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


class numpytools(tools.Tools):
    """NumPy's functions by the names that KeOps has for both array libraries."""

    Genred: type = Genred
    KernelSolve: type = KernelSolve
    arraytype: type = np.ndarray
    float_types: Any = [float, np.float16, np.float32, np.float64]
    swap_axes: Any = staticmethod(swap_axes)
    norm: Any = staticmethod(np.linalg.norm)
    arraysum: Any = staticmethod(np.sum)
    exp: Any = staticmethod(np.exp)
    log: Any = staticmethod(np.log)
    copy: Any = staticmethod(np.copy)
    eq: Any = staticmethod(np.equal)
    contiguous: Any = staticmethod(np.ascontiguousarray)
    tile: Any = staticmethod(np.tile)
    solve: Any = staticmethod(np.linalg.solve)
    size: Any = staticmethod(np.size)
    view: Any = staticmethod(np.reshape)
    is_complex: Any = staticmethod(np.iscomplexobj)

    @staticmethod
    def numpy(x: Any) -> Any:
        """The array itself."""
        return x

    @staticmethod
    def permute(x: Any, *axes: int) -> Any:
        """The array with its axes in another order."""
        return x.transpose(*axes)

    @staticmethod
    def long(x: Any) -> Any:
        """The array as int64."""
        return x.astype(np.int64)

    @staticmethod
    def view_as_complex(x: Any) -> Any:
        """Pairs (re, im) along the last axis as complex numbers."""
        return x.view(np.result_type(x.dtype, np.complex64))

    @staticmethod
    def view_as_real(x: Any) -> Any:
        """Complex numbers as pairs (re, im) along the last axis."""
        return x.view(x.real.dtype)

    @staticmethod
    def dtypename(dtype: Any) -> str:
        """The name of a type."""
        return str(np.dtype(dtype).name)

    @staticmethod
    def rand(m: int, n: int, dtype: Any = np.float64) -> Any:
        """Random numbers between 0 and 1: (m, n)."""
        return np.random.rand(m, n).astype(dtype)

    @staticmethod
    def randn(m: int, n: int, dtype: Any = np.float64) -> Any:
        """Random numbers of the normal distribution: (m, n)."""
        return np.random.randn(m, n).astype(dtype)

    @staticmethod
    def zeros(shape: Any, dtype: Any, device: Any = None, requires_grad: Any = None) -> Any:
        """Zeros."""
        return np.zeros(shape, dtype)

    @staticmethod
    def empty(shape: Any, dtype: Any, device: Any = None, requires_grad: Any = None) -> Any:
        """An array with unknown contents."""
        return np.empty(shape, dtype)

    @staticmethod
    def eye(n: int, dtype: Any = np.float64) -> Any:
        """The identity matrix: (n, n)."""
        return np.eye(n, dtype=dtype)

    @staticmethod
    def array(x: Any, dtype: Any, device: Any = None) -> Any:
        """Numbers as an array of a type."""
        return np.array(x, dtype)

    @staticmethod
    def device(x: Any) -> str:
        """"cpu"."""
        return "cpu"

    @staticmethod
    def device_type_index(x: Any) -> Any:
        """("cpu", None)."""
        return "cpu", None

    @staticmethod
    def device_dict(x: Any) -> Any:
        """{"cat": "cpu"}."""
        return {"cat": "cpu"}

    @staticmethod
    def get_pointer(x: Any) -> int:
        """The address of an array's first element."""
        return int(x.ctypes.data)
