"""GPUs through the driver's C API, and tensors in their memory: the emulator of tests/emulator, or with KEOPSC_TEST_GPU=1 the machine's own.

The emulator's libcuda.so.1 is opened by its path; a library that asks for that name later is given the same, as its name is in the file.
"""

import contextlib
import ctypes
import gc
import hashlib
import os
import subprocess
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_ulonglong, c_void_p
from pathlib import Path

import numpy as np

import keops

IS_REAL = os.environ.get("KEOPSC_TEST_GPU") == "1"
EMULATOR = keops.ROOT / "tests" / "emulator"
BUILT = keops.ROOT / "target" / "emulator"

# How libraries are compiled for tests: for the processor at hand alone, and for one kind of GPU, of which the emulator takes any.
OPTIONS = ("--target", "native,cuda", "--gpu-arch", os.environ.get("KEOPSC_TEST_ARCH", "90"))

ILLEGAL_ADDRESS, LAUNCH_FAILED, CAPTURE_UNSUPPORTED = 700, 719, 900
NON_BLOCKING = 1


def build():
    """The emulated driver, compiled where its source has changed."""
    source = EMULATOR / "libcuda.cpp"
    folder = BUILT / f"driver-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    library = folder / "libcuda.so.1"
    if not library.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f"{os.getpid()}.new"
        options = ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-shared", "-fPIC", "-pthread"]
        subprocess.run(["g++", *options, "-Wl,-soname,libcuda.so.1", "-o", made, source], check=True)
        made.rename(library)
    return library


def environment(**more):
    """Variables for a process that sees the emulated driver, and for keopsc to compile for it."""
    found = {**os.environ, **more}
    if not IS_REAL:
        found["LD_LIBRARY_PATH"] = str(build().parent)
        found["KEOPSC_NVCC"] = str(EMULATOR / "nvcc")
    return found


class DriverError(Exception):
    """A status of the driver other than 0."""

    def __init__(self, name, status):
        super().__init__(f"{name}: error {status}")
        self.status = status


class Driver:
    """libcuda.so.1; each function raises where it does not return 0."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1" if IS_REAL else str(build()))
        if not IS_REAL:
            self.library.emulator_words.restype = c_char_p
            for name in ("emulator_calls", "emulator_pending", "emulator_allocated"):
                getattr(self.library, name).restype = c_ulonglong

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def call(*arguments):
            status = function(*arguments)
            if status != 0:
                raise DriverError(name, status)

        return call

    def devices(self):
        """How many GPUs there are."""
        count = c_int()
        self.cuInit(0)
        self.cuDeviceGetCount(byref(count))
        return count.value

    # What follows is the emulator's alone.

    def calls(self, name):
        """How often a function was called since `reset`."""
        return self.library.emulator_calls(name.encode())

    def reset(self):
        self.library.emulator_reset()

    def fail(self, name, number, error):
        """Makes the `number`-th call of a function from now on fail."""
        self.library.emulator_fail(name.encode(), c_ulonglong(number), error)

    def words(self):
        """What the emulator said last of a failure."""
        return self.library.emulator_words().decode()


_driver = None


def driver():
    """The one driver of this process."""
    global _driver
    if _driver is None:
        _driver = Driver()
    return _driver


class Gpu:
    """A device and its primary context."""

    def __init__(self, number=0):
        self.driver, self.number = driver(), number
        self.driver.cuInit(0)
        device, context = c_int(), c_void_p()
        self.driver.cuDeviceGet(byref(device), number)
        self.driver.cuDevicePrimaryCtxRetain(byref(context), device)
        self.device, self.context = device, context

    def __enter__(self):
        """Its context is the current one within a `with`."""
        self.driver.cuCtxPushCurrent_v2(self.context)
        return self

    def __exit__(self, *_):
        self.driver.cuCtxPopCurrent_v2(None)

    def attribute(self, number):
        value = c_int()
        self.driver.cuDeviceGetAttribute(byref(value), number, self.device)
        return value.value

    def synchronize(self):
        with self:
            self.driver.cuCtxSynchronize()

    def stream(self, flags=NON_BLOCKING):
        """A stream of its own, to be destroyed by nobody."""
        stream = c_void_p()
        with self:
            self.driver.cuStreamCreate(byref(stream), flags)
        return stream.value

    def wait(self, stream):
        with self:
            self.driver.cuStreamSynchronize(c_void_p(stream))

    @contextlib.contextmanager
    def capture(self, stream):
        """What is called on the stream within the `with` is a graph after it. Garbage stays until then: freeing memory would spoil the capture."""
        graph = c_void_p()
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            with self:
                self.driver.cuStreamBeginCapture_v2(c_void_p(stream), 0)
                try:
                    yield graph
                except BaseException:
                    self.driver.library.cuStreamEndCapture(c_void_p(stream), byref(graph))
                    raise
                self.driver.cuStreamEndCapture(c_void_p(stream), byref(graph))
        finally:
            if was_enabled:
                gc.enable()

    def memory(self, size):
        return Memory(self, size)

    def upload(self, array):
        """An array with its strides, in memory whose end is that of its last element."""
        return DeviceArray(self, array)


class Memory:
    """Bytes of a device, freed with the object."""

    def __init__(self, gpu, size):
        self.gpu, self.size = gpu, size
        address = c_uint64()
        with gpu:
            gpu.driver.cuMemAlloc_v2(byref(address), c_size_t(max(size, 1)))
        self.address = address.value

    def write(self, address, data):
        if data.nbytes:
            with self.gpu:
                self.gpu.driver.cuMemcpyHtoD_v2(c_uint64(address), c_void_p(data.ctypes.data), c_size_t(data.nbytes))
                # The copy may still be on its way, and streams that do not block do not wait for it.
                self.gpu.driver.cuCtxSynchronize()

    def read(self, address, data):
        if data.nbytes:
            with self.gpu:
                self.gpu.driver.cuMemcpyDtoH_v2(c_void_p(data.ctypes.data), c_uint64(address), c_size_t(data.nbytes))

    def __del__(self):
        try:
            with self.gpu:
                self.gpu.driver.cuMemFree_v2(c_uint64(self.address))
        except Exception:  # After an error of the device nothing can be freed.
            pass


def span(array):
    """The bytes from the array's first element to the lowest and past the highest one that its strides reach."""
    if array.size == 0:
        return 0, 0
    steps = [(extent - 1) * stride for extent, stride in zip(array.shape, array.strides)]
    return sum(step for step in steps if step < 0), sum(step for step in steps if step > 0) + array.itemsize


