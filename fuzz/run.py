#!/usr/bin/env python3
"""Builds the fuzz targets, runs each for FUZZ_SECONDS (60) and adds a row a target to LOG.md.

    fuzz/run.py [TARGET ...]           all without arguments
    fuzz/run.py --keep [TARGET ...]    then copies into corpus/ some of what reaches new code, 300 files and 150 kB a target

KEOPSC names the compiler (target/release/keopsc). Inputs found on the way stay in target/fuzz/corpus, what fails in target/fuzz/failures. The exit
status is 1 if anything failed.
"""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

FUZZ = pathlib.Path(__file__).resolve().parent
ROOT = FUZZ.parent
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "fuzz"
TRIPLE = f"{os.uname().machine}-unknown-linux-gnu"

# For each target the longest input.
TARGETS = {"parse": 4000, "pipeline": 4000, "loader": 4000, "calls": 400}
SEED_BYTES = 1500
KEPT_BYTES = 150_000
KEPT_FILES = 300

COVERAGE = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg fuzzing",
    "-Ccodegen-units=4",
]


def main():
    arguments = sys.argv[1:]
    keep = "--keep" in arguments
    targets = [name for name in arguments if name != "--keep"] or list(TARGETS)
    seconds = int(os.environ.get("FUZZ_SECONDS", "60"))
    commit = built_commit()
    build(targets)
    (WORK / "commit").write_text(f"{commit}\n")
    failed = [target for target in targets if not run(target, seconds, commit)]
    if keep:
        for target in targets:
            keep_some(target)
    if failed:
        sys.exit(f"fuzz: {', '.join(failed)} failed; see {WORK / 'failures'}")


def build(targets):
    environment = dict(os.environ, RUSTFLAGS=" ".join(COVERAGE), CARGO_TARGET_DIR=str(WORK / "build"))
    environment.setdefault("KEOPSC", str(ROOT / "target/release/keopsc"))
    binaries = [argument for target in targets for argument in ("--bin", target)]
    command = ["cargo", "build", "--release", "--locked", "--target", TRIPLE, *binaries]
    subprocess.run(command, cwd=FUZZ, env=environment, check=True)


def program(target):
    return WORK / "build" / TRIPLE / "release" / target


def committed(target):
    return FUZZ / "corpus" / target


def run(target, seconds, commit):
    """Whether nothing was found. The inputs that are committed run first."""
    found, failures = WORK / "corpus" / target, WORK / "failures" / target
    for folder in (found, failures, committed(target)):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(failures.iterdir())
    command = [program(target), f"-max_total_time={seconds}", f"-max_len={TARGETS[target]}", "-timeout=60", "-report_slow_units=60", "-rss_limit_mb=3000"]
    command += ["-print_final_stats=1", f"-artifact_prefix={failures}/", found, committed(target)]
    if target in ("parse", "pipeline"):
        command.append(seeds())
    log = WORK / f"{target}.log"
    began = time.monotonic()
    with log.open("w") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode
    text = log.read_text(errors="replace")
    executions = int((re.findall(r"number_of_executed_units: *(\d+)", text) or ["0"])[-1])
    new = sorted(path.name for path in set(failures.iterdir()) - before)
    if status and not new:
        sys.exit(f"fuzz: {target} did not run; see {log}")
    took = round(time.monotonic() - began)
    note(commit, target, took, executions, len(new))
    print(f"{target}: {executions} executions in {took} s, {', '.join(new) or 'nothing found'}", flush=True)
    return status == 0


def seeds():
    """The short formula files of the repository."""
    folder = WORK / "seeds"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in git("ls-files", "*.kf").split():
        path = ROOT / name
        if path.exists() and path.stat().st_size <= SEED_BYTES:
            shutil.copy(path, folder / name.replace("/", "-"))
    return folder


def built_commit():
    """The commit of the sources, with a `+` where they were changed since."""
    changed = git("status", "--porcelain", "--", "*.rs", "*.lalrpop", "*.toml").strip()
    return git("rev-parse", "--short", "HEAD").strip() + ("+" if changed else "")


def note(commit, target, seconds, executions, findings):
    date = datetime.date.today().isoformat()
    with (FUZZ / "LOG.md").open("a") as log:
        log.write(f"| {date} | {commit} | {target} | {seconds} | {executions} | {findings} |\n")


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def keep_some(target):
    """What reaches new code, of all inputs there are; of these some of every size. Inputs with names of their own stay."""
    merged = WORK / "merged" / target
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir(parents=True)
    subprocess.run([program(target), "-merge=1", merged, committed(target), WORK / "corpus" / target], check=True, stderr=subprocess.DEVNULL)
    named = [path for path in committed(target).iterdir() if not re.fullmatch(r"[0-9a-f]{40}", path.name)]
    for path in set(committed(target).iterdir()) - set(named):
        path.unlink()
    room = KEPT_BYTES - sum(path.stat().st_size for path in named)
    reaching = sorted(merged.iterdir(), key=lambda path: (path.stat().st_size, path.name))
    for path in reaching[:: -(-len(reaching) // KEPT_FILES) or 1]:
        room -= path.stat().st_size
        if room < 0:
            break
        shutil.copy(path, committed(target))


if __name__ == "__main__":
    main()
