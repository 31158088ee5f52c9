"""The C structures of a compiled library, as ctypes sees them.

The layout is that of the header which `keopsc compile` writes beside each library: layer 2 takes DLPack's `DLTensor`, so that strides, batch
axes, types and devices of the caller's arrays are passed as they are.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any

CPU, CUDA = 1, 2

#: Type names of formula files -> DLPack's (code, bits).
DLPACK_TYPES = {
    "f16": (2, 16),
    "bf16": (4, 16),
    "f32": (2, 32),
    "f64": (2, 64),
    "c64": (5, 64),
    "c128": (5, 128),
    "i32": (0, 32),
    "i64": (0, 64),
    "bool": (6, 8),
}


class Tensor(ctypes.Structure):
    """DLPack's DLTensor. `data` comes first, and the size is a multiple of 8: calls write pointers into an array of these as 64-bit words."""

    _fields_ = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class Call(ctypes.Structure):
    """keops_call."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("num_tensors", c_uint32),
        ("tensors", c_void_p),
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


class Entry(ctypes.Structure):
    """The beginning of keops_entry_v1; the module says how far it is to the next one."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("num_tensors", c_uint32),
        ("name", c_char_p),
        ("run", c_void_p),
        ("prepare", c_void_p),
        ("workspace", c_void_p),
    ]


class Clusters(ctypes.Structure):
    """keops_clusters_v1. Its functions take pointers to tensors, some of them a pointer to a number, and a buffer for the message."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("grid_cluster", c_void_p),
        ("cluster_order", c_void_p),
        ("cluster_ranges", c_void_p),
        ("cluster_centroids", c_void_p),
        ("from_matrix", c_void_p),
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
        ("strerror", c_void_p),
        ("target", c_void_p),
        ("clusters", POINTER(Clusters)),
    ]


#: The type of an entry's `run`. The interpreter's lock is not held while it runs.
Run: Any = ctypes.CFUNCTYPE(c_int32, c_void_p)
#: The type of an entry's `prepare`.
Prepare: Any = ctypes.CFUNCTYPE(c_int32, c_int32, c_int32)
