"""PyTorch: tensors -> layouts and pointers, calls, and derivatives of calls, which are calls again."""

from __future__ import annotations

import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ..library import STRIDE, Layout, ShapeError
from ..program import GPU_BACKENDS, NOT_EARLY, Early, Program, Variable, remembered, six_tables
from ..solve import Nystroem
from . import torch_operators
from .torch_operators import torch_function  # noqa: F401

name = "PyTorch tensor"
#: What has `linalg`, `finfo` and `where`.
algebra = torch
array_type = torch.Tensor

_NAMES = {
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.float32: "f32",
    torch.float64: "f64",
    torch.complex64: "c64",
    torch.complex128: "c128",
    torch.int32: "i32",
    torch.int64: "i64",
    torch.bool: "bool",
}
_DTYPES = {name: dtype for dtype, name in _NAMES.items()}
#: Types of tensors that are given to libraries as they are, and their names in formula files.
REAL_TYPES: Dict[Any, str] = {_DTYPES[name]: name for name in ("f16", "bf16", "f32", "f64")}

_CPU = torch.device("cpu")
_transforming = torch._C._are_functorch_transforms_active
_empty = torch.empty
_saving = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", lambda _: ())
_modes = torch._C._len_torch_dispatch_stack
#: The current stream's address, for the number of a GPU; where there are none, the function may be missing.
_current_stream = getattr(torch._C, "_cuda_getCurrentRawStream", None)
_forward_mode = torch.autograd.forward_ad
_unwrapped = torch._C._functorch.unwrap_if_dead
#: Whether a tensor is one of `torch.autograd.grad(is_grads_batched=True)`.
_is_mapped = getattr(torch._C._functorch, "is_legacy_batchedtensor", lambda _: False)


class Place(NamedTuple):
    """Where a call runs.

    on_cpu: on the CPU, wherever the tensors are; streamed: on this GPU, through which the CPU's memory goes; device: the GPU on which tensors have to be.
    """

    on_cpu: bool = False
    streamed: Optional[int] = None
    device: Optional[int] = None


_WHERE_TENSORS_ARE = Place()


class Call(NamedTuple):
    """What a call is besides its tensors. `program` may be a function of a formula file, too, which has no derivatives."""

    program: Any
    ranges: Sequence[torch.Tensor]
    place: Place


class SystemCall(NamedTuple):
    """What the solution of a linear system (`keopsc.solve.System`) is of besides its tensors."""

    system: Any
    ranges: Sequence[torch.Tensor]
    place: Place


def place(backend: Optional[str], device_id: int) -> Place:
    """From KeOps' names. With "auto" calls run where their tensors are. Raises ValueError for unknown names."""
    device = None if device_id is None or device_id < 0 else device_id
    if backend is None or backend == "auto":
        return _WHERE_TENSORS_ARE if device is None else Place(device=device)
    if backend == "CPU":
        return Place(on_cpu=True)
    if backend not in GPU_BACKENDS:
        raise ValueError(f"backend is {backend!r}; it may be 'auto', 'CPU' or 'GPU'")
    return Place(streamed=device or 0, device=device)


def is_array(value: Any) -> bool:
    """Whether a value is a tensor."""
    return isinstance(value, torch.Tensor)


def is_float(value: Any) -> bool:
    """Whether a value is a number that formulas take as a parameter."""
    if isinstance(value, float):
        return True
    # NumPy's numbers, without a need for NumPy.
    return type(value).__module__ == "numpy" and hasattr(value, "__float__") and getattr(value, "ndim", 1) == 0


def is_complex(value: Any) -> bool:
    """Whether a value is a complex number or tensor."""
    return isinstance(value, complex) or (isinstance(value, torch.Tensor) and value.is_complex())


