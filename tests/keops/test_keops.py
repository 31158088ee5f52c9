"""keopsc agrees with KeOps on every formula of the stored reference, or differences.py knows why not."""

import json
import re

import numpy as np
import pytest

import compare
import count
import differences
import judge
import keops
import page
import singles
import world
from compare import BOTH_REFUSE, DIFFERENT, KEOPS_REFUSES, MENDED, REFUSED, SAME, REFERENCE, SECTIONS
from generate import names_in
from ten_formulas import TEN
from truth import truth


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """outcomes(section): computed once."""
    found = {}

    def get(section):
        if section not in found:
            found[section] = compare.compare(section, tmp_path_factory.mktemp("keops"))
        return found[section]

    return get


@pytest.fixture
def random_numbers():
    return np.random.default_rng(7)


def is_not_yet(outcome):
    return outcome.kind == REFUSED and bool(names_in(outcome.text) & differences.NOT_YET)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_difference_is_known(outcomes, section):
    """Neither a difference that is not listed nor a listed one that is none."""
    differing = {o.text for o in outcomes(section) if o.kind in (DIFFERENT, REFUSED) and not is_not_yet(o)}
    listed = differences.LISTED.get(section, {})
    assert differing - set(listed) == set()
    lasting = {text for text, reason in listed.items() if not differences.REASONS[reason].may_vanish}
    assert lasting - differing == set()


@pytest.mark.parametrize("section", [section for section in SECTIONS if not section.startswith("reduction")])
def test_where_keops_refuses_the_judge_decides(outcomes, section):
    """To the accuracy of differences."""
    known = differences.LISTED.get("KeOps refuses", {})
    for row, outcome in zip(REFERENCE[section], outcomes(section)):
        if outcome.kind == KEOPS_REFUSES:
            is_same = compare.agree(outcome.value, truth(section, row), 1e-6)
            assert is_same != (outcome.text in known), outcome.text


def test_the_page_is_current(outcomes):
    """But for digits that levels round differently."""
    shown = page.text({section: outcomes(section) for section in REFERENCE})
    rounded = [re.sub(r"(\d\.\d{5})\d+", r"\1", text) for text in (page.PAGE.read_text(), shown)]
    assert rounded[0] == rounded[1], "docs/keops.md: .venv/bin/python tests/keops/page.py"


def test_reasons_are_written_down():
    used = {reason for rows in differences.LISTED.values() for reason in rows.values()}
    assert used == set(differences.REASONS)


@pytest.mark.parametrize("section", ["random", "random gradients", "singles", "single gradients", "reductions"])
def test_most_rows_are_the_same(outcomes, section):
    """The comparison compares: a section where nearly nothing were comparable would pass the tests above."""
    kinds = [o.kind for o in outcomes(section)]
    comparable = [kind for kind in kinds if kind not in (KEOPS_REFUSES, BOTH_REFUSE)]
    assert sum(kind in (SAME, MENDED) for kind in kinds) > 0.6 * len(comparable)


@pytest.mark.parametrize("entry", json.loads(count.FILE.read_text()), ids=lambda entry: entry["name"])
def test_no_more_operations_than_keops(entry):
    """Per pair, value and gradient together, of each class."""
    ours = count.keopsc_counts(entry["name"])["both"]
    assert {kind: number for kind, number in ours.items() if number > entry["keops"]["both"][kind]} == {}


@pytest.mark.parametrize(("name", "declarations", "reduction", "formula"), TEN, ids=[row[0] for row in TEN])
def test_both_languages_say_the_same(tmp_path, random_numbers, name, declarations, reduction, formula):
    """The formula that KeOps' operations are counted of, and the file that keopsc's are."""
    text = "\n".join(["dtype f64", *declarations, f"out value = {reduction}_Reduction({formula}, 0)"])
    theirs = keops.compile_formula(tmp_path, text, "theirs", "--target", "native").value
    file = (compare.HERE / "formulas" / f"{name}.kf").read_text()
    ours = keops.compile_formula(tmp_path, file, "ours", "--target", "native", "--dtype", "f64").value
    inputs = {t["name"]: random_numbers.uniform(0.25, 1, (7, keops.dim_of(t))) for t in theirs.arguments}
    values = [entry.plain(7, 7, *(inputs[t["name"]][: 1 if t["role"] == "parameter" else 7] for t in entry.arguments)) for entry in (theirs, ours)]
    if reduction == "Max_SumShiftExp":
        values[0] = values[0][:, :1] + np.log(values[0][:, 1:])
    assert np.allclose(*values, rtol=1e-13)


def test_the_reference_has_every_operation():
    """Of the judge's, which are KeOps' catalogue."""
    texts = [row[0] for section in ("singles", "random") for row in REFERENCE[section]]
    used = set().union(*map(names_in, texts))
    assert set(judge.OPERATIONS) <= used
    assert {row[0] for row in REFERENCE["reductions"]} == {row[0] for row in singles.REDUCTIONS}


def test_the_judge_agrees_with_itself():
    """Its differences against derivatives by hand."""
    numbers = world.inputs()
    for formula, derivative in [
        ("Grad(Exp(-SqDist(x, y)), x, e1)", "-2*Exp(-SqDist(x, y))*(x - y)*e1"),
        ("Laplacian(Exp(-SqDist(x, y)), x)", "(4*SqDist(x, y) - 6)*Exp(-SqDist(x, y))"),
        ("Divergence(x*x*y, x)", "2*(x | y)"),
    ]:
        values = [judge.evaluate(text, world.VARIABLES, numbers) for text in (formula, derivative)]
        assert np.allclose(values[0].astype(float), values[1].astype(float), rtol=1e-10)
