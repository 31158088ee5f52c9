"""Block-sparse reductions against NumPy with dense masks: every reduction, both directions, gradients, batches, all thread counts."""

import hashlib
import itertools

import numpy as np
import pytest

import keops
from guard import guarded
from keops import CallError, relative_error
from test_bad_calls import misaligned
from test_reductions import DTYPES, SOURCE, VALUES, agree, best, first

THREADS = (1, 2, 5)


def intervals(random, count, rows, gaps):
    """Disjoint blocks of rows in order, with gaps between some, and empty ones."""
    cuts = np.sort(random.integers(0, rows + 1, 2 * count if gaps else count - 1))
    if not gaps:
        cuts = np.repeat(np.concatenate(([0], cuts, [rows])), 2)[1:-1]
    return cuts.reshape(-1, 2)


def lists(blocks, others, keep, random=None):
    """One description: blocks of rows, the ends of their lists, and the lists; in random order if there is a generator."""
    order = range(len(blocks)) if random is None else random.permutation(len(blocks))
    ends, parts = [], []
    for block in order:
        kept = np.flatnonzero(keep[block])
        parts.extend(others[kept if random is None else random.permutation(kept)].tolist())
        ends.append(len(parts))
    return np.array(blocks[order], np.int64).reshape(-1, 2), np.array(ends, np.int64), np.array(parts, np.int64).reshape(-1, 2)


class Sparsity:
    """Which pairs count: the six tensors, and a dense mask."""

    def __init__(self, random, m, n, blocks=(7, 9), share=0.4, gaps=True, shuffled=False):
        self.rows, self.columns = intervals(random, blocks[0], m, gaps), intervals(random, blocks[1], n, gaps)
        self.keep = random.random((len(self.rows), len(self.columns))) < share
        self.mask = np.zeros((m, n), bool)
        for (a, b), row in zip(self.rows, self.keep):
            for (c, d), kept in zip(self.columns, row):
                self.mask[a:b, c:d] |= kept
        generator = random if shuffled else None
        self.ranges = (
            *lists(self.rows, self.columns, self.keep, generator),
            *lists(self.columns, self.rows, self.keep.T, generator),
        )


def by_rows(mask, p, s, value):
    """A reduction of the columns that count, row by row."""
    return np.concatenate([value(p[i : i + 1, kept], s[i : i + 1, kept]) for i, kept in enumerate(mask)])


