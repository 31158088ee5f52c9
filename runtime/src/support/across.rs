//! A few rows over many columns, which then lie in the lanes: each lane takes a stretch of columns.
//!
//! With a merge tree, 2^k chunks at a time are divided among up to `lanes` lanes: each takes as many neighbouring ones, along the same tree, and
//! the lanes' states merge along its upper part. So every state of the tree is found as it would be for many rows, and the bits are the same.
//! Where states are carried on, lanes take equal shares. What does not fill a chunk is left to the row's own function.

use super::arena::{align, times};
use super::pass::{Counter, Group, PassRun};
use super::schedule::{Geometry, element_size};
use crate::abi::{AccumulateAcross, MergeLanes, ORDER_CARRIED, PassDescriptor, Transpose};

/// Levels of the merge tree below the lanes': so that lanes seldom merge, which costs more than rows' states do.
const LANE_LEVELS: u32 = 4;
/// States of a row's lanes at the same time: one a level, and the next leaf.
const LEVELS: usize = LANE_LEVELS as usize + 2;
/// Bytes of a state of which a copy goes on the stack while lanes are merged.
const LARGEST_STATE: u32 = 256 << 10;
/// Columns a lane for each byte of a row's state that is carried on otherwise.
const COLUMNS_A_BYTE: usize = 32;
/// Bytes of a column tile that stays in the first-level cache while all rows go through it.
const TILE_BYTES: usize = 32 << 10;
/// Values of a column that more rows than a vector has read from there in less time than a tile of them takes.
const SHORT_COLUMN: u32 = 12;

/// Whether columns lie in the lanes.
pub fn is_across(pass: &PassDescriptor, geometry: &Geometry) -> bool {
    let lanes = (pass.lanes as usize).max(1);
    // Each row reads all values of a column, which a tile of rows reads once for several vectors of them.
    let is_cached = pass.order == ORDER_CARRIED || tile_bytes(pass, geometry) <= TILE_BYTES;
    let is_short = pass.column_values <= SHORT_COLUMN;
    let most = if is_short && is_cached { pass.tile_rows as usize } else { lanes };
    let few = geometry.rows <= most.saturating_sub(lanes / 4);
    // A column tile, which is no longer than a chunk, can be transposed if it has as many columns as there are lanes.
    let many = geometry.chunk >= lanes && geometry.columns / lanes >= geometry.chunk;
    // Lanes begin with states of their own, which are merged at the end: where these are large and carried on otherwise, that is worth it for
    // many columns only.
    let row_bytes = pass.state_size as usize / (pass.tile_rows as usize).max(1);
    let pays = pass.order != ORDER_CARRIED || geometry.columns / lanes >= times(row_bytes, COLUMNS_A_BYTE);
    let small = pass.state_size <= LARGEST_STATE;
    pass.accumulate_across.is_some() && few && many && pays && small && !geometry.is_sparse
}

/// Bytes of a thread's memory for that: a column tile, and for each row the states of the lanes.
pub fn scratch_bytes(pass: &PassDescriptor, geometry: &Geometry) -> usize {
    tile_bytes(pass, geometry).saturating_add(times(times(geometry.rows, LEVELS), pass.state_size as usize))
}

fn tile_bytes(pass: &PassDescriptor, geometry: &Geometry) -> usize {
    align(times(times(geometry.chunk, geometry.record_bytes), pass.lanes as usize))
}

/// The levels of the largest binary tree that has no more leaves.
fn levels_of(leaves: usize) -> u32 {
    (usize::BITS - leaves.leading_zeros()).saturating_sub(1)
}

/// The three functions of a pass.
#[derive(Clone, Copy)]
pub struct Functions {
    accumulate: AccumulateAcross,
    transpose: Transpose,
    merge_lanes: MergeLanes,
}

impl Functions {
    /// Those of a pass, if it has some.
    pub fn of(pass: &PassDescriptor) -> Option<Functions> {
        Some(Functions {
            accumulate: pass.accumulate_across?,
            transpose: pass.transpose?,
            merge_lanes: pass.merge_lanes?,
        })
    }
}

/// The columns of a column tile: `count` in each lane, those of the first lane from `first` on, each lane's `stride` after the one's before.
#[derive(Clone, Copy)]
struct Stretch {
    first: usize,
    count: usize,
    stride: usize,
}

/// Some rows, of one tile, whose columns lie in the lanes.
pub struct Across<'a> {
    /// The tile of the rows.
    pub group: &'a Group<'a>,
    /// The pass.
    pub run: &'a PassRun<'a>,
    /// Its functions.
    pub functions: Functions,
    /// This thread's memory.
    pub memory: *mut u8,
}

