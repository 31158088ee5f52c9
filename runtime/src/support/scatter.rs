//! Scatters: what rows have, summed up by column number, after a pass has found these numbers.
//!
//! An *entry* is a row with one of its numbers. Entries are sorted by column, in their order, by counting; then each column has its entries in a row:
//!
//! ```text
//! numbers of rows       2 0 2 -1 1 2          columns 0 1 2
//! starts                0 1 2 5
//! order                 1 | 4 | 0 2 5         rows, column after column
//! ```
//!
//! A column's entries are cut into chunks of [`CHUNK`], whose sums merge in a binary tree over chunk numbers. A chunk of few components has several
//! running sums, entry by entry in turn, that are added in a tree, too: those of the lanes of a warp, as `cuda` does the same.
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
/// Rows that are counted one after the other, at least.
const STRETCH: usize = 1 << 15;
/// Chunks that a unit sums up, and columns that a unit finishes.
const CHUNKS_A_UNIT: usize = 32;
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

    /// Room for the sums of chunks: column `c`, whose first entry has place `start`, has its own from `start / CHUNK + c` on.
    pub fn slots(&self) -> usize {
        if self.columns == 0 { 0 } else { (self.entries() / CHUNK).saturating_add(self.columns) }
    }

    /// Rows that are counted one after the other: so many that counts take no more memory than rows and columns.
    fn stretch(&self) -> usize {
        STRETCH.max(self.columns)
    }

    fn stretches(&self) -> usize {
        self.rows.div_ceil(self.stretch())
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
    let mut sorted = NO_TENSOR;
    for scatter in scatters(pass) {
        let size = Size::of(problem, pass, scatter);
        let task = Task {
            size,
            numbers: view(scatter.numbers).data.cast_const().cast(),
            values: (scatter.values != NO_TENSOR).then(|| view(scatter.values)),
            sums: view(scatter.sums).data,
            compute: pass.compute,
            accumulators: scatter.accumulators as u8,
            memory: Memory::at(memory, &size),
        };
        // SAFETY: as the caller promises; each phase is complete before the next one begins.
        unsafe {
            if sorted != scatter.numbers {
                task.sort(threads);
                sorted = scatter.numbers;
            }
            task.sum(threads);
        }
    }
}

/// Where a scatter keeps what.
#[derive(Clone, Copy)]
struct Memory {
    /// For each stretch of rows and each column the entries there, then the place of the next one.
    counts: *mut usize,
    /// The place of each column's first entry, and the number of all.
    starts: *mut usize,
    /// The rows of all entries, column after column.
    order: *mut usize,
    /// Sums of chunks.
    chunks: *mut u8,
}

impl Memory {
    fn parts(size: &Size) -> [usize; 3] {
        let numbers = [times(size.stretches(), size.columns), size.columns.saturating_add(1), size.entries()];
        numbers.map(|count| align(times(count, size_of::<usize>())))
    }

    fn bytes(size: &Size, scatter: &abi::Scatter) -> usize {
        let chunks = times(times(size.slots(), size.width), size_of_type(scatter.accumulators as u8));
        Memory::parts(size).iter().fold(align(chunks), |sum, part| sum.saturating_add(*part))
    }

    fn at(base: *mut u8, size: &Size) -> Memory {
        let [counts, starts, order] = Memory::parts(size);
        let starts_at = base.wrapping_add(counts);
        let order_at = starts_at.wrapping_add(starts);
        let chunks = order_at.wrapping_add(order);
        Memory { counts: base.cast(), starts: starts_at.cast(), order: order_at.cast(), chunks }
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
}

impl Task {
    /// Fills `starts` and `order`.
    unsafe fn sort(&self, threads: usize) {
        let stretches = self.size.stretches();
        // SAFETY: units are stretches, each with counts and places of its own.
        unsafe {
            parallel_for(threads, stretches, self, Task::count);
            self.find_places();
            parallel_for(threads, stretches, self, Task::place);
        }
    }

    /// Calls `see` with each row of a stretch and the column that one of its numbers names.
    unsafe fn for_each_entry(&self, stretch: usize, mut see: impl FnMut(usize, usize)) {
        let first = stretch * self.size.stretch();
        let end = self.size.rows.min(first + self.size.stretch());
        for row in first..end {
            for place in 0..self.size.places {
                // SAFETY: every row has its numbers.
                let number = unsafe { self.numbers.add(row * self.size.places + place).read() };
                if (0..self.size.columns as i64).contains(&number) {
                    see(row, number as usize);
                }
            }
        }
    }

    fn counts_of(&self, stretch: usize) -> *mut usize {
        self.memory.counts.wrapping_add(stretch * self.size.columns)
    }

    unsafe fn count(&self, stretch: usize, _thread: usize) {
        let counts = self.counts_of(stretch);
        // SAFETY: the stretch has a count for each column.
        unsafe {
            counts.write_bytes(0, self.size.columns);
            self.for_each_entry(stretch, |_, column| *counts.add(column) += 1);
        }
    }

    /// Turns counts into the places of first entries: by column, then by stretch.
    unsafe fn find_places(&self) {
        let mut place = 0;
        let stretches = self.size.stretches();
        // SAFETY: there is a start for each column and one more, and a count for each stretch and column.
        unsafe {
            for column in 0..self.size.columns {
                self.memory.starts.add(column).write(place);
                for stretch in 0..stretches {
                    let count = self.counts_of(stretch).add(column);
                    place += count.replace(place);
                }
            }
            self.memory.starts.add(self.size.columns).write(place);
        }
    }

