//! Scalar expressions of a pass: putting one in the place of another's component, counting what is read how often.

use keopsc_ir::plan::ValueId;
use keopsc_ops::scalar::{Counter, Index, Scalar};

/// Replaces each component that `scalar` reads, leaving everything else as it is.
pub(crate) fn replace_components<V, W>(
    scalar: &Scalar<V>,
    replace: &mut impl FnMut(&V, &Index) -> Scalar<W>,
) -> Scalar<W> {
    match scalar {
        Scalar::Constant(value) => Scalar::Constant(*value),
        Scalar::Index(index) => Scalar::Index(index.clone()),
        Scalar::Component(value, index) => replace(value, index),
        Scalar::Call(intrinsic, arguments) => {
            Scalar::Call(*intrinsic, arguments.iter().map(|argument| replace_components(argument, replace)).collect())
        }
        Scalar::Fold { with, counter, count, body } => Scalar::Fold {
            with: *with,
            counter: *counter,
            count: *count,
            body: Box::new(replace_components(body, replace)),
        },
        Scalar::Choose { left, comparison, right, then, otherwise } => Scalar::Choose {
            left: left.clone(),
            comparison: *comparison,
            right: right.clone(),
            then: Box::new(replace_components(then, replace)),
            otherwise: Box::new(replace_components(otherwise, replace)),
        },
    }
}

/// `scalar` with component number `index` instead of its component number `k` (counter 0). It has no folds.
pub(crate) fn at_component<V: Copy>(scalar: &Scalar<V>, index: &Index) -> Scalar<V> {
    match scalar {
        Scalar::Constant(value) => Scalar::Constant(*value),
        Scalar::Index(own) => Scalar::Index(compose(own, index)),
        Scalar::Component(value, own) => Scalar::Component(*value, compose(own, index)),
        Scalar::Call(intrinsic, arguments) => {
            Scalar::Call(*intrinsic, arguments.iter().map(|argument| at_component(argument, index)).collect())
        }
        Scalar::Fold { with, counter, count, body } => {
            Scalar::Fold { with: *with, counter: *counter, count: *count, body: Box::new(at_component(body, index)) }
        }
        Scalar::Choose { left, comparison, right, then, otherwise } => Scalar::Choose {
            left: compose(left, index),
            comparison: *comparison,
            right: compose(right, index),
            then: Box::new(at_component(then, index)),
            otherwise: Box::new(at_component(otherwise, index)),
        },
    }
}

/// `outer` with `inner` in the place of counter 0.
fn compose(outer: &Index, inner: &Index) -> Index {
    let both = |a: &Index, b: &Index| (Box::new(compose(a, inner)), Box::new(compose(b, inner)));
    match outer {
        Index::Constant(_) => outer.clone(),
        Index::Counter(Counter(0)) => inner.clone(),
        Index::Counter(_) => outer.clone(),
        Index::Add(a, b) => fold_index(Index::Add, both(a, b), i64::checked_add),
        Index::Sub(a, b) => fold_index(Index::Sub, both(a, b), i64::checked_sub),
        Index::Mul(a, b) => fold_index(Index::Mul, both(a, b), i64::checked_mul),
        Index::Div(a, b) => fold_index(Index::Div, both(a, b), i64::checked_div),
        Index::Rem(a, b) => fold_index(Index::Rem, both(a, b), i64::checked_rem),
    }
}

/// The number that an index over two numbers is, or the index itself.
fn fold_index(
    make: impl FnOnce(Box<Index>, Box<Index>) -> Index,
    (a, b): (Box<Index>, Box<Index>),
    compute: impl FnOnce(i64, i64) -> Option<i64>,
) -> Index {
    if let (Index::Constant(left), Index::Constant(right)) = (&*a, &*b)
        && let Some(value) = compute(*left, *right)
    {
        return Index::Constant(value);
    }
    make(a, b)
}

/// A place where a scalar expression reads a component.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    /// Of what.
    pub value: ValueId,
    /// Which.
    pub index: Index,
    /// How often this place is evaluated for one component of the result.
    pub evaluations: u64,
}

/// All places where `scalar` reads a component.
pub(crate) fn sites(scalar: &Scalar<ValueId>) -> Vec<Site> {
    let mut found = Vec::new();
    collect_sites(scalar, 1, &mut found);
    found
}

fn collect_sites(scalar: &Scalar<ValueId>, evaluations: u64, found: &mut Vec<Site>) {
    match scalar {
        Scalar::Constant(_) | Scalar::Index(_) => {}
        Scalar::Component(value, index) => found.push(Site { value: *value, index: index.clone(), evaluations }),
        Scalar::Call(_, arguments) => arguments.iter().for_each(|argument| collect_sites(argument, evaluations, found)),
        Scalar::Fold { count, body, .. } => collect_sites(body, evaluations.saturating_mul(u64::from(*count)), found),
        Scalar::Choose { then, otherwise, .. } => {
            collect_sites(then, evaluations, found);
            collect_sites(otherwise, evaluations, found);
        }
    }
}

/// How many constructs a scalar expression is made of, those of its indices included.
pub(crate) fn size<V>(scalar: &Scalar<V>) -> usize {
    match scalar {
        Scalar::Constant(_) => 1,
        Scalar::Index(index) | Scalar::Component(_, index) => size_of_index(index),
        Scalar::Call(_, arguments) => 1 + arguments.iter().map(size).sum::<usize>(),
        Scalar::Fold { body, .. } => 1 + size(body),
        Scalar::Choose { left, right, then, otherwise, .. } => {
            size_of_index(left) + size_of_index(right) + size(then) + size(otherwise)
        }
    }
}

