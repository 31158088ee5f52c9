//! Sums of exponentials relative to the largest exponent so far. `d` is how far a value lies above it, with equal
//! infinities at distance 0; `t` is the only exponential that a pair costs.

use super::Reduction;

/// The weights of a softmax.
const SOFTMAX_GRADIENT: &[(&str, &str)] = &[
    ("f", "Scalprod(e * weight, Exp(f - ZeroIfMinusInfinity(out)))"),
    ("weight", "e * Exp(f - ZeroIfMinusInfinity(out))"),
];

type Lets = &'static [(&'static str, &'static str, &'static str)];

/// The value is compared with the largest one so far.
const ABOVE: Lets = &[("d", "1", "select(f == m, 0, f - m)"), ("t", "1", "exp(-abs(d))")];

/// The later state's largest value is compared with the earlier one's.
const LATER_ABOVE: Lets = &[("d", "1", "select(later_m == m, 0, later_m - m)"), ("t", "1", "exp(-abs(d))")];

/// The exponentials relative to the largest value, weighted and summed.
const SHIFTED: &[(&str, &str, &str)] = &[("m", "1", "-inf"), ("s", "n", "0")];
const SHIFTED_UPDATE: &[(&str, &str)] =
    &[("m", "select(f > m, f, m)"), ("s", "select(d > 0, s[k] * t + weight[k], s[k] + weight[k] * t)")];
/// No value lies above the largest one any more. The power is one of 2, which is cheaper.
const RAISED: Lets = &[("t", "1", "exp2(1.4426950408889634 * select(f == m, 0, f - m))")];
const SHIFTED_RAISED: &[(&str, &str)] = &[("s", "s[k] + weight[k] * t")];
const SHIFTED_MERGE: &[(&str, &str)] =
    &[("m", "max(m, later_m)"), ("s", "select(d > 0, s[k] * t + later_s[k], s[k] + later_s[k] * t)")];

const SHIFTED_EQUIVALENT: &str = "Concat(Max[j](f), Sum[j](weight * Exp(f - ZeroIfMinusInfinity(Max[j](f)))))";

/// The same with compensated sums, as in `KahanSum`: `s - c` is the sum. What is there is scaled by `q` and the next summand by `r`, of which
/// one is 1; `p` is the scaled sum, `y` the next summand less what is to be made up for, `g` how much more than `y` has arrived in `u`. The
/// rounding of the products is not made up for: `s` is scaled only where a value lies above all before it.
const COMPENSATED: &[(&str, &str, &str)] = &[("m", "1", "-inf"), ("s", "n", "0"), ("c", "n", "0")];
const COMPENSATED_LETS: Lets = &[
    ("d", "1", "select(f == m, 0, f - m)"),
    ("t", "1", "exp(-abs(d))"),
    ("q", "1", "select(d > 0, t, 1)"),
    ("r", "1", "select(d > 0, 1, t)"),
    ("p", "n", "s[k] * q"),
    ("y", "n", "weight[k] * r - c[k] * q"),
    ("u", "n", "p[k] + y[k]"),
    ("g", "n", "(u[k] - p[k]) - y[k]"),
];
const COMPENSATED_UPDATE: &[(&str, &str)] =
    &[("m", "select(f > m, f, m)"), ("s", "u[k]"), ("c", "select(abs(g[k]) < inf, g[k], 0)")];
/// `p + l` is exactly `u` less the first two terms of `g`.
const COMPENSATED_MERGE_LETS: Lets = &[
    ("d", "1", "select(later_m == m, 0, later_m - m)"),
    ("t", "1", "exp(-abs(d))"),
    ("q", "1", "select(d > 0, t, 1)"),
    ("r", "1", "select(d > 0, 1, t)"),
    ("p", "n", "s[k] * q"),
    ("l", "n", "later_s[k] * r"),
    ("u", "n", "p[k] + l[k]"),
    ("v", "n", "u[k] - p[k]"),
    ("g", "n", "((u[k] - v[k]) - p[k]) + (v[k] - l[k]) + (c[k] * q + later_c[k] * r)"),
];
const COMPENSATED_MERGE: &[(&str, &str)] =
    &[("m", "max(m, later_m)"), ("s", "u[k]"), ("c", "select(abs(g[k]) < inf, g[k], 0)")];

