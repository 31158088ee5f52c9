//! The reductions: how values over all columns become one result a row.
//!
//! A row of the table is text; [`Rule`] is what it becomes once dimensions are known. Both back ends and the interpreter run rules.
//!
//! ```text
//! Reduction {
//!     name: "LogSumExp",
//!     signature: "LogSumExp(f: 1, weight: n = 1) -> n",
//!     state: &[("m", "1", "-inf"), ("s", "n", "0")],
//!     lets: &[("d", "1", "select(f == m, 0, f - m)"), ("t", "1", "exp(-abs(d))")],
//!     update: &[("m", "max(m, f)"), ("s", "select(d > 0, s[k]*t + weight[k], s[k] + weight[k]*t)")],
//!     outcomes: &["m + log(s[k])"],
//!     …
//! }
//! ```
//!
//! * *state*: slots with dimension and neutral value; `none` (-1) makes a slot of row numbers.
//! * *update* folds a column in: it sees the arguments, the slots, the `lets` and `column`, the column's number.
//! * *guard* holds, in some component, of every column that changes the state: others need not be looked at further.
//! * *pivots* are slots such as `m` that many columns may be folded into at once. A state is then raised to them by a merge with one that has
//!   them and nothing else, and `raised_update` folds the columns into the other slots, without looking for a new pivot.
//! * *merge* joins the states of two stretches of columns: `m` is that of the earlier one, `later_m` that of the later one. It may have *steps*, which
//!   follow each other; `step` is the number of one.
//! * *outcomes* are a row's results, over the slots.
//! * *gradient* is formula text, in which `[j]` stands for the reduced index: other reductions over it may be used, and `Chosen[j](a, v)`, which is
//!   `v` in the column whose number is `a` and 0 in all others.
//!
//! Rows keep ties at the smallest column.

mod exponentials;
mod extremes;
mod interpret;
mod lists;
mod parsed;
mod rule;
mod sums;

pub use interpret::RowState;
pub use rule::{Let, Operand, Outcome, Raising, Rule, STEP, Slot, list_of};

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use keopsc_grammar::syntax::Expr;

use crate::ReductionId;
use crate::integers::Integers;
use crate::intrinsics::Kind;
use crate::shape_error::ShapeError;
use crate::signature::Signature;
use parsed::{ParsedReduction, parse_row};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Reduction {
    /// Genred's name of the `reduction_op`.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// `Name(argument: dimension, …, parameter: int) -> dimension, …`, one result an outcome.
    pub signature: &'static str,
    /// The slots: name, dimension, neutral value.
    pub state: &'static [(&'static str, &'static str, &'static str)],
    /// Values that `update` uses: name, dimension, text.
    pub lets: &'static [(&'static str, &'static str, &'static str)],
    /// The new value of each slot that changes.
    pub update: &'static [(&'static str, &'static str)],
    /// What holds, in some component, of a column that changes the state: dimension and text; empty where every column may.
    pub guard: (&'static str, &'static str),
    /// Slots whose update reads nothing else of the state, and which may take several columns in before the others do.
    pub pivots: &'static [&'static str],
    /// Whether pivots that are less than the largest value give the same results, as long as no slot becomes so large that rounding shows: each
    /// state is then relative to its pivot, whatever that is.
    pub lagging: bool,
    /// Values that `raised_update` uses.
    pub raised_lets: &'static [(&'static str, &'static str, &'static str)],
    /// The update of the other slots by a column that the pivots have taken in already.
    pub raised_update: &'static [(&'static str, &'static str)],
    /// How often `merge` is done, one after the other; `step` counts.
    pub merge_steps: &'static str,
    /// Values that `merge` uses.
    pub merge_lets: &'static [(&'static str, &'static str, &'static str)],
    /// The value of each slot of two joined states; a slot that is left out keeps the earlier state's.
    pub merge: &'static [(&'static str, &'static str)],
    /// The results.
    pub outcomes: &'static [&'static str],
    /// `(argument, formula)`: the cotangent of each argument at a pair, of the arguments, `out` and `e`. A row of real numbers has this or
    /// an `equivalent`.
    pub gradient: &'static [(&'static str, &'static str)],
    /// The same in reductions that have gradients (`[j]` stands for the reduced index, whichever it is); empty if there are none.
    pub equivalent: &'static str,
    /// The reduction that computes the same and makes up for rounding in its sums: itself if it has no sums that round.
    pub compensated: &'static str,
    /// Whether multiples of its one argument give multiples of its result, and no columns give 0.
    pub linear: bool,
    /// Whether the order of columns makes no difference to a bit of the result, as long as of equals the first is kept.
    pub exact: bool,
    /// Which of its arguments may be complex numbers, and whether the result then is: `z -> z`, with `r` for real ones; empty if it takes none.
    pub complex: &'static str,
    /// One sentence for the reference page.
    pub doc: &'static str,
}

impl Reduction {
    /// What a row leaves out.
    const EMPTY: Reduction = Reduction {
        name: "",
        aliases: &[],
        signature: "",
        state: &[],
        lets: &[],
        update: &[],
        guard: ("", ""),
        pivots: &[],
        lagging: false,
        raised_lets: &[],
        raised_update: &[],
        merge_steps: "1",
        merge_lets: &[],
        merge: &[],
        outcomes: &[],
        gradient: &[],
        equivalent: "",
        compensated: "",
        linear: false,
        exact: false,
        complex: "",
        doc: "",
    };
}

/// A form that is written as reductions are, and is none: it takes row numbers.
#[derive(Clone, Copy, Debug)]
pub struct Scatter {
    /// Its name.
    pub name: &'static str,
    /// Its arguments and its result.
    pub form: &'static str,
    /// What it is, for the reference page.
    pub doc: &'static str,
}

