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
//!   expression of earlier letters such as `n*n`), `int` and `list` parameters, and the result's dimension.
//! * *value*: component `k` of the result as a scalar expression over [`Intrinsic`](crate::intrinsics::Intrinsic)s, or an expansion into
//!   other operations; an expansion may use the operation itself with other parameters, down to a case that does not.
//! * *gradient*: for each argument the cotangent that flows to it, as a formula of the arguments, the value `out` and the
//!   cotangent `e` (of the result's dimension). An argument that is repeated gets the sum of its text's value over the repetitions automatically,
//!   and a vector argument whose text has a scalar value that scalar in every component.
//!   Dimension letters and parameters are integers (half-integer ones count halves) in gradients, expansions and the conditions of expansions; a parameter
//!   of a call may be an expression of them, as in `Pow(f, n - 1)`.
//!
//! * *early laws*: what takes a singularity away before derivatives are formed, such as `Square(Sqrt(a))` -> `a` where `a` cannot be negative.
//!
//! The rows stand in one file per family. Adding an operation is adding a row: nothing else in the compiler knows it by
//! name, apart from the [`operators`] of the language.

mod arithmetic;
mod comparison;
mod complex;
mod condition;
mod exponential;
mod law;
mod lists;
pub mod operators;
mod parsed;
mod radial;
mod rounding;
mod sequence;
mod special;
mod tensor;
mod trigonometric;
mod vector;

pub use condition::Condition;
pub use law::{Accuracy, Law, Pays};
pub(crate) use parsed::parse_gradient;
pub use parsed::{ComplexForm, ParsedEarlyLaw, ParsedLaw};

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use keopsc_grammar::syntax::Expr;

use crate::OperationId;
use crate::integers::{Integers, evaluate_integer};
use crate::intrinsics::Kind;
use crate::recipe::{Named, Scope};
use crate::scalar::Scalar;
use crate::shape_error::ShapeError;
use crate::signature::{MAXIMUM_DIM, Signature};
use parsed::{ParsedOperation, ParsedValue, parse_early_law, parse_law, parse_row, parse_text};

/// The rows, family by family under the headings of the reference page.
const FAMILIES: &[(&str, &[Operation])] = &[
    ("Constants, sums, products, quotients, powers", arithmetic::ROWS),
    ("Exponentials, logarithms, roots", exponential::ROWS),
    ("Circular and hyperbolic functions", trigonometric::ROWS),
    ("Error, gamma and related functions", special::ROWS),
    ("Functions of a distance", radial::ROWS),
    ("Absolute values, rounding, limits", rounding::ROWS),
    ("Comparisons and choices", comparison::ROWS),
    ("Norms, distances, extremes of vectors", vector::ROWS),
    ("Components, matrices, tensors", tensor::ROWS),
    ("Products of tensors by lists of axes", lists::ROWS),
    ("Splines and sequences", sequence::ROWS),
    ("Complex numbers", complex::ROWS),
];

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
    /// `(argument, formula)` for each argument with a derivative that is not identically zero; empty for expansions, which are
    /// differentiated as the formulas that they stand for.
    pub gradient: &'static [(&'static str, &'static str)],
    /// Laws of simplification, `left -> right`, see `passes::simplify`.
    pub laws: &'static [Law],
    /// Laws that take a singularity away before derivatives are formed, see `passes::early`.
    pub early_laws: &'static [EarlyLaw],
    /// An operation that gives the same at a multiple of the argument, and is cheaper; and for arguments with a factor, what a factor `f` becomes.
    pub rescaled: Option<(&'static str, &'static str)>,
    /// Whether its two arguments may be exchanged.
    pub commutative: bool,
    /// What is known of the result's sign.
    pub sign: Sign,
    /// The arguments in each of which it is linear: multiples, sums and zeros of one are those of the result.
    pub linear_in: &'static [&'static str],
    /// What it means where inputs are complex numbers, of two components each: kinds of the arguments and of the result, `r` real and `z`
    /// complex, with a formula in other operations, or none where the operation itself is meant. Empty: it takes real numbers only.
    pub complex: &'static [(&'static str, &'static str)],
    /// For each formula argument the interval from which tests draw, inside which the operation is smooth.
    pub domain: &'static [(f64, f64)],
    /// The published error bound of compiled code in units in the last place, in float32 and float64, of an operation that maps each component
    /// of one argument; infinite where there is none next to the zeros of the function, 0 where it does not round more than an instruction.
    pub ulp: f64,
    /// One sentence for the reference page, edge values included.
    pub doc: &'static str,
}

