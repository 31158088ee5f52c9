"""Corners that went wrong once: the smallest case of each."""

import copy
import pickle
import re

import numpy as np
import pytest

import keopsc
from keopsc.numpy import ComplexLazyTensor, Genred, KernelSolve, LazyTensor, Pm, Vi, Vj
from keopsc.numpy.cluster import from_matrix

PRODUCT = ("x * y", ["x = Vi(3)", "y = Vj(3)"])
random = np.random.default_rng(5)
x, y = random.standard_normal((5, 3)), random.standard_normal((4, 3))
z, w = x + 1j * x[::-1], y + 1j * y[::-1]


def kernel(x, y):
    return (-Vi(x).sqdist(Vj(y))).exp()


def test_one_array_as_real_and_as_complex_numbers():
    value = (Vi(x) * ComplexLazyTensor(x, axis=0)).sum(1)
    np.testing.assert_allclose(value, x * x)


def test_a_matrix_of_its_own_right_hand_side():
    b = x[:, :1].copy()
    a = kernel(b, b).solve(Vi(b), alpha=1.0)
    np.testing.assert_allclose(a + kernel(b, b).dense() @ a, b, atol=1e-5)


def test_fields_of_records():
    records = np.zeros((5, 3), [("x", np.float64), ("count", np.float32)])  # 12 bytes from one to the next: no whole number of float64
    records["x"] = x
    np.testing.assert_allclose(Genred(*PRODUCT, axis=1)(records["x"], y), (x[:, None] * y).sum(1))


OF_COMPLEX = {
    "==": lambda a, b: a == b,
    "|": lambda a, b: a | b,
    "mod": lambda a, b: a % 2,
    "minimum": lambda a, b: a.minimum(b),
    "sqdist": lambda a, b: a.sqdist(b),
    "Round": lambda a, b: a.round(1),
    "Min": lambda a, b: (a * b).min(axis=1),
    "ArgMin": lambda a, b: (a * b).argmin(axis=1),
    "KMin": lambda a, b: (a * b).Kmin(2, axis=1),
    "Prod": lambda a, b: (a * b).prod(1),
    "LogSumExp": lambda a, b: (a * b).logsumexp(1),
    "weights": lambda a, b: a.real.sum(-1).sumsoftmaxweight(b, axis=1),
}


@pytest.mark.parametrize("name", OF_COMPLEX)
def test_what_complex_numbers_do_not_have(name):
    with pytest.raises(ValueError, match=re.escape(name) + " is not defined for complex numbers"):
        OF_COMPLEX[name](Vi(z), Vj(w))


def test_concatenated_complex_numbers():
    value = LazyTensor.cat((Vi(z), Vj(y)), -1).sum(1)
    np.testing.assert_allclose(value, np.concatenate([z * 4, np.broadcast_to(y.sum(0), (5, 3))], -1))


def test_rows_that_are_not_there():
    with pytest.raises(IndexError, match="row 9 of i of a LazyTensor of shape"):
        Vi(x)[9, :, :]
    with pytest.raises(ValueError, match="no array has them"):
        Vi(x)[:, 0:2, :]
    with pytest.raises(ValueError, match="arguments of later calls"):
        (Vi(0, 3) * Vi(x))[0:2, :, :]


def test_no_components():
    with pytest.raises(ValueError, match="no components"):
        LazyTensor(np.zeros((5, 0)), axis=0)
    with pytest.raises(ValueError, match="empty list"):
        LazyTensor([])


def test_out():
    values, numbers = np.empty((5, 1)), np.empty((5, 1), np.int64)
    found = kernel(x, y).min_argmin(axis=1, out=(values, numbers))
    assert found[0] is values and found[1] is numbers and (values > 0).all()
    with pytest.raises(ValueError, match="2 results"):
        kernel(x, y).min_argmin(axis=1, out=values)
    with pytest.raises(TypeError, match="`out` is of int64, but the result is of float64"):
        kernel(x, y).sum(axis=1, out=numbers)


def test_ranges_are_six():
    ranges = from_matrix(np.array([[0, 2], [2, 5]]), np.array([[0, 2], [2, 4]]), np.eye(2, dtype=bool))
    for wrong in (ranges[:3], (*ranges[:5], None), ranges[0]):
        with pytest.raises(ValueError, match="six integer arrays"):
            kernel(x, y).sum(axis=1, ranges=wrong)


def test_ranges_have_no_dense_matrix():
    matrix = kernel(x, y)
    matrix.ranges = from_matrix(np.array([[0, 2], [2, 5]]), np.array([[0, 2], [2, 4]]), np.eye(2, dtype=bool))
    with pytest.raises(ValueError, match="set its ranges to None"):
        matrix.dense()


