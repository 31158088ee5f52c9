"""ScatterSum on the CPU, against NumPy."""

import numpy as np
import pytest

from keops import relative_error
from scatters import SOURCE, in_order, scatter

SIZES = [0, 1, 2, 127, 128, 129, 257, 1000]


def on_a_grid(random, shape, dtype=np.float32):
    """Multiples of 1/8, whose sums are exact."""
    return (random.integers(-8, 9, shape) / 8).astype(dtype)


def nearest(x, c):
    """Row numbers and squared distances, exact on the grid; -1 and infinity where there is no column."""
    distances = ((x[..., :, None, :].astype(float) - c[..., None, :, :]) ** 2).sum(axis=-1)
    if c.shape[-2] == 0:
        return np.full((*x.shape[:-1], 1), -1), np.full((*x.shape[:-1], 1), np.inf)
    return distances.argmin(axis=-1)[..., None], distances.min(axis=-1)[..., None]


def check_step(results, x, c, w):
    """All results of the fused block are exact, but the quotient."""
    label, total, count, weighted, inertia, mean = results
    expected, least = nearest(x, c)
    columns = c.shape[-2]
    assert np.array_equal(label, expected)
    exact = {
        "total": (total, scatter(x, expected, columns)),
        "count": (count, scatter(np.ones_like(w), expected, columns)),
        "weighted": (weighted, scatter(w.astype(float) * x, expected, columns)),
        "inertia": (inertia, scatter(least, expected, columns)),
    }
    for name, (found, wanted) in exact.items():
        assert np.array_equal(found, wanted.astype(found.dtype)), name
    with np.errstate(invalid="ignore"):
        wanted = exact["total"][1] / exact["count"][1]
    assert np.allclose(mean, wanted, rtol=1e-2 if mean.dtype == np.float16 else 1e-6, equal_nan=True)


@pytest.fixture(scope="module")
def library(compiled):
    return compiled(SOURCE, "scatter")


@pytest.mark.parametrize("m", SIZES)
@pytest.mark.parametrize("n", [0, 1, 2, 31, 200])
def test_sizes(library, random, m, n):
    x, c, w = on_a_grid(random, (m, 3)), on_a_grid(random, (n, 3)), on_a_grid(random, (m, 1))
    check_step(library.step(x, c, w), x, c, w)
    check_step(library.step.plain(m, n, x, c, w), x, c, w)
    assert np.array_equal(library.twos(x, c), 2 * library.count(x, c))


@pytest.mark.parametrize("dtype", ["f16", "f64"])
def test_types(compiled, random, dtype):
    kind = {"f16": np.float16, "f64": np.float64}[dtype]
    library = compiled(SOURCE, "typed", "--dtype", dtype)
    # Sums below 2^8 of multiples of 2^-3 are exact in float16, too, with distances and products of small numbers.
    x, c, w = (on_a_grid(random, shape, kind) for shape in ((90, 3), (40, 3), (90, 1)))
    w = np.sign(w)
    check_step(library.step(x, c, w), x, c, w)


def test_bfloat16(compiled, random):
    """The upper halves of float32; sums are rounded once."""
    library = compiled("x = Vi(2); c = Vj(2); out s = ScatterSum[i](x, ArgMin[j](SqDist(x, c)))", "brain", "--dtype", "bf16")
    x, c = on_a_grid(random, (300, 2)), on_a_grid(random, (20, 2))
    halves = [(array.view(np.uint32) >> 16).astype(np.uint16) for array in (x, c)]
    found = np.zeros((20, 2), np.uint16)
    library.s.plain_into(300, 20, *halves, found)
    wanted = scatter(x, nearest(x, c)[0], 20)
    assert relative_error((found.astype(np.uint32) << 16).view(np.float32), wanted) < 4e-3


def test_batches_and_strides(library, random):
    """Each argument with its own part of the batch, rows in any order of memory."""
    x = on_a_grid(random, (3, 150, 4))[..., ::-1][..., 1:]
    c = on_a_grid(random, (2, 1, 3, 37)).swapaxes(-1, -2)
    w = on_a_grid(random, (300, 1))[::2]
    check_step(library.step(x, c, w), x, c, w)


def test_lists_name_several_columns(library, random):
    for m, n in ((200, 50), (3, 2), (40, 1)):
        x, c = random.random((m, 3), np.float32), random.random((n, 3), np.float32)
        distances = ((x[:, None].astype(float) - c) ** 2).sum(axis=2)
        numbers = np.full((m, 3), -1)
        numbers[:, : min(3, n)] = np.argsort(-distances, axis=1)[:, :3]
        assert relative_error(library.far(x, c), scatter(x, numbers, n)) < 1e-6
        assert np.array_equal(library.far(x, c), in_order(x, numbers, n, np.float32))


