"""Each instruction set of a library gives right results, and results do not depend on the number of threads."""

import shutil

import numpy as np
import pytest

import keops
from formulas import GAUSS, gauss_arguments, gauss_conv
from keops import CallError, Library, relative_error

SIZES = [(1, 1), (5, 3), (16, 16), (47, 100), (48, 513), (49, 1000), (300, 7), (1000, 1300)]


def load_for(target, library, folder, monkeypatch):
    """The same library loaded once more, running `target`: the choice is made once per loaded library."""
    path = folder / f"lib{target}.so"
    shutil.copy(library.path, path)
    monkeypatch.setenv("KEOPSC_TARGET", target)
    return Library(path)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_each_target(compiled, random, tmp_path, monkeypatch, dtype):
    library = compiled(GAUSS, "gauss", "--dtype", dtype)
    kind = {"f32": np.float32, "f64": np.float64}[dtype]
    targets = library.manifest["targets"]
    assert len(targets) >= 1
    ran = []
    for target in targets:
        clone = load_for(target, library, tmp_path, monkeypatch)
        if clone.target() is None:
            # A processor without these instructions gets a status, not SIGILL.
            with pytest.raises(CallError) as failure:
                clone.conv(*gauss_arguments(random, 3, 3, kind))
            assert failure.value.status == keops.TARGET
            assert f"KEOPSC_TARGET={target}: this processor cannot run it" in failure.value.message
            continue
        ran.append(target)
        assert clone.target() == target
        for m, n in SIZES:
            arguments = gauss_arguments(random, m, n, kind)
            error = relative_error(clone.conv(*arguments), gauss_conv(*arguments))
            assert error < 40 * np.finfo(kind).eps, (target, m, n)
            x, y = arguments[:2]
            nearest = clone.nn(x, y)[:, 0]
            distances = ((x[:, None, :].astype(float) - y[None]) ** 2).sum(-1)
            found = distances[np.arange(m), nearest]
            assert np.all(found <= distances.min(axis=1) * (1 + 4 * np.finfo(kind).eps)), (target, m, n)
    assert ran


def test_best_target_is_the_default(compiled, random):
    library = compiled(GAUSS, "gauss")
    library.conv(*gauss_arguments(random, 2, 2))
    assert library.target() in library.manifest["targets"]


def test_unknown_target(compiled, random, tmp_path, monkeypatch):
    library = load_for("z80", compiled(GAUSS, "gauss"), tmp_path, monkeypatch)
    assert library.target() is None
    with pytest.raises(CallError) as failure:
        library.conv(*gauss_arguments(random, 2, 2))
    assert failure.value.status == keops.TARGET
    known = ", ".join(library.manifest["targets"])
    assert failure.value.message == f"KEOPSC_TARGET=z80: no such target; this library has {known}"


@pytest.mark.parametrize(("m", "n"), [*SIZES, (3, 20_000), (20_000, 3)])
def test_threads_do_not_change_results(compiled, random, monkeypatch, m, n):
    library = compiled(GAUSS, "gauss")
    x, y, b, sigma = gauss_arguments(random, m, n)
    e = random.standard_normal((m, 1)).astype(np.float32)
    arguments = {"conv": (), "conv_x": (e,), "conv_y": (e,), "conv_s": (e,), "f": ()}
    for name, more in arguments.items():
        entry = library.entries[name]
        once = entry(x, y, b, sigma, *more, threads=1)
        for threads in (2, 3, 7):
            assert np.array_equal(entry(x, y, b, sigma, *more, threads=threads), once), (name, threads)
        for threads in ("1", "5"):
            monkeypatch.setenv("KEOPSC_NUM_THREADS", threads)
            assert np.array_equal(entry.plain(m, n, x, y, b, sigma, *more).reshape(once.shape), once), (name, threads)
        monkeypatch.delenv("KEOPSC_NUM_THREADS")
    once = library.nn(x, y, threads=1)
    assert all(np.array_equal(library.nn(x, y, threads=threads), once) for threads in (2, 3, 7))
