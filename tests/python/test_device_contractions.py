"""Sums over many coordinates, which GPUs compute for a tile of pairs first: by tensor cores, or term by term."""

import numpy as np
import pytest

import device
import keops
from device import IS_REAL, Gpu, on_gpu
from keops import CUDA, MEMORY, CallError, relative_error
from test_device import agree, compare, positive

FORMULAS = """
x = Vi(0, {d}); y = Vj(1, {d}); b = Vj(2, 2)
out gauss = Sum[j](Exp(-SqDist(x, y) / {d}) * b)
out dots = Sum[j]((x | y) * b)
out soft = LogSumExp[j](-SqDist(x, y) / 4)
out nearest = ArgMin[j](SqDist(x, y))
out few = ArgKMin[j, K=3](SqDist(x, y))
out laplace = Sum[j](Exp(-Sum(Abs(x - y)) / {d}) * b)
out far = Max[j](Max(Abs(x - y)))
out at_i = Sum[i](Exp(-SqDist(x, y) / {d}) * b)
out x_gradient = Grad(gauss, x)
"""

# Coordinates around 16 and 32, which are taken together, and around panels of 64 of those that have more than 128.
DIMS = [10, 12, 16, 24, 33, 64, 100, 128, 129, 200] if IS_REAL else [10, 24, 33, 64, 129]
CLOUD_DIMS = [10, 16, 64, 200] if IS_REAL else [10, 24, 64, 200]


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


@pytest.fixture(scope="module")
def library(compiled_for_gpus):
    compiled = {}

    def of(d, *options):
        if (d, options) not in compiled:
            compiled[d, options] = compiled_for_gpus(FORMULAS.format(d=d), f"contracted{d}", *options)
        return compiled[d, options]

    return of


def arguments(entry, x, y, b, m):
    if entry.manifest["name"] == "x_gradient":
        return x, y, b, np.ones((m, 2), x.dtype)
    used = entry.manifest["name"] in ("gauss", "dots", "laplace", "at_i")
    return (x, y, b) if used else (x, y)


def exact(name, x, y, b):
    """The results in float64, by NumPy."""
    x, y, b = (array.astype(np.float64) for array in (x, y, b))
    differences = x[:, None] - y[None]
    squares, d = (differences**2).sum(-1), x.shape[1]
    if name == "gauss":
        return np.exp(-squares / d) @ b
    if name == "dots":
        return (x @ y.T) @ b
    if name == "soft":
        least = squares.min(1)
        return (np.log(np.exp((least[:, None] - squares) / 4).sum(1)) - least / 4)[:, None]
    if name == "nearest":
        return squares.argmin(1)[:, None]
    if name == "few":
        return np.argsort(squares, axis=1, kind="stable")[:, :3]
    if name == "laplace":
        return np.exp(-np.abs(differences).sum(-1) / d) @ b
    if name == "far":
        return np.abs(differences).max(-1).max(1)[:, None]
    if name == "at_i":
        return np.exp(-squares / d).T @ np.ones((len(x), 1)) * b
    weights = np.exp(-squares / d) * b.sum(1)[None]
    return -2 / d * (x * weights.sum(1)[:, None] - weights @ y)


def check(gpu, entry, x, y, b, most=1e-6):
    """Against float64; row numbers against the distances that they stand for."""
    name = entry.manifest["name"]
    found = on_gpu(gpu, entry, *arguments(entry, x, y, b, len(x)))
    expected = exact(name, x, y, b)
    if found.dtype.kind == "i":
        squares = ((x[:, None].astype(np.float64) - y[None]) ** 2).sum(-1)
        chosen = np.take_along_axis(squares, found, 1)
        least = np.sort(squares, axis=1)[:, : found.shape[1]]
        assert np.all(chosen <= least * (1 + 1e-6)), name
        return
    if name == "dots":
        # Terms cancel: what is left is not more accurate than they are.
        scale = np.linalg.norm((np.abs(x.astype(np.float64)) @ np.abs(y.astype(np.float64)).T) @ np.abs(b))
        assert np.linalg.norm(found - expected) <= most / 4 * scale, name
    elif np.any(expected):
        assert relative_error(found, expected) < most, name
    else:
        assert not np.any(found), name


