//! The C ABI, in two halves.
//!
//! *Public*: what a library shows to its callers ([`Module`], [`EntryPoint`], [`Call`], DLPack's [`DLTensor`], status codes).
//! Structs only grow; `struct_size` says how much of one the other side knows.
//!
//! *Private*: what generated code hands to the support code linked into the same library ([`EntryDescriptor`] and below).
//! Both halves of a library come from one compiler, so these may change with every version.
//!
//! This file is compiled twice: in this crate, and, `no_std`, into the support object inside each library.

use core::ffi::{CStr, c_char, c_void};

/// The version of the public half. Raised only when an old caller could misunderstand a new library.
pub const ABI_VERSION: u32 = 1;

/// The one well-known symbol: `const keops_module_v1_t *keops_module_v1(void)`.
pub const MODULE_SYMBOL: &str = "keops_module_v1";

/// What every call returns. Zero is success; texts by `<lib>_strerror`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// A required pointer is NULL.
    NullPointer = 1,
    /// A shape does not fit: wrong number of dimensions, rows or components.
    Shape = 2,
    /// A tensor's dtype is not the declared storage type.
    Dtype = 3,
    /// A tensor's strides cannot be used (an output with stride 0, or overlapping rows).
    Stride = 4,
    /// A tensor lies on a device that this library or call cannot use.
    Device = 5,
    /// The wrong number of tensors, or a struct smaller than version 1's.
    Arguments = 6,
    /// Memory could not be had.
    Memory = 7,
    /// No clone in this library runs on this processor, or `KEOPSC_TARGET` names none.
    Target = 8,
    /// Block-sparse ranges are malformed.
    Ranges = 9,
    /// The request is well-formed but this version cannot do it.
    Unsupported = 10,
    /// A thread could not be started and the call could not go on without it.
    Thread = 11,
    /// A value in a tensor cannot be used.
    Value = 12,
    /// The CUDA driver is not there, is too old, or reported an error.
    Driver = 13,
}

/// Every status with its name in C and its text.
pub const STATUSES: [(Status, &str, &CStr); 14] = [
    (Status::Ok, "KEOPS_OK", c"success"),
    (Status::NullPointer, "KEOPS_NULL_POINTER", c"a required pointer is NULL"),
    (Status::Shape, "KEOPS_SHAPE", c"a shape does not fit"),
    (Status::Dtype, "KEOPS_DTYPE", c"a tensor has the wrong data type"),
    (Status::Stride, "KEOPS_STRIDE", c"a tensor's memory is misaligned or overlaps"),
    (Status::Device, "KEOPS_DEVICE", c"a tensor lies on a device that cannot be used"),
    (
        Status::Arguments,
        "KEOPS_ARGUMENTS",
        c"wrong number of tensors, wrong option, or a call struct older than version 1",
    ),
    (Status::Memory, "KEOPS_MEMORY", c"out of memory"),
    (Status::Target, "KEOPS_TARGET", c"no code in this library runs on this processor, or KEOPSC_TARGET names none"),
    (Status::Ranges, "KEOPS_RANGES", c"block-sparse ranges are malformed"),
    (Status::Unsupported, "KEOPS_UNSUPPORTED", c"not supported by this version"),
    (Status::Thread, "KEOPS_THREAD", c"a thread could not be started"),
    (Status::Value, "KEOPS_VALUE", c"a value in a tensor cannot be used"),
    (Status::Driver, "KEOPS_DRIVER", c"the CUDA driver is missing or reported an error"),
];

/// DLPack's device types that are used here.
pub const DL_CPU: i32 = 1;
/// DLPack's CUDA device.
pub const DL_CUDA: i32 = 2;
/// Memory of the CPU that CUDA has pinned: taken for the CPU's.
pub const DL_CUDA_HOST: i32 = 3;
/// Memory that CUDA moves to where it is used: taken for that of its device.
pub const DL_CUDA_MANAGED: i32 = 13;

/// DLPack type codes.
pub const DL_INT: u8 = 0;
/// Unsigned integer.
pub const DL_UINT: u8 = 1;
/// Floating point.
pub const DL_FLOAT: u8 = 2;
/// bfloat16.
pub const DL_BFLOAT: u8 = 4;
/// Complex, `bits` counts both halves.
pub const DL_COMPLEX: u8 = 5;
/// Boolean, a byte.
pub const DL_BOOL: u8 = 6;

/// DLPack's `DLDevice`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DLDevice {
    /// `DL_CPU` or `DL_CUDA`.
    pub device_type: i32,
    /// Which one.
    pub device_id: i32,
}

/// DLPack's `DLDataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct DLDataType {
    /// One of the `DL_` type codes.
    pub code: u8,
    /// Bits a lane.
    pub bits: u8,
    /// Always 1 here.
    pub lanes: u16,
}

