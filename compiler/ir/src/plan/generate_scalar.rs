//! Random scalar expressions for random plans: kinds right, components in range, operators nested in every way.

use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::scalar::{Comparison, Counter, Index, Scalar};

use super::ValueId;
use crate::random::Random;

/// Counts of folds that are drawn now and then: more than back ends unroll.
const LONG_COUNTS: &[u32] = &[17, 33];

/// The values that may be used, with their dimensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Available {
    /// Real numbers.
    pub(crate) reals: Vec<(ValueId, u32)>,
    /// Row numbers.
    pub(crate) indices: Vec<(ValueId, u32)>,
}

/// An expression for a real value of that dimension.
pub(crate) fn generate_scalar(random: &mut Random, dim: u32, available: &Available) -> Scalar<ValueId> {
    Writer { random, available, counters: vec![(Counter(0), dim)] }.real(4)
}

/// An expression for row numbers; there is a value of them.
pub(crate) fn generate_index_scalar(random: &mut Random, dim: u32, available: &Available) -> Scalar<ValueId> {
    Writer { random, available, counters: vec![(Counter(0), dim)] }.of_kind(Kind::Index, 3)
}

struct Writer<'w> {
    random: &'w mut Random,
    available: &'w Available,
    counters: Vec<(Counter, u32)>,
}

