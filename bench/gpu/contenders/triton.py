"""What contenders with kernels in Triton share: the precision of their products, and the fastest of several calls.

Triton's products of float32 numbers are tf32 unless a kernel or TRITON_F32_DEFAULT says otherwise: `tf32x3` is the sum of three of them, with errors of
float32 nearly, `ieee` is computed without tensor cores.
"""

import contextlib
import importlib
import os
import sys

import torch

VARIABLE = "TRITON_F32_DEFAULT"


def modules_of(package, *names):
    """Modules of a package, imported anew: kernels would take what was compiled for another precision, or tuned for another row, for theirs."""
    if not torch.cuda.is_available():
        raise RuntimeError("kernels in Triton need a GPU")
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]
    return [importlib.import_module(f"{package}.{name}") for name in names]


@contextlib.contextmanager
def compiling(precision):
    """Products of what is compiled meanwhile are in this precision, unless the kernel says which."""
    before = os.environ.pop(VARIABLE, None)
    os.environ[VARIABLE] = precision
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before


def fastest(calls):
    """The call of least time, of those whose kernels can be compiled and fit into a block's registers and memory."""
    from triton.compiler.errors import CompileTimeAssertionFailure
    from triton.runtime.errors import OutOfResources, PTXASError
    from triton.testing import do_bench

    times = []
    for number, call in enumerate(calls):
        with contextlib.suppress(OutOfResources, PTXASError, CompileTimeAssertionFailure):
            times.append((do_bench(call, warmup=5, rep=30), number))
    return calls[min(times)[1]]
