"""Python functions of rows -> reductions: a function is traced once for each combination of dimensions, and then only called."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .program import promoted
from .reduced import Reduced


def jit(function: Optional[Callable[..., Any]] = None) -> Any:
    """Makes a function of LazyTensors one of arrays.

        @keopsc.jit
        def gaussian(x_i, y_j, b_j, s):
            return ((-((x_i - y_j) ** 2).sum(-1) / s).exp() * b_j).sum(axis=1)

        a = gaussian(x, y, b, torch.tensor([0.5]))

    Arguments whose names end in `_i` are arrays (…, M, D) with a row for each i, those in `_j` (…, N, D) with a row for each j; all others are parameters
    (…, D). The function gets LazyTensors without batch axes, so that axis 0 is i and axis 1 is j, and returns a reduction or a tuple of them. It is
    called once for each combination of dimensions and array library.

    Numbers are parameters, too, of the type of the arrays. Keywords that are no arguments of the function are options of the call: backend, device_id,
    ranges, out.

    Raises TypeError where the function returns anything else, ValueError for arrays that do not fit.
    """
    import inspect

    if function is None:
        return jit
    missing = inspect.Parameter.empty
    name = getattr(function, "__name__", repr(function))
    defaults = {parameter.name: parameter.default for parameter in inspect.signature(function).parameters.values()}
    parameters = tuple(defaults)
    categories = [{"_i": 0, "_j": 1}.get(parameter[-2:], 2) for parameter in parameters]
    traced: Dict[Tuple[Any, ...], Any] = {}

    @functools.wraps(function)
    def call(*args, **options):
        args = [*args, *(options.pop(parameter, defaults[parameter]) for parameter in parameters[len(args) :])]
        if len(args) > len(parameters) or any(arg is missing for arg in args):
            raise TypeError(f"{name} takes the arguments {', '.join(parameters)}, each of them once")
        library = _library_of(args)
        given = _as_arrays(args, parameters, library.LazyTensor.arrays)
        key = (library.__name__, *[(array.shape[-1], library.LazyTensor.arrays.is_complex(array)) for array in given])
        reductions = traced.get(key)
        if reductions is None:
            described = [(position, *key[1 + position]) for position in range(len(given))]
            reductions = traced[key] = _traced(function, name, library, described, parameters, categories)
        if isinstance(reductions, tuple):
            return tuple(reduction(*given, **options) for reduction in reductions)
        return reductions(*given, **options)

    return call


def _library_of(args: Sequence[Any]) -> ModuleType:
    """`keopsc.torch` where an argument is a tensor, else `keopsc.numpy`."""
    library: ModuleType
    if any(type(arg).__module__.partition(".")[0] == "torch" for arg in args):
        from . import torch as library
    else:
        from . import numpy as library
    return library


def _as_arrays(args: Sequence[Any], parameters: Sequence[str], arrays: ModuleType) -> List[Any]:
    """The arguments as arrays, numbers among them, which get the type of the others."""
    given = [arrays.as_array(arg) if arrays.is_array(arg) else arg for arg in args]
    known = [array for array in given if arrays.is_array(array)]
    dtype = promoted([arrays.dtype_name(array) for array in known]) if known else None
    for position, arg in enumerate(given):
        if not arrays.is_array(arg):
            if not (isinstance(arg, int) or arrays.is_float(arg)):
                raise TypeError(f"the argument {parameters[position]} has to be a {arrays.name} or a number, not {type(arg).__qualname__}")
            given[position] = arrays.parameter([float(arg)], dtype, known[0] if known else None)
    return [array.reshape(1) if len(array.shape) == 0 else array for array in given]


def _traced(function: Callable[..., Any], name: str, library: ModuleType, described, parameters, categories):
    """What the function returns for symbolic arguments."""
    symbols = {
        parameter: (library.ComplexLazyTensor if is_complex else library.LazyTensor)((position, dim, category))
        for parameter, (position, dim, is_complex), category in zip(parameters, described, categories)
    }
    result = function(**symbols)
    for reduction in result if isinstance(result, tuple) else (result,):
        if not isinstance(reduction, Reduced):
            raise TypeError(f"{name} has to return a reduction over i or j, such as `F.sum(axis=1)`, not {type(reduction).__name__}")
    return result
