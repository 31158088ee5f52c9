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


def found_pyright():
    """The type checker: pyright, or basedpyright, which is the same with its JavaScript and Node.js in the package; None where there is neither."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return shutil.which("basedpyright", path=beside) or shutil.which("pyright", path=beside)


def checked(folder, *arguments):
    """What the type checker says, and its exit status."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    command = [found_pyright(), "--pythonpath", sys.executable, "--level", "error", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    return done.stdout, done.returncode


needs_pyright = pytest.mark.skipif(found_pyright() is None, reason="needs basedpyright or pyright")


@needs_pyright
def test_types(tmp_path):
    pytest.importorskip("torch")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    said, status = checked(tmp_path, str(program))
    assert status == 0 and "0 errors" in said, said
    program.write_text(PROGRAM + "assert_type(K.sum(axis=1), LazyTensor)\nK.summe()\n")
    said, status = checked(tmp_path, str(program))
    assert status == 1 and "2 errors" in said, said


@needs_pyright
def test_every_public_name_has_a_known_type(tmp_path):
    pytest.importorskip("torch")
    said, status = checked(tmp_path, "--verifytypes", "keopsc", "--ignoreexternal")
    assert status == 0 and "Type completeness score: 100%" in said, said
