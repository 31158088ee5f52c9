"""LazyTensor, Genred and their relatives for PyTorch: the names of `pykeops.torch`."""

from .. import frontend, solve
from ..arrays import torch as _arrays
from . import cluster

globals().update(frontend.names_for(_arrays, __name__, solve.KernelSolveOfTorch))

__all__ = [*frontend.NAMES, "cluster"]
