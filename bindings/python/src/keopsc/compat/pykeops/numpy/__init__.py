"""`pykeops.numpy`: keopsc for NumPy."""

from ....numpy import *  # noqa: F403
from ....numpy import __all__ as _names
from . import cluster

__all__ = [*_names, "cluster"]
