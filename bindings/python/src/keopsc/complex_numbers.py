"""LazyTensors of complex numbers."""

from __future__ import annotations

from typing import Any, Callable, Optional

from . import operations
from .methods import unary


class ComplexMethods:
    """What is different about LazyTensors of complex numbers. Their components are pairs (re, im)."""

    def __init__(self, x: Any = None, axis: Optional[int] = None):
        super().__init__(x, axis, is_complex=True)

    @property
    def real(self) -> Any:
        """The real parts."""
        return self._apply("ComplexReal({0})", lambda d: d // 2, of_complex=True)

    @property
    def imag(self) -> Any:
        """The imaginary parts."""
        return self._apply("ComplexImag({0})", lambda d: d // 2, of_complex=True)

    def angle(self) -> Any:
        """The angles in radians, from -pi to pi."""
        return self._apply("ComplexAngle({0})", lambda d: d // 2, of_complex=True)

    def abs(self) -> Any:
        """The absolute values."""
        return self._apply("ComplexAbs({0})", lambda d: d // 2, of_complex=True)

    def conj(self) -> Any:
        """The conjugate numbers."""
        return self._apply("Conj({0})", operations.same, is_complex=True)

    def square(self) -> Any:
        """The squares."""
        return self * self

    def sum(self, axis: Any = -1, dim: Any = None, **options: Any) -> Any:
        """The sum over i, over j, or of the components (axis=-1), which is a LazyTensor."""
        axis = axis if dim is None else dim
        if self._is_inner(axis):
            return self._apply("ComplexSum({0})", lambda _: 2, is_complex=True)
        return super().sum(axis, **options)

    def real2complex(self) -> Any:
        """Refused: the numbers are complex."""
        raise ValueError("real2complex is for real LazyTensors")

    imag2complex = real2complex
    exp1j = real2complex


def _refused(operation: operations.Operation) -> Callable[..., Any]:
    def method(self, *args, **options):
        raise ValueError(f"{operation.method} is not defined for complex numbers")

    method.__name__ = operation.method
    method.__doc__ = "Refused: not defined for complex numbers."
    return method


for _operation in operations.UNARY:
    if _operation.method not in vars(ComplexMethods):
        setattr(ComplexMethods, _operation.method, _refused(_operation))
for _operation in operations.OF_COMPLEX:
    setattr(ComplexMethods, _operation.method, unary(_operation, is_complex=True))
