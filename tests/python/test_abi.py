"""Version 1 of the ABI is fixed: tests/abi has it as it was then, and today's headers, libraries and manifests have to keep it.

Structs grow at their ends alone, manifests by fields; where one has grown, tests/abi is taken along. `runtime/tests/abi.rs` holds the structs of the
support code to the same numbers.
"""

import json
import re
import subprocess

import pytest

from formulas import GAUSS
from keops import BINARY, ROOT
from test_c import SOURCES, STRICT, build

FIXED = ROOT / "tests/abi"
TODAY = ROOT / "runtime/include/keopsc_abi.h"


def declarations(header):
    """For each struct its fields as they are declared, for the enumeration its constants, and the function."""
    text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
    structs = {name: body for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, flags=re.S)}
    found = {name: [" ".join(field.split()) for field in body.split(";")[:-1]] for name, body in structs.items()}
    (constants,) = re.findall(r"enum \{(.*?)\};", text, flags=re.S)
    found["enum"] = [" ".join(constant.split()) for constant in constants.split(",")]
    found["version"] = re.findall(r"#define KEOPS_ABI_VERSION (\d+)", text)
    found["functions"] = re.findall(r"^const keops_module .*;$", text, flags=re.M)
    return found


def field_name(declaration):
    return re.search(r"\(\*(\w+)\)|(\w+)$", declaration.replace("(void)", "")).group(1) or declaration.split("*")[-1].split()[-1]


def layout(header, folder):
    """What a C compiler makes of the structs: a line each."""
    lines = []
    for name, fields in declarations(header).items():
        if fields and name not in ("enum", "version", "functions"):
            names = [field_name(field) for field in fields]
            form = f"{name} %zu:" + "".join(f" {one} %zu," for one in names)
            values = "".join(f", offsetof({name}, {one})" for one in names)
            lines.append(f'printf("{form.rstrip(",")}\\n", sizeof({name}){values});')
    source = folder / "layout.c"
    source.write_text(f'#include <stddef.h>\n#include <stdio.h>\n#include "{header}"\nint main(void) {{\n' + "\n".join(lines) + "\nreturn 0;\n}\n")
    subprocess.run(["gcc", "-std=c99", *STRICT, source, "-o", folder / "layout"], check=True)
    return subprocess.run([folder / "layout"], capture_output=True, text=True, check=True).stdout


def test_structs_grow_at_their_ends_alone():
    fixed, today = declarations(FIXED / "1.h"), declarations(TODAY)
    assert len(fixed["keops_call"]) == 15 and len(fixed["keops_entry_v1"]) == 11
    assert {name: today[name][: len(fields)] for name, fields in fixed.items()} == fixed


@pytest.mark.parametrize("header", [FIXED / "1.h", TODAY], ids=["fixed", "today"])
def test_layout(header, tmp_path):
    """A struct that has grown is larger; all else is where it was."""
    now = dict(line.split(" ", 1) for line in layout(header, tmp_path).splitlines())
    for line in (FIXED / "1.txt").read_text().splitlines():
        name, then = line.split(" ", 1)
        size, fields = then.split(":")
        assert int(now[name].split(":")[0]) >= int(size)
        assert f"{now[name].split(':')[1]},".startswith(f"{fields},"), name
        assert header == TODAY or now[name] == then


@pytest.mark.parametrize("program", ["layer2", "shards"])
def test_programs_of_version_1_call_libraries_of_today(compiled, tmp_path, program):
    """The guard in the fixed header keeps the types of the library's own header out."""
    build(compiled(GAUSS, "gauss"), SOURCES / f"{program}.c", tmp_path / program, "-std=c99", *STRICT, "-include", str(FIXED / "1.h"))


def grown(then, now, place=""):
    """What is no longer as it was. Objects may have more fields, lists may not have more elements."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [problem for key in then for problem in grown(then[key], now.get(key), f"{place}.{key}")]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [problem for number, pair in enumerate(zip(then, now)) for problem in grown(*pair, f"{place}[{number}]")]
    return [] if then == now else [f"{place}: {then!r} became {now!r}"]


def test_manifests_and_states_keep_what_they_say(tmp_path):
    """Records of states are part of a manifest."""
    library = tmp_path / "libgauss.so"
    subprocess.run([BINARY, "compile", ROOT / "samples/gauss.kf", "-o", library, "--target", "x86-64-v2"], check=True)
    now = json.loads(subprocess.run([BINARY, "inspect", "--json", library], capture_output=True, text=True, check=True).stdout)
    then = json.loads((FIXED / "1.json").read_text())
    assert then.pop("compiler") == "keopsc 0.1.0"
    assert grown(then, now) == []
    assert grown({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3, "c": 4}]}) == [".a[1].b: 2 became 3"]
