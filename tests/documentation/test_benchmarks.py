"""Pages of benchmarks and pictures are what their scripts make of the committed results."""

import subprocess
import sys

import pytest
from page import ROOT


@pytest.mark.parametrize("script", ["overview.py", "aims.py"])
def test_the_page_is_current(script):
    done = subprocess.run([sys.executable, script, "--check"], cwd=ROOT / "bench", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
