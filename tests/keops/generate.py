"""Random formulas over the whole catalogue of KeOps, in KeOps' language, and every operation once by itself.

    formulas(seed, count)   a list of formula texts, the same for the same seed
    gradients(formulas)     rows (formula, variable, cotangent) to put into Grad
    single operations, at ordinary points and where functions change: SINGLES, EDGES

A formula is grown from the result: an operation for the dimension that is wanted, then its arguments. Whether its values are numbers of a
sensible size is left to the judge, who evaluates each; nearly all that do not pass are thrown away.
"""

import random
import re

import numpy as np

import judge
import world

LEAVES = {}
for _name, (_category, _dim) in world.VARIABLES.items():
    if _name != "t" and _name not in world.COTANGENTS.values():
        LEAVES.setdefault(_dim, []).append(_name)

DIMS = [1, 2, 3, 4, 6, 9]

UNARY = ["Exp", "Log", "Sin", "Cos", "Atan", "Asin", "Acos", "Sqrt", "Rsqrt", "Square", "Abs", "Sign", "Step", "ReLU", "Floor", "XLogX"]
UNARY += ["SinXDivX", "Inv", "Minus"]
BINARY = ["Powf", "Atan2", "Equal", "NotEqual", "LessThan", "LessOrEqual", "Add", "Subtract", "Mult", "Divide"]
OPERATORS = ["+", "-", "*", "/", "+", "-", "*", "/", "<", "<=", ">", ">="]
COMPLEX_BINARY = ["ComplexAdd", "ComplexSubtract", "ComplexMult", "ComplexDivide"]


