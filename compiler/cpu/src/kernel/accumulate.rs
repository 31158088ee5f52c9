//! The hot loop: a row tile against a chunk of columns, state in registers.
//!
//! ```text
//! load x tile                                     once
//! for each block of columns:
//!     contractions of the block                   register-blocked loops over components
//!     for j in the block step columns:
//!         for each of these columns:              a loop too where there are contractions, so that code stays small
//!             pair body, update of the accumulators   all row vectors interleaved; what is to be kept is stored
//!         add the sums of these columns to the chunk's; look at those that get past a guard
//!     update what waits for the whole block       from what was kept
//! store state                                     once
//! ```
//!
//! Where columns lie in the lanes ([`super::across`]), a tile is one row's, and a column is as many as there are lanes.
//!
//! A pass that keeps nothing has a single block. [`super::contract`] has the contractions, [`super::update`] the updates.

use std::collections::HashMap;

use inkwell::IntPredicate;
use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Block, Definition, Value, ValueId};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::Slot;
use keopsc_ops::scalar::Counter;
use keopsc_passes::schedule::{Order, Storage, Update};

use super::expression::{Component, Reader};
use super::reader::{PlanReader, Rows};
use super::state::StateView;
use super::update::Accumulators;
use super::{Kernel, SHORT};
use crate::vector::{Float, Vector};

/// `(parameters, row_tile, column_records, count, origin, first_column, state)`: the first column's number is `origin + first_column`, and
/// `first_column` and `count` are small enough for the accumulators' integer lanes.
pub fn emit<'ctx>(
    kernel: &Kernel<'_, 'ctx>,
    parameters: PointerValue<'ctx>,
    tile: PointerValue<'ctx>,
    records: PointerValue<'ctx>,
    state: PointerValue<'ctx>,
) {
    let integers = kernel.integer_parameters();
    let [count, origin, first_column] = [0, 1, 2].map(|number| integers[number]);
    let accumulators = Accumulators::new(kernel, state);
    if kernel.schedule.order == Order::Carried {
        kernel.load_accumulators(&accumulators.chunk, state, origin);
    } else {
        kernel.reset_accumulators(&accumulators.chunk, |_| true);
    }
    let mut reader = PlanReader::new(kernel, parameters, Rows::Tile(tile));
    kernel.read_shared(&mut reader);
    reader.memory = kernel.create_memory();
    reader.kept = kernel.create_kept();
    let chunk = Chunk { tile, records, first_column, stride: integers.get(3).copied() };
    if !kernel.schedule.has_blocks() {
        kernel.accumulate_block(&reader, &accumulators, &chunk, kernel.integer(0), count);
    } else {
        let block = i64::from(kernel.schedule.block);
        kernel.counted_loop(kernel.integer(0), count, block, |first| {
            let rest = kernel.subtract(count, first);
            let columns = kernel.smaller(rest, kernel.integer(block));
            kernel.accumulate_block(&reader, &accumulators, &chunk, first, columns);
        });
    }
    kernel.store_accumulators(&accumulators.chunk, state, origin);
}

/// What a call of the function is about.
pub struct Chunk<'ctx> {
    /// The row tile.
    pub tile: PointerValue<'ctx>,
    /// The column records.
    pub records: PointerValue<'ctx>,
    /// The number of the first column, less the origin.
    pub first_column: IntValue<'ctx>,
    /// Columns from a lane to the next, where columns lie in the lanes.
    pub stride: Option<IntValue<'ctx>>,
}

impl<'a, 'ctx> Kernel<'a, 'ctx> {
    /// Columns `first..first + columns` of the chunk.
    fn accumulate_block(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        accumulators: &Accumulators<'ctx>,
        chunk: &Chunk<'ctx>,
        first: IntValue<'ctx>,
        columns: IntValue<'ctx>,
    ) {
        self.contract(shared, chunk, first, columns);
        self.begin_block(accumulators);
        self.in_groups(first, columns, |column, group| {
            self.begin_group(accumulators);
            let block = if self.schedule.has_blocks() { first } else { column };
            self.accumulate_columns(shared, accumulators, chunk, (block, column), group);
            self.end_group(accumulators);
            self.update_guarded(shared, accumulators, chunk, (block, column), group);
        });
        self.update_after(shared, accumulators, chunk, first, columns);
    }

