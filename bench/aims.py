"""What the CPU rows aim at, what they reached, and for those that fell short the loops in which their time goes; writes results/aims.{md,json}.

    python3 bench/aims.py            profiles (perf record) the rows that fell short, then writes both files
    python3 bench/aims.py --page     the page from results/cpu.json and results/aims.json, without measuring
    python3 bench/aims.py --check    says whether the page is current, exit status 1 if not

A profile says which part of a row's time each loop takes; times are those of results/cpu.json. Only shares are taken from the profile, so that other work on
the machine does no harm.
"""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from report import AVX2, NATIVE, OURS, fastest, is_peer, is_pykeops, milliseconds, table, timed

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
PAGE, DATA = RESULTS / "aims.md", RESULTS / "aims.json"

# Of a row: times faster than pykeops and than the best other peer, as aimed at, and milliseconds of a kernel by hand. The aims were set on a machine
# of the same kind at 3.73 GHz, with torch.compile, JAX, NumPy, faiss and scikit-learn as peers.
AIMS = {
    "kernel sum, 1e3 x 1e3, D = 3": (36, 3, 0.115),
    "kernel sum, 1e4 x 1e4, D = 3": (40, 3, 10.3),
    "kernel sum, 5e3 x 1e5, D = 3": (40, 3, 52.4),
    "kernel sum, 1e4 x 1e4, D = 3, float64": (13, 2.7, 29.1),
    "kernel sum, 1e4 x 1e4, D = 3, 2 threads": (40, 3, 5.2),
    "gradient, 1e4 x 1e4, D = 3": (60, 4.5, 15.8),
    "kernel sum, 5e3 x 1e4, D = 1": (40, 3, 4.4),
    "kernel sum, 5e3 x 1e4, D = 3": (40, 3, 5.3),
    "kernel sum, 5e3 x 1e4, D = 10": (36, 3, 8.4),
    "kernel sum, 5e3 x 1e4, D = 32": (33, 1.5, 18.3),
    "kernel sum, 5e3 x 1e4, D = 64": (36, 1.5, 33.3),
    "kernel sum, 5e3 x 1e4, D = 100": (50, 1.5, 49.6),
    "kernel sum, 2e3 x 1e4, D = 256": (65, 1.5, 47.7),
    "kernel sum, 2e3 x 1e4, D = 512": (65, 1.5, 97.5),
    "nearest, 1e5 x 1e3, D = 100": (36, 1.15, 106),
    "neighbours, 1e4 x 1e5, D = 3": (18, 20, 70),
    "neighbours, 1e3 x 1e5, D = 100": (37, 2.7, 110),
    "sinkhorn, 1e4 x 1e4, D = 3": (58, 5, 215),
    "sinkhorn, 200 x 200, D = 3, batch of 64": (30, 3, 9.4),
}
BY_HAND = "numba own exp"
TREES = ("scikit-learn kd-tree", "SciPy kd-tree")
CLOCK_BY_HAND = 3.73e9
PIPES = 2
# Of a contender: its instruction set as keopsc and as the probe of the peak call it, and float32 numbers of a vector.
LEVELS = {OURS: ("x86-64-v4", "avx512", 16), AVX2: ("x86-64-v3", "avx2", 8)}

# Rows whose loops are shown: of those that fell short, one of each kind.
PROFILED = [
    ("kernel sum, 1e4 x 1e4, D = 3", OURS),
    ("gradient, 1e4 x 1e4, D = 3", OURS),
    ("kernel sum, 5e3 x 1e4, D = 10", OURS),
    ("kernel sum, 2e3 x 1e4, D = 512", OURS),
    ("sinkhorn, 1e4 x 1e4, D = 3", OURS),
    ("sinkhorn, 200 x 200, D = 3, batch of 64", OURS),
    ("kernel sum, 1e4 x 1e4, D = 3", AVX2),
    ("gradient, 1e4 x 1e4, D = 3", AVX2),
    ("sinkhorn, 1e4 x 1e4, D = 3", AVX2),
]
LEAST_SHARE = 0.04
SECONDS = 6

