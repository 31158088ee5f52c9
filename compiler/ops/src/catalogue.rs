//! The catalogue: every operation a formula may use, one row of text each.
//!
//! A row says all there is to know about an operation; name resolution, dimension errors, the interpreter, both back ends,
//! derivatives of any order, the reference page, the tests and the fuzzer follow from it.
//!
//! ```text
//! Operation {
//!     name: "SqDist", aliases: &["sqdist"],
//!     signature: "SqDist(f: n|1, g: n|1) -> 1",
//!     value: Value::Recipe("sum(q < n, (f[q] - g[q]) * (f[q] - g[q]))"),
//!     gradient: &[("f", "2 * e * (f - g)"), ("g", "2 * e * (g - f)")],
//!     …
//! }
//! ```
//!
//! * *signature*: formula arguments with dimension patterns (`n` any, `n|1` also a scalar that broadcasts, a number, or an
//!   expression of earlier letters such as `n*n`), `int` parameters, and the result's dimension.
//! * *value*: component `k` of the result as a scalar expression over [`Intrinsic`](crate::intrinsics::Intrinsic)s, or an expansion into other operations.
//! * *gradient*: for each argument the cotangent that flows to it, as a formula of the arguments, the value `out` and the
//!   cotangent `e` (of the result's dimension). A broadcast scalar argument gets the component sum of its text's value automatically.

/// A row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// KeOps' name, or CamelCase where KeOps has none.
    pub name: &'static str,
    /// Other spellings: LazyTensor's methods, older names.
    pub aliases: &'static [&'static str],
    /// `Name(argument: dimension, …, parameter: int) -> dimension`.
    pub signature: &'static str,
    /// What it computes.
    pub value: Value,
    /// `(argument, formula)` for each argument with a derivative that is not identically zero.
    pub gradient: &'static [(&'static str, &'static str)],
    /// Laws of simplification, `left -> right`, see `passes::simplify`.
    pub laws: &'static [Law],
    /// For each formula argument the interval from which tests draw, inside which the operation is smooth.
    pub domain: &'static [(f64, f64)],
    /// One sentence for the reference page, edge values included.
    pub doc: &'static str,
}

/// What an operation computes.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Component `k` of the result.
    Recipe(&'static str),
    /// A formula in other operations, chosen by a condition on dimensions and parameters; the first that holds counts, `""` always holds.
    Expansion(&'static [(&'static str, &'static str)]),
}

/// A law: formulas of the shape `left` may be replaced by `right`. Lower-case names match any formula, `c` and `d` constants only.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    /// The pattern.
    pub left: &'static str,
    /// What replaces it.
    pub right: &'static str,
}
