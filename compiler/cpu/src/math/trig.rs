//! sin a, cos a and tan a.
//!
//! |a| = n·π/2 + r with |r| ≤ π/4 and r in two parts ([`super::reduction`]). sin r = r + r³·S(r²) and
//! cos r = 1 − r²/2 + r⁴·C(r²), of degree 7 and 8 in float32, 13 and 14 in float64; n modulo 4 says which of the two a lane takes
//! and its sign. tan is their quotient, each in two parts, so that it is hardly rounded but once.
//!
//! Edge values: NaN for ±∞ and NaN, sin ±0 = tan ±0 = ±0, cos 0 = 1; any finite magnitude is reduced in full. Bound: 1 ULP.

use super::reduction::{Reduced, reduce};
use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector};

/// The sine within 1 ULP. See the file's head for the method and edge values.
pub fn sin<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let magnitude = steps.abs(a);
    let reduced = reduce(steps, &magnitude);
    let sign = steps.xor(&steps.bits(a), &steps.bits(&magnitude));
    turned(steps, &reduced, &reduced.quarters, &sign)
}

/// The cosine within 1 ULP. See the file's head for the method and edge values.
pub fn cos<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let reduced = reduce(steps, &steps.abs(a));
    let quarters = steps.integer_add(&reduced.quarters, 1);
    turned(steps, &reduced, &quarters, &steps.splat(0))
}

/// The tangent within 1 ULP. See the file's head for the method and edge values.
///
/// tan(r + quarters·π/2) is sin r / cos r or −cos r / sin r. The rest of the division makes up for its rounding.
pub fn tan<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let magnitude = steps.abs(a);
    let reduced = reduce(steps, &magnitude);
    let (square, square_lost) = steps.two_product(&reduced.high, &reduced.high);
    let (start, small) = near_cosine(steps, &reduced, &square);
    let (cosine, cosine_rest) = steps.fast_two_sum(&start, &steps.fma(&square_lost, -0.5, &small));
    // What r.low adds to the sine is r.low · cos r.
    let low = steps.mul(&reduced.low, &start);
    let (large, small) = near_sine(steps, &Reduced { low, ..reduced.clone() }, &square);
    let (sine, sine_rest) = steps.fast_two_sum(&large, &small);

    let odd = steps.integer_equal(&steps.and(&reduced.quarters, 1), 1);
    let (numerator, numerator_rest) =
        (steps.select(&odd, &cosine, &sine), steps.select(&odd, &cosine_rest, &sine_rest));
    let (denominator, denominator_rest) =
        (steps.select(&odd, &sine, &cosine), steps.select(&odd, &sine_rest, &cosine_rest));
    let inverse = steps.div(1.0, &denominator);
    let quotient = steps.mul(&numerator, &inverse);
    let rest = steps.add(&steps.division_rest(&numerator, &quotient, &denominator), &numerator_rest);
    let rest = steps.fnma(&quotient, &denominator_rest, &rest);
    let value = steps.bits(&steps.fma(&rest, &inverse, &quotient));
    let sign = steps.xor(&steps.bits(a), &steps.bits(&magnitude));
    let odd_sign = steps.shift_left(&reduced.quarters, i64::from(lanes.float().bits() - 1));
    steps.from_bits(&steps.xor(&steps.xor(&value, &odd_sign), &sign))
}

/// sin(r + quarters·π/2), with the sign bits `sign` exchanged.
fn turned<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    r: &Reduced<'ctx>,
    quarters: &[Vector<'ctx>],
    sign: &[Vector<'ctx>],
) -> Chains<'ctx> {
    let square = steps.mul(&r.high, &r.high);
    let sum = |(large, small): (Chains<'ctx>, Chains<'ctx>)| steps.add(&large, &small);
    let (sine, cosine) = (sum(near_sine(steps, r, &square)), sum(near_cosine(steps, r, &square)));
    let even = steps.integer_equal(&steps.and(quarters, 1), 0);
    let value = steps.bits(&steps.select(&even, &sine, &cosine));
    let half_turn = steps.shift_left(&steps.shift_right(quarters, 1), i64::from(steps.lanes.float().bits() - 1));
    steps.from_bits(&steps.xor(&steps.xor(&value, &half_turn), sign))
}

/// sin r in two parts, a large and a small one. Relative error of the fit 3e-9 in float32, 6e-18 in float64.
fn near_sine<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    r: &Reduced<'ctx>,
    square: &[Vector<'ctx>],
) -> (Chains<'ctx>, Chains<'ctx>) {
    let tail: &[f64] = match steps.lanes.float() {
        Float::F32 => &[-0.1666666716337204, 0.008333329111337662, -0.00019839327433146536, 2.718237738008611e-06],
        Float::F64 => &[
            -0.16666666666666632,
            0.008333333333322316,
            -0.00019841269829725587,
            2.7557313662096557e-06,
            -2.5050753260025266e-08,
            1.5896504214827684e-10,
        ],
    };
    let tail = steps.polynomial(square, tail);
    let cube = steps.mul(square, &r.high);
    (r.high.clone(), steps.fma(&cube, &tail, &r.low))
}

/// cos r in two parts, a large and a small one. Relative error of the fit 7e-10 in float32, 2e-18 in float64. 1 − r²/2 is formed with its
/// rounding error kept.
fn near_cosine<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    r: &Reduced<'ctx>,
    square: &[Vector<'ctx>],
) -> (Chains<'ctx>, Chains<'ctx>) {
    let tail: &[f64] = match steps.lanes.float() {
        Float::F32 => &[0.04166664555668831, -0.001388736185617745, 2.4437729734927416e-05],
        Float::F64 => &[
            0.0416666666666666,
            -0.0013888888888873992,
            2.4801587289396363e-05,
            -2.7557314326445045e-07,
            2.087571961524556e-09,
            -1.1359451615831416e-11,
        ],
    };
    let tail = steps.polynomial(square, tail);
    let half = steps.mul(square, 0.5);
    let start = steps.sub(1.0, &half);
    let lost = steps.sub(&steps.sub(1.0, &start), &half);
    let tail = steps.fma(&steps.mul(square, square), &tail, &steps.fnma(&r.high, &r.low, &lost));
    (start, tail)
}
