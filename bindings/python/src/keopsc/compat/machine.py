"""What KeOps' modules tell of the machine, and where formulas are kept."""

from __future__ import annotations

import ctypes
import os
from typing import Optional

from .. import compiler

if "KEOPS_CACHE_FOLDER" in os.environ:
    os.environ.setdefault("KEOPSC_CACHE_DIR", os.path.abspath(os.environ["KEOPS_CACHE_FOLDER"]))


def _driver() -> Optional[ctypes.CDLL]:
    """NVIDIA's driver, or None."""
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None


#: Whether NVIDIA's driver is there.
gpu_available: bool = _driver() is not None


def count_gpus() -> int:
    """How many GPUs there are. It makes the driver ready for use, so that processes are to be forked before."""
    driver, count = _driver(), ctypes.c_int(0)
    if driver is None or driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def get_build_folder() -> str:
    """The folder of the compiler's cache."""
    return compiler.run("cache", "--dir").strip()


def set_build_folder(path: Optional[str] = None) -> None:
    """Sets the folder of the compiler's cache, for this process; None is the usual one."""
    if path is None:
        os.environ.pop("KEOPSC_CACHE_DIR", None)
    else:
        os.environ["KEOPSC_CACHE_DIR"] = os.path.abspath(path)
