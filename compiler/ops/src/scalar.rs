//! Scalar expressions: what the text of a row becomes once dimensions are known, and what plans are made of.
//!
//! The row `value: "sum(q < p, A[k*p + q] * b[q])"` of `MatVecMult`, at p = 2, becomes a
//! [`Scalar::Fold`] over q of the product of two [`Scalar::Component`]s. `V` says whose components are meant: an argument of an
//! operation, an operand of a reduction rule, a value of a plan.
//!
//! Back ends know these six constructs and no operation by name.

mod evaluate;
mod number;
mod sign;

pub use evaluate::{evaluate, evaluate_counted};
pub use number::Number;
pub use sign::{Sign, Signs};

use crate::intrinsics::Intrinsic;

/// A variable that counts components: 0 is `k`, the component of the result; folds bring 1, 2, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Counter(pub u32);

/// An integer expression over counters. Division and remainder are those of non-negative integers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// A number.
    Constant(i64),
    /// The value of a counter.
    Counter(Counter),
    /// The sum.
    Add(Box<Index>, Box<Index>),
    /// The difference.
    Sub(Box<Index>, Box<Index>),
    /// The product.
    Mul(Box<Index>, Box<Index>),
    /// The quotient, rounded down.
    Div(Box<Index>, Box<Index>),
    /// The remainder.
    Rem(Box<Index>, Box<Index>),
}

/// How two indices are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`
    Equal,
}

/// A scalar expression over components of values of type `V`.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<V> {
    /// A real number.
    Constant(f64),
    /// Component `index` of a value.
    Component(V, Index),
    /// An index as a real number.
    Index(Index),
    /// A scalar function of scalars.
    Call(Intrinsic, Vec<Scalar<V>>),
    /// `with` over `body` for `counter` in `0..count`, in this order, starting from the first; `count` is at least 1.
    Fold {
        /// `Add`, `Mul`, `Min` or `Max`.
        with: Intrinsic,
        /// The counter that `body` may use.
        counter: Counter,
        /// How often.
        count: u32,
        /// What is folded.
        body: Box<Scalar<V>>,
    },
    /// A choice by index: known when the counters are, so it costs nothing once unrolled.
    Choose {
        /// Left of the comparison.
        left: Index,
        /// The comparison.
        comparison: Comparison,
        /// Right of the comparison.
        right: Index,
        /// Taken where it holds.
        then: Box<Scalar<V>>,
        /// Taken where it does not.
        otherwise: Box<Scalar<V>>,
    },
}

impl Comparison {
    /// Whether it holds.
    pub fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Comparison::Less => left < right,
            Comparison::LessEqual => left <= right,
            Comparison::Equal => left == right,
        }
    }

    /// `<`, `<=` or `==`.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Equal => "==",
        }
    }
}

impl Index {
    /// The component of the result, `k`.
    pub const K: Index = Index::Counter(Counter(0));

    /// Whether it depends on a counter.
    pub fn mentions(&self, counter: Counter) -> bool {
        match self {
            Index::Constant(_) => false,
            Index::Counter(other) => *other == counter,
            Index::Add(a, b) | Index::Sub(a, b) | Index::Mul(a, b) | Index::Div(a, b) | Index::Rem(a, b) => {
                a.mentions(counter) || b.mentions(counter)
            }
        }
    }

    /// The number, where no counter is needed to know it and no division by 0 occurs.
    pub fn constant(&self) -> Option<i64> {
        self.evaluate(&|_| None)
    }

    /// The value, given the counters' values; `None` where one is unknown, or on overflow or division by 0.
    pub fn evaluate(&self, counter: &impl Fn(Counter) -> Option<i64>) -> Option<i64> {
        let both = |left: &Index, right: &Index| Some((left.evaluate(counter)?, right.evaluate(counter)?));
        match self {
            Index::Constant(number) => Some(*number),
            Index::Counter(which) => counter(*which),
            Index::Add(left, right) => both(left, right).and_then(|(a, b)| a.checked_add(b)),
            Index::Sub(left, right) => both(left, right).and_then(|(a, b)| a.checked_sub(b)),
            Index::Mul(left, right) => both(left, right).and_then(|(a, b)| a.checked_mul(b)),
            Index::Div(left, right) => both(left, right).and_then(|(a, b)| a.checked_div(b)),
            Index::Rem(left, right) => both(left, right).and_then(|(a, b)| a.checked_rem(b)),
        }
    }
}

impl<V> Scalar<V> {
    /// The same expression over other values.
    pub fn map<W>(&self, value: &mut impl FnMut(&V) -> W) -> Scalar<W> {
        match self {
            Scalar::Constant(number) => Scalar::Constant(*number),
            Scalar::Component(of, index) => Scalar::Component(value(of), index.clone()),
            Scalar::Index(index) => Scalar::Index(index.clone()),
            Scalar::Call(intrinsic, arguments) => {
                Scalar::Call(*intrinsic, arguments.iter().map(|argument| argument.map(value)).collect())
            }
            Scalar::Fold { with, counter, count, body } => {
                Scalar::Fold { with: *with, counter: *counter, count: *count, body: Box::new(body.map(value)) }
            }
            Scalar::Choose { left, comparison, right, then, otherwise } => Scalar::Choose {
                left: left.clone(),
                comparison: *comparison,
                right: right.clone(),
                then: Box::new(then.map(value)),
                otherwise: Box::new(otherwise.map(value)),
            },
        }
    }

    /// The same for components from number `least` on, without choices of those before.
    pub fn from_component(&self, least: i64) -> Scalar<V>
    where
        V: Clone,
    {
        let all = |scalars: &[Scalar<V>]| scalars.iter().map(|scalar| scalar.from_component(least)).collect();
        match self {
            Scalar::Constant(_) | Scalar::Component(..) | Scalar::Index(_) => self.clone(),
            Scalar::Call(intrinsic, arguments) => Scalar::Call(*intrinsic, all(arguments)),
            Scalar::Fold { with, counter, count, body } => {
                let body = Box::new(body.from_component(least));
                Scalar::Fold { with: *with, counter: *counter, count: *count, body }
            }
            Scalar::Choose {
                left: Index::K,
                comparison: Comparison::Less,
                right: Index::Constant(end),
                otherwise,
                ..
            } if *end <= least => otherwise.from_component(least),
            Scalar::Choose { left, comparison, right, then, otherwise } => Scalar::Choose {
                left: left.clone(),
                comparison: *comparison,
                right: right.clone(),
                then: Box::new(then.from_component(least)),
                otherwise: Box::new(otherwise.from_component(least)),
            },
        }
    }

    /// Calls `see` with each component that is read, as often as it is written.
    pub fn for_each_read(&self, see: &mut impl FnMut(&V, &Index)) {
        self.visit(&mut |part| {
            if let Scalar::Component(value, index) = part {
                see(value, index);
            }
        });
    }

    /// Whether there is a fold in it.
    pub fn contains_fold(&self) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= matches!(part, Scalar::Fold { .. }));
        found
    }

    /// Calls `see` on this expression and on every part of it, outermost first.
    pub fn visit(&self, see: &mut impl FnMut(&Scalar<V>)) {
        see(self);
        match self {
            Scalar::Constant(_) | Scalar::Component(..) | Scalar::Index(_) => {}
            Scalar::Call(_, arguments) => arguments.iter().for_each(|argument| argument.visit(see)),
            Scalar::Fold { body, .. } => body.visit(see),
            Scalar::Choose { then, otherwise, .. } => {
                then.visit(see);
                otherwise.visit(see);
            }
        }
    }
}