def test_the_other_direction(library, random):
    x, c = on_a_grid(random, (30, 3)), on_a_grid(random, (400, 3))
    numbers = ((c[:, None].astype(float) - x) ** 2).sum(axis=2).argmin(axis=1)[:, None]
    assert np.array_equal(library.back(x, c), scatter(c, numbers, 30))


def test_sums_may_be_reduced_again(library, random):
    x, c, w = random.random((60, 3), np.float32), random.random((20, 3), np.float32), random.random((60, 1), np.float32)
    weights = scatter(w, nearest(x, c)[0], 20)
    expected = np.exp(-((x[:, None].astype(float) - c) ** 2).sum(axis=2)) @ weights
    assert relative_error(library.along(x, c, w), expected) < 1e-6


def test_columns_without_rows_and_one_with_all(library, random):
    x, w = random.random((5000, 3), np.float32), np.ones((5000, 1), np.float32)
    c = np.array([[9, 9, 9], [0.5, 0.5, 0.5], [-9, 0, 0]], np.float32)
    _, total, count, *_ = library.step(x, c, w)
    assert count[:, 0].tolist() == [0, 5000, 0]
    assert np.array_equal(total[[0, 2]], np.zeros((2, 3)))
    assert relative_error(total[1], x.sum(axis=0, dtype=float)) < 1e-6


@pytest.mark.parametrize("dim", [1, 2, 3, 5, 16, 17, 33, 130])
def test_order(compiled, random, dim):
    """The order of the documentation, on any number of threads."""
    library = compiled("x = Vi(D); c = Vj(D)\ndim D = 1\nl = ArgMin[j](SqDist(x, c))\nout s = ScatterSum[i](x, l)", "order", "-D", f"D={dim}")
    x, c = random.standard_normal((70_000, dim)).astype(np.float32), random.standard_normal((40, dim)).astype(np.float32)
    x, c = x[: 70_000 if dim < 4 else 3000], c[: 5 if dim > 3 else 40]
    one = library.s(x, c, threads=1)
    for threads in (2, 3, 7):
        assert np.array_equal(library.s(x, c, threads=threads), one)
    numbers = ((x[:, None] - c) ** 2).sum(axis=2, dtype=float).argmin(axis=1)[:, None]
    assert np.array_equal(one, in_order(x, numbers, len(c), np.float32))


@pytest.mark.parametrize("option", ["--accumulate=f64", "--sum=kahan"])
def test_wide_accumulators(compiled, random, option):
    """Sums are made in float64, and rounded once."""
    library = compiled(SOURCE, "wide", option)
    x, c = random.standard_normal((5000, 3)).astype(np.float32), random.standard_normal((7, 3)).astype(np.float32)
    found = library.total(x, c)
    assert np.array_equal(found, in_order(x, library.label(x, c), 7, np.float64).astype(np.float32))


def test_ranges(library, random):
    """Rows name columns of their own blocks; rows in no block name none."""
    x, c, w = on_a_grid(random, (300, 3)), on_a_grid(random, (50, 3)), on_a_grid(random, (300, 1))
    integers = lambda *numbers: np.array(numbers, np.int64)  # noqa: E731
    ranges = [
        integers([0, 100], [150, 300]),
        integers(1, 2),
        integers([0, 20], [20, 50]),
        integers([0, 20], [20, 50]),
        integers(1, 2),
        integers([0, 100], [150, 300]),
    ]
    label, total, count, *_ = library.step(x, c, w, ranges=ranges)
    numbers = np.concatenate([nearest(x[:100], c[:20])[0], np.full((50, 1), -1), nearest(x[150:], c[20:])[0] + 20])
    assert np.array_equal(label, numbers)
    assert np.array_equal(total, scatter(x, numbers, 50))
    assert np.array_equal(count, scatter(np.ones((300, 1)), numbers, 50))


def test_there_are_no_shards(library):
    assert library.step.manifest["shards"] is None
    assert library.label.manifest["shards"] is not None


def test_workspace(library, random):
    """What is asked for suffices."""
    import ctypes

    x, c, w = on_a_grid(random, (3000, 3)), on_a_grid(random, (100, 3)), on_a_grid(random, (3000, 1))
    results = library.step.empty_results((x, c, w))
    call, _ = library.step.prepared(x, c, w, *results, threads=2)
    size = ctypes.c_uint64()
    assert library.step.point.workspace(ctypes.byref(call), ctypes.byref(size)) == 0
    workspace = np.full(size.value, 0xA5, np.uint8)
    call, _ = library.step.prepared(x, c, w, *results, threads=2, workspace=workspace.ctypes.data, workspace_size=size.value)
    assert library.step.point.run(ctypes.byref(call)) == 0
    check_step(results, x, c, w)
