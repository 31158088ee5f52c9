"""K-means: a photograph in 12 colours, the centres of clusters of its pixels.

Each step looks for the nearest of the centres of every pixel, and moves them to the means of their pixels. The photograph comes with scikit-learn, whose
own k-means begins at the same centres and has to end as well.

    python kmeans.py [--size small] [picture.png]
"""

import time

import numpy as np
from gallery import panels, photograph, run, show
from keopsc.numpy import Vi, Vj
from keopsc.numpy.cluster import cluster_centroids
from sklearn.cluster import KMeans

COLOURS = 12
STEPS = 60


def clusters(points, centres):
    """The number of the nearest centre of each point."""
    return (Vi(points) - Vj(centres)).sqnorm2().argmin(axis=1)[:, 0]


def compute(small):
    photo = photograph("china.jpg", 8 if small else 1)
    points = photo.reshape(-1, 3)
    first = points[np.random.default_rng(1).choice(len(points), COLOURS, replace=False)]

    start = time.perf_counter()
    centres = first
    for _ in range(STEPS):
        labels = clusters(points, centres)
        centres = cluster_centroids(points, labels, centres)
    seconds = time.perf_counter() - start

    start = time.perf_counter()
    reference = KMeans(COLOURS, init=first, n_init=1, max_iter=STEPS, tol=0).fit(points)
    of_scikit = time.perf_counter() - start
    centres = centres[np.argsort(centres.sum(axis=1))]
    reduced = centres[clusters(points, centres)]
    inertia = float(((points.astype(float) - reduced) ** 2).sum())
    figures = {
        "pixels": len(points),
        "colours": COLOURS,
        "seconds": seconds,
        "seconds for scikit-learn": of_scikit,
        "difference of the sums of squares": abs(inertia / reference.inertia_ - 1),
        "levels of 255 off": 255 * float(np.sqrt(inertia / points.size)),
    }
    return figures, (photo, reduced.reshape(photo.shape), centres)


def draw(photo, reduced, centres):
    figure, axes = panels(3)
    show(axes[0], photo, "the photograph")
    show(axes[1], reduced, f"in {len(centres)} colours")
    axes[2].set_title("its pixels' red and blue, and the centres")
    pixels = photo.reshape(-1, 3)[::199]
    axes[2].scatter(pixels[:, 0], pixels[:, 2], s=2, color=pixels)
    axes[2].scatter(centres[:, 0], centres[:, 2], s=60, color=centres, edgecolor="black")
    axes[2].set(xlabel="red", ylabel="blue", aspect="equal")
    return figure


if __name__ == "__main__":
    run(compute, draw)
