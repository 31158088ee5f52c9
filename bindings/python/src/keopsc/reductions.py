"""The table of reductions: KeOps' names -> how a formula file writes them, and how results are shaped."""

from __future__ import annotations

from numbers import Integral
from types import ModuleType
from typing import Any, NamedTuple, Optional, Sequence

from .program import Result


class Reduction(NamedTuple):
    """A reduction: its name in formula files; whether results are lists of K; whether it needs or takes weights."""

    name: str
    lists: bool = False
    weight: str = "never"


REDUCTIONS = {
    "Sum": Reduction("Sum"),
    "Mean": Reduction("Mean"),
    "Prod": Reduction("Prod"),
    "Count": Reduction("Count"),
    "Any": Reduction("Any"),
    "All": Reduction("All"),
    "LogSumExp": Reduction("LogSumExp", weight="may"),
    "LogSumExpWeight": Reduction("LogSumExp", weight="must"),
    "SumSoftMaxWeight": Reduction("SumSoftMaxWeight", weight="must"),
    "SoftMax": Reduction("SumSoftMaxWeight", weight="must"),
    "Max_SumShiftExp": Reduction("Max_SumShiftExpWeight", weight="may"),
    "Max_SumShiftExpWeight": Reduction("Max_SumShiftExpWeight", weight="must"),
    "Min": Reduction("Min"),
    "ArgMin": Reduction("ArgMin"),
    "Min_ArgMin": Reduction("Min_ArgMin"),
    "MinArgMin": Reduction("Min_ArgMin"),
    "Max": Reduction("Max"),
    "ArgMax": Reduction("ArgMax"),
    "Max_ArgMax": Reduction("Max_ArgMax"),
    "MaxArgMax": Reduction("Max_ArgMax"),
    "KMin": Reduction("KMin", lists=True),
    "ArgKMin": Reduction("ArgKMin", lists=True),
    "KMin_ArgKMin": Reduction("KMin_ArgKMin", lists=True),
    "KMinArgKMin": Reduction("KMin_ArgKMin", lists=True),
    "KMax": Reduction("KMax", lists=True),
    "ArgKMax": Reduction("ArgKMax", lists=True),
    "KMax_ArgKMax": Reduction("KMax_ArgKMax", lists=True),
    "KMaxArgKMax": Reduction("KMax_ArgKMax", lists=True),
}


#: Reductions that complex numbers have: those that are the same for both parts.
OF_COMPLEX = ("Sum", "Mean")


def of_axis(axis: int) -> str:
    """The index that is reduced along an axis: 0 counts rows of i, 1 rows of j. Raises ValueError for another axis."""
    if axis not in (0, 1):
        raise ValueError(f"axis is {axis!r}; a reduction is over i with axis=0, or over j with axis=1")
    return "ij"[axis]


def written(name: str, over: str, formula: str, weight: Optional[str] = None, count: Optional[int] = None) -> Result:
    """A reduction as a result of a program.

    Raises ValueError for an unknown name, and where weights or the length of the lists are missing or too many.
    """
    reduction = REDUCTIONS.get(name)
    if reduction is None:
        raise ValueError(f"there is no reduction {name!r}; those that are known are {', '.join(REDUCTIONS)}")
    if reduction.lists and (not isinstance(count, Integral) or count < 1):
        raise ValueError(f"{name} needs the length of its lists, an integer from 1 on (opt_arg, or K), not {count!r}")
    if weight is None and reduction.weight == "must":
        raise ValueError(f"{name} needs weights: a second formula")
    if weight is not None and reduction.weight == "never":
        raise ValueError(f"{name} takes no weights")
    options = f", K={count}" if reduction.lists else ""
    if weight is None and name == "Max_SumShiftExp":
        weight = "1"
    arguments = formula if weight is None else f"{formula}, {weight}"
    given_value = ""
    if reduction.name == "LogSumExp":
        share = f"Exp(({formula}) - ZeroIfMinusInfinity({{value}}))"
        given_value = f"Sum[{over}]({share})" if weight is None else f"Sum[{over}]({share} * ({weight}))"
    return Result(f"{reduction.name}[{over}{options}]({arguments})", "ij"[over == "i"], given_value)


def shaped(name: str, arrays: Sequence[Any], count: Optional[int]) -> Any:
    """What a caller sees of the arrays (…, rows, components) of a reduction: one or a tuple, lists with an axis of their own.

    Lists of K have shape (…, rows, K), or (…, rows, K, components) where there are several components.
    """
    if REDUCTIONS[name].lists:
        arrays = [_with_lists(array, count) for array in arrays]
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def put_into(out: Any, result: Any, arrays: ModuleType) -> Any:
    """The result in the caller's arrays: one, or as many as the reduction has. Raises ValueError where they do not fit."""
    if not isinstance(result, tuple):
        return arrays.fill(out, result)
    if not isinstance(out, (tuple, list)) or len(out) != len(result):
        raise ValueError(f"the reduction has {len(result)} results: `out` has to be a tuple of as many arrays")
    return tuple(arrays.fill(own, part) for own, part in zip(out, result))


def _with_lists(array, count: int):
    """(…, rows, K * components) as (…, rows, K, components), without the last axis for a single component."""
    if array.shape[-1] == count:
        return array
    return array.reshape((*array.shape[:-1], count, array.shape[-1] // count))
