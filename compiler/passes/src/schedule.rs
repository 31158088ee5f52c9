//! Kernel plan → scheduled plan: how each pass is laid out on a machine with vector registers.
//!
//! Rows lie in the lanes of `row_vectors` registers; columns come one after the other, `columns` at a time, and are broadcast. Folds and
//! component loops up to `unroll` are unrolled into registers; longer ones stay loops, and a long fold over components of the pair's two
//! points (a *contraction*) is computed for the whole register tile of `row_vectors × columns` at once, like a matrix product.
//!
//! ```text
//! Σ_j exp(-|x-y|²)·b, D = 3,   32 registers:  3 row vectors × 1 column,   everything in registers
//! Σ_j exp(-|x-y|²)·b, D = 100, 32 registers:  3 row vectors × 8 columns,  24 partial distances in registers
//! ```
//!
//! Accumulations that are dear to update column by column wait: what they need of the pairs (*kept* values) is computed for a block of columns
//! first. Then the exponentials of all its columns are taken relative to one largest value; sums of many components are added up some
//! components at a time, which stay in registers over the whole block, like a second matrix product; and lists of the best columns look at
//! those alone that get in.
//!
//! Invariant: a schedule changes how fast a result is found and in which order of columns it is summed, nothing else; it depends on
//! plan and machine alone. [`Scheduled`] can only be made here, from a verified plan: back ends take nothing else.

use keopsc_ir::plan::cost::cost;
use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, Plan, Value, ValueId, Verified};
use keopsc_ir::types::{Role, ScalarType, SumScheme};
use keopsc_ops::reductions::{self, Operand};
use keopsc_ops::scalar::{Counter, Index, Scalar};

/// What the scheduler knows of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// float32 lanes of a vector register; half as many float64.
    pub lanes_f32: u32,
    /// Vector registers.
    pub registers: u32,
}

/// Where a value of a pass lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Each component in registers, computed at its first use.
    Registers,
    /// Nowhere: its expression is computed where its one use stands.
    Inline,
    /// In memory, all components computed by a loop where the value is defined.
    Memory,
    /// In memory for all columns of a block; a scalar.
    Kept,
}

/// When an accumulation takes a column in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// When its pairs have been computed.
    Along,
    /// Then too, but only if the column gets past the reduction's guard in some row.
    Guarded,
    /// When the pairs of all columns of a block have been computed.
    After,
}

/// In which order the states of chunks become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In a binary tree.
    Tree,
    /// One after the other.
    Sequence,
    /// One after the other, a chunk having as many columns as there are chunks: about √N.
    Roots,
    /// None are merged where nothing forces it: each chunk goes on with the state of the one before.
    Carried,
}

/// The layout of one pass.
#[derive(Clone, Debug, PartialEq)]
pub struct PassSchedule {
    /// Lanes of a vector of the computing type.
    pub lanes: u32,
    /// The accumulators' type; a vector of them has as many lanes, where they are wider in more registers.
    pub accumulate: ScalarType,
    /// Row vectors of a tile: a tile has `lanes * row_vectors` rows.
    pub row_vectors: u32,
    /// Columns that are computed together.
    pub columns: u32,
    /// Columns whose results are accumulated without looking at the others, before they are merged; at most so many in
    /// [`Order::Roots`].
    pub chunk: u32,
    /// In which order chunks are merged.
    pub order: Order,
    /// Columns whose pairs are computed before kept values are used; [`PassSchedule::columns`] where none are kept.
    pub block: u32,
    /// When each accumulation takes a column in.
    pub updates: Vec<Update>,
    /// For each accumulation the components of its long slots that stay in registers while the columns of a block are taken in.
    pub components: Vec<u32>,
    /// For each accumulation whether [`PassSchedule::columns`] columns are summed before their sum is added to the chunk's.
    pub blocked: Vec<bool>,
    /// Folds and component loops up to this count are unrolled.
    pub unroll: u32,
    /// Whether the components of row values stay in registers over all columns, or are read again for each.
    pub rows_in_registers: bool,
    /// Storage of each value.
    pub storage: Vec<Storage>,
    /// Pair values that are computed for the whole register tile.
    pub contractions: Vec<ValueId>,
    /// Estimated cycles a pair, in sixteenths.
    pub pair_cost: u32,
}

