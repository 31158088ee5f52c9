"""Sums of many components of a factor of each pair times a column, which GPUs compute as a matrix product: by tensor cores, or one by one."""

import numpy as np
import pytest

from device import IS_REAL, Gpu, on_gpu
from keops import CUDA, relative_error
from test_device import agree, compare, positive

GAUSS = """
x = Vi(0, {d}); y = Vj(1, {d}); b = Vj(2, {e})
K = Exp(-SqDist(x, y) / {d})
out gauss = Sum[j](K * b)
"""
FORMULAS = f"""{GAUSS}
c = Vj(3, 1); f = Vj(4, 18)
out dots = Sum[j]((x | y) * b)
out means = Sum[j](K * b) / Sum[j](K)
out computed = Sum[j](K * (b * Exp(c)))
fused both {{{{ out few = Sum[j](K * c); out many = Sum[j](K * b); out more = Sum[j](K * f) }}}}
fused extremes {{{{ out most = Max[j](SqDist(x, y)); out sums = Sum[j](K * b) }}}}
"""

# Coordinates that are contracted first, and such that are not; components around those that lanes share out.
SHAPES = [(3, 32), (2, 33), (1, 64), (5, 100), (3, 128), (3, 129), (16, 64), (33, 40), (130, 48)] if IS_REAL else [(3, 33), (2, 64), (3, 100), (16, 40)]
SIZES = [(1, 1), (127, 31), (130, 200), (33, 601), (5, 5000)] if IS_REAL else [(1, 1), (33, 301), (130, 67)]


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


@pytest.fixture(scope="module")
def library(compiled_for_gpus):
    return lambda d, e, *options: compiled_for_gpus(FORMULAS.format(d=d, e=e), f"wide{d}_{e}", *options)


def arguments(entry, x, y, b, c, f):
    given = {"x": x, "y": y, "b": b, "c": c, "f": f}
    return [given[tensor["name"]] for tensor in entry.arguments]


def exact(name, x, y, b, c, f):
    """The results in float64, by NumPy."""
    x, y, b, c, f = (array.astype(np.float64) for array in (x, y, b, c, f))
    squares = ((x[:, None] - y[None]) ** 2).sum(-1)
    k = np.exp(-squares / x.shape[1])
    results = {
        "gauss": lambda: k @ b,
        "dots": lambda: (x @ y.T) @ b,
        "means": lambda: k @ b / k.sum(1, keepdims=True),
        "computed": lambda: k @ (b * np.exp(c)),
        "few": lambda: k @ c,
        "many": lambda: k @ b,
        "more": lambda: k @ f,
        "both": lambda: (k @ c, k @ b, k @ f),
        "most": lambda: squares.max(1, keepdims=True),
        "sums": lambda: k @ b,
        "extremes": lambda: (squares.max(1, keepdims=True), k @ b),
    }
    return results[name]()


@pytest.mark.parametrize("d, e", SHAPES)
def test_against_float64(gpu, library, random, d, e):
    """Rows and columns around tiles and blocks."""
    for m, n in SIZES:
        x, y = random.normal(size=(m, d)).astype(np.float32), random.normal(size=(n, d)).astype(np.float32)
        weights = [positive(random, (n, width)) for width in (e, 1, 18)]
        for entry in library(d, e).entries.values():
            name = entry.manifest["name"]
            found, expected = on_gpu(gpu, entry, *arguments(entry, x, y, *weights)), exact(name, x, y, *weights)
            if name == "dots":
                scale = np.linalg.norm(np.abs(x) @ np.abs(y).T @ weights[0])
                assert np.linalg.norm(found - expected) <= 3e-7 * scale, name
                continue
            for one, other in zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]:
                assert relative_error(one, other) < 1e-6, (name, m, n)


# A factor that NumPy finds to the last bit: the sum's error is left.
EXACT = "x = Vi(0, 1); y = Vj(1, 1); b = Vj(2, 40)\nout sums = Sum[j](Abs(x - y) * b)\n"


