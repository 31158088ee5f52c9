//! Entries with kernels in plain Rust, in place of generated code.

use crate::abi::*;
use core::ffi::{CStr, c_void};

/// What a mock kernel computes in.
pub trait Number:
    Copy + Default + PartialOrd + core::ops::Add<Output = Self> + core::ops::Mul<Output = Self> + core::fmt::Debug
{
    const COMPUTE: u8;
    fn of(value: f64) -> Self;
}

impl Number for f32 {
    const COMPUTE: u8 = F32;
    fn of(value: f64) -> f32 {
        value as f32
    }
}

impl Number for f64 {
    const COMPUTE: u8 = F64;
    fn of(value: f64) -> f64 {
        value
    }
}

/// What tiles, states and records of parameters are aligned to.
#[repr(align(64))]
struct Line;

pub const TILE: usize = 8;
pub const CHUNK: usize = 16;
/// Rows that `accumulate_few` takes.
pub const FEW: usize = 3;

/// `Σ_j pair(parameters, row, column)`; the prologues append one value each to parameters, rows and columns.
pub trait Kernel {
    type N: Number;
    const ROW: usize;
    const COLUMN: usize;
    const PARAMETERS: usize;
    const PROLOGUES: bool;
    fn pair(parameters: &[Self::N], row: &[Self::N], column: &[Self::N]) -> Self::N;
}

/// The value that a prologue appends.
pub fn appended<N: Number>(values: &[N]) -> N {
    values.iter().fold(N::of(0.5), |sum, value| sum + *value * *value)
}

unsafe extern "C" fn parameter_prologue<K: Kernel>(parameters: *mut c_void) {
    unsafe {
        let values = core::slice::from_raw_parts_mut(parameters.cast::<K::N>(), K::PARAMETERS + 1);
        values[K::PARAMETERS] = appended(&values[..K::PARAMETERS]);
    }
}

unsafe fn append_to_tile<N: Number>(tile: *mut c_void, components: usize) {
    unsafe {
        let tile = core::slice::from_raw_parts_mut(tile.cast::<N>(), (components + 1) * TILE);
        for row in 0..TILE {
            let values: Vec<N> = (0..components).map(|component| tile[component * TILE + row]).collect();
            tile[components * TILE + row] = appended(&values);
        }
    }
}

unsafe extern "C" fn row_prologue<K: Kernel>(_: *const c_void, tile: *mut c_void) {
    assert!(tile.cast::<Line>().is_aligned());
    unsafe { append_to_tile::<K::N>(tile, K::ROW) }
}

unsafe extern "C" fn column_prologue<K: Kernel>(_: *const c_void, tile: *mut c_void) {
    assert!(tile.cast::<Line>().is_aligned());
    unsafe { append_to_tile::<K::N>(tile, K::COLUMN) }
}

unsafe extern "C" fn initialize<N: Number>(state: *mut c_void) {
    unsafe { core::slice::from_raw_parts_mut(state.cast::<N>(), TILE).fill(N::default()) }
}

fn counts<K: Kernel>() -> (usize, usize, usize) {
    let extra = usize::from(K::PROLOGUES);
    (K::PARAMETERS + extra, K::ROW + extra, K::COLUMN + extra)
}

unsafe extern "C" fn accumulate<K: Kernel, const ROWS: usize>(
    parameters: *const c_void,
    tile: *const c_void,
    records: *const c_void,
    count: i64,
    origin: i64,
    first: i64,
    state: *mut c_void,
) {
    assert!(count > 0 && count as usize <= CHUNK && origin >= 0 && first == 0);
    assert!([parameters, tile, state.cast_const()].iter().all(|block| block.cast::<Line>().is_aligned()));
    let (parameter_values, row_values, column_values) = counts::<K>();
    unsafe {
        let parameters = core::slice::from_raw_parts(parameters.cast::<K::N>(), parameter_values);
        let tile = core::slice::from_raw_parts(tile.cast::<K::N>(), row_values * TILE);
        let records = core::slice::from_raw_parts(records.cast::<K::N>(), column_values * count as usize);
        let state = core::slice::from_raw_parts_mut(state.cast::<K::N>(), ROWS);
        for (row, sum) in state.iter_mut().enumerate() {
            let values: Vec<K::N> = (0..row_values).map(|component| tile[component * TILE + row]).collect();
            *sum = (0..count as usize).fold(K::N::default(), |sum, column| {
                sum + K::pair(parameters, &values, &records[column * column_values..][..column_values])
            });
        }
    }
}

