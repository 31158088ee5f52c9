"""`pykeops.torch`: keopsc for PyTorch."""

from ....torch import *  # noqa: F403
from ....torch import LazyTensor as _LazyTensor
from ....torch import __all__ as _names
from . import cluster
from .utils import torchtools as _tools

_LazyTensor.tools = _tools

__all__ = [*_names, "cluster"]
