#!/usr/bin/env python3
"""What tests on a GPU came to, a row a test group: written by gpu-bundle/run.sh, kept in docs/gpu-tests.json, read by scripts/evidence.py.

    gpu_record.py add FILE GROUP STATUS SECONDS LOG   a row more in FILE: what the log of that group's run says, on which machine, at which commit;
                                                      fails where results have other bits than were kept from such a GPU and compiler
    gpu_record.py keep FILE ...                       the rows of these files into docs/gpu-tests.json

A row has no number that its log does not say; without one the group counts as failed, whatever its exit status was.
"""

import datetime
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE.parent / "docs/gpu-tests.json"
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")


def outcome(group, status, log):
    """What the log says: the number of cases (calls, or tests), of errors, and digests of results and inputs by name."""
    if group in TOOLS or group == "digests":
        found = of_calls(log) if group == "digests" else of_tool(log)
    else:
        found = of_ring(log) if group == "ring" else of_pytest(log)
    is_known = found.get("cases") is not None and found.get("errors") is not None
    return {**found, "succeeded": status == 0 and is_known and found["cases"] > 0 and found["errors"] == 0}


def of_calls(log):
    """What tests/python/sanitize.py says last."""
    said = re.search(r"^sanitize: (\d+) calls, (\d+) of them wrong", log, re.M)
    found = re.findall(r"^digest (\w+) ([0-9a-f]+) of inputs ([0-9a-f]+)$", log, re.M)
    digests = {"digests": {name: results for name, results, _ in found}, "inputs": {name: inputs for name, _, inputs in found}}
    return {"cases": number(said, 1), "errors": number(said, 2), **(digests if found else {})}


def of_tool(log):
    """The same under compute-sanitizer, which sums up each process that it watched: without a sum it watched none."""
    sums = [int(count) for count in re.findall(r"(?:ERROR|RACECHECK) SUMMARY: (\d+) (?:error|hazard)", log)]
    calls = of_calls(log)
    return {"cases": calls["cases"], "errors": sum(sums) + (calls["errors"] or 0) if sums else None}


def of_ring(log):
    said = re.search(r"(\d+) calls agree in every way, (\d+) in little memory", log)
    wrong = re.search(r"(\d+) libraries are wrong", log)
    return {"cases": number(said, 1), "in_little_memory": number(said, 2), "errors": (number(wrong, 1) or 0) if said else None}


def of_pytest(log):
    """Its last line: `3 failed, 120 passed, 2 skipped in 9.50s`."""
    last = next((line for line in reversed(log.splitlines()) if re.search(r"\d+ \w+.* in [\d.]+s", line)), "")
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", last)}
    errors = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    return {"cases": counts.get("passed"), "errors": errors if counts else None, "skipped": counts.get("skipped", 0)}


def number(match, group):
    return int(match[group]) if match else None


def machine():
    """The first GPU, its driver and compiler; what is missing is called so."""
    asked = output("nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader", "--id=0")
    device, driver, capability = [*map(str.strip, asked.split(",")), "unknown", "unknown"][:3] if asked else ["unknown"] * 3
    release = re.search(r"release ([\d.]+)", output("nvcc", "--version"))
    compiler = f"nvcc {release[1]}" if release else "NVRTC"
    return {"device": device, "driver": driver, "capability": capability, "compiler": compiler}


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def rows(path):
    return json.loads(path.read_text()) if path.exists() else []


def store(path, all_rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(" " + json.dumps(row) for row in all_rows) + "\n]\n")


def add(path, group, status, seconds, log):
    path, commit = pathlib.Path(path), HERE / "COMMIT"
    row = {
        "group": group,
        **outcome(group, int(status), pathlib.Path(log).read_text(errors="replace")),
        "seconds": int(seconds),
        **machine(),
        "commit": commit.read_text().strip() if commit.exists() else "unknown",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }
    store(path, rows(path) + [row])
    changes = changed(row, rows(HERE / "gpu-tests.json"))
    print(f"record: {json.dumps(row)}", *changes, sep="\n", flush=True)
    return 1 if changes else 0


def changed(row, before):
    """Which results have other bits than when the same inputs were last kept from this kind of GPU and this compiler."""
    same = ("capability", "compiler")
    alike = [one for one in before if all(one[key] == row[key] for key in same)]
    changes = []
    for name, results in row.get("digests", {}).items():
        last = [one for one in alike if one.get("inputs", {}).get(name) == row["inputs"][name]][-1:]
        changes += [f"the bits of {name} are not those of {one['commit']} ({one['date']})" for one in last if one["digests"][name] != results]
    return changes


def keep(*paths):
    kept = rows(KEPT)
    for row in (row for path in paths for row in rows(pathlib.Path(path))):
        if row not in kept:
            kept.append(row)
    store(KEPT, kept)


if __name__ == "__main__":
    sys.exit({"add": add, "keep": keep}[sys.argv[1]](*sys.argv[2:]))
