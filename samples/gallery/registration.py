"""Registration: the outline of a handwritten 3 bent into that of a 5, by a flow that carries the whole plane along (LDDMM).

Each point has a momentum, and a Gaussian kernel makes velocities of momenta. PyTorch differentiates the Hamiltonian for the flow, and the distance of the
outlines through the flow for the momenta to begin with. The Hamiltonian should not change while points flow. The digits come with scikit-learn.

    python registration.py [--size small] [picture.png]
"""

import time

import numpy as np
import torch
from contourpy import contour_generator
from gallery import BLUE, GREY, ORANGE, panels, run
from keopsc.torch import Vi, Vj
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

WIDTHS = 0.25, 0.5, 1.5  # of the kernels that compare outlines, in pixels of the digits; the last one that of the flow
STEPS = 8


def outline(digit, count):
    """That many points, equally far apart, around a digit."""
    line = max(contour_generator(z=zoom(np.pad(digit, 1), 8, order=3)).lines(8.0), key=len) / 8
    lengths = np.append(0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum())
    return torch.tensor(np.stack([np.interp(np.linspace(0, lengths[-1], count), lengths, axis) for axis in line.T], axis=1))


def kernel(x, y, width):
    """A symbolic Gaussian kernel matrix."""
    return (-(Vi(x) - Vj(y)).sqnorm2() / (2 * width**2)).exp()


def distance(x, y):
    """The squared distance of two clouds of points, as measures."""
    terms = ((x, x, 1), (y, y, 1), (x, y, -2))
    return sum(sign * kernel(a, b, width).sum(axis=1).mean() / len(b) for width in WIDTHS for a, b, sign in terms)


def hamiltonian(points, momenta):
    return (momenta * (kernel(points, points, WIDTHS[-1]) @ momenta)).sum() / 2


def change(points, momenta):
    """How much points and momenta change in a step, by Hamilton's equations."""
    of_points, of_momenta = torch.autograd.grad(hamiltonian(points, momenta), (points, momenta), create_graph=True)
    return of_momenta / STEPS, -of_points / STEPS


def flow(points, momenta):
    """Where points and momenta are in the end, by the midpoint rule."""
    for _ in range(STEPS):
        dx, dp = change(points, momenta)
        dx, dp = change(points + dx / 2, momenta + dp / 2)
        points, momenta = points + dx, momenta + dp
    return points, momenta


def compute(small):
    count, iterations = (60, 20) if small else (1000, 100)
    digits = load_digits().images
    source, target = outline(digits[3], count).requires_grad_(), outline(digits[5], count)
    momenta = torch.zeros_like(source, requires_grad=True)
    optimizer = torch.optim.LBFGS([momenta], max_iter=iterations, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = distance(flow(source, momenta)[0], target) + 1e-6 * hamiltonian(source, momenta)
        value.backward()
        return value

    start = time.perf_counter()
    optimizer.step(loss)
    seconds = time.perf_counter() - start
    end, momenta_there = flow(source, momenta)
    before, after = ((Vi(points) - Vj(target)).sqnorm2().min(axis=1).sqrt().mean() for points in (source, end))
    figures = {
        "points": count,
        "seconds": seconds,
        "pixels between the outlines": float(before),
        "after the flow": float(after),
        "change of the Hamiltonian": abs(float(hamiltonian(end, momenta_there) / hamiltonian(source, momenta)) - 1),
    }
    # Points without a momentum go along.
    lines = torch.cartesian_prod(torch.linspace(0, 10, 21), torch.linspace(0, 10, 101)).double()
    plane = torch.cat([lines, lines.flip(1)])
    moved, _ = flow(torch.cat([source, plane]), torch.cat([momenta, torch.zeros_like(plane)]))
    return figures, [points.detach().numpy() for points in (source, target, plane, moved)]


def draw(source, target, plane, moved):
    figure, axes = panels(2, width=5.0, height=2.7)
    for axis, outline, grid, title in ((axes[0], source, plane, "before"), (axes[1], moved[: len(source)], moved[len(source) :], "after")):
        axis.plot(*grid.reshape(42, 101, 2).transpose(2, 1, 0), color=GREY, linewidth=0.3)
        axis.plot(*target.T, color=ORANGE, linewidth=3, alpha=0.5)
        axis.plot(*outline.T, color=BLUE, linewidth=1)
        axis.set(title=title, xlim=(0, 10), ylim=(10, 0), aspect="equal")
        axis.set_axis_off()
    return figure


if __name__ == "__main__":
    run(compute, draw)
