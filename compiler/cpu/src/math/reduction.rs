//! |a| as a number of quarter turns and a remainder of at most an eighth turn, for any finite a.
//!
//! Up to a limit (n within the integers whose products with the parts of π/2 are exact), a − n·π/2 is formed part by part, keeping
//! what each subtraction loses (Cody and Waite). Where a lane lies above, the block ends in a branch to a function of its own
//! ([`super::far_reduction`]), which is right for all.

use super::far_reduction::far_reduction;
use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector, built};
use std::f64::consts::FRAC_2_PI;

/// |a| = n·π/2 + high + low, n modulo 4 in the low bits of `quarters`; NaN where a is infinite.
#[derive(Clone)]
pub(super) struct Reduced<'ctx> {
    /// Integer lanes congruent to n.
    pub quarters: Chains<'ctx>,
    /// The remainder, rounded.
    pub high: Chains<'ctx>,
    /// What rounding took from it.
    pub low: Chains<'ctx>,
}

/// Reduces the magnitudes `a`. The builder may end in another block than it began in.
pub(super) fn reduce<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> Reduced<'ctx> {
    let near = reduce_near(steps, a);
    let (lanes, builder) = (steps.lanes, steps.lanes.builder());
    let far = steps.not(&steps.less_equal(a, limit(lanes)));
    let any_far = far[1..].iter().fold(far[0], |any, mask| lanes.or(any, *mask));

    let here = builder.get_insert_block().expect("the builder has an insertion point");
    let function = here.get_parent().expect("the block belongs to a function");
    let far_block = lanes.context().append_basic_block(function, "far");
    let joined_block = lanes.context().append_basic_block(function, "reduced");
    built(builder.build_conditional_branch(lanes.any(any_far), far_block, joined_block));

    builder.position_at_end(far_block);
    let slow = reduce_far(steps, a, &far, &near);
    built(builder.build_unconditional_branch(joined_block));

    builder.position_at_end(joined_block);
    let join = |fast: &Chains<'ctx>, slow: &Chains<'ctx>| -> Chains<'ctx> {
        let pairs = fast.iter().zip(slow);
        pairs
            .map(|(fast, slow)| {
                let phi = built(builder.build_phi(fast.get_type(), ""));
                phi.add_incoming(&[(fast, here), (slow, far_block)]);
                phi.as_basic_value().into_vector_value()
            })
            .collect()
    };
    Reduced {
        quarters: join(&near.quarters, &slow.quarters),
        high: join(&near.high, &slow.high),
        low: join(&near.low, &slow.low),
    }
}

/// The largest magnitude that [`reduce_near`] takes.
fn limit(lanes: &Lanes<'_, '_>) -> f64 {
    match (lanes.float(), lanes.level().has_fma) {
        (Float::F32, true) => 51_000.0,
        (Float::F32, false) => 12_800.0,
        (Float::F64, _) => 1_600_000.0,
    }
}

/// π/2 as a sum: full numbers where products are exact inside a fused multiply-add, else short ones.
fn half_pi_parts(lanes: &Lanes<'_, '_>) -> &'static [f64] {
    match (lanes.float(), lanes.level().has_fma) {
        (Float::F32, true) => &[1.5707963705062866, -4.371138828673793e-8, -1.7151245100058819e-15],
        (Float::F32, false) => {
            &[1.5703125, 4.837512969970703e-4, 7.549533620476723e-8, 2.5632829192545614e-12, 6.1257422745431e-17]
        }
        (Float::F64, true) => &[std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33],
        (Float::F64, false) => {
            &[1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.478427660348229e-32]
        }
    }
}

fn reduce_near<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> Reduced<'ctx> {
    let magic = 1.5 * f64::from(steps.lanes.float().mantissa_bits()).exp2();
    let shifted = steps.fma(a, FRAC_2_PI, magic);
    let n = steps.sub(&shifted, magic);
    let parts = half_pi_parts(steps.lanes);
    let (first, last, middle) = (parts[0], parts[parts.len() - 1], &parts[1..parts.len() - 1]);
    let mut high = steps.fnma(&n, first, a);
    let mut low = steps.splat(0.0);
    for part in middle {
        let (product, product_lost) = exact_product(steps, &n, *part);
        let next = steps.sub(&high, &product);
        let lost = steps.sub(&steps.sub(&high, &next), &product);
        low = steps.add(&low, &steps.sub(&lost, &product_lost));
        high = next;
    }
    low = steps.fnma(&n, last, &low);
    let (high, low) = steps.fast_two_sum(&high, &low);
    Reduced { quarters: steps.bits(&shifted), high, low }
}

/// n · part and its rounding error, which is 0 for the short parts of levels without fused multiply-add.
fn exact_product<'ctx>(steps: &Steps<'_, '_, 'ctx>, n: &[Vector<'ctx>], part: f64) -> (Chains<'ctx>, Chains<'ctx>) {
    if steps.lanes.level().has_fma {
        steps.two_product(n, &steps.splat(part))
    } else {
        (steps.mul(n, part), steps.splat(0.0))
    }
}

fn reduce_far<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    far: &[Vector<'ctx>],
    near: &Reduced<'ctx>,
) -> Reduced<'ctx> {
    let (lanes, builder) = (steps.lanes, steps.lanes.builder());
    let function = far_reduction(lanes);
    let mut slow = Reduced { quarters: Vec::new(), high: Vec::new(), low: Vec::new() };
    for (chain, a) in a.iter().enumerate() {
        let call = built(builder.build_call(function, &[(*a).into()], ""));
        let value = call.try_as_basic_value().unwrap_basic().into_struct_value();
        let field = |index, near| {
            lanes.select(far[chain], built(builder.build_extract_value(value, index, "")).into_vector_value(), near)
        };
        slow.quarters.push(field(0, near.quarters[chain]));
        slow.high.push(field(1, near.high[chain]));
        slow.low.push(field(2, near.low[chain]));
    }
    slow
}
