"""torch.compile: in low dimensions the dense formula, which it fuses into one loop that is vectorised only if y is transposed beforehand; in
higher ones a matrix product in blocks, with everything after it fused.
"""

import torch
from contenders import low
from contenders.blocks import rows_of_block
from contenders.torch_blocks import tensors
from rows import LOOPS


def squared_distances(x, y_transposed):
    return sum((x[..., k, None] - y_transposed[..., k, None, :]) ** 2 for k in range(x.shape[-1]))


def kernel_sum(row, data):
    torch.compiler.reset()
    x, y, b = tensors(data, "x", "y", "b")
    factor = float(-1 / data.sigma[0] ** 2)
    y, weights, norms = y.T.contiguous(), b[:, 0].contiguous(), (y * y).sum(1)

    def dense(x, y, b):
        return (torch.exp(squared_distances(x, y) * factor) * b).sum(1, keepdim=True)

    def by_product(x, y, b):
        kernel = torch.exp((norms - 2 * x @ y + (x * x).sum(1, keepdim=True)) * factor)
        return (kernel * b).sum(1, keepdim=True) if row.columns == 1 else kernel @ b

    if low(row):
        compiled = torch.compile(dense)
        return lambda: [compiled(x, y, weights)]
    b = weights if row.columns == 1 else b
    compiled = torch.compile(by_product, dynamic=False)
    pieces = x.split(rows_of_block(row.n, row.dim))
    return lambda: [torch.cat([compiled(piece, y, b) for piece in pieces])]


def gradient(row, data):
    torch.compiler.reset()
    x, y, b, e = tensors(data, "x", "y", "b", "e")
    y, b, factor = y.T.contiguous(), b[:, 0].contiguous(), float(-1 / data.sigma[0] ** 2)

    def both(x, y, b, e):
        weighted = torch.exp(squared_distances(x, y) * factor) * b
        slopes = [(weighted * (x[:, k, None] - y[k])).sum(1) for k in range(row.dim)]
        return weighted.sum(1, keepdim=True), 2 * factor * e * torch.stack(slopes, 1)

    compiled = torch.compile(both)
    return lambda: list(compiled(x, y, b, e))


def nearest(row, data):
    """Not by argmin, for which it makes scalar code: the first column that has the minimum."""
    torch.compiler.reset()
    x, y = tensors(data, "x", "y")
    transposed, norms, columns = (-2 * y.T).contiguous(), (y * y).sum(1), torch.arange(row.n, dtype=torch.int32)

    def search(x):
        scores = x @ transposed + norms
        return torch.where(scores == scores.amin(1, keepdim=True), columns, row.n).amin(1)

    compiled = torch.compile(search, dynamic=False)
    pieces = x.split(rows_of_block(row.n, row.dim))
    return lambda: [torch.cat([compiled(piece) for piece in pieces])]


def sinkhorn(row, data):
    torch.compiler.reset()
    x, y = tensors(data, "x", "y")
    eps, x_transposed, y_transposed = float(data.eps[0]), x.mT.contiguous(), y.mT.contiguous()

    def soft_minimum(x, y_transposed, g):
        return -eps * torch.logsumexp((g[..., None, :] - squared_distances(x, y_transposed)) / eps, -1)

    compiled = torch.compile(soft_minimum)

    def call():
        g = torch.zeros(y.shape[:-1], dtype=y.dtype)
        for _ in range(LOOPS // 2):
            f = compiled(x, y_transposed, g)
            g = compiled(y, x_transposed, f)
        return [f, g]

    return call
