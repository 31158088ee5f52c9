"""A small program for NVIDIA's compute-sanitizer: every template of kernels for GPUs on small sizes, against the CPU's results.

    python sanitize.py compile FOLDER [LIBRARY ..]     the libraries, or some
    compute-sanitizer --tool memcheck python sanitize.py run FOLDER [LIBRARY ..]

It needs NumPy alone, since torch takes minutes under the tool. Arrays end where their memory ends, so that a read beyond is found.
"""

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import device
import keops
from test_ranges import Sparsity

# Sums, blocks of LogSumExp, lists that are carried from chunk to chunk, gradients in one pass and in several, sums over i, sums by row numbers that
# rounding does not change.
FORMULAS = """
x = Vi(3); y = Vj(3); b = Vj(2); p = Pm(1)
K = Exp(-p * SqDist(x, y))
out sum = Sum[j](K * b)
out soft = LogSumExp[j](-SqDist(x, y))
out lists = ArgKMin[j, K=4](SqDist(x, y))
out nearest = ArgMin[j](SqDist(x, y))
out over_i = Sum[i](K * x)
out sum_x = Grad(sum, x)
out sum_p = Grad(sum, p)
out soft_y = Grad(soft, y)
out named = ScatterSum[i](x, ArgMin[j](Abs(x[0] - y[0])))
out named_by_lists = ScatterSum[j](b, ArgKMin[i, K=2](Abs(x[0] - y[0])))
fused both {
  out value = Sum[j](K * b)
  out slope = Grad(value, x)
}
"""
# Dimensions for which distances are products of matrices.
WIDE = """
x = Vi(40); y = Vj(40); b = Vj(24)
out sum = Sum[j](Exp(-SqDist(x, y) / 40) * b)
out sum_x = Grad(sum, x)
out nearest = ArgMin[j](SqDist(x, y))
out lists = ArgKMin[j, K=6](SqDist(x, y))
"""
# Few enough of them that half of a tile's rows are multiplied at a time.
HALVED = """
x = Vi(20); y = Vj(20); b = Vj(2); c = Vj(1)
out sum = Sum[j](Exp(-SqDist(x, y) / 20) * b)
out soft = LogSumExp[j](-SqDist(x, y))
out dots = Sum[j]((x | y) * c)
out nearest = ArgMin[j](SqDist(x, y))
"""
LONG = """
x = Vi(150); y = Vj(150); b = Vj(24)
out one = Sum[j](Exp(-SqDist(x, y) / 150))
out sum = Sum[j](Exp(-SqDist(x, y) / 150) * b)
out soft = LogSumExp[j]((x | y) / 150)
"""
# Sums that are products of matrices, of factors that are contracted with rows in registers, step by step, and not at all.
COMPONENTS = """
x = Vi(3); y = Vj(3); u = Vi(40); v = Vj(40); p = Vi(150); q = Vj(150); b = Vj(36); c = Vj(1)
out dots = Sum[j]((u | v) * b)
out far = Sum[j](Exp(-SqDist(p, q) / 150) * b)
fused several {
  out value = Sum[j](Exp(-SqDist(x, y)) * c)
  out sums = Sum[j](Exp(-SqDist(x, y)) * b)
}
"""
# The same with rounded numbers, of which none is far from what it would be.
NARROW = """
x = Vi(40); y = Vj(40); u = Vi(300); v = Vj(300); b = Vj(36)
out few = Sum[j](Exp(-SqDist(x, y) / 1e3) * b)
out many = Sum[j](Exp(-SqDist(u, v) / 1e4))
"""
SUM = "x = Vi(3); y = Vj(3); b = Vj(2); out sum = Sum[j](Exp(-SqDist(x, y)) * b)"
LIBRARIES = {
    "float32": (FORMULAS, []),
    "float64": (FORMULAS, ["--dtype", "f64"]),
    "float16": (FORMULAS, ["--dtype", "f16"]),
    "in_sequence": (SUM, ["--sum", "direct"]),
    "kahan": (SUM, ["--sum", "kahan"]),
    "wide": (WIDE, []),
    "halved": (HALVED, []),
    "narrow": (NARROW, ["--products", "tf32"]),
    "long": (LONG, []),
    "components": (COMPONENTS, []),
    "wide_float64": (WIDE, ["--dtype", "f64"]),
    "wide_float16": (WIDE, ["--dtype", "f16"]),
}
# Many rows; few rows with splits, one with so many that teams join them; less than a tile; no columns.
SIZES = [(700, 300), (260, 3000), (3, 9000), (1, 40_000), (129, 5), (5, 0)]
TOLERANCES = {"float16": 2e-2, "float32": 1e-4, "float64": 1e-9}


