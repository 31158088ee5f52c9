"""What `numpytools` and `torchtools` have in common."""

from __future__ import annotations

from typing import Any, Callable


class Tools:
    """Functions of arrays that are the same for both array libraries."""

    arraytype: type
    is_complex: Callable[[Any], bool]

    @classmethod
    def is_tensor(cls, x: Any) -> bool:
        """Whether a value is an array of the library."""
        return isinstance(x, cls.arraytype)

    @classmethod
    def detect_complex(cls, x: Any) -> bool:
        """Whether a value is a complex number or array, or a list that has one."""
        if isinstance(x, list):
            return any(isinstance(number, complex) for number in x)
        return bool(cls.is_complex(x)) if cls.is_tensor(x) else isinstance(x, complex)

    @staticmethod
    def transpose(x: Any) -> Any:
        """The transposed matrix."""
        return x.T

    @staticmethod
    def dtype(x: Any) -> Any:
        """The type of an array's numbers, or of anything else."""
        return getattr(x, "dtype", type(x))
