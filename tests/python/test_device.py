"""Calls whose tensors are in a GPU's memory, against the CPU's results of the same library."""

import hashlib
import json
import subprocess

import numpy as np
import pytest

import test_batch_gradients as shared
import test_ranges as sparse
from device import Gpu, driver, environment, on_gpu
from formulas import GAUSS
from keops import BINARY, RANGES, CallError, relative_error, tensor_of
from test_complex import complex_numbers
from test_reductions import SOURCE
from test_tensors import LAYOUTS

SIZES = [0, 1, 2, 127, 128, 129, 255, 257, 511, 513, 1000]


@pytest.fixture(scope="module")
def gpu():
    return Gpu(0)


@pytest.fixture(scope="module")
def gauss(compiled_for_gpus):
    return compiled_for_gpus(GAUSS, "gauss")


def on_a_grid(random, shape, dtype=np.float32):
    """Multiples of 1/8: sums and products of a few of them are exact, whatever is fused."""
    return (random.integers(-8, 9, shape) / 8).astype(dtype)


def gauss_inputs(random, m, n, dtype=np.float32):
    """x, y, b and sigma. Sums of what is positive are as accurate as their terms."""
    x, y = on_a_grid(random, (m, 3), dtype), on_a_grid(random, (n, 3), dtype)
    return x, y, positive(random, (n, 1), dtype), np.array([0.7], dtype)


def positive(random, shape, dtype=np.float32):
    return random.uniform(0.25, 1, shape).astype(dtype)


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def tolerance(dtype):
    return {np.float16: 1e-3, np.float32: 3e-6, np.float64: 1e-13}[np.zeros(0, dtype).real.dtype.type]


def agree(found, expected, what=""):
    """Row numbers are equal, numbers close; where they are not finite they are the same."""
    if isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            agree(one, other, what)
        return
    assert found.dtype == expected.dtype and found.shape == expected.shape, what
    if found.dtype.kind == "i":
        assert np.array_equal(found, expected), what
        return
    finite = np.isfinite(expected)
    assert np.array_equal(found[~finite], expected[~finite], equal_nan=True), what
    if finite.any():
        wide = np.result_type(found.dtype, np.float64)
        one, other = found[finite].astype(wide), expected[finite].astype(wide)
        # Sums of many terms cancel; what is left is not more accurate than they are.
        assert np.linalg.norm(one - other) <= tolerance(found.dtype) * (np.linalg.norm(other) + 0.1 * np.sqrt(one.size)), what


def compare(gpu, entry, *arrays, **options):
    """The GPU's results and the CPU's."""
    found, expected = on_gpu(gpu, entry, *arrays, **options), entry(*arrays, **options)
    agree(found, expected, entry.manifest["name"])
    return found, expected


@pytest.mark.parametrize("m", SIZES)
def test_sizes(gpu, gauss, random, m):
    """Rows and columns around tiles, blocks and chunks, through plans of one and of several passes."""
    for n in SIZES:
        x, y, b, sigma = gauss_inputs(random, m, n)
        e = positive(random, (m, 1))
        for name in ("conv", "f"):
            compare(gpu, gauss.entries[name], x, y, b, sigma)
        compare(gpu, gauss.nn, x, y)
        for name in ("conv_x", "conv_y", "conv_s"):
            compare(gpu, gauss.entries[name], x, y, b, sigma, e)


@pytest.mark.parametrize("dtype", ["f64", "f16"])
def test_types(gpu, compiled_for_gpus, random, dtype):
    library = compiled_for_gpus(GAUSS, "gauss", "--dtype", dtype)
    kind = {"f64": np.float64, "f16": np.float16}[dtype]
    for m, n in ((129, 300), (3, 1000), (700, 5)):
        arrays = gauss_inputs(random, m, n, kind)
        e = positive(random, (m, 1), kind)
        for name, entry in library.entries.items():
            compare(gpu, entry, *(arrays[:2] if name == "nn" else arrays), *([e] if name in ("conv_x", "conv_y", "conv_s") else []))


