"""Registration: the outline of a handwritten 3 bent into that of a 5, by a flow that carries the whole plane along (LDDMM).

Each point has a momentum, and a Gaussian kernel makes velocities of momenta. PyTorch differentiates the Hamiltonian for the flow, and the distance of the
outlines through the flow for the momenta to begin with. The Hamiltonian should not change while points flow. The digits come with scikit-learn.

    python registration.py [--size small] [picture.png]
"""

import time

import torch
from gallery import BLUE, GREY, ORANGE, outline, panels, run
from keopsc.torch import Vi, Vj

STEPS = 8  # of the flow


def kernel(x, y, width):
    """A symbolic Gaussian kernel matrix; the width is in pixels of the digits."""
    return (-(Vi(x) - Vj(y)).sqnorm2() / (2 * width**2)).exp()


def distance(x, y):
    """The squared distance of two clouds of points, as measures."""
    terms = [(x, x, 1), (y, y, 1), (x, y, -2)]
    return sum(sign * kernel(a, b, width).sum(axis=1).mean() / len(b) for width in (0.25, 0.5, 1.5) for a, b, sign in terms)


def hamiltonian(points, momenta):
    return (momenta * (kernel(points, points, 1.5) @ momenta)).sum() / 2


def flow(points, momenta):
    """Where points and momenta are in the end, by Hamilton's equations and the midpoint rule."""
    there = points, momenta
    for _ in range(STEPS):
        for part in (0.5, 1.0):
            of_points, of_momenta = torch.autograd.grad(hamiltonian(*there), there, create_graph=True)
            there = points + part / STEPS * of_momenta, momenta - part / STEPS * of_points
        points, momenta = there
    return there


def compute(small):
    count, iterations = (60, 40) if small else (1000, 100)
    source, target = (torch.tensor(outline(digit, count), requires_grad=True) for digit in (3, 5))
    momenta = torch.zeros_like(source, requires_grad=True)
    optimizer = torch.optim.LBFGS([momenta], max_iter=iterations, line_search_fn="strong_wolfe")

    def loss():
        value = distance(flow(source, momenta)[0], target) + 1e-6 * hamiltonian(source, momenta)
        (momenta.grad,) = torch.autograd.grad(value, momenta)
        return value

    start = time.perf_counter()
    optimizer.step(loss)
    figures = {"points": count, "seconds": time.perf_counter() - start}
    lines = torch.cartesian_prod(torch.linspace(0, 10, 21), torch.linspace(0, 10, 101)).double()
    points = torch.cat([source, lines, lines.flip(1)])  # those without a momentum go along
    momenta = torch.cat([momenta, torch.zeros_like(points[count:])])
    moved, there = flow(points, momenta)
    near = [(Vi(outline) - Vj(target)).sqnorm2().min(axis=1).sqrt().mean().item() for outline in (source, moved[:count])]
    figures |= {"pixels between the outlines": near[0], "after the flow": near[1]}
    figures["change of the Hamiltonian"] = abs((hamiltonian(moved, there) / hamiltonian(points, momenta)).item() - 1)
    return figures, (target.detach(), points.detach(), moved.detach())


def draw(target, *both):
    figure, axes = panels(2, width=5.0, height=2.7)
    for axis, points, title in zip(axes, both, ("a 3 and a 5", "the 3 and its plane, bent")):
        axis.plot(*points[len(target) :].reshape(42, 101, 2).permute(2, 1, 0), color=GREY, linewidth=0.3)
        axis.plot(*target.T, color=ORANGE, linewidth=3, alpha=0.5)
        axis.plot(*points[: len(target)].T, color=BLUE, linewidth=1)
        axis.set(title=title, xlim=(0, 10), ylim=(10, 0), aspect="equal", xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    run(compute, draw)
