"""numba: loops by hand over rows and columns, with fastmath, y transposed so that the inner loop is vectorised, and parallel over rows.

With `own` the exponential is a polynomial written out here: numba's np.exp calls the C library for each number.
"""

from functools import cache

import numba
import numpy as np
from numba import prange
from rows import LOOPS, NEIGHBOURS

jit = numba.njit(fastmath=True, parallel=True)
inline = numba.njit(fastmath=True)
# Columns whose values are in the first cache together.
STRIP = 512
# Stands for infinity, which fastmath takes for impossible.
LARGE = 1e37


@inline
def exp32(t):
    """exp for t <= 0 in float32: 2^n times the series of 2^f, |f| <= 1/2."""
    t = max(t, np.float32(-87)) * np.float32(1.44269504088896341)
    n = np.floor(t + np.float32(0.5))
    f = t - n
    p = np.float32(1.5403530e-4)
    p = p * f + np.float32(1.3333558e-3)
    p = p * f + np.float32(9.6181291e-3)
    p = p * f + np.float32(5.5504109e-2)
    p = p * f + np.float32(2.4022651e-1)
    p = p * f + np.float32(6.9314718e-1)
    p = p * f + np.float32(1)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


SERIES = np.array([np.log(2.0) ** k / np.prod(np.arange(1.0, k + 1)) for k in range(12, -1, -1)])


@inline
def exp64(t):
    """The same in float64."""
    t = max(t, -700.0) * 1.44269504088896341
    n = np.floor(t + 0.5)
    f = t - n
    p = SERIES[0]
    for k in range(1, 13):
        p = p * f + SERIES[k]
    return p * np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64)


@inline
def library_exp(t):
    return np.exp(t)


def kinds(row, own):
    """The type of numbers, which literals would widen, and the exponential."""
    return (np.float64, exp64 if own else library_exp) if row.dtype == "float64" else (np.float32, exp32 if own else library_exp)


@cache
def kernel_sum_loop(dim, real, exp):
    @jit
    def loop(x, y, b, factor, result):
        for i in prange(len(x)):
            total = real(0)
            for j in range(y.shape[1]):
                squared = real(0)
                for k in range(dim):
                    difference = x[i, k] - y[k, j]
                    squared += difference * difference
                total += exp(factor * squared) * b[j]
            result[i, 0] = total

    return loop


def kernel_sum(row, data, own=False):
    numba.set_num_threads(row.threads)
    y, factor, result = np.ascontiguousarray(data.y.T), data.x.dtype.type(-1 / data.sigma[0] ** 2), np.empty((row.m, 1), row.dtype)
    b, loop = data.b[:, 0].copy(), kernel_sum_loop(row.dim, *kinds(row, own))

    def call():
        loop(data.x, y, b, factor, result)
        return [result]

    return call


@cache
def gradient_loop(real, exp):
    @jit
    def loop(x, y, b, e, factor, value, slope):
        for i in prange(len(x)):
            total = first = second = third = real(0)
            for j in range(y.shape[1]):
                u, v, w = x[i, 0] - y[0, j], x[i, 1] - y[1, j], x[i, 2] - y[2, j]
                weight = exp(factor * (u * u + v * v + w * w)) * b[j]
                total += weight
                first += weight * u
                second += weight * v
                third += weight * w
            value[i, 0] = total
            scale = real(2) * factor * e[i, 0]
            slope[i, 0], slope[i, 1], slope[i, 2] = scale * first, scale * second, scale * third

    return loop


def gradient(row, data, own=False):
    numba.set_num_threads(row.threads)
    y, b, factor = np.ascontiguousarray(data.y.T), data.b[:, 0].copy(), data.x.dtype.type(-1 / data.sigma[0] ** 2)
    value, slope, loop = np.empty((row.m, 1), row.dtype), np.empty((row.m, row.dim), row.dtype), gradient_loop(*kinds(row, own))

    def call():
        loop(data.x, y, b, data.e, factor, value, slope)
        return [value, slope]

    return call


