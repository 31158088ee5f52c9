//! A reduction's state for one row, driven by the [`Rule`] in float64.

use keopsc_ops::reductions::{Let, Operand, Rule};
use keopsc_ops::scalar::{self, Scalar};

/// The state of one row.
pub struct Accumulator<'r> {
    rule: &'r Rule,
    state: Vec<Vec<f64>>,
}

impl<'r> Accumulator<'r> {
    /// The neutral state.
    pub fn new(rule: &'r Rule) -> Accumulator<'r> {
        let state = rule.slots.iter().map(|slot| vec![slot.initial; slot.dim as usize]).collect();
        Accumulator { rule, state }
    }

    /// Takes in the arguments at one column.
    pub fn update(&mut self, arguments: &[&[f64]], column: usize) {
        let mut scope = Scope { arguments, state: &self.state, later: &[], lets: Vec::new(), column };
        scope.compute_lets(&self.rule.update_lets);
        self.state = scope.new_state(self.rule, &self.rule.update);
    }

    /// Takes in the state of later columns.
    pub fn merge(&mut self, later: &Accumulator) {
        let mut scope = Scope { arguments: &[], state: &self.state, later: &later.state, lets: Vec::new(), column: 0 };
        scope.compute_lets(&self.rule.merge_lets);
        self.state = scope.new_state(self.rule, &self.rule.merge);
    }

    /// A result of the row.
    pub fn outcome(&self, number: usize) -> Vec<f64> {
        let outcome = &self.rule.outcomes[number];
        Scope { arguments: &[], state: &self.state, later: &[], lets: Vec::new(), column: 0 }
            .vector(&outcome.value, outcome.dim)
    }
}

/// What the operands of a rule stand for.
struct Scope<'s> {
    arguments: &'s [&'s [f64]],
    state: &'s [Vec<f64>],
    later: &'s [Vec<f64>],
    lets: Vec<Vec<f64>>,
    column: usize,
}

impl Scope<'_> {
    fn compute_lets(&mut self, lets: &[Let]) {
        for definition in lets {
            let value = self.vector(&definition.value, definition.dim);
            self.lets.push(value);
        }
    }

    fn new_state(&self, rule: &Rule, values: &[Scalar<Operand>]) -> Vec<Vec<f64>> {
        rule.slots.iter().zip(values).map(|(slot, value)| self.vector(value, slot.dim)).collect()
    }

    fn vector(&self, value: &Scalar<Operand>, dim: u32) -> Vec<f64> {
        (0..dim as usize).map(|k| scalar::evaluate(value, k, |operand, index| self.component(*operand, index))).collect()
    }

    fn component(&self, operand: Operand, index: usize) -> f64 {
        match operand {
            Operand::Argument(number) => self.arguments[number as usize][index],
            Operand::State(number) => self.state[number as usize][index],
            Operand::Later(number) => self.later[number as usize][index],
            Operand::Let(number) => self.lets[number as usize][index],
            Operand::Column => self.column as f64,
        }
    }
}
