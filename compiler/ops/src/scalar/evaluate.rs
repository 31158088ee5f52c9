//! The interpreter of scalar expressions.

use super::{Counter, Number, Scalar};

/// Component `k` of the value that `scalar` describes; `component` gives the components of what it refers to.
///
/// An index that cannot be computed (overflow, division by 0, a counter of no fold) gives NaN; no row has one.
pub fn evaluate<V, N: Number>(scalar: &Scalar<V>, k: usize, component: impl Fn(&V, usize) -> N) -> N {
    evaluate_counted(scalar, &[k], component)
}

/// The same where all of the first counters have values.
pub fn evaluate_counted<V, N: Number>(scalar: &Scalar<V>, counters: &[usize], component: impl Fn(&V, usize) -> N) -> N {
    Interpreter { component, counters: counters.iter().map(|value| *value as i64).collect() }.evaluate(scalar)
}

struct Interpreter<F> {
    component: F,
    counters: Vec<i64>,
}

impl<F> Interpreter<F> {
    fn evaluate<V, N: Number>(&mut self, scalar: &Scalar<V>) -> N
    where
        F: Fn(&V, usize) -> N,
    {
        match scalar {
            Scalar::Constant(number) => N::real(*number),
            Scalar::Component(value, index) => match self.index(index).map(usize::try_from) {
                Some(Ok(index)) => (self.component)(value, index),
                _ => N::real(f64::NAN),
            },
            Scalar::Index(index) => N::real(self.index(index).map_or(f64::NAN, |number| number as f64)),
            Scalar::Call(intrinsic, arguments) => {
                let mut values: [N; 3] = std::array::from_fn(|_| N::real(0.0));
                for (value, argument) in values.iter_mut().zip(arguments) {
                    *value = self.evaluate(argument);
                }
                N::call(*intrinsic, &values[..arguments.len().min(3)])
            }
            Scalar::Fold { with, counter, count, body } => {
                let mut total = self.evaluate_at(*counter, 0, body);
                for step in 1..*count {
                    total = N::call(*with, &[total, self.evaluate_at(*counter, step, body)]);
                }
                total
            }
            Scalar::Choose { left, comparison, right, then, otherwise } => {
                match (self.index(left), self.index(right)) {
                    (Some(left), Some(right)) if comparison.holds(left, right) => self.evaluate(then),
                    (Some(_), Some(_)) => self.evaluate(otherwise),
                    _ => N::real(f64::NAN),
                }
            }
        }
    }

    fn evaluate_at<V, N: Number>(&mut self, counter: Counter, value: u32, body: &Scalar<V>) -> N
    where
        F: Fn(&V, usize) -> N,
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