def powers(random, shape, least, most):
    """Numbers of both signs whose magnitudes are spread over the powers of two."""
    signs = random.choice([-1.0, 1.0], shape)
    return (signs * np.exp2(random.uniform(least, most, shape))).astype(np.float32)


CLOUDS = {
    "alike": ((-1, 1), (-1, 1)),
    "spread": ((-60, 35), (-60, 35)),
    "small factors": ((-126, -90), (0, 30)),
    "small components": ((0, 30), (-126, -90)),
    "no normal numbers": ((-149, -120), (10, 35)),
    "large factors": ((-100, 120), (-120, -10)),
    "large components": ((-120, -10), (-100, 120)),
    "both": ((-60, 60), (-60, 60)),
}


@pytest.mark.parametrize("n", [1, 40, 700])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_error_of_a_sum_that_cancels(gpu, compiled_for_gpus, random, cloud, n):
    """No sum errs by more than four times the worst of a plain loop in float32, relative to the terms' magnitudes, whatever these are."""
    entry = compiled_for_gpus(EXACT, "exact").entries["sums"]
    of_factors, of_components = CLOUDS[cloud]
    y, b = powers(random, (n, 1), *of_factors), powers(random, (n, 40), *of_components)
    x = np.concatenate([np.zeros((1, 1), np.float32), powers(random, (40, 1), *of_factors)])
    factors, plain = np.abs(x - y.T), np.zeros((41, 40), np.float32)
    for column in range(n):
        plain += factors[:, column, None] * b[column]
    wide = factors.astype(np.float64), b.astype(np.float64)
    # What is below the least number is rounded to that.
    most = np.abs(wide[0]) @ np.abs(wide[1]) + n * 2.0**-125
    found, of_plain = ((np.abs(sums - wide[0] @ wide[1]) / most).max() for sums in (on_gpu(gpu, entry, x, y, b), plain))
    assert found <= 4 * max(of_plain, 2.0**-24), (found * 2**24, of_plain * 2**24)


@pytest.mark.parametrize("d, e", [(3, 33), (16, 40)])
def test_numbers_that_are_none(gpu, library, random, d, e):
    """Infinities and NaNs go where they go on the processor, and change no bit elsewhere."""
    m, n = 70, 90
    x, y, c = (random.normal(size=shape).astype(np.float32) for shape in ((m, d), (n, d), (n, 1)))
    b, f = positive(random, (n, e)), positive(random, (n, 18))
    entry = library(d, e).entries["gauss"]
    before = on_gpu(gpu, entry, *arguments(entry, x, y, b, c, f))
    b[7, 2], b[8, 2], b[50, 3], b[89, 4], b[3, 5] = np.inf, -np.inf, np.nan, -np.inf, 3e38
    found, _ = compare(gpu, entry, *arguments(entry, x, y, b, c, f))
    others = [k for k in range(e) if k not in (2, 3, 4, 5)]
    assert np.array_equal(found[:, others], before[:, others])
    x[3, 0], y[60] = np.nan, 1e30
    compare(gpu, entry, *arguments(entry, x, y, b, c, f))
    for name in ("dots", "means", "computed", "both"):
        entry = library(d, e).entries[name]
        compare(gpu, entry, *arguments(entry, x, y, b, c, f))


# Without a contraction, and with one that leaves pairs in registers.
WAYS = [(3, 33), (16, 40)]


@pytest.mark.parametrize("d, e", WAYS)
def test_bits_do_not_depend_on_other_rows(gpu, library, random, d, e):
    """Nor on how many blocks share the columns."""
    x, y = random.normal(size=(140, d)).astype(np.float32), random.normal(size=(700, d)).astype(np.float32)
    weights = [positive(random, (700, width)) for width in (e, 1, 18)]
    entry = library(d, e).entries["gauss"]
    found = on_gpu(gpu, entry, *arguments(entry, x, y, *weights))
    for rows in (slice(7, 8), slice(100, 135)):
        assert np.array_equal(on_gpu(gpu, entry, *arguments(entry, x[rows], y, *weights)), found[rows])


