"""bench/results/*.json → docs/benchmarks.md and the pictures in docs/benchmarks.

    python3 bench/overview.py            writes them
    python3 bench/overview.py --check    says what is not current, exit status 1

Every number of the page comes from the results as they are committed; nothing is measured here. Python alone is needed.
"""

import json
import sys
from pathlib import Path

from drawing import dots, lines
from report import fastest, is_peer, is_pykeops, milliseconds, table, timed

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURES = ROOT / "docs" / "benchmarks"

CPU_GROUPS = ["sums", "gradient", "dimensions", "nearest", "neighbours", "sinkhorn"]
GPU_GROUPS = ["sums", "gradient", "dimensions", "nearest", "neighbours", "sinkhorn", "ranges"]
CPU_NAMES, GPU_NAMES = ["pykeops", "pykeops native", "best other"], ["pykeops", "by hand", "torch"]
OURS = "keopsc"

PAGE_TEXT = """# Benchmarks

<!-- `python3 bench/overview.py` writes this page from bench/results/*.json. -->

Times of keopsc beside those of pykeops and others, all contenders of a row side by side in one run, results compared with float64 before anything is timed.
[bench/README.md](../bench/README.md) says how it is kept fair, and where the time goes where a limit is not reached; [cpu.md](../bench/results/cpu.md),
[gpu.md](../bench/results/gpu.md), [accuracy.md](../bench/results/accuracy.md) and [shapes.md](../bench/results/shapes.md) have all contenders, medians and errors. `make bench` measures your machine.

## On a CPU

{cpu_machine}, one thread unless said, float32 unless said, commit {cpu_commit}.

A dot is the time of another contender, as a multiple of keopsc's, which stands at the right; left of the line the other one is faster. *pykeops* is the faster one of its NumPy and
torch interfaces, *pykeops native* the same built with `CXXFLAGS="-march=native -ffast-math"`, *best other* the fastest of {others}.

![Times of others over keopsc's time, on a CPU](benchmarks/cpu.svg)

{cpu_table}
{cpu_faster}
### Along N, M and D

![Time against N](../bench/results/scaling-n.svg)

![Time against M](../bench/results/scaling-m.svg)

![Time against D](../bench/results/scaling-d.svg)

## On a GPU

{gpu_machine}, float32 unless said, {gpu_date} (commit {gpu_commit}), by CUDA events around calls on one stream. *torch* is the best of torch with and without its
compiler, in float32 and in tf32, which has errors near 1e-4; *by hand* the best kernel in [hand.cu](../bench/gpu/hand.cu).

![Times of others over keopsc's time, on a GPU](benchmarks/gpu.svg)

{gpu_table}
{gpu_faster}
## Calls

The least time of a call with ten rows and ten columns, which is what a call costs:

{calls}
The first result of a formula that was never compiled before, on the CPU's machine; the least of several:

{starting}
## Accuracy

The relative Euclidean error of float32 sums of Gaussians, against exact results from the same inputs, by the number of terms and the way to sum:

![Errors of sums](benchmarks/accuracy.svg)

{accuracy}
[numerics.md](numerics.md) says what the ways to sum are, and what each guarantees.
"""


