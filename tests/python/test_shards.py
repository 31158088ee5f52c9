"""Layer 3: reductions in shards of their columns. Shards of the lengths that the library asks for, merged along its tree, give the bits of one
call; others the same but for rounding."""

import ctypes
import subprocess

import numpy as np
import pytest

import keops
from formulas import GAUSS, gauss_arguments
from guard import guarded
from keops import NUMPY_TYPES, UNSUPPORTED, CallError, Library, dim_of, relative_error
from test_process import in_child
from test_targets import load_for

# Every reduction of p = x * y (3 components) or s = x | y (a scalar), and several in one pass. Sum[j](x * y) is x * Sum[j](y), whose state has
# one row.
SOURCE = """
x = Vi(3)
y = Vj(3)
p = x * y
s = x | y
out Sum = Sum[R](p)
out KahanSum = KahanSum[R](p)
out Mean = Mean[R](p)
out KahanMean = KahanMean[R](p)
out Prod = Prod[R](0.75 + p / 2)
out Count = Count[R](LessThan(0.4, p))
out Any = Any[R](LessThan(0.95, p))
out All = All[R](LessThan(0.07, p))
out LogSumExp = LogSumExp[R](8 * s, weight=p)
out SumSoftMaxWeight = SumSoftMaxWeight[R](8 * s, p)
out Max_SumShiftExpWeight = Max_SumShiftExpWeight[R](8 * s, p)
out KahanLogSumExp = KahanLogSumExp[R](8 * s, weight=p)
out KahanSumSoftMaxWeight = KahanSumSoftMaxWeight[R](8 * s, p)
out KahanMax_SumShiftExpWeight = KahanMax_SumShiftExpWeight[R](8 * s, p)
out Min = Min[R](p)
out Max = Max[R](p)
out ArgMin = ArgMin[R](p)
out ArgMax = ArgMax[R](p)
out Min_ArgMin = Min_ArgMin[R](p)
out Max_ArgMax = Max_ArgMax[R](p)
out KMin = KMin[R, K=5](p)
out ArgKMin = ArgKMin[R, K=5](p)
out KMin_ArgKMin = KMin_ArgKMin[R, K=5](p)
out KMax = KMax[R, K=5](p)
out ArgKMax = ArgKMax[R, K=5](p)
out KMax_ArgKMax = KMax_ArgKMax[R, K=5](p)
fused several { out nearest = Min_ArgMin[R](s); out total = Sum[R](Exp(-p)); out soft = LogSumExp[R](s); out factored = Sum[R](p) }
"""

# What chooses among values, rather than computing with them, does so in any order.
EXACT = ["Count", "Any", "All", "Min", "Max", "ArgMin", "ArgMax", "Min_ArgMin", "Max_ArgMax"]
EXACT += ["KMin", "ArgKMin", "KMin_ArgKMin", "KMax", "ArgKMax", "KMax_ArgKMax"]


@pytest.fixture
def reductions(compiled):
    return lambda axis, dtype="f32": compiled(f"dtype {dtype}" + SOURCE.replace("[R", f"[{axis}"), f"over_{axis}")


def bits(array):
    """The array's bytes, so that zeros of both signs and NaNs compare."""
    return np.ascontiguousarray(array).view(np.uint8)


def merge_all(entry, states, **options):
    """The pattern of docs/abi.md."""
    states, step = list(states), 1
    while step < len(states):
        for shard in range(0, len(states) - step, 2 * step):
            entry.merge(states[shard], states[shard + step], **options)
        step *= 2
    return states[0]


def cut(entry, arrays, begin, end):
    """The inputs of a shard."""
    over = entry.shards["over"]
    reduced = [tensor["role"] == over for tensor in entry.arguments]
    return [array[..., begin:end, :] if is_cut else array for array, is_cut in zip(arrays, reduced)]


def results_for(entry, batch, rows):
    shapes = [(*batch, *(() if t["role"] == "parameter" else (rows,)), dim_of(t)) for t in entry.results]
    return [np.full(shape, 77, NUMPY_TYPES[t["dtype"]]) for shape, t in zip(shapes, entry.results)]


def in_shards(entry, arrays, bounds, rows, batch=(), **options):
    """The results from shards between these bounds."""
    parts = zip(bounds, bounds[1:])
    states = [entry.partial(*cut(entry, arrays, begin, end), first=begin, **options) for begin, end in parts]
    state = merge_all(entry, states, **options)
    read = entry.shards["finalize"]
    inputs = [array if t["name"] in read else None for array, t in zip(arrays, entry.arguments)]
    results = results_for(entry, batch, rows)
    entry.finalize(*inputs, *results, states=state, **options)
    return results