def renumbered(mask, numbers):
    """Numbers among the columns that count to numbers of columns; -1 stays."""
    return np.stack([np.where(row < 0, -1, np.append(np.flatnonzero(kept), 0)[row]) for kept, row in zip(mask, numbers)])


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("over", ["j", "i"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_reduction(compiled, random, dtype, over, shuffled):
    """Rows without columns, in a block or in none, get what the table of reductions says of none."""
    library = compiled(f"dtype {dtype}" + SOURCE.replace("[R", f"[{over}"), f"over_{over}")
    for m, n in ((1, 1), (130, 90), (47, 400)):
        x, y = (random.uniform(0.25, 1, (rows, 3)).astype(DTYPES[dtype]) for rows in (m, n))
        sparsity = Sparsity(random, m, n, shuffled=shuffled)
        mask, rows, columns = (sparsity.mask, x, y) if over == "j" else (sparsity.mask.T, y, x)
        p = rows[:, None, :].astype(float) * columns[None, :, :]
        s = p.sum(axis=-1, keepdims=True)
        rounded = rows[:, None, :] * columns[None, :, :]
        if (m, n) == (130, 90):
            assert 0 < (~mask.any(axis=1)).sum() < len(mask)
        for threads in THREADS:
            run = lambda name: library.entries[name](x, y, ranges=sparsity.ranges, threads=threads)  # noqa: E731, B023
            for name, value in VALUES.items():
                agree(run(name), by_rows(mask, p, s, value), 40 + (n if name == "Prod" else 0))
            for name, pick, sign in [("Min", np.argmin, 1), ("Max", np.argmax, -1)]:
                numbers = renumbered(mask, by_rows(mask, rounded, s, lambda p, s: first(pick, p)))  # noqa: B023
                assert np.array_equal(run(f"Arg{name}"), numbers)
                values, index = run(f"{name}_Arg{name}")
                assert np.array_equal(index, numbers)
                assert np.array_equal(values, run(name))
                assert np.array_equal(run(f"K{name}"), by_rows(mask, rounded, s, lambda p, s: best(p, sign)[0]))  # noqa: B023
                numbers = renumbered(mask, by_rows(mask, rounded, s, lambda p, s: best(p, sign)[1]))  # noqa: B023
                assert np.array_equal(run(f"ArgK{name}"), numbers)


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


SHAPES = {
    "one wide block": lambda random, m, n: Sparsity(random, m, n, (1, 1), 1.0, gaps=False),
    "few blocks": lambda random, m, n: Sparsity(random, m, n, (4, 3), 0.7),
    "many blocks": lambda random, m, n: Sparsity(random, m, n, (m // 3, n // 100), 0.2, shuffled=True),
    "many columns blocks": lambda random, m, n: Sparsity(random, m, n, (2, n // 10), 0.5),
}


@pytest.mark.parametrize("case", SHAPES)
def test_bits_do_not_depend_on_threads(compiled, random, case):
    """Few rows and many columns: blocks are divided over columns."""
    library = compiled("dtype f32" + SOURCE.replace("[R", "[j"), "over_j")
    m, n = 20, 60_000
    x, y = (random.uniform(0.25, 1, (rows, 3)).astype(np.float32) for rows in (m, n))
    sparsity = SHAPES[case](random, m, n)
    for name in ("Sum", "LogSumExp", "SumSoftMaxWeight", "Min_ArgMin", "ArgKMax"):
        entry = library.entries[name]
        results = [entry(x, y, ranges=sparsity.ranges, threads=threads) for threads in (1, 2, 3, 5, 16)]
        digests = {digest(*(result if isinstance(result, tuple) else (result,))) for result in results}
        assert len(digests) == 1, name
        if case == "one wide block":
            dense = entry(x, y)
            assert digest(*(dense if isinstance(dense, tuple) else (dense,))) in digests, name
    expected = by_rows(sparsity.mask, x[:, None].astype(float) * y[None], np.zeros((m, n, 1)), VALUES["Sum"])
    assert np.allclose(library.Sum(x, y, ranges=sparsity.ranges), expected, rtol=1e-5, atol=1e-4)


def test_all_pairs_give_the_bits_of_a_dense_call(compiled, random):
    """Also where the blocks of columns are pieces that touch."""
    library = compiled("dtype f32" + SOURCE.replace("[R", "[j"), "over_j")
    for m, n in ((5, 40_000), (700, 333), (1, 1)):
        x, y = (random.uniform(0.25, 1, (rows, 3)).astype(np.float32) for rows in (m, n))
        for blocks in ((1, 1), (1, 6), (9, 6)):
            ranges = Sparsity(random, m, n, blocks, 1.0, gaps=False).ranges
            for name in ("Sum", "LogSumExp", "KMin"):
                assert np.array_equal(library.entries[name](x, y, ranges=ranges), library.entries[name](x, y))


GRADIENTS = """
dtype f64
x = Vi(2); y = Vj(2); b = Vj(2); u = Vi(1); p = Pm(1)
s = -SqDist(x, y) / p**2 + u
out conv = Sum[j](Exp(s) * b)
out lse = LogSumExp[j](s)
out soft = SumSoftMaxWeight[j](s, b)
out near = Min[j](SqDist(x, y) * p)
out back = Sum[i](Exp(s) * b)
""" + "\n".join(
    f"out {name}_{variable} = Grad({name}, {variable})"
    for name, variables in {"conv": "xybup", "lse": "xyup", "soft": "xybup", "near": "xyp", "back": "xybup"}.items()
    for variable in variables
) + """
out conv_xy = Grad(Grad(conv, x), y)
out lse_yy = Grad(Grad(lse, y), y)
"""


def dense_values(mask, x, y, b, u, p):
    """The same with a dense mask, of real or complex arrays; rows without columns get what the library gives them."""
    distance = ((x[:, None] - y[None]) ** 2).sum(-1)
    some = mask.any(1)
    weights = np.where(mask, np.exp(-distance / p**2 + u), 0)
    total = np.where(some, weights.sum(1), 1)
    nearest = np.where(mask, distance.real, np.inf).argmin(1)
    return {
        "conv": weights @ b,
        "lse": np.where(some, np.log(total), -np.inf)[:, None],
        "soft": np.where(some[:, None], (weights @ b) / total[:, None], np.nan),
        "near": np.where(some, distance[np.arange(len(x)), nearest] * p, np.inf)[:, None],
        "back": weights.sum(0)[:, None] * b,
    }


def slopes(mask, arrays, number, cotangents):
    """What flows to one array from each value, by complex steps: exact to the last digits."""
    steps = {name: np.zeros_like(arrays[number]) for name in cotangents}
    for place in np.ndindex(arrays[number].shape):
        moved = list(arrays)
        moved[number] = arrays[number].astype(complex)
        moved[number][place] += 1e-40j
        for name, value in dense_values(mask, *moved).items():
            finite = np.isfinite(value).all(1)
            steps[name][place] = (value[finite] * cotangents[name][finite]).sum().imag * 1e40
    return steps


def gradient_inputs(random, m, n):
    """x, y, b, u and p."""
    return [random.standard_normal(shape) for shape in ((m, 2), (n, 2), (n, 2), (m, 1))] + [np.array([1.3])]


def called(entry, arrays, extra, ranges):
    """Calls an entry with those of the arrays that it takes, then the extra ones, on all thread counts."""
    given = [arrays["xybup".index(tensor["name"])] for tensor in entry.arguments if tensor["name"] in "xybup"]
    results = [entry(*given, *extra, ranges=ranges, threads=threads) for threads in THREADS]
    assert all(np.array_equal(result, results[0], equal_nan=True) for result in results)
    return results[0]


@pytest.mark.parametrize("shuffled", [False, True])
def test_gradients(compiled, random, shuffled):
    """In i-, j- and parameter variables, through plans of several passes: each pass takes the side of its own direction."""
    library = compiled(GRADIENTS, "gradients")
    m, n = 50, 60
    sparsity = Sparsity(random, m, n, shuffled=shuffled)
    mask, arrays = sparsity.mask, gradient_inputs(random, m, n)
    assert (~mask.any(1)).any() and (~mask.any(0)).any()
    values = dense_values(mask, *arrays)
    for name, value in values.items():
        agree(called(library.entries[name], arrays, (), sparsity.ranges), value, 400)
    cotangents = {name: random.standard_normal(value.shape) for name, value in values.items()}
    for number, variable in enumerate("xybup"):
        for name, expected in slopes(mask, arrays, number, cotangents).items():
            entry = library.entries.get(f"{name}_{variable}")
            if entry is not None:
                found = called(entry, arrays, (cotangents[name],), sparsity.ranges).reshape(expected.shape)
                assert np.isfinite(found).all(), (name, variable)
                # The weighted mean does not depend on u: its gradient is 0 but for rounding.
                assert np.linalg.norm(found - expected) < 1e-13 * (1 + np.linalg.norm(expected)), (name, variable)


def test_second_derivatives(compiled, random):
    """Several passes over the pairs, in both directions."""
    library = compiled(GRADIENTS, "gradients")
    m, n = 30, 40
    sparsity = Sparsity(random, m, n)
    arrays = gradient_inputs(random, m, n)
    for name, inner, outer in (("conv_xy", 0, 1), ("lse_yy", 1, 1)):
        value = name.partition("_")[0]
        e, f = random.standard_normal((m, 2 if value == "conv" else 1)), random.standard_normal(arrays[inner].shape)

        def flow(moved):
            moved[inner] = moved[inner] + 1e-40j * f  # noqa: B023
            values = dense_values(sparsity.mask, *moved)[value]  # noqa: B023
            finite = np.isfinite(values).all(1)
            return (values[finite] * e[finite]).sum().imag * 1e40  # noqa: B023

        expected = np.zeros_like(arrays[outer])
        for place in np.ndindex(expected.shape):
            for step in (-1e-5, 1e-5):
                moved = [array.copy() for array in arrays]
                moved[outer][place] += step
                expected[place] += flow(moved) / (2 * step)
        found = called(library.entries[name], arrays, (e, f), sparsity.ranges)
        assert relative_error(found, expected) < 1e-7, name


BATCHES = """
x = Vi(3); y = Vj(3)
out Sum = Sum[j](x * y)
out LogSumExp = LogSumExp[j](x | y)
out ArgMin = ArgMin[j](SqDist(x, y))
out KMin = KMin[j, K=3](SqDist(x, y))
out back = Sum[i](x * y)
out back_at = ArgMin[i](SqDist(x, y))
out Sum_y = Grad(LogSumExp[j](x | y), y)
"""


def stacked(sparsities):
    """The six tensors of several sparsities, padded to a rectangle."""
    tables = []
    for number, parts in enumerate(zip(*(sparsity.ranges for sparsity in sparsities))):
        rows = max(len(part) for part in parts)
        table = np.zeros((len(parts), rows, *parts[0].shape[1:]), np.int64)
        for padded, part in zip(table, parts):
            padded[: len(part)] = part
            if number % 3 == 1 and len(part):
                padded[len(part) :] = part[-1]
        tables.append(table)
    return tables


# Batch shape of the call, and the axes along which ranges differ.
BATCH_SHAPES = [((), ()), ((3,), (3,)), ((4,), (1,)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 1, 3), (2, 1, 3)), ((2, 2, 2), (1, 2, 1))]


@pytest.mark.parametrize(("batch", "axes"), BATCH_SHAPES)
def test_batches(compiled, random, batch, axes):
    """Each batch element is what a call of its own gives, bit for bit; ranges broadcast as the arrays do."""
    library = compiled(BATCHES, "batches")
    m, n = 60, 75
    x, y = (random.standard_normal((*batch, rows, 3)).astype(np.float32) for rows in (m, n))
    sparsities = [Sparsity(random, m, n, (5 + k, 6), shuffled=k % 2 == 1) for k in range(int(np.prod(axes, dtype=int)))]
    ranges = [table.reshape(*axes, *table.shape[1:]) for table in stacked(sparsities)]
    numbers = np.broadcast_to(np.arange(len(sparsities)).reshape(axes), batch)
    for name, entry in library.entries.items():
        extra = (random.standard_normal((*batch, m, 1)).astype(np.float32),) if name == "Sum_y" else ()
        results = [entry(x, y, *extra, ranges=ranges, threads=threads) for threads in THREADS]
        assert len({digest(result) for result in results}) == 1
        for place in itertools.product(*map(range, batch)):
            own = [array[place] for array in (x, y, *extra)]
            alone = entry(*own, ranges=sparsities[numbers[place]].ranges)
            assert np.array_equal(results[0][place], alone), (name, place)


def test_the_six_tensors_broadcast_each_on_its_own(compiled, random):
    """Row blocks differ along one axis, columns along another; neither is an axis of the data."""
    library = compiled(BATCHES, "batches")
    m, n = 20, 30
    x, y = (random.standard_normal((rows, 3)).astype(np.float32) for rows in (m, n))
    rows = np.array([[[0, 4], [10, 12]], [[3, 9], [1, 2]]])
    parts = np.array([[[0, 3], [7, 9], [5, 30]], [[6, 6], [2, 4], [0, 1]], [[1, 30], [0, 1], [29, 30]]])
    nothing = (np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    result = library.Sum(x, y, ranges=(rows[:, None], np.array([2, 3]), parts, *nothing))
    assert result.shape == (2, 3, m, 3)
    for k, l in itertools.product(range(2), range(3)):
        alone = library.Sum(x, y, ranges=(rows[k], np.array([2, 3]), parts[l], *nothing))
        assert np.array_equal(result[k, l], alone)
        expected = np.zeros((m, 3))
        for (a, b), own in zip(rows[k], (parts[l][:2], parts[l][2:])):
            expected[a:b] = x[a:b].astype(float) * sum(y[c:d].sum(0, dtype=float) for c, d in own)
        assert np.allclose(result[k, l], expected, atol=1e-4)


def test_batches_of_very_different_size(compiled, random):
    """One batch element has nearly all pairs: threads share it."""
    library = compiled(BATCHES, "batches")
    m, n = 48, 20_000
    x, y = (random.standard_normal((3, rows, 3)).astype(np.float32) for rows in (m, n))
    sparsities = [Sparsity(random, m, n, (1, 1), share, gaps=False) for share in (0.0, 1.0, 0.0)]
    sparsities[2] = Sparsity(random, m, n, (20, 2000), 0.01)
    ranges = stacked(sparsities)
    results = [library.KMin(x, y, ranges=ranges, threads=threads) for threads in (1, 2, 5)]
    assert len({digest(result) for result in results}) == 1
    assert np.array_equal(results[0][1], library.KMin(x[1], y[1]))
    assert np.all(np.isinf(results[0][0]))


@pytest.mark.parametrize("side", ["before", "after"])
def test_only_the_arrays_own_memory_is_touched(compiled, random, side):
    library = compiled(BATCHES, "batches")
    m, n = 130, 75
    x, y = (random.standard_normal((rows, 3)).astype(np.float32) for rows in (m, n))
    for shuffled in (False, True):
        sparsity = Sparsity(random, m, n, (9, 6), shuffled=shuffled)
        for name in ("Sum", "back", "ArgMin"):
            entry = library.entries[name]
            expected = entry(x, y, ranges=sparsity.ranges)
            result = guarded(np.zeros_like(expected), side)
            ranges = [guarded(table, side) for table in sparsity.ranges]
            entry.call_into(guarded(x, side), guarded(y, side), result, ranges=ranges, threads=2)
            assert np.array_equal(result, expected)


def test_ranges_may_have_any_strides(compiled, random):
    library = compiled(BATCHES, "batches")
    x, y = (random.standard_normal((rows, 3)).astype(np.float32) for rows in (60, 75))
    ranges = Sparsity(random, 60, 75).ranges
    for change in (np.asfortranarray, lambda table: np.repeat(table, 2, axis=0)[::2], lambda table: table[::-1].copy()[::-1]):
        strange = [change(table) for table in ranges]
        assert np.array_equal(library.Sum(x, y, ranges=strange), library.Sum(x, y, ranges=ranges))
        assert np.array_equal(library.back(x, y, ranges=strange), library.back(x, y, ranges=ranges))


def test_the_workspace_suffices(compiled, random):
    """With exactly the memory that was asked for, between pages that must not be touched."""
    library = compiled(BATCHES, "batches")
    x, y = (random.standard_normal((2, rows, 3)).astype(np.float32) for rows in (500, 3000))
    ranges = stacked([Sparsity(random, 500, 3000, (30, 20)), Sparsity(random, 500, 3000, (1, 1), 1.0)])
    for name, threads in itertools.product(("Sum", "KMin"), (1, 2, 7)):
        entry = library.entries[name]
        expected = entry(x, y, ranges=ranges)
        result = np.zeros_like(expected)
        size = entry.workspace(x, y, result, ranges=ranges, threads=threads)
        for side in ("before", "after"):
            memory = guarded(np.zeros(size, np.uint8), side)
            options = {"workspace": memory.ctypes.data, "workspace_size": size}
            entry.call_into(x, y, result, ranges=ranges, threads=threads, **options)
            assert np.array_equal(result, expected)


M, N = 10, 20
PAIRS, ENDS = np.array([[0, 5], [5, 8]]), np.array([2, 3])
PARTS = np.array([[0, 3], [4, 9], [1, 2]])
NONE = (np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))


BAD = {
    "NULL": (2, None, keops.NULL_POINTER, "redranges_j is NULL"),
    "no data": (0, keops.without_data(PAIRS), keops.NULL_POINTER, "ranges_i: data is NULL"),
    "device": (1, keops.on_cuda(ENDS), keops.DEVICE, "slices_i is not in the CPU's memory"),
    "int32": (1, ENDS.astype(np.int32), keops.DTYPE, "slices_i is not int64"),
    "floats": (0, PAIRS.astype(float), keops.DTYPE, "ranges_i is not int64"),
    "misaligned": (2, misaligned(PARTS), keops.STRIDE, "redranges_j: data is not aligned to 8 bytes"),
    "no axes": (1, np.array(3), keops.RANGES, "slices_i: expected shape (batch..., blocks), given shape ()"),
    "three columns": (0, np.zeros((2, 3), np.int64), keops.RANGES, "ranges_i: expected shape (batch..., blocks, 2), given shape (2, 3)"),
    "number of entries": (1, np.array([2]), keops.RANGES, "slices_i has 1 entries for 2 blocks of rows"),
    "past the rows": (0, np.array([[0, 5], [5, 11]]), keops.RANGES, "ranges_i[1] is (5, 11), expected 0 <= begin <= end <= 10"),
    "before the rows": (0, np.array([[-1, 5], [5, 8]]), keops.RANGES, "ranges_i[0] is (-1, 5), expected 0 <= begin <= end <= 10"),
    "backwards": (0, np.array([[0, 5], [8, 7]]), keops.RANGES, "ranges_i[1] is (8, 7), expected 0 <= begin <= end <= 10"),
    "overlap": (0, np.array([[0, 5], [4, 6]]), keops.RANGES, "ranges_i: blocks overlap"),
    "overlap out of order": (0, np.array([[5, 8], [0, 6]]), keops.RANGES, "ranges_i: blocks overlap"),
    "past the columns": (
        2,
        np.array([[0, 3], [4, 21], [1, 2]]),
        keops.RANGES,
        "redranges_j[1] is (4, 21), expected 0 <= begin <= end <= 20",
    ),
    "columns overlap": (
        2,
        np.array([[4, 9], [3, 5], [1, 2]]),
        keops.RANGES,
        "redranges_j: the column blocks of block 0 of rows overlap",
    ),
    "ends fall": (1, np.array([2, 1]), keops.RANGES, "slices_i[1] is 1, expected 2 to 3"),
    "ends too large": (1, np.array([2, 4]), keops.RANGES, "slices_i[1] is 4, expected 2 to 3"),
    "the other direction": (5, np.array([[0, 11]]), keops.RANGES, "redranges_i[0] is (0, 11), expected 0 <= begin <= end <= 10"),
    "batch": (
        3,
        np.zeros((3, 0, 2), np.int64),
        keops.SHAPE,
        "tensor ranges_j: batch shape (3,) does not broadcast with (2,) of the tensors before it",
    ),
    "one batch element": (
        1,
        np.array([[2, 3], [2, 4]]),
        keops.RANGES,
        "slices_i[1] of batch element (1,) is 4, expected 2 to 3",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(compiled, case):
    """With a status and a message, and nothing is written."""
    number, given, status, text = BAD[case]
    entry = compiled(BATCHES, "batches").Sum
    batch = (2,) if "batch" in case else ()
    x, y = np.ones((*batch, M, 3), np.float32), np.ones((*batch, N, 3), np.float32)
    result = np.full((*batch, M, 3), 77, np.float32)
    ranges = [PAIRS, ENDS, PARTS, *NONE]
    entry.call_into(x, y, result.copy(), ranges=ranges)
    ranges[number] = given
    with pytest.raises(CallError) as failure:
        entry.call_into(x, y, result, ranges=ranges)
    assert (failure.value.status, failure.value.message) == (status, f"Sum: {text}")
    assert np.all(result == 77)


def test_results_do_not_share_memory_with_ranges(compiled):
    entry = compiled("dtype f64; x = Vi(1); y = Vj(1); out s = Sum[j](x * y)", "shared").s
    ranges = [PAIRS.copy(), ENDS, PARTS, *NONE]
    x, y = np.ones((4, 1)), np.ones((N, 1))
    ranges[0][:] = [[0, 2], [2, 4]]
    with pytest.raises(CallError) as failure:
        entry.call_into(x, y, ranges[0].view(np.float64).reshape(4, 1), ranges=ranges)
    assert failure.value.status == keops.STRIDE
    assert failure.value.message == "s: result s shares memory with ranges_i"
    assert np.array_equal(ranges[0], [[0, 2], [2, 4]])


SAME_FOR_ALL_ROWS = {
    "Sum[j](x * y)": lambda mask, x, y, e: x * (mask @ y),
    "Sum[j](y)": lambda mask, x, y, e: mask @ y,
    "Sum[j](1)": lambda mask, x, y, e: mask.sum(1, keepdims=True),
    "Sum[i](x)": lambda mask, x, y, e: mask.T @ x,
    "ArgMax[j](y)": lambda mask, x, y, e: np.array([[np.flatnonzero(kept)[y[kept, 0].argmax()] if kept.any() else -1] for kept in mask]),
    "Sum[j](y * Sum[j](y))": lambda mask, x, y, e: (mask @ y) ** 2,
    "Max[j](y) + x": lambda mask, x, y, e: x + np.where(mask, y.T, -np.inf).max(1, keepdims=True),
    "Grad(Sum[j](x + y), x)": lambda mask, x, y, e: e * mask.sum(1, keepdims=True),
    "Grad(Sum[j](x + y), y)": lambda mask, x, y, e: mask.T @ e,
    "Grad(Sum[j](p * x * y), p)": lambda mask, x, y, e: (e * x * (mask @ y)).sum(keepdims=True).reshape(1),
}


@pytest.mark.parametrize("formula", SAME_FOR_ALL_ROWS)
def test_what_is_the_same_for_all_rows_of_a_dense_call(compiled, random, formula):
    """A dense call reduces once what depends on the columns alone. With ranges each row has columns of its own."""
    library = compiled(f"dtype f64; x = Vi(1); y = Vj(1); p = Pm(1); out f = {formula}", "same")
    sparsity = Sparsity(random, 30, 40)
    x, y, e = (random.permutation(rows)[:, None].astype(float) for rows in (30, 40, 30))
    given = {"x": x, "y": y, "p": np.ones(1), "d_f": e}
    arguments = [given[tensor["name"]] for tensor in library.f.arguments]
    for mask, ranges in ((sparsity.mask, sparsity.ranges), (np.ones((30, 40), bool), None)):
        expected = SAME_FOR_ALL_ROWS[formula](mask, x, y, e)
        result = np.full(expected.shape, 77, np.int64 if "Arg" in formula else float)
        library.f.call_into(*arguments, result, ranges=ranges, rows_i=30, rows_j=40)
        assert np.array_equal(result, expected)


def test_of_equal_values_the_first_in_the_list_is_chosen(compiled):
    library = compiled("x = Vi(1); y = Vj(1); out at = ArgMin[j](x + y); out all = ArgKMin[j, K=3](x + y)", "ties")
    x, y = np.zeros((2, 1), np.float32), np.array([[1], [0], [0], [0], [1], [0]], np.float32)
    nothing = (np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    ranges = (np.array([[0, 1], [1, 2]]), np.array([2, 4]), np.array([[4, 6], [0, 3], [0, 3], [4, 6]]), *nothing)
    assert library.at(x, y, ranges=ranges)[:, 0].tolist() == [5, 1]
    assert library.all(x, y, ranges=ranges).tolist() == [[5, 1, 2], [1, 2, 5]]


def test_nothing_to_do(compiled):
    """No rows, no columns, no batch elements."""
    library = compiled(BATCHES, "batches")
    nothing = (np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    empty_block = (np.zeros((1, 2), np.int64), np.ones(1, np.int64), np.zeros((1, 2), np.int64))
    points = lambda *shape: np.ones((*shape, 3), np.float32)  # noqa: E731
    for own in (nothing, empty_block):
        assert library.Sum(points(0), points(4), ranges=(*own, *nothing)).shape == (0, 3)
        assert np.array_equal(library.ArgMin(points(3), points(0), ranges=(*own, *nothing)), [[-1]] * 3)
        assert library.Sum(points(0, 5), points(4), ranges=(*own, *nothing)).shape == (0, 5, 3)
        batched = [np.broadcast_to(table, (2, *table.shape)) for table in own]
        assert np.array_equal(library.back(points(3), points(2, 4), ranges=(*batched, *batched)), np.zeros((2, 4, 3)))
    none = [np.zeros((0, *table.shape), np.int64) for table in empty_block]
    assert library.Sum(points(3), points(4), ranges=(*none, *none)).shape == (0, 3, 3)
