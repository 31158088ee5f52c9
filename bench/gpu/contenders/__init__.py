"""Who takes part: a contender is a module with a function for each kind of row that it computes.

`module.kind(row, data, **options)` prepares everything and returns the call to be timed, which launches on the current stream and returns a
list of tensors (workloads.py says which). A call that takes its stream when it is made has a function `on(stream)` to change it, which a CUDA graph
needs. Nothing is imported before it is needed.
"""

import importlib
from dataclasses import dataclass, field

# Calls in a graph.
GRAPH = 10


def always(row):
    return True


def small(row):
    """Where launches take as long as kernels, graphs pay."""
    return row.kind in ("kernel_sum", "gradient") and 100 < row.m <= 10_000 and row.n <= 10_000


def high(row):
    """Where products can be left to tensor cores."""
    return row.dim >= 32 and row.dtype == "float32"


def moderate(row):
    """What goes through pairs in memory takes many seconds for 1e12 of them."""
    return row.pairs <= 2.5e11


def fused(row):
    """What does not, half a second."""
    return moderate(row) or row.kind == "kernel_sum"


def by_hand(row):
    """What hand.cu has."""
    return row.dtype == "float32" and row.columns == 1 and row.dim in ((1, 3, 10) if row.kind == "kernel_sum" else (3,))


def clustering(row):
    return row.kind == "kmeans"


def transport(row):
    """Batches are calls in a loop there."""
    return row.kind == "sinkhorn" and not row.batch


def low_transport(row):
    """Where products take so little that tensor cores may lose."""
    return transport(row) and row.dim <= 16


@dataclass(frozen=True)
class Contender:
    """How a contender computes, with which options, in a graph or not, and which rows. `optional` ones are those that groups name."""

    module: str
    options: dict = field(default_factory=dict)
    when: callable = always
    graph: int = 0
    optional: bool = False

    @property
    def is_rounded(self):
        """Whether factors are rounded to tf32."""
        return self.options.get("products") == "tf32" or self.options.get("precision") in ("high", "tf32")

    def function(self, kind):
        """Its function for a kind of row, or None."""
        return getattr(importlib.import_module(f"contenders.{self.module}"), kind, None)


CONTENDERS = {
    "keopsc": Contender("keopsc"),
    "keopsc tf32": Contender("keopsc", {"products": "tf32"}, when=high),
    "keopsc, graph": Contender("keopsc", when=small, graph=GRAPH),
    "keopsc, structs made anew": Contender("keopsc", {"anew": True}, optional=True),
    "keopsc kahan": Contender("keopsc", {"sum": "kahan"}, optional=True),
    "pykeops": Contender("pykeops_genred"),
    "pykeops kahan": Contender("pykeops_genred", {"sum_scheme": "kahan_scheme"}, optional=True),
    "pykeops direct": Contender("pykeops_genred", {"sum_scheme": "direct_sum"}, optional=True),
    "torch": Contender("torch_blocks", when=moderate),
    "torch tf32": Contender("torch_blocks", {"precision": "high"}, when=high),
    "torch, graph": Contender("torch_blocks", when=small, graph=GRAPH),
    "torch.compile": Contender("torch_compiled", when=fused),
    "torch.compile tf32": Contender("torch_compiled", {"precision": "high"}, when=high),
    "flash-kmeans tf32x3": Contender("flash_steps", {"precision": "tf32x3"}, when=clustering),
    "flash-kmeans tf32": Contender("flash_steps", {"precision": "tf32"}, when=clustering),
    "flash-sinkhorn ieee": Contender("flash_potentials", {"precision": "ieee"}, when=low_transport),
    "flash-sinkhorn tf32x3": Contender("flash_potentials", {"precision": "tf32x3"}, when=transport),
    "flash-sinkhorn tf32": Contender("flash_potentials", {"precision": "tf32"}, when=transport),
    "hand-written": Contender("hand", when=by_hand),
    "hand-written, expanded": Contender("hand", {"expanded": True}, when=lambda row: by_hand(row) and row.kind != "sinkhorn"),
    "hand-written, graph": Contender("hand", when=lambda row: by_hand(row) and small(row), graph=GRAPH),
}