def aligned(entry, columns, shards):
    """The bounds of so many shards; those past the end have no columns."""
    length = entry.point.shard(columns, shards)
    return [min(columns, shard * length) for shard in range(shards + 1)]


def as_list(results):
    return list(results) if isinstance(results, tuple) else [results]


def test_all_reductions_are_here():
    table = keops.json.loads(keops.keopsc("ops", "--json").stdout)
    names = {line.split()[1] for line in SOURCE.splitlines() if line.startswith("out ")}
    assert names == {reduction["name"] for reduction in table["reductions"]}


@pytest.mark.parametrize("columns", [0, 1, 63, 64, 65, 129, 512, 513, 1024, 1537, 2304])
@pytest.mark.parametrize("axis", ["i", "j"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_bits_are_those_of_one_call(reductions, random, dtype, axis, columns):
    library, rows = reductions(axis, dtype), 19
    kept, reduced = (random.uniform(0.25, 1, (count, 3)).astype(NUMPY_TYPES[dtype]) for count in (rows, columns))
    arrays = (kept, reduced) if axis == "j" else (reduced, kept)
    for name, entry in library.entries.items():
        whole = as_list(entry(*arrays))
        for shards in range(1, 8):
            found = in_shards(entry, arrays, aligned(entry, columns, shards), rows, threads=1 + shards % 3)
            for one, other in zip(found, whole, strict=True):
                assert np.array_equal(bits(one), bits(other)), (name, shards)


@pytest.mark.parametrize("axis", ["i", "j"])
def test_any_other_cut(reductions, random, axis):
    library, rows, columns = reductions(axis), 19, 1500
    kept, reduced = (random.uniform(0.25, 1, (count, 3)).astype(np.float32) for count in (rows, columns))
    arrays = (kept, reduced) if axis == "j" else (reduced, kept)
    for name, entry in library.entries.items():
        whole = as_list(entry(*arrays))
        for bounds in ([0, 1, 1500], [0, 700, 700, 1499, 1500], [0, 3, 130, 600, 1111, 1500]):
            for one, other in zip(in_shards(entry, arrays, bounds, rows), whole, strict=True):
                if name in EXACT or other.dtype == np.int64:
                    assert np.array_equal(one, other), (name, bounds)
                else:
                    # A product of 1500 factors has as many roundings.
                    bound = 2e-5 if name == "Prod" else 2e-6
                    assert relative_error(one, other.astype(float)) < bound, (name, bounds)


def test_few_rows_and_many_columns(compiled, random):
    """One row and a hundred thousand columns: all threads share the columns, and change no bit."""
    gauss = compiled(GAUSS, "gauss")
    arrays = gauss_arguments(random, 1, 100_000)
    whole = gauss.conv(*arrays)
    for shards in (1, 3, 7):
        for threads in (1, 2, 5):
            (found,) = in_shards(gauss.conv, arrays, aligned(gauss.conv, 100_000, shards), 1, threads=threads)
            assert np.array_equal(bits(found), bits(whole))


@pytest.mark.parametrize("batches", [((4,), (4,), (4,), (4,)), ((2, 1, 3), (1, 4, 1), (3,), (2, 4, 3)), ((), (5,), (), ()), ((0,), (1,), (), ())], ids=str)
def test_batches_and_strides(compiled, random, batches):
    gauss, m, n = compiled(GAUSS, "gauss"), 21, 300
    rows = [(m, 3), (n, 3), (n, 1), (1,)]
    arrays = [random.random((*batch, *own)).astype(np.float32) + 0.1 for batch, own in zip(batches, rows)]
    # Column-major, backwards, and every second row of a larger array.
    arrays[0] = np.asfortranarray(arrays[0])
    arrays[1] = np.ascontiguousarray(arrays[1][..., ::-1, :])[..., ::-1, :]
    arrays[2] = np.repeat(arrays[2], 2, axis=-2)[..., ::2, :]
    batch = np.broadcast_shapes(*batches)
    whole = gauss.conv(*arrays)
    for shards in (1, 2, 3, 5):
        for threads in (1, 3):
            (found,) = in_shards(gauss.conv, arrays, aligned(gauss.conv, n, shards), m, batch, threads=threads)
            assert np.array_equal(bits(found), bits(whole))


def test_gradients_that_are_added_up_over_batches(compiled, random):
    """Points x that all batch elements share: the cotangent tells how many there are."""
    gauss, n = compiled(GAUSS, "gauss"), 300
    x, y, b, sigma = gauss_arguments(random, 9, n)
    y = random.random((4, n, 3)).astype(np.float32)
    arrays = (x, y, b, sigma, random.random((4, 9, 1)).astype(np.float32))
    whole, found = (np.full((9, 3), 77, np.float32) for _ in range(2))
    gauss.conv_x.call_into(*arrays, whole)
    states = [gauss.conv_x.partial(*cut(gauss.conv_x, arrays, first, first + 160), first=first) for first in range(0, n, 160)]
    gauss.conv_x.finalize(x, None, None, sigma, arrays[-1], found, states=merge_all(gauss.conv_x, states))
    assert np.array_equal(bits(whole), bits(found))


@pytest.mark.parametrize("dtype", ["c64", "c128"])
def test_complex_numbers(compiled, random, dtype):
    """A complex number is accumulated as two real ones."""
    kind = {"c64": np.complex64, "c128": np.complex128}[dtype]
    entry = compiled(f"dtype {dtype}; x = Vi(1); y = Vj(1); out s = Sum[j](Exp(x * y) * y)", "complex").s
    x, y = ((random.random((rows, 1)) + 1j * random.random((rows, 1))).astype(kind) for rows in (7, 300))
    assert [(field["dtype"], field["count"]) for field in entry.shards["fields"]] == [("f32" if dtype == "c64" else "f64", 2)]
    (found,) = in_shards(entry, (x, y), aligned(entry, 300, 3), 7)
    assert np.array_equal(bits(found), bits(entry(x, y)))


def test_results_that_need_more_than_the_state(compiled, random):
    """Epilogues read rows, parameters and cotangents; a pass that reduces nothing may follow."""
    library = compiled(
        """
        x = Vi(2); y = Vj(2); b = Vj(1); sigma = Pm(1)
        K = Exp(-SqDist(x, y) / sigma)
        f = Sum[j](K * b)
        out gradient = Grad(f, x)
        out over_i = Grad(f, b)
        out soft = x - sigma * Sum[j](K * y) / Sum[j](K)
        out spread = x * Sum[j](b) + Mean[j](y)
        out regression = (Sum[j](K * b) - LogSumExp[j](b)) / Sum[j](b)
        """,
        "epilogues",
    )
    m, n = 150, 700
    given = {"x": random.random((m, 2)), "y": random.random((n, 2)), "b": random.random((n, 1)), "sigma": np.array([0.4])}
    given = {name: array.astype(np.float32) for name, array in given.items()}
    for name, entry in library.entries.items():
        cotangent = random.random((m, 1)).astype(np.float32)
        arrays = [given.get(tensor["name"], cotangent) for tensor in entry.arguments]
        columns, rows = (m, n) if entry.shards["over"] == "i" else (n, m)
        whole = entry(*arrays)
        for shards in range(1, 8):
            (found,) = in_shards(entry, arrays, aligned(entry, columns, shards), rows)
            assert np.array_equal(bits(found), bits(whole)), (name, shards)
    assert library.spread.shards["rows"] == "parameter"
    # What depends on j alone has its own pass, but a place in the same records.
    assert [field["name"] for field in library.regression.shards["fields"]] == ["a0.s", "a1.m", "a1.s", "a2.s"]
    assert library.regression.shards["rows"] == "i"
    assert library.soft.shards["finalize"] == ["x", "sigma"]
    assert library.gradient.shards["finalize"] == ["x", "sigma", "d_f"]


@pytest.mark.parametrize("dtype", ["f16", "f32", "f64"])
@pytest.mark.parametrize("scheme", ["auto", "kahan", "direct", "block"])
def test_storage_types_and_schemes(compiled, random, dtype, scheme):
    """States have the type of the accumulators, whatever is stored; one running sum cannot be cut without another rounding."""
    text = f"dtype {dtype}; numerics sum = {scheme}; x = Vi(2); y = Vj(2); out s = Sum[j](Exp(-SqDist(x, y)) * y)"
    entry = compiled(text, "schemes").s
    x, y = (random.random((rows, 2)).astype(NUMPY_TYPES[dtype]) for rows in (33, 1000))
    assert entry.shards["fields"][0]["dtype"] == ("f64" if dtype == "f64" else "f32")
    whole = entry(x, y)
    (found,) = in_shards(entry, (x, y), aligned(entry, 1000, 4), 33)
    assert np.array_equal(bits(found), bits(whole))
    assert (entry.point.shard(1000, 4) >= 1000) == (scheme in ("direct", "block"))
    (found,) = in_shards(entry, (x, y), [0, 256, 512, 1000], 33)
    assert relative_error(found, whole.astype(float)) < 20 * np.finfo(NUMPY_TYPES[dtype]).eps


def test_wide_accumulators(compiled, random):
    """Their type is that of the records."""
    text = "numerics accumulate = f64; x = Vi(2); y = Vj(2); out s = Sum[j](Exp(-SqDist(x, y)) * y); out n = Min_ArgMin[j](x - y)"
    library = compiled(text, "wide")
    x, y = (random.random((rows, 2)).astype(np.float32) for rows in (33, 3000))
    assert [field["dtype"] for field in library.s.shards["fields"]] == ["f64"]
    for entry in (library.s, library.n):
        for shards in (1, 3, 5):
            for one, other in zip(in_shards(entry, (x, y), aligned(entry, 3000, shards), 33), as_list(entry(x, y)), strict=True):
                assert np.array_equal(bits(one), bits(other))


def test_the_sign_of_a_zero(compiled):
    """A sum that underflows from below is -0. Shards that have rows keep the sign; merging the state of no rows is adding 0."""
    entry = compiled("x = Vi(1); y = Vj(1); out s = Sum[j]((x + y) * y)", "zero").s
    x, y = np.full((2, 1), 2e-30, np.float32), np.full((300, 1), -1e-30, np.float32)
    whole = entry(x, y)
    assert np.all(whole == 0)
    (found,) = in_shards(entry, (x, y), [0, 128, 256, 300], 2)
    assert np.array_equal(bits(found), bits(whole))
    (found,) = in_shards(entry, (x, y), [0, 128, 256, 300, 300], 2)
    assert np.array_equal(found, whole) and not np.any(np.signbit(found))


def test_an_entry_of_two_reducing_passes_has_no_shards(compiled):
    library = compiled("x = Vi(2); y = Vj(2); out g = Grad(LogSumExp[j](x | y), y); out f = LogSumExp[j](x | y)", "two")
    assert library.g.shards is None
    for function in ("partial", "merge", "finalize", "state_size", "shard"):
        assert not getattr(library.g.point, function)
        assert getattr(library.f.point, function)
        assert hasattr(library.handle, f"two_f_{function}")
        assert not hasattr(library.handle, f"two_g_{function}")


def test_the_manifest_describes_the_state(compiled, random):
    library = compiled("x = Vi(2); y = Vj(2); fused both { out s = Sum[j](x - y); out m = Min_ArgMin[j](x * y) }", "described")
    entry = library.both
    x, y = (random.random((rows, 2)).astype(np.float32) for rows in (5, 100))
    state = entry.partial(x, y, first=1 << 40)
    assert state.nbytes == entry.point.state_size(5) == library.handle.described_both_state_size(ctypes.c_int64(5))
    record = state.view(entry.record())[:, 0]
    assert entry.record().names == ("a0.s", "a1.m", "a1.a")
    products = x[:, None] * y
    assert relative_error(record["a0.s"], (x[:, None].astype(float) - y).sum(axis=1)) < 1e-6
    assert np.array_equal(record["a1.m"], products.min(axis=1))
    assert np.array_equal(record["a1.a"], products.argmin(axis=1) + (1 << 40))


def test_states_of_other_instruction_sets(reductions, random, tmp_path, monkeypatch):
    """A state of one machine can be merged and finalized on another."""
    library = reductions("j")
    clones = [load_for(target, library, tmp_path, monkeypatch) for target in library.manifest["targets"]]
    clones = [clone for clone in clones if clone.target() is not None]
    x, y = (random.uniform(0.25, 1, (rows, 3)).astype(np.float32) for rows in (70, 900))
    for name, entry in library.entries.items():
        whole = as_list(entry(x, y))
        for clone in clones:
            other = clone.entries[name]
            assert other.shards == entry.shards
            state = entry.partial(x, y[:512])
            other.merge(state, other.partial(x, y[512:], first=512))
            results = results_for(entry, (), 70)
            other.finalize(x, None, *results, states=state)
            for one, expected in zip(results, whole, strict=True):
                tolerance = 1e-4 if name == "Prod" else 2e-6
                close = np.array_equal(one, expected) if name in EXACT else relative_error(one, expected.astype(float)) < tolerance
                assert close, (name, clone.target())


def test_one_shard_after_the_other(compiled, random):
    """Data that comes piece by piece: a stack of states, merged like the digits of a binary counter, gives the same bits."""
    gauss = compiled(GAUSS, "gauss")
    entry, piece = gauss.conv, gauss.conv.point.shard(0, 1)
    x, y, b, sigma = gauss_arguments(random, 9, 5 * piece + 7)
    stack = []
    for number, first in enumerate(range(0, len(y), piece)):
        stack.append(entry.partial(x, y[first : first + piece], b[first : first + piece], sigma, first=first))
        while number & 1:
            later = stack.pop()
            entry.merge(stack[-1], later)
            number >>= 1
    while len(stack) > 1:
        later = stack.pop()
        entry.merge(stack[-1], later)
    result = np.empty((9, 1), np.float32)
    entry.finalize(x, None, None, sigma, result, states=stack[0])
    assert np.array_equal(bits(result), bits(gauss.conv(x, y, b, sigma)))


@pytest.mark.parametrize("side", ["before", "after"])
def test_memory_outside_the_states_is_not_touched(compiled, random, side):
    """Layer 1, with a forbidden page beside each array."""
    library = compiled(GAUSS, "gauss")
    entry, handle = library.nn, library.handle
    functions = {name: getattr(handle, f"gauss_nn_{name}") for name in ("partial", "merge", "finalize")}
    numbers, pointer = ctypes.c_int64, ctypes.c_void_p
    functions["partial"].argtypes = [numbers] * 3 + [pointer] * 3
    functions["merge"].argtypes = [numbers] + [pointer] * 2
    functions["finalize"].argtypes = [numbers] * 2 + [pointer] * 4

    def address(array):
        return array.ctypes.data

    def check():
        for m in (0, 1, 7, 16, 47, 49, 100):
            for n in (0, 1, 49, 129, 300):
                x, y, _, _ = gauss_arguments(random, m, n)
                x = guarded(x, side)
                parts = [guarded(y[begin : begin + 128], side) for begin in range(0, max(n, 1), 128)]
                states = [guarded(entry.empty_states(m), side) for _ in parts]
                for number, (part, state) in enumerate(zip(parts, states)):
                    arguments = (address(x), address(part), address(state))
                    assert functions["partial"](m, len(part), 128 * number, *arguments) == keops.OK
                for state in states[1:]:
                    assert functions["merge"](m, address(states[0]), address(state)) == keops.OK
                result = guarded(np.full((m, 1), 77, np.int64), side)
                assert functions["finalize"](m, 0, address(x), None, address(states[0]), address(result)) == keops.OK
                assert np.array_equal(result, entry.plain(m, n, x, y)), (m, n)

    in_child(check)


def test_ranges(compiled, random):
    """Blocks of columns are numbered within the shard; blocks of rows that meet no column of it leave its states neutral."""
    gauss = compiled(GAUSS, "gauss")
    x, y, b, sigma = gauss_arguments(random, 50, 300)
    blocks = {(0, 20): [(0, 100), (150, 180)], (20, 45): [(90, 290)]}

    def six_tensors(begin, end):
        """The six tensors, for columns begin..end."""
        rows, ends, columns = [], [], []
        for block, parts in blocks.items():
            inside = [(max(a, begin) - begin, min(z, end) - begin) for a, z in parts if min(z, end) > max(a, begin)]
            rows.append(block)
            columns += inside
            ends.append(len(columns))
        shapes = [(rows, 2), (ends, 0), (columns, 2), ([], 2), ([], 0), ([], 2)]
        return [np.array(a, np.int64).reshape((-1, 2) if dims else (-1,)) for a, dims in shapes]

    for name in ("conv", "nn"):
        entry = gauss.entries[name]
        arrays = (x, y, b, sigma)[: len(entry.arguments)]
        (whole,) = results_for(entry, (), 50)
        entry.call_into(*arrays, whole, ranges=six_tensors(0, 300))
        states = []
        for begin, end in ((0, 128), (128, 256), (256, 300)):
            shard = cut(entry, arrays, begin, end)
            states.append(entry.partial(*shard, first=begin, ranges=six_tensors(begin, end), threads=2))
        (found,) = results_for(entry, (), 50)
        inputs = [array if t["role"] != "j" else None for array, t in zip(arrays, entry.arguments)]
        entry.finalize(*inputs, found, states=merge_all(entry, states))
        assert np.array_equal(whole[45:], found[45:])
        assert np.array_equal(whole, found) if name == "nn" else relative_error(found, whole) < 1e-6


def test_ranges_need_another_plan(compiled, random):
    """x * Sum[j](y) is reduced once for all rows, with ranges for each block: such states are not those that the manifest describes."""
    entry = compiled("x = Vi(1); y = Vj(1); out s = Sum[j](x * y)", "factored").s
    x, y = random.random((5, 1), np.float32), random.random((6, 1), np.float32)
    none = [np.zeros(shape, np.int64) for shape in ((0, 2), 0, (0, 2)) * 2]
    with pytest.raises(CallError, match="s: ranges: with them this formula reduces otherwise") as failure:
        entry.partial(x, y, first=0, ranges=none)
    assert failure.value.status == UNSUPPORTED


def test_own_workspace(compiled, random):
    gauss = compiled(GAUSS, "gauss")
    arrays = gauss_arguments(random, 700, 900)
    result = np.empty((700, 1), np.float32)
    size = gauss.conv.workspace(*arrays, result, threads=2)
    wanted = gauss.conv.partial(*arrays)
    for given in (size, 0, size // 2):
        memory = ctypes.create_string_buffer(max(given, 1))
        own = {"threads": 2, "workspace": ctypes.addressof(memory), "workspace_size": given}
        assert np.array_equal(gauss.conv.partial(*arrays, **own), wanted)
        state = wanted.copy()
        gauss.conv.merge(state, gauss.conv.partial(*arrays[:1], arrays[1][:0], arrays[2][:0], arrays[3]), **own)
        assert np.array_equal(state, wanted)


def test_lengths_of_shards(compiled):
    shard = compiled(GAUSS, "gauss").handle.gauss_conv_shard
    shard.argtypes, shard.restype = [ctypes.c_int64] * 2, ctypes.c_int64
    chunk = shard(0, 1)
    assert chunk > 0
    lengths = [shard(n * chunk + more, 3) for n, more in [(0, 0), (3, 0), (3, 1), (6, 0), (6, 1), (12, 1)]]
    assert lengths == [length * chunk for length in (1, 1, 2, 2, 4, 8)]
    assert [shard(-1, 3), shard(10, 0), shard(2**63 - 1, 1)] == [-1, -1, 2**63 - 1]


M, N = 5, 7


def inputs():
    return dict(zip(("x", "y", "b", "sigma"), gauss_arguments(np.random.default_rng(0), M, N)))


def shard_of(states=None, first=0, **changes):
    """Arguments of `partial`."""
    return list((inputs() | changes).values()), {"first": first, "states": np.full((M, 1), 77, np.int64) if states is None else states}


def beside(array, offset=0):
    """States where an array is."""
    return array.ctypes.data + offset, 8 * M


WORDS = np.full(2 * M + 1, 77, np.int64)
Y = np.zeros((N, 3), np.float32)

PARTIAL = {
    "first": (shard_of(first=-1), keops.ARGUMENTS, "conv: first is -1, expected 0 or more"),
    "last": (
        shard_of(first=2**63 - 7),
        keops.ARGUMENTS,
        "conv: first is 9223372036854775801: with 7 columns, their numbers pass 2^63 - 1",
    ),
    "size": (shard_of(WORDS[:4]), keops.SHAPE, "conv: state has 32 bytes, expected 40 (5 rows of 8 bytes)"),
    "size of batches": (
        shard_of(x=np.zeros((2, 3, M, 3), np.float32)),
        keops.SHAPE,
        "conv: state has 40 bytes, expected 240 (6 batch elements of 5 rows of 8 bytes)",
    ),
    "NULL": (shard_of((0, 8 * M)), keops.NULL_POINTER, "conv: state is NULL"),
    "alignment": (shard_of(beside(WORDS, 4)), keops.STRIDE, "conv: state is not aligned to 8 bytes"),
    "overlap": (shard_of(beside(Y, 32), y=Y), keops.STRIDE, "conv: state shares memory with y"),
    "tensor": (
        shard_of(y=np.zeros((N, 2), np.float32)),
        keops.SHAPE,
        "conv: tensor y: expected shape (batch..., N, 3), given shape (7, 2)",
    ),
    "a result too": (
        shard_of(conv=np.zeros((M, 1), np.float32)),
        keops.ARGUMENTS,
        "conv: expected 4 tensors (x, y, b, sigma), given 5",
    ),
}


@pytest.mark.parametrize("case", PARTIAL)
def test_partial_of_bad_arguments(compiled, case):
    (arrays, options), status, message = PARTIAL[case]
    kept = Y.copy()
    with pytest.raises(CallError) as failure:
        compiled(GAUSS, "gauss").conv.partial(*arrays, **options)
    assert (failure.value.status, failure.value.message) == (status, message)
    assert np.all(WORDS == 77) and np.array_equal(Y, kept)
    states = options["states"]
    assert isinstance(states, tuple) or np.all(states == 77)


MERGE = {
    "size": ((WORDS[:1], 4), WORDS, keops.SHAPE, "conv: state has 4 bytes, expected a multiple of 8, the bytes of a row"),
    "NULL": ((None, 8), WORDS, keops.NULL_POINTER, "conv: state is NULL"),
    "later is NULL": (WORDS[:1], (None, 8), keops.NULL_POINTER, "conv: later state is NULL"),
    "alignment": (beside(WORDS, 1), WORDS, keops.STRIDE, "conv: state is not aligned to 8 bytes"),
    "later alignment": (WORDS[:1], beside(WORDS, 12), keops.STRIDE, "conv: later state is not aligned to 8 bytes"),
    "overlap": (WORDS[:3], WORDS[2:], keops.STRIDE, "conv: state shares memory with the later state"),
    "itself": (WORDS, WORDS, keops.STRIDE, "conv: state shares memory with the later state"),
}


@pytest.mark.parametrize("case", MERGE)
def test_merge_of_bad_arguments(compiled, case):
    states, later, status, message = MERGE[case]
    if isinstance(states, tuple) and isinstance(states[0], np.ndarray):
        states = (states[0].ctypes.data, states[1])
    with pytest.raises(CallError) as failure:
        compiled(GAUSS, "gauss").conv.merge(states, later)
    assert (failure.value.status, failure.value.message) == (status, message)
    assert np.all(WORDS == 77)


def test_options_of_merge(compiled):
    conv = compiled(GAUSS, "gauss").conv
    for option, message in [
        ({"threads": -1}, "conv: threads is -1, expected 0 (automatic) or more"),
        ({"device_type": 2}, "conv: this library has no code for GPUs: compile it with --target cuda"),
    ]:
        with pytest.raises(CallError, match=message.replace("(", r"\(").replace(")", r"\)")):
            conv.merge(WORDS[:1], WORDS[1:2], **option)
    with pytest.raises(CallError):
        conv.merge(WORDS[:1], WORDS[1:2], struct_size=8)
    assert np.all(WORDS == 77)


FINALIZE = {
    "an input that is read": ({"x": None}, {}, keops.NULL_POINTER, "conv_x: tensor x is NULL"),
    "a result": ({"conv_x": None}, {}, keops.NULL_POINTER, "conv_x: result conv_x is NULL"),
    "rows": (
        {"x": np.zeros((M + 1, 3), np.float32)},
        {},
        keops.SHAPE,
        "conv_x: tensor d_conv: expected shape (batch..., 6, 1), given shape (5, 1) (x has 6 rows)",
    ),
    "batches": (
        {"x": np.zeros((2, M, 3), np.float32)},
        {},
        keops.SHAPE,
        "conv_x: result conv_x: expected shape (2, 5, 3), given shape (5, 3)",
    ),
    "size": ({}, {"states": WORDS[:1]}, keops.SHAPE, "conv_x: state has 8 bytes, expected 80 (5 rows of 16 bytes)"),
    "NULL": ({}, {"states": (None, 16 * M)}, keops.NULL_POINTER, "conv_x: state is NULL"),
}


@pytest.mark.parametrize("case", FINALIZE)
def test_finalize_of_bad_arguments(compiled, case):
    changes, options, status, message = FINALIZE[case]
    result = np.full((M, 3), 77, np.float32)
    x, _, _, sigma = inputs().values()
    tensors = {"x": x, "y": None, "b": None, "sigma": sigma, "d_conv": np.ones((M, 1), np.float32), "conv_x": result}
    with pytest.raises(CallError) as failure:
        compiled(GAUSS, "gauss").conv_x.finalize(*(tensors | changes).values(), **({"states": np.zeros((M, 2), np.int64)} | options))
    assert (failure.value.status, failure.value.message) == (status, message)
    assert np.all(result == 77)


def test_a_state_in_the_result(compiled):
    conv = compiled(GAUSS, "gauss").conv
    x, _, _, sigma = inputs().values()
    memory = np.full(M, 77, np.int64)
    result = memory.view(np.float32)[:M].reshape(M, 1)
    with pytest.raises(CallError) as failure:
        conv.finalize(x, None, None, sigma, result, states=memory)
    assert (failure.value.status, failure.value.message) == (keops.STRIDE, "conv: state shares memory with conv")
    assert np.all(memory == 77)


def test_bad_arguments_of_layer_1(compiled):
    library = compiled(GAUSS, "gauss")
    x, y, b, sigma = inputs().values()
    numbers, pointer = ctypes.c_int64, ctypes.c_void_p
    partial, merge, finalize = (getattr(library.handle, f"gauss_conv_{name}") for name in ("partial", "merge", "finalize"))
    partial.argtypes = [numbers] * 3 + [pointer] * 5
    merge.argtypes = [numbers] + [pointer] * 2
    finalize.argtypes = [numbers] * 2 + [pointer] * 6
    state, later = (np.full(M, 77, np.int64) for _ in range(2))
    result = np.full((M, 1), 77, np.float32)
    X, Y, B, S, STATE, LATER, RESULT = (array.ctypes.data for array in (x, y, b, sigma, state, later, result))
    cases = [
        (partial, (M, N, -1, X, Y, B, S, STATE), keops.ARGUMENTS),
        (partial, (M, N, 2**63 - 1, X, Y, B, S, STATE), keops.ARGUMENTS),
        (partial, (M, -1, 0, X, Y, B, S, STATE), keops.SHAPE),
        (partial, (-1, N, 0, X, Y, B, S, STATE), keops.SHAPE),
        (partial, (M, N, 0, X, None, B, S, STATE), keops.NULL_POINTER),
        (partial, (M, N, 0, X, Y, B, S, None), keops.NULL_POINTER),
        (partial, (M, N, 0, X, Y, B, S, STATE + 4), keops.STRIDE),
        (partial, (M, N, 0, X, Y, STATE, S, STATE), keops.STRIDE),
        (merge, (-1, STATE, LATER), keops.SHAPE),
        (merge, (2**62, STATE, LATER), keops.SHAPE),
        (merge, (M, None, LATER), keops.NULL_POINTER),
        (merge, (M, STATE, STATE), keops.STRIDE),
        (merge, (M, STATE, LATER + 4), keops.STRIDE),
        (finalize, (M, -1, X, None, None, S, STATE, RESULT), keops.SHAPE),
        (finalize, (M, N, None, None, None, S, STATE, RESULT), keops.NULL_POINTER),
        (finalize, (M, N, X, None, None, S, None, RESULT), keops.NULL_POINTER),
        (finalize, (M, N, X, None, None, S, STATE, None), keops.NULL_POINTER),
        (finalize, (M, N, X, None, None, S, STATE, STATE), keops.STRIDE),
        (finalize, (M, N, X, None, None, S, STATE + 4, RESULT), keops.STRIDE),
    ]
    for number, (function, arguments, status) in enumerate(cases):
        assert function(*arguments) == status, number
    assert np.all(state == 77) and np.all(later == 77) and np.all(result == 77)
    # What is not read may be anything.
    assert partial(M, N, 0, X, Y, B, S, STATE) == keops.OK
    assert finalize(M, N, X, 1, 1, S, STATE, RESULT) == keops.OK
    assert np.array_equal(result, library.conv(x, y, b, sigma))


def test_no_rows(compiled, random):
    """Without rows there are no records, even where what depends on j alone was reduced."""
    entry = compiled("x = Vi(2); y = Vj(2); b = Vj(1); out f = Sum[j](Exp(x | y)) / Sum[j](b)", "no_rows").f
    x, y, b = np.zeros((0, 2), np.float32), random.random((9, 2)).astype(np.float32), random.random((9, 1)).astype(np.float32)
    state = entry.partial(x, y, b)
    assert state.size == 0
    entry.merge(state, state.copy())
    entry.finalize(x, None, None, np.zeros((0, 1), np.float32), states=state)
    # Several batch elements, each with its own sums.
    x, b = random.random((3, 5, 2)).astype(np.float32), random.random((3, 9, 1)).astype(np.float32)
    result = np.empty((3, 5, 1), np.float32)
    entry.finalize(x, None, None, result, states=entry.partial(x, y, b, threads=2), threads=2)
    assert np.array_equal(bits(result), bits(entry(x, y, b)))


def test_the_rows_that_count(compiled):
    """Where no tensor tells a number of rows it must be given, but only if the state or the results depend on it."""
    library = compiled("y = Vj(2); out s = Sum[j](SqNorm2(y)); out p = Sum[j](y | y) + Sum[j](y)", "rows")
    y = np.arange(10, dtype=np.float32).reshape(5, 2)
    assert library.s.shards["rows"] == "parameter"
    state = library.s.partial(y, states=library.s.empty_states(1))
    result = np.empty((3, 1), np.float32)
    library.s.finalize(None, result, states=state)
    assert np.array_equal(result, np.full((3, 1), (y**2).sum()))


def test_tensors_named_like_parameters(tmp_path):
    """The header's own names give way."""
    library = keops.compile_formula(tmp_path, "first = Vi(1); state = Vj(1); first_ = Pm(1); out o = Sum[j](first * state * first_)", "names")
    header = (tmp_path / "names.h").read_text()
    assert (
        "int32_t names_o_partial(int64_t M, int64_t N, int64_t first__, const float *first, const float *state, const float *first_, void *state_);"
        in header
    )
    (tmp_path / "main.c").write_text('#include "names.h"\nint main(void) { return names_o_shard(1, 1) > 0 ? 0 : 1; }\n')
    folder, program = library.path.parent, tmp_path / "main"
    command = ["gcc", "-Wall", "-Wextra", "-Werror", f"-I{folder}", tmp_path / "main.c", "-o", program, f"-L{folder}", "-lnames"]
    subprocess.run([*command, f"-Wl,-rpath,{folder}"], check=True)
    subprocess.run([program], check=True, timeout=60)
