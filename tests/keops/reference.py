"""Runs KeOps (pykeops 2.3) on all formulas and writes what it gives to reference.json.

    .venv-bench/bin/python tests/keops/reference.py [--only SECTION]

Some dozens of formulas go into one kernel, joined by Concat, because each kernel costs seconds of a C++ compiler; they are split again
afterwards. KeOps computes every formula twice: as it is, and with its constants and `Powf` in double precision ("mended"); where the two
differ, both are written, so that a difference that comes of this alone is known for certain.
The compiler is told not to optimise, which does not change what IEEE arithmetic gives.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FILE = HERE / "reference.json"
BATCH = 40
SEED, COUNT = 20261126, 1600
GRADIENT_COUNT = 1000
FLOAT32_COUNT = 300

os.environ.setdefault("KEOPS_CACHE_FOLDER", os.path.join(tempfile.gettempdir(), "keops-reference"))
os.environ["PYKEOPS_VERBOSE"] = os.environ["KEOPS_VERBOSE"] = "0"
os.environ["OMP_NUM_THREADS"] = "1"

import generate  # noqa: E402
import judge  # noqa: E402
import singles  # noqa: E402
import world  # noqa: E402


def load_keops():
    """KeOps, with a compile command that takes a third of the time."""
    import keopscore.binders.LinkCompile
    import pykeops.config
    from pykeops.numpy import Genred

    base = pykeops.config.pykeops_base
    flags = base.get_cpp_flags().replace("-O3", "-O0").replace("-flto=auto", "")
    base.cpp_flags = keopscore.binders.LinkCompile.cpp_flags = flags
    return Genred


def mend():
    """Constants and powers in double precision: what KeOps would give without its float32 constants."""
    from keopscore.formulas.maths.Powf import Powf
    from keopscore.formulas.variables.IntCst import IntCst_Impl
    from keopscore.formulas.variables.RatCst import RatCst_Impl
    from keopscore.utils.math_functions import keops_pow

    IntCst_Impl.Op = lambda self, out, table: f"*{out.id} = (double)({self.val}.0);\n"
    RatCst_Impl.Op = lambda self, out, table: f"*{out.id} = (double)({self.p}.0) / (double)({self.q}.0);\n"
    Powf.ScalarOpFun = keops_pow


def parse(text, aliases, tag=0):
    """KeOps' tree for a formula. What goes wrong is the caller's to judge: these are any of Python's exceptions, and sys.exit."""
    from keopscore.formulas.GetReduction import GetReduction
    from pykeops.common.parse_type import get_type

    declared = []
    for alias in aliases:
        name, category, dim, position = get_type(alias)
        declared.append(f"{name}=Var({position},{dim},{category})")
    with contextlib.redirect_stdout(io.StringIO()):
        reduction = GetReduction(f"Sum_Reduction({text},{tag})", declared)
    # Generating the code shows the rest of the mistakes.
    return reduction.formula


def refusal(text, aliases, dtype):
    """None for a formula that KeOps takes, else the kind of its refusal."""
    from keopscore.utils.code_gen_utils import Var_loader, c_array, c_variable  # noqa: F401

    try:
        formula = parse(text, aliases)
        table = [c_array(dtype, dim, f"arg{k}") for k, dim in enumerate(int(alias.split(",")[1].rstrip(")")) for alias in aliases)]
        formula(c_array(dtype, formula.dim, "out"), table)
    except (Exception, SystemExit) as error:
        return type(error).__name__
    return None


def joined(texts):
    """A balanced tree of Concat."""
    if len(texts) == 1:
        return texts[0]
    half = len(texts) // 2
    return f"Concat({joined(texts[:half])},{joined(texts[half:])})"


