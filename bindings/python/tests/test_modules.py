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
    paths = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment}
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


#: What programs import of pykeops and keopscore besides their main modules: a statement, and what has to hold then. `LIBRARY` is numpy or torch.
NAMES_OF_KEOPS = [
    ("import pykeops", "pykeops.show_cuda_status in (True, False) and pykeops.default_device_id == 0 and pykeops.numpy_found"),
    ("import pykeops.config as c", "c.gpu_available == c.pykeops_cuda.get_use_cuda() and c.pykeops_openmp.get_use_OpenMP()"),
    ("import pykeops.config as c", "c.pykeops_base.get_build_folder() == c.get_build_folder() == FOLDER"),
    ("import pykeops.config as c", "c.pykeops_nvrtc_name(type='src') == FOLDER + '/pykeops_nvrtc.cpp' and c.pykeops_cpp_name('a', '.so') == FOLDER + '/pykeops_cpp_a.so'"),
    ("import keopscore", "keopscore.get_build_folder() == FOLDER and keopscore.auto_factorize is False and keopscore.cuda_block_size == 192"),
    ("from keopscore.config import *", "config.get_build_folder() == FOLDER and cuda_config.get_use_cuda() in (True, False) and platform_detector.get_os()"),
    ("import keopscore.config.config as c", "c.use_cuda in (True, False)"),
    ("from pykeops.common.gpu_utils import get_gpu_number", "get_gpu_number() >= 0"),
    ("from pykeops.common.keops_io import keops_binder", "keops_binder == {}"),
    ("from pykeops.common.utils import *", "axis2cat(0) == cat2axis(0) == 1 and check_broadcasting((2, 1), (3,)) == (2, 3) and check_broadcasting(None, (3,)) == (3,)"),
    ("from pykeops.common.utils import get_tools", "get_tools('LIBRARY').Genred is module.Genred"),
    ("from pykeops.common.parse_type import *", "get_type('x = Vi(3)', 4) == ('x', 0, 3, 4) and get_type('Pm(1, 2)') == (None, 2, 2, 1) and list(categories) == ['Vi', 'Vj', 'Pm']"),
    ("from pykeops.common.parse_type import *", "complete_aliases('Var(1,2,1) * x', ['x = Vi(2)']) == ['x = Vi(2)', 'Var(1,2,1)']"),
    ("from pykeops.common.parse_type import *", "get_sizes(['x = Vi(3)', 's = Pm(1)', 'y = Vj(3)'], ones(4, 3), ones(1), ones(5, 3)) == (4, 5) and get_sizes(['s = Pm(1)'], ones(1)) == (1, 1)"),
    ("from pykeops.common.parse_type import *", "parse_dtype_acc('auto', 'float32') == 'float' and parse_dtype_acc('float32', 'float16') == 'float2'"),
    ("from pykeops.common.parse_type import *", "get_optional_flags('Min', 'auto', False, 'auto', True, False) == "
     "{'dtype_acc': 'auto', 'sum_scheme': 'direct_sum', 'use_fast_math': 0, 'enable_chunks': 1}"),
    ("from pykeops.common.get_options import *", "get_tag_backend('GPU_2D_device', [ones(3)]) == (1, 1, 1) and get_tag_backend('CPU', [ones(3)]) == (0, 0, 0)"),
    ("from pykeops.common.operations import *", "abs(ConjugateGradientSolver('LIBRARY', lambda v: 4 * v, ones(3, 1)) - 0.25).max() < 1e-6"),
    ("from pykeops.common.operations import *", "abs(KernelLinearSolver('LIBRARY', lambda x, y, b: 3 * b, ones(3, 1), ones(3, 1), alpha=1) - 0.25).max() < 1e-6"),
    ("from pykeops.LIBRARY.generic.generic_red import Genred", "Genred is module.Genred"),
    ("from pykeops.LIBRARY.generic.generic_ops import *", "generic_argkmin is module.generic_argkmin and generic_sum is module.generic_sum"),
    ("from pykeops.LIBRARY.cluster.utils import *", "sort_clusters is module.cluster.sort_clusters and swap_axes is module.cluster.swap_axes"),
    ("from pykeops.LIBRARY.cluster.matrix import from_matrix", "from_matrix is module.cluster.from_matrix"),
    ("from pykeops.LIBRARY.cluster.grid_cluster import grid_cluster", "grid_cluster(ones(3, 2), 0.5).shape == module.cluster.grid_cluster(ones(3, 2), 0.5).shape == (3,)"),
    ("from pykeops.LIBRARY.test_install import test_LIBRARY_bindings as test", "test() is None"),
    ("from pykeops.LIBRARY.utils import LIBRARYtools as tools", "tools.dtypename(tools.zeros((2,), ones(1).dtype, 'cpu').dtype) == tools.dtypename(ones(1).dtype)"),
    ("from pykeops.LIBRARY.utils import LIBRARYtools as tools", "tools.detect_complex([1, 1j]) and not tools.detect_complex(ones(2)) and tools.is_tensor(ones(1))"),
    ("from pykeops.LIBRARY.utils import LIBRARYtools as tools", "tools.view_as_real(tools.view_as_complex(ones(2, 4))).shape == (2, 4)"),
    ("from pykeops.LIBRARY.utils import LIBRARYtools as tools", "tools.size(ones(2, 3)) == 6 and tools.arraysum(ones(2, 3), 0).shape == (3,) and tools.permute(ones(2, 3), 1, 0).shape == tools.transpose(ones(2, 3)).shape == (3, 2)"),
    ("K = module.Vi(ones(3, 2))", "K.Genred is module.Genred and K.KernelSolve is module.KernelSolve and K.tools.Genred is module.Genred and K.formula2 is None"),
]  # fmt: skip


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_names_that_programs_import_of_keops(library, tmp_path):
    pytest.importorskip(library)
    head = f"""
import keopsc.compat
keopsc.compat.install()
import pykeops.{library}
import {library}
module, FOLDER = pykeops.{library}, {str(tmp_path)!r}
ones = lambda *shape: {library}.ones(shape)
"""
    tests = [f"{statement}\nassert {truth}, {truth!r}\n".replace("LIBRARY", library) for statement, truth in NAMES_OF_KEOPS]
    python(head + "".join(tests), KEOPS_CACHE_FOLDER=str(tmp_path))


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
