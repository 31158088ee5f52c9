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
