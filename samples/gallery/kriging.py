"""Kernel interpolation (kriging): a map of the hills around Jacksboro, Tennessee, from surveyed points.

The weights of the points solve a linear system with the kernel matrix, by conjugate gradients; neither that matrix nor the one between pixels and points
is ever stored. The heights come with matplotlib. The map is compared with the terrain, the weights with those of NumPy.

    python kriging.py [--size small] [picture.png]
"""

import time

import numpy as np
from gallery import ORANGE, panels, run, show
from keopsc.numpy import Vi, Vj
from matplotlib import cbook

LENGTH = 1.0  # of the kernel, in km
NOISE = 1e-3  # the part of the variance that the kernel does not explain


def covariance(x_i, y_j):
    """The exponential covariance of places, of arrays or symbolic."""
    return (-((x_i - y_j) ** 2).sum(-1) ** 0.5 / LENGTH).exp()


def compute(small):
    step, count = (4, 300) if small else (1, 5000)
    heights = cbook.get_sample_data("jacksboro_fault_dem.npz")["elevation"][::step, ::step].astype(float)
    rows, columns = np.indices(heights.shape)
    places = step * np.stack([0.0744 * columns, -0.0927 * rows], axis=-1).reshape(-1, 2)  # km
    chosen = np.random.default_rng(0).choice(len(places), count, replace=False)
    points, known = places[chosen], heights.reshape(-1, 1)[chosen]
    mean = known.mean()

    start = time.perf_counter()
    weights = covariance(Vi(points), Vj(points)).solve(Vi(known - mean), alpha=NOISE, eps=1e-4)
    drawn = (mean + covariance(Vi(places), Vj(points)) @ weights).reshape(heights.shape)
    seconds = time.perf_counter() - start

    start = time.perf_counter()
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    expected = np.linalg.solve(np.exp(-distances / LENGTH) + NOISE * np.eye(count), known - mean)
    of_numpy = time.perf_counter() - start
    nearest = known[((Vi(places) - Vj(points)) ** 2).sum(-1).argmin(axis=1)].reshape(heights.shape)
    figures = {
        "points": count,
        "pixels": heights.size,
        "seconds": seconds,
        "seconds for the weights with a matrix": of_numpy,
        "difference of the weights": float(np.linalg.norm(weights - expected) / np.linalg.norm(expected)),
        "metres off": float(np.sqrt(np.mean((drawn - heights) ** 2))),
        "metres off with the height of the nearest point": float(np.sqrt(np.mean((nearest - heights) ** 2))),
    }
    return figures, (heights, places, points, drawn)


def draw(heights, places, points, drawn):
    figure, axes = panels(3, width=6.0, height=2.0)
    west, south, east, north = *places.min(axis=0), *places.max(axis=0)
    options = {"extent": (west, east, south, north), "cmap": "cividis", "vmin": heights.min(), "vmax": heights.max()}
    show(axes[0], heights, "the terrain", **options)
    show(axes[1], np.full_like(heights, np.nan), f"{len(points):,} surveyed points", **options)
    axes[1].plot(*points.T, ",", color=ORANGE)
    image = show(axes[2], drawn, "kriging", **options)
    figure.colorbar(image, ax=axes, label="height (m)", shrink=0.8)
    return figure


if __name__ == "__main__":
    run(compute, draw)
