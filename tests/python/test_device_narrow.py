"""Sums of many products on GPUs whose numbers are rounded, where `numerics products` asks for it: errors are within what docs/numerics.md says, and are there."""

import numpy as np
import pytest

from device import IS_REAL, Gpu, on_gpu
from keops import CUDA
from test_device import positive

# Of each pair, by columns that have a 1 in a place of their own; sums of these are one term.
PAIRS = """
x = Vi(0, {d}); y = Vj(1, {d}); e = Vj(2, {n})
out squares = Sum[j](SqDist(x, y) * e)
out products = Sum[j]((x | y) * e)
out roots = Sum[j](Sqrt(SqDist(x, y)) * e)
"""
COLUMNS = 24
# All pairs of a row at once.
WEIGHTED = "x = Vi({d}); y = Vj({d}); w = Vj(1)\nout weighted = Sum[j](SqDist(x, y) * w)\n"

# Coordinates around 32, which are taken together, up to 256 with rows in registers, and from there on step by step.
DIMS = [16, 33, 64, 100, 129, 256, 257, 700] if IS_REAL else [16, 100, 257]
# One of each way, neither a multiple of 16.
BOTH_WAYS = [100, 257]

# By how much each number is rounded, relative to itself; which part of |x|² + |y|² squared distances are below that are computed in float32, and by how
# much others may be off, relative to themselves.
UNIT = 2.0**-11
NEAR = {"tf32": 1 / 8, "bf16": 1 / 128}
MOST = {"tf32": 2.0**-8 + 2.0**-16, "bf16": 2.0**-6 + 2.0**-12}
# What float32 adds to that, relative to numbers and to sums of up to a thousand products.
ROUNDING = 2.0**-16


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


@pytest.fixture(scope="module")
def pairs(gpu, compiled_for_gpus):
    """The function that gives one output for each pair."""

    def of(name, products, x, y):
        n, d = y.shape
        library = compiled_for_gpus(PAIRS.format(d=d, n=n), f"pairs{d}", "--products", products)
        return on_gpu(gpu, library.entries[name], x, y, np.eye(n, dtype=np.float32)).astype(np.float64)

    return of


