"""NumPy with its BLAS: squared distances by a matrix product, in blocks of rows, everything else in place."""

import numpy as np
from contenders.blocks import rows_of_block
from rows import LOOPS, NEIGHBOURS


class Distances:
    """Blocks of rows with |y|² - 2 x·y, and |x|² where it is asked for; the part of y is prepared once."""

    def __init__(self, x, y):
        self.x, self.norms, self.transposed = x, (y * y).sum(axis=1), np.ascontiguousarray(-2 * y.T)
        self.rows = min(len(x), rows_of_block(*y.shape))
        self.memory = np.empty((self.rows, len(y)), x.dtype)

    def blocks(self, row_norms=True):
        for start in range(0, len(self.x), self.rows):
            rows = self.x[start : start + self.rows]
            found = np.matmul(rows, self.transposed, out=self.memory[: len(rows)])
            found += self.norms
            if row_norms:
                found += (rows * rows).sum(axis=1)[:, None]
            yield slice(start, start + len(rows)), rows, found


def kernels(row, data):
    """The blocks of a Gaussian kernel, as an endless supply of passes."""
    scale, distances = -1 / data.sigma[0] ** 2, Distances(data.x, data.y)

    def blocks():
        for part, rows, kernel in distances.blocks():
            kernel *= scale
            yield part, rows, np.exp(kernel, out=kernel)

    return blocks


def kernel_sum(row, data):
    blocks, value = kernels(row, data), np.empty((row.m, row.columns), row.dtype)

    def call():
        for part, _, kernel in blocks():
            np.matmul(kernel, data.b, out=value[part])
        return [value]

    return call


def gradient(row, data):
    blocks, scale = kernels(row, data), -2 / data.sigma[0] ** 2
    value, slope = np.empty((row.m, 1), row.dtype), np.empty((row.m, row.dim), row.dtype)
    weighted = np.hstack([data.b, data.b * data.y])

    def call():
        for part, rows, kernel in blocks():
            sums = kernel @ weighted
            value[part] = sums[:, :1]
            slope[part] = scale * data.e[part] * (rows * sums[:, :1] - sums[:, 1:])
        return [value, slope]

    return call


def nearest(row, data):
    distances, found = Distances(data.x, data.y), np.empty((row.m, 1), np.int64)

    def call():
        for part, _, block in distances.blocks(row_norms=False):
            np.argmin(block, axis=1, out=found[part, 0])
        return [found]

    return call


def neighbours(row, data):
    """Candidates by argpartition, then sorted."""
    distances, found = Distances(data.x, data.y), np.empty((row.m, NEIGHBOURS), np.int64)

    def call():
        for part, _, block in distances.blocks(row_norms=False):
            columns = np.argpartition(block, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
            order = np.argsort(np.take_along_axis(block, columns, axis=1), axis=1)
            found[part] = np.take_along_axis(columns, order, axis=1)
        return [found]

    return call


def sinkhorn(row, data):
    if row.batch:
        return batched_sinkhorn(row, data)
    eps, halves = data.eps[0], [Distances(data.x, data.y), Distances(data.y, data.x)]

    def soft_minimum(distances, g):
        result, shift = np.empty(len(distances.x), row.dtype), g / eps
        for part, _, block in distances.blocks():
            block *= -1 / eps
            block += shift
            most = block.max(axis=1)
            block -= most[:, None]
            result[part] = -eps * (most + np.log(np.exp(block, out=block).sum(axis=1)))
        return result

    def call():
        g = np.zeros(row.n, row.dtype)
        for _ in range(LOOPS // 2):
            f = soft_minimum(halves[0], g)
            g = soft_minimum(halves[1], f)
        return [f, g]

    return call


def batched_sinkhorn(row, data):
    """One small problem after the other: its scores are computed once and stay in the cache."""
    eps = data.eps[0]
    memory = np.empty((row.m, row.n), row.dtype)
    results = np.empty((row.batch, row.m), row.dtype), np.empty((row.batch, row.n), row.dtype)

    def soft_minimum(scores, shift, axis):
        block = np.add(scores, np.expand_dims(shift / eps, 1 - axis), out=memory)
        most = block.max(axis=axis, keepdims=True)
        np.exp(np.subtract(block, most, out=block), out=block)
        return -eps * (most.squeeze(axis) + np.log(block.sum(axis=axis)))

    def call():
        for number, (x, y) in enumerate(zip(data.x, data.y, strict=True)):
            scores = (2 * x @ y.T - (y * y).sum(axis=1) - (x * x).sum(axis=1)[:, None]) / eps
            g = np.zeros(row.n, row.dtype)
            for _ in range(LOOPS // 2):
                f = soft_minimum(scores, g, 1)
                g = soft_minimum(scores, f, 0)
            results[0][number], results[1][number] = f, g
        return list(results)

    return call
