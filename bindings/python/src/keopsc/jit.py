"""Python functions of rows -> reductions: a function is traced once for each combination of dimensions, and then only called."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any, Callable, Dict, Optional, Tuple

from .program import promoted
from .reduced import Reduced


def jit(function: Optional[Callable] = None):
    """Makes a function of LazyTensors one of arrays.

        @keopsc.jit
        def gaussian(x_i, y_j, b_j, s):
            return ((-((x_i - y_j) ** 2).sum(-1) / s).exp() * b_j).sum(axis=1)

        a = gaussian(x, y, b, torch.tensor([0.5]))

    Arguments whose names end in `_i` are arrays (…, M, D) with a row for each i, those in `_j` (…, N, D) with a row for each j; all others are parameters
    (…, D). The function gets LazyTensors without batch axes, so that axis 0 is i and axis 1 is j, and returns a reduction or a tuple of them. It is
    called once for each combination of dimensions and array library.

    Raises TypeError where the function returns anything else, ValueError for arrays that do not fit.
    """
    if function is None:
        return jit
    code = function.__code__
    parameters = code.co_varnames[: code.co_argcount]
    categories = [{"_i": 0, "_j": 1}.get(name[-2:], 2) for name in parameters]
    traced: Dict[tuple, Any] = {}

    @functools.wraps(function)
    def call(*args, **options):
        if len(args) != len(parameters):
            raise TypeError(f"{function.__name__} takes {len(parameters)} arguments ({', '.join(parameters)}), but {len(args)} were given")
        library = _library_of(args)
        arrays = library.LazyTensor.arrays
        given = [arrays.as_array(arg) if arrays.is_array(arg) else arg for arg in args]
        known = [array for array in given if arrays.is_array(array)]
        dtype = promoted([arrays.dtype_name(array) for array in known]) if known else None
        given = [arg if arrays.is_array(arg) else arrays.parameter([float(arg)], dtype, known[0] if known else None) for arg in given]
        given = [array.reshape(1) if len(array.shape) == 0 else array for array in given]
        key = (library, *[(array.shape[-1], arrays.is_complex(array)) for array in given])
        reductions = traced.get(key)
        if reductions is None:
            reductions = traced[key] = _traced(function, library, [(position, *key[1 + position]) for position in range(len(given))], categories)
        if isinstance(reductions, tuple):
            return tuple(reduction(*given, **options) for reduction in reductions)
        return reductions(*given, **options)

    return call


def _library_of(args: Tuple[Any, ...]) -> ModuleType:
    """`keopsc.torch` where an argument is a tensor, else `keopsc.numpy`."""
    is_torch = any(type(arg).__module__.partition(".")[0] == "torch" for arg in args)
    return importlib.import_module("keopsc.torch" if is_torch else "keopsc.numpy")


def _traced(function: Callable, library: ModuleType, described, categories):
    """What the function returns for symbolic arguments."""
    symbols = [
        (library.ComplexLazyTensor if is_complex else library.LazyTensor)((position, dim, category))
        for (position, dim, is_complex), category in zip(described, categories)
    ]
    result = function(*symbols)
    for reduction in result if isinstance(result, tuple) else (result,):
        if not isinstance(reduction, Reduced):
            raise TypeError(f"{function.__name__} has to return a reduction over i or j, such as `F.sum(axis=1)`, not {type(reduction).__name__}")
    return result
