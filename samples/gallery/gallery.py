"""What the samples of the gallery share: the command line, data that packages ship, colours and the frame of pictures.

A sample has `compute(small)`, which returns a dictionary of figures and what `draw` makes a picture of.
"""

import argparse
import io
import sys

import matplotlib
import numpy as np
from contourpy import contour_generator
from PIL import Image
from scipy.ndimage import zoom
from sklearn.datasets import load_digits, load_sample_image

matplotlib.use("Agg")
from matplotlib import cbook, pyplot  # noqa: E402

#: Colours that all eyes tell apart (Okabe and Ito).
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#888888"


def photograph(name, step=1):
    """The photograph "china.jpg" or "flower.jpg" of scikit-learn, or each `step`th of its rows and columns: (height, width, 3), from 0 to 1."""
    return load_sample_image(name)[::step, ::step].astype(np.float32) / 255


def decibels(error):
    """The peak signal-to-noise ratio of an error of numbers from 0 to 1."""
    return float(-10 * np.log10(np.mean(error**2)))


def outline(digit, count):
    """That many points, equally far apart, around one of scikit-learn's handwritten digits: (count, 2), in pixels of it."""
    image = zoom(np.pad(load_digits().images[digit], 1), 8, order=3)
    line = max(contour_generator(z=image).lines(8.0), key=len) / 8
    lengths = np.append(0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum())
    return np.stack([np.interp(np.linspace(0, lengths[-1], count), lengths, axis) for axis in line.T], axis=1)


def prices(count=None):
    """Google's share, from matplotlib: the dates, and what it cost at the end of these days in dollars; of the first `count` days if given."""
    data = cbook.get_sample_data("goog.npz")["price_data"][:count]
    return data["date"], data["close"]


def panels(columns, width=7.0, height=2.3):
    """A figure and its axes in a row."""
    pyplot.rcParams.update({"font.size": 8, "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = pyplot.subplots(1, columns, figsize=(width, height), layout="constrained", squeeze=False)
    return figure, axes[0]


def show(axis, image, title, **options):
    """An image under its title, without ticks."""
    axis.set_title(title)
    axis.set_axis_off()
    return axis.imshow(image, **options)


def save(figure, path):
    """A PNG with 256 colours, which is small."""
    pixels = io.BytesIO()
    figure.savefig(pixels, dpi=100)
    Image.open(pixels).convert("RGB").quantize(256, kmeans=3).save(path, "PNG", optimize=True)


def run(compute, draw):
    """The command line of a sample: [--size small|full] [picture.png]. Prints the figures in one line."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["small", "full"], default="full", help="small is for tests: a few seconds at most")
    parser.add_argument("picture", nargs="?", help="where to draw the result, a PNG")
    options = parser.parse_args()
    figures, results = compute(options.size == "small")
    print(", ".join(f"{value:.3g} {name}" if isinstance(value, float) else f"{value:,} {name}" for name, value in figures.items()))
    if options.picture:
        save(draw(*results), options.picture)
