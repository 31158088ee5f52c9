//! The accumulators' state: its neutral value, the rules' view of it, and the merge of two states.

use std::collections::HashMap;

use inkwell::types::VectorType;
use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Accumulation, ValueId};
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::reductions::{Let, Operand, STEP, Slot, list_of};
use keopsc_ops::scalar::{Counter, Index, Scalar, Sign, Signs};

use super::Kernel;
use super::expression::{Bundle, Component, Reader};
use super::layout::SlotPlace;
use super::reader::PlanReader;
use super::remembered::Remembered;
use crate::math;
use crate::vector::{Float, Vector};

/// Where a state is at this moment.
#[derive(Clone, Copy)]
pub enum StateView<'s, 'ctx> {
    /// In locals, `[dim][row_vectors]` vectors a slot; row numbers count from the chunk's first column, in lanes of the accumulators' width.
    Locals(&'s [PointerValue<'ctx>]),
    /// The same, one of the row vectors.
    Vector {
        /// The locals.
        slots: &'s [PointerValue<'ctx>],
        /// The vector's number.
        vector: IntValue<'ctx>,
    },
    /// In locals too, but that of some slots one component at a time is at hand, `[components][row_vectors]` vectors.
    Window {
        /// The locals.
        slots: &'s [PointerValue<'ctx>],
        /// Where the components at hand are, of the slots that are taken so.
        window: &'s [Option<PointerValue<'ctx>>],
        /// The component's number there.
        component: i64,
    },
    /// Some slots in locals, the others neutral.
    Pivots(&'s [Option<PointerValue<'ctx>>]),
    /// In a state buffer, one vector of rows; row numbers are int64.
    Buffer {
        /// The buffer.
        state: PointerValue<'ctx>,
        /// The slots' places in it.
        places: &'s [SlotPlace],
        /// First row of the vector.
        row: IntValue<'ctx>,
    },
}

/// Reads what the expressions of a reduction's rule refer to.
pub struct RuleReader<'s, 'p, 'k, 'a, 'ctx> {
    /// The function, with the accumulators' lanes.
    pub kernel: Kernel<'a, 'ctx>,
    /// The accumulation.
    pub accumulation: &'s Accumulation,
    /// The state; in a merge that of the earlier columns.
    pub state: StateView<'s, 'ctx>,
    /// In a merge the state of the later columns.
    pub later: Option<StateView<'s, 'ctx>>,
    /// The `let`s of the phase.
    pub lets: &'s [Let],
    /// In an update, the arguments.
    pub arguments: Option<&'p mut PlanReader<'k, 'a, 'ctx>>,
    /// In an update, the number of the column within the chunk.
    pub column: Option<Vector<'ctx>>,
    /// In a merge that has several, the step.
    pub step: Option<Component<'ctx>>,
    /// Whether the pivots, if there are some, have taken the column in already.
    pub is_raised: bool,
    /// Memory of long `let`s: `[dim][width]` vectors.
    pub stored: HashMap<u32, PointerValue<'ctx>>,
    /// Values of `let`s.
    pub known: Remembered<'ctx, (u32, i64)>,
}

impl<'s, 'p, 'k, 'a, 'ctx> RuleReader<'s, 'p, 'k, 'a, 'ctx> {
    /// A reader for an update by a column.
    pub fn updating(
        kernel: Kernel<'a, 'ctx>,
        accumulation: &'s Accumulation,
        state: StateView<'s, 'ctx>,
        lets: &'s [Let],
        arguments: &'p mut PlanReader<'k, 'a, 'ctx>,
        column: Vector<'ctx>,
    ) -> Self {
        let (arguments, column) = (Some(arguments), Some(column));
        RuleReader { arguments, column, ..RuleReader::new(kernel, accumulation, state, lets) }
    }

    /// A reader of a state alone.
    pub fn new(
        kernel: Kernel<'a, 'ctx>,
        accumulation: &'s Accumulation,
        state: StateView<'s, 'ctx>,
        lets: &'s [Let],
    ) -> Self {
        RuleReader {
            kernel,
            accumulation,
            state,
            later: None,
            lets,
            arguments: None,
            column: None,
            step: None,
            is_raised: false,
            stored: HashMap::new(),
            known: Remembered::default(),
        }
    }

    fn argument(&self, number: u32) -> ValueId {
        self.accumulation.arguments[number as usize]
    }
}

/// The signs of what rules refer to.
struct OperandSigns<'s> {
    accumulation: &'s Accumulation,
    lets: &'s [Let],
    is_raised: bool,
    signs: &'s [Sign],
}

