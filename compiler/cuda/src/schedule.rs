//! Where each value of a pass lives on a GPU, and how columns are cut into chunks and tiles.
//!
//! ```text
//! block of 256 threads = 256 rows           one row a thread, its values in registers
//! chunk of 512 columns                      a state of its own, summed column by column
//! tile of up to 256 columns                 column values in shared memory, computed by all threads together
//! ```
//!
//! A chunk's state is merged with those of earlier chunks in a binary tree over chunk numbers (a binary counter: 2^n chunks on level
//! n), or, where so many states would not fit, one after the other. Both follow from the columns alone, so a result does not depend on
//! the grid, the block or the machine's size.
//!
//! This first version uses one block per 256 rows, so that few rows leave most of a GPU idle; sums into a parameter run on one thread.

use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, Plan, Value, ValueId};
use keopsc_ir::types::{ScalarType, SumScheme};
use keopsc_ops::intrinsics::Kind;

use crate::uses::{Needed, arguments_read, evaluations, for_each_read, needed};

/// Where a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: nothing that is written needs it.
    Nowhere,
    /// In variables of the thread: registers, or local memory if there are many.
    Thread,
    /// In shared memory, one for the block (parameters).
    Shared,
    /// In shared memory, one a column of the tile.
    Tile,
    /// Where it was stored: read again at each use.
    Stored,
    /// Its expression stands where its one use is.
    Inline,
}

/// How the states of chunks become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// In a binary tree over chunk numbers.
    Tree,
    /// One after the other.
    Sequence,
}

/// The layout of one pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuSchedule {
    /// Threads, and rows, of a block.
    pub threads: u32,
    /// Columns of a chunk.
    pub chunk: u64,
    /// Columns of a tile: a divisor of `chunk`.
    pub tile: u32,
    /// How chunks are merged.
    pub merging: Merging,
    /// The place of each value.
    pub places: Vec<Place>,
    /// Whether each accumulation is needed.
    pub accumulations: Vec<bool>,
    /// The accumulators' type.
    pub accumulate: ScalarType,
    /// Bytes of shared memory.
    pub shared_bytes: u32,
}

impl GpuSchedule {
    /// The place of a value.
    pub fn place(&self, id: ValueId) -> Place {
        self.places[id.0 as usize]
    }
}

/// Components up to which loops are unrolled, so that arrays stay in registers.
pub(crate) const UNROLL: u32 = 32;
/// How often the body of nested loops is repeated by unrolling at most.
pub(crate) const UNROLLED_BODIES: u32 = 256;
/// Levels of the tree of chunks: more than any memory holds.
pub(crate) const LEVELS: u32 = 32;

const THREADS: u32 = 256;
const CHUNK: u64 = 512;
/// One running sum over all columns.
const NO_CHUNKS: u64 = 1 << 40;
/// Shared memory for a tile and for parameters: together less than the 48 KB that every kernel may have.
const TILE_BYTES: u64 = 32 << 10;
const PARAMETER_BYTES: u64 = 12 << 10;
/// A tile has at least so many columns; values that take more room are not in it.
const SHORTEST_TILE: u64 = 8;
/// Rows up to so many components are copied to the thread's own memory, where neighbouring threads have neighbouring addresses.
const ROW_COMPONENTS: u32 = 1024;
/// Bytes a thread for the levels of the tree.
const TREE_BYTES: u64 = 1024;

/// The layout of each pass of a plan that `verify` accepts.
pub fn schedule(plan: &Plan) -> Vec<GpuSchedule> {
    plan.passes.iter().map(|pass| schedule_pass(plan, pass)).collect()
}

fn schedule_pass(plan: &Plan, pass: &Pass) -> GpuSchedule {
    let needed = needed(pass);
    let accumulate = plan.numerics.accumulators(pass.compute);
    let mut places = choose_places(pass, &needed);
    let parameter_bytes = place_parameters(pass, &mut places);
    let column_bytes = place_columns(pass, &needed, &mut places);
    let columns = TILE_BYTES.checked_div(column_bytes).unwrap_or(1).clamp(1, u64::from(THREADS));
    let tile = if column_bytes == 0 { THREADS } else { 1 << columns.ilog2() };
    let accumulations = pass.accumulations.iter().zip(&needed.accumulations).filter(|(_, needed)| **needed);
    let state: u64 = accumulations.map(|(accumulation, _)| state_bytes(accumulation, accumulate)).sum();
    GpuSchedule {
        threads: THREADS,
        chunk: if plan.numerics.sum == SumScheme::Direct { NO_CHUNKS } else { CHUNK },
        tile,
        merging: if state * u64::from(LEVELS) <= TREE_BYTES { Merging::Tree } else { Merging::Sequence },
        places,
        accumulations: needed.accumulations,
        accumulate,
        shared_bytes: (parameter_bytes + column_bytes * u64::from(tile)) as u32,
    }
}

fn state_bytes(accumulation: &Accumulation, real: ScalarType) -> u64 {
    let size = |kind| if kind == Kind::Index { 8 } else { real_bytes(real) };
    accumulation.rule.slots.iter().map(|slot| u64::from(slot.dim) * size(slot.kind)).sum()
}

fn real_bytes(real: ScalarType) -> u64 {
    if real == ScalarType::F64 { 8 } else { 4 }
}

