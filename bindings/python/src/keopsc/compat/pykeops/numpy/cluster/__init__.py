"""`pykeops.numpy.cluster`: clusters and block-sparse ranges for NumPy."""

from . import grid_cluster, matrix, utils  # noqa: F401
from .....numpy.cluster import *  # noqa: F403
from .....numpy.cluster import __all__ as __all__
