"""A third opinion: formulas in KeOps' language, evaluated by NumPy in extended precision.

It knows neither KeOps' code nor keopsc's: operations are written down here as they are defined. Derivatives are differences of sixth order,
so that no rule for derivatives is trusted; they are good to some ten digits at points where a formula is smooth.
An expression is a function of the inputs, which are arrays (pairs, dim) each; `evaluate` gives its value for all pairs of i and j.
"""

import numpy as np

STEP = 1e-4
# Coefficients of the central difference of sixth order, for 1, 2 and 3 steps to each side.
STENCIL = [(1, 3 / 4), (2, -3 / 20), (3, 1 / 60)]


class Expression:
    """A function of the inputs, with KeOps' operators. `dim` is how many components its values have."""

    def __init__(self, dim, value):
        self.dim = dim
        self.value = value

    def __add__(self, other):
        return Add(self, other)

    def __radd__(self, other):
        return Add(other, self)

    def __sub__(self, other):
        return Subtract(self, other)

    def __rsub__(self, other):
        return Subtract(other, self)

    def __mul__(self, other):
        return Mult(self, other)

    def __rmul__(self, other):
        return Mult(other, self)

    def __truediv__(self, other):
        return Divide(self, other)

    def __rtruediv__(self, other):
        return Divide(other, self)

    def __neg__(self):
        return Minus(self)

    def __pow__(self, power):
        return Pow(self, power)

    def __or__(self, other):
        return Scalprod(self, other)

    def __lt__(self, other):
        return LessThan(self, other)

    def __gt__(self, other):
        return LessThan(other, self)

    def __le__(self, other):
        return LessOrEqual(self, other)

    def __ge__(self, other):
        return LessOrEqual(other, self)


class Variable(Expression):
    """An input."""

    def __init__(self, name, dim):
        super().__init__(dim, lambda given: given[name])
        self.name = name


def constant(number):
    def value(given):
        any_input = next(iter(given.values()))
        return np.full((len(any_input), 1), number, any_input.dtype)

    return Expression(1, value)


def expression(f):
    return f if isinstance(f, Expression) else constant(f)


def elementwise(function):
    """An operation on each component; scalars broadcast. What follows the expressions are integers."""

    def operation(*arguments, **options):
        arguments = [expression(f) for f in arguments]
        dims = {f.dim for f in arguments}
        assert len(dims - {1}) <= 1, "the dimensions differ"
        return Expression(max(dims), lambda given: function(*(f.value(given) for f in arguments), **options))

    return operation


def to_scalar(function):
    """An operation on the components of a vector: axis 1 of what `function` is given."""
    return lambda f: Expression(1, lambda given: function(f.value(given))[:, None])


def truth(condition):
    return condition.astype(np.longdouble)


def rsqrt(u):
    """0 at 0, by KeOps' definition."""
    return np.where(u == 0, 0, 1 / np.sqrt(np.where(u == 0, 1, u)))


def round_half_away(u):
    return np.copysign(np.floor(np.abs(u) + 0.5), u)


def sin_x_div_x(u):
    return np.where(u == 0, 1, np.sin(u) / np.where(u == 0, 1, u))


def x_log_x(u):
    return np.where(u == 0, 0, u * np.log(np.where(u == 0, 1, u)))


Add = elementwise(lambda u, v: u + v)
Subtract = elementwise(lambda u, v: u - v)
Mult = elementwise(lambda u, v: u * v)
Divide = elementwise(lambda u, v: u / v)
Minus = elementwise(lambda u: -u)
Inv = elementwise(lambda u: 1 / u)
Exp = elementwise(np.exp)
Log = elementwise(np.log)
Sin = elementwise(np.sin)
Cos = elementwise(np.cos)
Asin = elementwise(np.arcsin)
Acos = elementwise(np.arccos)
Atan = elementwise(np.arctan)
Atan2 = elementwise(np.arctan2)
Sqrt = elementwise(np.sqrt)
Rsqrt = elementwise(rsqrt)
Square = elementwise(lambda u: u * u)
Powf = elementwise(lambda u, v: np.power(u, v))
Abs = elementwise(np.abs)
Sign = elementwise(lambda u: truth(u > 0) - truth(u < 0))
Step = elementwise(lambda u: truth(~(u < 0)))
ReLU = elementwise(lambda u: np.where(u < 0, 0, u))
Floor = elementwise(np.floor)
Mod = elementwise(lambda u, n, d: u - n * np.floor((u - d) / n))
Clamp = elementwise(lambda u, low, high: np.where(u < low, low, np.where(u > high, high, u)))
IfElse = elementwise(lambda u, yes, no: np.where(u >= 0, yes, no))
Equal = elementwise(lambda u, v: truth(u == v))
NotEqual = elementwise(lambda u, v: truth(u != v))
LessThan = elementwise(lambda u, v: truth(u < v))
LessOrEqual = elementwise(lambda u, v: truth(u <= v))
XLogX = elementwise(x_log_x)
SinXDivX = elementwise(sin_x_div_x)


