//! A pass of which only some pairs count: divides blocks of rows into units of about equal work, reduces them, and gives rows in no
//! block the neutral element's result.
//!
//! ```text
//! blocks of rows ─▶ items: some row tiles × a subtree of the block's chunks ─▶ units: neighbouring items of about equal work together
//! ```
//!
//! A large block is many items, many small blocks are one unit. As in a dense pass columns are divided along the merge tree only, here the
//! tree over the block's own chunks, so that no division changes a bit; chunks that are merged one after the other stay together.

use super::bits::Bits;
use super::pass::{PassRun, Span};
use super::ranges::Side;
use super::schedule::{CACHED_COLUMN_BYTES, divides_anywhere, subtree, worthwhile};
use super::threads::parallel_for;

/// Units a thread. They are less equal than in a dense pass, hence smaller.
const UNITS_A_THREAD: usize = 8;
/// What a chunk costs a row tile besides its columns, in columns.
const CHUNK_COLUMNS: usize = 4;
/// What a row tile costs besides its chunks, in columns.
const TILE_COLUMNS: usize = 32;
/// Cycles to give a value of a row the neutral element's result, and to read one that it needs.
const NEUTRAL_CYCLES: usize = 16;
/// Row tiles of a unit that writes rows in no block.
const NEUTRAL_TILES: usize = 64;

/// How a block of rows is divided.
#[derive(Clone, Copy)]
pub struct BlockPlan {
    /// The work of all blocks before it, in columns of a row tile.
    start: usize,
    /// The work of an item.
    cost: usize,
    /// Row tiles an item.
    group: usize,
    /// Such groups.
    groups: usize,
    /// Chunks an item: a power of two, or all of them.
    subtree: usize,
    /// Items that share a group; states are merged afterwards if there are several.
    subtrees: usize,
    /// The states that all blocks before it leave.
    states: usize,
}

impl BlockPlan {
    fn items(&self) -> usize {
        self.groups * self.subtrees
    }
}

/// The most states that items leave for the final merge, on this many threads.
///
/// A row tile is only divided if its work is more than a unit's, 1/units of all work, and then into at most twice as many subtrees as
/// units go into it, and one more: the sum stays below 5 for each unit.
pub fn most_states(threads: usize) -> usize {
    if threads > 1 { threads.saturating_mul(UNITS_A_THREAD).saturating_mul(5) } else { 0 }
}

/// All blocks, divided.
struct Plan<'a> {
    run: &'a PassRun<'a>,
    side: &'a Side<'a>,
    blocks: &'a [BlockPlan],
    threads: usize,
    /// The work of a unit.
    share: usize,
    /// Units that reduce; units that write rows in no block follow.
    units: usize,
    /// States for the final merge.
    states: usize,
}

