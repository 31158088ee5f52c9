"""`pykeops.common.get_options`: KeOps' numbers for its backends."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from ....program import GPU_BACKENDS
from ... import machine

__all__ = ["SetBackend", "get_tag_backend"]


class SetBackend:
    """What KeOps means by a backend: CPU 0 or GPU 1; 1D 0 or 2D 1; arrays in the host's memory 0 or the device's 1."""

    dev: Dict[str, int] = {"CPU": 0, "GPU": 1}
    grid: Dict[str, int] = {"1D": 0, "2D": 1}
    memtype: Dict[str, int] = {"host": 0, "device": 1}
    possible_options_list: List[str] = ["auto", "CPU", *GPU_BACKENDS]

    def define_tag_backend(self, backend: str, variables: Sequence[Any]) -> Tuple[int, int, int]:
        """The three numbers for a backend and the arrays of a call. Raises ValueError for an unknown name, and for arrays here and there."""
        if backend not in self.possible_options_list:
            raise ValueError(f"backend is {backend!r}; it may be {', '.join(map(repr, self.possible_options_list))}")
        device, grid, memory = [*backend.split("_"), None, None][:3]
        on_gpu = [bool(getattr(variable, "is_cuda", False)) for variable in variables]
        if memory is None and any(on_gpu) != all(on_gpu):
            raise ValueError("some of the arrays are in a GPU's memory, and others in the CPU's")
        return (
            int(machine.gpu_available) if device == "auto" else self.dev[str(device)],
            self.grid[grid or "1D"],
            self.memtype[memory] if memory else int(any(on_gpu)),
        )


def get_tag_backend(backend: str, variables: Sequence[Any], str: bool = False) -> Tuple[int, int, int]:
    """`SetBackend.define_tag_backend`. (KeOps' `str=True` fails there.)"""
    return SetBackend().define_tag_backend(backend, variables)
