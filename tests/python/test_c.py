"""The generated header and library as a C or C++ program sees them."""

import subprocess
from pathlib import Path

import pytest

from formulas import GAUSS

SOURCES = Path(__file__).resolve().parents[1] / "c"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wstrict-prototypes", "-Werror"]
STRICT_CXX = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-long-long"]


def build(library, source, output, *options, compiler="gcc"):
    """Compiles and links against a library and runs the program."""
    folder = library.path.parent
    subprocess.run(
        [compiler, *options, f"-I{folder}", source, "-o", output, f"-L{folder}", f"-l{library.name}", "-lm", f"-Wl,-rpath,{folder}"],
        check=True,
    )
    subprocess.run([output], check=True, timeout=60)


@pytest.fixture
def gauss(compiled):
    return compiled(GAUSS, "gauss")


@pytest.mark.parametrize("standard", ["c99", "c11", "c17"])
def test_layer_2(gauss, tmp_path, standard):
    build(gauss, SOURCES / "layer2.c", tmp_path / "layer2", f"-std={standard}", *STRICT)


@pytest.mark.parametrize("standard", ["c99", "c17"])
def test_shards(gauss, tmp_path, standard):
    build(gauss, SOURCES / "shards.c", tmp_path / "shards", f"-std={standard}", *STRICT)


@pytest.mark.parametrize("standard", ["c++98", "c++11", "c++20"])
def test_header_is_cxx(gauss, tmp_path, standard):
    source = tmp_path / "main.cpp"
    source.write_text('#include "gauss.h"\nint main() { return gauss_strerror(0) ? 0 : 1; }\n')
    build(gauss, source, tmp_path / "main", f"-std={standard}", *STRICT_CXX, compiler="g++")


def test_two_headers(gauss, compiled, tmp_path):
    other = compiled("x = Vi(1); y = Vj(1); out s = Sum[j](x * y)", "other")
    options = [f"-I{other.path.parent}", f"-L{other.path.parent}", f"-Wl,-rpath,{other.path.parent}"]
    folder = gauss.path.parent
    output = tmp_path / "two"
    subprocess.run(
        ["gcc", "-std=c99", *STRICT, *options, f"-I{folder}", SOURCES / "two_headers.c", "-o", output]
        + [f"-L{folder}", "-lgauss", "-lother", f"-Wl,-rpath,{folder}"],
        check=True,
    )
    subprocess.run([output], check=True, timeout=60)
