"""Compiles formulas and calls the libraries through both layers of the C ABI, with ctypes and NumPy alone.

The structures repeat `runtime/src/abi.rs`; tests/c compares that file's layout with the generated header. Whole arrays, inputs and results, lie at
forbidden pages: a byte that is touched beyond them ends the process.
"""

import ctypes
import itertools
import json
import os
import subprocess
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy as np

from guard import guarded

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("KEOPSC", ROOT / "target" / "release" / "keopsc"))

OK, NULL_POINTER, SHAPE, DTYPE, STRIDE, DEVICE, ARGUMENTS, MEMORY, TARGET, RANGES, UNSUPPORTED, THREAD, VALUE, DRIVER = range(14)
CPU, CUDA = 1, 2

NUMPY_TYPES = {
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "i64": np.int64,
    "c64": np.complex64,
    "c128": np.complex128,
}
TYPE_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}


class Device(ctypes.Structure):
    _fields_ = [("device_type", c_int32), ("device_id", c_int32)]


class DataType(ctypes.Structure):
    _fields_ = [("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16)]


class Tensor(ctypes.Structure):
    """DLPack's DLTensor."""

    _fields_ = [
        ("data", c_void_p),
        ("device", Device),
        ("ndim", c_int32),
        ("dtype", DataType),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class Call(ctypes.Structure):
    """keops_call."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("num_tensors", c_uint32),
        ("tensors", POINTER(POINTER(Tensor))),
        ("rows_i", c_int64),
        ("rows_j", c_int64),
        ("threads", c_int32),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("check", c_int32),
        ("stream", c_void_p),
        ("ranges", c_void_p),
        ("workspace", c_void_p),
        ("workspace_size", c_uint64),
        ("message", c_void_p),
        ("message_size", c_uint64),
    ]


class EntryPoint(ctypes.Structure):
    """keops_entry_v1."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("num_tensors", c_uint32),
        ("name", c_char_p),
        ("run", ctypes.CFUNCTYPE(c_int32, POINTER(Call))),
        ("prepare", ctypes.CFUNCTYPE(c_int32, c_int32, c_int32)),
        ("workspace", ctypes.CFUNCTYPE(c_int32, POINTER(Call), POINTER(c_uint64))),
        ("partial", ctypes.CFUNCTYPE(c_int32, POINTER(Call), c_int64, c_void_p, c_uint64)),
        ("merge", ctypes.CFUNCTYPE(c_int32, POINTER(Call), c_void_p, c_void_p, c_uint64)),
        ("finalize", ctypes.CFUNCTYPE(c_int32, POINTER(Call), c_void_p, c_uint64)),
        ("state_size", ctypes.CFUNCTYPE(c_int64, c_int64)),
        ("shard", ctypes.CFUNCTYPE(c_int64, c_int64, c_int64)),
    ]


def returns_status(tensors, count=False):
    """The type of a function of tensors that may return a number, and takes a message buffer."""
    return ctypes.CFUNCTYPE(c_int32, *[POINTER(Tensor)] * tensors, *[POINTER(c_int64)] * count, c_void_p, c_uint64)


class Clusters(ctypes.Structure):
    """keops_clusters_v1."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("grid_cluster", returns_status(3, count=True)),
        ("cluster_order", returns_status(2)),
        ("cluster_ranges", returns_status(2)),
        ("cluster_centroids", returns_status(5)),
        ("from_matrix", returns_status(7, count=True)),
    ]


class Module(ctypes.Structure):
    """keops_module."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("abi_version", c_uint32),
        ("name", c_char_p),
        ("manifest", c_void_p),
        ("manifest_size", c_uint64),
        ("num_entries", c_uint32),
        ("entry_size", c_uint32),
        ("entries", c_void_p),
        ("strerror", ctypes.CFUNCTYPE(c_char_p, c_int32)),
        ("target", ctypes.CFUNCTYPE(c_char_p)),
        ("clusters", POINTER(Clusters)),
    ]


class CallError(Exception):
    """A status other than 0, with the exact message where the call had room for one."""

    def __init__(self, status, message):
        super().__init__(f"status {status}: {message}")
        self.status = status
        self.message = message


def keopsc(*arguments, check=True, **options):
    """Runs the compiler. Without `check`, its exit code and output are the caller's to judge."""
    command = [str(BINARY), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr}")
    return done


def compile_formula(folder, text, name="kernel", *options, env=None):
    """Compiles formula text into `folder` and loads the library."""
    folder = Path(folder)
    source, path = folder / f"{name}.kf", folder / f"lib{name}.so"
    source.write_text(text)
    keopsc("compile", source, "-o", path, *options, env=env)
    return Library(path)


def tensor_of(array):
    """A DLTensor over an array's memory, strides included. The result keeps what it points to alive."""
    array = np.asarray(array)
    kind = TYPE_CODES[array.dtype.kind]
    integers = c_int64 * array.ndim
    shape = integers(*array.shape)
    strides = integers(*(stride // array.itemsize for stride in array.strides))
    tensor = Tensor(array.ctypes.data, Device(CPU, 0), array.ndim, DataType(kind, 8 * array.itemsize, 1), shape, strides, 0)
    tensor.kept = (array, shape, strides)
    return tensor


def on_cuda(array):
    """A DLTensor that says that it lies on a GPU."""
    tensor = tensor_of(array)
    tensor.device.device_type = CUDA
    return tensor


def without_data(array):
    """A DLTensor whose data pointer is NULL."""
    tensor = tensor_of(array)
    tensor.data = None
    return tensor


def pointers_to(arrays):
    """DLTensors of arrays (or DLTensors, or None for NULL), and a C array of pointers to them."""
    tensors = [a if a is None or isinstance(a, Tensor) else tensor_of(a) for a in arrays]
    pointers = (POINTER(Tensor) * len(tensors))(*(POINTER(Tensor)() if t is None else ctypes.pointer(t) for t in tensors))
    return tensors, pointers


class Library:
    """A loaded library and its entries by name."""

    def __init__(self, path):
        self.path = Path(path)
        self.handle = ctypes.CDLL(str(path))
        self.handle.keops_module_v1.restype = POINTER(Module)
        module = self.handle.keops_module_v1().contents
        self.module = module
        self.manifest = json.loads(ctypes.string_at(module.manifest, module.manifest_size))
        self.name = module.name.decode()
        described = {entry["name"]: entry for entry in self.manifest["entries"]}
        self.entries = {}
        for number in range(module.num_entries):
            point = EntryPoint.from_address(module.entries + number * module.entry_size)
            name = point.name.decode()
            self.entries[name] = Entry(self, point, described[name])

    def __getattr__(self, name):
        try:
            return self.__dict__["entries"][name]
        except KeyError:
            raise AttributeError(name) from None

    def strerror(self, status):
        return self.module.strerror(status).decode()

    def target(self):
        """The instruction set in use."""
        name = self.module.target()
        return None if name is None else name.decode()

    def close(self):
        """Unloads the library; nothing of it may be used afterwards."""
        unload = ctypes.CDLL(None).dlclose
        unload.argtypes = [c_void_p]
        assert unload(self.handle._handle) == 0


class Entry:
    """One function of a library."""

    def __init__(self, library, point, manifest):
        self.library = library
        self.point = point
        self.manifest = manifest
        self.arguments = [tensor for tensor in manifest["tensors"] if tensor["kind"] != "output"]
        self.results = [tensor for tensor in manifest["tensors"] if tensor["kind"] == "output"]
        self.function = getattr(library.handle, manifest["symbol"])
        self.function.argtypes = [c_int64, c_int64] + [c_void_p] * len(manifest["tensors"])
        self.shards = manifest["shards"]

    def plain(self, m, n, *arrays):
        """Layer 1. Arrays are converted to the declared type; returns the result, or a tuple of them."""
        arrays = [fenced(np.ascontiguousarray(a, NUMPY_TYPES[t["dtype"]])) for a, t in zip(arrays, self.arguments, strict=True)]
        results = [fenced(np.full((rows_of(t, m, n), dim_of(t)), 77, NUMPY_TYPES[t["dtype"]])) for t in self.results]
        self.plain_into(m, n, *arrays, *results)
        return results[0] if len(results) == 1 else tuple(results)

    def plain_into(self, m, n, *arrays):
        """Layer 1 on exactly these arrays (or addresses)."""
        status = self.function(m, n, *(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arrays))
        if status != OK:
            raise CallError(status, self.library.strerror(status))

    def __call__(self, *arrays, threads=0, ranges=None, add_up=False, **options):
        """Layer 2. Arrays are passed as they are, strides and batches included; results are made to fit. With `add_up` gradients are as large as
        their inputs."""
        results = [fenced(result) for result in self.empty_results(arrays, ranges, add_up)]
        arrays = [fenced(array) for array in arrays]
        self.call_into(*arrays, *results, threads=threads, ranges=ranges, **options)
        return results[0] if len(results) == 1 else tuple(results)

    def empty_results(self, arrays, ranges=None, add_up=False):
        """Room for the results of a layer-2 call, full of 77."""
        given = dict(zip(("i", "j"), (1, 1)))
        batch = ()
        for array, tensor in zip(arrays, self.arguments, strict=True):
            own = 1 if tensor["role"] == "parameter" else 2
            batch = np.broadcast_shapes(batch, np.shape(array)[:-own])
            if own == 2:
                given[tensor["role"]] = np.shape(array)[-2]
        for number, table in enumerate(ranges or ()):
            batch = np.broadcast_shapes(batch, np.shape(table)[: -1 if number % 3 == 1 else -2])
        results = []
        for tensor in self.results:
            rows = () if tensor["role"] == "parameter" else (given[tensor["role"]],)
            shape = (*batch, *rows, dim_of(tensor))
            if add_up and "gradient_of" in tensor:
                number = [argument["name"] for argument in self.arguments].index(tensor["gradient_of"])
                shape = np.shape(arrays[number])
            results.append(np.full(shape, 77, NUMPY_TYPES[tensor["dtype"]]))
        return results

    def call_into(self, *arrays, **options):
        """Layer 2 on exactly these arrays (or DLTensors, or None for NULL)."""
        call, message = self.prepared(*arrays, **options)
        status = self.point.run(byref(call))
        if status != OK:
            raise CallError(status, message.value.decode())

    def record(self):
        """A state's record as a NumPy type."""
        shards = self.shards
        formats = [(NUMPY_TYPES[field["dtype"]], (field["count"],)) for field in shards["fields"]]
        names, offsets = ([field[key] for field in shards["fields"]] for key in ("name", "offset"))
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": shards["record_size"]})

    def empty_states(self, count):
        """Room for states of so many rows, batch elements included."""
        return np.full((count, self.shards["record_size"] // 8), 77, np.int64)

    def partial(self, *arrays, first=0, states=None, **options):
        """Layer 3: the states of a shard, which must have the right size where they are given."""
        if states is None:
            batch, rows = (), {"parameter": 1}
            for array, tensor in zip(arrays, self.arguments, strict=True):
                own = 1 if tensor["role"] == "parameter" else 2
                batch = np.broadcast_shapes(batch, np.shape(array)[:-own])
                if own == 2:
                    rows[tensor["role"]] = np.shape(array)[-2]
            states = self.empty_states(int(np.prod(batch, dtype=int)) * rows[self.shards["rows"]])
        call, message = self.prepared(*arrays, **options)
        address, size = address_of(states)
        status = self.point.partial(byref(call), first, address, size)
        if status != OK:
            raise CallError(status, message.value.decode())
        return states

    def merge(self, states, later, **options):
        """Layer 3: joins later states into earlier ones."""
        call, message = self.prepared(**options)
        address, size = address_of(states)
        status = self.point.merge(byref(call), address, address_of(later)[0], size)
        if status != OK:
            raise CallError(status, message.value.decode())

    def finalize(self, *arrays, states, **options):
        """Layer 3 on exactly these tensors: inputs, of which some may be None, and results."""
        call, message = self.prepared(*arrays, **options)
        status = self.point.finalize(byref(call), *address_of(states))
        if status != OK:
            raise CallError(status, message.value.decode())

    def workspace(self, *arrays, **options):
        """The bytes of workspace that the call would take."""
        call, message = self.prepared(*arrays, **options)
        size = c_uint64(0)
        status = self.point.workspace(byref(call), byref(size))
        if status != OK:
            raise CallError(status, message.value.decode())
        return size.value

    def prepared(self, *arrays, ranges=None, **options):
        """The call struct and its message buffer."""
        message = ctypes.create_string_buffer(1000)
        tensors, pointers = pointers_to(arrays)
        fields = {"struct_size": ctypes.sizeof(Call), "num_tensors": len(tensors), "rows_i": -1, "rows_j": -1, **options}
        call = Call(**fields)
        call.tensors = ctypes.cast(pointers, POINTER(POINTER(Tensor)))
        call.message, call.message_size = ctypes.addressof(message), len(message)
        call.kept = (tensors, pointers, message)
        if ranges is not None:
            tables, table_pointers = pointers_to(ranges)
            call.ranges = ctypes.addressof(table_pointers)
            call.kept += (tables, table_pointers)
        return call, message


SIDES = itertools.cycle(["after", "before"])


def fenced(array):
    """A copy of a contiguous array that begins or ends, in turn, at a forbidden page. Views, and what is no array, stay as they are."""
    return guarded(array, next(SIDES)) if isinstance(array, np.ndarray) and array.flags.c_contiguous else array


def address_of(memory):
    """Where an array's memory begins and its bytes; (address, bytes) stay what they are."""
    return (memory.ctypes.data, memory.nbytes) if isinstance(memory, np.ndarray) else memory


def rows_of(tensor, m, n):
    """The rows that a tensor of the manifest has."""
    return {"i": m, "j": n, "parameter": 1}[tensor["role"]]


def dim_of(tensor):
    """The components of a row."""
    return int(np.prod(tensor["shape"], dtype=np.int64))


def distance_in_ulps(value, expected, terms=1.0):
    """The largest error in units of the last place of `terms`, the size of what was added up."""
    unit = np.finfo(value.dtype).eps * np.maximum(np.abs(terms), np.finfo(value.dtype).tiny)
    return float(np.max(np.abs(value.astype(np.float64) - expected) / unit, initial=0.0))


def relative_error(value, expected):
    """The error in the Euclidean norm, relative to that of what is expected."""
    return float(np.linalg.norm(np.asarray(value, np.float64) - expected) / np.linalg.norm(expected))
