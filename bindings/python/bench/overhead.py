"""What a call costs in Python: ten rows and ten columns, beside pykeops where it is installed.

    python bench/overhead.py [--device cuda] [--first-only] [--output FILE]

Prints tables, and writes them to a page with the machine and the versions above them: the least time of rounds in which packages take turns, in microseconds a call until its result is there (on the CPU of this process, so that
others on the machine count less); and seconds in a new process until a formula has its first result, after NumPy or torch has been imported and the GPU has
been used.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SIZE, DIM, ROUNDS, CALLS = 10, 3, 15, 400
ALIASES = ["x = Vi(3)", "y = Vj(3)", "b = Vj(1)"]
#: How often new processes are measured.
TURNS = 2
#: Calls that may wait for a GPU at a time.
QUEUED = 100
#: The C++ library that pykeops' module for GPUs needs, and torch does not bring.
PRELOADED = {"LD_PRELOAD": os.environ.get("LD_PRELOAD", "libstdc++.so.6")}

BEFORE_NUMPY = """
import time
import numpy
x, b = numpy.random.default_rng(0).random((10, 3), "f4"), numpy.ones((10, 1), "f4")
synchronize = int
"""
BEFORE_TORCH = """
import time
import torch
x, b = torch.rand(10, 3, device="cuda"), torch.ones(10, 1, device="cuda")
synchronize = torch.cuda.synchronize
synchronize()
"""
FIRST = """
started = time.perf_counter()
from {package}.{library} import Genred
imported = time.perf_counter()
Genred("Exp(-SqDist(x, y) * {number}) * b", {aliases}, axis=1)(x, x, b)
synchronize()
print("TIMES", imported - started, time.perf_counter() - imported)
"""


def calls(package, libraries, device):
    """What is measured, by name: functions without arguments."""
    import torch

    tensors = [torch.rand(SIZE, dim, device=device) for dim in (DIM, DIM, 1)]
    arguments = {"numpy": ("NumPy", [tensor.cpu().numpy() for tensor in tensors]), "torch": ("torch", tensors)}
    found = {}
    for library in libraries:
        name, arrays = arguments[library]
        found.update(calls_of(name, __import__(f"{package}.{library}", fromlist=["*"]), *arrays))
    return found


def calls_of(library, module, x, y, b):
    genred, lazy = module.Genred("Exp(-SqDist(x, y)) * b", ALIASES, axis=1), module.LazyTensor

    def kernel(x=x):
        return (-((lazy(x[:, None, :]) - lazy(y[None, :, :])) ** 2).sum(-1)).exp()

    built = kernel()
    found = {
        f"Genred, {library}": lambda: genred(x, y, b),
        f"LazyTensor built and reduced, {library}": lambda: kernel() @ b,
        f"K @ b, {library}": lambda: built @ b,
    }
    if library == "torch":
        import torch

        leaf, ones = x.clone().requires_grad_(), torch.ones_like(b)
        found["Genred, torch, forward and backward"] = lambda: torch.autograd.grad(genred(leaf, y, b), leaf, ones)
        found["LazyTensor, torch, forward and backward"] = lambda: torch.autograd.grad(kernel(leaf) @ b, leaf, ones)
    return found


def dense(device):
    """Genred's call in torch itself, as a matrix of all pairs."""
    import torch

    x, y, b = (torch.rand(SIZE, dim, device=device) for dim in (DIM, DIM, 1))
    return {"Genred, torch": lambda: torch.exp(-torch.cdist(x, y) ** 2) @ b}


def least(functions, synchronize, clock):
    """The least seconds of a call of each function, in turns."""
    seconds = {name: [] for name in functions}
    for number in range(ROUNDS + 1):
        for name, function in functions.items():
            synchronize()
            start = clock()
            for _ in range(CALLS // QUEUED):
                for _ in range(QUEUED):
                    function()
                synchronize()
            if number > 0:
                seconds[name].append((clock() - start) / CALLS)
    return {name: min(found) for name, found in seconds.items()}


def first_result(package, number, device):
    """Seconds for the import beyond NumPy or torch, and from there to the first result, in a new process."""
    before, library = (BEFORE_NUMPY, "numpy") if device == "cpu" else (BEFORE_TORCH, "torch")
    program = before + FIRST.format(package=package, library=library, number=number, aliases=ALIASES)
    environment = {**os.environ, **(PRELOADED if package == "pykeops" and device != "cpu" else {})}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("TIMES")]
    if done.returncode or not lines:
        raise RuntimeError(done.stderr.strip()[-2000:])
    return [float(word) for word in lines[0].split()[1:]]


def table_of_calls(packages, device):
    import torch

    torch.set_num_threads(1)
    synchronize, clock = (torch.cuda.synchronize, time.perf_counter) if device != "cpu" else (int, time.process_time)
    measured = {package: calls(package, ["numpy", "torch"] if device == "cpu" else ["torch"], device) for package in packages}
    measured["torch"] = dense(device)
    yield "| call at M = N = 10 | " + " | ".join(measured) + " |"
    yield "| --- |" + " --- |" * len(measured)
    for name in measured[packages[0]]:
        found = least({package: functions[name] for package, functions in measured.items() if name in functions}, synchronize, clock)
        yield f"| {name} | " + " | ".join(f"{found[package] * 1e6:.1f} µs" if package in found else "-" for package in measured) + " |"


def table_of_first_results(packages, device):
    found = {package: [] for package in packages}
    for turn in range(TURNS):
        for package in packages:
            first = os.getpid() + 2 * turn
            found[package].append([first_result(package, number, device) for number in (first, first, first + 1)])
    yield "| in a new process | " + " | ".join(packages) + " |"
    yield "| --- |" + " --- |" * len(packages)
    for name, choose in (
        ("import", lambda new, known, other: new[0]),
        ("first result of a new formula", lambda new, known, other: new[1]),
        ("first result of another", lambda new, known, other: other[1]),
        ("first result of a known one", lambda new, known, other: known[1]),
    ):
        yield f"| {name} | " + " | ".join(f"{min(choose(*run) for run in found[package]) * 1e3:.0f} ms" for package in packages) + " |"


def head():
    """The beginning of the page."""
    sys.path.insert(0, str(ROOT / "bench"))
    import machine

    about = machine.describe()
    versions = ", ".join(f"{name} {version}" for name, version in about["packages"].items() if name in ("numpy", "torch", "pykeops"))
    where = f"{about['processor'].get('Model name', 'unknown processor')}, {about['processors usable']} processors, load {about['load before']:.1f} before"
    return [
        "# What calls from Python cost",
        "",
        f"Written by `bindings/python/bench/overhead.py`. {where}, {about['date']}, commit {about['commit']}; Python {about['python']}, {versions}.",
        "",
        "Calls with ten rows and ten columns, one thread: the least time of rounds in which the packages take turns, of this process alone on CPUs. In new processes,",
        f"NumPy (on GPUs torch) has been imported before the clock starts; each figure is the least of {TURNS} processes, and of a clock on the wall.",
        "",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where torch's tensors are")
    parser.add_argument("--first-only", action="store_true", help="new processes alone")
    parser.add_argument("--output", type=Path, help="a page to write, beside what is printed")
    options = parser.parse_args()
    lines = head() if options.output else []
    packages = ["keopsc"] + (["pykeops"] if importlib.util.find_spec("pykeops") else [])
    tables = [] if options.first_only else [table_of_calls(packages, options.device)]
    for table in (*tables, table_of_first_results(packages, options.device)):
        for line in (*table, ""):
            print(line, flush=True)
            lines.append(line)
    if options.output:
        options.output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
