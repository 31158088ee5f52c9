"""NumPy: arrays -> layouts and pointers, and calls."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..library import STRIDE, Layout, ShapeError
from ..program import GPU_BACKENDS, Program, remembered, six_tables

name = "NumPy array"
#: What has `linalg`, `finfo` and `where`.
algebra = np
array_type = np.ndarray

_NAMES = {
    np.dtype(np.float16): "f16",
    np.dtype(np.float32): "f32",
    np.dtype(np.float64): "f64",
    np.dtype(np.complex64): "c64",
    np.dtype(np.complex128): "c128",
    np.dtype(np.int32): "i32",
    np.dtype(np.int64): "i64",
    np.dtype(np.bool_): "bool",
}
_DTYPES = {name: dtype for dtype, name in _NAMES.items()}
#: Types of arrays that are given to libraries as they are, and their names in formula files.
REAL_TYPES: Dict[Any, str] = {_DTYPES[name]: name for name in ("f16", "f32", "f64")}
_REAL = {"c64": "f32", "c128": "f64"}

_address = ctypes.addressof
_byte_of = ctypes.c_char.from_buffer


class Place(NamedTuple):
    """Where a call runs: `streamed` is the GPU through which the CPU's memory goes, or None."""

    streamed: Optional[int]


_ON_CPU = Place(None)


def place(backend: Optional[str], device_id: int) -> Place:
    """From KeOps' names: arrays stay on the CPU unless a GPU is asked for. Raises ValueError for unknown names."""
    if backend is None or backend in ("auto", "CPU"):
        return _ON_CPU
    if backend not in GPU_BACKENDS:
        raise ValueError(f"backend is {backend!r}; it may be 'auto', 'CPU' or 'GPU'")
    return Place(max(device_id, 0))


def is_array(value: Any) -> bool:
    """Whether a value is an array, or a number that NumPy made."""
    return isinstance(value, (np.ndarray, np.generic))


def is_float(value: Any) -> bool:
    """Whether a value is a number that formulas take as a parameter."""
    return isinstance(value, (float, np.floating))


def is_complex(value: Any) -> bool:
    """Whether a value is a complex number or array."""
    return isinstance(value, complex) or (is_array(value) and np.iscomplexobj(value))


def as_array(value: Any) -> np.ndarray:
    """The array, of floating-point or complex numbers of a type that is known; integers and booleans become float64.

    Raises TypeError for anything else.
    """
    array = np.asarray(value)
    if array.dtype in _NAMES and array.dtype.kind in "fc":
        return array
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.newbyteorder("=") in _NAMES:
        return array.astype(array.dtype.newbyteorder("="))
    raise TypeError(f"an array of {array.dtype} cannot be used; types may be float16, float32, float64, complex64 or complex128")


def dtype_name(array: np.ndarray) -> str:
    """The type of an array as formula files call it."""
    return _NAMES[array.dtype]


def dtype(name: Optional[str], is_complex: bool = False) -> Any:
    """NumPy's type of that name."""
    if name is None:
        return None
    return np.result_type(_DTYPES[name], np.complex64) if is_complex else _DTYPES[name]


def parameter(values: Sequence[float], dtype: Optional[str], like: Any) -> np.ndarray:
    """Numbers as an array of that type."""
    return np.array(values, _DTYPES[dtype or "f64"])


def as_real(array: np.ndarray) -> np.ndarray:
    """Complex numbers as pairs (re, im) along the last axis, which becomes twice as long; real numbers get imaginary parts of 0."""
    if array.dtype.kind != "c":
        array = array.astype(np.result_type(array.dtype, np.complex64))
    return np.ascontiguousarray(array).view(_DTYPES[_REAL[_NAMES[array.dtype]]])


def as_complex(array: np.ndarray) -> np.ndarray:
    """Pairs (re, im) along the last axis as complex numbers."""
    return np.ascontiguousarray(array).view(np.result_type(array.dtype, np.complex64))


def as_ranges(tables: Any) -> List[np.ndarray]:
    """Six tables of ranges as contiguous int64 arrays."""
    return [np.ascontiguousarray(table, np.int64) for table in six_tables(tables)]


