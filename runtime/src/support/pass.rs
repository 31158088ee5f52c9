//! One pass over the pairs of one batch element: pack, reduce along the merge tree, finalize, write.
//!
//! The tree over chunks of columns is that of a binary counter: subtrees of equal size merge, and at the end the remaining ones
//! fold from the last (smallest) to the first. Units are whole subtrees of it, so any division gives the same bits. Chunks may also be
//! merged one after the other; units are then single chunks or all of them.

use super::across::{Across, Functions, is_across};
use super::execute::Lane;
use super::pack::{self, Block, View};
use super::problem::{Phase, Problem, States, list};
use super::ranges::Side;
use super::schedule::{Division, Geometry, Scratch, columns_are_dense, columns_in_place, element_size, worthwhile};
use super::state;
use super::threads::parallel_for;
use crate::abi::{Accumulate, I64, ORDER_CARRIED, ORDER_TREE, PassDescriptor, ROLE_PARAMETER, ROW_NUMBERS, Read};

/// Columns that one unit of packing takes, in tiles.
const PACKED_TILES: usize = 64;
/// Columns from one origin of the row numbers in carried states to the next.
const RUN: usize = 1 << 30;
/// Cycles to pack one value of a record.
const PACKING_CYCLES: usize = 2;

/// A pass at a batch element.
pub struct PassRun<'a> {
    pub(super) pass: &'a PassDescriptor,
    pub(super) geometry: Geometry,
    pub(super) division: Division,
    pub(super) lane: Lane,
    records: *const u8,
    pub(super) scratch: *mut u8,
    pub(super) scratch_bytes: usize,
    pub(super) threads: usize,
    in_place: bool,
    /// The functions for columns in the lanes, where they lie so.
    across: Option<Functions>,
    /// Whether column tiles are made from the tensors themselves.
    direct: bool,
    side: Option<Side<'a>>,
    /// Which part of the pass is computed; states are those of this batch element.
    phase: Phase,
    /// Records of a batch element.
    records_of_rows: usize,
}

impl<'a> PassRun<'a> {
    /// Prepares a pass at a batch element; `threads` is what the whole call has.
    ///
    /// # Safety
    /// The lane's views are set; there is scratch for each thread.
    pub unsafe fn new(
        problem: &'a Problem<'a>,
        pass: &'a PassDescriptor,
        element: usize,
        lane: Lane,
        scratch: *mut u8,
        scratch_bytes: usize,
        threads: usize,
    ) -> PassRun<'a> {
        let geometry = Geometry::of(problem, pass);
        let threads = worthwhile(geometry.cycles, threads);
        let division = Division::of(pass, &geometry, threads);
        let in_place = geometry.columns > 0 && columns_in_place(problem, pass);
        let across = if is_across(pass, &geometry) { Functions::of(pass) } else { None };
        let direct = across.is_some() && columns_are_dense(problem, pass);
        let records = if in_place {
            // SAFETY: `columns_in_place` found one read, whose view the caller has set.
            unsafe { (*lane.views.add((*pass.column_reads).tensor as usize)).data.cast_const() }
        } else {
            lane.columns.cast_const()
        };
        let records_of_rows = problem.records();
        PassRun {
            pass,
            geometry,
            division,
            lane,
            records,
            scratch,
            scratch_bytes,
            threads,
            in_place,
            across,
            direct,
            side: problem.side(pass, element),
            phase: phase_at(problem.phase, pass, element * records_of_rows),
            records_of_rows,
        }
    }
}

/// The phase for a pass, with the records from that row on; a pass without columns has nothing to do with states.
fn phase_at(phase: Phase, pass: &PassDescriptor, row: usize) -> Phase {
    let from =
        |states: States| States { records: states.records.wrapping_add(row * pass.record_size as usize), ..states };
    match phase {
        Phase::Partial { first, states } => Phase::Partial { first, states: from(states) },
        Phase::Finalize { states } if pass.columns != ROLE_PARAMETER => Phase::Finalize { states: from(states) },
        Phase::Finalize { .. } | Phase::Whole => Phase::Whole,
    }
}

