"""keopsc's libraries through ctypes: layer 1 with addresses taken beforehand, layer 2 for batches."""

import ctypes
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from machine import FOLDER, KEOPSC

sys.path.insert(0, str(FOLDER.parent / "tests" / "python"))

from keops import Library  # noqa: E402
from rows import LOOPS, NEIGHBOURS  # noqa: E402

LIBRARIES = tempfile.TemporaryDirectory(prefix="keopsc-bench-")


@cache
def library(name, dtype, sum="auto", **dimensions):
    """A formula file of this benchmark as a library."""
    path = Path(tempfile.mkdtemp(dir=LIBRARIES.name)) / f"lib{name}.so"
    sizes = [part for item in dimensions.items() for part in ("-D", "{}={}".format(*item))]
    types = ["--dtype", {"float32": "f32", "float64": "f64"}[dtype]]
    subprocess.run([KEOPSC, "compile", FOLDER / "formulas" / f"{name}.kf", "-o", path, "--sum", sum, *types, *sizes], check=True)
    return Library(path)


def plain(entry, rows, inputs, results):
    """A call of layer 1."""
    function = entry.function
    function.argtypes = None
    arguments = [ctypes.c_int64(rows.m), ctypes.c_int64(rows.n)]
    arguments += [ctypes.c_void_p(array.ctypes.data) for array in (*inputs, *results)]

    def call():
        status = function(*arguments)
        if status:
            raise RuntimeError(f"status {status}")
        return results

    call.kept = inputs
    return call


def kernel_sum(row, data, sum="auto"):
    entry = library("gauss", row.dtype, sum, D=row.dim, E=row.columns).conv
    return plain(entry, row, [data.x, data.y, data.b, data.sigma], [np.empty((row.m, row.columns), row.dtype)])


def gradient(row, data):
    results = [np.empty((row.m, 1), row.dtype), np.empty((row.m, row.dim), row.dtype)]
    return plain(library("gauss", row.dtype, D=row.dim, E=1).both, row, [data.x, data.y, data.b, data.sigma, data.e], results)


def nearest(row, data):
    return plain(library("nearest", row.dtype, D=row.dim).nearest, row, [data.x, data.y], [np.empty((row.m, 1), np.int64)])


def neighbours(row, data):
    return plain(library("nearest", row.dtype, D=row.dim).neighbours, row, [data.x, data.y], [np.empty((row.m, NEIGHBOURS), np.int64)])


def sinkhorn(row, data):
    entry = library("sinkhorn", row.dtype, D=row.dim).f
    f, g = (np.zeros((*array.shape[:-1], 1), row.dtype) for array in (data.x, data.y))
    halves = ([data.x, data.y, g, data.eps, f], [data.y, data.x, f, data.eps, g])
    prepared = [entry.prepared(*arrays) for arrays in halves]
    pointers = [ctypes.byref(call) for call, _ in prepared]

    def call():
        g[:] = 0
        for number in range(LOOPS):
            if entry.point.run(pointers[number % 2]):
                raise RuntimeError(prepared[number % 2][1].value.decode())
        return [f, g]

    return call