def as_array(value: Any) -> torch.Tensor:
    """The tensor, of floating-point or complex numbers; integers and booleans become PyTorch's default type.

    Raises TypeError for anything else.
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"expected a PyTorch tensor, not {type(value).__module__}.{type(value).__qualname__}")
    if value.dtype in _NAMES and (value.is_floating_point() or value.is_complex()):
        return value.resolve_conj() if value.is_complex() else value
    if not value.is_floating_point() and not value.is_complex():
        return value.to(torch.get_default_dtype())
    raise TypeError(f"a tensor of {value.dtype} cannot be used; types may be float16, bfloat16, float32, float64, complex64 or complex128")


def dtype_name(tensor: torch.Tensor) -> str:
    """The type of a tensor as formula files call it."""
    return _NAMES[tensor.dtype]


def dtype(name: Optional[str], is_complex: bool = False) -> Any:
    """PyTorch's type of that name."""
    if name is None:
        return None
    return _DTYPES[name].to_complex() if is_complex else _DTYPES[name]


def parameter(values: Sequence[float], dtype: Optional[str], like: Optional[torch.Tensor]) -> torch.Tensor:
    """Numbers as a tensor of that type, beside `like`."""
    own, device = _DTYPES[dtype] if dtype else None, None if like is None else like.device
    if len(values) == 1:
        # Filled in where it lies: a copy of the CPU's memory would wait for all that the GPU's stream has to do.
        return torch.full((1,), values[0], dtype=own, device=device)
    return torch.tensor(values, dtype=own, device=device)


def as_real(tensor: torch.Tensor) -> torch.Tensor:
    """Complex numbers as pairs (re, im) along the last axis, which becomes twice as long; real numbers get imaginary parts of 0."""
    if not tensor.is_complex():
        tensor = torch.complex(tensor, torch.zeros_like(tensor))
    return torch.view_as_real(tensor.resolve_conj()).flatten(-2)


def as_complex(tensor: torch.Tensor) -> torch.Tensor:
    """Pairs (re, im) along the last axis as complex numbers."""
    return torch.view_as_complex(tensor.unflatten(-1, (-1, 2)).contiguous())


def as_ranges(tables: Any) -> List[torch.Tensor]:
    """Six tables of ranges as contiguous int64 tensors."""
    return [torch.as_tensor(table).to(torch.int64).contiguous() for table in six_tables(tables)]