/// DLPack's `DLTensor`, borrowed for the time of a call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DLTensor {
    /// First byte of the allocation (see `byte_offset`).
    pub data: *mut c_void,
    /// Where the memory is.
    pub device: DLDevice,
    /// Number of dimensions.
    pub ndim: i32,
    /// Element type.
    pub dtype: DLDataType,
    /// `ndim` extents.
    pub shape: *mut i64,
    /// `ndim` strides in elements; NULL means row-major contiguous.
    pub strides: *mut i64,
    /// Bytes from `data` to the first element.
    pub byte_offset: u64,
}

/// A layer-2 call: `struct_size` first, fields are only ever added at the end.
///
/// Tensors stand in the order of layer 1: inputs, cotangents and tangents, then results. Shapes: `Vi` (batch…, M, dim), `Vj` (batch…, N, dim),
/// `Pm` (batch…, dim); batch dimensions broadcast like NumPy's, missing leading ones count as 1.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Call {
    /// `sizeof(keops_call)` as the caller knows it.
    pub struct_size: u32,
    /// Number of tensors that follow.
    pub num_tensors: u32,
    /// The tensors.
    pub tensors: *const *const DLTensor,
    /// M where no tensor tells it, else -1 (or the same number).
    pub rows_i: i64,
    /// N where no tensor tells it, else -1 (or the same number).
    pub rows_j: i64,
    /// Threads to use on the CPU; 0 means `KEOPSC_NUM_THREADS`, else the affinity mask.
    pub threads: i32,
    /// `DL_CPU` or `DL_CUDA`; 0 means where the tensors are.
    pub device_type: i32,
    /// Which device.
    pub device_id: i32,
    /// 1 validates CUDA ranges with a synchronisation.
    pub check: i32,
    /// The CUDA stream, NULL for the default one.
    pub stream: *mut c_void,
    /// Six int64 tensors of block-sparse ranges, or NULL. Their batch dimensions broadcast with those of the tensors.
    pub ranges: *const *const DLTensor,
    /// Scratch memory of the caller, or NULL to let the library allocate.
    pub workspace: *mut c_void,
    /// Bytes at `workspace`.
    pub workspace_size: u64,
    /// Where the exact error message goes (NUL-terminated, cut to fit), or NULL.
    pub message: *mut c_char,
    /// Bytes at `message`.
    pub message_size: u64,
}

/// What one output or `fused` block offers.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct EntryPoint {
    /// `sizeof` as the library knows it.
    pub struct_size: u32,
    /// Number of tensors a call passes.
    pub num_tensors: u32,
    /// Its name, without the library's prefix.
    pub name: *const c_char,
    /// Runs it.
    pub run: unsafe extern "C" fn(*const Call) -> i32,
    /// Loads device code ahead of time, for a CUDA device; on the CPU it only chooses the clone.
    pub prepare: unsafe extern "C" fn(device_type: i32, device_id: i32) -> i32,
    /// The bytes of workspace that `run` would take for this call.
    pub workspace: unsafe extern "C" fn(*const Call, *mut u64) -> i32,
    /// Layer 3 from here on, NULL where the manifest says that the entry has no shards. Reduces a shard's columns to a state of `state_size`
    /// bytes; the call has the entry's inputs alone, `first` is the number of the shard's first column.
    pub partial: Option<unsafe extern "C" fn(*const Call, first: i64, state: *mut c_void, state_size: u64) -> i32>,
    /// Joins the state of later columns into that of earlier ones. Of the call, threads, workspace and message count.
    pub merge:
        Option<unsafe extern "C" fn(*const Call, state: *mut c_void, later: *const c_void, state_size: u64) -> i32>,
    /// Writes the results of a state. The call has all of the entry's tensors; those that the manifest does not list may be NULL.
    pub finalize: Option<unsafe extern "C" fn(*const Call, state: *const c_void, state_size: u64) -> i32>,
    /// The bytes of a state of so many rows, -1 if there is no such state.
    pub state_size: Option<unsafe extern "C" fn(rows: i64) -> i64>,
    /// How many columns a shard should have, so that so many columns are in at most so many shards and results keep their bits.
    pub shard: Option<unsafe extern "C" fn(columns: i64, shards: i64) -> i64>,
}

impl EntryPoint {
    /// Whether all functions of layer 3 are there.
    pub fn has_shards(&self) -> bool {
        let calls = self.partial.is_some() && self.merge.is_some() && self.finalize.is_some();
        calls && self.state_size.is_some() && self.shard.is_some()
    }
}

/// `sizeof(EntryPoint)` before layer 3: what every library has at least.
pub const FIRST_ENTRY_SIZE: u32 = 40;
const _: () = assert!(core::mem::offset_of!(EntryPoint, partial) == FIRST_ENTRY_SIZE as usize);

