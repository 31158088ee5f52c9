"""Counts the operations per pair that KeOps performs for ten formulas, by running the C++ code that it generates.

    .venv-bench/bin/python tests/keops/count.py            prints a table, writes operations_per_pair.json

In the generated code `double` is replaced by a class that counts (counted.hpp); the loop over pairs runs once with one and once with two columns,
and the difference is what a pair costs. For a gradient KeOps has a kernel of its own, which computes what it needs of the value again.
keopsc's numbers are read from `keopsc explain`, where the compiler (KEOPSC, or target/release/keopsc) takes the formula.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ten_formulas import TEN

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILE = HERE / "operations_per_pair.json"
COMPILER = Path(os.environ.get("KEOPSC", ROOT / "target" / "release" / "keopsc"))

# As counted.hpp numbers them. A fused multiply-add is one multiplication and one addition.
CLASSES = ["arithmetic", "division", "sqrt", "exp", "log", "trigonometric"]

# keopsc's intrinsics by class; what is not here is arithmetic (additions, products, comparisons, choices).
INTRINSICS = {"div": "division", "sqrt": "sqrt", "rsqrt": "sqrt", "exp": "exp", "exp2": "exp", "log": "log", "log2": "log"}
INTRINSICS |= {name: "trigonometric" for name in ("sin", "cos", "asin", "acos", "atan", "atan2")}

# Components of the values that are not scalars.
DIMS = {"divergence_free": 3, "nudft": 2}


def keops_texts(name, declarations, reduction, formula):
    """The strings of KeOps' kernels for the value and for the gradient in x; the latter takes a cotangent and the value besides."""
    count = len(declarations)
    dim = 2 if reduction == "Max_SumShiftExp" else DIMS.get(name, 1)
    text = f"{reduction}_Reduction({formula},0)"
    return text, f"Grad_WithSavedForward({text},Var(0,3,0),Var({count},{dim},0),Var({count + 1},{dim},0))"


def generated(text, declarations):
    """The C++ file that KeOps makes for a formula."""
    from keopscore.get_keops_dll import get_keops_dll
    from pykeops.common.parse_type import get_type

    aliases = []
    for declaration in declarations:
        name, category, dim, position = get_type(declaration)
        aliases.append(f"{name}=Var({position},{dim},{category})")
    arguments = len(aliases) + 2
    answer = get_keops_dll("CpuReduc", text, 0, 0, 0, aliases, arguments, "double", "double", "block_sum", 0, 0, 0, 0, 0, -1)
    return Path(answer[1]).read_text()


def counts(text, declarations, folder):
    """Operations per pair by class."""
    code = generated(text, declarations)
    # The declarations of C come first; KeOps' own code is a template from there on.
    start = code.index("template <")
    kernel = re.sub(r"\bdouble\b", "Counted", code[start:])
    launch = re.search(r"int (CpuConv_\w+)\(", kernel).group(1)
    source = Path(folder) / "counted.cpp"
    program = source.with_suffix("")
    source.write_text(f'#include "{HERE / "counted.hpp"}"\n{code[:start]}\n{kernel}\nint main() {{ return per_pair({launch}<Counted>); }}\n')
    subprocess.run(["g++", "-std=c++17", "-O0", "-w", "-DC_CONTIGUOUS=1", source, "-o", program], check=True)
    numbers = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(CLASSES, map(int, numbers), strict=True))


# What a pair adds to the state of a reduction, for n components: KeOps' counts have it too.
ACCUMULATED = {"Sum": lambda n: {"arithmetic": n}, "LogSumExp": lambda n: {"arithmetic": 6 + 6 * n, "exp": 1}}


def keopsc_counts(name):
    """Operations per pair of the value, the gradient and both together in keopsc's plans; None where the compiler does not take the formula."""
    if not COMPILER.is_file():
        return None
    done = subprocess.run([COMPILER, "explain", HERE / "formulas" / f"{name}.kf"], capture_output=True, text=True)
    if done.returncode:
        return None
    found = {}
    for line in done.stdout.splitlines():
        if head := re.match(r"(\w+) = (.*)", line):
            current = found.setdefault("both" if "; gradient = " in head.group(2) else head.group(1), dict.fromkeys(CLASSES, 0))
        elif line.strip().startswith("for each pair"):
            for number, intrinsic in re.findall(r"(\d+) (\w+)", line):
                current[INTRINSICS.get(intrinsic, "arithmetic")] += int(number)
        elif reduced := re.match(r" +over all j +(\w+) of (?:1 and )?(\d+)", line):
            for kind, number in ACCUMULATED[reduced.group(1)](int(reduced.group(2))).items():
                current[kind] += number
    return found


def keopsc_costs(name):
    """The compiler's own count by its classes, as written and as planned, for the value, the gradient and both; None if it has none."""
    file = HERE / "formulas" / f"{name}.kf"
    done = subprocess.run([COMPILER, "explain", "--cost", "--json", file], capture_output=True, text=True)
    if done.returncode:
        return None
    entries = json.loads(done.stdout)["entries"]
    stages = ("as_written", "as_planned")
    return {what: {stage: entry[stage]["per_pair"] for stage in stages} for what, entry in zip(("value", "gradient", "both"), entries, strict=True)}


def row(name, declarations, reduction, formula):
    text, gradient = keops_texts(name, declarations, reduction, formula)
    with tempfile.TemporaryDirectory() as folder:
        keops = {"value": counts(text, declarations, folder), "gradient": counts(gradient, declarations, folder)}
    # Two kernels, one after the other.
    keops["both"] = {kind: keops["value"][kind] + keops["gradient"][kind] for kind in CLASSES}
    described = {"name": name, "declarations": declarations, "reduction": reduction, "formula": formula}
    return {**described, "keops": keops, "keopsc": keopsc_counts(name), "keopsc_costs": keopsc_costs(name)}


def cell(numbers):
    return "-" if numbers is None else ", ".join(f"{count} {kind}" for kind, count in numbers.items() if count) or "0"


def main():
    os.environ.setdefault("KEOPS_CACHE_FOLDER", os.path.join(tempfile.gettempdir(), "keops-count"))
    os.makedirs(os.environ["KEOPS_CACHE_FOLDER"], exist_ok=True)
    os.environ["PYKEOPS_VERBOSE"] = os.environ["KEOPS_VERBOSE"] = "0"
    rows = []
    for ten in TEN:
        rows.append(row(*ten))
        for what in ("value", "gradient", "both"):
            ours = rows[-1]["keopsc"]
            print(f"| {ten[0]} | {what} | {cell(rows[-1]['keops'][what])} | {cell(ours and ours[what])} |", flush=True)
    FILE.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in rows) + "\n]\n")


if __name__ == "__main__":
    sys.exit(main())
