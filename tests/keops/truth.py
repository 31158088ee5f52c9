"""What the judge says about a row of the reference."""

import numpy as np

import compare
import judge
import world


def truth(section, row):
    """The value of a row, flat; None for reductions other than sums, which the judge does not know."""
    if section.startswith("reduction"):
        return None
    with np.errstate(all="ignore"):
        if section.endswith("edges"):
            values = judge.evaluate(row[0], world.EDGE_VARIABLES, compare.edge_inputs(section)).sum(axis=1)
        elif section.endswith("gradients"):
            formula, variable, cotangent = row[:3]
            values = judge.evaluate(f"Grad({formula},{variable},{cotangent})", world.VARIABLES, world.inputs())
            values = values.sum(axis={world.I: 1, world.J: 0, world.P: (0, 1)}[world.VARIABLES[variable][0]])
        else:
            values = judge.evaluate(row[0], world.VARIABLES, world.inputs()).sum(axis=1)
    return values.ravel().astype(float)
