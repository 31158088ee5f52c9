//! Tests of the support code with kernels written in plain Rust.
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "mock kernels keep the contracts of `PassDescriptor`; tests call with valid memory"
)]

mod conversions;
mod cuda;
mod execution;
mod harness;
mod messages;
mod mock;
mod numbers;
mod object;
mod processor;
mod ranges;
mod shards;
mod stability;
