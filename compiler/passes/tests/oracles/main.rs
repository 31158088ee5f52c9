//! Oracles of the calculus and of the passes: what has to be equal, found in two ways that share as little as possible.
//!
//! Everything iterates over the tables or draws random programs over them, so a new row is covered without a change here. A new intrinsic needs its
//! derivatives in `numbers/dual.rs` and its stand-in in `numbers/field.rs`; these files do not compile without.

mod cases;
mod derivatives;
mod exactness;
#[path = "../support/instances.rs"]
#[allow(dead_code, reason = "the tests of laws use the rest")]
mod instances;
mod meaning;
mod numbers;
mod switches;
