#!/usr/bin/env python3
"""Writes docs/evidence.md: for each promise the test that holds it, how often, and what is not held.

    scripts/evidence.py              the page, from the sources and from the committed files that hold costly figures
    scripts/evidence.py --check      says whether the page is current, but for its commit and date; exit status 1 if not
    scripts/evidence.py run P2 P13   runs the commands of these promises first, and remembers what came of it in docs/evidence.json

No number is typed here: each is counted, or read where it stands. A test or a figure that is not where this file says is an error.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import gpu_record

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/evidence.md"
RESULTS = ROOT / "docs/evidence.json"


def read(path):
    return (ROOT / path).read_text()


def number(path, pattern):
    """The number at the one place of a file where a pattern finds it."""
    found = set(re.findall(pattern, read(path)))
    if len(found) != 1:
        sys.exit(f"evidence: {path} has {sorted(found)} for {pattern}")
    return int(found.pop().replace("_", ""))


def counted(value, one, many):
    return f"{value:,} {one if value == 1 else many}"


def drawn(path, test, pattern):
    """How many cases a test draws if nothing is said; the seeds are those numbers."""
    body = read(path).split(f"fn {test}(", 1)[1].split("\n}\n", 1)[0]
    found = re.findall(pattern, body)
    if not found:
        sys.exit(f"evidence: {test} in {path} has nothing for {pattern}")
    return sum(int(one.replace("_", "")) for one in found)


def files(pattern):
    found = sorted(path for path in ROOT.glob(pattern) if path.is_file())
    if not found:
        sys.exit(f"evidence: nothing is {pattern}")
    return found


def digest(paths):
    """The first digits of the SHA-256 of all files, names included."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]


def text_digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def table(path, header):
    """The rows of a Markdown table that begins with that header, as lists of cells."""
    lines = read(path).splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith(header)), None)
    if begin is None:
        sys.exit(f"evidence: {path} has no table {header}")
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def defects():
    """How many defects fuzzing found, and how many cases they have: each names tests, or inputs that are kept, that are there."""
    rows = table("fuzz/LOG.md", "| target | what | case |")
    cases = [re.findall(r"`(\w+)`", case) for _, _, case in rows]
    for (target, what, _), names in zip(rows, cases):
        missing = [name for name in names if not is_case(name)]
        if missing or not names:
            sys.exit(f"evidence: fuzz/LOG.md has no case for a defect of {target} that is there ({what}): {', '.join(missing)}")
    return len(rows), sum(map(len, cases))


def is_case(name):
    is_test = subprocess.run(["git", "grep", "-qF", f"fn {name}(", "--", "*.rs"], cwd=ROOT).returncode == 0
    return is_test or any(ROOT.glob(f"fuzz/corpus/*/{name}"))


def fuzzing():
    rows = table("fuzz/LOG.md", "| date | commit | target |")
    totals = {}
    for date, commit, target, seconds, executions, found in rows:
        one = totals.setdefault(target, [0, 0, 0])
        for place, value in enumerate((seconds, executions, found)):
            one[place] += int(value)
    words = [
        f"{target} {executions:,} executions in {seconds / 3600:.2f} h" for target, (seconds, executions, _) in totals.items()
    ]
    last = rows[-1] if rows else ["-", "-"]
    mended, cases = defects()
    inputs = files("fuzz/corpus/*/*")
    return (
        f"fuzzed ([fuzz/LOG.md](../fuzz/LOG.md), until {last[0]}, {last[1]}): {', '.join(words) or 'nothing'}; "
        f"{counted(mended, 'defect', 'defects')} found and mended, for which {counted(cases, 'case', 'cases')} are there; {len(inputs):,} inputs committed, digest {digest(inputs)}"
    )


# What a package's last samples are: as many runs as have so many mutants together that can be built.
LAST_MUTANTS = 25


def at_first(runs):
    """How many mutants could be built, and how many of them were caught by the tests as they were."""
    built = sum(run["tested"] - run["unviable"] for run in runs)
    return built, built - sum(run["survived"] + run["timeout"] for run in runs)


def last_samples(runs):
    chosen = []
    for run in reversed(runs):
        if at_first(chosen)[0] < LAST_MUTANTS:
            chosen.append(run)
    return chosen


