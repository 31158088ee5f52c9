//! Whether the index of a component stays in range for all values of the counters.
//!
//! Intervals prove most: `k*3 + q` for k < 2 and q < 3 lies in 0..6. What they do not prove, such as `v2[k - 3]` where
//! `choose(k < 3, …)` holds the small k off, is decided by going through the counters' values.

use keopsc_ops::scalar::{Comparison, Counter, Index};

/// An inclusive range of integers.
type Interval = (i64, i64);

/// How many combinations of counter values are looked at; a larger index that intervals do not prove counts as out of range.
const MAXIMUM_COMBINATIONS: u64 = 1 << 20;

/// A condition under which an expression is evaluated.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) left: Index,
    pub(crate) comparison: Comparison,
    pub(crate) right: Index,
    /// Whether it holds or does not hold.
    pub(crate) holds: bool,
}

/// The counters that are known at a place, and the conditions that led there.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    pub(crate) counters: Vec<(Counter, u32)>,
    pub(crate) guards: Vec<Guard>,
}

impl Scope {
    /// How many values a counter has; `None` if there is no such counter here.
    pub(crate) fn count(&self, counter: Counter) -> Option<u32> {
        self.counters.iter().find(|(other, _)| *other == counter).map(|(_, count)| *count)
    }

    /// Whether the index is from 0 to `dim` exclusive wherever its place is reached.
    pub(crate) fn keeps_in_range(&self, index: &Index, dim: u32) -> bool {
        let allowed = |value: i64| value >= 0 && value < i64::from(dim);
        self.interval(index).is_some_and(|(low, high)| allowed(low) && allowed(high))
            || self.all_combinations(index, |value| value.is_some_and(allowed))
    }

    /// Whether the index has a value wherever its place is reached: its counters are known, and nothing is divided by 0.
    pub(crate) fn has_value(&self, index: &Index) -> bool {
        self.interval(index).is_some() || self.all_combinations(index, |value| value.is_some())
    }

    fn interval(&self, index: &Index) -> Option<Interval> {
        let both = |left: &Index, right: &Index| Some((self.interval(left)?, self.interval(right)?));
        match index {
            Index::Constant(value) => Some((*value, *value)),
            Index::Counter(counter) => Some((0, i64::from(self.count(*counter)?) - 1)),
            Index::Add(left, right) => {
                let (left, right) = both(left, right)?;
                Some((left.0.checked_add(right.0)?, left.1.checked_add(right.1)?))
            }
            Index::Sub(left, right) => {
                let (left, right) = both(left, right)?;
                Some((left.0.checked_sub(right.1)?, left.1.checked_sub(right.0)?))
            }
            Index::Mul(left, right) => product(both(left, right)?),
            Index::Div(left, right) => {
                let (left, right) = both(left, right).filter(non_negative_division)?;
                Some((left.0 / right.1, left.1 / right.0))
            }
            Index::Rem(left, right) => {
                let (left, right) = both(left, right).filter(non_negative_division)?;
                Some((0, left.1.min(right.1 - 1)))
            }
        }
    }

    /// Whether `holds` for the index at all values of the counters that the guards let through.
    fn all_combinations(&self, index: &Index, holds: impl Fn(Option<i64>) -> bool) -> bool {
        let mut used = Vec::new();
        collect_counters(index, &mut used);
        for guard in &self.guards {
            collect_counters(&guard.left, &mut used);
            collect_counters(&guard.right, &mut used);
        }
        let Some(counts) = used.iter().map(|&counter| self.count(counter)).collect::<Option<Vec<u32>>>() else {
            return false;
        };
        let combinations = counts.iter().try_fold(1u64, |product, &count| product.checked_mul(u64::from(count)));
        let Some(combinations) = combinations.filter(|&combinations| combinations <= MAXIMUM_COMBINATIONS) else {
            return false;
        };
        (0..combinations).all(|combination| {
            let values = digits(combination, &counts);
            let lookup = |counter: Counter| Some(values[used.iter().position(|&other| other == counter)?]);
            !self.reached(&lookup) || holds(non_negative(index, &lookup))
        })
    }

    fn reached(&self, lookup: &impl Fn(Counter) -> Option<i64>) -> bool {
        self.guards.iter().all(|guard| match (guard.left.evaluate(lookup), guard.right.evaluate(lookup)) {
            (Some(left), Some(right)) => guard.comparison.holds(left, right) == guard.holds,
            _ => true,
        })
    }
}

fn product((left, right): (Interval, Interval)) -> Option<Interval> {
    let corners = [(left.0, right.0), (left.0, right.1), (left.1, right.0), (left.1, right.1)];
    let products: Option<Vec<i64>> = corners.iter().map(|(a, b)| a.checked_mul(*b)).collect();
    let products = products?;
    Some((*products.iter().min()?, *products.iter().max()?))
}

/// Division and remainder are those of non-negative integers by positive ones.
fn non_negative_division((left, right): &(Interval, Interval)) -> bool {
    left.0 >= 0 && right.0 > 0
}

/// The value of an index all of whose divisions are of non-negative integers by positive ones.
fn non_negative(index: &Index, lookup: &impl Fn(Counter) -> Option<i64>) -> Option<i64> {
    match index {
        Index::Constant(_) | Index::Counter(_) => (),
        Index::Add(left, right) | Index::Sub(left, right) | Index::Mul(left, right) => {
            non_negative(left, lookup)?;
            non_negative(right, lookup)?;
        }
        Index::Div(left, right) | Index::Rem(left, right) => {
            non_negative(left, lookup).filter(|&left| left >= 0)?;
            non_negative(right, lookup).filter(|&right| right > 0)?;
        }
    }
    index.evaluate(lookup)
}

fn collect_counters(index: &Index, used: &mut Vec<Counter>) {
    match index {
        Index::Constant(_) => (),
        Index::Counter(counter) if used.contains(counter) => (),
        Index::Counter(counter) => used.push(*counter),
        Index::Add(left, right)
        | Index::Sub(left, right)
        | Index::Mul(left, right)
        | Index::Div(left, right)
        | Index::Rem(left, right) => {
            collect_counters(left, used);
            collect_counters(right, used);
        }
    }
}

/// The counters' values at a combination.
fn digits(mut combination: u64, counts: &[u32]) -> Vec<i64> {
    let digit = |count: &u32| {
        let digit = combination % u64::from(*count);
        combination /= u64::from(*count);
        digit as i64
    };
    counts.iter().map(digit).collect()
}