@pytest.mark.parametrize("d, e", WAYS)
def test_in_slabs(gpu, library, random, monkeypatch, d, e):
    """Rows and columns in several parts: the same bits, but for distances to a middle of other columns."""
    x, y = random.normal(size=(140, d)).astype(np.float32), random.normal(size=(700, d)).astype(np.float32)
    weights = [positive(random, (700, width)) for width in (e, 1, 18)]
    for name in ("gauss", "both"):
        entry = library(d, e).entries[name]
        given = arguments(entry, x, y, *weights)
        expected = on_gpu(gpu, entry, *given)
        for bound in (300_000, 200_000) if d < 16 else (900_000, 650_000):
            monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(bound))
            found = entry(*given, device_type=CUDA)
            for one, other in zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]:
                assert np.array_equal(one, other) if d < 16 else relative_error(one, other) < 1e-6, (name, bound)


def test_types_and_steps(gpu, library, random):
    """Other types, and rows that do not lie one after the other."""
    for kind, options in ((np.float64, ("--dtype", "f64")), (np.float16, ("--dtype", "f16"))):
        x, y, b, c, f = (random.normal(size=shape).astype(kind) for shape in ((70, 3), (90, 3), (90, 33), (90, 1), (90, 18)))
        for entry in library(3, 33, *options).entries.values():
            compare(gpu, entry, *arguments(entry, x, y, np.abs(b), c, np.abs(f)))
    x, y, b, c, f = (positive(random, shape) for shape in ((70, 3), (90, 3), (128, 90), (90, 1), (90, 40)))
    for entry in library(3, 64).entries.values():
        compare(gpu, entry, *arguments(entry, x, y, b.T[::-1, ::2], c, f[:, 2:38:2]))


@pytest.mark.parametrize("scheme", ["direct", "block", "kahan"])
def test_other_ways_to_sum(gpu, compiled_for_gpus, random, scheme):
    x, y = random.normal(size=(40, 3)).astype(np.float32), random.normal(size=(700, 3)).astype(np.float32)
    weights = [positive(random, (700, width)) for width in (33, 1, 18)]
    entry = compiled_for_gpus(GAUSS.format(d=3, e=33), "gauss", "--sum", scheme).entries["gauss"]
    assert relative_error(on_gpu(gpu, entry, *arguments(entry, x, y, *weights)), exact("gauss", x, y, *weights)) < 1e-6


@pytest.mark.parametrize("d, e", WAYS)
def test_batches_and_ranges(gpu, library, random, d, e):
    """What no block of a row reaches is no part of it, whatever it is."""
    x, y = random.normal(size=(3, 140, d)).astype(np.float32), random.normal(size=(1, 70, d)).astype(np.float32)
    b, c, f = (positive(random, (3, 70, width)) for width in (e, 1, 18))
    for entry in library(d, e).entries.values():
        if entry.manifest["name"] != "dots":
            compare(gpu, entry, *arguments(entry, x, y, b, c, f))
    blocks = np.array([[0, 50], [50, 140]], np.int64), np.array([1, 3], np.int64), np.array([[3, 40], [0, 10], [60, 70]], np.int64)
    ranges = (*blocks, *(np.zeros(shape, np.int64) for shape in ((0, 2), (0,), (0, 2))))
    b[0, 41], b[0, 59, 1] = np.inf, np.nan
    for name in ("gauss", "both"):
        entry = library(d, e).entries[name]
        given = arguments(entry, x[0], y[0], b[0], c[0], f[0])
        found = on_gpu(gpu, entry, *given, ranges=ranges)
        agree(found, entry(*given, ranges=ranges), name)
        assert all(np.isfinite(one).all() for one in (found if isinstance(found, tuple) else (found,)))
