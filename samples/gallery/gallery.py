"""What the samples of the gallery share: the command line, colours, photographs and the frame of pictures.

A sample has `compute(small)`, which returns a dictionary of figures and what `draw` makes a picture of.
"""

import argparse
import io
import sys

import matplotlib
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

#: Colours that all eyes tell apart (Okabe and Ito).
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#888888"


def photograph(name, step=1):
    """The photograph "china.jpg" or "flower.jpg" of scikit-learn, or each `step`th of its rows and columns: (height, width, 3), from 0 to 1."""
    return load_sample_image(name)[::step, ::step].astype(np.float32) / 255


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
