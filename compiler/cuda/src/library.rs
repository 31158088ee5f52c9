//! The kernels of a whole library: their text, and what a launch needs to know of each.

use keopsc_ir::plan::{TensorId, Verified};
use keopsc_ir::types::{Axis, Role, ScalarType};

/// The kernels of a library.
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    /// CUDA C++, complete in itself.
    pub text: String,
    /// The names of all kernels. Everything else refers to a kernel by its number here.
    pub kernels: Vec<String>,
    /// The kernel that measures row tiles of block-sparse ranges.
    pub layout: u32,
    /// The kernels that add gradients up over batch elements, in float32 and in float64.
    pub sums: [u32; 2],
    /// An entry for each plan, in order.
    pub entries: Vec<Entry>,
}

/// The kernels of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its passes, in order.
    pub passes: Vec<PassKernels>,
    /// The same for calls with block-sparse ranges, where those differ.
    pub for_ranges: Option<Vec<PassKernels>>,
}

/// In which order the states of chunks are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In a binary tree over chunk numbers.
    Tree,
    /// One after the other within each of a fixed number of shares of the columns, these in a tree.
    Sequence,
    /// Each chunk goes on with the state of the one before: their order makes no difference to a bit of the result.
    Carried,
}

/// A kernel and its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its number.
    pub number: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Rows of a block.
    pub rows: u32,
}

/// What launches of a pass need to know; `keopsc_runtime::abi::DevicePass` says what each field means.
#[derive(Clone, Debug, PartialEq)]
pub struct PassKernels {
    /// The role of the rows.
    pub rows: Role,
    /// The index that is reduced, if one is.
    pub over: Option<Axis>,
    /// The type of arithmetic.
    pub compute: ScalarType,
    /// How chunks are merged.
    pub order: Order,
    /// The tensors that the kernels take, in order.
    pub views: Vec<TensorId>,
    /// Reduce columns, for many rows and for few.
    pub reduce: [Option<Kernel>; 2],
    /// Joins splits and writes results.
    pub finish: Kernel,
    /// Columns of a chunk where there are few, and where there are many.
    pub chunk: [u32; 2],
    /// The most chunks of a split.
    pub longest_split: u32,
    /// Bytes of a row's state.
    pub state_size: u32,
    /// Rough cost of a pair, in instructions.
    pub pair_cost: u32,
}

/// The kernels of the entries that these plans are of.
pub fn library(plans: &[Verified]) -> Library {
    let text = crate::emit_library(plans);
    let entries = plans.iter().map(|_| Entry { passes: Vec::new(), for_ranges: None }).collect();
    Library { text, kernels: Vec::new(), layout: 0, sums: [0, 0], entries }
}
