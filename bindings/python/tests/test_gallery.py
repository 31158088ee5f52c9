"""The samples of the gallery at small size: each prints figures that are held against what they have to be, and draws a picture."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keopsc

SAMPLES = Path(__file__).resolve().parents[3] / "samples" / "gallery"

#: What has to be true of the figures of each sample, by what stands behind them.
TRUE = {
    "block_sparse": lambda f: f["largest difference from all pairs"] < 1e-5 and f["% of the pairs"] < 20 and f["dB smooth"] > f["dB noisy"] + 5,
    "colour_transfer": lambda f: f["of the mass misplaced"] < 0.02 and 0.97 < f["times the cost of the best assignment"] < 1.15,
    "fourier": lambda f: f["% between sums and NumPy's transform"] < 1e-3 and 2 * f["% off"] < f["% off by the adjoint alone"],
    "kmeans": lambda f: f["difference of the sums of squares"] < 1e-4 and f["levels of 255 off"] < 14,
    "kriging": lambda f: f["difference of the weights"] < 1e-5 and f["metres off"] < 0.9 * f["metres off with the height of the nearest point"],
    "mixture": lambda f: f["difference from scikit-learn"] < 1e-12 and f["mean log-likelihood"] > 0.35,
    "neighbours": lambda f: f["largest difference of distances"] < 1e-5 and f["% read correctly"] > 85,
    "patches": lambda f: f["difference of the sums of squares"] < 1e-3,
    "registration": lambda f: 2 * f["after the flow"] < f["pixels between the outlines"] and f["change of the Hamiltonian"] < 1e-2,
    "regression": lambda f: f["largest difference of the means"] < 1e-3 and f["% of the others within two standard deviations"] > 90,
    "spectral": lambda f: f["largest eigenvalue"] == 1 and f["smallest"] > 0.9 and f["error of the eigenvalue equation"] < 1e-4,
}


@pytest.fixture(scope="module", autouse=True)
def packages():
    for package in ("torch", "matplotlib", "sklearn", "scipy", "gpytorch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.py") if path.stem != "gallery"))
def test_sample(tmp_path, name):
    picture = tmp_path / "picture.png"
    environment = {**os.environ, "PYTHONPATH": str(Path(keopsc.__file__).parents[1])}
    command = [sys.executable, SAMPLES / f"{name}.py", "--size", "small", picture]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    figures = {what: float(value.replace(",", "")) for value, what in re.findall(r"([-+\d.,e]+) (.+?)(?:, (?=[-+\d])|$)", done.stdout.strip())}
    assert TRUE[name](figures), done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_page():
    """Each sample is short and has its place on the page."""
    page = (SAMPLES.parents[1] / "docs" / "gallery.md").read_text()
    for name in TRUE:
        assert len((SAMPLES / f"{name}.py").read_text().splitlines()) <= 80
        assert f"(gallery/{name}.png)" in page and f"(../samples/gallery/{name}.py)" in page
        assert (SAMPLES.parents[1] / "docs" / "gallery" / f"{name}.png").stat().st_size < 65_000
