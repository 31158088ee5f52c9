"""Where keopsc and KeOps give different numbers, and why: the table behind docs/keops.md.

Every row of the comparison that differs is listed in differences.json under the name of its reason, which stands here. A row that differs
and is not listed is a failure, and so is one that is listed and does not differ.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Reason:
    """Why values differ, in a sentence or two; `right` says whose value is the true one, if that is no matter of convention."""

    title: str
    right: str
    why: str
    # Whether rows may become the same again: they depend on which laws the simplifier of the day applies.
    may_vanish: bool = False
    # The true value in words, by formula or for "all", where the judge has none.
    true: dict = field(default_factory=dict)


KEOPSC, KEOPS, CONVENTION = "keopsc", "KeOps", "a matter of convention"

REASONS = {
    "broadcast gradient": Reason(
        "A gradient in a scalar that broadcasts",
        KEOPSC,
        "The rule that `Powf`, `Atan2` and others share does not sum over the components that used the scalar: "
        "KeOps returns rows of another length than the variable's, or adds up what does not belong together.",
    ),
    "crossed bounds": Reason(
        "`Clamp`'s gradient where the bounds are crossed, equal, infinite or NaN",
        KEOPSC,
        "KeOps differentiates `ClampInt((x - a)/(b - a), 0, 1)*(b - a) + a`, which is `Clamp` for finite a < b only. "
        "(With NaN for a bound, which the value ignores, keopsc gives 0.)",
    ),
    "IfElse gradient": Reason(
        "`IfElse`'s gradient where the condition is a vector",
        KEOPSC,
        "KeOps puts the gradients of the branches through `IfElse` with the same condition, component by component of the variable, "
        "which is right only where component k of the result depends on component k of the variable alone.",
    ),
    "captured index": Reason(
        "`SoftDTW_SqDist` of variables as they are, on the CPU",
        KEOPSC,
        "The generated loops are called i and j like the loops over rows, so that `x[i]` is read from row i of the inner loop "
        "(and outside of the array).",
    ),
    "sinc gradient": Reason(
        "`SinXDivX`'s gradient at 0", KEOPSC, "KeOps evaluates `Cos(x)/x - Sin(x)/x**2`: inf - NaN. The limit is 0."
    ),
    "limit": Reason(
        "`SinXDivX` at infinities", KEOPSC, "KeOps evaluates sin(inf)/inf, which is NaN. The limit is 0.", true={"all": "0"}
    ),
    "power of zero": Reason(
        "`Powf`'s gradients where the base or the exponent is 0",
        KEOPSC,
        "KeOps multiplies an infinity, `Log(0)` or a power of -1, by 0. 0 to any positive power and anything to the power 0 are constants, "
        "with derivative 0. (0 to negative powers is infinite; the derivative in the exponent there is NaN in keopsc, -inf in KeOps.)",
        true={"Grad(Powf(x, z),z,e)": "0 for z > 0"},
    ),
    "cancelled": Reason(
        "Terms that cancel",
        KEOPSC,
        "KeOps simplifies `Exp(x)*Exp(-x)` to 1 and quotients of `x - x` to 0, which hides infinities and NaNs. "
        "keopsc does so in fewer places. (Both take x - x and 0*x as 0.)",
        may_vanish=True,
    ),
    "NaN": Reason(
        "NaNs in comparisons",
        CONVENTION,
        "Which of two numbers is larger has no answer where one is NaN. Maxima and minima over components pass NaNs over in keopsc; "
        "KeOps keeps a NaN that comes first. A derivative that depends on a comparison with NaN is 0 in keopsc.",
        true={"all": ""},
    ),
    "nothing found": Reason(
        "Row numbers where there is nothing to find",
        CONVENTION,
        "Where all values are NaN or the infinity that a search begins with, and in lists longer than the number of rows, keopsc gives -1, KeOps 0.",
        true={"all": "none"},
    ),
    "log of nothing": Reason(
        "`LogSumExp` of a row that is all -inf",
        KEOPSC,
        "The logarithm of a sum of zeros is -inf; KeOps computes -inf - -inf on the way.",
        true={"all": "-inf"},
    ),
    "constant zeros": Reason(
        "Factors that are 0 whatever the input is",
        CONVENTION,
        "Both take 0*x as 0, but not in the same places, which shows where x is infinite, NaN or divided by 0.",
        may_vanish=True,
        true={"all": ""},
    ),
}

# {section: {formula: name of the reason}}; "KeOps refuses": where keopsc and the judge differ.
LISTED = json.loads((HERE / "differences.json").read_text())

# Operations that a compiler before them does not know; rows that use one are not compared until it does.
NOT_YET = set()
