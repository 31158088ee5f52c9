"""The compiler as a program: reproducible output, the cache, many processes at once, `keopsc run`."""

import os
import subprocess

import numpy as np
import pytest

from formulas import GAUSS, gauss_arguments, gauss_conv
from keops import BINARY, Library, keopsc, relative_error


@pytest.fixture
def cache(tmp_path):
    """The environment for an empty cache."""
    return {**os.environ, "KEOPSC_CACHE_DIR": str(tmp_path / "cache")}


def test_same_source_same_bytes(tmp_path):
    outputs = []
    for folder in ("a", "b/c"):
        (tmp_path / folder).mkdir(parents=True)
        source = tmp_path / folder / "gauss.kf"
        source.write_text(GAUSS)
        keopsc("compile", "gauss.kf", "-o", "libgauss.so", cwd=source.parent)
        outputs.append([(source.parent / name).read_bytes() for name in ("libgauss.so", "gauss.h")])
    assert outputs[0] == outputs[1]


def test_cached_gives_the_same_file(tmp_path, cache, random):
    source = tmp_path / "gauss.kf"
    source.write_text(GAUSS)
    paths = [keopsc("compile", "--cached", source, env=cache).stdout.strip() for _ in range(2)]
    assert paths[0] == paths[1]
    assert paths[0].startswith(cache["KEOPSC_CACHE_DIR"])
    source.write_text(GAUSS + "\nout more = Sum[j](K)\n")
    other = keopsc("compile", "--cached", source, env=cache).stdout.strip()
    assert other != paths[0]
    arguments = gauss_arguments(random, 20, 30)
    assert relative_error(Library(paths[0]).conv(*arguments), gauss_conv(*arguments)) < 1e-6


def test_many_processes_at_once(tmp_path, cache, random):
    source = tmp_path / "gauss.kf"
    source.write_text(GAUSS)
    command = [BINARY, "compile", "--cached", source]
    running = [subprocess.Popen(command, env=cache, stdout=subprocess.PIPE, text=True) for _ in range(16)]
    outputs = [process.communicate(timeout=120)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0] * 16
    assert len(set(outputs)) == 1
    arguments = gauss_arguments(random, 20, 30)
    assert relative_error(Library(outputs[0]).conv(*arguments), gauss_conv(*arguments)) < 1e-6
    libraries = [name for _, _, files in os.walk(cache["KEOPSC_CACHE_DIR"]) for name in files if name.endswith(".so")]
    assert len(libraries) == 1


def test_run(tmp_path, cache, random):
    """The main job from a shell."""
    (tmp_path / "gauss.kf").write_text(GAUSS)
    x, y, b, sigma = gauss_arguments(random, 40, 60)
    for name, array in {"x": x, "y": y, "b": b}.items():
        np.save(tmp_path / f"{name}.npy", array)
    words = "run gauss.kf x=x.npy y=y.npy b=b.npy sigma=0.7 -o conv=conv.npy -o nn=nn.npy"
    keopsc(*words.split(), cwd=tmp_path, env=cache)
    conv, nn = np.load(tmp_path / "conv.npy"), np.load(tmp_path / "nn.npy")
    assert conv.dtype == np.float32 and nn.dtype == np.int64
    assert relative_error(conv, gauss_conv(x, y, b, sigma)) < 1e-6
    assert np.array_equal(nn[:, 0], ((x[:, None].astype(float) - y) ** 2).sum(-1).argmin(axis=1))


def test_one_line(tmp_path):
    """Formula text on the command line."""
    path = tmp_path / "libkernel.so"
    keopsc("compile", "-e", "x = Vi(2); y = Vj(2); out s = Sum[j](x | y)", "-o", path)
    library = Library(path)
    assert library.name == "kernel"
    assert library.s(np.array([[1, 2]], np.float32), np.array([[3, 4], [5, 6]], np.float32)) == 28


def test_dimension_from_the_command_line(tmp_path, random):
    source = tmp_path / "gauss.kf"
    source.write_text(GAUSS)
    keopsc("compile", source, "-D", "D=11", "-o", tmp_path / "libgauss.so")
    arguments = gauss_arguments(random, 20, 30, dim=11)
    assert relative_error(Library(tmp_path / "libgauss.so").conv(*arguments), gauss_conv(*arguments)) < 1e-6


def test_errors_of_a_formula(tmp_path):
    source = tmp_path / "wrong.kf"
    source.write_text("x = Vi(3)\ny = Vj(2)\nout s = Sum[j](SqDist(x, y) * z)\n")
    done = keopsc("compile", source, "-o", tmp_path / "libwrong.so", check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "wrong.kf:3" in done.stderr
    assert "z" in done.stderr
    assert not (tmp_path / "libwrong.so").exists()


def test_unwritable_output(tmp_path):
    done = keopsc("compile", "-e", "x = Vi(1); y = Vj(1); out s = Sum[j](x * y)", "-o", tmp_path / "none" / "lib.so", check=False)
    assert done.returncode == 2
    assert str(tmp_path / "none") in done.stderr