def IntCst(n):
    return constant(np.longdouble(n))


def RatCst(p, q):
    return constant(np.longdouble(p) / np.longdouble(q))


def IntInv(n):
    return RatCst(1, n)


def Zero(dim):
    return SumT(constant(0), dim)


def Pow(f, n):
    return elementwise(lambda u: np.power(u, n))(f)


def Round(f, d):
    return elementwise(lambda u: round_half_away(u * np.longdouble(10) ** d) / np.longdouble(10) ** d)(f)


def ClampInt(f, low, high):
    return elementwise(lambda u: np.where(u < low, low, np.where(u > high, high, u)))(f)


def DiffClampInt(f, low, high):
    return elementwise(lambda u: truth(~(u < low) & ~(u > high)))(f)


Sum = to_scalar(lambda u: u.sum(axis=1))
SqNorm2 = to_scalar(lambda u: (u * u).sum(axis=1))
Norm2 = to_scalar(lambda u: np.sqrt((u * u).sum(axis=1)))
Max = to_scalar(lambda u: u.max(axis=1))
Min = to_scalar(lambda u: u.min(axis=1))
ArgMax = to_scalar(lambda u: u.argmax(axis=1).astype(np.longdouble))
ArgMin = to_scalar(lambda u: u.argmin(axis=1).astype(np.longdouble))


def SumT(f, dim):
    return Expression(dim, lambda given: np.repeat(f.value(given), dim, axis=1))


def Scalprod(f, g):
    return Sum(expression(f) * g)


def SqDist(f, g):
    return SqNorm2(f - g)


def Normalize(f):
    return Rsqrt(SqNorm2(f)) * f


def SqNormIso(s, f):
    return s * SqNorm2(f)


def SqNormDiag(s, f):
    return Sum(s * f * f)


def SymSqNorm(A, f):
    return Sum(A * TensorProd(f, f))


def WeightedSqNorm(s, f):
    if s.dim == 1:
        return SqNormIso(s, f)
    return SqNormDiag(s, f) if s.dim == f.dim else SymSqNorm(s, f)


def WeightedSqDist(s, f, g):
    return WeightedSqNorm(s, f - g)


def Elem(f, m):
    return Extract(f, m, 1)


def ElemT(f, n, m):
    return ExtractT(f, m, n)


def Extract(f, start, dim):
    return Expression(dim, lambda given: f.value(given)[:, start : start + dim])


def ExtractT(f, start, dim):
    return Expression(dim, lambda given: np.pad(f.value(given), ((0, 0), (start, dim - start - f.dim))))


def Concat(f, g):
    return Expression(f.dim + g.dim, lambda given: np.concatenate([f.value(given), g.value(given)], axis=1))


def OneHot(f, dim):
    return Expression(dim, lambda given: truth(np.floor(f.value(given) + 0.5) == np.arange(dim)))


def einsum(subscripts, dim, shapes, *arguments):
    """A sum of products of tensors; the first letter of each is the pair."""

    def value(given):
        tensors = [f.value(given).reshape(-1, *shape) for f, shape in zip(arguments, shapes)]
        return np.einsum(subscripts, *tensors).reshape(-1, dim)

    return Expression(dim, value)


