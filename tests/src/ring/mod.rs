//! Ring mode: compiled plans against a plain double loop, bit for bit.
//!
//! Kernels compute with integers modulo 2^32 and 2^64 in place of real numbers ([`keopsc_ops::ring`]), so that no order of operations
//! rounds: whatever the tile, the chunk, the number of threads, the layout, the batch and the ranges, one result is right.
//!
//! [`plans`] draws what is compiled, [`trial`] how it is called, in shards and on a GPU too; [`reference`] is the double loop, [`sizes`] says
//! how long that takes.

pub mod on_gpu;
pub mod plans;
pub mod reference;
mod shards;
pub mod sizes;
pub mod trial;
