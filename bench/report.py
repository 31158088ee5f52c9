"""Results → a Markdown page."""

from statistics import median

DETAILS = "Times are the least of alternating rounds on a machine that others use too; `cpu.json` has medians and all rounds."


def milliseconds(seconds):
    """Three significant digits, in the unit that suits."""
    if seconds < 1e-4:
        return f"{1e6 * seconds:.3g} us"
    value = 1e3 * seconds
    return f"{value:.0f} ms" if value >= 1000 else f"{value:.3g} ms"


def cell(report):
    """A contender's time and error."""
    if "failed" in report:
        return "failed"
    return f"{milliseconds(min(report['seconds']))} ({report['error']:.0e})"


def ratio(contenders, first, second):
    """How many times `second` takes what `first` takes: of the minima, and of the medians."""
    times = {report["name"]: report.get("seconds") for report in contenders}
    if not times.get(first) or not times.get(second):
        return "-"
    return f"{min(times[second]) / min(times[first]):.1f} ({median(times[second]) / median(times[first]):.1f})"


def best_peer(contenders):
    """The fastest that is neither keopsc nor pykeops."""
    peers = [report for report in contenders if report.get("seconds") and not report["name"].startswith(("keopsc", "pykeops"))]
    return min(peers, key=lambda report: min(report["seconds"]))["name"] if peers else None


def table(header, lines):
    """A Markdown table."""
    rows = ["| " + " | ".join(line) + " |" for line in (header, ["---"] * len(header), *lines)]
    return "\n".join(rows) + "\n"


def names(results):
    """Contenders in the order in which they first come."""
    return list(dict.fromkeys(report["name"] for result in results for report in result["contenders"]))


def sums(results):
    """Time (relative error) of each contender, rates and ratios."""
    contenders = names(results)
    lines = []
    for result in results:
        reports = {report["name"]: report for report in result["contenders"]}
        ours = reports["keopsc"].get("seconds")
        rate = f"{result['m'] * result['n'] / min(ours) / 1e9:.2f}" if ours else "-"
        peer = best_peer(result["contenders"])
        lines.append(
            [
                result["label"],
                f"{result['m']:.0e} x {result['n']:.0e}".replace("e+0", "e"),
                result["dtype"],
                str(result["threads"]),
                *(cell(reports[name]) if name in reports else "-" for name in contenders),
                rate,
                ratio(result["contenders"], "keopsc", "pykeops NumPy"),
                ratio(result["contenders"], "keopsc", peer),
            ]
        )
    header = ["workload", "M x N", "type", "threads", *contenders, "keopsc, 1e9 pairs/s", "pykeops / keopsc", "best peer / keopsc"]
    return "Time (relative error). Ratios are of minima, in brackets of medians.\n\n" + table(header, lines)


def calls(results):
    """Time of one call on tiny arrays."""
    lines = [[report["name"], cell(report)] for result in results for report in result["contenders"]]
    return table(["M = N = 10", "time of a call (relative error)"], lines)


def accuracy(results):
    """Relative errors of long sums."""
    lines = []
    for name in names(results):
        found = {result["dtype"]: report for result in results for report in result["contenders"] if report["name"] == name}
        lines.append([name, *(f"{report['error']:.1e}" if "error" in report else "failed" for report in found.values())])
    return table(["relative error of sums of 1e5 terms", *(result["dtype"] for result in results)], lines)


def starting(times):
    """Least and median time of each way to a new formula."""
    lines = [
        [name, milliseconds(min(seconds)), milliseconds(median(seconds))] if seconds else [name, "failed", "-"]
        for name, seconds in times.items()
    ]
    return table(["new formulas: whole processes (pykeops: after its import)", "least", "median"], lines)


def machine(description):
    """The machine as a list."""

    def text(value):
        if isinstance(value, dict):
            return ", ".join(f"{name} {part}" for name, part in value.items())
        return ", ".join(value) if isinstance(value, list) else value

    return "".join(f"- {name}: {text(value)}\n" for name, value in description.items())


SECTIONS = {"sums": ("Sums", sums), "calls": ("Calls", calls), "accuracy": ("Accuracy", accuracy), "starting": ("New formulas", starting)}


def page(document):
    """The whole page."""
    parts = ["# Measured on the CPU\n", DETAILS + "\n"]
    for name, (title, make) in SECTIONS.items():
        if document["results"].get(name):
            parts += [f"## {title}\n", make(document["results"][name])]
    parts += ["## Machine\n", machine(document["machine"])]
    return "\n".join(parts)
