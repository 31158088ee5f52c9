"""The same calls to KeOps' own package, where it is installed. It compiles each formula for some seconds, and keeps what it has compiled."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from calls import KEOPS_FORMULAS, KEOPS_REDUCTIONS

pykeops_numpy = pytest.importorskip("pykeops.numpy")
pykeops_torch = pytest.importorskip("pykeops.torch")
torch = pytest.importorskip("torch")

import keopsc.numpy  # noqa: E402
import keopsc.torch  # noqa: E402

#: Where KeOps is off, and by how much: it writes constants as float32, and computes powers with C's powf.
ONLY_SINGLE = {"div_int": 1e-6, "symbolic_power": 1e-5, "float_power": 1e-5}
#: Shapes that are KeOps' own: it says -1 nowhere, and (…, M) for argmin of one component.
EXACT = 1e-10


def tensors(module, data, convert=np.asarray):
    x, y, u, s = (convert(array) for array in data.arrays())
    lazy = module.LazyTensor
    return lazy(x[..., :, None, :]), lazy(y[..., None, :, :]), lazy(u[..., None, :, :]), lazy(s)


def assert_same(ours, theirs, tolerance):
    if isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for part, their_part in zip(ours, theirs):
            assert_same(part, their_part, tolerance)
        return
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * max(1, np.abs(theirs).max(initial=0)))


@pytest.mark.parametrize("name", KEOPS_FORMULAS)
def test_formula(name, flat):
    ours, theirs = (KEOPS_FORMULAS[name](*tensors(module, flat)) for module in (keopsc.numpy, pykeops_numpy))
    assert ours.shape == theirs.shape and ours._shape == theirs._shape and ours.ndim == theirs.ndim and ours.dtype == theirs.dtype
    assert_same(ours.sum(1), theirs.sum(1), ONLY_SINGLE.get(name, EXACT))


@pytest.mark.parametrize("reduced", "ji")
@pytest.mark.parametrize("name", KEOPS_REDUCTIONS)
def test_reduction(name, reduced, flat):
    axis = flat.axis(reduced)
    ours, theirs = (KEOPS_REDUCTIONS[name](*tensors(module, flat), axis) for module in (keopsc.numpy, pykeops_numpy))
    assert_same(ours, theirs, EXACT)


@pytest.mark.parametrize("name", ["gaussian", "laplacian_kernel", "cauchy", "sqdist", "clamp", "tensorprod", "normalize", "concat"])
def test_gradients(name, flat):
    found = []
    for module in (keopsc.torch, pykeops_torch):
        leaves = [torch.as_tensor(array).requires_grad_() for array in flat.arrays()]
        x, y, u, s = leaves
        value = KEOPS_FORMULAS[name](module.Vi(x), module.Vj(y), module.Vj(u), module.Pm(s)).sum(1)
        value.backward(torch.cos(value.detach()))
        found.append([value.detach(), *(torch.zeros(1) if leaf.grad is None else leaf.grad for leaf in leaves)])
    for ours, theirs in zip(*found):
        assert_same(ours, theirs, EXACT)


def test_the_tests_of_keops_pass(tmp_path):
    """KeOps' own test suite, as its package has it, on keopsc."""
    folder = Path(importlib.util.find_spec("pykeops").origin).parent / "test"
    for path in folder.glob("*.py"):
        if path.name != "__init__.py":
            shutil.copy(path, tmp_path)
    (tmp_path / "conftest.py").write_text("import keopsc.compat\nkeopsc.compat.install()\n")
    environment = dict(os.environ, PYTHONPATH=str(Path(keopsc.__file__).parents[1]))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:]
