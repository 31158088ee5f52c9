//! The reductions. `d` is how far a value lies above the largest one so far, with equal infinities at distance 0; `t` is
//! the only exponential a pair costs.

use super::Reduction;

type Lets = &'static [(&'static str, &'static str, &'static str)];

/// The value is compared with the largest one so far.
const ABOVE: Lets = &[
    ("d", "1", "select(f == m, 0, f - m)"),
    ("t", "1", "exp(-abs(d))"),
];

/// The later state's largest value is compared with the earlier one's.
const LATER_ABOVE: Lets = &[
    ("d", "1", "select(later_m == m, 0, later_m - m)"),
    ("t", "1", "exp(-abs(d))"),
];

/// The exponentials relative to the largest value, weighted and summed.
const SHIFTED: &[(&str, &str, &str)] = &[("m", "1", "-inf"), ("s", "n", "0")];
const SHIFTED_UPDATE: &[(&str, &str)] = &[
    ("m", "max(m, f)"),
    (
        "s",
        "select(d > 0, s[k] * t + weight[k], s[k] + weight[k] * t)",
    ),
];
const SHIFTED_MERGE: &[(&str, &str)] = &[
    ("m", "max(m, later_m)"),
    (
        "s",
        "select(d > 0, s[k] * t + later_s[k], s[k] + later_s[k] * t)",
    ),
];

/// The smallest value so far and its column.
const SMALLEST: &[(&str, &str, &str)] = &[("m", "n", "inf"), ("a", "n", "none")];
const SMALLEST_UPDATE: &[(&str, &str)] = &[
    ("m", "select(f[k] < m[k], f[k], m[k])"),
    ("a", "select(f[k] < m[k], column, a[k])"),
];
const SMALLEST_MERGE: &[(&str, &str)] = &[
    ("m", "select(later_m[k] < m[k], later_m[k], m[k])"),
    ("a", "select(later_m[k] < m[k], later_a[k], a[k])"),
];

/// The largest value so far and its column.
const LARGEST: &[(&str, &str, &str)] = &[("m", "n", "-inf"), ("a", "n", "none")];
const LARGEST_UPDATE: &[(&str, &str)] = &[
    ("m", "select(f[k] > m[k], f[k], m[k])"),
    ("a", "select(f[k] > m[k], column, a[k])"),
];
const LARGEST_MERGE: &[(&str, &str)] = &[
    ("m", "select(later_m[k] > m[k], later_m[k], m[k])"),
    ("a", "select(later_m[k] > m[k], later_a[k], a[k])"),
];

