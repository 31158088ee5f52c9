"""How sums are made: the definition of each scheme, bounds on errors, accumulators of float64, counts.

Terms are x * y where x is a power of two, so that they are exact and all error is the sums'.
"""

import math

import numpy as np
import pytest

TYPES = {"f32": np.float32, "f64": np.float64}
SCHEMES = ["auto", "direct", "block", "kahan"]
# Around blocks and chunks of every scheme.
COUNTS = [1, 2, 7, 8, 9, 127, 128, 129, 511, 512, 513, 1000, 10_000, 100_000]
POWERS = np.array([[1], [0.5], [-4], [8]])
SOURCE = """
x = Vi(1); y = Vj(1); w = Vj(1)
out total = Sum[j](x * y)
out mean = Mean[j](x * y)
out soft = SumSoftMaxWeight[j](x * y, w)
out log = LogSumExp[j](x * y)
out weighted = LogSumExp[j](x * y, weight=w)
out raw = Max_SumShiftExpWeight[j](x * y, weight=w)
"""


def unit(dtype):
    """The unit roundoff: half the distance from 1 to the next number."""
    return float(np.finfo(TYPES[dtype]).eps) / 2


def running(values):
    """One running sum, in the type of the values."""
    return np.add.accumulate(values, dtype=values.dtype)[-1]


def sum_of_blocks(values, length):
    """A running sum of the running sums of blocks."""
    blocks = [running(values[start : start + length]) for start in range(0, len(values), length)]
    return running(np.array(blocks, values.dtype))


def keops_block_sum(values):
    """KeOps' default on the CPU: the sum of a block is added to the total every √N terms, every 100 of less than 10 terms."""
    return sum_of_blocks(values, 100 if len(values) < 10 else math.isqrt(len(values)))