/// A verified plan with a layout for each of its passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    plan: Plan,
    passes: Vec<PassSchedule>,
    for_ranges: Option<Box<Scheduled>>,
}

impl Scheduled {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Each pass with its layout.
    pub fn passes(&self) -> impl Iterator<Item = (&Pass, &PassSchedule)> {
        self.plan.passes.iter().zip(&self.passes)
    }

    /// The same entry for calls in which only some pairs count, if its plan is another one.
    pub fn for_ranges(&self) -> Option<&Scheduled> {
        self.for_ranges.as_deref()
    }
}

/// For tests, which have to meet the ends of chunks and the work of several threads in small problems.
impl Scheduled {
    /// The same with chunks of that many columns, at least 1.
    pub fn with_chunk(mut self, chunk: u32) -> Scheduled {
        self.change_passes(&|pass| pass.chunk = chunk.max(1));
        self
    }

    /// The same with another estimate of what a pair costs.
    pub fn with_pair_cost(mut self, pair_cost: u32) -> Scheduled {
        self.change_passes(&|pass| pass.pair_cost = pair_cost);
        self
    }

    fn change_passes(&mut self, change: &impl Fn(&mut PassSchedule)) {
        self.passes.iter_mut().for_each(change);
        if let Some(other) = &mut self.for_ranges {
            other.change_passes(change);
        }
    }
}

/// Lays out a plan on a machine.
pub fn schedule(plan: &Verified, machine: &Machine) -> Scheduled {
    let lay_out = |plan: &Plan, for_ranges| {
        let passes = plan.passes.iter().map(|pass| schedule_pass(plan, pass, machine)).collect();
        Scheduled { plan: plan.clone(), passes, for_ranges }
    };
    lay_out(plan, plan.for_ranges().map(|plan| Box::new(lay_out(plan, None))))
}

/// Components up to which loops are unrolled.
const UNROLL: u32 = 16;

/// Columns of a block: computed in one turn of the loop over columns, so that their sums are added up first and then added to the chunk's.
const BLOCK: u32 = 8;
/// Columns a chunk of blocks, and where pairs are too dear to be unrolled into blocks, so that merging chunks is cheap. No term is part of
/// more than 8 + 8 + log2(N / 64) additions, or 64 + log2(N / 64) without blocks.
const SHORTEST_CHUNK: u32 = 64;
/// Columns a chunk of other sums, whose merges are dearer: 128 + log2(N / 128) additions.
const SHORT_CHUNK: u32 = 128;
/// Columns a chunk where nothing is gained by shorter ones, and a merge may be dear.
const LONG_CHUNK: u32 = 512;
/// Columns of which pair values are kept: the values of all row vectors stay in the first-level cache.
const KEPT_COLUMNS: u32 = 64;
/// The same where columns come in groups of 8 and of 5.
const KEPT_GROUPS: u32 = 40;
/// Values a pair that are kept at most.
const KEPT_VALUES: usize = 4;
/// Components of accumulators that may be updated column by column without crowding registers.
const NARROW: u32 = 5;
/// Columns a chunk where sums are to run on: columns and counts below it are exact in float32.
const LONGEST_CHUNK: u32 = 1 << 23;
/// Estimated cycles of the pairs of a row vector that are unrolled into a loop's body at most.
const BODY_CYCLES: f64 = 160.0;

/// How a pass is cut into chunks, and those into blocks.
struct Stretches {
    chunk: u32,
    order: Order,
    /// Columns that are computed together where there is no other reason to.
    columns: u32,
    blocked: Vec<bool>,
}

