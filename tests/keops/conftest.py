"""The helpers of tests/python, which call the compiler, are used here too."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python")]

import keops  # noqa: E402


def pytest_sessionstart(session):
    """Without the compiler every test would fail with a less clear message."""
    if not keops.BINARY.is_file():
        pytest.exit(f"{keops.BINARY} does not exist: run `make build`, or set KEOPSC to the compiler", returncode=2)
