//! Sums, norms, distances and extremes over the components of vectors.

use super::{Law, Operation, Sign, Value};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.5, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Sum",
        aliases: &["sum"],
        signature: "Sum(f: n) -> 1",
        value: Value::Recipe("sum(q < n, f[q])"),
        gradient: &[("f", "SumT(e, n)")],
        laws: &[
            Law::exact("Sum(a * b)", "Scalprod(a, b)"),
            Law::exact("Sum(Square(a))", "SqNorm2(a)"),
            Law::exact("Sum(-a)", "-Sum(a)"),
            Law::exact("Sum(ElemT(a, n, m))", "a"),
            Law::exact("Sum(ExtractT(a, m, n))", "Sum(a)"),
        ],
        sign: Sign::AsLargest(&["f"]),
        linear_in: &["f"],
        complex: &[("r -> r", ""), ("z -> z", "ComplexSum(f)")],
        domain: &[AROUND_ZERO],
        doc: "The sum of the components.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SumT",
        signature: "SumT(f: 1, d: int(1)) -> d",
        value: Value::Recipe("f"),
        gradient: &[("f", "Sum(e)")],
        laws: &[Law::exact("SumT(a, 1)", "a")],
        sign: Sign::AsLargest(&["f"]),
        linear_in: &["f"],
        domain: &[AROUND_ZERO],
        doc: "The vector of `d` components that all equal the scalar `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Scalprod",
        aliases: &["scalprod", "dot"],
        signature: "Scalprod(f: n|1, g: n|1) -> 1",
        value: Value::Recipe("sum(q < n, f[q] * g[q])"),
        gradient: &[("f", "e * g"), ("g", "e * f")],
        laws: &[Law::exact("Scalprod(a, a)", "SqNorm2(a)"), Law::exact("Scalprod(-a, b)", "-Scalprod(a, b)")],
        commutative: true,
        sign: Sign::NonnegativeIf(&["f", "g"]),
        linear_in: &["f", "g"],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The scalar product `f | g`; a scalar broadcasts.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SqNorm2",
        aliases: &["sqnorm2"],
        signature: "SqNorm2(f: n) -> 1",
        value: Value::Recipe("sum(q < n, f[q] * f[q])"),
        gradient: &[("f", "2 * e * f")],
        laws: &[
            Law::exact("SqNorm2(a - b)", "SqDist(a, b)"),
            Law::exact("SqNorm2(-a)", "SqNorm2(a)"),
            Law::exact("SqNorm2(Abs(a))", "SqNorm2(a)"),
            Law::rounding("SqNorm2(2 * a)", "4 * SqNorm2(a)"),
            Law::exact("SqNorm2(a)", "Square(a)").when(&["dim(a) == 1"]),
            Law::loose("SqNorm2(a * b)", "Square(a) * SqNorm2(b)").when(&["dim(a) == 1", "dim(b) > 1"]).tried(),
        ],
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO],
        doc: "The squared Euclidean norm.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Norm2",
        aliases: &["norm2", "norm"],
        signature: "Norm2(f: n) -> 1",
        value: Value::Expansion(&[("", "Sqrt(SqNorm2(f))")]),
        domain: &[POSITIVE],
        doc: "The Euclidean norm; its derivative at 0 is taken as 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Normalize",
        aliases: &["normalize"],
        signature: "Normalize(f: n) -> n",
        value: Value::Expansion(&[("", "Rsqrt(SqNorm2(f)) * f")]),
        domain: &[POSITIVE],
        doc: "`f` divided by its norm: 0 at 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SqDist",
        aliases: &["sqdist"],
        signature: "SqDist(f: n|1, g: n|1) -> 1",
        value: Value::Recipe("sum(q < n, (f[q] - g[q]) * (f[q] - g[q]))"),
        gradient: &[("f", "2 * e * (f - g)"), ("g", "2 * e * (g - f)")],
        laws: &[
            Law::exact("SqDist(-a, -b)", "SqDist(a, b)"),
            Law::exact("SqDist(a, a)", "0"),
            Law::exact("SqDist(a, 0)", "SqNorm2(a)").when(&["dim(a) > 1"]),
            Law::exact("SqDist(a, b)", "Square(a - b)").when(&["dim(a) == 1", "dim(b) == 1"]),
            Law::loose("SqDist(a * b, a * f)", "Square(a) * SqDist(b, f)")
                .when(&["dim(a) == 1", "dim(b) == dim(f)"])
                .tried(),
        ],
        commutative: true,
        sign: Sign::Nonnegative,
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The squared Euclidean distance.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SqNormIso",
        signature: "SqNormIso(s: 1, f: n) -> 1",
        value: Value::Expansion(&[("", "s * SqNorm2(f)")]),
        domain: &[POSITIVE, AROUND_ZERO],
        doc: "`s` times the squared norm of `f`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SqNormDiag",
        signature: "SqNormDiag(s: n, f: n) -> 1",
        value: Value::Recipe("sum(q < n, s[q] * (f[q] * f[q]))"),
        gradient: &[("s", "e * Square(f)"), ("f", "2 * e * (s * f)")],
        laws: &[Law::exact("SqNormDiag(1, a)", "SqNorm2(a)")],
        sign: Sign::NonnegativeIf(&["s"]),
        linear_in: &["s"],
        domain: &[POSITIVE, AROUND_ZERO],
        doc: "The squared norm of `f` in the metric with diagonal `s`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SymSqNorm",
        signature: "SymSqNorm(A: n*n, f: n) -> 1",
        value: Value::Expansion(&[("", "Scalprod(f, MatVecMult(A, f))")]),
        domain: &[POSITIVE, AROUND_ZERO],
        doc: "The squared norm of `f` in the metric with the row-major matrix `A`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "WeightedSqNorm",
        aliases: &["weightedsqnorm"],
        signature: "WeightedSqNorm(s: m, f: n) -> 1",
        value: Value::Expansion(&[
            ("m == 1", "SqNormIso(s, f)"),
            ("m == n", "SqNormDiag(s, f)"),
            ("m == n*n", "SymSqNorm(s, f)"),
        ]),
        domain: &[POSITIVE, AROUND_ZERO],
        doc: "The squared norm of `f` in the metric `s`: a scalar, a diagonal or a full matrix, by its dimension.",
        ..Operation::EMPTY
    },
    Operation {
        name: "WeightedSqDist",
        aliases: &["weightedsqdist"],
        signature: "WeightedSqDist(s: m, f: n|1, g: n|1) -> 1",
        value: Value::Expansion(&[
            ("m == 1", "SqNormIso(s, f - g)"),
            ("m == n", "SqNormDiag(s, f - g)"),
            ("m == n*n", "SymSqNorm(s, f - g)"),
        ]),
        domain: &[POSITIVE, AROUND_ZERO, AROUND_ZERO],
        doc: "The squared distance of `f` and `g` in the metric `s`, as for `WeightedSqNorm`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Max",
        aliases: &["max"],
        signature: "Max(f: n) -> 1",
        value: Value::Recipe("maximum(q < n, f[q])"),
        gradient: &[("f", "e * OneHot(ArgMax(f), n)")],
        laws: &[Law::exact("Max(a)", "a").when(&["dim(a) == 1"])],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        doc: "The largest component; NaNs are passed over.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Min",
        aliases: &["min"],
        signature: "Min(f: n) -> 1",
        value: Value::Recipe("minimum(q < n, f[q])"),
        gradient: &[("f", "e * OneHot(ArgMin(f), n)")],
        laws: &[Law::exact("Min(a)", "a").when(&["dim(a) == 1"])],
        sign: Sign::NonnegativeIf(&["f"]),
        domain: &[AROUND_ZERO],
        doc: "The smallest component; NaNs are passed over.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ArgMax",
        aliases: &["argmax"],
        signature: "ArgMax(f: n) -> 1",
        value: Value::Expansion(&[("", "IndexOf(f, Max(f))")]),
        domain: &[AROUND_ZERO],
        doc: "The index of the largest component as a real number, the first of equals.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ArgMin",
        aliases: &["argmin"],
        signature: "ArgMin(f: n) -> 1",
        value: Value::Expansion(&[("", "IndexOf(f, Min(f))")]),
        domain: &[AROUND_ZERO],
        doc: "The index of the smallest component as a real number, the first of equals.",
        ..Operation::EMPTY
    },
    Operation {
        name: "IndexOf",
        signature: "IndexOf(f: n, g: 1) -> 1",
        value: Value::Recipe("minimum(q < n, select(f[q] == g, q, n))"),
        sign: Sign::Nonnegative,
        domain: &[(0.1, 0.9), (1.1, 1.9)],
        doc: "The index of the first component of `f` that equals `g` as a real number; the dimension of `f` if none does.",
        ..Operation::EMPTY
    },
    Operation {
        name: "OneHot",
        aliases: &["one_hot", "onehot"],
        signature: "OneHot(f: 1, d: int(1)) -> d",
        value: Value::Recipe("select(floor(f + 0.5) == k, 1, 0)"),
        sign: Sign::Nonnegative,
        domain: &[(0.1, 0.4)],
        doc: "The vector of `d` components that is 1 at index `f`, rounded, and 0 elsewhere; all 0 if there is no such index.",
        ..Operation::EMPTY
    },
];