/// Sums of rows by the row numbers that a reduction found.
pub const SCATTER: Scatter = Scatter {
    name: "ScatterSum",
    form: "ScatterSum[i](v: n, a: row numbers of j) -> n",
    doc: "For each j the sum of `v` over those i among whose row numbers `a` it is.",
};

/// All reductions, in the order of the reference page.
pub fn reductions() -> impl Iterator<Item = (ReductionId, &'static Reduction)> {
    ROWS.iter().enumerate().map(|(number, row)| (ReductionId(number as u16), *row))
}

/// The families in the order of the reference page: a heading, and the rows under it.
pub fn families() -> impl Iterator<Item = (&'static str, Vec<(ReductionId, &'static Reduction)>)> {
    let mut rows = reductions();
    FAMILIES.iter().map(move |(heading, family)| (*heading, rows.by_ref().take(family.len()).collect()))
}

/// The row of a reduction. Panics if the number is not one that this table gave out.
pub fn reduction(id: ReductionId) -> &'static Reduction {
    ROWS[usize::from(id.0)]
}

/// The reduction of that name, or else with that alias.
pub fn find_reduction(name: &str) -> Option<ReductionId> {
    NAMES.get(name).copied()
}

/// Whether something of that name is written with the index in a bracket.
pub fn takes_index(name: &str) -> bool {
    find_reduction(name).is_some() || name == SCATTER.name
}

/// The form of a reduction's arguments and outcomes.
pub fn signature(id: ReductionId) -> &'static Signature {
    &parsed(id).signature
}

/// The kind and the extents of a row of each outcome, for formula arguments of these dimensions.
pub fn infer(id: ReductionId, dims: &[u32], parameters: &[i64]) -> Result<Vec<(Kind, Vec<u32>)>, ShapeError> {
    let signature = signature(id);
    let shapes = signature.shapes(&signature.bind(dims, parameters)?)?;
    let rule = instantiate(id, dims, parameters)?;
    Ok(rule.outcomes.iter().map(|outcome| outcome.kind).zip(shapes).collect())
}

/// The values of the dimension letters and parameters that gradients may use as integers.
pub fn integers(id: ReductionId, dims: &[u32], parameters: &[i64]) -> Result<Integers, ShapeError> {
    signature(id).bind(dims, parameters)
}

/// The rule for formula arguments of these dimensions. Left-out arguments count as scalars.
pub fn instantiate(id: ReductionId, dims: &[u32], parameters: &[i64]) -> Result<Rule, ShapeError> {
    let parsed = parsed(id);
    let integers = parsed.signature.bind(dims, parameters)?;
    let shapes = parsed.signature.shapes(&integers)?;
    let rule = parsed.instantiate(dims, &integers, &shapes);
    // Rows are the compiler's own text and all instantiated by the tests, so that a defect cannot come to light here.
    Ok(rule.unwrap_or_else(|defect| panic!("the row `{}`: {defect}", reduction(id).name)))
}

/// The cotangent of each argument at a pair, by position; empty for a reduction of row numbers, or with an [`equivalent`].
///
/// Free names: the arguments, `out`, `e`, and dimension letters and parameters as integers.
pub fn gradient(id: ReductionId) -> &'static [(usize, Expr)] {
    &parsed(id).gradient
}

/// The same value in reductions that have gradients, in which `[j]` stands for the reduced index: what derivatives of a
/// reduction without own [`gradient`] are taken of.
pub fn equivalent(id: ReductionId) -> Option<&'static Expr> {
    parsed(id).equivalent.as_ref()
}

/// The reduction that computes the same and makes up for rounding in its sums: itself if it has no sums that round.
pub fn compensated(id: ReductionId) -> ReductionId {
    let row = reduction(id);
    // Rows are the compiler's own text and all looked at by the tests, so that a defect cannot come to light here.
    find_reduction(row.compensated).unwrap_or_else(|| panic!("the row `{}` names no compensated form", row.name))
}

/// Whether a reduction has sums that round and are not made up for.
pub fn rounds(id: ReductionId) -> bool {
    compensated(id) != id
}

/// Whether a reduction makes up for rounding in its sums.
pub fn is_compensated(id: ReductionId) -> bool {
    reductions().any(|(other, _)| other != id && compensated(other) == id)
}

/// The rows, family by family under the headings of the reference page.
const FAMILIES: &[(&str, &[Reduction])] = &[
    ("Sums, means, products, counts", sums::ROWS),
    ("Sums of exponentials", exponentials::ROWS),
    ("Smallest and largest values", extremes::ROWS),
    ("Lists of smallest and largest values", lists::ROWS),
];

static ROWS: LazyLock<Vec<&'static Reduction>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|(_, rows)| *rows).collect());

static NAMES: LazyLock<HashMap<&'static str, ReductionId>> = LazyLock::new(|| {
    let aliases = reductions().flat_map(|(id, row)| row.aliases.iter().map(move |alias| (*alias, id)));
    aliases.chain(reductions().map(|(id, row)| (row.name, id))).collect()
});

static PARSED: LazyLock<Vec<OnceLock<ParsedReduction>>> =
    LazyLock::new(|| ROWS.iter().map(|_| OnceLock::new()).collect());

fn parsed(id: ReductionId) -> &'static ParsedReduction {
    let row = reduction(id);
    PARSED[usize::from(id.0)]
        .get_or_init(|| parse_row(row).unwrap_or_else(|defect| panic!("the row `{}`: {defect}", row.name)))
}
