"""torch without its compiler: squared distances by a matrix product (addmm), in blocks of rows, in place."""

import torch
from rows import LOOPS, NEIGHBOURS
from workloads import means

LOG2E = 1.4426950408889634
# Numbers of a block.
BLOCK = 1 << 28


class Scores:
    """Blocks of factor * |x_i - y_j|² + shift_j, by one addmm each."""

    def __init__(self, x, y, factor, precision):
        self.x, self.factor, self.precision = x, factor, precision
        self.transposed = (-2 * factor * y.T).contiguous()
        self.norms, self.row_norms = (factor * (points * points).sum(1) for points in (y, x))
        self.rows = max(1, min(len(x), BLOCK // len(y)))
        self.memory = torch.empty(self.rows, len(y), dtype=x.dtype, device=x.device)

    def blocks(self, shift=None, row_norms=True):
        torch.set_float32_matmul_precision(self.precision)
        norms = self.norms if shift is None else self.norms + shift
        for start in range(0, len(self.x), self.rows):
            part = slice(start, min(len(self.x), start + self.rows))
            block = torch.addmm(norms, self.x[part], self.transposed, out=self.memory[: part.stop - start])
            if row_norms:
                block += self.row_norms[part, None]
            yield part, block


def kernel_sum(row, data, precision="highest"):
    scores = Scores(data.x, data.y, float(-LOG2E / data.sigma[0].double() ** 2), precision)
    value = torch.empty(row.m, row.columns, dtype=data.x.dtype, device=data.x.device)

    def call():
        for part, block in scores.blocks():
            torch.mm(block.exp2_(), data.b, out=value[part])
        return [value]

    return call


def gradient(row, data, precision="highest"):
    factor = float(-1 / data.sigma[0].double() ** 2)
    scores, weighted = Scores(data.x, data.y, LOG2E * factor, precision), torch.hstack([data.b, data.b * data.y])
    value, slope = torch.empty_like(data.x[:, :1]), torch.empty_like(data.x)

    def call():
        for part, block in scores.blocks():
            sums = block.exp2_() @ weighted
            value[part] = sums[:, :1]
            slope[part] = 2 * factor * data.e[part] * (data.x[part] * sums[:, :1] - sums[:, 1:])
        return [value, slope]

    return call


def nearest(row, data, precision="highest"):
    scores, found = Scores(data.x, data.y, 1.0, precision), torch.empty(row.m, dtype=torch.int64, device=data.x.device)

    def call():
        for part, block in scores.blocks(row_norms=False):
            torch.argmin(block, 1, out=found[part])
        return [found]

    return call


def kmeans(row, data, nearest=nearest, **options):
    search = nearest(row, data, **options)

    def call():
        [labels] = search()
        return [labels, means(data.x, labels, data.y)]

    return call


def neighbours(row, data, precision="highest"):
    scores, found = Scores(data.x, data.y, 1.0, precision), torch.empty(row.m, NEIGHBOURS, dtype=torch.int64, device=data.x.device)

    def call():
        for part, block in scores.blocks(row_norms=False):
            found[part] = block.topk(NEIGHBOURS, largest=False).indices
        return [found]

    return call


def sinkhorn(row, data, precision="highest"):
    unit = float(data.eps[0].double()) / LOG2E
    if row.batch:
        return batched_sinkhorn(row, data)
    halves = Scores(data.x, data.y, -1 / unit, precision), Scores(data.y, data.x, -1 / unit, precision)

    def soft_minimum(scores, g):
        found = []
        for _, block in scores.blocks(g / unit):
            most = block.amax(1, keepdim=True)
            found.append(most[:, 0] + block.sub_(most).exp2_().sum(1).log2())
        return -unit * torch.cat(found)

    def call():
        g = torch.zeros_like(data.y[:, 0])
        for _ in range(LOOPS // 2):
            f = soft_minimum(halves[0], g)
            g = soft_minimum(halves[1], f)
        return [f, g]

    return call


def batched_sinkhorn(row, data):
    """Scores are computed once and read from memory by each step."""
    eps = float(data.eps[0])

    def call():
        distances = torch.cdist(data.x, data.y).square_()
        g = torch.zeros_like(data.y[..., 0])
        for _ in range(LOOPS // 2):
            f = -eps * torch.logsumexp((g[:, None, :] - distances) / eps, 2)
            g = -eps * torch.logsumexp((f[:, :, None] - distances) / eps, 1)
        return [f, g]

    return call
