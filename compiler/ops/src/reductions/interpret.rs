//! The interpreter of rules: in float64 the reference that all back ends are held against.

use super::rule::{Let, Operand, Raising, Rule};
use crate::scalar::{Number, Scalar, evaluate_counted};

/// The accumulators of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowState<N = f64> {
    /// The components of each slot.
    pub slots: Vec<Vec<N>>,
}

/// What operands refer to in a phase.
#[derive(Clone, Copy)]
struct Operands<'a, N> {
    arguments: &'a [Vec<N>],
    state: &'a [Vec<N>],
    later: &'a [Vec<N>],
    column: f64,
    step: usize,
}

impl Rule {
    /// The state of no column.
    pub fn initial<N: Number>(&self) -> RowState<N> {
        RowState { slots: self.slots.iter().map(|slot| vec![N::real(slot.initial); slot.dim as usize]).collect() }
    }

    /// The state after one more column, whose arguments have these components.
    pub fn update<N: Number>(&self, state: &RowState<N>, column: u64, arguments: &[Vec<N>]) -> RowState<N> {
        let operands = Operands { arguments, state: &state.slots, later: &[], column: column as f64, step: 0 };
        self.phase(&self.update_lets, &self.update, operands)
    }

    /// The state after some more columns, of which the pivots take all in before the other slots do.
    pub fn update_raised<N: Number>(
        &self,
        raising: &Raising,
        state: &RowState<N>,
        first: u64,
        columns: &[Vec<Vec<N>>],
    ) -> RowState<N> {
        let numbered = || (first..).zip(columns);
        let all = numbered().fold(self.initial(), |state, (number, column)| self.update(&state, number, column));
        let mut pivots = self.initial();
        for slot in &raising.pivots {
            pivots.slots[*slot as usize].clone_from(&all.slots[*slot as usize]);
        }
        self.update_lagging(raising, &self.merge(state, &pivots), first, columns)
    }

    /// The state after some more columns, which the pivots do not take in.
    pub fn update_lagging<N: Number>(
        &self,
        raising: &Raising,
        state: &RowState<N>,
        first: u64,
        columns: &[Vec<Vec<N>>],
    ) -> RowState<N> {
        (first..).zip(columns).fold(state.clone(), |state, (number, column)| {
            let operands =
                Operands { arguments: column, state: &state.slots, later: &[], column: number as f64, step: 0 };
            self.phase(&raising.lets, &raising.update, operands)
        })
    }

    /// The components of the guard's truth value for a column.
    pub fn evaluate_guard<N: Number>(&self, guard: &Let, state: &RowState<N>, arguments: &[Vec<N>]) -> Vec<N> {
        let operands = Operands { arguments, state: &state.slots, later: &[], column: f64::NAN, step: 0 };
        operands.components(&guard.value, guard.dim, &[])
    }

    /// The state of the columns of both, `earlier` being that of the smaller column numbers.
    pub fn merge<N: Number>(&self, earlier: &RowState<N>, later: &RowState<N>) -> RowState<N> {
        (0..self.merge_steps as usize).fold(earlier.clone(), |earlier, step| {
            let (state, later) = (&earlier.slots, &later.slots);
            let operands = Operands { arguments: &[], state, later, column: f64::NAN, step };
            self.phase(&self.merge_lets, &self.merge, operands)
        })
    }

    /// The components of each outcome.
    pub fn finalize<N: Number>(&self, state: &RowState<N>) -> Vec<Vec<N>> {
        let operands = Operands { arguments: &[], state: &state.slots, later: &[], column: f64::NAN, step: 0 };
        let outcomes = self.outcomes.iter();
        outcomes.map(|outcome| operands.components(&outcome.value, outcome.dim, &[])).collect()
    }

    fn phase<N: Number>(&self, lets: &[Let], values: &[Scalar<Operand>], operands: Operands<'_, N>) -> RowState<N> {
        let mut known: Vec<Vec<N>> = Vec::with_capacity(lets.len());
        for value in lets {
            let components = operands.components(&value.value, value.dim, &known);
            known.push(components);
        }
        let slots = self.slots.iter().zip(values);
        RowState { slots: slots.map(|(slot, value)| operands.components(value, slot.dim, &known)).collect() }
    }
}

impl<N: Number> Operands<'_, N> {
    /// Components `0..dim` of a value; what is not there in this phase is NaN.
    fn components(&self, value: &Scalar<Operand>, dim: u32, lets: &[Vec<N>]) -> Vec<N> {
        let component = |operand: &Operand, index: usize| {
            let (of, number) = match operand {
                Operand::Argument(number) => (self.arguments, number),
                Operand::State(number) => (self.state, number),
                Operand::Later(number) => (self.later, number),
                Operand::Let(number) => (lets, number),
                Operand::Column => return N::real(self.column),
            };
            of.get(*number as usize)
                .and_then(|components| components.get(index))
                .cloned()
                .unwrap_or_else(|| N::real(f64::NAN))
        };
        (0..dim as usize).map(|k| evaluate_counted(value, &[k, self.step], component)).collect()
    }
}
