//! Kernel plan → CUDA C++ text, from the same tables as the CPU's code.
//!
//! ```text
//! plan ─schedule─▶ places of values, rows and tiles ─kernel─▶ structure of a pass ─▶ instances of the skeleton
//! ```
//!
//! What is common to all kernels is written by hand: `skeleton/` has it, and stands at the beginning of every text. What is special about a pass is
//! a structure whose functions the skeleton calls. The text includes nothing and stands for itself; each value stands under the
//! line of the plan that defines it. nvcc and NVRTC compile it as it is.
//!
//! | file | from → to |
//! | --- | --- |
//! | [`schedule`] | plan → where each value lives |
//! | [`library`] | plans → text, and what launches need to know |
//! | `contraction` | pass → what is computed first for all pairs of a tile |
//! | `wide` | pass → sums that are a matrix product |
//! | `kernel` | pass → its structure and its kernels |
//! | `state` | reduction rules → state structure, update and merge |
//! | `expression` | scalar expression → C expression, and loops before it |
//! | `ring` | integers in place of real numbers, for tests |
//! | `spelling`, `storage`, `lines` | names of functions and types, numbers; loads and stores; indented text |
//!
//! Invariants: only constructs are known here (loads, loops, intrinsics, accumulators), no operation and no reduction by name. A
//! result does not depend on the grid, and the text depends on the plan alone.
//!
//! The error bounds of `expf` and its like are CUDA's: 2 units in the last place where the table of intrinsics may promise 1. `exp2` in float32 is the GPU's
//! own instruction, with 2 units and 0 below 2^-126; `exp` and `exp2` in float64 are the skeleton's, with 1.02 units and 0 below 2^-1022.
//!
//! Tests compile the text where they find nvcc: `$KEOPSC_NVCC`, else `nvcc` on the path.

#![forbid(unsafe_code)]

mod candidates;
mod contraction;
mod expression;
mod kernel;
pub mod library;
mod lines;
mod ring;
pub mod schedule;
mod spelling;
mod state;
mod storage;
mod uses;
mod wide;

pub use contraction::{Contraction, Form};
pub use library::{Library, library, library_in_ring, library_with};
pub use spelling::Arithmetic;
pub use wide::{Difference, WideSum, WideSums};
