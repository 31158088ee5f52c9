//! Where each value of a pass lives on a GPU, and how rows and columns are cut.
//!
//! ```text
//! block of 128 rows or 256 rows                      128 threads, or 32 with several rows each, for which a column's values are read once
//! split of columns                                   what one block reduces; chosen when a call is made
//! chunk of 64 to 512 columns for each of its lanes   a state of its own, into which columns are taken one by one, or some together where there are
//!                                                    pivots; with `sum = direct` there is one chunk
//! tile of up to 256 columns                          column values in shared memory, computed by all threads together
//! ```
//!
//! With contractions and wide sums it is a block of 128 rows and as many threads, and a tile of 32 columns or a few times that. Where the state is a
//! list of many places it is 1 to 8 rows with a warp each, whose lanes share the columns of a tile out.
//!
//! The states of chunks are merged in a binary tree over chunk numbers. Splits are subtrees, and their states are merged along the rest of the
//! tree, so that a result does not depend on how columns are split. Where so many states would not fit ([`Order::Sequence`]), chunks are merged
//! one after the other; what no order changes ([`Order::Carried`]) has no states of chunks.

use std::fmt;

use keopsc_ir::plan::cost::cost;
use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, Plan, Value, ValueId};
use keopsc_ir::types::{ScalarType, SumScheme};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions;

use crate::candidates::{list_places, waiting_components};
use crate::contraction::{CONTRACTED_COLUMNS, Contraction, Large, Room, contraction};
use crate::library::Order;
use crate::spelling::Arithmetic;
use crate::state::can_be_mixed;
use crate::uses::{Needed, arguments_read, evaluations, for_each_read, needed};
use crate::wide::{WideSums, wide_sums};

/// Where a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: nothing that is written needs it.
    Nowhere,
    /// In variables of the thread: registers, or local memory if there are many.
    Thread,
    /// In shared memory, one for the block (parameters).
    Shared,
    /// In variables of the thread, one a row.
    Row,
    /// In shared memory, one a column of the tile.
    Tile,
    /// Where it was stored: read again at each use.
    Stored,
    /// Its expression stands where its one use is.
    Inline,
    /// In shared memory, one a pair of the tile, where it has been computed before the rest of the pair.
    Contracted,
}

/// What of a pass's layout may be another one than the model's: that decides how fast results are found, and no bit of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Rows of a thread, where there are many rows and no matrix products.
    Rows(u32),
    /// Blocks with matrix products that are to fit on a multiprocessor: more of them have fewer registers each.
    ResidentBlocks(u32),
}

/// `4 rows a thread`
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::Rows(1) => write!(f, "1 row a thread"),
            Layout::Rows(rows) => write!(f, "{rows} rows a thread"),
            Layout::ResidentBlocks(blocks) => write!(f, "{blocks} blocks a multiprocessor"),
        }
    }
}

/// Another layout than the model's for a pass of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The plan's name.
    pub plan: String,
    /// The pass.
    pub pass: usize,
    /// The layout.
    pub layout: Layout,
}

