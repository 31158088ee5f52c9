"""The table of the operations that LazyTensors have as methods: name, formula, dimensions, documentation.

Rows are (method, template, dimension, documentation). In a template {0} is the LazyTensor itself, {1}, {2} … are further LazyTensors (or what can be
made into one), and {name} is an integer argument. `lazytensor.py` makes a method of each row.
"""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional, Sequence, Tuple


class Operation(NamedTuple):
    """One row of the table."""

    method: str
    template: str
    dim: Callable[..., int]
    doc: str


class DimensionError(ValueError):
    """Numbers of components that do not fit together."""


def same(dim: int) -> int:
    """As many components as the argument."""
    return dim


def one(*_: int) -> int:
    """A single component."""
    return 1


def common(*dims: int) -> int:
    """The number of components that all have, but for those that have a single one."""
    most = max(dims)
    if any(dim not in (1, most) for dim in dims):
        raise DimensionError("the numbers of components have to be equal, or 1")
    return most


def common_to_one(*dims: int) -> int:
    """A single component, of arguments that have equally many, or 1."""
    common(*dims)
    return 1


def rows_of_matrix(matrix: int, vector: int) -> int:
    """The rows of a matrix with as many columns as the vector has components."""
    if matrix % vector:
        raise DimensionError(f"a matrix of {matrix} components has no rows of {vector}")
    return matrix // vector


def columns_of_matrix(vector: int, matrix: int) -> int:
    """The columns of a matrix with as many rows as the vector has components."""
    return rows_of_matrix(matrix, vector)


def weighted(weights: int, *dims: int) -> int:
    """A single component: weights are one number, one for each component, or a symmetric matrix."""
    dim = common(*dims)
    if weights not in (1, dim, dim * dim):
        raise DimensionError(f"for {dim} components there may be 1, {dim} or {dim * dim} weights")
    return 1


_ELEMENTWISE = [
    ("exp", "Exp", "The exponential."),
    ("exp2", "Exp2", "2 to the power of each component."),
    ("expm1", "Expm1", "exp(x) - 1 without cancellation near 0."),
    ("log", "Log", "The natural logarithm: -inf at 0, NaN below."),
    ("log2", "Log2", "The logarithm to base 2."),
    ("log10", "Log10", "The logarithm to base 10."),
    ("log1p", "Log1p", "log(1 + x) without cancellation near 0."),
    ("xlogx", "XLogX", "x log x: 0 at 0, NaN below."),
    ("sin", "Sin", "The sine of radians."),
    ("cos", "Cos", "The cosine of radians."),
    ("tan", "Tan", "The tangent of radians."),
    ("asin", "Asin", "The arc sine in radians: NaN outside [-1, 1]; its derivative at -1 and 1 is taken as 0."),
    ("acos", "Acos", "The arc cosine in radians: NaN outside [-1, 1]; its derivative at -1 and 1 is taken as 0."),
    ("atan", "Atan", "The arc tangent in radians."),
    ("sinh", "Sinh", "The hyperbolic sine."),
    ("cosh", "Cosh", "The hyperbolic cosine."),
    ("tanh", "Tanh", "The hyperbolic tangent."),
    ("asinh", "Asinh", "The inverse of the hyperbolic sine."),
    ("acosh", "Acosh", "The inverse of the hyperbolic cosine: NaN below 1."),
    ("atanh", "Atanh", "The inverse of the hyperbolic tangent: NaN outside [-1, 1]."),
    ("sinxdivx", "SinXDivX", "sin(x) / x: 1 at 0, where its derivative is 0."),
    ("sinc", "Sinc", "sin(pi x) / (pi x), the normalised sinc, as in NumPy and PyTorch."),
    ("sqrt", "Sqrt", "The square root: NaN below 0; its derivative at 0 is taken as 0."),
    ("rsqrt", "Rsqrt", "1 / sqrt(x), but 0 at 0, as in KeOps."),
    ("square", "Square", "The square."),
    ("sign", "Sign", "-1, 0 or 1."),
    ("step", "Step", "1 where x >= 0, else 0."),
    ("relu", "ReLU", "x where x > 0, else 0."),
    ("sigmoid", "Sigmoid", "The logistic function 1 / (1 + exp(-x))."),
    ("softplus", "Softplus", "log(1 + exp(x)), without overflow."),
    ("abs", "Abs", "The absolute value."),
    ("floor", "Floor", "The largest integer that is not larger."),
    ("ceil", "Ceil", "The smallest integer that is not smaller."),
    ("trunc", "Trunc", "The integer part."),
    ("erf", "Erf", "The error function."),
    ("erfc", "Erfc", "1 - erf(x), without cancellation."),
    ("lgamma", "LGamma", "The logarithm of the absolute value of the gamma function."),
    ("digamma", "Digamma", "The derivative of lgamma."),
    ("logical_not", "Not", "1 where x is 0, else 0."),
    ("normalize", "Normalize", "The vector divided by its Euclidean norm: 0 for the vector 0."),
]

