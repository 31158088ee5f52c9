"""Values of all formulas and reductions, with NumPy and PyTorch, against arrays in full."""

import numpy as np
import pytest
from calls import FORMULAS, REDUCTIONS
from dense import Dense

import keopsc.numpy

torch = pytest.importorskip("torch")
import keopsc.torch  # noqa: E402

LIBRARIES = {"numpy": (keopsc.numpy, np.asarray), "torch": (keopsc.torch, torch.as_tensor)}


def symbolic(library, data):
    """x, y, u, s as LazyTensors."""
    module, convert = LIBRARIES[library]
    x, y, u, s = (convert(array) for array in data.arrays())
    return module.LazyTensor(x[..., :, None, :]), module.LazyTensor(y[..., None, :, :]), module.LazyTensor(u[..., None, :, :]), module.LazyTensor(s)


def in_full(data):
    """The same as arrays of all pairs."""
    pairs = (*data.batch, data.m, data.n)
    return tuple(
        Dense(np.broadcast_to(a, (*pairs, a.shape[-1]))) for a in (data.x[..., :, None, :], data.y[..., None, :, :], data.u[..., None, :, :], data.s)
    )


def assert_same(value, expected, tolerance=1e-11):
    if isinstance(expected, tuple):
        assert len(value) == len(expected)
        for part, expected_part in zip(value, expected):
            assert_same(part, expected_part, tolerance)
        return
    value = np.asarray(value)
    assert value.shape == expected.shape
    if expected.dtype.kind == "i":
        assert value.dtype == np.int64
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance * max(1.0, np.abs(expected).max(initial=0)))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name, library, data):
    lazy, full = FORMULAS[name](*symbolic(library, data)), FORMULAS[name](*in_full(data))
    dim = full.a.shape[-1]
    assert lazy.dim() == len(data.batch) + 3 and lazy._shape[-1] == dim
    for reduced in "ji":
        assert_same(lazy.sum(data.axis(reduced)), Dense(np.broadcast_to(full.a, (*data.batch, data.m, data.n, dim))).sum(data.axis(reduced)))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("reduced", "ji")
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction(name, reduced, library, data):
    axis = data.axis(reduced)
    assert_same(REDUCTIONS[name](*symbolic(library, data), axis), REDUCTIONS[name](*in_full(data), axis))
