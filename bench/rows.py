"""What is measured: a row of a table each, in groups of one table each."""

from dataclasses import dataclass, replace

# How many neighbours `neighbours` finds, and how many LogSumExps `sinkhorn` does.
NEIGHBOURS = 10
LOOPS = 20


@dataclass(frozen=True)
class Row:
    """A workload: `kind` names what is computed (workloads.py defines it) of M rows and N columns of dimension `dim`."""

    kind: str
    m: int
    n: int
    dim: int = 3
    dtype: str = "float32"
    threads: int = 1
    columns: int = 1
    batch: int = 0
    timed: bool = True

    @property
    def key(self):
        """What tells it from the others of its group."""
        parts = [self.kind.replace("_", " "), f"{short(self.m)} x {short(self.n)}", f"D = {self.dim}"]
        parts += [f"{self.columns} columns"] * (self.columns > 1) + [f"batch of {self.batch}"] * (self.batch > 0)
        parts += ["float64"] * (self.dtype == "float64") + [f"{self.threads} threads"] * (self.threads > 1)
        return ", ".join(parts)

    @property
    def pairs(self):
        """How many pairs are evaluated."""
        return self.m * self.n * max(1, self.batch) * (LOOPS if self.kind == "sinkhorn" else 1)


@dataclass(frozen=True)
class Group:
    """The rows of a table. Everyone who computes their kind takes part, or those named alone."""

    title: str
    rows: list
    contenders: tuple = ()
    along: str = ""


def short(count):
    """1e5, 5e3, 200"""
    text = f"{count:.0e}".replace("e+0", "e")
    return text if count >= 1000 and float(text) == count else str(count)


def on_two_threads(rows):
    """The rows, and once more with two threads."""
    return rows + [replace(row, threads=2) for row in rows]


SUM = Row("kernel_sum", 10_000, 10_000)
LOW = [Row("kernel_sum", 5_000, 10_000, dim) for dim in (1, 3, 10, 32, 64, 100)]
HIGH = [Row("kernel_sum", 2_000, 10_000, dim) for dim in (256, 512)]
WIDE = [Row("kernel_sum", 5_000, 10_000, dim, columns=64) for dim in (3, 64)]
COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
FEW = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1_000)
DIMENSIONS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 100, 101, 128, 192, 256, 512, 1024)
MAIN = ("keopsc", "pykeops NumPy", "pykeops native", "NumPy", "torch.compile", "JAX", "JAX blocks", "numba own exp")
SMALL = ("keopsc", "pykeops NumPy", "pykeops torch", "pykeops LazyTensor", "NumPy", "torch", "JAX", "numba")
EXACT = ("keopsc", "keopsc kahan", "pykeops NumPy", "pykeops direct", "pykeops kahan", "NumPy", "torch.compile", "JAX", "numba own exp")

GROUPS = {
    "sums": Group(
        "CPU 1: Gaussian sums",
        [replace(SUM, m=1_000, n=1_000), SUM, replace(SUM, m=5_000, n=100_000), replace(SUM, dtype="float64"), replace(SUM, threads=2)],
    ),
    "gradient": Group("CPU 2: value and gradient in x", on_two_threads([replace(SUM, kind="gradient")])),
    "dimensions": Group("CPU 3: Gaussian sums by dimension and number of columns", [*LOW, *HIGH, *WIDE, replace(LOW[-1], threads=2)]),
    "nearest": Group("CPU 4: the nearest of 1000 centres (a step of k-means)", on_two_threads([Row("nearest", 100_000, 1_000, 100)])),
    "neighbours": Group(
        "CPU 5: ten nearest neighbours", on_two_threads([Row("neighbours", 10_000, 100_000, 3), Row("neighbours", 1_000, 100_000, 100)])
    ),
    "sinkhorn": Group(
        "CPU 6: Sinkhorn's algorithm, 20 LogSumExp",
        [Row("sinkhorn", 10_000, 10_000), *on_two_threads([Row("sinkhorn", 200, 200, batch=64)])],
    ),
    "calls": Group("CPU 7: one call on tiny arrays", [replace(SUM, m=10, n=10), replace(SUM, kind="gradient", m=10, n=10)], SMALL),
    "accuracy": Group(
        "CPU 8: errors of sums of 1e5 terms",
        [replace(SUM, m=256, n=100_000, timed=False, dtype=dtype) for dtype in ("float32", "float64")],
        EXACT,
    ),
    "scaling-n": Group("Scaling with N", [replace(SUM, m=1_000, n=count) for count in COUNTS], MAIN, "n"),
    "scaling-m": Group("Few rows", [replace(SUM, m=count, n=1_000_000) for count in FEW], MAIN, "m"),
    "scaling-d": Group("Scaling with D", [replace(SUM, m=2_000, dim=dim) for dim in DIMENSIONS], MAIN, "dim"),
}
