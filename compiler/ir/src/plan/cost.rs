//! How much work a pass is: operations by class, per pair, row, column and call.
//!
//! `exp(-sum(q < 3, (x[q] - y[q]) * (x[q] - y[q]))) * b` costs 10 arithmetic operations and an exponential a pair.

use keopsc_ops::scalar::Scalar;

use super::{Accumulation, Block, Definition, Pass, Value};
pub use crate::counts::Counts;
use crate::counts::{scalar_counts, update_counts};

/// The work of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Once a call.
    pub per_call: Counts,
    /// Once a row: row block, epilogue, outcomes and writes.
    pub per_row: Counts,
    /// Once a column.
    pub per_column: Counts,
    /// Once a pair: pair block and accumulations; loads are of the column's values.
    pub per_pair: Counts,
}

/// The work of a pass.
pub fn cost(pass: &Pass) -> Cost {
    let mut cost = Cost::default();
    for value in &pass.values {
        let counts = match value.block {
            Block::Parameter => &mut cost.per_call,
            Block::Row | Block::Epilogue => &mut cost.per_row,
            Block::Column => &mut cost.per_column,
            Block::Pair => &mut cost.per_pair,
        };
        *counts += definition_counts(value);
    }
    for Accumulation { rule, .. } in &pass.accumulations {
        cost.per_pair += update_counts(rule);
        for outcome in &rule.outcomes {
            cost.per_row += scalar_counts(&outcome.value).times(outcome.dim);
        }
    }
    cost.per_pair.loads = column_loads(pass);
    cost.per_row.stores = pass.writes.iter().map(|write| u64::from(pass.value(write.value).dim)).sum();
    cost
}

fn definition_counts(value: &Value) -> Counts {
    match &value.definition {
        Definition::Read(_) => Counts { loads: u64::from(value.dim), ..Counts::default() },
        Definition::Compute(scalar) => scalar_counts(scalar).times(value.dim),
        Definition::Number | Definition::Outcome { .. } => Counts::default(),
    }
}

/// Components of the column block that pairs use.
fn column_loads(pass: &Pass) -> u64 {
    let mut used = vec![false; pass.values.len()];
    for (_, value) in pass.block(Block::Pair) {
        if let Definition::Compute(scalar) = &value.definition {
            scalar.visit(&mut |part| {
                if let Scalar::Component(id, _) = part {
                    used[id.0 as usize] = true;
                }
            });
        }
    }
    let accumulated = pass.accumulations.iter().flat_map(|accumulation| &accumulation.arguments);
    accumulated.for_each(|id| used[id.0 as usize] = true);
    pass.block(Block::Column).filter(|(id, _)| used[id.0 as usize]).map(|(_, value)| u64::from(value.dim)).sum()
}
