"""Arrays between pages that must not be touched: a read or write outside ends the process."""

import ctypes
import mmap

import numpy as np

PAGE = mmap.PAGESIZE
PROT_NONE = 0

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def guarded(array, side):
    """A copy whose first byte follows ("before") or whose last byte precedes ("after") a forbidden page."""
    pages = -(-max(array.nbytes, 1) // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    everything = np.frombuffer(memory, np.uint8)
    for page in (0, pages + 1):
        if _libc.mprotect(everything.ctypes.data + page * PAGE, PAGE, PROT_NONE) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")
    start = PAGE if side == "before" else (pages + 1) * PAGE - array.nbytes
    copy = everything[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