    /// `body` for columns `first..first + columns`, with as many at a time as are computed together, and for what is left one by one.
    pub fn in_groups(&self, first: IntValue<'ctx>, columns: IntValue<'ctx>, body: impl Fn(IntValue<'ctx>, i64)) {
        let group = i64::from(self.schedule.columns);
        let end = self.add(first, columns);
        let whole = self.subtract(end, self.remainder(columns, self.integer(group)));
        self.counted_loop(first, whole, group, |column| body(column, group));
        if group > 1 {
            self.counted_loop(whole, end, 1, |column| body(column, 1));
        }
    }

    /// The pairs of the tile with `group` columns of a block, beginning at `column`.
    fn accumulate_columns(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        accumulators: &Accumulators<'ctx>,
        chunk: &Chunk<'ctx>,
        (block, first): (IntValue<'ctx>, IntValue<'ctx>),
        group: i64,
    ) {
        let of_first = self.column_for_rows(chunk.records, first);
        let accumulate_column = |number| {
            let column = self.add(first, number);
            let mut reader = self.at_column(shared, chunk, block, column);
            let record = |first: &PointerValue<'ctx>| self.record(*first, number);
            reader.column_for_rows = of_first.iter().map(record).collect();
            self.compute_pairs(&mut reader);
            self.update_along(&mut reader, accumulators, self.column_number(chunk, column));
        };
        if self.schedule.contractions.is_empty() {
            (0..group).for_each(|number| accumulate_column(self.integer(number)));
        } else {
            self.fixed_loop(0, group as u64, accumulate_column);
        }
    }

    /// A reader of the pairs with a column of a block.
    pub fn at_column<'k>(
        &self,
        shared: &PlanReader<'k, 'a, 'ctx>,
        chunk: &Chunk<'ctx>,
        block: IntValue<'ctx>,
        column: IntValue<'ctx>,
    ) -> PlanReader<'k, 'a, 'ctx> {
        let mut reader = shared.clone();
        reader.columns = vec![self.record(chunk.records, column)];
        reader.kept_column = self.subtract(column, block);
        reader
    }

    /// The number of a column less the origin, in integer lanes of the accumulators' width.
    pub fn column_number(&self, chunk: &Chunk<'ctx>, column: IntValue<'ctx>) -> Vector<'ctx> {
        let rules = self.accumulating();
        let broadcast = |number| rules.lanes.broadcast(rules.narrow_integer(number).into());
        let number = broadcast(self.add(chunk.first_column, column));
        let Some(stride) = chunk.stride else { return number };
        rules.lanes.integer_add(number, rules.lanes.integer_mul(rules.lanes.lane_numbers(), broadcast(stride)))
    }

    /// The record of a column; a row of a column tile, where columns lie in the lanes.
    pub fn record(&self, records: PointerValue<'ctx>, column: IntValue<'ctx>) -> PointerValue<'ctx> {
        let lanes = if self.across { self.lanes.count() } else { 1 };
        let size = self.integer(i64::from(self.layout.column_values) * i64::from(lanes));
        self.lanes.offset(records, self.multiply(column, size))
    }

    /// Locals for pair values that live in memory.
    fn create_memory(&self) -> HashMap<ValueId, PointerValue<'ctx>> {
        let stored = |(id, _): &(ValueId, &Value)| self.schedule.storage[id.0 as usize] == Storage::Memory;
        let local =
            |(id, value): (ValueId, &Value)| (id, self.local(self.type_of(id), value.dim * self.schedule.row_vectors));
        self.pass.block(Block::Pair).filter(stored).map(local).collect()
    }

    /// Locals for pair values that are kept for all columns of a block.
    fn create_kept(&self) -> HashMap<ValueId, PointerValue<'ctx>> {
        let kept = |(id, _): &(ValueId, &Value)| self.schedule.storage[id.0 as usize] == Storage::Kept;
        let count = self.schedule.block * self.schedule.row_vectors;
        self.pass.block(Block::Pair).filter(kept).map(|(id, _)| (id, self.local(self.type_of(id), count))).collect()
    }

    /// Reads parameters, and rows if they stay in registers, before the loop over columns.
    fn read_shared(&self, reader: &mut PlanReader<'_, 'a, 'ctx>) {
        let rows = if self.schedule.rows_in_registers { Some(Block::Row) } else { None };
        for block in [Some(Block::Parameter), rows].into_iter().flatten() {
            let used =
                |(id, value): &(ValueId, &Value)| value.dim <= self.schedule.unroll && self.is_used_by_pairs(*id);
            for (id, value) in self.pass.block(block).filter(used) {
                (0..i64::from(value.dim)).for_each(|number| drop(reader.read(id, Component::Known(number))));
            }
        }
    }

    fn is_used_by_pairs(&self, id: ValueId) -> bool {
        let in_body = self.pass.block(Block::Pair).any(|(_, value)| match &value.definition {
            Definition::Compute(body) => keopsc_passes::schedule::reads_value(body, id),
            _ => false,
        });
        in_body || self.pass.accumulations.iter().any(|accumulation| accumulation.arguments.contains(&id))
    }

    /// Computes the pair values that are kept or live in memory, and those that live in registers before loops over components that use
    /// them, if there are such loops. Any may need the others: they are computed in the order of their definition.
    fn compute_pairs(&self, reader: &mut PlanReader<'_, 'a, 'ctx>) {
        let unroll = self.schedule.unroll;
        let mut slots = self.pass.accumulations.iter().flat_map(|accumulation| &accumulation.rule.slots);
        let looped =
            self.pass.block(Block::Pair).any(|(_, value)| value.dim > unroll) || slots.any(|slot| slot.dim > unroll);
        for (id, value) in self.pass.block(Block::Pair) {
            match self.schedule.storage[id.0 as usize] {
                Storage::Registers if looped => {
                    (0..i64::from(value.dim)).for_each(|number| drop(reader.read(id, Component::Known(number))));
                }
                Storage::Memory => self.fill_memory(reader, id),
                Storage::Kept => self.keep(reader, id),
                Storage::Registers | Storage::Inline => {}
            }
        }
    }

    /// Computes and stores a value that is kept, but for contractions, which are there already.
    fn keep(&self, reader: &mut PlanReader<'_, 'a, 'ctx>, id: ValueId) {
        if self.schedule.contractions.contains(&id) {
            return;
        }
        if let Definition::Compute(body) = &self.pass.value(id).definition {
            let index = Component::Known(0);
            let value = self.evaluate(body, &vec![(Counter(0), index)], reader);
            self.store_all(&value, &reader.kept_addresses(id));
            reader.remember(id, 0, value);
        }
    }

    /// Computes a pair value that lives in memory.
    fn fill_memory(&self, reader: &mut PlanReader<'_, 'a, 'ctx>, id: ValueId) {
        let looped = self.pass.value(id).dim > self.schedule.unroll;
        if looped {
            reader.enter();
        }
        self.for_each_component(id, |index, body| {
            let value = self.evaluate(body, &vec![(Counter(0), index)], reader);
            self.store_all(&value, &reader.memory_addresses(id, index));
        });
        if looped {
            reader.leave();
        }
    }

    /// Each component of each slot: its accumulators' view, and that of each row vector in a state.
    fn for_each_accumulator(
        &self,
        slots: &[Vec<PointerValue<'ctx>>],
        state: PointerValue<'ctx>,
        mut body: impl FnMut(
            &Kernel<'a, 'ctx>,
            (usize, u32, &Slot),
            Component<'ctx>,
            StateView<'_, 'ctx>,
            &[StateView<'_, 'ctx>],
        ),
    ) {
        let rules = self.accumulating();
        for (number, (accumulation, places)) in self.pass.accumulations.iter().zip(&self.layout.slots).enumerate() {
            let row = |vector| self.integer(i64::from(vector) * i64::from(self.lanes.count()));
            let rows =
                (0..self.schedule.row_vectors).map(|vector| StateView::Buffer { state, places, row: row(vector) });
            let rows: Vec<_> = rows.collect();
            // Those that are seldom updated are in memory anyway.
            let seldom = self.schedule.updates[number] == Update::Guarded;
            let unroll = if seldom { SHORT } else { self.schedule.unroll };
            for (slot, description) in (0..).zip(&accumulation.rule.slots) {
                self.components_up_to(unroll, description.dim, |index| {
                    body(&rules, (number, slot, description), index, StateView::Locals(&slots[number]), &rows);
                });
            }
        }
    }

    /// Stores the accumulators, column numbers counted from 0.
    fn store_accumulators(&self, slots: &[Vec<PointerValue<'ctx>>], state: PointerValue<'ctx>, origin: IntValue<'ctx>) {
        self.for_each_accumulator(slots, state, |rules, (number, slot, description), index, locals, rows| {
            let accumulation = &self.pass.accumulations[number];
            let bundle = rules.load_slot(locals, accumulation, slot, index);
            for (vector, view) in bundle.into_iter().zip(rows) {
                let stored = if description.kind == Kind::Index { rules.global_column(vector, origin) } else { vector };
                rules.store_slot(*view, accumulation, slot, index, &vec![stored]);
            }
        });
    }

    /// Loads the accumulators that [`Kernel::store_accumulators`] has stored.
    fn load_accumulators(&self, slots: &[Vec<PointerValue<'ctx>>], state: PointerValue<'ctx>, origin: IntValue<'ctx>) {
        self.for_each_accumulator(slots, state, |rules, (number, slot, description), index, locals, rows| {
            let accumulation = &self.pass.accumulations[number];
            let vectors = rows.iter().map(|view| {
                let vector = rules.load_slot(*view, accumulation, slot, index)[0];
                if description.kind == Kind::Index { rules.local_column(vector, origin) } else { vector }
            });
            rules.store_slot(locals, accumulation, slot, index, &vectors.collect());
        });
    }

    /// Column numbers less the origin → column numbers; -1 stays.
    fn global_column(&self, local: Vector<'ctx>, origin: IntValue<'ctx>) -> Vector<'ctx> {
        let long = self.lanes.with_float(Float::F64);
        let wide = self.sign_extend(local);
        let none = self.compare_vectors(IntPredicate::SLT, wide, long.splat_integer(0));
        long.select(none, wide, long.integer_add(wide, long.broadcast(origin.into())))
    }

    /// Column numbers → column numbers less the origin; -1 stays.
    fn local_column(&self, global: Vector<'ctx>, origin: IntValue<'ctx>) -> Vector<'ctx> {
        let long = self.lanes.with_float(Float::F64);
        let none = self.compare_vectors(IntPredicate::SLT, global, long.splat_integer(0));
        let less = long.integer_sub(global, long.broadcast(origin.into()));
        self.truncate(long.select(none, global, less))
    }
}