@pytest.mark.parametrize("d", DIMS)
def test_against_float64(gpu, library, random, d):
    """Rows and columns around tiles and blocks."""
    for m, n in ((1, 1), (127, 31), (130, 200), (33, 601)) if IS_REAL else ((1, 1), (130, 200)):
        x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((m, d), (n, d), (n, 2)))
        for entry in library(d).entries.values():
            check(gpu, entry, x, y, np.abs(b))


@pytest.mark.parametrize("d", [33, 129])
def test_code_of_other_architectures(gpu, random, tmp_path, d):
    """What every GPU from compute capability 8.0 on can run, as they have less shared memory and no multiplications of four warps."""
    options = ["--target", "native,cuda", "--gpu-arch", "80"]
    library = keops.compile_formula(tmp_path, FORMULAS.format(d=d), "elsewhere", *options, env=device.environment())
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((130, d), (200, d), (200, 2)))
    for entry in library.entries.values():
        check(gpu, entry, x, y, np.abs(b))


@pytest.mark.parametrize("d", CLOUD_DIMS)
def test_near_duplicates_and_far_clouds(gpu, library, random, d):
    """Where |x|² + |y|² - 2 x·y would cancel: points on top of each other, clusters, clouds far from the origin, coordinates of other sizes."""
    m, n = 100, 150
    clusters = random.normal(size=(7, d)) * 10
    clouds = {
        "duplicates": (lambda k: np.resize(clusters, (k, d))),
        "clusters": (lambda k: np.resize(clusters, (k, d)) + random.normal(size=(k, d)) * 1e-3),
        "far": (lambda k: random.normal(size=(k, d)) + 1000),
        "outlier": (lambda k: np.where(np.arange(k)[:, None] == 5, 1e6, 1) * random.normal(size=(k, d))),
        "uneven": (lambda k: random.normal(size=(k, d)) * np.logspace(-6, 1, d)),
        "tiny": (lambda k: random.normal(size=(k, d)) * 1e-15),
        "zero": (lambda k: np.zeros((k, d))),
    }
    for name, cloud in clouds.items():
        x, y = cloud(m).astype(np.float32), cloud(n).astype(np.float32)
        b = positive(random, (n, 2))
        for entry in library(d).entries.values():
            if entry.manifest["name"] != "x_gradient" or name not in ("duplicates", "clusters", "zero"):
                check(gpu, entry, x, y, b, 1e-5 if entry.manifest["name"] == "x_gradient" else 2e-6)


@pytest.mark.parametrize("d", [16, 200])
def test_numbers_that_are_none(gpu, library, random, d):
    """Infinities and NaNs stay in their rows and columns."""
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((70, d), (90, d), (90, 2)))
    x[3, 5], x[40, 0], y[7, 2] = np.inf, np.nan, -np.inf
    x[50], y[60] = 3e38, 1e-38
    for name in ("gauss", "dots", "nearest", "far", "soft"):
        entry = library(d).entries[name]
        compare(gpu, entry, *arguments(entry, x, y, b, 70))


@pytest.mark.parametrize("d", [10, 13, 16, 32, 33])
def test_near_pairs_among_others_count_once(gpu, compiled_for_gpus, random, d):
    """Of some pairs |x|² + |y|² - 2 x·y would cancel, in tiles of which all else is exact enough; of equal columns the first is the nearest."""
    text = f"x = Vi(0, {d}); y = Vj(1, {d}); b = Vj(2, 1)\nout weights = Sum[j](Exp(-1000 * SqDist(x, y)) * b)\nout nearest = ArgMin[j](SqDist(x, y))"
    entries = compiled_for_gpus(text, f"near{d}").entries
    x, y = (random.normal(size=(rows, d)).astype(np.float32) for rows in (150, 700))
    b = np.arange(1, 701, dtype=np.float32)[:, None]
    columns, rows = random.permutation(700)[:90], random.integers(0, 40, 90)
    y[columns] = x[rows]
    weights, nearest = np.zeros((150, 1)), np.full((150, 1), 700)
    np.add.at(weights, (rows, 0), b[columns, 0])
    np.minimum.at(nearest, (rows, 0), columns)
    assert np.array_equal(on_gpu(gpu, entries["weights"], x, y, b), weights)
    found, is_near = on_gpu(gpu, entries["nearest"], x, y), nearest < 700
    assert np.array_equal(found[is_near], nearest[is_near])


