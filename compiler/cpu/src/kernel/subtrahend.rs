//! Columns that are operands of subtractions: each row vector reads them for itself where an instruction can put a number from memory into all lanes.
//!
//! An instruction of its own for that takes a turn of the units for sums, for which differences already wait. Many loads wait for each other as well, so
//! that of a register tile's columns not all are read this way (see `contract`).

use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Block, Definition, Pass, Value, ValueId};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Scalar;

use super::Kernel;

/// The same pass with what belongs to the row first in squares of differences: the same numbers, in every bit.
pub fn rows_first(pass: &Pass) -> Pass {
    let definition = |value: &Value| match &value.definition {
        Definition::Compute(scalar) if value.block == Block::Pair => Definition::Compute(turned(pass, scalar)),
        other => other.clone(),
    };
    let values = pass.values.iter().map(|value| Value { definition: definition(value), ..value.clone() }).collect();
    Pass { values, ..pass.clone() }
}

fn turned(pass: &Pass, scalar: &Scalar<ValueId>) -> Scalar<ValueId> {
    match scalar {
        Scalar::Fold { with, counter, count, body } => {
            let body = Box::new(turned(pass, body));
            Scalar::Fold { with: *with, counter: *counter, count: *count, body }
        }
        Scalar::Call(Intrinsic::Mul, factors) if factors[0] == factors[1] => match &factors[0] {
            Scalar::Call(Intrinsic::Sub, operands)
                if column(pass, &operands[0]).is_some() && column(pass, &operands[1]).is_none() =>
            {
                let difference = Scalar::Call(Intrinsic::Sub, vec![operands[1].clone(), operands[0].clone()]);
                Scalar::Call(Intrinsic::Mul, vec![difference.clone(), difference])
            }
            _ => scalar.clone(),
        },
        Scalar::Call(intrinsic, arguments) => {
            Scalar::Call(*intrinsic, arguments.iter().map(|argument| turned(pass, argument)).collect())
        }
        _ => scalar.clone(),
    }
}

/// For each value of a pass whether it belongs to the column, and all that pairs do with it is to subtract it.
pub fn subtrahends(pass: &Pass) -> Vec<bool> {
    let (mut read, mut subtracted) = (vec![0; pass.values.len()], vec![0; pass.values.len()]);
    for (_, value) in pass.block(Block::Pair) {
        let Definition::Compute(scalar) = &value.definition else { continue };
        scalar.visit(&mut |part| match part {
            Scalar::Component(value, _) => read[value.0 as usize] += 1,
            Scalar::Call(Intrinsic::Sub, operands) => {
                if let Some(value) = column(pass, &operands[1]) {
                    subtracted[value.0 as usize] += 1;
                }
            }
            _ => {}
        });
    }
    pass.accumulations.iter().flat_map(|one| &one.arguments).for_each(|value| read[value.0 as usize] += 1);
    read.into_iter().zip(subtracted).map(|(read, subtracted)| subtracted > 0 && read == subtracted).collect()
}

/// The column's value of which an expression is a component.
fn column(pass: &Pass, scalar: &Scalar<ValueId>) -> Option<ValueId> {
    match scalar {
        Scalar::Component(value, _) if pass.value(*value).block == Block::Column => Some(*value),
        _ => None,
    }
}

impl<'ctx> Kernel<'_, 'ctx> {
    /// Where each row vector reads the record of a column for itself; empty where none does.
    pub fn column_for_rows(&self, records: PointerValue<'ctx>, number: IntValue<'ctx>) -> Vec<PointerValue<'ctx>> {
        let rows = self.schedule.row_vectors;
        if self.across || rows == 1 || !self.lanes.is_avx512_register() || !self.subtrahends.contains(&true) {
            return Vec::new();
        }
        (0..rows).map(|_| self.renamed(self.record(records, number))).collect()
    }
}
