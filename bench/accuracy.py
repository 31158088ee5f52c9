"""Errors of keopsc's summation schemes beside pykeops', and what each scheme costs: writes results/accuracy.md and accuracy.json.

    python accuracy.py [--quick] [--output FOLDER]

The inputs of a row are the same bits for all contenders. Exact results come from numpy.longdouble (64 bits of significand), terms and
sums alike, on the rounded inputs.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

FOLDER = Path(__file__).resolve().parent
# Costs are of one thread; errors do not depend on threads.
os.environ["KEOPSC_NUM_THREADS"] = "1"

import machine  # noqa: E402
import numpy as np  # noqa: E402
import report  # noqa: E402
from machine import KEOPSC  # noqa: E402
from report import table  # noqa: E402

KERNEL = "Exp(-SqDist(x, y)) * b"
# What is summed: the keopsc reduction, the pykeops one with its formula, and how the weights b are drawn.
WORKLOADS = {
    "Gaussian sum": (f"Sum[j]({KERNEL})", "Sum", KERNEL, lambda random, n: random.random((n, 1))),
    "signed sum": (f"Sum[j]({KERNEL})", "Sum", KERNEL, lambda random, n: random.standard_normal((n, 1))),
    "LogSumExp": ("LogSumExp[j](b - SqDist(x, y))", "LogSumExp", "b - SqDist(x, y)", lambda random, n: random.random((n, 1))),
}
COUNTS = [1_000, 10_000, 100_000, 1_000_000]
ROWS = 128
# Storage of the inputs → storage of the results.
STORAGE = {"f32": "f32", "f64": "f64", "f16": "f32", "bf16": "f32"}
NUMBERS = {"f32": np.float32, "f64": np.float64}
# Name → options of the compiler, and the storage types that they make a difference for.
KEOPSC_SCHEMES = {
    "auto": ([], ["f32", "f64", "f16", "bf16"]),
    "direct": (["--sum", "direct"], ["f32", "f64"]),
    "block": (["--sum", "block"], ["f32", "f64"]),
    "kahan": (["--sum", "kahan"], ["f32", "f64"]),
    "auto, accumulate = f64": (["--accumulate", "f64"], ["f32", "f16", "bf16"]),
    "direct, accumulate = f64": (["--sum", "direct", "--accumulate", "f64"], ["f32"]),
    "kahan, accumulate = f64": (["--sum", "kahan", "--accumulate", "f64"], ["f32"]),
}
PYKEOPS_SCHEMES = {
    "direct_sum": ({"sum_scheme": "direct_sum"}, ["f32", "f64"]),
    "block_sum": ({"sum_scheme": "block_sum"}, ["f32", "f64"]),
    "kahan_scheme": ({"sum_scheme": "kahan_scheme"}, ["f32", "f64"]),
    "dtype_acc float64": ({"dtype_acc": "float64"}, ["f32"]),
}
# pykeops' default, which ours must not err more than.
PEER = "pykeops block_sum"


def round_to_bfloat(values):
    """float32 values as bfloat16 holds them, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def stored(values, storage):
    """The array that is passed, and its exact values."""
    if storage == "bf16":
        rounded = round_to_bfloat(values)
        return np.ascontiguousarray((rounded.view(np.uint32) >> 16).astype(np.uint16)), rounded.astype(np.longdouble)
    array = np.ascontiguousarray(values.astype(np.float16 if storage == "f16" else NUMBERS[storage]))
    return array, array.astype(np.longdouble)


class Problem:
    """The arrays of a row from a fixed seed, and the exact results."""

    def __init__(self, workload, count, storage):
        random = np.random.default_rng(count)
        drawn = [random.random((ROWS, 3)), random.random((count, 3)), WORKLOADS[workload][3](random, count)]
        self.arrays, (x, y, b) = zip(*(stored(values, storage) for values in drawn), strict=True)
        self.count = count
        self.exact, self.scale = np.empty(ROWS, np.longdouble), np.empty(ROWS, np.longdouble)
        for row, point in enumerate(x):
            distances = ((point - y) ** 2).sum(axis=1)
            terms = np.exp(b[:, 0] - distances) if workload == "LogSumExp" else np.exp(-distances) * b[:, 0]
            total = terms.sum()
            self.exact[row] = np.log(total) if workload == "LogSumExp" else total
            self.scale[row] = abs(self.exact[row]) if workload == "LogSumExp" else abs(terms).sum()

    def errors(self, found):
        """Relative Euclidean error, and the largest error of a component against the sum of its terms' magnitudes."""
        difference = found[:, 0].astype(np.longdouble) - self.exact
        euclidean = np.sqrt((difference**2).sum() / (self.exact**2).sum())
        return float(euclidean), float(abs(difference / self.scale).max())


