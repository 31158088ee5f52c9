"""Special and hyperbolic functions, compiled, point by point: errors relative to the value (or to the amplitude where a function
oscillates) against extended precision, and values at the edges."""

import math

import numpy as np
import pytest

import special

DTYPES = {"f32": np.float32, "f64": np.float64}
INF, NAN = math.inf, math.nan


def values(compiled, formulas, x, dtype):
    """Each formula of x at all points, from one library."""
    lines = [f"dtype {dtype}", "x = Vi(1)", "y = Vj(1)"]
    lines += [f"out v{number} = Sum[j]({formula} + 0 * y)" for number, formula in enumerate(formulas)]
    library = compiled("\n".join(lines), "special")
    x = np.asarray(x, DTYPES[dtype]).reshape(-1, 1)
    y = np.zeros((1, 1), DTYPES[dtype])
    return [library.entries[f"v{number}"](x, y).ravel() for number in range(len(formulas))]


def amplitude(order):
    """The size of a Bessel function, where it oscillates."""
    return lambda x, value: np.where(x > order + 2, np.sqrt(2 / (np.pi * np.maximum(x, 1))), np.abs(value) + 0.01)


def one_or_more(x, value):
    """Functions whose zeros are not at numbers of the type have an absolute error there."""
    return np.maximum(1, np.abs(value))


