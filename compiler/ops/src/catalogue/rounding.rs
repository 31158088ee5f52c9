//! Absolute value, signs, rounding, clamping.

use super::{Law, Operation, Sign, Value};

const POSITIVE: (f64, f64) = (0.1, 0.9);
const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Abs",
        aliases: &["abs", "fabs"],
        signature: "Abs(f: n) -> n",
        value: Value::Recipe("abs(f[k])"),
        gradient: &[("f", "e * Sign(f)")],
        laws: &[Law::exact("Abs(-a)", "Abs(a)"), Law::exact("Abs(a)", "a").when(&["nonnegative(a)"])],
        sign: Sign::Nonnegative,
        complex: &[("r -> r", ""), ("z -> r", "Hypot(ComplexReal(f), ComplexImag(f))")],
        domain: &[(0.5, 2.0)],
        doc: "The absolute value; its derivative at 0 is 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Sign",
        aliases: &["sign"],
        signature: "Sign(f: n) -> n",
        value: Value::Recipe("select(f[k] > 0, 1, select(f[k] < 0, -1, 0))"),
        laws: &[Law::exact("Sign(-a)", "-Sign(a)"), Law::exact("Sign(Sign(a))", "Sign(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[POSITIVE],
        doc: "-1, 0 or 1; 0 for NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Step",
        aliases: &["step"],
        signature: "Step(f: n) -> n",
        value: Value::Recipe("select(f[k] < 0, 0, 1)"),
        sign: Sign::Nonnegative,
        domain: &[POSITIVE],
        doc: "0 below 0, else 1: 1 at 0 and for NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ReLU",
        aliases: &["relu"],
        signature: "ReLU(f: n) -> n",
        value: Value::Recipe("select(f[k] < 0, 0, f[k])"),
        gradient: &[("f", "e * Step(f)")],
        laws: &[Law::exact("ReLU(a)", "a").when(&["nonnegative(a)"])],
        sign: Sign::Nonnegative,
        domain: &[POSITIVE],
        doc: "`f` where it is positive, else 0; its derivative at 0 is 1 as in KeOps; NaN stays NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Floor",
        aliases: &["floor"],
        signature: "Floor(f: n) -> n",
        value: Value::Recipe("floor(f[k])"),
        laws: &[Law::exact("Floor(Floor(a))", "Floor(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[POSITIVE],
        doc: "The largest integer not above `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Ceil",
        aliases: &["ceil"],
        signature: "Ceil(f: n) -> n",
        value: Value::Recipe("ceil(f[k])"),
        laws: &[Law::exact("Ceil(Ceil(a))", "Ceil(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[POSITIVE],
        doc: "The smallest integer not below `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Trunc",
        aliases: &["trunc"],
        signature: "Trunc(f: n) -> n",
        value: Value::Recipe("trunc(f[k])"),
        laws: &[Law::exact("Trunc(Trunc(a))", "Trunc(a)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[POSITIVE],
        doc: "The integer part of `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Round",
        aliases: &["round"],
        signature: "Round(f: n, d: int(-300, 300)) -> n",
        value: Value::Recipe(
            "choose(d < 0, round(f[k] / powi(10, -d)) * powi(10, -d), round(f[k] * powi(10, d)) / powi(10, d))",
        ),
        laws: &[Law::exact("Round(Round(a, 0), 0)", "Round(a, 0)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[(0.1216, 0.1224)],
        doc: "`f` rounded to `d` decimals, ties away from zero as in C (NumPy rounds them to even).",
        ..Operation::EMPTY
    },
    Operation {
        name: "Clamp",
        aliases: &["clamp", "clip"],
        signature: "Clamp(f: n|1, a: n|1, b: n|1) -> n",
        value: Value::Recipe("select(f[k] < a[k], a[k], select(f[k] > b[k], b[k], f[k]))"),
        gradient: &[
            ("f", "e * (LessOrEqual(a, f) * LessOrEqual(f, b))"),
            ("a", "e * LessThan(f, a)"),
            ("b", "e * (LessOrEqual(a, f) * LessThan(b, f))"),
        ],
        laws: &[Law::exact("Clamp(Clamp(a, c, d), c, d)", "Clamp(a, c, d)").when(&["c <= d"])],
        sign: Sign::NonnegativeIf(&["a", "b"]),
        domain: &[(0.1, 0.9), (-1.0, 0.0), (1.0, 2.0)],
        doc: "`f` limited to `[a, b]`; its derivative in `f` is 1 at both bounds; NaN stays NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ClampInt",
        aliases: &["clampint"],
        signature: "ClampInt(f: n, a: int, b: int) -> n",
        value: Value::Recipe("select(f[k] < a, a, select(f[k] > b, b, f[k]))"),
        gradient: &[("f", "e * DiffClampInt(f, a, b)")],
        laws: &[Law::exact("ClampInt(ClampInt(a, m, n), m, n)", "ClampInt(a, m, n)").when(&["m <= n"])],
        domain: &[(0.1, 0.9)],
        doc: "`f` limited to integer bounds; its derivative is 1 at both; NaN stays NaN.",
        ..Operation::EMPTY
    },
    Operation {
        name: "DiffClampInt",
        signature: "DiffClampInt(f: n, a: int, b: int) -> n",
        value: Value::Recipe("select(a <= f[k], select(f[k] <= b, 1, 0), 0)"),
        sign: Sign::Nonnegative,
        domain: &[(0.1, 0.9)],
        doc: "1 where `f` is in `[a, b]`, else 0: the derivative of `ClampInt`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Minimum",
        aliases: &["minimum", "fmin"],
        signature: "Minimum(f: n|1, g: n|1) -> n",
        value: Value::Recipe("min(f[k], g[k])"),
        gradient: &[("f", "IfElse(Equal(out, f) - 0.5, e, 0)"), ("g", "IfElse(Equal(out, f) - 0.5, 0, e)")],
        laws: &[
            Law::exact("Minimum(a, a)", "a"),
            Law::exact("Minimum(a, Minimum(a, b))", "Minimum(a, b)"),
            Law::exact("Minimum(c, Minimum(d, a))", "Minimum(Minimum(c, d), a)"),
        ],
        commutative: true,
        sign: Sign::NonnegativeIf(&["f", "g"]),
        domain: &[(0.1, 0.9), (1.0, 2.0)],
        doc: "The smaller of `f` and `g`, component by component; a NaN is passed over; at a tie the derivative is `f`'s.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Maximum",
        aliases: &["maximum", "fmax"],
        signature: "Maximum(f: n|1, g: n|1) -> n",
        value: Value::Recipe("max(f[k], g[k])"),
        gradient: &[("f", "IfElse(Equal(out, f) - 0.5, e, 0)"), ("g", "IfElse(Equal(out, f) - 0.5, 0, e)")],
        laws: &[
            Law::exact("Maximum(a, a)", "a"),
            Law::exact("Maximum(a, Maximum(a, b))", "Maximum(a, b)"),
            Law::exact("Maximum(c, Maximum(d, a))", "Maximum(Maximum(c, d), a)"),
        ],
        commutative: true,
        sign: Sign::NonnegativeIf(&["f", "g"]),
        domain: &[(0.1, 0.9), (1.0, 2.0)],
        doc: "The larger of `f` and `g`, component by component; a NaN is passed over; at a tie the derivative is `f`'s.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Hypot",
        aliases: &["hypot"],
        signature: "Hypot(f: n|1, g: n|1) -> n",
        // Scaled by the larger leg, so that squares neither overflow nor vanish; `0*f + 0*g` is NaN where a leg is.
        value: Value::Recipe(
            "where(select(long == 0, 0*f[k] + 0*g[k], select(long == inf, inf, 0*f[k] + 0*g[k] + long * sqrt(1 + ratio * ratio))), \
             long = max(abs(f[k]), abs(g[k])), ratio = min(abs(f[k]), abs(g[k])) / long)",
        ),
        gradient: &[("f", "e * f / (out + Equal(out, 0))"), ("g", "e * g / (out + Equal(out, 0))")],
        commutative: true,
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO, (0.5, 2.0)],
        doc: "`Sqrt(Square(f) + Square(g))` without overflow; its derivative at (0, 0) is 0.",
        ..Operation::EMPTY
    },
];