def fill(out: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Writes a result into the caller's array, which must have its shape."""
    if out.shape != value.shape:
        raise ValueError(f"`out` has shape {out.shape}, but the result has {value.shape}")
    if not np.can_cast(value.dtype, out.dtype, "same_kind"):
        raise TypeError(f"`out` is of {out.dtype}, but the result is of {value.dtype}")
    out[...] = value
    return out


def _pointer(array: np.ndarray) -> int:
    """The address of an array's data: quickly where its memory is contiguous and may be written."""
    try:
        return _address(_byte_of(array))
    except (TypeError, ValueError, BufferError):
        return array.ctypes.data


def layout(array: np.ndarray) -> Layout:
    """How an array lies in memory.

    Raises TypeError for a type that no library takes, `ShapeError` for strides that are no whole numbers of elements, as fields of records have them.
    """
    dtype = _NAMES.get(array.dtype)
    if dtype is None:
        raise TypeError(f"an array of {array.dtype} cannot be used; types may be float16, float32, float64, complex64 or complex128")
    if not _is_regular(array):
        raise ShapeError(STRIDE, f"strides of {array.strides} bytes for elements of {array.itemsize}")
    return Layout(array.shape, tuple(stride // array.itemsize for stride in array.strides), dtype)


def _is_regular(array: np.ndarray) -> bool:
    """Whether libraries can take an array as it lies: aligned, with strides that are whole numbers of elements."""
    return array.flags.aligned and not any(stride % array.itemsize for stride in array.strides)


def pointer(array: np.ndarray) -> int:
    """The address of an array's first element."""
    return array.ctypes.data


def empty(shape: Tuple[int, ...], dtype: str, like: Any = None) -> np.ndarray:
    """An array with unknown contents."""
    return np.empty(shape, _DTYPES[dtype])


def evaluate(program: Program, arrays: Sequence[np.ndarray], ranges: Sequence[np.ndarray] = (), place: Place = _ON_CPU) -> List[np.ndarray]:
    """The outputs of a program for these arguments, which are given as they lie: strides and batch axes of any kind.

    Raises `ShapeError` where arguments do not fit.
    """
    key = (place, *[(array.shape, array.strides, array.dtype) for array in (*arrays, *ranges)])
    plan = program.plans.get(key)
    try:
        if plan is None:
            plan = remembered(program.plans, key, program.plan([layout(a) for a in arrays], [layout(r) for r in ranges], place.streamed))
        prepared, inputs, outputs, is_broadcast = plan
        made = [np.empty(output.shape, _DTYPES[output.dtype]) for output in outputs]
        prepared([_pointer(array) for array in (*[arrays[number] for number in inputs], *made, *ranges)])
    except ShapeError as error:
        if error.status != STRIDE or all(map(_is_regular, arrays)):
            raise
        return evaluate(program, [array if _is_regular(array) else array.copy() for array in arrays], ranges, place)
    if is_broadcast:
        return [array if output.broadcast is None else np.broadcast_to(array, output.broadcast).copy() for array, output in zip(made, outputs)]
    return made


#: Without derivatives, which NumPy's arrays do not have anyway.
evaluate_plainly = evaluate


def refuse_in_graphs(what: str) -> None:
    """Nothing: NumPy's arrays are in no graphs."""


def solve(system: Any, arrays: Sequence[np.ndarray], ranges: Sequence[np.ndarray] = (), place: Place = _ON_CPU) -> np.ndarray:
    """The solution of a linear system (`keopsc.solve.System`), whose right-hand side stands among the arguments in the place of the unknown."""
    return system.solution(sys.modules[__name__], arrays, ranges, place)


def as_integers(value: Any) -> np.ndarray:
    """The array as integers of 32 or 64 bits, or booleans."""
    array = np.asarray(value)
    return array if array.dtype in (np.int32, np.int64, np.bool_) else array.astype(np.int64)


def to_cpu(array: np.ndarray) -> np.ndarray:
    """The array itself."""
    return array


def beside(array: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The array itself."""
    return array
