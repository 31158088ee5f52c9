"""Reductions as text -> programs: what is computed from which variables, whatever the array library.

A program is a formula file in pieces, so that its derivatives are programs, too: the gradient of one has one more variable for each cotangent and
`Grad(…)` for results, which can be differentiated again. A program is compiled for the types of its variables when it is first called, and *planned* for
their layouts: a plan is a call that is prepared, and says what results have to be allocated.

    variables  x: i, 3 components   y: j, 3 components      dtype f32
    statements _t0 = SqDist(x, y)                        →  x = Vi(3); y = Vj(3)
    results    Sum[j](Exp(-_t0))                            _t0 = SqDist(x, y)
                                                            out _r0 = Sum[j](Exp(-_t0))
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import compiler, library
from .library import Layout, Prepared, ShapeError, TensorInfo

#: Roles of variables, and the categories by which KeOps calls them.
ROLES = ("i", "j", "parameter")
CATEGORY = {"i": "Vi", "j": "Vj", "parameter": "Pm"}

#: How much one number of a type can tell, for promotion.
_PRECISION = {"f16": 0, "bf16": 0, "f32": 1, "c64": 1, "f64": 2, "c128": 2}

#: Types of half precision.
HALVES = ("f16", "bf16")

SUM_SCHEMES: Dict[Any, str] = {
    "auto": "auto",
    None: "auto",
    "direct_sum": "direct",
    "direct": "direct",
    "block_sum": "block",
    "block": "block",
    "kahan_scheme": "kahan",
    "kahan": "kahan",
}
ACCUMULATORS: Dict[Any, str] = {"auto": "auto", None: "auto", "float16": "auto", "float32": "f32", "float": "f32", "float64": "f64", "double": "f64"}
#: What products of sums of many coordinates may be on GPUs: as exact as everything else, or faster.
PRODUCTS = ("auto", "tf32", "bf16")
#: KeOps' names of backends on GPUs, which all mean the same here.
GPU_BACKENDS = ("GPU", "GPU_1D", "GPU_1D_device", "GPU_1D_host", "GPU_2D", "GPU_2D_device", "GPU_2D_host")


#: A variable of more components has gradients made early nowhere: that has been found to pay for few.
_MOST_COMPONENTS = 16

#: The name of the function that has all results.
_TOGETHER = "_together"


class Variable(NamedTuple):
    """An input: its name in formulas, its role and the number of its components. A number that is beside arrays does not tell the type of results."""

    name: str
    role: str
    dim: int
    is_number: bool = False

    def __str__(self) -> str:
        return f"{self.name} = {CATEGORY[self.role]}({self.dim})"


class Result(NamedTuple):
    """An expression of reductions, and the index that its rows count.

    `given_value`, if there is one, is an expression with the same gradient, in which `{value}` is the result, as a number that is known: that spares
    the gradient of a log-sum-exp a pass over all pairs.
    """

    text: str
    role: str
    given_value: str = ""


class Numerics(NamedTuple):
    """How sums are made, and products on GPUs: values of the statement `numerics`."""

    sum: str = "auto"
    accumulate: str = "auto"
    products: str = "auto"

    @classmethod
    def of(cls, sum_scheme: Any = "auto", dtype_acc: Any = "auto", use_double_acc: bool = False, products: Any = "auto") -> "Numerics":
        """From KeOps' names, and `products`. Raises ValueError for others."""
        accumulator = "float64" if use_double_acc else dtype_acc
        accumulator = accumulator if accumulator is None else str(accumulator).rsplit(".", 1)[-1]
        if sum_scheme not in SUM_SCHEMES:
            raise ValueError(f"sum_scheme is {sum_scheme!r}; it may be {', '.join(repr(s) for s in SUM_SCHEMES)}")
        if accumulator not in ACCUMULATORS:
            raise ValueError(f"dtype_acc is {dtype_acc!r}; it may be {', '.join(repr(a) for a in ACCUMULATORS)}")
        if products not in PRODUCTS:
            raise ValueError(f"products is {products!r}; it may be {', '.join(repr(p) for p in PRODUCTS)}")
        return cls(SUM_SCHEMES[sum_scheme], ACCUMULATORS[accumulator], str(products))