/// The layout of one pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuSchedule {
    /// Threads of a block, where there are many rows.
    pub threads: u32,
    /// Rows of a thread, where there are many rows.
    pub rows: u32,
    /// Columns of a chunk where there are few columns, and where there are many.
    pub chunk: [u32; 2],
    /// Columns of a tile.
    pub tile: u32,
    /// How chunks are merged.
    pub order: Order,
    /// Levels of the tree of a split's chunks.
    pub levels: u32,
    /// Pairs that are computed side by side.
    pub unroll: u32,
    /// Columns that are taken in together, 1 if none are.
    pub block: u32,
    /// Whether columns that may change a row's state wait until several can be taken in.
    pub queues: bool,
    /// The places of the list that the state is, where it is nothing but a long one.
    pub places_of_list: Option<u32>,
    /// The warps of a block, where each makes the list of a row.
    pub warps: Option<u32>,
    /// Bytes at whose multiples a column's values begin.
    pub column_alignment: u32,
    /// The place of each value.
    pub places: Vec<Place>,
    /// Whether a row's number is needed to read its values again.
    pub rows_are_found_again: bool,
    /// What is computed first for all pairs of a tile.
    pub contraction: Option<Contraction>,
    /// Whether a thread takes in pairs of four rows as tensor cores leave them.
    pub in_quads: bool,
    /// Sums that are a matrix product.
    pub wide: Option<WideSums>,
    /// Blocks with contractions or wide sums that are to fit on a multiprocessor.
    pub resident_blocks: u32,
    /// How contractions are multiplied where there is more shared memory than every GPU has.
    pub large: Option<Large>,
    /// How many times 32 columns long rows are multiplied with at a time elsewhere.
    pub long_parts: u32,
    /// Whether each accumulation is needed.
    pub accumulations: Vec<bool>,
    /// The accumulators' type.
    pub accumulate: ScalarType,
    /// Bytes of a row's state.
    pub state_bytes: u32,
    /// Rough instructions of a pair.
    pub pair_cost: u32,
}

impl GpuSchedule {
    /// Whether there are matrix products.
    pub fn has_products(&self) -> bool {
        self.contraction.is_some() || self.wide.is_some()
    }

    /// What of it could be another; nothing where no columns are reduced.
    pub fn layout(&self) -> Option<Layout> {
        match self.has_products() {
            true => Some(Layout::ResidentBlocks(self.resident_blocks)),
            false => self.accumulations.contains(&true).then_some(Layout::Rows(self.rows)),
        }
    }

    /// Whether wide sums are added up from pairs as tensor cores leave them, where there is more shared memory than every GPU has.
    pub fn wide_in_quads(&self) -> bool {
        self.contraction.as_ref().is_some_and(|contraction| contraction.wide_words > 0)
    }

    /// The place of a value.
    pub fn place(&self, id: ValueId) -> Place {
        self.places[id.0 as usize]
    }
}

/// Components up to which loops are unrolled, so that arrays stay in registers.
pub(crate) const UNROLL: u32 = 32;
/// Components from which on they are in no registers however loops are compiled.
pub(crate) const ROLLED: u32 = 256;
/// How often the body of nested loops is repeated by unrolling at most.
pub(crate) const UNROLLED_BODIES: u32 = 256;

