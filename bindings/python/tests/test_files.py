"""Formula files as functions, functions as formulas, and formulas as files."""

import functools
from pathlib import Path

import numpy as np
import pytest

import keopsc

torch = pytest.importorskip("torch")
import keopsc.numpy  # noqa: E402
import keopsc.torch  # noqa: E402

FILE = """
dim D = 3
dtype f64
x = Vi(D);  y = Vj(D);  b = Vj(1);  s = Pm(1)
K = Exp(-SqDist(x, y) / s)
out conv = Sum[j](K * b)
out conv_x = Grad(conv, x)
out near = KMin_ArgKMin[j, K=2](x - y)
fused both { out v = Sum[j](K * b); out n = Sum[j](K) }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "gauss.kf"
    path.write_text(FILE)
    return path


def arrays(d=3):
    random = np.random.default_rng(0)
    return [random.standard_normal(shape) for shape in ((6, d), (8, d), (8, 1))] + [np.array([0.7])]


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_files_are_functions(file, convert):
    x, y, b, s = (convert(array) for array in arrays())
    full = np.exp(-((np.asarray(x)[:, None] - np.asarray(y)) ** 2).sum(-1) / 0.7)
    gauss = keopsc.compile_file(file)
    np.testing.assert_allclose(gauss.conv(x, y, b, s), full @ np.asarray(b))
    np.testing.assert_allclose(gauss.conv(x, y, s=s, b=b), full @ np.asarray(b))
    assert gauss.conv_x(x, y, b, s, convert(np.ones((6, 1)))).shape == (6, 3)
    values, numbers = gauss.near(x, y)
    assert values.shape == numbers.shape == (6, 2, 3)
    v, n = gauss.both(x, y, b, s)
    np.testing.assert_allclose(n[:, 0], full.sum(1))
    assert gauss.conv(convert(np.stack([np.asarray(x)] * 2)), y, b, s).shape == (2, 6, 1)
    assert "conv(x = Vi(3), y = Vj(3), b = Vj(1), s = Pm(1))" in repr(gauss) and "conv" in dir(gauss)


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_a_step_of_k_means(convert):
    random = np.random.default_rng(0)
    points, centres = random.random((3, 500, 2), np.float32), random.random((7, 2), np.float32)
    kmeans = keopsc.compile_file(Path(__file__).resolve().parents[3] / "samples" / "kmeans.kf", D=2)
    label, total, count = (np.asarray(result) for result in kmeans.step(convert(points), convert(centres)))
    nearest = ((points[:, :, None] - centres) ** 2).sum(-1).argmin(-1)
    assert label.dtype == np.int64 and np.array_equal(label[..., 0], nearest)
    for element in range(3):
        for column in range(7):
            own = points[element][nearest[element] == column]
            assert count[element, column] == len(own)
            np.testing.assert_allclose(total[element, column], own.sum(0), rtol=1e-5)
    assert np.array_equal(np.asarray(kmeans.count(convert(points), convert(centres))), count)


def test_dimensions_of_files(file):
    assert keopsc.compile_file(file, D=5).conv(*arrays(5)).shape == (6, 1)
    with pytest.raises(ValueError, match="5 components where 3 are declared"):
        keopsc.compile_file(file).conv(*arrays(5))
    with pytest.raises(TypeError, match="conv takes the arguments x = Vi"):
        keopsc.compile_file(file).conv(1)
    with pytest.raises(ValueError, match="x"):
        keopsc.compile_file(file).conv(*(array.astype(np.float32) for array in arrays()))
    with pytest.raises(AttributeError, match="has no output 'result'; it has conv, conv_x, near"):
        keopsc.compile_file(file).result  # noqa: B018


def test_files_with_errors(tmp_path):
    (tmp_path / "wrong.kf").write_text("x = Vi(3)\nout s = Sum[j](x + z)\n")
    with pytest.raises(keopsc.FormulaError, match="wrong.kf:2:20"):
        keopsc.compile_file(tmp_path / "wrong.kf")


@keopsc.jit
def gaussian(x_i, y_j, b_j, s):
    """A Gaussian sum."""
    return ((-((x_i - y_j) ** 2).sum(-1) / s).exp() * b_j).sum(axis=1)


@keopsc.jit()
def both(x_i, y_j, scale):
    distance = (x_i | y_j) * scale
    return distance.min(axis=1), distance.logsumexp(axis=0)


def test_functions_are_formulas():
    x, y, b, s = arrays()
    full = np.exp(-((x[:, None] - y) ** 2).sum(-1) / 0.7)
    np.testing.assert_allclose(gaussian(x, y, b, s), full @ b)
    np.testing.assert_allclose(gaussian(x, y, b, 0.7), full @ b)
    np.testing.assert_allclose(gaussian(x[:, :2], y[:, :2], b, s), np.exp(-((x[:, None, :2] - y[:, :2]) ** 2).sum(-1) / 0.7) @ b)
    np.testing.assert_allclose(gaussian(np.stack([x, x]), y, b, s, backend="CPU"), np.stack([full @ b] * 2))
    smallest, sums = both(x, y, 2.0)
    np.testing.assert_allclose(smallest[:, 0], (2 * x @ y.T).min(1))
    np.testing.assert_allclose(sums[:, 0], np.log(np.exp(2 * x @ y.T).sum(0)))
    assert gaussian.__doc__ == "A Gaussian sum."


def test_functions_have_derivatives():
    given = [torch.as_tensor(array).requires_grad_() for array in arrays()]
    assert torch.autograd.gradcheck(gaussian, given)


def test_wrong_functions():
    x, y, b, s = arrays()
    with pytest.raises(TypeError, match=r"gaussian takes the arguments x_i, y_j, b_j, s, each of them once"):
        gaussian(x, y, b)
    with pytest.raises(TypeError, match="has to return a reduction over i or j"):
        keopsc.jit(lambda x_i: x_i + 1)(x)


def test_formulas_are_files(tmp_path):
    x, y, b, _ = arrays()
    kernel = (-((keopsc.numpy.Vi(x) - keopsc.numpy.Vj(y)) ** 2).sum(-1) / 0.7).exp() * keopsc.numpy.Vj(b)
    (tmp_path / "k.kf").write_text(kernel.to_kf())
    (function,) = keopsc.compile_file(tmp_path / "k.kf").functions.values()
    np.testing.assert_allclose(function(x, y, np.array([0.7]), b), kernel.sum(1))
    (tmp_path / "l.kf").write_text(kernel.to_kf("LogSumExp", axis=0))
    (function,) = keopsc.compile_file(tmp_path / "l.kf").functions.values()
    np.testing.assert_allclose(function(x, y, np.array([0.7]), b), kernel.logsumexp(0))


def test_arguments_of_traced_functions():
    """By position, by name, by default; numbers; whatever can be called."""

    def product(x_i, y_j, s=2):
        return (x_i * y_j * s).sum(axis=1)

    x, y = np.arange(6.0).reshape(3, 2), np.ones((4, 2))
    traced, expected = keopsc.jit(product), (x[:, None] * y).sum(1)
    np.testing.assert_allclose(traced(x, y), 2 * expected)
    np.testing.assert_allclose(traced(s=0.5, y_j=y, x_i=x), 0.5 * expected)
    np.testing.assert_allclose(keopsc.jit(functools.partial(product, s=3))(x, y), 3 * expected)
    out = np.empty_like(x)
    assert traced(x, y, np.array([1.0]), out=out) is out
    for wrong in ((x,), (x, y, 1, 1)):
        with pytest.raises(TypeError, match="product takes the arguments x_i, y_j, s"):
            traced(*wrong)
    with pytest.raises(TypeError, match="the argument y_j has to be a NumPy array or a number, not list"):
        traced(x, [1.0])
