//! Sums, products, counts.

use super::Reduction;

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
];
