"""keopsc answers like pykeops 2.3: the calls of recorded_calls.py beside the answers that record_pykeops.py has written down."""

import json
from pathlib import Path

import numpy as np
import pytest
from recorded_calls import cases

import keopsc.numpy

torch = pytest.importorskip("torch")
import keopsc.torch  # noqa: E402

ANSWERS = json.loads((Path(__file__).parent / "pykeops_answers.json").read_text())
CASES = {case.name: case for case in cases()}
LIBRARIES = {"numpy": (keopsc.numpy, np.asarray), "torch": (keopsc.torch, torch.as_tensor)}

#: How far answers may be apart, relative to the largest number of an answer.
TOLERANCES = {"float64": 1e-10, "float32": 1e-5}

#: Formulas in which KeOps is less exact in float64: it writes constants as float32, and computes powers with C's powf (docs/keops.md).
SINGLE_IN_KEOPS = ("div_int", "float_power", "symbolic_power")


def difference(found, recorded, tolerance):
    """What differs between an array and a recorded answer, in words; None if nothing does."""
    array = np.asarray(found.detach() if isinstance(found, torch.Tensor) else found)
    shape, numbers = recorded
    expected = np.array(numbers, float).reshape([*array.shape[:-1], 2 * array.shape[-1]] if array.dtype.kind == "c" else shape)
    array = array.view(array.real.dtype) if array.dtype.kind == "c" else array
    if list(array.shape) != shape:
        return f"shape {array.shape}, where KeOps' is {tuple(shape)}"
    largest = np.abs(expected).max(initial=1)
    off = np.abs(array - expected).max(initial=0) / largest
    return None if off <= tolerance else f"off by {off:.1e}"


def test_every_call_has_an_answer():
    assert list(ANSWERS) == list(CASES)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", CASES)
def test_answers(name, library):
    case = CASES[name]
    if case.needs_torch and library == "numpy":
        pytest.skip("NumPy has no gradients")
    found, recorded = case.call(*LIBRARIES[library]), ANSWERS[name]
    assert found.keys() == recorded.keys()
    differing = {}
    for part in recorded:
        is_single = part.partition(",")[0] in SINGLE_IN_KEOPS
        tolerance = 1e-6 if is_single and case.dtype == "float64" else TOLERANCES[case.dtype]
        differing[part] = difference(found[part], recorded[part], tolerance)
    assert {part: how for part, how in differing.items() if how} == {}