impl PassRun<'_> {
    /// Reduces every block of rows over its own columns; rows in no block get the neutral element's result.
    pub(super) unsafe fn reduce_blocks(&self, side: &Side<'_>) {
        // SAFETY: there is room for a plan for each block and a bit for each row; units write different rows or states.
        unsafe {
            let (work, covered) = self.measure(side);
            let neutral_rows = self.geometry.rows - covered.min(self.geometry.rows);
            let cycles = self.block_cycles(work).saturating_add(self.neutral_cycles(neutral_rows));
            let plan = self.divide(side, work, worthwhile(cycles, self.threads));
            let neutral_units = if neutral_rows > 0 {
                self.mark_rows(side);
                self.geometry.tiles.div_ceil(NEUTRAL_TILES)
            } else {
                0
            };
            parallel_for(plan.threads, plan.units + neutral_units, &plan, Plan::run_unit);
            parallel_for(1, plan.states, &plan, Plan::merge);
        }
    }

    /// Writes what a row tile of each block costs, the number of tiles and of chunks. All work, and the rows in blocks.
    unsafe fn measure(&self, side: &Side<'_>) -> (usize, usize) {
        let chunk = self.geometry.chunk.max(1);
        let (mut work, mut covered) = (0_usize, 0_usize);
        for block in 0..side.blocks() {
            let (begin, end) = side.block(block);
            let (mut width, mut chunks) = (0, 0);
            for (begin, end) in side.columns(block) {
                width += end - begin;
                chunks += (end - begin).div_ceil(chunk);
            }
            let tiles = (end - begin).div_ceil(self.tile_rows());
            let cost = width + chunks * CHUNK_COLUMNS + TILE_COLUMNS;
            let fits = width.saturating_mul(self.geometry.record_bytes) <= CACHED_COLUMN_BYTES;
            let group = if fits { 1 } else { self.division.group };
            let plan = BlockPlan { start: 0, cost, group, groups: tiles, subtree: chunks, subtrees: 1, states: 0 };
            // SAFETY: there is room for a plan for each block.
            unsafe { self.lane.plans.add(block).write(plan) };
            work = work.saturating_add(tiles.saturating_mul(cost));
            covered += end - begin;
        }
        (work, covered)
    }

    /// Divides what [`PassRun::measure`] has measured.
    unsafe fn divide<'p>(&'p self, side: &'p Side<'p>, work: usize, threads: usize) -> Plan<'p> {
        let wanted = if threads > 1 { threads.saturating_mul(UNITS_A_THREAD) } else { 1 };
        let share = work.div_ceil(wanted).max(1);
        // SAFETY: `measure` wrote a plan for each block.
        let plans = unsafe { core::slice::from_raw_parts_mut(self.lane.plans, side.blocks()) };
        let (mut start, mut states) = (0_usize, 0);
        for plan in plans.iter_mut() {
            let (tiles, chunks, cost) = (plan.groups, plan.subtree, plan.cost.max(1));
            let group = plan.group.min(share / cost).max(1);
            (plan.group, plan.groups) = (group, tiles.div_ceil(group));
            if threads > 1 && cost > share && chunks > 1 && divides_anywhere(self.pass) {
                let subtree = subtree(chunks, cost.div_ceil(share));
                let subtrees = chunks.div_ceil(subtree);
                if tiles.saturating_mul(subtrees).saturating_add(states) <= most_states(self.threads) {
                    (plan.subtree, plan.subtrees) = (subtree, subtrees);
                }
            }
            plan.cost = (cost * group / plan.subtrees.max(1)).max(1);
            (plan.start, plan.states) = (start, states);
            start = start.saturating_add(plan.items().saturating_mul(plan.cost));
            if plan.subtrees > 1 {
                states += tiles * plan.subtrees;
            }
        }
        Plan { run: self, side, blocks: plans, threads, share, units: start.div_ceil(share), states }
    }

    fn block_cycles(&self, work: usize) -> usize {
        work.saturating_mul(self.tile_rows()).saturating_mul(self.pass.pair_cost as usize) / 16
    }

    fn neutral_cycles(&self, rows: usize) -> usize {
        rows.saturating_mul(1 + self.pass.row_values as usize).saturating_mul(NEUTRAL_CYCLES)
    }

    /// Notes which rows are in blocks.
    unsafe fn mark_rows(&self, side: &Side<'_>) {
        // SAFETY: there is room for a bit for each row; blocks end at the last one.
        unsafe {
            let covered = Bits::empty(self.lane.covered, self.geometry.rows);
            for block in 0..side.blocks() {
                let (begin, end) = side.block(block);
                covered.insert(begin, end);
            }
        }
    }

    /// Gives those of the rows in some row tiles that are in no block the neutral element's result.
    unsafe fn write_neutral(&self, unit: usize, thread: usize) {
        let step = self.tile_rows() * NEUTRAL_TILES;
        let end = self.geometry.rows.min((unit + 1) * step);
        let covered = Bits::at(self.lane.covered);
        let work = self.group(1, self.tile_rows(), thread);
        let mut first = unit * step;
        // SAFETY: `mark_rows` wrote a bit for each row; the scratch is this thread's.
        unsafe {
            loop {
                first = covered.find(false, first, end);
                if first >= end {
                    return;
                }
                let past = covered.find(true, first, end.min(first + self.tile_rows()));
                let rows = Span { first, count: past - first };
                self.pack_row_tile(rows, work.tile(0));
                work.fold(&mut self.counter());
                self.finish(rows, work.tile(0), work.state(0, 0), work.results());
                first = past;
            }
        }
    }
}