impl Stretches {
    /// `group` is how many columns are computed together for the sake of contractions, if there are any.
    fn of(plan: &Plan, pass: &Pass, updates: &[Update], group: Option<u32>, pair_cycles: f64) -> Stretches {
        let columns = group.unwrap_or(if is_waiting(updates) { unrolled_columns(pair_cycles) } else { 1 });
        let whole = |chunk, order| Stretches { chunk, order, columns, blocked: vec![false; pass.accumulations.len()] };
        let narrow = plan.numerics.accumulators(pass.compute) == pass.compute;
        let mut stretches = match plan.numerics.sum {
            _ if is_exact(pass) => whole(LONG_CHUNK, Order::Carried),
            SumScheme::Direct => return whole(LONGEST_CHUNK, Order::Sequence),
            SumScheme::Block => return whole(LONGEST_CHUNK, Order::Roots),
            SumScheme::Auto if narrow && pass.accumulations.iter().any(rounds) => {
                Stretches::short(pass, updates, group, pair_cycles)
            }
            SumScheme::Kahan if pass.accumulations.iter().any(is_compensated) => whole(SHORT_CHUNK, Order::Tree),
            SumScheme::Auto | SumScheme::Kahan => whole(LONG_CHUNK, Order::Tree),
        };
        // Whole groups of 8 and of 5 columns on every machine: chunks, and with them the shards of states, depend on the plan alone.
        if plan.passes.iter().any(has_contractions) {
            stretches.chunk = stretches.chunk / 8 * 5;
        }
        stretches
    }

    /// Those of a pass in which sums round. There are blocks where they are merged by additions, of sums that are few enough for those of
    /// the block and those of the chunk to be in registers.
    fn short(pass: &Pass, updates: &[Update], group: Option<u32>, pair_cycles: f64) -> Stretches {
        let added = |(one, update): (&Accumulation, &Update)| {
            rounds(one) && one.rule.merge_lets.is_empty() && *update == Update::Along
        };
        let all = || pass.accumulations.iter().zip(updates);
        let slots = all().filter(|one| added(*one)).flat_map(|(one, _)| &one.rule.slots);
        let few = (1..=UNROLL).contains(&slots.map(|slot| slot.dim).fold(0, u32::saturating_add));
        let columns = group.unwrap_or(if few || is_waiting(updates) { unrolled_columns(pair_cycles) } else { 1 });
        let blocked: Vec<bool> = all().map(|one| few && columns > 1 && added(one)).collect();
        let others = || pass.accumulations.iter().zip(&blocked).filter(|(_, blocked)| !**blocked).map(|(one, _)| one);
        let chunk = if others().all(|one| one.rule.merge_lets.is_empty()) {
            if few { SHORTEST_CHUNK } else { SHORT_CHUNK }
        } else if others().any(rounds) {
            SHORT_CHUNK
        } else {
            LONG_CHUNK
        };
        Stretches { chunk, order: Order::Tree, columns, blocked }
    }
}

/// Whether any accumulation waits for the pairs of several columns.
fn is_waiting(updates: &[Update]) -> bool {
    updates.iter().any(|update| *update != Update::Along)
}

/// How many columns' pairs are unrolled into a loop's body.
fn unrolled_columns(pair_cycles: f64) -> u32 {
    [BLOCK, BLOCK / 2].into_iter().find(|columns| f64::from(*columns) * pair_cycles <= BODY_CYCLES).unwrap_or(1)
}

/// Whether the order of columns makes no difference to what a pass accumulates, so that no state need be merged.
fn is_exact(pass: &Pass) -> bool {
    let exact = |one: &Accumulation| reductions::reduction(one.reduction).exact;
    !pass.accumulations.is_empty() && pass.accumulations.iter().all(exact)
}

/// When each accumulation takes columns in, and the values to be kept for that.
fn choose_updates(pass: &Pass) -> (Vec<Update>, Vec<ValueId>) {
    let mut kept = Vec::new();
    let exact = is_exact(pass);
    let updates = pass.accumulations.iter().map(|one| {
        let width = one.rule.slots.iter().map(|slot| slot.dim).fold(0, u32::saturating_add);
        let update = if exact && one.rule.guard.as_ref().is_some_and(|guard| guard.dim <= UNROLL) {
            Update::Guarded
        } else if (one.rule.raising.is_some() || width > NARROW) && is_componentwise(pass, one) {
            Update::After
        } else {
            return Update::Along;
        };
        let mut needed = kept.clone();
        let known = one.arguments.iter().all(|argument| keep(pass, *argument, &mut needed));
        if !known || needed.len() > KEPT_VALUES {
            return Update::Along;
        }
        kept = needed;
        update
    });
    (updates.collect(), kept)
}