class Keops:
    """Sums of formulas over one index, many at once."""

    def __init__(self, variables, inputs, aliases, dtype):
        self.genred = load_keops()
        self.aliases = aliases
        self.dtype = dtype
        self.arguments = [np.ascontiguousarray(inputs[name], dtype) for name in variables]
        self.c_type = {"float64": "double", "float32": "float"}[dtype]

    def sums(self, texts, tag=0):
        """For each formula an array (rows, dim), or the name of KeOps' exception."""
        results = {}
        accepted = []
        for text in texts:
            reason = refusal(text, self.aliases, self.c_type)
            if reason:
                results[text] = reason
            else:
                accepted.append(text)
        for start in range(0, len(accepted), BATCH):
            batch = accepted[start : start + BATCH]
            print(f"  {start + len(batch)} of {len(accepted)}", file=sys.stderr, flush=True)
            results |= dict(zip(batch, self.batch(batch, tag)))
        return [results[text] for text in texts]

    def batch(self, texts, tag):
        """One kernel; halves of it where the C++ compiler refuses."""
        dims = [parse(text, self.aliases).dim for text in texts]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                value = self.genred(joined(texts), list(self.aliases), axis=1 - tag)(*self.arguments, backend="CPU")
        except (Exception, SystemExit) as error:
            if len(texts) == 1:
                return [type(error).__name__]
            half = len(texts) // 2
            return self.batch(texts[:half], tag) + self.batch(texts[half:], tag)
        return np.split(value, np.cumsum(dims)[:-1], axis=1)


def plain(value):
    """For JSON: a flat list, or the text of a refusal. 16 digits, and whole numbers without a point, take less room."""
    if isinstance(value, str):
        return value
    rounded = [float(f"{x:.16g}") for x in np.asarray(value, float).ravel()]
    return [int(x) if x.is_integer() and abs(x) < 1e15 else x for x in rounded]


def gradient_sums(keops, rows):
    """Grad(Sum_Reduction(F, 0), v, e): one row per row of v; for a parameter the sum over the rows."""
    results = [None] * len(rows)
    for category in (world.I, world.J, world.P):
        chosen = [k for k, (_, v, _) in enumerate(rows) if world.VARIABLES[v][0] == category]
        values = keops.sums([f"Grad({rows[k][0]},{rows[k][1]},{rows[k][2]})" for k in chosen], tag=category % 2)
        for k, value in zip(chosen, values):
            is_sum = category == world.P and not isinstance(value, str)
            results[k] = value.sum(axis=0, keepdims=True) if is_sum else value
    return results


def ordinary(texts, dtype="float64"):
    keops = Keops(world.VARIABLES, world.inputs(), world.aliases(), dtype)
    return [[text, plain(value)] for text, value in zip(texts, keops.sums(texts))]


def ordinary_gradients(texts, seed=None):
    keops = Keops(world.VARIABLES, world.inputs(), world.aliases(), "float64")
    rows = generate.gradients(texts, seed)
    return [[*row, plain(value)] for row, value in zip(rows, gradient_sums(keops, rows))]


def edges(texts):
    """Values for each row of the edge inputs; then the gradients in x, and in z where there is one."""
    names = world.EDGE_VARIABLES
    aliases = [f"{name} = {world.CONSTRUCTORS[category]}({k},{dim})" for k, (name, (category, dim)) in enumerate(names.items())]
    keops = Keops(names, world.edge_inputs(), aliases, "float64")
    slopes = []
    for text in texts:
        dim = judge.evaluate(text, names, world.edge_inputs()).shape[-1]
        e = "e" if dim == 1 else f"SumT(e,{dim})"
        slopes += [f"Grad({text},{v},{e})" for v in "xz" if v in generate.names_in(text)]
    return [[text, plain(value)] for text, value in zip(texts + slopes, keops.sums(texts) + keops.sums(slopes))]


def unary_edges():
    """Only the first row of each value of x."""
    rows = len(world.edge_inputs()["x"])
    count = int(rows**0.5)

    def thinned(value):
        return value if isinstance(value, str) else np.reshape(np.array(value, object), (rows, -1))[::count].ravel().tolist()

    return [[text, thinned(value)] for text, value in edges(singles.EDGES_UNARY)]


def reductions():
    """Each reduction over j (axis 1) and over i (axis 0)."""
    genred, found = load_keops(), []
    arguments = [np.ascontiguousarray(value) for value in world.inputs().values()]
    for reduction, formula, option, second in singles.REDUCTIONS:
        for axis in (1, 0):
            print(" ", reduction, formula, axis, file=sys.stderr, flush=True)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    options = {"opt_arg": option, "formula2": second}
                    value = genred(formula, world.aliases(), reduction, axis=axis, **options)(*arguments, backend="CPU")
                result = [plain(part) for part in value] if isinstance(value, tuple) else plain(value)
            except (Exception, SystemExit) as error:
                result = type(error).__name__
            found.append([reduction, formula, option, second, axis, result])
    return found