impl Plan<'_> {
    unsafe fn run_unit(&self, unit: usize, thread: usize) {
        // SAFETY: as for the two.
        unsafe {
            if unit < self.units {
                self.reduce_unit(unit, thread);
            } else {
                self.run.write_neutral(unit - self.units, thread);
            }
        }
    }

    /// Reduces the items that begin within a unit's share of the work.
    unsafe fn reduce_unit(&self, unit: usize, thread: usize) {
        let begin = unit.saturating_mul(self.share);
        let end = begin.saturating_add(self.share);
        let mut block = self.blocks.partition_point(|plan| plan.start <= begin).saturating_sub(1);
        let Some(first) = self.blocks.get(block) else { return };
        let mut item = (begin - first.start.min(begin)).div_ceil(first.cost.max(1));
        while let Some(plan) = self.blocks.get(block) {
            if item >= plan.items() {
                (block, item) = (block + 1, 0);
            } else if plan.start.saturating_add(item.saturating_mul(plan.cost)) >= end {
                return;
            } else {
                // SAFETY: each item begins in one unit; the scratch is this thread's.
                unsafe { self.reduce_item(block, plan, item, thread) };
                item += 1;
            }
        }
    }

    /// Reduces some row tiles of a block over a subtree of its chunks.
    unsafe fn reduce_item(&self, block: usize, plan: &BlockPlan, item: usize, thread: usize) {
        let run = self.run;
        let (group, subtree) = (item % plan.groups.max(1), item / plan.groups.max(1));
        let first_tile = group * plan.group;
        let (begin, end) = self.side.block(block);
        let tiles = (end - begin).div_ceil(run.tile_rows());
        let tiles = plan.group.min(tiles - first_tile);
        let work = run.group(tiles, self.rows(block, first_tile + tiles - 1).count, thread);
        let mut counter = run.counter();
        // SAFETY: each thread has its own scratch, each item its own states and results.
        unsafe {
            for tile in 0..work.tiles {
                run.pack_row_tile(self.rows(block, first_tile + tile), work.tile(tile));
            }
            for (begin, end) in self.columns(block, plan, subtree) {
                work.push_columns(&mut counter, begin, end);
            }
            work.fold(&mut counter);
            for tile in 0..work.tiles {
                if plan.subtrees == 1 {
                    run.finish(
                        self.rows(block, first_tile + tile),
                        work.tile(tile),
                        work.state(tile, 0),
                        work.results(),
                    );
                } else {
                    let place = self.state(plan, first_tile + tile, subtree);
                    place.copy_from_nonoverlapping(work.state(tile, 0), run.pass.state_size as usize);
                }
            }
        }
    }

    /// The columns of a subtree of a block's chunks.
    fn columns(&self, block: usize, plan: &BlockPlan, subtree: usize) -> impl Iterator<Item = (usize, usize)> {
        let chunk = self.run.geometry.chunk.max(1);
        let (first, past) = (subtree * plan.subtree, (subtree + 1) * plan.subtree);
        let mut chunks = 0;
        self.side.columns(block).map_while(move |(begin, end)| {
            let before = chunks;
            chunks += (end - begin).div_ceil(chunk);
            (before < past).then(|| {
                let skipped = first.saturating_sub(before).saturating_mul(chunk);
                let kept = (past - before).saturating_mul(chunk);
                (end.min(begin.saturating_add(skipped)), end.min(begin.saturating_add(kept)))
            })
        })
    }

    /// The rows of a tile of a block.
    fn rows(&self, block: usize, tile: usize) -> Span {
        let (begin, end) = self.side.block(block);
        let first = begin + tile * self.run.tile_rows();
        Span { first, count: self.run.tile_rows().min(end - first) }
    }

    /// The state that an item leaves.
    fn state(&self, plan: &BlockPlan, tile: usize, subtree: usize) -> *mut u8 {
        let number = plan.states + tile * plan.subtrees + subtree;
        self.run.lane.states.wrapping_add(number * self.run.pass.state_size as usize)
    }

    /// Merges the states of the row tile whose first one has this number; does nothing for others.
    unsafe fn merge(&self, state: usize, thread: usize) {
        let block = self.blocks.partition_point(|plan| plan.states <= state).wrapping_sub(1);
        let Some(plan) = self.blocks.get(block) else { return };
        let subtrees = plan.subtrees.max(1);
        let (tile, subtree) = ((state - plan.states) / subtrees, (state - plan.states) % subtrees);
        if subtree == 0 {
            let first = self.state(plan, tile, 0);
            // SAFETY: all items are complete; the scratch is this thread's.
            unsafe { self.run.merge_states(first, subtrees, self.rows(block, tile), thread) };
        }
    }
}