# Formula, interval, reference, what the error is relative to (the value if None), largest error in ULP.
ROWS = [
    ("Erf(x)", (-6, 6), special.erf, None, 6),
    ("Erfc(x)", (-6, 9), special.erfc, None, 8),
    ("LGamma(x)", (0.01, 30), special.lgamma, None, 8),
    ("LGamma(x)", (0.9, 2.2), special.lgamma, None, 8),
    ("LGamma(x)", (-9.5, -0.01), special.lgamma, one_or_more, 12),
    ("Digamma(x)", (0.1, 20), special.digamma, None, 16),
    ("Digamma(x)", (1.3, 1.6), special.digamma, None, 16),
    ("Polygamma(x, 1)", (0.1, 20), lambda x: special.hurwitz_zeta(2, x), None, 6),
    ("HurwitzZeta(x, 5)", (0.1, 20), lambda x: special.hurwitz_zeta(5, x), None, 10),
    ("BesselJ0(x)", (0, 60), lambda x: special.bessel_j(0, x), amplitude(0), 30),
    ("BesselJ1(x)", (0, 60), lambda x: special.bessel_j(1, x), amplitude(1), 30),
    ("x**3 * BesselLambda(x, 3)", (0, 60), lambda x: special.bessel_j(3, x), amplitude(3), 30),
    ("BesselLambdaOfSquare(x * x, 0)", (0, 60), lambda x: special.bessel_j(0, x), amplitude(0), 30),
    ("Matern(1/2, x)", (0, 5), lambda x: special.matern(1, x), None, 12),
    ("Matern(5/2, x)", (0, 5), lambda x: special.matern(5, x), None, 12),
    ("Matern(15/2, x)", (0, 5), lambda x: special.matern(15, x), None, 16),
    ("Asinh(x)", (-30, 30), lambda x: np.arcsinh(x.astype(np.longdouble)), None, 6),
    ("Asinh(x)", (-1e-3, 1e-3), lambda x: np.arcsinh(x.astype(np.longdouble)), None, 6),
    ("Acosh(x)", (1, 30), lambda x: np.arccosh(x.astype(np.longdouble)), None, 6),
    ("Atanh(x)", (-0.9999, 0.9999), lambda x: np.arctanh(x.astype(np.longdouble)), None, 6),
    ("Tanh(x)", (-5, 5), lambda x: np.tanh(x.astype(np.longdouble)), None, 6),
    ("Sinh(x)", (-5, 5), lambda x: np.sinh(x.astype(np.longdouble)), None, 6),
    ("Expm1(x)", (-5, 5), lambda x: np.expm1(x.astype(np.longdouble)), None, 6),
    ("Log1p(x)", (-0.9, 5), lambda x: np.log1p(x.astype(np.longdouble)), None, 6),
    ("Log10(x)", (0.01, 100), lambda x: np.log10(x.astype(np.longdouble)), one_or_more, 6),
    ("Sigmoid(x)", (-20, 20), lambda x: 1 / (1 + np.exp(-x.astype(np.longdouble))), None, 6),
    ("Softplus(x)", (-20, 20), lambda x: np.log1p(np.exp(x.astype(np.longdouble))), None, 6),
    ("SinXDivX(x)", (-3, 3), lambda x: np.sin(x.astype(np.longdouble)) / x, None, 6),
    ("Rsqrt(x)", (0.01, 100), lambda x: 1 / np.sqrt(x.astype(np.longdouble)), None, 6),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", range(len(ROWS)), ids=[f"{row[0]} in {row[1]}" for row in ROWS])
def test_error(compiled, random, number, dtype, record_property):
    _, (low, high), reference, scale, bound = ROWS[number]
    x = random.uniform(low, high, 4000).astype(DTYPES[dtype])
    value = values(compiled, [row[0] for row in ROWS], x, dtype)[number]
    expected = reference(x)
    # Next to zeros the references are good enough for float32 only; float64 is checked there by the tables of compiler/ops/tests.
    size = np.maximum(np.abs(expected), 0.1 if dtype == "f64" else 0) if scale is None else scale(x, expected)
    error = np.abs(value.astype(np.longdouble) - expected) / (size * np.finfo(value.dtype).eps)
    record_property("largest_error", float(error.max()))
    assert error.max() < bound, x[np.argmax(error)]


# Formula, points, values there.
EDGES = [
    ("Erf(x)", [-INF, INF, 0, NAN], [-1, 1, 0, NAN]),
    ("Erfc(x)", [-INF, INF, 0, 1e30, NAN], [2, 0, 1, 0, NAN]),
    ("LGamma(x)", [1, 2, 0, -3, INF, -INF, NAN], [0, 0, INF, INF, INF, INF, NAN]),
    ("Digamma(x)", [0, -1, INF, NAN], [-INF, -INF, INF, NAN]),
    ("HurwitzZeta(x, 2)", [0, -1, INF, NAN], [INF, INF, 0, NAN]),
    ("BesselJ0(x)", [0, INF, -INF, NAN], [1, 0, 0, NAN]),
    ("BesselJ1(x)", [0, 1e30], [0, 0]),
    ("BesselLambda(x, 2)", [0, INF, 1e30], [0.125, 0, 0]),
    ("BesselLambdaOfSquare(x, 0)", [0, INF, -1], [1, 0, NAN]),
    ("SphericalLambda(x, 0)", [0, INF, NAN], [1, 0, NAN]),
    ("SphericalLambdaOfSquare(x, 1)", [0, INF, -1], [1 / 3, 0, NAN]),
    ("Matern(3/2, x)", [0, INF, -INF, 1e30, NAN], [1, 0, 0, 0, NAN]),
    ("Matern(15/2, x)", [0, INF, 1e30, 1e5], [1, 0, 0, 0]),
    ("Tanh(x)", [-INF, INF, 0, NAN], [-1, 1, 0, NAN]),
    ("Sinh(x)", [-INF, INF, 0, NAN], [-INF, INF, 0, NAN]),
    ("Cosh(x)", [-INF, INF, 0, NAN], [INF, INF, 1, NAN]),
    ("Asinh(x)", [-INF, INF, 0, NAN, 1e30], [-INF, INF, 0, NAN, math.asinh(1e30)]),
    ("Acosh(x)", [1, INF, 0.5, -1e9, -INF, NAN, 1e30], [0, INF, NAN, NAN, NAN, NAN, math.acosh(1e30)]),
    ("Atanh(x)", [-1, 1, 0, 2, -2, NAN], [-INF, INF, 0, NAN, NAN, NAN]),
    ("Exp2(x)", [-INF, INF, 3, NAN], [0, INF, 8, NAN]),
    ("Expm1(x)", [-INF, INF, 0, NAN], [-1, INF, 0, NAN]),
    ("Log2(x)", [0, -1, 8, INF], [-INF, NAN, 3, INF]),
    ("Log10(x)", [0, -1, INF], [-INF, NAN, INF]),
    ("Log1p(x)", [-1, -2, 0, INF], [-INF, NAN, 0, INF]),
    ("XLogX(x)", [0, -1, 1, INF], [0, NAN, 0, INF]),
    ("Sigmoid(x)", [-INF, INF, 0, NAN], [0, 1, 0.5, NAN]),
    ("Softplus(x)", [-INF, INF, NAN], [0, INF, NAN]),
    ("Sqrt(x)", [0, -1, INF], [0, NAN, INF]),
    ("Rsqrt(x)", [0, -1, INF], [0, NAN, 0]),
    ("SinXDivX(x)", [0, INF, -INF, NAN], [1, 0, 0, NAN]),
    ("Hypot(x, 1e30)", [0, INF, -INF, NAN], [1e30, INF, INF, NAN]),
    ("Minimum(x, 1)", [NAN, 0, INF], [1, 0, 1]),
    ("Maximum(x, 1)", [NAN, 0, INF], [1, 1, INF]),
    ("And(x, 2)", [0, 3, NAN], [0, 1, 1]),
    ("Or(x, 0)", [0, 3, NAN], [0, 1, 1]),
    ("Not(x)", [0, 3, NAN], [1, 0, 0]),
    ("Ceil(x)", [-0.5, 0.5, INF], [0, 1, INF]),
    ("Trunc(x)", [-1.5, 1.5, INF], [-1, 1, INF]),
    ("Powf(x, 0)", [0, 2, INF], [1, 1, 1]),
    ("Clamp(x, -1e30, 2)", [-3, 3, NAN], [-3, 2, NAN]),
    ("Clamp(x, 1, 1)", [0, 1, 2, NAN], [1, 1, 1, NAN]),
    ("Norm2(Concat(x, 0))", [0, -3, INF], [0, 3, INF]),
    ("Normalize(Concat(x, 0))[0]", [0, -3], [0, -1]),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", range(len(EDGES)), ids=[row[0] for row in EDGES])
def test_edge(compiled, number, dtype):
    _, points, expected = EDGES[number]
    given = values(compiled, [row[0] for row in EDGES], points, dtype)[number]
    tolerance = 4 * np.finfo(DTYPES[dtype]).eps
    np.testing.assert_allclose(given.astype(np.float64), expected, rtol=tolerance, atol=tolerance)


# Formula, variable at 0 or the point, derivative there.
SLOPES = [
    ("Sqrt(x)", 0, 0),
    ("Rsqrt(x)", 0, 0),
    ("Norm2(Concat(x, 0))", 0, 0),
    ("Normalize(Concat(x, 0))[0]", 0, 0),
    ("SinXDivX(x)", 0, 0),
    ("Abs(x)", 0, 0),
    ("Acosh(x)", 1, 0),
    ("Asin(x)", 1, 0),
    ("Powf(x, x)", 0, 0),
    ("Powf(2, x)", 0, math.log(2)),
    ("Powf(0, x)", 2, 0),
    ("Powf(0, x)", 0, 0),
    ("Powf(x, 0 * x)", 0, 0),
    ("Clamp(x, 1, 1)", 1, 1),
    ("Clamp(x, 1, 1)", 2, 0),
    ("Clamp(x, -1e30, 1e30)", 2, 1),
    ("Hypot(x, 0)", 0, 0),
    ("Minimum(x, 0)", 0, 1),
    ("Maximum(0, x)", 0, 0),
    ("Erf(x)", 0, 2 / math.sqrt(math.pi)),
    ("Erfc(x)", 0, -2 / math.sqrt(math.pi)),
    ("LGamma(x)", 1, -0.5772156649015329),
    ("BesselJ0(x)", 0, 0),
    ("BesselJ1(x)", 0, 0.5),
    ("Matern(1/2, Norm2(Concat(x, 0)))", 0, 0),
    ("Matern(3/2, Norm2(Concat(x, 0)))", 0, 0),
    ("Grad(Matern(3/2, Norm2(Concat(x, 0))), x)", 0, -3),
    ("Grad(Matern(5/2, Norm2(Concat(x, 0))), x)", 0, -5 / 3),
    ("Grad(BesselJ0(Abs(x)), x)", 0, -0.5),
    ("Grad(SinXDivX(Abs(x)), x)", 0, -1 / 3),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", range(len(SLOPES)), ids=[f"{row[0]} at {row[1]}" for row in SLOPES])
def test_slope(compiled, number, dtype):
    _, point, expected = SLOPES[number]
    given = values(compiled, [f"Grad({row[0]}, x)" for row in SLOPES], [point], dtype)[number]
    np.testing.assert_allclose(given, [expected], rtol=1e-6, atol=1e-7)
