"""Operations and what NumPy says they are: the table behind test_operations.py.

A row is a formula of x (dim 3, i) and y (dim 3, j), both uniform in (0.25, 1), the same on arrays x (M, 1, 3) and y (1, N, 3), and whether
it is smooth there, so that its gradient can be compared with differences of the second column.
"""

import numpy as np

import special


def scalar(values):
    """A value for each pair, as a column."""
    return np.asarray(values)[..., None]


def concat(*parts):
    """Components one after the other; all parts have a row for each pair."""
    shape = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return np.concatenate([np.broadcast_to(part, (*shape, part.shape[-1])) for part in parts], axis=-1)


def dot(f, g):
    return scalar((f * g).sum(-1))


def sq_dist(f, g):
    return dot(f - g, f - g)


def one_hot(index, length):
    return (np.arange(length) == index).astype(float)


def round_half_away(u):
    """C's round: halves go away from zero."""
    return np.sign(u) * np.floor(np.abs(u) + 0.5)


ARITHMETIC = [
    ("x + y", lambda x, y: x + y, True),
    ("x - y", lambda x, y: x - y, True),
    ("x * y", lambda x, y: x * y, True),
    ("x / y", lambda x, y: x / y, True),
    ("-x * y", lambda x, y: -x * y, True),
    ("2 * x + y / 3 - 0.125", lambda x, y: 2 * x + y / 3 - 0.125, True),
    ("Elem(x, 0) * y", lambda x, y: x[..., :1] * y, True),
    ("Inv(x + y)", lambda x, y: 1 / (x + y), True),
    ("1 / (x * y)", lambda x, y: 1 / (x * y), True),
    ("Square(x - y)", lambda x, y: (x - y) ** 2, True),
    ("(x - y)**2", lambda x, y: (x - y) ** 2, True),
    ("(x + y)**3", lambda x, y: (x + y) ** 3, True),
    ("(x + y)^-2", lambda x, y: (x + y) ** -2.0, True),
    ("Pow(x + y, 5)", lambda x, y: (x + y) ** 5, True),
    ("Powf(x, y)", lambda x, y: x**y, True),
    ("(x + y)**0.5", lambda x, y: (x + y) ** 0.5, True),
    ("(x + y)**1.7", lambda x, y: (x + y) ** 1.7, True),
    ("-x**2 * y", lambda x, y: -(x**2) * y, True),
    ("IntCst(3) * x * y", lambda x, y: 3 * x * y, True),
    ("RatCst(1, 3) * x * y", lambda x, y: x * y / 3, True),
    ("IntInv(3) * x * y", lambda x, y: x * y / 3, True),
    ("x + y + Zero(3)", lambda x, y: x + y, True),
    ("Mod(4 * x * y, 1, 0)", lambda x, y: np.mod(4 * x * y, 1), False),
    ("Mod(-4 * x * y, 0.75, -0.25)", lambda x, y: np.mod(-4 * x * y + 0.25, 0.75) - 0.25, False),
]

