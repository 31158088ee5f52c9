"""The process that measures rows (see README.md): all contenders of a row in one process, their calls in turns.

    python worker.py < requests > answers

A request is a line of JSON: a row, names of contenders and a plan. So are answers: `doing` says who is at work, so that the one who ends the process
is known; `report` what there is to say of a contender; `done` ends the row.
"""

import contextlib
import gc
import json
import os
import sys
import time
import traceback
from types import SimpleNamespace

import torch
import workloads
from contenders import CONTENDERS
from rows import Row

DEVICE = os.environ.get("BENCH_DEVICE", "cuda")
# Seconds of a call from which on the first one counts, too; calls that may wait for the GPU at a time.
SLOW, MOST_REPEATS = 0.2, 200


class Broken(Exception):
    """The GPU's context is of no more use to this process."""


def synchronize():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def by_events(call, repeats):
    """Seconds of a call, by the GPU's clock."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / repeats / 1e3


def by_host(call, repeats):
    """Seconds of a call until all have been computed, by the host's clock."""
    synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    synchronize()
    return (time.perf_counter() - start) / repeats


def graphed(call, count):
    """The replay of a CUDA graph of so many calls, which counts as many."""
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    on = getattr(call, "on", lambda _: None)
    with torch.cuda.stream(stream):
        on(stream.cuda_stream)
        for _ in range(3):
            call()
    torch.cuda.synchronize()
    with torch.cuda.graph(graph, stream=stream):
        for _ in range(count):
            results = call()

    def replay():
        graph.replay()
        return results

    replay.count, replay.kept = count, call
    return replay


def prepare(name, row, data, expected):
    """The call of a contender, and what is to be said of it; nothing where it does not compute such rows."""
    contender = CONTENDERS[name]
    make = contender.function(row.kind)
    if not make:
        return None, None
    start = time.perf_counter()
    call = make(row, data, **contender.options)
    results = call()
    synchronize()
    first = time.perf_counter() - start
    if contender.graph:
        call = graphed(call, contender.graph)
        results = call()
    # What calls do not write is not to be what the call before left there.
    for result in results:
        result.detach().fill_(7)
    results = call()
    synchronize()
    error = workloads.error(row, data, results, expected)
    if workloads.is_wrong(row, error, contender.is_rounded):
        return None, {"failed": f"wrong result: error {error:.1e}"}
    return call, {"error": error, "first": first}


class Turns:
    """Calls that are timed in turns. Who is slow has fewer calls, spread over all rounds."""

    def __init__(self, row, plan, say):
        self.clock = by_events if row.by == "events" and DEVICE == "cuda" else by_host
        self.plan, self.say = plan, say

    def timed(self, call, repeats):
        return self.clock(call, repeats) / getattr(call, "count", 1)

    def start(self, call, report):
        """How often it is called in a round, and in how many rounds."""
        seconds = self.timed(call, 1)
        is_slow = seconds > SLOW
        report["seconds"] = [seconds] if is_slow else []
        once = (seconds if is_slow else self.timed(call, 1)) * getattr(call, "count", 1)
        repeats = max(1, min(MOST_REPEATS, int(self.plan["round"] / max(once, 1e-6))))
        return repeats, min(self.plan["rounds"], max(self.plan["least"], int(self.plan["seconds"] / (once * repeats))))

    def take(self, calls, reports):
        counts = {}
        for name, call in list(calls.items()):
            with self.guarded(name, calls, reports):
                counts[name] = self.start(call, reports[name])
        for number in range(self.plan["rounds"]):
            for name, call in list(calls.items()):
                repeats, rounds = counts[name]
                if (number + 1) * rounds // self.plan["rounds"] > number * rounds // self.plan["rounds"]:
                    with self.guarded(name, calls, reports):
                        reports[name]["seconds"].append(self.timed(call, repeats))

    @contextlib.contextmanager
    def guarded(self, name, calls, reports):
        """Who fails is out, the others go on."""
        self.say(doing=name)
        try:
            yield
        except Exception as problem:
            calls.pop(name)
            reports[name] = failure(problem)
            self.say(report={name: reports[name]})
            check_context()


def failure(problem):
    traceback.print_exc()
    return {"failed": f"{type(problem).__name__}: {str(problem)[:2000]}"}


def check_context():
    """Errors of kernels stay with the process."""
    try:
        synchronize()
    except Exception as problem:
        raise Broken from problem


def measure(row, names, plan, say):
    data = workloads.tensors(row, DEVICE)
    expected = workloads.exact(row, data)
    calls, reports = {}, {}
    for name in names:
        say(doing=name)
        try:
            call, report = prepare(name, row, data, expected)
        except Exception as problem:
            call, report = None, failure(problem)
        if report:
            reports[name] = report
            say(report={name: report})
        if call:
            calls[name] = call
        check_context()
    Turns(row, plan, say).take(calls, reports)
    return {"reports": reports, "share": getattr(data, "share", 1.0)}


def main():
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**answer):
        print(json.dumps(answer), file=answers, flush=True)

    for line in sys.stdin:
        request = SimpleNamespace(**json.loads(line))
        try:
            say(done=measure(Row(**request.row), request.names, request.plan, say))
        except Broken:
            traceback.print_exc()
            os._exit(3)
        # The shapes of one row are none of another's.
        if "torch._dynamo" in sys.modules:
            torch.compiler.reset()
        gc.collect()
        if DEVICE == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