impl Across<'_> {
    /// Reduces chunks `begin..end` to the state at level 0 of the rows' tile. `begin` is a multiple of the largest power of two that is not above
    /// their number.
    ///
    /// # Safety
    /// The row tile is complete, the columns exist, the memory is this thread's.
    pub unsafe fn reduce(&self, begin: usize, end: usize) {
        let Geometry { chunk, columns, .. } = self.run.geometry;
        let mut counter = self.run.counter();
        let past = columns.min(end * chunk);
        // SAFETY: as the caller promises.
        unsafe {
            let rest = match self.run.pass.order {
                ORDER_CARRIED => self.carry(&mut counter, begin * chunk, past),
                _ => self.reduce_chunks(&mut counter, begin, past / chunk.max(1)) * chunk,
            };
            self.run.pack_rest(rest, past);
            self.group.push_columns(&mut counter, rest, past);
            self.group.fold(&mut counter);
        }
    }

    /// Puts chunks from `next` to `end`, as far as they fill the lanes, on the stack, and gives the first that is left over.
    unsafe fn reduce_chunks(&self, counter: &mut Counter, mut next: usize, end: usize) -> usize {
        let lane_levels = levels_of(self.lanes());
        while end - next >= self.lanes() {
            let levels = levels_of(end - next).min(lane_levels + LANE_LEVELS);
            // SAFETY: as the caller promises.
            unsafe { self.reduce_subtree(counter, next, levels, lane_levels) };
            next += 1 << levels;
        }
        next
    }

    /// Puts `2^levels` chunks on the stack.
    unsafe fn reduce_subtree(&self, counter: &mut Counter, first: usize, levels: u32, lane_levels: u32) {
        let chunk = self.run.geometry.chunk;
        let taken = 1 << (levels - lane_levels);
        let mut lanes = self.run.counter();
        // SAFETY: as the caller promises; a stack is never deeper than the tree below the lanes.
        unsafe {
            for number in 0..taken {
                let columns = Stretch { first: (first + number) * chunk, count: chunk, stride: taken * chunk };
                self.transpose(columns);
                lanes.begin(|level| self.initialize(level));
                self.accumulate(columns, self.run.first_column() + columns.first, lanes.top());
                lanes.push(0, |left, right| self.merge(left, right));
            }
            self.merge_lanes(counter.top());
        }
        counter.push(levels, |left, right| self.group.merge(left, right));
    }

    /// Takes in columns from `begin` on whose states are carried on, puts the result on the stack, and gives the first column that is left over.
    unsafe fn carry(&self, counter: &mut Counter, begin: usize, end: usize) -> usize {
        let lanes = self.lanes();
        let stride = (end - begin) / lanes / lanes * lanes;
        let origin = self.run.origin(begin);
        // Row numbers have to fit into lanes.
        if stride == 0 || origin != self.run.origin(end - 1) {
            return begin;
        }
        let column_bytes = times(self.run.geometry.record_bytes, lanes).max(1);
        let step = (TILE_BYTES / column_bytes).min(self.run.geometry.chunk) / lanes * lanes;
        // SAFETY: as the caller promises.
        unsafe {
            self.initialize(0);
            for done in (0..stride).step_by(step.max(lanes).max(1)) {
                let columns = Stretch { first: begin + done, count: step.max(lanes).min(stride - done), stride };
                self.transpose(columns);
                self.accumulate(columns, origin, 0);
            }
            self.merge_lanes(counter.top());
        }
        counter.push(0, |left, right| self.group.merge(left, right));
        begin + stride * lanes
    }

    fn lanes(&self) -> usize {
        (self.run.pass.lanes as usize).max(1)
    }

    /// A level of the stack of the lanes' states for a row.
    fn state(&self, row: usize, level: usize) -> *mut u8 {
        let number = row * LEVELS + level;
        let tile = tile_bytes(self.run.pass, &self.run.geometry);
        self.memory.wrapping_add(tile + number * self.run.pass.state_size as usize)
    }

    /// Makes the states of all rows at a level neutral, also where they have no lanes, which merging reads, too.
    unsafe fn initialize(&self, level: usize) {
        // SAFETY: the states are this thread's.
        (0..self.run.geometry.rows)
            .for_each(|row| unsafe { (self.run.pass.initialize)(self.state(row, level).cast()) });
    }

    /// Fills the column tile.
    unsafe fn transpose(&self, columns: Stretch) {
        let element = element_size(self.run.pass);
        let mut tile = self.memory;
        self.run.for_each_source(|source, width| {
            let first = source.wrapping_add(columns.first * width * element);
            let values = self.run.pass.column_values as i64;
            // SAFETY: as the caller promises; `count` is at least the number of lanes.
            unsafe {
                (self.functions.transpose)(
                    first.cast(),
                    (columns.stride * width) as i64,
                    columns.count as i64,
                    width as i64,
                    values,
                    tile.cast(),
                );
            }
            tile = tile.wrapping_add(width * self.lanes() * element);
        });
    }

    /// Reduces what is in the column tile to the rows' states at a level.
    unsafe fn accumulate(&self, columns: Stretch, origin: usize, level: usize) {
        for row in 0..self.run.geometry.rows {
            let tile = self.group.tile(0).wrapping_add(row * element_size(self.run.pass)).cast_const();
            // SAFETY: as the caller promises.
            unsafe {
                (self.functions.accumulate)(
                    self.run.lane.parameters.cast_const().cast(),
                    tile.cast(),
                    self.memory.cast_const().cast(),
                    columns.count as i64,
                    origin as i64,
                    (self.run.first_column() + columns.first - origin) as i64,
                    columns.stride as i64,
                    self.state(row, level).cast(),
                );
            }
        }
    }

    fn merge(&self, left: usize, right: usize) {
        for row in 0..self.run.geometry.rows {
            // SAFETY: both levels hold states.
            unsafe { self.run.merge(self.state(row, left), self.state(row, right)) };
        }
    }

    /// Merges the lanes of the states at level 0, and puts them into the rows' own at a level of their stack.
    unsafe fn merge_lanes(&self, level: usize) {
        let target = self.group.state(0, level);
        // SAFETY: as the caller promises.
        unsafe {
            (self.run.pass.initialize)(target.cast());
            for row in 0..self.run.geometry.rows {
                let steps = i64::from(levels_of(self.lanes()));
                (self.functions.merge_lanes)(self.state(row, 0).cast(), steps, row as i64, target.cast());
            }
        }
    }
}