/// What `keops_module_v1()` returns. Lives as long as the library is loaded.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Module {
    /// `sizeof` as the library knows it.
    pub struct_size: u32,
    /// [`ABI_VERSION`].
    pub abi_version: u32,
    /// The library's name (the prefix of its symbols).
    pub name: *const c_char,
    /// The JSON manifest, NUL-terminated.
    pub manifest: *const c_char,
    /// Its length without the NUL.
    pub manifest_size: u64,
    /// Number of entries.
    pub num_entries: u32,
    /// `sizeof(EntryPoint)` as the library knows it: the distance between entries.
    pub entry_size: u32,
    /// The entries.
    pub entries: *const EntryPoint,
    /// The text of a status.
    pub strerror: unsafe extern "C" fn(i32) -> *const c_char,
    /// The name of the instruction-set clone in use (chosen at first use), NULL if none fits.
    pub target: unsafe extern "C" fn() -> *const c_char,
    /// Functions that make block-sparse ranges, the same in every library.
    pub clusters: *const Clusters,
}

/// Functions that sort points into clusters and make block-sparse ranges of them.
///
/// Tensors lie in the CPU's memory, may have any strides and no batch dimensions. "Integers" are int32 or int64; labels are also read from
/// smaller ones. Each function takes a message buffer and its size last, as in [`Call`]; a call that is refused writes nothing else.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Clusters {
    /// `sizeof` as the library knows it.
    pub struct_size: u32,
    /// Reserved, 0.
    pub reserved: u32,
    /// `(points, cell, labels, count, …)`: the number of each point's cell in a grid, among the cells that have points, in lexicographic
    /// order. `points` (M, D) and `cell` (1) or (D), the lengths of a cell, are float32 or both float64; `labels` (M) integers. `count`
    /// (may be NULL) receives the number of cells.
    pub grid_cluster: unsafe extern "C" fn(
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        count: *mut i64,
        message: *mut c_char,
        message_size: u64,
    ) -> i32,
    /// `(labels, order, …)`: the permutation that sorts labels, equal ones in their order. Both (M), integers.
    pub cluster_order:
        unsafe extern "C" fn(*const DLTensor, *const DLTensor, message: *mut c_char, message_size: u64) -> i32,
    /// `(labels, ranges, …)`: where each cluster begins and ends among the sorted points. `labels` (M), in any order, are below C; `ranges`
    /// (C, 2) integers.
    pub cluster_ranges:
        unsafe extern "C" fn(*const DLTensor, *const DLTensor, message: *mut c_char, message_size: u64) -> i32,
    /// `(points, labels, weights, centroids, totals, …)`: weighted means, and sums of weights. `points` (M, D), `weights` (M) or NULL for ones,
    /// `centroids` (C, D), `totals` (C) or NULL: float32 or float64, each; `labels` (M) integers below C. Where weights add up to 0 the mean is
    /// that of equal weights; a cluster without points has NaN.
    pub cluster_centroids: unsafe extern "C" fn(
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        message: *mut c_char,
        message_size: u64,
    ) -> i32,
    /// `(ranges_i, ranges_j, keep, slices_i, redranges_j, slices_j, redranges_i, count, …)`: the other four tensors of block-sparse ranges in
    /// which `keep` (B, C) says which blocks of rows meet which blocks of columns. `count` (may be NULL) receives the number of blocks kept. The
    /// four are NULL to ask for that number only, else (B), (count, 2), (C), (count, 2), integers; rows past `count` are filled with (0, 0).
    pub from_matrix: unsafe extern "C" fn(
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        *const DLTensor,
        count: *mut i64,
        message: *mut c_char,
        message_size: u64,
    ) -> i32,
}

// SAFETY: a module is immutable static data of its library.
unsafe impl Sync for Module {}
// SAFETY: as above.
unsafe impl Sync for EntryPoint {}

// ---------------------------------------------------------------------------------------------------------------- private

/// The index that a tensor's rows have.
pub const ROLE_I: u8 = 0;
/// Rows are j.
pub const ROLE_J: u8 = 1;
/// A parameter: one row.
pub const ROLE_PARAMETER: u8 = 2;

/// The states of chunks are merged in a binary tree.
pub const ORDER_TREE: u8 = 0;
/// They are merged one after the other.
pub const ORDER_SEQUENCE: u8 = 1;
/// Likewise, and a chunk has as many columns as there are chunks, about √N.
pub const ORDER_ROOTS: u8 = 2;
/// Each chunk goes on with the state of the one before: their order makes no difference to a bit of the result.
pub const ORDER_CARRIED: u8 = 3;

