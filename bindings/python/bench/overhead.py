"""What a call costs in Python: ten rows and ten columns, beside pykeops where it is installed.

    python bench/overhead.py

Prints a table: the least time of seven rounds, which take turns, in microseconds a call; and seconds from a new process to its first result.
"""

import importlib.util
import os
import subprocess
import sys
import timeit

import numpy as np
import torch

SIZE, DIM = 10, 3
FORMULA = ("Exp(-SqDist(x, y)) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(1)"])

FIRST = """
import time
import numpy as np
x, b = np.random.default_rng(0).random((10, 3), np.float32), np.ones((10, 1), np.float32)
started = time.perf_counter()
from {package}.numpy import Genred
imported = time.perf_counter()
Genred("Exp(-SqDist(x, y) * {number}) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(1)"], axis=1)(x, x, b)
print("TIMES", imported - started, time.perf_counter() - imported)
"""


def calls(package):
    """What is measured, by name: functions without arguments."""
    module_numpy, module_torch = (__import__(f"{package}.{library}", fromlist=["*"]) for library in ("numpy", "torch"))
    random = np.random.default_rng(0)
    arrays = [random.random((SIZE, dim), np.float32) for dim in (DIM, DIM, 1)]
    tensors = [torch.as_tensor(array) for array in arrays]
    found = {}
    for library, module, (x, y, b) in (("NumPy", module_numpy, arrays), ("torch", module_torch, tensors)):
        found.update(calls_of(library, module, x, y, b))
    return found


def calls_of(library, module, x, y, b):
    genred, lazy = module.Genred(*FORMULA, axis=1), module.LazyTensor

    def kernel():
        return (-((lazy(x[:, None, :]) - lazy(y[None, :, :])) ** 2).sum(-1)).exp()

    built = kernel()
    found = {
        f"Genred, {library}": lambda: genred(x, y, b),
        f"LazyTensor built and reduced, {library}": lambda: kernel() @ b,
        f"K @ b, {library}": lambda: built @ b,
    }
    if library == "torch":
        leaf, ones = x.clone().requires_grad_(), torch.ones(SIZE, 1)
        found["Genred, torch, forward and backward"] = lambda: torch.autograd.grad(genred(leaf, y, b), leaf, ones)
    return found


def least(function, rounds=7, number=2000):
    function()
    return min(timeit.repeat(function, number=number, repeat=rounds)) / number * 1e6


def first_result(package, number):
    """Seconds for the import beyond NumPy, and from there to the first result, in a new process."""
    done = subprocess.run([sys.executable, "-c", FIRST.format(package=package, number=number)], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("TIMES"))
    return [float(word) for word in line.split()[1:]]


def main():
    torch.set_num_threads(1)
    packages = ["keopsc"] + (["pykeops"] if importlib.util.find_spec("pykeops") else [])
    measured = {package: calls(package) for package in packages}
    print("| call at M = N = 10 | " + " | ".join(packages) + " |\n| --- |" + " --- |" * len(packages))
    for name in measured["keopsc"]:
        print(f"| {name} | " + " | ".join(f"{least(measured[package][name]):.1f} µs" for package in packages) + " |")
    number = os.getpid()
    for row, part in (("import beyond NumPy", 0), ("first result of a new formula", 1)):
        print(f"| {row} | " + " | ".join(f"{first_result(package, number + part)[part] * 1e3:.0f} ms" for package in packages) + " |")
    print("| first result, compiled before | " + " | ".join(f"{first_result(package, number + 1)[1] * 1e3:.0f} ms" for package in packages) + " |")


if __name__ == "__main__":
    main()