def path_of(folder, name):
    return Path(folder) / f"lib{name}.so"


def compile_all(folder, names):
    """Several at a time."""

    def one(name):
        text, options = LIBRARIES[name]
        words = ["compile", "-e", text, "--name", name, "-o", path_of(folder, name), *device.OPTIONS, *options]
        keops.keopsc(*words, env=device.environment())

    with ThreadPoolExecutor(min(8, len(os.sched_getaffinity(0)))) as pool:
        list(pool.map(one, names))


def inputs(random, entry, m, n, batches):
    """Arrays of an entry; `batches` tells the batch shape by the argument's number."""
    rows = {"i": (m,), "j": (n,), "parameter": ()}
    arrays = []
    for number, tensor in enumerate(entry.arguments):
        shape = (*batches(number), *rows[tensor["role"]], keops.dim_of(tensor))
        arrays.append(random.uniform(0.25, 1, shape).astype(keops.NUMPY_TYPES[tensor["dtype"]]))
    return arrays


def cases(random, entry):
    """Arguments and options of calls: sizes, ranges, and a batch over which gradients are added up."""
    last = len(entry.arguments) - 1
    for m, n in SIZES:
        yield inputs(random, entry, m, n, lambda _: ()), {}
    for shuffled in (False, True):
        yield inputs(random, entry, 260, 190, lambda _: ()), {"ranges": Sparsity(random, 260, 190, shuffled=shuffled).ranges}
    yield inputs(random, entry, 70, 90, lambda _: (3,)), {}
    if "gradient_of" in entry.results[0]:
        yield inputs(random, entry, 70, 90, lambda number: (3,) if number == last else ()), {"add_up": True}


def wrong(found, expected):
    """What is wrong with a result, if anything. Rounding may choose otherwise between columns that are equally near."""
    if np.array_equal(found, expected, equal_nan=True):
        return None
    if found.dtype.kind == "i":
        share = float((found != expected).mean())
        return share > 0.01 and f"{share:.1%} of the columns differ"
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return "other numbers are finite"
    error = keops.relative_error(found[finite].astype(float), expected[finite].astype(float)) if finite.any() else 0.0
    tolerance = TOLERANCES[{2: "float16", 4: "float32", 8: "float64"}[found.dtype.itemsize]]
    return not error < tolerance and f"relative error {error:.1e}"


def run(folder, names):
    """How many calls there were, what was wrong, and for each library digests of all results on the GPU and of all inputs."""
    gpu = device.Gpu(0)
    count, problems, digests = 0, [], {}
    for name in names:
        # Of its own, so that a library's inputs do not depend on those of others.
        random = np.random.default_rng(list(name.encode()))
        results, given = hashlib.sha256(), hashlib.sha256()
        for entry in keops.Library(path_of(folder, name)).entries.values():
            for arrays, options in cases(random, entry):
                found, expected = device.on_gpu(gpu, entry, *arrays, **options), entry(*arrays, **options)
                pairs = list(zip(found, expected, strict=True)) if isinstance(found, tuple) else [(found, expected)]
                shapes = [array.shape for array in arrays]
                problems += [f"{name} {entry.manifest['name']} {shapes} {sorted(options)}: {said}" for one, other in pairs if (said := wrong(one, other))]
                results.update(b"".join(one.tobytes() for one, _ in pairs))
                given.update(b"".join(array.tobytes() for array in (*arrays, *options.get("ranges", ()))))
                count += 1
        digests[name] = results.hexdigest()[:16], given.hexdigest()[:16]
    return count, problems, digests


def main(what, folder, *names):
    if what == "compile":
        compile_all(folder, names or LIBRARIES)
        return 0
    count, problems, digests = run(folder, names or LIBRARIES)
    print(*(f"digest {name} {results} of inputs {given}" for name, (results, given) in digests.items()), sep="\n")
    print(*problems, f"sanitize: {count} calls, {len(problems)} of them wrong", sep="\n", flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
