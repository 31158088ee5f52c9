//! Values that are used in one place only are computed there.
//!
//! ```text
//! v2[3] = v0[k] - v1[k]
//! v3[3] = v2[k] * v2[k]                 v3[1] = Σ_q (v0[q] - v1[q]) * (v0[q] - v1[q])
//! v4[1] = Σ_q v3[q]                =>
//! ```
//!
//! A vector over the components then needs no memory, and the sum over them is one contraction. Invariant: no component is computed
//! more often than before, except that a cheap one may stand twice in an expression, at the same index, for the back end to share.

use keopsc_ir::plan::{Definition, Pass, ValueId};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Scalar;

use super::scalars::{Site, at_component, has_fold, replace_components, sites, size};

/// Expressions do not grow beyond this many constructs.
const LARGEST: usize = 256;

/// Inlines values into their users, earlier ones first.
pub(crate) fn inline_values(pass: &mut Pass) {
    let mut users = count_users(pass);
    for user in 0..pass.values.len() {
        while let Some(value) = candidate(pass, user, &users) {
            let (Definition::Compute(inner), Definition::Compute(outer)) =
                (&pass.values[value.0 as usize].definition, &pass.values[user].definition)
            else {
                break;
            };
            let own = distinct(sites(outer));
            let inlined = replace_components(outer, &mut |&other, index| {
                if other == value { at_component(inner, index) } else { Scalar::Component(other, index.clone()) }
            });
            // An argument of both has one user less now.
            for argument in distinct(sites(inner)) {
                users[argument.0 as usize] -= u32::from(own.contains(&argument));
            }
            pass.values[user].definition = Definition::Compute(inlined);
        }
    }
}

/// How many values, accumulations and writes use each value.
fn count_users(pass: &Pass) -> Vec<u32> {
    let mut users = vec![0; pass.values.len()];
    for value in &pass.values {
        if let Definition::Compute(scalar) = &value.definition {
            for argument in distinct(sites(scalar)) {
                users[argument.0 as usize] += 1;
            }
        }
    }
    for argument in pass.accumulations.iter().flat_map(|accumulation| &accumulation.arguments) {
        users[argument.0 as usize] += 1;
    }
    for write in &pass.writes {
        users[write.value.0 as usize] += 1;
    }
    users
}

fn distinct(sites: Vec<Site>) -> Vec<ValueId> {
    let mut values: Vec<ValueId> = sites.into_iter().map(|site| site.value).collect();
    values.sort();
    values.dedup();
    values
}

/// A value that may be computed inside the value of number `user`.
fn candidate(pass: &Pass, user: usize, users: &[u32]) -> Option<ValueId> {
    let Definition::Compute(outer) = &pass.values[user].definition else { return None };
    let all = sites(outer);
    let may = |value: &ValueId| users[value.0 as usize] == 1 && may_inline(pass, user, *value, outer, &all);
    distinct(all.clone()).into_iter().find(may)
}

fn may_inline(pass: &Pass, user: usize, value: ValueId, outer: &Scalar<ValueId>, all: &[Site]) -> bool {
    let (from, into) = (pass.value(value), &pass.values[user]);
    let Definition::Compute(inner) = &from.definition else { return false };
    if from.block != into.block || has_fold(inner) {
        return false;
    }
    let reads: Vec<&Site> = all.iter().filter(|site| site.value == value).collect();
    let evaluations = u64::from(into.dim).saturating_mul(reads[0].evaluations);
    let same_place = reads.iter().all(|site| site.index == reads[0].index && site.evaluations == reads[0].evaluations);
    let repeated = reads.len() > 1;
    same_place
        && (evaluations <= u64::from(from.dim) || is_free(inner))
        && (!repeated || (from.dim > 1 && is_cheap(inner)))
        && size(outer) + reads.len() * size(inner) <= LARGEST
}

/// Whether nothing is computed at all.
fn is_free(scalar: &Scalar<ValueId>) -> bool {
    matches!(scalar, Scalar::Constant(_) | Scalar::Index(_) | Scalar::Component(..))
}