def block_sum(values):
    """Ours: blocks of √N terms, rounded up to a multiple of 8."""
    return sum_of_blocks(values, -(-math.isqrt(len(values)) // 8) * 8)


def sums(random, dtype, count):
    """Name → terms that are hard to add up."""
    half = random.standard_normal(count // 2)
    cancelling = random.permutation(np.concatenate([half, -half, np.zeros(count % 2)]))
    large = 1e8 if dtype == "f32" else 1e17
    tiny = float(np.finfo(TYPES[dtype]).smallest_subnormal)
    cases = {
        "positive": random.random(count),
        "signed": random.standard_normal(count),
        "equal": np.full(count, 0.1),
        "alternating": np.resize([large, 1, -large, 3], count),
        "large first": np.concatenate([[large], np.ones(count - 1)]),
        "large last": np.concatenate([np.ones(count - 1), [large]]),
        "growing": np.geomspace(1e-15, 1e15, count),
        "shrinking": np.geomspace(1e15, 1e-15, count),
        "cancelling": cancelling,
        "subnormal": tiny * random.integers(-1000, 1000, count),
    }
    return {name: values.astype(TYPES[dtype]) for name, values in cases.items()}


def magnitude(values):
    """The sum of the terms' magnitudes."""
    return math.fsum(np.abs(values).tolist())


def by_name(entry, **arrays):
    """A call with those of the arrays that the entry takes."""
    return entry(*(arrays[tensor["name"]] for tensor in entry.arguments))


def column(values):
    return np.ascontiguousarray(values[:, None])


@pytest.mark.parametrize("dtype", TYPES)
def test_direct_and_block_sums_are_what_their_names_say(compiled, random, dtype):
    """Bit for bit, for one row and for many, on any number of threads."""
    libraries = {scheme: compiled(SOURCE, "sums", "--dtype", dtype, "--sum", scheme) for scheme in ("direct", "block")}
    for count in COUNTS:
        values = random.standard_normal(count).astype(TYPES[dtype])
        for scheme, define in [("direct", running), ("block", block_sum)]:
            for rows in (1, 100):
                x = np.ones((rows, 1), TYPES[dtype])
                for threads in (1, 2, 5):
                    found = libraries[scheme].total(x, column(values), threads=threads)
                    assert np.all(found == define(values)), (scheme, count, rows, threads)


@pytest.mark.parametrize("scheme", ["auto", "kahan"])
@pytest.mark.parametrize("dtype", TYPES)
def test_errors_of_sums_are_bounded(compiled, random, dtype, scheme):
    """|error| ≤ 4 u log2(N) Σ|terms| for sums and means, 2 u Σ|terms| for compensated ones."""
    library = compiled(SOURCE, "sums", "--dtype", dtype, "--sum", scheme)
    x = POWERS.astype(TYPES[dtype])
    for count in COUNTS:
        factor = 2 if scheme == "kahan" else 4 * max(1, math.log2(count))
        for name, values in sums(random, dtype, count).items():
            exact, scale = math.fsum(values.tolist()), magnitude(values)
            smallest = float(np.finfo(TYPES[dtype]).smallest_subnormal)
            y = column(values)
            total = library.total(x, y)[:, 0].astype(np.longdouble) / x[:, 0] - exact
            assert np.all(abs(total) <= factor * unit(dtype) * scale + 2 * smallest), (name, count)
            mean = library.mean(x, y)[:, 0].astype(np.longdouble) / x[:, 0] - np.longdouble(exact) / count
            assert np.all(abs(mean) <= (factor + 1) * unit(dtype) * scale / count + 2 * smallest), (name, count, "mean")


@pytest.mark.parametrize("scheme", ["auto", "kahan"])
@pytest.mark.parametrize("dtype", TYPES)
def test_sums_err_no_more_than_keops_block_sums(compiled, random, dtype, scheme):
    """For each kind of terms the root of the mean square over draws, which also scale the terms: single sums are a matter of luck. Below 2 u Σ|terms|
    it is a few roundings that decide."""
    library = compiled(SOURCE, "sums", "--dtype", dtype, "--sum", scheme)
    one = np.ones((1, 1), TYPES[dtype])
    for count, draws in [(1, 1), (2, 1), (9, 40), (129, 40), (1000, 40), (10_000, 20), (100_000, 4)]:
        errors = {}
        for _ in range(draws):
            for name, values in sums(random, dtype, count).items():
                values = values * TYPES[dtype](random.uniform(1, 2))
                exact, scale = math.fsum(values.tolist()), magnitude(values)
                both = float(library.total(one, column(values))[0, 0]), float(keops_block_sum(values))
                errors.setdefault(name, []).append([(found - exact) / (unit(dtype) * max(scale, 1e-300)) for found in both])
        for name, found in errors.items():
            ours, keops = np.sqrt(np.mean(np.square(found), axis=0))
            assert ours <= max(2, 1.1 * keops), (name, count)


@pytest.mark.parametrize("dtype", TYPES)
def test_factors_next_to_the_largest_number_leave_the_distance_0_alone(compiled, dtype):
    """Exponents take in a factor log2 e, with which 1/s is infinite here; 0 times that is no number."""
    source = "x = Vi(2); y = Vj(2); s = Pm(1); w = Vi(1)\nout f = Sum[j](Exp(-SqDist(x, y) / s)); out g = Sum[j](Exp(-SqDist(x, y) * w))\n"
    library = compiled(source, "steep", "--dtype", dtype)
    largest = np.finfo(TYPES[dtype]).max
    points = np.arange(40, dtype=TYPES[dtype]).reshape(20, 2)
    for share in (0.99, 0.9, 0.7, 0.69, 0.5):
        w = np.full((20, 1), share * largest, TYPES[dtype])
        for found in by_name(library.f, x=points, y=points, s=1 / w[0]), by_name(library.g, x=points, y=points, w=w):
            assert np.all(found == 1), share


@pytest.mark.parametrize(
    ("exponent", "factor"),
    [("-SqDist(x, y) / Square(s)", lambda s: 1 / s**2), ("-SqDist(x, y) * s", lambda s: s), ("-SqDist(x, y) / (2 * s)", lambda s: 0.5 / s)],
)
def test_compensated_sums_of_exponentials_err_as_their_terms_do(compiled, exponent, factor):
    """Exponents are not rounded all alike: of the errors of 1e5 terms next to nothing is left in their sum."""
    source = f"x = Vi(3); y = Vj(3); b = Vj(1); s = Pm(1)\nout f = Sum[j](Exp({exponent}) * b)\n"
    library = compiled(source, "gauss", "--sum", "kahan")
    random = np.random.default_rng(0)
    x, y, b = (random.random(shape).astype(np.float32) for shape in [(64, 3), (100_000, 3), (100_000, 1)])
    s = np.array([0.8], np.float32)
    found = by_name(library.f, x=x, y=y, b=b, s=s)[:, 0]
    scale = factor(float(s[0]))
    exact = np.array([np.exp(-scale * ((row - y.astype(float)) ** 2).sum(axis=1)) @ b[:, 0].astype(float) for row in x.astype(float)])
    assert np.linalg.norm(found - exact) <= 4e-8 * np.linalg.norm(exact)


@pytest.mark.parametrize(("scheme", "bound"), [("direct", lambda n: n), ("block", lambda n: 2 * math.sqrt(n) + 8)])
@pytest.mark.parametrize("dtype", TYPES)
def test_documented_bounds_of_other_schemes(compiled, random, dtype, scheme, bound):
    library = compiled(SOURCE, "sums", "--dtype", dtype, "--sum", scheme)
    one = np.ones((1, 1), TYPES[dtype])
    for count in COUNTS:
        for name, values in sums(random, dtype, count).items():
            error = abs(float(library.total(one, column(values))[0, 0]) - math.fsum(values.tolist()))
            assert error <= bound(count) * unit(dtype) * magnitude(values), (name, count)


def exponents(random, count):
    """Name → values whose exponentials are summed."""
    return {
        "uniform": random.random(count),
        "equal": np.full(count, 0.1),
        "rising": np.linspace(-20, 20, count),
        "falling": np.linspace(20, -20, count),
        "alternating": np.resize([0.0, -100.0, 3.0], count),
        "far": 500 + random.standard_normal(count),
    }


@pytest.mark.parametrize("scheme", ["auto", "kahan"])
@pytest.mark.parametrize("dtype", TYPES)
def test_errors_of_sums_of_exponentials_are_bounded(compiled, random, dtype, scheme):
    """|error| ≤ 8 u log2(2 N) Σ|terms| for the sums relative to the largest exponential, and for softmax means by the sum of the softmax;
    logarithms are off by that relative to the sum, and 2 u |value|."""
    library = compiled(SOURCE, "sums", "--dtype", dtype, "--sum", scheme)
    x = np.array([[1], [0.5]], TYPES[dtype])
    for count in COUNTS:
        factor = 8 * math.log2(2 * count) * unit(dtype)
        weights = random.standard_normal(count).astype(TYPES[dtype])
        positive = abs(weights)
        for name, values in exponents(random, count).items():
            values = values.astype(TYPES[dtype])
            scores = x.astype(np.longdouble) * values
            largest = scores.max(axis=1)
            terms = np.exp(scores - largest[:, None])
            total, sizes = terms.sum(axis=1), (terms * positive).sum(axis=1)
            y, w = column(values), column(weights)
            raw = library.raw(x, y, w)
            assert np.all(raw[:, 0] == largest), (name, count)
            assert np.all(abs(raw[:, 1] - (terms * weights).sum(axis=1)) <= factor * sizes), (name, count)
            soft = library.soft(x, y, w)[:, 0] - (terms * weights).sum(axis=1) / total
            assert np.all(abs(soft) <= 2 * factor * sizes / total), (name, count)
            for found, exact in [
                (library.log(x, y), largest + np.log(total)),
                (library.weighted(x, y, column(positive)), largest + np.log(sizes)),
            ]:
                assert np.all(abs(found[:, 0] - exact) <= factor + 2 * unit(dtype) * abs(exact)), (name, count)


def test_the_default_is_no_worse_than_keops_on_sums_of_exponentials(compiled, random):
    """The emulation: exponentials in float64, rounded, relative to the largest of all, in KeOps' blocks."""
    library = compiled(SOURCE, "sums")
    one = np.ones((1, 1), np.float32)
    for count in COUNTS:
        weights = random.standard_normal(count).astype(np.float32)
        for name, values in exponents(random, count).items():
            values = values.astype(np.float32)
            terms = np.exp(values.astype(float) - float(values.max()))
            exact, scale = math.fsum((terms * weights).tolist()), magnitude(terms * weights)
            keops = float(keops_block_sum(terms.astype(np.float32) * weights))
            found = float(library.raw(one, column(values), column(weights))[0, 1])
            assert abs(found - exact) <= max(abs(keops - exact), 3 * unit("f32") * scale), (name, count)


# Reductions of p = x * y, which is exact, and their values in float64.
WIDE = {
    "Sum[j](p)": lambda p, w: p.sum(axis=1),
    "KahanSum[j](p)": lambda p, w: p.sum(axis=1),
    "Mean[j](p)": lambda p, w: p.mean(axis=1),
    "KahanMean[j](p)": lambda p, w: p.mean(axis=1),
    "Prod[j](1 + Sign(p) / 1024)": lambda p, w: (1 + np.sign(p) / 1024).prod(axis=1),
    "Count[j](p)": lambda p, w: (p != 0).sum(axis=1),
    "Any[j](p)": lambda p, w: (p != 0).any(axis=1),
    "All[j](p)": lambda p, w: (p != 0).all(axis=1),
    "LogSumExp[j](p)": lambda p, w: np.log(np.exp(p).sum(axis=1)),
    "LogSumExp[j](p, weight=w)": lambda p, w: np.log((np.exp(p) * w).sum(axis=1)),
    "KahanLogSumExp[j](p, weight=w)": lambda p, w: np.log((np.exp(p) * w).sum(axis=1)),
    "SumSoftMaxWeight[j](p, w)": lambda p, w: (np.exp(p) * w).sum(axis=1) / np.exp(p).sum(axis=1),
    "KahanSumSoftMaxWeight[j](p, w)": lambda p, w: (np.exp(p) * w).sum(axis=1) / np.exp(p).sum(axis=1),
    "Min[j](p)": lambda p, w: p.min(axis=1),
    "Max[j](p)": lambda p, w: p.max(axis=1),
    "ArgMin[j](p)": lambda p, w: p.argmin(axis=1),
    "ArgMax[j](p)": lambda p, w: p.argmax(axis=1),
    "KMin[j, K=1](p)": lambda p, w: p.min(axis=1),
    "ArgKMax[j, K=1](p)": lambda p, w: p.argmax(axis=1),
}


@pytest.mark.parametrize("storage", ["f16", "f32"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_wide_accumulators_round_once(compiled, random, storage, scheme):
    """With `accumulate = f64` the results of all reductions are those of float64, rounded to float32: none is off by more than the half unit
    in the last place that the rounding takes, and what the float64 sums of these counts may add."""
    outputs = "".join(f"out o{number} = {text}\n" for number, text in enumerate(WIDE))
    text = f"x = Vi(1, dtype={storage}); y = Vj(1, dtype={storage}); w = Vj(1, dtype={storage}); p = x * y\n{outputs}"
    library = compiled(text, "wide", "--sum", scheme, "--accumulate", "f64")
    stored = {"f16": np.float16, "f32": np.float32}[storage]
    x = POWERS.astype(stored)
    for count in [1, 130, 1000, 20_000]:
        y = random.standard_normal((count, 1)).astype(stored)
        w = random.random((count, 1)).astype(stored)
        p = x.astype(float) * y.astype(float).T
        for number, (text, value) in enumerate(WIDE.items()):
            found = by_name(library.entries[f"o{number}"], x=x, y=y, w=w)[:, 0]
            exact = value(p, w.astype(float).T).astype(float)
            sizes = np.abs(p).sum(axis=1) if "Sum[" in text or "Mean[" in text else np.abs(exact)
            assert np.all(abs(found - exact) <= 1.001 * unit("f32") * abs(exact) + 1e-12 * sizes), (text, count)


@pytest.mark.parametrize("reduction", ["Sum[j](x * y)", "Log(LogSumExp[j](x * y))", "LogSumExp[j](x * y, weight=w)"])
def test_wide_accumulators_keep_what_narrow_ones_lose(compiled, reduction):
    """One large term, then many that are below half its last place: float32 loses them in a running sum, float64 none."""
    count = 100_000
    values = np.zeros((count, 1), np.float32)
    weights = np.ones((count, 1), np.float32)
    values[0] = 1e8 if reduction.startswith("Sum") else 20
    values[1:] = 1 if reduction.startswith("Sum") else 0
    weights[0] = 3
    exact = {
        "Sum[j](x * y)": 1e8 + (count - 1),
        "Log(LogSumExp[j](x * y))": math.log(math.log(math.exp(20) + count - 1)),
        "LogSumExp[j](x * y, weight=w)": math.log(3 * math.exp(20) + count - 1),
    }[reduction]
    text = f"x = Vi(1); y = Vj(1); w = Vj(1); out o = {reduction}"
    inputs = {"x": np.ones((1, 1), np.float32), "y": values, "w": weights}
    narrow = float(by_name(compiled(text, "lost", "--sum", "direct").o, **inputs)[0, 0])
    wide = float(by_name(compiled(text, "kept", "--sum", "direct", "--accumulate", "f64").o, **inputs)[0, 0])
    assert abs(wide - exact) <= 3 * unit("f32") * abs(exact)
    assert abs(narrow - exact) > 8 * unit("f32") * abs(exact)


def test_derivatives_with_wide_accumulators(compiled, random):
    """Gradients through several passes, whose temporaries have the computing type."""
    text = """
    x = Vi(2); y = Vj(2); b = Vj(1)
    out value = LogSumExp[j](-SqDist(x, y), weight=b)
    out gx = Grad(LogSumExp[j](-SqDist(x, y), weight=b), x)
    out gy = Grad(LogSumExp[j](-SqDist(x, y), weight=b), y)
    """
    x, y, b = (random.random(shape).astype(np.float32) for shape in [(60, 2), (3000, 2), (3000, 1)])
    e = np.ones((60, 1), np.float32)
    X, Y, B = (array.astype(float) for array in (x, y, b))
    difference = X[:, None] - Y[None]
    weights = np.exp(-(difference**2).sum(-1)) * B[:, 0]
    share = weights / weights.sum(axis=1, keepdims=True)
    expected = {
        "value": np.log(weights.sum(axis=1, keepdims=True)),
        "gx": -2 * (share[:, :, None] * difference).sum(axis=1),
        "gy": 2 * (share[:, :, None] * difference).sum(axis=0),
    }
    library = compiled(text, "gradients", "--accumulate", "f64")
    for name, exact in expected.items():
        entry = library.entries[name]
        cotangents = {tensor["name"]: e for tensor in entry.arguments if tensor["name"] not in ("x", "y", "b")}
        found = by_name(entry, x=x, y=y, b=b, **cotangents)
        assert np.linalg.norm(found - exact) <= 3e-7 * np.linalg.norm(exact), name


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("count", [2**24 + 1, 3 * 2**23])
def test_counts_beyond_what_float32_counts(compiled, scheme, count):
    """A float32 counter would stand still at 2^24."""
    text = "x = Vi(1); y = Vj(1); out count = Count[j](x * y); out mean = Mean[j](x * y); out at = ArgMin[j](x * y)"
    library = compiled(text, "counts", "--sum", scheme)
    y = np.ones((count, 1), np.float32)
    y[-1] = 0.5
    one = np.ones((1, 1), np.float32)
    assert library.count(one, y)[0, 0] == np.float32(count)
    assert abs(library.mean(one, y)[0, 0] - 1) <= 2**-23
    assert library.at(one, y)[0, 0] == count - 1
