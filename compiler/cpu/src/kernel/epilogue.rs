//! The epilogue: the accumulations' outcomes, the output expressions on them, and the result tile.

use std::collections::HashMap;

use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Block, Definition, Value, ValueId};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::scalar::Counter;

use super::expression::{Bundle, Component, Reader};
use super::reader::{PlanReader, Rows};
use super::state::{RuleReader, StateView};
use super::{Kernel, LONGEST_LOCAL};
use crate::math;

/// `(parameters, row_tile, state, results)`.
pub fn emit<'ctx>(
    kernel: &Kernel<'_, 'ctx>,
    parameters: PointerValue<'ctx>,
    tile: PointerValue<'ctx>,
    state: PointerValue<'ctx>,
    results: PointerValue<'ctx>,
) {
    let memory = |(id, value): (ValueId, &Value)| {
        let place = kernel.place_in_results(id, results);
        (id, place.unwrap_or_else(|| kernel.local(kernel.type_of(id), value.dim)))
    };
    let memory: HashMap<_, _> = kernel.pass.block(Block::Epilogue).map(memory).collect();
    kernel.for_each_vector(|row| {
        let mut reader = PlanReader::new(kernel, parameters, Rows::Vector(tile, row));
        reader.memory = memory;
        let values: Vec<ValueId> = kernel.pass.block(Block::Epilogue).map(|(id, _)| id).collect();
        for id in values {
            kernel.compute_epilogue_value(id, state, row, &mut reader);
        }
        for (write, offset) in kernel.pass.writes.iter().zip(&kernel.layout.writes) {
            let value = kernel.pass.value(write.value);
            let size = if value.is_index { 8 } else { kernel.layout.real_size as i64 };
            kernel.components(value.dim, |index| {
                let bundle = reader.clone().read(write.value, index);
                let line = kernel.component_number(index);
                let first = kernel.multiply(line, kernel.integer(i64::from(kernel.layout.tile_rows)));
                let bytes = kernel.multiply(kernel.add(first, row), kernel.integer(size));
                let place = kernel.address(results, kernel.add(kernel.integer(*offset as i64), bytes));
                kernel.store_all(&bundle, &[place]);
            });
        }
    });
}

impl<'a, 'ctx> Kernel<'a, 'ctx> {
    /// Where a very long value is written to, if its layout there is the one that it would have on the stack.
    fn place_in_results(&self, id: ValueId, results: PointerValue<'ctx>) -> Option<PointerValue<'ctx>> {
        let value = self.pass.value(id);
        let position = self.pass.writes.iter().position(|write| write.value == id)?;
        let alike = !value.is_index && self.layout.tile_rows == self.lanes.count();
        let offset = self.integer(self.layout.writes[position] as i64);
        (value.dim > LONGEST_LOCAL && alike).then(|| self.address(results, offset))
    }

    fn compute_epilogue_value(
        &self,
        id: ValueId,
        state: PointerValue<'ctx>,
        row: IntValue<'ctx>,
        reader: &mut PlanReader<'_, 'a, 'ctx>,
    ) {
        let value = self.pass.value(id);
        self.components(value.dim, |index| {
            let mut reader = reader.clone();
            let bundle = match &value.definition {
                Definition::Compute(body) => self.evaluate(body, &vec![(Counter(0), index)], &mut reader),
                Definition::Outcome { accumulation, outcome } => {
                    self.outcome(*accumulation as usize, *outcome as usize, state, row, index)
                }
                Definition::Read(_) | Definition::Number => reader.read(id, index),
            };
            self.store_all(&bundle, &reader.memory_addresses(id, index));
        });
    }

    /// A component of an outcome, computed in the accumulators' type and rounded to the computing type.
    fn outcome(
        &self,
        accumulation: usize,
        outcome: usize,
        state: PointerValue<'ctx>,
        row: IntValue<'ctx>,
        index: Component<'ctx>,
    ) -> Bundle<'ctx> {
        let rules = self.accumulating();
        let places = &self.layout.slots[accumulation];
        let accumulation = &self.pass.accumulations[accumulation];
        let state = StateView::Buffer { state, places, row };
        let mut reader = RuleReader::new(rules, accumulation, state, &[]);
        let outcome = &accumulation.rule.outcomes[outcome];
        let bundle = rules.evaluate(&outcome.value, &vec![(Counter(0), index)], &mut reader);
        if outcome.kind == Kind::Index || rules.lanes.float() == self.lanes.float() {
            return bundle;
        }
        math::narrow(&rules.lanes, &bundle)
    }
}
