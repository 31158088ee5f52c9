"""Genred and its relatives with NumPy arrays."""

import pickle

import numpy as np
import pytest

import keopsc
from keopsc.numpy import Genred, Pm, Vi, Vj, generic_argkmin, generic_argmin, generic_logsumexp, generic_sum

GAUSSIAN = ("Exp(-SqDist(x, y) / s) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(2)", "s = Pm(1)"])


def arguments(dtype=np.float64, m=6, n=8):
    random = np.random.default_rng(1)
    return [random.standard_normal(shape).astype(dtype) for shape in ((m, 3), (n, 3), (n, 2))] + [np.array([0.7], dtype)]


def pairs(x, y, b, s):
    return np.exp(-((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1) / s)[..., None] * b[..., None, :, :]


@pytest.mark.parametrize("dtype, tolerance", [(np.float16, 5e-3), (np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("axis", [0, 1])
def test_types_and_axes(dtype, tolerance, axis):
    given = arguments(dtype)
    result = Genred(*GAUSSIAN, axis=axis)(*given)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, pairs(*(a.astype(np.float64) for a in given)).sum(axis), rtol=tolerance, atol=10 * tolerance)


def test_mixed_types_have_the_most_precise_result():
    x, y, b, s = arguments()
    result = Genred(*GAUSSIAN, axis=1)(x, y.astype(np.float32), b, s)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, pairs(x, y.astype(np.float32), b, s).sum(1), rtol=1e-12)


def test_layouts_of_any_kind():
    x, y, b, s = arguments()
    expected = pairs(x, y, b, s).sum(1)
    genred = Genred(*GAUSSIAN, axis=1)
    padded = np.zeros((12, 6))
    padded[::2, ::2] = x
    unaligned = np.frombuffer(b"." + y.tobytes(), np.uint8)[1:].view(np.float64).reshape(y.shape)
    for given in (
        [np.asfortranarray(x), y, b, s],
        [padded[::2, ::2], y, b, s],
        [x[::-1], y, b, s],
        [x, unaligned, b, s],
        [x, y, b, np.array([[0.7]])],
    ):
        rows = slice(None, None, -1) if given[0].strides[0] < 0 else slice(None)
        np.testing.assert_allclose(genred(*given)[rows], expected, rtol=1e-13)
    readonly = x.copy()
    readonly.flags.writeable = False
    np.testing.assert_allclose(genred(readonly, y, b, s), expected, rtol=1e-13)


def test_integers_become_float64():
    result = Genred("x * y", ["x = Vi(1)", "y = Vj(1)"], axis=1)(np.arange(3)[:, None], np.arange(4)[:, None])
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result[:, 0], np.arange(3) * 6)


def test_complex_arrays():
    random = np.random.default_rng(0)
    x, y = (random.standard_normal((n, 2)) + 1j * random.standard_normal((n, 2)) for n in (4, 5))
    result = Genred("x * Exp(y)", ["x = Vi(2)", "y = Vj(2)"], axis=1)(x, y)
    np.testing.assert_allclose(result, (x[:, None] * np.exp(y)).sum(1), rtol=1e-13)


def test_batches_broadcast():
    random = np.random.default_rng(0)
    x, y, b = random.standard_normal((2, 1, 6, 3)), random.standard_normal((3, 8, 3)), random.standard_normal((1, 1, 8, 2))
    for s in (np.array([0.7]), random.uniform(0.5, 1, (2, 3, 1))):
        wide = np.broadcast_to(s, (2, 3, 1))[..., None]
        np.testing.assert_allclose(Genred(*GAUSSIAN, axis=1)(x, y, b, s), pairs(x, y, b, wide).sum(-2), rtol=1e-12, atol=1e-14)


def test_no_rows():
    x, y, b, s = arguments()
    genred = Genred(*GAUSSIAN, axis=1)
    np.testing.assert_array_equal(genred(x, y[:0], b[:0], s), np.zeros((6, 2)))
    assert genred(x[:0], y, b, s).shape == (0, 2)


def test_a_category_that_no_argument_has():
    assert Genred("x", ["x = Vj(2)"], axis=1)(np.ones((5, 2))).tolist() == [[5, 5]]
    assert Genred("p * 2", ["p = Pm(2)"], axis=0)(np.ones(2)).tolist() == [[2, 2]]


def test_aliases_of_all_kinds():
    x, y, b, s = arguments()
    expected = pairs(x, y, b, s).sum(1)
    formula = "Exp(-SqDist(x, Var(1,3,1)) / s) * b"
    for aliases in (["x=Vi(0,3)", "b = Vj(2, 2)", "s = Pm(3,1)"], ["s = Pm(3, 1)", " x = Var(0,3,0)", "b = Vj(2,2)"]):
        np.testing.assert_allclose(Genred(formula, aliases, axis=1)(x, y, b, s), expected, rtol=1e-13)


def test_libraries_have_what_is_called_alone():
    """The functions of single gradients would be compiled for nothing, beside that of all together."""
    program = Genred(*GAUSSIAN, axis=1).program
    program.compiled(("f32",) * 4)
    for derivative, name in ((program.gradient((0, 1), (0,)), "_together"), (program.gradient((0,), (0,)), "_r1")):
        assert list(derivative.compiled(("f32",) * 5).library.entries) == [name]


def test_old_results_of_lists():
    x, y, _, _ = arguments()
    distance = ((x[:, None] - y) ** 2).sum(-1)
    order = np.argsort(distance, 1, kind="stable")
    search = Genred("SqDist(x, y)", ["x = Vi(3)", "y = Vj(3)"], "KMin_ArgKMin", axis=1, opt_arg=3)
    values, numbers = search(x, y)
    np.testing.assert_array_equal(numbers, order[:, :3])
    np.testing.assert_allclose(values, np.sort(distance, 1)[:, :3], rtol=1e-13)
    assert Genred("x - y", ["x = Vi(3)", "y = Vj(3)"], "ArgKMin", axis=0, opt_arg=2)(x, y).shape == (8, 2, 3)


def test_weights():
    x, y, b, s = arguments()
    weighted = Genred("-SqDist(x, y)", ["x = Vi(3)", "y = Vj(3)", "w = Vj(2)"], "LogSumExp", axis=1, formula2="w")
    kernel = np.exp(-((x[:, None] - y) ** 2).sum(-1))
    np.testing.assert_allclose(weighted(x, y, b**2), np.log(kernel @ b**2), rtol=1e-12)
    mean = Genred("-SqDist(x, y)", ["x = Vi(3)", "y = Vj(3)", "w = Vj(2)"], "SumSoftMaxWeight", axis=1, formula2="w")
    np.testing.assert_allclose(mean(x, y, b), kernel @ b / kernel.sum(1, keepdims=True), rtol=1e-12)


def test_generic_reductions():
    x, y, b, s = arguments()
    distance = ((x[:, None] - y) ** 2).sum(-1)
    np.testing.assert_allclose(generic_sum("SqDist(x, y) * b", "a = Vi(2)", "x = Vi(3)", "y = Vj(3)", "b = Vj(2)")(x, y, b), distance @ b, rtol=1e-12)
    np.testing.assert_allclose(generic_logsumexp("SqDist(x, y)", "a = Vj(1)", "x = Vi(3)", "y = Vj(3)")(x, y)[:, 0], np.log(np.exp(distance).sum(0)))
    np.testing.assert_array_equal(generic_argmin("SqDist(x, y)", "a = Vi(1)", "x = Vi(3)", "y = Vj(3)")(x, y)[:, 0], distance.argmin(1))
    nearest = generic_argkmin("SqDist(x, y)", "a = Vi(3)", "x = Vi(3)", "y = Vj(3)")(x, y)
    np.testing.assert_array_equal(nearest, np.argsort(distance, 1)[:, :3])


#: Options, the statements of the formula file that they make, and between what the relative error of the sum below lies: a single rounding is at most 6e-8.
NUMERICS = [
    ({}, [], 0, 1e-6),
    ({"dtype_acc": "float64"}, ["accumulate = f64"], 0, 6e-8),
    ({"use_double_acc": True}, ["accumulate = f64"], 0, 6e-8),
    ({"sum_scheme": "kahan_scheme"}, ["sum = kahan"], 0, 6e-8),
    ({"products": "tf32"}, ["products = tf32"], 0, 1e-6),
    ({"products": "bf16", "dtype_acc": "float64"}, ["accumulate = f64", "products = bf16"], 0, 6e-8),
    ({"sum_scheme": "block_sum"}, ["sum = block"], 1e-6, 5e-5),
    ({"sum_scheme": "direct_sum", "enable_chunks": False, "use_fast_math": False, "rec_multVar_highdim": True}, ["sum = direct"], 5e-5, 1e-2),
]


@pytest.mark.parametrize("options, statements, least, most", NUMERICS)
def test_numerics(options, statements, least, most):
    """Ones beside a number to which float32 cannot add a single one."""
    terms = np.ones((100_000, 1), np.float32)
    terms[0] = 2**24
    genred = Genred("y", ["y = Vj(1)"], axis=1, **options)
    written = genred.program.text(("f32",)).splitlines()
    assert [line for line in written if line.startswith("numerics")] == [f"numerics {statement}" for statement in statements]
    exact = terms.astype(np.float64).sum()
    assert least <= abs(genred(terms)[0, 0] - exact) / exact <= most


def test_out_is_filled():
    x, y, b, s = arguments()
    out = np.empty((6, 2))
    assert Genred(*GAUSSIAN, axis=1)(x, y, b, s, out=out) is out
    np.testing.assert_allclose(out, pairs(x, y, b, s).sum(1), rtol=1e-13)
    with pytest.raises(ValueError, match=r"`out` has shape \(2, 6\), but the result has \(6, 2\)"):
        Genred(*GAUSSIAN, axis=1)(x, y, b, s, out=out.T)


def test_aliases_stay_as_they_were():
    aliases = list(GAUSSIAN[1])
    Genred(GAUSSIAN[0], aliases, axis=1)
    assert aliases == GAUSSIAN[1]


def test_pickling():
    given = arguments()
    genred = pickle.loads(pickle.dumps(Genred(*GAUSSIAN, axis=1)))
    np.testing.assert_allclose(genred(*given), pairs(*given).sum(1), rtol=1e-13)
    x, y, b, s = given
    kernel = pickle.loads(pickle.dumps((-((Vi(x) - Vj(y)) ** 2).sum(-1) / Pm(s)).exp()))
    np.testing.assert_allclose(kernel @ b, pairs(*given).sum(1), rtol=1e-13)


def test_threads_share_a_genred():
    from concurrent.futures import ThreadPoolExecutor

    genred = Genred(*GAUSSIAN, axis=1)
    given = [arguments() for _ in range(4)]
    for number, arrays in enumerate(given):
        arrays[0][:] += number
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda number: genred(*given[number % 4]), range(400)))
    for number, result in enumerate(results):
        np.testing.assert_allclose(result, pairs(*given[number % 4]).sum(1), rtol=1e-12)


