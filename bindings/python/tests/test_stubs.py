"""The stubs for type checkers say what there is."""

import os
import shutil
import subprocess
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


PROGRAM = """
import torch
from typing_extensions import assert_type
from keopsc.reduced import Reduced
from keopsc.torch import ComplexLazyTensor, LazyTensor, Vi, Vj

x = torch.randn(5, 3)
K = (-Vi(x).sqdist(Vj(x)) / 0.5).exp()
assert_type(2 * K - K ** 2, LazyTensor)
assert_type(K @ x, torch.Tensor)
assert_type(K.sum(), LazyTensor)
assert_type(K.sum(-1), LazyTensor)
assert_type(K.sum(axis=1), torch.Tensor)
assert_type(K.sum(dim=1), torch.Tensor)
assert_type(K.sum((0, 1)), torch.Tensor)
assert_type(K.sum(1, call=False), Reduced)
assert_type(K.max(-1), LazyTensor)
assert_type(K.argKmin(3, dim=1), torch.Tensor)
assert_type(K.Kmin_argKmin(3, axis=1), tuple[torch.Tensor, torch.Tensor])
assert_type(K.logsumexp(1, weight=Vj(x)), torch.Tensor)
"""


@pytest.mark.skipif(shutil.which("pyright") is None, reason="needs pyright")
def test_types(tmp_path):
    pytest.importorskip("torch")
    program, environment = tmp_path / "program.py", dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    program.write_text(PROGRAM)
    for arguments in ([str(program)], ["--verifytypes", "keopsc", "--ignoreexternal"]):
        done = subprocess.run(["pyright", "--pythonpath", sys.executable, *arguments], env=environment, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout
