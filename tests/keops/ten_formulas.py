"""Ten formulas that are computed often, in KeOps' language; formulas/NAME.kf has each in keopsc's.

A row: name, declarations in KeOps' order, reduction, formula. x has three coordinates throughout; the hidden layer of the network has eight units.
"""

DISTANCE = "Norm2(x - y)"
RADIUS = f"s * {DISTANCE}"
POINTS = ["x = Vi(0,3)", "y = Vj(1,3)"]
SCALAR = [*POINTS, "b = Vj(2,1)", "s = Pm(3,1)"]

TEN = [
    ("gaussian", SCALAR, "Sum", "Exp(-s * SqDist(x, y)) * b"),
    ("laplacian", SCALAR, "Sum", f"Exp(-{RADIUS}) * b"),
    ("matern32", SCALAR, "Sum", f"(1 + {RADIUS}) * Exp(-{RADIUS}) * b"),
    ("matern52", SCALAR, "Sum", f"(1 + {RADIUS} + ({RADIUS})**2 / 3) * Exp(-{RADIUS}) * b"),
    ("energy", SCALAR[:3], "Sum", f"-{DISTANCE} * b"),
    ("sinkhorn", SCALAR, "Max_SumShiftExp", "(b - SqDist(x, y) / 2) * s"),
    (
        "divergence_free",
        [*POINTS, "b = Vj(2,3)", "s = Pm(3,1)"],
        "Sum",
        "Exp(-s * SqDist(x, y)) * ((4*s - 4*s**2 * SqDist(x, y)) * b + 4*s**2 * (x - y | b) * (x - y))",
    ),
    ("mahalanobis", [*POINTS, "b = Vj(2,1)", "A = Pm(3,9)"], "Sum", "Exp(-WeightedSqDist(A, x, y)) * b"),
    (
        "network",
        [*POINTS, "b = Vj(2,1)", "W = Pm(3,24)", "c = Pm(4,8)", "w = Pm(5,8)"],
        "Sum",
        "(w | 1 / (1 + Exp(-(MatVecMult(W, x - y) + c)))) * b",
    ),
    # With a complex b, ComplexMult, KeOps refuses the gradient in a variable of odd dimension.
    ("nudft", SCALAR[:3], "Sum", "ComplexExp1j(x | y) * b"),
]
