"""Pages made of committed results, and their pictures, are what their scripts make of them."""

import subprocess
import sys

import pytest
from page import ROOT, python


@pytest.mark.parametrize("script", ["bench/overview.py", "bench/aims.py", "scripts/evidence.py", "scripts/gallery.py", "scripts/mutants.py"])
def test_the_page_is_current(script):
    check(sys.executable, script, "--check")


def test_the_pages_of_results_are_current():
    check(python(), "bench/current.py")


def check(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
