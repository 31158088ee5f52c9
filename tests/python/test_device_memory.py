"""What nobody has written is not looked at: results are the same whatever memory is full of beforehand, numbers or not."""

import subprocess
import sys
from pathlib import Path

import pytest

import sanitize
from device import IS_REAL, environment

# Kernels that take tiles of what others have laid out, rows and columns, with and without wide sums.
LIBRARIES = ("components", "halved")


@pytest.mark.skipif(IS_REAL, reason="a GPU's memory is full of what it was full of before")
def test_results_do_not_depend_on_what_memory_was_full_of(compiled_for_gpus, tmp_path):
    """No number at all hides in what is tested for being one; a small number would be taken for what belongs there."""
    sanitize.compile_all(tmp_path, LIBRARIES)
    said = []
    for poison in ("7fff", "3555"):
        words = [sys.executable, sanitize.__file__, "run", str(tmp_path), *LIBRARIES]
        done = subprocess.run(words, env=environment(EMULATOR_POISON=poison), capture_output=True, text=True, cwd=Path(__file__).parent)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        said.append(done.stdout)
    assert said[0] == said[1]
