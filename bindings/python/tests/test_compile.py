"""`torch.compile` without graph breaks, also around transforms, and PyTorch's own checks of the operators behind it."""

import shutil
import warnings

import pytest

torch = pytest.importorskip("torch")
import keopsc  # noqa: E402
import keopsc.solve  # noqa: E402
from keopsc.torch import Genred, KernelSolve, LazyTensor, Vi, Vj  # noqa: E402
from keopsc.torch.cluster import from_matrix  # noqa: E402

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


solver = KernelSolve(*GAUSSIAN, "b", axis=1)
nearest = Genred("SqDist(x, y)", GAUSSIAN[1][:2], "KMin_ArgKMin", axis=1, opt_arg=2)
RANGES = from_matrix(torch.tensor([[0, 4], [4, 10]]), torch.tensor([[0, 5], [5, 12]]), torch.tensor([[True, False], [True, True]]))


def solved(y, b, s):
    return solver(y, y, b, s, alpha=0.1, eps=1e-12)


def preconditioned(y, b, s, **options):
    """A system that a Nyström preconditioner solves, of a matrix with few large eigenvalues."""
    return (-Vi(y).sqdist(Vj(y)) / s).exp().solve(Vi(b), alpha=0.1, eps=1e-12, nystroem=6, **options)


def filled(x, y, b, s):
    out = torch.empty(10, 1, dtype=x.dtype)
    assert genred(x, y, b, s, out=out) is out
    return out


def filled_with_two(x, y, b, s):
    out = torch.empty(10, 2, dtype=x.dtype), torch.empty(10, 2, dtype=torch.int64)
    nearest(x, y, out=out)
    return out[0] * (1 + out[1])


#: Functions of x, y, b, s in which PyTorch transforms keopsc's operations.
TRANSFORMED = {
    "grad": lambda x, y, b, s: torch.func.grad(lambda x: genred(x, y, b, s).sin().sum())(x),
    "grad of a parameter, twice": lambda x, y, b, s: torch.func.grad(lambda s: torch.func.grad(lambda s: genred(x, y, b, s).sum())(s).sum())(s),
    "grad without a graph around it": lambda x, y, b, s: torch.no_grad()(torch.func.grad(lambda x: genred(x, y, b, s).sum()))(x),
    "vjp": lambda x, y, b, s: torch.func.vjp(lambda y: genred(x, y, b, s), y)[1](x[:, :1].cos())[0],
    "jvp": lambda x, y, b, s: torch.func.jvp(lambda x, s: genred(x, y, b, s), (x, s), (x.cos(), s.sin())),
    "jvp of lists": lambda x, y, b, s: torch.func.jvp(lambda x: nearest(x, y)[0], (x,), (x.cos(),))[1],
    "jacrev": lambda x, y, b, s: torch.func.jacrev(lambda x: genred(x, y, b, s))(x),
    "jacfwd": lambda x, y, b, s: torch.func.jacfwd(lambda s: genred(x, y, b, s))(s),
    "hessian": lambda x, y, b, s: torch.func.hessian(lambda x: genred(x, y, b, s).sum())(x),
    "vmap": lambda x, y, b, s: torch.func.vmap(lambda x: genred(x, y, b, s))(torch.stack([x, 2 * x])),
    "vmap of the last axis of b": lambda x, y, b, s: torch.func.vmap(lambda b: genred(x, y, b, s), in_dims=2)(torch.stack([b, 2 * b], 2)),
    "vmap of vmap": lambda x, y, b, s: torch.func.vmap(
        lambda x: torch.func.vmap(lambda s: genred(x, y, b, s))(torch.stack([s, 2 * s, 3 * s]))
    )(torch.stack([x, 2 * x])),
    "vmap of grad": lambda x, y, b, s: torch.func.vmap(torch.func.grad(lambda x: genred(x, y, b, s).sum()))(torch.stack([x, 2 * x])),
    "vmap of row numbers": lambda x, y, b, s: torch.func.vmap(lambda x: nearest(x, y))(torch.stack([x, 2 * x])),
    "vmap with ranges": lambda x, y, b, s: torch.func.vmap(lambda x: genred(x, y, b, s, ranges=RANGES))(torch.stack([x, 2 * x])),
    "LazyTensor": lambda x, y, b, s: torch.func.vmap(
        torch.func.grad(lambda x: ((-LazyTensor(x[:, None]).sqdist(LazyTensor(y[None])) / s).exp() @ b).sum())
    )(torch.stack([x, 2 * x])),
    "KernelSolve": lambda x, y, b, s: solved(y, b, s),
    "solve of a LazyTensor": lambda x, y, b, s: (-Vi(y).sqdist(Vj(y)) / s).exp().solve(Vi(b), alpha=0.1, eps=1e-12),
    "LazyTensor, Nyström": lambda x, y, b, s: preconditioned(y, b, s),
    "LazyTensor, gradients with Nyström": lambda x, y, b, s: torch.func.grad(lambda y, b, s: preconditioned(y, b, s).square().sum(), (0, 1, 2))(y, b, s),
    "LazyTensor, tangent with Nyström": lambda x, y, b, s: torch.func.jvp(lambda s: preconditioned(y, b, s), (s,), (s.cos(),)),
    "LazyTensor, vmap with Nyström of each": lambda x, y, b, s: torch.func.vmap(lambda s: preconditioned(y, b, s))(torch.stack([s, 2 * s])),
    "LazyTensor, vmap with one Nyström": lambda x, y, b, s: torch.func.vmap(lambda b: preconditioned(y, b, s))(torch.stack([b, b.cos()])),
    "gradients of KernelSolve": lambda x, y, b, s: torch.func.grad(lambda y, b, s: solved(y, b, s).square().sum(), (0, 1, 2))(y, b, s),
    "hessian of KernelSolve": lambda x, y, b, s: torch.func.hessian(lambda s: solved(y, b, s).square().sum())(s),
    "vmap of KernelSolve": lambda x, y, b, s: torch.func.vmap(lambda s: solved(y, b, s))(torch.stack([s, 2 * s])),
    "out": filled,
    "out, two results": filled_with_two,
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_one_graph_with_transforms(name):
    function = TRANSFORMED[name]
    if "LazyTensor" in name and not FOLLOWS_LAZYTENSORS:
        pytest.skip("needs PyTorch 2.13")
    given = [tensor.detach().double() for tensor in arguments()]
    found = torch.compile(function, fullgraph=True, backend="aot_eager")(*given)
    torch.testing.assert_close(found, function(*given))
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["KernelSolve", "LazyTensor, Nyström", "out", "grad", "vmap of grad"])
def test_gradients_of_graphs_with_transforms(name):
    if "LazyTensor" in name and not FOLLOWS_LAZYTENSORS:
        pytest.skip("needs PyTorch 2.13")
    leaves = [tensor.detach().double().requires_grad_() for tensor in arguments()]
    function, found = TRANSFORMED[name], []
    for own in (torch.compile(function, fullgraph=True, backend="aot_eager"), function):
        found.append(torch.autograd.grad(own(*leaves).sin().sum(), leaves, allow_unused=True))
    torch.testing.assert_close(*found)
    torch._dynamo.reset()


