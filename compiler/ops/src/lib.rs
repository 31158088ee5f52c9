//! The three tables that everything else follows from.
//!
//! * [`intrinsics`]: the scalar functions a machine computes (`exp`, `fma`, `select` …).
//! * [`catalogue`]: the operations a formula is made of (`SqDist`, `MatVecMult` …), each one row of text.
//! * [`reductions`]: how a row of pairs becomes one result (`Sum`, `LogSumExp` …), again rows of text.
//!
//! Rows are written in the formula language itself; [`scalar`] is what that text becomes once dimensions are known. [`ring`] is what the
//! scalar functions stand for where tests compute in integers.

#![forbid(unsafe_code)]

pub mod catalogue;
mod integers;
pub mod intrinsics;
mod recipe;
pub mod reductions;
pub mod ring;
pub mod scalar;
mod shape_error;
pub mod signature;

pub use integers::{Integers, evaluate_integer};
pub use shape_error::ShapeError;

/// A row of the catalogue, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub u16);

/// A row of the reductions table, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReductionId(pub u16);
