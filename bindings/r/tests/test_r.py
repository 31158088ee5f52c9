"""The R package: R CMD check with its tests and examples, the tests with sanitizers, a GPU (the emulated one), and what make install puts elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
KEOPSC = Path(os.environ.get("KEOPSC", ROOT / "target" / "release" / "keopsc")).resolve()
sys.path.append(str(ROOT / "tests" / "python"))

import device  # noqa: E402

STRICT = "-g -O1 -Wall -Wextra -Werror"
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined"

ENVIRONMENT = {**os.environ, "KEOPSC": str(KEOPSC)}


def run(*command, folder=None, **environment):
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=600,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={**ENVIRONMENT, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    run("R", "CMD", "build", PACKAGE, folder=folder)
    return next(folder.glob("keopsc_*.tar.gz"))


def install(source, library, flags=STRICT):
    """Installs the package from an archive or a folder; its C code is compiled with these flags."""
    library.mkdir()
    makevars = library / "Makevars"
    makevars.write_text(f"CFLAGS = {flags}\n")
    run("R", "CMD", "INSTALL", "--no-docs", "--no-test-load", "-l", library, source, R_MAKEVARS_USER=str(makevars))


@pytest.fixture(scope="module")
def library(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed") / "library"
    install(archive, folder)
    return folder


def test_check(archive, tmp_path):
    output = run("R", "CMD", "check", "--no-manual", archive, folder=tmp_path)
    assert "Status: OK" in output, output
    ran = {path.stem for path in tmp_path.glob("keopsc.Rcheck/tests/*.Rout")}
    assert ran == {path.stem for path in PACKAGE.glob("tests/*.R")} != set(), ran


def test_with_sanitizers(archive, tmp_path):
    """R itself has none, so they are loaded before it; what R leaves behind is no leak of ours."""
    install(archive, tmp_path / "library", f"{STRICT} {SANITIZERS}")
    found = [run("gcc", f"-print-file-name=lib{name}.so").strip() for name in ("asan", "ubsan")]
    environment = {"R_LIBS": str(tmp_path / "library"), "LD_PRELOAD": " ".join(found), "ASAN_OPTIONS": "detect_leaks=0"}
    for test in sorted(PACKAGE.glob("tests/*.R")):
        run("Rscript", "--vanilla", test.name, folder=test.parent, **environment)


def test_on_a_gpu(library):
    code = """
    library(keopsc)
    x <- matrix(seq(0, 1, length.out = 30), 10); y <- x^2; b <- matrix(1:10)
    D <- outer(rowSums(x^2), rowSums(y^2), "+") - 2 * x %*% t(y)
    rkeops_use_gpu()
    for (precision in c("float64", "float32")) {
      set_rkeops_options(precision = precision)
      found <- exp(-sqdist(Vi(x), Vj(y))) %*% b
      stopifnot(max(abs(found - exp(-D) %*% b)) < if (precision == "float64") 1e-12 else 1e-4)
    }
    rkeops_use_gpu(7)
    tryCatch(sum(Vi(x), "i"), keopsc_device = function(error) cat(conditionMessage(error)))
    """
    environment = device.environment(**{**ENVIRONMENT, "R_LIBS": str(library)})
    output = run("Rscript", "--vanilla", "-e", code, **environment)
    assert "there is no CUDA device 7" in output


def test_installed(tmp_path):
    """What `make install` puts elsewhere is a package with all that it needs, which finds the compiler on PATH."""
    prefix = tmp_path / "prefix"
    run(ROOT / "scripts" / "install.sh", KEOPSC, prefix)
    install(prefix / "share" / "keopsc" / "r", tmp_path / "library")
    code = "library(keopsc); F <- keops_kernel('Sum_Reduction(x * y, 1)', c('x=Vi(1)', 'y=Vj(1)')); cat(F(list(3, 4:5)))"
    path = f"{prefix / 'bin'}:/usr/bin:/bin"
    assert run("Rscript", "--vanilla", "-e", code, R_LIBS=str(tmp_path / "library"), KEOPSC="", PATH=path) == "27"


def test_version():
    own = re.search(r"^Version: (.*)$", (PACKAGE / "DESCRIPTION").read_text(), re.MULTILINE)
    workspace = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert own[1] == workspace[1]
