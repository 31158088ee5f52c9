"""Linear systems (alpha Id + K) a = b with symbolic matrices K, by conjugate gradients."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from . import formula, reductions
from .genred import variables_of, parsed_alias
from .inputs import Input
from .lazytensor import LazyTensor
from .options import split_options
from .program import Program
from .reduced import program_of, with_batch_axes


class NotPositiveDefinite(ValueError):
    """A matrix for which conjugate gradients do not work."""


class ConvergenceWarning(RuntimeWarning):
    """Conjugate gradients stopped before the residual was as small as asked for."""


class Nystroem(NamedTuple):
    """The inverse of alpha Id + C W⁻¹ C' as (Id - F F') / alpha, a preconditioner; `factor` is F, of shape (…, N, rank), or None where F is the last argument of
    the system."""

    factor: Any
    alpha: float

    def __call__(self, vector: Any) -> Any:
        return (vector - self.factor @ (self.factor.swapaxes(-1, -2) @ vector)) / self.alpha


class System(NamedTuple):
    """(alpha Id + K) a = b, where K a is what a program makes of its arguments with a in the place of number `unknown`.

    eps: the root mean square of the residual of each column at which to stop; maxiter: the most iterations; preconditioner: a function of arrays
    that multiplies with an approximation of the inverse of alpha Id + K, symmetric and positive definite.
    """

    program: Program
    unknown: int
    alpha: float
    eps: float
    maxiter: Optional[int]
    preconditioner: Any = None

    def solution(self, arrays: ModuleType, arguments: Sequence[Any], ranges: Any, place: Any) -> Any:
        """The solution, by conjugate gradients; the right-hand side stands among the arguments in the place of the unknown."""
        preconditioner = self.preconditioner
        if isinstance(preconditioner, Nystroem) and preconditioner.factor is None:
            *arguments, factor = arguments
            preconditioner = Nystroem(factor, preconditioner.alpha)

        def product(vector):
            given = [vector if number == self.unknown else argument for number, argument in enumerate(arguments)]
            return arrays.evaluate(self.program, given, ranges, place)[0]

        return conjugate_gradients(product, arguments[self.unknown], self.alpha, self.eps, self.maxiter, preconditioner)


def conjugate_gradients(
    product: Callable[..., Any], b: Any, alpha: float, eps: float, maxiter: Optional[int] = None, preconditioner: Optional[Callable[..., Any]] = None
) -> Any:
    """The solution a of (alpha Id + K) a = b for arrays b of shape (…, N, E); `product` is the multiplication with K, the rest as in `System`.

    Each column of each batch element has its own steps and stops on its own. Without `maxiter` there are at most 10 N + 100 iterations.
    Raises `NotPositiveDefinite` where the matrix has a negative curvature, ValueError for NaNs or infinities; warns where it does not converge.
    """
    rows = b.shape[-2]
    limit = 10 * rows + 100 if maxiter is None else maxiter
    goal = rows * eps**2
    a, residual = b * 0, b
    improved = preconditioner or (lambda vector: vector)
    direction = improved(residual)
    squares, products = _dot(residual, residual), _dot(residual, direction)
    if not bool((squares < float("inf")).all()):
        raise ValueError("the right-hand side of the linear system has a NaN or an infinity")
    largest = squares * 0
    active = squares > goal
    iteration = 0
    for iteration in range(limit):
        if not bool(active.any()):
            break
        image = product(direction)
        if image.shape[-2:] != b.shape[-2:]:
            raise ValueError(f"the matrix of the linear system turns shape {tuple(b.shape)} into {tuple(image.shape)}: it has to be square")
        image = image + alpha * direction
        curvature, length = _dot(direction, image), _dot(direction, direction)
        if not bool((abs(curvature) < float("inf")).all()):
            raise ValueError(f"the matrix of the linear system has a NaN or an infinity, or overflows (iteration {iteration + 1})")
        quotient = curvature / _or_one(length)
        largest = _maximum(largest, abs(quotient))
        _refuse_indefinite(quotient, largest, active, iteration)
        active = active & (curvature > 0)
        step = _where(active, products / _or_one(curvature))
        a = a + step * direction
        residual = residual - step * image
        better = improved(residual)
        squares, new = _dot(residual, residual), _dot(residual, better)
        direction = better + _where(active, new / _or_one(products)) * direction
        products = new
        active = active & (squares > goal)
    else:
        iteration = limit
    if bool((squares > goal).any()):
        worst = float(((squares / rows) ** 0.5).max())
        warnings.warn(
            f"conjugate gradients stopped after {iteration} iterations: the root mean square of the residual is {worst:.2e}, "
            f"where eps={eps:g} was asked for; a larger alpha or eps, or float64, may help",
            ConvergenceWarning,
            stacklevel=_callers_level(),
        )
    return a


def _callers_level() -> int:
    """The `stacklevel` for a warning of the calling function at the line that called keopsc, wherever PyTorch is in between."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("keopsc", "torch"):
        frame, level = frame.f_back, level + 1
    return level


