"""Layer 2: strides, batches, broadcasting, offsets, the caller's workspace."""

import ctypes

import numpy as np
import pytest

from formulas import GAUSS, gauss_arguments, gauss_conv
from keops import relative_error, tensor_of

M, N = 61, 83


def close(value, expected):
    return value.size == 0 or relative_error(value, expected) <= 40 * np.finfo(value.dtype).eps


@pytest.fixture
def gauss(compiled):
    return compiled(GAUSS, "gauss")


def padded(array):
    """The same values as every third row and every second column of a larger array."""
    large = np.full((3 * array.shape[0], 2 * array.shape[1]), np.nan, array.dtype)
    large[::3, ::2] = array
    return large[::3, ::2]


LAYOUTS = {
    "row-major": np.ascontiguousarray,
    "column-major": np.asfortranarray,
    "strided": padded,
    "rows reversed": lambda array: np.ascontiguousarray(array[::-1])[::-1],
    "all reversed": lambda array: np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_inputs(gauss, random, layout):
    """Bit for bit what contiguous copies give."""
    x, y, b, sigma = gauss_arguments(random, M, N)
    e = random.standard_normal((M, 1)).astype(np.float32)
    change = LAYOUTS[layout]
    assert np.array_equal(gauss.conv(change(x), change(y), change(b), sigma), gauss.conv(x, y, b, sigma))
    assert np.array_equal(gauss.conv_x(change(x), y, change(b), sigma, change(e)), gauss.conv_x(x, y, b, sigma, e))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_results(gauss, random, layout):
    x, y, b, sigma = gauss_arguments(random, M, N)
    e = np.ones((M, 1), np.float32)
    result = LAYOUTS[layout](np.full((M, 3), 77, np.float32))
    whole = result if result.base is None else result.base
    gauss.conv_x.call_into(x, y, b, sigma, e, result)
    assert np.array_equal(result, gauss.conv_x(x, y, b, sigma, e))
    if layout == "strided":
        assert np.isnan(whole).sum() == whole.size - result.size


def test_rows_that_are_all_the_same(gauss, random):
    """Stride 0 in an input."""
    x, y, b, sigma = gauss_arguments(random, M, N)
    same = np.broadcast_to(x[:1], x.shape)
    assert np.array_equal(gauss.conv(same, y, b, sigma), gauss.conv(same.copy(), y, b, sigma))


def test_byte_offset(gauss, random):
    x, y, b, sigma = gauss_arguments(random, M, N)
    tensor = tensor_of(x[5:])
    tensor.data, tensor.byte_offset = x.ctypes.data, 5 * 3 * 4
    result = np.empty((M - 5, 1), np.float32)
    gauss.conv.call_into(tensor, y, b, sigma, result)
    assert np.array_equal(result, gauss.conv(x[5:], y, b, sigma))


def test_strides_may_be_null(gauss, random):
    x, y, b, sigma = gauss_arguments(random, M, N)
    tensor = tensor_of(x)
    tensor.strides = None
    result = np.empty((M, 1), np.float32)
    gauss.conv.call_into(tensor, y, b, sigma, result)
    assert np.array_equal(result, gauss.conv(x, y, b, sigma))


# Batch shapes of x, y, b and sigma.
BATCHES = [
    ((4,), (4,), (4,), (4,)),
    ((4,), (), (), ()),
    ((), (), (4,), ()),
    ((), (), (), (4,)),
    ((4, 1), (5,), (4, 5), ()),
    ((2, 1, 3), (1, 4, 1), (3,), (2, 4, 3)),
    ((0,), (1,), (), ()),
]


@pytest.mark.parametrize("batches", BATCHES, ids=str)
def test_batches(gauss, random, batches):
    rows = [(M, 3), (N, 3), (N, 1), (1,)]
    arguments = [random.random((*batch, *own)).astype(np.float32) + 0.1 for batch, own in zip(batches, rows)]
    value = gauss.conv(*arguments)
    assert value.shape == (*np.broadcast_shapes(*batches), M, 1)
    assert close(value, gauss_conv(*arguments))


@pytest.mark.parametrize("threads", [1, 3])
def test_batch_elements_are_what_single_calls_give(gauss, random, threads):
    x, y = (random.random((6, rows, 3)).astype(np.float32) for rows in (M, N))
    assert np.array_equal(gauss.nn(x, y, threads=threads), np.stack([gauss.nn(u, v) for u, v in zip(x, y)]))


def test_gradients_of_broadcast_results(gauss, random):
    """The gradient in y has y's rows; the gradient in a parameter its shape."""
    x, y, b, sigma = gauss_arguments(random, M, N)
    e = random.standard_normal((M, 1)).astype(np.float32)
    difference = x[:, None, :].astype(float) - y[None]
    squared = (difference**2).sum(-1)
    weighted = np.exp(-squared / 0.7**2) * e * b[:, 0]
    assert close(gauss.conv_x(x, y, b, sigma, e), (-2 / 0.7**2 * weighted[..., None] * difference).sum(axis=1))
    assert close(gauss.conv_y(x, y, b, sigma, e), (2 / 0.7**2 * weighted[..., None] * difference).sum(axis=0))
    assert close(gauss.conv_s(x, y, b, sigma, e).reshape(-1), [(weighted * squared).sum() * 2 / 0.7**3])


def test_own_workspace(gauss, random):
    x, y, b, sigma = gauss_arguments(random, 700, 900)
    arguments = (x, y, b, sigma)
    wanted = gauss.conv(*arguments, threads=2)
    result = np.empty((700, 1), np.float32)
    size = gauss.conv.workspace(*arguments, result, threads=2)
    assert size > 0
    for given in (size, 0, size // 2):
        result[:] = 77
        memory = ctypes.create_string_buffer(max(given, 1))
        gauss.conv.call_into(*arguments, result, threads=2, workspace=ctypes.addressof(memory), workspace_size=given)
        assert np.array_equal(result, wanted), given


def test_larger_struct_of_a_later_version(gauss, random):
    """A caller that knows more fields than the library is served."""
    x, y, b, sigma = gauss_arguments(random, M, N)
    result = np.empty((M, 1), np.float32)
    gauss.conv.call_into(x, y, b, sigma, result, struct_size=4096)
    assert np.array_equal(result, gauss.conv(x, y, b, sigma))


def test_sizes_that_no_tensor_tells(compiled):
    library = compiled("y = Vj(2); out s = Sum[j](SqNorm2(y))", "no_i")
    y = np.arange(10, dtype=np.float32).reshape(5, 2)
    wanted = np.full((3, 1), (y**2).sum())
    assert np.array_equal(library.s.plain(3, 5, y), wanted)
    result = np.empty((3, 1), np.float32)
    library.s.call_into(y, result)
    assert np.array_equal(result, wanted)


def test_ranges(gauss, random):
    """Block-sparse: each block of rows has its list of column blocks; rows in no block get the neutral element."""
    x, y, b, sigma = gauss_arguments(random, M, N)
    mask = np.zeros((M, N))
    mask[10:30, 0:5] = mask[10:30, 40:83] = mask[30:55, 20:21] = 1
    rows_i, ends_i, columns_j = [[10, 30], [30, 55]], [2, 3], [[0, 5], [40, 83], [20, 21]]
    # The same seen from j.
    rows_j, ends_j, columns_i = [[0, 5], [20, 21], [40, 83]], [1, 2, 3], [[10, 30], [30, 55], [10, 30]]
    ranges = [np.array(part, np.int64) for part in (rows_i, ends_i, columns_j, rows_j, ends_j, columns_i)]

    difference = x[:, None, :].astype(float) - y[None]
    weighted = mask * np.exp(-(difference**2).sum(-1) / 0.7**2)
    e = random.standard_normal((M, 1)).astype(np.float32)
    conv, conv_y = np.empty((M, 1), np.float32), np.empty((N, 3), np.float32)
    for threads in (1, 3):
        gauss.conv.call_into(x, y, b, sigma, conv, ranges=ranges, threads=threads)
        assert close(conv, weighted @ b)
        gauss.conv_y.call_into(x, y, b, sigma, e, conv_y, ranges=ranges, threads=threads)
        assert close(conv_y, (2 / 0.7**2 * (weighted * e * b[:, 0])[..., None] * difference).sum(axis=0))


def test_fused(compiled, random):
    """Several results from one pass over the pairs."""
    library = compiled(
        """
        x = Vi(3); y = Vj(3); b = Vj(1)
        K = Exp(-SqDist(x, y))
        fused both {
          out value = Sum[j](K * b)
          out nearest = ArgMin[j](SqDist(x, y))
        }
        out alone = Sum[j](K * b)
        """,
        "fused",
    )
    x, y, b, _ = gauss_arguments(random, M, N)
    value, nearest = library.both(x, y, b)
    assert close(value, gauss_conv(x, y, b, [1.0]))
    assert np.array_equal(value, library.alone(x, y, b))
    assert np.array_equal(nearest[:, 0], ((x[:, None].astype(float) - y[None]) ** 2).sum(-1).argmin(axis=1))
