"""How calls on GPUs behave: workspace, streams, threads, devices, memory of the CPU, graphs, and errors of the driver."""

import gc
import os
import shutil
import subprocess
import sys
import threading
from ctypes import byref, c_uint64, c_void_p

import numpy as np
import pytest

import device
import keops
from device import NON_BLOCKING, Gpu, driver, on_gpu
from formulas import GAUSS
from guard import guarded
from keops import CallError, Library, tensor_of
from test_device import agree, compare, gauss_inputs, positive

emulated = pytest.mark.skipif(device.IS_REAL, reason="looks into the emulator")

# Functions of the driver that wait, that allocate at once, and that allocate on a stream.
WAITING = ["cuStreamSynchronize", "cuCtxSynchronize", "cuEventSynchronize", "cuMemFree_v2", "cuMemcpyDtoH_v2", "cuMemcpyHtoD_v2"]
ALLOCATING = ["cuMemAlloc_v2", "cuMemAllocAsync", "cuMemHostAlloc", "cuMemAllocHost_v2", "cuMemHostRegister_v2"]


@pytest.fixture
def gpu():
    gpu = Gpu(0)
    if not device.IS_REAL:
        gpu.driver.reset()
    yield gpu
    if not device.IS_REAL:
        gpu.driver.reset()
        for number in range(driver().devices()):
            gpu.driver.library.emulator_forgive(number)


@pytest.fixture(scope="module")
def gauss(compiled_for_gpus):
    return compiled_for_gpus(GAUSS, "gauss")


@pytest.fixture
def fresh(gauss, tmp_path):
    """The same library, whose kernels are not loaded yet."""
    return Library(shutil.copy(gauss.path, tmp_path / "libfresh.so"))


class Uploaded:
    """The tensors of a call, so that it can be made several times."""

    def __init__(self, gpu, entry, *arrays):
        self.entry = entry
        self.given = [gpu.upload(array) for array in arrays]
        self.results = [gpu.upload(array) for array in entry.empty_results(arrays)]
        self.tensors = [array.tensor for array in (*self.given, *self.results)]

    def __call__(self, **options):
        self.entry.call_into(*self.tensors, **options)

    def workspace(self, **options):
        return self.entry.workspace(*self.tensors, **options)

    def result(self):
        return self.results[0].download()


def allocated(gpu):
    """Bytes of the device that are in use, when what earlier tests left is gone."""
    gc.collect()
    return gpu.driver.library.emulator_allocated(0)


def with_cotangent(random, m, n):
    return *gauss_inputs(random, m, n), positive(random, (m, 1))


# ------------------------------------------------------------------------------------------------------------ workspace and streams