def _dot(a, b):
    """Scalar products of columns, with the axis of rows kept."""
    return (a * b).sum(-2)[..., None, :]


def _or_one(values):
    """The values, but 1 instead of 0."""
    return values + (values == 0)


def _where(condition, values):
    """The values where the condition holds, else 0."""
    return condition * values


def _maximum(a, b):
    larger = b > a
    return larger * b + ~larger * a


def _refuse_indefinite(quotient, largest, active, iteration: int) -> None:
    """A negative Rayleigh quotient that is no rounding ends the computation."""
    tolerance = 1e-3 if "64" not in str(quotient.dtype) else 1e-9
    if bool((active & (quotient < -tolerance * largest)).any()):
        smallest, most = float(quotient.min()), float(largest.max())
        raise NotPositiveDefinite(
            f"the matrix of the linear system is not positive definite: a direction of iteration {iteration + 1} has the Rayleigh quotient "
            f"{smallest:.3g}, and the largest is {most:.3g}. Conjugate gradients need a symmetric positive definite matrix; a larger alpha may help"
        )


def nystroem(matrix: LazyTensor, rank: int, alpha: float) -> Nystroem:
    """A preconditioner for alpha Id + K: the inverse of alpha Id + C W⁻¹ C', where C are `rank` columns of K, evenly spread, and W their rows.

    It pays where K has few large eigenvalues and alpha is small. `matrix` is symmetric, without batch axes and ranges; alpha is above 0.
    """
    if alpha <= 0 or matrix.nbatchdims or matrix.ranges is not None or not 0 < rank <= (matrix.nj or 1):
        raise ValueError("a Nyström preconditioner needs alpha > 0, from 1 to N columns, and a matrix without batch axes and ranges")
    algebra = matrix.arrays.algebra
    chosen = [number * matrix.nj // rank for number in range(rank)]
    columns = matrix[:, chosen].dense()
    columns = columns.detach() if hasattr(columns, "detach") else columns
    # C W⁻¹ C' as F F', with the directions alone in which W is more than rounding.
    sizes, directions = algebra.linalg.eigh(columns[chosen])
    kept = sizes > algebra.finfo(columns.dtype).eps * rank * sizes[-1]
    # All others become 0, so that the factor has as many columns whatever the values: a graph knows its shape.
    factor = columns @ (directions * kept / algebra.where(kept, sizes, sizes[-1]) ** 0.5)
    values, vectors = algebra.linalg.eigh(factor.T @ factor)
    return Nystroem(factor @ (vectors / (alpha + abs(values)) ** 0.5), alpha)


class KernelSolve:
    """The solution a of (alpha Id + K) a = b, where K a is a reduction of a formula with a in the place of one of its variables.

    formula, aliases: as for `Genred`; varinvalias: the alias of the variable that stands for a, such as "a = Vj(1)", or its name or `Var(…)`;
    axis: 0 to reduce over i, 1 over j.

    K has to be symmetric and positive definite.
    """

    arrays: ModuleType
    formula: str
    aliases: List[str]
    varinvalias: str
    axis: int
    program: Program
    unknown: int

    def __init__(
        self,
        formula: str,
        aliases: Sequence[str],
        varinvalias: str,
        axis: int = 0,
        dtype: Any = None,
        opt_arg: Any = None,
        dtype_acc: Any = "auto",
        use_double_acc: bool = False,
        sum_scheme: str = "auto",
        enable_chunks: bool = True,
        rec_multVar_highdim: Any = None,
        use_fast_math: bool = True,
        cuda_type: Any = None,
        products: str = "auto",
    ):
        self.formula, self.aliases, self.varinvalias, self.axis = formula, list(aliases), varinvalias, axis
        _, numerics = split_options({"dtype_acc": dtype_acc, "use_double_acc": use_double_acc, "sum_scheme": sum_scheme, "products": products})
        variables = variables_of(self.aliases, formula)
        self.program = Program(variables, [], [reductions.written("Sum", reductions.of_axis(axis), formula)], numerics)
        self.unknown = self._number_of(varinvalias)

    def _number_of(self, varinvalias: str) -> int:
        names = [variable.name for variable in self.program.variables]
        if varinvalias in names:
            return names.index(varinvalias)
        if varinvalias in self.aliases:
            return parsed_alias(varinvalias, self.aliases.index(varinvalias))[0]
        try:
            position, variable = parsed_alias(varinvalias, -1)
            return names.index(variable.name) if variable.name in names else position
        except ValueError:
            raise ValueError(f"varinvalias is {varinvalias!r}; it has to be one of the aliases {self.aliases} or the name of one") from None

    def __call__(
        self,
        *args: Any,
        backend: str = "auto",
        device_id: int = -1,
        alpha: float = 1e-10,
        eps: float = 1e-6,
        ranges: Any = None,
        maxiter: Optional[int] = None,
        preconditioner: Optional[Callable[..., Any]] = None,
    ) -> Any:
        """The solution for these arguments; the one in the place of the unknown is the right-hand side b, of shape (…, N, E).

        alpha: what is added to the diagonal; eps: the root mean square of the residual of each column at which to stop; maxiter: the most
        iterations, 10 N + 100 by default; preconditioner: a function of arrays (…, N, E) that multiplies with an approximation of the inverse of
        alpha Id + K; backend, device_id, ranges: as for `Genred`.

        Raises `NotPositiveDefinite` where K is not, ValueError for NaNs; warns where the iterations do not converge.
        """
        if len(args) != len(self.program.variables):
            raise ValueError(f"the formula {self.formula!r} has {len(self.program.variables)} arguments, but {len(args)} were given")
        arrays = self.arrays
        given = [arrays.as_array(array) for array in args]
        self.program.check([arrays.layout(array) for array in given])
        system = System(self.program, self.unknown, alpha, eps, maxiter, preconditioner)
        return arrays.solve(system, given, () if ranges is None else arrays.as_ranges(ranges), arrays.place(backend, device_id))


class KernelSolveOfTorch(KernelSolve):
    __doc__ = KernelSolve.__doc__

    def __init__(
        self,
        formula: str,
        aliases: Sequence[str],
        varinvalias: str,
        axis: int = 0,
        dtype_acc: Any = "auto",
        use_double_acc: bool = False,
        sum_scheme: str = "auto",
        enable_chunks: bool = True,
        rec_multVar_highdim: Any = None,
        dtype: Any = None,
        cuda_type: Any = None,
        use_fast_math: bool = True,
        products: str = "auto",
    ):
        # The options by name: KeOps has them in another order for PyTorch than for NumPy.
        super().__init__(
            formula, aliases, varinvalias, axis, dtype_acc=dtype_acc, use_double_acc=use_double_acc, sum_scheme=sum_scheme, products=products
        )


def solve_lazytensor(matrix: LazyTensor, other: Any, var: Optional[LazyTensor], call: bool, options: Dict[str, Any]) -> Any:
    """`LazyTensor.solve`; returns the solution, or with `call=False` a function without arguments that returns it."""
    arrays = matrix.arrays
    alpha, eps, maxiter = options.pop("alpha", 1e-10), options.pop("eps", 1e-6), options.pop("maxiter", None)
    preconditioner, rank = options.pop("preconditioner", None), options.pop("nystroem", None)
    if rank is not None:
        preconditioner = nystroem(matrix, rank, alpha)
    call_options, numerics = split_options(options)
    if not isinstance(other, LazyTensor):
        array = arrays.as_array(other)
        other = type(matrix)(array[:, None] if len(array.shape) == 1 else array, axis=0)
    if len(other.inputs) != 1 or other.node.text or other.inputs[0].array is None or other.inputs[0].role == "parameter":
        raise ValueError("the right-hand side of solve has to be a LazyTensor of a single array, like Vi(b)")
    right = other.inputs[0]
    over = {"i": "j", "j": "i"}[right.role]
    rows = {"i": matrix.ni, "j": matrix.nj}[over]
    if rows not in (None, right.array.shape[-2]):
        raise ValueError(f"the right-hand side of solve has the shape {tuple(right.array.shape)}, but the matrix {matrix.shape}")
    if var is None:
        # A source of its own: the matrix may be made of the array of the right-hand side, and is not to change with the unknown.
        unknown = Input(over, right.array, source=[])
        product = matrix * matrix._with(node=formula.variable(0, over, other.node.dim), inputs=(unknown,), ni=None, nj=None)
    else:
        unknown, product = var.inputs[0], matrix
    program, slots = program_of(product.node, None, "Sum", over, None, numerics)
    places = [product.inputs[slot] for slot in slots]
    number = next((number for number, own in enumerate(places) if own.is_same(unknown)), None)
    if number is None:
        raise ValueError("the formula does not have the variable `var`")
    given = []
    for own in places:
        if own.is_same(unknown):
            given.append(right.array)
        else:
            given.append(own.array if own.array is not None else arrays.parameter(own.numbers, product._dtype, right.array))
    ranges = call_options.get("ranges")
    ranges = matrix.ranges if ranges is None else ranges
    where = arrays.place(call_options.get("backend") or matrix.backend, call_options.get("device_id", -1))
    system = System(program, number, alpha, eps, maxiter, preconditioner)

    def solution():
        found = arrays.solve(system, given, () if ranges is None else arrays.as_ranges(ranges), where)
        return with_batch_axes(found, matrix.batchdims)

    return solution() if call else solution