def test_bfloat16(gpu, compiled_for_gpus, random):
    """NumPy does not know it: the upper halves of float32, which is what is computed."""
    library = compiled_for_gpus("x = Vi(3); y = Vj(3); out s = Sum[j](Exp(-SqDist(x, y)) * y); out at = ArgMax[j](x | y)", "brain", "--dtype", "bf16")
    halves = [(on_a_grid(random, (rows, 3)).view(np.uint32) >> 16).astype(np.uint16) for rows in (150, 300)]

    def brain(array):
        array.tensor.dtype.code = 4
        return array.tensor

    def on_cpu(array):
        tensor = tensor_of(array)
        tensor.dtype.code = 4
        return tensor

    for name, result in (("s", np.zeros((150, 3), np.uint16)), ("at", np.zeros((150, 1), np.int64))):
        entry, expected = library.entries[name], result.copy()
        made = gpu.upload(result)
        entry.call_into(*map(on_cpu, halves), on_cpu(expected) if name == "s" else expected)
        given = [gpu.upload(array) for array in halves]
        entry.call_into(*map(brain, given), brain(made) if name == "s" else made.tensor)
        gpu.synchronize()
        found = made.download()
        if name == "s":
            wide = [(array.astype(np.uint32) << 16).view(np.float32) for array in (found, expected)]
            assert relative_error(*wide) < 1e-2
        else:
            assert np.array_equal(found, expected)


@pytest.mark.parametrize(("over", "dtype"), [("j", "f32"), ("i", "f64")])
def test_every_reduction(gpu, compiled_for_gpus, random, over, dtype):
    library = compiled_for_gpus(f"dtype {dtype}" + SOURCE.replace("[R", f"[{over}"), f"over_{over}")
    kind = {"f32": np.float32, "f64": np.float64}[dtype]
    for m, n in ((0, 3), (3, 0), (1, 1), (130, 500), (5, 1000), (257, 3)):
        x, y = (random.integers(1, 9, (rows, 3)).astype(kind) / 8 for rows in (m, n))
        for entry in library.entries.values():
            compare(gpu, entry, x, y)


FORMULAS = """
x = Vi(3); y = Vj(3); b = Vj(2); u = Vi(2); p = Pm(1); q = Pm(3)
K = Exp(-p * SqDist(x, y))
out product = Sum[j](TensorDot(TensorProd(x, y), TensorProd(y, x), [3, 3], [3, 3], [1], [0]))
out matrix = Sum[j](MatVecMult(TensorProd(x, q), y) * K)
out quotient = Sum[j](K * b) / Sum[j](K)
out nested = Sum[i](K * LogSumExp[j](K * (x | q)))
out by_parameter = Sum[j](K * b)
out gradient_p = Grad(by_parameter, p)
out gradient_q = Grad(matrix, q)
out second = Grad(Grad(by_parameter, x), y)
out soft = SumSoftMaxWeight[j](-SqDist(x, y), b)
out soft_x = Grad(soft, x)
out many = Sum[j](K * TensorProd(TensorProd(x, y), TensorProd(b, u)))
out lists = ArgKMin[j, K=20](SqDist(x, y) + 0 * (b | u))
out outside = u * Sum[j](b)
out all = Sum[i](x)
fused both {
  out value = Sum[j](K * b)
  out nearest = ArgMin[j](SqDist(x, y))
  out largest = KMax[j, K=3](x * y)
}
"""


def inputs_of(random, entry, m, n):
    rows = {"i": (m,), "j": (n,), "parameter": ()}
    arrays = []
    for tensor in entry.arguments:
        array = on_a_grid(random, (*rows[tensor["role"]], int(np.prod(tensor["shape"]))))
        arrays.append(np.abs(array) + np.float32(0.25) if tensor["name"] == "p" else array)
    return arrays


def test_formulas(gpu, compiled_for_gpus, random):
    library = compiled_for_gpus(FORMULAS, "formulas")
    for m, n in ((130, 260), (7, 700)):
        for entry in library.entries.values():
            compare(gpu, entry, *inputs_of(random, entry, m, n))


COMPLEX = """
dtype c64
z = Vi(2); w = Vj(2); r = Vj(2, dtype=f32)
out product = Sum[j](z * w)
out powers = Sum[j](z ** 3 + w)
out waves = Sum[j](Exp(-z) * Conj(w))
out parts = Sum[j](ComplexReal(z) * ComplexImag(w) * r)
out absolute = Sum[j](Abs(z - w))
out product_z = Grad(product, z)
"""