class Output(NamedTuple):
    """An array that a call fills: its shape and type name, and the shape that it is broadcast to afterwards, if another."""

    shape: Tuple[int, ...]
    dtype: str
    broadcast: Optional[Tuple[int, ...]]


class Plan(NamedTuple):
    """A call: of which variables it takes the pointers, what it fills, and whether some of that is broadcast afterwards."""

    prepared: Prepared
    inputs: Tuple[int, ...]
    outputs: Tuple[Output, ...]
    is_broadcast: bool


class Early(NamedTuple):
    """Gradients that are made together with the value: the numbers of their variables, whether these are all that want gradients, and the program of the value
    and of its gradients in these variables for the cotangent 1."""

    variables: Tuple[int, ...] = ()
    are_all: bool = False
    program: Any = None


NOT_EARLY = Early()


class Program:
    """Variables, statements and results; see the head of this file."""

    variables: Tuple[Variable, ...]
    statements: Tuple[str, ...]
    results: Tuple[Result, ...]

    def __init__(self, variables: Sequence[Variable], statements: Sequence[str], results: Sequence[Result], numerics: Numerics = Numerics()):
        self.variables = tuple(variables)
        self.statements = tuple(statements)
        self.results = tuple(results)
        self.numerics = numerics
        #: Of the forward passes that could have made gradients early, how many more backward passes have used them, or would have, than there were.
        self.uses_of_early_gradients = 0
        #: Plans by whatever key the array library finds quickest; nothing but a cache.
        self.plans: Dict[Any, Plan] = {}
        #: What the array library needs to know of a call besides its tensors, without ranges and where these are; made when it is first needed.
        self.plain_call: Any = None
        self._compiled: Dict = {}
        self._derivatives: Dict = {}
        self._early: Dict[Tuple[bool, ...], Early] = {}
        self._outputs: Optional[List[Tuple[int, TensorInfo]]] = None

    def __reduce__(self) -> Tuple[Any, ...]:
        return (Program, (self.variables, self.statements, self.results, self.numerics))

    def described(self) -> str:
        """The program as text, from which `program_of_text` makes it again."""
        lines = [f"numerics {' '.join(self.numerics)}"]
        lines += [f"variable {v.name} {v.role} {v.dim} {int(v.is_number)}" for v in self.variables]
        lines += [f"statement {statement}" for statement in self.statements]
        lines += [f"result {result.role} {result.text}{_GIVEN}{result.given_value}" for result in self.results]
        return "\n".join(lines)

    def text(self, dtypes: Sequence[str]) -> str:
        """The formula file for these types of the variables."""
        dtype = promoted([own for variable, own in zip(self.variables, dtypes) if not variable.is_number] or dtypes)
        lines = [f"dtype {dtype}"]
        lines += [f"numerics {option} = {value}" for option, value in zip(Numerics._fields, self.numerics) if value != "auto"]
        for variable, own in zip(self.variables, dtypes):
            storage = "" if own == dtype else f", dtype={own}"
            lines.append(f"{variable.name} = {CATEGORY[variable.role]}({variable.dim}{storage})")
        lines += self.statements
        outputs = [f"out _r{number} = {result.text}" for number, result in enumerate(self.results, self._first_result())]
        # Several results are one function, which goes through the pairs once for all that have rows of the same index.
        lines += outputs if len(outputs) == 1 else [f"fused {_TOGETHER} {{", *outputs, "}"]
        return "\n".join(lines) + "\n"

    def _first_result(self) -> int:
        """The number of the first result: those before it are what the results are derivatives of."""
        return sum(statement.startswith("_r") for statement in self.statements)

    def compiled(self, dtypes: Tuple[str, ...], device: str = "cpu") -> library.Entry:
        """The function that computes all results, compiled for these types; `device` is "cpu" or "cuda"."""
        entry = self._compiled.get((dtypes, device))
        if entry is None:
            first = self._first_result()
            numbers = {f"_r{first + number}": number for number in range(len(self.results))}
            name = _TOGETHER if len(numbers) > 1 else f"_r{first}"
            entry = library.load(compiler.compiled(self.text(dtypes), device, ("--only", name))).entries[name]
            self._compiled[dtypes, device] = entry
            self._outputs = [(numbers[tensor.name.replace("_indices", "")], tensor) for tensor in entry.outputs]
        return entry

    @property
    def outputs(self) -> List[Tuple[int, TensorInfo]]:
        """All arrays that the program makes, each with the number of the result it belongs to. The program has been compiled before."""
        if self._outputs is None:
            self.compiled(("f32",) * len(self.variables))
        return self._outputs

    def plan(self, layouts: Sequence[Layout], ranges: Sequence[Layout] = (), streamed: Optional[int] = None) -> Plan:
        """The call for arguments of these layouts.

        ranges: the layouts of six tensors, or (); streamed: the GPU through which the CPU's memory goes, or None.
        Raises `ShapeError` where the arguments do not fit the variables or each other.
        """
        on_gpu = streamed is not None or any(layout.device >= 0 for layout in layouts)
        _check_axes(self.variables, layouts)
        entry = self.compiled(tuple(layout.dtype for layout in layouts), "cuda" if on_gpu else "cpu")
        return plan_of_entry(entry, self.variables, layouts, ranges, streamed)

    def check(self, layouts: Sequence[Layout]) -> None:
        """Raises `ShapeError` where the arguments do not fit the variables or each other."""
        _check_axes(self.variables, layouts)
        _rows(self.variables, layouts)

    def shapes(self, shapes: Sequence[Tuple[Any, ...]], dtypes: Tuple[str, ...], ranges: Sequence[Tuple[Any, ...]] = ()) -> List[Tuple[Tuple[Any, ...], str]]:
        """The shapes and type names of all outputs, for arguments of these shapes and types."""
        return shapes_of_entry(self.compiled(dtypes), self.variables, shapes, dtypes, ranges)

    def gradient(self, wanted: Tuple[int, ...], given: Tuple[int, ...], values: Tuple[int, ...] = ()) -> "Program":
        """The gradients in the variables numbered by `wanted`.

        The variables are those of this program, then a cotangent for each of the outputs numbered by `given` (others have none), then the values of
        the outputs numbered by `values`, which have to be among those of `values_for`.
        """
        return self._derivative("gradient", (wanted, given, values), self._new_gradient)

    @cached_property
    def row_numbers(self) -> Tuple[int, ...]:
        """The outputs that are row numbers, which have no derivatives."""
        return tuple(number for number, (_, tensor) in enumerate(self.outputs) if tensor.dtype == "i64")

    @cached_property
    def gives_values(self) -> bool:
        """Whether there are results whose values make gradients cheaper."""
        return any(result.given_value for result in self.results)

    def early(self, wants: Tuple[bool, ...]) -> "Early":
        """Those of the wanted gradients that are best made together with the value, before the cotangent is known.

        The result has to be one number a row, and the variable to have its rows, too: then the gradient is the one for the cotangent 1, row by row times
        the cotangent. For sums, that and the value cost what the gradient alone costs. There are none where parameters want gradients, which are
        made in the same pass as those of rows, nor for variables of many components.
        """
        found = self._early.get(wants)
        if found is None:
            found = self._early[wants] = self._new_early([variable for variable, wanted in zip(self.variables, wants) if wanted])
        return found

    def _new_early(self, wanted: List[Variable]) -> "Early":
        (result, *others) = self.results
        if others or not result.text.startswith("Sum[") or [tensor.dim for _, tensor in self.outputs] != [1]:
            return NOT_EARLY
        rows = [variable for variable in wanted if variable.role == result.role]
        if any(variable.role == "parameter" for variable in wanted) or any(variable.dim > _MOST_COMPONENTS for variable in rows):
            return NOT_EARLY
        numbers = tuple(map(self.variables.index, rows))
        return Early(numbers, len(rows) == len(wanted), self._derivative("early", (numbers,), self._new_with_gradients) if rows else self)

    def _new_with_gradients(self, wanted) -> "Program":
        (result,) = self.results
        gradients = [Result(f"Grad({result.text}, {self.variables[number].name}, 1)", self.variables[number].role) for number in wanted]
        return Program(self.variables, self.statements, [result, *gradients], self.numerics)

    def values_for(self, given: Sequence[int]) -> Tuple[int, ...]:
        """Those of the given outputs whose values make the gradient cheaper."""
        return tuple(number for number in given if self.results[self.outputs[number][0]].given_value)

    def _new_gradient(self, wanted, given, values) -> "Program":
        variables, statements, names = list(self.variables), *self._results_as_statements()
        terms: Dict[int, Tuple[str, str]] = {}
        for number in given:
            result, tensor = self.outputs[number]
            cotangent = Variable(f"_e{len(variables)}", tensor.role, tensor.dim)
            variables.append(cotangent)
            terms[number] = (names[result], cotangent.name)
        for number in values:
            result, tensor = self.outputs[number]
            value = Variable(f"_l{len(variables)}", tensor.role, tensor.dim)
            variables.append(value)
            terms[number] = (self.results[result].given_value.replace("{value}", value.name), terms[number][1])
        results = []
        for number in wanted:
            variable = self.variables[number]
            text = " + ".join(f"Grad({name}, {variable.name}, {cotangent})" for name, cotangent in terms.values())
            results.append(Result(text or f"Zero({variable.dim})", variable.role))
        return Program(variables, statements, results, self.numerics)

    def tangent(self, moving: Tuple[int, ...]) -> "Program":
        """The derivatives of all results in the direction of tangents of the variables numbered by `moving`.

        The variables are those of this program, then the tangents.
        """
        return self._derivative("tangent", (moving,), self._new_tangent)

    def _new_tangent(self, moving) -> "Program":
        variables, statements, names = list(self.variables), *self._results_as_statements()
        for number in moving:
            variables.append(self.variables[number]._replace(name=f"_u{len(variables)}"))
        along = ", ".join(self.variables[number].name for number in moving)
        tangents = ", ".join(variable.name for variable in variables[len(self.variables) :])
        results = [Result(f"Diff({name}, ({along}), ({tangents}))", result.role) for name, result in zip(names, self.results)]
        return Program(variables, statements, results, self.numerics)

    def _derivative(self, kind, arguments, make) -> "Program":
        key = (kind, arguments)
        program = self._derivatives.get(key)
        if program is None:
            program = self._derivatives[key] = make(*arguments)
        return program

    def _results_as_statements(self) -> Tuple[List[str], List[str]]:
        """The statements, with the results among them, and the names of these."""
        first = self._first_result()
        names = [f"_r{first + number}" for number in range(len(self.results))]
        named = [f"{name} = {result.text}" for name, result in zip(names, self.results)]
        return [*self.statements, *named], names


