"""What it takes until a new formula can be called: whole processes, from start to end.

    compile, all instruction sets    keopsc compile gauss.kf -o libgauss.so, a new formula each time
    compile --cached, new            this machine's instruction set, a new formula each time
    compile --cached, known          a formula that is in the cache
    pykeops, new                     the first call of a new formula in a process that has imported pykeops
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contenders import FORMULA, KEOPSC

PYKEOPS_PROGRAM = """
import sys, time
import numpy as np
import pykeops
pykeops.set_verbose(False)
from pykeops.numpy import Genred
x, y, b = np.random.rand(10, 3), np.random.rand(10, 3), np.random.rand(10, 1)
formula = f"Exp(-SqDist(x, y) / IntCst({sys.argv[1]})) * b"
start = time.perf_counter()
Genred(formula, ["x = Vi(3)", "y = Vj(3)", "b = Vj(1)"], reduction_op="Sum", axis=1)(x, y, b, backend="CPU")
print(time.perf_counter() - start)
"""


def timed(command, environment):
    """Seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def new_formula(folder, number):
    """A formula that was never compiled before, as large as the one measured elsewhere."""
    path = Path(folder) / f"gauss{number}.kf"
    text = "\n".join(line for line in FORMULA.read_text().split("\nfused ")[0].splitlines() if not line.startswith("#"))
    path.write_text(text.replace("/ sigma**2", f"/ (sigma**2 + {number + 2})"))
    return path


def keopsc_times(rounds):
    """The three keopsc rows."""
    times = {"keopsc compile, all instruction sets": [], "keopsc compile --cached, new": [], "keopsc compile --cached, known": []}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "KEOPSC_CACHE_DIR": f"{folder}/cache"}
        for number in range(rounds):
            source = new_formula(folder, number)
            commands = [["-o", f"{folder}/libgauss{number}.so"], ["--cached"], ["--cached"]]
            for name, options in zip(times, commands, strict=True):
                times[name].append(timed([KEOPSC, "compile", source, *options], environment))
    return times


def pykeops_times(rounds):
    """First calls of new formulas, each in a new process with pykeops imported and its own binaries built."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "KEOPS_CACHE_FOLDER": folder}
        # The first process of all also builds what every formula shares; it does not count.
        for number in range(rounds + 1):
            command = [sys.executable, "-c", PYKEOPS_PROGRAM, str(number + 2)]
            output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            times.append(float(output.split()[-1]))
    return {"pykeops, first call of a new formula": times[1:]}


def measure(quick):
    """All rows: name → seconds of each round."""
    results = {}
    for what, rounds in ((keopsc_times, 5 if quick else 20), (pykeops_times, 1 if quick else 3)):
        try:
            results.update(what(rounds))
        except (subprocess.CalledProcessError, OSError) as problem:
            detail = getattr(problem, "stderr", None) or ""
            print(f"  {what.__name__}: {problem}\n{detail}", file=sys.stderr)
            results[what.__name__] = []
    return results
