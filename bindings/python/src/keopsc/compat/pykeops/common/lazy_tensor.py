"""The classes that LazyTensors of all array libraries have in common."""

from typing import Any

from ....complex_numbers import ComplexMethods as ComplexGenericLazyTensor
from ....lazytensor import LazyTensor as GenericLazyTensor

__all__ = ["ComplexGenericLazyTensor", "GenericLazyTensor", "is_complex_lazytensor"]


def is_complex_lazytensor(x: Any) -> bool:
    """Whether a LazyTensor is one of complex numbers."""
    return bool(x.is_complex)