def MatVecMult(A, b):
    return einsum("znp,zp->zn", A.dim // b.dim, [(A.dim // b.dim, b.dim), (b.dim,)], A, b)


def VecMatMult(b, A):
    return einsum("zn,znp->zp", A.dim // b.dim, [(b.dim,), (b.dim, A.dim // b.dim)], b, A)


def TensorProd(f, g):
    return einsum("zn,zm->znm", f.dim * g.dim, [(f.dim,), (g.dim,)], f, g)


def TensorDot(f, g, dims_f, dims_g, axes_f, axes_g, permute=None):
    """Kept axis k of f, then of g, comes to place permute[k] of the result."""
    kept_f = [k for k in range(len(dims_f)) if k not in axes_f]
    kept_g = [k for k in range(len(dims_g)) if k not in axes_g]
    letters_f = [chr(97 + k) for k in range(len(dims_f))]
    letters_g = [chr(65 + k) for k in range(len(dims_g))]
    for here, there in zip(axes_f, axes_g):
        letters_g[there] = letters_f[here]
    kept = [letters_f[k] for k in kept_f] + [letters_g[k] for k in kept_g]
    dim = int(np.prod([dims_f[k] for k in kept_f] + [dims_g[k] for k in kept_g], dtype=int))
    places = permute or range(len(kept))
    result = [kept[list(places).index(place)] for place in range(len(kept))]
    subscripts = f"z{''.join(letters_f)},z{''.join(letters_g)}->z{''.join(result)}"
    return einsum(subscripts, dim, [tuple(dims_f), tuple(dims_g)], f, g)


def Kron(f, g, dims_f, dims_g):
    count = len(dims_f)
    return TensorDot(f, g, dims_f, dims_g, [], [], [*range(0, 2 * count, 2), *range(1, 2 * count, 2)])


def BSpline(knots, x, order):
    """By the recursion of Cox and de Boor, half-open intervals, 0 for empty ones."""

    def value(given):
        t, at = knots.value(given), x.value(given)[:, 0]
        basis = [truth((t[:, k] <= at) & (at < t[:, k + 1])) for k in range(knots.dim - 1)]

        def rise(k, degree):
            width = t[:, k + degree] - t[:, k]
            return np.where(width > 0, (at - t[:, k]) / np.where(width > 0, width, 1), 0)

        for degree in range(1, order + 1):
            basis = [rise(k, degree) * basis[k] + (1 - rise(k + 1, degree)) * basis[k + 1] for k in range(len(basis) - 1)]
        return np.stack(basis, axis=1)

    return Expression(knots.dim - order - 1, value)


def SoftDTW_SqDist(x, y, gamma):
    def value(given):
        first, second, softness = x.value(given), y.value(given), gamma.value(given)[:, 0]
        table = {}
        for j in range(y.dim):
            for i in range(x.dim):
                before = [table[at] for at in [(i - 1, j - 1), (i - 1, j), (i, j - 1)] if at in table]
                cost = (first[:, i] - second[:, j]) ** 2
                if len(before) == 3:
                    low = np.minimum.reduce(before)
                    cost = cost + low - softness * np.log(sum(np.exp((low - other) / softness) for other in before))
                elif before:
                    cost = cost + before[0]
                table[i, j] = cost
        return table[x.dim - 1, y.dim - 1][:, None]

    return Expression(1, value)


def complex_values(f, given):
    values = f.value(given)
    return values[:, 0::2] + 1j * values[:, 1::2]


def interleaved(values):
    return np.stack([values.real, values.imag], axis=2).reshape(len(values), -1)


def complex_elementwise(function):
    def operation(*arguments):
        dim = max(f.dim for f in arguments)
        return Expression(dim, lambda given: interleaved(function(*(complex_values(f, given) for f in arguments))))

    return operation


def complex_to_real(function):
    return lambda f: Expression(f.dim // 2, lambda given: function(complex_values(f, given)))


def real_to_complex(function):
    return lambda f: Expression(2 * f.dim, lambda given: interleaved(function(f.value(given))))


ComplexAdd = complex_elementwise(lambda u, v: u + v)
ComplexSubtract = complex_elementwise(lambda u, v: u - v)
ComplexMult = complex_elementwise(lambda u, v: u * v)
ComplexDivide = complex_elementwise(lambda u, v: u / v)
ComplexExp = complex_elementwise(np.exp)
Conj = complex_elementwise(np.conj)
ComplexReal = complex_to_real(np.real)
ComplexImag = complex_to_real(np.imag)
ComplexAbs = complex_to_real(np.abs)
ComplexSquareAbs = complex_to_real(lambda z: np.abs(z) ** 2)
ComplexAngle = complex_to_real(np.angle)
Real2Complex = real_to_complex(lambda u: u + 0j)
Imag2Complex = real_to_complex(lambda u: 1j * u)
ComplexExp1j = real_to_complex(lambda u: np.cos(u) + 1j * np.sin(u))


def ComplexRealScal(f, g):
    return f * g


def ComplexSum(f):
    return Expression(2, lambda given: interleaved(complex_values(f, given).sum(axis=1, keepdims=True)))


def ComplexSumT(f, dim):
    return Expression(dim, lambda given: np.tile(f.value(given), dim // 2))


def moved(given, name, component, distance):
    changed = given[name].copy()
    changed[:, component] += distance
    return {**given, name: changed}


def partial(f, v, component, given):
    """The derivative of all components of f in one component of the variable v."""

    def side(distance):
        return f.value(moved(given, v.name, component, distance))

    return sum(weight * (side(count * STEP) - side(-count * STEP)) for count, weight in STENCIL) / STEP


def Grad(f, v, cotangent):
    cotangent = expression(cotangent)

    def value(given):
        weights = cotangent.value(given)
        return np.stack([(partial(f, v, k, given) * weights).sum(axis=1) for k in range(v.dim)], axis=1)

    return Expression(v.dim, value)


def GradMatrix(f, v):
    """One gradient after the other, of each component of f."""

    def value(given):
        columns = [partial(f, v, k, given) for k in range(v.dim)]
        return np.stack(columns, axis=2).reshape(-1, f.dim * v.dim)

    return Expression(f.dim * v.dim, value)


def Diff(f, v, tangent):
    """In several variables at once where they are tuples."""
    if isinstance(v, tuple):
        terms = [Diff(f, *pair) for pair in zip(v, tangent)]
        return Expression(f.dim, lambda given: sum(term.value(given) for term in terms))

    def value(given):
        weights = tangent.value(given)
        return sum(partial(f, v, k, given) * weights[:, k : k + 1] for k in range(v.dim))

    return Expression(f.dim, value)


def weighted_entries(f, v, left, right, is_trace):
    """A weighted sum of the entries of the matrix of f, which is linear in v: all of them, or the diagonal."""

    def value(given):
        rows, columns = left.value(given), right.value(given)
        matrix = np.stack([partial(f, v, k, given) for k in range(v.dim)], axis=2)
        entries = matrix * np.broadcast_to(rows, (len(rows), f.dim))[:, :, None] * np.broadcast_to(columns, (len(columns), v.dim))[:, None, :]
        return (np.trace(entries, axis1=1, axis2=2) if is_trace else entries.sum(axis=(1, 2)))[:, None]

    return Expression(1, value)


def TraceOperator(f, v, w=1):
    """Of a scalar f: the sum of its only row."""
    return weighted_entries(f, v, constant(1), expression(w), is_trace=f.dim == v.dim)


def SumLinOperator(f, v, wl=1, wr=1):
    return weighted_entries(f, v, expression(wl), expression(wr), is_trace=False)


def AdjointOperator(f, v, u):
    return Grad(f, v, u)


def Factorize(f, g):
    """A hint to KeOps' compiler; no other value."""
    return f


def AutoFactorize(f):
    return f


def Divergence(f, v):
    return Expression(1, lambda given: sum(partial(f, v, k, given)[:, k : k + 1] for k in range(v.dim)))


def Laplacian(f, v):
    return Divergence(Grad(f, v, constant(1)), v)


# Words of formulas that are operations.
OPERATIONS = {name: value for name, value in globals().items() if name[0].isupper() and callable(value)}
for word in ("Expression", "Variable"):
    del OPERATIONS[word]


def evaluate(text, variables, inputs, precision=np.longdouble):
    """The values of a formula for all pairs: (rows of i, rows of j, dim)."""
    rows_of = lambda category: max([len(inputs[n]) for n, (c, _) in variables.items() if c == category], default=1)  # noqa: E731
    rows, columns = rows_of(0), rows_of(1)
    given = {}
    for name, (category, dim) in variables.items():
        shape = {0: (rows, 1, dim), 1: (1, columns, dim), 2: (1, 1, dim)}[category]
        values = np.asarray(inputs[name], precision).reshape(shape)
        given[name] = np.broadcast_to(values, (rows, columns, dim)).reshape(-1, dim)
    names = {name: Variable(name, dim) for name, (_, dim) in variables.items()}
    with np.errstate(all="ignore"):
        result = expression(eval(text, dict(OPERATIONS), names))
        return result.value(given).reshape(rows, columns, result.dim)