def test_a_preconditioner_of_ones_own_is_refused_in_one_graph_and_works_beside_it():
    def function(y, b, s):
        return solver(y, y, b, s, alpha=0.1, eps=1e-12, preconditioner=lambda vector: 2 * vector)

    given = [tensor.detach().double() for tensor in arguments()[1:]]
    with pytest.raises(Exception, match="torch.compile cannot take linear systems with a preconditioner of one's own"):
        torch.compile(function, fullgraph=True, backend="aot_eager")(*given)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(function, backend="aot_eager")(*given), function(*given))
    torch._dynamo.reset()


def test_nystroem_saves_iterations_in_a_graph():
    """The factor gets into the graph: without it there would be more iterations than this."""
    if not FOLLOWS_LAZYTENSORS:
        pytest.skip("needs PyTorch 2.13")
    y, b = torch.rand(200, 3, dtype=torch.float64), torch.rand(200, 1, dtype=torch.float64)

    def function(y, b, rank):
        return (-Vi(y).sqdist(Vj(y)) / 4).exp().solve(Vi(b), alpha=1e-3, eps=1e-6, maxiter=12, nystroem=rank)

    with pytest.warns(keopsc.solve.ConvergenceWarning):
        function(y, b, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", keopsc.solve.ConvergenceWarning)
        found = torch.compile(function, fullgraph=True, backend="aot_eager")(y, b, 60)
    torch.testing.assert_close(found, function(y, b, 60))
    torch._dynamo.reset()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "distances.kf"
    path.write_text("x = Vi(3)\ny = Vj(3)\nout a = Sum[j](SqDist(x, y))\nout n = ArgKMin[j, K=2](SqDist(x, y))\n")
    return keopsc.compile_file(path)


FILES = {
    "sum": lambda file, x, y: file.a(x, y=y) * 2,
    "row numbers": lambda file, x, y: y[file.n(x, y)[..., 0]],
    "batch": lambda file, x, y: file.a(torch.stack([x, x.cos()]), y[None]),
    "vmap": lambda file, x, y: torch.func.vmap(lambda x: file.a(x, y))(torch.stack([x, x.cos()])),
}


@pytest.mark.parametrize("name", FILES)
def test_functions_of_files_in_one_graph(name, file):
    function = FILES[name]
    compiled = torch.compile(lambda x, y: function(file, x, y), fullgraph=True, backend="aot_eager")
    for m in (10, 11):
        x, y = (tensor.detach() for tensor in arguments(m)[:2])
        torch.testing.assert_close(compiled(x, y), function(file, x, y))
    torch._dynamo.reset()


def test_functions_of_files_have_no_derivatives_in_graphs_either(file):
    x, y = arguments()[:2]
    for function in (file.a, torch.compile(lambda x, y: file.a(x, y), fullgraph=True, backend="aot_eager")):
        with pytest.raises(Exception, match="a.x = Vi.3., y = Vj.3.. has no derivatives in PyTorch: declare them"):
            torch.autograd.grad(function(x, y).sum(), x)
        with torch.no_grad():
            assert function(x, y).shape == (10, 1)
    torch._dynamo.reset()


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="inductor needs a C++ compiler")
@pytest.mark.parametrize("name", ["Genred", "matvec"])
def test_inductor(name):
    """PyTorch's own back end, which compiles what stands around keopsc's operators."""
    if name != "Genred" and not FOLLOWS_LAZYTENSORS:
        pytest.skip("needs PyTorch 2.13")
    function, given = FUNCTIONS[name], arguments()
    compiled = torch.compile(lambda *given: function(*given).exp() * 3, fullgraph=True, backend="inductor")
    expected = function(*given).exp() * 3
    value = compiled(*given)
    torch.testing.assert_close(value, expected)
    leaves = (given[0], given[3])
    torch.testing.assert_close(torch.autograd.grad(value.sum(), leaves), torch.autograd.grad(expected.sum(), leaves))
    torch._dynamo.reset()