FUNCTIONS = [
    ("Exp(x - y)", lambda x, y: np.exp(x - y), True),
    ("Exp2(x - y)", lambda x, y: np.exp2(x - y), True),
    ("Expm1(x * y)", lambda x, y: np.expm1(x * y), True),
    ("Log(x * y)", lambda x, y: np.log(x * y), True),
    ("Log2(x * y)", lambda x, y: np.log2(x * y), True),
    ("Log10(x * y)", lambda x, y: np.log10(x * y), True),
    ("Log1p(x * y)", lambda x, y: np.log1p(x * y), True),
    ("XLogX(x * y)", lambda x, y: x * y * np.log(x * y), True),
    ("Sqrt(x * y)", lambda x, y: np.sqrt(x * y), True),
    ("Rsqrt(x + y)", lambda x, y: 1 / np.sqrt(x + y), True),
    ("Sigmoid(4 * (x - y))", lambda x, y: 1 / (1 + np.exp(-4 * (x - y))), True),
    ("Softplus(4 * (x - y))", lambda x, y: np.log1p(np.exp(4 * (x - y))), True),
    ("LogAddExp(x, y)", lambda x, y: np.logaddexp(x, y), True),
    ("Hypot(x, y)", lambda x, y: np.hypot(x, y), True),
    ("Sin(3 * (x + y))", lambda x, y: np.sin(3 * (x + y)), True),
    ("Cos(3 * (x + y))", lambda x, y: np.cos(3 * (x + y)), True),
    ("Tan(x * y)", lambda x, y: np.tan(x * y), True),
    ("Asin(0.9 * x * y)", lambda x, y: np.arcsin(0.9 * x * y), True),
    ("Acos(0.9 * x * y)", lambda x, y: np.arccos(0.9 * x * y), True),
    ("Atan(5 * (x - y))", lambda x, y: np.arctan(5 * (x - y)), True),
    ("Atan2(x, y)", lambda x, y: np.arctan2(x, y), True),
    ("Sinh(x + y)", lambda x, y: np.sinh(x + y), True),
    ("Cosh(x + y)", lambda x, y: np.cosh(x + y), True),
    ("Tanh(2 * (x - y))", lambda x, y: np.tanh(2 * (x - y)), True),
    ("Acosh(1.5 + x * y)", lambda x, y: np.arccosh(1.5 + x * y), True),
    ("Atanh(0.9 * x * y)", lambda x, y: np.arctanh(0.9 * x * y), True),
    ("SinXDivX(x + y)", lambda x, y: np.sin(x + y) / (x + y), True),
    ("Sinc(x + y)", lambda x, y: np.sinc(x + y), True),
    ("Abs(x - y)", lambda x, y: np.abs(x - y), False),
    ("Sign(x - y)", lambda x, y: np.sign(x - y), False),
    ("Step(x - y)", lambda x, y: (x >= y).astype(float), False),
    ("ReLU(x - y)", lambda x, y: np.maximum(x - y, 0), False),
    ("Floor(9 * (x - y))", lambda x, y: np.floor(9 * (x - y)), False),
    ("Ceil(9 * (x - y))", lambda x, y: np.ceil(9 * (x - y)), False),
    ("Trunc(9 * (x - y))", lambda x, y: np.trunc(9 * (x - y)), False),
    ("Round(9 * (x - y), 0)", lambda x, y: round_half_away(9 * (x - y)), False),
    ("Clamp(x, 0.5, y)", lambda x, y: np.where(x < 0.5, 0.5, np.where(x > y, y, x)), False),
    ("ClampInt(4 * (x - y), -1, 2)", lambda x, y: np.clip(4 * (x - y), -1, 2), False),
    ("Minimum(x, y)", lambda x, y: np.minimum(x, y), False),
    ("Maximum(x, y)", lambda x, y: np.maximum(x, y), False),
]

COMPARISONS = [
    ("x < y", lambda x, y: (x < y).astype(float), False),
    ("x <= y", lambda x, y: (x <= y).astype(float), False),
    ("x > y", lambda x, y: (x > y).astype(float), False),
    ("LessThan(x, y)", lambda x, y: (x < y).astype(float), False),
    ("Equal(Floor(4 * x), Floor(4 * y))", lambda x, y: (np.floor(4 * x) == np.floor(4 * y)).astype(float), False),
    ("NotEqual(Floor(4 * x), Floor(4 * y))", lambda x, y: (np.floor(4 * x) != np.floor(4 * y)).astype(float), False),
    ("And(x < y, y < 0.75)", lambda x, y: ((x < y) & (y < 0.75)).astype(float), False),
    ("Or(x < y, y < 0.75)", lambda x, y: ((x < y) | (y < 0.75)).astype(float), False),
    ("Not(x < y)", lambda x, y: (x >= y).astype(float), False),
    ("IfElse(x - y, x, 2 * y)", lambda x, y: np.where(x >= y, x, 2 * y), False),
]

