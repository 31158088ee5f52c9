//! Lists of the best columns: K nearest neighbours and the like. Values are inserted into a sorted list by comparing each
//! place with the value and with the place before it, so that neither loops nor branches are needed.
//!
//! In derivatives each place of a list passes its cotangent on to the column that stands there, as for `Min`.

use super::Reduction;

/// The `K` smallest values so far, in ascending order, and their columns: component `k` is number `k / n` of component
/// `k % n`. A value moves larger ones up by one place; equal ones stay before it.
const K_SMALLEST: &[(&str, &str, &str)] = &[("m", "K * n", "inf"), ("a", "K * n", "none")];
const K_SMALLEST_GUARD: (&str, &str) = ("n", "f[k] < m[(K - 1) * n + k]");
const K_SMALLEST_UPDATE: &[(&str, &str)] = &[
    (
        "m",
        "choose(k < n, select(f[k % n] < m[k], f[k % n], m[k]), \
         select(f[k % n] < m[k - n], m[k - n], select(f[k % n] < m[k], f[k % n], m[k])))",
    ),
    (
        "a",
        "choose(k < n, select(f[k % n] < m[k], column, a[k]), \
         select(f[k % n] < m[k - n], a[k - n], select(f[k % n] < m[k], column, a[k])))",
    ),
];

/// The columns of the later list join the earlier one, from the first on.
const K_SMALLEST_MERGE: &[(&str, &str)] = &[
    (
        "m",
        "choose(k < n, select(later_m[step * n + k % n] < m[k], later_m[step * n + k % n], m[k]), \
         select(later_m[step * n + k % n] < m[k - n], m[k - n], \
         select(later_m[step * n + k % n] < m[k], later_m[step * n + k % n], m[k])))",
    ),
    (
        "a",
        "choose(k < n, select(later_m[step * n + k % n] < m[k], later_a[step * n + k % n], a[k]), \
         select(later_m[step * n + k % n] < m[k - n], a[k - n], \
         select(later_m[step * n + k % n] < m[k], later_a[step * n + k % n], a[k])))",
    ),
];

/// The same for the `K` largest values, in descending order.
const K_LARGEST: &[(&str, &str, &str)] = &[("m", "K * n", "-inf"), ("a", "K * n", "none")];
const K_LARGEST_GUARD: (&str, &str) = ("n", "f[k] > m[(K - 1) * n + k]");
const K_LARGEST_UPDATE: &[(&str, &str)] = &[
    (
        "m",
        "choose(k < n, select(f[k % n] > m[k], f[k % n], m[k]), \
         select(f[k % n] > m[k - n], m[k - n], select(f[k % n] > m[k], f[k % n], m[k])))",
    ),
    (
        "a",
        "choose(k < n, select(f[k % n] > m[k], column, a[k]), \
         select(f[k % n] > m[k - n], a[k - n], select(f[k % n] > m[k], column, a[k])))",
    ),
];
const K_LARGEST_MERGE: &[(&str, &str)] = &[
    (
        "m",
        "choose(k < n, select(later_m[step * n + k % n] > m[k], later_m[step * n + k % n], m[k]), \
         select(later_m[step * n + k % n] > m[k - n], m[k - n], \
         select(later_m[step * n + k % n] > m[k], later_m[step * n + k % n], m[k])))",
    ),
    (
        "a",
        "choose(k < n, select(later_m[step * n + k % n] > m[k], later_a[step * n + k % n], a[k]), \
         select(later_m[step * n + k % n] > m[k - n], a[k - n], \
         select(later_m[step * n + k % n] > m[k], later_a[step * n + k % n], a[k])))",
    ),
];

pub(super) const ROWS: &[Reduction] = &[
    Reduction {
        name: "KMin",
        aliases: &["Kmin"],
        signature: "KMin(f: n, K: int(1, 1024)) -> [K, n]",
        state: K_SMALLEST,
        update: K_SMALLEST_UPDATE,
        guard: K_SMALLEST_GUARD,
        exact: true,
        merge_steps: "K",
        merge: K_SMALLEST_MERGE,
        outcomes: &["m[k]"],
        gradient: &[("f", "VecMatMult(SumT(1, K), Chosen[j](ArgKMin[j, K=K](f), e))")],
        compensated: "KMin",
        doc: "The `K` smallest values over all columns in ascending order, component by component; inf where there are fewer; NaNs are passed over.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "ArgKMin",
        aliases: &["argKmin"],
        signature: "ArgKMin(f: n, K: int(1, 1024)) -> [K, n]",
        state: K_SMALLEST,
        update: K_SMALLEST_UPDATE,
        guard: K_SMALLEST_GUARD,
        exact: true,
        merge_steps: "K",
        merge: K_SMALLEST_MERGE,
        outcomes: &["a[k]"],
        compensated: "ArgKMin",
        doc: "The columns of the `K` smallest values, the first of equals first; -1 where there are fewer.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KMin_ArgKMin",
        aliases: &["KMinArgKMin", "Kmin_argKmin"],
        signature: "KMin_ArgKMin(f: n, K: int(1, 1024)) -> [K, n], [K, n]",
        state: K_SMALLEST,
        update: K_SMALLEST_UPDATE,
        guard: K_SMALLEST_GUARD,
        exact: true,
        merge_steps: "K",
        merge: K_SMALLEST_MERGE,
        outcomes: &["m[k]", "a[k]"],
        gradient: &[("f", "VecMatMult(SumT(1, K), Chosen[j](KMin_ArgKMin[j, K=K](f), e))")],
        compensated: "KMin_ArgKMin",
        doc: "The results of `KMin` and `ArgKMin` from one pass.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KMax",
        aliases: &["Kmax"],
        signature: "KMax(f: n, K: int(1, 1024)) -> [K, n]",
        state: K_LARGEST,
        update: K_LARGEST_UPDATE,
        guard: K_LARGEST_GUARD,
        exact: true,
        merge_steps: "K",
        merge: K_LARGEST_MERGE,
        outcomes: &["m[k]"],
        gradient: &[("f", "VecMatMult(SumT(1, K), Chosen[j](ArgKMax[j, K=K](f), e))")],
        compensated: "KMax",
        doc: "The `K` largest values over all columns in descending order, component by component; -inf where there are fewer; NaNs are passed over.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "ArgKMax",
        aliases: &["argKmax"],
        signature: "ArgKMax(f: n, K: int(1, 1024)) -> [K, n]",
        state: K_LARGEST,
        update: K_LARGEST_UPDATE,
        guard: K_LARGEST_GUARD,
        exact: true,
        merge_steps: "K",
        merge: K_LARGEST_MERGE,
        outcomes: &["a[k]"],
        compensated: "ArgKMax",
        doc: "The columns of the `K` largest values, the first of equals first; -1 where there are fewer.",
        ..Reduction::EMPTY
    },
    Reduction {
        name: "KMax_ArgKMax",
        aliases: &["KMaxArgKMax", "Kmax_argKmax"],
        signature: "KMax_ArgKMax(f: n, K: int(1, 1024)) -> [K, n], [K, n]",
        state: K_LARGEST,
        update: K_LARGEST_UPDATE,
        guard: K_LARGEST_GUARD,
        exact: true,
        merge_steps: "K",
        merge: K_LARGEST_MERGE,
        outcomes: &["m[k]", "a[k]"],
        gradient: &[("f", "VecMatMult(SumT(1, K), Chosen[j](KMax_ArgKMax[j, K=K](f), e))")],
        compensated: "KMax_ArgKMax",
        doc: "The results of `KMax` and `ArgKMax` from one pass.",
        ..Reduction::EMPTY
    },
];
