"""The emulator of GPUs itself: that it runs kernels as a GPU does, and that it shows what a GPU would hide."""

import contextlib
import ctypes
import gc
import subprocess
import sys
from ctypes import c_longlong, c_uint64, c_void_p

import numpy as np
import pytest

import device
from device import CAPTURE_UNSUPPORTED, ILLEGAL_ADDRESS, LAUNCH_FAILED, DriverError, Gpu, module_of

pytestmark = pytest.mark.skipif(device.IS_REAL, reason="about the emulator")

KERNELS = """
struct plain_launch {
    long long rows;
    const float *x;
    float *y;
};

template <int N> struct Tile {
    static __device__ __forceinline__ float *memory()
    {
        __shared__ float numbers[N];
        return numbers;
    }
};

// y[k] = the sum over the block of x, times threadIdx.x
extern "C" __global__ void __launch_bounds__(256) block_sums(const plain_launch __grid_constant__ launch)
{
    float *tile = Tile<256>::memory();
    const long long row = (long long)blockIdx.x * 256 + threadIdx.x;
    tile[threadIdx.x] = row < launch.rows ? launch.x[row] : 0.0f;
    for (int width = 128; width > 0; width /= 2) {
        __syncthreads();
        if (threadIdx.x < width) tile[threadIdx.x] += tile[threadIdx.x + width];
    }
    __syncthreads();
    if (row < launch.rows) launch.y[row] = tile[0] * (float)threadIdx.x;
}

// The same without the first barrier.
extern "C" __global__ void __launch_bounds__(64) forgets_a_barrier(const plain_launch __grid_constant__ launch)
{
    __shared__ float tile[64];
    tile[threadIdx.x] = launch.x[threadIdx.x];
    launch.y[threadIdx.x] = tile[63 - threadIdx.x];
}

extern "C" __global__ void __launch_bounds__(64) warps(const plain_launch __grid_constant__ launch)
{
    const int lane = threadIdx.x % 32;
    float sum = launch.x[threadIdx.x];
    #pragma unroll
    for (int bit = 16; bit > 0; bit /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, bit);
    const unsigned int odd = __ballot_sync(0xffffffffu, lane & 1);
    const double up = __shfl_up_sync(0xffffffffu, (double)lane, 1), down = __shfl_down_sync(0xffffffffu, lane, 2, 16);
    const int all = __all_sync(0xffffffffu, 1), any = __any_sync(0xffffffffu, threadIdx.x == 40);
    const int count = __syncthreads_count(threadIdx.x % 3 == 0), either = __syncthreads_or(threadIdx.x == 5), both = __syncthreads_and(0);
    float *row = launch.y + 9 * threadIdx.x;
    row[0] = sum; row[1] = (float)__popc(odd); row[2] = (float)up; row[3] = (float)down; row[4] = (float)all; row[5] = (float)any;
    row[6] = (float)count; row[7] = (float)either; row[8] = (float)both;
}

extern "C" __global__ void __launch_bounds__(64) ends_early(const plain_launch __grid_constant__ launch)
{
    if (threadIdx.x >= 10) return;
    __syncthreads();
    launch.y[threadIdx.x] = 1.0f;
}

extern "C" __global__ void __launch_bounds__(64) never_ends(const plain_launch __grid_constant__ launch)
{
    if (threadIdx.x == 7) __syncwarp();
    else __syncthreads();
    launch.y[threadIdx.x] = 1.0f;
}

extern "C" __global__ void __launch_bounds__(64) lane_is_gone(const plain_launch __grid_constant__ launch)
{
    if (threadIdx.x == 3) return;
    launch.y[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 3);
}

extern "C" __global__ void __launch_bounds__(64) lanes_part(const plain_launch __grid_constant__ launch)
{
    launch.y[threadIdx.x] = threadIdx.x % 32 == 5 ? __any_sync(0xffffffffu, 1) : __shfl_sync(0xffffffffu, 1.0f, 3);
}

extern "C" __global__ void __launch_bounds__(64) masks_differ(const plain_launch __grid_constant__ launch)
{
    __syncwarp(threadIdx.x % 32 ? 0xffffffffu : 0xffu);
    launch.y[threadIdx.x] = 1.0f;
}

extern "C" __global__ void __launch_bounds__(64) lacks_lanes(const plain_launch __grid_constant__ launch)
{
    float sums[4] = {};
    if (threadIdx.x < 32 + launch.rows) multiply_add(sums, 1, 2, 3, 4, 5, 6);
    launch.y[threadIdx.x] = sums[0];
}

extern "C" __global__ void __launch_bounds__(64) outside(const plain_launch __grid_constant__ launch)
{
    launch.y[threadIdx.x] = launch.x[threadIdx.x + launch.rows];
}

extern "C" __global__ void __launch_bounds__(64) outside_of_shared(const plain_launch __grid_constant__ launch)
{
    __shared__ float tile[64];
    tile[threadIdx.x + launch.rows] = launch.x[threadIdx.x];
    launch.y[threadIdx.x] = tile[0];
}

extern "C" __global__ void __launch_bounds__(64) unaligned(const plain_launch __grid_constant__ launch)
{
    const float4 four = *(const float4 *)(launch.x + launch.rows);
    launch.y[threadIdx.x] = four.x + four.w;
}

extern "C" __global__ void __launch_bounds__(64) uninitialised(const plain_launch __grid_constant__ launch)
{
    __shared__ float tile[64];
    if (threadIdx.x < launch.rows) tile[threadIdx.x] = 1.0f;
    launch.y[threadIdx.x] = tile[threadIdx.x];
}

extern "C" __global__ void __launch_bounds__(32) indices(const plain_launch __grid_constant__ launch)
{
    const unsigned int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    launch.y[32 * block + thread] = (float)(32 * block + thread);
}
"""


