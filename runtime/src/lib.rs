//! The run-time side of a compiled library: its C ABI, the support code that is linked into it, and a loader.

pub mod abi;
