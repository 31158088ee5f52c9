"""Programs and linear systems as operators of PyTorch's dispatcher, which `torch.compile`, `torch.export` and tensors without data can see.

A program is given to an operator as text. A fake kernel tells shapes and types without computing; derivatives, forward and backward, and the rules of `vmap`
are those of the array module's functions, which call operators again while a graph is made.

`torch.library.custom_op` makes operators whose derivatives `torch.func` refuses, so that the kernels are registered one by one here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, List, NamedTuple, Sequence, Tuple

import torch
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd.forward_ad import _set_fwd_grad_enabled

from .. import library
from ..files import Function
from ..program import Program, program_of_text
from ..solve import Nystroem, System

_program = lru_cache(maxsize=None)(program_of_text)
_forward_mode = torch.autograd.forward_ad

_library = torch.library.Library("keopsc", "FRAGMENT")


def _defined(name: str, schema: str) -> Any:
    """A new operator, without kernels."""
    _library.define(name + schema, tags=(torch.Tag.pt2_compliant_tag,))
    return getattr(torch.ops.keopsc, name).default


class _Dispatch(NamedTuple):
    """What a call of an operator is besides its tensors: for the function that has its derivatives, and for the dispatcher."""

    call: Any
    keys: Any
    before: Sequence[Any]
    after: Sequence[Any]


def _differentiate(name: str, operator: Any, call_of: Callable[..., Any]) -> None:
    """Gives an operator the derivatives and the rule of `vmap` that the array module has for it.

    The last arguments of the operator are tensors, ranges and a place; `call_of` makes of the others and of the last two what the function with the derivatives has as
    its first argument.
    """

    def function():
        from . import torch as arrays

        return arrays.DERIVATIVES[name]

    class OneLevel(torch.autograd.function._SingleLevelFunction):
        """The operator for one level of `torch.func`'s transforms: kernels of levels below are called with derivatives switched on, as they take their own."""

        @staticmethod
        def forward(dispatch: _Dispatch, *tensors):
            with torch.enable_grad(), _set_fwd_grad_enabled(True):
                outputs = below(dispatch.keys, *dispatch.before, list(tensors), *dispatch.after)
            return tuple(outputs) if isinstance(outputs, list) else outputs

        @staticmethod
        def setup_context(ctx, inputs, outputs) -> None:
            dispatch, *tensors = inputs
            function().setup_context(ctx, (dispatch.call, *tensors), outputs)

        @staticmethod
        def backward(ctx, *cotangents):
            return function().backward(ctx, *cotangents)

        @staticmethod
        def jvp(ctx, *tangents):
            return function().jvp(ctx, *tangents)

    def below(keys, *arguments):
        with torch._C._AutoDispatchBelowAutograd():
            return operator.redispatch(keys & torch._C._after_autograd_keyset, *arguments)

    def autograd(keys, *arguments):
        *before, tensors, ranges, place = arguments
        is_recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
        if not is_recorded and _forward_mode._current_level < 0 and not torch._C._are_functorch_transforms_active():
            return below(keys, *arguments)
        dispatch = _Dispatch(call_of(*before, ranges, place), keys, before, (ranges, place))
        with enable_single_level_autograd_function():
            outputs = OneLevel.apply(dispatch, *tensors)
        return list(outputs) if isinstance(outputs, tuple) else outputs

    def vmap(info, in_dims, *arguments):
        *before, tensors, ranges, place = arguments
        *_, dims, dims_of_ranges, _ = in_dims
        if any(dim is not None for dim in dims_of_ranges or ()):
            raise NotImplementedError("torch.vmap cannot map ranges: give them batch axes instead")
        outputs, out_dims = function().vmap(info, (None, *dims), call_of(*before, ranges, place), *tensors)
        return (list(outputs), list(out_dims)) if isinstance(outputs, tuple) else (outputs, out_dims)

    _library.impl(name, autograd, "Autograd", with_keyset=True)
    # Before PyTorch 2.5 there were no such rules; it says so where they are missing.
    if hasattr(torch.library, "register_vmap"):
        torch.library.register_vmap(f"keopsc::{name}", vmap, lib=_library)


def _numbers_of(place: Any) -> List[int]:
    """A place as integers."""
    return [int(place.on_cpu), *(-1 if number is None else number for number in (place.streamed, place.device))]


def _place_of(numbers: Sequence[int]) -> Any:
    """The place that was made into integers."""
    from . import torch as arrays

    on_cpu, streamed, device = numbers
    return arrays.Place(bool(on_cpu), *(None if number < 0 else number for number in (streamed, device)))


def _fakes(program: Any, tensors: Sequence[Any], ranges: Sequence[Any]) -> List[Any]:
    """The outputs of a program, or of a function of a formula file, as tensors without data."""
    from . import torch as arrays

    shapes = program.shapes([tuple(t.shape) for t in tensors], tuple(arrays.dtype_name(t) for t in tensors), [tuple(r.shape) for r in ranges])
    return [tensors[0].new_empty(shape, dtype=arrays.dtype(name)) for shape, name in shapes]


_evaluate = _defined("evaluate", "(str program, Tensor[] tensors, Tensor[] ranges, int[] place) -> Tensor[]")


@torch.library.impl(_library, "evaluate", "CompositeExplicitAutograd")
def _(program, tensors, ranges, place):
    from . import torch as arrays

    with torch.no_grad():
        return list(arrays.run(_program(program), tensors, ranges, _place_of(place)))


