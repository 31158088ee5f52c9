"""Results → a Markdown page."""

import sys
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).resolve().parents[1]))

from report import errors, everyone, failures, machine, milliseconds, starting, table, timed  # noqa: E402

INTRODUCTION = """Times are the least of rounds in which the contenders of a row take turns, by CUDA events around calls on one stream (in GPU 8 by the host's clock until
all results are there); *graph* is a call's share of a CUDA graph of 10 calls. Where two stand together the second is the median. Errors in brackets are
relative Euclidean ones against float64, for nearest points the share of wrong columns. *torch* is the best of torch with and without its
compiler, in float32 and in tf32, *by hand* the best of hand.cu, *Triton* the best of flash-kmeans and FlashSinkhorn. `gpu.json` has every round.
"""
OURS = "keopsc"
# Column → its contenders: those whose names begin so, without graphs.
PEERS = {"pykeops": "pykeops", "torch": "torch", "by hand": "hand-written"}
# One more where there is such a contender.
TRITON = {"Triton": "flash-"}


def is_graph(name):
    return name.endswith("graph")


def best(times, beginning, graphs=False):
    """The fastest of those whose names begin so."""
    names = [name for name in times if name.startswith(beginning) and is_graph(name) == graphs]
    return min(names, key=lambda name: min(times[name]), default=None)


def ratio(times, one, other):
    """How many times what the other takes the one takes."""
    return f"{min(times[one]) / min(times[other]):.3g}" if one in times and other in times else "-"


def cell(times, name, beginning=""):
    """A time, with what tells the contender from others of its column."""
    if name not in times:
        return "-"
    rest = name.removeprefix(beginning).strip(" ,")
    return milliseconds(min(times[name])) + (f" ({rest})" if rest else "")


def comparison(results):
    """keopsc beside the best of each kind."""
    some = any(best(timed(result), start) for result in results for start in TRITON.values())
    peers, lines = PEERS | (TRITON if some else {}), []
    for result in results:
        times = timed(result)
        columns = {column: best({name: found for name, found in times.items() if name not in SCHEMES}, start) for column, start in peers.items()}
        graph, graph_by_hand = f"{OURS}, graph", best(times, PEERS["by hand"], graphs=True)
        rate = f"{result['pairs'] / min(times[OURS]) / 1e9:.4g}" if OURS in times else "-"
        graphs = cell(times, graph, OURS) + (f", by hand {cell(times, graph_by_hand, graph_by_hand)}" if graph_by_hand else "")
        lines.append([result["key"], cell(times, OURS, OURS), rate, graphs.replace(" (graph)", "")])
        lines[-1] += [cell(times, name, peers[column]) for column, name in columns.items()]
        lines[-1] += [ratio(times, columns["pykeops"], OURS), ratio(times, columns["pykeops"], graph)]
        lines[-1] += [ratio(times, columns["torch"], OURS), ratio(times, OURS, columns["by hand"])]
        lines[-1] += [ratio(times, columns[column], OURS) for column in peers if column in TRITON]
    header = ["workload", "keopsc", "1e9 pairs/s", "in a graph", *peers]
    ratios = ["pykeops / keopsc", "pykeops / graph", "torch / keopsc", "keopsc / by hand", *(f"{column} / keopsc" for column in peers if column in TRITON)]
    return table([*header, *ratios], lines)


# Other ways to sum have lines of their own, not the peers' columns.
SCHEMES = ("pykeops kahan", "pykeops direct", "keopsc kahan")


def clocks(results):
    """What the GPU said after each row."""
    return ", ".join(f"{result['clocks']['clocks.sm']} ({result['clocks']['temperature.gpu']} C)" for result in results if result["clocks"])


def page(document, titles):
    """The whole page. `titles` are those of the groups."""
    parts = ["# Measured on a GPU\n", INTRODUCTION]
    for name, results in document["groups"].items():
        parts += [f"## {titles[name]}\n", comparison(results), "Everyone:\n", everyone(results), failures(results)]
        if name == "accuracy":
            parts.append(errors(results))
        if said := clocks(results):
            parts.append(f"Clock after each row: {said}.\n")
    if "starting" in document:
        parts += ["## GPU 8: new formulas\n", starting(document["starting"]["times"])]
        parts += [f"- failed: {problem.splitlines()[0]}\n" for problem in document["starting"]["failures"]]
    parts += ["## Machine\n", machine(document["machine"])]
    return "\n".join(parts)
