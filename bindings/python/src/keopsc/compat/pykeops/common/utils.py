"""`pykeops.common.utils`."""

from __future__ import annotations

import importlib
from typing import Any, Dict, Optional, Tuple

from ....program import broadcast

__all__ = ["WarmUpGpu", "axis2cat", "c_type", "cat2axis", "check_broadcasting", "get_tools", "max_tuple", "pyKeOps_Message", "pyKeOps_Print", "pyKeOps_Warning"]

c_type: Dict[str, str] = {"float16": "half2", "float32": "float", "float64": "double"}


def axis2cat(axis: int) -> int:
    """The category of the rows of a result, 0 for i or 1 for j, where `axis` is reduced. Raises ValueError for another axis."""
    if axis not in (0, 1):
        raise ValueError(f"axis is {axis!r}; it may be 0 or 1")
    return 1 - axis


#: The same the other way round.
cat2axis = axis2cat


def get_tools(lang: str) -> Any:
    """An instance of `numpytools` for "numpy", of `torchtools` for "torch" or "pytorch"."""
    library = {"numpy": "numpy", "torch": "torch", "pytorch": "torch"}[lang]
    return getattr(importlib.import_module(f"...{library}.utils", __name__), f"{library}tools")()


def WarmUpGpu(lang: str) -> None:
    """Does nothing: libraries load their kernels at the first call."""


def max_tuple(a: Tuple[int, ...], b: Tuple[int, ...]) -> Tuple[int, ...]:
    """The larger one of each two numbers."""
    return tuple(map(max, a, b))


def check_broadcasting(dims_1: Optional[Tuple[int, ...]], dims_2: Optional[Tuple[int, ...]]) -> Optional[Tuple[int, ...]]:
    """The shape that two shapes have together; None stands for none. Raises ValueError where they do not broadcast."""
    return dims_1 or dims_2 if dims_1 is None or dims_2 is None else broadcast(dims_1, dims_2)


def pyKeOps_Print(message: str, **options: Any) -> None:
    """Prints a message where `pykeops.verbose` is set."""
    if importlib.import_module("...", __name__).verbose:
        print(message, **options)


def pyKeOps_Message(message: str, use_tag: bool = True, **options: Any) -> None:
    """Prints a message, by default after the package's name, where `pykeops.verbose` is set."""
    pyKeOps_Print(("[pyKeOps] " if use_tag else "") + message, **options)


def pyKeOps_Warning(message: str) -> None:
    """Prints a warning where `pykeops.verbose` is set."""
    pyKeOps_Print("[pyKeOps] Warning : " + message)