unsafe extern "C" fn merge<N: Number>(left: *mut c_void, right: *const c_void) {
    unsafe {
        let right = core::slice::from_raw_parts(right.cast::<N>(), TILE);
        for (left, right) in core::slice::from_raw_parts_mut(left.cast::<N>(), TILE).iter_mut().zip(right) {
            *left = *left + *right;
        }
    }
}

unsafe extern "C" fn epilogue<N: Number>(
    _: *const c_void,
    _: *const c_void,
    state: *const c_void,
    results: *mut c_void,
) {
    unsafe { results.cast::<N>().copy_from_nonoverlapping(state.cast::<N>(), TILE) }
}

/// The same sum, by the definition of the tree: the left part has the largest power of two of chunks that leaves something over.
pub fn expected<K: Kernel>(parameters: &[K::N], row: &[K::N], columns: &[Vec<K::N>]) -> K::N {
    let leaves = leaves::<K>(parameters, row, columns, CHUNK);
    if leaves.is_empty() { K::N::default() } else { tree(&leaves) }
}

/// The same sum, chunk after chunk of that many columns.
pub fn expected_in_sequence<K: Kernel>(parameters: &[K::N], row: &[K::N], columns: &[Vec<K::N>], chunk: usize) -> K::N {
    leaves::<K>(parameters, row, columns, chunk).into_iter().reduce(|sum, leaf| sum + leaf).unwrap_or_default()
}

/// The sums of the chunks.
fn leaves<K: Kernel>(parameters: &[K::N], row: &[K::N], columns: &[Vec<K::N>], chunk: usize) -> Vec<K::N> {
    let append = |values: &[K::N]| {
        let extra = K::PROLOGUES.then(|| appended(values));
        values.iter().copied().chain(extra).collect::<Vec<_>>()
    };
    let (parameters, row) = (append(parameters), append(row));
    let sum = |chunk: &[Vec<K::N>]| {
        chunk.iter().fold(K::N::default(), |sum, column| sum + K::pair(&parameters, &row, &append(column)))
    };
    columns.chunks(chunk).map(sum).collect()
}

fn tree<N: Number>(leaves: &[N]) -> N {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    tree(left) + tree(right)
}

/// The sizes of a tensor or read list.
pub fn tensor(name: &'static CStr, role: u8, dim: u32, dtype: u8, is_output: bool) -> TensorDescriptor {
    TensorDescriptor {
        name: name.as_ptr(),
        dim,
        role,
        dtype,
        is_output: is_output.into(),
        finalize_reads: 0,
        gradient_of: NO_TENSOR,
    }
}

pub fn leak<T>(items: Vec<T>) -> (*const T, u32) {
    let items = Box::leak(items.into_boxed_slice());
    (items.as_ptr(), items.len() as u32)
}

fn reads(tensors: &[TensorDescriptor], numbers: &[u32]) -> (*const Read, u32) {
    let dim = |tensor: u32| tensors.get(tensor as usize).map_or(1, |tensor| tensor.dim);
    leak(numbers.iter().map(|&tensor| Read { tensor, dim: dim(tensor) }).collect())
}

/// Which tensors a pass reads and writes, and over which indices it goes.
pub struct Wiring<'a> {
    pub rows: u8,
    pub columns: u8,
    pub row_reads: &'a [u32],
    pub column_reads: &'a [u32],
    pub parameter_reads: &'a [u32],
    pub write: u32,
}

/// A number in a record.
fn field(state_offset: u32, record_offset: u32, size: usize) -> StateField {
    StateField { state_offset, record_offset, dim: 1, element_size: size as u32 }
}

