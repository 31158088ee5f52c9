"""Linear systems: values, derivatives, and matrices for which conjugate gradients do not work."""

import warnings

import numpy as np
import pytest

import keopsc.numpy
from keopsc.program import Numerics
from keopsc.solve import ConvergenceWarning, NotPositiveDefinite

torch = pytest.importorskip("torch")
import keopsc.torch  # noqa: E402

FORMULA = ("Exp(-SqDist(x, y) * g) * a", ["x = Vi(2)", "y = Vj(2)", "a = Vj(3)", "g = Pm(1)"], "a = Vj(3)")


def problem(n=30, columns=3, batch=()):
    random = np.random.default_rng(0)
    x, b = random.uniform(0, 1, (*batch, n, 2)), random.standard_normal((*batch, n, columns))
    return x, b, np.array([3.0])


def matrix(x, g, alpha):
    return np.exp(-((x[..., :, None, :] - x[..., None, :, :]) ** 2).sum(-1) * g) + alpha * np.eye(x.shape[-2])


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("axis", [0, 1])
def test_solutions(axis, batch):
    x, b, g = problem(batch=batch)
    b = b * 10.0 ** np.array([-3, 0, 3])
    aliases = FORMULA[1] if axis == 1 else ["x = Vj(2)", "y = Vi(2)", "a = Vi(3)", "g = Pm(1)"]
    solver = keopsc.numpy.KernelSolve(FORMULA[0], aliases, "a", axis=axis)
    found = solver(x, x, b, g, alpha=0.1, eps=1e-11)
    np.testing.assert_allclose(found, np.linalg.solve(matrix(x, g, 0.1), b), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("unknown", ["a = Vj(3)", "a", "a=Vj(3)", "Var(2, 3, 1)"])
def test_ways_to_name_the_unknown(unknown):
    assert keopsc.numpy.KernelSolve(*FORMULA[:2], unknown, axis=1).unknown == 2


def test_options_by_position():
    """In KeOps' order, which is another one for PyTorch than for NumPy."""
    of_numpy = keopsc.numpy.KernelSolve(*FORMULA, 1, "float64", None, "float32", False, "kahan_scheme")
    of_torch = keopsc.torch.KernelSolve(*FORMULA, 1, "float32", False, "kahan_scheme", True, None, "float64")
    assert of_numpy.program.numerics == of_torch.program.numerics == Numerics(sum="kahan", accumulate="f32")


def test_lazytensors():
    x, b, g = problem()
    for module, convert in ((keopsc.numpy, np.asarray), (keopsc.torch, torch.as_tensor)):
        points = convert(x)
        kernel = (-module.Vi(points).sqdist(module.Vj(points)) * 3.0).exp()
        expected = np.linalg.solve(matrix(x, g, 0.1), b)
        for right in (module.Vi(convert(b)), convert(b)):
            np.testing.assert_allclose(np.asarray(kernel.solve(right, alpha=0.1, eps=1e-10)), expected, rtol=1e-7, atol=1e-9)
        vector = kernel.solve(module.Vi(convert(b[:, :1])), alpha=0.1, eps=1e-10, call=False)()
        np.testing.assert_allclose(np.asarray(vector), expected[:, :1], rtol=1e-7, atol=1e-9)
        unknown = module.Vj(0, 3)
        np.testing.assert_allclose(
            np.asarray((kernel * unknown).solve(module.Vi(convert(b)), var=unknown, alpha=0.1, eps=1e-10)), expected, rtol=1e-7, atol=1e-9
        )


def test_derivatives():
    x, b, g = (torch.as_tensor(array).requires_grad_() for array in problem(6))
    solver = keopsc.torch.KernelSolve(*FORMULA, axis=1)

    def solution(x, b, g):
        return solver(x, x, b, g, alpha=0.5, eps=1e-12)

    assert torch.autograd.gradcheck(solution, (x, b, g))
    assert torch.autograd.gradgradcheck(solution, (x, b, g), atol=1e-4)


def test_a_right_hand_side_that_does_not_fit():
    x, b, _ = problem()
    kernel = (-((keopsc.numpy.Vi(x) - keopsc.numpy.Vj(x)) ** 2).sum(-1)).exp()
    with pytest.raises(ValueError, match=r"the right-hand side of solve has the shape \(3, \d\), but the matrix \(\d+, \d+\)"):
        kernel.solve(keopsc.numpy.Vi(b[:3]), alpha=0.1)


def test_a_right_hand_side_of_zeros():
    x, b, g = problem()
    np.testing.assert_array_equal(keopsc.numpy.KernelSolve(*FORMULA, axis=1)(x, x, 0 * b, g), 0 * b)


def test_matrices_that_are_not_positive_definite():
    x, b, g = problem()
    solver = keopsc.numpy.KernelSolve("-Exp(-SqDist(x, y) * g) * a", *FORMULA[1:], axis=1)
    with pytest.raises(NotPositiveDefinite, match="is not positive definite: a direction of iteration 1 has the Rayleigh quotient -"):
        solver(x, x, b, g, alpha=0.1)
    with pytest.raises(NotPositiveDefinite):
        keopsc.numpy.KernelSolve("(x | y) * (g - 4) * a", *FORMULA[1:], axis=1)(x, x, b, g, alpha=1e-3)


def test_numbers_that_are_none():
    x, b, g = problem()
    solver = keopsc.numpy.KernelSolve(*FORMULA, axis=1)
    with pytest.raises(ValueError, match="the matrix of the linear system has a NaN"):
        solver(np.where(x == x[0, 0], np.nan, x), x, b, g)
    with pytest.raises(ValueError, match="the right-hand side of the linear system has a NaN"):
        solver(x, x, np.where(b == b[0, 0], np.nan, b), g)


def test_a_limit_of_iterations():
    x, b, g = problem()
    solver = keopsc.numpy.KernelSolve(*FORMULA, axis=1)
    with pytest.warns(ConvergenceWarning, match="stopped after 3 iterations"):
        solver(x, x, b, g, alpha=1e-3, maxiter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solver(x, x, b, g, alpha=0.1)


@pytest.mark.parametrize("module, convert", [(keopsc.numpy, np.asarray), (keopsc.torch, torch.as_tensor)])
def test_warnings_are_of_the_line_that_asked(module, convert):
    x, b, g = map(convert, problem())
    solver = module.KernelSolve(*FORMULA, axis=1)
    kernel = (-module.Vi(x).sqdist(module.Vj(x)) * 3.0).exp()
    calls = [lambda: solver(x, x, b, g, alpha=1e-3, maxiter=3), lambda: kernel.solve(module.Vi(b), alpha=1e-3, maxiter=3)]
    calls.append(kernel.solve(module.Vi(b), alpha=1e-3, maxiter=3, call=False))
    for call in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        (warning,) = [own for own in caught if own.category is ConvergenceWarning]
        assert warning.filename == __file__


def test_matrices_that_are_not_square():
    x, b, g = problem()
    with pytest.raises(ValueError, match=r"turns shape \(30, 3\) into \(20, 3\): it has to be square"):
        keopsc.numpy.KernelSolve(*FORMULA, axis=1)(x[:20], x, b, g)


def test_float32_stops():
    x, b, g = (array.astype(np.float32) for array in problem(60))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = keopsc.numpy.KernelSolve(*FORMULA, axis=1)(x, x, b, g, alpha=0.01, eps=1e-6)
    np.testing.assert_allclose(matrix(x.astype(np.float64), 3.0, 0.01) @ found, b, atol=1e-2)


@pytest.mark.parametrize("module, convert", [(keopsc.numpy, np.asarray), (keopsc.torch, torch.as_tensor)])
def test_preconditioners(module, convert):
    x, b, g = problem(200)
    points, right = convert(x), convert(b)
    kernel = (-module.Vi(points).sqdist(module.Vj(points)) * 3.0).exp()
    expected = np.linalg.solve(matrix(x, g, 1e-3), b)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = kernel.solve(module.Vi(right), alpha=1e-3, eps=1e-9, nystroem=40, maxiter=12)
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-5)
    with pytest.warns(ConvergenceWarning):
        kernel.solve(module.Vi(right), alpha=1e-3, eps=1e-9, maxiter=12)
    scaled = kernel.solve(module.Vi(right), alpha=1e-3, eps=1e-9, preconditioner=lambda vector: vector * 0.5)
    np.testing.assert_allclose(np.asarray(scaled), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="from 1 to N columns"):
        kernel.solve(module.Vi(right), nystroem=500)
