//! What the tests of laws share: instances of laws, and a calculator that knows the error of what it computes.

pub mod errors;
#[allow(dead_code, reason = "the oracles use the rest")]
pub mod instances;