/// Adds what has to be kept for a value to be computed once more when all pairs of a block are known; `false` if that would be dear.
fn keep(pass: &Pass, id: ValueId, kept: &mut Vec<ValueId>) -> bool {
    let value = pass.value(id);
    if value.block != Block::Pair || kept.contains(&id) {
        return true;
    }
    if value.dim == 1 {
        kept.push(id);
        return true;
    }
    let Definition::Compute(body) = &value.definition else { return false };
    let mut known = !body.contains_fold();
    body.for_each_read(&mut |id, _| known = known && keep(pass, *id, kept));
    known
}

/// The row values of which component `k` is needed for component `k` of an accumulation's arguments.
pub fn rows_at_component(pass: &Pass, accumulation: &Accumulation) -> Vec<ValueId> {
    fn visit(pass: &Pass, id: ValueId, rows: &mut Vec<ValueId>) {
        let value = pass.value(id);
        match &value.definition {
            _ if value.dim == 1 || rows.contains(&id) => {}
            _ if value.block == Block::Row => rows.push(id),
            Definition::Compute(body) if value.block == Block::Pair => body.for_each_read(&mut |id, index| {
                if *index == Index::K {
                    visit(pass, *id, rows);
                }
            }),
            _ => {}
        }
    }
    let mut rows = Vec::new();
    accumulation.arguments.iter().for_each(|argument| visit(pass, *argument, &mut rows));
    rows
}

/// How many components of long slots fit into registers, with what they need of the rows.
fn components(pass: &Pass, accumulation: &Accumulation, machine: &Machine, row_vectors: u32, registers: u32) -> u32 {
    let rows = rows_at_component(pass, accumulation).len() as u32;
    (machine.registers * 3 / 4 / (row_vectors * (registers + rows))).clamp(1, UNROLL)
}

/// Whether component `k` of each long slot depends on nothing but scalars and components `k` of what is long.
fn is_componentwise(pass: &Pass, accumulation: &Accumulation) -> bool {
    let rule = &accumulation.rule;
    let (lets, update) = match &rule.raising {
        Some(raising) => (&raising.lets, &raising.update),
        None => (&rule.update_lets, &rule.update),
    };
    let is_scalar = |operand: &Operand| match operand {
        Operand::Argument(number) => pass.value(accumulation.arguments[*number as usize]).dim == 1,
        Operand::State(slot) | Operand::Later(slot) => rule.slots[*slot as usize].dim == 1,
        Operand::Let(number) => lets[*number as usize].dim == 1,
        Operand::Column => true,
    };
    let mut alike = true;
    lets.iter().map(|item| &item.value).chain(update).for_each(|body| {
        body.for_each_read(&mut |operand, index| alike &= is_scalar(operand) || *index == Index::K);
    });
    alike
}

fn has_contractions(pass: &Pass) -> bool {
    pass.block(Block::Pair).any(|(_, value)| is_contraction(pass, value))
}

/// Whether an accumulation has sums that round.
fn rounds(accumulation: &Accumulation) -> bool {
    reductions::rounds(accumulation.reduction)
}

/// Whether an accumulation makes up for rounding in its sums.
fn is_compensated(accumulation: &Accumulation) -> bool {
    reductions::is_compensated(accumulation.reduction)
}

/// Components of accumulators and of pair values in memory above which a tile has a single row vector, to spare the caller's stack.
const LONG_LOCALS: u32 = 1024;

fn long_locals(pass: &Pass, storage: &[Storage], registers: u32) -> u32 {
    let slots = pass.accumulations.iter().flat_map(|accumulation| &accumulation.rule.slots);
    let slots = slots.map(|slot| slot.dim.saturating_mul(registers));
    let in_memory = |(id, _): &(ValueId, &Value)| storage[id.0 as usize] == Storage::Memory;
    slots.chain(pass.block(Block::Pair).filter(in_memory).map(|(_, value)| value.dim)).fold(0, u32::saturating_add)
}