/// Threads of a block in which each thread has a row.
pub(crate) const THREADS: u32 = 128;
/// Threads of a warp.
pub(crate) const WARP: u32 = 32;
/// Threads of a block in which each has several: so few that blocks of rows are seldom half empty. Each thread reads more of the columns then.
const FEW_THREADS: u32 = 32;
/// Rows of a thread from which on that pays.
const SEVERAL_ROWS: u32 = 4;
/// Threads that are to fit on a multiprocessor at least where each has several rows: each then has 128 registers.
pub(crate) const RESIDENT_THREADS: u32 = 512;
/// The most rows of a thread, and the registers that all its rows may take.
const ROWS: u64 = 8;
const ROW_REGISTERS: u64 = 72;
/// The most rows of a thread where what several columns give is kept.
const BLOCK_ROWS: u64 = 4;
/// Registers that a row needs besides its values and its state.
const PAIR_REGISTERS: u64 = 3;
/// Pairs that are computed side by side, to hide the latency of each: so many at least and at most, and how many instructions that may be.
const PAIRS: [u32; 2] = [16, 128];
const SIDE_BY_SIDE: u32 = 1200;
/// Columns that are taken in together where there are pivots, and the registers that a row may need for that.
const BLOCKS: [(u32, u64); 3] = [(16, 10), (8, 14), (4, u64::MAX)];
/// Bytes of a thread's rows, states and what waits, where columns wait, if there are several rows: all threads that a GPU may have have such memory set
/// aside.
const STATES_BYTES: u64 = 2 << 10;
/// Bytes of the columns that wait for a place of a list.
const WAITING_BYTES: u64 = 32;
/// Places of a list from which on a warp makes it, the most warps of a block, and the shared memory that these have.
const PLACES_OF_WARP: u32 = 64;
const WARPS: u64 = 8;
const WARPS_BYTES: u64 = 47 << 10;
/// Threads that merge the lists of a row at most.
pub(crate) const MERGING_THREADS: u32 = 512;
/// Columns that the lanes of a warp look at together: as many as a tile has at least, and as there is more room for where they wait for a place of a list.
const COLUMNS_OF_WARP: u64 = 128;
/// Components that may wait of a thread's pairs with a column.
const WAITING_COMPONENTS: u64 = 4;
/// Columns of a chunk for each lane that takes part in it.
const CHUNK: [u32; 2] = [64, 256];
/// The same where a merge costs more than a sum.
const DEAR_CHUNK: [u32; 2] = [256, 512];
/// Lanes that share a row where each has some of a warp's pairs.
const QUAD: u32 = 4;
/// One running sum over all columns.
const NO_CHUNKS: [u32; 2] = [1 << 30, 1 << 30];
/// Columns of a tile at most.
const TILE: u64 = 256;
/// Shared memory for a tile and for parameters: together less than the 48 KB that every kernel may have. Where blocks have few threads
/// there are many of them on a multiprocessor, each with a tile.
const TILE_BYTES: u64 = 32 << 10;
const SMALL_TILE_BYTES: u64 = 8 << 10;
const PARAMETER_BYTES: u64 = 12 << 10;
/// A tile has at least so many columns; values that take more room are not in it.
const SHORTEST_TILE: u64 = 8;
/// The most registers of a row beside contractions: value and gradient of a distance of many coordinates take more.
const REGISTERS_BESIDE_CONTRACTIONS: u64 = 110;
/// Registers of a multiprocessor for each of a block's threads, and those that a thread needs for factors of wide sums and addresses.
const REGISTERS: u32 = 65536 / THREADS;
const UNCONTRACTED_REGISTERS: u64 = 70;
/// Blocks with matrix products that may be meant to fit on a multiprocessor.
const RESIDENT_BLOCKS: std::ops::RangeInclusive<u32> = 2..=5;
/// Registers that four rows may take beside contractions, and bytes of a column that each of them reads.
const QUAD_REGISTERS: u64 = 24;
const QUAD_COLUMN_BYTES: u64 = 32;
/// Rows up to so many components are copied to the thread's own memory, where neighbouring threads have neighbouring addresses.
const ROW_COMPONENTS: u32 = 1024;
/// Bytes a thread for the levels of the tree, and the levels that there are at least and at most.
const TREE_BYTES: u64 = 1024;
const FEWEST_LEVELS: u64 = 5;
const MOST_LEVELS: u64 = 12;

/// The layout of each pass of a plan that `verify` accepts: the model's, or what is chosen for a pass, where that is a candidate.
pub fn schedule(plan: &Plan, arithmetic: Arithmetic, choices: &[Choice]) -> Vec<GpuSchedule> {
    let own = |pass: usize| choices.iter().find(|choice| choice.plan == plan.name && choice.pass == pass);
    let chosen = |(number, pass): (usize, &Pass)| {
        let layout = own(number).map(|choice| choice.layout);
        let layout = layout.filter(|layout| candidates(plan, pass, arithmetic).contains(layout));
        schedule_pass(plan, pass, arithmetic, layout)
    };
    plan.passes.iter().enumerate().map(chosen).collect()
}