/// A pass that sums a kernel.
pub fn sum_pass<K: Kernel>(tensors: &[TensorDescriptor], wiring: &Wiring<'_>) -> PassDescriptor {
    let (parameter_values, row_values, column_values) = counts::<K>();
    let (row_reads, num_row_reads) = reads(tensors, wiring.row_reads);
    let (column_reads, num_column_reads) = reads(tensors, wiring.column_reads);
    let (parameter_reads, num_parameter_reads) = reads(tensors, wiring.parameter_reads);
    let (writes, num_writes) = leak(vec![Write { tensor: wiring.write, dim: 1, offset: 0, reserved: 0 }]);
    let (fields, num_fields) = leak(vec![field(0, 0, size_of::<K::N>())]);
    PassDescriptor {
        rows: wiring.rows,
        columns: wiring.columns,
        compute: K::N::COMPUTE,
        order: ORDER_TREE,
        tile_rows: TILE as u32,
        chunk: CHUNK as u32,
        num_row_reads,
        num_column_reads,
        num_parameter_reads,
        num_writes,
        row_values: row_values as u32,
        column_values: column_values as u32,
        parameter_values: parameter_values as u32,
        state_size: 64,
        result_size: 64,
        // Dear enough for threads to be worth starting at a few pairs.
        pair_cost: 1 << 24,
        record_size: 8,
        num_fields,
        few_rows: FEW as u32,
        lanes: 0,
        num_scatters: 0,
        row_reads,
        column_reads,
        parameter_reads,
        writes,
        fields,
        scatters: core::ptr::null(),
        parameter_prologue: K::PROLOGUES.then_some(parameter_prologue::<K>),
        row_prologue: K::PROLOGUES.then_some(row_prologue::<K>),
        column_prologue: K::PROLOGUES.then_some(column_prologue::<K>),
        initialize: initialize::<K::N>,
        accumulate: accumulate::<K, TILE>,
        accumulate_few: Some(accumulate::<K, FEW>),
        accumulate_across: None,
        transpose: None,
        merge_lanes: None,
        merge: merge::<K::N>,
        epilogue: epilogue::<K::N>,
    }
}

/// An entry of these tensors (the last `temporaries` of them temporary) and passes, for any processor. It has shards if it has one pass.
pub fn entry(
    name: &'static CStr,
    mut tensors: Vec<TensorDescriptor>,
    temporaries: u32,
    mut passes: Vec<PassDescriptor>,
) -> &'static EntryDescriptor {
    if let [pass] = &passes[..] {
        for (reads, count) in [(pass.row_reads, pass.num_row_reads), (pass.parameter_reads, pass.num_parameter_reads)] {
            for number in 0..count as usize {
                let tensor = unsafe { (*reads.add(number)).tensor };
                tensors[tensor as usize].finalize_reads = 1;
            }
        }
    } else {
        passes.iter_mut().for_each(|pass| pass.record_size = 0);
    }
    let (tensors, all) = leak(tensors);
    let (passes, num_passes) = leak(passes);
    let (clones, num_clones) =
        leak(vec![CloneDescriptor { name: c"generic".as_ptr(), requirement: REQUIRES_NOTHING, num_passes, passes }]);
    Box::leak(Box::new(EntryDescriptor {
        name: name.as_ptr(),
        num_tensors: all - temporaries,
        num_temporaries: temporaries,
        tensors,
        num_clones,
        reserved: 0,
        clones,
        for_ranges: core::ptr::null(),
        device: core::ptr::null(),
    }))
}

/// `b_j (x_i·y_j + x'_i y'_j + p')`, where a prime is what the prologues append.
pub struct Full<N>(core::marker::PhantomData<N>);

impl<N: Number> Kernel for Full<N> {
    type N = N;
    const ROW: usize = 2;
    const COLUMN: usize = 3;
    const PARAMETERS: usize = 1;
    const PROLOGUES: bool = true;
    fn pair(parameters: &[N], row: &[N], column: &[N]) -> N {
        column[2] * (row[0] * column[0] + row[1] * column[1] + row[2] * column[3] + parameters[1])
    }
}

/// `x_i y_j`: columns can be read in place.
pub struct Product;

impl Kernel for Product {
    type N = f32;
    const ROW: usize = 1;
    const COLUMN: usize = 1;
    const PARAMETERS: usize = 0;
    const PROLOGUES: bool = false;
    fn pair(_: &[f32], row: &[f32], column: &[f32]) -> f32 {
        row[0] * column[0]
    }
}

/// `x_i j`, by the numbers of the columns.
pub struct Numbered;

