"""Times the contenders of some rows in one process, whose number of threads its environment has fixed.

    python worker.py ROWS.json RESULTS.json
"""

import json
import sys
import time
import traceback

import numpy as np
from contenders import CONTENDERS, Data
from rows import Row

CHECKED_ROWS = 256
# A call counts once it takes this long; shorter ones are repeated within a round.
LEAST_SECONDS = 0.01
# A contender is wrong, not inaccurate, beyond this.
WRONG = {"float32": 1e-3, "float64": 1e-9}


def exact(row, data):
    """The results on the first rows, in float64 or better."""
    kind = np.longdouble if row.dtype == "float64" else np.float64
    y, b, sigma = (array.astype(kind) for array in (data.y, data.b, data.sigma))
    values, slopes = [], []
    for point, e in zip(data.x[:CHECKED_ROWS].astype(kind), data.e[:CHECKED_ROWS].astype(kind)):
        difference = point - y
        weights = np.exp(-(difference**2).sum(axis=1) / sigma[0] ** 2) * b[:, 0]
        values.append([weights.sum()])
        slopes.append(-2 / sigma[0] ** 2 * e[0] * (weights @ difference))
    return [np.array(values), np.array(slopes)] if row.kind == "gradient" else [np.array(values)]


def error(results, expected):
    """The largest relative Euclidean error of the results."""
    parts = []
    for result, wanted in zip(results, expected, strict=True):
        found = np.asarray(result.detach() if hasattr(result, "detach") else result)[:CHECKED_ROWS]
        parts.append(np.linalg.norm((found - wanted).astype(float)) / np.linalg.norm(wanted.astype(float)))
    return float(max(parts))


def seconds(call, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def prepare(row, data, expected, name, make):
    """Checks a contender; the call, how often to repeat it in a round, and what the report says."""
    try:
        call = make(row, data)
        found = error(call(), expected)
    except Exception as problem:
        traceback.print_exc()
        return None, 0, {"name": name, "failed": f"{type(problem).__name__}: {problem}"}
    if not found < WRONG[row.dtype]:
        return None, 0, {"name": name, "failed": f"wrong result: relative error {found:.1e}"}
    once = seconds(call, 1)
    return call, max(1, int(LEAST_SECONDS / max(once, 1e-7))), {"name": name, "error": found, "seconds": []}


def measure(row, budget):
    """All contenders of a row, in alternating rounds until the time is used up (three rounds at least)."""
    data = Data(row)
    expected = exact(row, data)
    prepared = [prepare(row, data, expected, name, make) for name, make in CONTENDERS[row.kind].items()]
    running = [(call, repeats, report) for call, repeats, report in prepared if call]
    end = time.perf_counter() + budget
    rounds = 0
    while running and row.kind != "accuracy" and (rounds < 3 or time.perf_counter() < end):
        for call, repeats, report in running:
            # The threads of the contender before may still be spinning.
            time.sleep(0.005)
            call() if repeats > 1 else None
            report["seconds"].append(seconds(call, repeats))
        rounds += 1
    return {**row.__dict__, "key": row.key, "contenders": [report for _, _, report in prepared]}


def main(rows_path, results_path):
    with open(rows_path) as file:
        work = json.load(file)
    results = []
    for fields in work["rows"]:
        row = Row(**fields)
        print(f"  {row.key}", file=sys.stderr, flush=True)
        results.append(measure(row, work["budget"]))
    with open(results_path, "w") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