/// The layouts that a pass can have, the model's first; none where there is nothing to choose.
pub fn candidates(plan: &Plan, pass: &Pass, arithmetic: Arithmetic) -> Vec<Layout> {
    let model = schedule_pass(plan, pass, arithmetic, None);
    let all: Vec<Layout> = match model.layout() {
        Some(Layout::Rows(_)) => (0..=ROWS.ilog2()).map(|power| Layout::Rows(1 << power)).collect(),
        Some(Layout::ResidentBlocks(_)) => RESIDENT_BLOCKS.map(Layout::ResidentBlocks).collect(),
        None => return Vec::new(),
    };
    // Not what is another one after all, nor other bits.
    let is_candidate = |layout: &Layout| {
        let schedule = schedule_pass(plan, pass, arithmetic, Some(*layout));
        schedule.layout() == Some(*layout) && schedule.order == model.order
    };
    let others = all.into_iter().filter(|layout| Some(*layout) != model.layout() && is_candidate(layout));
    model.layout().into_iter().chain(others).collect()
}

/// With all matrix products that there is room for.
fn schedule_pass(plan: &Plan, pass: &Pass, arithmetic: Arithmetic, layout: Option<Layout>) -> GpuSchedule {
    let products = [[true, true], [true, false], [false, true]];
    let found = products.into_iter().find_map(|products| schedule_products(plan, pass, arithmetic, products, layout));
    found.unwrap_or_else(|| {
        let plain = schedule_products(plan, pass, arithmetic, [false, false], layout);
        plain.expect("what has no matrix products needs no room for them")
    })
}

