//! How a call is divided among threads, and how much memory that takes.
//!
//! Invariant: nothing here changes a bit of the results. Columns are divided along the merge tree only, or at every chunk of a sequence,
//! and both depend on the number of columns alone.

use super::across::{self, is_across};
use super::arena::{align, times};
use super::bits::Bits;
use super::pack::{View, size_of_type};
use super::problem::{Problem, list};
use super::ranges::Ranges;
use super::scatter;
use super::sparse::{BlockPlan, most_states};
use super::sum::Sums;
use super::threads;
use crate::abi::{F32, ORDER_CARRIED, ORDER_ROOTS, ORDER_TREE, PassDescriptor, Read};

/// A thread must have this much to do to be worth starting, in cycles: about 100 µs.
const CYCLES_A_THREAD: usize = 300_000;
/// Units a thread, so that slow threads do not hold up the rest.
const UNITS_A_THREAD: usize = 4;
/// Columns that chunks of about √N are whole multiples of.
const WHOLE_GROUPS: usize = 8;
/// States that are kept for every chunk, so that threads share out chunks that are merged one after the other, take no more than this.
const SEQUENCE_BYTES: usize = 16 << 20;
/// Column records that fit here stay in cache from row tile to row tile.
pub const CACHED_COLUMN_BYTES: usize = 512 << 10;
/// Row tiles that share one walk over columns that do not, with their states.
const GROUP_BYTES: usize = 512 << 10;
/// The most row tiles that do so.
const GROUP_TILES: usize = 8;
/// Batch elements run side by side only while their memory together stays below this.
const LANES_BYTES: usize = 256 << 20;

/// The sizes of one pass in one call.
#[derive(Clone, Copy)]
pub struct Geometry {
    /// Rows of a batch element.
    pub rows: usize,
    /// Columns, 0 where nothing is reduced.
    pub columns: usize,
    /// Row tiles.
    pub tiles: usize,
    /// Columns of a chunk.
    pub chunk: usize,
    /// Chunks of columns.
    pub chunks: usize,
    /// Bytes of a column record.
    pub record_bytes: usize,
    /// Bytes of a row tile.
    pub tile_bytes: usize,
    /// Bytes of a tile of columns, before it is turned into records.
    pub column_tile_bytes: usize,
    /// States that one row tile can need at the same time.
    pub depth: usize,
    /// Estimated cycles, of the batch element with the most to do.
    pub cycles: usize,
    /// Estimated cycles of a batch element on average.
    pub mean_cycles: usize,
    /// Whether only some pairs count: row tiles then follow the blocks of rows.
    pub is_sparse: bool,
}

impl Geometry {
    /// The sizes of `pass`.
    pub fn of(problem: &Problem<'_>, pass: &PassDescriptor) -> Geometry {
        let element = element_size(pass);
        let rows = problem.extents.rows(pass.rows);
        let columns = if problem.phase.reduces(pass) { problem.extents.rows(pass.columns) } else { 0 };
        let tile_rows = (pass.tile_rows as usize).max(1);
        let load = problem.load(pass);
        let chunk = chunk(pass, columns);
        let chunks = columns.div_ceil(chunk);
        // Every column block may end in a chunk that is not full.
        let most_chunks = chunks.saturating_add(load.map_or(0, |load| load.parts));
        let depth = match pass.order {
            ORDER_CARRIED => 2,
            _ => (usize::BITS - most_chunks.leading_zeros()) as usize + 1,
        };
        let all = times(rows, columns.max(1));
        let cycles = |pairs| times(pairs, pass.pair_cost as usize) / 16;
        Geometry {
            rows,
            columns,
            tiles: rows.div_ceil(tile_rows),
            chunk,
            chunks,
            record_bytes: times(pass.column_values as usize, element),
            tile_bytes: align(times(times(pass.row_values as usize, tile_rows), element)),
            column_tile_bytes: align(times(times(pass.column_values as usize, tile_rows), element)),
            depth,
            cycles: cycles(load.map_or(all, |load| load.most.in_tiles(tile_rows))),
            mean_cycles: cycles(load.map_or(all, |load| load.mean.in_tiles(tile_rows))),
            is_sparse: load.is_some(),
        }
    }
}