    unsafe fn place(&self, stretch: usize, _thread: usize) {
        let places = self.counts_of(stretch);
        // SAFETY: there is a place for each entry, which no other one has.
        unsafe {
            self.for_each_entry(stretch, |row, column| {
                let place = places.add(column);
                self.memory.order.add(place.read()).write(row);
                *place += 1;
            });
        }
    }

    /// Writes the sums of all columns.
    unsafe fn sum(&self, threads: usize) {
        let columns = self.size.columns.div_ceil(CHUNKS_A_UNIT);
        // SAFETY: units have chunks and columns of their own.
        unsafe {
            if self.values.is_some() {
                parallel_for(threads, self.size.slots().div_ceil(CHUNKS_A_UNIT), self, Task::sum_chunks);
            }
            match (self.accumulators, self.compute) {
                (F32, _) => parallel_for(threads, columns, self, Task::finish::<f32, Single>),
                (_, F32) => parallel_for(threads, columns, self, Task::finish::<f64, Single>),
                _ => parallel_for(threads, columns, self, Task::finish::<f64, Double>),
            }
        }
    }

    /// Where a column's entries begin.
    unsafe fn start(&self, column: usize) -> usize {
        // SAFETY: the caller asks for a column, or for what is past the last one.
        unsafe { self.memory.starts.add(column).read() }
    }

    /// The slot of a column's first chunk.
    unsafe fn first_slot(&self, column: usize) -> usize {
        // SAFETY: as for `start`.
        unsafe { self.start(column) / CHUNK + column }
    }

    /// The column that a slot belongs to: the last one whose slots begin at it or before.
    unsafe fn column_of(&self, slot: usize) -> usize {
        let (mut low, mut high) = (0, self.size.columns);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            // SAFETY: it is a column.
            if unsafe { self.first_slot(middle) } <= slot { low = middle } else { high = middle }
        }
        low
    }

    unsafe fn sum_chunks(&self, unit: usize, _thread: usize) {
        let first = unit * CHUNKS_A_UNIT;
        let end = self.size.slots().min(first + CHUNKS_A_UNIT);
        let Some(values) = &self.values else { return };
        for slot in first..end {
            // SAFETY: the column exists, and so do its entries.
            unsafe {
                let column = self.column_of(slot);
                let begin = self.start(column) + (slot - self.first_slot(column)) * CHUNK;
                let end = self.start(column + 1).min(begin + CHUNK);
                if begin >= end {
                    continue;
                }
                let chunk = Chunk {
                    order: self.memory.order.wrapping_add(begin),
                    entries: end - begin,
                    width: self.size.width,
                };
                let at = self.memory.chunks;
                let offset = slot * self.size.width;
                match self.accumulators {
                    F32 => chunk.sum(values, at.cast::<f32>().wrapping_add(offset)),
                    _ => chunk.sum(values, at.cast::<f64>().wrapping_add(offset)),
                }
            }
        }
    }

    /// Merges the chunks of some columns, and writes their sums.
    unsafe fn finish<T: Sum, S: Storage>(&self, unit: usize, _thread: usize) {
        let first = unit * CHUNKS_A_UNIT;
        for column in first..self.size.columns.min(first + CHUNKS_A_UNIT) {
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

/// Some entries of a column.
struct Chunk {
    /// Their rows.
    order: *const usize,
    /// At most [`CHUNK`].
    entries: usize,
    width: usize,
}

impl Chunk {
    /// Their sum.
    unsafe fn sum<T: Sum>(&self, values: &View, sum: *mut T) {
        // SAFETY: as the caller promises.
        unsafe {
            match values.dtype {
                F16 => self.sum_as::<Half, T>(values, sum),
                BF16 => self.sum_as::<BFloat, T>(values, sum),
                F32 => self.sum_as::<Single, T>(values, sum),
                _ => self.sum_as::<Double, T>(values, sum),
            }
        }
    }

    /// Several running sums where there are few components: entry `e` belongs to number `e % sums`.
    unsafe fn sum_as<S: Storage, T: Sum>(&self, values: &View, sum: *mut T) {
        let width = self.width;
        let sums = LANES / width.next_power_of_two().clamp(1, LANES);
        let mut running = [T::from_single(0.0); LANES];
        let running: *mut T = if sums > 1 { running.as_mut_ptr() } else { sum };
        // SAFETY: a row has `width` components; there is room for as many of each running sum.
        unsafe {
            (0..sums * width).for_each(|number| running.add(number).write(T::from_single(0.0)));
            for entry in 0..self.entries {
                let row = self.order.add(entry).read() as isize;
                let row =
                    values.data.cast::<S::Bits>().cast_const().wrapping_offset(row.wrapping_mul(values.row_stride));
                add_row::<S, T>(running.add(entry % sums.max(1) * width), row, values.component_stride, width);
            }
            let mut half = sums / 2;
            while half > 0 {
                add(running, running.add(half * width), half * width);
                half /= 2;
            }
            if sums > 1 {
                sum.copy_from_nonoverlapping(running, width);
            }
        }
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