/// With contractions, if these are asked for, and wide sums; nothing where they do not leave enough for everything else.
fn schedule_products(
    plan: &Plan,
    pass: &Pass,
    arithmetic: Arithmetic,
    [contracted, wide]: [bool; 2],
    layout: Option<Layout>,
) -> Option<GpuSchedule> {
    let needed = needed(pass);
    let accumulate = plan.numerics.accumulators(pass.compute);
    let mut places = choose_places(pass, &needed);
    let parameter_bytes = place_parameters(pass, &mut places);
    let contraction = if contracted { contraction(plan, pass, &needed, &places, arithmetic) } else { None };
    let wide = if wide { wide_sums(plan, pass, &needed, &places, arithmetic, contraction.as_ref()) } else { None };
    let contraction = contraction.map(|one| Contraction { has_wide_sums: wide.is_some(), ..one });
    for product in wide.iter().flat_map(|wide| wide.products(pass, &needed)) {
        places[product.0 as usize] = Place::Nowhere;
    }
    if let Some(contraction) = &contraction {
        places[contraction.value.0 as usize] = Place::Contracted;
    }
    let column_bytes = place_columns(pass, &needed, &mut places);
    place_rows(pass, &mut places);
    let column_alignment = alignment(column_bytes);
    let column_bytes = column_bytes.next_multiple_of(u64::from(column_alignment));
    let all = pass.accumulations.iter().enumerate().filter(|(number, _)| needed.accumulations[*number]);
    let by_threads = all.clone().filter(|(number, _)| wide.as_ref().is_none_or(|wide| !wide.has(*number)));
    let [used, by_threads] = [all.collect(), by_threads.collect()].map(|all: Vec<(usize, &Accumulation)>| {
        let accumulations = all.into_iter().map(|(_, accumulation)| accumulation);
        accumulations.collect::<Vec<&Accumulation>>()
    });
    let state = state_bytes(&used, accumulate);
    let has_pivots = |accumulation: &&Accumulation| accumulation.rule.raising.is_some();
    let waiting = waiting_components(pass, &used).filter(|components| *components <= WAITING_COMPONENTS);
    let queues = waiting.is_some();
    // A state that is seldom changed is where neither registers nor shared memory are.
    let state_in_registers = if queues { 0 } else { state_bytes(&by_threads, accumulate) };
    let registers = registers_of_a_row(pass, &places, state_in_registers);
    // Lanes of a row have sums of their own, which are not one after the other.
    let fits_in_quads = contraction.is_some()
        && !queues
        && plan.numerics.sum != SumScheme::Direct
        && by_threads.iter().all(|accumulation| can_be_mixed(&accumulation.rule))
        && 4 * (registers - PAIR_REGISTERS) <= QUAD_REGISTERS
        && column_bytes <= QUAD_COLUMN_BYTES;
    let in_quads = fits_in_quads && wide.is_none();
    let products = plan.numerics.products;
    let contraction = contraction.map(|one| match &wide {
        Some(wide) if fits_in_quads && arithmetic == Arithmetic::Real && one.is_of_products() => {
            Contraction { wide_words: wide.words_in_quads(products), ..one }
        }
        _ => one,
    });
    let has_lanes = in_quads || contraction.as_ref().is_some_and(|one| one.wide_words > 0);
    let room = Room { compute: pass.compute, products, column_bytes, parameter_bytes, wide: wide.as_ref() };
    let has_registers = arithmetic == Arithmetic::Ring || registers <= REGISTERS_BESIDE_CONTRACTIONS;
    let has_room = match &contraction {
        Some(contraction) => has_registers && contraction.has_room(&room),
        None => wide.is_none() || has_registers && room.suffices_without_contraction(),
    };
    if !has_room {
        return None;
    }
    let (block, most_rows) = match !used.is_empty() && used.iter().all(has_pivots) {
        true => (BLOCKS.iter().find(|(_, most)| registers <= *most).map_or(1, |(block, _)| *block), BLOCK_ROWS),
        false => {
            let bytes = state + list_places(&used).map_or(0, |places| u64::from(places) * WAITING_BYTES);
            (1, waiting.map_or(ROWS, |components| most_rows_waiting(components, bytes)))
        }
    };
    let large = contraction.as_ref().and_then(|contraction| contraction.large(&room, in_quads));
    let long_parts = contraction.as_ref().map_or(1, |contraction| contraction.long_parts(&room));
    // A column's values are read from shared memory once for all rows of a thread.
    let is_of_products = contraction.is_some() || wide.is_some();
    let rows = match layout {
        _ if is_of_products => 1,
        Some(Layout::Rows(rows)) => rows.min(1 << most_rows.ilog2()),
        _ => 1 << (ROW_REGISTERS / registers).clamp(1, most_rows).ilog2(),
    };
    let resident_blocks = match layout {
        Some(Layout::ResidentBlocks(blocks)) => blocks,
        _ => resident_blocks(contraction.as_ref(), wide.as_ref(), registers),
    };
    let places_of_list = if queues { list_places(&used) } else { None };
    let are_short = COLUMNS_OF_WARP * column_bytes <= SMALL_TILE_BYTES;
    let is_made_by_warps = |places: &u32| !is_of_products && are_short && *places >= PLACES_OF_WARP;
    let few_columns = tile_columns(SMALL_TILE_BYTES / 2, column_bytes).max(COLUMNS_OF_WARP);
    let taken = few_columns * column_bytes + parameter_bytes;
    let warps = places_of_list
        .filter(is_made_by_warps)
        .and_then(|places| WARPS_BYTES.saturating_sub(taken).checked_div(list_bytes(places, pass, state)))
        .filter(|warps| *warps > 0)
        .map(|warps| 1 << warps.min(WARPS).ilog2());
    let (threads, columns) = match (warps, rows >= SEVERAL_ROWS) {
        (Some(warps), _) => (WARP * warps, few_columns),
        (None, true) => (FEW_THREADS, tile_columns(SMALL_TILE_BYTES, column_bytes)),
        (None, false) => (THREADS, tile_columns(TILE_BYTES, column_bytes)),
    };
    let levels = (TREE_BYTES / (state * u64::from(rows)).max(1)).min(MOST_LEVELS);
    let block = if in_quads { block.min(8) } else { block };
    let pair_cost = cost(pass).per_pair.cycles().clamp(1.0, 1e6) as u32;
    let order = order(plan.numerics.sum, &used, levels);
    Some(GpuSchedule {
        threads,
        rows,
        chunk: match &contraction {
            Some(contraction) => chunk(plan.numerics.sum, &used, if has_lanes { QUAD } else { 1 })
                .map(|columns| columns.max(contraction.tile_columns())),
            None => chunk(plan.numerics.sum, &used, 1),
        },
        tile: if wide.is_some() { CONTRACTED_COLUMNS } else { columns as u32 },
        order,
        levels: if order == Order::Tree { levels as u32 } else { 1 },
        unroll: 1 << (SIDE_BY_SIDE / pair_cost).clamp(PAIRS[0], PAIRS[1]).ilog2(),
        block,
        queues,
        places_of_list,
        warps,
        column_alignment,
        rows_are_found_again: pass.block(Block::Row).any(|(id, _)| places[id.0 as usize] == Place::Stored),
        places,
        in_quads,
        resident_blocks,
        large,
        long_parts,
        contraction,
        wide,
        accumulations: needed.accumulations,
        accumulate,
        state_bytes: state.max(1) as u32,
        pair_cost,
    })
}

