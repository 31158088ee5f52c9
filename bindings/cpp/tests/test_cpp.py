"""keopsc.hpp as a C++ program sees it, and what `make install` gives to CMake and pkg-config."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
BINDINGS = TESTS.parents[1]
ROOT = BINDINGS.parent
KEOPSC = Path(os.environ.get("KEOPSC", ROOT / "target" / "release" / "keopsc")).resolve()
sys.path.append(str(ROOT / "tests" / "python"))

import device  # noqa: E402

COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wold-style-cast", "-Werror"]
SOURCES = [f"-I{BINDINGS / 'cpp' / 'include'}", f"-I{BINDINGS.parent / 'runtime' / 'include'}"]


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """A folder with what calls.cpp loads."""
    folder = tmp_path_factory.mktemp("libraries")
    run(KEOPSC, "compile", TESTS / "calls.kf", "-o", folder / "libcalls.so")
    for dtype in ("f64", "f16", "bf16"):
        name = f"calls_{dtype}"
        run(KEOPSC, "compile", TESTS / "calls.kf", "--dtype", dtype, "--name", name, "-o", folder / f"lib{name}.so")
    product = "dtype c128; z = Vi(1); w = Vj(1); out dot = Sum[j](z * w)"
    run(KEOPSC, "compile", "-e", product, "--name", "complex", "-o", folder / "libcomplex.so")
    return folder


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where everything is installed, moved after that: what is installed finds its parts wherever it lies."""
    folder = tmp_path_factory.mktemp("prefix")
    run(ROOT / "scripts" / "install.sh", KEOPSC, folder / "first")
    return (folder / "first").rename(folder / "moved")