def test_complex_numbers(gpu, compiled_for_gpus, random):
    library = compiled_for_gpus(COMPLEX, "complex")
    m, n = 150, 270
    by_name = {"z": complex_numbers(random, (m, 2)), "w": complex_numbers(random, (n, 2)), "r": random.standard_normal((n, 2)).astype(np.float32)}
    for entry in library.entries.values():
        arrays = [by_name.get(tensor["name"], complex_numbers(random, (m, 2))) for tensor in entry.arguments]
        found, _ = compare(gpu, entry, *arrays, rows_j=n)
        strided = [LAYOUTS["strided"](array) if array.dtype.kind == "f" else np.asfortranarray(array) for array in arrays]
        assert np.array_equal(on_gpu(gpu, entry, *strided, rows_j=n), found)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(gpu, gauss, random, layout):
    """Bit for bit what contiguous tensors give."""
    x, y, b, sigma = gauss_inputs(random, 150, 300)
    e = positive(random, (150, 1))
    change = LAYOUTS[layout]
    for name, rows in (("conv_x", 150), ("conv_y", 300)):
        entry = gauss.entries[name]
        expected = on_gpu(gpu, entry, x, y, b, sigma, e)
        result = change(np.full((rows, 3), 77, np.float32))
        assert np.array_equal(on_gpu(gpu, entry, change(x), change(y), change(b), sigma, change(e), results=[result]), expected)


def test_offsets_null_strides_and_rows_that_are_the_same(gpu, gauss, random):
    x, y, b, sigma = gauss_inputs(random, 61, 83)
    same = np.broadcast_to(x[:1], x.shape)
    assert np.array_equal(on_gpu(gpu, gauss.conv, same, y, b, sigma), on_gpu(gpu, gauss.conv, same.copy(), y, b, sigma))
    whole, rest = gpu.upload(x), [gpu.upload(array) for array in (y, b, sigma)]
    result = gpu.upload(np.zeros((56, 1), np.float32))
    part = tensor_of(x[5:])
    part.data, part.byte_offset, part.device, part.strides = whole.tensor.data, 60, whole.tensor.device, None
    gauss.conv.call_into(part, *(array.tensor for array in rest), result.tensor)
    gpu.synchronize()
    assert np.array_equal(result.download(), on_gpu(gpu, gauss.conv, x[5:], y, b, sigma))


# Batch shapes of x, y, b and sigma.
BATCHES = [
    ((4,), (4,), (4,), (4,)),
    ((4,), (), (), ()),
    ((), (), (), (4,)),
    ((4, 1), (5,), (4, 5), ()),
    ((2, 1, 3), (1, 4, 1), (3,), (2, 4, 3)),
    ((2, 1, 1, 3), (1, 3, 2, 1), (2, 1), (3, 1, 3)),
    ((1, 2, 1, 2, 1), (3, 1, 2, 1, 2), (1,), ()),
    ((0,), (1,), (), ()),
]


@pytest.mark.parametrize("batches", BATCHES, ids=str)
def test_batches(gpu, gauss, random, batches):
    own = [(61, 3), (83, 3), (83, 1), (1,)]
    x, y, b, sigma = [on_a_grid(random, (*batch, *shape)) for batch, shape in zip(batches, own)]
    arrays = x, y, b, np.abs(sigma) + np.float32(0.5)
    compare(gpu, gauss.conv, *arrays)
    compare(gpu, gauss.nn, x, y)
    e = random.standard_normal((*x.shape[:-1], 1)).astype(np.float32)
    compare(gpu, gauss.conv_y, *arrays, e)
    compare(gpu, gauss.f, *arrays)


def test_batch_elements_are_what_single_calls_give(gpu, gauss, random):
    x, y = on_a_grid(random, (6, 200, 3)), on_a_grid(random, (6, 3000, 3))
    b, sigma = random.standard_normal((3000, 1)).astype(np.float32), np.array([0.7], np.float32)
    found = on_gpu(gpu, gauss.conv, x, y, b, sigma)
    assert np.array_equal(found, np.stack([on_gpu(gpu, gauss.conv, u, v, b, sigma) for u, v in zip(x, y)]))