/// Storage types, and computing types of a pass (`F32` and `F64` only).
pub const F16: u8 = 0;
/// bfloat16.
pub const BF16: u8 = 1;
/// float32.
pub const F32: u8 = 2;
/// float64.
pub const F64: u8 = 3;
/// int64, for row numbers.
pub const I64: u8 = 4;
/// complex64: pairs of float32, re and im.
pub const C64: u8 = 5;
/// complex128: pairs of float64, re and im.
pub const C128: u8 = 6;

/// A tensor of an entry: an argument, a result, or a temporary between passes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TensorDescriptor {
    /// NUL-terminated name, for messages.
    pub name: *const c_char,
    /// Elements a row; a complex one is two components of a formula.
    pub dim: u32,
    /// `ROLE_I`, `ROLE_J` or `ROLE_PARAMETER`.
    pub role: u8,
    /// Storage type.
    pub dtype: u8,
    /// 1 where the tensor is a result.
    pub is_output: u8,
    /// 1 where the results cannot be found from the states without this input.
    pub finalize_reads: u8,
    /// The tensor that it is the gradient in, or [`NO_TENSOR`].
    pub gradient_of: u32,
}

/// In place of the number of a tensor: none.
pub const NO_TENSOR: u32 = u32::MAX;

/// In place of a tensor that a pass reads: the numbers of the rows themselves.
pub const ROW_NUMBERS: u32 = u32::MAX;

/// A tensor that a pass reads: its number in the entry's list (arguments and results first, then temporaries), or [`ROW_NUMBERS`].
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Read {
    /// Number of the tensor.
    pub tensor: u32,
    /// Its elements.
    pub dim: u32,
}

/// A tensor that a pass's epilogue writes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Write {
    /// Number of the tensor.
    pub tensor: u32,
    /// Its elements.
    pub dim: u32,
    /// Where its `[components][tile_rows]` block begins in the result tile, in bytes. Components are of the computing type, or int64 where the tensor is.
    pub offset: u32,
    /// Reserved, 0.
    pub reserved: u32,
}

/// Values of a pass's rows, summed up by column: row `c` of the sums has the values of all rows among whose numbers is `c`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Scatter {
    /// A temporary with the column numbers of each row, int64, -1 for none.
    pub numbers: u32,
    /// An argument or a temporary with the values of each row, real numbers; [`NO_TENSOR`] where rows are counted.
    pub values: u32,
    /// A temporary of the computing type, with a row for each column.
    pub sums: u32,
    /// The type of sums that are being made: `F32` or `F64`.
    pub accumulators: u32,
}

/// A slot of an accumulation, in the state of a row tile and in the portable record of a row.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct StateField {
    /// Where its `[dim][tile_rows]` block begins in the state, in bytes.
    pub state_offset: u32,
    /// Where its `[dim]` elements begin in a record, in bytes.
    pub record_offset: u32,
    /// Its components.
    pub dim: u32,
    /// Bytes of an element: 4 or 8.
    pub element_size: u32,
}

/// One pass in one instruction set. "Row" is the index that stays, "column" the one that is reduced.
///
/// A *row tile* is `[row_values][tile_rows]` elements of the computing type, 64-byte aligned: first the components of `row_reads` in order
/// (filled by the support code, rows past the end repeat the last one), then what `row_prologue` computes.
/// A *column record* is `column_values` consecutive elements: the components of `column_reads`, then what `column_prologue` computes.
/// The *parameter record* is the same for the parameters, with `parameter_prologue`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct PassDescriptor {
    /// Role of the rows: `ROLE_I`, `ROLE_J`, or `ROLE_PARAMETER` (one row).
    pub rows: u8,
    /// Role of the columns: `ROLE_I` or `ROLE_J`; `ROLE_PARAMETER` where the pass reduces nothing (`accumulate` is then not called).
    pub columns: u8,
    /// `F32` or `F64`.
    pub compute: u8,
    /// In which order the states of chunks are merged: `ORDER_TREE`, `ORDER_SEQUENCE`, `ORDER_ROOTS` or `ORDER_CARRIED`.
    pub order: u8,
    /// Rows a tile.
    pub tile_rows: u32,
    /// Columns a chunk, or at most so many.
    pub chunk: u32,
    /// Lengths of the three lists of reads, and of the list of writes.
    pub num_row_reads: u32,
    /// As above.
    pub num_column_reads: u32,
    /// As above.
    pub num_parameter_reads: u32,
    /// As above.
    pub num_writes: u32,
    /// Elements of a row tile per row.
    pub row_values: u32,
    /// Elements of a column record.
    pub column_values: u32,
    /// Elements of the parameter record.
    pub parameter_values: u32,
    /// Bytes of the accumulators' state for one row tile (a multiple of 64).
    pub state_size: u32,
    /// Bytes of the result tile (a multiple of 64).
    pub result_size: u32,
    /// Rough cost of one pair in cycles ×16, to decide how many threads are worth starting.
    pub pair_cost: u32,
    /// Bytes of the record of a row, a multiple of 8; 0 for a pass that cannot be computed in shards.
    pub record_size: u32,
    /// Number of fields of a record.
    pub num_fields: u32,
    /// Rows that `accumulate_few` takes, 0 if there is none.
    pub few_rows: u32,
    /// Lanes of a vector: columns that `accumulate_across` takes side by side.
    pub lanes: u32,
    /// Number of scatters.
    pub num_scatters: u32,
    /// What is read per row.
    pub row_reads: *const Read,
    /// What is read per column.
    pub column_reads: *const Read,
    /// What is read once.
    pub parameter_reads: *const Read,
    /// What is written per row.
    pub writes: *const Write,
    /// What a record holds.
    pub fields: *const StateField,
    /// What is summed up by column number, when all rows are written. Those by the same numbers follow each other.
    pub scatters: *const Scatter,
    /// `(parameters)`: completes the parameter record. NULL if there is nothing to compute (likewise below).
    pub parameter_prologue: Option<unsafe extern "C" fn(*mut c_void)>,
    /// `(parameters, row_tile)`: completes a row tile.
    pub row_prologue: Option<unsafe extern "C" fn(*const c_void, *mut c_void)>,
    /// `(parameters, column_tile)`: completes a tile of `tile_rows` columns laid out like a row tile, `[column_values][tile_rows]`.
    pub column_prologue: Option<unsafe extern "C" fn(*const c_void, *mut c_void)>,
    /// `(state)`: the neutral state.
    pub initialize: unsafe extern "C" fn(*mut c_void),
    /// `(parameters, row_tile, column_records, count, origin, first_column, state)`: reduces the `count` columns (at most `chunk`) whose records
    /// begin at `column_records`, and stores the result in `state`. It starts with the neutral state, or with `ORDER_CARRIED` with what is in
    /// `state`. `origin + first_column` is the number of the first of these columns; all row numbers in the state are -1 or at least `origin`
    /// and, less that, below 2^31.
    pub accumulate: Accumulate,
    /// The same for a tile in which only the first `few_rows` rows count; those of the others are left as they are.
    pub accumulate_few: Option<Accumulate>,
    /// The same for the first row of what begins at `row_tile`, with columns in the lanes. NULL together with the next two.
    pub accumulate_across: Option<AccumulateAcross>,
    /// Makes column tiles.
    pub transpose: Option<Transpose>,
    /// Joins the lanes of what `accumulate_across` leaves.
    pub merge_lanes: Option<MergeLanes>,
    /// `(left, right)`: merges the state of later columns `right` into that of earlier ones `left`.
    pub merge: unsafe extern "C" fn(*mut c_void, *const c_void),
    /// `(parameters, row_tile, state, results)`: finalizes and computes the result tile.
    pub epilogue: unsafe extern "C" fn(*const c_void, *const c_void, *const c_void, *mut c_void),
}

/// See [`PassDescriptor::accumulate`].
pub type Accumulate = unsafe extern "C" fn(*const c_void, *const c_void, *const c_void, i64, i64, i64, *mut c_void);

/// `(parameters, row_tile, column_tile, count, origin, first_column, stride, state)`: reduces `count` columns in each lane l, the first of which is
/// number `origin + first_column + l * stride`, to the state's row l. `column_tile` is `[count][column_values][lanes]`. See
/// [`PassDescriptor::accumulate`] for the rest.
pub type AccumulateAcross =
    unsafe extern "C" fn(*const c_void, *const c_void, *const c_void, i64, i64, i64, i64, *mut c_void);

/// `(source, stride, rows, width, values, tile)`: from each of `lanes` places in `source`, `stride` elements from one to the next, takes `rows` rows
/// of `width` elements to the first `width` of the `values` elements that a column has in the column tile. `rows * width` is at least `lanes`.
pub type Transpose = unsafe extern "C" fn(*const c_void, i64, i64, i64, i64, *mut c_void);

/// `(state, steps, row, target)`: merges the states in the first `2^steps` lanes of `state`, along a binary tree, and puts the result into row `row`
/// of `target`. What is in `state` is used up.
pub type MergeLanes = unsafe extern "C" fn(*mut c_void, i64, i64, *mut c_void);

/// An entry as compiled for one instruction set.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct CloneDescriptor {
    /// NUL-terminated name, such as `x86-64-v3`.
    pub name: *const c_char,
    /// Which check the processor must pass: see `support::cpu`.
    pub requirement: u32,
    /// Number of passes.
    pub num_passes: u32,
    /// The passes, in order.
    pub passes: *const PassDescriptor,
}