#: Methods without an argument.
UNARY: Sequence[Operation] = [Operation(method, name + "({0})", same, doc) for method, name, doc in _ELEMENTWISE] + [
    Operation("sqnorm2", "SqNorm2({0})", one, "The squared Euclidean norm of the vector: a single number."),
    Operation("norm2", "Norm2({0})", one, "The Euclidean norm of the vector: a single number, whose derivative at 0 is taken as 0."),
]

#: Methods with further LazyTensors, by position.
WITH_LAZYTENSORS: Sequence[Operation] = [
    Operation("atan2", "Atan2({0}, {1})", common, "The angle in radians of the points with ordinates `self` and abscissas `other`."),
    Operation("hypot", "Hypot({0}, {1})", common, "sqrt(self**2 + other**2), without overflow."),
    Operation("minimum", "Minimum({0}, {1})", common, "The smaller one, component by component."),
    Operation("maximum", "Maximum({0}, {1})", common, "The larger one, component by component."),
    Operation("logaddexp", "LogAddExp({0}, {1})", common, "log(exp(self) + exp(other)), without overflow."),
    Operation("logical_and", "And({0}, {1})", common, "1 where both are other than 0, else 0."),
    Operation("logical_or", "Or({0}, {1})", common, "1 where one of both is other than 0, else 0."),
    Operation("sqdist", "SqDist({0}, {1})", common_to_one, "The squared Euclidean distance: a single number."),
    Operation("matvecmult", "MatVecMult({0}, {1})", rows_of_matrix, "The matrix `self`, row by row in its components, times the vector `other`."),
    Operation("vecmatmult", "VecMatMult({0}, {1})", columns_of_matrix, "The vector `self` times the matrix `other`, row by row in its components."),
    Operation("tensorprod", "TensorProd({0}, {1})", lambda a, b: a * b, "All products of a component of `self` and one of `other`, row by row."),
    Operation("weightedsqdist", "WeightedSqDist({2}, {0}, {1})", lambda a, b, s: weighted(s, a, b), "The squared distance with weights."),
    Operation(
        "weightedsqnorm",
        "WeightedSqNorm({1}, {0})",
        lambda a, s: weighted(s, a),
        "The squared norm of `self` with weights: one, one for each component, or a symmetric matrix.",
    ),
    Operation("ifelse", "IfElse({0}, {1}, {2})", common, "The second argument where `self >= 0`, else the third."),
    Operation("clamp", "Clamp({0}, {1}, {2})", common, "`self`, but no less than the first bound and no more than the second."),
    Operation(
        "softdtw_sqdist",
        "SoftDTW_SqDist({0}, {1}, {2})",
        one,
        "The soft dynamic time warping of two series, with squared differences and smoothing gamma.",
    ),
]

#: Methods without an argument, of complex numbers, that are complex again. Other methods of the table are refused.
OF_COMPLEX: Sequence[Operation] = [
    Operation("exp", "ComplexExp({0})", same, "The exponential."),
    Operation("log", "ComplexLog({0})", same, "The principal logarithm, with imaginary parts from -pi to pi."),
    Operation("sqrt", "ComplexSqrt({0})", same, "The principal square root, with real parts not below 0."),
    Operation("sin", "ComplexSin({0})", same, "The sine."),
    Operation("cos", "ComplexCos({0})", same, "The cosine."),
]

#: Reductions to one value a row: (method, reduction, operation on the components or None).
EXTREMA: Sequence[Tuple[str, str, Optional[str]]] = [
    ("min", "Min", "Min"),
    ("argmin", "ArgMin", "ArgMin"),
    ("min_argmin", "Min_ArgMin", None),
    ("max", "Max", "Max"),
    ("argmax", "ArgMax", "ArgMax"),
    ("max_argmax", "Max_ArgMax", None),
    ("prod", "Prod", None),
    ("count", "Count", None),
    ("any", "Any", None),
    ("all", "All", None),
]

#: Reductions to lists of K values a row: (method, reduction).
LISTS = [
    ("Kmin", "KMin"),
    ("argKmin", "ArgKMin"),
    ("Kmin_argKmin", "KMin_ArgKMin"),
    ("Kmax", "KMax"),
    ("argKmax", "ArgKMax"),
    ("Kmax_argKmax", "KMax_ArgKMax"),
]
