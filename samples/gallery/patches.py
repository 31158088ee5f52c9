"""K-means in many dimensions: what photographs are made of, a million patches of 10 x 10 pixels and 1000 centres.

Patches lose their mean and contrast, so that edges of all directions are left. A step looks for the nearest of the centres of each patch among 10⁹ pairs with
100 coordinates, on the GPU if there is one, and moves the centres to the means of their patches. The photographs come with scikit-learn, whose own k-means
takes the same steps from the same centres.

    python patches.py [--size small] [picture.png]
"""

import time

import numpy as np
import torch
from gallery import BLUE, panels, photograph, run, show
from keopsc.torch import Vi, Vj
from sklearn.cluster import KMeans

WIDTH = 10  # of a patch, in pixels


def patches(count):
    """That many patches of the colours of the photographs, without mean and contrast: (count, 100)."""
    photos = (photograph(name).transpose(2, 0, 1) for name in ("china.jpg", "flower.jpg"))
    windows = [np.lib.stride_tricks.sliding_window_view(photo, (WIDTH, WIDTH), (1, 2)).reshape(-1, WIDTH, WIDTH) for photo in photos]
    random = np.random.default_rng(0)
    some = np.concatenate([window[random.choice(len(window), count // 2, replace=False)] for window in windows]).reshape(count, -1)
    some -= some.mean(axis=1, keepdims=True)
    return some / (some.std(axis=1, keepdims=True) + 0.05)


def step(points, centres):
    """The means of the points that are nearest to each centre, how many these are, and the sum of their squared distances."""
    squares, labels = (Vi(points) - Vj(centres)).sqnorm2().min_argmin(axis=1)
    counts = torch.bincount(labels[:, 0], minlength=len(centres))
    sums = torch.zeros_like(centres).index_add_(0, labels[:, 0], points)
    return torch.where(counts[:, None] > 0, sums / counts[:, None], centres), counts, squares.double().sum().item()


def compute(small):
    count, clusters, steps = (20_000, 50, 8) if small else (1_000_000, 1000, 20)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    data = patches(count)
    points, first = torch.tensor(data, device=device), data[np.random.default_rng(1).choice(count, clusters, replace=False)]

    centres = torch.tensor(first, device=device)
    step(points, centres)  # the formula is compiled when it is first used
    start, inertias = time.perf_counter(), []
    for _ in range(steps):
        centres, counts, inertia = step(points, centres)
        inertias.append(inertia)
    seconds = time.perf_counter() - start
    inertias.append(step(points, centres)[2])

    start = time.perf_counter()
    reference = KMeans(clusters, init=first, n_init=1, max_iter=steps, tol=0).fit(data)
    of_scikit = time.perf_counter() - start
    figures = {
        "patches": count,
        "centres": clusters,
        "steps": steps,
        f"seconds on the {device.upper()}": seconds,
        "seconds for scikit-learn": of_scikit,
        "difference of the sums of squares": abs(inertias[-1] / reference.inertia_ - 1),
    }
    return figures, (centres[counts.argsort(descending=True)].cpu().numpy(), inertias)


def draw(centres, inertias):
    figure, axes = panels(2, width=6.4, height=3.2)
    side = int(min(len(centres), 225) ** 0.5)
    tiles = (centres / abs(centres).max(axis=1, keepdims=True))[: side * side].reshape(side, side, WIDTH, WIDTH)
    tiles = np.pad(tiles, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=1)
    show(axes[0], tiles.transpose(0, 2, 1, 3).reshape(side * (WIDTH + 2), -1), f"{side * side} of the centres, by number of patches", cmap="gray")
    axes[1].plot(np.array(inertias) / inertias[0], color=BLUE)
    axes[1].set(title="the sum of squared distances", xlabel="steps", ylabel="of that at first")
    return figure


if __name__ == "__main__":
    run(compute, draw)
