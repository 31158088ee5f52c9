"""What is measured: a row of a table each, in groups of one table each."""

from dataclasses import dataclass, replace

# How many neighbours `neighbours` finds, and how many LogSumExps `sinkhorn` does.
NEIGHBOURS = 10
LOOPS = 20


@dataclass(frozen=True)
class Row:
    """A workload: `kind` names what is computed (workloads.py defines it) of M rows and N columns of dimension `dim`.

    `by` says which clock times it: the GPU's events, or the host's, for what calls cost. `brief` rows are those of --quick.
    """

    kind: str
    m: int
    n: int
    dim: int = 3
    dtype: str = "float32"
    columns: int = 1
    batch: int = 0
    by: str = "events"
    brief: bool = False

    @property
    def key(self):
        """What tells it from the others of its group."""
        parts = [self.kind.replace("_", " "), f"{short(self.m)} x {short(self.n)}", f"D = {self.dim}"]
        parts += [f"{self.columns} columns"] * (self.columns > 1) + [f"batch of {self.batch}"] * (self.batch > 0)
        return ", ".join(parts + [self.dtype] * (self.dtype != "float32"))

    @property
    def pairs(self):
        """How many pairs are evaluated where all count."""
        return self.m * self.n * max(1, self.batch) * (LOOPS if self.kind == "sinkhorn" else 1)


@dataclass(frozen=True)
class Group:
    """The rows of a table. Everyone who computes their kind takes part, or those named alone. What is extra must be asked for."""

    title: str
    rows: list
    contenders: tuple = ()
    extra: bool = False


def short(count):
    """1e5, 5e3, 200"""
    text = f"{count:.0e}".replace("e+0", "e")
    return text if count >= 1000 and float(text) == count else str(count)


BRIEF = Row("kernel_sum", 100_000, 100_000, brief=True)
SUM = replace(BRIEF, brief=False)
SIZES = [replace(BRIEF, m=count, n=count) for count in (1_000, 10_000)]
TYPES = [replace(SUM, dtype="float64"), replace(BRIEF, dtype="float16")]
TINY = Row("kernel_sum", 10, 10, by="host", brief=True)
SMALL = ("keopsc", "keopsc, structs made anew", "pykeops", "torch", "torch.compile")
EXACT = ("keopsc", "keopsc kahan", "pykeops", "pykeops kahan", "pykeops direct", "torch", "hand-written", "hand-written, expanded")

GROUPS = {
    "sums": Group("GPU 1: Gaussian sums", [*SIZES, BRIEF, replace(SUM, m=1_000_000, n=1_000_000), *TYPES]),
    "gradient": Group("GPU 2: value and gradient in x", [replace(BRIEF, kind="gradient"), replace(SUM, kind="gradient", m=1_000_000, n=1_000_000)]),
    "dimensions": Group("GPU 3: Gaussian sums by dimension", [replace(SUM, dim=dim, brief=dim == 64) for dim in (1, 10, 32, 64, 100)]),
    "high": Group(
        "GPU 3: high dimensions",
        [replace(SUM, dim=dim) for dim in (128, 256, 512, 1000)],
    ),
    "wide": Group("GPU 3: sums of many components", [replace(SUM, dim=64, columns=64), replace(SUM, kind="gradient", dim=64)]),
    "nearest": Group("GPU 4: the nearest of 1000 centres", [Row("nearest", 1_000_000, 1_000, 100)]),
    "kmeans": Group("GPU 4: a step of k-means, labels and new centres", [Row("kmeans", 1_000_000, 1_000, 100)]),
    "neighbours": Group(
        "GPU 5: ten nearest neighbours",
        [Row("neighbours", 100_000, 100_000, 100), Row("neighbours", 100_000, 1_000_000, 3)],
    ),
    "sinkhorn": Group(
        "GPU 6: Sinkhorn's algorithm, 20 LogSumExp",
        [Row("sinkhorn", 100_000, 100_000), Row("sinkhorn", 1_000, 1_000, batch=64, brief=True), Row("sinkhorn", 100_000, 100_000, 64)],
    ),
    "ranges": Group("GPU 7: Gaussian sums over neighbouring cells of a grid, about 10 % of all pairs", [Row("ranges", 1_000_000, 1_000_000, brief=True)]),
    "calls": Group("GPU 8: one call on ten points, by the host's clock", [TINY, replace(TINY, kind="gradient")], SMALL),
    "accuracy": Group("Errors and times of sums of 1e6 terms", [replace(BRIEF, m=10_000, n=1_000_000)], EXACT),
}