/// Columns of a tile of so many bytes: a power of two.
fn tile_columns(tile_bytes: u64, column_bytes: u64) -> u64 {
    1 << tile_bytes.checked_div(column_bytes).unwrap_or(TILE).clamp(SHORTEST_TILE, TILE).ilog2()
}

/// Bytes of `ListMemory` in `skeleton/lists.cu` for a list of scalars whose state has so many.
fn list_bytes(places: u32, pass: &Pass, state: u64) -> u64 {
    let places = u64::from(places);
    let candidate = (real_bytes(pass.compute) + 8).next_multiple_of(8);
    let most = places + places / 4;
    let waiting = (2 * places + COLUMNS_OF_WARP) * candidate;
    waiting.max((most * candidate).next_multiple_of(8) + state + 2 * most).next_multiple_of(8)
}

/// The most rows of a thread where columns wait, so many components of each, and each row has so many bytes.
fn most_rows_waiting(components: u64, bytes: u64) -> u64 {
    (WAITING_COMPONENTS / components.max(1)).min(STATES_BYTES / bytes.max(1)).max(1)
}

/// How many blocks are to fit on a multiprocessor, where all else of a row takes so many registers.
fn resident_blocks(contraction: Option<&Contraction>, wide: Option<&WideSums>, registers: u64) -> u32 {
    let own = match contraction {
        Some(contraction) => contraction.registers(),
        None => UNCONTRACTED_REGISTERS,
    };
    let all = own + registers + wide.map_or(0, WideSums::registers);
    let fitting = |blocks: &u32| u64::from(REGISTERS / blocks) >= all;
    RESIDENT_BLOCKS.rev().find(fitting).unwrap_or(*RESIDENT_BLOCKS.start())
}

fn order(sum: SumScheme, used: &[&Accumulation], levels: u64) -> Order {
    if used.iter().all(|accumulation| reductions::reduction(accumulation.reduction).exact) {
        Order::Carried
    } else if levels < FEWEST_LEVELS || matches!(sum, SumScheme::Direct | SumScheme::Block) {
        Order::Sequence
    } else {
        Order::Tree
    }
}

/// So many lanes share a chunk.
fn chunk(sum: SumScheme, used: &[&Accumulation], lanes: u32) -> [u32; 2] {
    let is_plain = |accumulation: &&Accumulation| accumulation.rule.merges_at_once();
    match sum {
        SumScheme::Direct => NO_CHUNKS,
        _ if used.iter().all(is_plain) => CHUNK.map(|columns| lanes * columns),
        _ => DEAR_CHUNK.map(|columns| lanes * columns),
    }
}

/// Registers that a row takes.
fn registers_of_a_row(pass: &Pass, places: &[Place], state: u64) -> u64 {
    let values = pass.values.iter().zip(places).filter(|(_, place)| matches!(place, Place::Row));
    let row: u64 = values.map(|(value, _)| value_bytes(pass, value)).sum();
    let is_variable = |(value, place): &(&Value, &Place)| value.block == Block::Pair && **place == Place::Thread;
    let pair = pass.values.iter().zip(places).filter(is_variable);
    let longest = pair.map(|(value, _)| value_bytes(pass, value)).max().unwrap_or(0);
    (row + state + longest) / 4 + PAIR_REGISTERS * real_bytes(pass.compute) / 4
}

