"""`pykeops.torch.cluster`: clusters and block-sparse ranges for PyTorch."""

from ....torch.cluster import *  # noqa: F403
from ....torch.cluster import __all__ as __all__
