//! The interpreter of scalar expressions, in float64.

use super::{Counter, Scalar};

/// Component `k` of the value that `scalar` describes; `component` gives the components of what it refers to.
///
/// An index that cannot be computed (overflow, division by 0, a counter of no fold) gives NaN; no row has one.
pub fn evaluate<V>(scalar: &Scalar<V>, k: usize, component: impl Fn(&V, usize) -> f64) -> f64 {
    Interpreter { component, counters: vec![k as i64] }.evaluate(scalar)
}

struct Interpreter<F> {
    component: F,
    counters: Vec<i64>,
}

impl<F> Interpreter<F> {
    fn evaluate<V>(&mut self, scalar: &Scalar<V>) -> f64
    where
        F: Fn(&V, usize) -> f64,
    {
        match scalar {
            Scalar::Constant(number) => *number,
            Scalar::Component(value, index) => match self.index(index).map(usize::try_from) {
                Some(Ok(index)) => (self.component)(value, index),
                _ => f64::NAN,
            },
            Scalar::Index(index) => self.index(index).map_or(f64::NAN, |number| number as f64),
            Scalar::Call(intrinsic, arguments) => {
                let mut values = [0.0; 3];
                for (value, argument) in values.iter_mut().zip(arguments) {
                    *value = self.evaluate(argument);
                }
                intrinsic.evaluate(&values)
            }
            Scalar::Fold { with, counter, count, body } => {
                let mut total = self.evaluate_at(*counter, 0, body);
                for step in 1..*count {
                    total = with.evaluate(&[total, self.evaluate_at(*counter, step, body)]);
                }
                total
            }
            Scalar::Choose { left, comparison, right, then, otherwise } => {
                match (self.index(left), self.index(right)) {
                    (Some(left), Some(right)) if comparison.holds(left, right) => self.evaluate(then),
                    (Some(_), Some(_)) => self.evaluate(otherwise),
                    _ => f64::NAN,
                }
            }
        }
    }

    fn evaluate_at<V>(&mut self, counter: Counter, value: u32, body: &Scalar<V>) -> f64
    where
        F: Fn(&V, usize) -> f64,
    {
        let place = counter.0 as usize;
        if self.counters.len() <= place {
            self.counters.resize(place + 1, 0);
        }
        self.counters[place] = i64::from(value);
        self.evaluate(body)
    }

    fn index(&self, index: &super::Index) -> Option<i64> {
        index.evaluate(&|counter| self.counters.get(counter.0 as usize).copied())
    }
}
