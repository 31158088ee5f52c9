//! Prologues: what depends on the parameters, a row or a column alone is computed once and stored beside what was read.

use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Block, Definition, ValueId};
use keopsc_ops::scalar::{Counter, Scalar};

use super::Kernel;
use super::expression::Component;
use super::layout::computed;
use super::reader::{PlanReader, Rows};

/// `(parameters)`: completes the parameter record. Computed in vectors of equal lanes, of which one is stored.
pub fn emit_parameters<'ctx>(kernel: &Kernel<'_, 'ctx>, parameters: PointerValue<'ctx>) {
    for value in computed(kernel.pass, Block::Parameter) {
        kernel.for_each_component(value, |index, body| {
            let mut reader = PlanReader::new(kernel, parameters, Rows::None);
            let result = kernel.evaluate(body, &vec![(Counter(0), index)], &mut reader)[0];
            kernel.store_scalar(
                kernel.lanes.lane(result, 0),
                kernel.lanes.offset(parameters, kernel.place(value, index)),
            );
        });
    }
}

/// `(parameters, tile)`: completes a tile of rows or of columns, one vector after the other.
pub fn emit_tile<'ctx>(
    kernel: &Kernel<'_, 'ctx>,
    block: Block,
    parameters: PointerValue<'ctx>,
    tile: PointerValue<'ctx>,
) {
    kernel.for_each_vector(|row| {
        for value in computed(kernel.pass, block) {
            kernel.for_each_component(value, |index, body| {
                let mut reader = PlanReader::new(kernel, parameters, Rows::Vector(tile, row));
                let result = kernel.evaluate(body, &vec![(Counter(0), index)], &mut reader);
                reader.store_rows(value, index, &result);
            });
        }
    });
}

impl<'a, 'ctx> Kernel<'a, 'ctx> {
    /// `body` with the first row of each vector of a tile.
    pub fn for_each_vector(&self, body: impl FnOnce(IntValue<'ctx>)) {
        let lanes = i64::from(self.lanes.count());
        self.fixed_loop(0, u64::from(self.schedule.row_vectors), |vector| {
            body(self.multiply(vector, self.integer(lanes)));
        });
    }

    /// `emit` for each component of a computed value: unrolled if they are few, else in a loop.
    pub fn for_each_component(&self, value: ValueId, mut emit: impl FnMut(Component<'ctx>, &'a Scalar<ValueId>)) {
        if let Definition::Compute(body) = &self.pass.value(value).definition {
            self.components(self.pass.value(value).dim, |index| emit(index, body));
        }
    }

    /// `emit` for each of `dim` components: unrolled if they are few, else in a loop.
    pub fn components(&self, dim: u32, emit: impl FnMut(Component<'ctx>)) {
        self.components_up_to(self.schedule.unroll, dim, emit);
    }

    /// The same, few being up to `unroll`.
    pub fn components_up_to(&self, unroll: u32, dim: u32, mut emit: impl FnMut(Component<'ctx>)) {
        if dim <= unroll {
            (0..i64::from(dim)).for_each(|number| emit(Component::Known(number)));
        } else {
            self.fixed_loop(0, u64::from(dim), |number| emit(Component::Looped(number)));
        }
    }
}
