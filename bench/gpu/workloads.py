"""The kinds of workloads: their tensors, exact results and errors, all on the device.

    kernel_sum    a_i = Σ_j exp(-|x_i - y_j|² / σ²) b_j
    gradient      a, and its derivative in x weighted with the cotangent e
    ranges        a, over the pairs of points in neighbouring cells of a grid alone; points are sorted by their cells
    nearest       the j with the least |x_i - y_j|²
    kmeans        these j, and for each j the mean of its points; of none, y_j remains
    neighbours    the NEIGHBOURS columns j with the least ones
    sinkhorn      LOOPS times f_i = -ε log Σ_j exp((g_j - |x_i - y_j|²) / ε), in turns from y to x and back; the last f and g

σ² and ε grow with the dimension, so that kernels are about exp(-0.8) in all of them.
"""

import math
from types import SimpleNamespace

import numpy as np
import torch
from rows import LOOPS, NEIGHBOURS

# Rows that results are compared on.
CHECKED = 256
# Numbers of a block of float64 differences.
BLOCK = 1 << 26
# A distance counts as equal to another one within this.
TIE = 1e-5
# Beyond this a contender is wrong, not inaccurate: relative errors, and where columns are chosen the share of wrong ones. Numbers of tf32 have the
# digits of float16.
WRONG = {"float16": 2e-2, "tf32": 2e-2, "float32": 1e-3, "float64": 1e-9}
WRONG_SHARE = 1e-2
EPSILON = 0.05
# Problems of no more rows are compared with Sinkhorn's algorithm in float64, larger ones with its last step.
SMALL_PROBLEM = 2_000
# Cells of the grid of `ranges` along an axis, and the share of pairs of cells that are kept.
CELLS, KEPT = 10, 0.1


def tensors(row, device):
    """The inputs, from a fixed seed."""
    random = np.random.default_rng(0)
    batch = (row.batch,) if row.batch else ()

    def draw(*shape):
        return random.random((*batch, *shape), np.float32).astype(row.dtype)

    arrays = {"x": draw(row.m, row.dim), "y": draw(row.n, row.dim), "b": draw(row.n, row.columns), "e": draw(row.m, row.columns)}
    arrays |= {"sigma": np.array([0.8 * (row.dim / 3) ** 0.5], row.dtype), "eps": np.array([EPSILON * row.dim / 3], row.dtype)}
    more = {}
    if row.kind == "ranges":
        arrays["x"], x_labels, x_ranges = sorted_by_cells(arrays["x"])
        arrays["y"], y_labels, y_ranges = sorted_by_cells(arrays["y"])
        keep = neighbours_of_cells(arrays, x_ranges, y_ranges)
        tables = [torch.from_numpy(table).to(device) for table in ranges_of(keep, x_ranges, y_ranges)]
        more = {"ranges": tables, "keep": keep, "x_labels": x_labels, "y_labels": y_labels}
        more["share"] = float((keep * np.diff(x_ranges) * np.diff(y_ranges).T).sum() / (row.m * row.n))
    return SimpleNamespace(**{name: torch.from_numpy(array).to(device) for name, array in arrays.items()}, **more)


# ------------------------------------------------------------------------------------------------ ranges


