//! Constants, sums, products, quotients and powers.

use super::{EarlyLaw, Law, Operation, Value, When};

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
            Law { left: "a + 0", right: "a" },
            Law { left: "0 + a", right: "a" },
            Law { left: "a + (-b)", right: "a - b" },
            Law { left: "(-a) + b", right: "b - a" },
        ],
        commutative: true,
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
            Law { left: "a - 0", right: "a" },
            Law { left: "0 - a", right: "-a" },
            Law { left: "a - (-b)", right: "a + b" },
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
        laws: &[Law { left: "-(-a)", right: "a" }, Law { left: "-(a - b)", right: "b - a" }],
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
            Law { left: "a * 1", right: "a" },
            Law { left: "1 * a", right: "a" },
            Law { left: "a * -1", right: "-a" },
            Law { left: "-1 * a", right: "-a" },
            Law { left: "a * a", right: "Square(a)" },
            Law { left: "(-a) * (-b)", right: "a * b" },
            Law { left: "(-a) * b", right: "-(a * b)" },
            Law { left: "a * (-b)", right: "-(a * b)" },
            Law { left: "c * (d * a)", right: "(c * d) * a" },
        ],
        commutative: true,
        linear_in: &["f", "g"],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "`f * g`, component by component; a scalar broadcasts.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Divide",
        aliases: &["divide"],
        signature: "Divide(f: n|1, g: n|1) -> n",
        value: Value::Recipe("f[k] / g[k]"),
        gradient: &[("f", "e / g"), ("g", "-(e * out / g)")],
        laws: &[Law { left: "a / 1", right: "a" }, Law { left: "1 / a", right: "Inv(a)" }],
        linear_in: &["f"],
        domain: &[AROUND_ZERO, NEAR_ONE],
        doc: "`f / g`, component by component; a scalar broadcasts; division by 0 gives an infinity, 0 / 0 NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "DivideOrZero",
        signature: "DivideOrZero(f: n|1, g: n|1) -> n",
        value: Value::Recipe("select(g[k] == 0, 0, f[k] / g[k])"),
        gradient: &[("f", "DivideOrZero(e, g)"), ("g", "-DivideOrZero(e * out, g)")],
        linear_in: &["f"],
        domain: &[(0.5, 2.0), (0.5, 2.0)],
        doc: "`f / g`, but 0 where `g` is 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Inv",
        aliases: &["inv"],
        signature: "Inv(f: n) -> n",
        value: Value::Recipe("1 / f[k]"),
        gradient: &[("f", "-(e * Square(out))")],
        laws: &[Law { left: "Inv(-a)", right: "-Inv(a)" }],
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
        laws: &[Law { left: "Square(-a)", right: "Square(a)" }, Law { left: "Square(Abs(a))", right: "Square(a)" }],
        early_laws: &[
            EarlyLaw { left: "Square(Sqrt(a))", right: "a", when: When::Nonnegative("a") },
            EarlyLaw { left: "Square(Abs(a))", right: "Square(a)", when: When::Always },
            EarlyLaw { left: "Square(Hypot(a, b))", right: "Square(a) + Square(b)", when: When::Always },
            EarlyLaw { left: "Square(-a)", right: "Square(a)", when: When::HasRoot("a") },
            EarlyLaw { left: "Square(a * b)", right: "Square(a) * Square(b)", when: When::HasRoot("a") },
            EarlyLaw { left: "Square(a * b)", right: "Square(a) * Square(b)", when: When::HasRoot("b") },
            EarlyLaw { left: "Square(a / b)", right: "Square(a) / Square(b)", when: When::HasRoot("a") },
            EarlyLaw { left: "Square(a / b)", right: "Square(a) / Square(b)", when: When::HasRoot("b") },
        ],
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
        domain: &[NEAR_ONE],
        doc: "What `Pow` is for powers that no other operation is for.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Powf",
        aliases: &["powf", "power", "pow"],
        signature: "Powf(f: n|1, g: n|1) -> n",
        value: Value::Recipe("pow(f[k], g[k])"),
        gradient: &[("f", "e * g * IfElse(-Abs(g), 0, Powf(f, g - 1))"), ("g", "e * out * IfElse(-Abs(f), 0, Log(f))")],
        early_laws: &[EarlyLaw { left: "Powf(a, 0.5)", right: "Sqrt(a)", when: When::Always }],
        laws: &[Law { left: "Powf(a, 1)", right: "a" }, Law { left: "Powf(a, 2)", right: "Square(a)" }],
        domain: &[NEAR_ONE, AROUND_ZERO],
        doc: "`f` to the power `g` as C's `pow`; the derivative in `g` is 0 where `f` is 0 and NaN where `f` is negative, that in `f` is 0 where `g` is 0.",
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
