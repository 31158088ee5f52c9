//! Scatters: what rows have, summed up by column number, after a pass has found these numbers.
//!
//! An *entry* is a row with one of its numbers. A column's entries, in their order, are cut into chunks of [`CHUNK`], whose sums merge in a binary tree
//! over chunk numbers. A chunk of few components has several running sums, entry by entry in turn, that are added in a tree, too: those of the
//! lanes of a warp, as `cuda` does the same. Entries are counted first, so that the sum of each chunk has a place:
//!
//! ```text
//! numbers of rows       2 0 2 -1 1 2            columns 0 1 2
//! starts                0 1 2 5                 the entries of all columns before
//! ```
//!
//! Then each thread walks over all numbers and takes the rows of its own columns in.
//!
//! Invariant: which numbers are added in which order depends on a column's own entries alone, never on threads or on other columns.

use super::arena::{align, times};
use super::convert::{BFloat, Compute, Double, Half, Single, Storage};
use super::pack::{View, size_of_type};
use super::problem::{Problem, list};
use super::schedule::worthwhile;
use super::threads::parallel_for;
use crate::abi::{self, BF16, F16, F32, NO_TENSOR, PassDescriptor};
use core::ops::AddAssign;

/// Entries whose sum is a leaf of the tree.
pub const CHUNK: usize = 128;
/// Running sums of a chunk: a component takes so many in all, or one.
const LANES: usize = 32;
/// Columns that a unit finishes.
const COLUMNS_A_UNIT: usize = 32;
/// Cycles for an entry, beside one for each component.
const ENTRY_CYCLES: usize = 16;

/// How much there is to sum up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Rows of a batch element.
    pub rows: usize,
    /// Numbers of a row.
    pub places: usize,
    /// Columns.
    pub columns: usize,
    /// Components.
    pub width: usize,
}

impl Size {
    /// Of a scatter at the end of a pass.
    pub fn of(problem: &Problem<'_>, pass: &PassDescriptor, scatter: &abi::Scatter) -> Size {
        let tensor = |number: u32| problem.descriptors().get(number as usize);
        let (numbers, sums) = (tensor(scatter.numbers), tensor(scatter.sums));
        Size {
            rows: problem.extents.rows(pass.rows),
            places: numbers.map_or(0, |numbers| numbers.dim as usize),
            columns: sums.map_or(0, |sums| problem.extents.rows(sums.role)),
            width: sums.map_or(0, |sums| sums.dim as usize),
        }
    }

    /// Rows with their numbers, one by one.
    pub fn entries(&self) -> usize {
        times(self.rows, self.places)
    }

    /// Running sums of a chunk, a power of two.
    fn running(&self) -> usize {
        LANES / self.width.next_power_of_two().clamp(1, LANES)
    }

    /// Room for the sums of chunks: column `c`, before which there are `start` entries, has its own from `start / CHUNK + c` on.
    pub fn slots(&self) -> usize {
        if self.columns == 0 { 0 } else { (self.entries() / CHUNK).saturating_add(self.columns) }
    }
}

/// The scatters that a pass ends in.
pub fn scatters(pass: &PassDescriptor) -> &[abi::Scatter] {
    // SAFETY: a pass has this many.
    unsafe { list(pass.scatters, pass.num_scatters) }
}

/// Bytes of the memory in which a pass's scatters are done, one after the other.
pub fn bytes(problem: &Problem<'_>, pass: &PassDescriptor) -> usize {
    let one = |scatter| Memory::bytes(&Size::of(problem, pass, scatter), scatter);
    scatters(pass).iter().map(one).fold(0, usize::max)
}

/// Cycles that a pass's scatters take.
pub fn cycles(problem: &Problem<'_>, pass: &PassDescriptor) -> usize {
    let one = |scatter| {
        let size = Size::of(problem, pass, scatter);
        times(size.entries(), size.width.saturating_add(ENTRY_CYCLES))
    };
    scatters(pass).iter().map(one).fold(0, usize::saturating_add)
}

/// Does a pass's scatters, in `memory` of [`bytes`] bytes, on up to `threads` threads. `view` tells where tensors lie.
///
/// # Safety
/// The tensors that are read are complete, those that are written belong to the call alone.
pub unsafe fn run(
    problem: &Problem<'_>,
    pass: &PassDescriptor,
    view: impl Fn(u32) -> View,
    memory: *mut u8,
    threads: usize,
) {
    let threads = worthwhile(cycles(problem, pass), threads);
    let mut counted = NO_TENSOR;
    for scatter in scatters(pass) {
        let size = Size::of(problem, pass, scatter);
        let task = Task {
            size,
            numbers: view(scatter.numbers).data.cast_const().cast(),
            values: (scatter.values != NO_TENSOR).then(|| view(scatter.values)),
            sums: view(scatter.sums).data,
            compute: pass.compute,
            accumulators: scatter.accumulators as u8,
            memory: Memory::at(memory, &size, scatter.accumulators as u8),
            shares: threads.min(size.columns).max(1),
        };
        // SAFETY: as the caller promises; each phase is complete before the next one begins.
        unsafe {
            if counted != scatter.numbers {
                task.count();
                counted = scatter.numbers;
            }
            task.sum(threads);
        }
    }
}

