//! Smallest and largest values over the columns, and where they are.
//!
//! A value changes as the chosen column's does: the cotangent of a row reaches that column alone, found by its saved number. Where no column
//! was chosen the number is -1, and nothing passes.

use super::Reduction;

/// The smallest value so far and its column.
const SMALLEST: &[(&str, &str, &str)] = &[("m", "n", "inf"), ("a", "n", "none")];
const SMALLEST_UPDATE: &[(&str, &str)] =
    &[("m", "select(f[k] < m[k], f[k], m[k])"), ("a", "select(f[k] < m[k], column, a[k])")];
const SMALLEST_MERGE: &[(&str, &str)] =
    &[("m", "select(later_m[k] < m[k], later_m[k], m[k])"), ("a", "select(later_m[k] < m[k], later_a[k], a[k])")];

/// The largest value so far and its column.
const LARGEST: &[(&str, &str, &str)] = &[("m", "n", "-inf"), ("a", "n", "none")];
const LARGEST_UPDATE: &[(&str, &str)] =
    &[("m", "select(f[k] > m[k], f[k], m[k])"), ("a", "select(f[k] > m[k], column, a[k])")];
const LARGEST_MERGE: &[(&str, &str)] =
    &[("m", "select(later_m[k] > m[k], later_m[k], m[k])"), ("a", "select(later_m[k] > m[k], later_a[k], a[k])")];

pub(super) const ROWS: &[Reduction] = &[
    Reduction {
        name: "Min",
        aliases: &["min"],
        signature: "Min(f: n) -> n",
        state: &[("m", "n", "inf")],
        update: &[("m", "min(m[k], f[k])")],
        exact: true,
        merge: &[("m", "min(m[k], later_m[k])")],
        outcomes: &["m[k]"],
        gradient: &[("f", "Chosen[j](ArgMin[j](f), e)")],
        compensated: "Min",
        doc: "The smallest value over all columns, component by component; NaNs are passed over; inf for no column.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "ArgMin",
        aliases: &["argmin"],
        signature: "ArgMin(f: n) -> n",
        state: SMALLEST,
        update: SMALLEST_UPDATE,
        exact: true,
        merge: SMALLEST_MERGE,
        outcomes: &["a[k]"],
        compensated: "ArgMin",
        doc: "The column of the smallest value, the first of equals; -1 where no value is below inf.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Min_ArgMin",
        aliases: &["MinArgMin", "min_argmin"],
        signature: "Min_ArgMin(f: n) -> n, n",
        state: SMALLEST,
        update: SMALLEST_UPDATE,
        exact: true,
        merge: SMALLEST_MERGE,
        outcomes: &["m[k]", "a[k]"],
        gradient: &[("f", "Chosen[j](Min_ArgMin[j](f), e)")],
        compensated: "Min_ArgMin",
        doc: "The results of `Min` and `ArgMin` from one pass.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Max",
        aliases: &["max"],
        signature: "Max(f: n) -> n",
        state: &[("m", "n", "-inf")],
        update: &[("m", "max(m[k], f[k])")],
        exact: true,
        merge: &[("m", "max(m[k], later_m[k])")],
        outcomes: &["m[k]"],
        gradient: &[("f", "Chosen[j](ArgMax[j](f), e)")],
        compensated: "Max",
        doc: "The largest value over all columns, component by component; NaNs are passed over; -inf for no column.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "ArgMax",
        aliases: &["argmax"],
        signature: "ArgMax(f: n) -> n",
        state: LARGEST,
        update: LARGEST_UPDATE,
        exact: true,
        merge: LARGEST_MERGE,
        outcomes: &["a[k]"],
        compensated: "ArgMax",
        doc: "The column of the largest value, the first of equals; -1 where no value is above -inf.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "Max_ArgMax",
        aliases: &["MaxArgMax", "max_argmax"],
        signature: "Max_ArgMax(f: n) -> n, n",
        state: LARGEST,
        update: LARGEST_UPDATE,
        exact: true,
        merge: LARGEST_MERGE,
        outcomes: &["m[k]", "a[k]"],
        gradient: &[("f", "Chosen[j](Max_ArgMax[j](f), e)")],
        compensated: "Max_ArgMax",
        doc: "The results of `Max` and `ArgMax` from one pass.",
        ..Reduction::EMPTY
    },
];
