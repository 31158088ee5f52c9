//! Circular and hyperbolic functions.

use super::{Law, Operation, Sign, Value};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const INSIDE_ONE: (f64, f64) = (-0.9, 0.9);
const POSITIVE: (f64, f64) = (0.5, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Sin",
        aliases: &["sin"],
        signature: "Sin(f: n) -> n",
        value: Value::Recipe("sin(f[k])"),
        gradient: &[("f", "e * Cos(f)")],
        laws: &[Law::exact("Sin(-a)", "-Sin(a)")],
        domain: &[AROUND_ZERO],
        doc: "The sine of radians.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Cos",
        aliases: &["cos"],
        signature: "Cos(f: n) -> n",
        value: Value::Recipe("cos(f[k])"),
        gradient: &[("f", "-(e * Sin(f))")],
        laws: &[Law::exact("Cos(-a)", "Cos(a)"), Law::exact("Cos(Abs(a))", "Cos(a)")],
        domain: &[AROUND_ZERO],
        doc: "The cosine of radians.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Tan",
        aliases: &["tan"],
        signature: "Tan(f: n) -> n",
        value: Value::Recipe("sin(f[k]) / cos(f[k])"),
        gradient: &[("f", "e * (1 + Square(out))")],
        laws: &[Law::exact("Tan(-a)", "-Tan(a)")],
        domain: &[(-1.0, 1.0)],
        doc: "The tangent of radians.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Asin",
        aliases: &["asin", "arcsin"],
        signature: "Asin(f: n) -> n",
        value: Value::Recipe("asin(f[k])"),
        gradient: &[("f", "e * Rsqrt((1 - f) * (1 + f))")],
        laws: &[Law::exact("Asin(-a)", "-Asin(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[INSIDE_ONE],
        doc: "The arc sine: NaN outside [-1, 1]; its derivative at -1 and 1 is taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Acos",
        aliases: &["acos", "arccos"],
        signature: "Acos(f: n) -> n",
        value: Value::Recipe("acos(f[k])"),
        gradient: &[("f", "-(e * Rsqrt((1 - f) * (1 + f)))")],
        sign: Sign::Nonnegative,
        domain: &[INSIDE_ONE],
        doc: "The arc cosine: NaN outside [-1, 1]; its derivative at -1 and 1 is taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Atan",
        aliases: &["atan", "arctan"],
        signature: "Atan(f: n) -> n",
        value: Value::Recipe("atan(f[k])"),
        gradient: &[("f", "e / (1 + Square(f))")],
        laws: &[Law::exact("Atan(-a)", "-Atan(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        doc: "The arc tangent.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Atan2",
        aliases: &["atan2", "arctan2"],
        signature: "Atan2(f: n|1, g: n|1) -> n",
        value: Value::Recipe("atan2(f[k], g[k])"),
        gradient: &[("f", "e * g / (Square(f) + Square(g))"), ("g", "-(e * f / (Square(f) + Square(g)))")],
        domain: &[POSITIVE, POSITIVE],
        doc: "The angle of the point with abscissa `g` and ordinate `f`, as in C; its derivative at (0, 0) is NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Sinh",
        aliases: &["sinh"],
        signature: "Sinh(f: n) -> n",
        // Near 0 by the Taylor series, whose terms have one sign.
        value: Value::Recipe(
            "select(abs(f[k]) < 1, \
             f[k] * (1 + f[k]*f[k] * (1/6 + f[k]*f[k] * (1/120 + f[k]*f[k] * (1/5040 + f[k]*f[k] \
             * (1/362880 + f[k]*f[k] * (1/39916800 + f[k]*f[k] * (1/6227020800 + f[k]*f[k] * \
             (1/1307674368000 + f[k]*f[k] * (1/355687428096000))))))))), \
             0.5 * exp(f[k]) - 0.5 * exp(-f[k]))",
        ),
        gradient: &[("f", "e * Cosh(f)")],
        laws: &[Law::exact("Sinh(-a)", "-Sinh(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        doc: "The hyperbolic sine.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Cosh",
        aliases: &["cosh"],
        signature: "Cosh(f: n) -> n",
        value: Value::Recipe("0.5 * exp(f[k]) + 0.5 * exp(-f[k])"),
        gradient: &[("f", "e * Sinh(f)")],
        laws: &[Law::exact("Cosh(-a)", "Cosh(a)"), Law::exact("Cosh(Abs(a))", "Cosh(a)")],
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO],
        doc: "The hyperbolic cosine.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Tanh",
        aliases: &["tanh"],
        signature: "Tanh(f: n) -> n",
        // Near 0 by the Padé fraction of order [7/6], whose error there is below the rounding of float64.
        value: Value::Recipe(
            "select(abs(f[k]) < 0.5, \
             f[k] * (135135 + f[k]*f[k] * (17325 + f[k]*f[k] * (378 + f[k]*f[k]))) / \
             (135135 + f[k]*f[k] * (62370 + f[k]*f[k] * (3150 + 28 * (f[k]*f[k])))), \
             select(f[k] < 0, 2 / (1 + exp(-2 * f[k])) - 1, 1 - 2 / (1 + exp(2 * f[k]))))",
        ),
        gradient: &[("f", "e * (1 - out) * (1 + out)")],
        laws: &[Law::exact("Tanh(-a)", "-Tanh(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        doc: "The hyperbolic tangent.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Atanh",
        aliases: &["atanh", "arctanh"],
        signature: "Atanh(f: n) -> n",
        value: Value::Expansion(&[("", "0.5 * Log1p(2 * f / (1 - f))")]),
        domain: &[INSIDE_ONE],
        doc: "The inverse of the hyperbolic tangent: NaN outside [-1, 1].",
        ..Operation::EMPTY
    },
    Operation {
        name: "Acosh",
        aliases: &["acosh", "arccosh"],
        signature: "Acosh(f: n) -> n",
        value: Value::Expansion(&[("", "Log1p((f - 1) + Sqrt((f - 1) * (f + 1)))")]),
        domain: &[(1.5, 3.0)],
        doc: "The inverse of the hyperbolic cosine: NaN below 1.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SinXDivX",
        aliases: &["sinxdivx"],
        signature: "SinXDivX(f: n) -> n",
        value: Value::Recipe("select(f[k] == 0, 1, sin(f[k]) / f[k])"),
        gradient: &[("f", "e * f * SinXDivXSlope(f)")],
        domain: &[AROUND_ZERO],
        doc: "`Sin(f) / f`: 1 at 0, where its derivative is 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SinXDivXSlope",
        signature: "SinXDivXSlope(f: n) -> n",
        // (x cos x - sin x) / x³, near 0 by its Taylor series in x²: there the difference would cancel.
        value: Value::Recipe(
            "select(abs(f[k]) < 1, \
             -1/3 + f[k]*f[k] * (1/30 + f[k]*f[k] * (-1/840 + f[k]*f[k] * (1/45360 + f[k]*f[k] * \
             (-1/3991680 + f[k]*f[k] * (1/518918400 + f[k]*f[k] * (-1/93405312000 + f[k]*f[k] * \
             (1/22230464256000 + f[k]*f[k] * (-1/6758061133824000)))))))), \
             (cos(f[k]) - sin(f[k]) / f[k]) / (f[k] * f[k]))",
        ),
        gradient: &[("f", "-(e * (SinXDivX(f) + 3 * out) * Sign(f) * Rsqrt(Square(f)))")],
        domain: &[POSITIVE],
        doc: "The derivative of `SinXDivX`, divided by `f`: -1/3 at 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Sinc",
        aliases: &["sinc"],
        signature: "Sinc(f: n) -> n",
        value: Value::Expansion(&[("", "SinXDivX(3.141592653589793 * f)")]),
        domain: &[(-0.9, 0.9)],
        doc: "`SinXDivX(pi * f)`, the normalised sinc as in NumPy.",
        ..Operation::EMPTY
    },
];
