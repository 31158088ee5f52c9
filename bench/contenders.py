"""How each contender computes a row: name → a function that prepares everything and returns the call to be timed.

A call returns a list of arrays (or tensors): the sum, and for gradients its derivative in x weighted with the cotangent e.
"""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

FORMULA = Path(__file__).with_name("gauss.kf")
KEOPSC = os.environ.get("KEOPSC", "keopsc")
PYKEOPS_FORMULA = "Exp(-SqDist(x, y) / Square(sigma)) * b"


class Data:
    """The arrays of a row, from a fixed seed."""

    def __init__(self, row):
        random = np.random.default_rng(0)
        self.x, self.y = (random.random((rows, row.dim)).astype(row.dtype) for rows in (row.m, row.n))
        self.b = random.random((row.n, 1)).astype(row.dtype)
        self.sigma = np.array([0.8], row.dtype)
        self.e = random.random((row.m, 1)).astype(row.dtype)


def keopsc_library(row, *options):
    """bench/gauss.kf for the row's dimension and type."""
    folder = tempfile.mkdtemp(prefix="keopsc-bench-")
    path = Path(folder) / "libgauss.so"
    types = ["--dtype", {"float32": "f32", "float64": "f64"}[row.dtype], "-D", f"D={row.dim}"]
    subprocess.run([KEOPSC, "compile", FORMULA, "-o", path, *types, *options], check=True)
    return ctypes.CDLL(str(path))


def keopsc(row, data):
    """Layer 1 through ctypes, addresses taken beforehand."""
    library = keopsc_library(row)
    inputs = [data.x, data.y, data.b, data.sigma]
    value, slope = np.empty((row.m, 1), row.dtype), np.empty((row.m, row.dim), row.dtype)
    results = [value]
    function = library.gauss_conv
    if row.kind == "gradient":
        function = library.gauss_both
        results.append(slope)
    arguments = [ctypes.c_int64(row.m), ctypes.c_int64(row.n)]
    arguments += [ctypes.c_void_p(array.ctypes.data) for array in inputs + results]

    def call():
        status = function(*arguments)
        if status:
            raise RuntimeError(f"status {status}")
        return results

    def call_and_weight():
        call()
        return [value, slope * data.e]

    return call_and_weight if row.kind == "gradient" else call


def keopsc_kahan(row, data):
    """The same with compensated sums."""
    library = keopsc_library(row, "--sum", "kahan")
    result = np.empty((row.m, 1), row.dtype)
    arrays = [data.x, data.y, data.b, data.sigma, result]

    def call():
        status = library.gauss_conv(ctypes.c_int64(row.m), ctypes.c_int64(row.n), *(ctypes.c_void_p(a.ctypes.data) for a in arrays))
        if status:
            raise RuntimeError(f"status {status}")
        return [result]

    return call


def genred(module, row, formula, variables, **options):
    """A pykeops reduction over j."""
    cotangent = {"e": "e = Vi(1)"} if "e" in variables else {}
    aliases = {"sigma": "sigma = Pm(1)", "x": f"x = Vi({row.dim})", "y": f"y = Vj({row.dim})", "b": "b = Vj(1)", **cotangent}
    return module.Genred(formula, [aliases[name] for name in variables], reduction_op="Sum", axis=1, **options)


def pykeops_numpy(row, data, **options):
    """Genred on NumPy arrays."""
    import pykeops.numpy as module

    arrays = [data.sigma, data.x, data.y, data.b]
    value = genred(module, row, PYKEOPS_FORMULA, ["sigma", "x", "y", "b"], **options)
    if row.kind != "gradient":
        return lambda: [value(*arrays, backend="CPU")]
    slope = genred(module, row, f"Grad({PYKEOPS_FORMULA}, x, e)", ["sigma", "x", "y", "b", "e"])
    return lambda: [value(*arrays, backend="CPU"), slope(*arrays, data.e, backend="CPU")]


def pykeops_direct(row, data):
    """Its sums without blocks."""
    return pykeops_numpy(row, data, sum_scheme="direct_sum")


def pykeops_kahan(row, data):
    """Its compensated sums."""
    return pykeops_numpy(row, data, sum_scheme="kahan_scheme")


