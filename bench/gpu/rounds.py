"""Measures the rows of a group in a process that is started anew where a contender ends it or hangs."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import machine
from contenders import CONTENDERS

FOLDER = Path(__file__).resolve().parent
# Rounds of a row; the seconds that a contender may take in all of them and in one, and the rounds that it has in any case.
FULL = {"rounds": 15, "seconds": 0.5, "round": 0.005, "least": 3}
QUICK = {"rounds": 5, "seconds": 0.2, "round": 0.002, "least": 2}
# Seconds that a contender may be silent.
PATIENCE = 240
# pykeops' module that compiles for GPUs needs another C++ library than the one that torch brings.
PRELOADED = "libstdc++.so.6"


class Worker:
    """The process, started when it is first needed."""

    def __init__(self, environment):
        self.environment, self.process = environment, None

    def start(self):
        self.cache = tempfile.TemporaryDirectory(prefix="keopsc-bench-", ignore_cleanup_errors=True) if self.process is None else self.cache
        preload = os.environ.get("LD_PRELOAD", PRELOADED)
        # pykeops must be able to write, and compiles what it measures.
        more = {"KEOPS_CACHE_FOLDER": os.environ.get("KEOPS_CACHE_FOLDER", self.cache.name), "LD_PRELOAD": preload}
        self.process = subprocess.Popen(
            [sys.executable, FOLDER / "worker.py"],
            env={**os.environ, **more, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.rest = b""

    def lives(self):
        return self.process is not None and self.process.poll() is None

    def ask(self, request):
        if not self.lives():
            self.start()
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self):
        """The next answer; nothing where the process has died or is silent for too long, and so is ended."""
        file, deadline = self.process.stdout.fileno(), time.monotonic() + PATIENCE
        while b"\n" not in self.rest:
            ready, _, _ = select.select([file], [], [], max(0, deadline - time.monotonic()))
            part = os.read(file, 1 << 16) if ready else b""
            if not part:
                self.process.kill()
                self.process.wait()
                return None
            self.rest += part
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
            self.cache.cleanup()


def contenders_of(group, row, only, quick):
    """Names in the order of the table. torch's compiler takes too long to be quick."""
    names = [name for name, one in CONTENDERS.items() if (name in group.contenders if group.contenders else not one.optional)]
    if only is None:
        only = [name for name in names if not (quick and CONTENDERS[name].module == "torch_compiled")]
    return [name for name in names if CONTENDERS[name].when(row) and name in only]


def measure(group, only, quick, worker, limit=None):
    """Results of all rows in their order."""
    found = []
    for row in group.rows if not quick else [row for row in group.rows if row.brief]:
        start = time.perf_counter()
        if limit:
            row = replace(row, m=min(row.m, limit), n=min(row.n, limit + 1) if row.kind != "sinkhorn" else min(row.n, limit))
        names = contenders_of(group, row, only, quick)
        reports, share = measure_row(row, names, worker, QUICK if quick else FULL)
        pairs = row.pairs * share
        found.append({**asdict(row), "key": row.key, "pairs": pairs, "contenders": reports, "clocks": machine.clocks()})
        print(f"  {row.key}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        for name, report in reports.items():
            if "failed" in report:
                print(f"    {name}: {report['failed'].splitlines()[0]}", file=sys.stderr, flush=True)
    return found


def measure_row(row, names, worker, plan):
    """What there is to say of each contender. Who ends the process is left out, and the others begin anew."""
    failed, left = {}, list(names)
    while left:
        worker.ask({"row": asdict(row), "names": left, "plan": plan})
        doing, reports = None, {}
        while (answer := worker.answer()) is not None and "done" not in answer:
            doing = answer.get("doing", doing)
            reports |= answer.get("report", {})
        if answer is not None:
            reports = {**failed, **answer["done"]["reports"]}
            return {name: reports[name] for name in names if name in reports}, answer["done"]["share"]
        # Without anyone at work the row itself cannot be computed.
        culprits = [doing] if doing else left
        failed |= {name: reports[name] if "failed" in reports.get(name, {}) else {"failed": "the process died or hung"} for name in culprits}
        left = [name for name in left if name not in failed]
    return failed, 1.0
