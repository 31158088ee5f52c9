"""Sums of a factor of each pair times the difference of its points, which GPUs compute as a matrix product too: gradients in points of many coordinates."""

import numpy as np
import pytest

from device import IS_REAL, Gpu, on_gpu
from test_device import agree, compare, positive

# One of each kind: alone, beside another sum, beside another wide sum.
KINDS = """
x = Vi(0, {d}); y = Vj(1, {d}); b = Vj(2, 1); e = Vi(3, 1); s = Pm(4, 1); f = Vj(5, 18)
K = Exp(-SqDist(x, y) * s)
value = Sum[j](K * b)
out x_gradient = Grad(value, x, e)
fused both {{ out values = Sum[j](K * b); out slopes = Grad(Sum[j](K * b), x, e) }}
fused mixed {{ out from_column = Sum[j](K * (y - x)); out of_column = Sum[j](K * f) }}
"""
# And what differs from these before and after the sum.
FORMULAS = f"""{KINDS}
out y_gradient = Grad(value, y, e)
out from_row = Sum[j]((x - y) * K)
"""

DIMS = [16, 20, 33, 64, 100, 128] if IS_REAL else [16, 33, 64, 128]
CLOUD_DIMS = [16, 32, 64, 100, 128] if IS_REAL else [16, 64, 128]
SIZES = [(1, 1), (127, 31), (130, 200), (33, 601), (5, 5000)] if IS_REAL else [(1, 1), (33, 301), (130, 67)]


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


@pytest.fixture(scope="module")
def library(compiled_for_gpus):
    return lambda d: compiled_for_gpus(FORMULAS.format(d=d), f"differences{d}")


@pytest.fixture(scope="module")
def kinds(compiled_for_gpus):
    return lambda d, *options: compiled_for_gpus(KINDS.format(d=d), f"kinds{d}", *options)


def inputs(random, x, y, s, dtype=np.float32):
    """By name; weights of both signs, so that sums cancel as they do in practice."""
    given = {"b": random.normal(size=(len(y), 1)), "e": random.normal(size=(len(x), 1)), "f": random.normal(size=(len(y), 18)), "s": np.array([s])}
    return {name: array.astype(dtype) for name, array in {"x": x, "y": y, **given}.items()}


def arguments(entry, given):
    return [given[tensor["name"]] for tensor in entry.arguments]


def sums(rows, columns, weights, s):
    """Σ_j w_j exp(-|x_i - y_j|² s) (x_i - y_j), term by term in the arrays' type; and that of the terms' lengths."""
    total, lengths = np.zeros_like(rows), np.zeros(len(rows), rows.dtype)
    for column, weight in zip(columns, weights, strict=True):
        difference = rows - column
        # One after the other, which `sum` does not do.
        squares = np.cumsum(difference * difference, axis=1)[:, -1]
        factor = weight * np.exp(-squares * s)
        total += factor[:, None] * difference
        lengths += np.abs(factor) * np.sqrt(squares)
    return total, lengths


def results(name, given, dtype):
    """What an entry computes of differences of row and column, and the terms' lengths."""
    x, y, b, e, s = (given[name].astype(dtype) for name in "xybes")
    if name == "y_gradient":
        total, lengths = sums(y, x, e[:, 0], s[0])
        return -2 * s * b * total, 2 * s * np.abs(b[:, 0]) * lengths
    if name in ("mixed", "from_row", "from_column"):
        return sums(x, y, np.ones(len(y), dtype), s[0])
    total, lengths = sums(x, y, b[:, 0], s[0])
    return -2 * s * e * total, 2 * s * np.abs(e[:, 0]) * lengths


def differences_of(name, found):
    """Those among an entry's results, as of row and column."""
    chosen = {"both": lambda: [found[1]], "mixed": lambda: [-found[0]], "from_column": lambda: [-found]}
    return chosen.get(name, lambda: [found])()


