"""The stubs for type checkers say what there is."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_stubs_are_up_to_date(library):
    pytest.importorskip(library)
    sys.path.insert(0, str(ROOT))
    import stubs

    for path, text in stubs.stubs(library).items():
        assert path.read_text() == text, f"{path.name} is out of date: run `python stubs.py` in bindings/python"
