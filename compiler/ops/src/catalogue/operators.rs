//! The operators of the formula language as operations of the catalogue: the only names known outside the rows.

use keopsc_grammar::syntax::{BinaryOperator, UnaryOperator};

use super::find_operation;
use crate::OperationId;

/// In which order an operation takes an operator's operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As written.
    Same,
    /// The right one first: `a > b` is `LessThan(b, a)`.
    Swapped,
}

const BINARY: &[(BinaryOperator, &str, Order)] = &[
    (BinaryOperator::Add, "Add", Order::Same),
    (BinaryOperator::Subtract, "Subtract", Order::Same),
    (BinaryOperator::Multiply, "Mult", Order::Same),
    (BinaryOperator::Divide, "Divide", Order::Same),
    (BinaryOperator::Remainder, "Mod", Order::Same),
    (BinaryOperator::Power, "Powf", Order::Same),
    (BinaryOperator::Bar, "Scalprod", Order::Same),
    (BinaryOperator::Equal, "Equal", Order::Same),
    (BinaryOperator::NotEqual, "NotEqual", Order::Same),
    (BinaryOperator::Less, "LessThan", Order::Same),
    (BinaryOperator::LessEqual, "LessOrEqual", Order::Same),
    (BinaryOperator::Greater, "LessThan", Order::Swapped),
    (BinaryOperator::GreaterEqual, "LessOrEqual", Order::Swapped),
];

/// The operation that an infix operator is. A power with an integer exponent is better served by [`integer_power`].
pub fn binary(operator: BinaryOperator) -> (OperationId, Order) {
    let row = BINARY.iter().find(|(known, ..)| *known == operator);
    let (_, name, order) = row.unwrap_or_else(|| panic!("the operator {operator:?} has no operation"));
    (named(name), *order)
}

/// The operation that a prefix operator is; `None` for one that changes nothing.
pub fn unary(operator: UnaryOperator) -> Option<OperationId> {
    match operator {
        UnaryOperator::Minus => Some(named("Minus")),
        UnaryOperator::Plus => None,
    }
}

/// The operation, with the exponent as its parameter, that `a ** 3` is.
pub fn integer_power() -> OperationId {
    named("Pow")
}

/// The operation that `a ** 2` is.
pub fn square() -> OperationId {
    named("Square")
}

fn named(name: &str) -> OperationId {
    find_operation(name).unwrap_or_else(|| panic!("the catalogue has no `{name}`"))
}