def fill(out: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Writes a result into the caller's tensor, which must have its shape, and a type that can hold it."""
    if out.shape != value.shape:
        raise ValueError(f"`out` has shape {tuple(out.shape)}, but the result has {tuple(value.shape)}")
    if _kind(out.dtype) < _kind(value.dtype):
        raise TypeError(f"`out` is of {out.dtype}, but the result is of {value.dtype}")
    return out.copy_(value)


def _kind(dtype: torch.dtype) -> int:
    """Booleans, integers, floating-point and complex numbers, in this order: each can be written into a tensor of a later kind. (PyTorch's tracer does not
    follow `torch.can_cast`.)"""
    return 3 if dtype.is_complex else 2 if dtype.is_floating_point else dtype != torch.bool


def layout(tensor: torch.Tensor) -> Layout:
    """How a tensor lies in memory. Raises TypeError for a type that no library takes."""
    dtype = _NAMES.get(tensor.dtype)
    if dtype is None:
        raise TypeError(f"a tensor of {tensor.dtype} cannot be used; types may be float16, bfloat16, float32, float64, complex64 or complex128")
    if tensor.device.type not in ("cpu", "cuda"):
        raise TypeError(f"a tensor on the device {tensor.device} cannot be used; devices may be the CPU and NVIDIA's GPUs")
    return Layout(tuple(tensor.shape), tuple(tensor.stride()), dtype, tensor.get_device())


def pointer(tensor: torch.Tensor) -> int:
    """The address of a tensor's first element."""
    return tensor.data_ptr()


def empty(shape: Tuple[int, ...], dtype: str, like: torch.Tensor) -> torch.Tensor:
    """A tensor with unknown contents, beside `like`."""
    return torch.empty(shape, dtype=_DTYPES[dtype], device=like.device)


def evaluate(
    program: Program, tensors: Sequence[torch.Tensor], ranges: Sequence[torch.Tensor] = (), place: Place = _WHERE_TENSORS_ARE
) -> Sequence[torch.Tensor]:
    """The outputs of a program for these arguments, which are given as they lie: strides and batch axes of any kind.

    Outputs can be differentiated any number of times. CPU tensors are worked on by the CPU; GPU tensors on the current stream, without waiting.
    Raises `ShapeError` where arguments do not fit.
    """
    if place.on_cpu and any(tensor.is_cuda for tensor in tensors):
        return _on_cpu(evaluate, program, tensors, ranges)
    if torch.compiler.is_compiling() or _modes():
        # Tracers and tensors without data have to see one operator.
        return torch_operators.evaluate(program, tensors, ranges, place)
    if _transforming():
        return _Transformable.apply(Call(program, ranges, place), *tensors)
    if _forward_mode._current_level >= 0:
        return _differentiable(Call(program, ranges, place), *map(_unwrapped, tensors))
    if torch.is_grad_enabled():
        for tensor in tensors:
            if tensor.requires_grad:
                call = program.plain_call if place is _WHERE_TENSORS_ARE and not ranges else None
                return _differentiable(call or _call(program, ranges, place), *map(_unwrapped, tensors))
    return run(program, tensors, ranges, place)


def evaluate_plainly(
    function: Any, tensors: Sequence[torch.Tensor], ranges: Sequence[torch.Tensor] = (), place: Place = _WHERE_TENSORS_ARE
) -> Sequence[torch.Tensor]:
    """The same without derivatives, for a function of a formula file: to ask for one raises RuntimeError."""
    if place.on_cpu and any(tensor.is_cuda for tensor in tensors):
        return _on_cpu(evaluate_plainly, function, tensors, ranges)
    if torch.compiler.is_compiling() or _modes():
        return torch_operators.call(function, tensors, ranges, place)
    return _Underivable.apply(Call(function, ranges, place), *tensors)


def _on_cpu(evaluate: Any, program: Any, tensors: Sequence[torch.Tensor], ranges: Sequence[torch.Tensor]) -> List[torch.Tensor]:
    """What `evaluate` makes of a GPU's tensors on the CPU, on that GPU again."""
    device = next(tensor.device for tensor in tensors if tensor.is_cuda)
    results = evaluate(program, [tensor.cpu() for tensor in tensors], [table.cpu() for table in ranges])
    return [result.to(device) for result in results]


def refuse_in_graphs(what: str) -> None:
    """Raises NotImplementedError while `torch.compile` makes a graph; `what` says in words what cannot be in one."""
    if torch.compiler.is_compiling():
        raise NotImplementedError(f"torch.compile cannot take {what}: leave them outside of what is compiled")


class _Underivable(torch.autograd.Function):
    """What has no derivatives, and says so instead of passing for a constant."""

    @staticmethod
    def forward(call: Call, *tensors: Any) -> Tuple[torch.Tensor, ...]:
        return tuple(run(call.program, tensors, call.ranges, call.place))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, outputs: Any) -> None:
        ctx.function = inputs[0].program
        ctx.mark_non_differentiable(*(output for output in outputs if not output.is_floating_point()))

    @staticmethod
    def vmap(info: Any, in_dims: Any, call: Call, *tensors: Any) -> Any:
        function, ranges, place = call
        results = tuple(evaluate_plainly(function, with_mapped_axis(info.batch_size, in_dims[1:], function.variables, tensors), ranges, place))
        return results, (0,) * len(results)

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:
        return _Underivable.backward(ctx)

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise RuntimeError(
            f"{ctx.function} has no derivatives in PyTorch: declare them as outputs of the file, by Grad, or detach the arguments if none are wanted"
        )