/// Runs a pass.
///
/// # Safety
/// The tensors that the pass reads are complete, those that it writes belong to it alone.
pub unsafe fn run_pass(run: &PassRun<'_>) {
    let Geometry { rows, columns, tiles, .. } = run.geometry;
    if rows == 0 {
        return;
    }
    // SAFETY: records are complete before units read them, states before the final merge does.
    unsafe {
        run.pack_parameters();
        if columns > 0 && !run.in_place && !run.direct {
            let tile_rows = run.tile_rows();
            let cycles = columns.saturating_mul(run.pass.column_values as usize).saturating_mul(PACKING_CYCLES);
            let units = columns.div_ceil(tile_rows).div_ceil(PACKED_TILES);
            parallel_for(worthwhile(cycles, run.threads), units, run, PassRun::pack_columns);
        }
        if let Some(side) = &run.side {
            run.reduce_blocks(side);
            return;
        }
        parallel_for(run.threads, run.division.groups * run.division.subtrees, run, PassRun::reduce_unit);
        if run.division.subtrees > 1 {
            parallel_for(1, tiles, run, PassRun::merge_tile);
        }
    }
}

impl PassRun<'_> {
    pub(super) fn counter(&self) -> Counter {
        Counter { leaves: 0, top: 0, begun: 0, in_sequence: self.pass.order != ORDER_TREE, run: None }
    }

    pub(super) fn tile_rows(&self) -> usize {
        (self.pass.tile_rows as usize).max(1)
    }

    fn view(&self, tensor: u32) -> &View {
        // SAFETY: descriptors number the tensors that there are.
        unsafe { &*self.lane.views.add(tensor as usize) }
    }

    fn row_reads(&self) -> &[Read] {
        // SAFETY: a pass has this many.
        unsafe { list(self.pass.row_reads, self.pass.num_row_reads) }
    }

    fn column_reads(&self) -> &[Read] {
        // SAFETY: a pass has this many.
        unsafe { list(self.pass.column_reads, self.pass.num_column_reads) }
    }

    /// Elements of the computing type a row of a read takes.
    fn width(&self, read: &Read) -> usize {
        let dtype = if read.tensor == ROW_NUMBERS { I64 } else { self.view(read.tensor).dtype };
        read.dim as usize * pack::width(dtype, self.pass.compute)
    }

    /// The number of the first column.
    pub(super) fn first_column(&self) -> usize {
        if let Phase::Partial { first, .. } = self.phase { first as usize } else { 0 }
    }

    /// What row numbers in carried states count from, at a column.
    pub(super) fn origin(&self, column: usize) -> usize {
        let number = self.first_column() + column;
        number - number % RUN
    }

    /// Each array that column records are made of, with the elements of a row; the records themselves if they are packed.
    pub(super) fn for_each_source(&self, mut body: impl FnMut(*const u8, usize)) {
        if !self.direct {
            return body(self.records, self.pass.column_values as usize);
        }
        for read in self.column_reads() {
            body(self.view(read.tensor).data.cast_const(), self.width(read));
        }
    }

    /// Fills column records that are missing because column tiles were made without.
    pub(super) unsafe fn pack_rest(&self, begin: usize, end: usize) {
        if self.direct && !self.in_place && begin < end {
            // SAFETY: as the caller promises.
            unsafe { self.pack_records(begin, end) };
        }
    }

    /// Copies rows of a tensor, or their numbers, of which the first row of all has `origin`.
    unsafe fn read(&self, read: &Read, origin: usize, first: usize, rows: usize, block: Block) {
        // SAFETY: as the caller promises.
        unsafe {
            if read.tensor == ROW_NUMBERS {
                pack::count(origin + first, rows, block, self.pass.compute);
            } else {
                pack::read(self.view(read.tensor), first, rows, read.dim as usize, block, self.pass.compute);
            }
        }
    }

    /// Fills the parameter record.
    unsafe fn pack_parameters(&self) {
        // SAFETY: a pass has this many.
        let reads = unsafe { list(self.pass.parameter_reads, self.pass.num_parameter_reads) };
        let mut data = self.lane.parameters;
        for read in reads {
            let block = Block { data, row_stride: self.width(read), component_stride: 1 };
            // SAFETY: the record has room for all reads, a parameter has one row.
            unsafe { self.read(read, 0, 0, 1, block) };
            data = data.wrapping_add(self.width(read) * element_size(self.pass));
        }
        if let Some(prologue) = self.pass.parameter_prologue {
            // SAFETY: the record is as the prologue expects it.
            unsafe { prologue(self.lane.parameters.cast()) };
        }
    }

    /// Fills some column records, through a tile if something is computed for each column.
    unsafe fn pack_columns(&self, unit: usize, thread: usize) {
        let step = self.tile_rows() * PACKED_TILES;
        let begin = unit * step;
        let end = self.geometry.columns.min(begin + step);
        let Some(prologue) = self.pass.column_prologue else {
            // SAFETY: records `begin..end` belong to this unit.
            unsafe { self.pack_records(begin, end) };
            return;
        };
        let tile = self.scratch.wrapping_add(thread * self.scratch_bytes);
        let mut first = begin;
        while first < end {
            let count = self.tile_rows().min(end - first);
            let records = self.lane.columns.wrapping_add(first * self.geometry.record_bytes);
            // SAFETY: the tile has room, the records belong to this unit.
            unsafe {
                self.pack_tile(self.column_reads(), self.first_column(), first, count, tile);
                prologue(self.lane.parameters.cast(), tile.cast());
                pack::transpose(
                    tile,
                    self.tile_rows(),
                    records,
                    count,
                    self.pass.column_values as usize,
                    self.pass.compute,
                );
            }
            first += count;
        }
    }

    unsafe fn pack_records(&self, begin: usize, end: usize) {
        let mut data = self.lane.columns.wrapping_add(begin * self.geometry.record_bytes);
        for read in self.column_reads() {
            let block = Block { data, row_stride: self.pass.column_values as usize, component_stride: 1 };
            // SAFETY: as the caller promises.
            unsafe { self.read(read, self.first_column(), begin, end - begin, block) };
            data = data.wrapping_add(self.width(read) * element_size(self.pass));
        }
    }

    /// Fills a tile with rows `first..first + count`, the last one repeated.
    unsafe fn pack_tile(&self, reads: &[Read], origin: usize, first: usize, count: usize, tile: *mut u8) {
        let mut data = tile;
        let tile_rows = self.tile_rows();
        for read in reads {
            let width = self.width(read);
            let block = Block { data, row_stride: 1, component_stride: tile_rows };
            // SAFETY: as the caller promises; `count` is between 1 and `tile_rows`.
            unsafe {
                self.read(read, origin, first, count, block);
                pack::repeat_last_row(data, width, tile_rows, count, self.pass.compute);
            }
            data = data.wrapping_add(width * tile_rows * element_size(self.pass));
        }
    }

    /// The first row of a tile, and the number of its rows.
    fn rows_of(&self, tile: usize) -> Span {
        let first = tile * self.tile_rows();
        Span { first, count: self.tile_rows().min(self.geometry.rows - first) }
    }

    pub(super) unsafe fn pack_row_tile(&self, rows: Span, tile: *mut u8) {
        // SAFETY: as the caller promises.
        unsafe {
            self.pack_tile(self.row_reads(), 0, rows.first, rows.count, tile);
            if let Some(prologue) = self.pass.row_prologue {
                prologue(self.lane.parameters.cast(), tile.cast());
            }
        }
    }

    /// Reduces a group of row tiles over a subtree of chunks.
    unsafe fn reduce_unit(&self, unit: usize, thread: usize) {
        let Division { group, groups, subtree, subtrees } = self.division;
        // Where there are units there are groups; the compiler does not know.
        let groups = groups.max(1);
        let (group_number, subtree_number) = (unit % groups, unit / groups);
        let first_tile = group_number * group;
        let tiles = group.min(self.geometry.tiles - first_tile);
        let work = self.group(tiles, self.rows_of(first_tile + tiles - 1).count, thread);
        // SAFETY: each thread has its own scratch, each unit its own states and results.
        unsafe {
            for tile in 0..work.tiles {
                self.pack_row_tile(self.rows_of(first_tile + tile), work.tile(tile));
            }
            match self.phase {
                Phase::Finalize { states } => {
                    (0..work.tiles)
                        .for_each(|tile| self.load(states, self.rows_of(first_tile + tile), work.state(tile, 0)));
                }
                _ => {
                    let begin = subtree_number * subtree;
                    let end = self.geometry.chunks.min(begin + subtree);
                    match self.across {
                        Some(functions) => {
                            Across { group: &work, run: self, functions, memory: work.across() }.reduce(begin, end);
                        }
                        None => work.reduce(begin, end),
                    }
                }
            }
            for tile in 0..work.tiles {
                if subtrees == 1 {
                    self.finish(self.rows_of(first_tile + tile), work.tile(tile), work.state(tile, 0), work.results());
                } else {
                    let place = self.unit_state(first_tile + tile, subtree_number);
                    place.copy_from_nonoverlapping(work.state(tile, 0), self.pass.state_size as usize);
                }
            }
        }
    }

    /// A group of at most `division.group` row tiles in a thread's scratch; the last of them has `last_rows` rows.
    pub(super) fn group(&self, tiles: usize, last_rows: usize, thread: usize) -> Group<'_> {
        let base = self.scratch.wrapping_add(thread * self.scratch_bytes);
        Group { run: self, tiles, last_rows, base, parts: Scratch::of(&self.geometry, self.pass, tiles) }
    }

    /// The state that a unit leaves.
    fn unit_state(&self, tile: usize, subtree: usize) -> *mut u8 {
        self.lane.states.wrapping_add((tile * self.division.subtrees + subtree) * self.pass.state_size as usize)
    }

    /// Merges what the units of a row tile left.
    unsafe fn merge_tile(&self, tile: usize, thread: usize) {
        // SAFETY: all units are complete.
        unsafe { self.merge_states(self.unit_state(tile, 0), self.division.subtrees, self.rows_of(tile), thread) }
    }

    /// Merges the states of some rows, one for each subtree, along the upper part of the same tree, and writes the results.
    pub(super) unsafe fn merge_states(&self, states: *mut u8, subtrees: usize, rows: Span, thread: usize) {
        let stack = |level: usize| states.wrapping_add(level * self.pass.state_size as usize);
        let mut counter = self.counter();
        let base = self.scratch.wrapping_add(thread * self.scratch_bytes);
        let parts = Scratch::of(&self.geometry, self.pass, self.division.group);
        // SAFETY: a stack never grows past the states already taken from the same memory.
        unsafe {
            for subtree in 0..subtrees {
                if counter.top != subtree {
                    stack(counter.top).copy_from_nonoverlapping(stack(subtree), self.pass.state_size as usize);
                }
                counter.push(0, |left, right| self.merge(stack(left), stack(right)));
            }
            counter.fold(|left, right| self.merge(stack(left), stack(right)));
            let row_tile = base.wrapping_add(parts.tiles);
            self.pack_row_tile(rows, row_tile);
            self.finish(rows, row_tile, stack(0), base.wrapping_add(parts.results));
        }
    }

    pub(super) unsafe fn merge(&self, left: *mut u8, right: *mut u8) {
        // SAFETY: both are states of one row tile, `right` of later columns.
        unsafe { (self.pass.merge)(left.cast(), right.cast_const().cast()) };
    }

    /// The record of a row.
    fn record(&self, states: States, row: usize) -> *mut u8 {
        states.records.wrapping_add(row * self.pass.record_size as usize)
    }

    /// Fills a row tile's state from its records. A single row that depends on no index is the same in all records, and neutral where there are
    /// none.
    unsafe fn load(&self, states: States, rows: Span, state: *mut u8) {
        // SAFETY: there is a record for each row; the state has room.
        unsafe {
            if self.records_of_rows == 0 {
                (self.pass.initialize)(state.cast());
            } else {
                state::load(self.pass, self.record(states, rows.first), rows.count, state);
            }
        }
    }

    /// Copies a row tile's state to its records, a single row that depends on no index to all of them.
    unsafe fn store(&self, states: States, rows: Span, state: *const u8) {
        // SAFETY: there is a record for each row; the state is complete.
        unsafe {
            if self.pass.rows == ROLE_PARAMETER {
                (0..self.records_of_rows).for_each(|row| state::store(self.pass, state, self.record(states, row), 1));
            } else {
                state::store(self.pass, state, self.record(states, rows.first), rows.count);
            }
        }
    }

    /// Computes a row tile's results and writes them; of a shard it writes the state.
    pub(super) unsafe fn finish(&self, rows: Span, row_tile: *mut u8, state: *mut u8, results: *mut u8) {
        if let Phase::Partial { states, .. } = self.phase {
            // SAFETY: the state is complete.
            unsafe { self.store(states, rows, state) };
            return;
        }
        // SAFETY: all are as the epilogue expects; a pass has this many writes; the rows exist.
        unsafe {
            (self.pass.epilogue)(
                self.lane.parameters.cast_const().cast(),
                row_tile.cast_const().cast(),
                state.cast_const().cast(),
                results.cast(),
            );
            for write in list(self.pass.writes, self.pass.num_writes) {
                let data = results.wrapping_add(write.offset as usize);
                let block = Block { data, row_stride: 1, component_stride: self.tile_rows() };
                pack::write(
                    self.view(write.tensor),
                    rows.first,
                    rows.count,
                    write.dim as usize,
                    block,
                    self.pass.compute,
                );
            }
        }
    }
}

