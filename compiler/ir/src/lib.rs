//! The two representations between a formula and machine code, as plain data.
//!
//! * [`formula`]: a hash-consed graph of operations and reductions, typed by dimension, role and scalar type.
//! * [`plan`]: what is computed where: passes over the pairs, each with prologues, a pair body, accumulations and an epilogue.
//!
//! Each has print, parse, verify, evaluate (the float64 reference interpreter) and a random generator in files of those names.

#![forbid(unsafe_code)]

pub mod counts;
pub mod defect;
pub mod evaluation;
pub mod formula;
pub mod plan;
pub mod random;
pub mod text;
pub mod types;