def run(program: Program, tensors: Sequence[torch.Tensor], ranges: Sequence[torch.Tensor], place: Place) -> List[torch.Tensor]:
    """Calls the library: the outputs, without derivatives."""
    key = (place, *[(t.shape, t.stride(), t.dtype, t.get_device(), t.is_neg(), t.is_conj()) for t in (*tensors, *ranges)])
    plan = program.plans.get(key)
    if plan is None:
        if any(tensor.is_neg() or tensor.is_conj() for tensor in tensors):
            # The memory has other numbers than the tensor: those without the sign or the conjugation.
            return run(program, [tensor.resolve_conj().resolve_neg() for tensor in tensors], ranges, place)
        plan = remembered(program.plans, key, _plan(program, tensors, ranges, place))
    prepared, inputs, outputs, is_broadcast = plan
    device = tensors[0].device if tensors else _CPU
    stream = _current_stream(device.index) if tensors and tensors[0].is_cuda else None
    # PyTorch takes sizes one by one in half the time of a tuple.
    made = [_empty(*shape, dtype=_DTYPES[dtype], device=device) for shape, dtype, _ in outputs]
    try:
        pointers = [tensors[number].data_ptr() for number in inputs]
    except RuntimeError:
        if not any(map(_is_mapped, tensors)):
            raise
        return _run_mapped(program, tensors, ranges, place)
    for tensor in made:
        pointers.append(tensor.data_ptr())
    for tensor in ranges:
        pointers.append(tensor.data_ptr())
    try:
        prepared(pointers, stream)
    except ShapeError as error:
        if error.status != STRIDE or all(_aligned(tensor) for tensor in tensors):
            raise
        return run(program, [tensor if _aligned(tensor) else tensor.clone() for tensor in tensors], ranges, place)
    if is_broadcast:
        return [tensor if output.broadcast is None else tensor.expand(output.broadcast).clone() for tensor, output in zip(made, outputs)]
    return made


def _run_mapped(program: Program, tensors: Sequence[torch.Tensor], ranges: Sequence[torch.Tensor], place: Place) -> List[torch.Tensor]:
    """The same for tensors of which some stand for several each: those of `torch.autograd.grad(is_grads_batched=True)`, which come by no rule of `vmap`."""
    # Threads of the autograd engine may not know the level; there is another one than the first only where such calls are in each other.
    level = max(torch._C._vmapmode_increment_nesting() - 1, 1)
    torch._C._vmapmode_decrement_nesting()
    are_mapped = [_is_mapped(tensor) for tensor in tensors]
    plain = [torch._remove_batch_dim(tensor, level, 1, 0) if is_mapped else tensor for tensor, is_mapped in zip(tensors, are_mapped)]
    size = next(tensor.shape[0] for tensor, is_mapped in zip(plain, are_mapped) if is_mapped)
    arguments = with_mapped_axis(size, [0 if is_mapped else None for is_mapped in are_mapped], program.variables, plain)
    return [torch._add_batch_dim(result, 0, level) for result in run(program, arguments, ranges, place)]


def _plan(program: Program, tensors, ranges, place: Place):
    """A plan for tensors that are all on one device, on the one that was asked for."""
    first = tensors[0].device if tensors else _CPU
    for tensor in (*tensors, *ranges):
        if tensor.device != first:
            raise ValueError(f"all tensors have to be on one device, but they are on {first} and {tensor.device}")
    device = tensors[0].get_device() if tensors else -1
    if device >= 0 and place.device not in (None, device):
        raise ValueError(f"device_id is {place.device}, but the tensors are on {first}")
    streamed = None if device >= 0 else place.streamed
    return program.plan([layout(tensor) for tensor in tensors], [layout(table) for table in ranges], streamed)


def _aligned(tensor: torch.Tensor) -> bool:
    """Whether a tensor's memory is as aligned as its type wants."""
    return tensor.data_ptr() % tensor.element_size() == 0


