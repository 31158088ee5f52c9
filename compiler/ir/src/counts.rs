//! Operations by class: what a scalar expression, and so an operation or a reduction, costs. One table for graphs and plans.
//!
//! `exp(-sum(q < 3, (x[q] - y[q]) * (x[q] - y[q])))` costs 9 arithmetic operations and an exponential: a difference that is squared is made once.

use std::fmt;
use std::ops::AddAssign;

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::reductions::{Let, Rule};
use keopsc_ops::scalar::Scalar;

/// Operations by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Additions, products, comparisons, selections, roundings: one instruction or two.
    pub arithmetic: u64,
    /// Quotients and roots.
    pub division: u64,
    /// Exponentials: about ten instructions.
    pub exponential: u64,
    /// Logarithms and trigonometry of one argument: tens of instructions.
    pub transcendental: u64,
    /// Powers and angles of points: two of those after each other.
    pub power: u64,
    /// Components that are loaded.
    pub loads: u64,
    /// Components that are stored.
    pub stores: u64,
}

/// What taking one more column into the state of a reduction costs.
pub fn update_counts(rule: &Rule) -> Counts {
    let mut counts = Counts::default();
    for Let { dim, value, .. } in &rule.update_lets {
        counts += scalar_counts(value).times(*dim);
    }
    for (slot, value) in rule.slots.iter().zip(&rule.update) {
        counts += scalar_counts(value).times(slot.dim);
    }
    counts
}

/// What one component costs; of the sides of a choice, whose condition is free, the dearer one.
pub fn scalar_counts<V: PartialEq>(scalar: &Scalar<V>) -> Counts {
    match scalar {
        Scalar::Constant(_) | Scalar::Component(..) | Scalar::Index(_) => Counts::default(),
        Scalar::Call(intrinsic, arguments) => {
            let mut counts = intrinsic_counts(*intrinsic);
            let is_first = |number: &usize| !arguments[..*number].contains(&arguments[*number]);
            (0..arguments.len()).filter(is_first).for_each(|number| counts += scalar_counts(&arguments[number]));
            counts
        }
        Scalar::Fold { with, count, body, .. } => {
            let mut counts = scalar_counts(body).times(*count);
            counts += intrinsic_counts(*with).times(count.saturating_sub(1));
            counts
        }
        Scalar::Choose { then, otherwise, .. } => {
            let (then, otherwise) = (scalar_counts(then), scalar_counts(otherwise));
            if then.cycles() >= otherwise.cycles() { then } else { otherwise }
        }
    }
}

fn intrinsic_counts(intrinsic: Intrinsic) -> Counts {
    use Intrinsic::*;
    let one = Counts::default();
    match intrinsic {
        Add | Sub | Mul | Neg | Abs | Min | Max | Floor | Ceil | Trunc | Round | Less | LessEqual | Equal
        | NotEqual | EqualIndex | Select | SelectIndex => Counts { arithmetic: 1, ..one },
        Div | Sqrt | Rsqrt => Counts { division: 1, ..one },
        Exp | Exp2 | Expm1 => Counts { exponential: 1, ..one },
        Log | Log2 | Log10 | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Sinh | Cosh | Tanh => {
            Counts { transcendental: 1, ..one }
        }
        Atan2 | Pow => Counts { power: 1, ..one },
    }
}

impl Counts {
    /// The classes of work on values, with their names and the cycles that one takes on a vector.
    fn classes(&self) -> [(u64, &'static str, f64); 5] {
        [
            (self.arithmetic, "arithmetic", 0.5),
            (self.division, "division", 5.0),
            (self.exponential, "exponential", 5.0),
            (self.transcendental, "transcendental", 10.0),
            (self.power, "power", 20.0),
        ]
    }

    /// All classes with their names.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        let [a, b, c, d, e] = self.classes().map(|(count, class, _)| (class, count));
        [a, b, c, d, e, ("load", self.loads), ("store", self.stores)]
    }

    /// Estimated cycles for one vector: two simple instructions a cycle, loads and stores beside them.
    pub fn cycles(&self) -> f64 {
        self.classes().iter().map(|(count, _, each)| *count as f64 * each).sum()
    }

    /// As often as that.
    pub fn times(self, count: u32) -> Counts {
        let times = |one: u64| one.saturating_mul(u64::from(count));
        Counts {
            arithmetic: times(self.arithmetic),
            division: times(self.division),
            exponential: times(self.exponential),
            transcendental: times(self.transcendental),
            power: times(self.power),
            loads: times(self.loads),
            stores: times(self.stores),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        let add = |to: &mut u64, from: u64| *to = to.saturating_add(from);
        add(&mut self.arithmetic, other.arithmetic);
        add(&mut self.division, other.division);
        add(&mut self.exponential, other.exponential);
        add(&mut self.transcendental, other.transcendental);
        add(&mut self.power, other.power);
        add(&mut self.loads, other.loads);
        add(&mut self.stores, other.stores);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.named().into_iter().filter(|(_, count)| *count > 0);
        let parts: Vec<String> = done.map(|(class, count)| format!("{count} {class}")).collect();
        f.write_str(if parts.is_empty() { "nothing".to_string() } else { parts.join(", ") }.as_str())
    }
}