def test_sums_over_both_indices_of_arguments_of_calls():
    product = Vi(0, 3) * Vj(1, 3)
    np.testing.assert_allclose(product.sum((0, 1))(x, y), (x[:, None] * y).sum((0, 1)))
    np.testing.assert_allclose(kernel(x, y).sum((0, 1), call=False)(), [kernel(x, y).dense().sum()])
    with pytest.raises(ValueError, match="no formula file"):
        product.sum((0, 1)).to_kf()


def test_an_axis_has_to_be_told():
    for reduced in (np.sum, lambda t: t.min(), lambda t: t.mean(None)):
        with pytest.raises(ValueError, match=r"over axis 0 \(i\) or 1 \(j\), not None"):
            reduced(Vi(x))


def test_numbers_have_the_precision_of_what_is_beside_them():
    halves = x.astype(np.float16)
    value = (Vi(halves) / 1e5 * 1e5).sum(1)  # 1e5 is no float16
    assert value.dtype == np.float16
    np.testing.assert_array_equal(value, halves)
    scaled = (Vi(0, 3) * Vj(1, 3) * 0.1).sum(axis=1)
    np.testing.assert_allclose(scaled(x.astype(np.float32), y), (x.astype(np.float32)[:, None] * y * 0.1).sum(1), rtol=1e-14)
    scaled = keopsc.jit(lambda x_i, y_j, s: (x_i * y_j * s).sum(axis=1))
    assert scaled(x.astype(np.float32), y.astype(np.float32), 0.5).dtype == np.float32


def test_deep_formulas():
    deep = Vi(x)
    for _ in range(500):
        deep = deep + deep * 0
    assert len(repr(deep)) < 5000
    for copied in (pickle.loads(pickle.dumps(deep)), copy.deepcopy(deep)):
        np.testing.assert_array_equal(copied.sum(1), x)


def test_a_right_hand_side_without_columns():
    system = KernelSolve("Exp(-SqDist(x, y)) * a", ["x = Vi(3)", "y = Vj(3)", "a = Vj(1)"], "a", axis=1)
    with pytest.raises(ValueError, match=r"`a = Vj\(1\)` has shape \(5,\)"):
        system(x, x, x[:, 0])


def test_lists_as_long_as_numpy_says():
    assert kernel(x, y).Kmin(np.int64(2), axis=1).shape == (5, 2)
    parts = Vi(x).extract(np.int64(0), np.int64(2)), kernel(x, y).one_hot(np.int64(2))
    assert all(type(part.node.dim) is int and part.node.dim == 2 for part in parts)


def test_batch_axes_that_parameters_alone_have():
    one = np.full((1, 1), 2.0)
    product = Vi(x) * Vj(y) * Pm(one)
    assert product.shape == (1, 5, 4, 3) and product.sum(2).shape == (1, 5, 3) and product.sum(1).shape == (1, 4, 3)
    np.testing.assert_allclose(product.dense(), 2 * x[None, :, None] * y)
    np.testing.assert_allclose(product.sum((1, 2)), 2 * (x[:, None] * y).sum((0, 1))[None])
    distances = Vi(x).sqdist(Vj(y)) * Pm(one[None])
    assert [part.shape for part in distances.Kmin_argKmin(2, axis=3)] == [(1, 1, 5, 2)] * 2
    assert (distances @ y[:, 0]).shape == (1, 1, 5)
    assert Genred("p * x * y", ["p = Pm(1)", *PRODUCT[1]], axis=1)(one, x, y).shape == (5, 3)  # as in KeOps
    kernel = (-Vi(x).sqdist(Vj(x)) * Pm(one)).exp()
    solution = kernel.solve(Vi(x[:, :2].copy()), alpha=1)
    assert solution.shape == (1, 5, 2)
    np.testing.assert_allclose(kernel.dense()[0] @ solution[0] + solution[0], x[:, :2], atol=1e-4)


def test_none_is_no_operand():
    for operation in (lambda t: t * None, lambda t: t == None, lambda t: t.sqdist(None)):  # noqa: E711
        with pytest.raises(TypeError, match="None is no operand"):
            operation(Vi(x))


torch = pytest.importorskip("torch")
import keopsc.torch  # noqa: E402


