"""Lists of the nearest on GPUs: columns that may enter one wait until several can, which must not show."""

import numpy as np
import pytest

from device import IS_REAL, Gpu, on_gpu
from keops import CUDA
from test_device import agree, compare
from test_ranges import Sparsity

FORMULAS = """
x = Vi(0, {d}); y = Vj(1, {d})
out at = ArgKMin[j, K={k}](SqDist(x, y))
out least = KMin[j, K={k}](SqDist(x, y))
out most = KMax_ArgKMax[j, K={k}]((x | y))
out of_rows = ArgKMin[i, K={k}](SqDist(x, y))
"""
# By threads with four rows and with one, and by matrix products.
SHAPES = [(3, 10), (2, 50), (1, 100), (20, 10), (150, 40)] if IS_REAL else [(3, 10), (2, 50), (20, 10)]


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


def nearest(values, k):
    """The columns of the `k` least values of each row, the first of equals first, and -1 beyond all; those values, and inf."""
    order = np.argsort(values, axis=1, kind="stable")[:, :k]
    order = np.where(np.isfinite(np.take_along_axis(values, order, 1)), order, -1)
    missing = k - order.shape[1]
    at = np.pad(order, ((0, 0), (0, max(missing, 0))), constant_values=-1)
    return at, np.where(at < 0, np.inf, np.take_along_axis(values, np.maximum(at, 0), 1))


def few_values(random, shape):
    """Integers, so that all sums are exact and many pairs are equally far."""
    return random.integers(-2, 3, shape).astype(np.float32)


@pytest.mark.parametrize(("d", "k"), SHAPES, ids=str)
def test_lists_are_those_of_a_stable_sort(gpu, compiled_for_gpus, random, d, k):
    library = compiled_for_gpus(FORMULAS.format(d=d, k=k), f"lists{d}_{k}")
    for m, n in ((1, 1), (5, 9), (130, 7), (140, 33), (70, 700), (3, 5000)):
        x, y = few_values(random, (m, d)), few_values(random, (n, d))
        squares = ((x[:, None] - y[None]) ** 2).sum(-1)
        for entry, values in ((library.entries["at"], squares), (library.entries["of_rows"], squares.T)):
            found = on_gpu(gpu, entry, x, y)
            assert np.array_equal(found.reshape(len(found), -1), nearest(values, k)[0])
        found = on_gpu(gpu, library.entries["least"], x, y)
        assert np.array_equal(found.reshape(m, -1), nearest(squares, k)[1])
        compare(gpu, library.entries["most"], x, y)


def test_long_lists(gpu, compiled_for_gpus, random):
    text = "x = Vi(0, 2); y = Vj(1, 2); out at = ArgKMin[j, K=1024](SqDist(x, y)); out some = KMax_ArgKMax[j, K=130](SqDist(x, y))"
    library = compiled_for_gpus(text, "long_lists")
    for m, n in ((2, 6000), (33, 1500), (3, 1000)):
        x, y = few_values(random, (m, 2)), few_values(random, (n, 2))
        squares = ((x[:, None] - y[None]) ** 2).sum(-1)
        found = on_gpu(gpu, library.entries["at"], x, y)
        assert np.array_equal(found.reshape(m, -1), nearest(squares, 1024)[0])
        compare(gpu, library.entries["some"], x, y)


def test_rising_and_falling_columns_and_what_is_no_number(gpu, compiled_for_gpus):
    library = compiled_for_gpus("x = Vi(0, 1); y = Vj(1, 1); out at = ArgKMin[j, K=12](y - x)", "falling")
    n = 3000
    for y in (np.arange(n), -np.arange(n), np.where(np.arange(n) % 3 == 0, np.nan, -np.arange(n)), np.full(n, np.inf), np.full(n, np.nan)):
        y = y.astype(np.float32)[:, None]
        x = np.zeros((150, 1), np.float32)
        found = on_gpu(gpu, library.at, x, y)
        values = np.where(np.isnan(y.T), np.inf, y.T) - x
        assert np.array_equal(found.reshape(150, -1), nearest(values, 12)[0])


def test_columns_of_which_few_fit_into_shared_memory(gpu, compiled_for_gpus, random):
    library = compiled_for_gpus("x = Vi(0, 1); y = Vj(1, 600); out at = ArgKMin[j, K=5](Sum((y - x)**2))", "long_columns")
    x, y = few_values(random, (70, 1)), few_values(random, (41, 600))
    found = on_gpu(gpu, library.at, x, y)
    assert np.array_equal(found.reshape(70, -1), nearest(((y[None] - x[:, None]) ** 2).sum(-1), 5)[0])