/// Where a scatter keeps what.
#[derive(Clone, Copy)]
struct Memory {
    /// How many entries the columns before each have, and the number of all.
    starts: *mut usize,
    /// How many entries of each column have been taken in.
    taken: *mut usize,
    /// The running sums of each column's chunk at hand, where there are several.
    running: *mut u8,
    /// Sums of chunks.
    chunks: *mut u8,
}

impl Memory {
    fn parts(size: &Size, accumulators: u8) -> [usize; 4] {
        let number = size_of_type(accumulators);
        let running = if size.running() > 1 { times(times(size.columns, LANES), number) } else { 0 };
        let starts = times(size.columns.saturating_add(1), size_of::<usize>());
        [starts, starts, running, times(times(size.slots(), size.width), number)].map(align)
    }

    fn bytes(size: &Size, scatter: &abi::Scatter) -> usize {
        let parts = Memory::parts(size, scatter.accumulators as u8);
        parts.iter().fold(0, |sum: usize, part| sum.saturating_add(*part))
    }

    fn at(base: *mut u8, size: &Size, accumulators: u8) -> Memory {
        let [starts, taken, running, _] = Memory::parts(size, accumulators);
        let taken_at = base.wrapping_add(starts);
        let running_at = taken_at.wrapping_add(taken);
        let chunks = running_at.wrapping_add(running);
        Memory { starts: base.cast(), taken: taken_at.cast(), running: running_at, chunks }
    }
}

/// A scatter of a batch element.
struct Task {
    size: Size,
    /// `[rows][places]`
    numbers: *const i64,
    /// What is summed up; ones if `None`.
    values: Option<View>,
    /// `[columns][width]` of the computing type.
    sums: *mut u8,
    compute: u8,
    accumulators: u8,
    memory: Memory,
    /// Parts of the columns that are summed up side by side.
    shares: usize,
}

impl Task {
    /// Calls `see` with each row and column below `end`, from `first` on, that one of the row's numbers names.
    #[inline(always)]
    unsafe fn for_each_entry(&self, first: usize, end: usize, mut see: impl FnMut(usize, usize)) {
        for row in 0..self.size.rows {
            for place in 0..self.size.places {
                // SAFETY: every row has its numbers.
                let number = unsafe { self.numbers.add(row * self.size.places + place).read() };
                if (first as i64..end as i64).contains(&number) {
                    see(row, number as usize);
                }
            }
        }
    }

    /// Fills `starts`.
    unsafe fn count(&self) {
        let Size { columns, .. } = self.size;
        let starts = self.memory.starts;
        // SAFETY: there is a start for each column and one more.
        unsafe {
            starts.write_bytes(0, columns + 1);
            self.for_each_entry(0, columns, |_, column| *starts.add(column) += 1);
            let mut before = 0;
            for column in 0..=columns {
                before += starts.add(column).replace(before);
            }
        }
    }

    /// Writes the sums of all columns.
    unsafe fn sum(&self, threads: usize) {
        let units = self.size.columns.div_ceil(COLUMNS_A_UNIT);
        // SAFETY: units have columns of their own, whose chunks are complete when they are merged.
        unsafe {
            match (self.accumulators, self.compute) {
                (F32, _) => {
                    self.sum_chunks::<f32>(threads);
                    parallel_for(threads, units, self, Task::finish::<f32, Single>);
                }
                (_, compute) => {
                    self.sum_chunks::<f64>(threads);
                    match compute {
                        F32 => parallel_for(threads, units, self, Task::finish::<f64, Single>),
                        _ => parallel_for(threads, units, self, Task::finish::<f64, Double>),
                    }
                }
            }
        }
    }

    /// Sums all chunks up, if there is more to do than to count.
    unsafe fn sum_chunks<T: Sum>(&self, threads: usize) {
        let Some(values) = &self.values else { return };
        // SAFETY: as the caller promises.
        unsafe {
            self.memory.taken.write_bytes(0, self.size.columns);
            match values.dtype {
                F16 => parallel_for(threads, self.shares, self, Task::sum_share::<Half, T>),
                BF16 => parallel_for(threads, self.shares, self, Task::sum_share::<BFloat, T>),
                F32 => parallel_for(threads, self.shares, self, Task::sum_share::<Single, T>),
                _ => parallel_for(threads, self.shares, self, Task::sum_share::<Double, T>),
            }
        }
    }

    /// How many entries the columns before one have.
    unsafe fn start(&self, column: usize) -> usize {
        // SAFETY: the caller asks for a column, or for what is past the last one.
        unsafe { self.memory.starts.add(column).read() }
    }