/// Whether it is made of the four operations and choices only.
fn is_cheap(scalar: &Scalar<ValueId>) -> bool {
    match scalar {
        Scalar::Constant(_) | Scalar::Index(_) | Scalar::Component(..) => true,
        Scalar::Call(intrinsic, arguments) => {
            use Intrinsic::{Abs, Add, Max, Min, Mul, Neg, Sub};
            matches!(intrinsic, Abs | Add | Max | Min | Mul | Neg | Sub) && arguments.iter().all(is_cheap)
        }
        Scalar::Fold { .. } => false,
        Scalar::Choose { then, otherwise, .. } => is_cheap(then) && is_cheap(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keopsc_ir::plan::parse::parse;
    use keopsc_ir::plan::{Plan, print::print_value};

    /// A plan that sums up the last of these pair values, the first of which has number 3.
    fn plan(pairs: &[&str]) -> Plan {
        let last = pairs.len() + 2;
        let dim = pairs.last().and_then(|line| line.split(&['[', ']']).nth(1)).expect("there is one");
        let lines: String = pairs.iter().map(|line| format!("  pair {line}\n")).collect();
        let text = format!(
            "plan f\ntensor x: input i[3] f32\ntensor y: input j[3] f32\ntensor b: input j[1] f32\ntensor f: output i[{dim}] f32\n\
             pass rows i, over j, compute f32\n  row v0[3] = read x\n  column v1[3] = read y\n  column v2[1] = read b\n{lines}  \
             accumulate a0 = Sum(v{last})\n  epilogue v{}[{dim}] = outcome a0\n  write f = v{}\n",
            last + 1,
            last + 1
        );
        parse(&text).unwrap_or_else(|error| panic!("{text}{error}"))
    }

    /// What the last value is once values are inlined.
    fn inlined(pairs: &[&str]) -> String {
        let mut plan = plan(pairs);
        inline_values(&mut plan.passes[0]);
        let pass = &plan.passes[0];
        let last = ValueId(pairs.len() as u32 + 2);
        print_value(&plan, pass, last, pass.value(last)).trim().trim_start_matches("pair ").to_owned()
    }

    #[test]
    fn what_is_used_once_is_computed_where_it_is_used() {
        let cases: &[(&[&str], &str)] = &[
            (&["v3[3] = v0[k] - v1[k]", "v4[3] = exp(v3[k])"], "v4[3] = exp(v0[k] - v1[k])"),
            (&["v3[3] = v0[k] - v1[k]", "v4[1] = v3[2]"], "v4[1] = v0[2] - v1[2]"),
            (
                &["v3[3] = v0[k] - v1[k]", "v4[1] = sum(q < 3, v3[q] * v3[q])"],
                "v4[1] = sum(q < 3, (v0[q] - v1[q]) * (v0[q] - v1[q]))",
            ),
            // Twice at the same place: only what is cheap.
            (&["v3[3] = exp(v0[k] - v1[k])", "v4[3] = v3[k] * v3[k]"], "v4[3] = v3[k] * v3[k]"),
            (&["v3[3] = abs(exp(v0[k] - v1[k]))", "v4[3] = v3[k] * v3[k]"], "v4[3] = v3[k] * v3[k]"),
            (&["v3[3] = v0[k] / v1[k]", "v4[3] = v3[k] * v3[k]"], "v4[3] = v3[k] * v3[k]"),
            (
                &["v3[3] = choose(k < 2, v0[k] * v1[k], v1[k])", "v4[3] = v3[k] + v3[k]"],
                "v4[3] = choose(k < 2, v0[k] * v1[k], v1[k]) + choose(k < 2, v0[k] * v1[k], v1[k])",
            ),
            (&["v3[3] = choose(k < 2, exp(v0[k]), v1[k])", "v4[3] = v3[k] + v3[k]"], "v4[3] = v3[k] + v3[k]"),
            (&["v3[3] = choose(k < 2, v0[k], exp(v1[k]))", "v4[3] = v3[k] + v3[k]"], "v4[3] = v3[k] + v3[k]"),
            // Scalars that stand twice are computed once, and so is what is read at two places.
            (&["v3[1] = v0[0] - v2", "v4[1] = v3 * v3"], "v4[1] = v3 * v3"),
            (&["v3[3] = v0[k] - v1[k]", "v4[1] = v3[0] + v3[1]"], "v4[1] = v3[0] + v3[1]"),
            (&["v3[3] = v0[k] - v1[k]", "v4[1] = v3[0] + sum(q < 3, v3[0])"], "v4[1] = v3[0] + sum(q < 3, v3[0])"),
            // No component is computed more often than before, but for what is not computed at all.
            (&["v3[1] = v0[0] - v2", "v4[3] = v3 * v1[k]"], "v4[3] = v3 * v1[k]"),
            (&["v3[1] = v0[0]", "v4[3] = v3 * v1[k]"], "v4[3] = v0[0] * v1[k]"),
            (&["v3[1] = v0[0] - v2", "v4[1] = sum(q < 3, v3 * v1[q])"], "v4[1] = sum(q < 3, v3 * v1[q])"),
            // Folds stay alone.
            (&["v3[1] = sum(q < 3, v0[q] * v1[q])", "v4[1] = exp(v3)"], "v4[1] = exp(v3)"),
            // What one user has taken in has one user less.
            (
                &["v3[3] = v0[k] * v1[k]", "v4[3] = v3[k] + 1", "v5[3] = v4[k] * v3[k]"],
                "v5[3] = (v0[k] * v1[k] + 1) * (v0[k] * v1[k])",
            ),
            (&["v3[3] = v0[k] * v1[k]", "v4[3] = v3[k] + 1", "v5[1] = v4[0] * v3[1]"], "v5[1] = (v3[0] + 1) * v3[1]"),
        ];
        for (pairs, expected) in cases {
            assert_eq!(inlined(pairs), *expected, "{pairs:?}");
        }
    }

    /// Of a chain of sums each is inlined into the next one until that has as many constructs as an expression may have.
    #[test]
    fn expressions_do_not_grow_without_bound() {
        let sum = |number: usize| format!("v{number}[3] = v{}[k] + v0[k]", number - 1);
        let lines: Vec<String> = (0..300)
            .map(|number| if number == 0 { "v3[3] = v0[k] + v1[k]".to_owned() } else { sum(number + 3) })
            .collect();
        let mut plan = plan(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        inline_values(&mut plan.passes[0]);
        let sizes: Vec<usize> = plan.passes[0].values[3..303]
            .iter()
            .map(|value| match &value.definition {
                Definition::Compute(scalar) => size(scalar),
                _ => 0,
            })
            .collect();
        // What is taken in counts in full, the place where it is read too.
        let longest = *sizes.iter().max().expect("there are some");
        assert!((LARGEST - 3..=LARGEST).contains(&longest), "{longest}");
        assert!(sizes.windows(2).all(|pair| pair[1] == pair[0] + 2 || pair[1] == 3), "{sizes:?}");
        assert_eq!(sizes.iter().filter(|size| **size == 3).count(), 300_usize.div_ceil((longest - 1) / 2));

        // What stands twice counts twice.
        let long = (0..40).fold("v1[k]".to_owned(), |sum, _| format!("({sum} + v0[k])"));
        assert_eq!(inlined(&[&format!("v3[3] = {long}"), "v4[3] = v3[k] * v3[k]"]).matches("v3").count(), 0);
        let longer = (0..80).fold("v1[k]".to_owned(), |sum, _| format!("({sum} + v0[k])"));
        assert_eq!(inlined(&[&format!("v3[3] = {longer}"), "v4[3] = v3[k] * v3[k]"]), "v4[3] = v3[k] * v3[k]");
        assert_eq!(inlined(&[&format!("v3[3] = {longer}"), "v4[3] = exp(v3[k])"]).matches("v3").count(), 0);
    }
}
