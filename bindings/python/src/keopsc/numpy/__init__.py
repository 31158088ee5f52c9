"""LazyTensor, Genred and their relatives for NumPy: the names of `pykeops.numpy`."""

from .. import frontend
from ..arrays import numpy as _arrays
from . import cluster

globals().update(frontend.names_for(_arrays, __name__))

__all__ = [*frontend.NAMES, "cluster"]
