"""`keopscore.config.config`: the folder of compiled formulas. There is no C++ compiler; setting `use_cuda` has no effect."""

from __future__ import annotations

from typing import Any, Optional

from ... import machine

__all__ = ["get_build_folder", "set_different_build_folder", "use_cuda"]

use_cuda: bool = machine.gpu_available


def get_build_folder() -> str:
    """The folder of the compiler's cache."""
    return machine.get_build_folder()


def set_different_build_folder(path: Optional[str] = None, **_: Any) -> None:
    """Sets the folder of the compiler's cache, for this process; None is the usual one."""
    machine.set_build_folder(path)
