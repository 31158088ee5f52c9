"""`pykeops.torch.cluster.matrix`: block-sparse ranges for PyTorch."""

from .....torch.cluster import from_matrix

__all__ = ["from_matrix"]