@pytest.mark.parametrize("standard", ["c++17", "c++20"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_calls(libraries, tmp_path, compiler, standard):
    run(compiler, f"-std={standard}", *WARNINGS, *SOURCES, TESTS / "calls.cpp", "-o", tmp_path / "calls", "-ldl", "-pthread")
    run(tmp_path / "calls", libraries)


def test_calls_with_sanitizers(libraries, tmp_path):
    options = ["-std=c++17", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    run("g++", *options, *WARNINGS, *SOURCES, TESTS / "calls.cpp", "-o", tmp_path / "calls", "-ldl", "-pthread")
    run(tmp_path / "calls", libraries)


def test_on_a_gpu(tmp_path):
    """The emulated one."""
    run(KEOPSC, "compile", TESTS / "calls.kf", *device.OPTIONS, "-o", tmp_path / "libcalls.so", env=device.environment())
    run("g++", "-std=c++17", *WARNINGS, *SOURCES, TESTS / "calls.cpp", "-o", tmp_path / "calls", "-ldl", "-pthread")
    run(tmp_path / "calls", tmp_path, "gpu", env=device.environment())


@pytest.mark.parametrize("order", [("calls.h", "keopsc.hpp"), ("keopsc.hpp", "calls.h")], ids=["header first", "header last"])
def test_beside_a_generated_header(libraries, tmp_path, order):
    source = tmp_path / "main.cpp"
    source.write_text("".join(f'#include "{name}"\n' for name in order) + "int main() { return calls_strerror(KEOPS_OK) ? 0 : 1; }\n")
    options = ["-std=c++17", *WARNINGS, *SOURCES, f"-I{libraries}", f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
    run("g++", *options, source, "-lcalls", "-ldl", "-o", tmp_path / "main")
    run(tmp_path / "main")


def test_abi_is_that_of_generated_headers(libraries):
    """The types in keopsc_abi.h are, word for word, those in the header of each library."""

    def types(path):
        text = path.read_text()
        return text[text.index("#ifndef KEOPS_ABI_VERSION") : text.index("#endif /* KEOPS_ABI_VERSION */")]

    assert types(BINDINGS.parent / "runtime" / "include" / "keopsc_abi.h") == types(libraries / "calls.h")


def configure(prefix, folder, *options, source=BINDINGS / "cpp" / "example"):
    return ["cmake", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_FLAGS={' '.join(WARNINGS)}", *options]


def test_example_project(prefix, tmp_path):
    """Copied, so that its formula can be changed: then the library is compiled again, and else not."""
    source, build = tmp_path / "example", tmp_path / "build"
    shutil.copytree(BINDINGS / "cpp" / "example", source)
    run(*configure(prefix, build, source=source))
    run("cmake", "--build", build)
    lines = run(build / "example").splitlines()
    assert [line.split(",")[0].rsplit(" ", 1)[0] for line in lines[:2]] == ["a peak at"] * 2
    # By symmetry of sine and cosine the peaks are near the centres of the clusters.
    assert [round(float(line[line.index("(") + 1 : line.index(",")])) for line in lines[:2]] == [-3, 3]
    assert lines[2] == "refused: density: tensor y: expected shape (batch..., N, 2), given shape (50, 3)"

    assert "keopsc compiles" not in run("cmake", "--build", build)
    formula = source / "density.kf"
    formula.write_text(formula.read_text().replace("Mean", "Sum"))
    assert "keopsc compiles" in run("cmake", "--build", build)
    values = [float(line.rsplit(" ", 1)[1]) for line in lines[:2]]
    sums = [float(line.rsplit(" ", 1)[1]) for line in run(build / "example").splitlines()[:2]]
    assert sums == pytest.approx([200 * value for value in values], rel=1e-3)


GENERATORS = [name for name, tool in [("Unix Makefiles", "make"), ("Ninja", "ninja")] if shutil.which(tool)]


@pytest.mark.parametrize("generator", GENERATORS)
def test_files_that_a_formula_uses_are_followed(prefix, tmp_path, generator):
    source, build = tmp_path / "an example", tmp_path / "build"
    shutil.copytree(BINDINGS / "cpp" / "example", source)
    formula, definitions = source / "density.kf", source / "its definitions.kf"
    formula.write_text('use "its definitions.kf"\n' + formula.read_text())
    definitions.write_text("def One() = 1\n")
    run(*configure(prefix, build, "-G", generator, source=source))
    assert "keopsc compiles" in run("cmake", "--build", build)
    assert "keopsc compiles" not in run("cmake", "--build", build)
    definitions.write_text("def One() = 2\n")
    assert "keopsc compiles" in run("cmake", "--build", build)
    assert "keopsc compiles" not in run("cmake", "--build", build)


def test_wrong_formulas_stop_the_build(prefix, tmp_path):
    source = tmp_path / "example"
    shutil.copytree(BINDINGS / "cpp" / "example", source)
    (source / "density.kf").write_text("x = Vi(D)\nout density = Sum[j](x)\n")
    run(*configure(prefix, tmp_path / "build", source=source))
    done = subprocess.run(["cmake", "--build", tmp_path / "build"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "error[E" in done.stdout + done.stderr and "density.kf:1" in done.stdout + done.stderr


@pytest.mark.parametrize("version, found", [("", True), ("0.1", True), ("0.1.0", True), ("0.2", False), ("1", False)])
def test_versions(prefix, tmp_path, version, found):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(version NONE)\n"
        f'find_package(keopsc {version})\nmessage("found: ${{keopsc_FOUND}}")\n'
    )
    done = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}"], capture_output=True, text=True)
    assert f"found: {int(found)}" in done.stderr


def test_pkg_config(prefix, libraries, tmp_path):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "share" / "pkgconfig")}
    options = run("pkg-config", "--cflags", "--libs", "keopsc", env=environment).split()
    run("g++", "-std=c++17", TESTS / "calls.cpp", *options, "-pthread", "-o", tmp_path / "calls")
    run(tmp_path / "calls", libraries)
    compiler = run("pkg-config", "--variable=compiler", "keopsc", env=environment).strip()
    assert run(compiler, "--version").startswith("keopsc " + run("pkg-config", "--modversion", "keopsc", env=environment).strip())