impl Signs<Operand> for OperandSigns<'_> {
    fn of_value(&self, operand: &Operand) -> Sign {
        match operand {
            Operand::Argument(number) => self.signs[self.accumulation.arguments[*number as usize].0 as usize],
            Operand::Let(number) => self.lets[*number as usize].value.sign(self),
            Operand::State(_) | Operand::Later(_) | Operand::Column => Sign::UNKNOWN,
        }
    }

    /// Pivots that are the largest value so far lie above that of a column that they have taken in.
    fn of_difference(&self, a: &Scalar<Operand>, b: &Scalar<Operand>) -> Sign {
        let Some(raising) = &self.accumulation.rule.raising else { return Sign::UNKNOWN };
        match b {
            Scalar::Component(Operand::State(slot), _) if self.is_raised && raising.pivots.contains(slot) => {
                let larger = Scalar::Call(Intrinsic::Less, vec![b.clone(), a.clone()]);
                let largest = Scalar::Call(Intrinsic::Select, vec![larger, a.clone(), b.clone()]);
                if self.accumulation.rule.update[*slot as usize] == largest { Sign::NONPOSITIVE } else { Sign::UNKNOWN }
            }
            _ => Sign::UNKNOWN,
        }
    }
}

impl<'ctx> Reader<'ctx, Operand> for RuleReader<'_, '_, '_, '_, 'ctx> {
    fn width(&self) -> usize {
        match self.state {
            StateView::Locals(_) | StateView::Window { .. } | StateView::Pivots(_) => {
                self.kernel.schedule.row_vectors as usize
            }
            StateView::Vector { .. } | StateView::Buffer { .. } => 1,
        }
    }

    fn read(&mut self, operand: Operand, index: Component<'ctx>) -> Bundle<'ctx> {
        let width = self.width();
        match operand {
            Operand::Argument(number) => {
                let value = self.argument(number);
                let Some(reader) = &mut self.arguments else { return Vec::new() };
                let (bundle, lanes) = (reader.read(value, index), reader.kernel.lanes);
                if lanes.float() == self.kernel.lanes.float() {
                    return bundle;
                }
                math::widen(&lanes, &bundle)
            }
            Operand::State(slot) => self.kernel.load_slot(self.state, self.accumulation, slot, index),
            Operand::Later(slot) => {
                self.later.map_or_else(Vec::new, |later| self.kernel.load_slot(later, self.accumulation, slot, index))
            }
            Operand::Let(number) => {
                if let Component::Known(component) = index
                    && let Some(bundle) = self.known.get((number, component))
                {
                    return bundle.clone();
                }
                let (kernel, lets) = (self.kernel, self.lets);
                if let Some(place) = self.stored.get(&number) {
                    let places = kernel.places_of(*place, width, kernel.let_type(&lets[number as usize]), index);
                    return kernel.load_all(&places, kernel.let_type(&lets[number as usize]));
                }
                let bundle = kernel.evaluate(&lets[number as usize].value, &vec![(Counter(0), index)], self);
                if let Component::Known(component) = index {
                    self.known.insert((number, component), bundle.clone());
                }
                bundle
            }
            Operand::Column => self.column.map_or_else(Vec::new, |column| vec![column; width]),
        }
    }

    fn factors(&mut self, operand: Operand, index: Component<'ctx>) -> Option<(Bundle<'ctx>, Bundle<'ctx>)> {
        let Operand::Argument(number) = operand else { return None };
        let value = self.argument(number);
        let reader = self.arguments.as_mut()?;
        // What is computed in narrower lanes is rounded there.
        let same = reader.kernel.lanes.float() == self.kernel.lanes.float();
        if same { reader.factors(value, index) } else { None }
    }

    fn sign(&self, scalar: &Scalar<Operand>) -> Sign {
        let RuleReader { accumulation, lets, is_raised, .. } = *self;
        scalar.sign(&OperandSigns { accumulation, lets, is_raised, signs: self.kernel.signs })
    }

    fn enter(&mut self) {
        self.known.enter();
        if let Some(arguments) = &mut self.arguments {
            arguments.enter();
        }
    }

    fn leave(&mut self) {
        self.known.leave();
        if let Some(arguments) = &mut self.arguments {
            arguments.leave();
        }
    }
}

