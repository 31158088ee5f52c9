//! Comparisons, truth values (1 and 0) and the choice between formulas.

use super::{Law, Operation, Sign, Value};

const LOW: (f64, f64) = (0.1, 0.9);
const HIGH: (f64, f64) = (1.1, 1.9);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Equal",
        aliases: &["equal", "eq"],
        signature: "Equal(f: n|1, g: n|1) -> n",
        value: Value::Recipe("select(f[k] == g[k], 1, 0)"),
        commutative: true,
        sign: Sign::Nonnegative,
        domain: &[LOW, HIGH],
        doc: "1 where `f` equals `g`, else 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "NotEqual",
        aliases: &["notequal", "not_equal", "ne"],
        signature: "NotEqual(f: n|1, g: n|1) -> n",
        value: Value::Recipe("select(f[k] != g[k], 1, 0)"),
        commutative: true,
        sign: Sign::Nonnegative,
        domain: &[LOW, HIGH],
        doc: "1 where `f` differs from `g`, else 0; NaN differs from everything.",
        ..Operation::EMPTY
    },
    Operation {
        name: "LessThan",
        aliases: &["lessthan", "less_than", "lt"],
        signature: "LessThan(f: n|1, g: n|1) -> n",
        value: Value::Recipe("select(f[k] < g[k], 1, 0)"),
        laws: &[Law::exact("LessThan(a, a)", "0")],
        sign: Sign::Nonnegative,
        domain: &[LOW, HIGH],
        doc: "1 where `f < g`, else 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "LessOrEqual",
        aliases: &["lessorequal", "less_or_equal", "le"],
        signature: "LessOrEqual(f: n|1, g: n|1) -> n",
        value: Value::Recipe("select(f[k] <= g[k], 1, 0)"),
        sign: Sign::Nonnegative,
        domain: &[LOW, HIGH],
        doc: "1 where `f <= g`, else 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "And",
        aliases: &["logical_and"],
        signature: "And(f: n|1, g: n|1) -> n",
        value: Value::Recipe("select(f[k] != 0, select(g[k] != 0, 1, 0), 0)"),
        commutative: true,
        sign: Sign::Nonnegative,
        domain: &[LOW, HIGH],
        doc: "1 where neither `f` nor `g` is 0, else 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Or",
        aliases: &["logical_or"],
        signature: "Or(f: n|1, g: n|1) -> n",
        value: Value::Recipe("select(f[k] != 0, 1, select(g[k] != 0, 1, 0))"),
        commutative: true,
        sign: Sign::Nonnegative,
        domain: &[LOW, HIGH],
        doc: "0 where `f` and `g` are 0, else 1.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Not",
        aliases: &["logical_not"],
        signature: "Not(f: n) -> n",
        value: Value::Recipe("select(f[k] == 0, 1, 0)"),
        sign: Sign::Nonnegative,
        domain: &[LOW],
        doc: "1 where `f` is 0, else 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "IfElse",
        aliases: &["ifelse"],
        signature: "IfElse(f: n|1, a: n|1, b: n|1) -> n",
        value: Value::Recipe("select(f[k] >= 0, a[k], b[k])"),
        gradient: &[("a", "IfElse(f, e, 0)"), ("b", "IfElse(f, 0, e)")],
        laws: &[
            Law::exact("IfElse(c, a, b)", "a").when(&["c >= 0"]),
            Law::exact("IfElse(c, a, b)", "b").when(&["c < 0"]),
            Law::exact("IfElse(a, b, b)", "b"),
        ],
        sign: Sign::NonnegativeIf(&["a", "b"]),
        complex: &[("r r r -> r", ""), ("r z z -> z", "ComplexIfElse(f, a, b)")],
        domain: &[LOW, HIGH, HIGH],
        doc: "`a` where `f >= 0`, else `b`, component by component; `b` where `f` is NaN.",
        ..Operation::EMPTY
    },
];
