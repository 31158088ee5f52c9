"""Clusters and block-sparse ranges made by the library, against NumPy and against KeOps' documentation."""

import numpy as np
import pytest

import keops
from clusters import call, cluster_centroids, cluster_order, cluster_ranges, from_matrix, grid_cluster, sort_clusters, swap_axes
from keops import CallError, pointers_to
from test_bad_calls import misaligned


@pytest.fixture
def library(compiled):
    return compiled("x = Vi(1); y = Vj(1)\nout s = Sum[j](x * y)\n", "product")


def numpy_cells(points, cell):
    """Labels by the definition."""
    cells = np.floor(points / np.asarray(cell, points.dtype))
    return np.unique(cells, axis=0, return_inverse=True)[1].ravel()


LAYOUTS = {
    "row-major": np.ascontiguousarray,
    "column-major": np.asfortranarray,
    "reversed": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
    "spread": lambda a: np.repeat(np.repeat(a, 3, axis=0), 2, axis=1)[::3, ::2],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axes", [1, 2, 3, 4, 7, 30])
def test_cells_are_numbered_in_lexicographic_order(library, random, axes, dtype):
    """30 axes do not fit into one key."""
    for scale, cell in ((1, 0.7), (100, 1.0), (1e-3, 0.5), (1e6, 3.0)):
        points = (random.standard_normal((400, axes)) * scale).astype(dtype)
        points[200:] = points[random.integers(0, 200, 200)]
        for layout in LAYOUTS.values():
            assert np.array_equal(grid_cluster(library, layout(points), cell), numpy_cells(points, cell))


def test_a_cell_may_have_other_lengths_along_each_axis(library, random):
    points = random.standard_normal((500, 3))
    cell = [0.1, 2.0, 0.9]
    assert np.array_equal(grid_cluster(library, points, cell), numpy_cells(points, cell))
    assert grid_cluster(library, points, cell, np.int32).dtype == np.int32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_on_the_faces_of_cells(library, random, dtype):
    """The quotient is rounded in the points' type, as NumPy does."""
    points = (random.integers(-50, 50, (2000, 2)) * dtype(0.1)).astype(dtype)
    for cell in (0.1, 0.3, 1.0, 1e-3):
        assert np.array_equal(grid_cluster(library, points, cell), numpy_cells(points, cell))


def test_keys_of_many_bits(library, random):
    """50 bits an axis: KeOps has 10."""
    points = random.uniform(-(2.0**49), 2.0**49, (1000, 5))
    points[500:] = points[:500] + random.integers(0, 2, (500, 5))
    assert np.array_equal(grid_cluster(library, points, 1.0), numpy_cells(points, 1.0))


def test_no_points_and_no_axes(library):
    assert grid_cluster(library, np.zeros((0, 3)), 1.0).shape == (0,)
    assert np.array_equal(grid_cluster(library, np.zeros((4, 0)), 1.0), [0, 0, 0, 0])
    assert np.array_equal(grid_cluster(library, np.zeros((1, 2)), 1.0), [0])


def test_what_keops_documents(library):
    """The examples of pykeops.numpy.cluster."""
    x = np.array([[0.0], [5.0], [0.4], [0.3], [2.0]])
    labels = np.array([0, 2, 0, 0, 1])
    x_sorted, labels_sorted = sort_clusters(library, x, labels)
    assert np.array_equal(x_sorted, [[0.0], [0.4], [0.3], [2.0], [5.0]])
    assert np.array_equal(labels_sorted, [0, 0, 0, 1, 2])
    assert np.array_equal(cluster_ranges(library, labels), [[0, 3], [3, 4], [4, 5]])
    x = np.array([[0.0], [1.0], [4.0], [5.0], [6.0]])
    centroids, totals = cluster_centroids(library, x, np.array([0, 0, 1, 1, 1]), np.array([0.5, 0.5, 2.0, 1.0, 1.0]))
    assert np.array_equal(centroids, [[0.5], [4.75]])
    assert np.array_equal(totals, [1.0, 4.0])
    x = np.array([[0.0], [0.5], [1.0], [2.0], [3.0]])
    centroids, totals = cluster_centroids(library, x, np.array([0, 0, 1, 1, 1]), np.array([1.0, 0.5, 1.0, 1.0, 10.0]))
    assert np.allclose(centroids, [[0.5 * 0.5 / 1.5], [2.75]], rtol=1e-15)
    assert np.array_equal(totals, [1.5, 12.0])
    # from_matrix: two blocks of rows, three of columns.
    ranges_i = np.array([[2, 5], [7, 12]])
    ranges_j = np.array([[1, 4], [4, 9], [20, 30]])
    keep = np.array([[True, True, False], [False, True, True]])
    six = from_matrix(library, ranges_i, ranges_j, keep)
    assert np.array_equal(six[1], [2, 4])
    assert np.array_equal(six[2], [[1, 4], [4, 9], [4, 9], [20, 30]])
    assert np.array_equal(six[4], [1, 3, 4])
    assert np.array_equal(six[5], [[2, 5], [2, 5], [7, 12], [7, 12]])
    assert all(a is b for a, b in zip(swap_axes(swap_axes(six)), six))


LABELS = {
    "few": lambda random: random.integers(0, 5, 1000),
    "many": lambda random: random.integers(0, 900, 1000),
    "int32": lambda random: random.integers(0, 70_000, 1000).astype(np.int32),
    "bytes": lambda random: random.integers(0, 250, 1000).astype(np.uint8),
    "spread": lambda random: random.integers(0, 50, 3000)[::-3],
    "negative": lambda random: random.integers(-(2**62), 2**62, 1000),
    "extremes": lambda random: random.choice([-(2**63), 2**63 - 1, 0], 100),
    "one": lambda random: np.array([7]),
    "none": lambda random: np.zeros(0, np.int64),
}


@pytest.mark.parametrize("case", LABELS)
def test_the_order_is_stable(library, random, case):
    labels = LABELS[case](random)
    expected = np.argsort(labels, kind="stable")
    assert np.array_equal(cluster_order(library, labels), expected)
    assert np.array_equal(cluster_order(library, labels, np.int32), expected)


def test_ranges_have_empty_clusters(library, random):
    labels = random.choice([1, 4, 5], 100)
    ranges = cluster_ranges(library, labels, clusters=8)
    counts = np.bincount(labels, minlength=8)
    assert np.array_equal(ranges[:, 1], np.cumsum(counts))
    assert np.array_equal(ranges[:, 1] - ranges[:, 0], counts)
    assert np.array_equal(cluster_ranges(library, labels[:0], clusters=2), [[0, 0], [0, 0]])
    assert np.array_equal(cluster_ranges(library, labels, 8, np.int32), ranges)


def test_ranges_are_exact_beyond_2_24(library):
    """KeOps' torch version adds up in float32."""
    labels = np.zeros(2**24 + 3, np.uint8)
    labels[-2:] = 1
    assert np.array_equal(cluster_ranges(library, labels), [[0, 2**24 + 1], [2**24 + 1, 2**24 + 3]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centroids(library, random, dtype):
    points = (random.standard_normal((2000, 4)) + 1000).astype(dtype)
    labels = random.integers(0, 37, 2000)
    weights = random.random(2000).astype(dtype)
    means = np.array([points[labels == k].mean(0, dtype=np.float64) for k in range(37)])
    weighted = np.array([np.average(points[labels == k].astype(np.float64), 0, weights[labels == k]) for k in range(37)])
    sums = np.bincount(labels, weights)
    for layout in LAYOUTS.values():
        centroids, totals = cluster_centroids(library, layout(points), labels)
        assert np.allclose(centroids, means, rtol=2 * np.finfo(dtype).eps, atol=0)
        assert np.array_equal(totals, np.bincount(labels))
        centroids, totals = cluster_centroids(library, layout(points), labels.astype(np.int32), weights)
        assert np.allclose(centroids, weighted, rtol=4 * np.finfo(dtype).eps, atol=0)
        assert np.allclose(totals, sums, rtol=2 * np.finfo(dtype).eps, atol=0)


def test_clusters_without_points_or_weight(library):
    points = np.array([[1.0, 2.0], [3.0, 6.0], [5.0, 5.0]])
    centroids, totals = cluster_centroids(library, points, np.array([2, 2, 0]), np.array([0.0, 0.0, 3.0]), clusters=4)
    assert np.array_equal(centroids, [[5, 5], [np.nan, np.nan], [2, 4], [np.nan, np.nan]], equal_nan=True)
    assert np.array_equal(totals, [3, 0, 0, 0])
    call(library, "cluster_centroids", points, np.array([2, 2, 0]), None, centroids, None)
    assert np.array_equal(centroids, [[5, 5], [np.nan, np.nan], [2, 4], [np.nan, np.nan]], equal_nan=True)


def numpy_from_matrix(ranges_i, ranges_j, keep):
    """As KeOps does it."""
    keep = keep.astype(bool)
    rows, columns = np.nonzero(keep)[0], np.nonzero(keep)[1]
    columns_t, rows_t = np.nonzero(keep.T)
    assert len(rows) == len(columns_t)
    return ranges_i, keep.sum(1).cumsum(), ranges_j[columns], ranges_j, keep.sum(0).cumsum(), ranges_i[rows_t]


@pytest.mark.parametrize("change", [np.ascontiguousarray, np.asfortranarray, lambda a: a.astype(np.int32), lambda a: a[::-1][::-1]])
def test_from_matrix(library, random, change):
    for blocks, others in ((5, 9), (1, 1), (0, 4), (4, 0), (60, 50)):
        ranges_i = random.integers(0, 1000, (blocks, 2))
        ranges_j = np.asfortranarray(random.integers(0, 1000, (others, 2)))
        for share in (0.0, 0.3, 1.0):
            keep = change(random.random((blocks, others)) < share)
            wanted = numpy_from_matrix(ranges_i, ranges_j, keep)
            for given, expected in zip(from_matrix(library, ranges_i, ranges_j, keep), wanted, strict=True):
                assert np.array_equal(given, expected)
            kept = int((keep != 0).sum())
            padded = from_matrix(library, ranges_i, ranges_j, keep, rows=kept + 3)
            for number in (2, 5):
                assert np.array_equal(padded[number][:kept], wanted[number])
                assert np.array_equal(padded[number][kept:], np.zeros((3, 2)))


POINTS, CELL, INDICES = np.zeros((4, 3)), np.ones(1), np.zeros(4, np.int64)
BAD = {
    "grid: points NULL": ("grid_cluster", (None, CELL, INDICES), keops.NULL_POINTER, "points is NULL"),
    "grid: integers": ("grid_cluster", (np.zeros((4, 3), int), CELL, INDICES), keops.DTYPE, "points: expected float32 or float64, given int64"),
    "grid: one axis": ("grid_cluster", (np.zeros(4), CELL, INDICES), keops.SHAPE, "points: expected shape (*, *), given shape (4,)"),
    "grid: batch": ("grid_cluster", (np.zeros((2, 4, 3)), CELL, INDICES), keops.SHAPE, "points: expected shape (*, *), given shape (2, 4, 3)"),
    "grid: device": (
        "grid_cluster",
        (keops.on_cuda(POINTS), CELL, INDICES),
        keops.DEVICE,
        "points is on a CUDA device, but can only be in the CPU's memory",
    ),
    "grid: data NULL": ("grid_cluster", (keops.without_data(POINTS), CELL, INDICES), keops.NULL_POINTER, "points: data is NULL, but the shape is (4, 3)"),
    "grid: misaligned": ("grid_cluster", (misaligned(POINTS), CELL, INDICES), keops.STRIDE, "points: data is not aligned to 8 bytes"),
    "grid: other type": ("grid_cluster", (POINTS, np.ones(1, np.float32), INDICES), keops.DTYPE, "cell: expected the type of points, float64"),
    "grid: two lengths": ("grid_cluster", (POINTS, np.ones(2), INDICES), keops.SHAPE, "cell: expected shape (3,), given shape (2,)"),
    "grid: no length": ("grid_cluster", (POINTS, np.array([1, 0.0, 1]), INDICES), keops.VALUE, "cell[1] is not a positive number"),
    "grid: NaN length": ("grid_cluster", (POINTS, np.array([np.nan]), INDICES), keops.VALUE, "cell[0] is not a positive number"),
    "grid: NaN": (
        "grid_cluster",
        (np.array([[0, 0, 0], [0, np.nan, 0], [0, 0, 0], [0, 0, 0]]), CELL, INDICES),
        keops.VALUE,
        "points[1, 1] is not finite",
    ),
    "grid: infinite": (
        "grid_cluster",
        (np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, -np.inf]]), CELL, INDICES),
        keops.VALUE,
        "points[3, 2] is not finite",
    ),
    "grid: far": (
        "grid_cluster",
        (np.array([[0, 0, 0], [1e16, 0, 0], [0, 0, 0], [0, 0, 0]]), CELL, INDICES),
        keops.VALUE,
        "points[1, 0] is too far from 0 for cells of this length",
    ),
    "grid: labels": ("grid_cluster", (POINTS, CELL, np.zeros(5, np.int64)), keops.SHAPE, "labels: expected shape (4,), given shape (5,)"),
    "grid: float labels": ("grid_cluster", (POINTS, CELL, np.zeros(4)), keops.DTYPE, "labels: expected int32 or int64, given float64"),
    "grid: one label": (
        "grid_cluster",
        (POINTS, CELL, np.broadcast_to(np.zeros(1, np.int64), 4)),
        keops.STRIDE,
        "labels has several elements in one place",
    ),
    "grid: in place": ("grid_cluster", (POINTS, CELL, POINTS.view(np.int64)[:, 1]), keops.STRIDE, "labels shares memory with points"),
    "order: complex": ("cluster_order", (np.zeros(4, complex), INDICES), keops.DTYPE, "labels: expected integers or booleans, given complex128"),
    "order: short": ("cluster_order", (INDICES, INDICES[:3].copy()), keops.SHAPE, "order: expected shape (4,), given shape (3,)"),
    "order: in place": ("cluster_order", (INDICES, INDICES), keops.STRIDE, "order shares memory with labels"),
    "order: bytes": ("cluster_order", (INDICES, np.zeros(4, np.int8)), keops.DTYPE, "order: expected int32 or int64, given int8"),
    "ranges: large": ("cluster_ranges", (np.array([0, 2, 1]), np.zeros((2, 2), np.int64)), keops.VALUE, "labels[1] is 2, expected 0 <= label < 2"),
    "ranges: negative": ("cluster_ranges", (np.array([0, -1]), np.zeros((2, 2), np.int64)), keops.VALUE, "labels[1] is -1, expected 0 <= label < 2"),
    "ranges: three columns": ("cluster_ranges", (INDICES, np.zeros((2, 3), np.int64)), keops.SHAPE, "ranges: expected shape (*, 2), given shape (2, 3)"),
    "centroids: weights": (
        "cluster_centroids",
        (POINTS, INDICES, np.ones((4, 1)), np.zeros((1, 3)), None),
        keops.SHAPE,
        "weights: expected shape (4,), given shape (4, 1)",
    ),
    "centroids: axes": (
        "cluster_centroids",
        (POINTS, INDICES, None, np.zeros((1, 2)), None),
        keops.SHAPE,
        "centroids: expected shape (*, 3), given shape (1, 2)",
    ),
    "centroids: label": (
        "cluster_centroids",
        (POINTS, INDICES + 5, None, np.zeros((5, 3)), np.zeros(5)),
        keops.VALUE,
        "labels[0] is 5, expected 0 <= label < 5",
    ),
    "matrix: keep": (
        "from_matrix",
        (np.zeros((2, 2), int), np.zeros((3, 2), int), np.ones((3, 2), bool), None, None, None, None),
        keops.SHAPE,
        "keep: expected shape (2, 3), given shape (3, 2)",
    ),
    "matrix: float keep": (
        "from_matrix",
        (np.zeros((2, 2), int), np.zeros((3, 2), int), np.ones((2, 3)), None, None, None, None),
        keops.DTYPE,
        "keep: expected integers or booleans, given float64",
    ),
    "matrix: some lists": (
        "from_matrix",
        (np.zeros((1, 2), int), np.zeros((1, 2), int), np.ones((1, 1), bool), np.zeros(1, int), None, np.zeros(1, int), None),
        keops.NULL_POINTER,
        "redranges_j is NULL",
    ),
    "matrix: short lists": (
        "from_matrix",
        (
            np.zeros((1, 2), int),
            np.zeros((2, 2), int),
            np.ones((1, 2), bool),
            np.zeros(1, int),
            np.zeros((2, 2), int),
            np.zeros(2, int),
            np.zeros((1, 2), int),
        ),
        keops.SHAPE,
        "redranges_i has room for 1 blocks, but 2 are kept",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(library, case):
    name, arguments, status, text = BAD[case]
    before = [None if a is None or isinstance(a, keops.Tensor) else a.copy() for a in arguments]
    with pytest.raises(CallError) as failure:
        call(library, name, *arguments, count=name in ("grid_cluster", "from_matrix"))
    assert (failure.value.status, failure.value.message) == (status, f"{name}: {text}")
    for array, copy in zip(arguments, before):
        assert copy is None or np.array_equal(array, copy, equal_nan=array.dtype.kind == "f")


def test_int32_is_too_small(library):
    """2^31 labels in four bytes: every label is the same byte."""
    labels = np.broadcast_to(np.zeros(1, np.uint8), 2**31)
    with pytest.raises(CallError) as failure:
        call(library, "cluster_ranges", labels, np.zeros((1, 2), np.int32))
    assert failure.value.status == keops.DTYPE
    assert failure.value.message == "cluster_ranges: ranges: numbers up to 2147483648 do not fit into int32, give int64"


def test_messages_are_optional(library):
    tensors, pointers = pointers_to((np.zeros(3), np.zeros(3, np.int64)))
    function = library.module.clusters.contents.cluster_order
    assert function(*pointers, None, 0) == keops.DTYPE