@pytest.mark.parametrize("batches", shared.BATCHES)
def test_gradients_of_shared_inputs_are_added_up(gpu, compiled_for_gpus, random, batches):
    library = compiled_for_gpus(shared.TEXT, "shared")
    given = shared.arguments(random, shared.BATCHES[batches], np.float32)
    for name, number in shared.GRADIENTS.items():
        entry = library.entries[name]
        found, expected = on_gpu(gpu, entry, *given, add_up=True), entry(*given, add_up=True)
        assert found.shape == given[number].shape
        scale = max(1.0, float(np.abs(entry(*given)).sum()))
        assert np.allclose(found, expected, rtol=0, atol=1e-6 * scale)


def test_gradients_of_16_bits_are_rounded_once(gpu, compiled_for_gpus, random):
    """Each batch element's is beyond what float16 holds, their sum is not."""
    text = "dtype f16\nx = Vi(1); y = Vj(1); p = Pm(1)\nout s = Sum[j](p * x * y)\nout g = Grad(s, p)\nout h = Grad(s, y)"
    library = compiled_for_gpus(text, "halves")
    x, y = np.full((2, 1, 1), 200, np.float16), np.full((2, 1, 1), 200, np.float16)
    e = np.array([4, -4], np.float16).reshape(2, 1, 1)
    for p in (np.ones(1, np.float16), np.ones((1, 1), np.float16)):
        for entry, shared in ((library.g, p), (library.h, y[0])):
            given = (x, y, p, e) if entry is library.g else (x, y[0], p, e)
            found, expected = compare(gpu, entry, *given, add_up=True)
            assert found.shape == np.shape(shared) and not found.any() and not expected.any()
    x, y = random.random((1000, 3, 1)).astype(np.float16), random.random((1000, 2, 1)).astype(np.float16)
    e = random.standard_normal((1000, 3, 1)).astype(np.float16)
    p = np.ones(1, np.float16)
    exact = sum((x.astype(float) * e * y.sum(1, keepdims=True, dtype=float)).ravel())
    found, _ = compare(gpu, library.g, x, y, p, e, add_up=True)
    assert abs(float(found[0]) - exact) <= 1e-3 * abs(exact) + 1e-3


def test_sums_over_the_batch_are_trees_and_may_have_strides(gpu, compiled_for_gpus, random):
    library = compiled_for_gpus(shared.TEXT, "shared")
    x, y, b, s, e = shared.arguments(random, [(), (), (), (), (1,)], np.float32)
    one = library.v_s(x, y, b, s, e)[0]
    added = on_gpu(gpu, library.v_s, x, y, b, s, np.broadcast_to(e, (3000, *e.shape[1:])), add_up=True)
    assert np.allclose(added, 3000 * one.astype(np.float64), rtol=3e-6)
    given = shared.arguments(random, shared.BATCHES["axes of one"], np.float32)
    memory = np.full((4, 1, shared.D, 2 * shared.M), 77, np.float32)
    strided = memory[:, :, ::-1, ::2].transpose(1, 0, 3, 2)
    assert np.array_equal(on_gpu(gpu, library.v_x, *given, results=[strided]), on_gpu(gpu, library.v_x, *given, add_up=True))


# ------------------------------------------------------------------------------------------------------------ ranges


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("over", ["j", "i"])
def test_reductions_over_ranges(gpu, compiled_for_gpus, random, over, shuffled):
    """Rows in no block, and in blocks without columns, included."""
    library = compiled_for_gpus(f"dtype {'f32' if over == 'j' else 'f64'}" + SOURCE.replace("[R", f"[{over}"), f"over_{over}")
    kind = np.float32 if over == "j" else np.float64
    for m, n in ((1, 1), (260, 190), (47, 1400)):
        x, y = (random.integers(1, 9, (rows, 3)).astype(kind) / 8 for rows in (m, n))
        ranges = sparse.Sparsity(random, m, n, shuffled=shuffled).ranges
        for entry in library.entries.values():
            compare(gpu, entry, x, y, ranges=ranges)


def some_gradients():
    """One of each kind: kernels of double precision take long to compile."""
    left_out = ("soft_x", "soft_y", "soft_u", "soft_p", "near_y", "near_p", "back_x", "back_b", "back_p", "lse_u", "lse_p", "conv_u")
    lines = sparse.GRADIENTS.splitlines()
    return "\n".join(line for line in lines if not line.startswith(tuple(f"out {name} =" for name in left_out)))


