//! Sums, products, counts.

use super::Reduction;

type Lets = &'static [(&'static str, &'static str, &'static str)];

/// `s - c` is the sum: `c` is what rounding has put into `s` too much. `y` is the next summand less that, `d` how much more than `y` has
/// arrived in `s` (nothing sensible once the sum is infinite, and then left out).
const COMPENSATED_LETS: Lets =
    &[("y", "n", "f[k] - c[k]"), ("t", "n", "s[k] + y[k]"), ("d", "n", "(t[k] - s[k]) - y[k]")];

/// `s + later_s` is exactly `t - d` (Knuth's two-sum).
const COMPENSATED_MERGE_LETS: Lets = &[
    ("t", "n", "s[k] + later_s[k]"),
    ("z", "n", "t[k] - s[k]"),
    ("d", "n", "((t[k] - z[k]) - s[k]) + (z[k] - later_s[k]) + (c[k] + later_c[k])"),
];
const COMPENSATED: (&str, &str) = ("c", "select(abs(d[k]) < inf, d[k], 0)");

/// The derivative of a product: the product of all other factors. That is the product of the factors that are not 0, without this one, times
/// what the others that are 0 make of it: 1 if there are none, the one if there is one (0, but it has a derivative), else 0.
const OTHERS: &str = "e * Prod[j](IfElse(Equal(f, 0) - 0.5, 1, f)) / IfElse(Equal(f, 0) - 0.5, 1, f) \
    * IfElse(0.5 - (Sum[j](Equal(f, 0)) - Equal(f, 0)), 1, \
      IfElse(1.5 - (Sum[j](Equal(f, 0)) - Equal(f, 0)), \
        Sum[j](IfElse(Equal(f, 0) - 0.5, f, 0)) - IfElse(Equal(f, 0) - 0.5, f, 0), 0))";

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
        compensated: "KahanSum",
        linear: true,
        complex: "z -> z",
        doc: "The sum over all columns; 0 for none.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KahanSum",
        signature: "KahanSum(f: n) -> n",
        state: &[("s", "n", "0"), ("c", "n", "0")],
        lets: COMPENSATED_LETS,
        update: &[("s", "t[k]"), COMPENSATED],
        merge_lets: COMPENSATED_MERGE_LETS,
        merge: &[("s", "t[k]"), COMPENSATED],
        outcomes: &["s[k] - c[k]"],
        gradient: &[("f", "e")],
        compensated: "KahanSum",
        linear: true,
        complex: "z -> z",
        doc: "The sum over all columns by Kahan's scheme, which makes up for rounding: what `numerics sum = kahan` makes of `Sum`.",
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
        compensated: "KahanMean",
        complex: "z -> z",
        doc: "The mean over all columns; NaN for none.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KahanMean",
        signature: "KahanMean(f: n) -> n",
        state: &[("s", "n", "0"), ("c", "n", "0"), ("count", "1", "0")],
        lets: COMPENSATED_LETS,
        update: &[("s", "t[k]"), COMPENSATED, ("count", "count + 1")],
        merge_lets: COMPENSATED_MERGE_LETS,
        merge: &[("s", "t[k]"), COMPENSATED, ("count", "count + later_count")],
        outcomes: &["(s[k] - c[k]) / count"],
        equivalent: "KahanSum[j](f) / Sum[j](1)",
        compensated: "KahanMean",
        complex: "z -> z",
        doc: "The mean over all columns by Kahan's scheme: what `numerics sum = kahan` makes of `Mean`.",
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
        gradient: &[("f", OTHERS)],
        compensated: "Prod",
        doc: "The product over all columns; 1 for none. First and second derivatives are right whatever the number of factors that are 0, \
              higher ones where no more than one is.",
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
        compensated: "Count",
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
        compensated: "Any",
        exact: true,
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
        compensated: "All",
        exact: true,
        doc: "0 if any column has the value 0, else 1.",
        ..Reduction::EMPTY
    },
];
