"""keopsc's libraries through layer 2: call structs prepared once over the tensors' memory, with workspace of torch's and the current stream."""

import ctypes
import hashlib
import os
import subprocess
import sys
from ctypes import byref
from functools import cache
from pathlib import Path

import torch
from rows import LOOPS, NEIGHBOURS

FOLDER = Path(__file__).resolve().parents[1]
sys.path.append(str(FOLDER.parents[1] / "tests" / "python"))

import keops  # noqa: E402

# Where libraries are, for all processes of a run.
LIBRARIES = Path(os.environ.get("BENCH_LIBRARIES", "/tmp/keopsc-bench"))
TYPES = {"float16": "f16", "float32": "f32", "float64": "f64"}
CODES = {torch.float16: (2, 16), torch.float32: (2, 32), torch.float64: (2, 64), torch.int64: (0, 64)}

POINTS = "x = Vi({dim}); y = Vj({dim}); "
WEIGHTS = POINTS + "b = Vj({columns}); sigma = Pm(1); K = Exp(-SqDist(x, y) / sigma**2); "
TEXTS = {
    "kernel_sum": WEIGHTS + "out value = Sum[j](K * b)",
    "gradient": WEIGHTS + "fused both {{ out value = Sum[j](K * b); out slope = Grad(value, x) }}",
    "nearest": POINTS + "out nearest = ArgMin[j](SqDist(x, y))",
    "kmeans": POINTS
    + "fused both {{ out label = ArgMin[j](SqDist(x, y)); out total = ScatterSum[i](x, label); out count = ScatterSum[i](1, label) }}",
    "neighbours": POINTS + f"out neighbours = ArgKMin[j, K={NEIGHBOURS}](SqDist(x, y))",
    "sinkhorn": POINTS + "g = Vj(1); eps = Pm(1); out f = -eps * LogSumExp[j]((g - SqDist(x, y)) / eps)",
}
TEXTS["ranges"] = TEXTS["kernel_sum"]


def target():
    """The GPU at hand alone; with BENCH_TARGET others, as words of the command line."""
    if "BENCH_TARGET" in os.environ:
        return os.environ["BENCH_TARGET"].split()
    return ["--target", "native,cuda", "--gpu-arch", "{}{}".format(*torch.cuda.get_device_capability())]


def command(kind, dtype, dim, columns, sum="auto", products="auto"):
    """What compiles a row's formula, but for the path that it is written to."""
    return ["compile", "-e", TEXTS[kind].format(dim=dim, columns=columns), "--dtype", TYPES[dtype], "--sum", sum, "--products", products, *target()]


def compiled(row, sum="auto", products="auto"):
    """The path of a row's library, compiled where it has not been yet."""
    words = command(row.kind, row.dtype, row.dim, row.columns, sum, products)
    path = LIBRARIES / hashlib.sha256(repr(words).encode()).hexdigest()[:16] / "libkernel.so"
    if not path.is_file():
        made = path.parent / str(os.getpid()) / path.name
        made.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([keops.BINARY, *words, "-o", made], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"keopsc: {done.stderr.strip() or done.returncode}")
        made.rename(path)
    return path


@cache
def entry_of(path):
    """The one entry of a library, or that of its fused block."""
    entries = keops.Library(path).entries
    return entries["both"] if "both" in entries else next(iter(entries.values()))


def shown(tensor):
    """A DLTensor over a tensor's memory."""
    integers = ctypes.c_int64 * tensor.ndim
    shape, strides = integers(*tensor.shape), integers(*tensor.stride())
    device = keops.Device(keops.CUDA, tensor.device.index or 0) if tensor.is_cuda else keops.Device(keops.CPU, 0)
    made = keops.Tensor(tensor.data_ptr(), device, tensor.ndim, keops.DataType(*CODES[tensor.dtype], 1), shape, strides, 0)
    made.kept = (tensor, shape, strides)
    return made


def stream_of(tensor):
    return torch.cuda.current_stream(tensor.device).cuda_stream if tensor.is_cuda else None


class Prepared:
    """A call struct that is made once and run often."""

    def __init__(self, entry, tensors, ranges=None):
        self.run, first = entry.point.run, tensors[0]
        self.call, self.message = entry.prepared(*map(shown, tensors), ranges=ranges and [shown(table) for table in ranges])
        self.pointer = byref(self.call)
        if first.is_cuda:
            self.check(entry.point.prepare(keops.CUDA, first.device.index or 0))
        self.on(stream_of(first))
        size = ctypes.c_uint64()
        self.check(entry.point.workspace(self.pointer, byref(size)))
        self.workspace = torch.empty(size.value, dtype=torch.uint8, device=first.device)
        self.call.workspace, self.call.workspace_size = self.workspace.data_ptr(), size.value

    def on(self, stream):
        self.call.stream = stream

    def check(self, status):
        if status:
            raise RuntimeError(f"status {status}: {self.message.value.decode()}")

    def __call__(self):
        if self.run(self.pointer):
            raise RuntimeError(self.message.value.decode())


def bind(row, inputs, results, sum="auto", products="auto", anew=False, ranges=None):
    """A call of a row's library that returns its results. `anew` makes the struct in every call, with workspace that the library takes itself."""
    entry = entry_of(compiled(row, sum, products))
    tensors = [*inputs, *results]
    if anew:
        return lambda: entry.call_into(*map(shown, tensors), stream=stream_of(tensors[0])) or results
    prepared = Prepared(entry, tensors, ranges)

    def call():
        prepared()
        return results

    call.on = prepared.on
    return call


def empty(row, data, width, dtype=None):
    return torch.empty(row.m, width, dtype=dtype or data.x.dtype, device=data.x.device)


def kernel_sum(row, data, **options):
    return bind(row, [data.x, data.y, data.b, data.sigma], [empty(row, data, row.columns)], **options)


def ranges(row, data):
    return kernel_sum(row, data, ranges=data.ranges)


def gradient(row, data, **options):
    return bind(row, [data.x, data.y, data.b, data.sigma, data.e], [empty(row, data, 1), empty(row, data, row.dim)], **options)


def nearest(row, data, **options):
    return bind(row, [data.x, data.y], [empty(row, data, 1, torch.int64)], **options)


def kmeans(row, data, **options):
    """samples/kmeans.kf, and the new centres from its sums."""
    label, total, count = empty(row, data, 1, torch.int64), torch.empty_like(data.y), torch.empty_like(data.y[:, :1])
    step = bind(row, [data.x, data.y], [label, total, count], **options)

    def call():
        step()
        return [label, torch.where(count > 0, total / count.clamp(min=1), data.y)]

    return call


def neighbours(row, data, **options):
    return bind(row, [data.x, data.y], [empty(row, data, NEIGHBOURS, torch.int64)], **options)


def sinkhorn(row, data, **options):
    f, g = (torch.zeros_like(points[..., :1]) for points in (data.x, data.y))
    entry = entry_of(compiled(row, **options))
    halves = Prepared(entry, [data.x, data.y, g, data.eps, f]), Prepared(entry, [data.y, data.x, f, data.eps, g])

    def call():
        g.zero_()
        for number in range(LOOPS):
            halves[number % 2]()
        return [f, g]

    return call