def reduction_gradients():
    """What the binding to PyTorch does: the kernel's state goes through log or a quotient, and back; then KeOps' own rule."""
    genred, found = load_keops(), []
    numbers = world.inputs()
    arguments = [np.ascontiguousarray(value) for value in numbers.values()]
    for reduction, formula, second, variable in singles.REDUCTION_GRADIENTS:
        is_mean = reduction == "SumSoftMaxWeight"
        weight = f"Concat(IntCst(1),{second})" if is_mean else second
        core = "Max_SumShiftExpWeight" if weight else "Max_SumShiftExp"
        state = genred(formula, world.aliases(), core, axis=1, formula2=weight)(*arguments, backend="CPU")
        sums = state[:, 1:]
        e = numbers["e3" if is_mean else "e1"]
        if is_mean:
            slope = np.concatenate([-(e * sums[:, 1:]).sum(axis=1, keepdims=True) / sums[:, :1] ** 2, e / sums[:, :1]], axis=1)
        else:
            slope = e / sums
        slope = np.concatenate([np.zeros_like(slope[:, :1]) + slope.sum(axis=1, keepdims=True), slope], axis=1)
        count, dim = len(arguments), state.shape[1]
        position, (category, size) = list(world.VARIABLES).index(variable), world.VARIABLES[variable]
        given = f"Var({position},{size},{category}),Var({count},{dim},0),Var({count + 1},{dim},0)"
        text = f"{core}_Reduction({formula},0{',' + weight if weight else ''})"
        gradient = genred("x", world.aliases(), axis=1 - category)
        gradient.formula = f"Grad_WithSavedForward({text},{given})"
        gradient.aliases = [*world.aliases(), f"Vi({count},{dim})", f"Vi({count + 1},{dim})"]
        gradient.nargs = count + 2
        with contextlib.redirect_stdout(io.StringIO()):
            value = gradient(*arguments, slope, state, backend="CPU")
        found.append([reduction, formula, second, variable, plain(value)])
    return found


def with_spline(texts):
    """The first random formulas, and all rows with splines, which KeOps takes in float32 only."""
    splines = [text for text in singles.SINGLES if "BSpline" in text] + [text for text in texts if "BSpline" in text]
    return list(dict.fromkeys(splines + texts[:FLOAT32_COUNT]))


def random_formulas():
    return generate.formulas(SEED, COUNT)


SECTIONS = {
    "singles": lambda: ordinary(singles.SINGLES),
    "single gradients": lambda: ordinary_gradients(singles.SINGLES),
    "unary edges": unary_edges,
    "binary edges": lambda: edges(singles.EDGES_BINARY),
    "reductions": reductions,
    "reduction gradients": reduction_gradients,
    "random": lambda: ordinary(random_formulas()),
    "random gradients": lambda: ordinary_gradients(random_formulas()[:GRADIENT_COUNT], SEED),
    "float32": lambda: ordinary(with_spline(random_formulas()), "float32"),
}
# Where constants in double precision can make a difference.
MENDED = ["singles", "single gradients", "binary edges", "random", "random gradients"]


def run_apart(section, mended):
    """A section in a process and a cache of its own: KeOps is changed for the whole process, and a wrong formula of it may crash."""
    command = [sys.executable, __file__, "--section", section, *(["--mended"] if mended else [])]
    folder = os.environ["KEOPS_CACHE_FOLDER"] + ("-mended" if mended else "")
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "KEOPS_CACHE_FOLDER": folder}, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def merged(rows, mended):
    """Appends the mended value where it is another."""
    return [row if row[-1] == other[-1] or repr(row[-1]) == repr(other[-1]) else [*row, other[-1]] for row, other in zip(rows, mended, strict=True)]


def write(sections):
    """One row a line, so that a change of the file can be read."""
    parts = []
    for name, rows in sections.items():
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
    FILE.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=SECTIONS, help="renew these sections of the file")
    parser.add_argument("--section", choices=SECTIONS, help="print one section (what this program calls itself with)")
    parser.add_argument("--mended", action="store_true")
    options = parser.parse_args()
    if options.section:
        if options.mended:
            load_keops()
            mend()
        print("\n" + json.dumps(SECTIONS[options.section]()))
        return
    sections = json.loads(FILE.read_text()) if options.only else {}
    for name in options.only or SECTIONS:
        print(name, file=sys.stderr, flush=True)
        rows = run_apart(name, mended=False)
        sections[name] = merged(rows, run_apart(name, mended=True)) if name in MENDED else rows
        write({section: sections[section] for section in SECTIONS if section in sections})


if __name__ == "__main__":
    main()
