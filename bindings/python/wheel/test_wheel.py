"""The wheel that `make wheel` has made: what is in it, on which machines and Pythons it runs, and that it needs no compiler there."""

import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bindings" / "python"
WHEELS = ROOT / "target" / "wheels"

#: Pythons that the wheel is tried with: this one, and the oldest one that it is for, where `scripts/setup.sh wheel` has found it.
PYTHONS = {"newest": Path(sys.executable), "oldest": ROOT / ".venv-oldest" / "bin" / "python"}

#: What compiles, assembles or links.
TOOLS = "cc c++ gcc g++ clang clang++ as ld ld.lld lld llc opt nvcc rustc".split()

GAUSS = """
x = Vi(1)
y = Vj(1)
b = Vj(1)
out conv = Sum[j](Exp(-SqDist(x, y)) * b)
"""

BY_CTYPES = """
import ctypes, math, sys
import keopsc
try:
    import numpy
except ModuleNotFoundError:
    pass
else:
    sys.exit("there is a NumPy")
file = keopsc.compile_file("gauss.kf")
numbers = lambda *values: (ctypes.c_float * len(values))(*values)
x, y, b, conv = numbers(0, 1), numbers(0, 1, 2), numbers(1, 2, 3), numbers(0, 0)
status = ctypes.CDLL(file.conv.entry.library.path).gauss_conv(ctypes.c_int64(2), ctypes.c_int64(3), x, y, b, conv)
wanted = [sum(math.exp(-((p - q) ** 2)) * w for q, w in zip(y, b)) for p in x]
assert status == 0 and all(abs(found - true) < 1e-5 for found, true in zip(conv, wanted)), (status, list(conv), wanted)
print(keopsc.__file__)
"""

BY_NUMPY = """
import numpy as np
from keopsc.compat import pykeops
from pykeops.numpy import LazyTensor, Genred, Vi, Vj
random = np.random.default_rng(0)
x, y, b = (random.random(shape) for shape in ((5, 3), (7, 3), (7, 1)))
wanted = np.exp(-((x[:, None] - y[None]) ** 2).sum(-1)) @ b
K = (-((LazyTensor(x[:, None, :]) - LazyTensor(y[None, :, :])) ** 2).sum(-1)).exp()
by_text = Genred("Exp(-SqDist(x, y)) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(1)"], axis=1)
for found in (K @ b, by_text(x, y, b), (-Vi(x).sqdist(Vj(y))).exp() @ b):
    assert abs(found - wanted).max() < 1e-13
pykeops.check_health()
pykeops.test_numpy_bindings()
"""


@pytest.fixture(scope="session")
def wheel():
    (found,) = WHEELS.glob("*.whl")
    return found


class Environment:
    """A virtual environment in which nothing but the wheel is installed. `packages` is where others are, for those that ask for them."""

    def __init__(self, folder, python, wheel):
        self.bin = folder / "environment" / "bin"
        self.home = folder / "home"
        self.home.mkdir()
        subprocess.run([python, "-m", "venv", self.bin.parent], check=True)
        subprocess.run([self.bin / "pip", "install", "-q", "--disable-pip-version-check", "--no-index", "--no-deps", wheel], check=True)
        self.packages = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, capture_output=True, text=True
        ).stdout.strip()

    def run(self, program, *arguments, folder=None, **environment):
        """What a program of the environment prints; no other program can be found, and nothing has been compiled before, unless variables say otherwise."""
        known = {"PATH": str(self.bin), "HOME": str(self.home), **environment}
        assert not [tool for tool in TOOLS if shutil.which(tool, path=known["PATH"])]
        done = subprocess.run([self.bin / program, *arguments], env=known, cwd=folder or self.home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session", params=PYTHONS)
def environment(request, wheel, tmp_path_factory):
    python = PYTHONS[request.param]
    if not python.exists():
        pytest.skip("there is no Python 3.9 on this machine")
    return Environment(tmp_path_factory.mktemp(request.param), python, wheel)


def test_one_wheel_for_all_pythons_of_a_platform(wheel):
    assert re.fullmatch(r"keopsc-[\d.]+-py3-none-manylinux_2_\d+_(x86_64|aarch64)\.whl", wheel.name)


def test_all_sources_the_compiler_and_licences_are_in_it(wheel):
    sources = PACKAGE / "src"
    wanted = {str(path.relative_to(sources)) for kind in ("*.py", "*.pyi", "py.typed") for path in sources.rglob(kind)}
    found = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("keopsc/") and not name.endswith("/")}
    assert found == wanted | {"keopsc/bin/keopsc", "keopsc/bin/LICENCES.txt"}


