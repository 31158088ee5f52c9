"""Derivatives of reductions that choose columns, and of products: compiled code against NumPy in float64."""

import numpy as np
import pytest

from keops import NUMPY_TYPES, dim_of, distance_in_ulps, rows_of

DTYPES = {"f32": np.float32, "f64": np.float64}
SIZES = [(0, 5), (5, 0), (1, 1), (1, 1000), (49, 2), (100, 49), (300, 700)]

# Each reduction of a product of three inputs of three components, its row numbers, and its gradients.
SOURCE = """
x = Vi(3)
y = Vj(3)
w = Pm(1)
p = w * x * y
lo = Min[R](p)
hi = Max[R](p)
few = KMin[R, K=5](p)
many = KMax[R, K=5](p)
out lo_at = ArgMin[R](p)
out hi_at = ArgMax[R](p)
out few_at = ArgKMin[R, K=5](p)
out many_at = ArgKMax[R, K=5](p)
""" + "\n".join(f"out {name}_{variable} = Grad({name}, {variable})" for name in ("lo", "hi", "few", "many") for variable in "xyw")


def chosen(at, e, columns):
    """The cotangents `e` of values that stand at the columns `at`, both (rows, K * 3), as (rows, columns, 3)."""
    rows, dim = len(at), 3
    at, e = (array.reshape(rows, array.shape[1] // dim, dim) for array in (at, e))
    return (e[:, :, None, :] * (at[:, :, None, :] == np.arange(columns)[None, None, :, None])).sum(axis=1)


def expected_gradients(cotangents, x, y, w):
    """What flows to x, y and w from cotangents of w * x * y, (i, j, 3); and how much is added up."""
    def flow(c, x, y, w):
        by_x, by_y = (c * w * y[None]).sum(1), (c * w * x[:, None]).sum(0)
        return {"x": by_x, "y": by_y, "w": (c * x[:, None] * y[None]).sum().reshape(1, 1)}

    return flow(cotangents, x, y, w), flow(np.abs(cotangents), np.abs(x), np.abs(y), np.abs(w))


def check(library, names, over, m, n, x, y, w, random, call):
    """The gradients of the reductions of these names."""
    wide = [array.astype(np.float64) for array in (x, y, w)]
    for name in names:
        at = call(f"{name}_at", x, y, w)
        e = random.uniform(-1, 1, at.shape).astype(x.dtype)
        cotangents = chosen(at, e.astype(np.float64), n if over == "j" else m)
        if over == "i":
            cotangents = cotangents.transpose(1, 0, 2)
        expected, terms = expected_gradients(cotangents, *wide)
        for variable in "xyw":
            found = call(f"{name}_{variable}", x, y, w, e)
            assert distance_in_ulps(found, expected[variable], 1e-30 + terms[variable]) < 20, (name, variable)


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize("over", ["i", "j"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_reach_the_chosen_columns(compiled, random, dtype, over, m, n):
    library = compiled(f"dtype {dtype}" + SOURCE.replace("[R", f"[{over}"), "chosen")
    x, y, w = (random.uniform(-1, 1, shape).astype(DTYPES[dtype]) for shape in ((m, 3), (n, 3), (1, 1)))
    call = lambda name, *arrays: library.entries[name].plain(m, n, *arrays)  # noqa: E731
    check(library, ["lo", "hi", "few", "many"], over, m, n, x, y, w, random, call)


def test_threads_and_batches(compiled, random):
    """The same bits for any number of threads; a batch is what its elements are alone."""
    library = compiled("dtype f32" + SOURCE.replace("[R", "[j"), "chosen")
    x, y, w = (random.uniform(-1, 1, shape).astype(np.float32) for shape in ((3, 700, 3), (3, 900, 3), (3, 1)))
    for name, dim in [("lo", 3), ("many", 15)]:
        e = random.uniform(-1, 1, (3, 700, dim)).astype(np.float32)
        for variable in "xyw":
            entry = library.entries[f"{name}_{variable}"]
            result = entry(x, y, w, e, threads=1)
            for threads in (2, 3, 5):
                assert np.array_equal(entry(x, y, w, e, threads=threads), result), (name, variable)
            for element in range(3):
                alone = entry(x[element], y[element], w[element], e[element], threads=2)
                assert np.array_equal(alone, result[element]), (name, variable)


def test_ranges(compiled, random):
    """Columns count from the first of all, also where a block of rows has its own; rows in no block pass nothing."""
    library = compiled("dtype f32" + SOURCE.replace("[R", "[j"), "chosen")
    m, n = 60, 90
    x, y, w = (random.uniform(-1, 1, shape).astype(np.float32) for shape in ((m, 3), (n, 3), (1,)))
    rows_i, ends_i, columns_j = [[10, 30], [30, 55]], [2, 3], [[0, 5], [40, 83], [20, 21]]
    rows_j, ends_j, columns_i = [[0, 5], [20, 21], [40, 83]], [1, 2, 3], [[10, 30], [30, 55], [10, 30]]
    ranges = [np.array(part, np.int64) for part in (rows_i, ends_i, columns_j, rows_j, ends_j, columns_i)]

    def call(name, *arrays):
        entry = library.entries[name]
        result = entry.results[0]
        shape = (dim_of(result),) if result["role"] == "parameter" else (rows_of(result, m, n), dim_of(result))
        found = np.empty(shape, NUMPY_TYPES[result["dtype"]])
        entry.call_into(*arrays, found, ranges=ranges, threads=2)
        return found

    assert (call("lo_at", x, y, w)[:10] == -1).all()
    check(library, ["lo", "hi", "few", "many"], "j", m, n, x, y, w, random, call)


def test_row_numbers_above_those_of_float32(compiled):
    """Neighbours that float32 cannot tell apart."""
    library = compiled("x = Vi(1); y = Vj(1); lo = Min[j](x * y); out lo_x = Grad(lo, x); out lo_y = Grad(lo, y)", "far")
    place = 2**24 + 1
    y = np.zeros((place + 2, 1), np.float32)
    y[place - 1 : place + 2, 0] = 5, -3, 7
    x, e = np.array([[2]], np.float32), np.array([[1]], np.float32)
    assert library.lo_x(x, y, e) == -3
    gradient = library.lo_y(x, y, e)
    assert np.flatnonzero(gradient).tolist() == [place]
    assert gradient[place] == 2


def test_ties_and_what_is_not_chosen(compiled):
    """Of equals the first gets all; a place that no column fills passes nothing on, not even NaN; NaN and inf are not chosen."""
    library = compiled(
        """
        x = Vi(1); y = Vj(1)
        lo = Min[j](x + y)
        few = KMin[j, K=3](x + y)
        out lo_y = Grad(lo, y)
        out few_y = Grad(few, y)
        out lo_x = Grad(lo, x)
        out lo_t = Diff(lo, y)
        """,
        "ties",
    )
    column = lambda *values: np.array(values, np.float32)[:, None]  # noqa: E731
    y, zero, e = column(3, 1, 2, 1, 1), column(0), column(7)
    assert library.lo_y(zero, y, e)[:, 0].tolist() == [0, 7, 0, 0, 0]
    assert library.lo_x(zero, y, e)[:, 0].tolist() == [7]
    assert library.lo_t(zero, y, column(1, 2, 3, 4, 5))[:, 0].tolist() == [2]
    places = np.array([[10, 20, 30]], np.float32)
    assert library.few_y(zero, y, places)[:, 0].tolist() == [0, 10, 0, 20, 30]
    unfilled = np.array([[10, np.nan, np.inf]], np.float32)
    assert library.few_y(zero, column(np.nan, 2, np.inf), unfilled)[:, 0].tolist() == [0, 10, 0]
    assert library.lo_y(zero, column(np.nan, np.inf), e)[:, 0].tolist() == [0, 0]


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_zeros(compiled, random, dtype, zeros):
    """The product of all other factors, and for second derivatives of all but two."""
    library = compiled(
        f"dtype {dtype}; x = Vi(1); y = Vj(1); t = Vj(1); p = Prod[j](x - y); out g = Grad(p, y); out h = Diff(Grad(p, y, 1), y, t)",
        "product",
    )
    n = 40
    y = random.uniform(0.5, 1.5, (n, 1)).astype(DTYPES[dtype])
    y[5 : 5 + zeros] = 0
    zero, e, t = np.zeros((1, 1)), np.array([[2]]), random.uniform(-1, 1, (n, 1)).astype(DTYPES[dtype])
    factors = -y[:, 0].astype(float)
    others = lambda *out: np.delete(factors, out).prod()  # noqa: E731
    expected = np.array([-2 * others(j) for j in range(n)])[:, None]
    found = library.g.plain(1, n, zero, y, e)
    assert np.allclose(found, expected, rtol=60 * np.finfo(DTYPES[dtype]).eps, atol=0)
    expected = np.array([sum(others(j, k) * t[k, 0] for k in range(n) if k != j) for j in range(n)])[:, None]
    found = library.h.plain(1, n, *(zero if a["name"] == "x" else {"y": y, "t": t}[a["name"]] for a in library.h.arguments))
    scale = np.abs(expected).max() + np.abs(factors[factors != 0]).prod()
    assert np.abs(found - expected).max() < 1000 * np.finfo(DTYPES[dtype]).eps * scale


def test_shifted_sums(compiled, random):
    """The pair m, s of KeOps: m as the maximum, s so that m + log(s) has the derivative of LogSumExp."""
    library = compiled(
        """
        dtype f64; x = Vi(1); y = Vj(1); b = Vj(1)
        f = 5 * Sin(x + y)
        pair = Max_SumShiftExpWeight[j](f, b)
        out by_pair = Grad(pair[0] + Log(pair[1]), y)
        out by_pair_b = Grad(pair[0] + Log(pair[1]), b)
        out whole = Grad(LogSumExp[j](f, b), y)
        out whole_b = Grad(LogSumExp[j](f, b), b)
        """,
        "shifted",
    )
    x, y, b = random.uniform(-1, 1, (30, 1)), random.uniform(-1, 1, (50, 1)), random.uniform(0.1, 1, (50, 1))
    e = random.uniform(-1, 1, (30, 1))
    assert np.allclose(library.by_pair(x, y, b, e), library.whole(x, y, b, e), rtol=1e-12, atol=1e-13)
    assert np.allclose(library.by_pair_b(x, y, b, e), library.whole_b(x, y, b, e), rtol=1e-12, atol=1e-13)


def test_pairs_and_their_gradient_share(compiled, random):
    """The values of a pair have the derivative of the values alone."""
    library = compiled(
        """
        x = Vi(2); y = Vj(2); f = SqDist(x, y)
        out both = KMin_ArgKMin[j, K=3](f)
        out both_x = Grad(both, x)
        out alone_x = Grad(KMin[j, K=3](f), x)
        out top_y = Grad(Max_ArgMax[j](f), y)
        out top_alone_y = Grad(Max[j](f), y)
        """,
        "pairs",
    )
    x, y = random.random((40, 2), np.float32), random.random((60, 2), np.float32)
    e = random.random((40, 3), np.float32)
    assert np.array_equal(library.both_x(x, y, e), library.alone_x(x, y, e))
    assert np.array_equal(library.top_y(x, y, e[:, :1].copy()), library.top_alone_y(x, y, e[:, :1].copy()))


def test_sums_of_exponentials_at_the_edges(compiled):
    """Nothing, nothing but -inf, +inf, weights that are 0 or below."""
    library = compiled(
        """
        x = Vi(1); y = Vj(1); b = Vj(1)
        l = LogSumExp[j](x + y, weight=b)
        out l_value = l
        out l_y = Grad(l, y)
        out l_b = Grad(l, b)
        m = SumSoftMaxWeight[j](x + y, b)
        out m_value = m
        out m_y = Grad(m, y)
        """,
        "edges",
    )
    column = lambda *values: np.array(values, np.float32).reshape(-1, 1)  # noqa: E731
    zero, e, none = column(0), column(1), column()
    low, ones = column(-np.inf, -np.inf), column(1, 1)
    assert library.l_value.plain(1, 0, zero, none, none).tolist() == [[-np.inf]]
    assert library.l_value(zero, low, ones).tolist() == [[-np.inf]]
    assert library.l_y(zero, low, ones, e)[:, 0].tolist() == [0, 0]
    assert library.l_b(zero, low, ones, e)[:, 0].tolist() == [0, 0]
    assert library.l_value(zero, column(1, np.inf), ones).tolist() == [[np.inf]]
    # A weight of 0 leaves its column out; a sum of 0 has the logarithm -inf, one below 0 has none.
    assert library.l_value(zero, column(1, 2), column(0, 1)) == pytest.approx(2)
    assert library.l_y(zero, column(1, 2), column(0, 1), e)[:, 0].tolist() == pytest.approx([0, 1])
    assert library.l_value(zero, column(1, 2), column(0, 0)).tolist() == [[-np.inf]]
    assert library.l_y(zero, column(1, 2), column(0, 0), e)[:, 0].tolist() == [0, 0]
    assert library.l_value(zero, column(0, 0), column(-1, 3)) == pytest.approx(np.log(2))
    assert library.l_y(zero, column(0, 0), column(-1, 3), e)[:, 0].tolist() == pytest.approx([-0.5, 1.5])
    assert np.isnan(library.l_value(zero, column(1, 2), column(-1, 0)))
    assert np.isnan(library.l_y(zero, column(1, 2), column(-1, 0), e)).all()
    assert np.isnan(library.m_value.plain(1, 0, zero, none, none))
    # Equal infinities are equally likely.
    assert library.m_value(zero, low, column(1, 3)).tolist() == [[2]]
    assert library.m_y(zero, low, column(1, 3), e)[:, 0].tolist() == [0, 0]
