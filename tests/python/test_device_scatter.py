"""ScatterSum on a GPU: the bits of the CPU, whatever is sorted how."""

import ctypes

import numpy as np
import pytest

from device import IS_REAL, Gpu, on_gpu
from scatters import SOURCE

SIZES = [0, 1, 2, 127, 128, 129, 511, 512, 513, 1500]


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


@pytest.fixture(scope="module")
def library(compiled_for_gpus):
    return compiled_for_gpus(SOURCE, "scatter")


def on_a_grid(random, shape, dtype=np.float32):
    """Multiples of 1/8, whose distances are exact: both machines choose the same columns."""
    return (random.integers(-8, 9, shape) / 8).astype(dtype)


def same_bits(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def compare(gpu, entry, *arrays, **options):
    found, expected = on_gpu(gpu, entry, *arrays, **options), entry(*arrays, **options)
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    # Quotients round otherwise.
    same_bits(found[:5], expected[:5])
    return found


def fractions(random, shape):
    """Numbers whose sums round."""
    return random.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("m", SIZES)
def test_sizes(gpu, library, random, m):
    for n in (0, 1, 2, 31, 33, 300):
        x, c, w = on_a_grid(random, (m, 3)), on_a_grid(random, (n, 3)), fractions(random, (m, 1))
        compare(gpu, library.step, x, c, w)
        compare(gpu, library.twos, x, c)
        compare(gpu, library.back, x, c)


@pytest.mark.parametrize("dtype", ["f16", "f64"])
def test_types(gpu, compiled_for_gpus, random, dtype):
    kind = {"f16": np.float16, "f64": np.float64}[dtype]
    library = compiled_for_gpus(SOURCE, "typed", "--dtype", dtype)
    for m, n in ((400, 40), (129, 1)):
        x, c, w = (on_a_grid(random, shape, kind) for shape in ((m, 3), (n, 3), (m, 1)))
        compare(gpu, library.step, x, c, w)


@pytest.mark.parametrize("dim", [1, 2, 5, 16, 17, 33, 130])
def test_order(gpu, compiled_for_gpus, random, dim):
    """Values whose sums round have the CPU's bits for any number of components."""
    text = "x = Vi(1); c = Vj(1); v = Vi(D)\ndim D = 1\nl = ArgMin[j](SqDist(x, c))\nout s = ScatterSum[i](v, l)"
    library = compiled_for_gpus(text, "order", "-D", f"D={dim}")
    x, c, v = on_a_grid(random, (3000, 1)), on_a_grid(random, (6, 1)), fractions(random, (3000, dim))
    compare(gpu, library.s, x, c, v)


def test_one_column_with_all_rows(gpu, compiled_for_gpus, random):
    """Its chunks are merged by eight warps, each with a subtree."""
    text = "x = Vi(1); c = Vj(1); v = Vi(2); out s = ScatterSum[i](v, ArgMin[j](SqDist(x, c)))"
    library = compiled_for_gpus(text, "one")
    for m in (128 * 8, 128 * 9, 128 * 37 + 5):
        x, c = np.zeros((m, 1), np.float32), np.array([[5], [0], [9]], np.float32)
        compare(gpu, library.s, x, c, fractions(random, (m, 2)))


def test_lists(gpu, library, random):
    for m, n in ((300, 50), (3, 2), (40, 1)):
        compare(gpu, library.far, on_a_grid(random, (m, 3)), on_a_grid(random, (n, 3)))


def test_many_columns(gpu, library, random):
    """More columns than rows, and stretches that are longer for them."""
    compare(gpu, library.step, on_a_grid(random, (50, 3)), on_a_grid(random, (3000, 3)), fractions(random, (50, 1)))


def test_batches_and_strides(gpu, library, random):
    x = on_a_grid(random, (3, 150, 4))[..., ::-1][..., 1:]
    c = on_a_grid(random, (2, 1, 3, 37)).swapaxes(-1, -2)
    compare(gpu, library.step, x, c, fractions(random, (300, 1))[::2])
    x = on_a_grid(random, (2, 1, 3, 1, 2, 20, 3))
    compare(gpu, library.step, x, on_a_grid(random, (1, 2, 1, 2, 1, 5, 3)), fractions(random, (20, 1)))


@pytest.mark.parametrize("option", ["--accumulate=f64", "--sum=kahan"])
def test_wide_accumulators(gpu, compiled_for_gpus, random, option):
    library = compiled_for_gpus(SOURCE, "wide", option)
    compare(gpu, library.step, on_a_grid(random, (900, 3)), on_a_grid(random, (7, 3)), fractions(random, (900, 1)))


def test_ranges(gpu, library, random):
    integers = lambda *numbers: np.array(numbers, np.int64)  # noqa: E731
    blocks, columns = integers([0, 100], [150, 300]), integers([0, 20], [20, 50])
    ranges = [blocks, integers(1, 2), columns, columns, integers(1, 2), blocks]
    x, c, w = on_a_grid(random, (300, 3)), on_a_grid(random, (50, 3)), fractions(random, (300, 1))
    compare(gpu, library.step, x, c, w, ranges=ranges)


def test_workspace(gpu, library, random):
    """What is asked for suffices: nothing is allocated."""
    x, c, w = on_a_grid(random, (1000, 3)), on_a_grid(random, (100, 3)), fractions(random, (1000, 1))
    expected = library.step(x, c, w)
    given = [gpu.upload(array) for array in (x, c, w)]
    made = [gpu.upload(array) for array in library.step.empty_results((x, c, w))]
    tensors = [array.tensor for array in (*given, *made)]
    call, _ = library.step.prepared(*tensors)
    size = ctypes.c_uint64()
    assert library.step.point.workspace(ctypes.byref(call), ctypes.byref(size)) == 0
    workspace = gpu.upload(np.full(size.value, 0xA5, np.uint8))
    address = workspace.tensor.data + workspace.tensor.byte_offset
    if not IS_REAL:
        gpu.driver.reset()
    library.step.call_into(*tensors, workspace=address, workspace_size=size.value)
    gpu.wait(None)
    if not IS_REAL:
        assert gpu.driver.calls("cuMemAllocAsync") == gpu.driver.calls("cuMemAlloc_v2") == 0
    same_bits([array.download() for array in made][:5], expected[:5])


@pytest.mark.parametrize("bytes_allowed", [None, 20_000, 60_000])
def test_the_cpus_memory(library, random, monkeypatch, bytes_allowed):
    """At once, or in slabs; scatters between slabs are the CPU's."""
    if bytes_allowed:
        monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(bytes_allowed))
    x, c, w = on_a_grid(random, (2000, 3)), on_a_grid(random, (60, 3)), fractions(random, (2000, 1))
    same_bits(library.step(x, c, w, device_type=2)[:5], library.step(x, c, w)[:5])