impl Kernel for Numbered {
    type N = f64;
    const ROW: usize = 1;
    const COLUMN: usize = 1;
    const PARAMETERS: usize = 0;
    const PROLOGUES: bool = false;
    fn pair(_: &[f64], row: &[f64], column: &[f64]) -> f64 {
        row[0] * column[0].to_bits() as f64
    }
}

/// `numbered(x)` over j.
pub fn numbered() -> &'static EntryDescriptor {
    let tensors = vec![tensor(c"x", ROLE_I, 1, F64, false), tensor(c"c", ROLE_I, 1, F64, true)];
    let wiring = Wiring {
        rows: ROLE_I,
        columns: ROLE_J,
        row_reads: &[0],
        column_reads: &[ROW_NUMBERS],
        parameter_reads: &[],
        write: 1,
    };
    let pass = sum_pass::<Numbered>(&tensors, &wiring);
    entry(c"numbered", tensors, 0, vec![pass])
}

/// `conv(x, y, b, p)` over j.
pub fn full<N: Number>(dtype: u8) -> &'static EntryDescriptor {
    full_in_order::<N>(dtype, ORDER_TREE)
}

/// The same, chunks merged in that order.
pub fn full_in_order<N: Number>(dtype: u8, order: u8) -> &'static EntryDescriptor {
    let tensors = vec![
        tensor(c"x", ROLE_I, 2, dtype, false),
        tensor(c"y", ROLE_J, 2, dtype, false),
        tensor(c"b", ROLE_J, 1, dtype, false),
        tensor(c"p", ROLE_PARAMETER, 1, dtype, false),
        tensor(c"c", ROLE_I, 1, dtype, true),
    ];
    let wiring = Wiring {
        rows: ROLE_I,
        columns: ROLE_J,
        row_reads: &[0],
        column_reads: &[1, 2],
        parameter_reads: &[3],
        write: 4,
    };
    let pass = PassDescriptor { order, ..sum_pass::<Full<N>>(&tensors, &wiring) };
    entry(c"conv", tensors, 0, vec![pass])
}

/// `product(x, y)` over j.
pub fn product() -> &'static EntryDescriptor {
    let tensors = vec![
        tensor(c"x", ROLE_I, 1, F32, false),
        tensor(c"y", ROLE_J, 1, F32, false),
        tensor(c"c", ROLE_I, 1, F32, true),
    ];
    let wiring =
        Wiring { rows: ROLE_I, columns: ROLE_J, row_reads: &[0], column_reads: &[1], parameter_reads: &[], write: 2 };
    let pass = sum_pass::<Product>(&tensors, &wiring);
    entry(c"product", tensors, 0, vec![pass])
}

/// Two passes: `t_i = Σ_j x_i y_j`, then `c_j = Σ_i y_j t_i`.
pub fn two_passes() -> &'static EntryDescriptor {
    let tensors = vec![
        tensor(c"x", ROLE_I, 1, F32, false),
        tensor(c"y", ROLE_J, 1, F32, false),
        tensor(c"c", ROLE_J, 1, F32, true),
        tensor(c"t", ROLE_I, 1, F32, false),
    ];
    let first =
        Wiring { rows: ROLE_I, columns: ROLE_J, row_reads: &[0], column_reads: &[1], parameter_reads: &[], write: 3 };
    let second =
        Wiring { rows: ROLE_J, columns: ROLE_I, row_reads: &[1], column_reads: &[3], parameter_reads: &[], write: 2 };
    let passes = vec![sum_pass::<Product>(&tensors, &first), sum_pass::<Product>(&tensors, &second)];
    entry(c"two", tensors, 1, passes)
}

/// `c = Σ_j p y_j`, one row.
pub fn parameter_rows() -> &'static EntryDescriptor {
    let tensors = vec![
        tensor(c"p", ROLE_PARAMETER, 1, F32, false),
        tensor(c"y", ROLE_J, 1, F32, false),
        tensor(c"c", ROLE_PARAMETER, 1, F32, true),
    ];
    let wiring = Wiring {
        rows: ROLE_PARAMETER,
        columns: ROLE_J,
        row_reads: &[0],
        column_reads: &[1],
        parameter_reads: &[],
        write: 2,
    };
    let pass = sum_pass::<Product>(&tensors, &wiring);
    entry(c"total", tensors, 0, vec![pass])
}

