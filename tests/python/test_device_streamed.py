"""Calls on a GPU whose tensors are in the CPU's memory: the bits of calls whose tensors are in the GPU's, all at once and in slabs."""

import os

import numpy as np
import pytest

import device
import keops
import test_batch_gradients as shared
import test_device
import test_ranges as sparse
from device import Gpu, on_gpu
from formulas import GAUSS
from keops import CallError
from test_complex import complex_numbers
from test_device import gauss_inputs, inputs_of, on_a_grid, positive
from test_tensors import LAYOUTS

# Bytes of the GPU's memory that a call may use; None is most of it.
BOUNDS = [None, 120_000, 40_000]


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


@pytest.fixture(scope="module")
def gauss(compiled_for_gpus):
    return compiled_for_gpus(GAUSS, "gauss")


def same(found, expected, what):
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"), what


@pytest.fixture
def streamed(gpu, monkeypatch):
    """Compares a call within all bounds; those that not even parts fit into are refused with words. Returns how many were not."""

    def check(entry, *arrays, expected=None, bounds=BOUNDS, **options):
        expected = on_gpu(gpu, entry, *arrays, **options) if expected is None else expected
        fitting = 0
        for bound in bounds:
            if bound:
                monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(bound))
            else:
                monkeypatch.delenv("KEOPSC_DEVICE_MEMORY", raising=False)
            try:
                same(entry(*arrays, device_type=keops.CUDA, **options), expected, (entry.manifest["name"], bound))
                fitting += 1
            except CallError as failure:
                assert bound and failure.status == keops.MEMORY and "may be used" in failure.message, failure.message
        assert fitting
        return fitting

    return check


@pytest.mark.parametrize(("m", "n"), [(0, 5), (5, 0), (1, 1), (300, 20_000), (6000, 900)])
def test_sizes(gauss, streamed, random, m, n):
    x, y, b, sigma = gauss_inputs(random, m, n)
    e = positive(random, (m, 1))
    for name, more in (("conv", ()), ("f", ()), ("conv_x", (e,)), ("conv_y", (e,)), ("conv_s", (e,))):
        streamed(gauss.entries[name], x, y, b, sigma, *more)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(gpu, gauss, random, monkeypatch, layout):
    x, y, b, sigma = gauss_inputs(random, 1500, 3000)
    e, change = positive(random, (1500, 1)), LAYOUTS[layout]
    for name, rows in (("conv_x", 1500), ("conv_y", 3000)):
        entry = gauss.entries[name]
        expected = on_gpu(gpu, entry, x, y, b, sigma, e)
        for bound in (1 << 30, 120_000):
            monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(bound))
            result = change(np.full((rows, 3), 77, np.float32))
            entry.call_into(change(x), change(y), change(b), sigma, change(e), result, device_type=keops.CUDA)
            assert np.array_equal(result, expected), (name, bound)


def test_formulas(compiled_for_gpus, streamed, random):
    library = compiled_for_gpus(test_device.FORMULAS, "formulas")
    fitting = [streamed(entry, *inputs_of(random, entry, 800, 1500)) for entry in library.entries.values()]
    assert sum(fitting) > 2 * len(fitting)


def test_complex_numbers(gpu, compiled_for_gpus, streamed, random):
    library = compiled_for_gpus(test_device.COMPLEX, "complex")
    m, n = 1150, 2270
    values = {"z": complex_numbers(random, (m, 2)), "w": complex_numbers(random, (n, 2)), "r": random.standard_normal((n, 2)).astype(np.float32)}
    for entry in library.entries.values():
        arrays = [values.get(tensor["name"], complex_numbers(random, (m, 2))) for tensor in entry.arguments]
        expected = on_gpu(gpu, entry, *arrays, rows_j=n)
        streamed(entry, *arrays, expected=expected, rows_j=n)
        streamed(entry, *(np.asfortranarray(array) for array in arrays), expected=expected, rows_j=n)


@pytest.mark.parametrize("batches", test_device.BATCHES, ids=str)
def test_batches(gauss, streamed, random, batches):
    own = [(161, 3), (383, 3), (383, 1), (1,)]
    x, y, b, sigma = [on_a_grid(random, (*batch, *shape)) for batch, shape in zip(batches, own)]
    arrays = x, y, b, np.abs(sigma) + np.float32(0.5)
    e = random.standard_normal((*x.shape[:-1], 1)).astype(np.float32)
    for name, more in (("conv", ()), ("conv_y", (e,)), ("f", ())):
        streamed(gauss.entries[name], *arrays, *more, bounds=[None, 40_000, 12_000])


@pytest.mark.parametrize("batches", shared.BATCHES)
@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_gradients_of_shared_inputs(compiled_for_gpus, streamed, random, batches, dtype):
    library = compiled_for_gpus(shared.TEXT, "shared", "--dtype", dtype)
    given = shared.arguments(random, shared.BATCHES[batches], {"f32": np.float32, "f16": np.float16}[dtype])
    for name in shared.GRADIENTS:
        streamed(library.entries[name], *given, add_up=True, bounds=[None, 12_000])


def test_gradients_over_ranges(compiled_for_gpus, streamed, random):
    library = compiled_for_gpus(test_device.some_gradients(), "gradients")
    m, n = 150, 170
    values = dict(zip("xybup", sparse.gradient_inputs(random, m, n)))
    ranges = sparse.Sparsity(random, m, n, shuffled=True).ranges
    for entry in library.entries.values():
        given = []
        for tensor in entry.arguments:
            rows = {"i": (m,), "j": (n,), "parameter": ()}[tensor["role"]]
            given.append(values.get(tensor["name"], random.standard_normal((*rows, tensor["shape"][-1]))))
        streamed(entry, *given, ranges=ranges, bounds=[None])


@pytest.mark.skipif(not device.IS_REAL, reason="children can use the emulator")
def test_a_child_cannot_use_the_gpu_of_its_parent(gauss, random):
    """It is told so, and computes on the CPU."""
    arrays = gauss_inputs(random, 30, 50)
    expected = gauss.conv(*arrays)
    gauss.conv(*arrays, device_type=keops.CUDA)
    child = os.fork()
    if child == 0:
        try:
            gauss.conv(*arrays, device_type=keops.CUDA)
        except CallError as failure:
            os._exit(0 if failure.status == keops.DRIVER and np.array_equal(gauss.conv(*arrays), expected) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
