"""Methods of LazyTensors, made of the rows of the tables in `operations.py`."""

from __future__ import annotations

from typing import Any, Callable, Optional

from . import operations


def _with_lazytensors(operation: operations.Operation) -> Callable[..., Any]:
    def method(self, *others):
        if len(others) != operands - 1:
            raise TypeError(f"{operation.method} takes {operands - 1} arguments, not {len(others)}")
        return self._apply(operation.template, operation.dim, others, name=operation.method)

    operands = 1 + max(number for number in range(4) if f"{{{number}}}" in operation.template)
    method.__name__, method.__doc__ = operation.method, operation.doc
    return method


def unary(operation: operations.Operation, is_complex: bool = False) -> Callable[..., Any]:
    def method(self):
        return self._apply(template, dim, is_complex=is_complex)

    _, template, dim, method.__doc__ = operation
    method.__name__ = operation.method
    return method


def _extremum(name: str, reduction: str, inner: Optional[str]) -> Callable[..., Any]:
    def method(self, axis=None, dim=None, **options):
        axis = axis if dim is None else dim
        if inner and self._is_inner(axis):
            return self._apply(inner + "({0})", operations.one)
        return self.reduction(reduction, axis=axis, **options)

    inside = "; of the components (axis=-1), a LazyTensor" if inner else ""
    method.__name__, method.__doc__ = name, f"The reduction {reduction} over i or j{inside}: see `reduction`."
    return method


def _list(name: str, reduction: str) -> Callable[..., Any]:
    def method(self, K: int, axis=None, dim=None, **options):
        return self.reduction(reduction, opt_arg=K, axis=axis, dim=dim, **options)

    method.__name__, method.__doc__ = name, f"The reduction {reduction} over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."
    return method


def _always_reduces(name: str) -> Callable[..., Any]:
    def method(self, *args, axis=None, dim=None, **options):
        if self._is_inner(axis if dim is None else dim):
            raise ValueError(f"{name}_reduction is over i or j: axis {self.nbatchdims} or {self.nbatchdims + 1}")
        return getattr(self, name)(*args, axis=axis, dim=dim, **options)

    method.__name__, method.__doc__ = f"{name}_reduction", f"`{name}` over i or j."
    return method


class Methods:
    """What the tables list."""


for _operation in operations.UNARY:
    setattr(Methods, _operation.method, unary(_operation))
for _operation in operations.WITH_LAZYTENSORS:
    setattr(Methods, _operation.method, _with_lazytensors(_operation))
for _row in operations.EXTREMA:
    setattr(Methods, _row[0], _extremum(*_row))
for _row in operations.LISTS:
    setattr(Methods, _row[0], _list(*_row))
for _name in ("sum", "logsumexp", "sumsoftmaxweight", "mean", *(row[0] for row in (*operations.EXTREMA, *operations.LISTS))):
    setattr(Methods, f"{_name}_reduction", _always_reduces(_name))
