"""Clusters and block-sparse ranges, with NumPy and PyTorch."""

import numpy as np
import pytest

import keopsc.numpy.cluster

torch = pytest.importorskip("torch")
import keopsc.torch.cluster  # noqa: E402

LIBRARIES = {"numpy": (keopsc.numpy, np.asarray), "torch": (keopsc.torch, torch.as_tensor)}


@pytest.fixture(params=LIBRARIES)
def library(request):
    module, convert = LIBRARIES[request.param]
    return module.cluster, convert, module


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_grid(library, d, dtype):
    cluster, convert, _ = library
    points = np.random.default_rng(0).uniform(-1, 1, (200, d)).astype(dtype)
    labels = cluster.grid_cluster(convert(points), 0.5)
    cells = np.floor(points / dtype(0.5))
    _, expected = np.unique(cells, axis=0, return_inverse=True)
    assert str(labels.dtype).endswith("int32")
    np.testing.assert_array_equal(np.asarray(labels), expected.ravel())


def test_sorted_clusters(library):
    cluster, convert, _ = library
    random = np.random.default_rng(0)
    points, weights, labels = random.standard_normal((50, 3)), random.uniform(0, 1, 50), random.integers(0, 6, 50).astype(np.int32)
    order = np.argsort(labels, kind="stable")
    (x, w), lab = cluster.sort_clusters((convert(points), convert(weights)), convert(labels))
    np.testing.assert_array_equal(np.asarray(x), points[order])
    np.testing.assert_array_equal(np.asarray(w), weights[order])
    np.testing.assert_array_equal(np.asarray(lab), labels[order])
    alone, _ = cluster.sort_clusters(convert(points), convert(labels))
    np.testing.assert_array_equal(np.asarray(alone), points[order])
    ends = np.cumsum(np.bincount(labels))
    np.testing.assert_array_equal(np.asarray(cluster.cluster_ranges(convert(labels))), np.stack([np.r_[0, ends[:-1]], ends], 1))


def test_centroids(library):
    cluster, convert, _ = library
    random = np.random.default_rng(0)
    points, weights, labels = random.standard_normal((50, 3)), random.uniform(0, 1, 50), random.integers(0, 4, 50)
    chosen = labels == np.arange(4)[:, None]
    for w, given in ((np.ones(50), None), (weights, convert(weights)), (weights, convert(weights[:, None]))):
        expected = (chosen * w) @ points / (chosen * w).sum(1, keepdims=True)
        ranges, centroids, totals = cluster.cluster_ranges_centroids(convert(points), convert(labels), given)
        np.testing.assert_allclose(np.asarray(centroids), expected)
        np.testing.assert_allclose(np.asarray(totals), (chosen * w).sum(1))
        np.testing.assert_array_equal(np.asarray(ranges), np.asarray(cluster.cluster_ranges(convert(labels))))
        np.testing.assert_allclose(np.asarray(cluster.cluster_centroids(convert(points), convert(labels), weights=given)), expected)


def test_a_block_sparse_sum(library):
    cluster, convert, module = library
    random = np.random.default_rng(0)
    x, y = random.uniform(0, 1, (100, 2)), random.uniform(0, 1, (120, 2))
    sides = []
    for points in (x, y):
        labels = cluster.grid_cluster(convert(points), 0.25)
        ranges, centroids, _ = cluster.cluster_ranges_centroids(convert(points), labels)
        ordered, labels = cluster.sort_clusters(convert(points), labels)
        sides.append((ordered, np.asarray(labels), ranges, centroids))
    (x, x_labels, x_ranges, x_centroids), (y, y_labels, y_ranges, y_centroids) = sides
    near = ((np.asarray(x_centroids)[:, None] - np.asarray(y_centroids)) ** 2).sum(-1) < 0.2
    ranges = cluster.from_matrix(x_ranges, y_ranges, convert(near))
    kernel = np.exp(-((np.asarray(x)[:, None] - np.asarray(y)) ** 2).sum(-1)) * near[x_labels][:, y_labels]
    lazy = (-module.Vi(x).sqdist(module.Vj(y))).exp()
    for axis in (1, 0):
        np.testing.assert_allclose(np.asarray(lazy.sum(axis, ranges=ranges))[:, 0], kernel.sum(axis))
    genred = module.Genred("Exp(-SqDist(x, y))", ["x = Vi(2)", "y = Vj(2)"], axis=1)
    np.testing.assert_allclose(np.asarray(genred(y, x, ranges=cluster.swap_axes(ranges)))[:, 0], kernel.sum(0))
    assert cluster.swap_axes(None) is None


def test_ranges_with_batches(library):
    cluster, convert, module = library
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 6, 3)), random.standard_normal((2, 8, 3))
    ranges = cluster.from_matrix(convert(np.array([[0, 2], [2, 6]])), convert(np.array([[0, 3], [3, 8]])), convert(np.array([[1, 0], [1, 1]]) == 1))
    kernel = np.exp(-((x[:, :, None] - y[:, None]) ** 2).sum(-1))
    kernel[:, :2, 3:] = 0
    lazy = (-(module.LazyTensor(convert(x)[:, :, None]) - module.LazyTensor(convert(y)[:, None])).sqnorm2()).exp()
    np.testing.assert_allclose(np.asarray(lazy.sum(2, ranges=ranges))[..., 0], kernel.sum(2))


def test_wrong_ranges(library):
    cluster, convert, module = library
    x, y = convert(np.ones((4, 1))), convert(np.ones((5, 1)))
    ranges = cluster.from_matrix(convert(np.array([[0, 4]])), convert(np.array([[0, 9]])), convert(np.array([[True]])))
    with pytest.raises(ValueError, match="9"):
        (module.Vi(x) * module.Vj(y)).sum(1, ranges=ranges)


def test_points_that_are_not_finite(library):
    cluster, convert, _ = library
    with pytest.raises(ValueError):
        cluster.grid_cluster(convert(np.array([[np.nan]])), 1.0)
