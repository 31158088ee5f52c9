"""Results of groups that go along a size → pictures, with the time that the processor's peak would take as a line."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "keopsc"
import matplotlib.pyplot as pyplot  # noqa: E402
from report import timed  # noqa: E402

LABELS = {"n": "N", "m": "M", "dim": "D"}


def draw(group, name, results, folder):
    """A picture of time against the size; its file's name."""
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    lines = {}
    for result in results:
        size = result[group.along]
        for contender, seconds in timed(result).items():
            lines.setdefault(contender, []).append((size, 1e3 * min(seconds)))
    for contender, points in lines.items():
        style = {"linewidth": 2.5, "color": "black"} if contender == "keopsc" else {"linewidth": 1}
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=contender, **style)
    limits = [(result[group.along], 1e3 * result["pairs"] * result["flops"] / max(result["peaks"].values())) for result in results]
    axes.plot(*zip(*limits, strict=True), "--", color="grey", linewidth=1, label="peak of multiply-adds")
    axes.set(xscale="log", yscale="log", xlabel=LABELS[group.along], ylabel="ms", title=f"{group.title}: {describe(group.along, results[0])}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)
    return f"{name}.svg"


def describe(along, row):
    """What does not change."""
    sizes = {"m": f"M = {row['m']:,}", "n": f"N = {row['n']:,}", "dim": f"D = {row['dim']}"}
    return "Gaussian sum, " + ", ".join(text for name, text in sizes.items() if name != along)
