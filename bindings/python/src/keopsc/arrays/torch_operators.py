"""Programs as operators of `torch.library`, which `torch.compile` and `torch.export` can put into their graphs.

A program is given to the operator as text. The fake kernel tells shapes and types without computing; the derivative is the operator again, of the
gradient program.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, List, Optional, Sequence, Tuple

import torch

from ..program import Program, program_of_text

_program = lru_cache(maxsize=None)(program_of_text)


@torch.library.custom_op("keopsc::evaluate", mutates_args=())
def evaluate(program: str, tensors: Sequence[torch.Tensor], ranges: Sequence[torch.Tensor], streamed: int) -> List[torch.Tensor]:
    """The outputs of a program. `streamed` is the GPU through which the CPU's memory goes, or -1."""
    from . import torch as arrays

    place = arrays.Place(streamed=None if streamed < 0 else streamed)
    with torch.no_grad():
        return list(arrays.evaluate(_program(program), tensors, ranges, place))


@evaluate.register_fake
def _(program, tensors, ranges, streamed):
    from . import torch as arrays

    shapes = _program(program).shapes(
        [tuple(t.shape) for t in tensors], tuple(arrays.dtype_name(t) for t in tensors), [tuple(r.shape) for r in ranges]
    )
    return [tensors[0].new_empty(shape, dtype=arrays.dtype(name)) for shape, name in shapes]


def _setup_context(ctx, inputs, output):
    from . import torch as arrays

    ctx.program, tensors, ranges, ctx.streamed = inputs
    ctx.tensors, ctx.ranges = len(tensors), len(ranges)
    outputs = output if arrays.takes_values(_program(ctx.program), output) else ()
    ctx.save_for_backward(*tensors, *ranges, *outputs)
    ctx.set_materialize_grads(False)


def _backward(ctx, cotangents):
    from . import torch as arrays

    saved, end = ctx.saved_tensors, ctx.tensors + ctx.ranges
    tensors, ranges, outputs = saved[: ctx.tensors], saved[ctx.tensors : end], saved[end:]
    wanted = tuple(number for number, tensor in enumerate(tensors) if tensor.requires_grad)
    given = tuple(number for number, cotangent in enumerate(cotangents) if cotangent is not None and cotangent.is_floating_point())
    gradients: List[Optional[torch.Tensor]] = [None] * len(tensors)
    if wanted and given:
        program, arguments = arrays.gradient(_program(ctx.program), tensors, outputs, cotangents, wanted, given)
        results = evaluate(program.described(), arguments, ranges, ctx.streamed)
        for number, result in zip(wanted, results):
            gradients[number] = arrays.like(result, tensors[number])
    return None, gradients, [None] * ctx.ranges, None


evaluate.register_autograd(_backward, setup_context=_setup_context)


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


def compiling_evaluate(program: Program, tensors: Any, ranges: Any, streamed: Optional[int]) -> Tuple[torch.Tensor, ...]:
    """What `evaluate` of the array module does while a graph is made."""
    return tuple(evaluate(program.described(), list(tensors), list(ranges), -1 if streamed is None else streamed))
