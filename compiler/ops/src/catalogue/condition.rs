//! The conditions of laws, as data: `nonnegative(a)`, `rounded(a)`, `moderate(c)`, `exact(c + d)`, `n > 2`.
//!
//! Whether one holds for certain formulas is for `passes::simplify` to say, from the rows: [`Sign`](super::Sign) and the recipes.

use std::fmt;

use keopsc_grammar::syntax::{BinaryOperator, Expr, ExprKind};

/// What has to hold of the formulas, constants and parameters that the names of a law stand for.
#[derive(Debug)]
pub enum Condition {
    /// `nonnegative(a)`: no component is below zero, whatever the inputs are.
    Nonnegative(String),
    /// `positive(a)`: nor is any zero.
    Positive(String),
    /// `rounded(a)`: it comes out of an operation that rounds, so that it has an error already; no input or constant.
    Rounded(String),
    /// `moderate(c)`: a constant so far from overflow and underflow that it may be multiplied by or divided by another such one.
    Moderate(String),
    /// `exact(c + d)`: the constants and what is computed from them are numbers of float32.
    Exact(Expr),
    /// `n == dim(a)` where `n` stands for nothing yet: from here on it stands for that integer.
    Define(String, Expr),
    /// A comparison of numbers: constants, parameters, and dimensions as `dim(a)`.
    Compare(Expr),
}

impl Condition {
    /// The condition that a text is; `known` says whether a name stands in the law's left side or was defined before.
    pub(super) fn new(text: Expr, known: impl Fn(&str) -> bool) -> Result<Condition, String> {
        match &text.kind {
            ExprKind::Call { function, arguments, .. } => match (function.text.as_str(), arguments.as_slice()) {
                ("exact", [computed]) => Ok(Condition::Exact(computed.clone())),
                (property, [Expr { kind: ExprKind::Name(name), .. }]) => property_of(property, name.clone()),
                (other, _) => Err(format!("there is no condition `{other}`")),
            },
            ExprKind::Binary(BinaryOperator::Equal, left, right) => match &left.kind {
                ExprKind::Name(name) if !known(name) => Ok(Condition::Define(name.clone(), (**right).clone())),
                _ => Ok(Condition::Compare(text)),
            },
            ExprKind::Binary(..) => Ok(Condition::Compare(text)),
            _ => Err("a condition is a property or a comparison".to_owned()),
        }
    }
}

fn property_of(property: &str, name: String) -> Result<Condition, String> {
    match property {
        "nonnegative" => Ok(Condition::Nonnegative(name)),
        "positive" => Ok(Condition::Positive(name)),
        "rounded" => Ok(Condition::Rounded(name)),
        "moderate" => Ok(Condition::Moderate(name)),
        other => Err(format!("there is no condition `{other}`")),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = keopsc_grammar::print_expression;
        match self {
            Condition::Nonnegative(name) => write!(f, "nonnegative({name})"),
            Condition::Positive(name) => write!(f, "positive({name})"),
            Condition::Rounded(name) => write!(f, "rounded({name})"),
            Condition::Moderate(name) => write!(f, "moderate({name})"),
            Condition::Exact(computed) => write!(f, "exact({})", text(computed)),
            Condition::Define(name, value) => write!(f, "{name} == {}", text(value)),
            Condition::Compare(comparison) => f.write_str(&text(comparison)),
        }
    }
}
