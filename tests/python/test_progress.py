"""Long work shows on a terminal, and nowhere else."""

import os
import pty
import re
import subprocess

import pytest

from keops import BINARY, ROOT

# A linker that waits until it is told to go on.
LINKER = """#!/bin/sh
read -r word < "$0.wait"
exec ld "$@"
"""


@pytest.fixture
def linker(tmp_path):
    path = tmp_path / "linker"
    path.write_text(LINKER)
    path.chmod(0o755)
    os.mkfifo(f"{path}.wait")
    return path


def go_on(linker):
    with open(f"{linker}.wait", "w") as wait:
        wait.write("go\n")


def command(linker, library, *options):
    return [BINARY, "compile", ROOT / "samples/gauss.kf", "--linker", linker, "-o", library, *options]


def read_all(terminal):
    """What is left on a terminal; to read on after its other end was closed is an error."""
    text = b""
    try:
        while more := os.read(terminal, 4096):
            text += more
    except OSError:
        pass
    return text


@pytest.mark.parametrize("targets", ["x86-64-v2", "x86-64-v2,x86-64-v3"])
def test_compilation_on_a_terminal(linker, tmp_path, targets):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command(linker, tmp_path / "libgauss.so", "--target", targets), stderr=theirs)
    os.close(theirs)
    text = b""
    while text.count(b"\r") < 2:
        text += os.read(ours, 4096)
    line = f"\rcompiling gauss for {', '.join(targets.split(','))} … "
    assert re.match(re.escape(line) + r"\d+\.\d s\r", text.decode())
    go_on(linker)
    assert process.wait(timeout=60) == 0
    assert read_all(ours).endswith(b"\r\x1b[K")
    os.close(ours)


def test_compilation_elsewhere(linker, tmp_path):
    process = subprocess.Popen(command(linker, tmp_path / "libgauss.so"), stderr=subprocess.PIPE)
    go_on(linker)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
