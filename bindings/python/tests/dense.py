"""LazyTensors in full: the methods of a LazyTensor on NumPy arrays (…, M, N, D), as the tests' reference."""

import math

import numpy as np
from scipy import special

ELEMENTWISE = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "xlogx": lambda a: special.xlogy(a, a),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "sinxdivx": lambda a: np.sinc(a / math.pi),
    "sinc": np.sinc,
    "sqrt": np.sqrt,
    "rsqrt": lambda a: 1 / np.sqrt(a),
    "square": np.square,
    "sign": np.sign,
    "step": lambda a: np.where(a >= 0, 1.0, 0.0),
    "relu": lambda a: np.maximum(a, 0),
    "sigmoid": special.expit,
    "softplus": lambda a: np.logaddexp(a, 0),
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "erf": special.erf,
    "erfc": special.erfc,
    "lgamma": special.gammaln,
    "digamma": special.digamma,
    "logical_not": lambda a: np.where(a == 0, 1.0, 0.0),
    "normalize": lambda a: a / np.linalg.norm(a, axis=-1, keepdims=True),
    "sqnorm2": lambda a: (a**2).sum(-1, keepdims=True),
    "norm2": lambda a: np.linalg.norm(a, axis=-1, keepdims=True),
}


class Dense:
    """An array (…, M, N, D) with the methods of a LazyTensor."""

    __array_ufunc__ = None

    def __init__(self, values):
        self.a = np.asarray(values)

    @staticmethod
    def of(value):
        return value if isinstance(value, Dense) else Dense(np.asarray(value))

    def __getattr__(self, name):
        function = ELEMENTWISE.get(name)
        if function is None:
            raise AttributeError(name)
        return lambda: Dense(function(self.a))

    def _with(self, other, function):
        return Dense(function(self.a, Dense.of(other).a) * 1.0)

    def __add__(self, other):
        return self._with(other, np.add)

    __radd__ = __add__

    def __sub__(self, other):
        return self._with(other, np.subtract)

    def __rsub__(self, other):
        return Dense.of(other) - self

    def __mul__(self, other):
        return self._with(other, np.multiply)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._with(other, np.divide)

    def __rtruediv__(self, other):
        return Dense.of(other) / self

    def __or__(self, other):
        return Dense((self.a * Dense.of(other).a).sum(-1, keepdims=True))

    def __pow__(self, other):
        return self._with(other, np.power)

    def __rpow__(self, other):
        return Dense.of(other) ** self

    def __neg__(self):
        return Dense(-self.a)

    def __mod__(self, other):
        return self._with(other, np.mod)

    def __abs__(self):
        return Dense(abs(self.a))

    def __eq__(self, other):
        return self._with(other, np.equal)

    def __ne__(self, other):
        return self._with(other, np.not_equal)

    def __lt__(self, other):
        return self._with(other, np.less)

    def __le__(self, other):
        return self._with(other, np.less_equal)

    def __gt__(self, other):
        return self._with(other, np.greater)

    def __ge__(self, other):
        return self._with(other, np.greater_equal)

    def __getitem__(self, key):
        if isinstance(key, int):
            return Dense(self.a[..., key, None])
        return Dense(self.a[..., key])

    def power(self, other):
        return self**other

    def mod(self, modulus, offset=0):
        return Dense(np.mod(self.a - offset, modulus) + offset)

    def round(self, digits=0):
        scaled = self.a * 10.0**digits
        return Dense(np.where(scaled >= 0, np.floor(scaled + 0.5), np.ceil(scaled - 0.5)) / 10.0**digits)

    def norm(self, dim):
        return self.norm2()

    def elem(self, k):
        return self[k]

    def extract(self, k, d):
        return Dense(self.a[..., k : k + d])

    def one_hot(self, D):
        return Dense((np.floor(self.a + 0.5) == np.arange(D)) * 1.0)

    def concat(self, other):
        shape = np.broadcast_shapes(self.a.shape[:-1], other.a.shape[:-1])
        return Dense(np.concatenate([np.broadcast_to(t.a, (*shape, t.a.shape[-1])) for t in (self, other)], -1))

    def atan2(self, other):
        return self._with(other, np.arctan2)

    def hypot(self, other):
        return self._with(other, np.hypot)

    def minimum(self, other):
        return self._with(other, np.minimum)

    def maximum(self, other):
        return self._with(other, np.maximum)

    def logaddexp(self, other):
        return self._with(other, np.logaddexp)

    def logical_and(self, other):
        return self._with(other, np.logical_and)

    def logical_or(self, other):
        return self._with(other, np.logical_or)

    def sqdist(self, other):
        return (self - other).sqnorm2()

    def weightedsqnorm(self, s):
        dim, weights = self.a.shape[-1], Dense.of(s).a
        if weights.shape[-1] in (1, dim):
            return Dense((weights * self.a**2).sum(-1, keepdims=True))
        matrix = weights.reshape(*weights.shape[:-1], dim, dim)
        return Dense(np.einsum("...a,...ab,...b->...", self.a, matrix, self.a)[..., None])

    def weightedsqdist(self, other, s):
        return (self - other).weightedsqnorm(s)

    def matvecmult(self, v):
        return Dense(np.einsum("...ab,...b->...a", self.a.reshape(*self.a.shape[:-1], -1, v.a.shape[-1]), v.a))

    def vecmatmult(self, m):
        return Dense(np.einsum("...a,...ab->...b", self.a, m.a.reshape(*m.a.shape[:-1], self.a.shape[-1], -1)))

    def tensorprod(self, other):
        product = self.a[..., :, None] * other.a[..., None, :]
        return Dense(product.reshape(*product.shape[:-2], -1))

    def difference_matrix(self, other):
        difference = self.a[..., :, None] - other.a[..., None, :]
        return Dense(difference.reshape(*difference.shape[:-2], -1))

    def keops_kron(self, other, dims, others):
        pairs = np.broadcast_shapes(self.a.shape[:-1], other.a.shape[:-1])
        a, b = (np.broadcast_to(t.a, (*pairs, t.a.shape[-1])).reshape(-1, t.a.shape[-1]) for t in (self, other))
        rows = [np.kron(u.reshape(dims), v.reshape(others)).ravel() for u, v in zip(a, b)]
        return Dense(np.array(rows).reshape(*pairs, -1))

    def keops_tensordot(self, other, dims, others, contracted, with_, permute=None):
        pairs = np.broadcast_shapes(self.a.shape[:-1], other.a.shape[:-1])
        a, b = (np.broadcast_to(t.a, (*pairs, t.a.shape[-1])).reshape(-1, t.a.shape[-1]) for t in (self, other))
        rows = [np.tensordot(u.reshape(dims), v.reshape(others), axes=(contracted, with_)) for u, v in zip(a, b)]
        if permute is not None:
            rows = [row.transpose(np.argsort(permute)) for row in rows]
        return Dense(np.array(rows).reshape(*pairs, -1))

    def ifelse(self, a, b):
        return Dense(np.where(self.a >= 0, Dense.of(a).a, Dense.of(b).a))

    def clamp(self, a, b):
        return Dense(np.clip(self.a, Dense.of(a).a, Dense.of(b).a))

    # Reductions: all shapes are those of pairs, so that M and N are there.

    def _values(self, axis):
        """The values with the reduced axis first, and whether it is that of components."""
        axis = axis if axis >= 0 else self.a.ndim + axis
        return np.moveaxis(self.a, axis, 0), axis == self.a.ndim - 1

    def _reduced(self, function, axis, dim):
        values, inner = self._values(axis if dim is None else dim)
        result = function(values)
        return Dense(result[..., None] * 1.0) if inner else result

    def sum(self, axis=-1, dim=None):
        return self._reduced(lambda v: v.sum(0), axis, dim)

    def mean(self, axis=-1, dim=None):
        return self._reduced(lambda v: v.mean(0), axis, dim)

    def prod(self, axis=None, dim=None):
        return self._reduced(lambda v: v.prod(0), axis, dim)

    def min(self, axis=-1, dim=None):
        return self._reduced(lambda v: v.min(0), axis, dim)

    def max(self, axis=-1, dim=None):
        return self._reduced(lambda v: v.max(0), axis, dim)

    def argmin(self, axis=-1, dim=None):
        return self._reduced(lambda v: v.argmin(0), axis, dim)

    def argmax(self, axis=-1, dim=None):
        return self._reduced(lambda v: v.argmax(0), axis, dim)

    def min_argmin(self, axis=None, dim=None):
        return self.min(axis, dim), self.argmin(axis, dim)

    def max_argmax(self, axis=None, dim=None):
        return self.max(axis, dim), self.argmax(axis, dim)

    def logsumexp(self, axis=None, dim=None, weight=None):
        values, _ = self._values(axis if dim is None else dim)
        if weight is None:
            return special.logsumexp(values, axis=0)
        weights, _ = Dense(np.broadcast_to(weight.a, (*self.a.shape[:-1], weight.a.shape[-1])))._values(axis if dim is None else dim)
        return special.logsumexp(np.broadcast_to(values, weights.shape), axis=0, b=weights)

    def sumsoftmaxweight(self, weight, axis=None, dim=None):
        axis = axis if dim is None else dim
        values, _ = self._values(axis)
        weights, _ = Dense(np.broadcast_to(weight.a, (*self.a.shape[:-1], weight.a.shape[-1])))._values(axis)
        share = np.exp(values - values.max(0))
        return (share * weights).sum(0) / share.sum(0)

    def argKmin(self, K, axis=None, dim=None):
        values, _ = self._values(axis if dim is None else dim)
        return self._list(np.argsort(values, axis=0, kind="stable")[:K])

    def Kmin(self, K, axis=None, dim=None):
        values, _ = self._values(axis if dim is None else dim)
        return self._list(np.sort(values, axis=0)[:K])

    def argKmax(self, K, axis=None, dim=None):
        return (-self).argKmin(K, axis, dim)

    def Kmax(self, K, axis=None, dim=None):
        return -(-self).Kmin(K, axis, dim)

    def Kmin_argKmin(self, K, axis=None, dim=None):
        return self.Kmin(K, axis, dim), self.argKmin(K, axis, dim)

    @staticmethod
    def _list(values):
        """(K, …, rows, D) as (…, rows, K, D), without the last axis for D = 1."""
        values = np.moveaxis(values, 0, -2)
        return values[..., 0] if values.shape[-1] == 1 else values
