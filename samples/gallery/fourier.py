"""Non-uniform Fourier sums: a slice of a head from its frequencies along spokes, as some magnetic resonance scanners measure them.

The sums of complex exponentials over all pixels, and their adjoints over all frequencies, are products with a symbolic complex matrix. SciPy's conjugate
gradients take it as a linear operator, and find the image that has the measured frequencies. For frequencies of a grid the sums are compared with NumPy's
fast Fourier transform. The slice comes with matplotlib.

    python fourier.py [--size small] [picture.png]
"""

import time

import numpy as np
from gallery import BLUE, panels, run, show
from keopsc.numpy import Vi, Vj
from matplotlib import cbook
from scipy.sparse.linalg import aslinearoperator, cg


def exponentials(frequencies, places):
    """The symbolic matrix exp(-i <frequency, place>)."""
    return (-(Vi(frequencies) | Vj(places))).exp1j()


def compute(small):
    size, spokes, steps = (32, 24, 10) if small else (128, 60, 12)
    with cbook.get_sample_data("s1045.ima.gz") as file:
        slice_of_head = np.frombuffer(file.read(), np.uint16).reshape(256, 256)
    image = slice_of_head.reshape(size, 256 // size, size, 256 // size).mean(axis=(1, 3), dtype=np.float32)
    places = np.indices(image.shape, np.float32).reshape(2, -1).T - size // 2
    angles, radii = np.pi * np.arange(spokes) / spokes, np.pi * np.linspace(-1, 1, size, endpoint=False)
    frequencies = np.stack([np.outer(np.sin(angles), radii), np.outer(np.cos(angles), radii)], axis=-1).reshape(-1, 2).astype(np.float32)

    transform = aslinearoperator(exponentials(frequencies, places))
    measured = transform @ image.ravel()
    start = time.perf_counter()
    found, _ = cg(transform.H @ transform, transform.H @ measured, maxiter=steps, rtol=0)
    seconds = time.perf_counter() - start

    # The adjoint alone, with the area for which each frequency stands.
    areas = np.maximum(abs(radii), np.pi / size / 4) * np.pi / spokes * 2 * np.pi / size
    summed = transform.H @ (measured * np.tile(areas, spokes).astype(np.float32)) / (2 * np.pi) ** 2
    grid = 2 * np.pi * np.fft.fftfreq(size)
    some = np.stack([grid, np.roll(grid, size // 3)], axis=1).astype(np.float32)
    fast = np.fft.fft2(np.fft.ifftshift(image))[np.arange(size), np.roll(np.arange(size), size // 3)]
    figures = {
        "frequencies": len(frequencies),
        "pixels": image.size,
        "steps": steps,
        "seconds": seconds,
        "% off": percent(found - image.ravel(), image),
        "% off by the adjoint alone": percent(summed - image.ravel(), image),
        "% between sums and NumPy's transform": percent(exponentials(some, places) @ image.ravel() - fast, fast),
    }
    return figures, (image, frequencies, summed.real.reshape(image.shape), found.real.reshape(image.shape))


def percent(error, exact):
    """The Euclidean norm of an error."""
    return 100 * float(np.linalg.norm(error) / np.linalg.norm(exact))


def draw(image, frequencies, summed, found):
    figure, axes = panels(4, height=2.0)
    options = {"cmap": "gray", "vmin": 0, "vmax": image.max()}
    axes[0].scatter(*frequencies.T, s=0.05, color=BLUE)
    axes[0].set(title="measured frequencies", xlabel="radians per pixel", aspect="equal")
    show(axes[1], summed, "the adjoint alone", **options)
    show(axes[2], found, "conjugate gradients", **options)
    show(axes[3], image, "the slice", **options)
    return figure


if __name__ == "__main__":
    run(compute, draw)
