"""The GPU and the versions that figures belong to."""

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
KEOPSC = os.environ.get("KEOPSC", str(FOLDER.parents[1] / "target" / "release" / "keopsc"))
PACKAGES = ["numpy", "torch", "triton", "pykeops", "keopscore", "flash-kmeans", "flash-sinkhorn"]
FIELDS = ["name", "driver_version", "memory.total", "power.limit", "clocks.max.sm", "clocks.max.mem", "vbios_version"]
NOW = ["clocks.sm", "clocks.mem", "temperature.gpu", "power.draw"]


def output(*command):
    """What a command prints, or nothing where it cannot run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def asked(fields):
    """What nvidia-smi says of the first GPU."""
    line = (output("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader", "--id=0").splitlines() or [""])[0]
    values = [value.strip() for value in line.split(",")]
    return dict(zip(fields, values)) if len(values) == len(fields) else {}


def clocks():
    """Clocks, temperature and power at this moment."""
    return asked(NOW)


def installed(name):
    """The version of a package, nothing where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def commit():
    """That of the working tree, or the one that the bundle was made of."""
    file = FOLDER.parents[1] / "COMMIT"
    return file.read_text().strip() if file.is_file() else output("git", "-C", FOLDER, "describe", "--always", "--dirty", "--exclude", "*")


def cuda():
    """What torch was built with, and the compiler on the path."""
    import torch

    release = [line for line in output("nvcc", "--version").splitlines() if "release" in line]
    return {"torch": str(torch.version.cuda), "nvcc": release[0].split("release")[1].split(",")[0].strip() if release else "none"}


def describe():
    """Everything that a reader of the figures wants to know."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit(),
        "GPU": asked(FIELDS),
        "before": clocks(),
        "CUDA": cuda(),
        "processors usable": str(len(os.sched_getaffinity(0))),
        "system": platform.platform(),
        "python": platform.python_version(),
        "keopsc": output(KEOPSC, "--version"),
        "keopsc's targets": next((line for line in output(KEOPSC, "targets").splitlines() if line.startswith("cuda")), ""),
        "packages": {name: version for name in PACKAGES if (version := installed(name))},
    }
