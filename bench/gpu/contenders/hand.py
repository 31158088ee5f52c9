"""The kernels of hand.cu, compiled by nvcc on this machine."""

import ctypes
import math
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import torch
from contenders.keopsc import LIBRARIES
from rows import LOOPS

SOURCE = Path(__file__).resolve().parents[1] / "hand.cu"
LOG2_E = math.log2(math.e)


@cache
def nvcc():
    """Where nvcc is."""
    found = os.environ.get("KEOPSC_NVCC") or shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    if not Path(found).is_file():
        raise RuntimeError("there is no nvcc")
    return found


def compiled():
    """The path of the library, compiled where it has not been yet."""
    path = LIBRARIES / "libhand.so"
    if not path.is_file():
        made = LIBRARIES / f"{os.getpid()}.so"
        LIBRARIES.mkdir(parents=True, exist_ok=True)
        architecture = "-arch=sm_{}{}".format(*torch.cuda.get_device_capability())
        options = ["-O3", "-std=c++17", "-shared", "-Xcompiler", "-fPIC"]
        done = subprocess.run([nvcc(), *options, architecture, "-o", made, SOURCE], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"nvcc: {done.stderr.strip()}")
        made.rename(path)
    return path


@cache
def library():
    library = ctypes.CDLL(str(compiled()))
    library.hand_partials.restype = ctypes.c_longlong
    return library


def bind(function, before, tensors, numbers, scalars, results):
    """A call with all arguments converted beforehand, the stream last."""
    addresses = [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]
    arguments = [*map(ctypes.c_int, before), *addresses, *map(ctypes.c_int, numbers), *map(ctypes.c_float, scalars)]
    stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)

    def call():
        status = function(*arguments, stream)
        if status:
            raise RuntimeError(f"CUDA error {status}")
        return results

    def on(other):
        stream.value = other

    call.on, call.kept = on, tensors
    return call


def partials(rows, columns, batch, width, like):
    """Memory for states of so many numbers."""
    return torch.empty(library().hand_partials(rows, columns, batch) * width, dtype=torch.float32, device=like.device)


def scale_of(sigma):
    return math.sqrt(LOG2_E) / float(sigma)


def kernel_sum(row, data, expanded=False):
    result = torch.empty(row.m, 1, device=data.x.device)
    tensors = [data.x, data.y, data.b, partials(row.m, row.n, 1, 1, data.x), result]
    return bind(library().hand_gauss, [row.dim, expanded], tensors, [row.m, row.n], [scale_of(data.sigma)], [result])


def gradient(row, data, expanded=False):
    results = [torch.empty(row.m, 1, device=data.x.device), torch.empty_like(data.x)]
    tensors = [data.x, data.y, data.b, data.e, partials(row.m, row.n, 1, 4, data.x), *results]
    return bind(library().hand_both, [expanded], tensors, [row.m, row.n], [scale_of(data.sigma)], results)


def sinkhorn(row, data):
    f, g = (torch.zeros_like(points[..., :1]) for points in (data.x, data.y))
    batch, sizes, eps = max(1, row.batch), (row.m, row.n), float(data.eps)

    def half(points, columns, old, new, rows, others):
        tensors = [points, columns, old, partials(rows, others, batch, 2, points), new]
        return bind(library().hand_soft, [], tensors, [batch, rows, others], [eps], [new])

    halves = half(data.x, data.y, g, f, *sizes), half(data.y, data.x, f, g, *sizes[::-1])

    def call():
        g.zero_()
        for number in range(LOOPS):
            halves[number % 2]()
        return [f, g]

    return call
