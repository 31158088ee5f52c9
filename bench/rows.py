"""What is measured: one row of a table each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A workload: the kernel sum over N points of dimension `dim` at M points, or its value and gradient."""

    label: str
    m: int
    n: int
    dim: int = 3
    dtype: str = "float32"
    threads: int = 1
    kind: str = "sum"

    @property
    def key(self):
        """What tells it from the others."""
        return f"{self.kind} {self.m}x{self.n} D={self.dim} {self.dtype} threads={self.threads}"


SUMS = [
    Row("Gaussian sum", 1_000, 1_000),
    Row("Gaussian sum", 10_000, 10_000),
    Row("Gaussian sum", 5_000, 100_000),
    Row("Gaussian sum", 10_000, 10_000, dtype="float64"),
    Row("Gaussian sum", 10_000, 10_000, threads=2),
    Row("Gaussian sum", 10_000, 10_000, dtype="float64", threads=2),
    Row("value and gradient in x", 10_000, 10_000, kind="gradient"),
]

CALLS = [Row("one call on tiny arrays", 10, 10, kind="call")]

# Sums of 1e5 terms: only the error is of interest.
ACCURACY = [
    Row("sum of 1e5 terms", 256, 100_000, kind="accuracy"),
    Row("sum of 1e5 terms", 256, 100_000, dtype="float64", kind="accuracy"),
]

GROUPS = {"sums": SUMS, "calls": CALLS, "accuracy": ACCURACY}