def mutants():
    known = json.loads(read("docs/mutants.json"))
    packages = list(dict.fromkeys(run["package"] for run in known["runs"]))
    words, last = [], []
    for package in packages:
        runs = [run for run in known["runs"] if run["package"] == package]
        left = sum(is_left(one) for one in known["survivors"] if one["package"] == package)
        (built, caught), newest = at_first(runs), last_samples(runs)
        last += newest
        words.append(
            f"{package} {built:,} of about {runs[-1]['mutants']:,} in all, of which {built - caught} survived at first and {left} do now; "
            "{1} of {0} were caught at first in its last samples".format(*at_first(newest))
        )
    (built, caught), (last_built, last_caught) = at_first(known["runs"]), at_first(last)
    left, reasons, still_open = (sum(wanted(one) for one in known["survivors"]) for wanted in (is_left, has_reason, is_open))
    return (
        f"samples of the mutants that can be built ([mutants.md](mutants.md)): {'; '.join(words)}; "
        f"of all {built:,} {caught / built:.1%} were caught at first, {1 - left / built:.1%} are now; "
        f"of those left {reasons} have a reason, {still_open} are open; of the last samples' {last_built} {last_caught / last_built:.1%} were caught at first"
    )


def is_left(survivor):
    return not {"caught", "gone"} & survivor.keys()


def has_reason(survivor):
    return "reason" in survivor


def is_open(survivor):
    return not {"caught", "gone", "reason"} & survivor.keys()


def ulp():
    text = read("docs/ulp.md")
    made = re.search(r"on (\d{4}-\d\d-\d\d) from commit (\w+)", text)
    rows = table("docs/ulp.md", "| function | level | max ULP | bound | at | flushed")
    bounded = [row for row in rows if re.fullmatch(r"[\d.]+", row[3])]
    above = [row[0] for row in bounded if float(row[2]) > max(float(row[3]), 0.5)]
    if above:
        sys.exit(f"evidence: docs/ulp.md has errors above their bounds: {', '.join(above)}")
    return (
        f"{len(rows)} rows over float32 arguments in [ulp.md](ulp.md) ({made[1]}, {made[2]}), {len(bounded)} of them with a bound, "
        f"over all 2^32 arguments; none is above it; later commits are held to the bits of arguments that P12 keeps"
    )


def on_gpus(*groups):
    """What the last run of each test group on each kind of GPU came to."""
    last = {(row["group"], row["device"]): row for row in gpu_record.rows(ROOT / "docs/gpu-tests.json") if row["group"] in groups}
    missing = [group for group in groups if not any(group == found for found, _ in last)]
    words = [on_gpu(row) for row in sorted(last.values(), key=lambda row: groups.index(row["group"]))]
    return "; ".join([*words, *(f"no run of {group} on a GPU is recorded" for group in missing)])


def on_gpu(row):
    many = "tests" if row["group"] in ("tests", "package") else "calls"
    counts = [] if row["cases"] is None else [f"{row['cases']:,} {many}"]
    counts += [] if row["errors"] is None else [counted(row["errors"], "error", "errors")]
    counts += [] if row["succeeded"] else ["**failed**"]
    counts += [f"digest {text_digest(json.dumps(row['digests'], sort_keys=True))}"] if "digests" in row else []
    known = [f"driver {row['driver']}", row["compiler"]] if row["driver"] != "unknown" else []
    words = [row["date"], row["commit"], *known, *filter(None, [row.get("note")])]
    return f"{row['group']} on {row['device']}: {', '.join(counts)} ({', '.join(words)})"


def kept(path):
    return f"{len(read(path).splitlines()):,} digests ([{path.rpartition('/')[2]}](../{path}), digest {digest([ROOT / path])})"


def gpu():
    machine = json.loads(read("bench/results/gpu.json"))["machine"]
    return f"measured on {machine['GPU']['name']} ({machine['date']}, {machine['commit']}) in bench/results/gpu.json"


def keops():
    reference = json.loads(read("tests/keops/reference.json"))
    differences = json.loads(read("tests/keops/differences.json"))
    answers = sum(len(section) for section in reference.values() if isinstance(section, (dict, list)))
    classified = sum(len(section) for section in differences.values())
    stored = digest([ROOT / "tests/keops/reference.json"])
    return f"{answers:,} stored answers of KeOps (digest {stored}), {classified:,} differences, each with its reason"


def recorded_calls():
    path = "bindings/python/tests/pykeops_answers.json"
    answers = sum(len(parts) for parts in json.loads(read(path)).values())
    return f"{answers:,} arrays that pykeops returned for the calls of the Python package's tests, gradients among them (digest {digest([ROOT / path])})"


