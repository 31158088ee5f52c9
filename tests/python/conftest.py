"""Fixtures: the compiler under test (built before, not here) and formulas compiled once per module."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import device  # noqa: E402
import keops  # noqa: E402


def pytest_sessionstart(session):
    """Without the compiler every test would fail with a less clear message."""
    if not keops.BINARY.is_file():
        pytest.exit(f"{keops.BINARY} does not exist: run `make build`, or set KEOPSC to the compiler", returncode=2)


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that all processors have work to the end."""
    items.sort(key=lambda item: not item.path.name.startswith("test_device"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """compiled(text, name, *options): a library; the same arguments give the same one."""
    libraries = {}

    def get(text, name="kernel", *options):
        key = (text, name, options)
        if key not in libraries:
            libraries[key] = keops.compile_formula(tmp_path_factory.mktemp(name), text, name, *options)
        return libraries[key]

    return get


@pytest.fixture(scope="session")
def compiled_for_gpus(tmp_path_factory):
    """The same with code for GPUs: those of the machine with KEOPSC_TEST_GPU=1, else the emulator's."""
    libraries = {}
    environment = device.environment()

    def get(text, name="kernel", *options):
        key = (text, name, options)
        if key not in libraries:
            folder = tmp_path_factory.mktemp(name)
            libraries[key] = keops.compile_formula(folder, text, name, *device.OPTIONS, *options, env=environment)
        return libraries[key]

    return get


@pytest.fixture
def random(request):
    """A generator that depends on the test's name only."""
    return np.random.default_rng(list(request.node.name.encode()))
