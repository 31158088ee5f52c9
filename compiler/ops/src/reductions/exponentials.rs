//! Sums of exponentials relative to the largest exponent so far. `d` is how far a value lies above it, with equal
//! infinities at distance 0; `t` is the only exponential that a pair costs.

use super::Reduction;

type Lets = &'static [(&'static str, &'static str, &'static str)];

/// The value is compared with the largest one so far.
const ABOVE: Lets = &[("d", "1", "select(f == m, 0, f - m)"), ("t", "1", "exp(-abs(d))")];

/// The later state's largest value is compared with the earlier one's.
const LATER_ABOVE: Lets = &[("d", "1", "select(later_m == m, 0, later_m - m)"), ("t", "1", "exp(-abs(d))")];

/// The exponentials relative to the largest value, weighted and summed.
const SHIFTED: &[(&str, &str, &str)] = &[("m", "1", "-inf"), ("s", "n", "0")];
const SHIFTED_UPDATE: &[(&str, &str)] =
    &[("m", "max(m, f)"), ("s", "select(d > 0, s[k] * t + weight[k], s[k] + weight[k] * t)")];
const SHIFTED_MERGE: &[(&str, &str)] =
    &[("m", "max(m, later_m)"), ("s", "select(d > 0, s[k] * t + later_s[k], s[k] + later_s[k] * t)")];

pub(super) const ROWS: &[Reduction] = &[
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
            ("f", "Scalprod(e * weight, Exp(f - ZeroIfMinusInfinity(out)))"),
            ("weight", "e * Exp(f - ZeroIfMinusInfinity(out))"),
        ],
        doc: "The logarithm of the sum of `weight * Exp(f)`, without overflow; -inf for no column, where all `f` are -inf and for \
              weights with sum 0, NaN for a sum below 0.",
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
            ("s", "select(d > 0, s[k] * t + weight[k], s[k] + weight[k] * t)"),
            ("z", "select(d > 0, z * t + 1, z + t)"),
        ],
        merge_lets: LATER_ABOVE,
        merge: &[
            ("m", "max(m, later_m)"),
            ("s", "select(d > 0, s[k] * t + later_s[k], s[k] + later_s[k] * t)"),
            ("z", "select(d > 0, z * t + later_z, z + later_z * t)"),
        ],
        outcomes: &["s[k] / z"],
        equivalent: "Sum[j](Exp(f - ZeroIfMinusInfinity(LogSumExp[j](f))) * weight)",
        complex: "r z -> z",
        doc: "The mean of `weight` under the softmax of `f`; NaN for no column; equal infinities are equally likely.",
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
        equivalent: "Concat(Max[j](f), Sum[j](weight * Exp(f - ZeroIfMinusInfinity(Max[j](f)))))",
        doc: "KeOps' raw pair `m`, the largest `f`, and the sums of `weight * Exp(f - m)`, whose logarithm plus `m` is `LogSumExp`.",
        ..Reduction::EMPTY
    },
];