def watched():
    libraries = re.search(r"^LIBRARIES = \{(.*?)^\}", read("tests/python/test_valgrind.py"), re.M | re.S)[1]
    return counted(len(re.findall(r'^    "', libraries, re.M)), "library", "libraries")


def crates(path):
    return len(re.findall(r'^source = "registry', read(path), re.M))


def tests_in(*paths):
    total = sum(len(re.findall(r"#\[test\]|^def test_", read(path), re.M)) for path in paths)
    return counted(total, "test", "tests")


# How tests say how many cases they draw.
CASES = r"cases: (\d+)"
RANGE = r"0\.\.(?:count\()?(\d+)"
SEED = r"Random::new\((\d+)\)"
USUAL = r"unwrap_or\(([\d_]+)\)"
ASKED_OR = r'"KEOPSC_CASES"\).unwrap_or\(([\d_]+)\)'
ASKED = r"KEOPSC_CASES=(\d+)"

ORACLES = "cargo test -p keopsc-passes --test oracles"


def oracle(name, test):
    return drawn(f"compiler/passes/tests/oracles/{name}.rs", test, r"count\((\d+)\)")


# The promise, what runs its tests, where they stand (file::test), and what else there is to say: cases, figures, what is missing.
PROMISES = [
    (
        "P1",
        "No text makes keopsc panic, run away, overflow its stack or execute anything",
        "cargo test -p keopsc-grammar --test robust; cargo test -p keopsc-passes --test robustness; cargo test -p keopsc-tests --test fuzz_corpus; make fuzz",
        ["grammar/tests/robust.rs::token_soup", "compiler/passes/tests/robustness.rs::exchanged_words", "tests/tests/fuzz_corpus.rs::every_input_goes_through_all_passes"],
        lambda: [
            f"{number('grammar/tests/robust.rs', CASES):,} random texts a property",
            f"{drawn('compiler/passes/tests/robustness.rs', 'exchanged_words', RANGE):,} files with exchanged words, seed {drawn('compiler/passes/tests/robustness.rs', 'exchanged_words', SEED)}",
            fuzzing(),
            "not fuzzed: LLVM code generation, the linker, the command's options and the readers of .npy and .csv files",
        ],
    ),
    (
        "P2",
        "What is printed is the thing: parsing what was printed gives it back, and a verifier runs after each pass",
        "cargo test -p keopsc-ir; cargo test -p keopsc-grammar",
        ["compiler/ir/tests/ir/formula_text.rs::printed_programs_read_back", "compiler/ir/tests/ir/plan_text.rs::printed_plans_read_back", "grammar/tests/robust.rs::printing_undoes_parsing"],
        lambda: [
            f"{drawn('compiler/ir/tests/ir/formula_text.rs', 'printed_programs_read_back', RANGE):,} random graphs and {drawn('compiler/ir/tests/ir/plan_text.rs', 'printed_plans_read_back', RANGE):,} random plans, seeds from 0",
            "fuzzing asks it of every sound file that it meets",
        ],
    ),
    (
        "P3",
        "Every pass keeps the meaning: exactly in a finite field, and in float64",
        ORACLES,
        ["compiler/passes/tests/oracles/exactness.rs::passes_are_exact_in_a_field", "compiler/passes/tests/oracles/meaning.rs::simplified_programs_and_their_plans_compute_the_same"],
        lambda: [f"{oracle('meaning', 'simplified_programs_and_their_plans_compute_the_same'):,} random programs in float64, {oracle('exactness', 'passes_are_exact_in_a_field'):,} in the field, seeds from 0; KEOPSC_CASES draws more"],
    ),
    (
        "P4",
        "Any tile, split, number of threads and target takes each pair exactly once",
        "cargo test -p keopsc-tests --test ring; cargo test -p keopsc-tests --test gpu_ring; make test-aarch64; gpu-bundle/run.sh ring",
        ["tests/tests/ring.rs::random_plans_agree_with_the_double_loop", "tests/tests/gpu_ring.rs::random_plans_agree_with_the_double_loop_on_a_gpu"],
        lambda: [
            f"{drawn('tests/tests/ring.rs', 'random_plans_agree_with_the_double_loop', ASKED_OR):,} calls in integers on this machine, {number('Makefile', ASKED):,} on aarch64, bit for bit the double loop ([testing.md](testing.md)); seeds from 0",
            on_gpus("ring"),
        ],
    ),
    (
        "P5",
        "No optimisation changes an answer: each law, rule and pass left out in turn",
        ORACLES,
        ["compiler/passes/tests/oracles/switches.rs::written_programs_compute_the_same_whatever_is_left_out", "compiler/passes/tests/oracles/switches.rs::random_programs_compute_the_same_whatever_is_left_out", "tests/tests/tiles.rs::no_tile_changes_a_bit"],
        lambda: [f"{len(files('samples/**/*.kf')):,} sample files and {len(files('tests/cases/stages/*.kf')):,} cases of stages, besides random programs"],
    ),
    (
        "P6",
        "Elementwise functions keep a published bound in units in the last place",
        "cargo test -p keopsc-cpu --test intrinsics; cargo run --release -p keopsc-cpu --example ulp",
        ["compiler/cpu/tests/intrinsics.rs::float32_values_are_within_their_bounds", "compiler/cpu/tests/intrinsics.rs::the_published_table_keeps_the_bounds_and_has_every_function"],
        lambda: [ulp()],
    ),
    (
        "P7",
        "Sums keep an error bound, term by term, and err no more than KeOps'",
        "KEOPSC=target/release/keopsc .venv/bin/python -m pytest tests/python/test_sums.py",
        ["tests/python/test_sums.py::test_errors_of_sums_are_bounded", "tests/python/test_sums.py::test_sums_err_no_more_than_keops_block_sums"],
        lambda: [f"{tests_in('tests/python/test_sums.py')} of each scheme and type; what was measured is in bench/results/accuracy.md"],
    ),
    (
        "P8",
        "Derivatives are right to third order",
        ORACLES + " derivatives",
        ["compiler/passes/tests/oracles/derivatives.rs::derivatives_of_every_operation", "compiler/passes/tests/oracles/derivatives.rs::derivatives_of_every_reduction", "compiler/passes/tests/oracles/exact_derivatives.rs::forward_and_reverse_are_transposes"],
        lambda: [f"every row of the catalogue, and {oracle('derivatives', 'derivatives_of_random_programs'):,} random programs; compiled ones in [coverage.md](coverage.md)"],
    ),
    (
        "P9",
        "Kernels touch their own memory alone",
        "cargo test -p keopsc-tests --test ring; .venv/bin/python -m pytest tests/python/test_process.py tests/python/test_valgrind.py; make fuzz; gpu-bundle/run.sh sanitize",
        [
            "tests/tests/ring.rs::random_plans_agree_with_the_double_loop",
            "tests/python/test_process.py::test_memory_outside_the_arrays_is_not_touched",
            "tests/python/test_valgrind.py::test_memory",
            "tests/python/test_valgrind.py::test_races",
        ],
        lambda: [
            "every tensor of P4's calls and of the fuzz target `calls` lies at pages that may not be touched, and so do whole arrays of all calls of tests/python",
            f"valgrind's memcheck over {watched()}, for SSE and AVX2, and its race detectors with eight threads ([testing.md](testing.md#valgrind))",
            f"compute-sanitizer over every template of kernels: {on_gpus(*gpu_record.TOOLS)}",
        ],
    ),
    (
        "P10",
        "What is emitted is valid for its tools: LLVM's verifier, nvcc and NVRTC with warnings as errors",
        "cargo test -p keopsc-tests --test gpu_text; cargo test -p keopsc --test cuda",
        ["tests/tests/gpu_text.rs::the_real_nvcc_compiles_random_plans", "tests/tests/gpu_text.rs::the_real_nvrtc_compiles_random_plans_in_parts", "cli/tests/cuda.rs::the_real_nvcc_compiles_the_samples"],
        lambda: [f"{tests_in('tests/tests/gpu_text.rs', 'cli/tests/cuda.rs')}; without the compilers of `scripts/setup.sh cuda` they say that they tested nothing", on_gpus("tests", "package"), gpu()],
    ),
    (
        "P11",
        "The same source gives the same library, byte for byte",
        "cargo test -p keopsc --test compile; cargo test -p keopsc --test cuda; KEOPSC=target/release/keopsc .venv/bin/python -m pytest tests/python/test_emitted.py",
        ["cli/tests/compile.rs::two_folders_give_the_same_bytes", "cli/tests/cuda.rs::two_folders_and_all_linkers_give_the_same_code", "tests/python/test_compile.py::test_same_source_same_bytes", "tests/python/test_emitted.py::test_texts_are_those_that_were_kept"],
        lambda: [
            "whole libraries: two folders, names and linkers on one machine",
            f"{kept('tests/python/emitted.txt')} of plans, schedules, LLVM's text for three levels and CUDA text, to which every machine and commit is held",
            "what rustc, nvcc and LLVM's code generation make is not compared across machines",
        ],
    ),
    (
        "P12",
        "The same input gives the same bits, whatever the number of threads or multiprocessors",
        "cargo test -p keopsc-runtime; cargo test -p keopsc-tests --test bits; .venv/bin/python -m pytest tests/python/test_ranges.py tests/python/test_device.py; gpu-bundle/run.sh digests",
        ["runtime/src/support/tests/ranges.rs::the_bits_do_not_depend_on_threads", "tests/tests/bits.rs::results_have_the_bits_that_were_kept", "tests/python/test_device.py::test_bits_depend_on_no_machine", "tests/tests/differential.rs::random_programs_in_shards_have_the_bits_of_one_call"],
        lambda: [f"{drawn('tests/tests/differential.rs', 'random_programs_in_shards_have_the_bits_of_one_call', USUAL):,} random programs in shards", f"{kept('tests/bits.txt')} of results for three levels of x86-64 and one of aarch64, to which every machine and commit is held", on_gpus("digests")],
    ),
    (
        "P13",
        "Every diagnostic is shown whole in a case, and no code is without one",
        "cargo test -p keopsc-passes --test cases; cargo test -p keopsc-diagnostics",
        ["compiler/passes/tests/cases.rs::diagnostics", "compiler/passes/tests/cases.rs::examples_of_codes"],
        lambda: [f"{len(files('tests/cases/diagnostics/*.kf')):,} cases, digest {digest(files('tests/cases/diagnostics/**/*'))}"],
    ),
    (
        "P14",
        "Failure is clean: foreign and cut libraries, wrong tensors, full disks, damaged caches, killed compilers, many processes and threads at once, forks",
        "cargo test -p keopsc-runtime; cargo test -p keopsc --test cache --test compile --test cuda; .venv/bin/python -m pytest tests/python/test_bad_calls.py tests/python/test_process.py",
        ["runtime/tests/loader.rs::every_truncation_is_refused", "cli/tests/cache.rs::sixteen_processes_compile_once", "cli/tests/compile.rs::a_full_disk_leaves_what_was_there", "tests/python/test_bad_calls.py::test_tensors", "tests/python/test_process.py::test_fork_after_use", "tests/python/test_process.py::test_calls_from_many_threads", "cli/tests/cuda.rs::what_is_in_the_way_is_code_2_and_leaves_nothing"],
        lambda: [f"{tests_in('runtime/tests/loader.rs', 'cli/tests/cache.rs', 'cli/tests/compile.rs', 'tests/python/test_bad_calls.py', 'tests/python/test_process.py')}; calls and manifests are fuzzed, see P1"],
    ),
    (
        "P15",
        "The tests test: a change of the code that is wrong fails one",
        "make mutants",
        [],
        lambda: [mutants(), "samples are of different mutants, but for code that moved in between: of those outside of them about as many may survive as did at first in the last ones", "the other folders have no mutation testing; that a fixed defect adds its smallest case first is a rule of [CONTRIBUTING.md](../CONTRIBUTING.md) that nothing checks, but that what fuzzing found has a case (P1)"],
    ),
    (
        "P16",
        "Answers are KeOps' where KeOps is right, and each difference has a reason",
        "KEOPSC=target/release/keopsc .venv/bin/python -m pytest tests/keops",
        [
            "tests/keops/test_keops.py::test_every_difference_is_known",
            "tests/keops/test_keops.py::test_reasons_are_written_down",
            "bindings/python/tests/test_recorded.py::test_answers",
        ],
        lambda: [keops(), recorded_calls()],
    ),
    (
        "P17",
        "Other people's crates may be handed on, come from crates.io, and bring no executables into the build",
        "make deny",
        [],
        lambda: [
            f"{crates('Cargo.lock'):,} crates of Cargo.lock, {crates('fuzz/Cargo.lock'):,} of fuzz/Cargo.lock, by the lists of [deny.toml](../deny.toml)",
            "known mistakes of crates (`make deny DENY_CHECKS=advisories`) need GitHub and are no part of `make test`; LLVM is Debian's",
        ],
    ),
    (
        "P18",
        "Programs of an ABI version call all libraries of that version",
        "cargo test -p keopsc-runtime --test abi; KEOPSC=target/release/keopsc .venv/bin/python -m pytest tests/python/test_abi.py",
        ["runtime/tests/abi.rs::structs_lie_as_version_1_fixed_them", "tests/python/test_abi.py::test_programs_of_version_1_call_libraries_of_today", "tests/python/test_abi.py::test_manifests_and_states_keep_what_they_say"],
        lambda: [f"version 1 as it was fixed, digest {digest(files('tests/abi/*'))}; what else stays the same is in [versions.md](versions.md)"],
    ),
    (
        "P19",
        "Pages say what is so: their code runs and prints what they say, their links lead somewhere, and what is generated is current",
        "make docs; KEOPSC=target/release/keopsc .venv-docs/bin/python -m pytest tests/documentation",
        ["tests/documentation/test_pages.py::test_blocks_run", "tests/documentation/test_current.py::test_the_page_is_current", "tests/documentation/test_current.py::test_the_pages_of_results_are_current"],
        lambda: ["a block that is not run says why there", "figures on hand-written pages are not compared with bench/results; links to other sites are not followed"],
    ),
]


