# Written by stubs.py; do not edit.
import torch
from typing import Any, Optional, Sequence

def grid_cluster(x: Any, size: Any) -> torch.Tensor:
    """The cells of a grid in which points lie."""

def sort_clusters(x: Any, lab: torch.Tensor) -> tuple[Any, torch.Tensor]:
    """Points and labels sorted by labels; equal ones keep their order."""

def cluster_ranges(lab: torch.Tensor, Nlab: Any = ...) -> torch.Tensor:
    """Where each cluster begins and ends among the sorted points: int32 (C, 2)."""

def cluster_centroids(x: Any, lab: torch.Tensor, Nlab: Any = ..., weights: torch.Tensor | None = ..., weights_c: Any = ...) -> torch.Tensor:
    """The weighted means of clusters, in the unit of the points: (C, D)."""

def cluster_ranges_centroids(x: Any, lab: torch.Tensor, weights: torch.Tensor | None = ..., min_weight: float = ...) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The ranges, centroids and weights of clusters: (C, 2), (C, D) and (C,)."""

def from_matrix(ranges_i: torch.Tensor, ranges_j: torch.Tensor, keep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The six arrays that say which pairs a reduction looks at."""

def swap_axes(ranges: Optional[Sequence[Any]]) -> Any:
    """The ranges of the transposed reduction; None stays None."""

__all__ = ['grid_cluster', 'sort_clusters', 'cluster_ranges', 'cluster_centroids', 'cluster_ranges_centroids', 'from_matrix', 'swap_axes']
