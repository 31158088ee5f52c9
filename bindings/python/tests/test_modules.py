"""Imports: what they cost, what they need, KeOps' names, and how the compiler is found."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import keopsc

SOURCE = Path(keopsc.__file__).parents[1]


def python(code, **environment):
    """Runs code in a process of its own and returns what it prints."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_package_needs_no_array_library():
    assert python("import keopsc, sys; print([m for m in ('numpy', 'torch') if m in sys.modules])") == "[]"


def test_numpy_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None; import numpy as np; from keopsc.numpy import Vi; print((Vi(np.ones((2, 1))) * 2).sum(1).tolist())"
    )
    assert python(code) == "[[2.0], [2.0]]"


def test_torch_needs_no_numpy():
    pytest.importorskip("torch")
    code = "import sys; sys.modules['numpy'] = None; import torch; from keopsc.torch import Vi; print((Vi(torch.ones((2, 1))) * 2).sum(1).tolist())"
    assert python(code) == "[[2.0], [2.0]]"


def test_all_names_are_there():
    for module in ("numpy", "torch"):
        if module == "torch":
            pytest.importorskip("torch")
        names = python(f"from keopsc.{module} import *; from keopsc.{module}.cluster import *; print(sorted(n for n in dir() if n[0] != '_'))")
        for (
            name
        ) in "LazyTensor ComplexLazyTensor Genred KernelSolve Vi Vj Pm Var generic_sum generic_logsumexp generic_argmin generic_argkmin".split():
            assert f"'{name}'" in names
        for name in "grid_cluster from_matrix sort_clusters cluster_ranges cluster_centroids cluster_ranges_centroids swap_axes".split():
            assert f"'{name}'" in names


def test_classes_know_where_they_are():
    import keopsc.numpy

    assert pickle.loads(pickle.dumps(keopsc.numpy.LazyTensor)) is keopsc.numpy.LazyTensor
    assert keopsc.numpy.Genred.__module__ == "keopsc.numpy" and keopsc.numpy.Vi.__doc__


def test_every_public_name_is_documented():
    import keopsc.numpy.cluster

    for thing in (
        keopsc.numpy.LazyTensor,
        keopsc.numpy.ComplexLazyTensor,
        keopsc.numpy.Genred,
        keopsc.numpy.KernelSolve,
        keopsc.numpy,
        keopsc.numpy.cluster,
    ):
        for name in dir(thing):
            member = getattr(thing, name)
            if not name.startswith("_") and callable(member):
                assert member.__doc__, f"{thing.__name__}.{name}"


def test_keops_names():
    code = """
import keopsc.compat
keopsc.compat.install()
import numpy as np
import pykeops
import pykeops.numpy
from pykeops.numpy import LazyTensor, Genred, Vi, Vj, Pm
from pykeops.numpy.cluster import grid_cluster, from_matrix
from pykeops.numpy.lazytensor.LazyTensor import Var
from pykeops.common.lazy_tensor import GenericLazyTensor
import keopscore
import keopscore.config
keopscore.config.config.use_cuda = False
pykeops.set_verbose(False)
assert isinstance(Vi(np.ones((2, 1))), GenericLazyTensor)
import keopsc.numpy
assert pykeops.numpy.LazyTensor is keopsc.numpy.LazyTensor
assert pykeops.__version__ >= "2"
pykeops.test_numpy_bindings()
try:
    import pykeops.nothing
except ModuleNotFoundError as error:
    print(error)
keopsc.compat.install()
keopsc.compat.uninstall()
try:
    import pykeops.numpy
    print("another pykeops")
except ModuleNotFoundError:
    print("no pykeops")
"""
    lines = python(code).splitlines()
    assert "keopsc with numpy bindings is working!" in lines
    assert "No module named 'pykeops.nothing'" in lines and lines[-1] in ("no pykeops", "another pykeops")


def test_keops_names_by_import():
    assert python("import keopsc.compat.pykeops as pykeops; import keopsc.compat.pykeops.numpy as n; print(n.Genred.__module__)") == "keopsc.numpy"


def test_submodules_without_an_import_of_their_own():
    code = "import keopsc.compat.pykeops as pykeops; print(pykeops.numpy.Genred.__module__, hasattr(pykeops, 'nothing'))"
    assert python(code) == "keopsc.numpy False"


def test_a_compiler_that_is_missing():
    code = "from keopsc import compiler\ntry: compiler.find()\nexcept compiler.CompilerNotFound as error: print(error)"
    assert python(code, KEOPSC="/nowhere/keopsc") == "the environment variable KEOPSC is '/nowhere/keopsc', which is no executable file"


def test_the_package_leaves_no_time_behind():
    """Beyond NumPy, nothing that is slow to import: no subprocess, no inspect, no dataclasses."""
    loaded = python("import sys; import keopsc; print(' '.join(sys.modules))").split()
    assert not {"subprocess", "dataclasses", "inspect", "asyncio"} & set(loaded)