@inline
def strip_distances(x, y, i, start, distances):
    """Squared distances from a point to the columns of a strip, for three coordinates; how many there are. Slices of one axis are known to be
    contiguous, others are not and would not be vectorised.
    """
    first, second, third = y[0, start : start + STRIP], y[1, start : start + STRIP], y[2, start : start + STRIP]
    p, q, r = x[i, 0], x[i, 1], x[i, 2]
    for j in range(len(first)):
        u, v, w = p - first[j], q - second[j], r - third[j]
        distances[j] = u * u + v * v + w * w
    return len(first)


@jit
def neighbours_loop(x, y, found):
    """A strip without a near enough column is passed over. Minima are of bits, which are in the order of distances: those of floats are
    not vectorised.
    """
    for i in prange(len(x)):
        distances, best, chosen = np.empty(STRIP, x.dtype), np.full(NEIGHBOURS, LARGE, x.dtype), np.zeros(NEIGHBOURS, np.int64)
        bits, worst = distances.view(np.int32), best.view(np.int32)
        for start in range(0, y.shape[1], STRIP):
            count, least = strip_distances(x, y, i, start, distances), worst[NEIGHBOURS - 1]
            for j in range(count):
                least = min(least, bits[j])
            if least == worst[NEIGHBOURS - 1]:
                continue
            for j in range(count):
                if distances[j] < best[NEIGHBOURS - 1]:
                    place = NEIGHBOURS - 1
                    while place > 0 and best[place - 1] > distances[j]:
                        best[place], chosen[place] = best[place - 1], chosen[place - 1]
                        place -= 1
                    best[place], chosen[place] = distances[j], start + j
        found[i] = chosen


def neighbours(row, data, own=False):
    """There is no exponential here, so that only one of the two takes part."""
    if own:
        return None
    numba.set_num_threads(row.threads)
    y, found = np.ascontiguousarray(data.y.T), np.empty((row.m, NEIGHBOURS), np.int64)

    def call():
        neighbours_loop(data.x, y, found)
        return [found]

    return call


@cache
def soft_minimum_loop(exp):
    @jit
    def loop(x, y, g, eps, result):
        """Over problems and rows: strips of scores, their maximum, their exponentials. Bits of floats become integers in the same order."""
        inverse, rows = np.float32(1) / eps, x.shape[1]
        for number in prange(x.shape[0] * rows):
            batch, i = number // rows, number % rows
            scores, total, most = np.empty(STRIP, x.dtype), np.float32(0), np.float32(-LARGE)
            bits = scores.view(np.int32)
            for start in range(0, y.shape[2], STRIP):
                count, shift = strip_distances(x[batch], y[batch], i, start, scores), g[batch, start : start + STRIP]
                for j in range(count):
                    scores[j] = (shift[j] - scores[j]) * inverse
                largest = np.int32(-(2**31))
                for j in range(count):
                    largest = max(largest, bits[j] ^ ((bits[j] >> np.int32(31)) & np.int32(0x7FFFFFFF)))
                above = max(most, np.int32(largest ^ ((largest >> np.int32(31)) & np.int32(0x7FFFFFFF))).view(np.float32))
                total, most, part = total * exp(most - above), above, np.float32(0)
                for j in range(count):
                    part += exp(scores[j] - most)
                total += part
            result[batch, i] = -eps * (most + np.log(total))

    return loop


def sinkhorn(row, data, own=False):
    numba.set_num_threads(row.threads)
    x, y = (array.reshape(-1, *array.shape[-2:]) for array in (data.x, data.y))
    x_transposed, y_transposed = (np.ascontiguousarray(array.transpose(0, 2, 1)) for array in (x, y))
    f, g = (np.zeros(array.shape[:2], row.dtype) for array in (x, y))
    loop, eps = soft_minimum_loop(kinds(row, own)[1]), data.eps[0]

    def call():
        g[:] = 0
        for _ in range(LOOPS // 2):
            loop(x, y_transposed, g, eps, f)
            loop(y, x_transposed, f, eps, g)
        return [f, g]

    return call
