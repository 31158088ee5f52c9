"""Every reduction for all small sizes and sizes around tiles, over j and over i, against NumPy in float64."""

import numpy as np
import pytest

from keops import distance_in_ulps

SIZES = [0, 1, 2, 7, 16, 47, 48, 49, 100, 1000]
DTYPES = {"f32": np.float32, "f64": np.float64}

# Each reduction of p = x * y (3 components) or s = x | y (a scalar), with the weight y.
SOURCE = """
x = Vi(3)
y = Vj(3)
p = x * y
s = x | y
out Sum = Sum[R](p)
out Mean = Mean[R](p)
out Prod = Prod[R](0.75 + p / 2)
out Count = Count[R](LessThan(0.4, p))
out Any = Any[R](LessThan(0.95, p))
out All = All[R](LessThan(0.07, p))
out LogSumExp = LogSumExp[R](8 * s)
out LogSumExp_weighted = LogSumExp[R](8 * s, weight=p)
out SumSoftMaxWeight = SumSoftMaxWeight[R](8 * s, p)
out Min = Min[R](p)
out Max = Max[R](p)
out ArgMin = ArgMin[R](p)
out ArgMax = ArgMax[R](p)
out Min_ArgMin = Min_ArgMin[R](p)
out Max_ArgMax = Max_ArgMax[R](p)
out KMin = KMin[R, K=5](p)
out ArgKMin = ArgKMin[R, K=5](p)
out KMax = KMax[R, K=5](p)
out ArgKMax = ArgKMax[R, K=5](p)
"""



def log_sum_exp(scores, weights):
    """Over axis 1; -inf for none."""
    with np.errstate(divide="ignore"):
        return np.log((np.exp(scores) * weights).sum(axis=1))


def soft_max_mean(scores, weights):
    factors = np.exp(scores)
    with np.errstate(invalid="ignore"):
        return (factors * weights).sum(axis=1) / factors.sum(axis=1)


def mean(p):
    with np.errstate(invalid="ignore"):
        return p.sum(axis=1) / p.shape[1]


def first(pick, p):
    """argmin or argmax over axis 1; -1 for none."""
    return pick(p, axis=1) if p.shape[1] else np.full((p.shape[0], p.shape[2]), -1)


def best(p, sign, count=5):
    """The smallest (sign 1) or largest (sign -1) values over axis 1 in order and their numbers, each (rows, count * dim); ties in order."""
    rows, columns, dim = p.shape
    order = np.argsort(sign * p, axis=1, kind="stable")[:, :count]
    numbers = np.full((rows, count, dim), -1)
    values = np.full((rows, count, dim), sign * np.inf, p.dtype)
    numbers[:, : min(columns, count)] = order
    values[:, : min(columns, count)] = np.take_along_axis(p, order, axis=1)
    return values.reshape(rows, count * dim), numbers.reshape(rows, count * dim)


# What each is of p (rows, columns, 3) and s (rows, columns, 1).
VALUES = {
    "Sum": lambda p, s: p.sum(axis=1),
    "Mean": lambda p, s: mean(p),
    "Prod": lambda p, s: (0.75 + p / 2).prod(axis=1),
    "Count": lambda p, s: (p > 0.4).sum(axis=1).astype(float),
    "Any": lambda p, s: (p > 0.95).any(axis=1).astype(float),
    "All": lambda p, s: (p > 0.07).all(axis=1).astype(float),
    "LogSumExp": lambda p, s: log_sum_exp(8 * s, 1),
    "LogSumExp_weighted": lambda p, s: log_sum_exp(8 * s, p),
    "SumSoftMaxWeight": lambda p, s: soft_max_mean(8 * s, p),
    "Min": lambda p, s: p.min(axis=1, initial=np.inf),
    "Max": lambda p, s: p.max(axis=1, initial=-np.inf),
}


