"""Every operation of KeOps by itself: at ordinary points (SINGLES) and where functions change (EDGES)."""

# One or more rows an operation; in generate.py's variables. The ways in which arguments broadcast are rows of their own.
SINGLES = """
x + y
a + y
x - y
x - b
x * y
a * y
x / y
x / b
a / y
-x
1/x
2 - x
x**2
x**3
x**-2
x < y
x <= y
x > y
x >= y
x | y
a | y
(x < p) | y
2*x | y
x + y | y
Add(x, y)
Subtract(x, y)
Mult(x, y)
Divide(x, y)
Minus(x)
Inv(x)
Exp(x)
Log(x)
Sin(x)
Cos(x)
Asin(x/2)
Acos(x/2)
Atan(x)
Atan2(x, y)
Atan2(a, y)
Atan2(x, b)
Sqrt(x)
Rsqrt(x)
Square(x)
Pow(x,3)
Pow(x,1)
Pow(x,0)
Pow(x,-3)
Powf(x, y)
Powf(a, y)
Powf(x, b)
Abs(x - y)
Sign(x - y)
Step(x - y)
ReLU(x - y)
Floor(9*x)
Round(9*x,0)
Round(x,2)
Round(1000*x,-2)
Mod(9*x, y, p)
Mod(9*x, b, s)
Mod(-9*x, y, p)
Mod(9*x, -y, p)
Clamp(x, p, y + p)
Clamp(x, s, b)
Clamp(a, x, y)
ClampInt(9*x,2,5)
DiffClampInt(9*x,2,5)
IfElse(x - y, x, y)
IfElse(a - b, x, y)
IfElse(x - y, MatVecMult(Q, x), x)
Equal(Floor(4*x), Floor(4*y))
NotEqual(Floor(4*x), Floor(4*y))
LessThan(x, y)
LessOrEqual(x, y)
XLogX(x)
SinXDivX(x)
IntCst(3)*x
IntCst(16777217)*x
RatCst(1,3)*x
RatCst(4,6)*x
RatCst(6,3)*x
IntInv(3)*x
x/IntCst(3)
x/3
x/3 + y/7
3*x/5
IntInv(2) + x
RatCst(1,3) + RatCst(1,6) + x
IntCst(1) + RatCst(1,3) + x
RatCst(1,3) + IntCst(1) + x
RatCst(1,3) - IntCst(1) + x
RatCst(3,4)*IntCst(8)*x
Zero(3) + x
Zero(3)*x
x - x
x + x
x*x
x/x
Sum(x)
Sum(a)
SumT(a,3)
Scalprod(x, y)
Scalprod(a, y)
SqNorm2(x)
Norm2(x - y)
Norm2(x - x)
Normalize(x)
SqDist(x, y)
SqNormIso(a, y)
SqNormDiag(x, y)
SymSqNorm(Q, x)
WeightedSqNorm(b, x)
WeightedSqNorm(y, x)
WeightedSqNorm(Q, x)
WeightedSqNorm(a, b)
WeightedSqDist(b, x, p)
WeightedSqDist(y, x, p)
WeightedSqDist(Q, x, y)
Max(x*y)
Min(x*y)
ArgMax(x*y)
ArgMin(x*y)
Elem(x,2)
ElemT(a,3,1)
Extract(d,1,2)
ExtractT(u,1,4)
Concat(x, y)
Concat(Concat(u, a), y)
OneHot(3*a,4)
OneHot(ArgMax(x*y),3)*y
MatVecMult(A, x)
MatVecMult(A, u)
MatVecMult(Q, x)
MatVecMult(x, a)
VecMatMult(x, A)
VecMatMult(u, A)
VecMatMult(x, Q)
TensorProd(x, y)
TensorProd(u, y)
TensorProd(a, y)
TensorDot(x, y, [3], [3], [0], [0])
TensorDot(c, d, [2,2], [2,2], [1], [0])
TensorDot(c, d, [2,2], [2,2], [0], [1])
TensorDot(c, d, [2,2], [2,2], [0,1], [0,1])
TensorDot(c, d, [2,2], [2,2], [0,1], [1,0])
TensorDot(c, d, [2,2], [2,2], [1], [0], [1,0])
TensorDot(A, x, [2,3], [3], [1], [0])
TensorDot(A, u, [2,3], [2], [0], [0])
TensorDot(A, Q, [2,3], [3,3], [1], [1])
TensorDot(A, Q, [2,3], [3,3], [1], [0], [1,0])
TensorDot(x, v, [3], [2], [], [])
TensorDot(x, v, [3], [2], [], [], [1,0])
TensorDot(TensorProd(u, x), v, [2,3], [2], [0], [0])
TensorDot(TensorProd(u, x), TensorProd(v, y), [2,3], [2,3], [0], [0], [0,1])
TensorDot(TensorProd(u, TensorProd(v, u)), TensorProd(v, x), [2,2,2], [2,3], [1], [0], [1,2,0])
TensorDot(TensorProd(u, TensorProd(v, u)), TensorProd(v, x), [2,2,2], [2,3], [1], [0], [2,0,1])
Kron(u, y, [2], [3])
Kron(c, v, [2,2], [1,2])
Kron(x, A, [3,1], [2,3])
BSpline(t, b,0)
BSpline(t, b,1)
BSpline(t, b,3)
SoftDTW_SqDist(x, y, s)
SoftDTW_SqDist(x, v, s)
SoftDTW_SqDist(2*x, 2*y, s)
SoftDTW_SqDist(2*c, 2*v, b)
SoftDTW_SqDist(2*c, 2*y, IntCst(1))
ComplexReal(c)
ComplexImag(c)
Real2Complex(x)
Imag2Complex(x)
Conj(c)
ComplexAbs(c)
ComplexSquareAbs(c)
ComplexAngle(c)
ComplexSum(c)
ComplexSumT(u,6)
ComplexAdd(c, d)
ComplexAdd(u, d)
ComplexSubtract(c, d)
ComplexSubtract(c, v)
ComplexSubtract(u, d)
ComplexMult(c, d)
ComplexMult(c, v)
ComplexMult(u, d)
ComplexDivide(c, d)
ComplexDivide(c, v)
ComplexDivide(u, d)
ComplexRealScal(a, d)
ComplexRealScal(d, a)
ComplexExp(c)
ComplexExp1j(x)
Grad(SqDist(x, y), x, b)
Grad(Exp(-SqDist(x, y)), y, a)
Grad(Grad(Exp(-SqDist(x, y)), x, a), y, p)
GradMatrix(Exp(x*y), x)
GradMatrix(SqNorm2(x - y), y)
GradMatrix(MatVecMult(Q, x*y), x)
Diff(Exp(-SqDist(x, y)), x, e3)
Diff(Exp(-SqDist(x, y)), y, y)
Diff(Exp(-SqDist(x, y)), x, y)
Diff(Exp(x*y), x, p)
Diff(MatVecMult(Q, x), x, y)
Diff(Concat(x, y), x, p)
Divergence(x*x*y, x)
Divergence(Exp(-SqDist(x, y))*(x - y), x)
Laplacian(Exp(-SqDist(x, y)), x)
Laplacian(SqDist(x, y), y)
Laplacian(Log(1 + SqDist(x, y)), x)
Diff(x*y, (x, p), (e3, p))
TraceOperator(x*y, x)
TraceOperator(x*y - 2*x, x, p)
TraceOperator(x | y, x)
SumLinOperator(x*y, x)
SumLinOperator(SumT(x | y,2), x, u)
SumLinOperator(x*y, x, p, y)
AdjointOperator(x*y, x, p)
AdjointOperator(x | y, x, a)
Factorize(Exp(-SqDist(x, y))*SqDist(x, y), SqDist(x, y))
AutoFactorize(Exp(-SqDist(x, y))*SqDist(x, y))
""".strip().splitlines()

