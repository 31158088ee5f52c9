//! a^b.
//!
//! |a|^b = e^(b·log |a|). The error of the logarithm is multiplied by b·log |a|, up to 700, so that it needs ten bits beyond the
//! type's: float32 computes in float64, float64 carries log |a| as a sum of two numbers with a relative error of 2^−62.
//!
//! Edge values as in C: 1 for b = ±0 and for a = 1 (NaN included), and for a = −1 with b infinite; NaN for finite a < 0 and b not an
//! integer; the sign of a where b is an odd integer; 0 and ∞ by the usual limits. Bound: 2 ULP; in float64
//! results that would be subnormal become 0 as those of [`super::exp`] do.

use super::exp::{exp, exp_of_sum, ln_2_parts};
use super::log::{exponent_and_significand, log};
use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector};

/// a to the power b within 2 ULP. See the file's head for the method and edge values.
pub fn pow<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let magnitude = steps.abs(a);
    let value = match lanes.float() {
        Float::F32 => magnitude_power_in_f64(steps, &magnitude, b),
        Float::F64 => magnitude_power(steps, &magnitude, b),
    };

    let one =
        steps.or(&steps.or(&steps.equal(b, 0.0), &steps.equal(a, 1.0)), &infinite_power_of_one(steps, &magnitude, b));
    let value = steps.select(&one, 1.0, &value);
    let half = steps.mul(b, 0.5);
    let integer = steps.equal(&steps.trunc(b), b);
    let odd = steps.and(&integer, &steps.not_equal(&steps.trunc(&half), &half));
    let signed = steps.select(&odd, &steps.copy_sign(&value, a), &value);
    let negative = steps.and(&steps.less(a, 0.0), &steps.less(&magnitude, f64::INFINITY));
    steps.select(&steps.and(&negative, &steps.not(&integer)), f64::NAN, &signed)
}

fn infinite_power_of_one<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    magnitude: &[Vector<'ctx>],
    b: &[Vector<'ctx>],
) -> Chains<'ctx> {
    steps.and(&steps.equal(magnitude, 1.0), &steps.equal(&steps.abs(b), f64::INFINITY))
}

/// Halves of the lanes, widened: two float64 vectors for one of float32, each a full register.
fn magnitude_power_in_f64<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    magnitude: &[Vector<'ctx>],
    b: &[Vector<'ctx>],
) -> Chains<'ctx> {
    let count = steps.lanes.count();
    let half = if count.is_multiple_of(2) { count / 2 } else { count };
    let narrow = steps.lanes.with_count(half);
    let wide = narrow.with_float(Float::F64);
    let widened = |values: &[Vector<'ctx>]| -> Chains<'ctx> {
        let starts =
            values.iter().flat_map(|value| (0..count).step_by(half as usize).map(move |start| (*value, start)));
        starts
            .map(|(value, start)| {
                narrow.widen(narrow.shuffle(value, value, &(start..start + half).collect::<Vec<_>>()))
            })
            .collect()
    };
    let (magnitude, b) = (widened(magnitude), widened(b));
    let exponent = Steps::new(&wide, b.len()).mul(&log(&wide, &magnitude), &b);
    let values: Chains<'ctx> = exp(&wide, &exponent).into_iter().map(|value| wide.narrow(value)).collect();
    let all: Vec<u32> = (0..count).collect();
    values.chunks((count / half) as usize).map(|parts| narrow.shuffle(parts[0], parts[parts.len() - 1], &all)).collect()
}

fn magnitude_power<'ctx>(steps: &Steps<'_, '_, 'ctx>, magnitude: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> Chains<'ctx> {
    let (log_high, log_low) = precise_log(steps, magnitude);
    let (high, lost) = steps.two_product(b, &log_high);
    let low = steps.fma(b, &log_low, &lost);
    // Beyond the range of exp, and where b is so large that the power is 0, 1 or ∞, parts may be infinite or NaN: the leading one
    // alone decides.
    let in_range = steps.and(&steps.less(&steps.abs(&high), 1e4), &steps.less(&steps.abs(b), 1e30));
    exp_of_sum(steps, &high, &steps.select(&in_range, &low, 0.0))
}

/// log of a non-negative number as a sum; at 0 and ∞ the first part is −∞ and ∞.
///
/// With f and e as in [`log`] and s = f/(2 + f), log(1 + f) = 2·(s + s·s²·(1/3 + s²·Q(s²))). All but Q is in two parts; the
/// relative error of the fit is 2e-20.
fn precise_log<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> (Chains<'ctx>, Chains<'ctx>) {
    let (e, significand) = exponent_and_significand(steps, a);
    let (s, s_low) = quotient(steps, &significand);
    let (square, square_lost) = steps.two_product(&s, &s);
    let square_low = steps.fma(&steps.add(&s, &s), &s_low, &square_lost);

    let tail = steps.polynomial(
        &square,
        &[
            0.20000000000001145,
            0.1428571428504199,
            0.11111111261417661,
            0.09090892050821377,
            0.07693385010393691,
            0.06628256110431824,
            0.06599625834302679,
        ],
    );
    let (third, third_lost) = steps.fast_two_sum(&steps.splat(0.3333333333333333), &steps.mul(&square, &tail));
    let third_low = steps.add(&third_lost, 1.850371707708594e-17);
    let (factor, factor_lost) = steps.two_product(&square, &third);
    let factor_low = steps.fma(&square, &third_low, &steps.fma(&square_low, &third, &factor_lost));
    let (rest, rest_lost) = steps.two_product(&s, &factor);
    let rest_low = steps.fma(&s, &factor_low, &steps.fma(&s_low, &factor, &rest_lost));
    let (half, half_lost) = steps.fast_two_sum(&s, &rest);
    let half_low = steps.add(&half_lost, &steps.add(&s_low, &rest_low));

    let [first, second] = ln_2_parts(Float::F64, false);
    let (high, lost) = steps.fast_two_sum(&steps.mul(&e, first), &steps.add(&half, &half));
    let low = steps.add(&lost, &steps.fma(&half_low, 2.0, &steps.mul(&e, second)));
    let (high, low) = steps.fast_two_sum(&high, &low);
    let positive = steps.less(0.0, a);
    let regular = steps.and(&positive, &steps.less(a, f64::INFINITY));
    let edge = steps.select(&steps.equal(a, 0.0), f64::NEG_INFINITY, a);
    (steps.select(&regular, &high, &edge), low)
}

/// (m − 1)/(m + 1) in two parts.
fn quotient<'ctx>(steps: &Steps<'_, '_, 'ctx>, m: &[Vector<'ctx>]) -> (Chains<'ctx>, Chains<'ctx>) {
    let numerator = steps.sub(m, 1.0);
    let denominator = steps.add(m, 1.0);
    let denominator_low = steps.sub(m, &steps.sub(&denominator, 1.0));
    let inverse = steps.div(1.0, &denominator);
    let high = steps.mul(&numerator, &inverse);
    let (product, lost) = steps.two_product(&high, &denominator);
    let missing = steps.sub(&steps.sub(&numerator, &product), &lost);
    let missing = steps.fnma(&high, &denominator_low, &missing);
    let low = steps.mul(&missing, &inverse);
    steps.fast_two_sum(&high, &low)
}
