"""The table of calls that tests make with LazyTensors, with arrays in full, and with KeOps where it is installed.

A formula is a function of x (a row of 3 numbers for each i), y (the same for each j), u (one number for each j) and s (a positive parameter, one number).
"""


def _unary(name, domain):
    return lambda x, y, u, s: getattr(DOMAINS[domain](x, y, u, s), name)()


#: Values in which a function is defined: any, positive, within (-1, 1), above 1.
DOMAINS = {
    "any": lambda x, y, u, s: x - 2 * y,
    "positive": lambda x, y, u, s: (x - y).abs() + s,
    "unit": lambda x, y, u, s: ((x + y) * s).sin() * 0.9,
    "above": lambda x, y, u, s: (x - y) ** 2 + 1.5,
}

_DOMAIN_OF = {
    **dict.fromkeys(["log", "log2", "log10", "log1p", "xlogx", "sqrt", "rsqrt", "lgamma", "digamma"], "positive"),
    **dict.fromkeys(["asin", "acos", "atanh"], "unit"),
    "acosh": "above",
}

#: Methods that KeOps has, too.
KEOPS_UNARY = [
    "exp", "log", "xlogx", "cos", "sin", "sinxdivx", "sinc", "asin", "acos", "atan", "sqrt", "rsqrt", "square", "sign", "step", "relu", "abs",
    "sqnorm2", "norm2", "normalize",
]  # fmt: skip
OWN_UNARY = [
    "exp2", "expm1", "log2", "log10", "log1p", "tan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "softplus", "floor", "ceil", "trunc",
    "erf", "erfc", "lgamma", "digamma",
]  # fmt: skip

_concatenate = lambda *parts: type(parts[0]).concatenate(parts) if hasattr(type(parts[0]), "concatenate") else parts[0].concat(parts[1])  # noqa: E731

#: Formulas that KeOps can compute, too.
KEOPS_FORMULAS = {
    **{name: _unary(name, _DOMAIN_OF.get(name, "any")) for name in KEOPS_UNARY},
    "add": lambda x, y, u, s: x + y + u,
    "radd": lambda x, y, u, s: 1 + x + 2.5 + y,
    "sub": lambda x, y, u, s: (x - y) - u,
    "rsub": lambda x, y, u, s: 3 - (x - y),
    "mul": lambda x, y, u, s: x * y * u * 2,
    "rmul": lambda x, y, u, s: 0.5 * (x * y),
    "div": lambda x, y, u, s: x / (y * y + 1) / s,
    "rdiv": lambda x, y, u, s: 1 / (x * x + y * y + s),
    "div_int": lambda x, y, u, s: (x + y) / 3,
    "scalprod": lambda x, y, u, s: (x | y) * u,
    "square_operator": lambda x, y, u, s: (x - y) ** 2,
    "cube": lambda x, y, u, s: (x - y) ** 3,
    "inverse_power": lambda x, y, u, s: (x * x + y * y + 1) ** -2,
    "root_power": lambda x, y, u, s: (x * x + y * y) ** 0.5,
    "inverse_root_power": lambda x, y, u, s: (x * x + y * y + 1) ** -0.5,
    "float_power": lambda x, y, u, s: (x * x + y * y + 1) ** 1.25,
    "symbolic_power": lambda x, y, u, s: (x * x + 1) ** y,
    "power": lambda x, y, u, s: (x * x + y * y).power(3),
    "neg": lambda x, y, u, s: -(x - y),
    "abs_operator": lambda x, y, u, s: abs(x - y),
    "lt": lambda x, y, u, s: (x < y) * u,
    "le": lambda x, y, u, s: (x <= y) * u,
    "gt": lambda x, y, u, s: (x > y) * u,
    "ge": lambda x, y, u, s: (x >= 0.5) * y,
    "eq": lambda x, y, u, s: (x == x) * y,
    "ne": lambda x, y, u, s: (x != y) * u,
    "mod": lambda x, y, u, s: (x - y).mod(2, 1),
    "round": lambda x, y, u, s: (x - y).round(1),
    "atan2": lambda x, y, u, s: x.atan2(y),
    "clamp": lambda x, y, u, s: (x - y).clamp(-0.5, 0.75),
    "clamp_int": lambda x, y, u, s: (x - y).clamp(-1, 1),
    "ifelse": lambda x, y, u, s: (x - y).ifelse(x * u, y),
    "sqdist": lambda x, y, u, s: x.sqdist(y),
    "weightedsqnorm_1": lambda x, y, u, s: (x - y).weightedsqnorm(s),
    "weightedsqnorm_d": lambda x, y, u, s: (x - y).weightedsqnorm(y * y),
    "weightedsqdist": lambda x, y, u, s: x.weightedsqdist(y, s),
    "elem": lambda x, y, u, s: x.elem(1) * y,
    "item": lambda x, y, u, s: x[2] * y[0],
    "slice": lambda x, y, u, s: x[1:3] - y[:2],
    "extract": lambda x, y, u, s: (x * y).extract(0, 2),
    "norm": lambda x, y, u, s: (x - y).norm(-1),
    "inner_sum": lambda x, y, u, s: (x * y).sum(-1),
    "inner_max": lambda x, y, u, s: (x - y).max(-1),
    "inner_min": lambda x, y, u, s: (x - y).min(-1),
    "inner_argmin": lambda x, y, u, s: (x - y).argmin(-1),
    "concat": lambda x, y, u, s: x.concat(y * u),
    "concatenate": lambda x, y, u, s: _concatenate(x, u * y),
    "matvecmult": lambda x, y, u, s: x.tensorprod(y).matvecmult(y),
    "vecmatmult": lambda x, y, u, s: x.vecmatmult(x.tensorprod(y)),
    "tensorprod": lambda x, y, u, s: x.tensorprod(y),
    "one_hot": lambda x, y, u, s: (u * u * 2).clamp(0, 2).one_hot(3) * x,
    "kron": lambda x, y, u, s: x.tensorprod(y[0:2]).keops_kron(y, [3, 2], [1, 3]),
    "tensordot": lambda x, y, u, s: x.tensorprod(y).keops_tensordot(y, (3, 3), (3,), (1,), (0,)),
    "gaussian": lambda x, y, u, s: (-((x - y) ** 2).sum(-1) / s).exp() * u,
    "laplacian_kernel": lambda x, y, u, s: (-(((x - y) ** 2).sum(-1) + 1e-10).sqrt() / s).exp() * u,
    "cauchy": lambda x, y, u, s: 1 / (1 + ((x - y) / s).sqnorm2()),
}