def tensors(*arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def test_real_tensors_as_complex_numbers():
    value = (keopsc.torch.ComplexLazyTensor(torch.tensor(x), axis=0) * keopsc.torch.Vj(torch.tensor(y))).sum(1)
    torch.testing.assert_close(value, torch.tensor((x[:, None] * y).sum(1) + 0j))


def test_views_whose_sign_or_conjugation_is_not_in_memory():
    negative, (y_,) = torch.tensor(z).conj().imag, tensors(y)
    assert negative.is_neg()
    for value in (keopsc.torch.Genred(*PRODUCT, axis=1)(negative, y_), (keopsc.torch.Vi(negative) * keopsc.torch.Vj(y_)).sum(1)):
        torch.testing.assert_close(value, (negative[:, None] * y_).sum(1))
    z_, w_ = tensors(z, w)
    found, expected = keopsc.torch.Genred(*PRODUCT, axis=1)(z_, w_), (z_[:, None] * w_).sum(1)
    for value in (lambda result: (result.conj() * z_[0].detach()).sum().real, lambda result: (result.conj().imag ** 2).sum()):
        torch.testing.assert_close(torch.autograd.grad(value(found), z_, retain_graph=True), torch.autograd.grad(value(expected), z_, retain_graph=True))


def test_constants_alone():
    torch.testing.assert_close(keopsc.torch.LazyTensor(3).sum(0), torch.tensor([[3.0]]))


def test_tangents_of_gradients_of_what_batch_elements_share():
    shared, (y_,) = torch.tensor(x[None]), tensors(np.stack([y, 2 * y]))
    genred = keopsc.torch.Genred("Exp(-SqDist(x, y))", PRODUCT[1], axis=1)

    def full(x, y):
        return torch.exp(-((x[:, :, None] - y[:, None]) ** 2).sum(-1, keepdim=True)).sum(2)

    def tangent(function):
        gradient = torch.func.grad(lambda x: function(x, y_.detach()).sin().sum())
        return torch.func.jvp(gradient, (shared,), (shared.cos(),))[1]

    torch.testing.assert_close(tangent(genred), tangent(full))


def test_checkpoints():
    from torch.utils.checkpoint import checkpoint

    x_, y_ = tensors(x, y)
    product = lambda x, y: (keopsc.torch.Vi(x) * keopsc.torch.Vj(y)).sum(1).sin()  # noqa: E731
    (expected,) = torch.autograd.grad(product(x_, y_).sum(), x_)
    for _ in range(3):
        (found,) = torch.autograd.grad(checkpoint(product, x_, y_, use_reentrant=False).sum(), x_)
        torch.testing.assert_close(found, expected)


def test_tensors_without_data():
    from torch._subclasses.fake_tensor import FakeTensorMode

    genred = keopsc.torch.Genred(*PRODUCT, axis=1)
    genred(*tensors(x, y))
    with FakeTensorMode():
        assert genred(torch.empty(5, 3, dtype=torch.float64), torch.empty(4, 3, dtype=torch.float64)).shape == (5, 3)


def test_transforms_of_linear_systems():
    x_, b = (tensor.detach() for tensor in tensors(x, x[:, :1]))

    def ours(x, b):
        matrix = (-keopsc.torch.Vi(x).sqdist(keopsc.torch.Vj(x))).exp()
        return matrix.solve(keopsc.torch.Vi(b), alpha=0.5, eps=1e-13)

    def full(x, b):
        return torch.linalg.solve(torch.exp(-((x[:, None] - x) ** 2).sum(-1)) + 0.5 * torch.eye(5, dtype=x.dtype), b)

    for transform in (
        lambda f: torch.func.jacrev(f, argnums=(0, 1))(x_, b),
        lambda f: torch.func.jacfwd(f, argnums=(0, 1))(x_, b),
        lambda f: torch.func.hessian(lambda x: f(x, b).sin().sum())(x_),
        lambda f: torch.func.vmap(f, in_dims=(None, 0))(x_, torch.stack([b, b.exp()])),
    ):
        torch.testing.assert_close(transform(ours), transform(full))


def test_arrays_of_both_libraries():
    with pytest.raises(TypeError, match="is made of a PyTorch tensor, .* not of keopsc.numpy.LazyTensor"):
        keopsc.torch.Vi(torch.tensor(x)) * Vj(y)


def test_functions_of_files_are_no_constants(tmp_path):
    path = tmp_path / "gauss.kf"
    path.write_text("dtype f64\nx = Vi(3)\ny = Vj(3)\nout conv = Sum[j](Exp(-SqDist(x, y)))\n")
    conv = keopsc.compile_file(path).conv
    x_, y_ = tensors(x, y)
    value = conv(x_, y_)
    np.testing.assert_allclose(value.detach(), kernel(x, y).sum(1))
    with pytest.raises(RuntimeError, match="has no derivatives in PyTorch: declare them"):
        value.sum().backward()
    assert not conv(x_.detach(), y_.detach()).requires_grad


def test_gradients_of_parameters_with_more_axes_than_the_batch():
    product = "Exp(-p * s * SqDist(x, y))", ["p = Pm(1)", "s = Pm(1)", *PRODUCT[1]]
    p, s, x_, y_ = tensors(np.full((1, 1, 1), 0.5), y[:, :1] ** 2, x, y)
    found = keopsc.torch.Genred(*product, axis=1)(p, s, x_, y_)
    expected = torch.exp(-p * s[:, None] * ((x_[:, None] - y_) ** 2).sum(-1)).sum(2)[..., None]
    torch.testing.assert_close(found, expected)
    for variable in (p, s, x_):
        torch.testing.assert_close(*[torch.autograd.grad(value.sin().sum(), variable, retain_graph=True) for value in (found, expected)])
