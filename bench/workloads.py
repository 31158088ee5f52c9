"""The kinds of workloads: their arrays, exact results, errors and operations.

    kernel_sum    a_i = Σ_j exp(-|x_i - y_j|² / σ²) b_j
    gradient      a, and its derivative in x weighted with the cotangent e
    nearest       the j with the least |x_i - y_j|²
    neighbours    the NEIGHBOURS columns j with the least ones
    sinkhorn      LOOPS times f_i = -ε log Σ_j exp((g_j - |x_i - y_j|²) / ε), in turns from y to x and back; the last f and g

σ² grows with the dimension, so that kernels are about exp(-0.8) in all of them.
"""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
from rows import LOOPS, NEIGHBOURS

# Rows that results are compared on: as many as this many coordinates of differences allow, but some.
CHECKED_COORDINATES = 100_000_000
MOST_CHECKED, FEWEST_CHECKED = 256, 32
# A distance counts as equal to another one within this.
TIE = 1e-5
# Beyond this a contender is wrong, not inaccurate: relative errors, and for `nearest` and `neighbours` the share of wrong columns.
WRONG = {"float32": 1e-3, "float64": 1e-9}
WRONG_SHARE = 1e-2
EPSILON = 0.05


def arrays(row):
    """The inputs, from a fixed seed."""
    random = np.random.default_rng(0)
    batch = (row.batch,) if row.batch else ()

    def draw(*shape):
        return random.random((*batch, *shape)).astype(row.dtype)

    return SimpleNamespace(
        x=draw(row.m, row.dim),
        y=draw(row.n, row.dim),
        b=draw(row.n, row.columns),
        e=draw(row.m, row.columns),
        sigma=np.array([0.8 * (row.dim / 3) ** 0.5], row.dtype),
        eps=np.array([EPSILON], row.dtype),
    )


def checked_rows(row):
    """Which rows are compared, spread over all of them."""
    count = min(row.m, MOST_CHECKED, max(FEWEST_CHECKED, CHECKED_COORDINATES // (row.n * row.dim)))
    return np.unique(np.linspace(0, row.m - 1, count).astype(int))


def exact(row, data):
    """The results on the checked rows (all rows of `sinkhorn`), in float64 or better; least distances for those that choose columns."""
    return EXACT[row.kind](row, data)


def kernel_sums(row, data):
    wide = np.longdouble if row.dtype == "float64" else np.float64
    y, b, sigma = (array.astype(wide) for array in (data.y, data.b, data.sigma))
    values, slopes = [], []
    for number in checked_rows(row):
        difference = data.x[number].astype(wide) - y
        kernel = np.exp(-(difference**2).sum(axis=1) / sigma[0] ** 2)
        values.append(kernel @ b)
        if row.kind == "gradient":
            slopes.append(-2 / sigma[0] ** 2 * ((kernel * (b @ data.e[number].astype(wide))) @ difference))
    return [np.array(values), np.array(slopes)] if row.kind == "gradient" else [np.array(values)]


def least_distances(row, data):
    y, count = data.y.astype(float), 1 if row.kind == "nearest" else NEIGHBOURS
    distances = (((x - y) ** 2).sum(axis=1) for x in data.x[checked_rows(row)].astype(float))
    return [np.array([np.sort(np.partition(found, count)[:count]) for found in distances])]


def soft_minimum(x, y, g, eps, block=256):
    """One LogSumExp in float64, on all processors."""
    y_norms, y_transposed, result = (y * y).sum(axis=1), 2 * y.T, np.empty(len(x))

    def some(start):
        rows = x[start : start + block]
        scores = (rows @ y_transposed - y_norms - (rows * rows).sum(axis=1)[:, None] + g) / eps
        most = scores.max(axis=1)
        result[start : start + block] = -eps * (most + np.log(np.exp(scores - most[:, None]).sum(axis=1)))

    with ThreadPoolExecutor() as pool:
        list(pool.map(some, range(0, len(x), block)))
    return result


def potentials(row, data):
    x, y = (array.astype(float).reshape(-1, *array.shape[-2:]) for array in (data.x, data.y))
    found = []
    for x_points, y_points in zip(x, y, strict=True):
        g = np.zeros(row.n)
        for _ in range(LOOPS // 2):
            f = soft_minimum(x_points, y_points, g, float(data.eps[0]))
            g = soft_minimum(y_points, x_points, f, float(data.eps[0]))
        found.append((f, g))
    f, g = (np.array(part).reshape(*data.x.shape[:-2], -1) for part in zip(*found, strict=True))
    return [f, g]


EXACT = {"kernel_sum": kernel_sums, "gradient": kernel_sums, "nearest": least_distances, "neighbours": least_distances, "sinkhorn": potentials}


def error(row, data, results, expected):
    """The largest relative Euclidean error of the results, or the share of columns that are not among the nearest, ties allowed for."""
    results = [np.asarray(result.detach() if hasattr(result, "detach") else result) for result in results]
    if row.kind == "sinkhorn":
        return max(relative(found.reshape(wanted.shape), wanted) for found, wanted in zip(results, expected, strict=True))
    checked = checked_rows(row)
    if row.kind in ("nearest", "neighbours"):
        return wrong_share(results[0].reshape(row.m, -1)[checked].astype(np.int64), data.x[checked], data.y, expected[0])
    shaped = [found.reshape(row.m, -1)[checked] for found in results]
    return max(relative(found, wanted) for found, wanted in zip(shaped, expected, strict=True))


def relative(found, wanted):
    return float(np.linalg.norm((found - wanted).astype(float)) / np.linalg.norm(wanted.astype(float)))


def wrong_share(found, x, y, least):
    """Of the columns found for each point: those repeated, out of bounds, or farther than the last of the nearest."""
    assert found.shape == least.shape, found.shape
    inside = (found >= 0) & (found < len(y))
    distances = ((x[:, None].astype(float) - y[np.where(inside, found, 0)].astype(float)) ** 2).sum(axis=-1)
    good = inside & (distances <= least[:, -1:] * (1 + TIE))
    for row, columns in zip(good, found, strict=True):
        row &= [column not in columns[:place] for place, column in enumerate(columns)]
    return float(1 - good.mean())


def is_wrong(row, error):
    """Whether a result with this error does not count."""
    return not error < (WRONG_SHARE if row.kind in ("nearest", "neighbours") else WRONG[row.dtype])


def flops(row):
    """Operations of a pair by a rule that is the same for all contenders: a multiplication with an addition counts two, and so does each of

    - a coordinate of a difference (squared and added; the subtraction has a port of its own),
    - a column of weights (multiplied and added) and a coordinate of a gradient;

    an exponential counts 8, two of them for reducing its range, and what chooses or shifts by a maximum 1.
    """
    distance = 2 * row.dim
    return {
        "kernel_sum": distance + 8 + 2 * row.columns,
        "gradient": distance + 8 + 2 * row.columns + 2 * row.dim,
        "nearest": distance + 1,
        "neighbours": distance + 1,
        "sinkhorn": distance + 8 + 3,
    }[row.kind]
