//! The epilogue: the accumulations' outcomes, the output expressions on them, and the result tile.

use std::collections::HashMap;

use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Block, Definition, Value, ValueId};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::scalar::Counter;

use super::Kernel;
use super::expression::{Bundle, Component, Reader};
use super::reader::{PlanReader, Rows};
use super::remembered::Remembered;
use super::state::{RuleReader, StateView};
use crate::math;

/// `(parameters, row_tile, state, results)`.
pub fn emit<'ctx>(
    kernel: &Kernel<'_, 'ctx>,
    parameters: PointerValue<'ctx>,
    tile: PointerValue<'ctx>,
    state: PointerValue<'ctx>,
    results: PointerValue<'ctx>,
) {
    let local = |(id, value): (ValueId, &Value)| (id, kernel.local(kernel.type_of(id), value.dim));
    let memory: HashMap<_, _> = kernel.pass.block(Block::Epilogue).map(local).collect();
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
        let mut reader = RuleReader {
            kernel: rules,
            accumulation,
            state: StateView::Buffer { state, places, row },
            later: None,
            lets: &[],
            arguments: None,
            column: None,
            known: Remembered::default(),
        };
        let outcome = &accumulation.rule.outcomes[outcome];
        let bundle = rules.evaluate(&outcome.value, &vec![(Counter(0), index)], &mut reader);
        if outcome.kind == Kind::Index || rules.lanes.float() == self.lanes.float() {
            return bundle;
        }
        math::narrow(&rules.lanes, &bundle)
    }
}