#: What stands between the two texts of a result where a program describes itself.
_GIVEN = " given_value "


def program_of_text(described: str) -> Program:
    """The program that describes itself so."""
    variables, statements, results, numerics = [], [], [], Numerics()
    for line in described.split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "variable":
            name, role, dim, is_number = rest.split()
            variables.append(Variable(name, role, int(dim), is_number == "1"))
        elif kind == "statement":
            statements.append(rest)
        elif kind == "result":
            role, _, texts = rest.partition(" ")
            text, _, given_value = texts.partition(_GIVEN)
            results.append(Result(text, role, given_value))
        else:
            numerics = Numerics(*rest.split())
    return Program(variables, statements, results, numerics)


def _own_shape(tensor: TensorInfo, rows: Dict[str, int]) -> Tuple[int, ...]:
    """The axes of an output that are not those of the batch."""
    return (tensor.dim,) if tensor.role == "parameter" else (rows[tensor.role], tensor.dim)


#: A program forgets its plans when there are so many: data of ever new shapes would fill the memory with them.
MOST_PLANS = 256


def remembered(plans: Dict[Any, Any], key: Any, plan: Plan) -> Plan:
    """The plan, kept under a key."""
    if len(plans) >= MOST_PLANS:
        plans.clear()
    plans[key] = plan
    return plan


