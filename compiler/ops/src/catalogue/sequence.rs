//! Operations on vectors as sequences, by recursion: each expands into smaller ones of its kind.

use super::{Operation, Value, Written};

const RISING: (f64, f64) = (0.1, 0.9);
const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.5, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "BSpline",
        aliases: &["bspline"],
        signature: "BSpline(knots: n, f: 1, order: int(0, n - 2)) -> n - order - 1",
        // The recursion of Cox and de Boor, on all splines of an order at once.
        value: Value::Expansion(&[
            ("order == 0", "InInterval(knots, f)"),
            (
                "",
                "Extract(SplineRise(knots, f, order) * BSpline(knots, f, order - 1), 0, n - order - 1) \
                 + Extract((1 - SplineRise(knots, f, order)) * BSpline(knots, f, order - 1), 1, n - order - 1)",
            ),
        ]),
        domain: &[RISING, RISING],
        doc: "The B-splines of the order over the knots, which ascend, at `f`; pieces are half-open, so that all are 0 at the last knot.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SplineRise",
        signature: "SplineRise(knots: n, f: 1, order: int(1, n - 1)) -> n - order",
        value: Value::Expansion(&[(
            "",
            "DivideOrZero(f - Extract(knots, 0, n - order), \
             Extract(knots, order, n - order) - Extract(knots, 0, n - order))",
        )]),
        domain: &[RISING, RISING],
        doc: "How far `f` has come from each knot to the one `order` places on, as a part of that distance; 0 where that is 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "InInterval",
        signature: "InInterval(knots: n, f: 1) -> n - 1",
        value: Value::Recipe("select(knots[k] <= f, select(f < knots[k + 1], 1, 0), 0)"),
        domain: &[RISING, RISING],
        doc: "1 where `f` lies in the half-open interval between a knot and the next, else 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SoftDTW_SqDist",
        aliases: &["softdtw_sqdist"],
        signature: "SoftDTW_SqDist(x: n, y: m, gamma: 1) -> 1",
        value: Value::Written(soft_dtw),
        domain: &[AROUND_ZERO, AROUND_ZERO, POSITIVE],
        doc: "The soft dynamic-time-warping distance of the sequences `x` and `y` of numbers, with squared differences as costs and the smoothing \
              `gamma`. Each pair of numbers is written out: both together may have 64 numbers.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SoftDTWCell",
        signature: "SoftDTWCell(x: n, y: m, gamma: 1, i: int(0, n - 1), j: int(0, m - 1)) -> 1",
        // Cuturi and Blondel (2017): the cost of the cell and the soft minimum of the three cells before it.
        value: Value::Expansion(&[
            ("(i == 0) * (j == 0)", "SqDist(Elem(x, 0), Elem(y, 0))"),
            ("i == 0", "SqDist(Elem(x, 0), Elem(y, j)) + SoftDTWCell(x, y, gamma, 0, j - 1)"),
            ("j == 0", "SqDist(Elem(x, i), Elem(y, 0)) + SoftDTWCell(x, y, gamma, i - 1, 0)"),
            (
                "",
                "SqDist(Elem(x, i), Elem(y, j)) + SoftMinimum(SoftDTWCell(x, y, gamma, i - 1, j - 1), \
                 SoftMinimum(SoftDTWCell(x, y, gamma, i - 1, j), SoftDTWCell(x, y, gamma, i, j - 1), gamma), gamma)",
            ),
        ]),
        domain: &[AROUND_ZERO, AROUND_ZERO, POSITIVE],
        doc: "The soft dynamic-time-warping distance of the first `i + 1` numbers of `x` and the first `j + 1` of `y`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "SoftMinimum",
        aliases: &["softminimum"],
        signature: "SoftMinimum(f: n|1, g: n|1, gamma: n|1) -> n",
        value: Value::Expansion(&[("", "-gamma * LogAddExp(-f / gamma, -g / gamma)")]),
        domain: &[AROUND_ZERO, AROUND_ZERO, POSITIVE],
        doc: "`-gamma * Log(Exp(-f / gamma) + Exp(-g / gamma))`, without overflow: a smooth lower bound of the smaller one.",
        ..Operation::EMPTY
    },
];

/// The last cell of the table, where the table is not too large to be written out.
fn soft_dtw(dims: &[u32], _: &[&[i64]]) -> Result<Written, String> {
    let (n, m) = (u64::from(dims[0]), u64::from(dims[1]));
    if n + m > 64 {
        return Err(format!("sequences of {n} and {m} numbers are too long: together they may have 64"));
    }
    Ok(Written { formula: format!("SoftDTWCell(x, y, gamma, {}, {})", n - 1, m - 1), dim: 1 })
}