class Launch(ctypes.Structure):
    _fields_ = [("rows", c_longlong), ("x", c_uint64), ("y", c_uint64)]


def compiled(folder, text, *options):
    source, image = folder / "kernels.cu", folder / "kernels.cubin"
    source.write_text(text)
    command = [device.EMULATOR / "nvcc", "-cubin", "-arch", "sm_90", *options, "-o", image, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return image.read_bytes()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("emulator"), KERNELS)


@pytest.fixture
def gpu():
    gpu = Gpu(0)
    gpu.driver.reset()
    yield gpu
    for number in range(2):
        gpu.driver.library.emulator_forgive(number)


def run(gpu, image, name, x, shape, rows=0, grid=(1, 1, 1), block=(64, 1, 1)):
    launch = module_of(gpu, image)
    given, result = gpu.upload(x), gpu.upload(np.full(shape, 77, np.float32))
    launch(name, grid, block, Launch(rows, given.begin, result.begin))
    gpu.synchronize()
    return result.download()


@pytest.mark.parametrize("seed", ["", "1", "2"])
def test_blocks_and_barriers(gpu, image, random, monkeypatch, seed):
    monkeypatch.setenv("EMULATOR_SEED", seed)
    x = random.integers(0, 100, 1000).astype(np.float32)
    expected = np.concatenate([part.sum() * np.arange(len(part)) for part in np.split(x, [256, 512, 768])])
    assert np.array_equal(run(gpu, image, "block_sums", x, 1000, 1000, (4, 1, 1), (256, 1, 1)), expected)


def test_indices(gpu, image):
    assert np.array_equal(run(gpu, image, "indices", np.zeros(1), 2 * 3 * 4 * 32, 0, (2, 3, 4), (4, 2, 4)), np.arange(768))


@pytest.mark.parametrize("seed", ["", "1"])
def test_warps(gpu, image, random, monkeypatch, seed):
    monkeypatch.setenv("EMULATOR_SEED", seed)
    x = random.integers(0, 100, 64).astype(np.float32)
    found = run(gpu, image, "warps", x, (64, 9))
    lane = np.arange(64) % 32
    sums = np.repeat(x.reshape(2, 32).sum(1), 32)
    down = np.where(lane % 16 < 14, lane + 2, lane)
    any_of = np.repeat([0, 1], 32)
    constant = [np.full(64, number) for number in (16, 1, 22, 1, 0)]
    expected = np.stack([sums, constant[0], np.maximum(lane - 1, 0), down, constant[1], any_of, *constant[2:]], 1)
    assert np.array_equal(found, expected)


def test_threads_that_have_ended_are_not_waited_for(gpu, image):
    assert np.array_equal(run(gpu, image, "ends_early", np.zeros(1), 64), [1] * 10 + [77] * 54)


def test_a_forgotten_barrier_shows(gpu, image):
    assert not np.array_equal(run(gpu, image, "forgets_a_barrier", np.arange(64, dtype=np.float32), 64), np.arange(64)[::-1])