WRONG_CALLS = [
    (lambda x, y, b, s: (x, y, b), r"4 arguments \(x = Vi\(3\), y = Vj\(3\), b = Vj\(2\), s = Pm\(1\)\), but 3 were given"),
    (lambda x, y, b, s: (x, y, b[:3], s), r"`y = Vj\(3\)` of shape \(8, 3\) and `b = Vj\(2\)` of shape \(3, 2\) both have a row for each j"),
    (lambda x, y, b, s: (x[:, :2], y, b, s), r"`x = Vi\(3\)` has shape \(6, 2\): 2 components where 3 are declared"),
    (lambda x, y, b, s: (x[0], y, b, s), r"`x = Vi\(3\)` has shape \(3,\), but its form is \(…, rows, components\)"),
    (lambda x, y, b, s: (np.stack([x, x]), np.stack([y] * 3), b, s), r"batch axes of `y = Vj\(3\)` of shape \(3, 8, 3\) do not broadcast"),
]


@pytest.mark.parametrize("wrong, message", WRONG_CALLS)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        Genred(*GAUSSIAN, axis=1)(*wrong(*arguments()))


WRONG_DECLARATIONS = [
    (lambda: Genred("x", ["x = Vk(3)"]), "'x = Vk\\(3\\)' is no alias"),
    (lambda: Genred("x", ["x = Vi(3)", "x = Vj(3)"]), "two aliases are called 'x'"),
    (lambda: Genred("x", ["x = Vi(0, 3)", "y = Vj(0, 3)"]), "has position 0"),
    (lambda: Genred("x", ["x = Vi(1, 3)"]), "no alias has position 0"),
    (lambda: Genred("x", ["x = Vi(3)"], "Summe"), "no reduction 'Summe'"),
    (lambda: Genred("x", ["x = Vi(3)"], axis=2), "axis is 2"),
    (lambda: Genred("x", ["x = Vi(3)"], "KMin"), "length of its lists"),
    (lambda: Genred("x", ["x = Vi(3)"], "SumSoftMaxWeight"), "needs weights"),
    (lambda: Genred("x", ["x = Vi(3)"], sum_scheme="exact"), "sum_scheme is 'exact'"),
    (lambda: Genred("x", ["x = Vi(3)"], products="fp16"), "products is 'fp16'; it may be 'auto', 'tf32', 'bf16'"),
    (lambda: generic_sum("x", "a = Pm(3)", "x = Vi(3)"), "has to be Vi"),
]


@pytest.mark.parametrize("wrong, message", WRONG_DECLARATIONS)
def test_wrong_declarations(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_a_wrong_formula_is_shown_where_it_is_wrong():
    with pytest.raises(keopsc.FormulaError, match="the dimensions of the arguments of `SqDist` do not fit together") as caught:
        Genred("SqDist(x, y)", ["x = Vi(3)", "y = Vj(2)"])(np.ones((4, 3)), np.ones((4, 2)))
    assert "^^^^" in str(caught.value) and "`x`: 3 components" in str(caught.value)


def test_text_is_never_executed():
    with pytest.raises(keopsc.FormulaError):
        Genred("__import__('os').system('true')", ["x = Vi(3)"])(np.ones((4, 3)))


def test_types_that_cannot_be_used():
    with pytest.raises(TypeError, match="an array of <U1 cannot be used"):
        Genred("x", ["x = Vi(1)"])(np.array([["a"]]))