# Of x, one component.
EDGES_UNARY = """
Exp(x)
Log(x)
Sin(x)
Cos(x)
Asin(x)
Acos(x)
Atan(x)
Sqrt(x)
Rsqrt(x)
Square(x)
Abs(x)
Sign(x)
Step(x)
ReLU(x)
Floor(x)
Round(x,0)
Round(x,1)
XLogX(x)
SinXDivX(x)
Inv(x)
1/x
x/x
0*x
x - x
Pow(x,0)
Pow(x,1)
Pow(x,2)
Pow(x,3)
Pow(x,-1)
Pow(x,-2)
ClampInt(x,-1,1)
DiffClampInt(x,-1,1)
Norm2(x)
Normalize(x)
Exp(x)*Exp(-x)
Log(Exp(x))
Sqrt(Square(x))
ComplexAbs(Real2Complex(x))
ComplexAngle(Real2Complex(x))
ComplexExp(Real2Complex(x))
IfElse(x, Sqrt(x), -x)
IfElse(x, x, Log(-x))
IfElse(x, 1/x, x)
IfElse(x - y, Norm2(Concat(Sqrt(x), x)), x)
ReLU(Log(x))
Abs(Sqrt(x))
ClampInt(Log(x),-1,1)
Max(Concat(-x, Sqrt(x)))
""".strip().splitlines()