def squares_of(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    return ((x[:, None] - y[None]) ** 2).sum(-1)


def middle_of(y):
    """The mean of 32 columns, added up in float32."""
    return np.cumsum(y[len(y) * np.arange(32) // 32], axis=0, dtype=np.float32)[-1] / np.float32(32)


def rounded(x, middle):
    """The points that are multiplied: float16 has their numbers, times a power of two that the greatest of a row has room with."""
    x = x - middle
    scale = np.exp2(14 - np.floor(np.log2(np.abs(x).max(1, keepdims=True))))
    return middle + (x * scale).astype(np.float16).astype(np.float64) / scale


def norms_of(x, y, power=1):
    """|x| + |y| of each pair, relative to the middle, or powers of them."""
    middle = middle_of(y).astype(np.float64)
    return np.linalg.norm(x - middle, axis=1)[:, None] ** power + np.linalg.norm(y - middle, axis=1)[None] ** power


def cloud(random, name, shape):
    rows, d = shape
    clusters = np.random.default_rng(d).normal(size=(5, d)) * 10
    clouds = {
        "normal": lambda: random.normal(size=shape),
        "far": lambda: random.normal(size=shape) + 1000,
        "clusters": lambda: np.resize(clusters, shape) + random.normal(size=shape) * 1e-3,
        "loose clusters": lambda: np.resize(clusters, shape) + random.normal(size=shape),
        "duplicates": lambda: np.resize(clusters, shape),
        "uneven": lambda: random.normal(size=shape) * np.logspace(-12, 2, d),
        "outlier": lambda: np.where(np.arange(rows)[:, None] == 5, 1e6, 1) * random.normal(size=shape),
        "tiny": lambda: random.normal(size=shape) * 1e-15,
        "zero": lambda: np.zeros(shape),
    }
    return clouds[name]().astype(np.float32)


CLOUDS = ["normal", "far", "clusters", "loose clusters", "duplicates", "uneven", "outlier", "tiny", "zero"]


@pytest.mark.parametrize("products", ["tf32", "bf16"])
@pytest.mark.parametrize("d", DIMS)
def test_squared_distances(pairs, random, d, products):
    """They are those of rounded points, never negative, and of near points those of the points themselves."""
    for name in CLOUDS:
        x, y = cloud(random, name, (70, d)), cloud(random, name, (COLUMNS, d))
        found, exact = pairs("squares", products, x, y), squares_of(x, y)
        assert np.all(found >= 0), name
        assert np.all(np.abs(found - exact) <= (MOST[products] + ROUNDING) * exact), name
        near = exact < 0.9 * NEAR[products] * norms_of(x, y, 2)
        assert np.all(np.abs(found - exact)[near] <= (1e-6 + d * 2.0**-28) * exact[near]), name
        assert near.any() or name not in ("clusters", "duplicates")
        off = np.abs(np.sqrt(found) - np.sqrt(exact))
        assert np.all(off <= UNIT * norms_of(x, y) + ROUNDING * np.sqrt(exact)), name
        assert np.all(found[exact == 0] == 0), name
        roots = pairs("roots", products, x, y)
        assert np.all(np.abs(roots - np.sqrt(found)) <= 1e-6 * roots), name


@pytest.mark.parametrize("d", DIMS)
def test_points_are_rounded(gpu, pairs, compiled_for_gpus, random, d):
    """Nothing else is: what is found are distances of these in the precision of float32, whether lanes take in pairs of a row or of four."""
    x, y = (cloud(random, "normal", (rows, d)) for rows in (70, COLUMNS))
    middle = middle_of(y)
    expected = squares_of(rounded(x, middle), rounded(y, middle))
    assert np.all(np.abs(pairs("squares", "tf32", x, y) / expected - 1) <= 2.0**-18)
    assert np.abs(squares_of(x, y) / expected - 1).max() >= 2.0**-16
    w = positive(random, (COLUMNS, 1))
    entry = compiled_for_gpus(WEIGHTED.format(d=d), f"weighted{d}", "--products", "tf32").entries["weighted"]
    assert np.all(np.abs(on_gpu(gpu, entry, x, y, w) / (expected @ w) - 1) <= 2.0**-18)


@pytest.mark.parametrize("products", ["tf32", "bf16"])
@pytest.mark.parametrize("d", DIMS)
def test_scalar_products(pairs, random, d, products):
    for name in ("normal", "far", "uneven", "tiny"):
        x, y = cloud(random, name, (70, d)), cloud(random, name, (COLUMNS, d))
        found, exact = pairs("products", products, x, y), x.astype(np.float64) @ y.astype(np.float64).T
        magnitudes = np.abs(x).astype(np.float64) @ np.abs(y).astype(np.float64).T
        assert np.all(np.abs(found - exact) <= (2 * UNIT + ROUNDING) * magnitudes), name


@pytest.mark.parametrize("d", DIMS)
def test_that_it_is_asked_for(pairs, random, d):
    """Numbers are rounded where tf32 or bf16 is asked for, and else are not."""
    x, y = (cloud(random, "normal", (rows, d)) for rows in (70, COLUMNS))
    exact = {"squares": squares_of(x, y), "products": x.astype(np.float64) @ y.astype(np.float64).T}
    for name, expected in exact.items():
        scale = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(y, axis=1)[None]
        for products in ("auto", "tf32", "bf16"):
            error = (np.abs(pairs(name, products, x, y) - expected) / scale).max()
            assert error < 1e-6 if products == "auto" else error > 1e-5, (name, products, error)


FORMULAS = """
x = Vi(0, {d}); y = Vj(1, {d}); b = Vj(2, 2); w = Vj(3, 40)
out gauss = Sum[j](Exp(-SqDist(x, y) / {d}) * b)
out soft = LogSumExp[j](-SqDist(x, y) / {d})
out nearest = ArgMin[j](SqDist(x, y))
out few = ArgKMin[j, K=3](SqDist(x, y))
out wide = Sum[j](Exp(-SqDist(x, y) / {d}) * w)
"""


@pytest.mark.parametrize("products", ["tf32", "bf16"])
@pytest.mark.parametrize("d", DIMS)
def test_reductions(gpu, compiled_for_gpus, random, d, products):
    """Rows and columns around tiles and blocks, by all ways to take them in."""
    entries = compiled_for_gpus(FORMULAS.format(d=d), f"narrow{d}", "--products", products).entries
    for m, n in ((1, 1), (130, 200), (33, 601)) if IS_REAL else ((33, 301),):
        x, y = (random.normal(size=(rows, d)).astype(np.float32) for rows in (m, n))
        b, w = positive(random, (n, 2)), positive(random, (n, 40))
        squares = squares_of(x, y)
        # What a squared distance may be off by, as an exponent, and beside it the products of wide sums.
        off = 2 * UNIT * (norms_of(x, y) * np.sqrt(squares)).max() / d + ROUNDING
        kernel = np.exp(-squares / d)
        for name, weights, more in (("gauss", b, 0.0), ("wide", w, {"tf32": 3 * 2.0**-16, "bf16": 2.0**-7}[products])):
            found = on_gpu(gpu, entries[name], x, y, weights)
            assert np.abs(found / (kernel @ weights) - 1).max() <= np.expm1(off) + more + 1e-6, name
        soft = on_gpu(gpu, entries["soft"], x, y)
        assert np.abs(soft - np.log(kernel.sum(1))[:, None]).max() <= off + 1e-5
        for name in ("nearest", "few"):
            chosen = on_gpu(gpu, entries[name], x, y)
            found, least = np.take_along_axis(squares, chosen, 1), np.sort(squares, axis=1)[:, : chosen.shape[1]]
            assert np.all(found <= least * (1 + 2 * MOST[products])), name


@pytest.mark.parametrize("products", ["tf32", "bf16"])
@pytest.mark.parametrize("d", BOTH_WAYS)
def test_numbers_that_are_none(gpu, compiled_for_gpus, random, d, products):
    """Infinities, NaNs and overflows go where they go on the processor, and change nothing elsewhere."""
    entries = compiled_for_gpus(FORMULAS.format(d=d), f"narrow{d}", "--products", products).entries
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((70, d), (90, d), (90, 2)))
    x[3, 5], x[40, 0], y[7, 2] = np.inf, np.nan, -np.inf
    x[50], y[60] = 3e38, 1e-38
    for name in ("gauss", "soft"):
        given = (x, y, np.abs(b))[: len(entries[name].arguments)]
        found, expected = on_gpu(gpu, entries[name], *given), entries[name](*given)
        assert np.array_equal(np.isnan(found), np.isnan(expected)) and np.array_equal(np.isinf(found), np.isinf(expected)), name
        usual = np.isfinite(expected)
        assert usual.mean() > 0.9, name
        assert np.all(np.abs(found[usual] - expected[usual]) <= 0.01 * np.maximum(np.abs(expected[usual]), 1)), name


# A factor that NumPy finds to the last bit: the sum's error is left.
WIDE = "x = Vi(0, 1); y = Vj(1, 1); b = Vj(2, 40)\nout sums = Sum[j](Abs(x - y) * b)\n"


@pytest.mark.parametrize("products, least, most", [("auto", 0, 2.0**-21), ("tf32", 2.0**-21, 2.0**-16), ("bf16", 2.0**-12, 2.0**-8)])
def test_wide_sums(gpu, compiled_for_gpus, random, products, least, most):
    """Relative to the terms' magnitudes; where tensor cores do not compute them, the least error is that of float32."""
    entry = compiled_for_gpus(WIDE, "wide", "--products", products).entries["sums"]
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((41, 1), (50, 1), (50, 40)))
    factors = np.abs(x - y.T).astype(np.float64)
    error = np.abs(on_gpu(gpu, entry, x, y, b) - factors @ b) / (factors @ np.abs(b))
    assert error.max() <= most
    assert IS_REAL or error.max() >= least


def test_on_the_processor_it_changes_nothing(compiled, random):
    x, y, b, w = (positive(random, shape) for shape in ((40, 100), (50, 100), (50, 2), (50, 40)))
    libraries = [compiled(FORMULAS.format(d=100), "narrow100", "--target", "native", "--products", products) for products in ("auto", "tf32")]
    for name, given in (("gauss", (x, y, b)), ("wide", (x, y, w)), ("soft", (x, y))):
        assert np.array_equal(*(library.entries[name](*given) for library in libraries))


@pytest.mark.parametrize("d", BOTH_WAYS)
def test_in_slabs_and_batches(gpu, compiled_for_gpus, random, monkeypatch, d):
    entry = compiled_for_gpus(FORMULAS.format(d=d), f"narrow{d}", "--products", "tf32").entries["gauss"]
    x, y = (random.normal(size=shape).astype(np.float32) for shape in ((2, 140, d), (2, 300, d)))
    b = positive(random, (1, 300, 2))
    off = 4 * UNIT * max((norms_of(x[k], y[k]) * np.sqrt(squares_of(x[k], y[k]))).max() for k in range(2)) / d
    expected = np.stack([np.exp(-squares_of(x[k], y[k]) / d) @ b[0] for k in range(2)])
    found = on_gpu(gpu, entry, x, y, b)
    assert np.abs(found / expected - 1).max() <= off
    # Columns of a slab have a middle of their own.
    monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(13_000 * d))
    assert np.abs(entry(x, y, b, device_type=CUDA) / expected - 1).max() <= off
