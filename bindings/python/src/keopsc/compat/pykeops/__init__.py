"""The names of KeOps' package `pykeops`, version 2.3, with keopsc behind them.

    import keopsc.compat.pykeops as pykeops

or, for code that is not to be changed, `keopsc.compat.install()` before its `import pykeops`.
"""

from __future__ import annotations

import importlib
from typing import Any

from ... import __version__ as keopsc_version
from ... import compiler
from . import config
from .config import get_build_folder, numpy_found, pykeops_nvrtc_name, torch_found

__version__ = "2.3"

__all__ = [
    "check_health",
    "clean_pykeops",
    "config",
    "default_device_id",
    "get_build_folder",
    "keops_get_build_folder",
    "numpy_found",
    "pykeops_nvrtc_name",
    "set_build_folder",
    "set_verbose",
    "show_cuda_status",
    "test_numpy_bindings",
    "test_torch_bindings",
    "torch_found",
    "verbose",
]


def __getattr__(name: str) -> Any:
    """`pykeops.numpy` and `pykeops.torch` without an import of their own, as KeOps has them; loaded when they are asked for."""
    if name == "common" or (name == "numpy" and numpy_found) or (name == "torch" and torch_found):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: The GPU that is used where none is named.
default_device_id = 0
#: Accepted for KeOps' sake: keopsc prints nothing.
verbose: bool = False

#: Whether NVIDIA's driver is there.
show_cuda_status: bool = config.gpu_available
keops_get_build_folder = get_build_folder


def set_verbose(val: bool) -> None:
    """Sets `verbose`, which has no effect."""
    global verbose
    verbose = bool(val)


def clean_pykeops(recompile_jit_binaries: bool = True) -> None:
    """Removes all compiled libraries from the cache."""
    compiler.clear_cache()


def check_health() -> None:
    """Prints which compiler is used, and whether it works."""
    print(f"keopsc {keopsc_version} in place of pykeops; compiler {compiler.find()}, version {compiler.version()}")


def set_build_folder(path: "str | None" = None) -> None:
    """Sets the folder of the compiler's cache, for this process."""
    config.set_build_folder(path)


def _check(module: str) -> None:
    """Computes a small Gaussian sum with one of the bindings and compares it with the sum in full."""
    library = importlib.import_module(module)
    bindings = importlib.import_module(f"{__name__}.{module}")
    x, y = library.ones((3, 3)), library.ones((5, 3)) * 2
    value = bindings.Genred("Sum(Square(x - y))", ["x = Vi(3)", "y = Vj(3)"], axis=1)(x, y)
    if not bool((value == 15).all()):
        raise RuntimeError(f"the bindings for {module} give {value}, where 15 is right")
    print(f"\nkeopsc with {module} bindings is working!\n")


def test_numpy_bindings() -> None:
    """Checks that the bindings for NumPy work, and says so."""
    _check("numpy")


def test_torch_bindings() -> None:
    """Checks that the bindings for PyTorch work, and says so."""
    _check("torch")


# pytest would take these for tests where somebody imports them.
test_numpy_bindings.__test__ = test_torch_bindings.__test__ = False