FAILURES = {
    "never_ends": (0, LAUNCH_FAILED, "deadlock in kernel never_ends, block (0, 0, 0): 63 threads wait in __syncthreads (the first is 0)"),
    "lane_is_gone": (0, LAUNCH_FAILED, "which has ended"),
    "lanes_part": (0, LAUNCH_FAILED, "thread 5: lane 5 is in __any_sync with mask 0xffffffff, lane 0 in __shfl_sync with mask 0xffffffff"),
    "masks_differ": (0, LAUNCH_FAILED, "thread 1: lane 1 is in __syncwarp with mask 0xffffffff, lane 0 in __syncwarp with mask 0xff"),
    "lacks_lanes": (10, LAUNCH_FAILED, "10 threads wait in mma (the first is 32)"),
    "outside": (10, ILLEGAL_ADDRESS, "kernel outside, block (0, 0, 0), thread 54: touches byte 256 of 256 of device 0"),
    "outside_of_shared": (1, LAUNCH_FAILED, "thread 63: an index lies outside of its array (kernels.cu"),
    "unaligned": (1, 716, "not aligned"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_have_words(gpu, image, tmp_path, name):
    rows, status, words = FAILURES[name]
    with pytest.raises(DriverError) as failure:
        run(gpu, image, name, np.zeros(64, np.float32), 64, rows)
    assert failure.value.status == status
    assert words.split("(kernels")[0] in gpu.driver.words()
    # It stays.
    with pytest.raises(DriverError) as failure:
        gpu.synchronize()
    assert failure.value.status == status


def test_memory_is_full_of_nans(gpu, image):
    assert np.array_equal(np.isnan(run(gpu, image, "uninitialised", np.zeros(64), 64, rows=10)), np.arange(64) >= 10)
    memory = gpu.memory(1000)
    for kind in (np.float16, np.float32, np.float64):
        found = np.zeros(64, kind)
        memory.read(memory.address, found)
        assert np.isnan(found).all()


def test_nothing_runs_before_it_is_waited_for(gpu, image):
    launch = module_of(gpu, image)
    x, y = gpu.upload(np.zeros(1)), gpu.upload(np.zeros(64, np.float32))
    streams = gpu.stream(), gpu.stream()
    launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.begin), streams[0])
    found = np.full(64, 77, np.float32)
    with gpu:
        gpu.driver.cuMemcpyDtoHAsync_v2(c_void_p(found.ctypes.data), c_uint64(y.begin), ctypes.c_size_t(256), c_void_p(streams[0]))
    gpu.wait(streams[1])
    assert (found == 77).all()
    gpu.wait(streams[0])
    assert np.array_equal(found, np.arange(64))


def test_the_legacy_stream_and_those_that_block_it_wait_for_each_other(gpu, image):
    launch = module_of(gpu, image)
    for first, second in ((gpu.stream(0), None), (None, gpu.stream(0))):
        x, y = gpu.upload(np.zeros(1)), gpu.upload(np.full(64, 77, np.float32))
        launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.begin), first)
        found = np.zeros(64, np.float32)
        with gpu:
            gpu.driver.cuMemcpyDtoHAsync_v2(c_void_p(found.ctypes.data), c_uint64(y.begin), ctypes.c_size_t(256), c_void_p(second))
        gpu.wait(second)
        assert np.array_equal(found, np.arange(64))


def test_memory_of_another_device_cannot_be_touched(gpu, image):
    other = Gpu(1)
    launch = module_of(gpu, image)
    x, y = gpu.upload(np.zeros(1)), other.upload(np.zeros(64, np.float32))
    launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.begin))
    with pytest.raises(DriverError) as failure:
        gpu.synchronize()
    assert failure.value.status == ILLEGAL_ADDRESS
    assert "of 256 of device 1" in gpu.driver.words()


def test_memory_that_was_freed_cannot_be_touched(gpu, image):
    launch = module_of(gpu, image)
    x, y = gpu.upload(np.zeros(1)), ctypes.c_uint64()
    stream = c_void_p(gpu.stream())
    with gpu:
        gpu.driver.cuMemAllocAsync(ctypes.byref(y), ctypes.c_size_t(256), stream)
        launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.value), stream.value)
        gpu.driver.cuMemFreeAsync(y, stream)
        gpu.driver.cuStreamSynchronize(stream)
        launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.value), stream.value)
        with pytest.raises(DriverError) as failure:
            gpu.driver.cuStreamSynchronize(stream)
    assert failure.value.status == ILLEGAL_ADDRESS
    assert "freed" in gpu.driver.words()


def test_what_is_written_behind_the_end_shows(gpu, image):
    launch = module_of(gpu, image)
    x, y = gpu.upload(np.zeros(1)), gpu.memory(63 * 4)
    launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.address))
    with gpu, pytest.raises(DriverError):
        gpu.driver.cuMemFree_v2(c_uint64(y.address))
    assert "something was written 0 bytes behind the end of 252 bytes" in gpu.driver.words()


def test_the_host_cannot_touch_device_memory(gpu):
    script = "import ctypes, device\nmemory = device.Gpu().memory(8)\nctypes.string_at(memory.address, 1)\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=device.keops.ROOT / "tests" / "python")
    assert done.returncode == -11
    assert "emulator: the host touches byte 0 of 8 of device 0" in done.stderr