pub(super) const ROWS: &[Reduction] = &[
    Reduction {
        name: "Sum",
        aliases: &["sum"],
        signature: "Sum(f: n) -> n",
        state: &[("s", "n", "0")],
        update: &[("s", "s[k] + f[k]")],
        merge: &[("s", "s[k] + later_s[k]")],
        outcomes: &["s[k]"],
        gradient: &[("f", "e")],
        doc: "The sum over all columns; 0 for none.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Mean",
        aliases: &["mean"],
        signature: "Mean(f: n) -> n",
        state: &[("s", "n", "0"), ("c", "1", "0")],
        update: &[("s", "s[k] + f[k]"), ("c", "c + 1")],
        merge: &[("s", "s[k] + later_s[k]"), ("c", "c + later_c")],
        outcomes: &["s[k] / c"],
        equivalent: "Sum[j](f) / Sum[j](1)",
        doc: "The mean over all columns; NaN for none.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Prod",
        aliases: &["prod"],
        signature: "Prod(f: n) -> n",
        state: &[("p", "n", "1")],
        update: &[("p", "p[k] * f[k]")],
        merge: &[("p", "p[k] * later_p[k]")],
        outcomes: &["p[k]"],
        doc: "The product over all columns; 1 for none.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Count",
        aliases: &["count", "count_nonzero"],
        signature: "Count(f: n) -> n",
        state: &[("c", "n", "0")],
        update: &[("c", "c[k] + select(f[k] != 0, 1, 0)")],
        merge: &[("c", "c[k] + later_c[k]")],
        outcomes: &["c[k]"],
        gradient: &[("f", "Zero(n)")],
        doc: "How many columns have a value other than 0.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Any",
        aliases: &["any"],
        signature: "Any(f: n) -> n",
        state: &[("a", "n", "0")],
        update: &[("a", "select(f[k] != 0, 1, a[k])")],
        merge: &[("a", "max(a[k], later_a[k])")],
        outcomes: &["a[k]"],
        gradient: &[("f", "Zero(n)")],
        doc: "1 if any column has a value other than 0, else 0.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "All",
        aliases: &["all"],
        signature: "All(f: n) -> n",
        state: &[("a", "n", "1")],
        update: &[("a", "select(f[k] == 0, 0, a[k])")],
        merge: &[("a", "min(a[k], later_a[k])")],
        outcomes: &["a[k]"],
        gradient: &[("f", "Zero(n)")],
        doc: "0 if any column has the value 0, else 1.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "LogSumExp",
        aliases: &["LogSumExpWeight", "logsumexp"],
        signature: "LogSumExp(f: 1, weight: n = 1) -> n",
        state: SHIFTED,
        lets: ABOVE,
        update: SHIFTED_UPDATE,
        merge_lets: LATER_ABOVE,
        merge: SHIFTED_MERGE,
        outcomes: &["m + log(s[k])"],
        gradient: &[
            (
                "f",
                "Scalprod(e * weight, Exp(f - ZeroIfMinusInfinity(out)))",
            ),
            ("weight", "e * Exp(f - ZeroIfMinusInfinity(out))"),
        ],
        doc: "The logarithm of the sum of `weight * Exp(f)`, without overflow; -inf for no column and where all `f` are -inf.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "SumSoftMaxWeight",
        aliases: &["SoftMax", "sumsoftmaxweight"],
        signature: "SumSoftMaxWeight(f: 1, weight: n) -> n",
        state: &[("m", "1", "-inf"), ("s", "n", "0"), ("z", "1", "0")],
        lets: ABOVE,
        update: &[
            ("m", "max(m, f)"),
            (
                "s",
                "select(d > 0, s[k] * t + weight[k], s[k] + weight[k] * t)",
            ),
            ("z", "select(d > 0, z * t + 1, z + t)"),
        ],
        merge_lets: LATER_ABOVE,
        merge: &[
            ("m", "max(m, later_m)"),
            (
                "s",
                "select(d > 0, s[k] * t + later_s[k], s[k] + later_s[k] * t)",
            ),
            ("z", "select(d > 0, z * t + later_z, z + later_z * t)"),
        ],
        outcomes: &["s[k] / z"],
        equivalent: "Sum[j](Exp(f - LogSumExp[j](f)) * weight)",
        doc: "The mean of `weight` under the softmax of `f`; NaN for no column.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Max_SumShiftExpWeight",
        aliases: &["Max_SumShiftExp"],
        signature: "Max_SumShiftExpWeight(f: 1, weight: n = 1) -> 1 + n",
        state: SHIFTED,
        lets: ABOVE,
        update: SHIFTED_UPDATE,
        merge_lets: LATER_ABOVE,
        merge: SHIFTED_MERGE,
        outcomes: &["choose(k < 1, m, s[k - 1])"],
        doc: "KeOps' raw pair `m`, the largest `f`, and the sums of `weight * Exp(f - m)`, whose logarithm plus `m` is `LogSumExp`.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Min",
        aliases: &["min"],
        signature: "Min(f: n) -> n",
        state: &[("m", "n", "inf")],
        update: &[("m", "min(m[k], f[k])")],
        merge: &[("m", "min(m[k], later_m[k])")],
        outcomes: &["m[k]"],
        doc: "The smallest value over all columns, component by component; NaNs are passed over; inf for no column.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "ArgMin",
        aliases: &["argmin"],
        signature: "ArgMin(f: n) -> n",
        state: SMALLEST,
        update: SMALLEST_UPDATE,
        merge: SMALLEST_MERGE,
        outcomes: &["a[k]"],
        doc: "The column of the smallest value, the first of equals; -1 where no value is below inf.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Min_ArgMin",
        aliases: &["MinArgMin", "min_argmin"],
        signature: "Min_ArgMin(f: n) -> n, n",
        state: SMALLEST,
        update: SMALLEST_UPDATE,
        merge: SMALLEST_MERGE,
        outcomes: &["m[k]", "a[k]"],
        doc: "The results of `Min` and `ArgMin` from one pass.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Max",
        aliases: &["max"],
        signature: "Max(f: n) -> n",
        state: &[("m", "n", "-inf")],
        update: &[("m", "max(m[k], f[k])")],
        merge: &[("m", "max(m[k], later_m[k])")],
        outcomes: &["m[k]"],
        doc: "The largest value over all columns, component by component; NaNs are passed over; -inf for no column.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "ArgMax",
        aliases: &["argmax"],
        signature: "ArgMax(f: n) -> n",
        state: LARGEST,
        update: LARGEST_UPDATE,
        merge: LARGEST_MERGE,
        outcomes: &["a[k]"],
        doc: "The column of the largest value, the first of equals; -1 where no value is above -inf.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Max_ArgMax",
        aliases: &["MaxArgMax", "max_argmax"],
        signature: "Max_ArgMax(f: n) -> n, n",
        state: LARGEST,
        update: LARGEST_UPDATE,
        merge: LARGEST_MERGE,
        outcomes: &["m[k]", "a[k]"],
        doc: "The results of `Max` and `ArgMax` from one pass.",
        ..Reduction::EMPTY
    },
];
