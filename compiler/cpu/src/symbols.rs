//! Names of symbols.

use keopsc_ir::plan::Plan;
use keopsc_ir::types::ScalarType;

use crate::level::Level;
use crate::vector::Float;

/// An exported function: `gauss_conv`.
pub fn exported(library: &str, name: &str) -> String {
    format!("{library}_{name}")
}

/// What the names of an entry's functions for shards end in: `gauss_conv_partial`. No output may have a name with such an end.
pub const SHARD_ENDS: [&str; 5] = ["_partial", "_merge", "_finalize", "_state_size", "_shard"];

/// A hidden function of an entry, for the public table.
pub fn method(plan: &Plan, name: &str) -> String {
    format!("keops_entry_{}_{name}", plan.name)
}

/// The table of an entry's code for GPUs, which another object defines.
pub fn device_entry(plan: &Plan) -> String {
    format!("keops_device_entry_{}", plan.name)
}

/// The same for calls with block-sparse ranges, where those run another plan.
pub fn device_entry_for_ranges(plan: &Plan) -> String {
    format!("keops_device_ranges_{}", plan.name)
}

/// What makes column tiles of numbers of a computing type.
pub fn transpose(level: &Level, compute: ScalarType) -> String {
    format!("keops_transpose_{}_f{}", level.name.replace('-', "_"), Float::of(compute).bits())
}

/// What the kernels of a pass begin with.
pub fn kernel_prefix(plan: &Plan, pass: usize, level: &Level) -> String {
    format!("keops_kernel_{}_{pass}_{}_", plan.name, level.name.replace('-', "_"))
}