def test_auditwheel_agrees_with_the_name(wheel):
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    said = subprocess.run([shutil.which("auditwheel", path=path), "show", wheel], env={**os.environ, "PATH": path}, check=True, capture_output=True, text=True)
    platform = wheel.stem.rpartition("-")[2]
    assert f'is consistent with the following platform tag: "{platform}"' in " ".join(said.stdout.split()), said.stdout


def test_the_oldest_python_is_that_of_the_metadata(wheel):
    files = zipfile.ZipFile(wheel)
    (name,) = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = email.message_from_bytes(files.read(name))
    assert metadata["Requires-Python"] == ">=3.9" and metadata.get_all("Requires-Dist", []) == ['numpy; extra == "numpy"', 'torch; extra == "torch"']
    oldest = PYTHONS["oldest"]
    if oldest.exists():
        assert subprocess.run([oldest, "--version"], check=True, capture_output=True, text=True).stdout.startswith("Python 3.9.")


def vermin(path):
    """What vermin finds that Python 3.9 does not know, and its exit status."""
    command = [Path(sysconfig.get_path("scripts")) / "vermin", "-t=3.9-", "--no-tips", "--violations", path]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout, done.returncode


def test_the_sources_use_nothing_that_python_3_9_does_not_know(tmp_path):
    said, status = vermin(PACKAGE / "src")
    assert status == 0, said
    newer = tmp_path / "newer.py"
    newer.write_text("import sys\nmatch sys.argv:\n    case []:\n        print(zip([], [], strict=True))\n")
    said, status = vermin(newer)
    assert status == 1 and "match" in said, said


def test_a_formula_without_numpy(environment, tmp_path):
    (tmp_path / "gauss.kf").write_text(GAUSS)
    where = environment.run("python", "-c", BY_CTYPES, folder=tmp_path)
    assert Path(where.strip()).is_relative_to(environment.bin.parent)


def test_the_command(environment, tmp_path):
    (tmp_path / "gauss.kf").write_text(GAUSS)
    (tmp_path / "ones.csv").write_text("1\n1\n")
    assert environment.run("keopsc", "--version").startswith("keopsc ")
    environment.run("keopsc", "compile", "gauss.kf", folder=tmp_path)
    assert (tmp_path / "libgauss.so").exists() and (tmp_path / "gauss.h").exists()
    ones = [f"{name}=ones.csv" for name in "xyb"]
    environment.run("keopsc", "run", "gauss.kf", *ones, "-o", "conv=conv.csv", folder=tmp_path)
    assert (tmp_path / "conv.csv").read_text().split() == ["2", "2"]


def test_names_of_pykeops_with_numpy(environment):
    said = environment.run("python", "-c", "import keopsc.compat; keopsc.compat.install()" + BY_NUMPY, PYTHONPATH=environment.packages)
    assert f"compiler {environment.bin.parent}" in said and "keopsc with numpy bindings is working!" in said


# The newest one runs them in `make test-package`.
@pytest.mark.parametrize("environment", ["oldest"], indirect=True)
def test_the_tests_of_the_package(environment):
    options = ["-q", "-p", "no:cacheprovider", "-o", "pythonpath="]
    # With the libraries that other tests have left in the user's cache, which saves half of the time.
    variables = {name: os.environ[name] for name in ("HOME", "KEOPSC_CACHE_DIR") if name in os.environ}
    said = environment.run("python", "-m", "pytest", *options, folder=PACKAGE, PYTHONPATH=environment.packages, PYTHONDONTWRITEBYTECODE="1", **variables)
    assert int(re.search(r"(\d+) passed", said).group(1)) > 90, said
