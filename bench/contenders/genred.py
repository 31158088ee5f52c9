"""pykeops on NumPy arrays: Genred objects made beforehand, LazyTensor for batches. `bind` and `call` serve the torch interface, too."""

from functools import partial

import numpy as np
import pykeops
from rows import LOOPS, NEIGHBOURS

pykeops.set_verbose(False)
GAUSS = "Exp(-SqDist(x, y) / Square(sigma)) * b"


def bind(module, row, formula, names, reduction="Sum", **options):
    """A reduction over j on the CPU."""
    aliases = {"sigma": "sigma = Pm(1)", "eps": "eps = Pm(1)", "x": f"x = Vi({row.dim})", "y": f"y = Vj({row.dim})", "g": "g = Vj(1)"}
    aliases |= {"b": f"b = Vj({row.columns})", "e": f"e = Vi({row.columns})"}
    operator = module.Genred(formula, [aliases[name] for name in names], reduction_op=reduction, axis=1, **options)
    return partial(operator, backend="CPU")


def kernel_sum(row, data, **options):
    import pykeops.numpy as module

    value = bind(module, row, GAUSS, ["sigma", "x", "y", "b"], **options)
    return lambda: [value(data.sigma, data.x, data.y, data.b)]


def gradient(row, data):
    import pykeops.numpy as module

    value = bind(module, row, GAUSS, ["sigma", "x", "y", "b"])
    slope = bind(module, row, f"Grad({GAUSS}, x, e)", ["sigma", "x", "y", "b", "e"])
    return lambda: [value(data.sigma, data.x, data.y, data.b), slope(data.sigma, data.x, data.y, data.b, data.e)]


def nearest(row, data):
    import pykeops.numpy as module

    search = bind(module, row, "SqDist(x, y)", ["x", "y"], "ArgMin")
    return lambda: [search(data.x, data.y)]


def neighbours(row, data):
    import pykeops.numpy as module

    search = bind(module, row, "SqDist(x, y)", ["x", "y"], "ArgKMin", opt_arg=NEIGHBOURS)
    return lambda: [search(data.x, data.y)]


def sinkhorn(row, data):
    import pykeops.numpy as module

    if row.batch:
        return batched_sinkhorn(module.LazyTensor, row, data)
    eps = data.eps
    score = bind(module, row, "(g - SqDist(x, y)) / eps", ["eps", "x", "y", "g"], "LogSumExp")

    def call():
        g = np.zeros((row.n, 1), row.dtype)
        for _ in range(LOOPS // 2):
            f = -eps * score(eps, data.x, data.y, g)
            g = -eps * score(eps, data.y, data.x, f)
        return [f, g]

    return call


def batched_sinkhorn(lazy, row, data):
    eps, x, y = float(data.eps[0]), lazy(data.x[:, :, None, :]), lazy(data.y[:, None, :, :])
    distances = ((x - y) ** 2).sum(-1)

    def call():
        g = np.zeros((row.batch, row.n, 1), row.dtype)
        for _ in range(LOOPS // 2):
            f = -data.eps * ((lazy(g[:, None, :, :]) - distances) / eps).logsumexp(axis=2, backend="CPU").reshape(row.batch, row.m, 1)
            g = -data.eps * ((lazy(f[:, :, None, :]) - distances) / eps).logsumexp(axis=1, backend="CPU").reshape(row.batch, row.n, 1)
        return [f, g]

    return call
