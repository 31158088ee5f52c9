"""Who takes part: a contender is a module with a function for each kind of row that it computes, in a process of its own.

`module.kind(row, data, **options)` prepares everything and returns the call to be timed, which returns a list of arrays or tensors
(workloads.py says which). Nothing is imported before it is needed.
"""

import importlib
from dataclasses import dataclass, field


def always(row):
    return True


def low(row):
    """Loops by hand, unrolled over the coordinates, are good for few of them; matrix products are better for more."""
    return row.dim <= 16 and row.columns == 1


def compiled_anyhow(row):
    """pykeops and torch take seconds to compile for each dimension: of the many of `scaling-d` they get those that other rows have, and some more."""
    return row.dim in (1, 3, 10, 32, 64, 100, 101, 128, 256, 512, 1024)


def direct(row):
    """pykeops' torch interface runs the code of its NumPy one; the rows where the difference could show are enough."""
    return row.dim == 3 and row.pairs <= 500_000_000


@dataclass(frozen=True)
class Contender:
    """How a contender computes, with which options, in which environment, and which rows."""

    module: str
    options: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    when: callable = always
    optional: bool = False

    @property
    def process(self):
        """Contenders of one module and environment share a process."""
        return (self.module, *sorted(self.environment.items()))

    def function(self, kind):
        """Its function for a kind of row, or None."""
        return getattr(importlib.import_module(f"contenders.{self.module}"), kind, None)


CONTENDERS = {
    "keopsc": Contender("keopsc"),
    "keopsc AVX2": Contender("keopsc", environment={"KEOPSC_TARGET": "x86-64-v3"}),
    "keopsc kahan": Contender("keopsc", {"sum": "kahan"}, optional=True),
    "pykeops NumPy": Contender("genred", when=compiled_anyhow),
    "pykeops torch": Contender("genred_torch", when=direct),
    "pykeops native": Contender("genred", environment={"CXXFLAGS": "-march=native -ffast-math"}, when=compiled_anyhow),
    "pykeops direct": Contender("genred", {"sum_scheme": "direct_sum"}, optional=True),
    "pykeops kahan": Contender("genred", {"sum_scheme": "kahan_scheme"}, optional=True),
    "pykeops LazyTensor": Contender("lazytensor", optional=True),
    "NumPy": Contender("numpy_blocks"),
    "torch": Contender("torch_blocks"),
    "torch.compile": Contender("torch_compiled", when=compiled_anyhow),
    "JAX": Contender("jax_jit"),
    "JAX blocks": Contender("jax_jit", {"blocks": True}),
    "numba": Contender("numba_loops", when=low),
    "numba own exp": Contender("numba_loops", {"own": True}, when=low),
    "faiss": Contender("searches", {"by": "faiss"}),
    "scikit-learn": Contender("searches", {"by": "sklearn"}),
    "scikit-learn kd-tree": Contender("searches", {"by": "sklearn_tree"}, when=low),
    "SciPy kd-tree": Contender("searches", {"by": "scipy_tree"}, when=low),
}
