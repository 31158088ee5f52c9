"""`pykeops.common.operations`: linear systems. (What KeOps does before and after its kernels has no counterpart: results are whole when they arrive.)"""

from __future__ import annotations

from typing import Any, Callable

from ....solve import conjugate_gradients

__all__ = ["ConjugateGradientSolver", "KernelLinearSolver"]


def ConjugateGradientSolver(binding: str, linop: Callable[..., Any], b: Any, eps: float = 1e-6) -> Any:
    """The solution a of linop(a) = b, for a symmetric and positive definite linear operator on arrays of the shape (N, E) of b.

    eps: the root mean square of the residual of each column at which to stop. Raises `keopsc.solve.NotPositiveDefinite` and ValueError as that does.
    """
    return conjugate_gradients(linop, b, alpha=0.0, eps=eps)


def KernelLinearSolver(
    binding: str, K: Callable[..., Any], x: Any, b: Any, alpha: float = 0, eps: float = 1e-6, precond: bool = False, precondKernel: Any = None
) -> Any:
    """The solution a of (alpha Id + K(x, x)) a = b, where K(x, y, b) multiplies. Preconditioners are not taken: the solution is the same without."""
    return conjugate_gradients(lambda vector: K(x, x, vector), b, alpha=alpha, eps=eps)