VECTORS = [
    ("Sum(x * y)", dot, True),
    ("SumT(Elem(x, 1) * Elem(y, 2), 4)", lambda x, y: np.repeat(x[..., 1:2] * y[..., 2:3], 4, -1), True),
    ("Scalprod(x, y)", dot, True),
    ("x | y", dot, True),
    ("(x + y | y)", lambda x, y: dot(x + y, y), True),
    ("SqNorm2(x - y)", lambda x, y: sq_dist(x, y), True),
    ("Norm2(x + y)", lambda x, y: np.sqrt(dot(x + y, x + y)), True),
    ("Normalize(x + y)", lambda x, y: (x + y) / np.sqrt(dot(x + y, x + y)), True),
    ("SqDist(x, y)", sq_dist, True),
    ("WeightedSqNorm(Elem(x, 0), x - y)", lambda x, y: x[..., :1] * sq_dist(x, y), True),
    ("WeightedSqNorm(y, x - y)", lambda x, y: scalar((y * (x - y) ** 2).sum(-1)), True),
    ("WeightedSqDist(TensorProd(x, x), x, y)", lambda x, y: dot(x, x - y) ** 2, True),
    ("WeightedSqDist(y, x, y)", lambda x, y: scalar((y * (x - y) ** 2).sum(-1)), True),
    ("Elem(x * y, 2)", lambda x, y: (x * y)[..., 2:3], True),
    ("ElemT(Sum(x * y), 3, 1)", lambda x, y: dot(x, y) * one_hot(1, 3), True),
    ("Extract(x * y, 1, 2)", lambda x, y: (x * y)[..., 1:3], True),
    ("ExtractT(x * y, 1, 5)", lambda x, y: concat(0 * (x * y)[..., :1], x * y, 0 * (x * y)[..., :1]), True),
    ("Concat(x, y)", concat, True),
    ("Concat(x * y, SqDist(x, y))", lambda x, y: concat(x * y, sq_dist(x, y)), True),
    ("(x * y)[1]", lambda x, y: (x * y)[..., 1:2], True),
    ("MatVecMult(TensorProd(x, y), y)", lambda x, y: x * dot(y, y), True),
    ("MatVecMult(Concat(x, y), x)", lambda x, y: concat(dot(x, x), dot(y, x)), True),
    ("VecMatMult(Extract(x, 0, 2), Concat(x, y))", lambda x, y: x[..., :1] * x + x[..., 1:2] * y, True),
    ("TensorProd(x, y)", lambda x, y: concat(*(x[..., k : k + 1] * y for k in range(3))), True),
    ("Max(x * y)", lambda x, y: scalar((x * y).max(-1)), False),
    ("Min(x * y)", lambda x, y: scalar((x * y).min(-1)), False),
    ("ArgMax(x * y)", lambda x, y: scalar((x * y).argmax(-1).astype(float)), False),
    ("ArgMin(x * y)", lambda x, y: scalar((x * y).argmin(-1).astype(float)), False),
    ("OneHot(4 * Elem(x, 0), 5) * Elem(y, 0)", lambda x, y: (np.arange(5) == np.floor(4 * x[..., :1] + 0.5)) * y[..., :1], False),
]

COMPOSITE = [
    ("Exp(-SqDist(x, y) / 0.3) * y", lambda x, y: np.exp(-sq_dist(x, y) / 0.3) * y, True),
    ("Exp(-Norm2(x + y))", lambda x, y: np.exp(-np.sqrt(dot(x + y, x + y))), True),
    ("Inv(1 + SqDist(x, y)) * (x | y)", lambda x, y: dot(x, y) / (1 + sq_dist(x, y)), True),
    ("((x | y) + 1)**3 * (x - y)", lambda x, y: (dot(x, y) + 1) ** 3 * (x - y), True),
    ("Log(1 + Exp(x | y)) * Sin(x * y)", lambda x, y: np.log1p(np.exp(dot(x, y))) * np.sin(x * y), True),
]


def interleave(z):
    """Complex numbers as real and imaginary parts in turn."""
    return np.stack([z.real, z.imag], axis=-1).reshape(*z.shape[:-1], -1)


def numbers(x, y):
    """The complex numbers that `Z` below is."""
    return x + 1j * y


def per_pair(function):
    """Applies a function of two vectors to all pairs."""
    return lambda x, y: np.vectorize(function, signature="(n),(m)->(k)")(x, y)


def soft_dtw(x, y, gamma):
    """Cuturi and Blondel's recursion, cell by cell."""
    cost = (x[:, None] - y[None, :]) ** 2
    table = np.full((len(x) + 1, len(y) + 1), np.inf)
    table[0, 0] = 0
    for i in range(len(x)):
        for j in range(len(y)):
            before = -np.array([table[i, j], table[i, j + 1], table[i + 1, j]]) / gamma
            table[i + 1, j + 1] = cost[i, j] - gamma * (before.max() + np.log(np.exp(before - before.max()).sum()))
    return table[-1:, -1]


