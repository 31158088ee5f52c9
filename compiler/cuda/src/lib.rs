//! Kernel plan → CUDA C++ text, one kernel a pass, from the same tables as the CPU's code.
//!
//! ```text
//! plan ─schedule─▶ places of values, tiles ─kernel─▶ text that nvcc and NVRTC compile as it is
//! ```
//!
//! The text includes nothing and stands for itself: each value stands under the line of the plan that defines it. This is the
//! first version of the layout for low dimensions: a thread has a row, a block goes through the columns tile by tile in shared
//! memory, and each thread merges its chunks of columns in an order that follows from their number alone ([`schedule`]).
//!
//! | file | from → to |
//! | --- | --- |
//! | [`schedule`] | plan → where each value lives |
//! | [`launch`] | plan → what a launch needs to know: kernels, arguments, block size |
//! | `kernel` | pass → kernel: prologues, tiles, pair body, epilogue |
//! | `state` | reduction rules → state structure, update and merge |
//! | `expression` | scalar expression → C expression, and loops before it |
//! | `spelling`, `storage`, `lines` | names of functions and types, numbers; loads and stores; indented text |
//!
//! Invariants: only constructs are known here (loads, loops, intrinsics, accumulators), no operation and no reduction by name. A
//! result does not depend on the grid, and the text depends on the plan alone.
//!
//! The error bounds of `expf` and its like are CUDA's: 2 units in the last place where the table of intrinsics may promise 1.
//! Kahan summation is not there yet: such sums are made in chunks like all others.
//!
//! Tests compile the text where they find nvcc: `$KEOPSC_NVCC`, else `nvcc` on the path.

#![forbid(unsafe_code)]

mod expression;
mod kernel;
pub mod launch;
pub mod library;
mod lines;
pub mod schedule;
mod spelling;
mod state;
mod storage;
mod uses;

use keopsc_ir::plan::{Plan, Verified, print::print};

use lines::Lines;

/// The text of all kernels of a plan that `verify` accepts, complete in itself.
pub fn emit(plan: &Verified) -> String {
    emit_library(std::slice::from_ref(plan))
}

/// The text of all kernels of several plans, whose names differ.
pub fn emit_library(plans: &[Verified]) -> String {
    let mut kernels = Lines::default();
    for plan in plans {
        kernels.gap();
        describe(&mut kernels, plan);
        for (number, (pass, schedule)) in plan.passes.iter().zip(&schedule::schedule(plan)).enumerate() {
            kernel::emit_pass(&mut kernels, plan, number, pass, schedule);
        }
    }
    let kernels = kernels.into_text();
    format!("// Made by keopsc {}.\n\n{NO_MISTAKES}{}{kernels}", env!("CARGO_PKG_VERSION"), storage::helpers(&kernels))
}

/// Warnings of nvcc and NVRTC about what formulas may say.
const NO_MISTAKES: &str =
    "// A division by a literal 0, and a value that only a choice not taken reads, are no mistakes here.
#pragma nv_diag_suppress 39, 177, 550
";

/// A comment: the plan's name and tensors, numbered as the kernels' arguments are.
fn describe(lines: &mut Lines, plan: &Plan) {
    lines.line(format!("// Entry {}", plan.name));
    let printed = print(plan);
    let tensors = printed.lines().filter_map(|line| line.strip_prefix("tensor "));
    tensors.enumerate().for_each(|(number, line)| lines.line(format!("// tensor{number} is {line}")));
}
