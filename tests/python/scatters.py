"""Scatters as NumPy does them: in float64, and in the order in which libraries add."""

import numpy as np

CHUNK, LANES = 128, 32

SOURCE = """
dim D = 3
x = Vi(D);  c = Vj(D);  w = Vi(1)
fused step {
  out label    = ArgMin[j](SqDist(x, c))
  out total    = ScatterSum[i](x, label)
  out count    = ScatterSum[i](1, label)
  out weighted = ScatterSum[i](w * x, label)
  out inertia  = ScatterSum[i](Min[j](SqDist(x, c)), label)
  out mean     = total / count
}
out twos  = ScatterSum[i](2, label)
out far   = ScatterSum[i](x, ArgKMax[j, K=3](SqDist(x, c)))
out back  = ScatterSum[j](c, ArgMin[i](SqDist(x, c)))
out along = Sum[j](ScatterSum[i](w, label) * Exp(-SqDist(x, c)))
"""


def scatter(values, numbers, columns):
    """The sums in float64; leading axes are batches. Numbers are (rows, places)."""
    batch = np.broadcast_shapes(values.shape[:-2], numbers.shape[:-2])
    values = np.broadcast_to(values, (*batch, *values.shape[-2:])).astype(np.float64)
    numbers = np.broadcast_to(numbers, (*batch, *numbers.shape[-2:]))
    sums = np.zeros((*batch, columns, values.shape[-1]))
    for element in np.ndindex(*batch):
        for place in range(numbers.shape[-1]):
            named = numbers[element][:, place]
            np.add.at(sums[element], named[named >= 0], values[element][named >= 0])
    return sums


def in_order(values, numbers, columns, dtype):
    """The sums of one batch element in `dtype`, in the order of the documentation."""
    width = values.shape[-1]
    running = max(1, LANES // (1 << (width - 1).bit_length()))
    sums = np.zeros((columns, width), dtype)
    rows, _ = np.nonzero(numbers >= 0)
    named = numbers[numbers >= 0]
    for column in range(columns):
        own = values[rows[named == column]].astype(dtype)
        chunks = [tree_of_turns(own[first : first + CHUNK], running, dtype) for first in range(0, len(own), CHUNK)]
        if chunks:
            sums[column] = tree(chunks)
    return sums


def tree_of_turns(values, running, dtype):
    """Entry e belongs to running sum e % running; these are added in halves."""
    sums = np.zeros((running, values.shape[-1]), dtype)
    for entry, value in enumerate(values):
        sums[entry % running] += value
    while len(sums) > 1:
        sums = sums[: len(sums) // 2] + sums[len(sums) // 2 :]
    return sums[0]


def tree(parts):
    """Neighbours, then neighbours of these."""
    parts, step = list(parts), 1
    while step < len(parts):
        for left in range(0, len(parts) - step, 2 * step):
            parts[left] = parts[left] + parts[left + step]
        step *= 2
    return parts[0]