/// Some rows.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) first: usize,
    pub(super) count: usize,
}

/// A group of row tiles that walk over the columns together.
pub(super) struct Group<'a> {
    run: &'a PassRun<'a>,
    pub(super) tiles: usize,
    last_rows: usize,
    base: *mut u8,
    parts: Scratch,
}

impl Group<'_> {
    pub(super) fn tile(&self, number: usize) -> *mut u8 {
        self.base.wrapping_add(self.parts.tiles + number * self.run.geometry.tile_bytes)
    }

    pub(super) fn state(&self, tile: usize, level: usize) -> *mut u8 {
        let number = tile * self.run.geometry.depth + level;
        self.base.wrapping_add(self.parts.states + number * self.run.pass.state_size as usize)
    }

    fn across(&self) -> *mut u8 {
        self.base.wrapping_add(self.parts.across)
    }

    pub(super) fn results(&self) -> *mut u8 {
        self.base.wrapping_add(self.parts.results)
    }

    /// Reduces chunks `begin..end` to the states at level 0.
    unsafe fn reduce(&self, begin: usize, end: usize) {
        let run = self.run;
        let chunk_columns = run.geometry.chunk;
        let mut counter = run.counter();
        // SAFETY: the columns exist.
        unsafe {
            self.push_columns(&mut counter, begin * chunk_columns, run.geometry.columns.min(end * chunk_columns));
            self.fold(&mut counter);
        }
    }

    /// Puts the chunks of columns `begin..end` on the stack, merging as the counter tells, or takes them in on its top.
    pub(super) unsafe fn push_columns(&self, counter: &mut Counter, begin: usize, end: usize) {
        let run = self.run;
        for first in (begin..end).step_by(run.geometry.chunk.max(1)) {
            let count = run.geometry.chunk.min(end - first);
            // SAFETY: the records exist; the counter keeps `top` below `depth`.
            unsafe {
                if run.pass.order == ORDER_CARRIED {
                    let origin = run.origin(first);
                    self.begin_run(counter, origin);
                    self.accumulate(counter.top - 1, first, count, origin);
                } else {
                    counter.begin(|level| self.initialize_few(level));
                    self.accumulate(counter.top, first, count, run.first_column() + first);
                    counter.push(0, |left, right| self.merge(left, right));
                }
            }
        }
    }

    /// Makes the last tile's state at a level neutral where its function writes the states of the tile's first rows alone: merging reads all of them.
    unsafe fn initialize_few(&self, level: usize) {
        if self.is_few() {
            // SAFETY: the state is this group's.
            unsafe { (self.run.pass.initialize)(self.state(self.tiles - 1, level).cast()) };
        }
    }

    /// Goes on with the state on top if its row numbers have that origin, else with a neutral one above it.
    unsafe fn begin_run(&self, counter: &mut Counter, origin: usize) {
        if counter.run == Some(origin) {
            return;
        }
        counter.fold(|left, right| self.merge(left, right));
        // SAFETY: a stack has room for two states.
        (0..self.tiles).for_each(|tile| unsafe { (self.run.pass.initialize)(self.state(tile, counter.top).cast()) });
        counter.top += 1;
        counter.run = Some(origin);
    }

    /// Takes some columns in on a level.
    unsafe fn accumulate(&self, level: usize, first: usize, count: usize, origin: usize) {
        let run = self.run;
        let records = run.records.wrapping_add(first * run.geometry.record_bytes);
        for tile in 0..self.tiles {
            let (parameters, row_tile) = (run.lane.parameters.cast_const(), self.tile(tile).cast_const());
            // SAFETY: as the caller promises.
            unsafe {
                self.function(tile)(
                    parameters.cast(),
                    row_tile.cast(),
                    records.cast(),
                    count as i64,
                    origin as i64,
                    (run.first_column() + first - origin) as i64,
                    self.state(tile, level).cast(),
                );
            }
        }
    }

    /// The function for a tile.
    fn function(&self, tile: usize) -> Accumulate {
        let pass = self.run.pass;
        match pass.accumulate_few {
            Some(few) if tile + 1 == self.tiles && self.is_few() => few,
            _ => pass.accumulate,
        }
    }

    /// Whether the last tile has few rows, and a function for these.
    fn is_few(&self) -> bool {
        self.run.pass.accumulate_few.is_some() && self.last_rows <= self.run.pass.few_rows as usize
    }

    /// Leaves the merged state, or the neutral one if there were no columns, at level 0.
    pub(super) unsafe fn fold(&self, counter: &mut Counter) {
        if counter.top == 0 {
            for tile in 0..self.tiles {
                // SAFETY: the state is this group's.
                unsafe { (self.run.pass.initialize)(self.state(tile, 0).cast()) };
            }
        }
        counter.fold(|left, right| self.merge(left, right));
    }

    pub(super) fn merge(&self, left: usize, right: usize) {
        for tile in 0..self.tiles {
            // SAFETY: both levels hold states.
            unsafe { self.run.merge(self.state(tile, left), self.state(tile, right)) };
        }
    }
}

