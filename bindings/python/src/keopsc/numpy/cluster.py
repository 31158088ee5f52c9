"""Clusters of points and block-sparse ranges: the names of `pykeops.numpy.cluster`."""

from .. import clusters
from ..arrays import numpy as _arrays

globals().update(clusters.names_for(_arrays, __name__))

__all__ = clusters.NAMES