# A cycle of a Zen 5 core, measured: instructions of vectors of 512 bits on the multiplying pipes, on the adding ones, in all, and loads.
MULTIPLYING = r"v(fn?m(add|sub)\w+p[sd]|mulp[sd])$"
ADDING = r"v(addp|subp|maxp|minp|psll|psrl|cmp\w*p|rndscalep|cvt)\w*$"
FREE = r"vmovap[sd]$"


def least_cycles(loop):
    """Of one turn, by what the pipes can do: multiplying, adding, all vector instructions, loads."""
    vectors = [(name, operands) for name, operands in loop if name.startswith("v")]
    count = lambda pattern: sum(bool(re.match(pattern, name)) for name, _ in vectors)  # noqa: E731
    computing = sum(not re.match(FREE, name) and not name.startswith("vbroadcast") for name, _ in vectors)
    loads = sum("(" in operands and not operands.endswith(")") for _, operands in vectors)
    return count(MULTIPLYING) / 2, count(ADDING) / 2, computing / 4, loads / 2


def products(loop):
    return sum(bool(re.match(MULTIPLYING, name)) for name, _ in loop)


def vectors_of(loop):
    """How many vectors of pairs one turn takes on: those that look up a table, else those that have a maximum; None where it goes through coordinates."""
    names = Counter(name for name, _ in loop)
    return names["vpermt2ps"] + names["vpermi2ps"] + names["vpermd"] or names["vmaxps"] or None


def disassembly(library):
    """Address → instruction and operands, in order; jumps have their target."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s+([0-9a-f]+):\t(\S+)\s*([^\n#<]*)", text, re.M)
    return [(int(address, 16), name, operands.strip()) for address, name, operands in found]


def loops_of(code):
    """Innermost loops: from the target of a jump backwards to the jump."""
    places = {address: number for number, (address, _, _) in enumerate(code)}
    jumps = [(places.get(int(operands, 16)), end) for end, (_, name, operands) in enumerate(code) if re.match(r"j\w+$", name) and re.match(r"[0-9a-f]+$", operands)]
    spans = [(begin, end) for begin, end in jumps if begin is not None and begin <= end and end - begin < 500]
    return [one for one in spans if not any(other != one and one[0] <= other[0] and other[1] <= one[1] for other in spans)]


def run_row(key, folder):
    """In a process of its own: calls keopsc on a row until time is up, and says where its library lies."""
    from contenders import CONTENDERS
    from rows import GROUPS
    from workloads import arrays

    row = next(row for group in GROUPS.values() for row in group.rows if row.key == key)
    call = CONTENDERS["keopsc"].function(row.kind)(row, arrays(row))
    call()
    mapped = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if "keopsc-bench" in line and "r-x" in line]
    begin, offset = int(mapped[-1][0].split("-")[0], 16), int(mapped[-1][2], 16)
    shutil.copy(mapped[-1][-1], Path(folder) / "library.so")
    (Path(folder) / "begin").write_text(str(begin - offset))
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        call()


def profile(key, contender):
    """The loops of a row that take longest: their share of its samples and their instructions."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "perf.data"
        environment = {**os.environ, "KEOPSC_TARGET": LEVELS[contender][0], "KEOPSC_NUM_THREADS": "1"}
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-o", data, sys.executable, __file__, "--row", key, folder]
        subprocess.run(command, check=True, env=environment)
        library = Path(folder) / "library.so"
        shift = int((Path(folder) / "begin").read_text()) - distance(library)
        text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,dso"], capture_output=True, text=True, check=True).stdout
        samples = Counter(int(line.split()[0], 16) - shift for line in text.splitlines() if "keopsc-bench" in line)
        code = disassembly(library)
    found = []
    for begin, end in loops_of(code):
        inside = sum(number for address, number in samples.items() if code[begin][0] <= address <= code[end][0])
        if inside > LEAST_SHARE * samples.total():
            found.append({"share": inside / samples.total(), "code": [list(line[1:]) for line in code[begin : end + 1]], "span": (begin, end)})
    inside = {code[number][0] for loop in found for number in range(loop["span"][0], loop.pop("span")[1] + 1)}
    rest = Counter()
    for address, name, operands in code:
        if address not in inside:
            rest[kind_of(name, operands)] += samples[address]
    return {
        "loops": sorted(found, key=lambda loop: -loop["share"]),
        "rest": {kind: number / samples.total() for kind, number in rest.most_common(4)},
    }


