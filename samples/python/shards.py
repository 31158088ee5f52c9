"""Shares the points y of ../gauss.kf out among the processes of an MPI program. The results have the bits of one process's.

    pip install mpi4py mpich numpy
    keopsc compile ../gauss.kf -o libgauss.so
    mpiexec -n 4 python shards.py ./libgauss.so

Each process reduces its own part of y to a state, a few bytes for each x; states are merged in pairs, half as many in every round, and the
first process turns the last one into results. docs/abi.md says more, under "Layer 3".
"""

import ctypes
import sys
import time

import numpy as np
from mpi4py import MPI

# The inputs of each function, and the type of its result.
FUNCTIONS = {
    "conv": (("x", "y", "b", "sigma"), np.float32),
    "f": (("x", "y", "b", "sigma"), np.float32),
    "nn": (("x", "y"), np.int64),
}


class Function:
    """A function of the library, whole and in shards."""

    def __init__(self, library, name):
        self.library, self.name = library, name
        self.inputs, self.dtype = FUNCTIONS[name]
        number, pointer, inputs = ctypes.c_int64, ctypes.c_void_p, len(self.inputs)
        self.declare("", [number] * 2 + [pointer] * (inputs + 1))
        self.declare("_partial", [number] * 3 + [pointer] * (inputs + 1))
        self.declare("_merge", [number] + [pointer] * 2)
        self.declare("_finalize", [number] * 2 + [pointer] * (inputs + 2))
        self.declare("_state_size", [number], number)
        self.declare("_shard", [number] * 2, number)

    def declare(self, end, arguments, result=ctypes.c_int32):
        function = getattr(self.library, f"gauss_{self.name}{end}")
        function.argtypes, function.restype = arguments, result

    def __call__(self, end, *arguments):
        """Calls `gauss_<name><end>`; a status becomes an exception."""
        function = getattr(self.library, f"gauss_{self.name}{end}")
        value = function(*(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments))
        if function.restype is ctypes.c_int32 and value != 0:
            raise RuntimeError(self.library.gauss_strerror(value).decode())
        return value

    def whole(self, points):
        """The result for all y."""
        result = np.empty((len(points["x"]), 1), self.dtype)
        self("", len(points["x"]), len(points["y"]), *(points[name] for name in self.inputs), result)
        return result

    def state(self, points, first):
        """The state of these y, of which the first has that number."""
        m = len(points["x"])
        state = np.empty(self("_state_size", m), np.uint8)
        self("_partial", m, len(points["y"]), first, *(points[name] for name in self.inputs), state)
        return state

    def result(self, state, points):
        """The result of a state: y and b have done their part."""
        result = np.empty((len(points["x"]), 1), self.dtype)
        inputs = [points[name] if name in ("x", "sigma") else None for name in self.inputs]
        self("_finalize", len(points["x"]), 0, *inputs, state, result)
        return result


def merge(world, function, state, shards, rows):
    """Merges the states of the first `shards` processes into that of process 0."""
    step = 1
    while step < shards:
        if world.rank % (2 * step) == step:
            world.Send(state, world.rank - step)
            return
        if world.rank + step < shards:
            later = np.empty_like(state)
            world.Recv(later, world.rank + step)
            function("_merge", rows, state, later)
        step *= 2


def main(path, m=1000, n=100_000):
    """Computes three functions in shards; process 0 compares them with its own for all points."""
    world = MPI.COMM_WORLD
    library = ctypes.CDLL(path)
    library.gauss_strerror.restype = ctypes.c_char_p
    # All processes draw the same points. Data from a file would be read by each process in part.
    random = np.random.default_rng(0)
    x, y = (random.random((rows, 3), np.float32) for rows in (m, n))
    points = {"x": x, "y": y, "b": random.random((n, 1), np.float32), "sigma": np.array([0.5], np.float32)}
    same = True
    for name in FUNCTIONS:
        function = Function(library, name)
        length = function("_shard", n, world.size)
        shards = -(-n // length)
        part = slice(world.rank * length, (world.rank + 1) * length)
        world.Barrier()
        start = time.perf_counter()
        if world.rank < shards:
            own = points | {"y": y[part], "b": points["b"][part]}
            state = function.state(own, part.start)
            merge(world, function, state, shards, m)
        if world.rank == 0:
            result = function.result(state, points)
            milliseconds = 1e3 * (time.perf_counter() - start)
            is_same = result.tobytes() == function.whole(points).tobytes()
            print(f"{name:4}  {shards} shards of {length} points, {milliseconds:.1f} ms: {'the bits' if is_same else 'not the bits'} of one process")
            same = same and is_same
    return 0 if same else 1


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