    /// The slot of a column's first chunk.
    unsafe fn first_slot(&self, column: usize) -> usize {
        // SAFETY: as for `start`.
        unsafe { self.start(column) / CHUNK + column }
    }

    /// The first column of a share: the first before which there is its part of all entries.
    unsafe fn first_column(&self, share: usize) -> usize {
        if share == self.shares {
            return self.size.columns;
        }
        // SAFETY: all are columns.
        unsafe {
            let before = self.start(self.size.columns) / self.shares.max(1) * share;
            let (mut low, mut high) = (0, self.size.columns);
            while low < high {
                let middle = low + (high - low) / 2;
                if self.start(middle) < before { low = middle + 1 } else { high = middle }
            }
            low
        }
    }

    /// Sums up the chunks of a share of the columns.
    unsafe fn sum_share<S: Storage, T: Sum>(&self, share: usize, _thread: usize) {
        let Some(values) = &self.values else { return };
        let (width, running) = (self.size.width, self.size.running());
        // SAFETY: the columns are this share's, and so are their chunks; rows exist.
        unsafe {
            self.for_each_entry(self.first_column(share), self.first_column(share + 1), |row, column| {
                let entry = self.memory.taken.add(column).replace(self.memory.taken.add(column).read() + 1);
                let of_chunk = entry % CHUNK;
                let chunk = self.memory.chunks.cast::<T>().add((self.first_slot(column) + entry / CHUNK) * width);
                let sums = match running {
                    1 => chunk,
                    _ => self.memory.running.cast::<T>().add(column * LANES),
                };
                if of_chunk == 0 {
                    (0..running * width).for_each(|number| sums.add(number).write(T::from_single(0.0)));
                }
                let row = (row as isize).wrapping_mul(values.row_stride);
                let row = values.data.cast::<S::Bits>().cast_const().wrapping_offset(row);
                add_row::<S, T>(sums.add((of_chunk & (running - 1)) * width), row, values.component_stride, width);
                let is_last = of_chunk + 1 == CHUNK || self.start(column) + entry + 1 == self.start(column + 1);
                if is_last && running > 1 {
                    join(sums, running, width);
                    chunk.copy_from_nonoverlapping(sums, width);
                }
            });
        }
    }

    /// Merges the chunks of some columns, and writes their sums.
    unsafe fn finish<T: Sum, S: Storage>(&self, unit: usize, _thread: usize) {
        let first = unit * COLUMNS_A_UNIT;
        for column in first..self.size.columns.min(first + COLUMNS_A_UNIT) {
            let width = self.size.width;
            // SAFETY: the column's chunks are complete, and the unit's alone.
            unsafe {
                let sums = self.sums.cast::<S::Bits>().wrapping_add(column * width);
                let entries = self.start(column + 1) - self.start(column);
                let chunks = self.memory.chunks.cast::<T>().wrapping_add(self.first_slot(column) * width);
                if self.values.is_some() {
                    merge(chunks, entries.div_ceil(CHUNK), width);
                }
                for component in 0..width {
                    let sum = match self.values {
                        None => T::from_double(entries as f64),
                        Some(_) if entries == 0 => T::from_single(0.0),
                        Some(_) => chunks.add(component).read(),
                    };
                    sums.add(component).write(S::store(sum));
                }
            }
        }
    }
}

/// What sums are made in.
trait Sum: Compute + AddAssign {}
impl Sum for f32 {}
impl Sum for f64 {}

/// Joins `count` sums of `width` components in a binary tree: in round `step = 1, 2, 4, …` chunk `m`, a multiple of `2 * step`, takes in chunk
/// `m + step`.
unsafe fn merge<T: Sum>(chunks: *mut T, count: usize, width: usize) {
    let mut step = 1;
    while step < count {
        for left in (0..count - step).step_by(2 * step) {
            // SAFETY: there are this many chunks.
            unsafe { add(chunks.add(left * width), chunks.add((left + step) * width), width) };
        }
        step *= 2;
    }
}

unsafe fn add<T: Sum>(left: *mut T, right: *const T, count: usize) {
    for number in 0..count {
        // SAFETY: both have so many numbers.
        unsafe { *left.add(number) += right.add(number).read() };
    }
}

/// Adds several running sums, a power of two, in halves; the result is in the place of the first.
unsafe fn join<T: Sum>(sums: *mut T, count: usize, width: usize) {
    let mut half = count / 2;
    while half > 0 {
        // SAFETY: there are this many.
        unsafe { add(sums, sums.add(half * width), half * width) };
        half /= 2;
    }
}

/// Adds a row's components.
#[inline(always)]
unsafe fn add_row<S: Storage, T: Sum>(sum: *mut T, row: *const S::Bits, stride: isize, width: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if stride == 1 {
            (0..width).for_each(|k| *sum.add(k) += S::load::<T>(row.add(k).read()));
        } else {
            (0..width).for_each(|k| *sum.add(k) += S::load::<T>(row.offset(k as isize * stride).read()));
        }
    }
}
