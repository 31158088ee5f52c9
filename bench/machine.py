"""The machine and the versions that figures belong to."""

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
KEOPSC = os.environ.get("KEOPSC", "keopsc")
LSCPU_FIELDS = ["Model name", "CPU(s)", "Thread(s) per core", "CPU max MHz", "L1d cache", "L2 cache", "L3 cache"]
PACKAGES = ["numpy", "torch", "pykeops", "jax", "numba", "faiss-cpu", "scikit-learn", "scipy"]


def output(*command):
    """What a command prints, or nothing where it cannot run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def blas():
    """The kernels that NumPy's BLAS chose, where it can be asked."""
    import numpy  # noqa: F401

    try:
        import threadpoolctl
    except ImportError:
        return ""

    return ", ".join(f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in threadpoolctl.threadpool_info())


def installed(name):
    """The version of a package, nothing where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def describe():
    """Everything that a reader of the figures wants to know."""
    fields = dict(line.split(":", 1) for line in output("lscpu").splitlines() if ":" in line)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": output("git", "-C", FOLDER, "describe", "--always", "--dirty", "--exclude", "*"),
        "processor": {name: fields[name].strip() for name in LSCPU_FIELDS if name in fields},
        "processors usable": len(os.sched_getaffinity(0)),
        "load before": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "keopsc": output(KEOPSC, "--version"),
        "g++": output("g++", "--version").splitlines()[:1],
        "packages": {name: version for name in PACKAGES if (version := installed(name))},
        "BLAS": blas(),
    }
