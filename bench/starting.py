"""What it takes until a new formula can be called: whole processes, from start to end.

    keopsc compile                     into a library for all instruction sets, a new formula each time
    keopsc compile --cached, new       for this machine's instruction set, a new formula each time
    keopsc compile --cached, known     a formula that is in the cache
    pykeops, first call                of a new formula, in a process that has imported pykeops and has its own binaries
    NumPy alone                        a Python process that imports NumPy and evaluates the formula on ten points with it
    NumPy to result                    one that gets the result from keopsc (by its command and ctypes) or pykeops, formula new or known
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

from machine import KEOPSC

KERNEL = "Exp(-SqDist(x, y) / IntCst({number})) * b"
# Name → dimension, whether it is the gradient in x.
FORMULAS = {"Gaussian sum": (3, False), "its gradient": (3, True), "Gaussian sum, D = 100": (100, False)}

ARRAYS = """
import sys, time
import numpy as np
dim, gradient = int(sys.argv[1]), sys.argv[2] == "True"
x, y, b, e = (np.random.rand(10, width).astype("float32") for width in (dim, dim, 1, 1))
"""
NUMPY_PROGRAM = ARRAYS + """
kernel = np.exp(-((x[:, None] - y) ** 2).sum(axis=2) / 2) * b[:, 0]
result = -e * (x * kernel.sum(axis=1, keepdims=True) - kernel @ y) if gradient else kernel.sum(axis=1)
"""
KEOPSC_PROGRAM = ARRAYS + """
import ctypes, subprocess
path = subprocess.run(sys.argv[3:], check=True, capture_output=True, text=True).stdout.strip()
result = np.empty((10, dim if gradient else 1), "float32")
arrays = [x, y, b, e, result] if gradient else [x, y, b, result]
status = ctypes.CDLL(path).kernel_s(ctypes.c_int64(10), ctypes.c_int64(10), *(ctypes.c_void_p(array.ctypes.data) for array in arrays))
assert status == 0 and np.isfinite(result).all()
"""
PYKEOPS_PROGRAM = ARRAYS + """
import pykeops
pykeops.set_verbose(False)
from pykeops.numpy import Genred
start = time.perf_counter()
aliases = [f"x = Vi({dim})", f"y = Vj({dim})", "b = Vj(1)"]
if gradient:
    result = Genred(f"Grad({sys.argv[3]}, x, e)", [*aliases, "e = Vi(1)"], reduction_op="Sum", axis=1)(x, y, b, e, backend="CPU")
else:
    result = Genred(sys.argv[3], aliases, reduction_op="Sum", axis=1)(x, y, b, backend="CPU")
print(time.perf_counter() - start)
"""


def timed(command, environment):
    """Seconds of a whole process, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run([str(part) for part in command], env=environment, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def keopsc_text(dim, gradient, number):
    """A formula that no other number gives."""
    total = f"Sum[j]({KERNEL.format(number=number)})"
    return f"x = Vi({dim}); y = Vj({dim}); b = Vj(1); out s = {f'Grad({total}, x)' if gradient else total}"


def keopsc_round(folder, number, dim, gradient):
    """Seconds of each way with keopsc."""
    environment = {**os.environ, "KEOPSC_CACHE_DIR": f"{folder}/cache"}
    new, other = ([KEOPSC, "compile", "-e", keopsc_text(dim, gradient, 2 * number + part)] for part in (2, 3))
    python = [sys.executable, "-c", KEOPSC_PROGRAM, dim, gradient]
    ways = {
        "keopsc compile": [*new, "-o", f"{folder}/libkernel.so"],
        "keopsc compile --cached, new": [*new, "--cached"],
        "keopsc compile --cached, known": [*new, "--cached"],
        "NumPy alone": [sys.executable, "-c", NUMPY_PROGRAM, dim, gradient],
        "NumPy to result, keopsc, new": [*python, *other, "--cached"],
        "NumPy to result, keopsc, known": [*python, *other, "--cached"],
    }
    return {name: timed(command, environment)[0] for name, command in ways.items()}


def pykeops_round(folder, number, dim, gradient):
    """Seconds of each way with pykeops."""
    environment = {**os.environ, "KEOPS_CACHE_FOLDER": folder}
    command = [sys.executable, "-c", PYKEOPS_PROGRAM, dim, gradient, KERNEL.format(number=number + 2)]
    new, printed = timed(command, environment)
    known, _ = timed(command, environment)
    return {"pykeops, first call": float(printed.split()[-1]), "NumPy to result, pykeops, new": new, "NumPy to result, pykeops, known": known}


def measure(quick):
    """Way → formula → seconds of each round. Where pykeops fails it has none."""
    times = defaultdict(lambda: defaultdict(list))
    most, few = (3, 1) if quick else (15, 3)

    def add(function, number):
        for formula, (dim, gradient) in FORMULAS.items():
            for way, seconds in function(folder, number, dim, gradient).items():
                times[way][formula].append(seconds)

    with tempfile.TemporaryDirectory() as folder:
        for number in range(most):
            add(keopsc_round, number)
        try:
            # The first process of pykeops also builds what all formulas share; it does not count.
            pykeops_round(folder, few, 3, False)
            for number in range(few):
                add(pykeops_round, number)
        except subprocess.CalledProcessError as problem:
            print(f"  pykeops: {problem}\n{problem.stderr}", file=sys.stderr)
    return times
