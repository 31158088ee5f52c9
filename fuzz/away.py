#!/usr/bin/env python3
"""Runs fuzz targets on a machine without Rust, many processes at once; `fuzz/bundle.sh` puts it into an archive as run.py.

    run.py SECONDS PROCESSES

The four targets take turns among the processes, each of which has a folder for its finds. $OUT (./out) gets a log a process, what failed, a line a process and a
target in summary.txt, and an archive of inputs that reached new code. It needs Python 3 and the C library; where that is too old the bundle's own is taken.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
OUT = pathlib.Path(os.environ.get("OUT") or "out").resolve()

# As in run.py of the repository: for each target the longest input.
TARGETS = {"parse": 4000, "pipeline": 4000, "loader": 4000, "calls": 400}
MOST_FAILURES = 20
KEPT_BYTES = 3_000_000
LONGEST_LOG = 60_000
TOO_SHORT = 3


def starter():
    """The words before a program: none, or the bundle's loader and libraries."""
    loader = [HERE / "lib/ld-linux-x86-64.so.2", "--library-path", HERE / "lib"]
    for words in ([], loader):
        try:
            if subprocess.run([*words, HERE / "bin/parse", "-help=1"], capture_output=True).returncode == 0:
                return words
        except OSError:
            pass
    sys.exit("fuzz: the programs do not run here")


def run(number, target, seconds, start, work, summary):
    """One process, begun again after each failure until its time is over."""
    own, failures = work / f"corpus-{number}", OUT / "failures" / target
    own.mkdir()
    failures.mkdir(parents=True, exist_ok=True)
    piece, log = work / f"{number}.log", OUT / f"{number:02}-{target}.log"
    began, executions, found = time.monotonic(), 0, 0
    while found < MOST_FAILURES and (left := int(seconds - (time.monotonic() - began))) >= TOO_SHORT:
        command = [*start, HERE / "bin" / target, f"-max_total_time={left}", f"-max_len={TARGETS[target]}", "-timeout=60", "-report_slow_units=60"]
        command += ["-rss_limit_mb=3000", "-print_final_stats=1", f"-artifact_prefix={failures}/{number:02}-", own, HERE / "corpus" / target]
        with piece.open("wb") as output:
            status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd=work).returncode
        text = piece.read_text(errors="replace")
        executions += int((re.findall(r"number_of_executed_units: *(\d+)", text) or ["0"])[-1])
        with log.open("a") as whole:
            whole.write(text if len(text) < LONGEST_LOG else f"{text[: LONGEST_LOG // 3]}\n...\n{text[-LONGEST_LOG // 3 * 2 :]}")
            whole.write(f"\nfuzz: status {status}\n")
        if status == 0:
            break
        found += 1
    summary.append((target, round(time.monotonic() - began), executions, found))
    say(f"{target}, process {number}: {summary[-1][1]} seconds, {executions} executions, {found} failures")


def say(line):
    print(line, flush=True)
    with (OUT / "summary.txt").open("a") as output:
        output.write(line + "\n")


def keep_finds(work):
    """Inputs that reached new code, the short ones first, as an archive."""
    for number, target in enumerate(TARGETS):
        folder, room = work / "corpus" / target, KEPT_BYTES
        folder.mkdir(parents=True)
        own = [path for path in work.glob("corpus-*") if int(path.name.split("-")[1]) % len(TARGETS) == number]
        finds = {path.name: path for path in sorted(path for one in own for path in one.iterdir())}
        for path in sorted(finds.values(), key=lambda path: path.stat().st_size):
            room -= path.stat().st_size
            if room > 0:
                shutil.copy(path, folder)
    subprocess.run(["tar", "cJf", OUT / "corpus.tar.xz", "-C", work, "corpus"], check=True)


def main():
    seconds, processes = map(int, sys.argv[1:])
    OUT.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("KEOPSC_NUM_THREADS", "2")
    start, names, summary = starter(), list(TARGETS), []
    say(f"{(HERE / 'commit').read_text().strip()}: {processes} processes for {seconds} s on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        work = pathlib.Path(folder)
        all_of_them = [(number, names[number % len(names)], seconds, start, work, summary) for number in range(processes)]
        threads = [threading.Thread(target=run, args=one) for one in all_of_them]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        keep_finds(work)
    for target in names:
        rows = [row[1:] for row in summary if row[0] == target]
        took, executions, found = (sum(column) for column in zip(*rows)) if rows else (0, 0, 0)
        say(f"{target} in all: {took} seconds, {executions} executions, {found} failures")


if __name__ == "__main__":
    main()