def kind_of(name, operands):
    """What the rest is told by: stores, loads, or the instruction."""
    if re.match(r"v?mov", name):
        return "stores" if operands.endswith(")") else "loads" if "(" in operands else "moves"
    return name


def distance(library):
    """How far the addresses of code are from where it lies in the file."""
    text = subprocess.run(["readelf", "-lW", library], capture_output=True, text=True, check=True).stdout
    (part,) = re.findall(r"LOAD +(0x\w+) (0x\w+) .* R E ", text)
    return int(part[1], 16) - int(part[0], 16)


def clock_of(result, contender=OURS):
    """From the peak of multiply-adds in its rounds."""
    _, peak, lanes = LEVELS[contender]
    return result["peaks"][peak] / (2 * PIPES * lanes) / result["threads"] * (2 if result["dtype"] == "float64" else 1)


def result_of(key):
    groups = json.loads((RESULTS / "cpu.json").read_text())["groups"]
    return next(result for results in groups.values() for result in results if result["key"] == key)


def aims():
    """A line for each aim."""
    lines = []
    for key, (aim, peer_aim, limit) in AIMS.items():
        result = result_of(key)
        times, here = timed(result), 1e-3 * limit * CLOCK_BY_HAND / clock_of(result)
        ours, least = min(times[OURS]), lambda name: min(times[name])  # noqa: B023
        pykeops = least(fastest(times, is_pykeops)) / ours
        best = fastest(times, lambda name: is_peer(name) and name not in (BY_HAND, *TREES) and name != "numba")
        hand = f"{least(BY_HAND) / ours:.2f}" if BY_HAND in times else "-"
        peer = least(best) / ours
        lines.append(
            [key, milliseconds(ours), f"{limit:g} ms", milliseconds(here), f"{pykeops:.3g} of {aim}", f"{peer:.2f} of {peer_aim}", best, hand, f"{least(NATIVE) / ours:.3g}"]
            + [" and ".join(met(ours, 1e-3 * limit, here, pykeops >= aim, peer >= peer_aim))]
        )
    header = ["workload", "keopsc", "by hand", "at this clock", "times pykeops", "times the best peer", "which", "times numba by hand", "times native", "reached"]
    return table(header, lines)


def met(ours, limit, here, pykeops, peer):
    """What a row reached: both aims, one of them, the kernel by hand (within 3 %)."""
    yield {(True, True): "both aims", (True, False): "pykeops' aim", (False, True): "the peers' aim", (False, False): "no aim"}[pykeops, peer]
    yield "the limit" if ours <= 1.03 * here else "the limit in milliseconds alone" if ours <= 1.03 * limit else "not the limit"