def sorted_by_cells(points):
    """Points in the order of their cells, the cells' numbers among those that have points, and where each begins and ends."""
    cells = np.minimum((points * CELLS).astype(np.int64), CELLS - 1)
    codes = cells @ CELLS ** np.arange(points.shape[1])
    order = np.argsort(codes, kind="stable")
    _, labels, counts = np.unique(codes[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.ascontiguousarray(points[order]), labels, np.stack([ends - counts, ends], 1)


def neighbours_of_cells(arrays, x_ranges, y_ranges):
    """Which pairs of cells are kept: those with the nearest centres."""
    centres = [
        np.add.reduceat(arrays[name].astype(float), ranges[:, 0]) / np.diff(ranges) for name, ranges in (("x", x_ranges), ("y", y_ranges))
    ]
    distances = ((centres[0][:, None] - centres[1]) ** 2).sum(-1)
    return distances <= np.quantile(distances, KEPT)


def ranges_of(keep, x_ranges, y_ranges):
    """The six tables of docs/abi.md: for each block of rows its blocks of columns, and the same with both exchanged."""

    def one_way(keep, rows, columns):
        return rows, np.cumsum(keep.sum(1)), np.ascontiguousarray(columns[np.nonzero(keep)[1]])

    return [*one_way(keep, x_ranges, y_ranges), *one_way(keep.T, y_ranges, x_ranges)]


# ------------------------------------------------------------------------------------------------ exact results


def checked_rows(row):
    """Which rows are compared, spread over all of them."""
    return np.unique(np.linspace(0, row.m - 1, min(row.m, CHECKED)).astype(int))


def differences(x, y):
    """Blocks of rows of x, their numbers, and their differences to y, in float64."""
    for part in torch.arange(len(x), device=x.device).split(max(1, BLOCK // y.numel())):
        yield part, x[part, None].double() - y.double()


def kernel_sums(row, data):
    checked = checked_rows(row)
    b, scale = data.b.double(), float(data.sigma[0]) ** -2
    e, values, slopes = data.e[checked].double(), [], []
    for part, difference in differences(data.x[checked], data.y):
        kernel = torch.exp(-scale * (difference**2).sum(-1))
        if row.kind == "ranges":
            kernel *= torch.from_numpy(data.keep[data.x_labels[checked][part.cpu()]][:, data.y_labels]).to(kernel)
        values.append(kernel @ b)
        if row.kind == "gradient":
            slopes.append(-2 * scale * torch.einsum("ij,ijd->id", kernel * (e[part] @ b.T), difference))
    return [torch.cat(parts) for parts in (values, slopes) if parts]


def least_distances(row, data):
    found = [(d**2).sum(-1).topk(1 if row.kind == "nearest" else NEIGHBOURS, largest=False).values for _, d in differences(data.x[checked_rows(row)], data.y)]
    return [torch.cat(found)]


def all_least_distances(row, data):
    """Of all rows, by a matrix product: digits that it loses are not missed in float64."""
    y, found = data.y.double(), []
    norms, transposed = (y * y).sum(1), -2 * y.T
    for part in data.x.split(max(1, BLOCK // row.n)):
        part = part.double()
        found.append(torch.addmm(norms, part, transposed).amin(1) + (part * part).sum(1))
    return torch.cat(found)[:, None]


def means(x, labels, y):
    """The mean of the points with each label, in their type; that of none is the centre that it was."""
    total, count = torch.zeros_like(y).index_add_(0, labels, x), torch.bincount(labels, minlength=len(y))[:, None]
    return torch.where(count > 0, total / count.clamp(min=1), y)


def soft_minimum(x, y, g, eps):
    """One LogSumExp in float64."""
    found = [-eps * torch.logsumexp((g - (difference**2).sum(-1)) / eps, -1) for _, difference in differences(x, y)]
    return torch.cat(found)


def potentials(row, data):
    """Of all batch elements, where they are small."""
    if row.m > SMALL_PROBLEM:
        return None
    eps, found = float(data.eps[0]), []
    for x, y in zip(data.x.reshape(-1, row.m, row.dim), data.y.reshape(-1, row.n, row.dim), strict=True):
        # Distances once for all steps.
        distances = torch.cat([(difference**2).sum(-1) for _, difference in differences(x, y)])
        g = torch.zeros(row.n, dtype=torch.float64, device=x.device)
        for _ in range(LOOPS // 2):
            f = -eps * torch.logsumexp((g - distances) / eps, 1)
            g = -eps * torch.logsumexp((f[:, None] - distances) / eps, 0)
        found.append((f, g))
    return [torch.stack(part) for part in zip(*found, strict=True)]


EXACT = {"sinkhorn": potentials, "nearest": least_distances, "neighbours": least_distances, "kmeans": all_least_distances}
CHOOSING = ("nearest", "neighbours", "kmeans")


def exact(row, data):
    """The results on the checked rows, in float64; least distances for those that choose columns."""
    return EXACT.get(row.kind, kernel_sums)(row, data)


# ------------------------------------------------------------------------------------------------ errors


def error(row, data, results, expected):
    """The largest relative Euclidean error of the results, or the share of columns that are not among the nearest, ties allowed for."""
    results = [result.detach() for result in results]
    if row.kind == "kmeans":
        return error_of_step(row, data, *results, expected)
    if row.kind == "sinkhorn":
        if expected is None:
            f, g = (result.reshape(-1) for result in results)
            checked = checked_rows(row)
            results, expected = [g[checked]], [soft_minimum(data.y[checked], data.x, f.double(), float(data.eps[0]))]
        return max(relative(found.reshape(wanted.shape), wanted) for found, wanted in zip(results, expected, strict=True))
    found = [result.reshape(row.m, -1)[checked_rows(row)] for result in results]
    if row.kind in EXACT:
        return wrong_share(found[0].long(), data.x[checked_rows(row)], data.y, expected[0])
    return max(relative(one, wanted) for one, wanted in zip(found, expected, strict=True))


def error_of_step(row, data, labels, centres, least):
    """The share of wrong labels, or the error of the centres as means of the points labelled so if that is larger; infinite where it is too large."""
    labels = labels.reshape(-1, 1).long()
    wanted = means(data.x.double(), labels[:, 0].clamp(0, row.n - 1), data.y.double())
    share, off = wrong_share(labels, data.x, data.y, least), relative(centres, wanted)
    return max(share, off) if off < WRONG[row.dtype] else math.inf


def relative(found, wanted):
    return float(torch.linalg.vector_norm(found.double() - wanted) / torch.linalg.vector_norm(wanted))


def wrong_share(found, x, y, least):
    """Of the columns found for each point: those repeated, out of bounds, or farther than the last of the nearest."""
    assert found.shape == least.shape, found.shape
    inside = (found >= 0) & (found < len(y))
    distances = ((x[:, None].double() - y[found.where(inside, 0)].double()) ** 2).sum(-1)
    good = inside & (distances <= least[:, -1:] * (1 + TIE))
    ordered = found.sort(1).values
    repeated = (ordered[:, 1:] == ordered[:, :-1]).sum()
    return float(1 - good.double().mean()) + float(repeated) / found.numel()


def is_wrong(row, error, is_rounded):
    """Whether a result with this error does not count. It `is_rounded` where products were asked for in tf32."""
    return not error < (WRONG_SHARE if row.kind in CHOOSING else WRONG["tf32" if is_rounded else row.dtype])
