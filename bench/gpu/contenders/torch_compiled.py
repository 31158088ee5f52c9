"""torch.compile: in low dimensions the dense formula, which it fuses into one loop without keeping pairs; in higher ones a matrix product in blocks of
rows, with everything after it fused.
"""

import torch
from contenders import torch_blocks
from rows import LOOPS

# Pairs of a call, so that they can be numbered in 32 bits; numbers of a block that is kept.
PAIRS, BLOCK = 2_000_000_000, 1 << 28
# Coordinates up to which differences are fused.
LOW = 16


def squared_distances(x, y):
    """From y with the coordinates first."""
    return sum((x[..., k, None] - y[..., k, None, :]) ** 2 for k in range(x.shape[-1]))


def pieces(x, columns, most):
    """Rows in equal pieces, as each size is compiled anew."""
    count = -(-len(x) * columns // most)
    while len(x) % count:
        count += 1
    return x.split(len(x) // count)


def kernel_sum(row, data, precision="highest"):
    factor = float(-1 / data.sigma[0].double() ** 2)
    y, norms = data.y.T.contiguous(), (data.y * data.y).sum(1)
    b = data.b[:, 0].contiguous() if row.columns == 1 else data.b

    def dense(x, y, b):
        return (torch.exp(squared_distances(x, y) * factor) * b).sum(1, keepdim=True)

    def by_product(x, y, b):
        kernel = torch.exp((norms - 2 * x @ y + (x * x).sum(1, keepdim=True)) * factor)
        return (kernel * b).sum(1, keepdim=True) if row.columns == 1 else kernel @ b

    is_low = row.dim <= LOW and row.columns == 1
    compiled = torch.compile(dense if is_low else by_product, dynamic=False)
    parts = pieces(data.x, row.n, PAIRS if is_low else BLOCK)

    def call():
        torch.set_float32_matmul_precision(precision)
        return [torch.cat([compiled(part, y, b) for part in parts])] if len(parts) > 1 else [compiled(parts[0], y, b)]

    return call


def gradient(row, data):
    y, b, factor = data.y.T.contiguous(), data.b[:, 0].contiguous(), float(-1 / data.sigma[0].double() ** 2)

    def both(x, y, b, e):
        weighted = torch.exp(squared_distances(x, y) * factor) * b
        slopes = [(weighted * (x[:, k, None] - y[k])).sum(1) for k in range(row.dim)]
        return weighted.sum(1, keepdim=True), 2 * factor * e * torch.stack(slopes, 1)

    compiled = torch.compile(both, dynamic=False)
    parts = pieces(data.x, row.n, PAIRS)
    cotangents = data.e.split(len(parts[0]))

    def call():
        found = [compiled(x, y, b, e) for x, e in zip(parts, cotangents, strict=True)]
        return list(map(torch.cat, zip(*found, strict=True))) if len(found) > 1 else list(found[0])

    return call


def nearest(row, data, precision="highest"):
    transposed, norms = (-2 * data.y.T).contiguous(), (data.y * data.y).sum(1)
    compiled = torch.compile(lambda x: (x @ transposed + norms).argmin(1), dynamic=False)
    parts = pieces(data.x, row.n, BLOCK)

    def call():
        torch.set_float32_matmul_precision(precision)
        return [torch.cat([compiled(part) for part in parts])]

    return call


def kmeans(row, data, **options):
    return torch_blocks.kmeans(row, data, nearest=nearest, **options)


def sinkhorn(row, data, precision="highest"):
    eps = float(data.eps[0])
    transposed = {name: points.mT.contiguous() for name, points in (("x", data.x), ("y", data.y))}

    def by_product(x, y):
        return (y * y).sum(-2, keepdim=True) - 2 * x @ y + (x * x).sum(-1, keepdim=True)

    is_low = row.dim <= LOW
    distances = squared_distances if is_low else by_product

    def soft_minimum(x, y, g):
        return -eps * torch.logsumexp((g[..., None, :] - distances(x, y)) / eps, -1)

    compiled = torch.compile(soft_minimum, dynamic=False)

    def step(points, columns, g):
        if row.batch:
            return compiled(points, columns, g)
        return torch.cat([compiled(part, columns, g) for part in pieces(points, columns.shape[-1], PAIRS if is_low else BLOCK)])

    def call():
        torch.set_float32_matmul_precision(precision)
        g = torch.zeros_like(data.y[..., 0])
        for _ in range(LOOPS // 2):
            f = step(data.x, transposed["y"], g)
            g = step(data.y, transposed["x"], f)
        return [f, g]

    return call