def check_place(place):
    path, test = place.split("::")
    if not re.search(rf"\b(fn|def) {test}\(", read(path)):
        sys.exit(f"evidence: {path} has no test {test}")


def place_link(place):
    check_place(place)
    path, test = place.split("::")
    return f"[{test}](../{path})"


def head():
    changed = git("status", "--porcelain", "--", "*.rs", "*.lalrpop", "*.toml", "*.kf")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else ""), git("log", "-1", "--format=%cs")


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def run(names):
    """Runs the commands that are tests or lists, each once, and remembers what came of it."""
    results, done = remembered(), {}
    for name, _, commands, *_ in PROMISES:
        if name not in names:
            continue
        for command in filter(lambda command: re.search("cargo test|pytest|make deny|make docs", command), commands.split("; ")):
            print(f"{name}: {command}", flush=True)
            if command not in done:
                done[command] = ran(command)
            results.setdefault(name, {})[command] = done[command]
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
            # P19 asks whether this page is current.
            PAGE.write_text(page(*head()))


# Without these tests of CUDA text pass and say that they tested nothing, so an outcome says whether they were set.
COMPILERS = ("KEOPSC_NVCC", "KEOPSC_NVRTC")


def ran(command):
    commit, _ = head()
    locked = f"{command} --locked" if command.startswith("cargo") else command
    done = subprocess.run(locked, shell=True, cwd=ROOT, capture_output=True, text=True)
    passed = sum(int(count) for count in re.findall(r"(\d+) passed", done.stdout))
    outcome = {"passed": passed, "succeeded": done.returncode == 0, "commit": commit, "date": datetime.date.today().isoformat()}
    compilers = [variable for variable in COMPILERS if variable in os.environ]
    return {**outcome, "with": compilers} if compilers else outcome


