"""What `pykeops.config` tells of the machine."""

from __future__ import annotations

import importlib.util
import os
import sysconfig

from .. import machine
from ..keopscore.config import config as pykeops_base
from ..keopscore.config import cuda_config as pykeops_cuda
from ..keopscore.config import openmp_config as pykeops_openmp
from ..machine import get_build_folder, set_build_folder

__all__ = [
    "get_build_folder",
    "gpu_available",
    "numpy_found",
    "pykeops_base",
    "pykeops_cpp_name",
    "pykeops_cuda",
    "pykeops_nvrtc_name",
    "pykeops_openmp",
    "python_includes",
    "set_build_folder",
    "torch_found",
]

numpy_found: bool = importlib.util.find_spec("numpy") is not None
torch_found: bool = importlib.util.find_spec("torch") is not None
gpu_available: bool = machine.gpu_available
#: Options of a C++ compiler, which there is none of.
python_includes: str = ""


def pykeops_nvrtc_name(type: str = "src") -> str:
    """Where KeOps would keep the binding of its kernels for GPUs. There is no such file."""
    extension = ".cpp" if type == "src" else str(sysconfig.get_config_var("EXT_SUFFIX"))
    return os.path.join(get_build_folder(), "pykeops_nvrtc" + extension)


def pykeops_cpp_name(tag: str = "", extension: str = "") -> str:
    """Where KeOps would keep the binding of a formula. There is no such file."""
    return os.path.join(get_build_folder(), "pykeops_cpp_" + tag + extension)
