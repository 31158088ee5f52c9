//! What is known of the signs of a pass's values.

use keopsc_ops::scalar::{Sign, Signs};

use super::{Definition, Pass, ValueId};

/// The sign of every component of each value.
pub fn signs(pass: &Pass) -> Vec<Sign> {
    let mut known = Known(Vec::with_capacity(pass.values.len()));
    for value in &pass.values {
        let sign = match &value.definition {
            Definition::Compute(body) => body.sign(&known),
            Definition::Number => Sign::NONNEGATIVE,
            Definition::Read(_) | Definition::Outcome { .. } => Sign::UNKNOWN,
        };
        known.0.push(sign);
    }
    known.0
}

/// The signs of the values so far.
struct Known(Vec<Sign>);

impl Signs<ValueId> for Known {
    fn of_value(&self, value: &ValueId) -> Sign {
        self.0.get(value.0 as usize).copied().unwrap_or(Sign::UNKNOWN)
    }
}