/// Columns of a chunk: what the pass says, or about as many as there are chunks.
fn chunk(pass: &PassDescriptor, columns: usize) -> usize {
    let longest = (pass.chunk as usize).max(1);
    if pass.order == ORDER_ROOTS {
        // The pairs of whole groups of columns are computed faster.
        columns.isqrt().next_multiple_of(WHOLE_GROUPS).min(longest).max(1)
    } else {
        longest
    }
}

/// Bytes of the computing type.
pub fn element_size(pass: &PassDescriptor) -> usize {
    if pass.compute == F32 { 4 } else { 8 }
}

/// How the pairs of a pass are cut into units of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Division {
    /// Row tiles a unit.
    pub group: usize,
    /// Groups of row tiles.
    pub groups: usize,
    /// Chunks a unit: a power of two in a tree, one in a sequence, or all of them.
    pub subtree: usize,
    /// Units that share a group; states are merged afterwards if there are several.
    pub subtrees: usize,
}

impl Division {
    /// The division for a number of threads.
    pub fn of(pass: &PassDescriptor, geometry: &Geometry, threads: usize) -> Division {
        let wanted = if threads > 1 { times(threads, UNITS_A_THREAD) } else { 1 };
        let group = group(pass, geometry, wanted);
        let groups = geometry.tiles.div_ceil(group);
        let whole = Division { group, groups, subtree: geometry.chunks, subtrees: 1 };
        let subtrees = wanted.div_ceil(groups.max(1));
        // Blocks of rows are divided by themselves, in groups that are not larger.
        if subtrees <= 1 || geometry.chunks <= 1 || geometry.is_sparse {
            return whole;
        }
        if divides_anywhere(pass) {
            let subtree = subtree(geometry.chunks, subtrees);
            return Division { subtree, subtrees: geometry.chunks.div_ceil(subtree), ..whole };
        }
        let apart = Division { subtree: 1, subtrees: geometry.chunks, ..whole };
        if apart.state_bytes(pass, geometry, threads) <= SEQUENCE_BYTES { apart } else { whole }
    }

    /// Bytes of the states that units leave for the final merge.
    pub fn state_bytes(&self, pass: &PassDescriptor, geometry: &Geometry, threads: usize) -> usize {
        if geometry.is_sparse {
            return times(most_states(threads), pass.state_size as usize);
        }
        if self.subtrees > 1 { times(times(geometry.tiles, self.subtrees), pass.state_size as usize) } else { 0 }
    }
}

/// Whether any subtree of chunks may be a unit.
pub fn divides_anywhere(pass: &PassDescriptor) -> bool {
    pass.order == ORDER_TREE || pass.order == ORDER_CARRIED
}

fn group(pass: &PassDescriptor, geometry: &Geometry, wanted: usize) -> usize {
    if times(geometry.columns, geometry.record_bytes) <= CACHED_COLUMN_BYTES {
        return 1;
    }
    let bytes = geometry.tile_bytes.saturating_add(times(geometry.depth, pass.state_size as usize)).max(1);
    (geometry.tiles / wanted.max(1)).min(GROUP_BYTES / bytes).clamp(1, GROUP_TILES)
}

/// The chunks of a unit, if about so many units are to share `chunks`: a whole subtree.
pub fn subtree(chunks: usize, units: usize) -> usize {
    floor_power_of_two(chunks / units.max(1))
}

fn floor_power_of_two(number: usize) -> usize {
    if number == 0 { 1 } else { 1 << (usize::BITS - 1 - number.leading_zeros()) }
}

/// The threads worth starting for some work.
pub fn worthwhile(cycles: usize, threads: usize) -> usize {
    (cycles / CYCLES_A_THREAD).clamp(1, threads.max(1))
}