def b_splines(knots, u, order):
    """The recursion of Cox and de Boor, one spline after the other."""

    def spline(i, k):
        if k == 0:
            return float(knots[i] <= u < knots[i + 1])
        left, right = knots[i + k] - knots[i], knots[i + k + 1] - knots[i + 1]
        rise = (u - knots[i]) / left * spline(i, k - 1) if left else 0.0
        fall = (knots[i + k + 1] - u) / right * spline(i + 1, k - 1) if right else 0.0
        return rise + fall

    return np.array([spline(i, order) for i in range(len(knots) - order - 1)])


TENSORS = [
    ("MatMatMult(TensorProd(x, y), y, 3)", lambda x, y: x * dot(y, y), True),
    ("Transpose(TensorProd(x, y), 1, 3, 3)", lambda x, y: concat(*(y[..., k : k + 1] * x for k in range(3))), True),
    (
        "TensorDot(TensorProd(x, y), TensorProd(y, x), [3, 3], [3, 3], [1], [0])",
        per_pair(lambda x, y: (np.outer(x, y) @ np.outer(y, x)).ravel()),
        True,
    ),
    (
        "TensorDot(Concat(x, y), TensorProd(x, Concat(x, y)), [2, 3], [3, 2, 3], [1], [0], [2, 0, 1])",
        per_pair(
            lambda x, y: np.tensordot(np.array([x, y]), np.outer(x, np.r_[x, y]).reshape(3, 2, 3), ([1], [0]))
            .transpose(np.argsort([2, 0, 1]))
            .ravel()
        ),
        True,
    ),
    (
        "Kron(Concat(x, y), TensorProd(x, Extract(y, 0, 2)), [2, 3], [3, 2])",
        per_pair(lambda x, y: np.kron(np.array([x, y]), np.outer(x, y[:2])).ravel()),
        True,
    ),
    (
        "BSpline(Concat(x, 1 + y) * Concat(1, Concat(2, Concat(3, Concat(2, Concat(3, 4))))), 1.25, 2) * Elem(y, 0)",
        per_pair(lambda x, y: y[0] * b_splines(np.r_[x, 1 + y] * [1, 2, 3, 2, 3, 4], 1.25, 2)),
        False,
    ),
    ("SoftDTW_SqDist(x, Concat(y, x * y), 0.3)", per_pair(lambda x, y: soft_dtw(x, np.r_[y, x * y], 0.3)), True),
    ("SoftMinimum(x, y, 0.1)", lambda x, y: -0.1 * np.logaddexp(-x / 0.1, -y / 0.1), True),
    ("DivideOrZero(x, Floor(y + 0.5))", lambda x, y: np.where(y < 0.5, 0, x), False),
]

Z = "Complex(x, y)"

COMPLEX = [
    (Z, lambda x, y: interleave(numbers(x, y)), True),
    (f"ComplexReal(ComplexMult({Z}, {Z}))", lambda x, y: (numbers(x, y) ** 2).real, True),
    (f"ComplexImag(ComplexMult({Z}, Conj({Z})))", lambda x, y: 0 * (x + y), True),
    ("ComplexAdd(Real2Complex(x), Imag2Complex(y))", lambda x, y: interleave(numbers(x, y)), True),
    ("ComplexMult(Concat(x, Elem(y, 0)), Extract(y, 0, 2))", per_pair(
        lambda x, y: interleave(np.array([x[0] + 1j * x[1], x[2] + 1j * y[0]]) * (y[0] + 1j * y[1]))
    ), True),
    (f"ComplexSubtract(Extract(x, 0, 2), {Z})", lambda x, y: interleave((x[..., :1] + 1j * x[..., 1:2]) - numbers(x, y)), True),
    (f"ComplexDivide({Z}, Complex(y, x))", lambda x, y: interleave(numbers(x, y) / numbers(y, x)), True),
    (f"ComplexAbs({Z})", lambda x, y: abs(numbers(x, y)), True),
    (f"ComplexSquareAbs({Z})", lambda x, y: abs(numbers(x, y)) ** 2, True),
    (f"ComplexAngle({Z})", lambda x, y: np.angle(numbers(x, y)), True),
    (f"ComplexSum({Z})", lambda x, y: interleave(numbers(x, y).sum(-1, keepdims=True)), True),
    (f"ComplexMult(ComplexSumT(Extract(x, 0, 2), 6), {Z})", lambda x, y: interleave((x[..., :1] + 1j * x[..., 1:2]) * numbers(x, y)), True),
    (f"ComplexRealScal({Z}, Elem(y, 1))", lambda x, y: interleave(numbers(x, y) * y[..., 1:2]), True),
    (f"ComplexRealScal(y, {Z})", lambda x, y: interleave(numbers(x, y) * y), True),
    (f"ComplexExp({Z})", lambda x, y: interleave(np.exp(numbers(x, y))), True),
    ("ComplexExp1j(x * y)", lambda x, y: interleave(np.exp(1j * x * y)), True),
    (f"ComplexLog({Z})", lambda x, y: interleave(np.log(numbers(x, y))), True),
    ("ComplexLog(Complex(-x, y))", lambda x, y: interleave(np.log(numbers(-x, y))), True),
    (f"ComplexSqrt({Z})", lambda x, y: interleave(np.sqrt(numbers(x, y))), True),
    ("ComplexSqrt(Complex(-x, -y))", lambda x, y: interleave(np.sqrt(numbers(-x, -y))), True),
    (f"ComplexPow({Z}, Concat(0.5, 2))", lambda x, y: interleave(numbers(x, y) ** (0.5 + 2j)), True),
    (f"ComplexSin({Z})", lambda x, y: interleave(np.sin(numbers(x, y))), True),
    (f"ComplexCos({Z})", lambda x, y: interleave(np.cos(numbers(x, y))), True),
    # A non-uniform Fourier sum: the real numbers y at the frequencies x.
    ("RealTimesComplex(Elem(y, 2), ComplexExp1j(x | y))", lambda x, y: interleave(y[..., 2:3] * np.exp(1j * dot(x, y))), True),
]


