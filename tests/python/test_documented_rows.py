"""What docs/reductions.md says becomes of infinities, NaNs, ties and no columns, compiled: every reduction, both directions, both precisions."""

import re

import numpy as np
import pytest

from keops import ROOT

PAGE = (ROOT / "docs" / "reductions.md").read_text()
# All but `ScatterSum`, which takes row numbers; its examples are in test_scatter.py.
SECTIONS = {section.split("\n", 1)[0]: section for section in PAGE.split("\n### ")[1:] if not section.startswith("ScatterSum\n")}
DTYPES = {"f32": np.float32, "f64": np.float64}
TARGETS = ["x86-64-v2", "x86-64-v3", "x86-64-v4"]


def numbers(text):
    """The numbers of `(1, inf) and (1, -1)`, in order."""
    return [float(number) for number in re.findall(r"-?(?:inf|nan|[\d.]+(?:e-?\d+)?)", text.replace(" and ", ", "))]


def documented(section):
    """The values of a row and the result, as the second table has them."""
    table = section[section.index("| values | result |") :]
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", table, re.MULTILINE)[2:]
    return [([] if values == "none" else numbers(values), numbers(result)) for values, result in rows]


def formula(name, section, index):
    signature = section[section.index("`") + 1 :].split("`")[0]
    option = ", K=2" if "K: int" in signature else ""
    weight = ", 1" if "weight: n)" in signature else ""
    return f"{name}[{index}{option}](v{weight})"


def test_the_page_has_all_reductions():
    assert len(SECTIONS) >= 23
    assert all(len(documented(section)) == 7 for section in SECTIONS.values())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", ["i", "j"])
def test_rows(compiled, dtype, index, target):
    outputs = "\n".join(f"out r_{name} = {formula(name, section, index)}" for name, section in SECTIONS.items())
    library = compiled(f"dtype {dtype}\nv = V{index}(1)\n{outputs}\n", f"over_{index}_{dtype}_{target.replace('-', '_')}", "--target", target)
    if library.target() is None:
        pytest.skip(f"this processor cannot run {target}")
    for name, section in SECTIONS.items():
        for values, expected in documented(section):
            array = np.array(values, DTYPES[dtype])[:, None]
            size = {"i": (len(values), 3), "j": (3, len(values))}[index]
            results = library.entries[f"r_{name}"].plain(*size, array)
            results = results if isinstance(results, tuple) else (results,)
            for row in range(3):
                found = np.concatenate([result[row].astype(np.float64) for result in results])
                assert np.allclose(found, expected, rtol=1e-5, equal_nan=True), (name, values, found, expected)
