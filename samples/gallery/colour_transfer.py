"""Colour transfer: a photograph of a palace in the colours of a flower, by optimal transport.

Sinkhorn's algorithm computes a transport plan between samples of the pixels' colours: log-sum-exps in turn over rows and columns of their distances, blurred
less and less. The plan then moves each pixel of the photograph, also those that are no part of the sample, to the mean of where it sends its colour.
Both photographs come with scikit-learn. The cost is compared with that of the best assignment, by SciPy.

    python colour_transfer.py [--size small] [picture.png]
"""

import time
from math import log

import numpy as np
from gallery import panels, photograph, run, show
from keopsc.numpy import Vi, Vj
from scipy.optimize import linear_sum_assignment

BLUR = 0.05  # the standard deviation of the blur at the end
STEPS = 120


def soft_minimum(cost, potential, scale):
    """For each i the soft minimum over j of cost - potential: -scale log mean exp((potential - cost) / scale)."""
    return -scale * (((Vj(potential) - cost) / scale).logsumexp(axis=1) - log(len(potential)))


def sinkhorn(x, y):
    """The potentials g of y for which exp((f + g - cost) / blur) is a transport plan from x to y, and f of x."""
    cost = (Vi(x) - Vj(y)).sqnorm2() / 2
    g = np.zeros_like(y[:, :1])
    for step in range(STEPS):
        blur = max(0.95**step, BLUR)
        f = soft_minimum(cost, g, blur**2)
        g = soft_minimum(cost.T, f, blur**2)
    return f, g


def compute(small):
    photo, other = photograph("china.jpg", 8 if small else 1), photograph("flower.jpg")
    pixels, count = photo.reshape(-1, 3), 400 if small else 10_000
    random = np.random.default_rng(0)
    x, y = (random.choice(image.reshape(-1, 3), count, replace=False) for image in (photo, other))

    start = time.perf_counter()
    f, g = sinkhorn(x, y)
    score = (Vj(g) - (Vi(pixels) - Vj(y)).sqnorm2() / 2) / BLUR**2
    moved = score.sumsoftmaxweight(Vj(y), axis=1)
    seconds = time.perf_counter() - start

    sent = ((Vi(f) + Vj(g) - (Vi(x) - Vj(y)).sqnorm2() / 2) / BLUR**2).exp().mean(axis=1)
    x, y = x[:400], y[:400]
    costs = ((x[:, None] - y) ** 2).sum(axis=-1) / 2
    f, g = sinkhorn(x, y)
    plan = np.exp((f + g.T - costs) / BLUR**2) / len(x) ** 2
    figures = {
        "pixels": len(pixels),
        "colours": count,
        "seconds": seconds,
        "of the mass misplaced": float(abs(sent - 1).mean() / 2),
        "times the cost of the best assignment": float((plan * costs).sum() / costs[linear_sum_assignment(costs)].mean()),
        "levels of 255 between the mean colours": 255 * float(abs(moved.mean(axis=0) - other.mean(axis=(0, 1))).max()),
    }
    return figures, (photo, other, moved.reshape(photo.shape))


def draw(photo, other, moved):
    figure, axes = panels(3, height=1.8)
    show(axes[0], photo, "the photograph")
    show(axes[1], other, "whose colours it is to have")
    show(axes[2], moved.clip(0, 1), "transported")
    return figure


if __name__ == "__main__":
    run(compute, draw)
