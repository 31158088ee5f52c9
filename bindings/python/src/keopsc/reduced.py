"""Reductions of LazyTensors: from a formula and its inputs to a program and its arguments."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, TYPE_CHECKING, Tuple

from . import formula, reductions
from .formula import Node
from .program import HALVES, Numerics, Program, Variable, promoted

if TYPE_CHECKING:
    from .lazytensor import LazyTensor

_programs: Dict[Tuple[Any, ...], Tuple[Program, Tuple[int, ...]]] = {}


class Reduced:
    """A reduction of a LazyTensor that waits for its call. `total` is whether the rows of its result are added up."""

    program: Program
    slots: Tuple[int, ...]
    #: Whether symbolic variables stand for arguments of the call.
    needs_arguments: bool = False

    def __init__(
        self, tensor: "LazyTensor", name: str, over: str, count: Optional[int], numerics: Numerics, options: Dict[str, Any], total: bool = False
    ):
        self.tensor = tensor
        self.total = total
        self.reduction_op = name
        self.count = count
        self.options = options
        # Numbers beside half-precision arrays are float32: 1e5 is no float16.
        halves = tensor._dtype in HALVES
        numbers = tuple(slot for slot, own in enumerate(tensor.inputs) if own.numbers is not None) if halves else ()
        self.program, self.slots = program_of(tensor.node, tensor.second, name, over, count, numerics, numbers)
        for own in tensor.inputs:
            if own.position is not None:
                self.needs_arguments = True

    def __call__(self, *args: Any, **options: Any) -> Any:
        """The result, as an array. `args` are what symbolic variables stand for, by their positions; options: backend, device_id, ranges, out."""
        tensor = self.tensor
        arrays = tensor.arrays
        options = {**self.options, **options} if options else self.options
        inputs = tensor.inputs
        values = self._arguments(args) if args or self.needs_arguments else None
        given = []
        for slot in self.slots:
            own = inputs[slot]
            if own.array is not None:
                given.append(own.array)
            elif own.numbers is not None:
                like = next((i.array for i in inputs if i.array is not None), values[0] if values else None)
                given.append(arrays.parameter(own.numbers, self._dtype(values), like))
            else:
                given.append(values[own.position])
        ranges = options.get("ranges")
        if ranges is None:
            ranges = tensor.ranges
        where = arrays.place(options.get("backend") or tensor.backend, options.get("device_id", -1))
        results = arrays.evaluate(self.program, given, () if ranges is None else arrays.as_ranges(ranges), where)
        results = [with_batch_axes(result, tensor.batchdims) for result in results]
        result = reductions.shaped(self.reduction_op, results, self.count)
        if tensor.node.is_complex:
            result = arrays.as_complex(result)
        if self.total:
            result = result.sum(-2)
        out = options.get("out")
        return result if out is None else reductions.put_into(out, result, arrays)

    def _dtype(self, values: Optional[Sequence[Any]]) -> Optional[str]:
        """The type of numbers: that of all arrays together, those of the call among them."""
        dtype = self.tensor._dtype
        if values:
            known = [dtype] if dtype else []
            known += [self.tensor.arrays.dtype_name(values[own.position]) for own in self.tensor.inputs if own.position is not None]
            dtype = promoted(known) if known else None
        return "f32" if dtype in HALVES and self.tensor._dtype in HALVES else dtype

    def _arguments(self, args: Sequence[Any]) -> Sequence:
        arrays = self.tensor.arrays
        needed = [own.position for own in self.tensor.inputs if own.position is not None]
        if len(args) <= max(needed, default=-1):
            raise ValueError(f"the formula {self.tensor.node.short()} needs arguments up to position {max(needed)}, but {len(args)} were given")
        complex_ = {own.position for own in self.tensor.inputs if own.is_complex}
        return [arrays.as_real(arrays.as_array(value)) if number in complex_ else arrays.as_array(value) for number, value in enumerate(args)]

    def to_kf(self) -> str:
        """The reduction as a formula file, for `keopsc compile` and callers in other languages; the arguments are `_v0`, `_v1` …"""
        tensor = self.tensor
        if self.total:
            raise ValueError("a sum over both i and j is made of a sum over one of them, and of PyTorch's or NumPy's of its rows: it is no formula file")
        known = tensor._dtype or "f32"
        dtypes = [known if own.array is None else tensor.arrays.dtype_name(own.array) for own in (tensor.inputs[slot] for slot in self.slots)]
        return self.program.text(dtypes)

    @property
    def formula(self) -> str:
        """The formula that is reduced, as text."""
        return self.tensor.formula

    def __str__(self) -> str:
        return f"{self.tensor}\n    reduction: {self.reduction_op}"

    __repr__ = __str__


def with_batch_axes(result: Any, batch: Optional[Tuple[int, ...]]) -> Any:
    """The result with all batch axes of its LazyTensor: programs leave out axes of extent 1 that parameters alone have."""
    missing = (batch or ())[: max(len(batch or ()) + 2 - len(result.shape), 0)]
    return result.reshape((*missing, *result.shape)) if missing and set(missing) == {1} else result


def program_of(
    node: Node, second: Optional[Node], name: str, over: str, count: Optional[int], numerics: Numerics, numbers: Tuple[int, ...] = ()
) -> Tuple[Program, Tuple[int, ...]]:
    """The program of a reduction, and the slots of its variables; `numbers` are those slots that do not tell the type of results."""
    key = (node, second, name, over, count, numerics, numbers)
    found = _programs.get(key)
    if found is None:
        trees = (node,) if second is None else (node, second)
        lines, texts = formula.statements(*trees)
        result = reductions.written(name, over, texts[0], *texts[1:], count=count)
        leaves = sorted((part.args[0], part.args[1], part.dim) for part in formula.in_order(*trees) if not part.text)
        program = Program([Variable(f"_v{slot}", role, dim, slot in numbers) for slot, role, dim in leaves], lines, [result], numerics)
        if len(_programs) > formula.LIMIT:
            _programs.clear()
        found = _programs[key] = (program, tuple(slot for slot, _, _ in leaves))
    return found
