#!/usr/bin/env python3
"""Changes the code of ops, ir and passes, one place at a time, and asks whether a test fails; writes docs/mutants.json and docs/mutants.md.

    scripts/mutants.py [PACKAGE ...]   a share of the mutants of each package, all three without arguments
    scripts/mutants.py --survivors     the mutants again that survived, have no reason to and were not caught since
    scripts/mutants.py --page          docs/mutants.md from docs/mutants.json, after a reason was written there

MUTANTS_SHARE=k/n is the share: mutant k of the list, k + n, k + 2n … (0/10). MUTANTS_JOBS (1) mutants are tested at a time. What cargo-mutants
says of each is in target/mutants. Whether mutants survived does not change the exit status.
"""

import datetime
import json
import os
import pathlib
import re
import resource
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs/mutants.json"
PAGE = ROOT / "docs/mutants.md"
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "mutants"
PACKAGES = ["keopsc-ops", "keopsc-ir", "keopsc-passes"]

# cargo-mutants: all caught, some survived, some timed out.
FINISHED = (0, 2, 3)
# A loop without end must not take all memory.
MEMORY = 8 << 30


def cargo_mutants(*arguments, **options):
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return subprocess.run(["cargo", "mutants", *arguments], cwd=ROOT, preexec_fn=limit, **options)


def listed(package):
    return json.loads(cargo_mutants("--list", "--json", "-p", package, check=True, capture_output=True, text=True).stdout)


def tested(folder, *arguments):
    """The names of the mutants by what came of them."""
    output = WORK / folder
    output.mkdir(parents=True, exist_ok=True)
    jobs = os.environ.get("MUTANTS_JOBS", "1")
    done = cargo_mutants("--jobs", jobs, "--output", output, *arguments)
    if done.returncode not in FINISHED:
        sys.exit(f"mutants: cargo-mutants did not finish (status {done.returncode}); see {output / 'mutants.out'}")
    outcomes = json.loads((output / "mutants.out/outcomes.json").read_text())["outcomes"]
    names = {summary: [] for summary in ("CaughtMutant", "MissedMutant", "Timeout", "Unviable")}
    for outcome in outcomes:
        if outcome["scenario"] != "Baseline":
            names[outcome["summary"]].append(outcome["scenario"]["Mutant"]["name"])
    return names


def form(name):
    """A mutant without its line and column, which other changes move."""
    return re.sub(r":\d+:\d+: ", ": ", name, count=1)


def only(names):
    """The arguments that choose these mutants, wherever they stand by now."""
    forms = sorted({form(name) for name in names})
    patterns = ["^" + re.escape(one).replace(":\\ ", ":\\d+:\\d+:\\ ", 1) + "$" for one in forms]
    return [argument for pattern in patterns for argument in ("--re", pattern)]


def tested_by_all(folder, names):
    return tested(folder, *(argument for one in PACKAGES for argument in ("-p", one)), "--test-package", ",".join(PACKAGES), *only(names))


def run(package, share):
    date, commit = datetime.date.today().isoformat(), sources()
    names = tested(package, "-p", package, "--shard", share)
    survived, elsewhere = names["MissedMutant"], 0
    # What uses a package tests it, too.
    if survived and package != PACKAGES[-1]:
        again = set(tested_by_all(f"{package}-all", survived)["MissedMutant"])
        elsewhere = len(set(survived) - again)
        survived = [name for name in survived if name in again]
    row = {
        "date": date,
        "commit": commit,
        "package": package,
        "share": share,
        "mutants": len(listed(package)),
        "tested": sum(map(len, names.values())),
        "unviable": len(names["Unviable"]),
        "caught": len(names["CaughtMutant"]),
        "elsewhere": elsewhere,
        "timeout": len(names["Timeout"]),
        "survived": len(survived),
    }
    known = load()
    known["runs"] = [one for one in known["runs"] if (one["package"], one["share"]) != (package, share)] + [row]
    survivors = {one["mutant"]: one for one in known["survivors"]}
    for name in survived:
        survivors.setdefault(name, {"mutant": name, "package": package, "date": date, "commit": commit})
    known["survivors"] = list(survivors.values())
    store(known)


def run_survivors():
    known, commit = load(), sources()
    open_ones = [one for one in known["survivors"] if is_open(one)]
    there = {form(one["name"]) for package in PACKAGES for one in listed(package)}
    again = [one["mutant"] for one in open_ones if form(one["mutant"]) in there]
    missed = {form(name) for name in tested_by_all("survivors", again)["MissedMutant"]} if again else set()
    now = {"date": datetime.date.today().isoformat(), "commit": commit}
    for one in open_ones:
        if form(one["mutant"]) not in there:
            one["gone"] = now
        elif form(one["mutant"]) not in missed:
            one["caught"] = now
    store(known)


def is_open(survivor):
    return not {"caught", "gone", "reason"} & survivor.keys()


def sources():
    """The commit of the sources, with a `+` where they were changed since."""
    git = lambda *arguments: subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    changed = git("status", "--porcelain", "--", "*.rs", "*.toml", "*.kf")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def load():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": [], "survivors": []}


def store(known):
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    page(known)


HEAD = """\
# Mutation testing

What each run of `scripts/mutants.py` did: [testing.md](testing.md#mutation-testing) says what is changed and which tests run. A `+` after a commit means that
sources were changed since. *Of itself* counts mutants that a test of the package itself catches, *of others* those that only tests of the packages that use it do. Of those that time out
a loop does not end; they count as caught.

| date | commit | package | share | mutants | tested | not built | caught: of itself | of others | timed out | survived |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def page(known):
    text = HEAD
    for run in known["runs"]:
        keys = ("date", "commit", "package", "share", "mutants", "tested", "unviable", "caught", "elsewhere", "timeout", "survived")
        text += "| " + " | ".join(str(run[key]) for key in keys) + " |\n"
    text += "\nWhat survived at first, and what became of it:\n\n"
    for one in sorted(known["survivors"], key=lambda one: one["mutant"]):
        text += f"- `{one['mutant']}` ({one['commit']}): {fate(one)}\n"
    PAGE.write_text(text)


def fate(survivor):
    if "reason" in survivor:
        return "stays. " + survivor["reason"]
    if "caught" in survivor:
        return f"caught since {survivor['caught']['commit']}"
    if "gone" in survivor:
        return f"cannot be made any more since {survivor['gone']['commit']}"
    return "**open**"


def main():
    arguments = sys.argv[1:]
    if arguments == ["--page"]:
        store(load())
    elif arguments == ["--survivors"]:
        run_survivors()
    else:
        for package in arguments or PACKAGES:
            run(package, os.environ.get("MUTANTS_SHARE", "0/10"))


if __name__ == "__main__":
    main()
