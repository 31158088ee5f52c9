"""`pykeops.torch.cluster`: clusters and block-sparse ranges for PyTorch."""

from . import grid_cluster, matrix, utils  # noqa: F401
from .....torch.cluster import *  # noqa: F403
from .....torch.cluster import __all__ as __all__