def test_lists_of_vectors_and_several_in_one_pass(gpu, compiled_for_gpus, random):
    text = """
    x = Vi(0, 2); y = Vj(1, 2); z = Vj(2, 5)
    out pairs = KMin_ArgKMin[j, K=6](x * y)
    out wide = ArgKMin[j, K=4](z - Sum(x))
    fused all {
      out near = ArgKMin[j, K=5](SqDist(x, y))
      out far = KMax[j, K=7](SqDist(x, y))
    }
    fused mixed {
      out lists = ArgKMin[j, K=5](SqDist(x, y))
      out sums = Sum[j](SqDist(x, y))
    }
    """
    library = compiled_for_gpus(text, "vectors")
    for m, n in ((150, 300), (3, 2500)):
        arrays = {"x": few_values(random, (m, 2)), "y": few_values(random, (n, 2)), "z": few_values(random, (n, 5))}
        for entry in library.entries.values():
            compare(gpu, entry, *(arrays[tensor["name"]] for tensor in entry.arguments))


def columns_of(case, random, n, k):
    """The first coordinates of columns: how far they are from rows at 0, as all others are 0."""
    rising = np.arange(n)
    return {
        "ties": lambda: random.integers(0, 4, n),
        "random": lambda: random.permutation(n),
        "rising": lambda: rising,
        "falling": lambda: rising[::-1],
        "some are no numbers": lambda: np.where(rising % 3 > 0, np.nan, random.integers(0, 500, n)),
        "few numbers": lambda: np.where(rising % (n // (k - 3)) > 0, np.inf, random.integers(0, 9, n)),
        "none": lambda: np.full(n, np.nan),
        "equal": lambda: np.zeros(n),
    }[case]().astype(np.float32)


CASES = ["ties", "random", "rising", "falling", "some are no numbers", "few numbers", "none", "equal"]


@pytest.mark.parametrize("k", [40, 100, 1024])
def test_lists_of_several_splits(gpu, compiled_for_gpus, random, k):
    text = f"x = Vi(0, 10); y = Vj(1, 10); out near = KMin_ArgKMin[j, K={k}](SqDist(x, y)); out far = ArgKMax[j, K={k}](SqDist(x, y))"
    library = compiled_for_gpus(text, f"splits{k}")
    for m, n, case in [(2, 20000, case) for case in CASES] + [(130, 9000, "ties"), (1, 120000, "random")]:
        x, y = np.zeros((m, 10), np.float32), np.zeros((n, 10), np.float32)
        x[:, 1], y[:, 0] = np.arange(m), columns_of(case, random, n, k)
        if not IS_REAL:
            gpu.driver.reset()
        at_least, at = on_gpu(gpu, library.near, x, y)
        # A long list is not made of few columns.
        assert IS_REAL or m > 2 or n < 96 * k or gpu.driver.calls("cuLaunchKernel") == 2, "splits have been merged"
        squares = x[:, 1:2] ** 2 + y[None, :, 0] ** 2
        expected, numbers = nearest(np.where(np.isnan(squares), np.inf, squares), k)
        assert np.array_equal(at.reshape(m, -1), expected), case
        assert np.array_equal(at_least.reshape(m, -1), numbers), case
        if case != "few numbers":
            found = on_gpu(gpu, library.far, x, y).reshape(m, -1)
            assert np.array_equal(found, nearest(np.where(np.isnan(squares), np.inf, -squares), k)[0]), case


@pytest.mark.parametrize(("k", "dtype"), [(70, "f32"), (300, "f64"), (1024, "f64")], ids=str)
def test_long_lists_of_ranges_and_batches(gpu, compiled_for_gpus, random, k, dtype):
    text = f"x = Vi(0, 2); y = Vj(1, 2); out at = ArgKMin[j, K={k}](SqDist(x, y)); out most = KMax[i, K={k}]((x | y))"
    library = compiled_for_gpus(text, f"ranges{k}", "--dtype", dtype)
    kind = {"f32": np.float32, "f64": np.float64}[dtype]
    x, y = few_values(random, (3, 70, 2)).astype(kind), few_values(random, (3, 900, 2)).astype(kind)
    for entry in library.entries.values():
        compare(gpu, entry, x, y)
        compare(gpu, entry, x[0], y[:1].repeat(2, axis=0))
        for shuffled in (False, True):
            ranges = Sparsity(random, 70, 900, shuffled=shuffled).ranges
            compare(gpu, entry, x[0], y[0], ranges=ranges)


def test_long_lists_beside_what_takes_shared_memory(gpu, compiled_for_gpus, random):
    """Parameters and columns of which few fit beside what waits."""
    text = "x = Vi(0, 1); y = Vj(1, {d}); p = Pm(2, {p}); out at = ArgKMin[j, K=1024](Sum((y - x)**2) * Sum(p))"
    for d, p in ((5, 2500), (600, 1)):
        library = compiled_for_gpus(text.format(d=d, p=p), f"shared{d}")
        x, y, one = few_values(random, (3, 1)), few_values(random, (1300, d)), np.zeros((1, p), np.float32)
        one[0, 0] = 1
        found = on_gpu(gpu, library.at, x, y, one)
        assert np.array_equal(found.reshape(3, -1), nearest(((y[None] - x[:, None]) ** 2).sum(-1), 1024)[0])
