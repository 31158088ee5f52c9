//! sinh a, cosh a and tanh a.
//!
//! On the magnitude, with E = e^a/4: cosh a = 2·(E + 1/16/E), sinh a = 2·(E − 1/16/E), below 1 a + a³·S(a²). Up to 5/8 tanh a = a + a³·P(a²)/Q(a²), above 1 − 2/(1 + e^2a). The two share one division. The denominator is in two
//! parts, and the rest of the division makes up for its rounding, so that the exponential's own error is what is left of that of the quotient.
//!
//! Edge values: ±0 at ±0, but 1 for cosh; ±∞ at ±∞, ∞ for cosh, ±1 for tanh; NaN for NaN. Bound: 1 ULP for tanh, 2 for the others.

use super::exp::exp_parts;
use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector};

/// The hyperbolic sine within 2 ULP. See the file's head for the method and edge values.
pub fn sinh<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let magnitude = steps.abs(a);
    let square = steps.mul(&magnitude, &magnitude);
    let tail = steps.polynomial(&square, sinh_polynomial(lanes.float()));
    let small = steps.fma(&steps.mul(&square, &magnitude), &tail, &magnitude);
    let QuarterExp { power, less_one, inverse } = quarter_exp(steps, &magnitude);
    let half = steps.fma(&power, &less_one, &steps.sub(&power, &inverse));
    let value = steps.select(&steps.less(&magnitude, 1.0), &small, &steps.add(&half, &half));
    steps.copy_sign(&value, a)
}

/// The hyperbolic cosine within 2 ULP. See the file's head for the method and edge values.
pub fn cosh<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let QuarterExp { power, less_one, inverse } = quarter_exp(steps, &steps.abs(a));
    let half = steps.fma(&power, &less_one, &steps.add(&power, &inverse));
    steps.add(&half, &half)
}

/// e^a/4 as power · (1 + less_one), and a sixteenth of its inverse.
struct QuarterExp<'ctx> {
    power: Chains<'ctx>,
    less_one: Chains<'ctx>,
    inverse: Chains<'ctx>,
}

/// For a magnitude; a quarter is not infinite where half is a number.
fn quarter_exp<'ctx>(steps: &Steps<'_, '_, 'ctx>, magnitude: &[Vector<'ctx>]) -> QuarterExp<'ctx> {
    let infinite_from = std::f64::consts::LN_2 * (steps.lanes.float().exponent_bias() as f64 + 2.5);
    let (power, less_one) = exp_parts(steps, &steps.min_or_second(infinite_from, magnitude), -2);
    let quarter = steps.fma(&power, &less_one, &power);
    let inverse = steps.div(0.0625, &quarter);
    QuarterExp { power, less_one, inverse }
}

/// S in sinh a = a + a³·S(a²) below 1. Relative error 4e-9 in float32, 8e-18 in float64.
fn sinh_polynomial(float: Float) -> &'static [f64] {
    match float {
        Float::F32 => &[0.1666666716337204, 0.008333339355885983, 0.00019838102161884308, 2.806280235745362e-06],
        Float::F64 => &[
            0.16666666666666666,
            0.008333333333333333,
            0.00019841269841269773,
            2.755731922404034e-06,
            2.505210836405804e-08,
            1.6059048396350562e-10,
            7.646625361656657e-13,
            2.8445264169895285e-15,
        ],
    }
}

/// Up to which magnitude the quotient of polynomials is taken.
const SMALL: f64 = 0.625;

/// The hyperbolic tangent within 1 ULP. See the file's head for the method and edge values.
pub fn tanh<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let Fit { numerator, denominator, one_from } = fit(lanes.float());
    let magnitude = steps.min_or_second(one_from, &steps.abs(a));
    let small = steps.less(&magnitude, SMALL);

    let square = steps.mul(&magnitude, &magnitude);
    let numerator = steps.mul(&steps.mul(&square, &magnitude), &steps.polynomial(&square, numerator));
    let denominator = steps.polynomial(&square, denominator);

    let (power, less_one) = exp_parts(steps, &steps.add(&magnitude, &magnitude), 0);
    let (large, lost) = steps.fast_two_sum(&power, &steps.splat(1.0));
    let (large, lost) = steps.fast_two_sum(&large, &steps.fma(&power, &less_one, &lost));

    let numerator = steps.select(&small, &numerator, 2.0);
    let denominator = steps.select(&small, &denominator, &large);
    let quotient = steps.div(&numerator, &denominator);
    let rest = steps.fnma(&quotient, &lost, &steps.division_rest(&numerator, &quotient, &denominator));
    let start = steps.sub(1.0, &quotient);
    let start_lost = steps.sub(&steps.sub(1.0, &start), &quotient);
    // rest / denominator, where the numerator is 2.
    let correction = steps.fnma(&rest, &steps.mul(&quotient, 0.5), &start_lost);
    let value = steps.select(&small, &steps.add(&magnitude, &quotient), &steps.add(&start, &correction));
    steps.copy_sign(&value, a)
}

/// P and Q, and a magnitude from which the result is rounded to 1.
struct Fit {
    numerator: &'static [f64],
    denominator: &'static [f64],
    one_from: f64,
}

/// Relative error of the fit 4e-9 in float32, 5e-18 in float64.
fn fit(float: Float) -> Fit {
    match float {
        Float::F32 => Fit {
            numerator: &[-0.3333333432674408, -0.014772993512451649],
            denominator: &[1.0, 0.4443189799785614, 0.015822887420654297],
            one_from: 10.0,
        },
        Float::F64 => Fit {
            numerator: &[-0.3333333333333333, -0.020498799708498872, -0.0001991780435861287],
            denominator: &[1.0, 0.4614963991254931, 0.02329133187629886, 0.0002065337374875025],
            one_from: 20.0,
        },
    }
}
