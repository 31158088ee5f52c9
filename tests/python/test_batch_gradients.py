"""Gradients in inputs that several batch elements share are added up inside the library, in a fixed order."""

import numpy as np
import pytest

from keops import CallError, SHAPE

M, N, D = 19, 23, 2

TEXT = """
x = Vi(2)
y = Vj(2)
b = Vj(1)
s = Pm(1)
v = Sum[j](Exp(-s * SqDist(x, y)) * b)
out v_x = Grad(v, x)
out v_y = Grad(v, y)
out v_b = Grad(v, b)
out v_s = Grad(v, s)
out shifted = Grad(v, x) + x
out value = Sum[j](Exp(-s * SqDist(x, y)) * b)
"""

GRADIENTS = {"v_x": 0, "v_y": 1, "v_b": 2, "v_s": 3}

# Batch shapes of x, y, b, s and the cotangent.
BATCHES = {
    "x shared": [(), (5,), (5,), (5,), (5,)],
    "all but the cotangent shared": [(), (), (), (), (6,)],
    "axes of one": [(1, 4), (3, 4), (3, 1), (1, 1), (3, 4)],
    "missing and of one": [(4,), (2, 1, 1), (1,), (2, 3, 1), (2, 3, 4)],
    "the cotangent shared": [(3,), (1,), (3,), (), ()],
    "nothing shared": [(2,), (2,), (2,), (2,), (2,)],
    "no batch elements": [(), (0,), (0,), (1,), (0,)],
}


def arguments(random, shapes, dtype):
    own = [(M, D), (N, D), (N, 1), (1,), (M, 1)]
    arrays = [random.standard_normal((*batch, *shape)).astype(dtype) for batch, shape in zip(shapes, own, strict=True)]
    arrays[3] = np.abs(arrays[3]) + dtype(0.1)
    return arrays


def summed_to(array, shape):
    """NumPy's sum of an array over the axes that `shape` lacks or has once."""
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    axes = tuple(axis for axis, extent in enumerate(shape) if extent == 1 and array.shape[axis] != 1)
    return array.sum(axis=axes, keepdims=True)


@pytest.mark.parametrize("batches", BATCHES)
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_have_the_shape_of_their_inputs(compiled, random, name, batches):
    library = compiled(TEXT, "shared")
    given = arguments(random, BATCHES[batches], np.float32)
    entry = getattr(library, name)
    each = entry(*given)
    added = entry(*given, add_up=True)
    assert added.shape == given[GRADIENTS[name]].shape
    expected = summed_to(each.astype(np.float64), added.shape)
    scale = max(1.0, float(np.abs(each).sum()))
    assert np.allclose(added, expected, rtol=0, atol=1e-6 * scale)
    for threads in (1, 2, 5):
        assert np.array_equal(entry(*given, threads=threads, add_up=True), added)


def test_the_sum_is_a_tree_of_its_own_accuracy(compiled, random):
    """Many equal elements: a running float32 sum would be off in the fourth digit."""
    library = compiled(TEXT, "shared")
    x, y, b, s, e = arguments(random, [(), (), (), (), (1,)], np.float32)
    e = np.broadcast_to(e, (100_000, M, 1))
    one = library.v_s(x, y, b, s, e[:1])[0]
    added = library.v_s(x, y, b, s, e, add_up=True)
    assert np.allclose(added, 100_000 * one.astype(np.float64), rtol=3e-6)


def test_half_precision_is_rounded_once(compiled, random):
    text = "dtype f16\n" + TEXT.replace("out v_y", "# out v_y").replace("out shifted", "# out shifted")
    library = compiled(text, "halves")
    given = arguments(random, [(), (9,), (9,), (), (9,)], np.float16)
    added = library.v_x(*given, add_up=True)
    wide = compiled(TEXT, "shared").v_x(*[array.astype(np.float32) for array in given], add_up=True)
    assert added.dtype == np.float16
    assert np.array_equal(added, wide.astype(np.float16))


def test_results_may_have_any_strides(compiled, random):
    library = compiled(TEXT, "shared")
    given = arguments(random, BATCHES["axes of one"], np.float32)
    expected = library.v_x(*given, add_up=True)
    memory = np.full((4, 1, D, 2 * M), 77, np.float32)
    strided = memory[:, :, ::-1, ::2].transpose(1, 0, 3, 2)
    library.v_x.call_into(*given, strided)
    assert np.array_equal(strided, expected)
    assert (memory[..., 1::2] == 77).all()


def test_only_what_is_shared_is_added_up(compiled, random):
    """An axis that the input has cannot be left out, nor can a result that is more than a gradient be added up."""
    library = compiled(TEXT, "shared")
    given = arguments(random, [(3,), (3,), (3,), (3,), (3,)], np.float32)
    with pytest.raises(CallError, match=r"expected shape \(3, 19, 2\), given shape \(19, 2\)") as error:
        library.v_x.call_into(*given, np.zeros((M, D), np.float32))
    assert error.value.status == SHAPE
    shared = arguments(random, [(), (3,), (3,), (3,), (3,)], np.float32)
    with pytest.raises(CallError, match=r"expected shape \(3, 19, 2\) or, added up over the batch, that of x \(19, 2\), given shape \(2, 19, 2\)"):
        library.v_x.call_into(*shared, np.zeros((2, M, D), np.float32))
    for name, given in (("shifted", shared), ("value", shared[:4])):
        entry = getattr(library, name)
        result = np.full((M, entry.results[0]["shape"][0]), 77, np.float32)
        with pytest.raises(CallError, match=r"expected shape \(3, 19, \d\), given shape \(19, \d\)"):
            entry.call_into(*given, result)
        assert (result == 77).all()


def test_the_callers_workspace_is_large_enough(compiled, random):
    library = compiled(TEXT, "shared")
    given = arguments(random, BATCHES["x shared"], np.float32)
    result = np.zeros((M, D), np.float32)
    size = library.v_x.workspace(*given, result, threads=1)
    memory = np.full(size + 64, 77, np.uint8)
    library.v_x.call_into(*given, result, threads=1, workspace=memory.ctypes.data, workspace_size=size)
    assert np.array_equal(result, library.v_x(*given, add_up=True))
    assert (memory[size:] == 77).all()
    assert (memory[:size] != 77).any()
