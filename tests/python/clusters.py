"""The library's functions that make block-sparse ranges, with NumPy arrays: every library has the same."""

import ctypes
from ctypes import byref, c_int64

import numpy as np

from keops import OK, CallError, pointers_to


def call(library, name, *arrays, count=False):
    """Calls a function of the table. Arrays may be DLTensors, or None for NULL; returns the number it tells."""
    message = ctypes.create_string_buffer(1000)
    number = c_int64(-7)
    tensors, pointers = pointers_to(arrays)
    numbers = (byref(number),) if count else ()
    status = getattr(library.module.clusters.contents, name)(*pointers, *numbers, message, len(message))
    text = message.value.decode()
    if status != OK:
        assert number.value == -7
        raise CallError(status, text)
    assert text == ""
    return number.value


def grid_cluster(library, points, cell, dtype=np.int64):
    """Labels, numbered by occupied cells in lexicographic order."""
    labels = np.full(len(points), -1, dtype)
    cells = call(library, "grid_cluster", points, np.atleast_1d(np.asarray(cell, points.dtype)), labels, count=True)
    assert cells == (labels.max() + 1 if len(labels) else 0)
    return labels


def cluster_order(library, labels, dtype=np.int64):
    """The stable permutation that sorts the labels."""
    order = np.full(len(labels), -1, dtype)
    call(library, "cluster_order", labels, order)
    return order


def sort_clusters(library, arrays, labels):
    """KeOps' function of that name: an array or a tuple or list of arrays, sorted, and the sorted labels."""
    order = cluster_order(library, labels)
    if isinstance(arrays, (tuple, list)):
        return type(arrays)(array[order] for array in arrays), labels[order]
    return arrays[order], labels[order]


def cluster_ranges(library, labels, clusters=None, dtype=np.int64):
    """Beginning and end of each cluster among the sorted points."""
    ranges = np.full((labels.max() + 1 if clusters is None else clusters, 2), -1, dtype)
    call(library, "cluster_ranges", labels, ranges)
    return ranges


def cluster_centroids(library, points, labels, weights=None, clusters=None):
    """Means, and sums of weights."""
    count = labels.max() + 1 if clusters is None else clusters
    centroids = np.full((count, points.shape[1]), -1, points.dtype)
    totals = np.full(count, -1, points.dtype)
    call(library, "cluster_centroids", points, labels, weights, centroids, totals)
    return centroids, totals


def from_matrix(library, ranges_i, ranges_j, keep, rows=None):
    """The six tensors; `rows` is how many rows the lists have, those that they need by default."""
    kept = call(library, "from_matrix", ranges_i, ranges_j, keep, None, None, None, None, count=True)
    slices_i, slices_j = (np.full(extent, -1, np.int64) for extent in keep.shape)
    redranges_j, redranges_i = (np.full((kept if rows is None else rows, 2), -1, np.int64) for _ in range(2))
    lists = (slices_i, redranges_j, slices_j, redranges_i)
    assert call(library, "from_matrix", ranges_i, ranges_j, keep, *lists, count=True) == kept
    return ranges_i, slices_i, redranges_j, ranges_j, slices_j, redranges_i


def swap_axes(ranges):
    """The description of the transposed reduction."""
    return None if ranges is None else (*ranges[3:], *ranges[:3])
