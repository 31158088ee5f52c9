//! Circular and hyperbolic functions.

use super::{EarlyLaw, Law, Operation, Sign, Value, When};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const INSIDE_ONE: (f64, f64) = (-0.9, 0.9);
const POSITIVE: (f64, f64) = (0.5, 2.0);

/// The logarithm of 1 + t for t >= 0, where u = 1 + t and the text given is u wherever t is below 1/2: near 0 the rounding error of u is made up
/// for by the factor t / (u - 1).
macro_rules! log1p {
    ($u:literal) => {
        concat!("select(u == 1, t, log(", $u, ") * select(t < 0.5, t / (u - 1), 1))")
    };
}

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Sin",
        aliases: &["sin"],
        signature: "Sin(f: n) -> n",
        value: Value::Recipe("sin(f[k])"),
        gradient: &[("f", "e * Cos(f)")],
        laws: &[Law::exact("Sin(-a)", "-Sin(a)")],
        complex: &[("r -> r", ""), ("z -> z", "ComplexSin(f)")],
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
        complex: &[("r -> r", ""), ("z -> z", "ComplexCos(f)")],
        domain: &[AROUND_ZERO],
        doc: "The cosine of radians.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Tan",
        aliases: &["tan"],
        signature: "Tan(f: n) -> n",
        value: Value::Recipe("tan(f[k])"),
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
            "select(abs(f[k]) < 1, f[k] * poly(f[k]*f[k], 1, 1/6, 1/120, 1/5040, 1/362880, 1/39916800, 1/6227020800, \
             1/1307674368000, 1/355687428096000), 0.5 * exp(f[k]) - 0.5 * exp(-f[k]))",
        ),
        gradient: &[("f", "e * Cosh(f)")],
        laws: &[Law::exact("Sinh(-a)", "-Sinh(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        doc: "The hyperbolic sine: infinite where `Exp(Abs(f))` is.",
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
        doc: "The hyperbolic cosine: infinite where `Exp(Abs(f))` is.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Tanh",
        aliases: &["tanh"],
        signature: "Tanh(f: n) -> n",
        value: Value::Recipe("tanh(f[k])"),
        gradient: &[("f", "e * (1 - out) * (1 + out)")],
        laws: &[Law::exact("Tanh(-a)", "-Tanh(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        doc: "The hyperbolic tangent: -1 at -inf, 1 at inf.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Asinh",
        aliases: &["asinh", "arcsinh"],
        signature: "Asinh(f: n) -> n",
        // log(a + sqrt(1 + a²)) for a = |f| as `log1p!` of t = a + a²/(1 + sqrt(1 + a²)); log(2a) where the 1 is rounded off.
        value: Value::Recipe(concat!(
            "where(select(f[k] < 0, -1, 1) * (",
            log1p!("select(a > 1e9, a, u)"),
            " + select(a > 1e9, 0.6931471805599453, 0)), a = abs(f[k]), t = a + a*a / (1 + sqrt(1 + a*a)), u = 1 + t)",
        )),
        gradient: &[("f", "e / Hypot(f, 1)")],
        domain: &[AROUND_ZERO],
        doc: "The inverse of the hyperbolic sine.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Acosh",
        aliases: &["acosh", "arccosh"],
        signature: "Acosh(f: n) -> n",
        // log(f + sqrt(f² - 1)) as `log1p!` of t = f - 1 + sqrt(f - 1) sqrt(f + 1), one root of which is NaN below 1.
        value: Value::Recipe(concat!(
            "where(",
            log1p!("select(f[k] > 1e9, f[k], u)"),
            " + select(f[k] > 1e9, 0.6931471805599453, 0), t = (f[k] - 1) + sqrt(f[k] - 1) * sqrt(f[k] + 1), u = 1 + t)",
        )),
        gradient: &[("f", "e * (Rsqrt(f - 1) * Rsqrt(f + 1))")],
        domain: &[(1.5, 3.0)],
        doc: "The inverse of the hyperbolic cosine: NaN below 1; its derivative at 1 is taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Atanh",
        aliases: &["atanh", "arctanh"],
        signature: "Atanh(f: n) -> n",
        // log((1 + a)/(1 - a))/2 for a = |f| as `log1p!` of t = 2a/(1 - a).
        value: Value::Recipe(concat!(
            "where(select(f[k] < 0, -0.5, 0.5) * ",
            log1p!("u"),
            ", a = abs(f[k]), t = 2 * a / (1 - a), u = 1 + t)",
        )),
        gradient: &[("f", "e / ((1 - f) * (1 + f))")],
        domain: &[INSIDE_ONE],
        doc: "The inverse of the hyperbolic tangent: infinite at -1 and 1, NaN outside.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SinXDivX",
        aliases: &["sinxdivx"],
        signature: "SinXDivX(f: n) -> n",
        value: Value::Recipe("select(f[k] == 0, 1, select(abs(f[k]) == inf, 0, sin(f[k]) / f[k]))"),
        gradient: &[("f", "-(e * f * SphericalLambda(f, 1))")],
        early_laws: &[EarlyLaw {
            left: "SinXDivX(a)",
            right: "SphericalLambdaOfSquare(Square(a), 0)",
            when: When::HasRoot("a"),
        }],
        domain: &[AROUND_ZERO],
        doc: "`Sin(f) / f`: 1 at 0, where its derivative is 0, and 0 at the infinities.",
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
