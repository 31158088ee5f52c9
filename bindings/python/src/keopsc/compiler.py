"""Formula text -> the path of a compiled library, by the command `keopsc compile --cached`."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from functools import lru_cache
from typing import Tuple

EXECUTABLE = "keopsc.exe" if os.name == "nt" else "keopsc"


class CompilerNotFound(RuntimeError):
    """There is no `keopsc` command on this machine, or it cannot be run."""


class FormulaError(ValueError):
    """The compiler refused a formula; the message shows where and why."""


def _candidates():
    """Where the command may be, in order: (place in words, path or None)."""
    folder = os.path.dirname(os.path.abspath(__file__))
    yield "$KEOPSC", os.environ.get("KEOPSC")
    yield "the package", os.path.join(folder, "bin", EXECUTABLE)
    yield "the scripts folder", os.path.join(sysconfig.get_path("scripts"), EXECUTABLE)
    # `pip install --target FOLDER` puts scripts into FOLDER/bin, beside the package.
    yield "the folder bin beside the package", os.path.join(os.path.dirname(folder), "bin", EXECUTABLE)
    yield "PATH", shutil.which(EXECUTABLE)
    # bindings/python/src/keopsc of a checkout.
    yield "the checkout", os.path.abspath(os.path.join(folder, *[os.pardir] * 4, "target", "release", EXECUTABLE))


@lru_cache(maxsize=None)
def find() -> str:
    """The path of the `keopsc` command: `$KEOPSC`, or the first one found in the package, the scripts folder, PATH and a checkout's build.

    Raises `CompilerNotFound` where there is none, or where `$KEOPSC` names none.
    """
    tried = []
    for place, path in _candidates():
        if path and os.path.isfile(path) and os.access(path, os.X_OK) and (place == "$KEOPSC" or not _is_script(path)):
            return path
        if place == "$KEOPSC" and path:
            raise CompilerNotFound(f"the environment variable KEOPSC is {path!r}, which is no executable file")
        tried.append(place)
    raise CompilerNotFound(f"the compiler keopsc was not found; looked in {', '.join(tried)}. Set KEOPSC to its path.")


def _is_script(path: str) -> bool:
    """Whether a command is a script, as this package's own is, which would look for the compiler again."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def run(*arguments: str, text: str | None = None) -> str:
    """Runs `keopsc ARGUMENTS` with `text` as its input and returns what it prints.

    Raises `FormulaError` with the compiler's message where it refuses the formula, `RuntimeError` for all else.
    """
    import subprocess

    command = [find(), *arguments]
    try:
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
    except OSError as error:
        raise CompilerNotFound(f"{command[0]} cannot be run: {error}") from error
    if done.returncode == 1:
        raise FormulaError(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr.strip()}\n{text or ''}")
    return done.stdout


def compiled(text: str, device: str = "cpu", options: Tuple[str, ...] = ()) -> str:
    """The path of the library for a formula text, compiled unless the compiler's cache has it.

    `device` is "cpu", or "cuda" for a library that has code for this machine's GPUs as well.
    """
    return run("compile", "--cached", *_target(device), *options, "-", text=text).strip()


def compiled_file(path: str, device: str = "cpu", options: Tuple[str, ...] = ()) -> str:
    """The path of the library for a formula file; see `compiled`."""
    return run("compile", "--cached", *_target(device), *options, path).strip()


def _target(device: str) -> Tuple[str, ...]:
    if device != "cuda":
        return ()
    # Unless told, the compiler asks the driver once what GPUs there are, and makes no code for others.
    architecture = os.environ.get("KEOPSC_GPU_ARCH")
    return ("--target", "native,cuda", *(("--gpu-arch", architecture) if architecture else ()))


def version() -> str:
    """The version of the compiler that is found."""
    return run("--version").split()[-1]


def clear_cache() -> None:
    """Removes all libraries from the compiler's cache; those that this process has loaded go on working."""
    run("cache", "--clear")


def main() -> None:
    """The command `keopsc` of the package: hands over to the compiler."""
    os.execv(find(), [find(), *sys.argv[1:]])
