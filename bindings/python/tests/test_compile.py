"""`torch.compile` without graph breaks, and PyTorch's own checks of the operator behind it."""

import pytest

torch = pytest.importorskip("torch")
import keopsc  # noqa: E402
from keopsc.torch import Genred, LazyTensor, Vi, Vj  # noqa: E402

GAUSSIAN = ("Exp(-SqDist(x, y) / s) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(1)", "s = Pm(1)"])


def arguments(m=10):
    generator = torch.Generator().manual_seed(m)
    x, y, b = (torch.rand(shape, generator=generator) for shape in ((m, 3), (12, 3), (12, 1)))
    return x.requires_grad_(), y, b, torch.tensor([0.5], requires_grad=True)


genred = Genred(*GAUSSIAN, axis=1)
traced = keopsc.jit(lambda x_i, y_j, b_j, s: ((-((x_i - y_j) ** 2).sum(-1) / s).exp() * b_j).sum(axis=1))

FUNCTIONS = {
    "Genred": lambda x, y, b, s: genred(2 * x, y, b, s).sin(),
    "Genred of a batch": lambda x, y, b, s: genred(torch.stack([x, 2 * x]), y[None], b[None], s),
    "traced function": lambda x, y, b, s: traced(x, y, b, s) + traced(x, y, b, 0.25),
    "LazyTensor": lambda x, y, b, s: (
        (-((LazyTensor(x[:, None, :]) - LazyTensor(y[None, :, :])) ** 2).sum(-1) / LazyTensor(s)).exp() * LazyTensor(b[None])
    ).sum(1),
    "matvec": lambda x, y, b, s: (-Vi(x).sqdist(Vj(y)) / 0.5).exp().matvec(b) + s,
    "product": lambda x, y, b, s: (-Vi(x).sqdist(Vj(y)) / 0.5).exp() @ b + s,
    "transposed product": lambda x, y, b, s: (-Vi(y).sqdist(Vj(x))).exp().T @ b[:, 0] + s,
    "tensors in operators": lambda x, y, b, s: ((x[:, None, :] - Vj(y)) / s * (Vj(y) < x[:, None, :]) - s ** (s * Vi(x))).sum(1),
    "log-sum-exp": lambda x, y, b, s: (-Vi(x).sqdist(Vj(y)) / LazyTensor(s)).logsumexp(1),
    "row numbers": lambda x, y, b, s: y[Vi(x).sqdist(Vj(y)).argKmin(3, dim=1)].sum((1, 2)) * x.sum() * s,
}


#: Older versions of PyTorch's tracer do not follow LazyTensors, and break the graph there.
FOLLOWS_LAZYTENSORS = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_graph(name):
    function = FUNCTIONS[name]
    if not name.startswith("Genred") and not FOLLOWS_LAZYTENSORS:
        pytest.skip("needs PyTorch 2.13")
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    for m in (10, 11, 14):
        given = arguments(m)
        value, expected = compiled(*given), function(*given)
        torch.testing.assert_close(value, expected)
        leaves = (given[0], given[3])
        for a, c in zip(torch.autograd.grad(value.sum(), leaves), torch.autograd.grad(expected.sum(), leaves)):
            torch.testing.assert_close(a, c)
    torch._dynamo.reset()


def test_forward_derivatives_are_refused_and_not_taken_for_zero():
    x, y, b, s = (tensor.detach() for tensor in arguments())

    def tangent(x):
        return torch.func.jvp(lambda x: genred(x, y, b, s), (x,), (torch.ones_like(x),))[1]

    with pytest.raises(Exception, match="forward derivatives|Observed exception"):
        torch.compile(tangent, fullgraph=True, backend="aot_eager")(x)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(tangent, backend="aot_eager")(x), tangent(x))
    torch._dynamo.reset()


def test_the_operator():
    from keopsc.arrays import torch_operators

    torch.library.opcheck(torch_operators.evaluate, (genred.program.described(), list(arguments()), [], -1))
