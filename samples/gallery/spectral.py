"""Spectral clustering: a photograph cut into regions, by the eigenvectors of the matrix of similarities of all its pixels.

Pixels are similar where they are near and of like colours. SciPy's Lanczos method takes the symbolic matrix as a linear operator; where the
eigenvectors that it finds are alike, pixels belong together. Some rows of the eigenvalue equation are computed by NumPy. The photograph comes with
scikit-learn.

    python spectral.py [--size small] [picture.png]
"""

import time

import numpy as np
from gallery import panels, photograph, run, show
from keopsc.numpy import Vi, Vj
from scipy.sparse import diags_array
from scipy.sparse.linalg import aslinearoperator, eigsh
from sklearn.cluster import KMeans

PLACE, COLOUR = 0.1, 0.1  # the standard deviations of similarity, of the width and the range of colours
REGIONS = 6


def compute(small):
    photo = photograph("china.jpg", 16 if small else 4)
    height, width, _ = photo.shape
    places = np.indices((height, width), np.float32).reshape(2, -1).T / width
    x = np.hstack([places / PLACE, photo.reshape(-1, 3) / COLOUR]).astype(np.float32)

    start = time.perf_counter()
    similarities = (-(Vi(x) - Vj(x)).sqnorm2() / 2).exp()
    scale = similarities.sum(axis=1)[:, 0] ** -0.5
    diagonal = aslinearoperator(diags_array(scale))
    values, vectors = eigsh(diagonal @ aslinearoperator(similarities) @ diagonal, k=REGIONS, v0=scale, tol=1e-4)
    seconds = time.perf_counter() - start

    regions = KMeans(REGIONS, random_state=0).fit_predict(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    some = np.random.default_rng(0).choice(len(x), 200, replace=False)
    rows = np.exp(-((x[some, None].astype(float) - x) ** 2).sum(axis=-1) / 2)
    images = rows @ (scale[:, None] * vectors) / rows.sum(axis=1, keepdims=True) ** 0.5
    figures = {
        "pixels": len(x),
        "seconds": seconds,
        "largest eigenvalue": float(values[-1]),
        "smallest": float(values[0]),
        "error of the eigenvalue equation": float(np.linalg.norm(images - values * vectors[some]) / np.linalg.norm(vectors[some])),
    }
    return figures, (photo, vectors.reshape(height, width, -1), regions.reshape(height, width))


def draw(photo, vectors, regions):
    figure, axes = panels(4, height=1.4)
    show(axes[0], photo, "the photograph")
    for k in (1, 2):
        show(axes[k], vectors[:, :, -1 - k] / abs(vectors[:, :, -1]), f"{('second', 'third')[k - 1]} eigenvector", cmap="cividis")
    means = np.stack([photo[regions == region].mean(axis=0) for region in range(REGIONS)])
    show(axes[3], means[regions], f"{REGIONS} regions")
    return figure


if __name__ == "__main__":
    run(compute, draw)
