//! What operations compute, against closures written independently, and at the edges of their domains.

mod support;

use keopsc_ops::catalogue::{self, Value};
use support::{Numbers, Vectors, apply, calculate};

type Unary = (&'static str, (f64, f64), fn(f64) -> f64);

const UNARY: &[Unary] = &[
    ("Minus", (-9.0, 9.0), |a| -a),
    ("Inv", (-9.0, 9.0), |a| a.recip()),
    ("Square", (-9.0, 9.0), |a| a.powi(2)),
    ("Exp", (-50.0, 50.0), f64::exp),
    ("Exp2", (-50.0, 50.0), f64::exp2),
    ("Expm1", (-50.0, 50.0), f64::exp_m1),
    ("Expm1", (-2.0, 2.0), f64::exp_m1),
    ("Expm1", (-1e-5, 1e-5), f64::exp_m1),
    ("Log", (0.0, 50.0), f64::ln),
    ("Log2", (0.0, 50.0), f64::log2),
    ("Log10", (0.0, 50.0), f64::log10),
    ("Log1p", (-0.99, 50.0), f64::ln_1p),
    ("Log1p", (-1e-5, 1e-5), f64::ln_1p),
    ("XLogX", (0.1, 0.9), |a| a * a.ln()),
    ("Sqrt", (0.0, 50.0), f64::sqrt),
    ("Rsqrt", (0.0, 50.0), |a| a.sqrt().recip()),
    ("Sigmoid", (-50.0, 50.0), |a| a.exp() / (1.0 + a.exp())),
    ("Softplus", (-50.0, 50.0), |a| a.max(0.0) + (-a.abs()).exp().ln_1p()),
    ("ZeroIfMinusInfinity", (-9.0, 9.0), |a| a),
    ("Sin", (-9.0, 9.0), f64::sin),
    ("Cos", (-9.0, 9.0), f64::cos),
    ("Tan", (-9.0, 9.0), f64::tan),
    ("Asin", (-1.0, 1.0), f64::asin),
    ("Acos", (-1.0, 1.0), f64::acos),
    ("Atan", (-9.0, 9.0), f64::atan),
    ("Sinh", (-9.0, 9.0), f64::sinh),
    ("Sinh", (-1e-3, 1e-3), f64::sinh),
    ("Cosh", (-9.0, 9.0), f64::cosh),
    ("Tanh", (-9.0, 9.0), f64::tanh),
    ("Tanh", (-0.6, 0.6), f64::tanh),
    ("Tanh", (-1e-3, 1e-3), f64::tanh),
    ("Atanh", (-0.99, 0.99), |a| 0.5 * (2.0 * a.abs() / (1.0 - a.abs())).ln_1p().copysign(a)),
    ("Acosh", (1.0, 9.0), |a| (a - 1.0 + ((a - 1.0) * (a + 1.0)).sqrt()).ln_1p()),
    ("Acosh", (1e300, 1e308), |a| a.ln() + std::f64::consts::LN_2),
    ("Asinh", (-9.0, 9.0), |a| (a.abs() + a * a / (1.0 + a.hypot(1.0))).ln_1p().copysign(a)),
    ("Asinh", (-1e-5, 1e-5), |a| a - a.powi(3) / 6.0 + 3.0 * a.powi(5) / 40.0),
    ("Asinh", (1e300, 1e308), |a| a.ln() + std::f64::consts::LN_2),
    ("Atanh", (-1.0, -0.999_999), |a| 0.5 * ((1.0 + a) / (1.0 - a)).ln()),
    ("SinXDivX", (0.1, 9.0), |a| a.sin() / a),
    ("Sinc", (0.1, 0.9), |a| (a * std::f64::consts::PI).sin() / (a * std::f64::consts::PI)),
    ("Abs", (-9.0, 9.0), f64::abs),
    ("Sign", (-9.0, 9.0), f64::signum),
    ("Step", (-9.0, 9.0), |a| f64::from(u8::from(a >= 0.0))),
    ("ReLU", (-9.0, 9.0), |a| a.max(0.0)),
    ("Floor", (-9.0, 9.0), f64::floor),
    ("Ceil", (-9.0, 9.0), f64::ceil),
    ("Trunc", (-9.0, 9.0), f64::trunc),
    ("Not", (-9.0, 9.0), |_| 0.0),
];

type Binary = (&'static str, (f64, f64), (f64, f64), fn(f64, f64) -> f64);

const BINARY: &[Binary] = &[
    ("Add", (-9.0, 9.0), (-9.0, 9.0), |a, b| a + b),
    ("Subtract", (-9.0, 9.0), (-9.0, 9.0), |a, b| a - b),
    ("Mult", (-9.0, 9.0), (-9.0, 9.0), |a, b| a * b),
    ("Divide", (-9.0, 9.0), (-9.0, 9.0), |a, b| a / b),
    ("Powf", (0.1, 9.0), (-9.0, 9.0), |a, b| (b * a.ln()).exp()),
    ("Mod", (-9.0, 9.0), (0.5, 2.0), |a, b| a.rem_euclid(b)),
    ("Mod", (-9.0, 9.0), (-2.0, -0.5), |a, b| -(-a).rem_euclid(-b)),
    ("LogAddExp", (-9.0, 9.0), (-50.0, 50.0), |a, b| a.max(b) + (-(a - b).abs()).exp().ln_1p()),
    ("Atan2", (-9.0, 9.0), (-9.0, 9.0), f64::atan2),
    ("Hypot", (-9.0, 9.0), (-9.0, 9.0), f64::hypot),
    ("Hypot", (1e200, 1e201), (-1e200, 1e200), f64::hypot),
    ("Hypot", (0.0, 1e-200), (-1e-200, 1e-200), f64::hypot),
    ("Minimum", (-9.0, 9.0), (-9.0, 9.0), f64::min),
    ("Maximum", (-9.0, 9.0), (-9.0, 9.0), f64::max),
    ("Equal", (-9.0, 9.0), (-9.0, 9.0), |_, _| 0.0),
    ("NotEqual", (-9.0, 9.0), (-9.0, 9.0), |_, _| 1.0),
    ("LessThan", (-9.0, 9.0), (-9.0, 9.0), |a, b| f64::from(u8::from(a < b))),
    ("LessOrEqual", (-9.0, 9.0), (-9.0, 9.0), |a, b| f64::from(u8::from(a <= b))),
    ("And", (-9.0, 9.0), (-9.0, 9.0), |_, _| 1.0),
    ("Or", (-9.0, 9.0), (-9.0, 9.0), |_, _| 1.0),
];

/// `formula` has the value `expected`, to rounding.
const VALUES: &[(&str, &[f64])] = &[
    // Constants.
    ("IntCst(16777217)", &[16777217.0]),
    ("RatCst(1, 3)", &[1.0 / 3.0]),
    ("IntInv(-4)", &[-0.25]),
    ("IntInv(2) + IntCst(1)", &[1.5]),
    ("Zero(3)", &[0.0, 0.0, 0.0]),
    // Powers and remainders.
    ("Pow(v, 0)", &[1.0, 1.0, 1.0]),
    ("Pow(v, 1)", &[1.0, -2.0, 3.0]),
    ("Pow(v, 2)", &[1.0, 4.0, 9.0]),
    ("Pow(v, 3)", &[1.0, -8.0, 27.0]),
    ("Pow(v, -2)", &[1.0, 0.25, 1.0 / 9.0]),
    ("Pow(2, 70)", &[1180591620717411303424.0]),
    ("Pow(0, 0)", &[1.0]),
    ("Pow(0, -1)", &[f64::INFINITY]),
    ("Powf(-2, 3)", &[-8.0]),
    ("Powf(1.1, 1.1)", &[1.110_534_241_054_575_4]),
    ("Mod(v, 2)", &[1.0, 0.0, 1.0]),
    ("Mod(v, 3, -1)", &[1.0, 1.0, 0.0]),
    ("v % 2", &[1.0, 0.0, 1.0]),
    // Edges.
    ("Inv(0)", &[f64::INFINITY]),
    ("1 / 0", &[f64::INFINITY]),
    ("0 / 0", &[f64::NAN]),
    ("Log(0)", &[f64::NEG_INFINITY]),
    ("Log(-1)", &[f64::NAN]),
    ("Sqrt(0)", &[0.0]),
    ("Sqrt(-1)", &[f64::NAN]),
    ("NanIfNegative(-1)", &[f64::NAN]),
    ("NanIfNegative(v)", &[1.0, f64::NAN, 3.0]),
    ("NanIfNegative(0)", &[0.0]),
    ("NanIfNegative(inf)", &[f64::INFINITY]),
    ("Rsqrt(0)", &[0.0]),
    ("Rsqrt(-1)", &[f64::NAN]),
    ("Rsqrt(inf)", &[0.0]),
    ("XLogX(0)", &[0.0]),
    ("XLogX(-1)", &[f64::NAN]),
    ("Asin(2)", &[f64::NAN]),
    ("Acos(-2)", &[f64::NAN]),
    ("Sign(0)", &[0.0]),
    ("Sign(nan)", &[0.0]),
    ("Step(0)", &[1.0]),
    ("Step(-0.0)", &[1.0]),
    ("Step(nan)", &[1.0]),
    ("ReLU(nan)", &[f64::NAN]),
    ("Round(0.5, 0)", &[1.0]),
    ("Round(2.5, 0)", &[3.0]),
    ("Round(-1.5, 0)", &[-2.0]),
    ("Round(1.236, 2)", &[1.24]),
    ("Round(1234.5, -2)", &[1200.0]),
    ("Clamp(v, 0, 2)", &[1.0, 0.0, 2.0]),
    ("Clamp(nan, 0, 1)", &[f64::NAN]),
    ("Clamp(v, -inf, 2)", &[1.0, -2.0, 2.0]),
    ("ClampInt(v, 0, 2)", &[1.0, 0.0, 2.0]),
    ("ClampInt(nan, 0, 2)", &[f64::NAN]),
    ("DiffClampInt(v, 1, 3)", &[1.0, 0.0, 1.0]),
    ("IfElse(v, 5, w)", &[5.0, 0.5, 5.0]),
    ("IfElse(0, 1, 2)", &[1.0]),
    ("IfElse(nan, 1, 2)", &[2.0]),
    ("Equal(v, -2)", &[0.0, 1.0, 0.0]),
    ("NotEqual(nan, nan)", &[1.0]),
    ("Equal(nan, nan)", &[0.0]),
    ("LessOrEqual(v, 1)", &[1.0, 1.0, 0.0]),
    ("v > 1", &[0.0, 0.0, 1.0]),
    ("v >= 1", &[1.0, 0.0, 1.0]),
    ("And(v, 0)", &[0.0, 0.0, 0.0]),
    ("Or(0, 0)", &[0.0]),
    ("Or(0, 2)", &[1.0]),
    ("Not(0)", &[1.0]),
    ("Minimum(nan, 1)", &[1.0]),
    ("Maximum(1, nan)", &[1.0]),
    ("Hypot(0, 0)", &[0.0]),
    ("Hypot(inf, -inf)", &[f64::INFINITY]),
    ("Hypot(3, nan)", &[f64::NAN]),
    ("SinXDivX(0)", &[1.0]),
    ("SinXDivX(inf)", &[0.0]),
    ("SphericalLambda(0, 1)", &[1.0 / 3.0]),
    ("Sinc(0)", &[1.0]),
    ("Sigmoid(-inf)", &[0.0]),
    ("Sigmoid(inf)", &[1.0]),
    ("Tanh(inf)", &[1.0]),
    ("Tanh(-inf)", &[-1.0]),
    ("Expm1(-inf)", &[-1.0]),
    ("Expm1(inf)", &[f64::INFINITY]),
    ("Log1p(inf)", &[f64::INFINITY]),
    ("Log1p(-2)", &[f64::NAN]),
    ("Acosh(1)", &[0.0]),
    ("Acosh(0.5)", &[f64::NAN]),
    ("Acosh(-1e9)", &[f64::NAN]),
    ("Acosh(inf)", &[f64::INFINITY]),
    ("Asinh(0)", &[0.0]),
    ("Asinh(-inf)", &[f64::NEG_INFINITY]),
    ("Asinh(nan)", &[f64::NAN]),
    ("Atanh(1)", &[f64::INFINITY]),
    ("Atanh(-1)", &[f64::NEG_INFINITY]),
    ("Atanh(2)", &[f64::NAN]),
    ("Atanh(-inf)", &[f64::NAN]),
    ("Log1p(-1)", &[f64::NEG_INFINITY]),
    ("LogAddExp(-inf, -inf)", &[f64::NEG_INFINITY]),
    ("LogAddExp(inf, inf)", &[f64::INFINITY]),
    ("LogAddExp(-inf, 3)", &[3.0]),
    ("LogAddExp(1000, 1000)", &[1000.6931471805599]),
    ("Softplus(-inf)", &[0.0]),
    ("ZeroIfMinusInfinity(-inf)", &[0.0]),
    ("ZeroIfMinusInfinity(inf)", &[f64::INFINITY]),
    ("ZeroIfMinusInfinity(nan)", &[f64::NAN]),
    // Special functions; more in special_values.rs.
    ("Erf(inf)", &[1.0]),
    ("Erf(-inf)", &[-1.0]),
    ("Erf(nan)", &[f64::NAN]),
    ("Erf(0)", &[0.0]),
    ("Erfc(inf)", &[0.0]),
    ("Erfc(-inf)", &[2.0]),
    ("Erfc(nan)", &[f64::NAN]),
    ("Erfc(0)", &[1.0]),
    ("Erfc(1e300)", &[0.0]),
    ("LGamma(1)", &[0.0]),
    ("LGamma(2)", &[0.0]),
    ("LGamma(0)", &[f64::INFINITY]),
    ("LGamma(-3)", &[f64::INFINITY]),
    ("LGamma(-1e300)", &[f64::INFINITY]),
    ("LGamma(inf)", &[f64::INFINITY]),
    ("LGamma(-inf)", &[f64::INFINITY]),
    ("LGamma(1e308)", &[f64::INFINITY]),
    ("LGamma(nan)", &[f64::NAN]),
    ("Digamma(0)", &[f64::NEG_INFINITY]),
    ("Digamma(-2)", &[f64::NEG_INFINITY]),
    ("Digamma(inf)", &[f64::INFINITY]),
    ("Digamma(-inf)", &[f64::NAN]),
    ("Digamma(nan)", &[f64::NAN]),
    ("Polygamma(0, 1)", &[f64::INFINITY]),
    ("Polygamma(0, 2)", &[f64::NEG_INFINITY]),
    ("Polygamma(inf, 1)", &[0.0]),
    ("HurwitzZeta(0, 2)", &[f64::INFINITY]),
    ("HurwitzZeta(-4, 3)", &[f64::INFINITY]),
    ("HurwitzZeta(inf, 4)", &[0.0]),
    ("HurwitzZeta(-inf, 2)", &[f64::NAN]),
    ("HurwitzZeta(nan, 2)", &[f64::NAN]),
    ("BesselJ0(0)", &[1.0]),
    ("BesselJ0(inf)", &[0.0]),
    ("BesselJ0(-inf)", &[0.0]),
    ("BesselJ0(nan)", &[f64::NAN]),
    ("BesselJ1(0)", &[0.0]),
    ("BesselJ1(inf)", &[f64::NAN]),
    ("BesselLambda(0, 3)", &[1.0 / 48.0]),
    ("BesselLambda(inf, 3)", &[0.0]),
    ("BesselLambdaOfSquare(0, 3)", &[1.0 / 48.0]),
    ("BesselLambdaOfSquare(inf, 0)", &[0.0]),
    ("BesselLambdaOfSquare(-1, 0)", &[f64::NAN]),
    ("SphericalLambda(inf, 2)", &[0.0]),
    ("SphericalLambda(nan, 2)", &[f64::NAN]),
    ("SphericalLambdaOfSquare(0, 0)", &[1.0]),
    ("SphericalLambdaOfSquare(-1, 0)", &[f64::NAN]),
    ("Matern(0.5, 0)", &[1.0]),
    ("Matern(2.5, inf)", &[0.0]),
    ("Matern(2.5, -inf)", &[0.0]),
    ("Matern(7.5, 1e160)", &[0.0]),
    ("Matern(1.5, nan)", &[f64::NAN]),
    ("MaternOfSquare(2.5, 0)", &[1.0]),
    ("MaternOfSquare(2.5, -1)", &[f64::NAN]),
    ("MaternShape(0, 0)", &[1.0]),
    ("SmoothMaternShape(inf, 7)", &[0.0]),
    // Vectors.
    ("Sum(v)", &[2.0]),
    ("SumT(4, 3)", &[4.0, 4.0, 4.0]),
    ("v | w", &[1.0]),
    ("v | 2", &[4.0]),
    ("SqNorm2(v)", &[14.0]),
    ("Norm2(4)", &[4.0]),
    ("Norm2(Zero(3))", &[0.0]),
    ("Normalize(Concat(3, 4))", &[0.6, 0.8]),
    ("Normalize(Zero(2))", &[0.0, 0.0]),
    ("SqDist(v, w)", &[12.75]),
    ("SqDist(v, 1)", &[13.0]),
    ("SqNormIso(2, v)", &[28.0]),
    ("SqNormDiag(w, v)", &[6.5 + 0.5]),
    ("SymSqNorm(m, v)", &[36.0]),
    ("WeightedSqNorm(2, v)", &[28.0]),
    ("WeightedSqNorm(w, v)", &[7.0]),
    ("WeightedSqNorm(m, v)", &[36.0]),
    ("WeightedSqNorm(3, 2)", &[12.0]),
    ("WeightedSqDist(2, v, 1)", &[26.0]),
    ("WeightedSqDist(m, v, Zero(3))", &[36.0]),
    ("Max(v)", &[3.0]),
    ("Min(v)", &[-2.0]),
    ("ArgMax(v)", &[2.0]),
    ("ArgMin(v)", &[1.0]),
    ("ArgMax(w)", &[0.0]),
    ("Max(Concat(nan, 1))", &[1.0]),
    ("ArgMax(Concat(nan, 1))", &[1.0]),
    ("ArgMin(Concat(nan, nan))", &[2.0]),
    ("IndexOf(v, 3)", &[2.0]),
    ("OneHot(1, 3)", &[0.0, 1.0, 0.0]),
    ("OneHot(1.4, 3)", &[0.0, 1.0, 0.0]),
    ("OneHot(7, 2)", &[0.0, 0.0]),
    ("OneHot(-1, 2)", &[0.0, 0.0]),
    ("OneHot(0, 1)", &[1.0]),
    // Tensors.
    ("Elem(v, 2)", &[3.0]),
    ("ElemT(5, 3, 1)", &[0.0, 5.0, 0.0]),
    ("ElemT(5, 1, 0)", &[5.0]),
    ("Extract(m, 2, 3)", &[3.0, 4.0, 5.0]),
    ("ExtractT(Concat(6, 7), 1, 4)", &[0.0, 6.0, 7.0, 0.0]),
    ("ExtractT(v, 0, 3)", &[1.0, -2.0, 3.0]),
    ("Concat(v, 9)", &[1.0, -2.0, 3.0, 9.0]),
    ("MatVecMult(m, v)", &[6.0, 12.0, 18.0]),
    ("MatVecMult(v, 2)", &[2.0, -4.0, 6.0]),
    ("MatVecMult(Extract(m, 0, 6), v)", &[6.0, 12.0]),
    ("VecMatMult(v, m)", &[14.0, 16.0, 18.0]),
    ("VecMatMult(Concat(1, 10), Extract(m, 0, 6))", &[41.0, 52.0, 63.0]),
    ("TensorProd(v, Concat(1, 10))", &[1.0, 10.0, -2.0, -20.0, 3.0, 30.0]),
    ("TensorProd(2, v)", &[2.0, -4.0, 6.0]),
    ("IntegerPower(v, 5)", &[1.0, -32.0, 243.0]),
    ("DivideOrZero(v, Concat(Concat(2, 0), -1))", &[0.5, 0.0, -3.0]),
    // Matrices and tensors; the expected products are NumPy's.
    ("MatMatMult(Extract(m, 0, 6), Extract(m, 0, 6), 3)", &[22.0, 28.0, 49.0, 64.0]),
    ("MatMatMult(Concat(1, 2), v, 1)", &[1.0, -2.0, 3.0, 2.0, -4.0, 6.0]),
    ("Transpose(Extract(m, 0, 6), 1, 2, 3)", &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
    ("Transpose(Extract(m, 0, 8), 2, 2, 2)", &[1.0, 3.0, 2.0, 4.0, 5.0, 7.0, 6.0, 8.0]),
    ("Transpose(Extract(m, 0, 8), 1, 2, 2)", &[1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]),
    ("TensorDot(Extract(m, 0, 6), m, [2, 3], [3, 3], [1], [0])", &[30.0, 36.0, 42.0, 66.0, 81.0, 96.0]),
    ("TensorDot(Extract(m, 0, 6), m, [2, 3], [3, 3], [1], [1], [])", &[14.0, 32.0, 50.0, 32.0, 77.0, 122.0]),
    ("TensorDot(Extract(m, 0, 6), m, [2, 3], [3, 3], [1], [0], [1, 0])", &[30.0, 66.0, 36.0, 81.0, 42.0, 96.0]),
    ("TensorDot(v, w, [3], [3], [0], [0])", &[1.0]),
    ("TensorDot(v, Concat(1, 10), [3], [2], [], [])", &[1.0, 10.0, -2.0, -20.0, 3.0, 30.0]),
    ("TensorDot(m, m, [3, 3], [3, 3], [0, 1], [1, 0])", &[261.0]),
    (
        "Kron(Extract(m, 0, 4), Concat(Concat(0, 1), Concat(1, 0)), [2, 2], [2, 2])",
        &[0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 4.0, 3.0, 0.0, 4.0, 0.0],
    ),
    ("Kron(Concat(2, 3), v, [2], [3])", &[2.0, -4.0, 6.0, 3.0, -6.0, 9.0]),
    // Sequences. The cubic spline over the knots 1 to 5 is (x-1)^3/6 before 2, and the quadratic ones are 1/8, 3/4, 1/8 in the middle.
    ("BSpline(Extract(m, 0, 5), 1.5, 3)", &[0.125 / 6.0]),
    ("BSpline(Extract(m, 0, 6), 3.5, 2)", &[0.125, 0.75, 0.125]),
    ("BSpline(Extract(m, 0, 4), 2, 0)", &[0.0, 1.0, 0.0]),
    ("BSpline(Extract(m, 0, 4), 4, 1)", &[0.0, 0.0]),
    ("BSpline(Concat(Concat(0, 0), Concat(1, 1)), 0.25, 1)", &[0.75, 0.25]),
    ("BSpline(Concat(Concat(0, 0), Concat(1, 1)), 0.25, 2)", &[0.1875 + 0.1875]),
    ("SplineRise(Extract(m, 0, 4), 2.5, 2)", &[0.75, 0.25]),
    ("InInterval(Extract(m, 0, 4), 3)", &[0.0, 0.0, 1.0]),
    ("InInterval(Extract(m, 0, 4), nan)", &[0.0, 0.0, 0.0]),
    ("SoftMinimum(0, 0, 2)", &[-2.0 * std::f64::consts::LN_2]),
    ("SoftMinimum(3, 5000, 0.5)", &[3.0]),
    ("SoftDTW_SqDist(v, Concat(1, 2), 1e-3)", &[10.0]),
    ("SoftDTW_SqDist(3, 5, 0.1)", &[4.0]),
    ("SoftDTWCell(v, v, 1, 0, 1)", &[9.0]),
    // Complex numbers: z = (1 + 2i, -3 + 4i), with absolute values sqrt(5) and 5.
    ("Complex(Concat(1, 5), Concat(2, 6))", &[1.0, 2.0, 5.0, 6.0]),
    ("ComplexReal(z)", &[1.0, -3.0]),
    ("ComplexImag(z)", &[2.0, 4.0]),
    ("Real2Complex(Concat(1, 2))", &[1.0, 0.0, 2.0, 0.0]),
    ("Imag2Complex(Concat(1, 2))", &[0.0, 1.0, 0.0, 2.0]),
    ("Conj(z)", &[1.0, -2.0, -3.0, -4.0]),
    ("ComplexAbs(z)", &[2.236_067_977_499_79, 5.0]),
    ("ComplexAbs(Zero(2))", &[0.0]),
    ("ComplexSquareAbs(z)", &[5.0, 25.0]),
    ("ComplexAngle(Concat(-1, 0))", &[std::f64::consts::PI]),
    ("ComplexAngle(Zero(2))", &[0.0]),
    ("ComplexSum(z)", &[-2.0, 6.0]),
    ("ComplexSumT(Concat(1, 2), 4)", &[1.0, 2.0, 1.0, 2.0]),
    ("ComplexSpread(Concat(1, 2), 2)", &[1.0, 2.0, 1.0, 2.0]),
    ("ComplexAdd(z, Concat(1, 10))", &[2.0, 12.0, -2.0, 14.0]),
    ("ComplexSubtract(Concat(1, 10), z)", &[0.0, 8.0, 4.0, 6.0]),
    ("ComplexSubtract(z, z)", &[0.0, 0.0, 0.0, 0.0]),
    ("ComplexMult(z, z)", &[-3.0, 4.0, -7.0, -24.0]),
    ("ComplexMult(Concat(0, 1), z)", &[-2.0, 1.0, -4.0, -3.0]),
    ("ComplexDivide(z, Concat(1, 2))", &[1.0, 0.0, 1.0, 2.0]),
    ("ComplexDivide(Concat(5, 0), z)", &[1.0, -2.0, -0.6, -0.8]),
    ("RealTimesComplex(2, z)", &[2.0, 4.0, -6.0, 8.0]),
    ("RealTimesComplex(Concat(1, -1), z)", &[1.0, 2.0, 3.0, -4.0]),
    ("RealTimesComplex(Concat(1, -1), Concat(1, 2))", &[1.0, 2.0, -1.0, -2.0]),
    ("ComplexIfElse(Concat(1, -1), z, Concat(0, 1))", &[1.0, 2.0, 0.0, 1.0]),
    ("ComplexIfElse(-1, Concat(0, 1), z)", &[1.0, 2.0, -3.0, 4.0]),
    ("ComplexIfElse(Concat(1, -1), Concat(0, 1), Concat(5, 6))", &[0.0, 1.0, 5.0, 6.0]),
    ("ComplexDivide(Concat(1e200, 0), Concat(1e200, 1e200))", &[0.5, -0.5]),
    ("ComplexDivide(Concat(1e-200, 0), Concat(0, 1e-200))", &[0.0, -1.0]),
    ("ComplexOverReal(Concat(1, 2), Concat(1, 2))", &[1.0, 2.0, 0.5, 1.0]),
    ("ComplexOverReal(z, 2)", &[0.5, 1.0, -1.5, 2.0]),
    ("ComplexOverReal(z, Concat(1, -1))", &[1.0, 2.0, 3.0, -4.0]),
    ("ComplexIntPow(z, 3)", &[-11.0, -2.0, 117.0, 44.0]),
    ("ComplexIntPow(z, 2)", &[-3.0, 4.0, -7.0, -24.0]),
    ("ComplexIntPow(Concat(1, 2), -1)", &[0.2, -0.4]),
    ("ComplexIntPow(Zero(4), 0)", &[1.0, 0.0, 1.0, 0.0]),
    ("ComplexRealScal(z, 2)", &[2.0, 4.0, -6.0, 8.0]),
    ("ComplexRealScal(2, z)", &[2.0, 4.0, -6.0, 8.0]),
    ("ComplexRealScal(Concat(1, -1), z)", &[1.0, 2.0, 3.0, -4.0]),
    ("ComplexRealScal(z, Concat(1, -1))", &[1.0, 2.0, 3.0, -4.0]),
    ("ComplexExp(Concat(1, 2))", &[-1.1312043837568135, 2.4717266720048188]),
    ("ComplexExp1j(Concat(0, 1))", &[1.0, 0.0, 0.5403023058681398, 0.8414709848078965]),
    ("ComplexLog(z)", &[0.8047189562170503, 1.1071487177940904, 1.6094379124341003, 2.214297435588181]),
    ("ComplexLog(Zero(2))", &[f64::NEG_INFINITY, 0.0]),
    ("ComplexLog(Concat(1e200, 1e200))", &[460.8635921890891, std::f64::consts::FRAC_PI_4]),
    ("ComplexSqrt(z)", &[1.272019649514069, 0.7861513777574233, 1.0, 2.0]),
    ("ComplexSqrt(Concat(-3, -4))", &[1.0, -2.0]),
    ("ComplexSqrt(Concat(-4, 0))", &[0.0, 2.0]),
    ("ComplexSqrt(Concat(3, -4))", &[2.0, -1.0]),
    ("ComplexSqrt(Zero(2))", &[0.0, 0.0]),
    ("ComplexSqrt(Concat(1e300, 0))", &[1e150, 0.0]),
    ("ComplexPow(Concat(1, 2), Concat(2, 0))", &[-3.0, 4.0]),
    ("ComplexPow(Concat(1, 2), Concat(0.5, 1))", &[0.1042330549168707, 0.48309593926990946]),
    ("ComplexSin(Concat(1, 2))", &[3.165778513216168, 1.9596010414216063]),
    ("ComplexCos(Concat(1, 2))", &[2.0327230070196656, -3.0518977991518]),
];

fn vectors() -> Vectors {
    let vector = |name: &str, components: &[f64]| (name.to_owned(), components.to_vec());
    [
        vector("v", &[1.0, -2.0, 3.0]),
        vector("w", &[0.5, 0.5, 0.5]),
        vector("z", &[1.0, 2.0, -3.0, 4.0]),
        vector("m", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
    ]
    .into()
}

/// Largest error in units of 2^-52 of the expected value; sines of large angles and powers lose more in the closures.
const TOLERANCE: f64 = 8.0;

#[track_caller]
fn assert_close(what: &str, given: f64, expected: f64, tolerance: f64) {
    let same = given == expected || (given.is_nan() && expected.is_nan());
    let close = (given - expected).abs() <= tolerance * f64::EPSILON * expected.abs();
    assert!(same || close, "{what} is {given:e}, not {expected:e}");
}

#[test]
fn unary_operations() {
    let mut numbers = Numbers(3);
    for (name, interval, expected) in UNARY {
        let id = catalogue::find_operation(name).expect("known");
        for _ in 0..500 {
            let a = numbers.within(*interval);
            let given = apply(id, &[vec![1.5, a]], &[]);
            assert_eq!(given.len(), 2);
            assert_close(&format!("{name}({a:e})"), given[1], expected(a), TOLERANCE);
        }
    }
}

#[test]
fn binary_operations() {
    let mut numbers = Numbers(4);
    for (name, left, right, expected) in BINARY {
        let id = catalogue::find_operation(name).expect("known");
        for _ in 0..500 {
            let (a, b) = (numbers.within(*left), numbers.within(*right));
            let what = format!("{name}({a:e}, {b:e})");
            let tolerance = if matches!(*name, "Powf" | "Mod") { 100.0 } else { TOLERANCE };
            // Componentwise, and with either argument broadcast.
            for arguments in [[vec![1.5, a], vec![1.5, b]], [vec![a], vec![1.5, b]], [vec![1.5, a], vec![b]]] {
                let given = apply(id, &arguments, &[]);
                assert_eq!(given.len(), 2);
                match *name {
                    "Mod" => assert!((given[1] - expected(a, b)).abs() < 1e-14, "{what}"),
                    _ => assert_close(&what, given[1], expected(a, b), tolerance),
                }
            }
        }
    }
}

#[test]
fn values_at_edges_and_of_vectors() {
    for (text, expected) in VALUES {
        let given = calculate(text, &vectors());
        assert_eq!(given.len(), expected.len(), "{text}");
        for (given, expected) in given.iter().zip(*expected) {
            assert_close(text, *given, *expected, TOLERANCE);
        }
    }
}

#[test]
fn gradients_at_edges() {
    let gradient = |name: &str, argument: usize, at: &[f64]| -> f64 {
        let id = catalogue::find_operation(name).expect("known");
        let arguments: Vec<Vec<f64>> = at.iter().map(|a| vec![*a]).collect();
        let names = catalogue::signature(id).arguments.iter().map(|argument| argument.name.clone());
        let mut vectors: Vectors = names.zip(arguments.iter().cloned()).collect();
        let parameters = vec![1; catalogue::signature(id).parameters.len()];
        vectors.insert("out".to_owned(), apply(id, &arguments, &parameters));
        vectors.insert("e".to_owned(), vec![1.0]);
        let (_, text) = &catalogue::gradient(id)[argument];
        let dims = vec![1; at.len()];
        support::formula(text, &vectors, &catalogue::integers(id, &dims, &parameters).expect("it fits"))[0]
    };
    let inf = f64::INFINITY;
    let table: &[(&str, usize, &[f64], f64)] = &[
        ("Sqrt", 0, &[0.0], 0.0),
        ("Rsqrt", 0, &[0.0], 0.0),
        ("Asin", 0, &[1.0], 0.0),
        ("Acos", 0, &[-1.0], 0.0),
        ("Abs", 0, &[0.0], 0.0),
        ("ReLU", 0, &[0.0], 1.0),
        ("ReLU", 0, &[-1.0], 0.0),
        ("XLogX", 0, &[0.0], f64::NEG_INFINITY),
        ("SinXDivX", 0, &[0.0], 0.0),
        ("SphericalLambda", 0, &[0.0], 0.0),
        ("Acosh", 0, &[1.0], 0.0),
        ("Asinh", 0, &[1e200], 1e-200),
        ("Powf", 1, &[0.0, 2.0], 0.0),
        ("Powf", 0, &[0.0, 1.0], 1.0),
        ("Powf", 0, &[0.0, 0.0], 0.0),
        ("Powf", 1, &[0.0, 0.0], 0.0),
        ("Clamp", 0, &[0.0, 0.0, 1.0], 1.0),
        ("Clamp", 0, &[1.0, 0.0, 1.0], 1.0),
        ("Clamp", 0, &[1.0, 1.0, 1.0], 1.0),
        ("Clamp", 0, &[0.5, -inf, inf], 1.0),
        ("Clamp", 0, &[2.0, 0.0, 1.0], 0.0),
        ("Clamp", 1, &[-2.0, 0.0, 1.0], 1.0),
        ("Clamp", 2, &[2.0, 0.0, 1.0], 1.0),
        ("Hypot", 0, &[0.0, 0.0], 0.0),
        ("Minimum", 0, &[1.0, 1.0], 1.0),
        ("Minimum", 1, &[1.0, 1.0], 0.0),
        ("Maximum", 0, &[1.0, 1.0], 1.0),
        ("Maximum", 1, &[1.0, 1.0], 0.0),
    ];
    for (name, argument, at, expected) in table {
        assert_close(&format!("derivative of {name} at {at:?}"), gradient(name, *argument, at), *expected, 1.0);
    }
}

/// A row without a line in the tables above would go untested.
#[test]
fn every_operation_has_a_value_test() {
    for (_, row) in catalogue::operations() {
        let in_tables =
            UNARY.iter().map(|row| row.0).chain(BINARY.iter().map(|row| row.0)).any(|name| name == row.name);
        let call = format!("{}(", row.name);
        let in_texts = VALUES.iter().any(|(text, _)| text.contains(&call));
        let is_operator = row.name == "Scalprod";
        assert!(in_tables || in_texts || is_operator, "{} has no value test", row.name);
        assert!(!matches!(row.value, Value::Recipe("")));
    }
}
