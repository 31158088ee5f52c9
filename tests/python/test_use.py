"""`use`: each kernel of the library `kernels` against its formula in NumPy, and files through the cache."""

import os

import numpy as np
import pytest

from keops import Library, keopsc, relative_error

M, N, D = 20, 30, 3


def sums(x, y, b, values, along=None):
    """Σ_j values_ij b_j + along_ij <b_j, x_i - y_j> (x_i - y_j)"""
    total = values @ b
    if along is not None:
        difference = x[:, None, :] - y[None, :, :]
        total += ((along * (difference * b).sum(-1))[..., None] * difference).sum(1)
    return total


def gauss(c, r2):
    return np.exp(-c * r2)


SCALAR = {
    "GaussKernel": lambda c, r2: gauss(c, r2),
    "LaplaceKernel": lambda c, r2: np.exp(-c * np.sqrt(r2)),
    "CauchyKernel": lambda c, r2: 1 / (1 + c * r2),
    "InverseMultiquadricKernel": lambda c, r2: 1 / np.sqrt(1 / c + r2),
}
FIELDS = {
    "DivFreeGaussKernel": lambda c, r2: (gauss(c, r2) * ((D - 1) / (2 * c) - r2), gauss(c, r2)),
    "CurlFreeGaussKernel": lambda c, r2: (gauss(c, r2) / (2 * c), -gauss(c, r2)),
}
HEAD = f"use kernels; dtype f64; c = Pm(1); x = Vi({D}); y = Vj({D}); b = Vj({D});"


@pytest.fixture
def arrays(random):
    x, y, b = random.standard_normal((M, D)), random.standard_normal((N, D)), random.standard_normal((N, D))
    return np.array([0.7]), x, y, b


def compiled(tmp_path, text):
    keopsc("compile", "-e", text, "-o", tmp_path / "libkernel.so")
    return Library(tmp_path / "libkernel.so")


def distances(x, y):
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(-1)


@pytest.mark.parametrize("name", [*SCALAR, *FIELDS])
def test_kernels(tmp_path, arrays, name):
    c, x, y, b = arrays
    r2 = distances(x, y)
    expected = sums(x, y, b, SCALAR[name](c, r2)) if name in SCALAR else sums(x, y, b, *FIELDS[name](c, r2))
    library = compiled(tmp_path, f"{HEAD} out f = Sum[j]({name}(c, x, y, b))")
    assert relative_error(library.f(c, x, y, b), expected) < 1e-12


def test_sums_of_kernels(tmp_path, arrays, random):
    c, x, y, b = arrays
    r2 = distances(x, y)
    widths, weights, share = np.array([0.3, 1.0, 2.0]), np.array([1.0, -0.5, 2.0]), np.array([0.3])
    text = f"{HEAD} cs = Pm(3); w = Pm(3); l = Pm(1); out s = Sum[j](SumGaussKernel(cs, w, x, y, b)); out t = Sum[j](TRIGaussKernel(l, c, x, y, b))"
    library = compiled(tmp_path, text)
    expected = sums(x, y, b, sum(weight * gauss(width, r2) for weight, width in zip(weights, widths)))
    assert relative_error(library.s(x, y, b, widths, weights), expected) < 1e-12
    free, curl_free = (sums(x, y, b, *field(c, r2)) for field in FIELDS.values())
    assert relative_error(library.t(c, x, y, b, share), share * free + (1 - share) * curl_free) < 1e-12


def test_fields(tmp_path, arrays):
    """The one has no divergence, the other no curl: its Jacobian is symmetric."""
    c, x, y, b = arrays
    rows = "; ".join(f"out row{k} = Grad(Sum[j](Elem(CurlFreeGaussKernel(c, x, y, b), {k})), x, 1)" for k in range(D))
    library = compiled(tmp_path, f"{HEAD} out d = Divergence(Sum[j](DivFreeGaussKernel(c, x, y, b)), x); {rows}")
    assert np.abs(library.d(c, x, y, b)).max() < 1e-12
    jacobian = np.stack([getattr(library, f"row{k}")(c, x, y, b) for k in range(D)], axis=1)
    assert np.abs(jacobian).max() > 0.1
    assert np.abs(jacobian - jacobian.transpose(0, 2, 1)).max() < 1e-12


def test_a_change_in_a_used_file_is_seen(tmp_path):
    environment = {**os.environ, "KEOPSC_CACHE_DIR": str(tmp_path / "cache")}
    (tmp_path / "f.kf").write_text('use "defs.kf"\nx = Vi(1)\ny = Vj(1)\nout f = Sum[j](K(x, y))\n')
    x, y = np.array([[1], [2]], np.float32), np.array([[3], [4]], np.float32)
    for body, expected in [("x * y", [[7], [14]]), ("x - y", [[-5], [-3]]), ("x * y", [[7], [14]])]:
        (tmp_path / "defs.kf").write_text(f"def K(x, y) = {body}\n")
        path = keopsc("compile", "--cached", tmp_path / "f.kf", env=environment).stdout.strip()
        assert (Library(path).f(x, y) == expected).all()