/// Processor requirements of a clone.
pub const REQUIRES_NOTHING: u32 = 0;
/// x86-64-v2.
pub const REQUIRES_X86_64_V2: u32 = 2;
/// x86-64-v3.
pub const REQUIRES_X86_64_V3: u32 = 3;
/// x86-64-v4.
pub const REQUIRES_X86_64_V4: u32 = 4;

/// An entry: what the exported functions hand to the support code.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct EntryDescriptor {
    /// NUL-terminated name, without the library's prefix.
    pub name: *const c_char,
    /// Arguments and results, in call order.
    pub num_tensors: u32,
    /// Temporaries that passes leave for later ones.
    pub num_temporaries: u32,
    /// `num_tensors + num_temporaries` descriptors.
    pub tensors: *const TensorDescriptor,
    /// Number of clones, best last.
    pub num_clones: u32,
    /// Reserved, 0.
    pub reserved: u32,
    /// The clones.
    pub clones: *const CloneDescriptor,
    /// The same entry as calls with block-sparse ranges run it, NULL if that is no other.
    pub for_ranges: *const EntryDescriptor,
    /// The same entry's code for GPUs, NULL if the library has none.
    pub device: *const DeviceEntry,
}

// SAFETY: descriptors are immutable static data of their library.
unsafe impl Sync for EntryDescriptor {}

// ---------------------------------------------------------------------------------------------------------------- GPUs

/// An entry as compiled for GPUs.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct DeviceEntry {
    /// Where its kernels are.
    pub code: *const DeviceCode,
    /// Number of passes.
    pub num_passes: u32,
    /// Reserved, 0.
    pub reserved: u32,
    /// The passes, in order: those of the CPU's clones, but for their sizes.
    pub passes: *const DevicePass,
}

/// The machine code for GPUs of a library, which all its entries share.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct DeviceCode {
    /// Number of images.
    pub num_images: u32,
    /// Number of kernels.
    pub num_kernels: u32,
    /// The same kernels for several architectures. Those for one may be spread over several images, which are of one kind.
    pub images: *const DeviceImage,
    /// NUL-terminated names of the kernels. Everything else refers to a kernel by its number here.
    pub kernels: *const *const c_char,
    /// `(DeviceLaunch)`: measures row tiles of block-sparse ranges; the grid is (1, 1, batch elements), blocks have [`LAYOUT_THREADS`].
    pub layout: u32,
    /// `(DeviceSum)`: adds batch elements of a gradient up, in float32; blocks of [`SUM_THREADS`], a thread for each number of the result. For
    /// results in float32, and in 16 bits where that is computed in float32.
    pub sum_f32: u32,
    /// The same in float64, for the others.
    pub sum_f64: u32,
    /// The first of the kernels of scatters, which follow each other as [`ScatterKernel`] has them; [`NO_KERNEL`] where no pass scatters.
    pub scatter: u32,
}

/// Kernels for one architecture, all or some.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct DeviceImage {
    /// Compute capability times ten: 90 for `sm_90`.
    pub architecture: u32,
    /// 1 for PTX, which the driver compiles for any GPU of at least this capability; 0 for machine code, which runs on GPUs of the same major
    /// and at least this minor number.
    pub is_ptx: u32,
    /// What `cuModuleLoadData` takes; PTX ends with a NUL.
    pub bytes: *const u8,
    /// Their number.
    pub size: u64,
}

/// In place of the number of a kernel: none.
pub const NO_KERNEL: u32 = u32::MAX;

/// A kernel and its blocks.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct DeviceKernel {
    /// Its number, or [`NO_KERNEL`].
    pub kernel: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Rows of a block.
    pub rows: u32,
    /// Bytes of shared memory that a launch sets aside if the code is machine code for compute capability 9.0.
    pub large_bytes: u32,
}