def test_calls_are_counted_and_fail_where_wanted(gpu, monkeypatch):
    gpu.driver.fail("cuMemAlloc_v2", 2, 2)
    first = gpu.memory(8)
    with pytest.raises(DriverError, match="error 2"):
        gpu.memory(8)
    assert gpu.driver.calls("cuMemAlloc_v2") == 2
    monkeypatch.setenv("EMULATOR_MEMORY", str(1 << 20))
    with pytest.raises(DriverError, match="error 2"):
        gpu.memory(1 << 20)
    assert first.address % 256 == 0


def test_graphs(gpu, image):
    launch = module_of(gpu, image)
    x, y = gpu.upload(np.zeros(1)), gpu.upload(np.zeros(64, np.float32))
    stream, executable = c_void_p(gpu.stream()), c_void_p()
    with gpu.capture(stream.value) as graph:
        launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.begin), stream.value)
    with gpu:
        gpu.driver.cuGraphInstantiateWithFlags(ctypes.byref(executable), graph, c_uint64(0))
        assert not y.download().any()
        gpu.driver.cuGraphLaunch(executable, stream)
        gpu.driver.cuStreamSynchronize(stream)
    assert np.array_equal(y.download(), np.arange(64))


def test_captures_that_are_spoilt(gpu, image):
    """By waiting, as by freeing. The stream can be used again."""
    launch = module_of(gpu, image)
    x, y = gpu.upload(np.zeros(1)), gpu.upload(np.zeros(64, np.float32))
    stream, kept = gpu.stream(), gpu.memory(8)
    for spoil in (lambda: gpu.driver.cuStreamSynchronize(c_void_p(stream)), lambda: gpu.driver.cuMemFree_v2(c_uint64(kept.address))):
        with pytest.raises(DriverError) as failure, gpu.capture(stream):
            spoil()
        assert failure.value.status == CAPTURE_UNSUPPORTED
        with pytest.raises(DriverError, match="cuStreamEndCapture"), gpu.capture(stream), contextlib.suppress(DriverError):
            spoil()
        launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.begin), stream)
        gpu.wait(stream)


def test_garbage_spoils_no_capture(gpu, image):
    """Python may collect it anywhere, memory of earlier tests among it."""
    launch = module_of(gpu, image)
    x, y = gpu.upload(np.zeros(1)), gpu.upload(np.zeros(64, np.float32))
    stream, before = gpu.stream(), gc.get_threshold()
    garbage = [gpu.memory(8)]
    garbage.append(garbage)
    try:
        with gpu.capture(stream):
            del garbage
            gc.set_threshold(1)
            launch("indices", (2, 1, 1), (32, 1, 1), Launch(0, x.begin, y.begin), stream)
    finally:
        gc.set_threshold(*before)


def test_launches_that_a_gpu_refuses(gpu, image):
    launch = module_of(gpu, image)
    for grid, block in [((1, 65536, 1), (32, 1, 1)), ((1, 1, 65536), (32, 1, 1)), ((0, 1, 1), (32, 1, 1)), ((1, 1, 1), (1025, 1, 1))]:
        with pytest.raises(DriverError, match="error 1$"):
            launch("indices", grid, block, Launch())
    with pytest.raises(DriverError, match="error 701"):
        launch("indices", (1, 1, 1), (64, 1, 1), Launch())


def test_images_fit_architectures(gpu, tmp_path, monkeypatch):
    (tmp_path / "kernels.cu").write_text(KERNELS)
    cubin, ptx = ("-cubin", "sm_80", {"8.0", "8.6"}), ("-ptx", "compute_80", {"8.0", "8.6", "9.0"})
    for (option, architecture, fitting), source, image in ((cubin, "kernels.cu", "cubin"), (ptx, "kernels.cu", "ptx"), (cubin, "ptx", "cubin")):
        source, image = tmp_path / source, tmp_path / image
        subprocess.run([device.EMULATOR / "nvcc", option, f"-arch={architecture}", "-O3", "-o", image, source], check=True)
        for capability in ("7.5", "8.0", "8.6", "9.0"):
            monkeypatch.setenv("EMULATOR_CAPABILITIES", capability)
            if capability in fitting:
                module_of(gpu, image.read_bytes())
            else:
                with pytest.raises(DriverError, match="error 209"):
                    module_of(gpu, image.read_bytes())


def test_mistakes_in_a_text_are_the_compilers(tmp_path):
    source = tmp_path / "kernels.cu"
    source.write_text("extern \"C\" __global__ void f(const int __grid_constant__ a) { return b; }\n")
    done = subprocess.run([device.EMULATOR / "nvcc", "-cubin", "-arch=sm_90", "-o", tmp_path / "out", source], capture_output=True, text=True)
    assert done.returncode != 0
    assert "kernels.cu" in done.stderr