@torch.library.register_fake("keopsc::evaluate", lib=_library)
def _(program, tensors, ranges, place):
    return _fakes(_program(program), tensors, ranges)


def _call(program, ranges, place) -> Any:
    from . import torch as arrays

    return arrays.Call(_program(program), ranges, _place_of(place))


_differentiate("evaluate", _evaluate, _call)


_call_function = _defined("call", "(str file, str library, str function, Tensor[] tensors, Tensor[] ranges, int[] place) -> Tensor[]")


@lru_cache(maxsize=None)
def _function(file: str, path: str, name: str) -> Function:
    """The function of that name of a compiled library."""
    return Function(file, library.load(path).entries[name])


@torch.library.impl(_library, "call", "CompositeExplicitAutograd")
def _(file, library, function, tensors, ranges, place):
    from . import torch as arrays

    with torch.no_grad():
        return list(arrays.run(_function(file, library, function), tensors, ranges, _place_of(place)))


@torch.library.register_fake("keopsc::call", lib=_library)
def _(file, library, function, tensors, ranges, place):
    return _fakes(_function(file, library, function), tensors, ranges)


def _call_of_function(file, library, function, ranges, place) -> Any:
    from . import torch as arrays

    return arrays.Call(_function(file, library, function), ranges, _place_of(place))


_differentiate("call", _call_function, _call_of_function)


_solve = _defined(
    "solve", "(str program, int unknown, float alpha, float eps, int? maxiter, float? nystroem, Tensor[] tensors, Tensor[] ranges, int[] place) -> Tensor"
)


@torch.library.impl(_library, "solve", "CompositeExplicitAutograd")
def _(program, unknown, alpha, eps, maxiter, nystroem, tensors, ranges, place):
    from . import torch as arrays

    with torch.no_grad():
        solution = arrays.iterate(_system_call(program, unknown, alpha, eps, maxiter, nystroem, ranges, place), tensors)
        # A right-hand side that needs no iteration has not met the matrix, whose type and batch axes the solution has.
        (like,) = _fakes(_program(program), tensors, ranges)
        return solution.to(like.dtype).expand(like.shape).contiguous()


@torch.library.register_fake("keopsc::solve", lib=_library)
def _(program, unknown, alpha, eps, maxiter, nystroem, tensors, ranges, place):
    return _fakes(_program(program), tensors, ranges)[0]


def _system_call(program, unknown, alpha, eps, maxiter, nystroem, ranges, place) -> Any:
    from . import torch as arrays

    preconditioner = None if nystroem is None else Nystroem(None, nystroem)
    return arrays.SystemCall(System(_program(program), unknown, alpha, eps, maxiter, preconditioner), ranges, _place_of(place))


_differentiate("solve", _solve, _system_call)


def evaluate(program: Program, tensors: Sequence[Any], ranges: Sequence[Any], place: Any) -> Tuple[Any, ...]:
    """What `evaluate` of the array module does while a graph is made."""
    return tuple(_evaluate(program.described(), list(tensors), list(ranges), _numbers_of(place)))


def solve(system: Any, tensors: Sequence[Any], ranges: Sequence[Any], place: Any) -> Any:
    """What `solve` of the array module does while a graph is made."""
    described = system.program.described()
    nystroem = None if system.preconditioner is None else system.preconditioner.alpha
    return _solve(described, system.unknown, system.alpha, system.eps, system.maxiter, nystroem, list(tensors), list(ranges), _numbers_of(place))


def call(function: Any, tensors: Sequence[Any], ranges: Sequence[Any], place: Any) -> Tuple[Any, ...]:
    """What `evaluate_plainly` of the array module does while a graph is made."""
    return tuple(_call_function(function.path, function.entry.library.path, function.name, list(tensors), list(ranges), _numbers_of(place)))


#: What a method of tensors means where the second operand is a LazyTensor: its method that gets the tensor. PyTorch's tracer calls all operators so, the
#: tensor first: `K - v` is Tensor.__rsub__(v, K). `K @ v` is Tensor.matmul(v, K); a tensor times a LazyTensor, which would be told so, too, there is not.
_METHOD_OF_LAZYTENSOR = {
    "add": "__radd__",
    "sub": "__rsub__",
    "__rsub__": "__sub__",
    "mul": "__rmul__",
    "div": "__rtruediv__",
    "__rdiv__": "__truediv__",
    "pow": "__rpow__",
    "__rpow__": "__pow__",
    "remainder": "__rmod__",
    "__rmod__": "__mod__",
    "matmul": "__matmul__",
    "lt": "__gt__",
    "le": "__ge__",
    "gt": "__lt__",
    "ge": "__le__",
    "eq": "__eq__",
    "__eq__": "__eq__",
    "ne": "__ne__",
    "__ne__": "__ne__",
    "__or__": "__ror__",
    "bitwise_or": "__or__",
}


def torch_function(cls: Any, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """`LazyTensor.__torch_function__`: operators of a tensor and a LazyTensor while a graph is made. Elsewhere Python asks the LazyTensor itself."""
    method = _METHOD_OF_LAZYTENSOR.get(function.__name__)
    if method is None or len(args) != 2 or not isinstance(args[0], torch.Tensor) or not torch.compiler.is_compiling():
        return NotImplemented
    return getattr(args[1], method)(args[0])
