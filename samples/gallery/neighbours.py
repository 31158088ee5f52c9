"""Nearest neighbours: handwritten digits read by the majority of the five most similar known ones.

One reduction finds the neighbours of all images; it has to find those that scikit-learn finds, which the digits come with. Drawn are
those that were most in doubt. `samples/python/digits.py` does the like with a formula file, ctypes and nothing else.

    python neighbours.py [--size small] [picture.png]
"""

import time

import numpy as np
from gallery import ORANGE, panels, run
from keopsc.numpy import Vi, Vj
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

NEIGHBOURS = 5


def compute(small):
    digits = load_digits()
    images, labels = digits.data[: 600 if small else None].astype(np.float32), digits.target
    half = len(images) // 2
    known, new, truth = images[:half], images[half:], labels[half : len(images)]

    start = time.perf_counter()
    nearest = (Vi(new) - Vj(known)).sqnorm2().argKmin(NEIGHBOURS, axis=1)
    votes = (labels[nearest][:, :, None] == np.arange(10)).sum(axis=1)
    seconds = time.perf_counter() - start
    read = votes.argmax(axis=1)

    distances, _ = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(known).kneighbors(new)
    ours = np.linalg.norm(new[:, None] - known[nearest], axis=-1)
    figures = {
        "known": len(known),
        "new": len(new),
        "seconds": seconds,
        "% read correctly": 100 * float((read == truth).mean()),
        "largest difference of distances": float(abs(ours - distances).max()),
    }
    doubtful = np.argsort(votes.max(axis=1), kind="stable")[:6]
    return figures, [(new[k], truth[k], known[nearest[k]], labels[nearest[k]], read[k]) for k in doubtful]


def draw(*rows):
    figure, axes = panels(6, height=3.4)
    for axis, (image, truth, neighbours, labels, read) in zip(axes, rows):
        frame = np.zeros((1, 8))
        column = [image.reshape(8, 8), frame, frame]
        for neighbour in neighbours:
            column += [neighbour.reshape(8, 8), frame]
        axis.imshow(np.vstack(column), cmap="gray_r")
        axis.axhline(8.5, color=ORANGE)
        axis.set(title=f"a {truth}, read as {read}", xticks=[], yticks=13.5 + 9 * np.arange(NEIGHBOURS), yticklabels=labels)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    return figure


if __name__ == "__main__":
    run(compute, draw)