def read(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def rows(document, groups):
    """Timed results with keopsc among them, without those of other keys twice."""
    found = [result for name in groups for result in document["groups"].get(name, []) if OURS in timed(result)]
    return list({result["key"]: result for result in found}.values())


def cpu_others(times):
    """Name on the page → contender, of those that took part."""
    found = {"pykeops": fastest(times, is_pykeops), "pykeops native": "pykeops native", "best other": fastest(times, is_peer)}
    return {name: contender for name, contender in found.items() if contender in times}


def gpu_others(times):
    def best(beginning):
        names = [name for name in times if name.startswith(beginning) and not name.endswith("graph") and name not in ("pykeops kahan", "pykeops direct")]
        return min(names, key=lambda name: min(times[name]), default=None)

    found = {"pykeops": best("pykeops"), "by hand": best("hand-written"), "torch": best("torch")}
    return {name: contender for name, contender in found.items() if contender}


def picture(results, others, names):
    """Each contender's time over keopsc's."""
    drawn = []
    for result in results:
        times = timed(result)
        ours = min(times[OURS])
        drawn.append((result["key"], {name: min(times[found]) / ours for name, found in others(times).items()}, milliseconds(ours)))
    return dots(drawn, names, "time / keopsc's time")


def comparison(results, others, names):
    lines = []
    for result in results:
        times, found = timed(result), others(timed(result))
        said = lambda name: name if name in ("best other", "torch") else ""  # noqa: E731
        cells = [
            milliseconds(min(times[found[name]])) + (f", {found[name]}" if said(name) else "") if name in found else "-"
            for name in names
        ]
        ratios = [f"{min(times[found[name]]) / min(times[OURS]):.2g}" if name in found else "-" for name in names]
        lines.append([result["key"], milliseconds(min(times[OURS])), *cells, " / ".join(ratios)])
    return table(["workload", OURS, *names, f"times {OURS}'s time"], lines)


def faster(results, others):
    """Where keopsc is behind."""
    found = []
    for result in results:
        times = timed(result)
        ahead = {contender: min(times[contender]) / min(times[OURS]) for contender in others(times).values() if min(times[contender]) < min(times[OURS])}
        found += [f"- {result['key']}: {name}, in {share:.2g} of the time\n" for name, share in ahead.items()]
    return "Faster than keopsc:\n\n" + "".join(found) if found else ""


def calls(cpu, gpu):
    lines = []
    for place, document in (("CPU", cpu), ("GPU", gpu)):
        for result in document["groups"]["calls"]:
            times = timed(result)
            shown = [f"{name} {milliseconds(min(seconds))}" for name, seconds in times.items() if not name.startswith(OURS)]
            lines.append([f"{result['key'].split(',')[0]}, {place}", milliseconds(min(times[OURS])), "; ".join(shown)])
    return table(["", OURS, "others"], lines)


def starting(times):
    ways = {
        "keopsc compile": "`keopsc compile`, three instruction sets",
        "keopsc compile --cached, new": "`keopsc compile --cached`, this machine's",
        "keopsc compile --cached, known": "`keopsc compile --cached`, compiled before",
        "pykeops, first call": "pykeops",
    }
    formulas = list(times["keopsc compile"])
    return table(["", *formulas], [[words, *(milliseconds(min(times[way][formula])) for formula in formulas)] for way, words in ways.items()])


# Way to sum → what the page calls it.
WAYS = {
    "pykeops direct_sum": "pykeops direct_sum",
    "pykeops block_sum": "pykeops block_sum, its default",
    "pykeops kahan_scheme": "pykeops kahan_scheme",
    "keopsc auto": "keopsc auto, its default",
    "keopsc kahan": "keopsc kahan",
    "keopsc auto, accumulate = f64": "keopsc auto, accumulate = f64",
}


def accuracy(document):
    """Lines and a table of the same."""
    found = [entry for entry in document["errors"] if (entry["workload"], entry["storage"]) == ("Gaussian sum", "f32")]
    found.sort(key=lambda entry: entry["terms"])
    series = {words: [(entry["terms"], entry["errors"][way][0]) for entry in found] for way, words in WAYS.items()}
    cells = [[words, *(f"{error:.1e}" for _, error in points)] for words, points in series.items()]
    header = ["", *(f"{entry['terms']:.0e} terms".replace("e+0", "e") for entry in found)]
    return lines(series, "terms", "relative error"), table(header, cells)


def files():
    """Path → text, of all that this makes."""
    cpu, gpu = read("cpu"), read("gpu")
    cpu_rows, gpu_rows = rows(cpu, CPU_GROUPS), rows(gpu, GPU_GROUPS)
    errors, errors_table = accuracy(read("accuracy"))
    packages = ", ".join(dict.fromkeys(name for result in cpu_rows for name in timed(result) if is_peer(name)))
    text = PAGE_TEXT.format(
        cpu_machine=f"{cpu['machine']['processor']['Model name']}, {cpu['machine']['processors usable']} virtual processors of a shared machine",
        cpu_commit=cpu["machine"]["commit"],
        others=packages,
        cpu_table=comparison(cpu_rows, cpu_others, CPU_NAMES),
        cpu_faster=faster(cpu_rows, cpu_others),
        gpu_machine=f"{gpu['machine']['GPU']['name']}, driver {gpu['machine']['GPU']['driver_version']}",
        gpu_date=gpu["machine"]["date"],
        gpu_commit=gpu["machine"]["commit"],
        gpu_table=comparison(gpu_rows, gpu_others, GPU_NAMES),
        gpu_faster=faster(gpu_rows, gpu_others),
        calls=calls(cpu, gpu),
        starting=starting(cpu["starting"]),
        accuracy=errors_table,
    )
    pictures = {
        "cpu.svg": picture(cpu_rows, cpu_others, CPU_NAMES),
        "gpu.svg": picture(gpu_rows, gpu_others, GPU_NAMES),
        "accuracy.svg": errors,
    }
    return {PAGE: text, **{PICTURES / name: drawn for name, drawn in pictures.items()}}


def main(arguments):
    made = files()
    if "--check" not in arguments:
        PICTURES.mkdir(exist_ok=True)
        for path, text in made.items():
            path.write_text(text)
        return 0
    old = [path for path, text in made.items() if not path.is_file() or path.read_text() != text]
    for path in old:
        print(f"{path.relative_to(ROOT)} is not current: run `python3 bench/overview.py`")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
