"""Block-sparse ranges from clusters of points, by the functions that each compiled library carries.

Every function takes arrays of the CPU, or of a GPU, from where they are copied to the CPU and back. Labels are integers from 0 on.
"""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Any, Dict, Optional, Sequence

from . import compiler, library

NAMES = ["grid_cluster", "sort_clusters", "cluster_ranges", "cluster_centroids", "cluster_ranges_centroids", "from_matrix", "swap_axes"]

#: Any library will do: they all have these functions.
_ANY = "x = Vi(1)\nout s = Sum[j](x)\n"


@lru_cache(maxsize=None)
def _library() -> library.Library:
    return library.load(compiler.compiled(_ANY))


def names_for(arrays: ModuleType, module: str) -> Dict[str, object]:
    """The functions of the module called `module`, for the array library that `arrays` knows."""

    def call(name: str, *tensors, counts: bool = False) -> int:
        described = [None if t is None else library.tensor_of(arrays.layout(t), arrays.pointer(t)) for t in tensors]
        return library.call_clusters(_library(), name, described, counts)

    def grid_cluster(x, size):
        """The cells of a grid in which points lie.

        x: points (M, D); size: the length of a cell, or one for each axis, in the unit of the points.
        Returns labels (M,), int32: the cells that have points, numbered in lexicographic order. Raises ValueError for points that are not finite.
        """
        points = arrays.to_cpu(arrays.as_array(x))
        cell = arrays.parameter([float(s) for s in size] if hasattr(size, "__len__") else [float(size)], arrays.dtype_name(points), None)
        labels = arrays.empty((points.shape[0],), "i32", points)
        call("grid_cluster", points, cell, labels, counts=True)
        return arrays.beside(labels, x)

    def sort_clusters(x, lab):
        """Points and labels sorted by labels; equal ones keep their order.

        x: an array (M, …), or a tuple or list of arrays; lab: labels (M,). Returns x and the labels, sorted.
        """
        labels = arrays.to_cpu(arrays.as_integers(lab))
        order = arrays.empty((labels.shape[0],), "i64", labels)
        call("cluster_order", labels, order)
        order = arrays.beside(order, lab)
        if isinstance(x, (tuple, list)):
            return type(x)(part[order] for part in x), lab[order]
        return x[order], lab[order]

    def cluster_ranges(lab, Nlab=None):
        """Where each cluster begins and ends among the sorted points: int32 (C, 2).

        lab: labels (M,), in any order; Nlab: the sizes of clusters, if they are known, of which only the number matters.
        """
        labels = arrays.to_cpu(arrays.as_integers(lab))
        ranges = arrays.empty((_clusters(labels, Nlab), 2), "i32", labels)
        call("cluster_ranges", labels, ranges)
        return arrays.beside(ranges, lab)

    def cluster_centroids(x, lab, Nlab=None, weights=None, weights_c=None):
        """The weighted means of clusters, in the unit of the points: (C, D).

        x: points (M, D); lab: labels (M,); weights: (M,) or (M, 1), ones by default. `Nlab` and `weights_c` are what KeOps needs; they are not looked at,
        but for the number of clusters.
        """
        return _means(x, lab, weights, Nlab)[0]

    def _means(x, lab, weights, Nlab=None):
        points, labels = arrays.to_cpu(arrays.as_array(x)), arrays.to_cpu(arrays.as_integers(lab))
        name = arrays.dtype_name(points)
        if weights is not None:
            weights = arrays.to_cpu(arrays.as_array(weights)).reshape(-1)
        clusters = _clusters(labels, Nlab)
        centroids, totals = arrays.empty((clusters, points.shape[-1]), name, points), arrays.empty((clusters,), name, points)
        call("cluster_centroids", points, labels, weights, centroids, totals)
        return arrays.beside(centroids, x), arrays.beside(totals, x)

    def cluster_ranges_centroids(x, lab, weights=None, min_weight=1e-9):
        """The ranges, centroids and weights of clusters: (C, 2), (C, D) and (C,).

        x: points (M, D); lab: labels (M,); weights: (M,) or (M, 1), ones by default. A cluster of weight 0 has the mean of equal weights, and
        the weight `min_weight`.
        """
        centroids, totals = _means(x, lab, weights)
        if weights is not None:
            totals[totals == 0] = min_weight
        return cluster_ranges(lab), centroids, totals

    def from_matrix(ranges_i, ranges_j, keep):
        """The six arrays that say which pairs a reduction looks at.

        ranges_i: blocks of rows i, (B, 2): the first row and the one past the last; ranges_j: blocks of j, (C, 2); keep: (B, C), which blocks meet.
        Returns (ranges_i, slices_i, redranges_j, ranges_j, slices_j, redranges_i). Raises ValueError for shapes that do not fit.
        """
        rows, columns, kept = (arrays.to_cpu(arrays.as_integers(table)) for table in (ranges_i, ranges_j, keep))
        count = call("from_matrix", rows, columns, kept, None, None, None, None, counts=True)
        dtype = arrays.layout(rows).dtype
        slices = [arrays.empty((extent,), dtype, rows) for extent in kept.shape]
        lists = [arrays.empty((count, 2), dtype, rows) for _ in range(2)]
        call("from_matrix", rows, columns, kept, slices[0], lists[0], slices[1], lists[1], counts=True)
        return (
            ranges_i,
            *(arrays.beside(t, ranges_i) for t in (slices[0], lists[0])),
            ranges_j,
            *(arrays.beside(t, ranges_j) for t in (slices[1], lists[1])),
        )

    def _clusters(labels, sizes) -> int:
        if sizes is not None:
            return len(sizes)
        return int(labels.max()) + 1 if labels.shape[0] else 0

    made = {name: function for name, function in locals().items() if name in NAMES}
    for function in made.values():
        function.__module__, function.__qualname__ = module, function.__name__
    return {**made, "swap_axes": swap_axes}


def swap_axes(ranges: Optional[Sequence[Any]]) -> Any:
    """The ranges of the transposed reduction; None stays None."""
    return None if ranges is None else (*ranges[3:], *ranges[:3])