def six_tables(tables: Sequence[Any]) -> Sequence[Any]:
    """The tables of ranges, which libraries expect to be six. Raises ValueError where they are not."""
    if not isinstance(tables, (tuple, list)) or len(tables) != 6 or any(table is None for table in tables):
        raise ValueError("ranges are six integer arrays (ranges_i, slices_i, redranges_j, ranges_j, slices_j, redranges_i), as from_matrix makes them")
    return tables


def plan_of_entry(
    entry: library.Entry, variables: Sequence[Variable], layouts: Sequence[Layout], ranges: Sequence[Layout], streamed: Optional[int]
) -> Plan:
    """The call of an entry for arguments of these layouts; see `Program.plan`."""
    layouts = _without_extra_axes(variables, layouts)
    rows = _rows(variables, layouts)
    batch = _batch(variables, layouts, ranges)
    numbers = {variable.name: number for number, variable in enumerate(variables)}
    device = layouts[0].device if layouts else -1
    inputs = tuple(numbers[tensor.name] for tensor in entry.inputs)
    own_batch = _batch([variables[k] for k in inputs], [layouts[k] for k in inputs], ranges)
    outputs, made = [], []
    for tensor in entry.outputs:
        own = _own_shape(tensor, rows)
        shape = layouts[numbers[tensor.gradient_of]].shape if tensor.gradient_of else own_batch + own
        whole = batch + own
        outputs.append(Output(shape, tensor.dtype, None if tensor.gradient_of or shape == whole else whole))
        made.append(Layout(shape, _contiguous_strides(shape), tensor.dtype, device))
    prepared = Prepared(entry, (*(layouts[k] for k in inputs), *made), ranges, (rows["i"], rows["j"]), streamed)
    return Plan(prepared, inputs, tuple(outputs), any(output.broadcast is not None for output in outputs))


