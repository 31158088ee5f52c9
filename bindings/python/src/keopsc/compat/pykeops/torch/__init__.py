"""`pykeops.torch`: keopsc for PyTorch."""

from ....torch import *  # noqa: F403
from ....torch import __all__ as _names
from . import cluster

__all__ = [*_names, "cluster"]
