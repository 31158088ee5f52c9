"""Results → a Markdown page."""

from statistics import median

INTRODUCTION = """Times are the least of alternating rounds; where two stand together the second is the median. Errors in brackets are relative
Euclidean ones against float64, for nearest points the share of wrong columns. Ratios are of minima, in brackets of medians. `cpu.json` has
every round.

*Peak* is the share of the fused multiply-adds that the processors did at best in the rounds of any row with as many threads (`peak.c`), if a pair costs
the operations that `workloads.py` counts. *pykeops* is the faster of its NumPy and torch interfaces, *native* the same built with `CXXFLAGS="-march=native -ffast-math"`.
"""
OURS, NATIVE = "keopsc", "pykeops native"
AVX2 = "keopsc AVX2"


def milliseconds(seconds):
    """Three significant digits, in the unit that suits."""
    if seconds < 1e-4:
        return f"{1e6 * seconds:.3g} us"
    value = 1e3 * seconds
    return f"{value:.0f} ms" if value >= 1000 else f"{value:.3g} ms"


def table(header, lines):
    """A Markdown table."""
    rows = ["| " + " | ".join(line) + " |" for line in (header, ["---"] * len(header), *lines)]
    return "\n".join(rows) + "\n"


def timed(result):
    """Contender → seconds, of those that have any."""
    return {name: report["seconds"] for name, report in result["contenders"].items() if report.get("seconds")}


def fastest(times, wanted):
    """The one of least time among the names that `wanted` holds for."""
    return min(filter(wanted, times), key=lambda name: min(times[name]), default=None)


def is_pykeops(name):
    return name in ("pykeops NumPy", "pykeops torch")


def is_peer(name):
    """Neither keopsc nor pykeops."""
    return not name.startswith(("keopsc", "pykeops"))


def ratio(times, ours, theirs):
    """How many times the one takes what the other takes."""
    if ours not in times or theirs not in times:
        return "-"
    return f"{min(times[theirs]) / min(times[ours]):.3g} ({median(times[theirs]) / median(times[ours]):.3g})"


def rate(result, seconds):
    """1e9 pairs a second."""
    return f"{result['pairs'] / min(seconds) / 1e9:.3g}"


def share(result, seconds, level):
    """Of the processor's peak."""
    if level not in result["peaks"]:
        return "-"
    return f"{result['pairs'] * result['flops'] / min(seconds) / result['peaks'][level]:.0%}"


def comparison(results):
    """keopsc beside pykeops and the best of the others."""
    lines = []
    for result in results:
        times = timed(result)
        cell = lambda name: milliseconds(min(times[name])) if name in times else "-"  # noqa: B023, E731
        pykeops, peer = fastest(times, is_pykeops), fastest(times, is_peer)
        level = max(result["peaks"], key=result["peaks"].get, default=None)
        ours = [cell(OURS), rate(result, times[OURS]), share(result, times[OURS], level)] if OURS in times else ["-"] * 3
        ratios = [ratio(times, OURS, name) for name in (pykeops, NATIVE, peer)]
        lines.append([result["key"], *ours, cell(pykeops), cell(NATIVE), f"{peer}: {cell(peer)}" if peer else "-", *ratios])
    header = ["workload", "keopsc", "1e9 pairs/s", "peak", "pykeops", "native", "best other peer"]
    return table([*header, "pykeops / keopsc", "native / keopsc", "best peer / keopsc"], lines)


def names(results):
    """Contenders in the order in which they first come."""
    return list(dict.fromkeys(name for result in results for name in result["contenders"]))


def everyone(results):
    """All contenders: least and median time, and error."""

    def cell(report):
        if not report or not report.get("seconds"):
            return "failed" if report else "-"
        return f"{milliseconds(min(report['seconds']))}, {milliseconds(median(report['seconds']))} ({report['error']:.0e})"

    contenders = names(results)
    return table(["", *contenders], [[result["key"], *(cell(result["contenders"].get(name)) for name in contenders)] for result in results])


def errors(results):
    """What is not timed: errors alone."""
    contenders = names(results)
    lines = []
    for name in contenders:
        found = [result["contenders"].get(name, {}) for result in results]
        lines.append([name, *(f"{report['error']:.1e}" if "error" in report else "failed" for report in found)])
    return table(["relative error", *(result["key"] for result in results)], lines)


def failures(results):
    """Why contenders failed."""
    found = [
        f"- {name}, {result['key']}: {report['failed'].splitlines()[0]}\n"
        for result in results
        for name, report in result["contenders"].items()
        if "failed" in report
    ]
    return "".join(["Failed:\n\n", *found]) if found else ""


def group(results, picture):
    """The tables of a group."""
    if not any(timed(result) for result in results):
        return errors(results) + failures(results)
    image = f"![{picture}]({picture})\n\n" if picture else ""
    return image + "\n".join([comparison(results), "Everyone:\n", everyone(results), failures(results)])


def narrow(groups):
    """keopsc's AVX2 code in the rows that have it."""
    lines = []
    for results in groups.values():
        for result in results:
            times = timed(result)
            if AVX2 in times:
                seconds = times[AVX2]
                cells = [milliseconds(min(seconds)), rate(result, seconds), share(result, seconds, "avx2")]
                lines.append([result["key"], *cells, ratio(times, OURS, AVX2), ratio(times, AVX2, fastest(times, is_pykeops))])
    header = ["workload", "keopsc, AVX2 code", "1e9 pairs/s", "AVX2 peak", "AVX2 / keopsc", "pykeops / AVX2"]
    return table(header, lines) if lines else ""


def starting(times):
    """Least and median time of each way to a new formula."""
    formulas = list(dict.fromkeys(formula for found in times.values() for formula in found))
    cell = lambda seconds: f"{milliseconds(min(seconds))}, {milliseconds(median(seconds))}" if seconds else "-"  # noqa: E731
    lines = [[way, *(cell(found.get(formula)) for formula in formulas)] for way, found in times.items()]
    return table(["least, median", *formulas], lines)


def machine(description):
    """The machine as a list."""

    def text(value):
        if isinstance(value, dict):
            return ", ".join(f"{name} {part}" for name, part in value.items())
        return ", ".join(value) if isinstance(value, list) else value

    return "".join(f"- {name}: {text(value)}\n" for name, value in description.items())


def with_best_peaks(groups):
    """Results with the best peaks of all rows of their type and number of threads: in a row's own rounds something else may have kept a processor busy."""
    best = {}
    for result in (result for results in groups.values() for result in results):
        for level, peak in result["peaks"].items():
            key = result["threads"], result["dtype"], level
            best[key] = max(peak, best.get(key, 0))
    peaks = lambda result: {level: best[result["threads"], result["dtype"], level] for level in result["peaks"]}  # noqa: E731
    return {name: [{**result, "peaks": peaks(result)} for result in results] for name, results in groups.items()}


def page(document, titles, pictures):
    """The whole page. `titles` are those of the groups, `pictures` the files of some."""
    document = {**document, "groups": with_best_peaks(document["groups"])}
    parts = ["# Measured on the CPU\n", INTRODUCTION]
    for name, results in document["groups"].items():
        parts += [f"## {titles[name]}\n", group(results, pictures.get(name))]
    if lines := narrow(document["groups"]):
        parts += ["## AVX2\n", "keopsc with `KEOPSC_TARGET=x86-64-v3`, in the rounds of the tables above.\n", lines]
    if "starting" in document:
        parts += ["## CPU 7: new formulas\n", starting(document["starting"])]
    parts += ["## Machine\n", machine(document["machine"])]
    return "\n".join(parts)
