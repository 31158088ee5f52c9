"""What one pass saves against several, and how small problems fill the processors.

    KEOPSC=target/release/keopsc .venv/bin/python bench/shapes.py [--output FOLDER]

Each pair of contenders takes turns in one process; the table has the medians and their ratio. Results are compared before anything is timed.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "tests" / "python"))
sys.path.insert(0, str(FOLDER))

import machine  # noqa: E402
from keops import compile_formula  # noqa: E402

FUSED = """
x = Vi(3)
y = Vj(3)
b = Vj(1)
c = SqDist(x, y)
K = Exp(-c)
out value = Sum[j](K * b)
out gradient = Grad(value, x)
out score = LogSumExp[j](-c)
out nearest = ArgMin[j](c)
out numerator = Sum[j](K * b)
out denominator = Sum[j](K)
out mean = Sum[j](K * b) / Sum[j](K)
out mean_x = Grad(mean, x)
fused both { out value1 = Sum[j](K * b); out gradient1 = Grad(value1, x) }
fused three { out value2 = Sum[j](K * b); out score2 = LogSumExp[j](-c); out nearest2 = ArgMin[j](c) }
fused mean_both { out mean1 = Sum[j](K * b) / Sum[j](K); out mean1_x = Grad(mean1, x) }
"""


def rounds(contenders, budget):
    """Seconds of each contender, in turns, until `budget` seconds are over; at least seven rounds."""
    times = {name: [] for name in contenders}
    start = time.perf_counter()
    while len(next(iter(times.values()))) < 7 or time.perf_counter() - start < budget:
        for name, run in contenders.items():
            before = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - before)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def close(found, expected, tolerance):
    assert np.allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max()), np.abs(found - expected).max()


def fused_rows(library, random):
    """Label, contenders by name."""
    m, n = 10_000, 10_000
    x, y, b = (random.standard_normal(shape).astype(np.float32) for shape in ((m, 3), (n, 3), (n, 1)))
    e = np.ones((m, 1), np.float32)
    one = {"threads": 1}
    value, gradient = library.both(x, y, b, e, **one)
    close(value, library.value(x, y, b), 1e-5)
    close(gradient, library.gradient(x, y, b, e), 1e-5)
    value, score, nearest = library.three(x, y, b, **one)
    close(score, library.score(x, y), 1e-5)
    assert np.array_equal(nearest, library.nearest(x, y))
    quotient = library.numerator(x, y, b) / library.denominator(x, y)
    close(library.mean(x, y, b), quotient, 1e-4)
    mean, mean_x = library.mean_both(x, y, b, e, **one)
    close(mean, quotient, 1e-4)
    close(mean_x, library.mean_x(x, y, b, e), 1e-4)
    yield (
        "value and gradient in x",
        {
            "one pass": lambda: library.both(x, y, b, e, **one),
            "two calls": lambda: (library.value(x, y, b, **one), library.gradient(x, y, b, e, **one)),
        },
    )
    yield (
        "Sum, LogSumExp and ArgMin of one distance",
        {
            "one pass": lambda: library.three(x, y, b, **one),
            "three calls": lambda: (library.value(x, y, b, **one), library.score(x, y, **one), library.nearest(x, y, **one)),
        },
    )
    yield (
        "Sum(K b) / Sum(K)",
        {
            "one pass": lambda: library.mean(x, y, b, **one),
            "two calls and a division": lambda: library.numerator(x, y, b, **one) / library.denominator(x, y, **one),
        },
    )
    yield (
        "Sum(K b) / Sum(K) and its gradient in x",
        {
            "fused": lambda: library.mean_both(x, y, b, e, **one),
            "two calls": lambda: (library.mean(x, y, b, **one), library.mean_x(x, y, b, e, **one)),
        },
    )


def thread_rows(library, random):
    """Few rows of many columns, and many small problems: on one thread and on two."""

    def on_threads(*arrays):
        runs = [library.value(*arrays, threads=threads) for threads in (1, 2, 3, 8)]
        assert all(np.array_equal(runs[0], run) for run in runs), "the bits depend on the threads"
        return {f"{threads} threads": lambda threads=threads: library.value(*arrays, threads=threads) for threads in (2, 1)}

    for m, n in ((1, 1_000_000), (2, 1_000_000), (7, 1_000_000), (1, 10_000_000)):
        x, y, b = (random.standard_normal(shape).astype(np.float32) for shape in ((m, 3), (n, 3), (n, 1)))
        yield f"M = {m}, N = {n:,}", on_threads(x, y, b)
    shapes = ((10_000, 64, 3), (10_000, 64, 3), (10_000, 64, 1))
    yield "10,000 problems of M = N = 64", on_threads(*(random.standard_normal(shape).astype(np.float32) for shape in shapes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=FOLDER / "results")
    parser.add_argument("--seconds", type=float, default=4.0, help="time a row is measured")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    lines, results = [], []
    with tempfile.TemporaryDirectory() as folder:
        library = compile_formula(folder, FUSED, "shapes")
        for title, rows in (("One pass against several (10,000 x 10,000, D = 3, float32, one thread)", fused_rows), ("All processors", thread_rows)):
            lines += [f"## {title}", "", "| workload | | ms | | ms | ratio |", "| --- | --- | --- | --- | --- | --- |"]
            for label, contenders in rows(library, random):
                medians = rounds(contenders, options.seconds)
                (first, fast), (second, slow) = medians.items()
                lines.append(f"| {label} | {first} | {1e3 * fast:.3g} | {second} | {1e3 * slow:.3g} | {slow / fast:.2f} |")
                results.append({"workload": label, "seconds": medians, "ratio": slow / fast})
                print(lines[-1], flush=True)
            lines.append("")
    about = machine.describe()
    head = f"# Fused passes and small problems\n\nWritten by `bench/shapes.py`. {about['processor'].get('Model name', '')}, {about['processors usable']} processors, "
    head += f"load {about['load before']:.1f} before, {about['date']}, commit {about['commit']}.\n\n"
    (options.output / "shapes.md").write_text(head + "\n".join(lines))
    (options.output / "shapes.json").write_text(json.dumps({"machine": about, "rows": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
