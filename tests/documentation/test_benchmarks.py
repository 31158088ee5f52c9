"""The page of benchmarks and its pictures are what bench/overview.py makes of the committed results."""

import subprocess
import sys

from page import ROOT


def test_the_page_is_current():
    done = subprocess.run([sys.executable, "overview.py", "--check"], cwd=ROOT / "bench", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