impl Operation {
    /// What a row leaves out: no aliases, no derivative, no laws.
    const EMPTY: Operation = Operation {
        name: "",
        aliases: &[],
        signature: "",
        value: Value::Recipe(""),
        gradient: &[],
        laws: &[],
        early_laws: &[],
        rescaled: None,
        commutative: false,
        sign: Sign::Unknown,
        linear_in: &[],
        complex: &[],
        domain: &[],
        ulp: 0.0,
        doc: "",
    };
}

/// What an operation computes.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Component `k` of the result.
    Recipe(&'static str),
    /// A formula in other operations, chosen by a condition on dimensions and parameters; the first that holds counts, `""` always holds.
    Expansion(&'static [(&'static str, &'static str)]),
    /// A formula in other operations that is written by a function: it depends on lists of integers, or says why it cannot be had.
    Written(Write),
}

/// Writes the formula of a [`Value::Written`] from the dimensions of the arguments and the values of each parameter; an error says in
/// one sentence what does not fit.
pub type Write = fn(dims: &[u32], parameters: &[&[i64]]) -> Result<Written, String>;

/// A formula that has been written for given dimensions and parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its text, in which the arguments' names stand for the arguments.
    pub formula: String,
    /// The dimension of its value.
    pub dim: u32,
}

/// What is known of the sign of a result, for finite arguments; whatever it is, it may also be NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing.
    Unknown,
    /// Never below zero.
    Nonnegative,
    /// Not below zero where none of these arguments is; zero where their product is too small for a number.
    NonnegativeIf(&'static [&'static str]),
    /// The same, or where these arguments are one formula, of which it is then the square.
    OfProduct(&'static [&'static str]),
    /// Not below zero where none of these arguments is, and above zero where one of them is besides.
    AsLargest(&'static [&'static str]),
}

/// A law that is applied when a formula is built, before it is differentiated: `Square(Sqrt(a))` is `a` and smooth, but the derivative
/// of a root at 0 is taken as 0, so that afterwards it would be too late.
#[derive(Clone, Copy, Debug)]
pub struct EarlyLaw {
    /// The pattern: this operation, with names for formulas and parameters.
    pub left: &'static str,
    /// What replaces it.
    pub right: &'static str,
    /// What has to be known of the formulas.
    pub when: When,
}

/// The condition of an [`EarlyLaw`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// None.
    Always,
    /// The formula of that name is known not to be negative.
    Nonnegative(&'static str),
    /// The formula of that name has a simpler square: an early law applies to it.
    HasRoot(&'static str),
}

/// All operations, in the order of the reference page.
pub fn operations() -> impl Iterator<Item = (OperationId, &'static Operation)> {
    ROWS.iter().enumerate().map(|(number, row)| (OperationId(number as u16), *row))
}

/// The families in the order of the reference page: a heading, and the rows under it.
pub fn families() -> impl Iterator<Item = (&'static str, Vec<(OperationId, &'static Operation)>)> {
    let mut rows = operations();
    FAMILIES.iter().map(move |(heading, family)| (*heading, rows.by_ref().take(family.len()).collect()))
}

/// The row of an operation. Panics if the number is not one that this catalogue gave out.
pub fn operation(id: OperationId) -> &'static Operation {
    ROWS[usize::from(id.0)]
}

/// The operation of that name, or else with that alias.
pub fn find_operation(name: &str) -> Option<OperationId> {
    NAMES.get(name).copied()
}

