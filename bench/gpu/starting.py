"""What it takes until a new formula has its first result on the GPU.

    keopsc compile               the command alone, a new formula each time, for the GPU at hand and this machine's processor
    keopsc compile --cached      the same with the cache: new, and known
    ... to result                in a Python process that has imported torch and used the GPU: the command, loading, one call on ten points
    pykeops to result            the import of pykeops and the first call: with nothing in its cache, with its own binaries there, with the formula there
    pykeops, next formula        the first call of another formula in that process

The driver's own cache of compiled PTX is left alone; formulas are new, so that it does not help.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from contenders.keopsc import target
from machine import FOLDER, KEOPSC
from rounds import PRELOADED

# Name → dimension, whether it is the gradient in x.
FORMULAS = {"Gaussian sum": (3, False), "its gradient": (3, True)}

BEFORE = """
import json, sys, time
import torch
dim, gradient = int(sys.argv[1]), sys.argv[2] == "True"
x, y, b, e = (torch.rand(10, width, device="cuda") for width in (dim, dim, 1, 1))
arrays = [x, y, b, e] if gradient else [x, y, b]
torch.cuda.synchronize()
start = time.perf_counter()
"""
KEOPSC_PROGRAM = BEFORE + """
import subprocess
path = subprocess.run(sys.argv[4:], check=True, capture_output=True, text=True).stdout.strip()
sys.path[:0] = [sys.argv[3], sys.argv[3] + "/../../tests/python"]
from contenders import keopsc
result = torch.full((10, dim if gradient else 1), 7.0, device="cuda")
keopsc.Prepared(keopsc.entry_of(path), [*arrays, result])()
torch.cuda.synchronize()
seconds = time.perf_counter() - start
assert result.isfinite().all() and (result != 7).all()
print(json.dumps([seconds]))
"""
PYKEOPS_PROGRAM = BEFORE + """
import pykeops
pykeops.set_verbose(False)
from pykeops.torch import Genred
aliases = [f"x = Vi({dim})", f"y = Vj({dim})", "b = Vj(1)"] + ["e = Vi(1)"] * gradient
found = []
for text in sys.argv[3:]:
    text = f"Grad({text}, x, e)" if gradient else text
    Genred(text, aliases, reduction_op="Sum", axis=1)(*arrays)
    torch.cuda.synchronize()
    found.append(time.perf_counter() - start)
    start = time.perf_counter()
print(json.dumps(found))
"""


def timed(command, environment):
    """Seconds of a whole process, and what it printed last."""
    start = time.perf_counter()
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()[-1000:]}")
    return time.perf_counter() - start, done.stdout.strip().splitlines()[-1:]


def printed(command, environment):
    return json.loads(timed(command, environment)[1][0])


def keopsc_text(dim, gradient, number):
    """A formula that no other number gives."""
    total = f"Sum[j](Exp(-SqDist(x, y) / {number}) * b)"
    return f"x = Vi({dim}); y = Vj({dim}); b = Vj(1); out s = {f'Grad({total}, x)' if gradient else total}"


def keopsc_round(folder, number, dim, gradient):
    environment = {**os.environ, "KEOPSC_CACHE_DIR": f"{folder}/cache"}
    new, other = ([KEOPSC, "compile", "-e", keopsc_text(dim, gradient, 2 * number + part), *target()] for part in (2, 3))
    python = [sys.executable, "-c", KEOPSC_PROGRAM, dim, gradient, FOLDER]
    return {
        "keopsc compile": timed([*new, "-o", f"{folder}/libkernel.so"], environment)[0],
        "keopsc compile --cached, new": timed([*new, "--cached"], environment)[0],
        "keopsc compile --cached, known": timed([*new, "--cached"], environment)[0],
        "keopsc to result, new": printed([*python, *other, "--cached"], environment)[0],
        "keopsc to result, known": printed([*python, *other, "--cached"], environment)[0],
    }


def pykeops_round(folder, number, dim, gradient):
    environment = {**os.environ, "KEOPS_CACHE_FOLDER": f"{folder}/keops", "LD_PRELOAD": os.environ.get("LD_PRELOAD", PRELOADED)}
    is_first = not Path(environment["KEOPS_CACHE_FOLDER"]).exists()
    Path(environment["KEOPS_CACHE_FOLDER"]).mkdir(exist_ok=True)
    texts = [f"Exp(-SqDist(x, y) / IntCst({2 * number + part})) * b" for part in (2, 3)]
    command = [sys.executable, "-c", PYKEOPS_PROGRAM, dim, gradient]
    first, following = printed([*command, *texts], environment)
    known = printed([*command, texts[0]], environment)[0]
    return {
        "pykeops to result, nothing cached" if is_first else "pykeops to result, new": first,
        "pykeops, next formula": following,
        "pykeops to result, known": known,
    }


def measure(quick):
    """Way → formula → seconds of each round, and why ways failed."""
    times, failures = defaultdict(lambda: defaultdict(list)), []
    with tempfile.TemporaryDirectory(prefix="keopsc-bench-", ignore_cleanup_errors=True) as folder:
        # pykeops starts with nothing in its cache once alone, so that one formula has to do.
        for function, rounds, formulas in ((keopsc_round, 2, len(FORMULAS)), (pykeops_round, 2, 1)):
            for number in range(1 if quick else rounds):
                for formula, (dim, gradient) in list(FORMULAS.items())[: 1 if quick else formulas]:
                    try:
                        for way, seconds in function(folder, number, dim, gradient).items():
                            times[way][formula].append(seconds)
                    except Exception as problem:
                        failures.append(f"{function.__name__}, {formula}: {problem}")
                        print(f"  {failures[-1]}", file=sys.stderr, flush=True)
    return {"times": times, "failures": failures}