class DeviceArray:
    """A copy of an array with the gaps between its elements, and the DLTensor that shows it."""

    GRAIN = 256

    def __init__(self, gpu, array):
        array = np.asarray(array)
        self.array = array
        low, high = span(array)
        bytes_before = np.ctypeslib.as_array((ctypes.c_uint8 * (high - low)).from_address(array.ctypes.data + low)) if high > low else np.zeros(0, np.uint8)
        self.original = bytes_before.copy()
        # The end is flush with that of the memory, up to the alignment of elements.
        size = -(-(high - low) // self.GRAIN) * self.GRAIN
        self.memory = gpu.memory(size)
        self.begin = self.memory.address + size - (high - low)
        self.offset = -low
        self.memory.write(self.begin, self.original)
        self.tensor = keops.tensor_of(array)
        self.tensor.data = self.begin + self.offset if array.size else None
        self.tensor.device.device_type, self.tensor.device.device_id = keops.CUDA, gpu.number

    def everything(self):
        """All bytes, gaps included."""
        data = np.empty_like(self.original)
        self.memory.read(self.begin, data)
        return data

    def download(self):
        """What is there now, in the array's layout."""
        data = self.everything()
        result = np.ndarray(self.array.shape, self.array.dtype, data, self.offset, self.array.strides) if self.array.size else self.array.copy()
        return result

    def gaps_are_untouched(self):
        """Whether all bytes that are no element's are what they were."""
        mark = np.zeros(len(self.original), np.uint8)
        if self.array.size:
            np.ndarray(self.array.shape, f"V{self.array.itemsize}", mark, self.offset, self.array.strides)[...] = b"\1" * self.array.itemsize
        return np.array_equal(self.everything()[mark == 0], self.original[mark == 0])


def on_gpu(gpu, entry, *arrays, ranges=None, add_up=False, results=None, stream=None, **options):
    """A layer-2 call of which every tensor is in the GPU's memory, waited for. Nothing but the results' elements may have changed."""
    results = entry.empty_results(arrays, ranges, add_up) if results is None else results
    given, made = [gpu.upload(array) for array in arrays], [gpu.upload(array) for array in results]
    tables = None if ranges is None else [gpu.upload(table) for table in ranges]
    tensors = [array.tensor for array in (*given, *made)]
    entry.call_into(*tensors, ranges=tables and [table.tensor for table in tables], stream=stream, **options)
    gpu.wait(stream)
    for array in (*given, *(tables or ())):
        assert np.array_equal(array.everything(), array.original), "an input was written"
    for array in made:
        assert array.gaps_are_untouched(), "something was written between the elements of a result"
    found = [array.download() for array in made]
    return found[0] if len(found) == 1 else tuple(found)


def module_of(gpu, image):
    """A module that is loaded from an image, and a way to launch its kernels."""
    module = c_void_p()
    with gpu:
        gpu.driver.cuModuleLoadData(byref(module), image)

    def launch(name, grid, block, argument, stream=None):
        function = c_void_p()
        parameters = (c_void_p * 1)(ctypes.addressof(argument))
        with gpu:
            gpu.driver.cuModuleGetFunction(byref(function), module, name.encode())
            sizes = [c_uint(number) for number in (*grid, *block, 0)]
            gpu.driver.cuLaunchKernel(function, *sizes, c_void_p(stream), parameters, None)

    return launch
