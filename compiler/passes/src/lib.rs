//! The passes, in order: each is one public function in a file or folder of its name, [`pipeline`] runs them.
//!
//! ```text
//! text ─load─▶ syntax trees ─resolve─▶ formula graph ─differentiate─▶ ─simplify─▶ ─hoist─▶ formula graph ─plan─▶ kernel plan
//!             ─schedule─▶ scheduled plan
//! ```
//!
//! Invariant: nothing here but [`load`] reads a file, nothing knows a machine but [`schedule`], and nothing an operation by name but what the tables say or what the language
//! itself writes as an operator.

#![forbid(unsafe_code)]

mod complex;
pub mod differentiate;
mod early;
mod forms;
pub mod hoist;
mod laplacian;
pub mod load;
pub mod pipeline;
pub mod plan;
pub mod resolve;
mod rewrite;
pub mod schedule;
pub mod simplify;
mod template;
mod values;
#[cfg(test)]
mod written;
