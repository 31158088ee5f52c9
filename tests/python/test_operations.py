"""Every operation in a sum over j, against NumPy in float64; every smooth one's gradient against differences of NumPy's values."""

import numpy as np
import pytest

from keops import distance_in_ulps
from operations import FAMILIES

M, N = 37, 53
DTYPES = {"f32": np.float32, "f64": np.float64}
# Errors of the arguments pass through the operations: none of the table's rows makes them more than this many times larger.
ULPS = 40


def source(rows, dtype):
    """One library for a family: each row a sum, and its gradient in x where it is smooth."""
    lines = [f"dtype {dtype}", "x = Vi(3)", "y = Vj(3)"]
    for number, (formula, _, is_smooth) in enumerate(rows):
        lines.append(f"out s{number} = Sum[j]({formula})")
        if is_smooth:
            lines.append(f"out g{number} = Grad(s{number}, x)")
    return "\n".join(lines)


def pair_values(formula, x, y):
    """A row's second column for all pairs: (M, N, dim), in float64."""
    values = formula(x[:, None, :].astype(float), y[None, :, :].astype(float))
    return np.broadcast_to(values, (M, N, values.shape[-1]))


def points(random, dtype):
    x, y = (random.uniform(0.25, 1, (rows, 3)).astype(DTYPES[dtype]) for rows in (M, N))
    return x, y


CASES = [(family, number) for family, rows in FAMILIES.items() for number in range(len(rows))]
NAMES = [FAMILIES[family][number][0] for family, number in CASES]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("family", "number"), CASES, ids=NAMES)
def test_value(compiled, random, family, number, dtype):
    library = compiled(source(FAMILIES[family], dtype), family)
    x, y = points(random, dtype)
    terms = pair_values(FAMILIES[family][number][1], x, y)
    value = library.entries[f"s{number}"](x, y)
    assert value.dtype == DTYPES[dtype]
    assert value.shape == (M, terms.shape[-1])
    assert distance_in_ulps(value, terms.sum(axis=1), 1 + np.abs(terms).sum(axis=1)) < ULPS


SMOOTH = [(case, name) for case, name in zip(CASES, NAMES) if FAMILIES[case[0]][case[1]][2]]


@pytest.mark.parametrize(("family", "number"), [case for case, _ in SMOOTH], ids=[name for _, name in SMOOTH])
def test_gradient(compiled, random, family, number):
    library = compiled(source(FAMILIES[family], "f64"), family)
    formula = FAMILIES[family][number][1]
    x, y = points(random, "f64")
    direction = random.standard_normal((M, 3))

    def total(step):
        return pair_values(formula, x + step * direction, y).sum(axis=1)

    step = 1e-5
    expected = (total(step) - total(-step)) / (2 * step)
    cotangent = random.standard_normal(expected.shape)
    gradient = library.entries[f"g{number}"](x, y, cotangent)
    assert gradient.shape == x.shape
    along, wanted = (gradient * direction).sum(axis=1), (expected * cotangent).sum(axis=1)
    assert np.abs(along - wanted).max() < 1e-7 * (1 + np.abs(wanted).max())
