"""torch without its compiler: squared distances by a matrix product (addmm), in blocks of rows, in place."""

import torch
from contenders.blocks import rows_of_block
from rows import LOOPS, NEIGHBOURS

LOG2E = 1.4426950408889634


def tensors(data, *names):
    return [torch.from_numpy(getattr(data, name)) for name in names]


class Scores:
    """Blocks of factor * |x_i - y_j|² + shift_j, by one addmm each."""

    def __init__(self, x, y, factor):
        self.x, self.factor = x, factor
        self.transposed = (-2 * factor * y.T).contiguous()
        self.norms = factor * (y * y).sum(1)
        self.rows = min(len(x), rows_of_block(*y.shape))
        self.memory = torch.empty(self.rows, len(y), dtype=x.dtype)

    def blocks(self, shift=None, row_norms=True):
        norms = self.norms if shift is None else self.norms + shift
        for start in range(0, len(self.x), self.rows):
            rows = self.x[start : start + self.rows]
            block = torch.addmm(norms, rows, self.transposed, out=self.memory[: len(rows)])
            if row_norms:
                block += self.factor * (rows * rows).sum(1, keepdim=True)
            yield slice(start, start + len(rows)), rows, block


def kernel_sum(row, data):
    x, y, b = tensors(data, "x", "y", "b")
    scores, value = Scores(x, y, float(-LOG2E / data.sigma[0] ** 2)), torch.empty(row.m, row.columns, dtype=x.dtype)

    def call():
        for part, _, block in scores.blocks():
            torch.mm(block.exp2_(), b, out=value[part])
        return [value]

    return call


def gradient(row, data):
    x, y, b, e = tensors(data, "x", "y", "b", "e")
    factor = float(-1 / data.sigma[0] ** 2)
    scores, weighted = Scores(x, y, LOG2E * factor), torch.hstack([b, b * y])
    value, slope = torch.empty(row.m, 1, dtype=x.dtype), torch.empty(row.m, row.dim, dtype=x.dtype)

    def call():
        for part, rows, block in scores.blocks():
            sums = block.exp2_() @ weighted
            value[part] = sums[:, :1]
            slope[part] = 2 * factor * e[part] * (rows * sums[:, :1] - sums[:, 1:])
        return [value, slope]

    return call


def nearest(row, data):
    x, y = tensors(data, "x", "y")
    scores, found = Scores(x, y, 1.0), torch.empty(row.m, dtype=torch.int64)

    def call():
        for part, _, block in scores.blocks(row_norms=False):
            torch.argmin(block, 1, out=found[part])
        return [found]

    return call


def neighbours(row, data):
    x, y = tensors(data, "x", "y")
    scores, found = Scores(x, y, 1.0), torch.empty(row.m, NEIGHBOURS, dtype=torch.int64)

    def call():
        for part, _, block in scores.blocks(row_norms=False):
            found[part] = block.topk(NEIGHBOURS, largest=False).indices
        return [found]

    return call


def soft_maximum(scores, axis):
    """log2 of the sum of 2^scores along an axis, in place."""
    most = scores.amax(axis, keepdim=True)
    return most.squeeze(axis) + scores.sub_(most).exp2_().sum(axis).log2()


def sinkhorn(row, data):
    unit = float(data.eps[0]) / LOG2E
    x, y = tensors(data, "x", "y")
    if row.batch:
        return batched_sinkhorn(row, x, y, unit)
    halves = Scores(x, y, -1 / unit), Scores(y, x, -1 / unit)

    def soft_minimum(scores, g):
        return -unit * torch.cat([soft_maximum(block, 1) for _, _, block in scores.blocks(g / unit)])

    def call():
        g = torch.zeros(row.n, dtype=x.dtype)
        for _ in range(LOOPS // 2):
            f = soft_minimum(halves[0], g)
            g = soft_minimum(halves[1], f)
        return [f, g]

    return call


def batched_sinkhorn(row, x, y, unit):
    """One small problem after the other: its scores are computed once and stay in the cache."""

    def one(x, y):
        scores = (2 * x @ y.T - (y * y).sum(1) - (x * x).sum(1, keepdim=True)) / unit
        g = torch.zeros(row.n, dtype=x.dtype)
        for _ in range(LOOPS // 2):
            f = -unit * soft_maximum(scores + g / unit, 1)
            g = -unit * soft_maximum(scores + f[:, None] / unit, 0)
        return f, g

    def call():
        return [torch.stack(part) for part in zip(*map(one, x, y), strict=True)]

    return call