unsafe extern "C" fn double_rows(_: *const c_void, tile: *const c_void, _: *const c_void, results: *mut c_void) {
    unsafe {
        for row in 0..TILE {
            results.cast::<f32>().add(row).write(2.0 * tile.cast::<f32>().add(row).read());
        }
    }
}

/// `c_i = 2 x_i`, no reduction.
pub fn no_reduction() -> &'static EntryDescriptor {
    let tensors = vec![tensor(c"x", ROLE_I, 1, F32, false), tensor(c"c", ROLE_I, 1, F32, true)];
    let wiring = Wiring {
        rows: ROLE_I,
        columns: ROLE_PARAMETER,
        row_reads: &[0],
        column_reads: &[],
        parameter_reads: &[],
        write: 1,
    };
    let pass = PassDescriptor { epilogue: double_rows, ..sum_pass::<Product>(&tensors, &wiring) };
    entry(c"double", tensors, 0, vec![pass])
}

#[repr(C)]
struct Smallest {
    value: [f32; TILE],
    index: [i64; TILE],
}

unsafe extern "C" fn smallest_initialize(state: *mut c_void) {
    unsafe { state.cast::<Smallest>().write(Smallest { value: [f32::INFINITY; TILE], index: [-1; TILE] }) }
}

unsafe extern "C" fn smallest_accumulate(
    _: *const c_void,
    tile: *const c_void,
    records: *const c_void,
    count: i64,
    origin: i64,
    first: i64,
    state: *mut c_void,
) {
    unsafe {
        let state = &mut *state.cast::<Smallest>();
        for column in 0..count as usize {
            let y = records.cast::<f32>().add(column).read();
            for row in 0..TILE {
                let value = (tile.cast::<f32>().add(row).read() - y).abs();
                if value < state.value[row] {
                    state.value[row] = value;
                    state.index[row] = origin + first + column as i64;
                }
            }
        }
    }
}

unsafe extern "C" fn smallest_merge(left: *mut c_void, right: *const c_void) {
    unsafe {
        let (left, right) = (&mut *left.cast::<Smallest>(), &*right.cast::<Smallest>());
        for row in 0..TILE {
            if right.value[row] < left.value[row] {
                left.value[row] = right.value[row];
                left.index[row] = right.index[row];
            }
        }
    }
}

unsafe extern "C" fn smallest_epilogue(_: *const c_void, _: *const c_void, state: *const c_void, results: *mut c_void) {
    unsafe {
        let state = &*state.cast::<Smallest>();
        results.cast::<[f32; TILE]>().write(state.value);
        results.byte_add(64).cast::<[i64; TILE]>().write(state.index);
    }
}

/// `value_i = min_j |x_i - y_j|` and the first j that has it.
pub fn smallest(dtype: u8) -> &'static EntryDescriptor {
    let tensors = vec![
        tensor(c"x", ROLE_I, 1, dtype, false),
        tensor(c"y", ROLE_J, 1, dtype, false),
        tensor(c"value", ROLE_I, 1, dtype, true),
        tensor(c"index", ROLE_I, 1, I64, true),
    ];
    let wiring =
        Wiring { rows: ROLE_I, columns: ROLE_J, row_reads: &[0], column_reads: &[1], parameter_reads: &[], write: 2 };
    let (writes, num_writes) = leak(vec![
        Write { tensor: 2, dim: 1, offset: 0, reserved: 0 },
        Write { tensor: 3, dim: 1, offset: 64, reserved: 0 },
    ]);
    let (fields, num_fields) = leak(vec![field(0, 0, 4), field(32, 8, 8)]);
    let pass = PassDescriptor {
        writes,
        num_writes,
        fields,
        num_fields,
        record_size: 16,
        state_size: 128,
        result_size: 128,
        initialize: smallest_initialize,
        order: ORDER_CARRIED,
        accumulate: smallest_accumulate,
        accumulate_few: None,
        accumulate_across: None,
        transpose: None,
        merge_lanes: None,
        merge: smallest_merge,
        epilogue: smallest_epilogue,
        ..sum_pass::<Product>(&tensors, &wiring)
    };
    entry(c"nearest", tensors, 0, vec![pass])
}
