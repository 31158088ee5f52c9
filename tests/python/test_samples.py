"""The samples, run as a user runs them, at small sizes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keops import BINARY, ROOT, keopsc, relative_error

SAMPLES = ROOT / "samples"
ENVIRONMENT = {**os.environ, "KEOPSC": str(BINARY)}


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, env=ENVIRONMENT, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_c(tmp_path):
    output = run("make", "-C", SAMPLES / "c", "run", f"BUILD={tmp_path}", f"KEOPSC={BINARY}", "CFLAGS=-O2 -Wall -Wextra -Werror")
    rows = [line.split() for line in output.splitlines() if line.endswith(")") and line.lstrip()[0].isdigit()]
    assert len(rows) == 6
    # The density falls along the diagonal, its slope is 0 in the centre, and the nearest corner is the one that x moves towards.
    assert abs(float(rows[0][2])) < 1e-6
    assert all(float(slope) < 0 for _, _, slope, *_ in rows[1:])
    assert "".join(rows[-1][3:]) == "(1,1,1)"
    assert float(re.search(r"plain loop: (\S+)", output)[1]) < 1e-6


def test_python_gauss(tmp_path):
    keopsc("compile", SAMPLES / "gauss.kf", "-o", tmp_path / "libgauss.so")
    output = run(sys.executable, SAMPLES / "python" / "gauss.py", tmp_path / "libgauss.so", 100, 200)
    errors = dict(re.findall(r"(\w+) +differs from NumPy by (\S+)", output))
    assert set(errors) == {"conv", "conv_x", "nn"}
    assert float(errors["nn"]) == 0


@pytest.mark.parametrize("processes", [1, 3, 4])
def test_python_shards(tmp_path, processes):
    """3 processes of which the third has nothing to do, and 4 that all have."""
    keopsc("compile", SAMPLES / "gauss.kf", "-o", tmp_path / "libgauss.so")
    mpiexec = Path(sys.executable).with_name("mpiexec")
    output = run(mpiexec, "-n", processes, sys.executable, SAMPLES / "python" / "shards.py", tmp_path / "libgauss.so", 50, 4000)
    found = re.findall(r"(\w+) +(\d) shards of (\d+) points, \S+ ms: the bits of one process", output)
    # Chunks of 40 columns in the sum, of powers of 2 in the others.
    shards, of_sum, length = {1: ("1", "5120", "4096"), 3: ("2", "2560", "2048"), 4: ("4", "1280", "1024")}[processes]
    assert found == [("conv", shards, of_sum), ("f", shards, length), ("nn", shards, length)]


def test_rust(tmp_path):
    keopsc("compile", SAMPLES / "gauss.kf", "-o", tmp_path / "libgauss.so")
    command = ["cargo", "run", "--quiet", "--release", "--locked", "--package", "keopsc-sample", "--", tmp_path / "libgauss.so"]
    *drawing, last = run(*command, cwd=ROOT).splitlines()
    assert [len(line) for line in drawing] == [60] * 24
    # The spiral's outermost point is at the right edge; the corners are empty.
    assert "@" in "".join(drawing)
    assert drawing[0][0] == drawing[-1][-1] == " "
    assert float(last.split()[-1]) < 1e-4


def test_python_digits(tmp_path):
    picture = tmp_path / "demo.png"
    output = run(sys.executable, SAMPLES / "python" / "digits.py", picture)
    assert "read correctly: 767 of 797 digits (96.2 %)" in output
    assert "same neighbours as NumPy finds: 100.0 %" in output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_python_kmeans():
    output = run(sys.executable, SAMPLES / "python" / "kmeans.py")
    ours, reference = map(int, re.search(r"squared distances: (\d+), scikit-learn (\d+)", output).groups())
    assert abs(ours - reference) <= 1e-4 * reference
    assert float(re.search(r"same cluster as in scikit-learn: (\S+) %", output)[1]) > 99


@pytest.mark.parametrize("formula", sorted(SAMPLES.glob("*.kf")), ids=lambda path: path.name)
def test_every_formula_compiles(tmp_path, formula):
    keopsc("check", formula)
    keopsc("compile", formula, "-o", tmp_path / "lib.so")


def test_from_the_shell(tmp_path):
    """What the README shows: a kernel sum without a line of code."""
    random = np.random.default_rng(0)
    x, y, b = random.random((50, 3), np.float32), random.random((70, 3), np.float32), random.random((70, 1), np.float32)
    for name, array in {"x": x, "y": y, "b": b}.items():
        np.save(tmp_path / f"{name}.npy", array)
    keopsc("run", SAMPLES / "gauss.kf", "x=x.npy", "y=y.npy", "b=b.npy", "sigma=0.5", "-o", "conv=conv.npy", cwd=tmp_path)
    expected = np.exp(-((x[:, None].astype(float) - y) ** 2).sum(-1) / 0.25) @ b
    assert relative_error(np.load(tmp_path / "conv.npy"), expected) < 1e-6
