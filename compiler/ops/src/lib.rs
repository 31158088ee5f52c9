//! The three tables that everything else follows from.
//!
//! * [`intrinsics`]: the scalar functions a machine computes (`exp`, `fma`, `select` …).
//! * [`catalogue`]: the operations a formula is made of (`SqDist`, `MatVecMult` …), each one row of text.
//! * [`reductions`]: how a row of pairs becomes one result (`Sum`, `LogSumExp` …), again rows of text.
//!
//! Rows are written in the formula language itself; [`scalar`] is what that text becomes once dimensions are known.

pub mod intrinsics;
pub mod scalar;