class Growth:
    """Grows formulas; `self.random` decides."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def choose(self, options):
        return self.random.choice(options)

    def grow(self, dim, depth):
        """A formula of this dimension."""
        if depth == 0 or self.random.random() < 0.08:
            return self.leaf(dim)
        return self.choose(self.ways(dim))(dim, depth - 1)

    def ways(self, dim):
        """Operations that give this dimension, the more usual ones several times."""
        ways = [self.unary] * 8 + [self.binary] * 4 + [self.operator] * 6 + [self.with_integers] * 3 + [self.ternary] * 3
        ways += [self.derivative]
        if dim == 1:
            ways += [self.to_scalar] * 14 + [self.scalar_derivative]
        else:
            ways += [self.rearranged] * 5 + [self.normalized]
        if dim in (2, 3, 4, 6, 9):
            ways += [self.product] * 4
        if dim % 2 == 0:
            ways += [self.complex] * 6
        if dim <= 3:
            ways += [self.complex_to_real]
        return ways

    def leaf(self, dim):
        if dim == 1 and self.random.random() < 0.3:
            return self.choose([f"IntCst({self.integer()})", f"RatCst({self.integer()},{self.choose([2, 3, 5, 7, 8])})", f"IntInv({self.integer()})"])
        if self.random.random() < 0.02:
            return f"Zero({dim})"
        return self.choose(LEAVES[dim])

    def integer(self):
        return self.choose([-3, -2, -1, 1, 2, 3, 4, 5])

    def variable(self):
        """A variable to differentiate by."""
        return self.choose([name for names in LEAVES.values() for name in names if world.VARIABLES[name][1] <= 4])

    def like(self, dim, depth):
        """A formula of this dimension, or a scalar that broadcasts."""
        return self.grow(dim if self.random.random() < 0.8 else 1, depth)

    def positive(self, dim, depth):
        """For logarithms and roots: most often of squares, exponentials and plain inputs."""
        inner = self.grow(dim, max(depth - 1, 0))
        return self.choose([f"Exp({inner})", f"(1 + ({inner})**2)", f"Abs({inner})", self.leaf(dim), inner])

    def unary(self, dim, depth):
        name = self.choose(UNARY)
        if name in ("Log", "Sqrt", "Rsqrt", "XLogX"):
            return f"{name}({self.positive(dim, depth)})"
        inner = self.grow(dim, depth)
        if name in ("Asin", "Acos"):
            return f"{name}({self.choose(['Sin', 'Cos', 'RatCst(2,3) * Atan', 'RatCst(1,2) * '])}({inner}))"
        if name == "Minus" and self.random.random() < 0.7:
            return f"(-{inner})"
        return f"{name}({inner})"

    def binary(self, dim, depth):
        name = self.choose(BINARY)
        first = self.positive(dim, depth) if name == "Powf" else self.grow(dim, depth)
        second = self.like(dim, depth)
        if self.random.random() < 0.3 and name != "Powf":
            first, second = second, first
        return f"{name}({first}, {second})"

    def operator(self, dim, depth):
        first, second = self.grow(dim, depth), self.like(dim, depth)
        if self.random.random() < 0.3:
            first, second = second, first
        if self.random.random() < 0.15:
            first = str(self.integer())
            return f"({first} {self.choose(['+', '-', '*', '/'])} {self.grow(dim, depth)})"
        if self.random.random() < 0.15:
            second = self.choose(["2", "3", "4", "5"])
            first = self.grow(dim, depth)
        return f"({first} {self.choose(OPERATORS)} {second})"

    def with_integers(self, dim, depth):
        inner = self.grow(dim, depth)
        low = self.integer()
        return self.choose(
            [
                f"({inner})**2",
                f"({inner})**3",
                f"({inner})**{self.choose([-2, -1, 4, 5])}",
                f"Pow({inner},{self.choose([-1, 2, 3, 4])})",
                f"Round({inner},{self.choose([0, 1, 2])})",
                f"ClampInt({inner},{low},{low + 2})",
                f"DiffClampInt({inner},{low},{low + 1})",
            ]
        )

    def ternary(self, dim, depth):
        inner = self.grow(dim, depth)
        return self.choose(
            [
                f"Mod({inner}, {self.positive(dim, depth)}, {self.like(dim, depth)})",
                f"Clamp({inner}, {self.like(dim, 0)}, {self.like(dim, depth)})",
                f"IfElse({self.like(dim, depth)}, {inner}, {self.grow(dim, depth)})",
                f"IfElse({self.grow(1, depth)}, {inner}, {self.grow(dim, depth)})",
            ]
        )

    def to_scalar(self, _, depth):
        n = self.choose([2, 3, 3, 4])
        f, g = self.grow(n, depth), self.grow(n, depth)
        return self.choose(
            [
                f"Sum({f})",
                f"({f} | {g})",
                f"Scalprod({f}, {self.like(n, depth)})",
                f"SqNorm2({f})",
                f"Norm2({f})",
                f"SqDist({f}, {g})",
                f"SqNormIso({self.grow(1, depth)}, {f})",
                f"SqNormDiag({f}, {g})",
                f"SymSqNorm({self.grow(9, depth)}, {self.grow(3, depth)})",
                f"WeightedSqNorm({self.grow(self.choose([1, n]), depth)}, {f})",
                f"WeightedSqDist({self.grow(self.choose([1, n]), depth)}, {f}, {g})",
                f"WeightedSqDist({self.grow(4, depth)}, {self.grow(2, depth)}, {self.grow(2, depth)})",
                f"Max({f})",
                f"Min({f})",
                f"ArgMax({f})",
                f"ArgMin({f})",
                f"Elem({f},{self.random.randrange(n)})",
                # Of variables alone KeOps reads other rows on the CPU, and outside of arrays.
                f"SoftDTW_SqDist(2*{f}, 3*{self.grow(self.choose([2, 3]), depth)}, s)",
            ]
        )

    def normalized(self, dim, depth):
        return f"Normalize({self.grow(dim, depth)})"

    def rearranged(self, dim, depth):
        n = self.choose([n for n in DIMS if n >= dim])
        smaller = self.choose([n for n in DIMS if n < dim])
        ways = [
            f"SumT({self.grow(1, depth)},{dim})",
            f"ElemT({self.grow(1, depth)},{dim},{self.random.randrange(dim)})",
            f"Extract({self.grow(n, depth)},{self.random.randrange(n - dim + 1)},{dim})",
            f"ExtractT({self.grow(smaller, depth)},{self.random.randrange(dim - smaller + 1)},{dim})",
            f"OneHot(ClampInt({self.grow(1, depth)},0,{dim - 1}),{dim})",
        ]
        if dim - smaller in DIMS:
            ways += [f"Concat({self.grow(smaller, depth)}, {self.grow(dim - smaller, depth)})"] * 2
        if dim <= 4:
            ways += [f"BSpline(t, {self.grow(1, depth)},{5 - dim})"]
        return self.choose(ways)

    def product(self, dim, depth):
        inner = self.choose([n for n in (2, 3) if n * dim in DIMS] or [1])
        ways = [
            f"MatVecMult({self.grow(dim * inner, depth)}, {self.grow(inner, depth)})",
            f"VecMatMult({self.grow(inner, depth)}, {self.grow(dim * inner, depth)})",
        ]
        ways += [f"TensorProd({self.grow(n, depth)}, {self.grow(dim // n, depth)})" for n in (2, 3) if dim % n == 0 and dim // n in DIMS]
        f, g, h = self.grow(4, depth), self.grow(2, depth), self.grow(6, depth)
        ways += {
            2: [f"TensorDot({f}, {g}, [2,2], [2], [1], [0])", f"TensorDot({h}, {self.grow(3, depth)}, [3,2], [3], [0], [0])"],
            3: [f"TensorDot({h}, {g}, [3,2], [2], [1], [0])"],
            4: [
                f"TensorDot({f}, {self.grow(4, depth)}, [2,2], [2,2], [{self.choose([0, 1])}], [{self.choose([0, 1])}])",
                f"TensorDot({f}, {self.grow(4, depth)}, [2,2], [2,2], [0], [1], [1,0])",
                f"Kron({self.grow(2, depth)}, {g}, [{self.choose(['2,1', '1,2'])}], [{self.choose(['2,1', '1,2'])}])",
            ],
            6: [
                f"TensorDot({h}, {f}, [3,2], [2,2], [1], [0])",
                f"TensorDot({h}, {f}, [2,3], [2,2], [0], [1], [1,0])",
                f"Kron({self.grow(3, depth)}, {g}, [3], [2])",
            ],
            9: [f"TensorDot({self.grow(3, depth)}, {self.grow(3, depth)}, [3], [3], [], [], [1,0])"],
        }[dim]
        return self.choose(ways)

    def complex(self, dim, depth):
        name = self.choose(COMPLEX_BINARY)
        f = self.grow(dim, depth)
        half = dim // 2
        ways = [f"{name}({f}, {self.grow(dim, depth)})", f"{name}({f}, {self.grow(2, depth)})", f"{name}({self.grow(2, depth)}, {f})"]
        ways += [f"Conj({f})", f"ComplexExp({f})", f"ComplexRealScal({self.grow(1, depth)}, {f})", f"ComplexRealScal({f}, {self.grow(1, depth)})"]
        ways += [f"{name}({self.grow(half, depth)})" for name in ("Real2Complex", "Imag2Complex", "ComplexExp1j")]
        if dim == 2:
            ways += [f"ComplexSum({self.grow(4, depth)})"] * 2
        ways += [f"ComplexSumT({self.grow(2, depth)},{dim})"]
        return self.choose(ways)

    def complex_to_real(self, dim, depth):
        name = self.choose(["ComplexReal", "ComplexImag", "ComplexAbs", "ComplexSquareAbs", "ComplexAngle"])
        return f"{name}({self.grow(2 * dim, depth)})"

    def derivative(self, dim, depth):
        v = self.choose([name for n, names in LEAVES.items() for name in names if n == dim])
        n = self.choose([1, 2, 3])
        ways = [f"Grad({self.grow(n, depth)}, {v}, {self.grow(n, depth)})"] * 3
        w = self.variable()
        category, size = world.VARIABLES[w]
        tangent = self.choose([w, self.leaf(size), world.COTANGENTS[size] if category == world.I else w])
        ways += [f"Diff({self.grow(dim, depth)}, {w}, {tangent})"]
        ways += [f"GradMatrix({self.grow(f, depth)}, {self.choose(LEAVES[dim // f])})" for f in (1, 2, 3) if dim % f == 0 and dim // f in LEAVES]
        return self.choose(ways)

    def scalar_derivative(self, _, depth):
        v = self.variable()
        return self.choose([f"Divergence({self.grow(world.VARIABLES[v][1], depth)}, {v})", f"Laplacian({self.grow(1, depth)}, {v})"])


def names_in(text):
    """The words of a formula: operations and variables."""
    return set(re.findall(r"[A-Za-z_]\w*", text))


def is_sensible(values):
    return np.isfinite(values).all() and np.abs(values).max() < 1e4


def formulas(seed, count):
    """`count` different formulas. One in thirty may have infinities, NaNs and huge values."""
    growth, found = Growth(seed), []
    numbers = world.inputs()
    while len(found) < count:
        text = growth.grow(growth.choose([1, 1, 1, 2, 3, 3, 4, 6]), growth.choose([1, 2, 2, 3, 3, 4]))
        if len(text) > 240 or text in found or not names_in(text) & set(judge.OPERATIONS) or not names_in(text) & set(world.VARIABLES):
            continue
        if is_sensible(judge.evaluate(text, world.VARIABLES, numbers)) or growth.random.random() < 0.03:
            found.append(text)
    return found


def gradients(texts, seed=None):
    """Rows (formula, variable, cotangent), of which Grad makes a gradient: for every variable of a formula, with a seed for one of them."""
    chosen, numbers, found = random.Random(seed), world.inputs(), []
    for text in texts:
        dim = judge.evaluate(text, world.VARIABLES, numbers).shape[-1]
        used = sorted(names_in(text) & set(world.VARIABLES) - {"t"})
        if used and dim in world.COTANGENTS:
            found += [(text, v, world.COTANGENTS[dim]) for v in (used if seed is None else [chosen.choice(used)])]
    return found