pub(super) const ROWS: &[Reduction] = &[
    Reduction {
        name: "LogSumExp",
        aliases: &["LogSumExpWeight", "logsumexp"],
        signature: "LogSumExp(f: 1, weight: n = 1) -> n",
        state: SHIFTED,
        lets: ABOVE,
        update: SHIFTED_UPDATE,
        pivots: &["m"],
        lagging: true,
        raised_lets: RAISED,
        raised_update: SHIFTED_RAISED,
        merge_lets: LATER_ABOVE,
        merge: SHIFTED_MERGE,
        outcomes: &["m + log(s[k])"],
        gradient: SOFTMAX_GRADIENT,
        compensated: "KahanLogSumExp",
        doc: "The logarithm of the sum of `weight * Exp(f)`, without overflow; -inf for no column, where all `f` are -inf and for \
              weights with sum 0, NaN for a sum below 0.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KahanLogSumExp",
        signature: "KahanLogSumExp(f: 1, weight: n = 1) -> n",
        state: COMPENSATED,
        lets: COMPENSATED_LETS,
        update: COMPENSATED_UPDATE,
        merge_lets: COMPENSATED_MERGE_LETS,
        merge: COMPENSATED_MERGE,
        outcomes: &["m + log(s[k] - c[k])"],
        gradient: SOFTMAX_GRADIENT,
        compensated: "KahanLogSumExp",
        doc: "`LogSumExp` with a sum by Kahan's scheme: what `numerics sum = kahan` makes of it.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "SumSoftMaxWeight",
        aliases: &["SoftMax", "sumsoftmaxweight"],
        signature: "SumSoftMaxWeight(f: 1, weight: n) -> n",
        state: &[("m", "1", "-inf"), ("s", "n", "0"), ("z", "1", "0")],
        lets: ABOVE,
        update: &[
            ("m", "select(f > m, f, m)"),
            ("s", "select(d > 0, s[k] * t + weight[k], s[k] + weight[k] * t)"),
            ("z", "select(d > 0, z * t + 1, z + t)"),
        ],
        pivots: &["m"],
        lagging: true,
        raised_lets: RAISED,
        raised_update: &[("s", "s[k] + weight[k] * t"), ("z", "z + t")],
        merge_lets: LATER_ABOVE,
        merge: &[
            ("m", "max(m, later_m)"),
            ("s", "select(d > 0, s[k] * t + later_s[k], s[k] + later_s[k] * t)"),
            ("z", "select(d > 0, z * t + later_z, z + later_z * t)"),
        ],
        outcomes: &["s[k] / z"],
        equivalent: "Sum[j](Exp(f - ZeroIfMinusInfinity(LogSumExp[j](f))) * weight)",
        compensated: "KahanSumSoftMaxWeight",
        complex: "r z -> z",
        doc: "The mean of `weight` under the softmax of `f`; NaN for no column; equal infinities are equally likely.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KahanSumSoftMaxWeight",
        signature: "KahanSumSoftMaxWeight(f: 1, weight: n) -> n",
        state: &[("m", "1", "-inf"), ("s", "n", "0"), ("c", "n", "0"), ("z", "1", "0"), ("b", "1", "0")],
        lets: &[
            ("d", "1", "select(f == m, 0, f - m)"),
            ("t", "1", "exp(-abs(d))"),
            ("q", "1", "select(d > 0, t, 1)"),
            ("r", "1", "select(d > 0, 1, t)"),
            ("p", "n", "s[k] * q"),
            ("y", "n", "weight[k] * r - c[k] * q"),
            ("u", "n", "p[k] + y[k]"),
            ("g", "n", "(u[k] - p[k]) - y[k]"),
            ("o", "1", "z * q"),
            ("h", "1", "r - b * q"),
            ("w", "1", "o + h"),
            ("i", "1", "(w - o) - h"),
        ],
        update: &[
            ("m", "select(f > m, f, m)"),
            ("s", "u[k]"),
            ("c", "select(abs(g[k]) < inf, g[k], 0)"),
            ("z", "w"),
            ("b", "select(abs(i) < inf, i, 0)"),
        ],
        merge_lets: &[
            ("d", "1", "select(later_m == m, 0, later_m - m)"),
            ("t", "1", "exp(-abs(d))"),
            ("q", "1", "select(d > 0, t, 1)"),
            ("r", "1", "select(d > 0, 1, t)"),
            ("p", "n", "s[k] * q"),
            ("l", "n", "later_s[k] * r"),
            ("u", "n", "p[k] + l[k]"),
            ("v", "n", "u[k] - p[k]"),
            ("g", "n", "((u[k] - v[k]) - p[k]) + (v[k] - l[k]) + (c[k] * q + later_c[k] * r)"),
            ("o", "1", "z * q"),
            ("h", "1", "later_z * r"),
            ("w", "1", "o + h"),
            ("x", "1", "w - o"),
            ("i", "1", "((w - x) - o) + (x - h) + (b * q + later_b * r)"),
        ],
        merge: &[
            ("m", "max(m, later_m)"),
            ("s", "u[k]"),
            ("c", "select(abs(g[k]) < inf, g[k], 0)"),
            ("z", "w"),
            ("b", "select(abs(i) < inf, i, 0)"),
        ],
        outcomes: &["(s[k] - c[k]) / (z - b)"],
        equivalent: "Sum[j](Exp(f - ZeroIfMinusInfinity(LogSumExp[j](f))) * weight)",
        compensated: "KahanSumSoftMaxWeight",
        doc: "`SumSoftMaxWeight` with sums by Kahan's scheme: what `numerics sum = kahan` makes of it.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Max_SumShiftExpWeight",
        aliases: &["Max_SumShiftExp"],
        signature: "Max_SumShiftExpWeight(f: 1, weight: n = 1) -> 1 + n",
        state: SHIFTED,
        lets: ABOVE,
        update: SHIFTED_UPDATE,
        pivots: &["m"],
        raised_lets: RAISED,
        raised_update: SHIFTED_RAISED,
        merge_lets: LATER_ABOVE,
        merge: SHIFTED_MERGE,
        outcomes: &["choose(k < 1, m, s[k - 1])"],
        equivalent: SHIFTED_EQUIVALENT,
        compensated: "KahanMax_SumShiftExpWeight",
        doc: "KeOps' raw pair `m`, the largest `f`, and the sums of `weight * Exp(f - m)`, whose logarithm plus `m` is `LogSumExp`.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KahanMax_SumShiftExpWeight",
        signature: "KahanMax_SumShiftExpWeight(f: 1, weight: n = 1) -> 1 + n",
        state: COMPENSATED,
        lets: COMPENSATED_LETS,
        update: COMPENSATED_UPDATE,
        merge_lets: COMPENSATED_MERGE_LETS,
        merge: COMPENSATED_MERGE,
        outcomes: &["choose(k < 1, m, s[k - 1] - c[k - 1])"],
        equivalent: SHIFTED_EQUIVALENT,
        compensated: "KahanMax_SumShiftExpWeight",
        doc: "`Max_SumShiftExpWeight` with a sum by Kahan's scheme: what `numerics sum = kahan` makes of it.",
        ..Reduction::EMPTY
    },
];