def keopsc_library(folder, reduction, storage, options):
    """A library with the reduction, for inputs stored in one type."""
    inputs = ", dtype=" + storage
    text = f"x = Vi(3{inputs}); y = Vj(3{inputs}); b = Vj(1{inputs}); out s = {reduction}"
    name = f"k{len(list(folder.iterdir()))}"
    path = folder / f"lib{name}.so"
    command = [KEOPSC, "compile", "-e", text, "--name", name, "-o", path, "--dtype", STORAGE[storage], *options]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(path))[f"{name}_s"]


def keopsc_call(function, arrays, storage, rows=ROWS):
    """A call of layer 1 without arguments, and its result."""
    result = np.empty((rows, 1), NUMBERS[STORAGE[storage]])
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, result)]
    sizes = [ctypes.c_int64(rows), ctypes.c_int64(len(arrays[1]))]

    def call():
        status = function(*sizes, *pointers)
        if status:
            raise RuntimeError(f"status {status}")
        return result

    return call


def contenders(folder, storage, reduction, operation, formula):
    """Name → a function from a problem's arrays to the result."""
    found = {}
    for name, (options, types) in KEOPSC_SCHEMES.items():
        if storage in types:
            function = keopsc_library(folder, reduction, storage, options)
            found[f"keopsc {name}"] = lambda arrays, function=function: keopsc_call(function, arrays, storage)()
    wanted = {name: options for name, (options, types) in PYKEOPS_SCHEMES.items() if storage in types}
    if operation != "Sum":
        # pykeops 2.3 fails to generate code for these: no `dim_kahan`, and a subtraction of variables of two types.
        wanted = {name: options for name, options in wanted.items() if name not in ("kahan_scheme", "dtype_acc float64")}
    if wanted:
        from pykeops.numpy import Genred
    for name, options in wanted.items():
        operator = Genred(formula, ["x = Vi(3)", "y = Vj(3)", "b = Vj(1)"], reduction_op=operation, axis=1, **options)
        found[f"pykeops {name}"] = lambda arrays, operator=operator: operator(*arrays, backend="CPU")
    return found


def measure_errors(folder, counts):
    """One record a workload, storage type and number of terms."""
    records = []
    made = {}
    for workload, (reduction, operation, formula, _) in WORKLOADS.items():
        for storage in STORAGE:
            key = (storage, reduction)
            made[key] = made.get(key) or contenders(folder, storage, reduction, operation, formula)
            for count in counts:
                problem = Problem(workload, count, storage)
                errors = {name: problem.errors(call(problem.arrays)) for name, call in made[key].items()}
                records.append({"workload": workload, "storage": storage, "terms": count, "errors": errors})
                print(f"  {workload}, {storage}, {count}", file=sys.stderr, flush=True)
    return records