# Of x and z, one component each.
EDGES_BINARY = """
x + z
x - z
x * z
x / z
Powf(x, z)
Atan2(x, z)
Equal(x, z)
NotEqual(x, z)
LessThan(x, z)
LessOrEqual(x, z)
x > z
x >= z
Mod(x, z, 0*y)
Mod(x, z, IntCst(1))
Clamp(x, z, IntCst(1) + y)
Clamp(x, IntCst(-1) + y, z)
Clamp(z, x, x)
IfElse(x, z, -z)
Max(Concat(x, z))
Min(Concat(x, z))
ArgMax(Concat(x, z))
ArgMin(Concat(x, z))
Norm2(Concat(x, z))
Normalize(Concat(x, z))
SqDist(x, z)
""".strip().splitlines()

# (reduction, formula, further argument of Genred, second formula), each over j and over i.
REDUCTIONS = [
    ("Sum", "x*y", None, None),
    ("Sum", "SqDist(x, y)", None, None),
    ("Sum", "IntCst(1)", None, None),
    ("LogSumExp", "4*(x | y)", None, None),
    ("LogSumExp", "4*(x | y)", None, "b"),
    ("LogSumExp", "4*(x | y)", None, "y"),
    ("LogSumExpWeight", "4*(x | y)", None, "y"),
    ("Max_SumShiftExp", "4*(x | y)", None, None),
    ("Max_SumShiftExpWeight", "4*(x | y)", None, "y"),
    ("SumSoftMaxWeight", "4*(x | y)", None, "y"),
    ("SumSoftMaxWeight", "4*(x | y)", None, "x*y"),
    ("SoftMax", "4*(x | y)", None, "b"),
    ("Min", "x*y", None, None),
    ("Max", "x*y", None, None),
    ("ArgMin", "x*y", None, None),
    ("ArgMax", "x*y", None, None),
    ("ArgMin", "Floor(2*x*y)", None, None),
    ("ArgMax", "Floor(2*x*y)", None, None),
    ("Min_ArgMin", "x*y", None, None),
    ("Max_ArgMax", "x*y", None, None),
    ("MinArgMin", "x*y", None, None),
    ("MaxArgMax", "x*y", None, None),
    ("KMin", "x*y", 2, None),
    ("KMin", "SqDist(x, y)", 3, None),
    ("KMin", "SqDist(x, y)", 6, None),
    ("ArgKMin", "x*y", 2, None),
    ("ArgKMin", "Floor(2*x*y)", 3, None),
    ("ArgKMin", "SqDist(x, y)", 6, None),
    ("KMin_ArgKMin", "x*y", 2, None),
    ("KMinArgKMin", "SqDist(x, y)", 2, None),
    # Infinities, NaNs, nothing but one of them.
    ("Sum", "Log(Step(x - y) - Step(y - b))", None, None),
    ("LogSumExp", "Log(Step(a - b))", None, None),
    ("LogSumExp", "Log(Zero(1)*a*b + Floor(a*b/9))", None, None),
    ("LogSumExp", "900*a*b", None, None),
    ("LogSumExp", "-900*a*b", None, None),
    ("Min", "Sqrt(x - y)", None, None),
    ("Max", "Sqrt(x - y)", None, None),
    ("ArgMin", "Sqrt(x - y)", None, None),
    ("ArgMax", "Sqrt(x - y)", None, None),
    ("Min", "Sqrt(-x*y)", None, None),
    ("ArgMin", "Sqrt(-x*y)", None, None),
    ("ArgMax", "Inv(0*x*y)", None, None),
    ("ArgMin", "Inv(0*x*y)", None, None),
    ("KMin", "Sqrt(x - y)", 2, None),
    ("ArgKMin", "Sqrt(x - y)", 2, None),
]

# Gradients of the reductions that have one, by KeOps' own rule for them: (reduction, formula, second formula, variable).
REDUCTION_GRADIENTS = [
    (reduction, formula, second, variable)
    for reduction, formula, second in [
        ("LogSumExp", "4*(x | y)", None),
        ("LogSumExp", "-SqDist(x, y)", "b"),
        ("SumSoftMaxWeight", "-SqDist(x, y)", "y"),
    ]
    for variable in ("x", "y")
]
