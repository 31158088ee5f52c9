"""Block-sparse sums: a noisy photograph smoothed by a bilateral filter, which keeps edges.

Each pixel becomes the mean of all pixels, weighted by a Gaussian of their distance in place and colour: sums over 75 billion pairs, nearly all of which weigh
nothing. Pixels are sorted into the cells of a grid, and only pairs of cells that are near enough are looked at. Some pixels are compared with means over
all. The photograph comes with scikit-learn.

    python block_sparse.py [--size small] [picture.png]
"""

import time

import numpy as np
from gallery import decibels, panels, photograph, run, show
from keopsc.numpy import Vi, Vj
from keopsc.numpy.cluster import cluster_ranges_centroids, from_matrix, grid_cluster, sort_clusters

PLACE, COLOUR = 2.5, 0.25  # the standard deviations of the Gaussian, in pixels and of the range of colours
CELL, FAR = 6.0, 4.0  # the length of cells, and the distance beyond which pairs are left out, in standard deviations


def filtered(x_i, x_j, colours_j, ranges=None):
    """The weighted means of colours, for pixels with these places and colours in standard deviations."""
    weights = (-(Vi(x_i) - Vj(x_j)).sqnorm2() / 2).exp()
    weights.ranges = ranges
    return weights @ colours_j / weights.sum(axis=1)


def near_cells(labels, places):
    """The ranges that make pairs of cells meet of which points may be nearer than FAR."""
    blocks, centres, _ = cluster_ranges_centroids(places, labels)
    distances = np.linalg.norm(centres[:, None] - centres, axis=-1)
    keep = distances < FAR + np.sqrt(2) * CELL
    return from_matrix(blocks, blocks, keep), keep


def compute(small):
    photo = photograph("china.jpg", 4 if small else 1)
    noisy = photo + 0.1 * np.random.default_rng(0).standard_normal(photo.shape, np.float32)
    colours, places = noisy.reshape(-1, 3), np.indices(photo.shape[:2], np.float32).reshape(2, -1).T / PLACE
    x = np.hstack([places, colours / COLOUR]).astype(np.float32)

    start = time.perf_counter()
    labels = grid_cluster(places, CELL)
    (x, colours, order), labels = sort_clusters((x, colours, np.arange(len(x))), labels)
    ranges, keep = near_cells(labels, x[:, :2])
    smooth = np.empty_like(colours)
    smooth[order] = filtered(x, x, colours, ranges)
    seconds = time.perf_counter() - start

    start = time.perf_counter()
    some = slice(None, None, 100)
    expected = filtered(x[some], x, colours)
    of_all = 100 * (time.perf_counter() - start)
    figures = {
        "pixels": len(x),
        "cells": len(keep),
        "% of the pairs": 100 * float(keep.mean()),
        "seconds": seconds,
        "seconds for all pairs, judged by a hundredth": of_all,
        "largest difference from all pairs": float(abs(smooth[order][some] - expected).max()),
        "dB noisy": decibels(noisy - photo),
        "dB smooth": decibels(smooth.reshape(photo.shape) - photo),
    }
    return figures, (noisy, smooth.reshape(photo.shape), keep)


def draw(noisy, smooth, keep):
    figure, axes = panels(3, width=6.4, height=2.1)
    part = np.s_[20:220, 100:350] if len(noisy) > 300 else np.s_[:]
    show(axes[0], noisy[part].clip(0, 1), "with noise")
    show(axes[1], smooth[part].clip(0, 1), "smoothed")
    axes[2].imshow(keep[:200, :200], cmap="Blues")
    axes[2].set(title="cells that meet", xlabel="cell of pixel j", ylabel="cell of pixel i")
    return figure


if __name__ == "__main__":
    run(compute, draw)