/// The decisions for a whole call.
pub struct Schedule {
    /// Threads that take part.
    pub threads: usize,
    /// Whether threads share out batch elements, rather than the work inside each.
    pub across_batch: bool,
    /// Bytes of the steps along the batch dimensions.
    pub steps_bytes: usize,
    /// Bytes of the results that are added up over batch elements.
    pub sum_bytes: usize,
    /// Memory of a batch element that is being worked on.
    pub lane: LaneBytes,
    /// Memory of a thread that works on a unit.
    pub scratch_bytes: usize,
}

/// The parts of a batch element's memory.
#[derive(Clone, Copy)]
pub struct LaneBytes {
    /// The tensors' views.
    pub views: usize,
    /// Temporaries between passes.
    pub temporaries: usize,
    /// The parameter record.
    pub parameters: usize,
    /// Column records.
    pub columns: usize,
    /// States between units and the final merge.
    pub states: usize,
    /// How blocks of rows are divided.
    pub plans: usize,
    /// Which rows are in blocks.
    pub covered: usize,
    /// What scatters take.
    pub scatters: usize,
}

impl LaneBytes {
    fn total(&self) -> usize {
        let parts = [
            self.views,
            self.temporaries,
            self.parameters,
            self.columns,
            self.states,
            self.plans,
            self.covered,
            self.scatters,
        ];
        parts.iter().fold(0, |sum: usize, part| sum.saturating_add(*part))
    }
}

impl Schedule {
    /// Decides for a call.
    pub fn of(problem: &Problem<'_>) -> Schedule {
        let (cycles, mean_cycles) = problem.passes().iter().fold((0_usize, 0_usize), |(most, mean), pass| {
            let geometry = Geometry::of(problem, pass);
            let scattered = scatter::cycles(problem, pass);
            let [most, mean] = [most, mean].map(|cycles| cycles.saturating_add(scattered));
            (most.saturating_add(geometry.cycles), mean.saturating_add(geometry.mean_cycles))
        });
        let batch = problem.extents.batch_count;
        let all_cycles = times(mean_cycles, batch);
        let threads = if all_cycles < 2 * CYCLES_A_THREAD {
            1
        } else {
            worthwhile(all_cycles, threads::allowed(problem.asked_threads))
        };
        let inside = Schedule::with(problem, threads, false);
        if threads == 1 || batch < 2 {
            return inside;
        }
        let rounds = batch.div_ceil(threads).max(1);
        let across = Schedule::with(problem, threads.min(batch), true);
        // The one with the most to do holds up the others.
        let side_by_side = (batch / rounds).min(all_cycles / cycles.max(1));
        let faster = side_by_side >= worthwhile(cycles, threads);
        if faster && across.bytes() <= LANES_BYTES { across } else { inside }
    }

    fn with(problem: &Problem<'_>, threads: usize, across_batch: bool) -> Schedule {
        let inner_threads = if across_batch { 1 } else { threads };
        let descriptors = problem.descriptors();
        let views = align(times(descriptors.len(), size_of::<View>()));
        let most_blocks = problem.ranges.as_ref().map_or(0, Ranges::most_blocks);
        let plans = align(times(most_blocks, size_of::<BlockPlan>()));
        let mut lane =
            LaneBytes { views, temporaries: 0, parameters: 0, columns: 0, states: 0, plans, covered: 0, scatters: 0 };
        for temporary in descriptors.iter().skip(problem.entry.num_tensors as usize) {
            lane.temporaries = lane.temporaries.saturating_add(temporary_bytes(problem, temporary));
        }
        let mut scratch_bytes = 0;
        for pass in problem.passes() {
            let geometry = Geometry::of(problem, pass);
            let threads = worthwhile(geometry.cycles, inner_threads);
            let division = Division::of(pass, &geometry, threads);
            let covered = if geometry.is_sparse { Bits::bytes(geometry.rows) } else { 0 };
            let columns =
                if columns_in_place(problem, pass) { 0 } else { times(geometry.columns, geometry.record_bytes) };
            lane.parameters = lane.parameters.max(align(times(pass.parameter_values as usize, element_size(pass))));
            lane.columns = lane.columns.max(align(columns));
            lane.states = lane.states.max(align(division.state_bytes(pass, &geometry, threads)));
            lane.covered = lane.covered.max(align(covered));
            lane.scatters = lane.scatters.max(align(scatter::bytes(problem, pass)));
            scratch_bytes = scratch_bytes.max(Scratch::bytes(pass, &geometry, division.group));
        }
        let steps =
            times(times(problem.extents.batch_dimensions, problem.entry.num_tensors as usize), size_of::<isize>());
        let sum_bytes = Sums::new(problem, core::ptr::null_mut()).bytes();
        Schedule { threads, across_batch, steps_bytes: align(steps), sum_bytes, lane, scratch_bytes }
    }

