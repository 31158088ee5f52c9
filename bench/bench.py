"""Runs the benchmark (see README.md) in the environment that `make bench` sets up.

    python bench.py [--only GROUP[,GROUP]] [--quick] [--output FOLDER]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
THREAD_VARIABLES = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KEOPSC_NUM_THREADS"]
# Settings of the machine that make NumPy's BLAS slower than it is.
HANDICAPS = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]

for variable in HANDICAPS:
    os.environ.pop(variable, None)

import machine  # noqa: E402
import report  # noqa: E402
import starting  # noqa: E402
from contenders import KEOPSC  # noqa: E402
from rows import GROUPS  # noqa: E402


def in_worker(rows, threads, budget):
    """Measures rows in a process of their own that may use `threads` threads and as many processors."""
    processors = sorted(os.sched_getaffinity(0))
    if threads > len(processors):
        print(f"  skipped: {threads} threads on {len(processors)} processors", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        work, results = Path(folder) / "work.json", Path(folder) / "results.json"
        work.write_text(json.dumps({"rows": [asdict(row) for row in rows], "budget": budget}))
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
        pinned = processors[-threads:]
        subprocess.run(
            [sys.executable, FOLDER / "worker.py", work, results],
            env=environment,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, pinned),
        )
        return json.loads(results.read_text())


def measure(rows, budget):
    """All rows of a group in their order, each thread count in a process of its own."""
    found = {}
    for threads in sorted({row.threads for row in rows}):
        for result in in_worker([row for row in rows if row.threads == threads], threads, budget):
            found[result["key"]] = result
    return [found[row.key] for row in rows if row.key in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join([*GROUPS, "starting"]), help=f"some of {', '.join([*GROUPS, 'starting'])}")
    parser.add_argument("--quick", action="store_true", help="a few rounds: to see that it works")
    parser.add_argument("--output", type=Path, default=FOLDER / "results", help="where cpu.json and cpu.md go")
    options = parser.parse_args()
    wanted = options.only.split(",")
    unknown = set(wanted) - {*GROUPS, "starting"}
    if unknown:
        parser.error(f"there is no group {', '.join(sorted(unknown))}")

    document = {"machine": machine.describe(KEOPSC), "results": {}}
    for name, rows in GROUPS.items():
        if name in wanted:
            print(name, file=sys.stderr)
            document["results"][name] = measure(rows, 1 if options.quick else 60)
    if "starting" in wanted:
        print("starting", file=sys.stderr)
        document["results"]["starting"] = starting.measure(options.quick)

    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "cpu.json").write_text(json.dumps(document, indent=1) + "\n")
    page = report.page(document)
    (options.output / "cpu.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
