"""JAX with jit: squared distances by a matrix product, on the whole matrix or (`blocks`) by lax.map over blocks of rows."""

import jax
import jax.numpy as jnp
import numpy as np
from contenders.blocks import rows_of_block
from jax import lax
from rows import LOOPS, NEIGHBOURS

jax.config.update("jax_enable_x64", True)
# A turn of lax.map costs something: larger blocks than others have are best.
ELEMENTS = 2**20


def squared_distances(x, y):
    return (x * x).sum(-1)[..., :, None] + (y * y).sum(-1)[..., None, :] - 2 * jnp.matmul(x, y.mT, precision="highest")


def divisor(number, most):
    """The largest one that is not above `most`: lax.map has no last block that is smaller."""
    return max(count for count in range(1, most + 1) if number % count == 0)


def compiled(function, row, data, names, blocks):
    """The call of a function of rows of x and of other arrays, on all rows at once or on blocks of them."""
    rows = divisor(row.m, rows_of_block(row.n, row.dim, ELEMENTS))

    def by_rows(*arrays):
        of_rows = [array.reshape(-1, rows, array.shape[-1]) for array in arrays[: len(names[0])]]
        results = lax.map(lambda part: function(*part, *arrays[len(names[0]) :]), of_rows)
        return [result.reshape(row.m, -1) for result in results]

    return ready(by_rows if blocks else function, *(getattr(data, name) for name in names[0] + names[1]))


def ready(function, *arrays):
    """The call of a compiled function on arrays that JAX has already."""
    jitted = jax.jit(function)
    arrays = [jnp.asarray(array) for array in arrays]
    return lambda: [np.asarray(result) for result in jax.block_until_ready(jitted(*arrays))]


def kernel_sum(row, data, blocks=False):
    factor = float(-1 / data.sigma[0] ** 2)
    return compiled(lambda x, y, b: [jnp.exp(factor * squared_distances(x, y)) @ b], row, data, (["x"], ["y", "b"]), blocks)


def gradient(row, data, blocks=False):
    factor = float(-1 / data.sigma[0] ** 2)

    def both(x, e, y, b):
        sums = jnp.exp(factor * squared_distances(x, y)) @ jnp.hstack([b, b * y])
        value = sums[:, :1]
        return [value, 2 * factor * e * (x * value - sums[:, 1:])]

    return compiled(both, row, data, (["x", "e"], ["y", "b"]), blocks)


def nearest(row, data, blocks=False):
    """XLA's argmin is slow on processors; the first column that has the minimum is found faster by two plain reductions."""

    def search(x, y):
        scores = (y * y).sum(1) - 2 * x @ y.T
        columns = jnp.arange(row.n, dtype=jnp.int32)
        return [jnp.where(scores == scores.min(1, keepdims=True), columns, row.n).min(1)]

    return compiled(search, row, data, (["x"], ["y"]), blocks)


def neighbours(row, data, blocks=False):
    return compiled(lambda x, y: [lax.top_k(2 * x @ y.T - (y * y).sum(1), NEIGHBOURS)[1]], row, data, (["x"], ["y"]), blocks)


def sinkhorn(row, data, blocks=False):
    """All iterations in one compiled function; the scores of small problems are computed once."""
    eps = float(data.eps[0])
    if blocks and row.batch:
        return ready(lambda x, y: lax.map(lambda pair: iterations(*pair, eps, None), (x, y)), data.x, data.y)
    block = rows_of_block(row.n, row.dim, ELEMENTS) if blocks else None
    return ready(lambda x, y: iterations(x, y, eps, block), data.x, data.y)


def iterations(x, y, eps, block):
    def soft_minimum(x, y, g):
        if not block:
            return -eps * jax.nn.logsumexp((g[..., None, :] - squared_distances(x, y)) / eps, axis=-1)
        rows = divisor(len(x), block)
        parts = lax.map(lambda part: jax.nn.logsumexp((g - squared_distances(part, y)) / eps, axis=1), x.reshape(-1, rows, x.shape[-1]))
        return -eps * parts.ravel()

    def step(_, potentials):
        f = soft_minimum(x, y, potentials[1])
        return f, soft_minimum(y, x, f)

    zeros = jnp.zeros(x.shape[:-1], x.dtype), jnp.zeros(y.shape[:-1], y.dtype)
    return lax.fori_loop(0, LOOPS // 2, step, zeros)
