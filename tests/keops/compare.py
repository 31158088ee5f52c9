"""keopsc on the formulas of reference.json, beside what KeOps gave.

    compare(section, folder)   an outcome for each row of a section
    python compare.py          prints how many rows of each kind there are, and every row that differs

Nothing but the stored reference is compared with. Where a row differs, differences.py must know why.
"""

import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "python"))

import keops  # noqa: E402
import world  # noqa: E402

REFERENCE = json.loads((HERE / "reference.json").read_text())
# Outputs in one library: large enough to share the cost of linking.
GROUP = 200

SAME = "same"  # up to rounding
MENDED = "float32"  # the same as KeOps with its constants and Powf in double precision, and not as KeOps is
DIFFERENT = "different"
KEOPS_REFUSES = "KeOps refuses"
REFUSED = "keopsc refuses"
BOTH_REFUSE = "both refuse"


@dataclass
class Outcome:
    """One row: what was computed, how it compares, both values."""

    text: str
    kind: str
    value: np.ndarray | str
    keops: np.ndarray | str
    dtype: str = "float64"


def declarations(variables, dtype):
    lines = [f"{name} = {world.CONSTRUCTORS[category]}({k}, {dim})" for k, (name, (category, dim)) in enumerate(variables.items())]
    return [f"dtype {'f64' if dtype == 'float64' else 'f32'}", *lines]


def refused(lines, outputs):
    """The numbers of the outputs that keopsc does not take, with its messages."""
    found = {}
    while True:
        kept = [k for k in range(len(outputs)) if k not in found]
        text = "\n".join([*lines, *(outputs[k] for k in kept)])
        done = keops.keopsc("check", "-", "--message-format", "json", input=text, check=False)
        if done.returncode == 0 or not kept:
            return found
        problems = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        # An error is shown where it is; what it keeps from being checked shows in the next round.
        new = {kept[p["line"] - len(lines) - 1]: f"{p['code']}: {p['message']}" for p in problems if p.get("line", 0) > len(lines)}
        assert new, done.stderr
        found |= new


def evaluate(outputs, variables, inputs, dtype, folder):
    """For each output (the text after `out NAME =`) its value, or keopsc's message."""
    lines = declarations(variables, dtype)
    results = []
    for start in range(0, len(outputs), GROUP):
        group = [f"out f{k} = {text}" for k, text in enumerate(outputs[start : start + GROUP])]
        problems = refused(lines, group)
        kept = [line for k, line in enumerate(group) if k not in problems]
        values = {}
        if kept:
            library = keops.compile_formula(folder, "\n".join([*lines, *kept]), f"group{start}", "--target", "native")
            for name, entry in library.entries.items():
                values[name] = entry.plain(*sizes(variables, inputs), *(inputs[t["name"]] for t in entry.arguments))
        results += [problems.get(k, values.get(f"f{k}")) for k in range(len(group))]
    return results


def sizes(variables, inputs):
    """M and N."""
    rows = {category: len(inputs[name]) for name, (category, _) in variables.items() if category != world.P}
    return rows[world.I], rows[world.J]


def agree(value, expected, tolerance, by_row=False):
    """Equal where not finite; close, relative to the largest number (of all, or of its own place), elsewhere."""
    if value.size != expected.size:
        return False
    value, expected = value.ravel().astype(float), expected.ravel()
    finite = np.isfinite(expected)
    if not np.array_equal(value[~finite], expected[~finite], equal_nan=True) or not np.isfinite(value[finite]).all():
        return False
    size = np.abs(expected[finite]) if by_row else np.abs(expected[finite]).max(initial=0.0)
    return bool((np.abs(value[finite] - expected[finite]) <= tolerance * (1 + size)).all())


def judged(text, value, answers, dtype, by_row=False):
    """An outcome from keopsc's value and KeOps' answers: its own, and the mended one where that is another."""
    answers = [a if isinstance(a, str) else np.array(a, float) for a in answers]
    own = answers[0]
    if isinstance(own, str) or isinstance(value, str):
        kind = KEOPS_REFUSES if not isinstance(value, str) else BOTH_REFUSE if isinstance(own, str) else REFUSED
        return Outcome(text, kind, value, own, dtype)
    tolerance = {"float64": 1e-11, "float32": 2e-5}[dtype]
    agreeing = [agree(value, answer, tolerance, by_row) for answer in answers]
    kind = SAME if agreeing[0] else MENDED if any(agreeing) else DIFFERENT
    return Outcome(text, kind, value, own, dtype)