/// The merge tree: a stack of subtrees, of which equal neighbours merge; or a sequence, whose leaves merge into the first at once.
pub(super) struct Counter {
    leaves: usize,
    top: usize,
    /// Levels below this one hold a state, or have held one.
    begun: usize,
    in_sequence: bool,
    /// The origin of the row numbers in the state on top, if it is carried on.
    run: Option<usize>,
}

impl Counter {
    /// How many states are on the stack.
    pub(super) fn top(&self) -> usize {
        self.top
    }

    /// Before a leaf is put on top: calls `initialize` with the level if that has held no state yet.
    pub(super) fn begin(&mut self, initialize: impl FnOnce(usize)) {
        if self.top >= self.begun {
            initialize(self.top);
            self.begun = self.top + 1;
        }
    }

    /// A subtree of `2^levels` leaves, or one leaf of a sequence, has been put on top of the stack.
    pub(super) fn push(&mut self, levels: u32, merge: impl Fn(usize, usize)) {
        let mut carry = if self.in_sequence { self.top } else { self.leaves >> levels };
        self.top += 1;
        while carry & 1 == 1 {
            merge(self.top - 2, self.top - 1);
            self.top -= 1;
            carry >>= 1;
        }
        self.leaves += 1 << levels;
    }

    /// No more leaves: folds what is left into level 0, the smallest subtrees first.
    fn fold(&mut self, merge: impl Fn(usize, usize)) {
        while self.top > 1 {
            merge(self.top - 2, self.top - 1);
            self.top -= 1;
        }
    }
}
