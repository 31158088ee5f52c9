//! The accumulators inside the hot loop, and how columns get into them: along with the computation of their pairs, past a guard, or when the
//! pairs of a block are known ([`Update`]).

use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::Accumulation;
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::{Let, Operand, Raising, Slot};
use keopsc_ops::scalar::{Counter, Scalar};
use keopsc_passes::schedule::Update;

use super::accumulate::Chunk;
use super::expression::{Component, Reader};
use super::reader::{PlanReader, Rows};
use super::remembered::Remembered;
use super::state::{RuleReader, StateView};
use super::{Kernel, LONGEST_LOCAL};
use crate::vector::{Arithmetic, Vector};

/// The accumulators of each accumulation, `[dim][row_vectors]` vectors a slot.
pub struct Accumulators<'ctx> {
    /// Those of the chunk so far.
    pub chunk: Vec<Vec<PointerValue<'ctx>>>,
    /// Those of the columns at hand: where sums are blocked locals of their own, else the chunk's.
    group: Vec<Vec<PointerValue<'ctx>>>,
    /// Where pivots go first, those of the block at hand; the other slots have none.
    raised: Vec<Vec<Option<PointerValue<'ctx>>>>,
}

/// How an accumulation takes a column in: the `let`s, and the new value of each slot.
type Rules<'a> = (&'a [Let], &'a [Scalar<Operand>]);

impl<'ctx> Accumulators<'ctx> {
    /// Locals; very long slots lie in the state itself, to spare the stack.
    pub fn new(kernel: &Kernel<'_, 'ctx>, state: PointerValue<'ctx>) -> Accumulators<'ctx> {
        let mut chunk = kernel.create_accumulators(|number, slot| !kernel.is_in_state(number, slot));
        for (places, slots) in chunk.iter_mut().zip(&kernel.layout.slots) {
            for (place, slot) in places.iter_mut().zip(slots) {
                place.get_or_insert_with(|| kernel.address(state, kernel.integer(slot.offset as i64)));
            }
        }
        let chunk: Vec<Vec<_>> = chunk.into_iter().map(|slots| slots.into_iter().flatten().collect()).collect();
        let group = kernel.create_accumulators(|number, _| kernel.schedule.blocked[number]);
        let own = chunk
            .iter()
            .zip(group)
            .map(|(chunk, group)| chunk.iter().zip(group).map(|(chunk, group)| group.unwrap_or(*chunk)).collect());
        let group = own.collect();
        let raised = kernel.pass.accumulations.iter().enumerate().map(|(number, accumulation)| {
            let pivots = kernel.pivots(number, accumulation);
            let slots = (0..).zip(&accumulation.rule.slots);
            slots.map(|(slot, description)| pivots.contains(&slot).then(|| kernel.accumulator(description))).collect()
        });
        Accumulators { raised: raised.collect(), chunk, group }
    }
}

impl<'a, 'ctx> Kernel<'a, 'ctx> {
    fn accumulator(&self, slot: &Slot) -> PointerValue<'ctx> {
        let lanes = self.accumulating().lanes;
        let vector = if slot.kind == Kind::Index { lanes.integer_type() } else { lanes.vector_type() };
        self.local(vector, slot.dim * self.schedule.row_vectors)
    }