def radial(function):
    """A function of the distance of x and y."""
    return lambda x, y: np.asarray(function(np.sqrt(sq_dist(x, y))), float)


SPECIAL = [
    ("Asinh(5 * (x - y))", lambda x, y: np.arcsinh(5 * (x - y)), True),
    ("Erf(3 * (x - y))", lambda x, y: special.erf(3 * (x - y)), True),
    ("Erfc(3 * (x - y))", lambda x, y: special.erfc(3 * (x - y)), True),
    ("LGamma(4 * x * y)", lambda x, y: special.lgamma(4 * x * y), True),
    ("Digamma(4 * x * y)", lambda x, y: special.digamma(4 * x * y).astype(float), True),
    ("Polygamma(x + y, 2)", lambda x, y: -2 * special.hurwitz_zeta(3, x + y).astype(float), True),
    ("HurwitzZeta(x + y, 4)", lambda x, y: special.hurwitz_zeta(4, x + y).astype(float), True),
    ("BesselJ0(20 * (x + y))", lambda x, y: special.bessel_j(0, 20 * (x + y)).astype(float), True),
    ("BesselJ1(20 * (x - y))", lambda x, y: special.bessel_j(1, 20 * (x - y)).astype(float), True),
    ("BesselLambda(9 * x * y, 2)", lambda x, y: (special.bessel_j(2, 9 * x * y) / (9 * x * y) ** 2).astype(float), True),
    ("BesselJ0(9 * Norm2(x - y))", radial(lambda d: special.bessel_j(0, 9 * d)), True),
    ("SinXDivX(9 * Norm2(x - y))", radial(lambda d: np.sinc(9 * d / np.pi)), True),
    ("SphericalLambda(9 * x * y, 1)", lambda x, y: (np.sin(9 * x * y) / (9 * x * y) - np.cos(9 * x * y)) / (9 * x * y) ** 2, True),
    ("Matern(1/2, Norm2(x - y) / 0.5)", radial(lambda d: special.matern(1, d / 0.5)), True),
    ("Matern(3/2, Norm2(x - y) / 0.5)", radial(lambda d: special.matern(3, d / 0.5)), True),
    ("Matern(2.5, 2 * (x - y))", lambda x, y: special.matern(5, 2 * (x - y)).astype(float), True),
    ("Matern(7.5, Norm2(x - y))", radial(lambda d: special.matern(15, d)), True),
    ("MaternOfSquare(3.5, SqDist(x, y))", radial(lambda d: special.matern(7, d)), True),
]

FAMILIES = {
    "arithmetic": ARITHMETIC,
    "functions": FUNCTIONS,
    "comparisons": COMPARISONS,
    "vectors": VECTORS,
    "composite": COMPOSITE,
    "tensors": TENSORS,
    "complex": COMPLEX,
    "special": SPECIAL,
}