def check(gpu, library, given, what):
    """No entry errs by more than four times what a plain loop in float32 does, or what rounding each term once may."""
    length = np.linalg.norm
    for name, entry in library.entries.items():
        if name in ("values", "of_column"):
            continue
        found = on_gpu(gpu, entry, *arguments(entry, given))
        (expected, lengths), (plain, _) = (results(name, given, dtype) for dtype in (np.float64, np.float32))
        most = 4 * max(length(plain - expected), 2.0**-24 * length(lengths))
        for one in differences_of(name, found):
            assert length(one - expected) <= most, (what, name, length(one - expected), most)


@pytest.mark.parametrize("d", DIMS)
def test_against_float64(gpu, library, random, d):
    """Rows and columns around tiles and blocks, and in several splits."""
    for m, n in SIZES:
        check(gpu, library(d), inputs(random, random.normal(size=(m, d)), random.normal(size=(n, d)), 1 / d), (m, n))


def clouds(random, d):
    """Rows and columns of points, and the factor of squared distances."""
    m, n = (130, 200) if IS_REAL else (70, 150)
    clusters = random.normal(size=(7, d)) / d**0.5
    near = (lambda k: np.resize(clusters, (k, d)) + random.normal(size=(k, d)) * 1e-3 / d**0.5)
    same = random.normal(size=(n, d))
    flat = (lambda k: random.normal(size=(k, 3)) @ random.normal(size=(3, d)))
    centre, radius = np.eye(1, d), {16: 0.65, 32: 0.65, 64: 1, 100: 1.5, 128: 1.7}[d]
    sphere = random.normal(size=(n // 2, d))
    sphere *= radius / np.linalg.norm(sphere, axis=1, keepdims=True)
    return {
        "far": (random.normal(size=(m, d)) + 1e4, random.normal(size=(n, d)) + 1e4, 1 / d),
        "apart": (random.normal(size=(m, d)) + 3, random.normal(size=(n, d)), 0.1 / d),
        "near duplicates": (near(m), near(n), 1),
        "clusters alone": (near(m), near(n), 1e6),
        "the same": (same[:m], same, 1 / d),
        "the same, small sigma": (same[:m], same + 0.01 * random.normal(size=(n, d)), 1e3),
        # Just not so near each other that pairs are added one by one, but relative to the middle as far from it as may be.
        "that cancel": (centre + 1e-3 * random.normal(size=(m, d)), np.concatenate([centre + sphere, -centre + sphere, centre - sphere, -centre - sphere]), 1 / radius**2),
        "flat": (flat(m), flat(n), 0.1 / d),
        "one outlier": (random.normal(size=(m, d)), np.where(np.arange(n)[:, None] == 5, 1e6, 1) * random.normal(size=(n, d)), 1 / d),
        "tiny": (random.normal(size=(m, d)) * 1e-12, random.normal(size=(n, d)) * 1e-12, 1e22),
        "large": (random.normal(size=(m, d)) * 1e13, random.normal(size=(n, d)) * 1e13, 1e-26 / d),
        "overflow": (random.normal(size=(m, d)) * 1e17 + 1e20, random.normal(size=(n, d)) * 1e17 + 1e20, 1e-34 / d),
        "zero": (np.zeros((m, d)), np.zeros((n, d)), 1),
    }


@pytest.mark.parametrize("d", CLOUD_DIMS)
def test_hard_clouds(gpu, library, random, d):
    """Where x - m and y - m cancel: near each other, on top of each other, far from the origin, of other sizes."""
    for name, (x, y, s) in clouds(random, d).items():
        check(gpu, library(d), inputs(random, x, y, s), name)


@pytest.mark.parametrize("d", [16, 64])
def test_numbers_that_are_none(gpu, library, random, d):
    """Infinities and NaNs go where they go on the processor."""
    given = inputs(random, random.normal(size=(70, d)), random.normal(size=(90, d)), 1 / d)
    given["b"] = positive(random, (90, 1))
    given["x"][3, 5], given["x"][40, 0], given["x"][50] = np.inf, np.nan, 3e38
    for entry in library(d).entries.values():
        compare(gpu, entry, *arguments(entry, given))
    given["y"][7, 2], given["y"][8] = -np.inf, 1e-38
    for entry in library(d).entries.values():
        compare(gpu, entry, *arguments(entry, given))
    for number in (np.inf, np.nan, 3e38, 1e12):
        more = {**given, "b": given["b"].copy()}
        more["b"][11] = number
        for name in ("x_gradient", "both"):
            entry = library(d).entries[name]
            found, expected = on_gpu(gpu, entry, *arguments(entry, more)), entry(*arguments(entry, more))
            for one, other in zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]:
                size = np.abs(other[np.isfinite(other)]).max(initial=1)
                agree(one / size, other / size, (name, number))


def test_bits_do_not_depend_on_other_rows(gpu, library, random):
    """Nor on which other pairs are computed apart."""
    y = random.normal(size=(700, 33))
    given = inputs(random, np.concatenate([random.normal(size=(110, 33)), y[:30]]), y, 1 / 33)
    entry = library(33).entries["x_gradient"]
    found = on_gpu(gpu, entry, *arguments(entry, given))
    for rows in (slice(7, 8), slice(100, 135)):
        some = {**given, "x": given["x"][rows], "e": given["e"][rows]}
        assert np.array_equal(on_gpu(gpu, entry, *arguments(entry, some)), found[rows])


def test_types_and_steps(gpu, library, kinds, random):
    """Other types, and rows that do not lie one after the other."""
    for kind, options in ((np.float64, ("--dtype", "f64")), (np.float16, ("--dtype", "f16"))):
        given = inputs(random, random.normal(size=(70, 33)), random.normal(size=(90, 33)), 1 / 33, kind)
        for entry in kinds(33, *options).entries.values():
            compare(gpu, entry, *arguments(entry, given))
    given = inputs(random, random.normal(size=(70, 200)), random.normal(size=(90, 33)), 1 / 33)
    given |= {"x": given["x"][:, 3:102:3], "y": np.asfortranarray(given["y"])[::-1]}
    for entry in library(33).entries.values():
        compare(gpu, entry, *arguments(entry, given))


@pytest.mark.parametrize("scheme", ["direct", "block", "kahan"])
def test_other_ways_to_sum(gpu, kinds, random, scheme):
    given = inputs(random, random.normal(size=(40, 33)), random.normal(size=(700, 33)), 1 / 33)
    check(gpu, kinds(33, "--sum", scheme), given, scheme)


def test_batches_and_ranges(gpu, library, random):
    x, y = random.normal(size=(3, 140, 33)), random.normal(size=(3, 70, 33)) + np.arange(3)[:, None, None] * 10
    x[:, :20] = y[:, :20]
    given = inputs(random, x, y, 1 / 33)
    given |= {name: random.normal(size=(3, rows, width)).astype(np.float32) for name, rows, width in (("b", 70, 1), ("e", 140, 1), ("f", 70, 18))}
    for entry in library(33).entries.values():
        compare(gpu, entry, *arguments(entry, given))
    blocks = np.array([[0, 50], [50, 140]], np.int64), np.array([1, 3], np.int64), np.array([[3, 40], [0, 10], [60, 70]], np.int64)
    ranges = (*blocks, *(np.zeros(shape, np.int64) for shape in ((0, 2), (0,), (0, 2))))
    given = {name: array if name == "s" else array[0] for name, array in given.items()}
    for name in ("x_gradient", "both", "mixed"):
        entry = library(33).entries[name]
        agree(on_gpu(gpu, entry, *arguments(entry, given), ranges=ranges), entry(*arguments(entry, given), ranges=ranges), name)