def remembered():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def outcomes(name, commands):
    known = remembered().get(name, {})
    words = []
    for command in filter(None, commands.split("; ")):
        outcome = known.get(command)
        if outcome:
            passed = f"{counted(outcome['passed'], 'test', 'tests')} passed" if outcome["passed"] else "succeeded"
            verdict = passed if outcome["succeeded"] else "**failed**"
            words.append(f"`{command}`: {verdict} ({', '.join([outcome['date'], outcome['commit'], *(f'with {name}' for name in outcome.get('with', []))])})")
        else:
            words.append(f"`{command}`")
    return "<br>".join(words) or "-"


def page(commit, date):
    lines = [
        "# Evidence",
        "",
        "What keopsc promises, the tests that hold it, and what is not held. `make evidence` writes this page; every number on it is counted in the",
        "sources or read from the file that is named.",
        "",
        f"Sources of commit {commit}, {date}. Beside a command stands what came of it where `scripts/evidence.py run` has run it; the others are",
        "parts of `make test`, or say what they need.",
        "",
        "| | promise | test | command | evidence |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, promise, commands, places, evidence in PROMISES:
        tests = "<br>".join(map(place_link, places)) or "-"
        lines.append(f"| {name} | {promise} | {tests} | {outcomes(name, commands)} | {'; '.join(evidence())} |")
    return "\n".join(lines) + "\n"


def main():
    if sys.argv[1:2] == ["--check"]:
        written = re.search(r"^Sources of commit (\S+), (\S+)\. ", PAGE.read_text(), re.M)
        sys.exit(None if written and PAGE.read_text() == page(*written.groups()) else "docs/evidence.md is not current: make evidence")
    if sys.argv[1:2] == ["run"]:
        run(sys.argv[2:] or [name for name, *_ in PROMISES])
    PAGE.write_text(page(*head()))


if __name__ == "__main__":
    main()