fn schedule_pass(plan: &Plan, pass: &Pass, machine: &Machine) -> PassSchedule {
    let lanes = if pass.compute == ScalarType::F64 { machine.lanes_f32 / 2 } else { machine.lanes_f32 };
    let (updates, kept) = choose_updates(pass);
    let storage = choose_storage(pass, &kept);
    let contractions: Vec<ValueId> =
        pass.block(Block::Pair).filter(|(_, value)| is_contraction(pass, value)).map(|(id, _)| id).collect();
    let accumulate = plan.numerics.accumulators(pass.compute);
    let registers = if accumulate == pass.compute { 1 } else { 2 };
    let pressure = Pressure::of(pass, &updates, registers);
    let pair_cycles = cost(pass).per_pair.cycles();
    let (row_vectors, group) = if contractions.is_empty() {
        (pressure.row_vectors(machine), None)
    } else if machine.registers >= 32 {
        (3, Some(8))
    } else {
        (2, Some(5))
    };
    let stretches = Stretches::of(plan, pass, &updates, group, pair_cycles);
    let row_vectors = if pass.rows == Role::Parameter || long_locals(pass, &storage, registers) > LONG_LOCALS {
        1
    } else {
        row_vectors
    };
    let block = if group.is_none() && !updates.contains(&Update::After) {
        stretches.columns
    } else if plan.passes.iter().any(has_contractions) {
        KEPT_GROUPS
    } else {
        KEPT_COLUMNS
    };
    let rows_in_registers = contractions.is_empty() && row_vectors * pressure.rows <= machine.registers / 2;
    PassSchedule {
        lanes,
        accumulate,
        row_vectors,
        columns: stretches.columns,
        chunk: stretches.chunk,
        order: stretches.order,
        block,
        updates,
        components: pass
            .accumulations
            .iter()
            .map(|one| components(pass, one, machine, row_vectors, registers))
            .collect(),
        blocked: stretches.blocked,
        unroll: UNROLL,
        rows_in_registers,
        storage,
        contractions,
        pair_cost: (pair_cycles * 16.0 / f64::from(lanes)).ceil() as u32,
    }
}

/// How many registers a row vector needs, by kind.
struct Pressure {
    rows: u32,
    accumulators: u32,
    temporaries: u32,
}

impl Pressure {
    /// `registers` is what a vector of accumulators takes.
    fn of(pass: &Pass, updates: &[Update], registers: u32) -> Pressure {
        let uses = count_uses(pass, |block| block == Block::Pair);
        let used = |id: ValueId| uses[id.0 as usize] > 0;
        let rows = pass.block(Block::Row).filter(|(id, _)| used(*id)).map(|(_, value)| value.dim).sum();
        let slots = pass.accumulations.iter().zip(updates).flat_map(|(one, update)| {
            let pivots = one.rule.raising.iter().flat_map(|raising| &raising.pivots);
            let held = move |number: &u32| match update {
                Update::Along => true,
                Update::Guarded => false,
                Update::After => pivots.clone().any(|pivot| pivot == number),
            };
            (0..).zip(&one.rule.slots).filter(move |(number, _)| held(number)).map(|(_, slot)| slot)
        });
        let shared = pass.block(Block::Pair).filter(|(id, _)| uses[id.0 as usize] > 1);
        let temporaries = 3 + shared.map(|(_, value)| value.dim.min(UNROLL)).sum::<u32>();
        Pressure { rows, accumulators: registers * slots.map(|slot| slot.dim).sum::<u32>(), temporaries }
    }

    fn row_vectors(&self, machine: &Machine) -> u32 {
        // Coefficients of functions, parameters, the column.
        let shared = 8;
        let fits = |vectors: &u32| {
            let resident = vectors * self.rows;
            let rows = if resident <= machine.registers / 2 { resident } else { 0 };
            rows + vectors * (self.accumulators + self.temporaries) + shared <= machine.registers
        };
        (1..=4).rev().find(fits).unwrap_or(1)
    }
}

fn choose_storage(pass: &Pass, kept: &[ValueId]) -> Vec<Storage> {
    let evaluations = count_evaluations(pass);
    let mut looped = vec![false; pass.values.len()];
    for value in &pass.values {
        if let Definition::Compute(body) = &value.definition {
            let counters = if value.dim > UNROLL { vec![Counter(0)] } else { Vec::new() };
            mark_looped(body, &counters, &mut looped);
        }
    }
    let storage = |(number, value): (usize, &Value)| {
        let long = value.dim > UNROLL;
        if !matches!(value.definition, Definition::Compute(_)) {
            Storage::Memory
        } else if is_contraction(pass, value) || kept.contains(&ValueId(number as u32)) {
            Storage::Kept
        } else if evaluations[number] == 1 && value.block == Block::Pair {
            Storage::Inline
        } else if long || looped[number] {
            Storage::Memory
        } else {
            Storage::Registers
        }
    };
    pass.values.iter().enumerate().map(storage).collect()
}

