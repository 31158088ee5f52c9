//! Numbers that the reference interpreters compute with in place of float64.

pub mod dual;
pub mod field;
pub mod pair;

use keopsc_ir::random::Random;
use keopsc_ops::scalar::Number;

/// Numbers whose arithmetic does not round.
pub trait Exact: Number + PartialEq + std::fmt::Debug {
    /// Any number.
    fn draw(random: &mut Random) -> Self;
}