def shapes_of_entry(
    entry: library.Entry,
    variables: Sequence[Variable],
    shapes: Sequence[Tuple[Any, ...]],
    dtypes: Tuple[str, ...],
    ranges: Sequence[Tuple[Any, ...]] = (),
) -> List[Tuple[Tuple[Any, ...], str]]:
    """The shapes and type names of all outputs of an entry; see `Program.shapes`."""
    layouts = _without_extra_axes(variables, [Layout(shape, shape, dtype) for shape, dtype in zip(shapes, dtypes)])
    rows = _rows(variables, layouts)
    batch = _batch(variables, layouts, [Layout(shape, shape, "i64") for shape in ranges])
    numbers = {variable.name: number for number, variable in enumerate(variables)}
    found = []
    for tensor in entry.outputs:
        own = _own_shape(tensor, rows)
        found.append((layouts[numbers[tensor.gradient_of]].shape if tensor.gradient_of else batch + own, tensor.dtype))
    return found


def promoted(dtypes: Sequence[str]) -> str:
    """The real type in which results of variables of these types are stored: the most precise one, float32 for float16 beside bfloat16."""
    precision = max([_PRECISION[dtype] for dtype in dtypes] or [1])
    if precision == 0:
        return dtypes[0] if len(set(dtypes)) == 1 else "f32"
    return ("f32", "f64")[precision - 1]


