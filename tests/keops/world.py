"""The inputs that all formulas of the comparison are about: their names, roles and dimensions, and the numbers in them.

KeOps is given all of them at their positions, keopsc those that a formula uses, by name. All numbers are multiples of 2^-12, so that they
are the same in float32.
"""

import numpy as np

M, N = 3, 4  # rows of i and of j

I, J, P = 0, 1, 2  # KeOps' categories

# name: (category, dimension), in the order of KeOps' positions. `t` holds knots of splines: ascending.
VARIABLES = {
    "x": (I, 3),
    "y": (J, 3),
    "p": (P, 3),
    "a": (I, 1),
    "b": (J, 1),
    "s": (P, 1),
    "u": (I, 2),
    "v": (J, 2),
    "c": (I, 4),
    "d": (J, 4),
    "A": (J, 6),
    "Q": (P, 9),
    "t": (P, 6),
}
# Cotangents of results with one row per i, by dimension.
COTANGENTS = {dim: f"e{dim}" for dim in (1, 2, 3, 4, 6, 9)}
VARIABLES |= {name: (I, dim) for dim, name in COTANGENTS.items()}

CONSTRUCTORS = {I: "Vi", J: "Vj", P: "Pm"}


def aliases():
    """The declarations, as KeOps takes them."""
    return [f"{name} = {CONSTRUCTORS[category]}({position},{dim})" for position, (name, (category, dim)) in enumerate(VARIABLES.items())]


def inputs():
    """Every variable's numbers: (rows, dim), or (dim,) for a parameter."""
    random = np.random.default_rng(1)
    values = {}
    for name, (category, dim) in VARIABLES.items():
        rows = {I: (M,), J: (N,), P: ()}[category]
        values[name] = np.round(random.uniform(0.25, 1.25, (*rows, dim)) * 4096) / 4096
    values["t"] = np.arange(6) * 0.3125 - 0.125
    for name in COTANGENTS.values():
        values[name] = np.round((values[name] - 0.75) * 8192) / 4096
    return values


def edge_inputs():
    """Where functions change: each row is one pair, x against z; j has a single row."""
    specials = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 20.0, -20.0, np.inf, -np.inf, np.nan]
    pairs = [(first, second) for first in specials for second in specials]
    first, second = np.array(pairs).T
    return {"x": first[:, None], "z": second[:, None], "y": np.array([[0.0]]), "e": np.ones((len(pairs), 1))}


EDGE_VARIABLES = {"x": (I, 1), "z": (I, 1), "y": (J, 1), "e": (I, 1)}