/// The form of an operation's arguments and result.
pub fn signature(id: OperationId) -> &'static Signature {
    &parsed(id).signature
}

/// The dimension of the result for formula arguments of these dimensions.
pub fn infer_dim(id: OperationId, dims: &[u32], parameters: &[i64]) -> Result<u32, ShapeError> {
    if let ParsedValue::Written(write) = parsed(id).value {
        return written(id, write, dims, parameters).map(|written| written.dim);
    }
    expansion(id, dims, parameters)?;
    result_dim(id, &signature(id).bind(dims, parameters)?)
}

/// The values of the dimension letters and parameters that expansions and gradients may use as integers.
pub fn integers(id: OperationId, dims: &[u32], parameters: &[i64]) -> Result<Integers, ShapeError> {
    signature(id).bind(dims, parameters)
}

/// Component `k` of the result over the numbers of the arguments. Left-out arguments count as scalars.
///
/// Panics for a row that is an expansion; see [`expansion`].
pub fn instantiate(id: OperationId, dims: &[u32], parameters: &[i64]) -> Result<Scalar<u32>, ShapeError> {
    let ParsedValue::Recipe(recipe) = &parsed(id).value else {
        panic!("`{}` is an expansion and has no recipe", operation(id).name);
    };
    let signature = signature(id);
    let integers = signature.bind(dims, parameters)?;
    let dim = result_dim(id, &integers)?;
    let values: Vec<Named<u32>> = (0..)
        .zip(&signature.arguments)
        .map(|(number, argument)| {
            let dim = dims.get(number as usize).copied().unwrap_or(1);
            let period = if argument.pattern.is_repeated(dim) { dim } else { 0 };
            Named { name: argument.name.clone(), kind: Kind::Real, dim, period, value: number }
        })
        .collect();
    match Scope::new(&integers, &values, dim).lower(recipe) {
        Ok((scalar, _)) => Ok(scalar),
        Err(defect) => panic!("the recipe of `{}`: {defect}", operation(id).name),
    }
}

/// Component `k` of the result where the row is a recipe that takes arguments of these dimensions and no parameters.
pub fn instantiate_recipe(id: OperationId, dims: &[u32]) -> Option<Scalar<u32>> {
    match parsed(id).value {
        ParsedValue::Recipe(_) => instantiate(id, dims, &[]).ok(),
        ParsedValue::Expansion(_) | ParsedValue::Written(_) => None,
    }
}

/// The formula that an operation stands for; `None` for a row with a recipe.
///
/// Its free names are the arguments' names, and dimension letters and parameters as integers.
pub fn expansion(id: OperationId, dims: &[u32], parameters: &[i64]) -> Result<Option<Cow<'static, Expr>>, ShapeError> {
    let ParsedOperation { signature, value, .. } = parsed(id);
    let cases = match value {
        ParsedValue::Recipe(_) => return Ok(None),
        ParsedValue::Expansion(cases) => cases,
        ParsedValue::Written(write) => {
            let text = written(id, *write, dims, parameters)?.formula;
            let formula = parse_text(&text).unwrap_or_else(|defect| panic!("`{}`: {defect}", operation(id).name));
            return Ok(Some(Cow::Owned(formula)));
        }
    };
    let integers = signature.bind(dims, parameters)?;
    let holds = |condition: &Option<Expr>| match condition {
        Some(condition) => evaluate_integer(condition, &integers) == Some(1),
        None => true,
    };
    match cases.iter().find(|(condition, _)| holds(condition)) {
        Some((_, formula)) => Ok(Some(Cow::Borrowed(formula))),
        None => Err(signature.conflict(dims)),
    }
}

/// The cotangent of each argument that has one, by position.
///
/// Free names: the arguments, `out`, `e`, and dimension letters and parameters as integers.
pub fn gradient(id: OperationId) -> &'static [(usize, Expr)] {
    &parsed(id).gradient
}

