"""`pykeops.numpy`: keopsc for NumPy."""

from ....numpy import *  # noqa: F403
from ....numpy import LazyTensor as _LazyTensor
from ....numpy import __all__ as _names
from . import cluster
from .utils import numpytools as _tools

_LazyTensor.tools = _tools

__all__ = [*_names, "cluster"]
