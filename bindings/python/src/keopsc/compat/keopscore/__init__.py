"""The names of KeOps' package `keopscore` that other packages use: switches, which have no effect, and the folder of compiled formulas.

Its generators of C++ code (`keopscore.formulas`, `get_keops_dll`) have no counterpart.
"""

from .. import machine
from ..machine import get_build_folder, set_build_folder
from . import config

__all__ = [
    "auto_factorize",
    "check_health",
    "clean_keops",
    "config",
    "cuda_block_size",
    "debug_ops",
    "debug_ops_at_exec",
    "get_build_folder",
    "set_build_folder",
    "show_cuda_status",
    "verbose",
]

__version__ = "2.3"

auto_factorize = False
verbose: bool = False
debug_ops = False
debug_ops_at_exec = False
#: The rows of a block of threads: KeOps' number, which means nothing here.
cuda_block_size = 192
#: Whether NVIDIA's driver is there.
show_cuda_status: bool = machine.gpu_available


def clean_keops(recompile_jit_binary: bool = True) -> None:
    """Removes all compiled libraries from the cache."""
    from ..pykeops import clean_pykeops

    clean_pykeops()


def check_health() -> None:
    """Prints which compiler is used, and whether it works."""
    from ..pykeops import check_health

    check_health()
