"""What LazyTensors are made of, their attributes, errors, products, complex numbers and options, with NumPy."""

import pickle

import numpy as np
import pytest

from keopsc.numpy import ComplexLazyTensor, LazyTensor, Pm, Var, Vi, Vj
from keopsc.program import Numerics


def points(m=6, n=8, d=3):
    random = np.random.default_rng(2)
    return random.standard_normal((m, d)), random.standard_normal((n, d))


def gaussian(x, y):
    return (-((LazyTensor(x[:, None, :]) - LazyTensor(y[None, :, :])) ** 2).sum(-1)).exp()


def gaussian_in_full(x, y):
    return np.exp(-((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1))


def test_what_a_lazytensor_is_made_of():
    x, y = points()
    for same, axis in [(LazyTensor(x[:, None, :]), 0), (LazyTensor(x, axis=0), 0), (Vi(x), 0), (Var(x, None, 0), 0), (Vj(y), 1), (Pm(x[0]), 2)]:
        assert same.axis == axis and same.ndim == 3
    assert Vi(x).shape == (6, 1, 3) and Vj(y).shape == (1, 8, 3) and Pm(x[0]).shape == (1, 1, 3)
    assert LazyTensor(2.5).shape == (1, 1) and LazyTensor([1.0, 2.0]).shape == (1, 1, 2) and LazyTensor(7).shape == (1, 1)
    assert LazyTensor(np.ones((4, 6, 1, 3))).shape == (4, 6, 1, 3) and LazyTensor(np.ones((4, 1, 6, 3))).batchdims == (4,)
    assert Vi(x).dtype == np.float64 and Vi(x.astype(np.float32)).dtype == np.float32


WRONG_CONSTRUCTIONS = [
    (lambda x: LazyTensor(x), "needs axis=0"),
    (lambda x: LazyTensor(x, axis=3), "needs axis=0"),
    (lambda x: Vi(x[:, 0]), r"for a number in each row, with axis=0, give it the shape \(\d+, 1\)"),
    (lambda x: LazyTensor(x[0], axis=1), "is a parameter"),
    (lambda x: LazyTensor(np.ones((2, 3, 4))), r"neither \(…, M, 1, D\)"),
    (lambda x: LazyTensor((0, 3)), "position, dim, category"),
    (lambda x: LazyTensor((0, 3, 4)), "category 0, 1 or 2"),
    (lambda x: LazyTensor([1.0], axis=0), "a list of numbers is a parameter"),
]


@pytest.mark.parametrize("wrong, message", WRONG_CONSTRUCTIONS)
def test_wrong_constructions(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(points()[0])


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="not of builtins.str"):
        LazyTensor("x")


WRONG_OPERATIONS = [
    (lambda x, y: Vi(x) + Vi(x[:2]), r"shapes \(6, 1, 3\) and \(2, 1, 3\): 6 and 2 rows for the index i"),
    (
        lambda x, y: Vi(x) + Vj(y[:, :2]),
        r"\+: the numbers of components have to be equal, or 1; the operands have the shapes \(6, 1, 3\), \(1, 8, 2\)",
    ),
    (lambda x, y: Vi(x).elem(3), r"component 3 of a LazyTensor of shape \(6, 1, 3\)"),
    (lambda x, y: Vi(x)[0:9:2], "no steps"),
    (lambda x, y: Vi(x).extract(1, 3), "components 1 to 3"),
    (lambda x, y: Vi(x) @ y, "is no matrix: each entry has 3 components"),
    (lambda x, y: Vi(x).sum(axis=5), r"axis 0 \(i\) or 1 \(j\), not 5"),
    (lambda x, y: LazyTensor(np.ones((2, 6, 1, 3))).min(axis=0), "is a batch axis"),
    (lambda x, y: bool(Vi(x) == Vj(y)), "neither true nor false"),
    (lambda x, y: Vi(np.ones((2, 6, 3))) + Vj(np.ones((3, 8, 3))), "do not broadcast"),
    (lambda x, y: Vi(x).one_hot(4), "one_hot is for single numbers"),
    (lambda x, y: LazyTensor.concatenate(()), "at least one"),
    (lambda x, y: (Vi(x) | Vj(y)).exp1j().tanh(), "not defined for complex"),
    (lambda x, y: (Vi(x) | Vj(y)).sum_reduction(axis=2), "is over i or j"),
]


@pytest.mark.parametrize("wrong, message", WRONG_OPERATIONS)
def test_wrong_operations(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(*points())


NO_SEQUENCES = [(list, r"K\[k\] is component k"), (sum, "not iterated over"), (lambda K: 1.0 in K, "not iter"), (np.asarray, "no array")]


@pytest.mark.parametrize("ask, message", NO_SEQUENCES)
def test_symbolic_tensors_are_no_sequences_of_numbers(ask, message):
    with pytest.raises(TypeError, match=message):
        ask(gaussian(*points()))


def test_errors_are_of_the_line_with_the_operator():
    """Not of a later one, in which the formula is reduced and compiled."""
    x, y = points()

    def program():
        product = Vi(x) * Vj(y)
        wrong = product + Vi(y)
        return wrong.sum(1)

    with pytest.raises(ValueError) as caught:
        program()
    lines = [str(entry.statement).strip() for entry in caught.traceback if str(entry.path) == __file__]
    assert lines[-1] == "wrong = product + Vi(y)"


def test_unknown_options_are_refused():
    x, y = points()
    with pytest.raises(TypeError, match="there is no option colour"):
        gaussian(x, y).sum(1, colour="red")
    with pytest.raises(ValueError, match="backend is 'TPU'"):
        gaussian(x, y).sum(1, backend="TPU")


def test_options_of_keops_are_known():
    x, y = points()
    options = {"backend": "CPU", "device_id": 0, "dtype_acc": "float64", "sum_scheme": "kahan_scheme", "products": "tf32", "enable_chunks": False, "use_fast_math": False}
    np.testing.assert_allclose(gaussian(x, y).sum(1, **options)[:, 0], gaussian_in_full(x, y).sum(1))
    waiting = gaussian(x, y).sum(1, call=False, **options)
    assert waiting.program.numerics == Numerics(sum="kahan", accumulate="f64", products="tf32")
    assert waiting.options == {"backend": "CPU", "device_id": 0}
    out = np.empty((6, 1))
    assert gaussian(x, y).sum(axis=1, out=out) is out
    np.testing.assert_allclose(out[:, 0], gaussian_in_full(x, y).sum(1))


def test_products():
    x, y = points()
    kernel, full = gaussian(x, y), gaussian_in_full(x, y)
    random = np.random.default_rng(0)
    v, w = random.standard_normal(8), random.standard_normal((8, 5))
    np.testing.assert_allclose(kernel @ v, full @ v)
    np.testing.assert_allclose(kernel @ w, full @ w)
    np.testing.assert_allclose(kernel.T @ (full @ w), full.T @ full @ w)
    np.testing.assert_allclose(kernel.t().T @ w, full @ w)
    assert kernel.T.shape == (8, 6) and (kernel @ v).shape == (6,)
    np.testing.assert_allclose(kernel.__matmul__(w, sum_scheme="kahan_scheme"), full @ w)


def test_products_with_batches():
    random = np.random.default_rng(0)
    x, y, w = random.standard_normal((2, 1, 6, 3)), random.standard_normal((3, 8, 3)), random.standard_normal((8, 2))
    kernel = (-((LazyTensor(x[..., :, None, :]) - LazyTensor(y[..., None, :, :])) ** 2).sum(-1)).exp()
    assert kernel.shape == (2, 3, 6, 8)
    np.testing.assert_allclose(kernel @ w, gaussian_in_full(x, y) @ w)
    np.testing.assert_allclose(kernel.dense(), gaussian_in_full(x, y))


def test_linear_operators_of_scipy():
    linalg = pytest.importorskip("scipy.sparse.linalg")
    x, _ = points(20)
    operator = linalg.aslinearoperator(gaussian(x, x))
    full = gaussian_in_full(x, x)
    v = np.random.default_rng(0).standard_normal(20)
    np.testing.assert_allclose(operator.matvec(v), full @ v)
    np.testing.assert_allclose(operator.rmatvec(v), full @ v)
    np.testing.assert_allclose(linalg.eigsh(operator, k=3)[0], np.linalg.eigvalsh(full)[-3:])


def test_all_values():
    x, y = points()
    np.testing.assert_allclose(gaussian(x, y).dense(), gaussian_in_full(x, y))
    np.testing.assert_allclose((Vi(x) - Vj(y)).dense(), x[:, None] - y)
    np.testing.assert_allclose((Vi(x) - Pm(y[0])).dense(), (x - y[0])[:, None])


def test_sums_over_several_axes():
    x, y = points()
    full = x[:, None] * y
    lazy = Vi(x) * Vj(y)
    np.testing.assert_allclose(lazy.sum((0, 1)), full.sum((0, 1)))
    np.testing.assert_allclose(lazy.sum((1, 2))[:, 0], full.sum((1, 2)))
    np.testing.assert_allclose(lazy.sum((0, 1, -1))[0], full.sum())


def test_rows_can_be_chosen():
    x, y = points()
    full = gaussian_in_full(x, y)
    for i, j in [(slice(1, 4), slice(None)), (slice(None), np.array([3, 0, 5])), (slice(None, None, 2), slice(2, 7)), (2, slice(None))]:
        chosen = full[i if not isinstance(i, int) else slice(i, i + 1)][:, j]
        assert gaussian(x, y)[i, j].shape == chosen.shape
        np.testing.assert_allclose(gaussian(x, y)[i, j].dense(), chosen)
    np.testing.assert_allclose((Vi(x) * Vj(y))[1:3, ..., 1].dense(), (x[1:3, None] * y)[..., 1])
    np.testing.assert_allclose((Vi(x) * Vj(y))[:, :, 0:2].sum(1), (x[:, None] * y)[..., :2].sum(1))


def test_one_row_is_still_a_row():
    x, y = points(1, 5)
    assert gaussian(x, y).shape == (1, 5)
    np.testing.assert_allclose(gaussian(x, y) @ np.ones(5), gaussian_in_full(x, y).sum(1))
    np.testing.assert_allclose(gaussian(x, y[:1]).sum(0), gaussian_in_full(x, y[:1]).sum(0)[:, None])


def test_numbers_do_not_change_the_formula():
    from keopsc import reduced

    x, y = points()
    (Vi(x) * 0.25 * Vj(y)).sum(1)
    programs = len(reduced._programs)
    for number in (0.5, 0.75, np.float64(2.0), np.float32(3)):
        np.testing.assert_allclose((Vi(x) * number * Vj(y)).sum(1), (x[:, None] * number * y).sum(1))
    assert len(reduced._programs) == programs


def test_integers_are_exact_constants():
    x = np.ones((2, 1))
    assert (Vi(x) * 16777217).sum(1)[0, 0] == 16777217
    assert ((Vi(x) + 0) / 3).sum(1)[0, 0] == 1 / 3


def test_the_same_array_is_one_variable():
    x, _ = points()
    assert len((Vi(x) * Vi(x)).inputs) == 1 and len((Vi(x) * Vj(x)).inputs) == 2
    np.testing.assert_allclose((Vi(x) - Vj(x)).sum(1), (x[:, None] - x).sum(1), atol=1e-12)


def test_symbolic_arguments():
    x, y = points()
    kernel = (-((Vi(0, 3) - Vj(1, 3)) ** 2).sum(-1) * Pm(2, 1)).exp()
    assert sorted(kernel.symbolic_variables) == [(0, 3, 0), (1, 3, 1), (2, 1, 2)]
    reduction = kernel.sum(axis=1)
    np.testing.assert_allclose(reduction(x, y, np.array([2.0]))[:, 0], (gaussian_in_full(x, y) ** 2).sum(1))
    half = (Vi(x) - Vj(0, 3)).abs().sum(-1) * 0.5
    np.testing.assert_allclose(half.min(axis=1)(y)[:, 0], (abs(x[:, None] - y).sum(-1) / 2).min(1))
    with pytest.raises(ValueError, match="needs arguments up to position 2"):
        reduction(x, y)


def test_reductions_can_wait():
    x, y = points()
    waiting = gaussian(x, y).logsumexp(axis=1, call=False)
    np.testing.assert_allclose(waiting()[:, 0], np.log(np.exp(gaussian_in_full(x, y)).sum(1)))


def test_ranges():
    from keopsc.numpy.cluster import from_matrix

    x, y = points()
    ranges = from_matrix(np.array([[0, 2], [2, 6]]), np.array([[0, 3], [3, 8]]), np.array([[True, False], [True, True]]))
    full = gaussian_in_full(x, y)
    full[:2, 3:] = 0
    kernel = gaussian(x, y)
    np.testing.assert_allclose(kernel.sum(1, ranges=ranges)[:, 0], full.sum(1))
    kernel.ranges = ranges
    np.testing.assert_allclose(kernel @ np.ones(8), full.sum(1))
    np.testing.assert_allclose(kernel.T @ np.ones(6), full.sum(0))
    np.testing.assert_allclose((2 * kernel).sum(0)[:, 0], 2 * full.sum(0))


def test_calculus():
    x, y = points()
    kernel = (-((Vi(x) - Vj(y)) ** 2).sum(-1)).exp()
    full = gaussian_in_full(x, y)
    difference = x[:, None] - y
    np.testing.assert_allclose(kernel.grad(Vi(x), 1).sum(1), (-2 * difference * full[..., None]).sum(1))
    np.testing.assert_allclose(kernel.diff(Vi(x), Pm(np.ones(3))).sum(1), (-2 * difference * full[..., None]).sum(1).sum(-1, keepdims=True))
    np.testing.assert_allclose(kernel.grad_matrix(Vi(x)).sum(1), (-2 * difference * full[..., None]).sum(1))
    laplacian = ((4 * (difference**2).sum(-1) - 6) * full).sum(1)
    np.testing.assert_allclose(kernel.laplacian(Vi(x)).sum(1)[:, 0], laplacian)
    np.testing.assert_allclose(kernel.grad(Vi(x), 1).divergence(Vi(x)).sum(1)[:, 0], laplacian)
    v = Var(0, 3, 2)
    np.testing.assert_allclose((v * Vi(x) * Vj(y)).trace_operator(v).sum(1)[:, 0], (x[:, None] * y).sum((1, 2)))
    np.testing.assert_allclose(kernel.factorize(Vi(x)).auto_factorize().sum(1)[:, 0], full.sum(1))


def test_complex_numbers():
    random = np.random.default_rng(0)
    z, w = (random.standard_normal((n, 2)) + 1j * random.standard_normal((n, 2)) for n in (4, 5))
    r = random.standard_normal((5, 2))
    a, b, c = LazyTensor(z[:, None, :]), ComplexLazyTensor(w[None, :, :]), Vj(r)
    assert isinstance(a, ComplexLazyTensor) and isinstance(a, LazyTensor) and a.shape == (4, 1, 2) and a.dtype == np.complex128
    za, wb, rc = z[:, None], w[None], r[None]
    cases = {
        "sum": (a + b, za + wb),
        "difference": (a - c, za - rc),
        "reversed": (c - a, rc - za),
        "product": (a * b, za * wb),
        "real factor": (c * a, rc * za),
        "scalar": (a * 2.5 + 1, za * 2.5 + 1),
        "imaginary scalar": (a * 1j, za * 1j),
        "quotient": (a / b, za / wb),
        "real divisor": (a / (c * c + 1), za / (rc * rc + 1)),
        "reciprocal": (1 / b, 1 / wb),
        "exp": ((a * b).exp(), np.exp(za * wb)),
        "log": (b.log(), np.log(wb)),
        "sqrt": (b.sqrt(), np.sqrt(wb)),
        "power": (b**3, wb**3),
        "square": (b.square(), wb**2),
        "conj": (a.conj() * b, za.conj() * wb),
        "negative": (-b, -wb),
        "item": (a[1] * b[0], za[..., 1:2] * wb[..., 0:1]),
        "inner sum": ((a * b).sum(-1), (za * wb).sum(-1, keepdims=True)),
        "exp1j": (c.exp1j() * a, np.exp(1j * rc) * za),
        "imag2complex": (c.imag2complex() + a, 1j * rc + za),
        "real": ((a * b).real, (za * wb).real),
        "imag": ((a * b).imag, (za * wb).imag),
        "abs": (abs(a * b), abs(za * wb)),
        "angle": ((a * b).angle(), np.angle(za * wb)),
    }
    for name, (lazy, full) in cases.items():
        value = lazy.sum(1)
        assert value.dtype == full.dtype, name
        np.testing.assert_allclose(value, full.sum(1), rtol=1e-12, err_msg=name)
    v = random.standard_normal(5) + 1j * random.standard_normal(5)
    np.testing.assert_allclose((a[0] * b[1]) @ v, (z[:, :1] * w[:, 1]) @ v)
    np.testing.assert_allclose(c[0].exp1j().sum(1), np.exp(1j * r[:, :1]).sum(0)[None])


def test_pickling_keeps_variables_apart_and_together():
    x, y = points()
    kernel = pickle.loads(pickle.dumps(gaussian(x, y) * 2.5))
    np.testing.assert_allclose(kernel.sum(1)[:, 0], 2.5 * gaussian_in_full(x, y).sum(1))
    np.testing.assert_allclose((kernel / kernel).sum(1)[:, 0], 8.0)


def test_a_long_chain_of_operations():
    x, y = points()
    total = Vi(x) * 0
    for _ in range(300):
        total = total * 0.5 + Vj(y)
    np.testing.assert_allclose(total.sum(1), np.broadcast_to(2 * y.sum(0), (6, 3)))
