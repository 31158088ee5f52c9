"""Gaussian mixture: a photograph as the density of 500 Gaussians, each with a covariance matrix of its own.

Points are drawn where the photograph is bright, and expectation maximisation fits the Gaussians to them. The logarithms of their densities are a symbolic
matrix; all sums of a step are one reduction of it. One step is compared with scikit-learn's, which the photograph comes with.

    python mixture.py [--size small] [picture.png]
"""

import time
import warnings

import numpy as np
from gallery import BLUE, panels, photograph, run, show
from keopsc.numpy import Vi, Vj
from matplotlib.patches import Ellipse
from sklearn.mixture import GaussianMixture

warnings.simplefilter("ignore")  # scikit-learn's single step does not converge
SMALLEST = 1e-5  # is added to the variances, so that no Gaussian collapses


def log_densities(points, weights, means, precisions):
    """The logarithm of the density of each Gaussian (j) at each point (i), times its weight."""
    constants = np.log(weights) + np.linalg.slogdet(precisions)[1] / 2 - np.log(2 * np.pi)
    return Vj(constants[:, None]) - (Vi(points) - Vj(means)).weightedsqnorm(Vj(precisions.reshape(-1, 4))) / 2


def step(points, *mixture):
    """The weights, means and precisions that fit best the points that each Gaussian explains."""
    logs, x = log_densities(points, *mixture), Vi(points)
    explained = (logs - Vi(logs.logsumexp(axis=1))).exp()
    mass, sums = explained.sum(axis=0), (explained * x.concat(x.tensorprod(x))).sum(axis=0)
    means, squares = sums[:, :2] / mass, (sums[:, 2:] / mass).reshape(-1, 2, 2)
    covariances = squares - means[:, :, None] * means[:, None, :] + SMALLEST * np.eye(2)
    return mass[:, 0] / len(points), means, np.linalg.inv(covariances)


def compute(small):
    count, gaussians, steps = (2000, 20, 10) if small else (200_000, 500, 40)
    photo = photograph("flower.jpg")[70:370, 160:460].mean(axis=-1).astype(float)
    random, brightness = np.random.default_rng(0), photo.ravel() ** 4
    rows, columns = np.divmod(random.choice(photo.size, count, p=brightness / brightness.sum()), 300)
    points = (np.stack([columns, rows], axis=1) + random.random((count, 2))) / 300
    mixture = np.full(gaussians, 1 / gaussians), points[:gaussians], np.tile(gaussians * np.eye(2), (gaussians, 1, 1))

    start = time.perf_counter()
    for _ in range(steps):
        mixture = step(points, *mixture)
    likelihood = float(log_densities(points, *mixture).logsumexp(axis=1).mean())
    seconds = time.perf_counter() - start

    points, (weights, means, precisions) = points[:10_000], mixture
    peer = GaussianMixture(gaussians, max_iter=1, reg_covar=SMALLEST, weights_init=weights, means_init=means, precisions_init=precisions)
    difference = float(peer.fit(points).score(points)) - log_densities(points, *step(points, *mixture)).logsumexp(axis=1).mean()
    figures = {"points": count, "Gaussians": gaussians, "steps": steps, "seconds": seconds}
    return figures | {"mean log-likelihood": likelihood, "difference from scikit-learn": float(abs(difference))}, (photo, *mixture)


def draw(photo, weights, means, precisions):
    figure, axes = panels(3, width=5.2, height=1.9)
    show(axes[0], photo, "the photograph", cmap="gray")
    show(axes[1], np.ones_like(photo), f"{len(means)} Gaussians", cmap="gray", vmin=0, vmax=1)
    for mean, precision in zip(means, precisions):
        values, vectors = np.linalg.eigh(precision)
        angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
        axes[1].add_patch(Ellipse(300 * mean, *(600 / values**0.5), angle=angle, fill=False, color=BLUE, linewidth=0.4))
    places = (np.indices(photo.shape)[::-1].reshape(2, -1).T + 0.5) / 300
    density = np.exp(log_densities(places, weights, means, precisions).logsumexp(axis=1)).reshape(photo.shape)
    show(axes[2], density**0.25, "their density", cmap="gray")
    return figure


if __name__ == "__main__":
    run(compute, draw)