class _Differentiable(torch.autograd.Function):
    """A program as an operation of PyTorch's: derivatives, forward and backward, are programs that are evaluated in the same way."""

    @staticmethod
    def forward(ctx, call: Call, *tensors) -> Tuple[torch.Tensor, ...]:
        program, ranges, place = call
        wants = ctx.needs_input_grad[1:]
        early = _early(program, place, tensors, wants) if program.uses_of_early_gradients > 0 else NOT_EARLY
        if early.variables:
            value, *made = run(early.program, tensors, ranges, place)
            program.uses_of_early_gradients -= 1
            _remember(ctx, call, tensors, made, early)
            return (value,)
        outputs = tuple(run(program, tensors, ranges, place))
        # Asked after the call, by which the program has been compiled for these types.
        _remember(ctx, call, tensors, outputs if takes_values(program, outputs) else (), _early(program, place, tensors, wants))
        _mark_row_numbers(ctx, program, outputs)
        return outputs

    @staticmethod
    def backward(ctx, *cotangents):
        program, ranges, place = ctx.call
        saved = ctx.saved_tensors  # once: checkpoints refuse to give them again
        count = len(program.variables)
        # The first one is that of the call, which has none.
        gradients: List[Optional[torch.Tensor]] = [None] * (1 + count)
        early, cotangent = ctx.early, cotangents[0]
        if early.variables and cotangent is not None and not torch.is_grad_enabled() and _row_by_row(saved, early.variables, cotangent):
            program.uses_of_early_gradients = min(program.uses_of_early_gradients + 1, 8)
            for number, gradient_of_one in zip(early.variables, saved[count:]):
                gradients[1 + number] = like(gradient_of_one * cotangent, saved[number])
            if early.are_all and len(saved) > count:
                return tuple(gradients)
        tensors, kept = saved[:count], saved[count:]
        wanted = tuple([number for number, wants in enumerate(ctx.needs_input_grad[1:]) if wants and gradients[1 + number] is None])
        given = tuple([number for number, own in enumerate(cotangents) if own is not None]) if wanted else ()
        if given:
            derivative, arguments = gradient(program, tensors, () if early.variables else kept, cotangents, wanted, given)
            results = evaluate(derivative, arguments, ranges, place)
            for number, result in zip(wanted, results):
                gradients[1 + number] = like(result, tensors[number])
        return tuple(gradients)

    @staticmethod
    def jvp(ctx, *tangents):
        program, ranges, place = ctx.call
        tensors = ctx.saved_tensors[: len(program.variables)]
        moving = tuple(number for number, tangent in enumerate(tangents[1:]) if tangent is not None)
        along = [tangents[1 + number] for number in moving]
        derivative = program.tangent(moving)
        results = iter(evaluate(derivative, [*tensors, *along], ranges, place))
        numbers = {variable.name: number for number, variable in enumerate(program.variables)}

        def tangent(info) -> torch.Tensor:
            result = next(results)
            # A gradient has the shape of its variable, which batch elements may share: so has its tangent.
            return like(result, tensors[numbers[info.gradient_of]]) if info.gradient_of else result

        return tuple(None if info.dtype == "i64" else tangent(info) for _, info in program.outputs)


#: `_Differentiable.apply` where no transform is active, without its questions whether one is, which take longer than all else that it does.
_differentiable = super(torch.autograd.Function, _Differentiable).apply


class _Transformable(_Differentiable):
    """The same for `torch.func`, whose transforms ask for another form, which takes longer."""

    @staticmethod
    def forward(call: Call, *tensors: Any) -> Tuple[torch.Tensor, ...]:
        program, ranges, place = call
        return tuple(run(program, tensors, ranges, place))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, outputs: Any) -> None:
        call, *tensors = inputs
        _remember(ctx, call, tensors, outputs if takes_values(call.program, outputs) else ())
        _mark_row_numbers(ctx, call.program, outputs)

    @staticmethod
    def vmap(info: Any, in_dims: Any, call: Call, *tensors: Any) -> Any:
        program, ranges, place = call
        results = tuple(evaluate(program, with_mapped_axis(info.batch_size, in_dims[1:], program.variables, tensors), ranges, place))
        return results, (0,) * len(results)


def with_mapped_axis(size: int, dims: Sequence[Optional[int]], variables: Sequence[Variable], tensors: Sequence[torch.Tensor]) -> List[torch.Tensor]:
    """The arguments with the axis that `vmap` maps as the first batch axis of all: by stride 0 of those that do not have it, so that gradients are
    not added up over it."""
    rank = max(tensor.dim() - (dim is not None) - _own_axes(v) for tensor, dim, v in zip(tensors, dims, variables))
    batched = []
    for tensor, dim, variable in zip(tensors, dims, variables):
        tensor = tensor[None] if dim is None else tensor.movedim(dim, 0)
        missing = rank - (tensor.dim() - 1 - _own_axes(variable))
        tensor = tensor.reshape(tensor.shape[0], *[1] * missing, *tensor.shape[1:])
        batched.append(tensor.expand(size, *tensor.shape[1:]))
    return batched


