"""Measures the rows of a group: a process a contender, calls alternating between them."""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict

import workloads
from contenders import CONTENDERS
from machine import FOLDER

THREAD_VARIABLES = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "KEOPSC_NUM_THREADS", "NPROC"]
PEAK = "peak"
DIED = "the process died"
# A call counts once it takes this long; shorter ones are repeated within a round.
LEAST_SECONDS = 0.005
# Rounds of a row; the seconds that a contender may take in all of them, and the rounds that it has in any case.
FULL = {"rounds": 25, "seconds": 1.0, "least": 3}
BRIEF = {"rounds": 7, "seconds": 0.4, "least": 2}
QUICK = {"rounds": 3, "seconds": 0.2, "least": 1}
# From this on calls are so long that two are enough.
LONG = 4.0


class Worker:
    """A process of a contender."""

    def __init__(self, process, threads):
        # XLA takes its number of threads from the affinity mask; the flag keeps Eigen from making more of them.
        flags = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"} if threads == 1 else {}
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), **flags, **dict(process[1:])}
        # pykeops does not compile anew for other flags: what they give must not meet what is in its usual folder.
        self.cache = tempfile.TemporaryDirectory(prefix="keopsc-bench-", ignore_cleanup_errors=True)
        if "CXXFLAGS" in dict(process[1:]):
            environment["KEOPS_CACHE_FOLDER"] = self.cache.name
        processors = sorted(os.sched_getaffinity(0))[-threads:]
        self.process = subprocess.Popen(
            [sys.executable, FOLDER / "worker.py"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )

    def ask(self, **request):
        """The answer, or nothing where the process has died."""
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else None

    def lives(self):
        return self.process.poll() is None

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.cache.cleanup()


def measure(group, only, quick, workers):
    """Results of all rows in their order. `workers` has the processes by contender and number of threads, and gets new ones."""
    names = [name for name, contender in CONTENDERS.items() if (name in group.contenders if group.contenders else not contender.optional)]
    names = [name for name in names if only is None or name in only]
    plan = QUICK if quick else BRIEF if group.along else FULL
    found = {}
    for row in sorted(group.rows, key=lambda row: row.threads):
        if row.threads > len(os.sched_getaffinity(0)):
            print(f"  skipped, for lack of processors: {row.key}", file=sys.stderr)
            continue
        start = time.perf_counter()
        found[row] = measure_row(row, names, workers, plan)
        print(f"  {row.key}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return [found[row] for row in group.rows if row in found]


def measure_row(row, names, workers, plan):
    """All contenders of a row: error and seconds of each, and the operations a second that the processor can do."""
    reports, owners = prepare(row, [name for name in names if CONTENDERS[name].when(row)], workers)
    if row.timed:
        time_rounds({name: report for name, report in reports.items() if "failed" not in report}, owners, plan)
    peaks = {name: report["work"] / min(report["seconds"]) for name, report in reports.items() if report.get("seconds") and "work" in report}
    contenders = {name: reports[name] for name in names if name in reports}
    return {**asdict(row), "key": row.key, "pairs": row.pairs, "flops": workloads.flops(row), "peaks": peaks, "contenders": contenders}


def prepare(row, names, workers):
    """What there is to say of each contender, and who computes it."""
    members = {}
    for name in names:
        members.setdefault(CONTENDERS[name].process, []).append(name)
    if row.timed:
        members[PEAK,] = [PEAK]
    data = workloads.arrays(row)
    reports, owners = {}, {}
    with tempfile.NamedTemporaryFile(prefix="keopsc-bench-") as file:
        pickle.dump((row, data, workloads.exact(row, data)), file, protocol=5)
        file.flush()
        for process, those in members.items():
            key = (process, row.threads)
            if key not in workers or not workers[key].lives():
                workers[key] = Worker(process, row.threads)
            answer = workers[key].ask(do="prepare", names=those, path=file.name)
            if answer is None:
                answer = {name: {"failed": DIED} for name in those}
            owners |= dict.fromkeys(answer, workers[key])
            reports |= answer
    return reports, owners


def time_rounds(reports, owners, plan):
    """Adds the seconds of alternating calls to the reports. Who is slow has fewer calls, spread over all rounds."""

    def timed(name, repeats):
        # The threads of the contender before may still be spinning.
        time.sleep(0.002)
        return owners[name].ask(do="time", name=name, repeats=repeats)

    repeats, counts = {}, {}
    for name, report in reports.items():
        once = timed(name, 1)
        if once is None:
            report["failed"], counts[name] = DIED, 0
            continue
        report["seconds"] = [once] if once > LONG else []
        repeats[name] = max(1, int(LEAST_SECONDS / max(once, 1e-7)))
        least = 1 if once > LONG else plan["least"]
        counts[name] = min(plan["rounds"], max(least, int(plan["seconds"] / max(once, LEAST_SECONDS))))
    for number in range(plan["rounds"]):
        for name, report in reports.items():
            if (number + 1) * counts[name] // plan["rounds"] > number * counts[name] // plan["rounds"]:
                seconds = timed(name, repeats[name])
                report["seconds"] += [seconds] if seconds else []
