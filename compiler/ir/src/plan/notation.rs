//! How scalar expressions are spelled in printed plans: the tables that printing and parsing share.
//!
//! Two-argument arithmetic and comparisons are infix, negation is `-a`, every other call is `name(a, b)`. A component is `v3[k + 1]`, of
//! a value with one component just `v3`. Folds are `sum(q < 3, body)`, choices `choose(k < 3, then, otherwise)`, an index as a real number
//! `index(k)`. Counter 0 is `k`, counter 1 `q`, then `q2`, `q3`, …

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Comparison, Counter};

/// How tightly something binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// An argument: anything.
    Loose,
    /// A side of a comparison.
    Compared,
    /// A term of a sum.
    Term,
    /// A factor of a product: what no infix operation can tear apart.
    Factor,
}

impl Binding {
    /// The next tighter one.
    pub fn tighter(self) -> Binding {
        match self {
            Binding::Loose => Binding::Compared,
            Binding::Compared => Binding::Term,
            Binding::Term | Binding::Factor => Binding::Factor,
        }
    }
}

/// Infix spellings and how tightly they bind; all but comparisons associate to the left. Longer spellings first.
pub const INFIX: &[(&str, Intrinsic, Binding)] = &[
    ("<=", Intrinsic::LessEqual, Binding::Loose),
    ("==", Intrinsic::Equal, Binding::Loose),
    ("!=", Intrinsic::NotEqual, Binding::Loose),
    ("<", Intrinsic::Less, Binding::Loose),
    ("+", Intrinsic::Add, Binding::Compared),
    ("-", Intrinsic::Sub, Binding::Compared),
    ("*", Intrinsic::Mul, Binding::Term),
    ("/", Intrinsic::Div, Binding::Term),
];

/// What folds are called.
pub const FOLDS: &[(&str, Intrinsic)] =
    &[("sum", Intrinsic::Add), ("prod", Intrinsic::Mul), ("minimum", Intrinsic::Min), ("maximum", Intrinsic::Max)];

/// Comparisons of indices. Longer spellings first.
pub const COMPARISONS: &[(&str, Comparison)] =
    &[("<=", Comparison::LessEqual), ("==", Comparison::Equal), ("<", Comparison::Less)];

/// How deep an expression may be nested: everything that walks one is recursive.
pub const MAXIMUM_DEPTH: usize = 256;

/// The name of a counter.
pub fn counter_name(counter: Counter) -> String {
    match counter.0 {
        0 => "k".to_string(),
        1 => "q".to_string(),
        number => format!("q{number}"),
    }
}

/// The counter of that name.
pub fn counter_of_name(name: &str) -> Option<Counter> {
    let number = match name {
        "k" => 0,
        "q" => 1,
        _ => name.strip_prefix('q')?.parse().ok()?,
    };
    Some(Counter(number)).filter(|&counter| counter_name(counter) == name)
}