    /// Batch elements that are worked on at the same time.
    pub fn lanes(&self) -> usize {
        if self.across_batch { self.threads } else { 1 }
    }

    /// Bytes of one of them.
    pub fn lane_bytes(&self) -> usize {
        self.lane.total()
    }

    /// Bytes in all.
    pub fn bytes(&self) -> usize {
        let lanes = times(self.lanes(), self.lane_bytes());
        let scratch = times(self.threads, self.scratch_bytes);
        self.steps_bytes.saturating_add(self.sum_bytes).saturating_add(lanes).saturating_add(scratch)
    }
}

/// Bytes of a temporary for one batch element.
pub fn temporary_bytes(problem: &Problem<'_>, temporary: &crate::abi::TensorDescriptor) -> usize {
    let elements = times(problem.extents.rows(temporary.role), temporary.dim as usize);
    align(times(elements, size_of_type(temporary.dtype)))
}

/// Whether the column records are a tensor's own memory: one dense tensor of the computing type, and nothing to compute.
pub fn columns_in_place(problem: &Problem<'_>, pass: &PassDescriptor) -> bool {
    // SAFETY: a pass has this many column reads.
    let [only] = (unsafe { list(pass.column_reads, pass.num_column_reads) }) else { return false };
    pass.column_prologue.is_none() && pass.column_values == only.dim && is_dense(problem, pass, only)
}

/// Whether column records are nothing but rows of dense tensors of the computing type.
pub fn columns_are_dense(problem: &Problem<'_>, pass: &PassDescriptor) -> bool {
    // SAFETY: a pass has this many column reads.
    let reads = unsafe { list(pass.column_reads, pass.num_column_reads) };
    pass.column_prologue.is_none() && reads.iter().all(|read| is_dense(problem, pass, read))
}

/// Whether a column read finds its rows one after the other, in the computing type.
fn is_dense(problem: &Problem<'_>, pass: &PassDescriptor, read: &Read) -> bool {
    let Some(descriptor) = problem.descriptors().get(read.tensor as usize) else { return false };
    let view = problem.view(read.tensor as usize, descriptor);
    let dense_row = read.dim <= 1 || view.component_stride == 1;
    let dense = view.row_stride == read.dim as isize || problem.extents.rows(pass.columns) <= 1;
    descriptor.dtype == pass.compute && dense_row && dense
}

/// The parts of a thread's memory for one pass, as offsets. While columns are packed it holds a tile of columns instead.
pub struct Scratch {
    /// Row tiles.
    pub tiles: usize,
    /// States, `depth` of them for each row tile.
    pub states: usize,
    /// The result tile.
    pub results: usize,
    /// What columns in the lanes take.
    pub across: usize,
}

impl Scratch {
    /// Where the parts begin.
    pub fn of(geometry: &Geometry, pass: &PassDescriptor, group: usize) -> Scratch {
        let states = times(group, geometry.tile_bytes);
        let results = states.saturating_add(times(times(group, geometry.depth), pass.state_size as usize));
        let across = align(results.saturating_add(pass.result_size as usize));
        Scratch { tiles: 0, states, results, across }
    }

    fn bytes(pass: &PassDescriptor, geometry: &Geometry, group: usize) -> usize {
        let across = if is_across(pass, geometry) { across::scratch_bytes(pass, geometry) } else { 0 };
        Scratch::of(geometry, pass, group).across.saturating_add(across).max(geometry.column_tile_bytes)
    }
}