/// How often a component of each value would be computed if its expression stood wherever it is read; 2 stands for any more.
fn count_evaluations(pass: &Pass) -> Vec<u32> {
    let mut evaluations = vec![0; pass.values.len()];
    for value in &pass.values {
        let Definition::Compute(body) = &value.definition else { continue };
        let (inner, once) = match body {
            Scalar::Fold { body, counter, .. } if value.dim == 1 => (&**body, *counter),
            body => (body, Counter(0)),
        };
        let repeated = inner.contains_fold();
        let single = value.dim == 1 && once == Counter(0);
        inner.for_each_read(&mut |id, index| {
            let same = *index == Index::Counter(once) || (single && *index == Index::Constant(0));
            evaluations[id.0 as usize] += if same && !repeated { 1 } else { 2 };
        });
    }
    for accumulation in &pass.accumulations {
        for (position, argument) in accumulation.arguments.iter().enumerate() {
            let rule = &accumulation.rule;
            let lets = rule.update_lets.iter().map(|item| (item.dim, &item.value));
            let updates = rule.slots.iter().map(|slot| slot.dim).zip(&rule.update);
            let mut reads = 0;
            for (dim, body) in lets.chain(updates) {
                body.for_each_read(&mut |operand, index| {
                    let same = *index == Index::K || (dim == 1 && *index == Index::Constant(0));
                    let this = *operand == Operand::Argument(position as u32);
                    reads += if !this {
                        0
                    } else if same {
                        1
                    } else {
                        2
                    };
                });
            }
            evaluations[argument.0 as usize] += reads;
        }
    }
    for write in &pass.writes {
        evaluations[write.value.0 as usize] += 2;
    }
    evaluations
}

/// Marks the values of which a component is read whose number is known only at run time.
fn mark_looped(scalar: &Scalar<ValueId>, counters: &[Counter], looped: &mut [bool]) {
    match scalar {
        Scalar::Component(value, index) => {
            if counters.iter().any(|counter| index.mentions(*counter)) {
                looped[value.0 as usize] = true;
            }
        }
        Scalar::Call(_, arguments) => arguments.iter().for_each(|argument| mark_looped(argument, counters, looped)),
        Scalar::Fold { counter, count, body, .. } => {
            let mut counters = counters.to_vec();
            if *count > UNROLL {
                counters.push(*counter);
            }
            mark_looped(body, &counters, looped);
        }
        Scalar::Choose { then, otherwise, .. } => {
            mark_looped(then, counters, looped);
            mark_looped(otherwise, counters, looped);
        }
        Scalar::Constant(_) | Scalar::Index(_) => {}
    }
}

/// A scalar pair value that is a long fold over row, column and parameter values only.
fn is_contraction(pass: &Pass, value: &Value) -> bool {
    let Definition::Compute(Scalar::Fold { count, body, .. }) = &value.definition else { return false };
    let mut own = true;
    body.for_each_read(&mut |id, _| own &= pass.value(*id).block != Block::Pair);
    own && value.dim == 1 && *count > UNROLL
}

/// How often each value stands in the definitions of a block's values, in accumulations and (for all blocks) in writes.
fn count_uses(pass: &Pass, block: impl Fn(Block) -> bool) -> Vec<u32> {
    let mut uses = vec![0; pass.values.len()];
    for value in pass.values.iter().filter(|value| block(value.block)) {
        if let Definition::Compute(body) = &value.definition {
            body.for_each_read(&mut |id, _| uses[id.0 as usize] += 1);
        }
    }
    for argument in pass.accumulations.iter().flat_map(|accumulation| &accumulation.arguments) {
        uses[argument.0 as usize] += 1;
    }
    for write in &pass.writes {
        uses[write.value.0 as usize] += u32::from(block(Block::Epilogue));
    }
    uses
}

/// Whether an expression reads a value.
pub fn reads_value(scalar: &Scalar<ValueId>, value: ValueId) -> bool {
    let mut found = false;
    scalar.for_each_read(&mut |id, _| found |= *id == value);
    found
}
