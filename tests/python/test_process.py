"""What a library does to the process that loads it: memory, symbols, threads, fork, other libraries."""

import ctypes
import faulthandler
import os
import re
import signal
import subprocess
import threading

import numpy as np
import pytest

from formulas import GAUSS, gauss_arguments, gauss_conv
from guard import PAGE, guarded
from keops import Library, compile_formula, relative_error

SIZES = [0, 1, 2, 7, 16, 47, 48, 49, 100]


def in_child(action):
    """Runs `action` in a forked process; its failure, crash or standstill is this test's."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            action()
        except BaseException as problem:
            os.write(2, f"{type(problem).__name__}: {problem}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with status {os.waitstatus_to_exitcode(status)}"


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_memory_outside_the_arrays_is_not_touched(compiled, random, dtype, side):
    library = compiled(GAUSS, "gauss", "--dtype", dtype)
    kind = {"f32": np.float32, "f64": np.float64}[dtype]

    def check():
        for m in SIZES:
            for n in SIZES:
                x, y, b, sigma = gauss_arguments(random, m, n, kind)
                for name, arguments in {
                    "conv": (x, y, b, sigma),
                    "conv_x": (x, y, b, sigma, np.ones((m, 1), kind)),
                    "conv_y": (x, y, b, sigma, np.ones((m, 1), kind)),
                    "f": (x, y, b, sigma),
                    "nn": (x, y),
                }.items():
                    entry = library.entries[name]
                    wanted = entry.plain(m, n, *arguments)
                    result = guarded(np.full_like(wanted, 77), side)
                    entry.plain_into(m, n, *(guarded(array, side) for array in arguments), result)
                    assert np.array_equal(result, wanted, equal_nan=True), (name, m, n)

    in_child(check)


def test_the_guard_guards(random):
    """The test above can fail: reading next to a guarded array does end the process."""
    array = guarded(np.zeros(3, np.float32), "after")
    child = os.fork()
    if child == 0:
        faulthandler.disable()  # which pytest has on: a stack that it writes looks like a failure
        ctypes.string_at(array.ctypes.data + array.nbytes, 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGSEGV
    assert array.ctypes.data % PAGE == PAGE - 12


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_symbols(compiled):
    """The documented functions are visible and nothing else; only the C library is needed."""
    library = compiled(GAUSS, "gauss")
    visible = {line.split()[-1] for line in run("nm", "-D", "--defined-only", library.path).splitlines()}
    functions = {f"gauss_{entry}" for entry in library.entries}
    ends = ("partial", "merge", "finalize", "state_size", "shard")
    functions |= {f"gauss_{name}_{end}" for name, entry in library.entries.items() if entry.shards for end in ends}
    assert visible == functions | {"gauss_strerror", "gauss_target", "keops_module_v1"}
    dynamic = run("readelf", "-d", library.path)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    assert needed <= {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2"}
    assert "TEXTREL" not in dynamic
    segments = run("readelf", "-lW", library.path)
    assert re.search(r"GNU_STACK .* RW ", segments), "the stack must not be executable"


def test_everything_undefined_is_in_the_c_library(compiled):
    library = compiled(GAUSS, "gauss")
    wanted = [line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", library.path).splitlines()]
    weak = {line.split()[-1].split("@")[0] for line in run("nm", "-D", library.path).splitlines() if " w " in line}
    process = ctypes.CDLL(None)
    assert [name for name in wanted if name not in weak and not hasattr(process, name)] == []


def test_two_libraries_of_one_name(tmp_path, random):
    """Same symbols, other formulas, one process, loaded globally: each keeps to its own."""
    libraries = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        libraries.append(compile_formula(folder, f"x = Vi(1); y = Vj(1); out s = Sum[j]({number} * x * y)", "same"))
        ctypes.CDLL(str(libraries[-1].path), mode=ctypes.RTLD_GLOBAL)
    x, y = np.ones((3, 1), np.float32), np.ones((4, 1), np.float32)
    assert [float(library.s(x, y)[0, 0]) for library in libraries] == [4, 8]
    handles = [library.handle.same_s for library in libraries]
    assert len({ctypes.cast(handle, ctypes.c_void_p).value for handle in handles}) == 2


def test_fork_after_use(compiled, random):
    """Threads were used before the fork, and are again in parent and child."""
    library = compiled(GAUSS, "gauss")
    arguments = gauss_arguments(random, 500, 700)
    wanted = library.conv(*arguments, threads=4)

    def check():
        assert np.array_equal(library.conv(*arguments, threads=4), wanted)

    for _ in range(3):
        in_child(check)
    check()


def test_fork_during_use(compiled, random):
    """A child forked while other threads compute can compute, too."""
    library = compiled(GAUSS, "gauss")
    arguments = gauss_arguments(random, 500, 700)
    wanted = library.conv(*arguments)
    done = threading.Event()

    def work():
        while not done.is_set():
            library.conv(*arguments, threads=2)

    worker = threading.Thread(target=work)
    worker.start()

    def check():
        assert np.array_equal(library.conv(*arguments, threads=2), wanted)

    try:
        for _ in range(5):
            in_child(check)
    finally:
        done.set()
        worker.join()


def test_calls_from_many_threads(compiled, random):
    """64 threads at once, each of whose calls starts another one."""
    library = compiled(GAUSS, "gauss")
    jobs = [gauss_arguments(random, m, 200) for m in (1, 30, 100, 333)]
    wanted = [library.conv(*job) for job in jobs]
    problems = []

    def work(number):
        together.wait()
        for _ in range(20):
            if not np.array_equal(library.conv(*jobs[number], threads=2), wanted[number]):
                problems.append(number)

    together = threading.Barrier(64)
    workers = [threading.Thread(target=work, args=(number % len(jobs),)) for number in range(64)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert problems == []


def thread_count():
    return len(os.listdir("/proc/self/task"))


def test_nothing_is_left_running_and_unloading_works(tmp_path, random):
    arguments = gauss_arguments(random, 500, 700)
    expected = gauss_conv(*arguments)
    library = compile_formula(tmp_path, GAUSS, "gone")

    def check():
        library.close()
        before = thread_count()
        for _ in range(20):
            again = Library(library.path)
            value = again.conv(*arguments, threads=3)
            assert relative_error(value, expected) < 1e-6
            assert thread_count() == before
            again.close()
        with open("/proc/self/maps") as maps:
            assert "libgone.so" not in maps.read()

    in_child(check)


def test_signals_stay_with_the_host(compiled, random):
    """Worker threads block signals: a handler runs in the main thread while a call computes."""
    library = compiled(GAUSS, "gauss")
    arguments = gauss_arguments(random, 2000, 2000)
    seen = []
    previous = signal.signal(signal.SIGALRM, lambda *_: seen.append(threading.current_thread()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        wanted = library.conv(*arguments, threads=3)
        for _ in range(5):
            assert np.array_equal(library.conv(*arguments, threads=3), wanted)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert set(seen) == {threading.main_thread()}