def measure_costs(folder, rounds, size=10_000):
    """Seconds of alternating rounds of each scheme on one thread, for the Gaussian sum and LogSumExp."""
    records = []
    processor = max(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    for workload in ("Gaussian sum", "LogSumExp"):
        reduction = WORKLOADS[workload][0]
        for storage in ("f32", "f64"):
            random = np.random.default_rng(0)
            drawn = [random.random((size, 3)), random.random((size, 3)), random.random((size, 1))]
            arrays = [stored(values, storage)[0] for values in drawn]
            calls = {}
            for name, (options, types) in KEOPSC_SCHEMES.items():
                if storage in types:
                    calls[name] = keopsc_call(keopsc_library(folder, reduction, storage, options), arrays, storage, size)
            seconds = {name: [] for name in calls}
            for call in calls.values():
                call()
            for _ in range(rounds):
                for name, call in calls.items():
                    start = time.perf_counter()
                    call()
                    seconds[name].append(time.perf_counter() - start)
            records.append({"workload": workload, "storage": storage, "size": size, "seconds": seconds})
    os.sched_setaffinity(0, before)
    return records


def short(count):
    """1e5"""
    return f"{count:.0e}".replace("e+0", "e")


def error_tables(records):
    """A table a workload and storage type: a line a contender, for each number of terms both errors."""
    parts = []
    for workload, storage in dict.fromkeys((record["workload"], record["storage"]) for record in records):
        chosen = [record for record in records if (record["workload"], record["storage"]) == (workload, storage)]
        names = list(chosen[0]["errors"])
        cell = lambda record, name: "{:.1e} / {:.1e}".format(*record["errors"][name])  # noqa: E731
        lines = [[name, *(cell(record, name) for record in chosen)] for name in names]
        results = "" if STORAGE[storage] == storage else f", results in {STORAGE[storage]}"
        parts += [f"### {workload}, {storage}{results}\n", table(["", *(f"{short(record['terms'])} terms" for record in chosen)], lines)]
    return parts


def verdict(records):
    """How keopsc's default compares with pykeops' default, row by row."""
    compared = [record for record in records if PEER in record["errors"]]
    kinds = [("relative Euclidean", 0), ("worst componentwise", 1)]
    lines = []
    for kind, number in kinds:
        ratios = [record["errors"]["keopsc auto"][number] / record["errors"][PEER][number] for record in compared]
        worse = sum(ratio > 1 for ratio in ratios)
        lines.append(
            f"- {kind} error of keopsc's default over that of {PEER}: {min(ratios):.2f} to {max(ratios):.2f}, "
            f"median {median(ratios):.2f}; above 1 in {worse} of {len(ratios)} rows."
        )
    return "\n".join(lines) + "\n"


def cost_table(records):
    """The median time of each scheme, and the median over the rounds of its ratio to `direct`."""
    names = list(KEOPSC_SCHEMES)
    lines = []
    for record in records:
        seconds = record["seconds"]
        ratio = lambda name: median(ours / base for ours, base in zip(seconds[name], seconds["direct"], strict=True))  # noqa: B023, E731
        cells = [f"{ratio(name):.3f} ({1e3 * median(seconds[name]):.3g} ms)" if name in seconds else "-" for name in names]
        lines.append([f"{record['workload']}, {record['storage']}", *cells])
    return table([f"M = N = {short(records[0]['size'])}", *names], lines)


INTRODUCTION = """# Errors and costs of sums

Each cell: relative Euclidean error over {rows} rows / largest error of a row against the sum of its terms' magnitudes (for `LogSumExp`
against its value). Exact results are computed in 64-bit significands from the same inputs: points uniform in the unit cube of dimension 3, b uniform
in [0, 1] or, for the signed sum, normal. [docs/formulas.md](../../docs/formulas.md#sums) defines the schemes.
"""
ABSENT = """pykeops 2.3 generates no code for `LogSumExp` with `kahan_scheme` or `dtype_acc="float64"` on the CPU, and has no float16 or bfloat16
there.
"""
COSTS = """Time over that of `direct`: the median over alternating rounds of the ratio within a round (in brackets the median time), one
thread, on a machine that others use too.
"""


def page(document):
    """The whole page."""
    parts = [INTRODUCTION.format(rows=ROWS), "## Errors\n", verdict(document["errors"]), ABSENT, *error_tables(document["errors"])]
    parts += ["## Costs\n", COSTS, cost_table(document["costs"]), "## Machine\n"]
    parts.append(report.machine(document["machine"]))
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few terms and rounds: to see that it works")
    parser.add_argument("--output", type=Path, default=FOLDER / "results", help="where accuracy.json and accuracy.md go")
    options = parser.parse_args()
    document = {"machine": machine.describe()}
    with tempfile.TemporaryDirectory(prefix="keopsc-accuracy-") as folder:
        document["costs"] = measure_costs(Path(folder), 5 if options.quick else 101)
        document["errors"] = measure_errors(Path(folder), COUNTS[:2] if options.quick else COUNTS)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "accuracy.json").write_text(json.dumps(document, indent=1) + "\n")
    (options.output / "accuracy.md").write_text(page(document))
    print(verdict(document["errors"]))


if __name__ == "__main__":
    main()
