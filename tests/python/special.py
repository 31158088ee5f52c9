"""Special functions in NumPy's extended precision, by methods other than the compiler's: references for tests of compiled code."""

import math

import numpy as np

LONG = np.longdouble
# What float64 has of pi, and what it leaves.
PI = LONG(np.pi) + LONG(1.2246467991473532e-16)


def elementwise(function):
    """A function of Python floats on arrays."""
    return np.vectorize(function, otypes=[np.float64])


erf = elementwise(math.erf)
erfc = elementwise(math.erfc)


def bessel_j(order, x):
    """Bessel's integral over a whole period by the trapezoidal rule in 400 points, exact to rounding up to |x| = 300."""
    angles = 2 * PI * np.arange(400, dtype=LONG) / 400
    x = np.asarray(x, LONG)[..., None]
    return np.cos(order * angles - x * np.sin(angles)).mean(axis=-1)


def hurwitz_zeta(s, x):
    """For x > 0: 40 terms, and the rest by the Euler-Maclaurin formula with four corrections."""
    x = np.asarray(x, LONG)
    terms = sum((x + q) ** LONG(-s) for q in range(40))
    y = x + 40
    rest = y ** LONG(1 - s) / (s - 1) + y ** LONG(-s) / 2
    for number, divisor in enumerate((12, -720, 30240, -1209600)):
        rising = math.prod(range(s, s + 2 * number + 1))
        rest += rising * y ** LONG(-s - 2 * number - 1) / divisor
    return terms + rest


def lgamma(x):
    """The logarithm of |gamma(x)|: Stirling's series at x + 40; for x < 0 by reflection. Absolute errors of some 1e-17."""
    x = np.asarray(x, LONG)
    above = np.where(x < 0, 1 - x, x)
    y = above + 40
    series = 1 / (12 * y) - 1 / (360 * y**3) + 1 / (1260 * y**5) - 1 / (1680 * y**7) + 1 / (1188 * y**9)
    value = (y - 0.5) * np.log(y) - y + np.log(2 * PI) / 2 + series - sum(np.log(above + q) for q in range(40))
    return np.where(x < 0, np.log(PI / np.abs(np.sin(PI * (x - np.round(x))))) - value, value)


def digamma(x):
    """For x > 0: the asymptotic series at x + 40."""
    x = np.asarray(x, LONG)
    y = x + 40
    series = np.log(y) - 1 / (2 * y) - 1 / (12 * y**2) + 1 / (120 * y**4) - 1 / (252 * y**6) + 1 / (240 * y**8)
    return series - sum(1 / (x + q) for q in range(40))


def matern(twice_nu, d):
    """The Matérn correlation by the sum over the powers of the scaled distance."""
    p = (twice_nu - 1) // 2
    r = np.sqrt(LONG(twice_nu)) * np.abs(np.asarray(d, LONG))
    factorial = math.factorial
    terms = (factorial(p + i) / (factorial(i) * factorial(p - i)) * (2 * r) ** (p - i) for i in range(p + 1))
    return np.exp(-r) * sum(terms) * factorial(p) / factorial(2 * p)
