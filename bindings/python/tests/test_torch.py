"""PyTorch: derivatives of any order, transforms, types, layouts."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from calls import KEOPS_FORMULAS, OWN_FORMULAS, REDUCTIONS  # noqa: E402
from torch.autograd import gradcheck, gradgradcheck  # noqa: E402

from keopsc import compiler  # noqa: E402
from keopsc.torch import Genred, LazyTensor, Pm, Vi, Vj, generic_logsumexp  # noqa: E402

GAUSSIAN = ("Exp(-SqDist(x, y) / s) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(2)", "s = Pm(1)"])


def arguments(batch=((), (), (), ()), dtype=torch.float64, m=4, n=5):
    generator = torch.Generator().manual_seed(0)
    shapes = [(*batch[0], m, 3), (*batch[1], n, 3), (*batch[2], n, 2), (*batch[3], 1)]
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    drawn[3] = drawn[3].abs() + 0.5
    return [tensor.to(dtype).requires_grad_() for tensor in drawn]


def pairs(x, y, b, s):
    return torch.exp(-((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1, keepdim=True) / s[..., None, None, :]) * b[..., None, :, :]


BATCHES = [((), (), (), ()), ((2,), (2,), (2,), (2,)), ((2, 1), (3,), (1, 3), ())]


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("axis", [0, 1])
def test_derivatives_of_sums(axis, batch):
    given = arguments(batch)
    genred = Genred(*GAUSSIAN, axis=axis)
    torch.testing.assert_close(genred(*given), pairs(*given).sum(axis - 2 - 1))
    assert gradcheck(genred, given)
    assert gradgradcheck(genred, given)


REDUCED = [
    ("LogSumExp", {}),
    ("LogSumExp", {"formula2": "b * b"}),
    ("SumSoftMaxWeight", {"formula2": "b"}),
    ("Max_SumShiftExpWeight", {"formula2": "b"}),
    ("Min", {}),
    ("Max", {}),
    ("KMin", {"opt_arg": 3}),
    ("Mean", {}),
    ("Prod", {}),
]


@pytest.mark.parametrize("reduction, options", REDUCED)
@pytest.mark.parametrize("axis", [0, 1])
def test_derivatives_of_reductions(reduction, options, axis):
    given = arguments()
    genred = Genred("-SqDist(x, y) / s + 0 * Sum(b)", GAUSSIAN[1], reduction, axis=axis, **options)
    assert gradcheck(genred, given)
    if reduction != "Max_SumShiftExpWeight":
        assert gradgradcheck(genred, given)


def test_row_numbers_have_no_derivative():
    x, y, _, _ = arguments()
    values, numbers = Vi(x).sqdist(Vj(y)).Kmin_argKmin(2, axis=1)
    assert values.requires_grad and not numbers.requires_grad and numbers.dtype == torch.int64
    (gradient,) = torch.autograd.grad(values.sum(), x)
    chosen = y[numbers]
    torch.testing.assert_close(gradient, 2 * (x[:, None] - chosen).sum(1))


#: Formulas with derivatives that are continuous where they are tried.
SMOOTH = ["exp", "sinc", "normalize", "norm2", "atan2", "float_power", "symbolic_power", "weightedsqnorm_d", "kron", "tensordot", "concat", "slice", "gaussian",
          "laplacian_kernel", "vecmatmult", "erf", "softplus", "logaddexp", "weightedsqnorm_dd", "many_shared_parts", "difference_matrix"]  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_of_formulas(name, flat):
    formula = {**KEOPS_FORMULAS, **OWN_FORMULAS}[name]
    leaves = [torch.as_tensor(array).requires_grad_() for array in flat.arrays()]

    def reduced(x, y, u, s):
        used = x.sum() * 0 + y.sum() * 0 + u.sum() * 0 + s.sum() * 0
        return formula(LazyTensor(x[:, None, :]), LazyTensor(y[None, :, :]), LazyTensor(u[None, :, :]), LazyTensor(s)).sum(1) + used

    assert gradcheck(reduced, leaves)


@pytest.mark.parametrize("name", ["sum", "logsumexp", "sumsoftmaxweight", "logsumexp_weights", "min", "Kmin_vector", "mean", "prod"])
def test_derivatives_of_reduced_lazytensors(name, data):
    leaves = [torch.as_tensor(array).requires_grad_() for array in data.arrays()]

    def reduced(x, y, u, s):
        used = x.sum() * 0 + y.sum() * 0 + u.sum() * 0 + s.sum() * 0
        lazy = LazyTensor(x[..., :, None, :]), LazyTensor(y[..., None, :, :]), LazyTensor(u[..., None, :, :]), LazyTensor(s)
        return REDUCTIONS[name](*lazy, data.axis("j")) + used

    assert gradcheck(reduced, leaves)


def test_third_derivatives():
    x, y, b, s = arguments()

    def third(function):
        value = function(x, y, b, s).sum()
        for _ in range(3):
            (gradient,) = torch.autograd.grad(value, s, create_graph=True)
            value = gradient.sum()
        return value

    torch.testing.assert_close(third(Genred(*GAUSSIAN, axis=1)), third(lambda *given: pairs(*given).sum(1)))


def test_a_kernel_product_can_be_learned():
    x, y, b, s = arguments()
    kernel = (-((LazyTensor(x[:, None, :]) - LazyTensor(y[None, :, :])) ** 2).sum(-1) / s).exp()
    (kernel @ b).square().sum().backward()
    found = [tensor.grad.clone() for tensor in (x, y, b, s)]
    expected = torch.autograd.grad(pairs(x, y, b, s).sum(1).square().sum(), (x, y, b, s))
    for gradient, other in zip(found, expected):
        torch.testing.assert_close(gradient, other)


def test_gradients_with_ranges():
    from keopsc.torch.cluster import from_matrix

    given = arguments()
    keep = torch.tensor([[True, False], [True, True]])
    ranges = from_matrix(torch.tensor([[0, 2], [2, 4]]), torch.tensor([[0, 3], [3, 5]]), keep)
    mask = torch.ones(4, 5, 1, dtype=torch.float64)
    mask[:2, 3:] = 0

    def sparse(x, y, b, s):
        return Genred(*GAUSSIAN, axis=1)(x, y, b, s, ranges=ranges)

    torch.testing.assert_close(sparse(*given), (pairs(*given) * mask).sum(1))
    assert gradcheck(sparse, given) and gradgradcheck(sparse, given)


def test_complex_numbers():
    generator = torch.Generator().manual_seed(0)
    z, w = (torch.randn(n, 2, generator=generator, dtype=torch.complex128).requires_grad_() for n in (3, 4))

    def lazy(z, w):
        return ((LazyTensor(z[:, None, :]) * LazyTensor(w[None, :, :])).exp() + 1).sum(1)

    torch.testing.assert_close(lazy(z, w), (torch.exp(z[:, None] * w) + 1).sum(1))
    assert gradcheck(lazy, (z, w))
    assert gradcheck(Genred("x * Exp(y)", ["x = Vi(2)", "y = Vj(2)"], axis=1), (z, w))
    torch.testing.assert_close(lazy(z.conj(), w), (torch.exp(z.conj()[:, None] * w) + 1).sum(1))


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 5e-3), (torch.bfloat16, 5e-2), (torch.float32, 1e-5)])
def test_types(dtype, tolerance):
    given = arguments(dtype=dtype)
    value = Genred(*GAUSSIAN, axis=1)(*given)
    assert value.dtype == dtype
    expected = pairs(*(tensor.double() for tensor in given)).sum(1)
    torch.testing.assert_close(value.double(), expected, rtol=tolerance, atol=tolerance)
    value.sum().backward()
    assert [tensor.grad.dtype for tensor in given] == [dtype] * 4


def test_layouts_of_any_kind():
    x, y, b, s = (tensor.detach() for tensor in arguments())
    expected = pairs(x, y, b, s).sum(1)
    genred = Genred(*GAUSSIAN, axis=1)
    torch.testing.assert_close(genred(x.T.contiguous().T, y, b, s), expected)
    torch.testing.assert_close(genred(x[:1].expand(4, 3), y, b, s), expected[:1].expand(4, 2))
    torch.testing.assert_close(genred(torch.stack([x, x], -1)[..., 1], y, b, s), expected)
    torch.testing.assert_close(genred(x, y, b, s[None]), expected)


def test_transforms():
    x, y, b, s = (tensor.detach() for tensor in arguments())
    genred = Genred(*GAUSSIAN, axis=1)

    def ours(x):
        return genred(x, y, b, s)

    def full(x):
        return pairs(x, y, b, s).sum(-2)

    transforms = {
        "grad": lambda f: torch.func.grad(lambda x: f(x).sum())(x),
        "vjp": lambda f: torch.func.vjp(f, x)[1](torch.ones(4, 2, dtype=torch.float64))[0],
        "jvp": lambda f: torch.func.jvp(f, (x,), (x.cos(),))[1],
        "jacrev": lambda f: torch.func.jacrev(f)(x),
        "jacfwd": lambda f: torch.func.jacfwd(f)(x),
        "hessian": lambda f: torch.func.hessian(lambda x: f(x).sum())(x),
        "vmap": lambda f: torch.func.vmap(f)(torch.stack([x, 2 * x])),
        "vmap of grad": lambda f: torch.func.vmap(torch.func.grad(lambda x: f(x).sum()))(torch.stack([x, 2 * x])),
    }
    for name, transform in transforms.items():
        torch.testing.assert_close(transform(ours), transform(full), msg=lambda text, name=name: f"{name}: {text}")


def test_tensors_that_a_transform_has_left_behind():
    x, y, b, s = arguments()
    left = []

    def function(x):
        left.append(2 * x)
        return x.sum()

    torch.func.grad(function)(x.detach())
    value = Genred(*GAUSSIAN, axis=1)(left[0], y, b, s)
    torch.testing.assert_close(value, pairs(2 * x.detach(), y, b, s).sum(-2))
    torch.testing.assert_close(torch.autograd.grad(value.sum(), y), torch.autograd.grad(pairs(2 * x.detach(), y, b, s).sum(), y))


@pytest.mark.parametrize("batches", [(), ((2,), (), (), (2,))], ids=["", "batch axes"])
def test_batched_cotangents(batches):
    """Of `torch.autograd`, whose tensors with a hidden axis come by no rule of `vmap`."""
    genred = Genred(*GAUSSIAN, axis=1)
    given = arguments(batches) if batches else arguments()
    assert gradcheck(genred, given, check_batched_grad=True, check_forward_ad=True, check_batched_forward_grad=True)
    assert gradgradcheck(genred, given, check_batched_grad=True)
    value = genred(*given)
    cotangents = torch.rand(5, *value.shape, dtype=value.dtype)
    expected = [torch.autograd.grad(genred(*given), given, cotangent) for cotangent in cotangents]
    for _ in range(3):
        # From the second time on gradients are made together with the value.
        found = torch.autograd.grad(genred(*given), given, cotangents, is_grads_batched=True)
        torch.testing.assert_close(found, tuple(map(torch.stack, zip(*expected))))


def test_vectorized_jacobians():
    x, y, b, s = arguments()
    jacobian = torch.autograd.functional.jacobian
    for strategy in ("reverse-mode", "forward-mode"):
        found = jacobian(lambda x: Genred(*GAUSSIAN, axis=1)(x, y, b, s), x, vectorize=True, strategy=strategy)
        torch.testing.assert_close(found, jacobian(lambda x: pairs(x, y, b, s).sum(-2), x))


def test_vmap_over_several_arguments():
    x, y, b, s = (tensor.detach() for tensor in arguments(((2,), (), (), (2,))))
    mapped = torch.func.vmap(Genred(*GAUSSIAN, axis=1), in_dims=(1, None, None, 0))(x.movedim(0, 1), y, b, s)
    torch.testing.assert_close(mapped, pairs(x, y, b, s).sum(-2))


def test_forward_mode():
    assert gradcheck(Genred(*GAUSSIAN, axis=1), arguments(), check_forward_ad=True)
    logsumexp = generic_logsumexp("-SqDist(x, y)", "a = Vi(1)", "x = Vi(3)", "y = Vj(3)")
    assert gradcheck(logsumexp, arguments()[:2], check_forward_ad=True)


def test_no_gradients_where_none_are_wanted():
    given = arguments()
    genred = Genred(*GAUSSIAN, axis=1)
    with torch.no_grad():
        assert not genred(*given).requires_grad
    assert not genred(*(tensor.detach() for tensor in given)).requires_grad


class Kernel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.s = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.product = Genred(*GAUSSIAN, axis=1)

    def forward(self, x, y, b):
        return self.product(x, y, b, self.s)


def test_modules_and_pickling():
    module = pickle.loads(pickle.dumps(Kernel()))
    x, y, b, _ = arguments()
    module(x, y, b).sum().backward()
    assert module.s.grad.shape == (1,)


def test_numbers_beside_tensors():
    x, y, _, _ = (tensor.detach() for tensor in arguments(dtype=torch.float32))
    for number in (0.5, 2, np.float64(0.5), torch.tensor(0.5)):
        value = (Vi(x) * number - Vj(y)).sum(1)
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, (x[:, None] * float(number) - y).sum(1))
    torch.testing.assert_close((Pm(0.25) * Vi(x)).sum(1), 0.25 * x)


def test_wrong_arguments():
    x, y, b, s = arguments()
    with pytest.raises(ValueError, match=r"`b = Vj\(2\)` of shape \(3, 2\)"):
        Genred(*GAUSSIAN, axis=1)(x, y, b[:3], s)
    with pytest.raises(TypeError, match="on the device meta cannot be used"):
        Genred(*GAUSSIAN, axis=1)(*(tensor.to("meta") for tensor in (x, y, b, s)))
    with pytest.raises(TypeError, match="expected a PyTorch tensor, not numpy.ndarray"):
        Genred(*GAUSSIAN, axis=1)(x.detach().numpy(), y, b, s)


@pytest.mark.parametrize("batch", [((), ()), ((2,), (2,)), ((1,), (2,))], ids=["flat", "batch", "shared"])
@pytest.mark.parametrize("axis", [0, 1])
def test_gradients_made_with_the_value(axis, batch):
    """Sums that are differentiated again and again make gradients together with values; they are the same, as are those of higher order."""
    x, y, _, _ = arguments((*batch, (), ()))
    genred = Genred("Exp(-SqDist(x, y))", GAUSSIAN[1][:2], axis=axis)
    expected = torch.exp(-((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1, keepdim=True)).sum(axis - 3)
    weights = torch.rand_like(expected)
    wanted = torch.autograd.grad((expected * weights).sum(), (x, y), create_graph=True)
    wanted_twice = torch.autograd.grad(sum(gradient.sin().sum() for gradient in wanted), (x, y))
    can_be = x.shape[:-2] == expected.shape[:-2] or axis == 0
    for number in range(3):
        value = genred(x, y)
        assert len(value.grad_fn.saved_tensors) == 2 + (number > 0 and can_be)
        torch.testing.assert_close(value, expected)
        found = torch.autograd.grad((value * weights).sum(), (x, y), retain_graph=True)
        torch.testing.assert_close(found, wanted)
        again = torch.autograd.grad((value * weights).sum(), (x, y), create_graph=True)
        torch.testing.assert_close(torch.autograd.grad(sum(gradient.sin().sum() for gradient in again), (x, y)), wanted_twice)


def test_gradients_are_not_made_where_nobody_takes_them():
    x, y, _, _ = arguments()
    genred = Genred("Exp(-SqDist(x, y))", GAUSSIAN[1][:2], axis=1)
    genred(x, y).sum().backward()
    results = [genred(x, y) for _ in range(3)]
    assert [len(result.grad_fn.saved_tensors) - 2 for result in results] == [1, 0, 0]
    with torch.no_grad():
        genred(x, y)
    genred(x, y).sum().backward()
    torch.use_deterministic_algorithms(True)
    try:
        result = genred(x, y)
        assert len(result.grad_fn.saved_tensors) == 2
    finally:
        torch.use_deterministic_algorithms(False)


def test_formulas_are_compiled_for_the_types_of_their_arguments_alone(monkeypatch):
    x, y, _, _ = arguments()
    texts, compiled = [], compiler.compiled
    monkeypatch.setattr(compiler, "compiled", lambda text, *rest: texts.append(text) or compiled(text, *rest))
    Genred("Exp(-SqDist(x, y))", GAUSSIAN[1][:2], axis=1)(x, y).sum().backward()
    assert [text.partition("\n")[0] for text in texts] == ["dtype f64"] * 2
