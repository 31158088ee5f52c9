//! Constants, sums, products, quotients and powers.

use super::{Law, Operation, Sign, Value};

const NEAR_ONE: (f64, f64) = (0.5, 2.0);
const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "IntCst",
        signature: "IntCst(n: int) -> 1",
        value: Value::Expansion(&[("", "n")]),
        doc: "The integer `n` as a constant, exact in the computing type; a plain number may be written instead.",
        ..Operation::EMPTY
    },
    Operation {
        name: "RatCst",
        signature: "RatCst(p: int, q: nonzero) -> 1",
        value: Value::Expansion(&[("", "p / q")]),
        doc: "The constant `p / q`, rounded once to the computing type.",
        ..Operation::EMPTY
    },
    Operation {
        name: "IntInv",
        signature: "IntInv(n: nonzero) -> 1",
        value: Value::Expansion(&[("", "1 / n")]),
        doc: "The constant `1 / n`, rounded once to the computing type.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Zero",
        signature: "Zero(d: int(1)) -> d",
        value: Value::Expansion(&[("", "SumT(0, d)")]),
        doc: "The vector of `d` zeros.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Add",
        aliases: &["add"],
        signature: "Add(f: n|1, g: n|1) -> n",
        value: Value::Recipe("f[k] + g[k]"),
        gradient: &[("f", "e"), ("g", "e")],
        laws: &[
            Law::exact("a + 0", "a"),
            Law::exact("a + (-b)", "a - b"),
            Law::exact("a + a", "2 * a"),
            Law::rounding("a + c * a", "(1 + c) * a").when(&["moderate(c)"]),
            Law::rounding("c * a + d * a", "(c + d) * a").when(&["moderate(c)", "moderate(d)"]),
            Law::rounding("c + (d + a)", "(c + d) + a").when(&["exact(c + d)"]),
            Law::rounding("c + (d - a)", "(c + d) - a").when(&["exact(c + d)"]),
            Law::rounding("c + (a - d)", "a + (c - d)").when(&["exact(c - d)"]),
            Law::rounding("Square(Sin(a)) + Square(Cos(a))", "1"),
            Law::rounding("(SqNorm2(a) - 2 * Scalprod(a, b)) + SqNorm2(b)", "SqDist(a, b)")
                .when(&["dim(a) == dim(b)"])
                .tried(),
            Law::rounding("a * b + a * f", "a * (b + f)").tried(),
            Law::rounding("a / b + f / b", "(a + f) / b").tried(),
            Law::loose("Log(a) + Log(b)", "Log(a * b)").tried(),
        ],
        commutative: true,
        sign: Sign::AsLargest(&["f", "g"]),
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "`f + g`, component by component; a scalar broadcasts.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Subtract",
        aliases: &["subtract", "sub"],
        signature: "Subtract(f: n|1, g: n|1) -> n",
        value: Value::Recipe("f[k] - g[k]"),
        gradient: &[("f", "e"), ("g", "-e")],
        laws: &[
            Law::exact("a - 0", "a"),
            Law::exact("0 - a", "-a"),
            Law::exact("a - a", "0"),
            Law::exact("a - (-b)", "a + b"),
            Law::exact("(-a) - b", "-(a + b)"),
            Law::rounding("c * a - a", "(c - 1) * a").when(&["moderate(c)"]),
            Law::rounding("a - c * a", "(1 - c) * a").when(&["moderate(c)"]),
            Law::rounding("c * a - d * a", "(c - d) * a").when(&["moderate(c)", "moderate(d)"]),
            Law::rounding("c - (d + a)", "(c - d) - a").when(&["exact(c - d)"]),
            Law::rounding("c - (d - a)", "(c - d) + a").when(&["exact(c - d)"]),
            Law::rounding("c - (a - d)", "(c + d) - a").when(&["exact(c + d)"]),
            Law::rounding("(c + a) - d", "(c - d) + a").when(&["exact(c - d)"]),
            Law::rounding("(c - a) - d", "(c - d) - a").when(&["exact(c - d)"]),
            Law::rounding("(a - c) - d", "a - (c + d)").when(&["exact(c + d)"]),
            Law::rounding("(SqNorm2(a) + SqNorm2(b)) - 2 * Scalprod(a, b)", "SqDist(a, b)")
                .when(&["dim(a) == dim(b)"])
                .tried(),
            Law::rounding("a * b - a * f", "a * (b - f)").tried(),
            Law::rounding("a / b - f / b", "(a - f) / b").tried(),
            Law::loose("Log(a) - Log(b)", "Log(a / b)").tried(),
        ],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "`f - g`, component by component; a scalar broadcasts.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Minus",
        aliases: &["minus", "neg"],
        signature: "Minus(f: n) -> n",
        value: Value::Recipe("-f[k]"),
        gradient: &[("f", "-e")],
        laws: &[Law::exact("-(-a)", "a"), Law::exact("-(a - b)", "b - a"), Law::exact("-(c * a)", "(-c) * a")],
        linear_in: &["f"],
        domain: &[AROUND_ZERO],
        doc: "`-f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Mult",
        aliases: &["mult"],
        signature: "Mult(f: n|1, g: n|1) -> n",
        value: Value::Recipe("f[k] * g[k]"),
        gradient: &[("f", "e * g"), ("g", "e * f")],
        laws: &[
            Law::exact("a * 1", "a"),
            Law::exact("a * -1", "-a"),
            Law::exact("a * a", "Square(a)"),
            Law::exact("(-a) * (-b)", "a * b"),
            Law::exact("(-a) * b", "-(a * b)"),
            Law::rounding("c * (d * a)", "(c * d) * a").when(&["moderate(c)", "moderate(d)"]),
            Law::rounding("c * (d / a)", "(c * d) / a").when(&["moderate(c)", "moderate(d)"]),
            Law::rounding("a * Inv(b)", "a / b").tried(),
            Law::rounding("a * Rsqrt(a)", "Sqrt(a)").tried(),
            Law::rounding("Exp(a) * Exp(b)", "Exp(a + b)").when(&["rounded(a)", "rounded(b)"]).tried(),
            Law::rounding("(f * Exp(a)) * Exp(b)", "f * Exp(a + b)").when(&["rounded(a)", "rounded(b)"]).tried(),
            Law::rounding("(f * Exp(a)) * (g * Exp(b))", "(f * g) * Exp(a + b)")
                .when(&["rounded(a)", "rounded(b)"])
                .tried(),
            Law::loose("Sqrt(a) * Sqrt(b)", "Sqrt(a * b)").tried(),
        ],
        commutative: true,
        sign: Sign::NonnegativeIf(&["f", "g"]),
        linear_in: &["f", "g"],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "`f * g`, component by component; a scalar broadcasts.",
    },
    Operation {
        name: "Divide",
        aliases: &["divide"],
        signature: "Divide(f: n|1, g: n|1) -> n",
        value: Value::Recipe("f[k] / g[k]"),
        gradient: &[("f", "e / g"), ("g", "-(e * out / g)")],
        laws: &[
            Law::exact("a / 1", "a"),
            Law::exact("1 / a", "Inv(a)"),
            Law::exact("(-a) / b", "-(a / b)"),
            Law::exact("a / (-b)", "-(a / b)"),
            Law::rounding("a / c", "(1 / c) * a").when(&["moderate(c)"]),
            Law::rounding("c / (d * a)", "(c / d) / a").when(&["moderate(c)", "moderate(d)"]),
            Law::rounding("a / Inv(b)", "a * b"),
            Law::rounding("Exp(a) / Exp(b)", "Exp(a - b)").when(&["rounded(a)", "rounded(b)"]).tried(),
            Law::rounding("a / Sqrt(a)", "Sqrt(a)").when(&["positive(a)"]).tried(),
            Law::rounding("a / Sqrt(b)", "a * Rsqrt(b)").when(&["positive(b)"]).tried(),
            Law::loose("(a / b) / f", "a / (b * f)").tried(),
            Law::loose("a / (b / f)", "(a * f) / b").tried(),
            Law::loose("a / Exp(b)", "a * Exp(-b)").tried(),
        ],
        sign: Sign::NonnegativeIf(&["f", "g"]),
        linear_in: &["f"],
        domain: &[AROUND_ZERO, NEAR_ONE],
        doc: "`f / g`, component by component; a scalar broadcasts; division by 0 gives an infinity, 0 / 0 NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Inv",
        aliases: &["inv"],
        signature: "Inv(f: n) -> n",
        value: Value::Recipe("1 / f[k]"),
        gradient: &[("f", "-(e * Square(out))")],
        laws: &[
            Law::exact("Inv(-a)", "-Inv(a)"),
            Law::rounding("Inv(Inv(a))", "a"),
            Law::rounding("Inv(c * a)", "(1 / c) / a").when(&["moderate(c)"]),
            Law::rounding("Inv(a / b)", "b / a").tried(),
            Law::rounding("Inv(Sqrt(a))", "Rsqrt(a)").when(&["positive(a)"]).tried(),
            Law::rounding("Inv(Exp(a))", "Exp(-a)").tried(),
        ],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[NEAR_ONE],
        doc: "`1 / f`: an infinity at 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Square",
        aliases: &["square"],
        signature: "Square(f: n) -> n",
        value: Value::Recipe("f[k] * f[k]"),
        gradient: &[("f", "2 * e * f")],
        laws: &[
            Law::exact("Square(-a)", "Square(a)"),
            Law::exact("Square(Abs(a))", "Square(a)"),
            Law::rounding("Square(Sqrt(a))", "a").when(&["nonnegative(a)"]).early(),
            Law::rounding("Square(Rsqrt(a))", "Inv(a)").when(&["positive(a)"]).tried(),
            Law::rounding("Square(Exp(a))", "Exp(2 * a)").tried(),
        ],
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO],
        doc: "`f * f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Pow",
        signature: "Pow(f: d, n: int) -> d",
        value: Value::Expansion(&[
            ("n == 0", "SumT(1, d)"),
            ("n == 1", "f"),
            ("n == 2", "Square(f)"),
            ("n == -1", "Inv(f)"),
            ("", "IntegerPower(f, n)"),
        ]),
        domain: &[NEAR_ONE],
        doc: "`f` to an integer power, by multiplications; 1 for the power 0, whatever `f` is.",
        ..Operation::EMPTY
    },
    Operation {
        name: "IntegerPower",
        signature: "IntegerPower(f: d, n: int) -> d",
        value: Value::Recipe("powi(f[k], n)"),
        gradient: &[("f", "n * e * Pow(f, n - 1)")],
        laws: &[
            Law::exact("IntegerPower(a, n)", "Square(Pow(a, n / 2))").when(&["n > 2", "n <= 64", "n % 2 == 0"]),
            Law::exact("IntegerPower(a, n)", "a * Pow(a, n - 1)").when(&["n > 2", "n <= 64", "n % 2 == 1"]),
            Law::exact("IntegerPower(a, n)", "Inv(Pow(a, -n))").when(&["n < -1", "n >= -64"]),
        ],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[NEAR_ONE],
        doc: "What `Pow` is for powers that no other operation is for.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Powf",
        aliases: &["powf", "power", "pow"],
        signature: "Powf(f: n|1, g: n|1) -> n",
        value: Value::Recipe("pow(f[k], g[k])"),
        gradient: &[("f", "e * g * Powf(f, g - 1)"), ("g", "e * out * IfElse(-Abs(f), 0, Log(f))")],
        laws: &[
            Law::exact("Powf(a, 0)", "1"),
            Law::rounding("Powf(a, 1)", "a"),
            Law::rounding("Powf(a, 2)", "Square(a)"),
            Law::rounding("Powf(a, 0.5)", "Sqrt(a)"),
            Law::rounding("Powf(a, -0.5)", "Inv(Sqrt(a))"),
            Law::rounding("Powf(a, 1.5)", "a * Sqrt(a)"),
            Law::rounding("Powf(a, c)", "Pow(a, n)").when(&["n == c", "n > 2", "n <= 8"]),
            Law::rounding("Powf(a, c)", "Pow(a, n)").when(&["n == c", "n < 0", "n >= -3"]),
        ],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[NEAR_ONE, AROUND_ZERO],
        doc: "`f` to the power `g` as C's `pow`; the derivative in `g` is 0 where `f` is 0 and NaN where `f` is negative.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Mod",
        aliases: &["mod"],
        signature: "Mod(f: n|1, m: n|1, d: n|1 = 0) -> n",
        value: Value::Recipe("f[k] - m[k] * floor((f[k] - d[k]) / m[k])"),
        gradient: &[("f", "e"), ("m", "-(e * Floor((f - d) / m))")],
        domain: &[(0.1, 0.9), (1.0, 2.0), (-0.9, 0.0)],
        doc: "`f` modulo `m`, in `[d, d + m)`: the sign is that of `m`, as in Python.",
        ..Operation::EMPTY
    },
];
