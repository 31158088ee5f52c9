"""A compiled library -> its entries, and calls that are prepared once for all arrays of the same layout.

What an array library has to tell about an array is its *layout*: (shape, strides in elements, type name, device number or -1 for the CPU's
memory). A `Prepared` call holds the C structures for given layouts; to run it takes one pointer a tensor, and nothing else is written.
"""

from __future__ import annotations

import ctypes
import json
from ctypes import c_int64, c_void_p
from functools import lru_cache
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import abi

MESSAGE_SIZE = 1024
WORDS_PER_TENSOR = ctypes.sizeof(abi.Tensor) // 8

#: Statuses of calls.
SHAPE, DTYPE, STRIDE, DEVICE, ARGUMENTS, MEMORY, RANGES, VALUE = 2, 3, 4, 5, 6, 7, 9, 12


class Layout(NamedTuple):
    """How an array lies in memory."""

    shape: Tuple[int, ...]
    strides: Tuple[int, ...]
    dtype: str
    device: int = -1


class CallError(RuntimeError):
    """A library refused a call, or could not carry it out."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class ShapeError(CallError, ValueError):
    """Shapes, types or ranges of the arrays do not fit the formula or each other."""


def call_error(status: int, message: str) -> CallError:
    """The exception for a status other than 0."""
    wrong_values = (SHAPE, DTYPE, STRIDE, DEVICE, ARGUMENTS, RANGES, VALUE)
    return (ShapeError if status in wrong_values else CallError)(status, message)


class TensorInfo(NamedTuple):
    """One tensor of an entry, as the manifest describes it."""

    name: str
    kind: str
    role: str
    shape: Tuple[int, ...]
    dtype: str
    gradient_of: Optional[str]

    @property
    def dim(self) -> int:
        """The number of components of a row."""
        dim = 1
        for extent in self.shape:
            dim *= extent
        return dim


class Entry:
    """One function of a library: its tensors, and the addresses to call."""

    library: "Library"
    name: str
    inputs: List[TensorInfo]
    outputs: List[TensorInfo]
    run: Any
    prepare: Any

    def __init__(self, library: "Library", point: abi.Entry, described: Dict[str, Any]):
        self.library = library
        self.name = described["name"]
        tensors = [TensorInfo(t["name"], t["kind"], t["role"], tuple(t["shape"]), t["dtype"], t.get("gradient_of")) for t in described["tensors"]]
        self.inputs = [t for t in tensors if t.kind != "output"]
        self.outputs = [t for t in tensors if t.kind == "output"]
        self.run = abi.Run(point.run)
        self.prepare = abi.Prepare(point.prepare)


class Library:
    """A loaded library. It stays loaded until the process ends: prepared calls hold its addresses."""

    path: str
    entries: Dict[str, Entry]
    clusters: Any

    def __init__(self, path: str):
        self.path = path
        self._handle = ctypes.CDLL(path)
        self._handle.keops_module_v1.restype = ctypes.POINTER(abi.Module)
        module = self._handle.keops_module_v1().contents
        manifest = json.loads(ctypes.string_at(module.manifest, module.manifest_size))
        described = {entry["name"]: entry for entry in manifest["entries"]}
        points = (abi.Entry.from_address(module.entries + number * module.entry_size) for number in range(module.num_entries))
        self.entries = {point.name.decode(): Entry(self, point, described[point.name.decode()]) for point in points}
        self.clusters = module.clusters.contents


@lru_cache(maxsize=None)
def load(path: str) -> Library:
    """The library at a path, loaded once."""
    return Library(path)


class _Frame:
    """The C structures of one call; only one thread at a time may use them."""

    __slots__ = ("address", "words", "call", "message", "_kept")

    def __init__(self, prepared: "Prepared"):
        layouts = (*prepared.layouts, *prepared.ranges)
        count = len(layouts)
        tensors = (abi.Tensor * count)()
        pointers = (c_void_p * count)()
        kept = []
        for number, (tensor, layout) in enumerate(zip(tensors, layouts)):
            integers = c_int64 * len(layout.shape)
            shape, strides = integers(*layout.shape), integers(*layout.strides)
            tensor.shape, tensor.strides, tensor.ndim = shape, strides, len(layout.shape)
            tensor.code, tensor.bits = abi.DLPACK_TYPES[layout.dtype]
            tensor.lanes = 1
            tensor.device_type, tensor.device_id = (abi.CPU, 0) if layout.device < 0 else (abi.CUDA, layout.device)
            pointers[number] = ctypes.addressof(tensors) + number * ctypes.sizeof(abi.Tensor)
            kept += [shape, strides]
        self.message = ctypes.create_string_buffer(MESSAGE_SIZE)
        self.call = abi.Call(
            struct_size=ctypes.sizeof(abi.Call),
            num_tensors=len(prepared.layouts),
            tensors=ctypes.addressof(pointers),
            rows_i=prepared.rows[0],
            rows_j=prepared.rows[1],
            device_type=0 if prepared.device is None else abi.CUDA,
            device_id=prepared.device or 0,
            check=0,
            ranges=ctypes.addressof(pointers) + 8 * len(prepared.layouts) if prepared.ranges else None,
            message=ctypes.addressof(self.message),
            message_size=MESSAGE_SIZE,
        )
        self.address = ctypes.addressof(self.call)
        self.words = memoryview(tensors).cast("B").cast("Q")
        self._kept = (tensors, pointers, kept)


class Prepared:
    """A call of an entry for tensors of fixed layouts.

    layouts: those of all tensors, results included, in the order of the entry; ranges: of the six tensors of ranges, or ();
    rows: M and N where no tensor tells them, else -1; device: the GPU through which the CPU's memory is to go, or None.
    """

    __slots__ = ("entry", "layouts", "ranges", "rows", "device", "_run", "_positions", "_idle")

    entry: Entry
    layouts: Tuple[Layout, ...]
    ranges: Tuple[Layout, ...]
    rows: Tuple[int, int]
    device: Optional[int]

    def __init__(self, entry: Entry, layouts: Sequence[Layout], ranges: Sequence[Layout], rows: Tuple[int, int], device: Optional[int]):
        self.entry = entry
        self.layouts = tuple(layouts)
        self.ranges = tuple(ranges)
        self.rows = rows
        self.device = device
        self._run = entry.run
        self._positions = tuple(range(0, WORDS_PER_TENSOR * (len(self.layouts) + len(self.ranges)), WORDS_PER_TENSOR))
        self._idle: list = []

    def __call__(self, pointers: Sequence[int], stream: Optional[int] = None) -> None:
        """Runs the call on these addresses: one for each tensor, then one for each of the ranges.

        Raises `ShapeError` where the library refuses the layouts, `CallError` for what goes wrong while it runs.
        """
        try:
            frame = self._idle.pop()
        except IndexError:
            frame = _Frame(self)
        words = frame.words
        for position, pointer in zip(self._positions, pointers):
            words[position] = pointer
        if stream is not None:
            frame.call.stream = stream
        status = self._run(frame.address)
        if status:
            raise call_error(status, frame.message.value.decode("utf-8", "replace"))
        self._idle.append(frame)


def tensor_of(layout: Layout, pointer: int) -> abi.Tensor:
    """A DLTensor that is good for one call; it keeps its shape and strides alive."""
    integers = c_int64 * len(layout.shape)
    shape, strides = integers(*layout.shape), integers(*layout.strides)
    code, bits = abi.DLPACK_TYPES[layout.dtype]
    tensor = abi.Tensor(data=pointer, device_type=abi.CPU, ndim=len(layout.shape), code=code, bits=bits, lanes=1)
    tensor.shape, tensor.strides = shape, strides
    return tensor


def call_clusters(library: Library, name: str, tensors: Sequence[Optional[abi.Tensor]], counts: bool = False) -> int:
    """Calls one of the functions that make ranges; returns the number it tells where `counts` says that it does, else 0."""
    message = ctypes.create_string_buffer(MESSAGE_SIZE)
    count = c_int64(0)
    types = [c_void_p] * (len(tensors) + counts + 1) + [ctypes.c_uint64]
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(getattr(library.clusters, name))
    arguments = [None if tensor is None else ctypes.addressof(tensor) for tensor in tensors]
    if counts:
        arguments.append(ctypes.addressof(count))
    status = function(*arguments, ctypes.addressof(message), len(message))
    if status:
        raise call_error(status, message.value.decode("utf-8", "replace"))
    return count.value
