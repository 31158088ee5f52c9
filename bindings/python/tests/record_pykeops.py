"""Makes the calls of recorded_calls.py to KeOps and writes its answers to pykeops_answers.json.

    .venv-bench/bin/python bindings/python/tests/record_pykeops.py [PART OF A NAME …]

With parts of names it renews those cases alone. KeOps compiles some hundred formulas for this, a few minutes; its compiler is told not to optimise, which
does not change what IEEE arithmetic gives.
"""

import contextlib
import ctypes
import io
import json
import os
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("KEOPS_CACHE_FOLDER", os.path.join(tempfile.gettempdir(), "keops-recorded"))
os.environ["PYKEOPS_VERBOSE"] = os.environ["KEOPS_VERBOSE"] = "0"
os.environ["OMP_NUM_THREADS"] = "1"
os.makedirs(os.environ["KEOPS_CACHE_FOLDER"], exist_ok=True)

import keopscore.binders.LinkCompile  # noqa: E402
import pykeops.config  # noqa: E402
import pykeops.numpy  # noqa: E402
import pykeops.torch  # noqa: E402
import torch  # noqa: E402
from pykeops.common.keops_io import LoadKeOps_cpp  # noqa: E402
from recorded_calls import cases  # noqa: E402

ANSWERS = Path(__file__).parent / "pykeops_answers.json"
DIGITS = {"float64": 13, "float32": 8}


#: What calls a kernel, in place of KeOps' own function, which is made with pybind11 and takes most of a compilation. Arguments are integers, lists with
#: their lengths in front.
BINDING = """
#include "{source}"

struct Arguments {{
    const signed long int *next;
    signed long int one() {{ return *next++; }}
    std::vector<signed long int> list() {{ auto size = one(); next += size; return std::vector<signed long int>(next - size, next); }}
    std::vector<int> ints() {{ auto longs = list(); return std::vector<int>(longs.begin(), longs.end()); }}
}};

extern "C" int launch(const signed long int *first) {{
    Arguments given{{first}};
    auto sizes = given.list();
    auto i = given.ints(), j = given.ints(), p = given.ints();
    auto dim = given.one();
    auto dims_i = given.list(), dims_j = given.list(), dims_p = given.list(), ranges = given.list(), shape = given.list();
    auto out = given.one();
    auto arrays = given.list();
    std::vector<std::vector<signed long int>> shapes(arrays.size());
    for (auto &own : shapes) own = given.list();
    return launch_keops_cpu_{tag}<{type}>(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7], i, j, p, dim,
                                          dims_i, dims_j, dims_p, (signed long int **)ranges.data(), shape, ({type} *)out,
                                          ({type} **)arrays.data(), shapes);
}}
"""


def compile_faster():
    """Replaces the options of KeOps' compiler, and how its kernels are called."""
    base = pykeops.config.pykeops_base
    flags = base.get_cpp_flags().replace("-O3", "-O0").replace("-flto=auto", "")
    base.cpp_flags = keopscore.binders.LinkCompile.cpp_flags = flags
    binder, LoadKeOps_cpp.python_includes = LoadKeOps_cpp.LoadKeOps_cpp_class, ""
    binder.get_pybind11_code = lambda self: BINDING.format(
        source=self.params.source_name, tag=self.params.tag, type=LoadKeOps_cpp.cpp_dtype[self.params.dtype]
    )
    binder.init_phase2 = load


def load(self):
    """What `LoadKeOps_cpp_class.init_phase2` does: gives a kernel its function."""
    function = ctypes.CDLL(pykeops.config.pykeops_cpp_name(tag=self.params.tag, extension=sysconfig.get_config_var("EXT_SUFFIX"))).launch

    def launch(*arguments):
        sizes, lists, shapes = arguments[:8], arguments[8:-1], arguments[-1]
        given = []
        for own in (sizes, *lists, *shapes):
            given += [len(own), *own] if isinstance(own, (tuple, list)) else [own]
        return function((ctypes.c_long * len(given))(*map(int, given)))

    self.launch_keops_cpu = launch


def written(array, digits):
    """An array as [shape, numbers]; complex numbers are pairs along the last axis, whole numbers are written without a point."""
    array = np.asarray(array.detach().numpy() if isinstance(array, torch.Tensor) else array)
    if array.dtype.kind == "c":
        array = array.view(array.real.dtype)
    numbers = [float(f"{number:.{digits}g}") for number in array.astype(float).ravel()]
    return [list(array.shape), [int(number) if number.is_integer() and abs(number) < 1e15 else number for number in numbers]]


def answer(case):
    """What KeOps returns by name, or the name of its exception."""
    module, convert = (pykeops.torch, torch.as_tensor) if case.needs_torch else (pykeops.numpy, np.asarray)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = case.call(module, convert)
    except (Exception, SystemExit) as error:
        print(f"{case.name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return type(error).__name__
    return {name: written(array, DIGITS[case.dtype]) for name, array in found.items()}


def main():
    compile_faster()
    parts = sys.argv[1:]
    answers = json.loads(ANSWERS.read_text()) if parts else {}
    known = [case for case in cases() if not parts or any(part in case.name for part in parts)]
    for number, case in enumerate(known):
        print(f"{number + 1} of {len(known)}: {case.name}", file=sys.stderr, flush=True)
        answers[case.name] = answer(case)
    # One case a line, so that a change of the file can be read.
    lines = [f"{json.dumps(case.name)}: {json.dumps(answers[case.name], separators=(',', ':'))}" for case in cases() if case.name in answers]
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
