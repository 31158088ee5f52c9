"""What runs on a GPU came to is read from their logs, and nothing else counts as success."""

import sys

import pytest
from page import ROOT

sys.path.append(str(ROOT / "scripts"))

import gpu_record  # noqa: E402

CALLS = "digest float32 00ff of inputs 11ee\nsanitize: 582 calls, 0 of them wrong\n"
WRONG = "float32 sum [(3, 3)] []: relative error 1e0\nsanitize: 582 calls, 1 of them wrong\n"
NO_ERRORS = "========= ERROR SUMMARY: 0 errors\n"
HAZARDS = "========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)\n"
RING = "H100: 10190 calls agree in every way, 4275 in little memory; 5 depend on NaNs, 3 have no room\n"
# The group, its exit status, its log, the numbers of cases and errors that the log has, and whether that is a success.
RUNS = [
    ("memcheck", 0, CALLS + NO_ERRORS, 582, 0, True),
    ("memcheck", 9, CALLS + "========= ERROR SUMMARY: 7 errors\n", 582, 7, False),
    ("memcheck", 0, CALLS, 582, None, False),
    ("memcheck", 124, "", None, None, False),
    ("memcheck", 0, NO_ERRORS, None, 0, False),
    ("memcheck", 0, WRONG + NO_ERRORS, 582, 1, False),
    ("racecheck", 9, CALLS + HAZARDS, 582, 2, False),
    ("digests", 0, CALLS, 582, 0, True),
    ("ring", 0, RING, 10190, 0, True),
    ("ring", 101, RING + "2 libraries are wrong:\n", 10190, 2, False),
    ("ring", 139, "", None, None, False),
    ("tests", 0, "120 passed, 2 skipped in 9.50s\n", 120, 0, True),
    ("tests", 1, "===== 3 failed, 117 passed, 1 error in 61.02s (0:01:01) =====\n", 117, 4, False),
    ("package", 0, "2 skipped in 0.50s\n", None, 0, False),
]


@pytest.mark.parametrize(("group", "status", "log", "cases", "errors", "succeeded"), RUNS)
def test_outcomes_of_runs(group, status, log, cases, errors, succeeded):
    found = gpu_record.outcome(group, status, log)
    assert (found["cases"], found["errors"], found["succeeded"]) == (cases, errors, succeeded)


def test_changed_bits_are_told_by_architecture_and_compiler():
    def row(digest, **other):
        same = {"group": "digests", "capability": "9.0", "compiler": "nvcc 13.0", "commit": "c", "date": "d", "inputs": {"wide": "given"}}
        return {**same, **other, "digests": {"wide": digest}}

    kept = [row("1"), row("2"), row("3", capability="8.0"), row("3", compiler="nvcc 12.9"), row("4", inputs={"wide": "others"})]
    before_inputs_were_kept = {name: value for name, value in row("5").items() if name != "inputs"}
    kept.append(before_inputs_were_kept)
    assert gpu_record.changed(row("2"), kept) == []
    assert gpu_record.changed(row("1"), kept) == ["the bits of wide are not those of c (d)"]
    assert gpu_record.changed(row("3", compiler="nvcc 12.9"), kept) == []
    assert gpu_record.changed(row("1", compiler="NVRTC"), kept) == []
    assert gpu_record.changed(row("1", inputs={"wide": "new"}), kept) == []
    log = CALLS + "digest wide 1 of inputs 2\n"
    assert gpu_record.outcome("digests", 0, log)["inputs"] == {"float32": "11ee", "wide": "2"}