fn size_of_index(index: &Index) -> usize {
    match index {
        Index::Constant(_) | Index::Counter(_) => 1,
        Index::Add(a, b) | Index::Sub(a, b) | Index::Mul(a, b) | Index::Div(a, b) | Index::Rem(a, b) => {
            1 + size_of_index(a) + size_of_index(b)
        }
    }
}

/// Whether there is a fold in it.
pub(crate) fn has_fold<V>(scalar: &Scalar<V>) -> bool {
    match scalar {
        Scalar::Constant(_) | Scalar::Index(_) | Scalar::Component(..) => false,
        Scalar::Call(_, arguments) => arguments.iter().any(has_fold),
        Scalar::Fold { .. } => true,
        Scalar::Choose { then, otherwise, .. } => has_fold(then) || has_fold(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keopsc_ir::plan::Definition;
    use keopsc_ir::plan::parse::parse;

    fn scalar(body: &str) -> Scalar<ValueId> {
        let text = format!(
            "plan f\ntensor x: input i[8] f32\ntensor y: input j[8] f32\ntensor f: output i[8] f32\n\
             pass rows i, over j, compute f32\n  row v0[8] = read x\n  column v1[8] = read y\n  pair v2[8] = {body}\n  \
             accumulate a0 = Sum(v2)\n  epilogue v3[8] = outcome a0\n  write f = v3\n"
        );
        let plan = parse(&text).unwrap_or_else(|error| panic!("{body}: {error}"));
        let Definition::Compute(scalar) = &plan.passes[0].values[2].definition else { panic!("it is computed") };
        scalar.clone()
    }

    /// Constants, components, calls, folds and choices, and those of indices.
    #[test]
    fn sizes_count_constructs() {
        let cases = [
            ("2", 1),
            ("index(k)", 1),
            ("v0[k]", 1),
            ("v0[k + 1]", 3),
            ("v0[2 * k - 1]", 5),
            ("v0[k % 3 + k / 2]", 7),
            ("-v0[k]", 2),
            ("v0[k] + v1[0]", 3),
            ("exp(v0[k] * v1[k]) + 1", 6),
            ("sum(q < 8, v0[q])", 2),
            ("sum(q < 8, v0[q] * v1[q])", 4),
            ("choose(k < 4, v0[k], 0)", 4),
            ("choose(k + 1 < 4 * k, v0[k] + 1, -v1[k])", 3 + 3 + 3 + 2),
        ];
        for (body, expected) in cases {
            assert_eq!(size(&scalar(body)), expected, "{body}");
        }
    }

    #[test]
    fn folds_are_found_everywhere() {
        let fold = "sum(q < 8, v0[q])";
        for body in [fold, "-FOLD", "v0[k] + FOLD", "choose(k < 4, FOLD, 0)", "choose(k < 4, 0, FOLD)"] {
            let body = body.replace("FOLD", fold);
            assert!(has_fold(&scalar(&body)), "{body}");
        }
        for body in ["1", "v0[k]", "exp(v0[k])", "choose(k < 4, v0[k], v1[k])"] {
            assert!(!has_fold(&scalar(body)), "{body}");
        }
    }

    /// A component in a fold is read as often as there are rounds of it, and of all folds around that.
    #[test]
    fn places_are_evaluated_as_often_as_folds_say() {
        let evaluations =
            |body: &str| sites(&scalar(body)).iter().map(|site| (site.value.0, site.evaluations)).collect::<Vec<_>>();
        assert_eq!(evaluations("v0[k] * v1[k] + 1"), [(0, 1), (1, 1)]);
        assert_eq!(evaluations("v1[k] + sum(q < 8, v0[q] * v0[0])"), [(1, 1), (0, 8), (0, 8)]);
        assert_eq!(evaluations("sum(q < 8, v0[q] * sum(q2 < 3, v1[q2]))"), [(0, 8), (1, 24)]);
        assert_eq!(evaluations("choose(k < 4, v0[k], v1[k])"), [(0, 1), (1, 1)]);
    }

    /// An index over numbers alone is a number, one over counters keeps its form.
    #[test]
    fn indices_are_put_into_each_other() {
        let index = |body: &str| match scalar(body) {
            Scalar::Component(_, index) => index,
            other => panic!("{other:?}"),
        };
        let cases = [
            ("v0[k + 1]", "v0[2]", "v0[3]"),
            ("v0[k - 1]", "v0[2]", "v0[1]"),
            ("v0[2 * k]", "v0[3]", "v0[6]"),
            ("v0[k / 2]", "v0[5]", "v0[2]"),
            ("v0[k % 3]", "v0[5]", "v0[2]"),
            ("v0[k % 3 + 2 * k]", "v0[2]", "v0[6]"),
            ("v0[4]", "v0[2]", "v0[4]"),
            ("v0[k]", "v0[k + 1]", "v0[k + 1]"),
            ("v0[k % 2]", "v0[k + 1]", "v0[(k + 1) % 2]"),
        ];
        for (outer, inner, expected) in cases {
            assert_eq!(compose(&index(outer), &index(inner)), index(expected), "{outer} at {inner}");
        }
    }
}
