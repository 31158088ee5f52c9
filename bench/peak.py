"""The machine's rate of fused multiply-adds, measured beside the contenders by peak.c."""

import ctypes
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from machine import FOLDER

STEPS = 2_000_000
LEVELS = {"avx512": "avx512f", "avx2": "avx2"}


@cache
def library():
    with tempfile.TemporaryDirectory(prefix="keopsc-bench-") as folder:
        path = Path(folder) / "peak.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", FOLDER / "peak.c", "-o", path], check=True)
        return ctypes.CDLL(str(path))


def levels():
    """Those that this processor has."""
    flags = set(Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0].split())
    return [level for level, flag in LEVELS.items() if flag in flags]


def call(level, dtype, threads):
    """A call that keeps all threads busy, and the operations that it does."""
    function = library()[f"peak_{level}_{dtype}"]
    function.restype = ctypes.c_double
    pool = ThreadPoolExecutor(threads)

    def once(_=None):
        return function(ctypes.c_long(STEPS), ctypes.byref(ctypes.c_double()))

    work = threads * once()
    return (lambda: list(pool.map(once, range(threads)))) if threads > 1 else once, work
