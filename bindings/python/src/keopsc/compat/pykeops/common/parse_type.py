"""`pykeops.common.parse_type`: aliases of variables."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ....genred import parsed_alias, variables_of
from ....program import Numerics, ROLES

__all__ = ["categories", "complete_aliases", "get_optional_flags", "get_sizes", "get_type", "parse_dtype_acc"]

categories: Dict[str, int] = {"Vi": 0, "Vj": 1, "Pm": 2}


def get_type(type_str: str, position_in_list: Optional[int] = None) -> Tuple[Optional[str], int, int, Optional[int]]:
    """The name (or None), category, dimension and position of an alias like "x = Vi(3)". Raises ValueError for anything else."""
    position, variable = parsed_alias(type_str, -1 if position_in_list is None else position_in_list)
    name = variable.name if "=" in type_str else None
    return name, ROLES.index(variable.role), variable.dim, None if position < 0 else position


def complete_aliases(formula: str, aliases: List[str]) -> List[str]:
    """The list of aliases, to which a `Var(position,dim,category)` has been added for each one that the formula has besides."""
    for position, variable in enumerate(variables_of(aliases, formula)[len(aliases) :], len(aliases)):
        aliases.append(f"Var({position},{variable.dim},{ROLES.index(variable.role)})")
    return aliases


def get_sizes(aliases: Sequence[str], *args: Any) -> Tuple[int, int]:
    """The numbers of rows of i and of j that arrays have, 1 where none has any."""
    rows = {"i": 1, "j": 1}
    for number, alias in enumerate(aliases):
        position, variable = parsed_alias(alias, number)
        if variable.role in rows:
            rows[variable.role] = args[position].shape[-2]
    return rows["i"], rows["j"]


def get_optional_flags(
    reduction_op_internal: str, dtype_acc: Any, use_double_acc: bool, sum_scheme: str, enable_chunks: bool, use_fast_math: bool
) -> Dict[str, Any]:
    """The options of a reduction as KeOps hands them on. Raises ValueError for values that there are not."""
    Numerics.of(sum_scheme, dtype_acc, use_double_acc)
    scheme = ("block_sum" if reduction_op_internal.startswith(("Sum", "Max_SumShiftExp")) else "direct_sum") if sum_scheme == "auto" else sum_scheme
    return {
        "dtype_acc": "float64" if use_double_acc else dtype_acc,
        "sum_scheme": scheme,
        "use_fast_math": int(use_fast_math),
        "enable_chunks": int(enable_chunks),
    }


def parse_dtype_acc(dtype_acc: str, dtype: str) -> str:
    """The type of accumulators, as C++ calls it, for numbers of a type. Raises ValueError for a type that is less precise, or too much so for KeOps."""
    allowed = {"float16": {"float16": "half2", "float32": "float2"}, "float32": {"float32": "float", "float64": "double"}, "float64": {"float64": "double"}}[dtype]
    wanted = dtype if dtype_acc == "auto" else dtype_acc
    if wanted not in allowed:
        raise ValueError(f"dtype_acc is {dtype_acc!r}; for {dtype} it may be {', '.join(map(repr, ['auto', *allowed]))}")
    return allowed[wanted]