    /// Locals for the slots that are `chosen` by the numbers of their accumulation and their own, none for the others.
    fn create_accumulators(&self, chosen: impl Fn(usize, usize) -> bool) -> Vec<Vec<Option<PointerValue<'ctx>>>> {
        let all = self.pass.accumulations.iter().enumerate();
        let locals = all.map(|(number, accumulation)| {
            let slots = accumulation.rule.slots.iter().enumerate();
            slots.map(|(place, slot)| chosen(number, place).then(|| self.accumulator(slot))).collect()
        });
        locals.collect()
    }

    /// Whether a slot's accumulators lie in the state: it is very long, and has the same layout there.
    fn is_in_state(&self, accumulation: usize, slot: usize) -> bool {
        let slot = &self.pass.accumulations[accumulation].rule.slots[slot];
        slot.dim > LONGEST_LOCAL && slot.kind == Kind::Real && self.layout.tile_rows == self.lanes.count()
    }

    /// Sets the accumulators that are `chosen` by number to their neutral values.
    pub fn reset_accumulators(&self, locals: &[Vec<PointerValue<'ctx>>], chosen: impl Fn(usize) -> bool) {
        let numbered = self.pass.accumulations.iter().zip(locals).enumerate();
        for (_, (accumulation, places)) in numbered.filter(|(number, _)| chosen(*number)) {
            let slots = (0..).zip(&accumulation.rule.slots);
            slots.for_each(|(slot, _)| self.reset_slot(accumulation, slot, StateView::Locals(places)));
        }
    }

    fn reset_slot(&self, accumulation: &Accumulation, slot: u32, view: StateView<'_, 'ctx>) {
        let rules = self.accumulating();
        self.components(accumulation.rule.slots[slot as usize].dim, |index| {
            rules.store_initial(view, accumulation, slot, index, self.schedule.row_vectors as usize);
        });
    }

    /// Sets the accumulators of the columns at hand, where they have some of their own, to their neutral values.
    pub fn begin_group(&self, accumulators: &Accumulators<'ctx>) {
        self.reset_accumulators(&accumulators.group, |number| self.schedule.blocked[number]);
    }

    /// Merges the accumulators of the columns at hand, where they have some of their own, into those of the chunk.
    pub fn end_group(&self, accumulators: &Accumulators<'ctx>) {
        let rules = self.accumulating();
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            if self.schedule.blocked[number] {
                let [earlier, later] =
                    [&accumulators.chunk, &accumulators.group].map(|all| StateView::Locals(&all[number]));
                rules.merge_states(accumulation, earlier, later);
            }
        }
    }

    /// The slots of an accumulation that take the columns of a block in before the others do.
    fn pivots(&self, number: usize, accumulation: &'a Accumulation) -> &'a [u32] {
        match &accumulation.rule.raising {
            Some(raising) if self.schedule.updates[number] == Update::After => &raising.pivots,
            _ => &[],
        }
    }

    /// Sets the pivots of the block at hand to their neutral values.
    pub fn begin_block(&self, accumulators: &Accumulators<'ctx>) {
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            for slot in self.pivots(number, accumulation) {
                self.reset_slot(accumulation, *slot, StateView::Pivots(&accumulators.raised[number]));
            }
        }
    }

    /// Takes in a column whose pairs have been computed, as far as that is to be done at once.
    pub fn update_along(
        &self,
        reader: &mut PlanReader<'_, 'a, 'ctx>,
        accumulators: &Accumulators<'ctx>,
        column: Vector<'ctx>,
    ) {
        let rules = self.accumulating();
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            let (lets, update): Rules<'a> = (&accumulation.rule.update_lets, &accumulation.rule.update);
            if self.schedule.updates[number] == Update::Along {
                let view = StateView::Locals(&accumulators.group[number]);
                let mut reader = RuleReader::updating(rules, accumulation, view, lets, reader, column);
                rules.apply_rules(update, &mut reader);
            }
            for slot in self.pivots(number, accumulation) {
                let view = StateView::Pivots(&accumulators.raised[number]);
                let mut reader = RuleReader::updating(rules, accumulation, view, lets, reader, column);
                rules.apply_short_rules(&[(*slot, &update[*slot as usize])], &mut reader);
            }
        }
    }

    /// Takes in those of the last `group` columns that get past the guard in some row, vector by vector.
    pub fn update_guarded(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        accumulators: &Accumulators<'ctx>,
        chunk: &Chunk<'ctx>,
        (block, first): (IntValue<'ctx>, IntValue<'ctx>),
        group: i64,
    ) {
        let rules = self.accumulating();
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            let Some(guard) = &accumulation.rule.guard else { continue };
            if self.schedule.updates[number] != Update::Guarded {
                continue;
            }
            let slots = &accumulators.chunk[number];
            let passes = |view, reader: &mut PlanReader<'_, 'a, 'ctx>, column| {
                let mut reader = RuleReader::updating(rules, accumulation, view, &[], reader, column);
                let component = |k| rules.evaluate(&guard.value, &vec![(Counter(0), Component::Known(k))], &mut reader);
                (0..i64::from(guard.dim)).flat_map(component).collect::<Vec<_>>()
            };
            let reader_at = |number| {
                let mut reader = self.at_column(shared, chunk, block, self.add(first, number));
                reader.afterwards = true;
                reader
            };
            let masks = (0..group).flat_map(|number| {
                let mut reader = reader_at(self.integer(number));
                let column = self.column_number(chunk, self.add(first, self.integer(number)));
                passes(StateView::Locals(slots), &mut reader, column)
            });
            let all = masks.collect::<Vec<_>>();
            self.if_rare(self.is_any(&all), || {
                self.fixed_loop(0, group as u64, |number| {
                    self.fixed_loop(0, u64::from(self.schedule.row_vectors), |vector| {
                        let row = self.multiply(vector, self.integer(i64::from(self.lanes.count())));
                        let mut reader = reader_at(number).of_rows(Rows::Vector(chunk.tile, row));
                        let column = self.column_number(chunk, self.add(first, number));
                        let view = StateView::Vector { slots, vector };
                        let masks = passes(view, &mut reader, column);
                        self.if_rare(self.is_any(&masks), || {
                            let lets = &accumulation.rule.update_lets;
                            let mut reader = RuleReader::updating(rules, accumulation, view, lets, &mut reader, column);
                            rules.apply_rules(&accumulation.rule.update, &mut reader);
                        });
                    });
                });
            });
        }
    }

    /// Takes in the columns of a block where all wait for that.
    pub fn update_after(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        accumulators: &Accumulators<'ctx>,
        chunk: &Chunk<'ctx>,
        first: IntValue<'ctx>,
        columns: IntValue<'ctx>,
    ) {
        for (number, accumulation) in self.pass.accumulations.iter().enumerate() {
            if self.schedule.updates[number] != Update::After {
                continue;
            }
            let slots = &accumulators.chunk[number];
            let rule = &accumulation.rule;
            let components = self.schedule.components[number];
            let update = |rules| {
                let block = Waiting { shared, chunk, accumulation, components, slots, rules, first, columns };
                let lets = self.update_short(&block);
                self.update_long(&block, &lets);
            };
            let Some(raising) = &rule.raising else {
                update((&rule.update_lets, &rule.update));
                continue;
            };
            let raised = StateView::Pivots(&accumulators.raised[number]);
            self.accumulating().merge_states(accumulation, StateView::Locals(slots), raised);
            let finite = raising.with_finite_pivots();
            if self.lanes.arithmetic() == Arithmetic::Ring || finite == *raising {
                update((&raising.lets, &raising.update));
                continue;
            }
            self.if_else(self.has_infinite_pivots(accumulation, raising, slots), |holds| {
                let Raising { lets, update: slots, .. } = if holds { raising } else { &finite };
                update((lets, slots));
            });
        }
    }

    /// Whether a pivot is infinite in some row.
    fn has_infinite_pivots(
        &self,
        accumulation: &Accumulation,
        raising: &Raising,
        slots: &[PointerValue<'ctx>],
    ) -> IntValue<'ctx> {
        let rules = self.accumulating();
        let components = raising.pivots.iter().flat_map(|slot| {
            let dim = i64::from(accumulation.rule.slots[*slot as usize].dim);
            (0..dim).map(|number| (*slot, Component::Known(number)))
        });
        let pivots =
            components.flat_map(|(slot, at)| rules.load_slot(StateView::Locals(slots), accumulation, slot, at));
        let infinite = pivots.map(|pivot| {
            let difference = rules.lanes.sub(pivot, pivot);
            rules.lanes.not_equal(difference, rules.lanes.splat(0.0))
        });
        self.is_any(&infinite.collect::<Vec<_>>())
    }

    /// Updates the slots that fit into registers; the scalar `let`s of all columns, if there are other slots that need them.
    fn update_short(&self, block: &Waiting<'_, '_, 'a, 'ctx>) -> Vec<(u32, PointerValue<'ctx>)> {
        let rules = self.accumulating();
        let slots = &block.accumulation.rule.slots;
        let pivots = block.accumulation.rule.raising.iter().flat_map(|raising| &raising.pivots);
        let pivots: Vec<usize> = pivots.map(|slot| *slot as usize).collect();
        let short: Vec<usize> =
            (0..slots.len()).filter(|slot| !block.is_long(&slots[*slot]) && !pivots.contains(slot)).collect();
        let count = self.schedule.block * self.schedule.row_vectors;
        let has_long = slots.iter().any(|slot| block.is_long(slot));
        let scalars = (0..).zip(block.rules.0).filter(|(_, item)| has_long && item.dim == 1 && item.kind == Kind::Real);
        let lets: Vec<_> = scalars.map(|(number, _)| (number, self.local(rules.lanes.vector_type(), count))).collect();
        if short.is_empty() && lets.is_empty() {
            return lets;
        }
        self.counted_loop(block.first, self.add(block.first, block.columns), 1, |column| {
            let mut reader = block.reader(self, column);
            let view = StateView::Locals(block.slots);
            let number = self.column_number(block.chunk, column);
            let mut rule = RuleReader::updating(rules, block.accumulation, view, block.rules.0, &mut reader, number);
            rule.is_raised = true;
            for (number, place) in &lets {
                let value = rule.read(Operand::Let(*number), Component::Known(0));
                self.store_all(&value, &block.places(&rules, *place, column));
            }
            let chosen: Vec<_> = short.iter().map(|slot| (*slot as u32, &block.rules.1[*slot])).collect();
            rules.apply_short_rules(&chosen, &mut rule);
        });
        lets
    }

    /// Updates the long slots, as many components at a time as registers hold.
    fn update_long(&self, block: &Waiting<'_, '_, 'a, 'ctx>, lets: &[(u32, PointerValue<'ctx>)]) {
        let slots = &block.accumulation.rule.slots;
        let long: Vec<u32> = slots.iter().filter(|slot| block.is_long(slot)).map(|slot| slot.dim).collect();
        let Some(dim) = long.iter().copied().max() else { return };
        let windows = dim.div_ceil((block.components / long.len() as u32).max(1));
        let width = i64::from(dim.div_ceil(windows));
        let dim = i64::from(dim);
        let whole = dim - dim % width;
        self.counted_loop(self.integer(0), self.integer(whole), width, |component| {
            self.update_window(block, lets, component, width);
        });
        if whole < dim {
            self.update_window(block, lets, self.integer(whole), dim - whole);
        }
    }

    /// Updates components `first..first + width` of the long slots.
    fn update_window(
        &self,
        block: &Waiting<'_, '_, 'a, 'ctx>,
        lets: &[(u32, PointerValue<'ctx>)],
        first: IntValue<'ctx>,
        width: i64,
    ) {
        let rules = self.accumulating();
        let accumulation = block.accumulation;
        let slots = (0..).zip(&accumulation.rule.slots);
        let long: Vec<u32> = slots.filter(|(_, slot)| block.is_long(slot)).map(|(number, _)| number).collect();
        let window: Vec<_> = (accumulation.rule.slots.iter())
            .map(|slot| block.is_long(slot).then(|| self.accumulator(&Slot { dim: width as u32, ..slot.clone() })))
            .collect();
        let numbers: Vec<_> = (0..width).map(|component| self.add(first, self.integer(component))).collect();
        let at = |component: i64| Component::Looped(numbers[component as usize]);
        let mut shared = block.shared.clone();
        for row in keopsc_passes::schedule::rows_at_component(self.pass, accumulation) {
            numbers.iter().for_each(|number| shared.remember_looped(row, *number));
        }
        let all = || long.iter().flat_map(|slot| (0..width).map(move |component| (*slot, component)));
        let view = |component| StateView::Window { slots: block.slots, window: &window, component };
        for (slot, component) in all() {
            let value = rules.load_slot(StateView::Locals(block.slots), accumulation, slot, at(component));
            rules.store_slot(view(component), accumulation, slot, Component::Known(0), &value);
        }
        self.counted_loop(block.first, self.add(block.first, block.columns), 1, |column| {
            let mut reader = block.with(&shared).reader(self, column);
            let number = self.column_number(block.chunk, column);
            let mut known = Remembered::default();
            for (number, place) in lets {
                let places = block.places(&rules, *place, column);
                known.insert((*number, 0), self.load_all(&places, rules.lanes.vector_type()));
            }
            for component in 0..width {
                let mut rule =
                    RuleReader::updating(rules, accumulation, view(component), block.rules.0, &mut reader, number);
                rule.is_raised = true;
                rule.known = known.clone();
                let counters = vec![(Counter(0), at(component))];
                let values: Vec<_> = long
                    .iter()
                    .map(|slot| rules.evaluate(&block.rules.1[*slot as usize], &counters, &mut rule))
                    .collect();
                for (slot, value) in long.iter().zip(&values) {
                    rules.store_slot(view(component), accumulation, *slot, Component::Known(0), value);
                }
            }
        });
        for (slot, component) in all() {
            let value = rules.load_slot(view(component), accumulation, slot, Component::Known(0));
            rules.store_slot(StateView::Locals(block.slots), accumulation, slot, at(component), &value);
        }
    }
}

/// An accumulation that has waited for a block of columns.
#[derive(Clone, Copy)]
struct Waiting<'w, 'k, 'a, 'ctx> {
    shared: &'w PlanReader<'k, 'a, 'ctx>,
    chunk: &'w Chunk<'ctx>,
    accumulation: &'a Accumulation,
    components: u32,
    slots: &'w [PointerValue<'ctx>],
    rules: Rules<'w>,
    first: IntValue<'ctx>,
    columns: IntValue<'ctx>,
}

impl<'w, 'k, 'a, 'ctx> Waiting<'w, 'k, 'a, 'ctx> {
    /// The same with a reader that knows more.
    fn with(&self, shared: &'w PlanReader<'k, 'a, 'ctx>) -> Waiting<'w, 'k, 'a, 'ctx> {
        Waiting { shared, ..*self }
    }

    /// Whether a slot is taken to registers some components at a time.
    fn is_long(&self, slot: &Slot) -> bool {
        slot.dim > self.components
    }

    /// A reader of the pairs with a column, which have been computed.
    fn reader(&self, kernel: &Kernel<'a, 'ctx>, column: IntValue<'ctx>) -> PlanReader<'k, 'a, 'ctx> {
        let mut reader = kernel.at_column(self.shared, self.chunk, self.first, column);
        reader.afterwards = true;
        reader
    }

    /// Where a real value of a column lies in memory that has room for one of each.
    fn places(
        &self,
        kernel: &Kernel<'a, 'ctx>,
        memory: PointerValue<'ctx>,
        column: IntValue<'ctx>,
    ) -> Vec<PointerValue<'ctx>> {
        let vectors = i64::from(kernel.schedule.row_vectors);
        let first = kernel.multiply(kernel.subtract(column, self.first), kernel.integer(vectors));
        let numbers = (0..vectors).map(|number| kernel.add(first, kernel.integer(number)));
        numbers.map(|number| kernel.element(kernel.lanes.vector_type(), memory, number)).collect()
    }
}