/// One pass on GPUs. Its kernels take one argument: a [`DeviceLaunch`] with `num_views` [`DeviceView`]s after it.
///
/// Columns are cut into chunks of the length that [`DevicePass::shortest_chunk`] tells, chunks into splits. A *split* is what one block
/// reduces: with `ORDER_TREE` a power of two of chunks, with `ORDER_CARRIED` any number of them, with `ORDER_SEQUENCE` one share of all chunks,
/// which depends on their number alone. If there are several, `reduce` leaves the state of each row and split in `states`, and `finish` joins
/// them in a binary tree over the numbers of splits. Else `reduce` writes the results.
///
/// With ranges a split is a share of the column blocks of each block of rows, and `finish` writes the rows in blocks alone.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct DevicePass {
    /// Role of the rows: `ROLE_I`, `ROLE_J`, or `ROLE_PARAMETER` (one row).
    pub rows: u8,
    /// Role of the columns: `ROLE_I` or `ROLE_J`; `ROLE_PARAMETER` where the pass reduces nothing (there is then `finish` alone).
    pub columns: u8,
    /// `F32` or `F64`.
    pub compute: u8,
    /// In which order the states of chunks are merged: `ORDER_TREE`, `ORDER_SEQUENCE` or `ORDER_CARRIED`.
    pub order: u8,
    /// Number of views.
    pub num_views: u32,
    /// The tensors that the views show, by their numbers in the entry's list, in the kernels' order.
    pub views: *const u32,
    /// Reduces columns: first for many rows, then for few. Either may be [`NO_KERNEL`], not both, where columns are reduced.
    pub reduce: [DeviceKernel; 2],
    /// Joins the states of splits and writes results; with no splits, the results of no columns. Its blocks have so many rows with teams of one
    /// thread, half as many with teams of two, and so on; the threads of a team are neighbours in the tree of splits.
    pub finish: DeviceKernel,
    /// Columns of a chunk where there are few of them, a power of two.
    pub shortest_chunk: u32,
    /// Columns of a chunk where there are many: a power of two, at least `shortest_chunk`.
    pub longest_chunk: u32,
    /// With `ORDER_TREE`: a split has at most so many chunks, a power of two.
    pub longest_split: u32,
    /// Bytes of a row's state in `states`.
    pub state_size: u32,
    /// Rough cost of a pair, in instructions of a thread.
    pub pair_cost: u32,
    /// Bytes before what is laid out of a batch element's columns.
    pub packed_header: u32,
    /// Lay columns and rows out as `reduce` takes them, in this order; [`NO_KERNEL`] where `reduce` takes them as they are. The grid is (blocks of
    /// columns or rows, 1, batch elements).
    pub pack: [DeviceKernel; 2],
    /// Bytes of a column and of a row of what is laid out, multiples of 16. There is room for whole blocks of `pack`, with ranges for one more.
    pub packed_sizes: [u32; 2],
}

/// Bytes of a kernel's argument that every GPU takes.
pub const DEVICE_ARGUMENT: usize = 4096;
/// Views that have room in it beside a [`DeviceLaunch`].
pub const DEVICE_VIEWS: usize = (DEVICE_ARGUMENT - size_of::<DeviceLaunch>()) / size_of::<DeviceView>();

/// Dimensions of a batch that a kernel counts through by itself.
pub const DEVICE_BATCH: usize = 3;

/// A tensor as kernels see it. Steps are counted in elements of the storage type, of which a complex one is two real numbers.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeviceView {
    /// The first element of the launch's first row (or column, where the tensor's rows are the pass' columns), of batch element 0.
    pub data: *mut c_void,
    /// Step from row to row, 0 for a parameter.
    pub row: i64,
    /// Step from component to component.
    pub component: i64,
    /// Steps along the dimensions of the batch, outermost first.
    pub batch: [i64; DEVICE_BATCH],
}

/// Block-sparse ranges as kernels see them, for one of the two directions. All tensors are int64 in device memory; what lies outside of rows and
/// columns is cut off.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeviceRanges {
    /// Blocks of rows, 0 where all pairs count.
    pub count: i64,
    /// (count, 2): the first row of each block, and the row past its end.
    pub blocks: DeviceView,
    /// (count): where the list of column blocks of each block of rows ends.
    pub ends: DeviceView,
    /// (num_parts, 2): the first column of each column block, and the column past its end.
    pub parts: DeviceView,
    /// Number of column blocks.
    pub num_parts: i64,
    /// `count + 1` numbers for each batch element of the launch, by `DeviceCode::layout`: row tiles of all blocks before.
    pub tiles: *mut i64,
}

/// What begins the argument of a pass's kernels. The grid is (row tiles, splits, batch elements).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeviceLaunch {
    /// Rows.
    pub rows: i64,
    /// Columns, of this launch.
    pub columns: i64,
    /// The number of the first row (views begin there, counting does not).
    pub first_row: i64,
    /// The number of the first column, a whole number of splits.
    pub first_column: i64,
    /// Columns of a chunk.
    pub chunk: i64,
    /// Columns of a split, a multiple of `chunk`.
    pub split: i64,
    /// Splits that have states, those of other launches included; 1 if `reduce` is to write the results, 0 if `finish` is to write those of no
    /// columns.
    pub splits: i64,
    /// The number of this launch's first split.
    pub first_split: i64,
    /// `[batch elements of the launch][splits][rows]` states.
    pub states: *mut c_void,
    /// Extents of the last dimensions of the batch, outermost first, 1 for those that there are not.
    pub batch: [u32; DEVICE_BATCH],
    /// The number of the batch element that the grid's first one is.
    pub first_element: u32,
    /// Threads that share a row in `finish`.
    pub team: u32,
    /// With ranges: rows of a tile of `reduce`, by which `finish` finds the rows, too.
    pub tile_rows: u32,
    /// Bit `v` is set where view `v` is a result that is added up over the batch, and as such of the computing type instead of its storage type.
    pub wide: u64,
    /// What `DevicePass::pack` lays out: columns, after a header, and rows, of the launch's first batch element.
    pub packed: [*mut c_void; 2],
    /// Bytes from batch element to batch element of that.
    pub packed_steps: [i64; 2],
    /// Bytes of columns before this launch's first.
    pub packed_offset: i64,
    /// Which pairs count.
    pub ranges: DeviceRanges,
}

