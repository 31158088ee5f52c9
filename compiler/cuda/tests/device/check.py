"""Runs generated kernels and compares their results with expected ones.

    cargo run -p keopsc-cuda --example device_cases -- FOLDER     where there is Rust
    python3 check.py FOLDER                                       where there is a GPU, its driver, nvcc and numpy
    python3 check.py FOLDER --emulate                             where there is g++ and numpy, very slowly

A case is NAME.cu, NAME.json and raw files of tensors; see the example. nvcc is $KEOPSC_NVCC, else the one on the path. The exit
status is 1 if any result is wrong.
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

# Components as they are stored; those of a complex number follow each other.
DTYPES = {"f16": np.float16, "bf16": np.uint16, "f32": np.float32, "f64": np.float64, "i64": np.int64, "c64": np.float32, "c128": np.float64}

# Bytes around every array that kernels must leave as they are.
GUARD = 256
GUARD_BYTE = 0xA5


class Gpu:
    """The first GPU, through the few calls of the CUDA driver that are needed; each raises on an error."""

    CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")
        self.call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)
        capability = (self.CAPABILITY_MAJOR, self.CAPABILITY_MINOR)
        self.name = "sm_" + "".join(str(self.attribute(device, name)) for name in capability)

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status != 0:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(status, ctypes.byref(text))
            raise RuntimeError(f"{name}: {(text.value or b'unknown error').decode()}")

    def attribute(self, device, name):
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), name, device)
        return value.value

    def compile(self, source):
        cubin = source.with_suffix(f".{self.name}.cubin")
        nvcc = os.environ.get("KEOPSC_NVCC") or shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
        options = ["-cubin", "-Werror", "all-warnings", "-arch", self.name, "-o", cubin]
        subprocess.run([nvcc, *options, source], check=True)
        return cubin.read_bytes()

    def run(self, code, launches, arrays):
        """Launches kernels on copies of the arrays, and copies them back."""
        module = ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), code)
        addresses = [self.upload(data) for data in arrays]
        for launch in launches:
            function = ctypes.c_void_p()
            self.call("cuModuleGetFunction", ctypes.byref(function), module, launch["kernel"].encode())
            arguments = [ctypes.c_longlong(launch["rows"]), ctypes.c_longlong(launch["columns"])]
            arguments += [ctypes.c_uint64(addresses[number].value + GUARD) for number in launch["tensors"]]
            pointers = (ctypes.c_void_p * len(arguments))(*(ctypes.addressof(argument) for argument in arguments))
            grid, block = (blocks(launch), 1, 1), (launch["threads"], 1, 1)
            self.call("cuLaunchKernel", function, *grid, *block, 0, None, pointers, None)
        self.call("cuCtxSynchronize")
        for address, data in zip(addresses, arrays):
            self.call("cuMemcpyDtoH_v2", ctypes.c_void_p(data.ctypes.data), address, ctypes.c_size_t(data.nbytes))
            self.call("cuMemFree_v2", address)
        self.call("cuModuleUnload", module)

    def upload(self, data):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(data.nbytes))
        self.call("cuMemcpyHtoD_v2", address, ctypes.c_void_p(data.ctypes.data), ctypes.c_size_t(data.nbytes))
        return address


class Emulator:
    """The kernels as C++, one block after the other."""

    name = "emulated"
    REPLACED = {
        'asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));': "value = half_to_float(half);",
        'asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));': "half = float_to_half(value);",
    }

    def compile(self, source):
        text = source.read_text()
        for assembler, replacement in self.REPLACED.items():
            text = text.replace(assembler, replacement)
        translated, library = source.with_suffix(".emulated.cpp"), source.with_suffix(".emulated.so")
        header = Path(__file__).resolve().with_name("emulate.hpp")
        translated.write_text(f'#include "{header}"\n{text}')
        options = ["-std=c++20", "-O0", "-w", "-shared", "-fPIC", "-pthread", "-o", library]
        subprocess.run(["g++", *options, translated], check=True)
        return ctypes.CDLL(str(library))

    def run(self, code, launches, arrays):
        """Runs kernels on the arrays themselves."""
        for launch in launches:
            tensors = [arrays[number].ctypes.data + GUARD for number in launch["tensors"]]
            pointers = (ctypes.c_void_p * len(tensors))(*tensors)
            counts = ctypes.c_longlong(launch["rows"]), ctypes.c_longlong(launch["columns"])
            kernel = ctypes.cast(getattr(code, launch["kernel"]), ctypes.c_void_p)
            code.emulate(kernel, blocks(launch), launch["threads"], *counts, pointers, len(tensors))


def blocks(launch):
    return -(-launch["rows"] // launch["threads"])


def run(device, description, folder, name, code):
    """The outputs of a case, by the number of the tensor."""
    arrays = []
    for number, tensor in enumerate(description["tensors"]):
        size = tensor["count"] * np.dtype(DTYPES[tensor["scalar"]]).itemsize
        data = np.full(size + 2 * GUARD, GUARD_BYTE, np.uint8)
        if tensor["kind"] == "input":
            data[GUARD : GUARD + size] = np.fromfile(folder / f"{name}.{number}.input", np.uint8)
        arrays.append(data)
    before = [data.copy() for data in arrays]
    device.run(code, [launch for launch in description["launches"] if launch["rows"] > 0], arrays)
    results = {}
    for number, (tensor, data) in enumerate(zip(description["tensors"], arrays)):
        guards = np.concatenate([data[:GUARD], data[len(data) - GUARD :]])
        if (guards != GUARD_BYTE).any():
            raise RuntimeError(f"{name}: something was written outside of {tensor['name']}")
        if tensor["kind"] == "input" and (data != before[number]).any():
            raise RuntimeError(f"{name}: the input {tensor['name']} was written")
        if tensor["kind"] == "output":
            results[number] = values(data[GUARD : len(data) - GUARD], tensor["scalar"])
    return results


def values(data, scalar):
    """Stored bytes as float64."""
    numbers = np.frombuffer(data.tobytes(), DTYPES[scalar])
    if scalar == "bf16":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.astype(np.float64)


def main():
    folder = Path(sys.argv[1])
    device = Emulator() if "--emulate" in sys.argv[2:] else Gpu()
    cases = sorted(path.stem for path in folder.glob("*.json"))
    if not cases:
        raise SystemExit(f"no cases in {folder}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = list(pool.map(lambda name: device.compile(folder / f"{name}.cu"), cases))
    checked = exempt = wrong = differing = 0
    largest = {"f32": 0.0, "f64": 0.0}
    for name, code in zip(cases, codes):
        description = json.loads((folder / f"{name}.json").read_text())
        results = run(device, description, folder, name, code)
        again = run(device, description, folder, name, code)
        for number, found in results.items():
            tensor = description["tensors"][number]
            expected = np.fromfile(folder / f"{name}.{number}.expected")
            bounds = np.fromfile(folder / f"{name}.{number}.bounds")
            held = np.isfinite(bounds)
            distance = np.abs(found[held] - expected[held])
            bad = ~(distance <= bounds[held])
            checked, exempt, wrong = checked + held.sum(), exempt + (~held).sum(), wrong + bad.sum()
            if not np.array_equal(found, again[number], equal_nan=True):
                differing += 1
                print(f"{name}: {tensor['name']} differs from one run to the next")
            if bad.any():
                where = np.flatnonzero(held)[np.argmax(bad)]
                print(f"{name}: {bad.sum()} of {tensor['name']} are wrong, first number {where}: "
                      f"{found[where]} instead of {expected[where]} +- {bounds[where]:.1e}")
            elif distance.size and tensor["scalar"] in largest:
                scale = np.abs(expected[held]).max() or 1.0
                largest[tensor["scalar"]] = max(largest[tensor["scalar"]], distance.max() / scale)
    print(f"{device.name}: {len(cases)} cases, {checked} numbers checked, {wrong} wrong, {exempt} not held to anything, "
          f"{differing} results that differ between runs")
    for scalar, error in largest.items():
        print(f"largest error of {scalar} results, relative to the result's largest number: {error:.2e}")
    raise SystemExit(1 if wrong or differing else 0)


if __name__ == "__main__":
    main()