impl Writer<'_> {
    fn real(&mut self, depth: usize) -> Scalar<ValueId> {
        self.of_kind(Kind::Real, depth)
    }

    fn of_kind(&mut self, kind: Kind, depth: usize) -> Scalar<ValueId> {
        let branches = depth > 0 && self.random.percent(85);
        match kind {
            Kind::Real if branches => self.branch(depth - 1),
            Kind::Real => self.leaf(),
            Kind::Index if branches && self.random.percent(50) => self.choose(kind, depth - 1),
            Kind::Index if branches => self.call(&[Intrinsic::SelectIndex], depth - 1),
            Kind::Index => self.component(&self.available.indices.clone()).unwrap_or(Scalar::Constant(0.0)),
            Kind::Bool => {
                let depth = depth.saturating_sub(1);
                if !self.available.indices.is_empty() && self.random.percent(20) {
                    return self.call(&[Intrinsic::EqualIndex], depth);
                }
                let comparisons = [Intrinsic::Less, Intrinsic::LessEqual, Intrinsic::Equal, Intrinsic::NotEqual];
                self.call(&comparisons, depth)
            }
        }
    }

    fn branch(&mut self, depth: usize) -> Scalar<ValueId> {
        use Intrinsic::*;
        match self.random.below(8) {
            0 => self.fold(depth),
            1 => self.choose(Kind::Real, depth),
            2 => {
                let real: Vec<Intrinsic> =
                    Intrinsic::ALL.iter().copied().filter(|intrinsic| intrinsic.result() == Kind::Real).collect();
                self.call(&real, depth)
            }
            _ => self.call(&[Add, Sub, Mul, Div, Neg], depth),
        }
    }

    fn call(&mut self, choices: &[Intrinsic], depth: usize) -> Scalar<ValueId> {
        let intrinsic = self.random.pick(choices);
        let arguments = intrinsic.arguments().iter().map(|&kind| self.of_kind(kind, depth)).collect();
        Scalar::Call(intrinsic, arguments)
    }

    fn fold(&mut self, depth: usize) -> Scalar<ValueId> {
        let with = self.random.pick(&[Intrinsic::Add, Intrinsic::Mul, Intrinsic::Min, Intrinsic::Max]);
        let counter = Counter(self.counters.len() as u32);
        // A fold inside another stays short, as the counts are multiplied.
        let long = self.counters.len() == 1 && self.random.percent(5);
        let count = if long { self.random.pick(LONG_COUNTS) } else { self.random.integer(1, 4) as u32 };
        self.counters.push((counter, count));
        let body = Box::new(self.real(depth));
        self.counters.pop();
        Scalar::Fold { with, counter, count, body }
    }

    /// `choose(counter < bound, …)`: components in the branches do not need the condition, or need it as in `v[k - bound]`.
    fn choose(&mut self, kind: Kind, depth: usize) -> Scalar<ValueId> {
        let (counter, count) = self.random.pick(&self.counters);
        let bound = self.random.integer(1, i64::from(count));
        let comparison = self.random.pick(&[Comparison::Less, Comparison::LessEqual, Comparison::Equal]);
        let then = Box::new(self.of_kind(kind, depth));
        let values = if kind == Kind::Index { &self.available.indices } else { &self.available.reals };
        let rest: Vec<(ValueId, u32)> =
            values.iter().copied().filter(|(_, dim)| i64::from(*dim) + bound >= i64::from(count)).collect();
        let shifted = comparison == Comparison::Less && self.random.percent(50);
        let otherwise = match self.random.pick_any(&rest).filter(|_| shifted) {
            Some((value, _)) => {
                let index = Index::Sub(Box::new(Index::Counter(counter)), Box::new(Index::Constant(bound)));
                Scalar::Component(value, index)
            }
            None => self.of_kind(kind, depth),
        };
        let (left, right) = (Index::Counter(counter), Index::Constant(bound));
        Scalar::Choose { left, comparison, right, then, otherwise: Box::new(otherwise) }
    }

    fn leaf(&mut self) -> Scalar<ValueId> {
        match self.random.below(6) {
            0 => Scalar::Constant(self.constant()),
            1 => Scalar::Index(self.index(2)),
            _ => match self.component(&self.available.reals.clone()) {
                Some(component) => component,
                None => Scalar::Constant(self.constant()),
            },
        }
    }

    fn constant(&mut self) -> f64 {
        let wild = [0.0, -0.0, 1.0, -2.0, 0.1, 1e-300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE];
        if self.random.percent(50) { self.random.pick(&wild) } else { self.random.real(-3.0, 3.0) }
    }

    fn component(&mut self, values: &[(ValueId, u32)]) -> Option<Scalar<ValueId>> {
        let (value, dim) = self.random.pick_any(values)?;
        Some(Scalar::Component(value, self.index_below(dim)))
    }

    /// An index from 0 to `dim` exclusive.
    fn index_below(&mut self, dim: u32) -> Index {
        let short: Vec<(Counter, u32)> = self.counters.iter().copied().filter(|(_, count)| *count <= dim).collect();
        let last = Box::new(Index::Constant(i64::from(dim) - 1));
        match (self.random.below(4), self.random.pick_any(&short)) {
            (0, Some((counter, _))) => Index::Sub(last, Box::new(Index::Counter(counter))),
            (1 | 2, Some((counter, _))) => Index::Counter(counter),
            (3, _) if dim > 1 => {
                let dividend = Box::new(self.index(2));
                Index::Rem(dividend, Box::new(Index::Constant(i64::from(dim))))
            }
            _ => Index::Constant(self.random.integer(0, i64::from(dim) - 1)),
        }
    }

    /// An index of no sign: sums, products and quotients of counters and small numbers.
    fn index(&mut self, depth: usize) -> Index {
        let choice = if depth == 0 { self.random.below(2) } else { self.random.below(6) };
        let part = |writer: &mut Self| Box::new(writer.index(depth.saturating_sub(1)));
        match choice {
            0 => Index::Constant(self.random.integer(0, 9)),
            1 => Index::Counter(self.random.pick(&self.counters).0),
            2 => Index::Add(part(self), part(self)),
            3 => Index::Mul(part(self), part(self)),
            4 => Index::Div(part(self), Box::new(Index::Constant(self.random.integer(1, 4)))),
            _ => Index::Rem(part(self), Box::new(Index::Constant(self.random.integer(1, 4)))),
        }
    }
}
