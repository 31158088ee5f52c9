"""Derivatives of reductions that choose columns, and of products: compiled code against NumPy in float64."""

import numpy as np
import pytest

from keops import distance_in_ulps

DTYPES = {"f32": np.float32, "f64": np.float64}
SIZES = [(0, 5), (5, 0), (1, 1), (1, 1000), (49, 2), (100, 49), (300, 700)]

# Each reduction of a product of three inputs of three components, its row numbers, and its gradients.
SOURCE = """
x = Vi(3)
y = Vj(3)
w = Pm(1)
p = w * x * y
lo = Min[R](p)
hi = Max[R](p)
few = KMin[R, K=5](p)
many = KMax[R, K=5](p)
out lo_at = ArgMin[R](p)
out hi_at = ArgMax[R](p)
out few_at = ArgKMin[R, K=5](p)
out many_at = ArgKMax[R, K=5](p)
""" + "\n".join(f"out {name}_{variable} = Grad({name}, {variable})" for name in ("lo", "hi", "few", "many") for variable in "xyw")


def chosen(at, e, columns):
    """The cotangents `e` of values that stand at the columns `at`, both (rows, K * 3), as (rows, columns, 3)."""
    rows, dim = len(at), 3
    at, e = (array.reshape(rows, array.shape[1] // dim, dim) for array in (at, e))
    return (e[:, :, None, :] * (at[:, :, None, :] == np.arange(columns)[None, None, :, None])).sum(axis=1)


def expected_gradients(cotangents, x, y, w):
    """What flows to x, y and w from cotangents of w * x * y, (i, j, 3); and how much is added up."""
    def flow(c, x, y, w):
        by_x, by_y = (c * w * y[None]).sum(1), (c * w * x[:, None]).sum(0)
        return {"x": by_x, "y": by_y, "w": (c * x[:, None] * y[None]).sum().reshape(1, 1)}

    return flow(cotangents, x, y, w), flow(np.abs(cotangents), np.abs(x), np.abs(y), np.abs(w))


def check(library, names, over, m, n, x, y, w, random, call):
    """The gradients of the reductions of these names."""
    wide = [array.astype(np.float64) for array in (x, y, w)]
    for name in names:
        at = call(f"{name}_at", x, y, w)
        e = random.uniform(-1, 1, at.shape).astype(x.dtype)
        cotangents = chosen(at, e.astype(np.float64), n if over == "j" else m)
        if over == "i":
            cotangents = cotangents.transpose(1, 0, 2)
        expected, terms = expected_gradients(cotangents, *wide)
        for variable in "xyw":
            found = call(f"{name}_{variable}", x, y, w, e)
            assert distance_in_ulps(found, expected[variable], 1e-30 + terms[variable]) < 20, (name, variable)


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize("over", ["i", "j"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_reach_the_chosen_columns(compiled, random, dtype, over, m, n):
    library = compiled(f"dtype {dtype}" + SOURCE.replace("[R", f"[{over}"), "chosen")
    x, y, w = (random.uniform(-1, 1, shape).astype(DTYPES[dtype]) for shape in ((m, 3), (n, 3), (1, 1)))
    call = lambda name, *arrays: library.entries[name].plain(m, n, *arrays)  # noqa: E731
    check(library, ["lo", "hi", "few", "many"], over, m, n, x, y, w, random, call)
