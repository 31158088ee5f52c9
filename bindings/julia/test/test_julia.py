"""The Julia module: runtests.jl, its structs beside the C header, on a GPU (the emulated one), and as `make install` leaves it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[1]
ROOT = MODULE.parents[1]
KEOPSC = Path(os.environ.get("KEOPSC", ROOT / "target" / "release" / "keopsc")).resolve()
# What `scripts/setup.sh julia` installs, where there is none.
JULIA = os.environ.get("JULIA") or shutil.which("julia") or str(ROOT / ".julia" / "julia")
sys.path.append(str(ROOT / "tests" / "python"))

import device  # noqa: E402


def julia(*arguments, module=MODULE, **environment):
    settings = {"KEOPSC": str(KEOPSC), "JULIA_LOAD_PATH": f"{module}:@stdlib", **environment}
    done = subprocess.run([JULIA, *map(str, arguments)], capture_output=True, text=True, timeout=600, env={**os.environ, **settings})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_in_julia():
    output = julia("--threads=4", MODULE / "test" / "runtests.jl")
    passed = [int(number) for number in re.findall(r"\|\s+(\d+)\s+\d+\s*$", output, re.M)]
    assert sum(passed) > 300, output


STRUCTS = ["DLDevice", "DLDataType", "DLTensor", "keops_call", "keops_entry_v1", "keops_module"]
HEADER = (ROOT / "runtime" / "include" / "keopsc_abi.h").read_text()


def fields(name):
    """The fields of a struct in Julia's text."""
    text = re.search(rf"^struct {name}\n(.*?)^end$", (MODULE / "src" / "abi.jl").read_text(), re.M | re.S)[1]
    return re.findall(r"^    (\w+)::", text, re.M)


@pytest.mark.parametrize("name", STRUCTS)
def test_structs_are_those_of_the_header(tmp_path, name):
    """Names, places and sizes of all fields, as a C compiler and as Julia have them."""
    lines = [f'printf("%zu\\n", sizeof({name}));']
    lines += [f'printf("{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));' for field in fields(name)]
    program = '#include <stddef.h>\n#include <stdio.h>\n#include "keopsc_abi.h"\nint main(void) {\n' + "\n".join(lines) + "\nreturn 0;\n}\n"
    (tmp_path / "main.c").write_text(program)
    subprocess.run(["cc", f"-I{ROOT / 'runtime' / 'include'}", tmp_path / "main.c", "-o", tmp_path / "main"], check=True)
    expected = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    show = "for k = 1:fieldcount(T) println(fieldname(T, k), ' ', fieldoffset(T, k), ' ', sizeof(fieldtype(T, k))) end"
    assert julia("-e", f"using Keopsc; T = Keopsc.{name}; println(sizeof(T)); {show}") == expected


def test_structs_have_all_fields():
    for name in STRUCTS:
        body = re.search(r"typedef struct \{((?:(?!typedef struct).)*)\}\s*" + name + ";", HEADER, re.S)[1]
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
        declared = [re.search(r"\(\*(\w+)\)|(\w+)$", member.split("(const")[0].strip()) for member in body.split(";") if member.strip()]
        assert [match[1] or match[2] for match in declared] == fields(name), name


def test_statuses_are_those_of_the_header():
    names = [name for name, number in sorted(re.findall(r"KEOPS_(\w+) = (\d+),? /\*", HEADER), key=lambda row: int(row[1])) if number != "0"]
    listed = re.search(r"const STATUSES = \[(.*?)\]", (MODULE / "src" / "abi.jl").read_text())[1]
    assert [name.strip(": ").upper() for name in listed.split(",")] == names
    version = re.search(r"#define KEOPS_ABI_VERSION (\d+)", HEADER)[1]
    assert f"const ABI_VERSION = {version}\n" in (MODULE / "src" / "abi.jl").read_text()


def test_on_a_gpu():
    code = """
    using Keopsc
    x, y = randn(3, 50), randn(3, 60)
    F(; options...) = keops_kernel("Exp(-SqDist(x, y))", "x = Vi(3)", "y = Vj(3)"; options...)
    println(maximum(abs, F(gpu = 0)(x, y) - F()(x, y)) < 1e-12)
    try F(gpu = 7)(x, y) catch error println(error.kind, " ", error.message) end
    """
    same, refused = julia("-e", code, **device.environment()).splitlines()
    assert same == "true" and refused.startswith("device ") and "there is no CUDA device 7" in refused


def test_installed(tmp_path):
    """What `make install` puts elsewhere finds its compiler."""
    subprocess.run([ROOT / "scripts" / "install.sh", KEOPSC, tmp_path / "prefix"], check=True)
    module = tmp_path / "prefix" / "share" / "keopsc" / "julia"
    code = 'using Keopsc; println(keops_kernel("x * y", "x = Vi(1)", "y = Vj(1)")([3.0], [4.0, 5.0]))'
    assert julia("-e", code, module=module, KEOPSC="").split() == ["[27.0]"]