def pykeops_lazytensor(row, data):
    """The LazyTensor notation, symbolic matrix built anew in each call as its users do."""
    from pykeops.numpy import LazyTensor

    def call():
        x, y, b = LazyTensor(data.x[:, None, :]), LazyTensor(data.y[None, :, :]), LazyTensor(data.b[None, :, :])
        kernel = (-((x - y) ** 2).sum(-1) / float(data.sigma[0]) ** 2).exp()
        return [(kernel * b).sum(axis=1)]

    return call


def torch_tensors(data):
    import torch

    return [torch.from_numpy(array) for array in (data.sigma, data.x, data.y, data.b, data.e)]


def pykeops_torch(row, data):
    """Genred on torch tensors; gradients by autograd."""
    import pykeops.torch as module
    import torch

    sigma, x, y, b, e = torch_tensors(data)
    value = genred(module, row, PYKEOPS_FORMULA, ["sigma", "x", "y", "b"])
    if row.kind != "gradient":
        return lambda: [value(sigma, x, y, b, backend="CPU")]
    x.requires_grad_(True)

    def call():
        result = value(sigma, x, y, b, backend="CPU")
        return [result, *torch.autograd.grad(result, x, e)]

    return call


def numpy_blocks(row, data):
    """Dense NumPy in blocks of rows: squared distances by a matrix product, everything else in place."""
    x, y, b = data.x, data.y, data.b[:, 0]
    scale = -1 / data.sigma[0] ** 2
    y_norms, y_transposed = (y * y).sum(axis=1), np.ascontiguousarray(-2 * y.T)
    block = max(1, 2**18 // row.n)
    memory = np.empty((block, row.n), row.dtype)
    value, slope = np.empty((row.m, 1), row.dtype), np.empty((row.m, row.dim), row.dtype)

    def call():
        for start in range(0, row.m, block):
            rows = x[start : start + block]
            kernel = memory[: len(rows)]
            np.matmul(rows, y_transposed, out=kernel)
            kernel += (rows * rows).sum(axis=1)[:, None]
            kernel += y_norms
            kernel *= scale
            np.exp(kernel, out=kernel)
            np.matmul(kernel, b, out=value[start : start + block, 0])
            if row.kind == "gradient":
                kernel *= b
                slope[start : start + block] = 2 * scale * (rows * kernel.sum(axis=1)[:, None] - kernel @ y)
        return [value, slope * data.e] if row.kind == "gradient" else [value]

    return call


def torch_compiled(row, data):
    """torch.compile on the dense formula, which it fuses into one loop; it is vectorised only if y is transposed beforehand."""
    import torch

    sigma, x, y, b, e = torch_tensors(data)
    y, b = y.T.contiguous(), b[:, 0].contiguous()

    def dense(x, y, b, sigma):
        squared_distance = sum((x[:, k, None] - y[k]) ** 2 for k in range(row.dim))
        return (torch.exp(squared_distance * (-1 / sigma**2)) * b).sum(1, keepdim=True)

    compiled = torch.compile(dense)
    if row.kind != "gradient":
        return lambda: [compiled(x, y, b, sigma)]
    x.requires_grad_(True)

    def call():
        result = compiled(x, y, b, sigma)
        return [result, *torch.autograd.grad(result, x, e)]

    return call


CONTENDERS = {
    "sum": {
        "keopsc": keopsc,
        "pykeops NumPy": pykeops_numpy,
        "pykeops torch": pykeops_torch,
        "NumPy": numpy_blocks,
        "torch.compile": torch_compiled,
    },
    "call": {
        "keopsc": keopsc,
        "pykeops NumPy": pykeops_numpy,
        "pykeops torch": pykeops_torch,
        "pykeops LazyTensor": pykeops_lazytensor,
        "NumPy": numpy_blocks,
    },
    "accuracy": {
        "keopsc": keopsc,
        "keopsc, sum = kahan": keopsc_kahan,
        "pykeops": pykeops_numpy,
        "pykeops direct_sum": pykeops_direct,
        "pykeops kahan_scheme": pykeops_kahan,
    },
}
CONTENDERS["gradient"] = CONTENDERS["sum"]
