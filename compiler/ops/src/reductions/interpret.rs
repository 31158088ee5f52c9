//! The interpreter of rules, in float64: the reference that all back ends are held against.

use super::rule::{Let, Operand, Rule};
use crate::scalar::{Scalar, evaluate};

/// The accumulators of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowState {
    /// The components of each slot.
    pub slots: Vec<Vec<f64>>,
}

/// What operands refer to in a phase.
#[derive(Clone, Copy)]
struct Operands<'a> {
    arguments: &'a [Vec<f64>],
    state: &'a [Vec<f64>],
    later: &'a [Vec<f64>],
    column: f64,
}

impl Rule {
    /// The state of no column.
    pub fn initial(&self) -> RowState {
        RowState { slots: self.slots.iter().map(|slot| vec![slot.initial; slot.dim as usize]).collect() }
    }

    /// The state after one more column, whose arguments have these components.
    pub fn update(&self, state: &RowState, column: u64, arguments: &[Vec<f64>]) -> RowState {
        let operands = Operands { arguments, state: &state.slots, later: &[], column: column as f64 };
        self.phase(&self.update_lets, &self.update, operands)
    }

    /// The state of the columns of both, `earlier` being that of the smaller column numbers.
    pub fn merge(&self, earlier: &RowState, later: &RowState) -> RowState {
        let operands = Operands { arguments: &[], state: &earlier.slots, later: &later.slots, column: f64::NAN };
        self.phase(&self.merge_lets, &self.merge, operands)
    }

    /// The components of each outcome.
    pub fn finalize(&self, state: &RowState) -> Vec<Vec<f64>> {
        let operands = Operands { arguments: &[], state: &state.slots, later: &[], column: f64::NAN };
        let outcomes = self.outcomes.iter();
        outcomes.map(|outcome| operands.components(&outcome.value, outcome.dim, &[])).collect()
    }

    fn phase(&self, lets: &[Let], values: &[Scalar<Operand>], operands: Operands) -> RowState {
        let mut known: Vec<Vec<f64>> = Vec::with_capacity(lets.len());
        for value in lets {
            let components = operands.components(&value.value, value.dim, &known);
            known.push(components);
        }
        let slots = self.slots.iter().zip(values);
        RowState { slots: slots.map(|(slot, value)| operands.components(value, slot.dim, &known)).collect() }
    }
}

impl Operands<'_> {
    /// Components `0..dim` of a value; what is not there in this phase is NaN.
    fn components(&self, value: &Scalar<Operand>, dim: u32, lets: &[Vec<f64>]) -> Vec<f64> {
        let component = |operand: &Operand, index: usize| {
            let (of, number) = match operand {
                Operand::Argument(number) => (self.arguments, number),
                Operand::State(number) => (self.state, number),
                Operand::Later(number) => (self.later, number),
                Operand::Let(number) => (lets, number),
                Operand::Column => return self.column,
            };
            of.get(*number as usize).and_then(|components| components.get(index)).copied().unwrap_or(f64::NAN)
        };
        (0..dim as usize).map(|k| evaluate(value, k, component)).collect()
    }
}
