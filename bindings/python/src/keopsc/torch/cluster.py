"""Clusters of points and block-sparse ranges: the names of `pykeops.torch.cluster`."""

from .. import clusters
from ..arrays import torch as _arrays

globals().update(clusters.names_for(_arrays, __name__))

__all__ = clusters.NAMES