/// A column that fills whole words of 4, 8 or 16 bytes is read in so many.
fn alignment(bytes: u64) -> u32 {
    match bytes {
        0..=4 => 4,
        5..=8 => 8,
        bytes if bytes.next_multiple_of(16) * 4 <= bytes.next_multiple_of(8) * 5 => 16,
        _ => 8,
    }
}

/// `sizeof` the structure that C++ makes of the slots.
fn state_bytes(used: &[&Accumulation], real: ScalarType) -> u64 {
    let slots = used.iter().flat_map(|accumulation| &accumulation.rule.slots);
    let size = |kind| if kind == Kind::Index { 8 } else { real_bytes(real) };
    let (bytes, alignment) = slots.fold((0_u64, 1), |(bytes, alignment), slot| {
        let size = size(slot.kind);
        (bytes.next_multiple_of(size) + u64::from(slot.dim) * size, size.max(alignment))
    });
    bytes.next_multiple_of(alignment)
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
    let all = pass.accumulations.iter().zip(&needed.accumulations);
    let used: Vec<&Accumulation> = all.filter(|(_, needed)| **needed).map(|(accumulation, _)| accumulation).collect();
    // To be written, a state that is in memory needs no copy; one in registers does, in which a loop finds its components.
    let is_list = list_places(&used).is_some();
    let place = |(number, value): (usize, &Value)| {
        let is_read = matches!(value.definition, Definition::Read(_));
        let is_outcome = matches!(value.definition, Definition::Outcome { .. });
        let is_long_outcome = is_outcome && (is_list || value.dim > ROLLED);
        if !needed.values[number] {
            Place::Nowhere
        } else if value.definition == Definition::Number {
            if value.block == Block::Row { Place::Thread } else { Place::Inline }
        } else if value.block == Block::Row && is_read && value.dim > ROW_COMPONENTS {
            Place::Stored
        } else if value.block == Block::Pair && value.dim > UNROLL && evaluations[number] == 1
            || is_long_outcome && evaluations[number] == 0
        {
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

/// Rows: what pairs look at is kept, one of each row; the rest is on the way to it.
fn place_rows(pass: &Pass, places: &mut [Place]) {
    let rows: Vec<ValueId> = pass.block(Block::Row).map(|(id, _)| id).collect();
    for id in &rows {
        if places[id.0 as usize] == Place::Thread {
            places[id.0 as usize] = Place::Row;
        }
    }
    let by_pairs = needed_by_pairs(pass, places);
    for id in rows {
        if places[id.0 as usize] == Place::Row && !by_pairs[id.0 as usize] {
            places[id.0 as usize] = Place::Thread;
        }
    }
}

/// The row values that reading a row computes: those that are kept, and what they need.
pub(crate) fn needed_by_rows(pass: &Pass, places: &[Place]) -> Vec<bool> {
    needed_by_place(pass, places, Block::Row, Place::Row)
}

/// What writing a row's results computes.
pub(crate) fn needed_by_writes(pass: &Pass, places: &[Place]) -> Vec<bool> {
    let mut found = vec![false; pass.values.len()];
    let mut pending: Vec<ValueId> = pass.writes.iter().map(|write| write.value).collect();
    while let Some(id) = pending.pop() {
        if !std::mem::replace(&mut found[id.0 as usize], true) && places[id.0 as usize] != Place::Stored {
            pending.extend(reads(pass.value(id)));
        }
    }
    found
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
    needed_by_place(pass, places, Block::Column, Place::Tile)
}

fn needed_by_place(pass: &Pass, places: &[Place], block: Block, place: Place) -> Vec<bool> {
    let mut found = vec![false; pass.values.len()];
    for (id, value) in pass.block(block).filter(|(id, _)| places[id.0 as usize] == place) {
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
