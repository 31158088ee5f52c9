//! The hot loop: a row tile against a chunk of columns, state in registers.
//!
//! ```text
//! load x tile                                     once
//! for j in 0..count step columns:
//!     contractions of all row vectors × columns   a register-blocked loop over components
//!     for each of these columns:                  a loop too where there are contractions, so that code stays small
//!         pair body, update of the accumulators   all row vectors interleaved
//!     add the sums of these columns to the chunk's
//! store state                                     once
//! ```

use std::collections::HashMap;

use inkwell::IntPredicate;
use inkwell::values::{BasicValueEnum, IntValue, PointerValue};
use keopsc_ir::plan::{Block, Definition, Value, ValueId};
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::scalar::{Counter, Scalar};
use keopsc_passes::schedule::Storage;

use super::Kernel;
use super::expression::{Component, Reader};
use super::reader::{PlanReader, Rows};
use super::remembered::Remembered;
use super::state::{RuleReader, StateView};
use crate::vector::{Float, Vector};

/// `(parameters, row_tile, column_records, count, first_column, state)`.
pub fn emit<'ctx>(
    kernel: &Kernel<'_, 'ctx>,
    parameters: PointerValue<'ctx>,
    tile: PointerValue<'ctx>,
    records: PointerValue<'ctx>,
    state: PointerValue<'ctx>,
) {
    let integers: Vec<BasicValueEnum> = kernel.function.get_param_iter().filter(|value| value.is_int_value()).collect();
    let (count, first_column) = (integers[0].into_int_value(), integers[1].into_int_value());
    let slots = Slots::new(kernel);
    let mut reader = PlanReader::new(kernel, parameters, Rows::Tile(tile));
    kernel.read_shared(&mut reader);
    reader.memory = kernel.create_memory();
    let group = i64::from(kernel.schedule.columns);
    let whole = kernel.subtract(count, kernel.remainder(count, kernel.integer(group)));
    kernel.counted_loop(kernel.integer(0), whole, group, |column| {
        kernel.begin_group(&slots);
        kernel.accumulate_columns(&reader, &slots.group, records, column, group);
        kernel.end_group(&slots);
    });
    if group > 1 {
        kernel.begin_group(&slots);
        kernel.counted_loop(whole, count, 1, |column| {
            kernel.accumulate_columns(&reader, &slots.group, records, column, 1);
        });
        kernel.end_group(&slots);
    }
    kernel.store_accumulators(&slots.chunk, state, first_column);
}

/// The accumulators of each accumulation.
struct Slots<'ctx> {
    /// Those of the chunk so far.
    chunk: Vec<Vec<PointerValue<'ctx>>>,
    /// Those of the columns at hand: where sums are blocked locals of their own, else the chunk's.
    group: Vec<Vec<PointerValue<'ctx>>>,
}

impl<'ctx> Slots<'ctx> {
    fn new(kernel: &Kernel<'_, 'ctx>) -> Slots<'ctx> {
        let chunk = kernel.create_accumulators(|_| true);
        kernel.reset_accumulators(&chunk, |_| true);
        let group = kernel.create_accumulators(|number| kernel.schedule.blocked[number]);
        let own = chunk.iter().zip(group).map(|(chunk, group)| if group.is_empty() { chunk.clone() } else { group });
        let group = own.collect();
        Slots { chunk, group }
    }
}