fn value_bytes(pass: &Pass, value: &Value) -> u64 {
    u64::from(value.dim) * if value.is_index { 8 } else { real_bytes(pass.compute) }
}

/// The places that follow from a value alone; long parameters and all columns are still to be placed.
fn choose_places(pass: &Pass, needed: &Needed) -> Vec<Place> {
    let evaluations = evaluations(pass, needed);
    let place = |(number, value): (usize, &Value)| {
        let is_read = matches!(value.definition, Definition::Read(_));
        if !needed.values[number] {
            Place::Nowhere
        } else if value.definition == Definition::Number {
            Place::Inline
        } else if value.block == Block::Row && is_read && value.dim > ROW_COMPONENTS {
            Place::Stored
        } else if value.block == Block::Pair && value.dim > UNROLL && evaluations[number] == 1 {
            Place::Inline
        } else {
            Place::Thread
        }
    };
    pass.values.iter().enumerate().map(place).collect()
}

/// Long parameters: in shared memory as long as there is room, else read again and again, or in the memory of each thread.
fn place_parameters(pass: &Pass, places: &mut [Place]) -> u64 {
    let mut bytes = 0;
    for (id, value) in pass.block(Block::Parameter) {
        let place = &mut places[id.0 as usize];
        if *place == Place::Nowhere || value.dim <= UNROLL {
            continue;
        }
        let size = value_bytes(pass, value).next_multiple_of(16);
        if bytes + size <= PARAMETER_BYTES {
            bytes += size;
            *place = Place::Shared;
        } else if matches!(value.definition, Definition::Read(_)) {
            *place = Place::Stored;
        }
    }
    bytes
}

/// Columns: what pairs need lies in the tile if it fits, else it is read or computed again for each pair. Bytes a column.
fn place_columns(pass: &Pass, needed: &Needed, places: &mut [Place]) -> u64 {
    let mut too_long = vec![false; pass.values.len()];
    let is_kept =
        |(id, value): &(ValueId, &Value)| needed.values[id.0 as usize] && value.definition != Definition::Number;
    loop {
        for (id, value) in pass.block(Block::Column).filter(is_kept) {
            let number = id.0 as usize;
            places[number] = match (&value.definition, too_long[number]) {
                (Definition::Read(_), true) => Place::Stored,
                (_, true) => Place::Thread,
                (_, false) => Place::Tile,
            };
        }
        let by_pairs = needed_by_pairs(pass, places);
        let tiled = |id: ValueId| places[id.0 as usize] == Place::Tile && by_pairs[id.0 as usize];
        let sizes: Vec<(ValueId, u64)> = pass
            .block(Block::Column)
            .filter(|(id, _)| tiled(*id))
            .map(|(id, value)| (id, value_bytes(pass, value).next_multiple_of(2)))
            .collect();
        let bytes: u64 = sizes.iter().map(|(_, size)| size).sum();
        match sizes.iter().max_by_key(|(_, size)| *size) {
            Some((longest, _)) if bytes * SHORTEST_TILE > TILE_BYTES => too_long[longest.0 as usize] = true,
            _ => {
                for (id, value) in pass.block(Block::Column).filter(|(id, _)| !by_pairs[id.0 as usize]) {
                    let place = &mut places[id.0 as usize];
                    let long_read = matches!(value.definition, Definition::Read(_)) && value.dim > UNROLL;
                    if *place == Place::Tile {
                        *place = if long_read { Place::Stored } else { Place::Thread };
                    }
                }
                return bytes;
            }
        }
    }
}

/// The values that the loop over pairs looks at, those that it computes itself included.
pub(crate) fn needed_by_pairs(pass: &Pass, places: &[Place]) -> Vec<bool> {
    let mut found = vec![false; pass.values.len()];
    let accumulated = pass.accumulations.iter().flat_map(arguments_read);
    let pairs = pass.block(Block::Pair).map(|(id, _)| id);
    let mut pending: Vec<ValueId> =
        accumulated.chain(pairs).filter(|id| places[id.0 as usize] != Place::Nowhere).collect();
    close_over(pass, places, &mut pending, &mut found);
    found
}

/// The column values that filling a tile computes: those in it, and what they need.
pub(crate) fn needed_by_tile(pass: &Pass, places: &[Place]) -> Vec<bool> {
    let mut found = vec![false; pass.values.len()];
    for (id, value) in pass.block(Block::Column).filter(|(id, _)| places[id.0 as usize] == Place::Tile) {
        found[id.0 as usize] = true;
        let mut pending = reads(value);
        close_over(pass, places, &mut pending, &mut found);
    }
    found
}

/// Adds `pending` and, for what is computed where it is needed, what that needs.
fn close_over(pass: &Pass, places: &[Place], pending: &mut Vec<ValueId>, found: &mut [bool]) {
    while let Some(id) = pending.pop() {
        let is_new = !std::mem::replace(&mut found[id.0 as usize], true);
        if is_new && matches!(places[id.0 as usize], Place::Thread | Place::Inline) {
            pending.extend(reads(pass.value(id)));
        }
    }
}

fn reads(value: &Value) -> Vec<ValueId> {
    let mut found = Vec::new();
    if let Definition::Compute(scalar) = &value.definition {
        for_each_read(scalar, &mut |id, _| found.push(id));
    }
    found
}
