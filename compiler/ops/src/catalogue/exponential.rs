//! Exponentials, logarithms, roots and what is made of them.

use super::{Law, Operation, Sign, Value};

const POSITIVE: (f64, f64) = (0.5, 2.0);
const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Exp",
        aliases: &["exp"],
        signature: "Exp(f: n) -> n",
        value: Value::Recipe("exp(f[k])"),
        gradient: &[("f", "e * out")],
        laws: &[Law::rounding("Exp(Log(a))", "a").when(&["nonnegative(a)"])],
        // f as it is where f log2 e is infinite: 0 times that would be NaN.
        rescaled: Some(("Exp2", "IfElse(1.4426950408889634 * f - 1.4426950408889634 * f, 1.4426950408889634 * f, f)")),
        sign: Sign::Nonnegative,
        complex: &[("r -> r", ""), ("z -> z", "ComplexExp(f)")],
        domain: &[AROUND_ZERO],
        ulp: 1.0,
        doc: "e to the power `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Exp2",
        aliases: &["exp2"],
        signature: "Exp2(f: n) -> n",
        value: Value::Recipe("exp2(f[k])"),
        gradient: &[("f", "0.6931471805599453 * e * out")],
        laws: &[Law::rounding("Exp2(Log2(a))", "a").when(&["nonnegative(a)"])],
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO],
        ulp: 1.0,
        doc: "2 to the power `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Expm1",
        aliases: &["expm1"],
        signature: "Expm1(f: n) -> n",
        value: Value::Recipe("expm1(f[k])"),
        gradient: &[("f", "e * Exp(f)")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        ulp: 1.0,
        doc: "`Exp(f) - 1` without cancellation near 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Log",
        aliases: &["log"],
        signature: "Log(f: n) -> n",
        value: Value::Recipe("log(f[k])"),
        gradient: &[("f", "e / f")],
        laws: &[
            Law::rounding("Log(Exp(a))", "a"),
            Law::rounding("Log(Sqrt(a))", "0.5 * Log(a)").tried(),
            Law::rounding("Log(Inv(a))", "-Log(a)").tried(),
        ],
        complex: &[("r -> r", ""), ("z -> z", "ComplexLog(f)")],
        domain: &[POSITIVE],
        ulp: 1.0,
        doc: "The natural logarithm: -inf at 0, NaN below.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Log2",
        aliases: &["log2"],
        signature: "Log2(f: n) -> n",
        value: Value::Recipe("log2(f[k])"),
        gradient: &[("f", "1.4426950408889634 * e / f")],
        laws: &[Law::rounding("Log2(Exp2(a))", "a")],
        domain: &[POSITIVE],
        ulp: 1.0,
        doc: "The logarithm to base 2: -inf at 0, NaN below.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Log10",
        aliases: &["log10"],
        signature: "Log10(f: n) -> n",
        value: Value::Recipe("log10(f[k])"),
        gradient: &[("f", "0.4342944819032518 * e / f")],
        domain: &[POSITIVE],
        ulp: 1.0,
        doc: "The logarithm to base 10: -inf at 0, NaN below.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Log1p",
        aliases: &["log1p"],
        signature: "Log1p(f: n) -> n",
        value: Value::Recipe("log1p(f[k])"),
        gradient: &[("f", "e / (1 + f)")],
        laws: &[Law::rounding("Log1p(Expm1(a))", "a")],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[(-0.5, 2.0)],
        ulp: 1.0,
        doc: "`Log(1 + f)` without cancellation near 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "XLogX",
        aliases: &["xlogx"],
        signature: "XLogX(f: n) -> n",
        value: Value::Recipe("select(f[k] == 0, 0, f[k] * log(f[k]))"),
        gradient: &[("f", "e * (Log(f) + 1)")],
        domain: &[POSITIVE],
        ulp: 2.0,
        doc: "`f * Log(f)`: 0 at 0, NaN below.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Sqrt",
        aliases: &["sqrt"],
        signature: "Sqrt(f: n) -> n",
        value: Value::Recipe("sqrt(f[k])"),
        gradient: &[("f", "0.5 * e * Rsqrt(f)")],
        laws: &[Law::rounding("Sqrt(Square(a))", "Abs(a)"), Law::rounding("Sqrt(Exp(a))", "Exp(0.5 * a)").tried()],
        sign: Sign::Nonnegative,
        complex: &[("r -> r", ""), ("z -> z", "ComplexSqrt(f)")],
        domain: &[POSITIVE],
        doc: "The square root: NaN below 0; its derivative at 0 is taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "NanIfNegative",
        signature: "NanIfNegative(f: n) -> n",
        value: Value::Recipe("select(f[k] < 0, sqrt(f[k]), f[k])"),
        gradient: &[("f", "e")],
        laws: &[Law::exact("NanIfNegative(a)", "a").when(&["nonnegative(a)"])],
        sign: Sign::Nonnegative,
        domain: &[POSITIVE],
        doc: "`f`, but NaN where it is negative: what `Square(Sqrt(f))` is, with the derivatives of `f` at 0, too.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Rsqrt",
        aliases: &["rsqrt"],
        signature: "Rsqrt(f: n) -> n",
        value: Value::Recipe("select(f[k] == 0, 0, rsqrt(f[k]))"),
        gradient: &[("f", "-0.5 * e * Pow(out, 3)")],
        sign: Sign::Nonnegative,
        domain: &[POSITIVE],
        ulp: 1.0,
        doc: "`1 / Sqrt(f)`, but 0 at 0 as in KeOps; NaN below.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Sigmoid",
        aliases: &["sigmoid"],
        signature: "Sigmoid(f: n) -> n",
        // With t = exp(-|f|) it is 1/(1 + t) above 0 and q = t/(1 + t) below; far below the quotient's error matters less in t - t q.
        value: Value::Recipe(
            "where(select(f[k] < -1, t - t * q, q), t = exp(-abs(f[k])), q = select(f[k] < 0, t, 1) / (1 + t))",
        ),
        gradient: &[("f", "e * out * Sigmoid(-f)")],
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO],
        ulp: 2.0,
        doc: "The logistic function `1 / (1 + Exp(-f))`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Softplus",
        aliases: &["softplus"],
        signature: "Softplus(f: n) -> n",
        value: Value::Expansion(&[("", "LogAddExp(f, 0)")]),
        domain: &[AROUND_ZERO],
        ulp: 2.0,
        doc: "`Log(1 + Exp(f))`, without overflow.",
        ..Operation::EMPTY
    },
    Operation {
        name: "LogAddExp",
        aliases: &["logaddexp"],
        signature: "LogAddExp(f: n|1, g: n|1) -> n",
        // f = g is kept from making inf - inf.
        value: Value::Recipe(
            "select(f[k] == g[k], f[k] + 0.6931471805599453, max(f[k], g[k]) + log1p(exp(-abs(f[k] - g[k]))))",
        ),
        gradient: &[("f", "e * Sigmoid(f - g)"), ("g", "e * Sigmoid(g - f)")],
        commutative: true,
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "`Log(Exp(f) + Exp(g))`, without overflow.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ZeroIfMinusInfinity",
        signature: "ZeroIfMinusInfinity(f: n) -> n",
        value: Value::Recipe("select(f[k] == -inf, 0, f[k])"),
        gradient: &[("f", "e")],
        domain: &[AROUND_ZERO],
        doc: "`f`, but 0 where it is -inf: keeps gradients of log-sum-exps over nothing from being NaN.",
        ..Operation::EMPTY
    },
];