def _early(program: Program, place: Place, tensors, wants: Tuple[bool, ...]) -> Early:
    """The variables whose gradients can be made together with the value: those of single or double precision. They are, if the passes before were
    followed by backward passes: whoever differentiates a sum once does so again."""
    early = program.early(wants)
    if not early.variables or place is not _WHERE_TENSORS_ARE:
        return NOT_EARLY
    for tensor in tensors:
        if tensor.element_size() < 4:
            return NOT_EARLY
    # Checkpoints, which are saving hooks, expect the same tensors when they compute a value again.
    return NOT_EARLY if torch.are_deterministic_algorithms_enabled() or _saving(True) is not None else early


def _row_by_row(tensors, early: Tuple[int, ...], cotangent: torch.Tensor) -> bool:
    """Whether gradients that were made early are there for each row of the cotangent: batch elements may have shared variables."""
    return cotangent.dim() == 2 or all([tensors[number].shape[:-1] == cotangent.shape[:-1] for number in early])


def _call(program: Program, ranges: Sequence[torch.Tensor], place: Place) -> Call:
    """The call; that without ranges, where its tensors are, is made once."""
    call = Call(program, ranges, place)
    if place is _WHERE_TENSORS_ARE and not ranges:
        program.plain_call = call
    return call


def _remember(ctx, call: Call, tensors, kept: Sequence[torch.Tensor], early: Early = NOT_EARLY) -> None:
    """Keeps what derivatives need: the tensors, and after them the gradients for the cotangent 1 in the variables of `early`, or, where
    there are no such variables, those outputs that gradients want."""
    ctx.call, ctx.early = call, early
    ctx.save_for_backward(*tensors, *kept)
    # Graphs enter the levels of forward mode without telling Python's `forward_ad`.
    if _forward_mode._current_level >= 0 or _transforming():
        ctx.save_for_forward(*tensors)
    ctx.set_materialize_grads(False)


def _mark_row_numbers(ctx, program: Program, outputs) -> None:
    if program.row_numbers:
        ctx.mark_non_differentiable(*[outputs[number] for number in program.row_numbers])


def takes_values(program: Program, outputs: Any) -> bool:
    """Whether gradients want the outputs: not if these are rounded to half precision, in which exponents are not good enough."""
    return program.gives_values and outputs[0].element_size() >= 4


def gradient(program: Program, tensors: Any, outputs: Any, cotangents: Any, wanted: Tuple[int, ...], given: Tuple[int, ...]) -> Tuple[Program, List[Any]]:
    """The gradient of a program, and its arguments; `outputs` is empty where they were not kept."""
    values = program.values_for(given) if outputs else ()
    arguments = [*tensors, *(cotangents[number] for number in given), *(outputs[number] for number in values)]
    return program.gradient(wanted, given, values), arguments


def _own_axes(variable) -> int:
    return 1 if variable.role == "parameter" else 2


