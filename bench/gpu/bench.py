"""Runs the benchmark on a GPU (see ../README.md).

    python bench.py [--only GROUP,..] [--contenders NAME;..] [--quick] [--output FOLDER] [--dry-run]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
STARTING = "starting"
# Rows and columns of --dry-run.
LIMIT = 60


def list_of(names, what, separator=","):
    """A parser of names."""

    def parse(text):
        chosen = text.split(separator)
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no {what} {unknown[0]!r}; there are {', '.join(names)}")
        return chosen

    return parse


def arguments():
    from contenders import CONTENDERS
    from rows import GROUPS

    usual = [name for name, group in GROUPS.items() if not group.extra] + [STARTING]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    groups = list_of([*GROUPS, STARTING], "group")
    parser.add_argument("--only", type=groups, default=usual, metavar="GROUP,..", help=f"some of {', '.join([*GROUPS, STARTING])}")
    contenders = list_of(CONTENDERS, "contender", ";")
    parser.add_argument("--contenders", type=contenders, metavar="NAME;..", help="some of " + "; ".join(CONTENDERS))
    parser.add_argument("--quick", action="store_true", help="fewer rows, a few rounds: to see that it works")
    parser.add_argument("--output", type=Path, default=FOLDER.parent / "results", help="where gpu.json and gpu.md go")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes on the CPU: to see that contenders compute what they should")
    return parser.parse_args()


def compile_ahead(options):
    """Libraries of all rows, side by side. What fails here is told by the contender."""
    from contenders import hand, high, keopsc
    from rows import GROUPS

    def quietly(function, *arguments):
        try:
            function(*arguments)
        except Exception:
            pass

    rows = [row for name in options.only if name != STARTING for row in GROUPS[name].rows if row.brief or not options.quick]
    tasks = {(keopsc.compiled, row.kind, row.dtype, row.dim, row.columns): (keopsc.compiled, row) for row in rows}
    tasks |= {(keopsc.compiled, row.kind, row.dim, row.columns): (keopsc.compiled, row, "auto", "tf32") for row in rows if high(row)}
    if "accuracy" in options.only:
        tasks["kahan"] = keopsc.compiled, GROUPS["accuracy"].rows[0], "kahan"
    if not options.dry_run:
        tasks["hand"] = (hand.compiled,)
    with ThreadPoolExecutor(min(8, len(os.sched_getaffinity(0)))) as pool:
        list(pool.map(lambda task: quietly(*task), tasks.values()))


def main():
    options = arguments()
    import machine

    if not Path(machine.KEOPSC).is_file():
        sys.exit(f"there is no compiler {machine.KEOPSC!r}: set KEOPSC to its path")
    os.environ["KEOPSC"] = machine.KEOPSC
    with tempfile.TemporaryDirectory(prefix="keopsc-bench-", ignore_cleanup_errors=True) as folder:
        os.environ["BENCH_LIBRARIES"] = folder
        if options.dry_run:
            os.environ["BENCH_DEVICE"] = "cpu"
            os.environ.setdefault("BENCH_TARGET", "--target native")
        print(measured(options, machine))


def measured(options, machine):
    """The page of all groups."""
    import page
    import rounds
    import starting
    from rows import GROUPS

    options.output.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine.describe(), "groups": {}}
    start = time.perf_counter()
    compile_ahead(options)
    print(f"compiled ahead: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    worker, text = rounds.Worker({}), ""
    for name in options.only:
        start = time.perf_counter()
        if name == STARTING:
            if options.dry_run:
                continue
            document[STARTING] = starting.measure(options.quick)
        else:
            document["groups"][name] = rounds.measure(GROUPS[name], options.contenders, options.quick, worker, LIMIT if options.dry_run else None)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        # What has been measured so far, so that an interrupted run is not lost.
        text = page.page(document, {name: GROUPS[name].title for name in document["groups"]})
        (options.output / "gpu.json").write_text(json.dumps(document) + "\n")
        (options.output / "gpu.md").write_text(text)
    worker.close()
    return text


if __name__ == "__main__":
    main()
