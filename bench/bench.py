"""Runs the benchmark (see README.md) in the environment that `make bench` sets up.

    python bench.py [--only GROUP,..] [--contenders NAME,..] [--quick] [--output FOLDER]
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Settings of the machine that make NumPy's BLAS slower than it is.
HANDICAPS = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]

for variable in HANDICAPS:
    os.environ.pop(variable, None)

import machine  # noqa: E402
import plots  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
import starting  # noqa: E402
from contenders import CONTENDERS  # noqa: E402
from rows import GROUPS  # noqa: E402

STARTING = "starting"


def list_of(names, what):
    """A parser of names separated by commas."""

    def parse(text):
        chosen = text.split(",")
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no {what} {unknown[0]!r}; there are {', '.join(names)}")
        return chosen

    return parse


def main():
    groups = [*GROUPS, STARTING]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=list_of(groups, "group"), default=groups, metavar="GROUP,..", help=f"some of {', '.join(groups)}")
    parser.add_argument("--contenders", type=list_of(CONTENDERS, "contender"), metavar="NAME,..", help="some of " + ", ".join(CONTENDERS))
    parser.add_argument("--quick", action="store_true", help="a few rounds: to see that it works")
    parser.add_argument("--output", type=Path, default=FOLDER / "results", help="where cpu.json, cpu.md and the plots go")
    options = parser.parse_args()

    if not shutil.which(machine.KEOPSC):
        parser.error(f"there is no compiler {machine.KEOPSC!r}: set KEOPSC to its path")

    options.output.mkdir(parents=True, exist_ok=True)
    document, workers = begin(options.output / "cpu.json"), {}
    now = f"{document['machine']['commit']} of {document['machine']['date']}"
    for name in options.only:
        start = time.perf_counter()
        if name == STARTING:
            document[STARTING] = starting.measure(options.quick)
        else:
            document["groups"][name] = rounds.measure(GROUPS[name], options.contenders, options.quick, workers)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        document["commits"][name] = now
        document["machine"]["commit"] = phrase({name: document["commits"][name] for name in groups if name in document["commits"]})
        page = write(document, options.output)
    for worker in workers.values():
        worker.close()
    print(page)


def begin(path):
    """What was measured before, of which groups that are measured now take the places."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    return {"commits": {}, "groups": {}, **kept, "machine": machine.describe()}


def phrase(commits):
    """`a of 2026-11-27` if all groups have it, else `a of 2026-11-27 (sinkhorn), b of 2026-11-26 (sums, gradient)`."""
    names = {}
    for name, commit in commits.items():
        names.setdefault(commit, []).append(name)
    if len(names) == 1:
        return next(iter(names))
    return ", ".join(f"{commit} ({', '.join(those)})" for commit, those in names.items())


def write(document, folder):
    """Writes what has been measured so far, so that an interrupted run is not lost; the page."""
    results = document["groups"] = {name: document["groups"][name] for name in GROUPS if name in document["groups"]}
    (folder / "cpu.json").write_text(json.dumps(document) + "\n")
    pictures = {name: plots.draw(GROUPS[name], name, results[name], folder) for name in results if GROUPS[name].along}
    page = report.page(document, {name: GROUPS[name].title for name in results}, pictures)
    (folder / "cpu.md").write_text(page)
    return page


if __name__ == "__main__":
    main()
