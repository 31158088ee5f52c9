//! Scalar expressions: what the text of a row becomes once dimensions are known, and what plans are made of.
//!
//! The row `value: "sum(q < p, A[k*p + q] * b[q])"` of `MatVecMult`, at p = 2, becomes a
//! [`Scalar::Fold`] over q of the product of two [`Scalar::Component`]s. `V` says whose components are meant: an argument of an
//! operation, an operand of a reduction rule, a value of a plan.
//!
//! Back ends know these six constructs and no operation by name.

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