def test_gradients_over_ranges(gpu, compiled_for_gpus, random):
    library = compiled_for_gpus(some_gradients(), "gradients")
    m, n = 150, 170
    values = dict(zip("xybup", sparse.gradient_inputs(random, m, n)))
    ranges = sparse.Sparsity(random, m, n, shuffled=True).ranges
    for name, entry in library.entries.items():
        given = []
        for tensor in entry.arguments:
            rows = {"i": (m,), "j": (n,), "parameter": ()}[tensor["role"]]
            given.append(values.get(tensor["name"], random.standard_normal((*rows, tensor["shape"][-1]))))
        compare(gpu, entry, *given, ranges=ranges)


@pytest.mark.parametrize(("batch", "axes"), sparse.BATCH_SHAPES)
def test_batches_of_ranges(gpu, compiled_for_gpus, random, batch, axes):
    library = compiled_for_gpus(sparse.BATCHES, "batches")
    m, n = 160, 75
    x, y = (on_a_grid(random, (*batch, rows, 3)) for rows in (m, n))
    sparsities = [sparse.Sparsity(random, m, n, (5 + k, 6), shuffled=k % 2 == 1) for k in range(int(np.prod(axes, dtype=int)))]
    ranges = [table.reshape(*axes, *table.shape[1:]) for table in sparse.stacked(sparsities)]
    for name, entry in library.entries.items():
        extra = (random.standard_normal((*batch, m, 1)).astype(np.float32),) if name == "Sum_y" else ()
        compare(gpu, entry, x, y, *extra, ranges=ranges)


def test_ranges_of_all_pairs_give_the_bits_of_a_dense_call(gpu, compiled_for_gpus, random):
    library = compiled_for_gpus("dtype f32" + SOURCE.replace("[R", "[j"), "over_j")
    for m, n in ((5, 20_000), (700, 333), (1, 1)):
        x, y = (random.uniform(0.25, 1, (rows, 3)).astype(np.float32) for rows in (m, n))
        for blocks in ((1, 1), (1, 6), (9, 6)):
            ranges = sparse.Sparsity(random, m, n, blocks, 1.0, gaps=False).ranges
            for name in ("Sum", "LogSumExp", "KMin"):
                entry = library.entries[name]
                assert np.array_equal(on_gpu(gpu, entry, x, y, ranges=ranges), on_gpu(gpu, entry, x, y)), (name, m, n, blocks)


def test_what_lies_outside_is_cut_off_and_found_where_wanted(gpu, compiled_for_gpus, random):
    """Nobody looks at device memory before kernels do, unless `check` is set."""
    library = compiled_for_gpus(sparse.BATCHES, "batches")
    m, n = 40, 50
    x, y = on_a_grid(random, (m, 3)), on_a_grid(random, (n, 3))
    nothing = (np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))

    def ranges(rows, ends, parts):
        return (np.array(rows), np.array(ends), np.array(parts), *nothing)

    wild = ranges([[-5, 10], [30, 99]], [1, 7], [[-3, 20], [40, 1 << 40]])
    tame = ranges([[0, 10], [30, 40]], [1, 2], [[0, 20], [40, 50]])
    for name in ("Sum", "LogSumExp", "ArgMin"):
        entry = library.entries[name]
        assert np.array_equal(on_gpu(gpu, entry, x, y, ranges=wild), on_gpu(gpu, entry, x, y, ranges=tame)), name
        agree(on_gpu(gpu, entry, x, y, ranges=tame, check=1), entry(x, y, ranges=tame))
        result = np.full((m, entry.results[0]["shape"][-1]), 77, entry.empty_results([x, y])[0].dtype)
        with pytest.raises(CallError) as failure:
            on_gpu(gpu, entry, x, y, ranges=wild, check=1, results=[result])
        with pytest.raises(CallError) as expected:
            entry(x, y, ranges=wild)
        assert failure.value.status == expected.value.status == RANGES
        assert failure.value.message == expected.value.message


# ------------------------------------------------------------------------------------------------------------ bits


