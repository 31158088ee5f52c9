"""What `pykeops.config` tells of the machine."""

from __future__ import annotations

import ctypes
import importlib.util
import os
from typing import Optional

from ... import compiler

numpy_found: bool = importlib.util.find_spec("numpy") is not None
torch_found: bool = importlib.util.find_spec("torch") is not None


def _has_gpu() -> bool:
    """Whether NVIDIA's driver is there."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


gpu_available: bool = _has_gpu()


def get_build_folder() -> str:
    """The folder of the compiler's cache."""
    return compiler.run("cache", "--dir").strip()


def set_build_folder(path: Optional[str] = None) -> None:
    """Sets the folder of the compiler's cache, for this process; None is the usual one."""
    if path is None:
        os.environ.pop("KEOPSC_CACHE_DIR", None)
    else:
        os.environ["KEOPSC_CACHE_DIR"] = os.path.abspath(path)