#: Formulas beyond KeOps.
OWN_FORMULAS = {
    **{name: _unary(name, _DOMAIN_OF.get(name, "any")) for name in OWN_UNARY},
    "mod_operator": lambda x, y, u, s: (x - y) % 2,
    "rpow": lambda x, y, u, s: 2.0 ** (x - y),
    "last_item": lambda x, y, u, s: x[-1] * y[-2],
    "hypot": lambda x, y, u, s: x.hypot(y),
    "minimum": lambda x, y, u, s: x.minimum(y),
    "maximum": lambda x, y, u, s: x.maximum(u),
    "logaddexp": lambda x, y, u, s: x.logaddexp(y),
    "logical": lambda x, y, u, s: (x > 0).logical_and(y > 0).logical_or(u > x) + (x > y).logical_not(),
    "inner_mean": lambda x, y, u, s: (x * y).mean(-1),
    "difference_matrix": lambda x, y, u, s: x.difference_matrix(y),
    "weightedsqnorm_dd": lambda x, y, u, s: (x - y).weightedsqnorm(x.tensorprod(x) + y.tensorprod(y)),
    "tensordot_permuted": lambda x, y, u, s: x.tensorprod(y).keops_tensordot(y.tensorprod(x), (3, 3), (3, 3), (0,), (1,), (1, 0)),
    "many_shared_parts": lambda x, y, u, s: sum((((x - y) ** 2).sum(-1) * (k + 1) / s).sin() * u for k in range(12)),
}

FORMULAS = {**KEOPS_FORMULAS, **OWN_FORMULAS}

_distance = lambda x, y: ((x - y) ** 2).sum(-1)  # noqa: E731

#: Reductions of x, y, u, s along an axis.
KEOPS_REDUCTIONS = {
    "sum": lambda x, y, u, s, axis: (x * y * u).sum(axis),
    "sum_dim": lambda x, y, u, s, axis: (x * y * u).sum(dim=axis),
    "min": lambda x, y, u, s, axis: (x - y).min(axis),
    "argmin": lambda x, y, u, s, axis: (x - y).argmin(axis=axis),
    "max": lambda x, y, u, s, axis: (x - y).max(axis=axis),
    "argmax": lambda x, y, u, s, axis: (x - y).argmax(dim=axis),
    "min_argmin": lambda x, y, u, s, axis: _distance(x, y).min_argmin(axis=axis),
    "max_argmax": lambda x, y, u, s, axis: _distance(x, y).max_argmax(axis=axis),
    "logsumexp": lambda x, y, u, s, axis: (-_distance(x, y) / s).logsumexp(axis),
    "logsumexp_weight": lambda x, y, u, s, axis: (-_distance(x, y) / s).logsumexp(axis=axis, weight=u * u),
    "sumsoftmaxweight": lambda x, y, u, s, axis: (-_distance(x, y) / s).sumsoftmaxweight(x * y, axis=axis),
    "Kmin": lambda x, y, u, s, axis: _distance(x, y).Kmin(3, axis=axis),
    "argKmin": lambda x, y, u, s, axis: _distance(x, y).argKmin(K=3, dim=axis),
    "Kmin_argKmin": lambda x, y, u, s, axis: _distance(x, y).Kmin_argKmin(2, axis=axis),
    "Kmin_vector": lambda x, y, u, s, axis: (x - y).Kmin(2, axis=axis),
}
OWN_REDUCTIONS = {
    "mean": lambda x, y, u, s, axis: (x * y).mean(axis),
    "prod": lambda x, y, u, s, axis: (x * y).prod(axis),
    "Kmax": lambda x, y, u, s, axis: _distance(x, y).Kmax(3, axis=axis),
    "argKmax": lambda x, y, u, s, axis: _distance(x, y).argKmax(3, axis=axis),
    "logsumexp_weights": lambda x, y, u, s, axis: (-_distance(x, y) / s).logsumexp(axis=axis, weight=x * x + y * y),
}
REDUCTIONS = {**KEOPS_REDUCTIONS, **OWN_REDUCTIONS}
