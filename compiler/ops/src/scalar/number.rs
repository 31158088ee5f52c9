//! What the interpreters compute with.

use crate::intrinsics::Intrinsic;

/// A number of an interpreter: float64, and in tests whatever obeys the laws that a test is about, such as the elements of a finite field,
/// in which equal formulas are equal bit for bit, or numbers that carry their derivatives along.
///
/// Truth values and row numbers are numbers, too.
pub trait Number: Clone {
    /// A real constant, a row number, or a truth value (1 or 0).
    fn real(value: f64) -> Self;

    /// A scalar function of as many arguments as it takes.
    fn call(intrinsic: Intrinsic, arguments: &[Self]) -> Self;
}

impl Number for f64 {
    fn real(value: f64) -> f64 {
        value
    }

    fn call(intrinsic: Intrinsic, arguments: &[f64]) -> f64 {
        intrinsic.evaluate(arguments)
    }
}
