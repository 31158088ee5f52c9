"""What `keopsc.numpy` and `keopsc.torch` offer, made for one array library."""

from __future__ import annotations

from types import ModuleType
from typing import Dict

from . import complex_numbers, genred, lazytensor, solve

NAMES = [
    "LazyTensor",
    "ComplexLazyTensor",
    "Genred",
    "KernelSolve",
    "Var",
    "Vi",
    "Vj",
    "Pm",
    "generic_sum",
    "generic_logsumexp",
    "generic_argmin",
    "generic_argkmin",
]


def names_for(arrays: ModuleType, module: str, kernel_solve: type = solve.KernelSolve) -> Dict[str, object]:
    """The classes and functions of the module called `module`, for the array library that `arrays` knows.

    `kernel_solve` has the parameters of `KernelSolve` in the order that KeOps has them in for that library.
    """

    class LazyTensor(lazytensor.LazyTensor):
        __doc__ = lazytensor.LazyTensor.__doc__

    class ComplexLazyTensor(complex_numbers.ComplexMethods, LazyTensor):
        """A LazyTensor of complex numbers, made of complex arrays; see `LazyTensor`."""

    class Genred(genred.Genred):
        __doc__ = genred.Genred.__doc__

    class KernelSolve(kernel_solve):
        __doc__ = kernel_solve.__doc__

    LazyTensor.arrays = Genred.arrays = KernelSolve.arrays = arrays
    LazyTensor.Genred, LazyTensor.KernelSolve = Genred, KernelSolve
    if hasattr(arrays, "torch_function"):
        LazyTensor.__torch_function__ = classmethod(arrays.torch_function)
    LazyTensor._plain_class, LazyTensor._complex_class = LazyTensor, ComplexLazyTensor

    def Var(x_or_ind, dim=None, cat=None):
        """A variable: of an array (category 0: i, 1: j, 2: parameter), or the argument at a position, with `dim` components."""
        return LazyTensor(x_or_ind, axis=cat) if dim is None else LazyTensor((x_or_ind, dim, cat))

    def Vi(x_or_ind, dim=None):
        """A variable whose rows count i: an array (…, M, D), or the argument at a position, with `dim` components."""
        return Var(x_or_ind, dim, 0)

    def Vj(x_or_ind, dim=None):
        """A variable whose rows count j: an array (…, N, D), or the argument at a position, with `dim` components."""
        return Var(x_or_ind, dim, 1)

    def Pm(x_or_ind, dim=None):
        """A parameter: an array (…, D), a number, or the argument at a position, with `dim` components."""
        return Var(x_or_ind, dim, 2)

    def generic_sum(formula, output, *aliases, **kwargs):
        """The sum of a formula, over j for an output like "a = Vi(3)", over i for "a = Vj(3)"; keywords as for `Genred`."""
        return genred.generic(Genred, "Sum", formula, output, aliases, kwargs)

    def generic_logsumexp(formula, output, *aliases, **kwargs):
        """The log-sum-exp of a formula; see `generic_sum`."""
        return genred.generic(Genred, "LogSumExp", formula, output, aliases, kwargs)

    def generic_argmin(formula, output, *aliases, **kwargs):
        """The row number of the smallest value of a formula; see `generic_sum`."""
        return genred.generic(Genred, "ArgMin", formula, output, aliases, kwargs)

    def generic_argkmin(formula, output, *aliases, **kwargs):
        """The row numbers of the K smallest values of a formula, for an output like "a = Vi(K)"; see `generic_sum`."""
        return genred.generic(Genred, "ArgKMin", formula, output, aliases, kwargs)

    made = {name: thing for name, thing in locals().items() if name in NAMES}
    for thing in made.values():
        thing.__module__, thing.__qualname__ = module, thing.__name__
    return made