def test_workspace(gpu, gauss, random):
    """Enough of it, too little, none; misaligned."""
    arguments = with_cotangent(random, 10, 20_000)
    call = Uploaded(gpu, gauss.conv_s, *arguments)
    expected = on_gpu(gpu, gauss.conv_s, *arguments)
    size = call.workspace()
    assert size > 0
    memory = gpu.memory(size + 100)
    for address, given in ((memory.address, size), (memory.address + 4, size), (memory.address, size // 2), (None, 0)):
        call(workspace=address, workspace_size=given)
        gpu.synchronize()
        assert np.array_equal(call.result(), expected), given


@emulated
def test_with_workspace_nothing_is_allocated_and_nothing_waited_for(gpu, gauss, random):
    call = Uploaded(gpu, gauss.conv_s, *with_cotangent(random, 10, 20_000))
    memory = gpu.memory(call.workspace())
    stream = gpu.stream()
    call(stream=stream)
    gpu.wait(stream)
    gpu.driver.reset()
    call(stream=stream, workspace=memory.address, workspace_size=memory.size)
    assert [name for name in WAITING + ALLOCATING if gpu.driver.calls(name)] == []
    assert gpu.driver.calls("cuLaunchKernel") > 1
    assert gpu.driver.library.emulator_pending() > 0
    call(stream=stream)
    assert gpu.driver.calls("cuMemAllocAsync") == gpu.driver.calls("cuMemFreeAsync") == 1
    assert [name for name in WAITING + ALLOCATING if gpu.driver.calls(name) and name != "cuMemAllocAsync"] == []
    gpu.wait(stream)


@emulated
def test_memory_is_given_back(gpu, gauss, random):
    call = Uploaded(gpu, gauss.conv_s, *with_cotangent(random, 10, 20_000))
    call()
    gpu.synchronize()
    before = allocated(gpu)
    for _ in range(5):
        call()
        gpu.synchronize()
    assert allocated(gpu) == before


@emulated
def test_without_memory_pools_workspace_is_asked_for(gpu, gauss, random, fresh, monkeypatch):
    monkeypatch.setenv("EMULATOR_POOLS", "0")
    arguments = with_cotangent(random, 10, 20_000)
    call = Uploaded(gpu, fresh.conv_s, *arguments)
    with pytest.raises(CallError, match=rf"needs {call.workspace()} bytes of workspace.*no memory pools") as failure:
        call()
    assert failure.value.status == keops.MEMORY
    memory = gpu.memory(call.workspace())
    call(workspace=memory.address, workspace_size=memory.size)
    gpu.synchronize()
    monkeypatch.undo()
    assert np.array_equal(call.result(), on_gpu(gpu, gauss.conv_s, *arguments))


def test_streams(gpu, gauss, random):
    """Of the caller's, that wait for the legacy one or do not; the legacy and the thread's own by their names."""
    arguments = with_cotangent(random, 100, 3000)
    expected = on_gpu(gpu, gauss.conv_y, *arguments)
    for stream in (None, 1, 2, gpu.stream(0), gpu.stream(NON_BLOCKING)):
        call = Uploaded(gpu, gauss.conv_y, *arguments)
        call(stream=stream)
        gpu.wait(stream)
        assert np.array_equal(call.result(), expected), stream


def test_calls_on_one_stream_follow_each_other(gpu, gauss, random):
    """The second call reads what the first one writes; nobody waits in between."""
    x, y, b, sigma = gauss_inputs(random, 300, 300)
    stream = gpu.stream()
    first, second = Uploaded(gpu, gauss.conv, x, y, b, sigma), Uploaded(gpu, gauss.conv, x, y, b, sigma)
    second.tensors[2] = first.results[0].tensor
    first(stream=stream)
    second(stream=stream)
    gpu.wait(stream)
    assert np.array_equal(second.result(), on_gpu(gpu, gauss.conv, x, y, on_gpu(gpu, gauss.conv, x, y, b, sigma), sigma))


def test_threads_and_streams(gpu, gauss, random):
    """Eight threads, each with calls of its own, on devices in turn."""
    gpus = [Gpu(number) for number in range(min(2, driver().devices()))]
    jobs = [with_cotangent(random, m, 500) for m in (1, 30, 100, 333)]
    expected = [on_gpu(gpu, gauss.conv_s, *job) for job in jobs]
    problems = []

    def work(number):
        try:
            own = gpus[number % len(gpus)]
            stream = own.stream()
            call = Uploaded(own, gauss.conv_s, *jobs[number % len(jobs)])
            for _ in range(5):
                call(stream=stream)
                own.wait(stream)
                if not np.array_equal(call.result(), expected[number % len(jobs)]):
                    problems.append(number)
        except Exception as problem:
            problems.append(problem)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert problems == []


def test_the_current_context_stays(gpu, gauss, random):
    """Whatever it is, also none; and after an error."""
    arguments = with_cotangent(random, 5, 7)
    others = [None, gpu.context, *([Gpu(1).context] if driver().devices() > 1 else [])]
    for context in others:
        call = Uploaded(gpu, gauss.conv_s, *arguments)
        gpu.driver.cuCtxSetCurrent(context)
        for options in ({}, {"device_type": keops.CPU}):
            try:
                call(**options)
            except CallError:
                assert options
            current = c_void_p()
            gpu.driver.cuCtxGetCurrent(byref(current))
            assert current.value == (context.value if context else None)
        gpu.driver.cuCtxSetCurrent(None)
        gpu.synchronize()


def test_graphs(gpu, gauss, random):
    """With workspace of the caller's a call can be captured, and then launched with other numbers in the same tensors."""
    x, y, b, sigma, e = with_cotangent(random, 10, 20_000)
    call = Uploaded(gpu, gauss.conv_s, x, y, b, sigma, e)
    memory = gpu.memory(call.workspace())
    call()
    gpu.synchronize()
    stream, executable = c_void_p(gpu.stream()), c_void_p()
    with gpu.capture(stream.value) as graph:
        call(stream=stream.value, workspace=memory.address, workspace_size=memory.size)
    with gpu:
        gpu.driver.cuGraphInstantiateWithFlags(byref(executable), graph, c_uint64(0))
        for factor in (1, 2):
            call.given[4].memory.write(call.given[4].begin, factor * e)
            gpu.driver.cuGraphLaunch(executable, stream)
            gpu.driver.cuStreamSynchronize(stream)
            assert np.array_equal(call.result(), on_gpu(gpu, gauss.conv_s, x, y, b, sigma, factor * e))
        gpu.driver.cuGraphExecDestroy(executable)
        gpu.driver.cuGraphDestroy(graph)


def test_prepare(gpu, fresh, random):
    """The first call then loads nothing."""
    assert fresh.conv.point.prepare(keops.CUDA, 0) == keops.OK
    if not device.IS_REAL:
        gpu.driver.reset()
    compare(gpu, fresh.conv, *gauss_inputs(random, 20, 30))
    if not device.IS_REAL:
        assert gpu.driver.calls("cuModuleLoadData") == 0
    assert fresh.conv.point.prepare(keops.CUDA, 1000) == keops.DEVICE


# ------------------------------------------------------------------------------------------------------------ the wrong place


def test_tensors_in_several_places(gpu, gauss, random):
    """Refused with words, and nothing is written."""
    x, y, b, sigma = gauss_inputs(random, 10, 20)
    call = Uploaded(gpu, gauss.conv, x, y, b, sigma)
    mixed = list(call.tensors)
    mixed[1] = tensor_of(y)
    with pytest.raises(CallError) as failure:
        gauss.conv.call_into(*mixed)
    assert failure.value.status == keops.DEVICE
    assert failure.value.message == "conv: tensor y is in the CPU's memory, but x is on CUDA device 0: all must be in one place"
    with pytest.raises(CallError) as failure:
        call(device_type=keops.CPU)
    assert failure.value.status == keops.DEVICE
    with pytest.raises(CallError) as failure:
        call(device_type=keops.CUDA, device_id=1)
    assert failure.value.status == keops.DEVICE
    assert (call.result() == 77).all()
    call(device_type=keops.CUDA, device_id=0)
    gpu.synchronize()
    agree(call.result(), gauss.conv(x, y, b, sigma))


def test_two_devices(gauss, random):
    if driver().devices() < 2:
        pytest.skip("one GPU")
    x, y, b, sigma = gauss_inputs(random, 10, 20)
    gpus = Gpu(0), Gpu(1)
    found = [on_gpu(gpu, gauss.conv, x, y, b, sigma) for gpu in gpus]
    assert np.array_equal(*found)
    one, other = (Uploaded(gpu, gauss.conv, x, y, b, sigma) for gpu in gpus)
    one.tensors[2] = other.tensors[2]
    with pytest.raises(CallError) as failure:
        one()
    assert failure.value.status == keops.DEVICE
    assert failure.value.message == "conv: tensor b is on CUDA device 1, but x is on CUDA device 0: all must be in one place"


def test_ranges_elsewhere(gpu, gauss, random):
    x, y, b, sigma = gauss_inputs(random, 10, 20)
    call = Uploaded(gpu, gauss.conv, x, y, b, sigma)
    tables = [np.array([[0, 10]]), np.array([1]), np.array([[0, 20]])] * 2
    with pytest.raises(CallError) as failure:
        call(ranges=tables)
    assert failure.value.status == keops.DEVICE
    with pytest.raises(CallError) as failure:
        gauss.conv(x, y, b, sigma, ranges=[gpu.upload(table).tensor for table in tables][:0] or None, device_type=7)
    assert failure.value.status == keops.DEVICE


def test_a_device_that_there_is_not(gpu, gauss, random):
    call = Uploaded(gpu, gauss.conv, *gauss_inputs(random, 10, 20))
    for number in (driver().devices(), 1000, -1):
        for tensor in call.tensors:
            tensor.device.device_id = number
        with pytest.raises(CallError, match=f"there is no CUDA device {number}") as failure:
            call()
        assert failure.value.status == keops.DEVICE


def test_a_library_without_code_for_gpus(gpu, compiled, random):
    library = compiled(GAUSS, "gauss")
    call = Uploaded(gpu, library.conv, *gauss_inputs(random, 10, 20))
    with pytest.raises(CallError, match="no code for GPUs: compile it with --target cuda") as failure:
        call()
    assert failure.value.status == keops.DEVICE
    assert library.conv.point.prepare(keops.CUDA, 0) == keops.DEVICE


def test_states_are_the_cpus(gpu, gauss, random):
    call = Uploaded(gpu, gauss.conv, *gauss_inputs(random, 10, 20))
    states = np.full((10, gauss.conv.shards["record_size"] // 8), 77, np.int64)
    with pytest.raises(CallError) as failure:
        gauss.conv.partial(*call.tensors[:4], states=states)
    assert failure.value.status == keops.UNSUPPORTED
    assert (states == 77).all()


def python(script, *arguments, **variables):
    """A process of its own; without the emulator where `LD_LIBRARY_PATH` says so."""
    environment = {**device.environment(), "PYTHONPATH": str(keops.ROOT / "tests" / "python"), **variables}
    done = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


WITHOUT_DRIVER = """
import sys
import numpy as np
import keops
from formulas import gauss_arguments, gauss_conv
library = keops.Library(sys.argv[1])
arguments = gauss_arguments(np.random.default_rng(0), 10, 20)
assert keops.relative_error(library.conv(*arguments), gauss_conv(*arguments)) < 1e-6
try:
    library.conv(*arguments, device_type=keops.CUDA)
except keops.CallError as failure:
    print(failure.status, failure.message)
print(library.conv.point.prepare(keops.CUDA, 0))
"""


@emulated
def test_without_a_driver(gauss, tmp_path):
    """The CPU works, the GPU is refused with words."""
    # What the loader finds under that name is no driver.
    (tmp_path / "libcuda.so.1").write_text("nothing")
    words = python(WITHOUT_DRIVER, gauss.path, LD_LIBRARY_PATH=str(tmp_path)).splitlines()
    assert words == [f"{keops.DRIVER} conv: there is no CUDA driver: libcuda.so.1 cannot be loaded", str(keops.DRIVER)]


@emulated
def test_a_driver_that_is_too_old(gauss, tmp_path):
    source = tmp_path / "old.c"
    source.write_text("int cuInit(unsigned int flags) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", tmp_path / "libcuda.so.1", source], check=True)
    words = python(WITHOUT_DRIVER, gauss.path, LD_LIBRARY_PATH=str(tmp_path)).splitlines()
    assert words[0].startswith(f"{keops.DRIVER} conv: the CUDA driver is too old: it has no cu")


@emulated
def test_a_machine_without_gpus(gauss):
    words = python(WITHOUT_DRIVER, gauss.path, EMULATOR_DEVICES="0").splitlines()
    assert words[0] == f"{keops.DRIVER} conv: cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)"


@emulated
def test_no_code_for_the_architecture(gpu, fresh, random, monkeypatch):
    """Code for 9.0 and PTX: an older GPU runs neither, a newer one the PTX."""
    call = Uploaded(gpu, fresh.conv, *gauss_inputs(random, 10, 20))
    monkeypatch.setenv("EMULATOR_CAPABILITIES", "8.6")
    with pytest.raises(CallError) as failure:
        call()
    assert failure.value.status == keops.TARGET
    words = "conv: CUDA device 0 has compute capability 8.6, but this library's code is for 9.0, 9.0 and later"
    assert failure.value.message == words
    monkeypatch.setenv("EMULATOR_CAPABILITIES", "12.0")
    compare(gpu, fresh.conv, *gauss_inputs(random, 10, 20))


# ------------------------------------------------------------------------------------------------------------ memory of the CPU


def test_memory_of_the_cpu(gpu, gauss, random, monkeypatch):
    """Layer 1 with KEOPSC_DEVICE, layer 2 with the call's device: the bits of tensors that are there."""
    x, y, b, sigma, e = with_cotangent(random, 150, 300)
    for name, more in (("conv", ()), ("conv_x", (e,)), ("conv_s", (e,)), ("f", ())):
        entry = gauss.entries[name]
        expected = on_gpu(gpu, entry, x, y, b, sigma, *more)
        assert np.array_equal(entry(x, y, b, sigma, *more, device_type=keops.CUDA), expected)
        monkeypatch.setenv("KEOPSC_DEVICE", "cuda:0")
        assert np.array_equal(entry.plain(150, 300, x, y, b, sigma, *more).reshape(expected.shape), expected)
        monkeypatch.delenv("KEOPSC_DEVICE")
    strided = [np.asfortranarray(array) for array in (x[::-1], y)]
    assert np.array_equal(gauss.nn(*strided, device_type=keops.CUDA), on_gpu(gpu, gauss.nn, *strided))


def test_no_batch_elements_in_memory_of_the_cpu(gpu, gauss, random):
    """Nothing is read, not even where all batch elements would be the same; sums over them are 0."""
    x, y, b, sigma, e = with_cotangent(random, 10, 20)
    nothing = guarded(np.zeros(0, np.float32), "after")
    empty = np.lib.stride_tricks.as_strided(nothing, (0, 20, 1), (0, 4, 4))
    assert gauss.conv(x, y, empty, sigma, device_type=keops.CUDA).shape == (0, 10, 1)
    assert (gauss.conv_x(x, y, empty, sigma, e, add_up=True, device_type=keops.CUDA) == 0).all()


def test_wrong_names_of_devices(gpu, gauss, random, monkeypatch):
    arrays = gauss_inputs(random, 5, 6)
    for name in ("cuda:1000", "cuda:-1", "cuda:x", "tpu"):
        monkeypatch.setenv("KEOPSC_DEVICE", name)
        with pytest.raises(CallError) as failure:
            gauss.conv.plain(5, 6, *arrays)
        assert failure.value.status == keops.DEVICE, name
    monkeypatch.setenv("KEOPSC_DEVICE", "cpu")
    gauss.conv.plain(5, 6, *arrays)


@pytest.mark.parametrize(("name", "budgets"), [("nn", (800_000, 900_000)), ("conv_s", (350_000, 600_000)), ("conv_y", (200_000, 400_000))])
def test_more_than_the_memory_of_a_gpu(gpu, gauss, random, monkeypatch, name, budgets):
    """In slabs of rows and of columns, through several passes and batch elements: the same bits. The states of a tile of rows must fit."""
    x, y, b, sigma = gauss_inputs(random, 1500 if name == "conv_y" else 300, 9000 if name == "conv_y" else 40_000)
    x, y = (np.stack([array, array + np.float32(0.125)]) for array in (x, y))
    arrays = (x, y) if name == "nn" else (x, y, b, sigma, positive(random, (2, x.shape[1], 1)))
    entry = gauss.entries[name]
    expected = on_gpu(gpu, entry, *arrays)
    for budget in budgets:
        monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(budget))
        assert np.array_equal(entry(*arrays, device_type=keops.CUDA), expected), budget


@emulated
def test_the_budget_is_kept(gpu, gauss, random, monkeypatch):
    """Where the device has no more than that, it is enough."""
    x, y, b, sigma = gauss_inputs(random, 300, 40_000)
    expected = on_gpu(gpu, gauss.conv, x, y, b, sigma)
    gpu.synchronize()
    budget = 350_000
    monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", str(budget))
    monkeypatch.setenv("EMULATOR_MEMORY", str(allocated(gpu) + budget))
    assert np.array_equal(gauss.conv(x, y, b, sigma, device_type=keops.CUDA), expected)
    monkeypatch.delenv("KEOPSC_DEVICE_MEMORY")
    assert np.array_equal(gauss.conv(x, y, b, sigma, device_type=keops.CUDA), expected)


def test_gradients_in_slabs_are_added_up(gpu, gauss, random, monkeypatch):
    x, y, b, sigma, e = with_cotangent(random, 500, 2000)
    e = np.stack([e, 2 * e, 3 * e])
    found = {}
    for budget in (None, "30000"):
        if budget:
            monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", budget)
        found[budget] = gauss.conv_x(x, y, b, sigma, e, add_up=True, device_type=keops.CUDA)
    assert found[None].shape == x.shape
    agree(found["30000"], found[None])


def test_ranges_of_the_cpu(gpu, gauss, random):
    x, y, b, sigma = gauss_inputs(random, 100, 200)
    tables = [np.array([[0, 10], [30, 100]]), np.array([1, 3]), np.array([[0, 20], [10, 50], [100, 200]])]
    tables += [np.array([[0, 20], [100, 200]]), np.array([1, 2]), np.array([[0, 10], [30, 100]])]
    found = gauss.conv(x, y, b, sigma, ranges=tables, device_type=keops.CUDA)
    assert np.array_equal(found, on_gpu(gpu, gauss.conv, x, y, b, sigma, ranges=tables))
    agree(found, gauss.conv(x, y, b, sigma, ranges=tables))
    tables[2][0, 1] = 1000
    with pytest.raises(CallError) as failure:
        gauss.conv(x, y, b, sigma, ranges=tables, device_type=keops.CUDA)
    assert failure.value.status == keops.RANGES


# ------------------------------------------------------------------------------------------------------------ errors of the driver


FAULTS = {
    "cuInit": 999,
    "cuDeviceGetCount": 3,
    "cuDeviceGet": 101,
    "cuDeviceGetAttribute": 101,
    "cuDevicePrimaryCtxRetain": 2,
    "cuCtxGetCurrent": 3,
    "cuCtxPushCurrent_v2": 201,
    "cuModuleLoadData": 200,
    "cuModuleGetFunction": 500,
    "cuMemAllocAsync": 2,
    "cuLaunchKernel": 701,
}


@emulated
@pytest.mark.parametrize("name", FAULTS)
def test_errors_are_told_and_forgotten(gpu, fresh, random, name):
    """The message names function and error; memory and contexts are given back; the next call works."""
    arguments = with_cotangent(random, 10, 20_000)
    call = Uploaded(gpu, fresh.conv_s, *arguments)
    gpu.synchronize()
    before = allocated(gpu)
    gpu.driver.fail(name, 1, FAULTS[name])
    with pytest.raises(CallError) as failure:
        call()
    assert failure.value.status == (keops.MEMORY if FAULTS[name] == 2 else keops.DRIVER)
    assert failure.value.message.startswith(f"conv_s: {name.removesuffix('_v2')}: ")
    gpu.driver.cuCtxGetCurrent(byref(current := c_void_p()))
    assert current.value is None
    call()
    gpu.synchronize()
    assert allocated(gpu) == before
    agree(call.result(), fresh.conv_s(*arguments))


@emulated
@pytest.mark.parametrize("name", ["cuMemGetInfo_v2", "cuMemAlloc_v2", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuLaunchKernel", "cuStreamSynchronize"])
@pytest.mark.parametrize("budget", [None, "60000"])
@pytest.mark.parametrize("number", [1, 3])
def test_errors_of_calls_from_the_cpus_memory(gpu, gauss, random, monkeypatch, name, budget, number):
    if budget:
        monkeypatch.setenv("KEOPSC_DEVICE_MEMORY", budget)
    arguments = with_cotangent(random, 300, 9000)
    expected = gauss.conv_s(*arguments, device_type=keops.CUDA)
    before = allocated(gpu)
    gpu.driver.reset()
    gpu.driver.fail(name, number, 719)
    try:
        gauss.conv_s(*arguments, device_type=keops.CUDA)
        assert gpu.driver.calls(name) < number
    except CallError as failure:
        assert failure.status == keops.DRIVER
        assert failure.message.startswith(f"conv_s: {name.removesuffix('_v2')}: CUDA_ERROR_LAUNCH_FAILED")
    gpu.driver.reset()
    assert allocated(gpu) == before
    assert np.array_equal(gauss.conv_s(*arguments, device_type=keops.CUDA), expected)


@emulated
def test_what_went_wrong_on_the_stream_before(gpu, gauss, random):
    """A device that reported an error gives it for every call; the CPU still works."""
    arguments = gauss_inputs(random, 10, 20)
    call = Uploaded(gpu, gauss.conv, *arguments)
    gpu.driver.library.emulator_break(0, device.ILLEGAL_ADDRESS)
    with pytest.raises(CallError, match="CUDA_ERROR_ILLEGAL_ADDRESS") as failure:
        call()
    assert failure.value.status == keops.DRIVER
    assert np.isfinite(gauss.conv(*arguments)).all()


def test_nothing_of_the_driver_is_touched_by_calls_on_the_cpu(gauss):
    """A fork after the GPU was used computes on the CPU."""
    child = os.fork()
    if child == 0:
        try:
            arrays = gauss_inputs(np.random.default_rng(0), 100, 200)
            os._exit(0 if np.isfinite(gauss.conv(*arrays)).all() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