/// Threads of [`DeviceCode::layout`].
pub const LAYOUT_THREADS: u32 = 256;

/// Threads of [`DeviceCode::sum_f32`].
pub const SUM_THREADS: u32 = 256;

/// The argument of [`DeviceCode::sum_f32`]: adds `members` numbers up for each of `groups * numbers` results, in a binary tree over the numbers of
/// the members: in round `step = 1, 2, 4, …` member `m`, a multiple of `2 * step`, takes in member `m + step`. The sum of no members is 0. What is
/// added up may be used up. The grid has one dimension.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeviceSum {
    /// Numbers to add up: `[batch elements][numbers]` of the computing type, as passes write them; the sum is rounded to `dtype` once. A batch
    /// element's own number is `Σ index · source_steps` over the batch dimensions; members count through those that are shared, groups through
    /// the others, both in row-major order.
    pub source: *mut c_void,
    /// Results, of the storage type `dtype`.
    pub target: *mut c_void,
    /// Numbers of a batch element: rows times components, complex ones counting twice.
    pub numbers: i64,
    /// Components of a row, complex ones counting twice.
    pub width: i64,
    /// Members of a group.
    pub members: i64,
    /// Groups.
    pub groups: i64,
    /// Steps of results from row to row and from component to component, in real numbers; the two parts of a complex component (`dtype` says
    /// whether they are) lie side by side, so that number `q` of a row is at `q / 2 * component + q % 2`.
    pub row: i64,
    /// As above.
    pub component: i64,
    /// Storage type of the results.
    pub dtype: u32,
    /// Number of batch dimensions.
    pub dimensions: u32,
    /// Extents of the batch dimensions, outermost first; 1 for one that is empty.
    pub extents: [i64; 8],
    /// Step of a batch dimension in `source`, in batch elements.
    pub source_steps: [i64; 8],
    /// Step of a batch dimension in the results, in real numbers; counted for those that are not shared.
    pub target_steps: [i64; 8],
    /// 1 where a dimension is one that members count through.
    pub is_shared: [u8; 8],
}

/// The kernels of scatters, each of which takes a [`DeviceScatter`]. The grid is (blocks, 1, batch elements).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ScatterKernel {
    /// Counts each stretch's entries by column: a warp for each stretch, blocks of 256 threads.
    Count = 0,
    /// Sums these up over earlier stretches: 32 columns a block of 1024 threads.
    Offsets = 1,
    /// Finds where each column's entries begin: one block of 1024 threads.
    Starts = 2,
    /// Puts the rows of entries in order: as `Count`.
    Place = 3,
    /// Sums chunks of entries up in float32: a warp for each slot, blocks of 256 threads.
    AddF32 = 4,
    /// Merges the chunks of each column: a block of 256 threads for each.
    FinishF32 = 5,
    /// The same in float64.
    AddF64 = 6,
    /// The same in float64.
    FinishF64 = 7,
}

/// What scatters are done with; `support::scatter` says what entries, chunks and slots are.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeviceScatter {
    /// (rows, places): column numbers.
    pub numbers: DeviceView,
    /// (rows, width): what is summed up; no data where rows are counted.
    pub values: DeviceView,
    /// (columns, width): the results.
    pub sums: DeviceView,
    /// Rows times places, below 2^31.
    pub entries: i64,
    /// Columns, below 2^31.
    pub columns: i64,
    /// Entries of a stretch, a multiple of 128.
    pub stretch: i64,
    /// Stretches.
    pub stretches: i64,
    /// Room for chunks.
    pub slots: i64,
    /// `[batch elements of the launch][stretches][columns]`
    pub counts: *mut u32,
    /// `[batch elements of the launch][columns + 1]`
    pub starts: *mut u32,
    /// `[batch elements of the launch][entries]`
    pub order: *mut u32,
    /// `[batch elements of the launch][slots][width]` of what sums are made in.
    pub chunks: *mut c_void,
    /// Numbers of a row.
    pub places: u32,
    /// Components.
    pub width: u32,
    /// Storage type of the values.
    pub value_type: u32,
    /// Type of the results: `F32` or `F64`.
    pub sum_type: u32,
    /// As in [`DeviceLaunch`].
    pub batch: [u32; DEVICE_BATCH],
    /// As in [`DeviceLaunch`].
    pub first_element: u32,
}
const _: () = assert!(size_of::<DeviceScatter>() == 248);