impl<'a, 'ctx> Kernel<'a, 'ctx> {
    /// int64 lanes, one a row.
    pub fn long_type(&self) -> VectorType<'ctx> {
        self.lanes.with_float(Float::F64).integer_type()
    }

    fn slot_type(&self, view: StateView<'_, 'ctx>, kind: Kind) -> VectorType<'ctx> {
        match (kind, view) {
            (Kind::Index, StateView::Buffer { .. }) => self.long_type(),
            (Kind::Index, _) => self.lanes.integer_type(),
            _ => self.lanes.vector_type(),
        }
    }

    fn slot_addresses(
        &self,
        view: StateView<'_, 'ctx>,
        kind: Kind,
        slot: u32,
        index: Component<'ctx>,
    ) -> Vec<PointerValue<'ctx>> {
        let number = self.component_number(index);
        let vectors = i64::from(self.schedule.row_vectors);
        let vector = self.slot_type(view, kind);
        let all = |slot, number| {
            let first = self.multiply(number, self.integer(vectors));
            (0..vectors).map(|n| self.element(vector, slot, self.add(first, self.integer(n)))).collect()
        };
        match view {
            StateView::Locals(slots) => all(slots[slot as usize], number),
            StateView::Vector { slots, vector: n } => {
                let first = self.multiply(number, self.integer(vectors));
                vec![self.element(vector, slots[slot as usize], self.add(first, n))]
            }
            StateView::Window { slots, window, component } => match window[slot as usize] {
                Some(window) => all(window, self.integer(component)),
                None => all(slots[slot as usize], number),
            },
            StateView::Pivots(slots) => slots[slot as usize].map_or_else(Vec::new, |slot| all(slot, number)),
            StateView::Buffer { state, places, row } => {
                let size = if kind == Kind::Index { 8 } else { self.layout.accumulator_size };
                let line = self.multiply(number, self.integer(i64::from(self.layout.tile_rows)));
                let bytes = self.multiply(self.add(line, row), self.integer(size as i64));
                let offset = self.integer(places[slot as usize].offset as i64);
                vec![self.address(state, self.add(offset, bytes))]
            }
        }
    }

    /// A component of a slot.
    pub fn load_slot(
        &self,
        view: StateView<'_, 'ctx>,
        accumulation: &Accumulation,
        slot: u32,
        index: Component<'ctx>,
    ) -> Bundle<'ctx> {
        let kind = accumulation.rule.slots[slot as usize].kind;
        let places = self.slot_addresses(view, kind, slot, index);
        if places.is_empty() {
            return vec![
                self.initial(view, &accumulation.rule.slots[slot as usize]);
                self.schedule.row_vectors as usize
            ];
        }
        self.load_all(&places, self.slot_type(view, kind))
    }

    /// Stores a component of a slot.
    pub fn store_slot(
        &self,
        view: StateView<'_, 'ctx>,
        accumulation: &Accumulation,
        slot: u32,
        index: Component<'ctx>,
        value: &Bundle<'ctx>,
    ) {
        let kind = accumulation.rule.slots[slot as usize].kind;
        self.store_all(value, &self.slot_addresses(view, kind, slot, index));
    }

    /// Sets a slot's component to its neutral value.
    pub fn store_initial(
        &self,
        view: StateView<'_, 'ctx>,
        accumulation: &Accumulation,
        slot: u32,
        index: Component<'ctx>,
        width: usize,
    ) {
        let value = self.initial(view, &accumulation.rule.slots[slot as usize]);
        self.store_slot(view, accumulation, slot, index, &vec![value; width]);
    }

    fn initial(&self, view: StateView<'_, 'ctx>, slot: &Slot) -> Vector<'ctx> {
        match (slot.kind, view) {
            (Kind::Index, StateView::Buffer { .. }) => {
                self.lanes.with_float(Float::F64).splat_integer(slot.initial as i64)
            }
            (Kind::Index, _) => self.lanes.splat_integer(slot.initial as i64),
            _ => math::constant(&self.lanes, slot.initial),
        }
    }

    /// Replaces a state by what `rules` make of it (one expression a slot), all read before any is written.
    ///
    /// Short slots are computed into registers first. A long slot is computed by a loop, in place where nothing but its own component is read
    /// of it, else into memory of its own from which it is copied.
    pub fn apply_rules(&self, rules: &'a [Scalar<Operand>], reader: &mut RuleReader<'_, '_, '_, 'a, 'ctx>) {
        let (accumulation, state) = (reader.accumulation, reader.state);
        let slots = &accumulation.rule.slots;
        let is_long = |slot: usize| slots[slot].dim > self.schedule.unroll;
        if (0..slots.len()).any(is_long) {
            let all: Vec<u32> = (0..slots.len() as u32).collect();
            if let Some((places, distance)) = list_of(slots, rules, &all) {
                return self.apply_list_rules(rules, (places, distance), reader);
            }
            self.remember_lets(reader);
        }
        let short = rules.iter().enumerate().filter(|(slot, _)| !is_long(*slot));
        let short: Vec<_> = short.map(|(slot, rule)| (slot as u32, rule)).collect();
        let pending = self.evaluate_short_rules(&short, reader);
        let mut copies = Vec::new();
        for slot in (0..slots.len()).filter(|slot| is_long(*slot)) {
            let copied = !is_updated_in_place(slot as u32, rules, reader.lets);
            let vectors = reader.width() as u32;
            let place = copied.then(|| self.local(self.slot_type(state, slots[slot].kind), slots[slot].dim * vectors));
            reader.enter();
            self.components(slots[slot].dim, |index| {
                let value = self.apply_rule(&rules[slot], index, reader);
                match place {
                    Some(place) => {
                        self.store_all(&value, &self.copy_places(place, reader.width(), state, slots[slot].kind, index))
                    }
                    None => self.store_slot(state, accumulation, slot as u32, index, &value),
                }
            });
            reader.leave();
            copies.extend(place.map(|place| (slot, place)));
        }
        for (slot, place) in copies {
            self.components(slots[slot].dim, |index| {
                let places = self.copy_places(place, reader.width(), state, slots[slot].kind, index);
                let value = self.load_all(&places, self.slot_type(state, slots[slot].kind));
                self.store_slot(state, accumulation, slot as u32, index, &value);
            });
        }
        for (slot, index, value) in pending {
            self.store_slot(state, accumulation, slot, index, &value);
        }
    }

    /// Replaces a list from its last place to its first: each looks at itself and at the place `distance` before.
    fn apply_list_rules(
        &self,
        rules: &[Scalar<Operand>],
        (places, distance): (u32, u32),
        reader: &mut RuleReader<'_, '_, '_, 'a, 'ctx>,
    ) {
        self.remember_lets(reader);
        let later: Vec<_> = rules.iter().map(|rule| rule.from_component(distance.into())).collect();
        let replace = |rules: &[Scalar<Operand>], index, reader: &mut RuleReader<'_, '_, '_, 'a, 'ctx>| {
            let values: Vec<_> = rules.iter().map(|rule| self.apply_rule(rule, index, reader)).collect();
            for (slot, value) in (0..).zip(&values) {
                self.store_slot(reader.state, reader.accumulation, slot, index, value);
            }
        };
        reader.enter();
        self.fixed_loop(distance.into(), places.into(), |number| {
            let last = self.integer(i64::from(places + distance) - 1);
            replace(&later, Component::Looped(self.subtract(last, number)), reader);
        });
        self.components(distance, |index| replace(rules, index, reader));
        reader.leave();
    }

    /// Replaces some short slots by what their rules make of the state, all read before any is written.
    pub fn apply_short_rules(&self, rules: &[(u32, &Scalar<Operand>)], reader: &mut RuleReader<'_, '_, '_, 'a, 'ctx>) {
        for (slot, index, value) in self.evaluate_short_rules(rules, reader) {
            self.store_slot(reader.state, reader.accumulation, slot, index, &value);
        }
    }

    fn evaluate_short_rules(
        &self,
        rules: &[(u32, &Scalar<Operand>)],
        reader: &mut RuleReader<'_, '_, '_, 'a, 'ctx>,
    ) -> Vec<(u32, Component<'ctx>, Bundle<'ctx>)> {
        let mut values = Vec::new();
        for (slot, rule) in rules {
            for number in 0..i64::from(reader.accumulation.rule.slots[*slot as usize].dim) {
                let index = Component::Known(number);
                values.push((*slot, index, self.apply_rule(rule, index, reader)));
            }
        }
        values
    }

    /// Merges the state of later columns into that of earlier ones.
    pub fn merge_states(
        &self,
        accumulation: &'a Accumulation,
        earlier: StateView<'_, 'ctx>,
        later: StateView<'_, 'ctx>,
    ) {
        let lets = &accumulation.rule.merge_lets;
        let reader = RuleReader { later: Some(later), ..RuleReader::new(*self, accumulation, earlier, lets) };
        match accumulation.rule.merge_steps {
            1 => self.apply_rules(&accumulation.rule.merge, &mut { reader }),
            steps => self.fixed_loop(0, steps.into(), |step| {
                let mut reader = RuleReader { step: Some(Component::Looped(step)), ..reader };
                self.apply_rules(&accumulation.rule.merge, &mut reader);
            }),
        }
    }

    fn copy_places(
        &self,
        place: PointerValue<'ctx>,
        width: usize,
        view: StateView<'_, 'ctx>,
        kind: Kind,
        index: Component<'ctx>,
    ) -> Vec<PointerValue<'ctx>> {
        self.places_of(place, width, self.slot_type(view, kind), index)
    }

    /// Where a component lies in memory of `[dim][width]` vectors.
    fn places_of(
        &self,
        place: PointerValue<'ctx>,
        width: usize,
        vector: VectorType<'ctx>,
        index: Component<'ctx>,
    ) -> Vec<PointerValue<'ctx>> {
        let first = self.multiply(self.component_number(index), self.integer(width as i64));
        let numbers = (0..width as i64).map(|number| self.add(first, self.integer(number)));
        numbers.map(|number| self.element(vector, place, number)).collect()
    }

    /// The lanes of a `let` that has memory.
    fn let_type(&self, item: &Let) -> VectorType<'ctx> {
        if item.kind == Kind::Index { self.lanes.integer_type() } else { self.lanes.vector_type() }
    }

    /// Evaluates `let`s now, before loops that use them: short ones into registers, long ones into memory, so that loops over what they are folds of
    /// do not stand inside of loops over what reads them.
    fn remember_lets(&self, reader: &mut RuleReader<'_, '_, '_, 'a, 'ctx>) {
        let lets = reader.lets;
        for (number, item) in (0..).zip(lets) {
            if item.dim <= self.schedule.unroll {
                (0..i64::from(item.dim)).for_each(|k| drop(reader.read(Operand::Let(number), Component::Known(k))));
            } else if item.kind != Kind::Bool {
                let width = reader.width();
                let place = self.local(self.let_type(item), item.dim * width as u32);
                reader.enter();
                self.components(item.dim, |index| {
                    let value = self.evaluate(&item.value, &vec![(Counter(0), index)], reader);
                    self.store_all(&value, &self.places_of(place, width, self.let_type(item), index));
                });
                reader.leave();
                reader.stored.insert(number, place);
            }
        }
    }

    /// The new value of a slot's component.
    fn apply_rule(
        &self,
        rule: &Scalar<Operand>,
        index: Component<'ctx>,
        reader: &mut RuleReader<'_, '_, '_, 'a, 'ctx>,
    ) -> Bundle<'ctx> {
        let step = reader.step.map(|step| (STEP, step));
        let counters = std::iter::once((Counter(0), index)).chain(step).collect();
        self.evaluate(rule, &counters, reader)
    }
}

