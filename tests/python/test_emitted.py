"""The compiler writes the texts that were kept, on every machine: plans, schedules, LLVM's text for three levels after its optimizer, and CUDA.

`emitted.txt` beside this has digests of them, a line for each file and stage; `BLESS=1` writes it anew. LLVM's text depends on LLVM's version. Who did not mean to change what is emitted sees here that it changed: `keopsc compile FILE --emit STAGE` of both commits shows where.
"""

import hashlib
import os
import re

import pytest

from keops import ROOT, keopsc

KEPT = ROOT / "tests/python/emitted.txt"
FILES = [path for folder in ("samples", "compiler/cuda/tests/cases") for path in sorted((ROOT / folder).glob("*.kf"))]
STAGES = ("plan", "schedule", "llvm", "cuda")
LEVELS = "x86-64-v2,x86-64-v3,x86-64-v4"


def lines(path):
    text = keopsc("compile", path, "--target", LEVELS, "--emit", ",".join(STAGES)).stdout
    heading, *parts = re.split(r"^==> (\w+) <==$", text, flags=re.M)
    emitted = dict(zip(parts[::2], parts[1::2], strict=True))
    assert not heading and list(emitted) == list(STAGES)
    return [f"{path.relative_to(ROOT)} {stage} {hashlib.sha256(emitted[stage].encode()).hexdigest()[:16]}\n" for stage in STAGES]


def test_texts_are_those_that_were_kept():
    found = [line for path in FILES for line in lines(path)]
    if os.environ.get("BLESS"):
        KEPT.write_text("".join(found))
    kept = KEPT.read_text().splitlines(keepends=True)
    changed = [line.rpartition(" ")[0] for line in found if line not in kept]
    assert not changed, f"other text than {KEPT.name} has, where BLESS=1 keeps it: {', '.join(changed)}"
    assert len(found) == len(kept)


@pytest.mark.parametrize("distance", ["SqDist(x, y)", "SqDist(y, x)", "Sum(Abs(x - y))"])
def test_subtractions_of_avx512_read_columns_themselves(distance):
    """Three quarters of the 8 columns of a tile, for each of 3 row vectors: LLVM would read each once, in an instruction of its own."""
    formula = f"x = Vi(32); y = Vj(32); out sum = Sum[j](Exp(-{distance}))"
    text = keopsc("compile", "-e", formula, "--target", "x86-64-v4", "--emit", "asm").stdout
    loops = re.split(r"^\.?L\w+:", text, flags=re.M)
    assert 18 in [len(re.findall(r"vsubps\s.*\{1to16\}", loop)) for loop in loops]