def like(gradient: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """A gradient in the shape and type of what it is the gradient of: batch elements that shared it are added up."""
    if gradient.shape != tensor.shape:
        if gradient.dim() > tensor.dim() or gradient.numel() != tensor.numel():
            # Parameters may have more leading axes, of extent 1, which programs leave out.
            gradient = gradient.sum_to_size(tensor.shape[max(tensor.dim() - gradient.dim(), 0) :])
        gradient = gradient.reshape(tensor.shape)
    return gradient if gradient.dtype == tensor.dtype else gradient.to(tensor.dtype)


def solve(system: Any, tensors: Sequence[torch.Tensor], ranges: Sequence[torch.Tensor] = (), place: Place = _WHERE_TENSORS_ARE) -> torch.Tensor:
    """The solution of a linear system (`keopsc.solve.System`), whose right-hand side stands among the arguments in the place of the unknown.

    Solutions can be differentiated any number of times: the gradient takes one more solution.
    """
    preconditioner = system.preconditioner
    if isinstance(preconditioner, Nystroem):
        if preconditioner.factor is not None:
            # Graphs and transforms have to see its tensor.
            tensors = [*tensors, preconditioner.factor.detach()]
            system = system._replace(preconditioner=Nystroem(None, preconditioner.alpha))
    elif preconditioner is not None:
        refuse_in_graphs("linear systems with a preconditioner of one's own")
        return _Solution.apply(SystemCall(system, ranges, place), *tensors)
    if torch.compiler.is_compiling() or _modes():
        return torch_operators.solve(system, tensors, ranges, place)
    return _Solution.apply(SystemCall(system, ranges, place), *tensors)


#: What the factor of a Nyström preconditioner is among the arguments of a system: rows of components.
_FACTOR = Variable("factor", "i", 1)


class _Solution(torch.autograd.Function):
    """A linear system as an operation of PyTorch's, differentiated implicitly."""

    @staticmethod
    def forward(call: SystemCall, *tensors: Any) -> torch.Tensor:
        return iterate(call, tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, solution: Any) -> None:
        ctx.call, *tensors = inputs
        ctx.save_for_backward(solution, *tensors)
        ctx.save_for_forward(solution, *tensors)
        ctx.set_materialize_grads(False)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> torch.Tensor:
        system, ranges, place = ctx.call
        unknown, tangents = system.unknown, tangents[1:]
        solution, *tensors = ctx.saved_tensors
        # (alpha Id + K) a = b, so that (alpha Id + K) da = db - dK a.
        right = tangents[unknown]
        count = len(system.program.variables)
        moving = tuple(n for n in range(count) if n != unknown and tangents[n] is not None)
        if moving:
            here = [solution if number == unknown else tensor for number, tensor in enumerate(tensors[:count])]
            along = [tangents[number] for number in moving]
            (change,) = evaluate(system.program.tangent(moving), [*here, *along], ranges, place)
            right = -change if right is None else right - change
        there = [right if number == unknown else tensor for number, tensor in enumerate(tensors)]
        return solve(system, there, ranges, place)

    @staticmethod
    def vmap(info: Any, in_dims: Any, call: SystemCall, *tensors: Any) -> Any:
        system, ranges, place = call
        variables = [*system.program.variables, _FACTOR]
        return solve(system, with_mapped_axis(info.batch_size, in_dims[1:], variables, tensors), ranges, place), 0

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        system, ranges, place = ctx.call
        unknown, wants = system.unknown, ctx.needs_input_grad[1:]
        solution, *tensors = ctx.saved_tensors
        gradients: List[Optional[torch.Tensor]] = [None] * len(tensors)
        if cotangent is None:
            return (None, *gradients)
        # K is symmetric: the cotangent of b is the solution for the cotangent of a, and what the other arguments get is -w' dK a.
        there = [cotangent.contiguous() if number == unknown else tensor for number, tensor in enumerate(tensors)]
        w = solve(system, there, ranges, place)
        if wants[unknown]:
            gradients[unknown] = like(w, tensors[unknown])
        count = len(system.program.variables)
        wanted = tuple(n for n in range(count) if n != unknown and wants[n])
        if wanted:
            here = [solution if number == unknown else tensor for number, tensor in enumerate(tensors[:count])]
            results = evaluate(system.program.gradient(wanted, (0,)), [*here, -w], ranges, place)
            for number, result in zip(wanted, results):
                gradients[number] = like(result, tensors[number])
        return (None, *gradients)


#: What has the derivatives and the rule of `vmap` of each operator in `torch_operators`.
DERIVATIVES: Dict[str, Any] = {"evaluate": _Transformable, "call": _Underivable, "solve": _Solution}


def iterate(call: SystemCall, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The solution of a linear system, without derivatives."""
    system, ranges, place = call
    return system.solution(sys.modules[__name__], tensors, ranges, place)


def as_integers(value: Any) -> torch.Tensor:
    """The tensor as integers of 32 or 64 bits, or booleans."""
    tensor = torch.as_tensor(value)
    return tensor if tensor.dtype in (torch.int32, torch.int64, torch.bool) else tensor.to(torch.int64)


def to_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in the CPU's memory, without a graph."""
    return tensor.detach().cpu()


def beside(tensor: torch.Tensor, other: Any) -> torch.Tensor:
    """The tensor on the device of another one."""
    return tensor.to(other.device) if isinstance(other, torch.Tensor) else tensor