/// The operation that gives the same where a factor `f` of the argument is replaced by that formula; see [`Operation::rescaled`].
pub fn rescaled(id: OperationId) -> Option<(OperationId, &'static Expr)> {
    let (other, factor) = parsed(id).rescaled.as_ref()?;
    Some((find_operation(other)?, factor))
}

/// What an operation means where inputs are complex numbers; empty if it takes real ones only.
pub fn complex_forms(id: OperationId) -> &'static [ComplexForm] {
    &parsed(id).complex
}

/// The positions of the arguments in each of which an operation is linear.
pub fn linear_positions(id: OperationId) -> impl Iterator<Item = usize> {
    positions(id, operation(id).linear_in)
}

/// The positions of the arguments of these names.
pub fn positions(id: OperationId, names: &'static [&'static str]) -> impl Iterator<Item = usize> {
    let arguments = signature(id).arguments.iter().enumerate();
    arguments.filter(|(_, argument)| names.contains(&argument.name.as_str())).map(|(position, _)| position)
}

/// All laws of simplification, row by row.
pub fn laws() -> impl Iterator<Item = &'static ParsedLaw> {
    operations().flat_map(|(id, _)| laws_of(id))
}

/// The laws of an operation's row: those whose left sides begin with it.
pub fn laws_of(id: OperationId) -> &'static [ParsedLaw] {
    LAWS[usize::from(id.0)].get_or_init(|| {
        let parse = |law: &Law| parse_law(id, law).unwrap_or_else(|defect| panic!("the law {}: {defect}", law.name()));
        operation(id).laws.iter().map(parse).collect()
    })
}

/// The early laws of an operation.
pub fn early_laws(id: OperationId) -> &'static [ParsedEarlyLaw] {
    &EARLY_LAWS[usize::from(id.0)]
}

static ROWS: LazyLock<Vec<&'static Operation>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|(_, rows)| *rows).collect());

static NAMES: LazyLock<HashMap<&'static str, OperationId>> = LazyLock::new(|| {
    let aliases = operations().flat_map(|(id, row)| row.aliases.iter().map(move |alias| (*alias, id)));
    aliases.chain(operations().map(|(id, row)| (row.name, id))).collect()
});

static PARSED: LazyLock<Vec<OnceLock<ParsedOperation>>> =
    LazyLock::new(|| ROWS.iter().map(|_| OnceLock::new()).collect());

static LAWS: LazyLock<Vec<OnceLock<Vec<ParsedLaw>>>> = LazyLock::new(|| ROWS.iter().map(|_| OnceLock::new()).collect());

static EARLY_LAWS: LazyLock<Vec<Vec<ParsedEarlyLaw>>> = LazyLock::new(|| {
    let of_row = |row: &Operation| row.early_laws.iter().map(parse_early_law).collect::<Result<_, String>>();
    operations().map(|(_, row)| of_row(row).unwrap_or_else(|defect| panic!("an early law: {defect}"))).collect()
});

/// Rows are the compiler's own text and all parsed by the tests, so that a defect cannot come to light here.
fn parsed(id: OperationId) -> &'static ParsedOperation {
    let row = operation(id);
    PARSED[usize::from(id.0)]
        .get_or_init(|| parse_row(row).unwrap_or_else(|defect| panic!("the row `{}`: {defect}", row.name)))
}

fn written(id: OperationId, write: Write, dims: &[u32], parameters: &[i64]) -> Result<Written, ShapeError> {
    let signature = signature(id);
    signature.bind(dims, parameters)?;
    let function = operation(id).name;
    let split = signature.split_parameters(parameters).unwrap_or_default();
    let written = write(dims, &split).map_err(|message| ShapeError::Unfit { function, message })?;
    match (1..=MAXIMUM_DIM).contains(&written.dim) {
        true => Ok(written),
        false => Err(ShapeError::TooLarge { function, limit: MAXIMUM_DIM }),
    }
}

fn result_dim(id: OperationId, integers: &Integers) -> Result<u32, ShapeError> {
    let shapes = signature(id).shapes(integers)?;
    Ok(shapes.iter().flatten().product())
}