def agree(value, expected, ulps):
    """Equal where the expected value is not finite, close elsewhere."""
    finite = np.isfinite(expected)
    assert np.array_equal(value[~finite], expected[~finite], equal_nan=True)
    assert distance_in_ulps(value[finite], expected[finite], 1 + np.abs(expected[finite])) < ulps


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("m", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sizes(compiled, random, dtype, m, n):
    """Over j. Layer 1, which knows M and N even where an array is empty."""
    library = compiled(f"dtype {dtype}" + SOURCE.replace("[R", "[j"), "reductions")
    x, y = (random.uniform(0.25, 1, (rows, 3)).astype(DTYPES[dtype]) for rows in (m, n))
    p = x[:, None, :].astype(float) * y[None, :, :]
    s = p.sum(axis=-1, keepdims=True)
    for name, value in VALUES.items():
        result = library.entries[name].plain(m, n, x, y)
        # A product of a thousand factors has a thousand roundings.
        agree(result, value(p, s), 40 + (n if name == "Prod" else 0))
    rounded = x[:, None, :] * y[None, :, :]
    for name, pick, sign in [("Min", np.argmin, 1), ("Max", np.argmax, -1)]:
        index = library.entries[f"Arg{name}"].plain(m, n, x, y)
        assert index.dtype == np.int64
        assert np.array_equal(index, first(pick, rounded))
        both = library.entries[f"{name}_Arg{name}"].plain(m, n, x, y)
        assert np.array_equal(both[0], library.entries[name].plain(m, n, x, y))
        assert np.array_equal(both[1], index)
        values, numbers = best(rounded, sign)
        assert np.array_equal(library.entries[f"K{name}"].plain(m, n, x, y), values)
        assert np.array_equal(library.entries[f"ArgK{name}"].plain(m, n, x, y), numbers)


@pytest.mark.parametrize(("m", "n"), [(0, 5), (5, 0), (1, 1), (49, 100), (100, 49), (1000, 7)])
def test_over_i(compiled, random, m, n):
    """The other direction gives what exchanging x and y gives over j, bit for bit."""
    over_i = compiled("dtype f32" + SOURCE.replace("[R", "[i"), "over_i")
    over_j = compiled("dtype f32" + SOURCE.replace("[R", "[j"), "reductions")
    x, y = (random.uniform(0.25, 1, (rows, 3)).astype(np.float32) for rows in (m, n))
    for name in VALUES:
        result = over_i.entries[name].plain(m, n, x, y)
        assert result.shape[0] == n
        assert np.array_equal(result, over_j.entries[name].plain(n, m, y, x), equal_nan=True), name


def test_ties_go_to_the_first(compiled):
    library = compiled("x = Vi(1); y = Vj(1); out a = ArgMin[j](Square(x - y)); out b = ArgMax[j](-Square(x - y))", "ties")
    y = np.array([3, 1, 2, 1, 3, 1] * 300, np.float32)[:, None]
    x = np.array([1, 2, 3], np.float32)[:, None]
    assert library.a(x, y)[:, 0].tolist() == [1, 2, 0]
    assert library.b(x, y)[:, 0].tolist() == [1, 2, 0]


def test_extreme_values(compiled):
    """Sums of infinities, NaNs passed over by minima, log-sums far outside exp's range."""
    library = compiled(
        "x = Vi(1); y = Vj(1); out s = Sum[j](x + y); out lo = Min[j](x + y); out at = ArgMin[j](x + y); out l = LogSumExp[j](x + y)",
        "extreme",
    )
    zero = np.zeros((1, 1), np.float32)
    column = lambda *values: np.array(values, np.float32)[:, None]  # noqa: E731
    assert np.isposinf(library.s(zero, column(1, np.inf)))
    assert np.isnan(library.s(zero, column(np.inf, -np.inf)))
    assert library.lo(zero, column(np.nan, 2, np.nan, 1, np.nan)) == 1
    assert library.at(zero, column(np.nan, 2, np.nan, 1, np.nan)) == 3
    assert library.l(zero, column(1000, 1000)) == pytest.approx(1000 + np.log(2), rel=1e-6)
    assert library.l(zero, column(-1000, -1000)) == pytest.approx(-1000 + np.log(2), rel=1e-6)
    assert np.isneginf(library.l(zero, column(-np.inf, -np.inf)))
    assert np.isposinf(library.l(zero, column(0, np.inf)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinite_values_beside_finite_ones(compiled, random, dtype):
    """Rows of a tile have finite and infinite largest values, from some block of columns on: no row changes another's result."""
    kind = DTYPES[dtype]
    formula = "f = Vj(1); x = Vi(1); w = Vj(2); out l = LogSumExp[j](f * x); out s = SumSoftMaxWeight[j](f * x, w)"
    library = compiled(formula, "infinite", "--dtype", dtype)
    m, n = 100, 1000
    x = np.where(np.arange(m) % 3, 1, -1).astype(kind)[:, None]
    x[7] = 0  # times infinity: not a number
    w = random.standard_normal((n, 2)).astype(kind)
    for infinite in [], [0], [3, 200], [70], [999], [5, 6, 128, 700]:
        f = 10 * random.standard_normal((n, 1)).astype(kind)
        f[infinite] = np.inf
        with np.errstate(invalid="ignore"):
            values = x.astype(np.float64) * f[:, 0]
            m_i = values.max(1, keepdims=True)
            t = np.exp(np.where(values == m_i, 0, values - m_i))
        l, s = library.entries["l"].plain(m, n, f, x), library.entries["s"].plain(m, n, f, x, w)
        rows = np.arange(m) != 7 if infinite else np.ones(m, bool)
        np.testing.assert_allclose(l[rows, 0], (m_i[:, 0] + np.log(t.sum(1)))[rows], rtol=1e-5)
        np.testing.assert_allclose(s[rows], (t @ w.astype(np.float64) / t.sum(1, keepdims=True))[rows], rtol=1e-4, atol=1e-4)
        assert np.isnan(l[~rows]).all() and np.isnan(s[~rows]).all()


def test_output_expressions(compiled, random):
    """An output may be any expression of reductions and i-values."""
    library = compiled(
        """
        x = Vi(2); y = Vj(2); sigma = Pm(1)
        out f = -sigma * LogSumExp[j](-SqDist(x, y) / sigma)
        out centred = x - Mean[j](y * Exp(x - y))
        out ratio = Sum[j](Exp(x | y) * y) / Sum[j](Exp(x | y))
        """,
        "expressions",
    )
    x, y = random.random((60, 2), np.float32), random.random((70, 2), np.float32)
    sigma = np.array([0.3], np.float32)
    X, Y = x[:, None].astype(float), y[None].astype(float)
    distance = ((X - Y) ** 2).sum(-1)
    agree(library.f(x, y, sigma), -0.3 * np.log(np.exp(-distance / 0.3).sum(1, keepdims=True)), 40)
    agree(library.centred(x, y), x - (Y * np.exp(X - Y)).mean(axis=1), 40)
    weights = np.exp((X * Y).sum(-1, keepdims=True))
    agree(library.ratio(x, y), (weights * Y).sum(1) / weights.sum(1), 40)


def test_accuracy_of_long_sums(compiled, random):
    """The default keeps KeOps' block-sum accuracy: at 1e5 terms at most 2.5e-7 in float32, 1e-15 in float64."""
    text = "x = Vi(3); y = Vj(3); b = Vj(1); out conv = Sum[j](Exp(-SqDist(x, y)) * b)"
    x, y, b = random.random((64, 3)), random.random((100_000, 3)), random.random((100_000, 1))
    for dtype, bound in [("f32", 2.5e-7), ("f64", 1e-15)]:
        u, v, w = (array.astype(DTYPES[dtype]) for array in (x, y, b))
        U, V = u.astype(np.longdouble), v.astype(np.longdouble)
        expected = np.stack([np.exp(-((row - V) ** 2).sum(-1)) @ w.astype(np.longdouble) for row in U])
        value = compiled(text, "long", "--dtype", dtype).conv(u, v, w)
        error = np.linalg.norm((value - expected).astype(float)) / np.linalg.norm(expected.astype(float))
        assert error <= bound, dtype


WIDE = """
x = Vi(100); y = Vj(100); b = Vj(3)
out conv = Sum[j](Exp(-SqDist(x, y) / 100) * b)
out conv_x = Grad(conv, x)
out dot = Max[j](x | y)
out far = ArgKMax[j, K=7](SqDist(x, y))
"""


@pytest.mark.parametrize("dtype", DTYPES)
def test_few_rows_have_the_bits_that_they_have_among_many(compiled, random, dtype):
    """Tiles of few rows have code of their own, and where there are many columns these lie in the lanes."""
    narrow = compiled(f"dtype {dtype}" + SOURCE.replace("[R", "[j"), "reductions")
    wide = compiled(f"dtype {dtype}" + WIDE, "wide")
    for library, dim, columns in ((narrow, 3, 1000), (narrow, 3, 9000), (wide, 100, 1000)):
        x, y, b, e = (random.uniform(0.25, 1, shape).astype(DTYPES[dtype]) for shape in ((96, dim), (columns, dim), (columns, 3), (96, 3)))
        given = {"x": x, "y": y, "b": b, "d_conv": e}
        for name, entry in library.entries.items():
            arguments = [given[tensor["name"]] for tensor in entry.arguments]
            of_i = [tensor["role"] == "i" for tensor in entry.arguments]
            many = entry.plain(96, columns, *arguments)
            for rows in (1, 2, 4, 5, 8, 9, 16, 17, 33, 44, 50):
                few = entry.plain(rows, columns, *(array[:rows] if cut else array for array, cut in zip(arguments, of_i)))
                pairs = zip(few, many) if isinstance(many, tuple) else [(few, many)]
                assert all(np.array_equal(a, b[:rows]) for a, b in pairs), (name, rows)


def test_lists_of_vectors_that_other_reductions_read_in_loops(compiled, random):
    """What lists are asked about waits in memory for several columns at once."""
    library = compiled(
        "x = Vi(2); y = Vj(2); z = Vj(9); v = x - y; fused f { out a = ArgKMin[j, K=1](v); out b = Max[j](TensorProd(v, z)) }",
        "lists_and_tensors",
    )
    for m, n in [(1, 8), (50, 300), (12, 2000)]:
        x, y, z = (random.random(shape).astype(np.float32) for shape in [(m, 2), (n, 2), (n, 9)])
        a, b = library.f(x, y, z)
        v = x[:, None] - y[None]
        assert np.array_equal(a.reshape(m, 2), v.argmin(axis=1))
        assert np.array_equal(b, (v[:, :, :, None] * z[None, :, None, :]).max(axis=1).reshape(m, 18))


@pytest.mark.parametrize("count", [10, 100])
def test_long_lists_beside_sums(compiled, random, count):
    library = compiled(
        f"x = Vi(3); y = Vj(3); fused f {{ out s = Sum[j](SqDist(x, y)); out a = ArgKMin[j, K={count}](SqDist(x, y)) }}", f"list{count}"
    )
    for m, n in [(1, 90_000), (5, 3000), (100, 3000)]:
        x, y = (random.random((rows, 3)).astype(np.float32) for rows in (m, n))
        s, a = library.f(x, y)
        distances = ((x[:, None].astype(float) - y[None]) ** 2).sum(axis=2)
        assert np.allclose(s[:, 0], distances.sum(axis=1), rtol=1e-6)
        chosen = np.take_along_axis(distances, a.reshape(m, count), axis=1)
        assert np.allclose(chosen, np.sort(distances, axis=1)[:, :count], rtol=1e-5)


def test_sums_longer_than_a_stack(compiled, random):
    library = compiled("x = Vi(1); y = Vj(1); b = Vj(140000); out f = Sum[j](Exp(-Square(x - y)) * b)", "long_sums")
    for m, n in [(2, 3), (1, 1100)]:
        x, y, b = (random.random((rows, dim)).astype(np.float32) for rows, dim in [(m, 1), (n, 1), (n, 140000)])
        assert np.allclose(library.f(x, y, b), np.exp(-((x - y.T) ** 2)) @ b, rtol=1e-5)


def test_exponentials_of_quotients_by_negative_zero(compiled):
    """-1 / -0 is infinite: the sign of what stands under a root does not tell."""
    library = compiled("x = Vi(1); y = Vj(1); out f = Sum[j](Exp(-1 / Sqrt(y)) + 0 * x)", "negative_zero")
    assert np.isposinf(library.f(np.ones((1, 1), np.float32), np.array([[-0.0]], np.float32)))