/// Whether a slot is read by its own rule alone, and there only the component that is written next.
fn is_updated_in_place(slot: u32, rules: &[Scalar<Operand>], lets: &[Let]) -> bool {
    let others = rules.iter().enumerate().filter(|(number, _)| *number as u32 != slot).map(|(_, rule)| rule);
    let elsewhere = others.chain(lets.iter().map(|item| &item.value));
    let mut alone = true;
    elsewhere.for_each(|rule| rule.for_each_read(&mut |operand, _| alone &= *operand != Operand::State(slot)));
    rules[slot as usize].for_each_read(&mut |operand, index| {
        alone &= *operand != Operand::State(slot) || *index == Index::K;
    });
    alone
}

/// `(state)`: the neutral state.
pub fn emit_initialize<'ctx>(kernel: &Kernel<'_, 'ctx>, state: PointerValue<'ctx>) {
    let kernel = kernel.accumulating();
    kernel.for_each_vector(|row| {
        for (accumulation, places) in kernel.pass.accumulations.iter().zip(&kernel.layout.slots) {
            let view = StateView::Buffer { state, places, row };
            for (slot, description) in accumulation.rule.slots.iter().enumerate() {
                kernel.components(description.dim, |index| {
                    kernel.store_initial(view, accumulation, slot as u32, index, 1);
                });
            }
        }
    });
}

/// `(left, right)`: merges the state of later columns into that of earlier ones.
pub fn emit_merge<'a, 'ctx>(kernel: &Kernel<'a, 'ctx>, left: PointerValue<'ctx>, right: PointerValue<'ctx>) {
    let kernel = kernel.accumulating();
    kernel.for_each_vector(|row| {
        for (accumulation, places) in kernel.pass.accumulations.iter().zip(&kernel.layout.slots) {
            let [earlier, later] = [left, right].map(|state| StateView::Buffer { state, places, row });
            kernel.merge_states(accumulation, earlier, later);
        }
    });
}
