# Written by stubs.py; do not edit.
import numpy
from typing import Any, Optional, Sequence

def grid_cluster(x: Any, size: Any) -> numpy.ndarray[Any, Any]:
    """The cells of a grid in which points lie."""

def sort_clusters(x: Any, lab: numpy.ndarray[Any, Any]) -> tuple[Any, numpy.ndarray[Any, Any]]:
    """Points and labels sorted by labels; equal ones keep their order."""

def cluster_ranges(lab: numpy.ndarray[Any, Any], Nlab: Any = ...) -> numpy.ndarray[Any, Any]:
    """Where each cluster begins and ends among the sorted points: int32 (C, 2)."""

def cluster_centroids(x: Any, lab: numpy.ndarray[Any, Any], Nlab: Any = ..., weights: numpy.ndarray[Any, Any] | None = ..., weights_c: Any = ...) -> numpy.ndarray[Any, Any]:
    """The weighted means of clusters, in the unit of the points: (C, D)."""

def cluster_ranges_centroids(x: Any, lab: numpy.ndarray[Any, Any], weights: numpy.ndarray[Any, Any] | None = ..., min_weight: float = ...) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """The ranges, centroids and weights of clusters: (C, 2), (C, D) and (C,)."""

def from_matrix(ranges_i: numpy.ndarray[Any, Any], ranges_j: numpy.ndarray[Any, Any], keep: numpy.ndarray[Any, Any]) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any], numpy.ndarray[Any, Any], numpy.ndarray[Any, Any], numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """The six arrays that say which pairs a reduction looks at."""

def swap_axes(ranges: Optional[Sequence[Any]]) -> Any:
    """The ranges of the transposed reduction; None stays None."""

__all__ = ['grid_cluster', 'sort_clusters', 'cluster_ranges', 'cluster_centroids', 'cluster_ranges_centroids', 'from_matrix', 'swap_axes']
