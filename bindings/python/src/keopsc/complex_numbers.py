"""LazyTensors of complex numbers."""

from __future__ import annotations

from typing import Callable, Optional

from . import operations
from .methods import unary


class ComplexMethods:
    """What is different about LazyTensors of complex numbers. Their components are pairs (re, im)."""

    def __init__(self, x=None, axis: Optional[int] = None):
        super().__init__(x, axis, is_complex=True)

    @property
    def real(self):
        """The real parts."""
        return self._apply("ComplexReal({0})", lambda d: d // 2, of_complex=True)

    @property
    def imag(self):
        """The imaginary parts."""
        return self._apply("ComplexImag({0})", lambda d: d // 2, of_complex=True)

    def angle(self):
        """The angles in radians, from -pi to pi."""
        return self._apply("ComplexAngle({0})", lambda d: d // 2, of_complex=True)

    def abs(self):
        """The absolute values."""
        return self._apply("ComplexAbs({0})", lambda d: d // 2, of_complex=True)

    def conj(self):
        """The conjugate numbers."""
        return self._apply("Conj({0})", operations.same, is_complex=True)

    def square(self):
        """The squares."""
        return self * self

    def sum(self, axis=-1, dim=None, **options):
        """The sum over i, over j, or of the components (axis=-1), which is a LazyTensor."""
        axis = axis if dim is None else dim
        if self._is_inner(axis):
            return self._apply("ComplexSum({0})", lambda _: 2, is_complex=True)
        return super().sum(axis, **options)

    def real2complex(self):
        """Refused: the numbers are complex."""
        raise ValueError("real2complex is for real LazyTensors")

    imag2complex = exp1j = real2complex


def _refused(operation: operations.Operation) -> Callable:
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