def test_bits_depend_on_no_machine(compiled_for_gpus, gauss, random, monkeypatch):
    """Devices with many and with few multiprocessors divide columns otherwise; threads of a block may run in any order."""
    gpus = [Gpu(number) for number in range(min(2, driver().devices()))]
    library = compiled_for_gpus("dtype f32" + SOURCE.replace("[R", "[j"), "over_j")
    for m, n in ((3, 20_000), (300, 4000), (1, 1500)):
        x, y, b, sigma = gauss_inputs(random, m, n)
        e = positive(random, (m, 1))
        factors = positive(random, (m, 3)), positive(random, (n, 3))
        calls = [(gauss.entries[name], (x, y, b, sigma, *more)) for name, more in (("conv", ()), ("conv_y", (e,)), ("conv_s", (e,)), ("f", ()))]
        calls += [(library.entries[name], factors) for name in ("Sum", "LogSumExp", "Min_ArgMin", "ArgKMax", "Prod")]
        for entry, arrays in calls:
            found = set()
            for gpu in gpus:
                for seed in ("", "3"):
                    monkeypatch.setenv("EMULATOR_SEED", seed)
                    result = on_gpu(gpu, entry, *arrays)
                    found.add(digest(*(result if isinstance(result, tuple) else (result,))))
            assert len(found) == 1, (entry.manifest["name"], m, n)


def test_powers_at_the_edges_of_what_numbers_can_be(gpu, compiled_for_gpus):
    """Exponentials of float64 up to the largest number and down to the smallest normal one, infinities and NaN."""
    library = compiled_for_gpus("dtype f64\nx = Vi(1); y = Vj(1)\nout e = Sum[j](Exp(x + y))\nout t = Sum[j](Exp2(x + y))", "edges")
    edges = [708.0, 709.0, 709.78, 709.79, 710.0, -708.0, -708.39, -745.0, -1e4, 1e300, -1e300, 1022.0, 1023.99, 1024.0, -1021.5, -1022.0]
    x = np.array([*edges, np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-300]).reshape(-1, 1)
    y = np.zeros((1, 1))
    for name, function in (("e", np.exp), ("t", np.exp2)):
        with np.errstate(over="ignore", under="ignore"):
            expected = function(x)
        expected[np.abs(expected) < 2.0**-1022] = 0
        found = on_gpu(gpu, library.entries[name], x, y)
        np.testing.assert_allclose(found, expected, rtol=1e-15, err_msg=name)


@pytest.mark.parametrize("scale", [1e3, 1e5, 1e6, 3e37])
def test_sums_of_exponentials_are_relative_to_their_largest_value(gpu, compiled_for_gpus, scale):
    """Values of which differences are exact, as large as they may be: nothing of them is lost."""
    text = "x = Vi(1); f = Vj(1); w = Vj(1)\nout m = Max_SumShiftExpWeight[j](f + x, w)\nout s = SumSoftMaxWeight[j](f + x, w)"
    library = compiled_for_gpus(text, "shifts")
    rng = np.random.default_rng(5)
    x = np.zeros((3, 1), np.float32)
    step = 4.0 if scale < 1e7 else np.spacing(np.float32(scale)) * 4
    shift = rng.integers(0, 5, (1000, 1)) * np.float64(min(step, 1.0))
    f = (np.float64(np.float32(scale)) + shift).astype(np.float32)
    w = rng.random((1000, 1), np.float32)
    terms = np.exp(f.astype(np.float64) - f.max())
    total = (terms * w).sum()
    found = on_gpu(gpu, library.m, x, f, w)
    np.testing.assert_allclose(found[:, 0], f.max())
    np.testing.assert_allclose(found[:, 1], total, rtol=1e-6)
    np.testing.assert_allclose(on_gpu(gpu, library.s, x, f, w)[:, 0], total / terms.sum(), rtol=2e-6)


def test_the_cache_compiles_for_the_gpus_at_hand_alone(tmp_path):
    """Where no architecture is named, or `native`: machine code of theirs and no PTX. Numbers 75 and 76 are the compute capability."""
    gpus = [Gpu(number) for number in range(driver().devices())]
    capabilities = {10 * gpu.attribute(75) + gpu.attribute(76) for gpu in gpus}

    def keopsc(*arguments):
        variables = environment(KEOPSC_CACHE_DIR=str(tmp_path))
        return subprocess.run([BINARY, *arguments], env=variables, check=True, capture_output=True, text=True).stdout.strip()

    compile = ("compile", "--cached", "--target", "native,cuda", "-e", "x = Vi(1); y = Vj(1); out s = Sum[j](x * y)")
    library = keopsc(*compile)
    assert json.loads(keopsc("inspect", "--json", library))["gpu"] == {"architectures": sorted(capabilities)}
    assert keopsc(*compile, "--gpu-arch", "native") == library