@pytest.mark.parametrize("size", [1.77e18, 1e20])
def test_norms_that_overflow(gpu, library, random, size):
    """Squared distances do not."""
    x, y = (np.where(np.arange(rows) % 2, size, -size)[:, None] * (1 + 1e-6 * random.normal(size=(rows, 64))) for rows in (70, 90))
    for name in ("nearest", "few", "soft"):
        check(gpu, library(64).entries[name], x.astype(np.float32), y.astype(np.float32), np.ones((90, 2), np.float32), 1e-5)


def test_types_and_steps(gpu, library, random):
    """Other types, and rows that do not lie one after the other."""
    for kind, options in ((np.float64, ("--dtype", "f64")), (np.float16, ("--dtype", "f16"))):
        x, y, b = (random.normal(size=shape).astype(kind) for shape in ((70, 33), (90, 33), (90, 2)))
        for entry in library(33, *options).entries.values():
            compare(gpu, entry, *arguments(entry, x, y, b, 70))
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((70, 200), (128, 90), (90, 2)))
    for entry in library(64).entries.values():
        compare(gpu, entry, *arguments(entry, x[:, 3:131:2], y.T[:, ::-2], b, 70))


def test_long_parameters(gpu, compiled_for_gpus, random):
    """Parameters in shared memory, beside rows and columns of which a little less fits then."""
    text = "x = Vi(0, 128); y = Vj(1, 128); p = Pm(2, 2800)\nout at = ArgKMin[j, K=10](SqDist(x, y) * Sum(Square(p)))"
    entry = compiled_for_gpus(text, "parameters").entries["at"]
    x, y, p = (random.normal(size=shape).astype(np.float32) for shape in ((70, 128), (150, 128), (2800,)))
    compare(gpu, entry, x, y, p)


@pytest.mark.parametrize("d", [64, 129])
def test_in_slabs(gpu, library, random, monkeypatch, d):
    """Rows and columns in several parts, each of which is laid out for itself; too little room is refused."""
    m, n = 140, 500
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((m, d), (n, d), (n, 2)))
    entry, was_refused, slabs = library(d).entries["gauss"], False, 0
    expected = entry(*arguments(entry, x, y, np.abs(b), m))
    for bound in (1_200_000, 800_000, 650_000, 1000):
        monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(bound))
        try:
            agree(entry(*arguments(entry, x, y, np.abs(b), m), device_type=CUDA), expected, bound)
            slabs += 1
        except CallError as failure:
            was_refused = True
            assert failure.status == MEMORY, failure.message
    assert was_refused and slabs > 0


@pytest.mark.parametrize("d", [24, 64])
def test_batches_and_ranges(gpu, library, random, d):
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((3, 140, d), (1, 70, d), (3, 70, 2)))
    for name in ("gauss", "soft", "nearest", "laplace"):
        entry = library(d).entries[name]
        compare(gpu, entry, *arguments(entry, x, y, b, 140))
    blocks = np.array([[0, 50], [50, 140]], np.int64), np.array([1, 3], np.int64), np.array([[3, 40], [0, 10], [60, 70]], np.int64)
    ranges = (*blocks, *(np.zeros(shape, np.int64) for shape in ((0, 2), (0,), (0, 2))))
    for name in ("gauss", "nearest", "laplace"):
        entry = library(d).entries[name]
        found = on_gpu(gpu, entry, *arguments(entry, x[0], y[0], b[0], 140), ranges=ranges)
        agree(found, entry(*arguments(entry, x[0], y[0], b[0], 140), ranges=ranges), name)
