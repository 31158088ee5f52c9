//! Circular and hyperbolic functions.

use super::{EarlyLaw, Law, Operation, Sign, Value, When};

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
        complex: &[("r -> r", ""), ("z -> z", "ComplexSin(f)")],
        domain: &[AROUND_ZERO],
        ulp: 1.0,
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
        ulp: 1.0,
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
        ulp: 1.0,
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
        ulp: 2.0,
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
        ulp: 2.0,
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
        ulp: 1.0,
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
        value: Value::Recipe("sinh(f[k])"),
        gradient: &[("f", "e * Cosh(f)")],
        laws: &[Law::exact("Sinh(-a)", "-Sinh(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        ulp: 2.0,
        doc: "The hyperbolic sine.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Cosh",
        aliases: &["cosh"],
        signature: "Cosh(f: n) -> n",
        value: Value::Recipe("cosh(f[k])"),
        gradient: &[("f", "e * Sinh(f)")],
        laws: &[Law::exact("Cosh(-a)", "Cosh(a)"), Law::exact("Cosh(Abs(a))", "Cosh(a)")],
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO],
        ulp: 2.0,
        doc: "The hyperbolic cosine.",
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
        ulp: 1.0,
        doc: "The hyperbolic tangent: -1 at -inf, 1 at inf.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Asinh",
        aliases: &["asinh", "arcsinh"],
        signature: "Asinh(f: n) -> n",
        // log(a + sqrt(1 + a²)) for a = |f|; log(2a) where the 1 is rounded off, before a² overflows.
        value: Value::Recipe(
            "where(select(f[k] < 0, -1, 1) * (log1p(select(a > 1e9, a - 1, a + a*a / (1 + sqrt(1 + a*a)))) + \
             select(a > 1e9, 0.6931471805599453, 0)), a = abs(f[k]))",
        ),
        gradient: &[("f", "e / Hypot(f, 1)")],
        domain: &[AROUND_ZERO],
        ulp: 2.0,
        doc: "The inverse of the hyperbolic sine.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Acosh",
        aliases: &["acosh", "arccosh"],
        signature: "Acosh(f: n) -> n",
        // log(f + sqrt(f² - 1)) as log1p of t = d + s, d = f - 1, with what the sum's rounding took; log1p(-2), which is NaN, below 1; log(2f)
        // where the 1 is rounded off, before d² overflows.
        value: Value::Recipe(
            "where(log1p(select(f[k] < 1, -2, select(f[k] > 1e9, d, t))) + \
             select(f[k] > 1e9, 0.6931471805599453, (d - (t - s)) / (1 + t)), d = f[k] - 1, s = sqrt(d*d + 2*d), t = d + s)",
        ),
        gradient: &[("f", "e * (Rsqrt(f - 1) * Rsqrt(f + 1))")],
        domain: &[(1.5, 3.0)],
        ulp: 2.0,
        doc: "The inverse of the hyperbolic cosine: NaN below 1; its derivative at 1 is taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Atanh",
        aliases: &["atanh", "arctanh"],
        signature: "Atanh(f: n) -> n",
        // log((1 + a)/(1 - a))/2 for a = |f|, as log1p of 2a/(1 - a), which below 1/2 is 2a and a smaller part.
        value: Value::Recipe(
            "where(select(f[k] < 0, -0.5, 0.5) * log1p(select(a < 0.5, 2*a + 2*a * q, 2 * q)), a = abs(f[k]), q = a / (1 - a))",
        ),
        gradient: &[("f", "e / ((1 - f) * (1 + f))")],
        domain: &[INSIDE_ONE],
        ulp: 2.0,
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
        ulp: 2.0,
        doc: "`Sin(f) / f`: 1 at 0, where its derivative is 0, and 0 at the infinities.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Sinc",
        aliases: &["sinc"],
        signature: "Sinc(f: n) -> n",
        // sin(πf)/π is up to its sign that of the distance r from the next integer, which is exact: for |r| below 21/64 r and a polynomial
        // (relative error 3e-18), above cos(πd)/π with d = 1/2 - |r|, 1/π being 163/512 and a polynomial's first coefficient (2e-18). One
        // polynomial up to 1/2 would take a third of r away again.
        value: Value::Recipe(
            "where(select(f[k] == 0, 1, select(abs(f[k]) == inf, 0, select(n == 2 * floor(0.5 * n), 1, -1) * select(abs(r) < 0.328125, \
             r + r * (z * poly(z, -1.6449340668482264, 0.811742425283349, -0.19075182412139038, 0.02614784777898011, \
             -0.0023460800086588266, 0.00014841479256344316, -6.881107230729435e-06)), \
             select(r < 0, -1, 1) * (0.318359375 + poly(d*d, -4.948881620932846e-05, -1.5707963267948966, 1.2919281950124661, \
             -0.4250273399691864, 0.0749080646670523, -0.008214490837823465, 0.0006112572006570858))) \
             / f[k])), n = round(f[k]), r = f[k] - n, z = r*r, d = 0.5 - abs(r))",
        ),
        gradient: &[("f", "-(9.869604401089358 * e * f * SphericalLambda(3.141592653589793 * f, 1))")],
        early_laws: &[EarlyLaw {
            left: "Sinc(a)",
            right: "SphericalLambdaOfSquare(9.869604401089358 * Square(a), 0)",
            when: When::HasRoot("a"),
        }],
        domain: &[(-0.9, 0.9)],
        ulp: 2.0,
        doc: "`SinXDivX(pi * f)`, the normalised sinc as in NumPy.",
        ..Operation::EMPTY
    },
];
