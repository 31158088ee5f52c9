"""`pykeops.numpy.cluster.matrix`: block-sparse ranges for NumPy."""

from .....numpy.cluster import from_matrix

__all__ = ["from_matrix"]