def test_tangents_under_a_mode():
    """What PyTorch's own tools that see each operator, such as counters, are no reason to lose."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Seeing(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    seen, (x, y, b, s) = [], (tensor.detach().double() for tensor in arguments())
    expected = torch.func.jvp(lambda x: genred(x, y, b, s), (x,), (x.cos(),))
    with Seeing():
        found = torch.func.jvp(lambda x: genred(x, y, b, s), (x,), (x.cos(),))
    torch.testing.assert_close(found, expected)
    assert "keopsc.evaluate.default" in seen


def test_shapes_without_data():
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        y, b, s = torch.empty(2, 12, 3), torch.empty(12, 1), torch.empty(1)
        assert solver(y, y, b, s).shape == (2, 12, 1)
        values, numbers = nearest(torch.empty(5, 3), y)
        assert values.shape == numbers.shape == (2, 5, 2) and numbers.dtype == torch.int64
        for dtype in (torch.float32, torch.float64, torch.float32):
            assert nearest(torch.empty(5, 3, dtype=dtype), y.to(dtype))[0].dtype == dtype


def test_the_operators():
    program = genred.program.described()
    torch.library.opcheck(torch.ops.keopsc.evaluate.default, (program, list(arguments()), [], [0, -1, -1]))
    x, y, b, s = (tensor.double() for tensor in arguments())
    given = [tensor.detach().requires_grad_() for tensor in (y, y, b, s)]
    system = (solver.program.described(), 2, 0.1, 1e-12, None)
    torch.library.opcheck(torch.ops.keopsc.solve.default, (*system, None, given, [], [0, -1, -1]))
    factor = torch.rand(12, 2, dtype=torch.float64) / 10
    torch.library.opcheck(torch.ops.keopsc.solve.default, (*system, 0.1, [*given, factor], [], [0, -1, -1]))


def test_the_operator_of_files(file):
    x, y = (tensor.detach() for tensor in arguments()[:2])
    torch.library.opcheck(torch.ops.keopsc.call.default, (file.path, file.a.entry.library.path, "a", [x, y], [], [0, -1, -1]))


def test_a_right_hand_side_that_needs_no_iteration():
    """Its solution has the shape that graphs expect: the batch axes of the matrix, too."""
    y, b, s = torch.rand(2, 12, 3), torch.zeros(12, 1), torch.ones(1)
    found = torch.compile(solved, fullgraph=True, backend="aot_eager")(y, b, s)
    torch.testing.assert_close(found, torch.zeros(2, 12, 1))
    torch._dynamo.reset()
