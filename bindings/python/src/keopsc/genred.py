"""Reductions of formulas that are given as text: KeOps' `Genred` and its relatives."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import reductions
from .options import split_options
from .program import CATEGORY, Program, Variable

_ROLES = {category: role for role, category in CATEGORY.items()}
_ROLES.update({"Vx": "i", "Vy": "j"})
_ALIAS = re.compile(r"^(?:([A-Za-z_]\w*)=)?(V[ijxy]|Pm|Var)\(([\d,]+)\)$")
_VAR = re.compile(r"\bVar\(\s*(\d+)\s*,\s*(\d+)\s*,\s*([012])\s*\)")


def parsed_alias(alias: str, position: int) -> Tuple[int, Variable]:
    """The position and the variable of an alias: `x = Vi(3)`, `x = Vi(0, 3)`, `Vi(3)`, `x = Var(0, 3, 0)`.

    Raises ValueError for anything else.
    """
    found = _ALIAS.match(re.sub(r"\s", "", alias))
    numbers = [int(number) for number in found.group(3).split(",") if number] if found else []
    if found is None or len(numbers) not in ((3,) if found.group(2) == "Var" else (1, 2)):
        raise ValueError(f"{alias!r} is no alias: it has to be like 'x = Vi(3)', 'x = Vj(3)' or 'x = Pm(3)', where 3 is the number of components")
    name, kind, _ = found.groups()
    if kind == "Var":
        position, dim, category = numbers
        if category > 2:
            raise ValueError(f"{alias!r}: the category is 0 for i, 1 for j or 2 for a parameter, not {category}")
        role = ("i", "j", "parameter")[category]
    else:
        role, dim = _ROLES[kind], numbers[-1]
        position = numbers[0] if len(numbers) == 2 else position
    if dim < 1:
        raise ValueError(f"{alias!r}: a variable has at least one component")
    return position, Variable(name or f"_v{position}", role, dim)


def variables_of(aliases: Sequence[str], *texts: Optional[str]) -> List[Variable]:
    """The variables of aliases and of `Var(position, dim, category)` in formulas, by position.

    Raises ValueError where a position or a name is given twice, or a position not at all.
    """
    found: Dict[int, Variable] = {}
    for number, alias in enumerate(aliases):
        position, variable = parsed_alias(alias, number)
        if position in found:
            raise ValueError(f"{alias!r} has position {position}, as `{found[position]}` has")
        found[position] = variable
    for text in texts:
        for position, dim, category in _VAR.findall(text or ""):
            variable = Variable(f"_v{position}", ("i", "j", "parameter")[int(category)], int(dim))
            declared = found.setdefault(int(position), variable)
            if declared[1:] != variable[1:]:
                raise ValueError(f"Var({position},{dim},{category}) in the formula is not what is declared: `{declared}`")
    if sorted(found) != list(range(len(found))):
        missing = next(number for number in range(len(found)) if number not in found)
        raise ValueError(f"no alias has position {missing}; there are {', '.join(str(found[number]) for number in sorted(found))}")
    names = [found[number].name for number in range(len(found))]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two aliases are called {twice!r}")
    return [found[number] for number in range(len(found))]


class Genred:
    """A reduction of a formula: `Genred(formula, aliases, reduction_op, axis)(*arrays)`.

    formula: text in the language of KeOps, such as "Exp(-SqDist(x, y)) * b";
    aliases: what its names mean, in the order of the arguments: "x = Vi(3)" has a row of 3 components for each i, "b = Vj(1)" one for each j,
    "s = Pm(1)" is a parameter;
    reduction_op: "Sum", "LogSumExp", "ArgKMin" …; axis: 0 to reduce over i, 1 over j;
    opt_arg: the length of lists; formula2: weights;
    dtype_acc, use_double_acc, sum_scheme: how sums are made; products: "tf32" or "bf16" for sums of many products on GPUs that are faster and less exact;
    all else is accepted for KeOps' sake and ignored.

    Raises ValueError for what cannot be read; mistakes in the formula are shown, as `FormulaError`, at the first call.
    """

    arrays: ModuleType
    formula: str
    aliases: List[str]
    reduction_op: str
    axis: int
    opt_arg: Optional[int]
    formula2: Optional[str]
    program: Program

    def __init__(
        self,
        formula: str,
        aliases: Sequence[str],
        reduction_op: str = "Sum",
        axis: int = 0,
        dtype: Any = None,
        opt_arg: Optional[int] = None,
        formula2: Optional[str] = None,
        cuda_type: Any = None,
        dtype_acc: Any = "auto",
        use_double_acc: bool = False,
        sum_scheme: str = "auto",
        enable_chunks: bool = True,
        rec_multVar_highdim: Any = False,
        use_fast_math: bool = True,
        products: str = "auto",
    ):
        self.formula, self.aliases, self.reduction_op, self.axis, self.opt_arg, self.formula2 = (
            formula,
            list(aliases),
            reduction_op,
            axis,
            opt_arg,
            formula2,
        )
        formula, formula2 = (text if text is None else " ".join(text.split()) for text in (formula, formula2))
        _, numerics = split_options({"dtype_acc": dtype_acc, "use_double_acc": use_double_acc, "sum_scheme": sum_scheme, "products": products})
        result = reductions.written(reduction_op, reductions.of_axis(axis), formula, formula2, opt_arg)
        self.program = Program(variables_of(self.aliases, formula, formula2), [], [result], numerics)

    def __call__(self, *args: Any, backend: str = "auto", device_id: int = -1, ranges: Any = None, out: Any = None) -> Any:
        """The reduction for these arrays, in the order of the aliases.

        args: arrays (…, M, D) for Vi, (…, N, D) for Vj, (…, D) for Pm, of any strides; leading axes are batch axes, which broadcast;
        backend: "auto" (where the arrays are), "CPU" or "GPU"; device_id: the number of the GPU; ranges: six integer arrays, the
        block-sparse ranges; out: an array for the result.

        Returns an array (…, M, D) for axis=1, (…, N, D) for axis=0, or a tuple of arrays; lists of K have shape (…, M, K) or (…, M, K, D).
        Raises ValueError where shapes do not fit, naming arguments and shapes.
        """
        arrays, program = self.arrays, self.program
        if len(args) != len(program.variables):
            declared = ", ".join(str(variable) for variable in program.variables)
            raise ValueError(f"the formula {self.formula!r} has {len(program.variables)} arguments ({declared}), but {len(args)} were given")
        given = [a if type(a) is arrays.array_type and a.dtype in arrays.REAL_TYPES else arrays.as_array(a) for a in args]
        where = arrays.place(backend, device_id)
        results = arrays.evaluate(program, given, () if ranges is None else arrays.as_ranges(ranges), where)
        result = reductions.shaped(self.reduction_op, results, self.opt_arg)
        return result if out is None else reductions.put_into(out, result, arrays)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.formula!r}, {self.aliases!r}, {self.reduction_op!r}, axis={self.axis})"


def generic(genred: type, reduction_op: str, formula: str, output: str, aliases: Sequence[str], options: Dict[str, Any]) -> Genred:
    """A Genred whose axis is told by its output: "a = Vi(3)" has a row for each i, "a = Vj(3)" for each j."""
    _, variable = parsed_alias(output, 0)
    if variable.role == "parameter":
        raise ValueError(f"the output {output!r} has to be Vi(…) or Vj(…)")
    count = variable.dim if reductions.REDUCTIONS[reduction_op].lists else None
    return genred(formula, list(aliases), reduction_op=reduction_op, axis="ji".index(variable.role), opt_arg=count, **options)