def sums(section, folder, dtype="float64"):
    """Rows [formula, KeOps' value, its mended value]."""
    rows = REFERENCE[section]
    outputs = [f"Sum_Reduction({row[0]}, 0)" for row in rows]
    values = evaluate(outputs, world.VARIABLES, world.inputs(), dtype, folder)
    return [judged(row[0], value, row[1:], dtype) for row, value in zip(rows, values)]


def gradients(section, folder):
    """Rows [formula, variable, cotangent, KeOps' value, its mended value]."""
    rows = REFERENCE[section]
    texts = [f"Grad(Sum_Reduction({formula}, 0), {v}, {e})" for formula, v, e, *_ in rows]
    values = evaluate(texts, world.VARIABLES, world.inputs(), "float64", folder)
    return [judged(text, value, row[3:], "float64") for row, text, value in zip(rows, texts, values)]


def edges(section, folder):
    """Rows [formula, KeOps' values for each of the edge inputs, mended ones]."""
    rows, inputs = REFERENCE[section], edge_inputs(section)
    values = evaluate([f"Sum_Reduction({row[0]}, 0)" for row in rows], world.EDGE_VARIABLES, inputs, "float64", folder)
    return [judged(row[0], value, row[1:], "float64", by_row=True) for row, value in zip(rows, values)]


def edge_inputs(section):
    """All pairs of special numbers; for operations of one number the first of each."""
    inputs = world.edge_inputs()
    if section == "binary edges":
        return inputs
    count = int(len(inputs["x"]) ** 0.5)
    return {name: value if name == "y" else value[::count] for name, value in inputs.items()}


def reduction_text(reduction, formula, option, second, axis):
    """A reduction of Genred in keopsc's language."""
    names = {"MinArgMin": "Min_ArgMin", "MaxArgMax": "Max_ArgMax", "KMinArgKMin": "KMin_ArgKMin", "SoftMax": "SumSoftMaxWeight"}
    # KeOps returns the state of LogSumExpWeight as it is.
    names |= {"LogSumExpWeight": "Max_SumShiftExpWeight", "Max_SumShiftExp": "Max_SumShiftExpWeight"}
    index = ["i", "j"][axis]
    options = f"{index}, K={option}" if option else index
    return f"{names.get(reduction, reduction)}[{options}]({formula}{', ' + second if second else ''})"


def reductions(section, folder):
    rows = REFERENCE[section]
    texts = [reduction_text(*row[:5]) for row in rows]
    values = evaluate(texts, world.VARIABLES, world.inputs(), "float64", folder)
    outcomes = []
    for text, value, row in zip(texts, values, rows):
        answer = row[5]
        if isinstance(value, tuple):
            value = np.concatenate([part.ravel().astype(float) for part in value])
            answer = answer if isinstance(answer, str) else sum(answer, [])
        outcomes.append(judged(text, value, [answer], "float64"))
    return outcomes


def reduction_gradients(section, folder):
    rows = REFERENCE[section]
    texts = []
    for reduction, formula, second, variable, _ in rows:
        e = "e3" if reduction == "SumSoftMaxWeight" else "e1"
        texts.append(f"Grad({reduction_text(reduction, formula, None, second, 1)}, {variable}, {e})")
    values = evaluate(texts, world.VARIABLES, world.inputs(), "float64", folder)
    return [judged(text, value, [row[4]], "float64") for row, text, value in zip(rows, texts, values)]


SECTIONS = {
    "singles": sums,
    "single gradients": gradients,
    "unary edges": edges,
    "binary edges": edges,
    "reductions": reductions,
    "reduction gradients": reduction_gradients,
    "random": sums,
    "random gradients": gradients,
    "float32": lambda section, folder: sums(section, folder, "float32"),
}


def compare(section, folder):
    return SECTIONS[section](section, folder)


def main():
    np.set_printoptions(precision=17, linewidth=160, threshold=12)
    for section in sys.argv[1:] or REFERENCE:
        with tempfile.TemporaryDirectory() as folder:
            outcomes = compare(section, folder)
        print(section, dict(Counter(outcome.kind for outcome in outcomes)))
        for outcome in outcomes:
            if outcome.kind in (DIFFERENT, REFUSED):
                print(f"  {outcome.kind}: {outcome.text}\n    keopsc {show(outcome.value)}\n    KeOps  {show(outcome.keops)}")


def show(value):
    return value if isinstance(value, str) else str(value.ravel())


if __name__ == "__main__":
    main()
