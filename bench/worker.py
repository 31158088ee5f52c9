"""One contender's process (see contenders): prepares, checks and times what it is told to.

    python worker.py < requests > answers

A request and its answer are a line of JSON each. `prepare` makes contenders of a row ready: the answer says for each how wrong it is, how long
a call took and what failed. `time` calls one of them some times: the answer is the seconds of a call.
"""

import json
import os
import pickle
import sys
import time
import traceback

import peak
import workloads
from contenders import CONTENDERS


def seconds(call, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def prepare(name, row, data, expected):
    """The call of a contender, and what is to be said of it; nothing where it does not compute such rows."""
    contender = CONTENDERS[name]
    make = contender.function(row.kind)
    call = make and make(row, data, **contender.options)
    if not call:
        return None, None
    start = time.perf_counter()
    results = call()
    first = time.perf_counter() - start
    error = workloads.error(row, data, results, expected)
    if workloads.is_wrong(row, error):
        return None, {"failed": f"wrong result: error {error:.1e}"}
    return call, {"error": error, "first": first}


def prepare_peaks(row):
    """The probes of the processor's peak."""
    calls, reports = {}, {}
    for level in peak.levels():
        calls[level], work = peak.call(level, row.dtype, row.threads)
        reports[level] = {"work": work, "first": seconds(calls[level], 1)}
    return calls, reports


def answer(request, calls):
    if request["do"] == "time":
        call, repeats = calls[request["name"]], request["repeats"]
        if repeats > 1:
            call()
        return seconds(call, repeats)
    calls.clear()
    with open(request["path"], "rb") as file:
        row, data, expected = pickle.load(file)
    if request["names"] == ["peak"]:
        made, reports = prepare_peaks(row)
        calls.update(made)
        return reports
    reports = {}
    for name in request["names"]:
        try:
            calls[name], reports[name] = prepare(name, row, data, expected)
        except Exception as problem:
            traceback.print_exc()
            reports[name] = {"failed": f"{type(problem).__name__}: {problem}"}
    return {name: report for name, report in reports.items() if report}


def main():
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    calls = {}
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), calls)), file=answers, flush=True)


if __name__ == "__main__":
    main()
