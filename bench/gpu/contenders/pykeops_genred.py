"""pykeops' Genred on torch tensors, made beforehand; LazyTensor for batches; gradients by autograd."""

import pykeops
import torch
from rows import LOOPS, NEIGHBOURS
from workloads import means

pykeops.set_verbose(False)

from pykeops.torch import Genred, LazyTensor  # noqa: E402

# The factor is computed beforehand, as KeOps would compute it for each pair.
GAUSS = "Exp(factor * SqDist(x, y)) * b"


def bind(row, formula, names, reduction="Sum", **options):
    """A reduction over j."""
    aliases = {"factor": "factor = Pm(1)", "x": f"x = Vi({row.dim})", "y": f"y = Vj({row.dim})", "g": "g = Vj(1)", "b": f"b = Vj({row.columns})"}
    return Genred(formula, [aliases[name] for name in names], reduction_op=reduction, axis=1, **options)


def gauss(row, data, **options):
    return bind(row, GAUSS, ["factor", "x", "y", "b"], **options), -1 / data.sigma**2


def kernel_sum(row, data, **options):
    value, factor = gauss(row, data, **options)
    return lambda: [value(factor, data.x, data.y, data.b)]


def ranges(row, data):
    value, factor = gauss(row, data)
    tables = tuple(table.int().contiguous() for table in data.ranges)
    return lambda: [value(factor, data.x, data.y, data.b, ranges=tables)]


def gradient(row, data):
    value, factor = gauss(row, data)
    x = data.x.clone().requires_grad_(True)

    def call():
        result = value(factor, x, data.y, data.b)
        return [result, *torch.autograd.grad(result, x, data.e)]

    return call


def nearest(row, data):
    search = bind(row, "SqDist(x, y)", ["x", "y"], "ArgMin")
    return lambda: [search(data.x, data.y)]


def kmeans(row, data):
    search = bind(row, "SqDist(x, y)", ["x", "y"], "ArgMin")

    def call():
        labels = search(data.x, data.y).reshape(-1).long()
        return [labels, means(data.x, labels, data.y)]

    return call


def neighbours(row, data):
    search = bind(row, "SqDist(x, y)", ["x", "y"], "ArgKMin", opt_arg=NEIGHBOURS)
    return lambda: [search(data.x, data.y)]


def sinkhorn(row, data):
    if row.batch:
        return batched_sinkhorn(row, data)
    eps, factor = float(data.eps[0]), 1 / data.eps
    score = bind(row, "factor * (g - SqDist(x, y))", ["factor", "x", "y", "g"], "LogSumExp")

    def call():
        g = torch.zeros_like(data.y[:, :1])
        for _ in range(LOOPS // 2):
            f = -eps * score(factor, data.x, data.y, g)
            g = -eps * score(factor, data.y, data.x, f)
        return [f, g]

    return call


def batched_sinkhorn(row, data):
    eps = float(data.eps[0])
    x, y = LazyTensor(data.x[:, :, None, :].contiguous()), LazyTensor(data.y[:, None, :, :].contiguous())
    distances = ((x - y) ** 2).sum(-1)

    def call():
        g = torch.zeros_like(data.y[..., :1])
        for _ in range(LOOPS // 2):
            f = -eps * ((LazyTensor(g[:, None, :, :]) - distances) / eps).logsumexp(dim=2).reshape(row.batch, row.m, 1)
            g = -eps * ((LazyTensor(f[:, :, None, :]) - distances) / eps).logsumexp(dim=1).reshape(row.batch, row.n, 1)
        return [f, g]

    return call
