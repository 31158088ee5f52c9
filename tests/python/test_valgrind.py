"""Support code and kernels under valgrind: no byte outside of the tensors is touched, no result depends on memory that was never written, nothing is
left behind, and threads do not race. A program in C makes the calls (tests/c/watched.c); valgrind knows no AVX-512, so the code for SSE and AVX2 runs.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from formulas import GAUSS
from keops import ROOT
from scatters import SOURCE as SCATTERS
from test_c import SOURCES, STRICT

pytestmark = pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed: scripts/setup.sh valgrind")

HARD = ["--error-exitcode=9", "-q"]
TOOLS = {
    "memcheck": [*HARD, "--leak-check=full", "--errors-for-leak-kinds=all"],
    "drd": [*HARD, "--tool=drd", "--check-stack-var=yes"],
    "helgrind": [*HARD, "--tool=helgrind"],
}
LEVELS = ["x86-64-v2", "x86-64-v3"]

CODES = {"f16": (2, 16), "bf16": (4, 16), "f32": (2, 32), "f64": (2, 64), "i64": (0, 64), "c64": (5, 64), "c128": (5, 128)}
WIDE = """
x = Vi(70); y = Vj(70); b = Vj(20); s = Pm(1)
K = Exp(-SqDist(x, y) * Square(s))
out sums  = Sum[j](K * b)
out grad  = Grad(sums, y)
out lists = ArgKMin[j, K=7](SqDist(x, y))
out soft  = SumSoftMaxWeight[j](-SqDist(x, y), b)
"""
NUMERICS = "numerics sum = kahan\nx = Vi(2); y = Vj(2)\nout total = Sum[j](Exp(-SqDist(x, y)))\nout best = KMin[j, K=3](SqDist(x, y))\n"
COMPLEX = "dtype c64; z = Vi(2); w = Vj(2); out dot = Sum[j](z * w); out far = Max[j](ComplexAbs(z - w))"
LIBRARIES = {
    "gauss": (GAUSS,),
    "scatters": (SCATTERS,),
    "wide": (WIDE,),
    "doubles": (NUMERICS, "--dtype", "f64"),
    "halves": (GAUSS, "--dtype", "f16"),
    "complexes": (COMPLEX,),
}


def rows_of(tensor, m, n):
    return {"i": m, "j": n, "parameter": -1}[tensor["role"]]


def elements(tensor):
    product = 1
    for extent in tensor["shape"]:
        product *= extent
    return product


def call(entry, m, n, batch=1, threads=1, shards=0, ranges=0, workspace=0):
    """The numbers of a call, as the program in C reads them. Where there is a batch, every second input has no part in it."""
    about = entry.manifest["shards"] or {"over": "j", "rows": "i"}
    counts = {"i": m, "j": n, "parameter": 1}
    tensors = entry.manifest["tensors"]
    words = [entry.manifest["name"], m, n, batch, threads, shards, counts[about["over"]], batch * counts[about["rows"]], ranges, workspace, len(tensors)]
    for number, tensor in enumerate(tensors):
        is_result = tensor["kind"] == "output"
        words += [*CODES[tensor["dtype"]], int(is_result), rows_of(tensor, m, n), elements(tensor), int(is_result or number % 2 == 0)]
    return " ".join(map(str, words))


def calls(library, sizes, threads):
    """Rows around tiles, in one call and in shards, with batches, ranges, memory of the caller's."""
    lines = []
    for entry in library.entries.values():
        for m, n in sizes:
            lines += [call(entry, m, n, threads=threads), call(entry, m, n, batch=3, threads=threads, workspace=1)]
            lines += [call(entry, m, n, batch=2, threads=threads, ranges=1)] if m > 1 and n > 1 else []
            lines += [call(entry, m, n, batch=2, threads=threads, shards=3, workspace=1)] if entry.manifest["shards"] and m and n else []
    return "\n".join(lines) + "\n"


SIZES = [(1, 300), (53, 70), (100, 0), (0, 9), (17, 129)]
LARGER = [(3, 2000), (160, 150)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    program = tmp_path_factory.mktemp("watched") / "watched"
    include = ROOT / "runtime/include"
    subprocess.run(["gcc", "-std=c99", "-g", *STRICT, f"-I{include}", SOURCES / "watched.c", "-o", program, "-ldl", "-pthread"], check=True)
    return program


def watch(tool, program, library, text, folder, level, *mode):
    file = Path(folder) / "calls"
    file.write_text(text)
    environment = {**os.environ, "KEOPSC_TARGET": level}
    command = [*(["valgrind", *TOOLS[tool]] if tool else []), program, library.path, file, *mode]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", LIBRARIES)
def test_memory(compiled, watched, tmp_path, name, level):
    text, *options = LIBRARIES[name]
    library = compiled(text, name, *options)
    lines = calls(library, SIZES, threads=2)
    found = watch("memcheck", watched, library, lines, tmp_path, level)
    assert (found.returncode, found.stderr) == (0, ""), found.stderr
    assert len(found.stdout.splitlines()) == len(lines.splitlines())
    assert found.stdout == watch(None, watched, library, lines, tmp_path, level).stdout


@pytest.mark.parametrize("name, tool", [(name, "drd") for name in LIBRARIES] + [("gauss", "helgrind"), ("scatters", "helgrind")])
def test_races(compiled, watched, tmp_path, name, tool):
    """Eight threads, and the bits of one."""
    text, *options = LIBRARIES[name]
    library = compiled(text, name, *options)
    found = watch(tool, watched, library, calls(library, LARGER, threads=8), tmp_path, LEVELS[-1])
    assert (found.returncode, found.stderr) == (0, ""), found.stderr
    assert found.stdout == watch(None, watched, library, calls(library, LARGER, threads=1), tmp_path, LEVELS[-1]).stdout


def test_what_watches_sees(compiled, watched, tmp_path):
    library = compiled(GAUSS, "gauss")
    one = call(library.conv, 53, 70, threads=2)
    assert "Invalid read" in watch("memcheck", watched, library, one, tmp_path, LEVELS[-1], "beyond").stderr
    assert "Conflicting store" in watch("drd", watched, library, one, tmp_path, LEVELS[-1], "race").stderr
    assert "Possible data race" in watch("helgrind", watched, library, one, tmp_path, LEVELS[-1], "race").stderr
