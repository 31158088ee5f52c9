#!/usr/bin/env python3
"""Changes the code of ops, ir and passes, one place at a time, and asks whether a test fails; writes docs/mutants.json and docs/mutants.md.

    scripts/mutants.py [PACKAGE ...]   a share of the mutants of each package, all three without arguments
    scripts/mutants.py --survivors     the mutants again that survived, have no reason to and were not caught since
    scripts/mutants.py --reasons       the mutants again that have a reason to survive: one that is caught by now, or cannot be made, loses it
    scripts/mutants.py --page          docs/mutants.md from docs/mutants.json, after a reason was written there
    scripts/mutants.py --check         says whether docs/mutants.md is current; exit status 1 if not

MUTANTS_SHARE=k/n is the share: mutant k of the list, k + n, k + 2n … (0/10). MUTANTS_JOBS (1) mutants are tested at a time. What cargo-mutants
says of each is in target/mutation. Whether mutants survived does not change the exit status.
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
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "mutation"
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
    return outcomes(folder)


def outcomes(folder):
    """What `tested` returned for that folder."""
    all_outcomes = json.loads((WORK / folder / "mutants.out/outcomes.json").read_text())["outcomes"]
    names = {summary: [] for summary in ("CaughtMutant", "MissedMutant", "Timeout", "Unviable")}
    for outcome in all_outcomes:
        if outcome["scenario"] != "Baseline":
            names[outcome["summary"]].append(outcome["scenario"]["Mutant"]["name"])
    return names


def form(name):
    """A mutant without its line and column, which other changes move."""
    return re.sub(r":\d+:\d+: ", ": ", name, count=1)


def line(name):
    return int(name.split(":")[1])


def column(name):
    return int(name.split(":")[2])


def standing(name, there):
    """The mutant as it is called by now: the nearest one that does the same in the same function; None if there is none any more."""
    alike = [one["name"] for one in there if form(one["name"]) == form(name)]
    distance = lambda one: (abs(line(one) - line(name)), abs(column(one) - column(name)))
    return min(alike, key=distance, default=None)


def only(names, folder):
    """The arguments that choose these mutants: their names, and, as those that leave out a field heed no names, a difference in which their lines are new."""
    places = sorted({(one.split(":")[0], line(one)) for one in names})
    text = ""
    for path in dict.fromkeys(path for path, _ in places):
        text += f"--- a/{path}\n+++ b/{path}\n"
        lines = (ROOT / path).read_text().splitlines()
        numbers = [number for other, number in places if other == path]
        hunk = lambda before, number: f"@@ -{number - 1 - before},0 +{number},1 @@\n+{lines[number - 1]}\n"
        text += "".join(hunk(before, number) for before, number in enumerate(numbers))
    WORK.mkdir(parents=True, exist_ok=True)
    difference = WORK / f"{folder}.diff"
    difference.write_text(text)
    return ["--in-diff", difference, *(argument for one in names for argument in ("--re", f"^{re.escape(one)}$"))]


def run(package, share):
    date, commit = datetime.date.today().isoformat(), sources()
    record(package, share, date, commit, tested(package, "-p", package, "--shard", share))


def record(package, share, date, commit, names):
    row = {
        "date": date,
        "commit": commit,
        "package": package,
        "share": share,
        "mutants": len(listed(package)),
        "tested": sum(map(len, names.values())),
        "unviable": len(names["Unviable"]),
        "caught": len(names["CaughtMutant"]),
        "timeout": len(names["Timeout"]),
        "survived": len(names["MissedMutant"]),
    }
    known = load()
    known["runs"] = [one for one in known["runs"] if (one["package"], one["share"]) != (package, share)] + [row]
    survivors = {one["mutant"]: one for one in known["survivors"]}
    for name in names["MissedMutant"] + names["Timeout"]:
        survivors.setdefault(name, {"mutant": name, "package": package, "date": date, "commit": commit})
    known["survivors"] = list(survivors.values())
    store(known)


def run_survivors(wanted):
    """By the tests of the package itself, then by those of all three."""
    commit = sources()
    for package in PACKAGES:
        there = listed(package)
        of_package = [one["mutant"] for one in load()["survivors"] if wanted(one) and one["package"] == package]
        names = {name: standing(name, there) for name in of_package}
        update([name for name, now in names.items() if not now], "gone", {"commit": commit})
        missed = set(filter(None, names.values()))
        for tests in ([package], PACKAGES)[: 1 if package == PACKAGES[-1] else 2]:
            if missed:
                folder = f"{package}-by-{len(tests)}"
                found = tested(folder, "-p", package, "--test-package", ",".join(tests), *only(missed, folder))
                caught = missed & {*found["CaughtMutant"], *found["Timeout"]}
                update([name for name, now in names.items() if now in caught], "caught", {"commit": commit, "tests": tests})
                missed -= caught


def update(names, fate, found):
    known = load()
    for one in known["survivors"]:
        if one["mutant"] in names:
            one[fate] = found
            one.pop("reason", None)
    store(known)


def is_open(survivor):
    return not {"caught", "gone", "reason"} & survivor.keys()


def has_reason(survivor):
    return "reason" in survivor


def sources():
    """The commit of the sources, with a `+` where they were changed since."""
    git = lambda *arguments: subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    changed = git("status", "--porcelain", "--", "*.rs", "*.toml", "*.kf")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def load():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": [], "survivors": []}


def store(known):
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    PAGE.write_text(page(known))


HEAD = """\
# Mutation testing

What each run of `scripts/mutants.py` did: [testing.md](testing.md#mutation-testing) says what is changed and which tests run. A `+` after a commit means that
sources were changed since. Of a mutant that times out a loop may not end, or the machine was busy: it is tested again as if it had survived, and counts as caught
if it times out again.

| date | commit | package | share | mutants | tested | not built | caught | timed out | survived |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def page(known):
    text = HEAD
    for run in known["runs"]:
        keys = ("date", "commit", "package", "share", "mutants", "tested", "unviable", "caught", "timeout", "survived")
        text += "| " + " | ".join(str(run[key]) for key in keys) + " |\n"
    text += "\nWhat survived the tests of its own package at first, or timed out, and what became of it:\n\n"
    for one in sorted(known["survivors"], key=lambda one: one["mutant"]):
        text += f"- `{one['mutant']}` ({one['commit']}): {fate(one)}\n"
    return text


def fate(survivor):
    if "reason" in survivor:
        return "stays. " + survivor["reason"]
    if "caught" in survivor:
        return f"caught at {survivor['caught']['commit']} by the tests of {', '.join(survivor['caught']['tests'])}"
    if "gone" in survivor:
        return f"cannot be made any more since {survivor['gone']['commit']}"
    return "**open**"


def main():
    arguments = sys.argv[1:]
    if arguments == ["--page"]:
        store(load())
    elif arguments == ["--check"]:
        sys.exit(None if PAGE.read_text() == page(load()) else "docs/mutants.md is not current: scripts/mutants.py --page")
    elif arguments == ["--survivors"]:
        run_survivors(is_open)
    elif arguments == ["--reasons"]:
        run_survivors(has_reason)
    else:
        for package in arguments or PACKAGES:
            run(package, os.environ.get("MUTANTS_SHARE", "0/10"))


if __name__ == "__main__":
    main()