def loops(row, contender, loops, rest):
    """A row's loops: what they need by the pipes, and what they take. Several that go through coordinates share these."""
    result = result_of(row)
    clock, lanes = clock_of(result, contender), LEVELS[contender][2]
    whole = min(result["contenders"][contender]["seconds"]) * clock / (result["pairs"] / lanes)
    heading = f"{row}, AVX2" if contender == AVX2 else row
    text = f"### {heading}\n\n{whole:.1f} cycles a vector of {lanes} pairs, at {clock / 1e9:.2f} GHz.\n\n"
    lines, listings = [], ""
    of_coordinates = [loop for loop in loops if vectors_of(loop["code"]) is None]
    for number, loop in enumerate(loops, start=1):
        code = "\n".join(f"{name:<14}{operands}" for name, operands in loop["code"])
        listings += f"\n<details><summary>Loop {number}</summary>\n\n```text\n{code}\n```\n\n</details>\n"
        share, shown = loop["share"], str(number)
        if loop in of_coordinates[1:]:
            continue
        if loop in of_coordinates:
            share = sum(one["share"] for one in of_coordinates)
            shown = ", ".join(str(1 + loops.index(one)) for one in of_coordinates)
        turns = 1 / (vectors_of(loop["code"]) or products(loop["code"]) / result["dim"])
        least = [turns * cycles for cycles in least_cycles(loop["code"])]
        spent = sum(name.startswith("v") for name, _ in loop["code"])
        counts = [turns * spent, turns * (len(loop["code"]) - spent)]
        lines.append([shown, f"{share:.0%}", *(f"{value:.3g}" for value in (share * whole, max(least), *least, *counts))])
    left = 1 - sum(loop["share"] for loop in loops)
    words = ", ".join(f"{kind} {share:.0%}" for kind, share in rest.items())
    lines.append(["the rest", f"{left:.0%}", f"{left * whole:.3g}", *[""] * 7])
    header = ["loop", "share", "cycles", "least", "multiplying", "adding", "all vectors", "loads", "vector instructions", "others"]
    return text + table(header, lines) + f"\nThe rest, by what was sampled: {words}.\n" + listings


INTRODUCTION = """# Aims of the CPU rows

<!-- `python3 bench/aims.py` writes this page. -->

What each row of [cpu.md](cpu.md) aimed at, before the first line of the compiler was written, and what it reached. *By hand* is a kernel in C with AVX-512 for that row alone, on a
machine of the same kind at 3.73 GHz; *at this clock* is its time at the clock of the row's own rounds (here: {clock} GHz; from the peak of multiply-adds). Peers are NumPy, PyTorch with and without its compiler, JAX, faiss and scikit-learn without trees, among which the aims were set;
numba with a loop and an exponential written out for the row is a kernel by hand, too, and has a column of its own, as has pykeops built by a knowing user.
Ratios are of least times, commit {commit}.

{aims}
[bench/README.md](../README.md#where-the-limit-is-not-reached) says what was tried where an aim or the limit was not reached.

## Loops

Where the time goes in rows that fell short of an aim: the innermost loops that take more than {least:.0%} of it, by a profile of {date} (`perf record` on the clock, {commit_of_profile}). *Cycles* are the
loop's share of the row's time in [cpu.md](cpu.md), for a vector of 16 pairs, with AVX2 8; *least* is what the pipes need for the loop's instructions if nothing waits, the largest of the next four columns: two multiplications, two
additions, comparisons or shifts, four vector instructions in all, two loads a cycle (measured on Zen 5). Shares are of samples, and an instruction is sampled late, so that a short loop may seem to take
less than it can. Vectors of pairs that a turn takes on are told from its instructions: table look-ups of the exponential, maxima, or multiplications by the number of
coordinates.
"""


def page():
    data = json.loads(DATA.read_text())
    machine = json.loads((RESULTS / "cpu.json").read_text())
    clock = clock_of(result_of("kernel sum, 1e4 x 1e4, D = 3")) / 1e9
    about = {"clock": f"{clock:.2f}", "commit": machine["commits"]["sums"].split()[0], "commit_of_profile": data["commit"], "date": data["date"]}
    text = INTRODUCTION.format(aims=aims(), least=LEAST_SHARE, **about)
    return text + "".join(f"\n{loops(**found)}" for found in data["rows"])


def main():
    words = sys.argv[1:]
    if words[:1] == ["--row"]:
        run_row(*words[1:])
    elif words == ["--check"]:
        sys.exit(None if PAGE.read_text() == page() else f"{PAGE} is not current: python3 bench/aims.py --page")
    else:
        if words != ["--page"]:
            rows = [{"row": key, "contender": contender, **profile(key, contender)} for key, contender in PROFILED]
            DATA.write_text(json.dumps({"date": datetime.date.today().isoformat(), "commit": f"commit {commit()}", "rows": rows}, indent=1) + "\n")
        PAGE.write_text(page())


def commit():
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=FOLDER, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