def _own_axes(variable: Variable) -> int:
    """How many axes an argument has apart from those of the batch."""
    return 1 if variable.role == "parameter" else 2


def _check_axes(variables: Sequence[Variable], layouts: Sequence[Layout]) -> None:
    """Refuses wrong numbers of axes and components."""
    for variable, layout in zip(variables, layouts):
        if len(layout.shape) < _own_axes(variable):
            form = "(…, components)" if variable.role == "parameter" else "(…, rows, components)"
            raise ShapeError(2, f"the argument `{variable}` has shape {layout.shape}, but its form is {form}")
        if layout.shape[-1] != variable.dim:
            raise ShapeError(
                2, f"the argument `{variable}` has shape {layout.shape}: {layout.shape[-1]} components where {variable.dim} are declared"
            )


def _without_extra_axes(variables: Sequence[Variable], layouts: Sequence[Layout]) -> List[Layout]:
    """Checks arguments. Parameters lose leading axes of extent 1 that would be batch axes of no other argument."""
    _check_axes(variables, layouts)
    rank = max((len(layout.shape) - 2 for variable, layout in zip(variables, layouts) if variable.role != "parameter"), default=0)
    kept = []
    for variable, layout in zip(variables, layouts):
        extra = len(layout.shape) - 1 - rank if variable.role == "parameter" else 0
        if extra > 0 and all(extent == 1 for extent in layout.shape[:extra]):
            layout = layout._replace(shape=layout.shape[extra:], strides=layout.strides[extra:])
        kept.append(layout)
    return kept


def _rows(variables: Sequence[Variable], layouts: Sequence[Layout]) -> Dict[str, int]:
    """M and N, 1 where no variable tells them."""
    rows: Dict[str, int] = {}
    first: Dict[str, Tuple[Variable, Layout]] = {}
    for variable, layout in zip(variables, layouts):
        if variable.role == "parameter":
            continue
        extent = layout.shape[-2]
        if rows.setdefault(variable.role, extent) != extent:
            earlier, other = first[variable.role]
            raise ShapeError(
                2,
                f"the arguments `{earlier}` of shape {other.shape} and `{variable}` of shape {layout.shape} both have a row "
                f"for each {variable.role}, but {rows[variable.role]} and {extent} rows",
            )
        first.setdefault(variable.role, (variable, layout))
    return {"i": rows.get("i", 1), "j": rows.get("j", 1)}


def _batch(variables: Sequence[Variable], layouts: Sequence[Layout], ranges: Sequence[Layout]) -> Tuple[int, ...]:
    """The batch axes of all arguments together."""
    named = [(f"`{variable}`", layout, layout.shape[: -_own_axes(variable)]) for variable, layout in zip(variables, layouts)]
    named += [("the ranges", layout, layout.shape[: -(1 if number % 3 == 1 else 2)]) for number, layout in enumerate(ranges)]
    batch: Tuple[int, ...] = ()
    for name, layout, own in named:
        try:
            batch = broadcast(batch, own)
        except ValueError:
            others = ", ".join(f"{other} {o.shape}" for other, o, _ in named if other != name)
            raise ShapeError(2, f"the batch axes of {name} of shape {layout.shape} do not broadcast with the others: {others}") from None
    return batch


def broadcast(a: Tuple[int, ...], b: Tuple[int, ...]) -> Tuple[int, ...]:
    """The shape that two shapes have together, by NumPy's rule. Raises ValueError where there is none."""
    if a == b:
        return a
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    offset = len(longer) - len(shorter)
    shape = list(longer)
    for axis, extent in enumerate(shorter, offset):
        if shape[axis] == 1:
            shape[axis] = extent
        elif extent not in (1, shape[axis]):
            raise ValueError(f"shapes {a} and {b} do not broadcast")
    return tuple(shape)


def _contiguous_strides(shape: Tuple[int, ...]) -> Tuple[int, ...]:
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))