impl<'a, 'ctx> Kernel<'a, 'ctx> {
    /// Locals for the accumulators that are `chosen` by number, none for the others.
    fn create_accumulators(&self, chosen: impl Fn(usize) -> bool) -> Vec<Vec<PointerValue<'ctx>>> {
        let vectors = self.schedule.row_vectors;
        let rules = self.accumulating();
        let mut all = Vec::new();
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            let slots: &[_] = if chosen(number) { &accumulation.rule.slots } else { &[] };
            let local = |slot: &keopsc_ops::reductions::Slot| {
                let lanes =
                    if slot.kind == Kind::Index { rules.lanes.integer_type() } else { rules.lanes.vector_type() };
                self.local(lanes, slot.dim * vectors)
            };
            all.push(slots.iter().map(local).collect());
        }
        all
    }

    /// Sets the accumulators that are `chosen` by number to their neutral values.
    fn reset_accumulators(&self, locals: &[Vec<PointerValue<'ctx>>], chosen: impl Fn(usize) -> bool) {
        let rules = self.accumulating();
        let numbered = self.pass.accumulations.iter().zip(locals).enumerate();
        for (_, (accumulation, places)) in numbered.filter(|(number, _)| chosen(*number)) {
            for (slot, description) in accumulation.rule.slots.iter().enumerate() {
                self.components(description.dim, |index| {
                    let view = StateView::Locals(places);
                    rules.store_initial(view, accumulation, slot as u32, index, self.schedule.row_vectors as usize);
                });
            }
        }
    }

    /// Sets the accumulators of the columns at hand, where they have some of their own, to their neutral values.
    fn begin_group(&self, slots: &Slots<'ctx>) {
        self.reset_accumulators(&slots.group, |number| self.schedule.blocked[number]);
    }

    /// Merges the accumulators of the columns at hand, where they have some of their own, into those of the chunk.
    fn end_group(&self, slots: &Slots<'ctx>) {
        let rules = self.accumulating();
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            if self.schedule.blocked[number] {
                let [earlier, later] = [&slots.chunk, &slots.group].map(|all| StateView::Locals(&all[number]));
                rules.merge_states(accumulation, earlier, later);
            }
        }
    }

    /// Locals for pair values that live in memory.
    fn create_memory(&self) -> HashMap<ValueId, PointerValue<'ctx>> {
        let stored = |(id, _): &(ValueId, &Value)| self.schedule.storage[id.0 as usize] == Storage::Memory;
        let local =
            |(id, value): (ValueId, &Value)| (id, self.local(self.type_of(id), value.dim * self.schedule.row_vectors));
        self.pass.block(Block::Pair).filter(stored).map(local).collect()
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

    /// The pairs of the tile with `group` columns beginning at `column`.
    fn accumulate_columns(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        slots: &[Vec<PointerValue<'ctx>>],
        records: PointerValue<'ctx>,
        column: IntValue<'ctx>,
        group: i64,
    ) {
        let contractions = self.contract(shared, records, column, group);
        let rows = self.integer(i64::from(self.schedule.row_vectors));
        let accumulate_column = |number| {
            let column = self.add(column, number);
            let mut reader = shared.clone();
            reader.columns = vec![self.record(records, column)];
            for (value, place) in &contractions {
                let first = self.multiply(number, rows);
                let vectors = (0..i64::from(self.schedule.row_vectors)).map(|n| self.add(first, self.integer(n)));
                let places: Vec<_> =
                    vectors.map(|vector| self.element(self.lanes.vector_type(), *place, vector)).collect();
                reader.remember(*value, 0, self.load_all(&places, self.lanes.vector_type()));
            }
            self.compute_pairs(&mut reader);
            self.update(&mut reader, slots, column);
        };
        if contractions.is_empty() {
            (0..group).for_each(|number| accumulate_column(self.integer(number)));
        } else {
            self.fixed_loop(0, group as u64, accumulate_column);
        }
    }

    /// The contractions for the whole register tile, left in `[columns][row_vectors]` vectors of stack memory.
    fn contract(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        records: PointerValue<'ctx>,
        column: IntValue<'ctx>,
        group: i64,
    ) -> Vec<(ValueId, PointerValue<'ctx>)> {
        let reader = |number: i64| {
            let mut reader = shared.clone();
            reader.columns = vec![self.record(records, self.add(column, self.integer(number)))];
            reader
        };
        let mut readers: Vec<_> = (0..group).map(reader).collect();
        let contract = |value: &ValueId| match &self.pass.value(*value).definition {
            Definition::Compute(Scalar::Fold { with, counter, count, body }) => {
                Some((*value, self.contract_one(*with, *counter, *count, body, &mut readers)))
            }
            _ => None,
        };
        self.schedule.contractions.iter().filter_map(contract).collect()
    }

    /// One loop over components for all columns. A column's terms are added before the next column's are begun, so that the sums and the
    /// rows' components are all that registers have to hold.
    fn contract_one(
        &self,
        with: Intrinsic,
        counter: Counter,
        count: u32,
        body: &Scalar<ValueId>,
        readers: &mut [PlanReader<'_, 'a, 'ctx>],
    ) -> PointerValue<'ctx> {
        let vector = self.lanes.vector_type();
        let rows = i64::from(self.schedule.row_vectors);
        // The sums are read by number in a loop, so they need memory; in this loop they are locals that become registers.
        let [sums, registers] = [(); 2].map(|()| self.local(vector, (readers.len() as i64 * rows) as u32));
        let places_in = |memory, column: usize| -> Vec<_> {
            let first = column as i64 * rows;
            (first..first + rows).map(|number| self.element(vector, memory, self.integer(number))).collect()
        };
        let places = |column| places_in(registers, column);
        for (column, reader) in readers.iter_mut().enumerate() {
            let first = self.evaluate(body, &vec![(counter, Component::Known(0))], reader);
            self.store_all(&first, &places(column));
        }
        self.fixed_loop(1, u64::from(count), |number| {
            for (column, reader) in readers.iter_mut().enumerate() {
                reader.enter();
                let sum = self.load_all(&places(column), vector);
                let sum = self.fold_step(with, sum, body, &vec![(counter, Component::Looped(number))], reader);
                self.store_all(&sum, &places(column));
                reader.leave();
            }
        });
        (0..readers.len()).for_each(|column| {
            self.store_all(&self.load_all(&places(column), vector), &places_in(sums, column));
        });
        sums
    }

    fn record(&self, records: PointerValue<'ctx>, column: IntValue<'ctx>) -> PointerValue<'ctx> {
        let size = self.integer(i64::from(self.layout.column_values));
        self.lanes.offset(records, self.multiply(column, size))
    }

    /// Computes the pair values that live in memory, and those that live in registers before loops over components that use them, if there
    /// are such loops. Either may need the other: they are computed in the order of their definition.
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
                Storage::Registers | Storage::Inline => {}
            }
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

    fn update(&self, reader: &mut PlanReader<'_, 'a, 'ctx>, slots: &[Vec<PointerValue<'ctx>>], column: IntValue<'ctx>) {
        let rules = self.accumulating();
        let column: Vector<'ctx> = rules.lanes.broadcast(rules.narrow_integer(column).into());
        for (accumulation, places) in self.pass.accumulations.iter().zip(slots) {
            let mut rule = RuleReader {
                kernel: rules,
                accumulation,
                state: StateView::Locals(places),
                later: None,
                lets: &accumulation.rule.update_lets,
                arguments: Some(reader),
                column: Some(column),
                known: Remembered::default(),
            };
            rules.apply_rules(&accumulation.rule.update, &mut rule);
        }
    }

    /// Stores the accumulators, column numbers counted from the first column of all.
    fn store_accumulators(
        &self,
        slots: &[Vec<PointerValue<'ctx>>],
        state: PointerValue<'ctx>,
        first_column: IntValue<'ctx>,
    ) {
        let rules = self.accumulating();
        for ((accumulation, locals), places) in self.pass.accumulations.iter().zip(slots).zip(&self.layout.slots) {
            for (slot, description) in accumulation.rule.slots.iter().enumerate() {
                self.components(description.dim, |index| {
                    let bundle = rules.load_slot(StateView::Locals(locals), accumulation, slot as u32, index);
                    for (number, vector) in bundle.into_iter().enumerate() {
                        let row = self.integer(number as i64 * i64::from(self.lanes.count()));
                        let stored = match description.kind {
                            Kind::Index => rules.global_column(vector, first_column),
                            _ => vector,
                        };
                        let view = StateView::Buffer { state, places, row };
                        rules.store_slot(view, accumulation, slot as u32, index, &vec![stored]);
                    }
                });
            }
        }
    }

    /// Column numbers within the chunk → column numbers; -1 stays.
    fn global_column(&self, local: Vector<'ctx>, first_column: IntValue<'ctx>) -> Vector<'ctx> {
        let long = self.lanes.with_float(Float::F64);
        let wide = self.sign_extend(local);
        let none = self.compare_vectors(IntPredicate::SLT, wide, long.splat_integer(0));
        long.select(none, wide, long.integer_add(wide, long.broadcast(first_column.into())))
    }
}
