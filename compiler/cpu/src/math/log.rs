//! log a, log2 a, log10 a and log(1 + a).
//!
//! a = 2^e · (1 + f) with 1 + f in [√½, √2); log(1 + f) = f + t with a small t, and the large terms e·ln 2 and f are added with
//! their rounding error kept. t is f²·(−1/2 + f·P(f)) with a polynomial of degree 7 in float32; in float64 it is
//! s·(h + s²·Q(s²)) − h, where h = f²/2, s = f/(2 + f): 2·artanh(s) = log(1 + f).
//!
//! Edge values: −∞ at ±0, NaN below 0, ∞ at ∞, NaN for NaN; +0 at 1; subnormal arguments in full. Bound: 1 ULP.
//! log(1 + a) likewise at −1 and below; ±0 at ±0.

use super::exp::ln_2_parts;
use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector};

/// The natural logarithm within 1 ULP. See the file's head for the method and edge values.
pub fn log<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let Parts { e, f, t } = parts(steps, a, None);
    let [first, second] = ln_2_parts(lanes.float(), false);
    let (large, lost) = steps.fast_two_sum(&steps.mul(&e, first), &f);
    let small = steps.add(&t, &steps.fma(&e, second, &lost));
    with_edges(steps, a, &steps.add(&large, &small))
}

/// The logarithm to base 2 within 1 ULP; exact at powers of two. See the file's head for the method and edge values.
///
/// f + t is cut to its leading half, whose product with the leading half of log2 e is exact.
pub fn log2<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let Parts { e, f, t } = parts(steps, a, None);
    let (keep, [leading, rest]) = match lanes.float() {
        Float::F32 => (!0xfff_i64, [1.4423828125, 3.1222838896340733e-4]),
        Float::F64 => (!0x7ff_ffff_i64, [1.4426950216293335, 1.9259629911266175e-8]),
    };
    let high = steps.from_bits(&steps.and(&steps.bits(&steps.add(&f, &t)), keep));
    let low = steps.add(&steps.sub(&f, &high), &t);
    let (large, lost) = steps.fast_two_sum(&e, &steps.mul(&high, leading));
    let small = steps.fma(&low, leading, &steps.fma(&steps.add(&high, &low), rest, &lost));
    with_edges(steps, a, &steps.add(&large, &small))
}

/// The logarithm to base 10 within 1 ULP. See the file's head for the method and edge values.
///
/// As [`log2`], with e·log10 2 in two parts.
pub fn log10<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let Parts { e, f, t } = parts(steps, a, None);
    let (keep, [leading, rest], [two, two_rest]) = match lanes.float() {
        Float::F32 => (!0xfff_i64, [0.434326171875, -3.168997136526741e-05], [0.301025390625, 4.605039066518657e-06]),
        Float::F64 => (
            !0x7ff_ffff_i64,
            [0.4342944845557213, -2.6524694553078553e-09],
            [0.30102999566395283, 2.8363394551044964e-14],
        ),
    };
    let high = steps.from_bits(&steps.and(&steps.bits(&steps.add(&f, &t)), keep));
    let low = steps.add(&steps.sub(&f, &high), &t);
    let (large, lost) = steps.fast_two_sum(&steps.mul(&e, two), &steps.mul(&high, leading));
    let small = steps.fma(&steps.add(&high, &low), rest, &steps.fma(&e, two_rest, &lost));
    with_edges(steps, a, &steps.add(&large, &steps.fma(&low, leading, &small)))
}

/// The logarithm of 1 + a within 1 ULP. See the file's head for the method and edge values.
///
/// With u = 1 + a rounded and c what rounding took, it is log u + c/u.
pub fn log1p<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let u = steps.add(a, 1.0);
    let c = steps.sub(a, &steps.sub(&u, 1.0));
    let Parts { e, f, t } = parts(steps, &u, Some(&steps.div(&c, &u)));
    let [first, second] = ln_2_parts(lanes.float(), false);
    let (large, lost) = steps.fast_two_sum(&steps.mul(&e, first), &f);
    let small = steps.add(&t, &steps.fma(&e, second, &lost));
    steps.copy_sign(&with_edges(steps, &u, &steps.add(&large, &small)), a)
}

/// log a = e·ln 2 + (f + t).
struct Parts<'ctx> {
    e: Chains<'ctx>,
    f: Chains<'ctx>,
    t: Chains<'ctx>,
}

/// Relative error of f + t by the fit 6.5e-9 in float32, 3e-19 in float64. A rest that is given is added to t before it is rounded.
fn parts<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>], rest: Option<&[Vector<'ctx>]>) -> Parts<'ctx> {
    let (e, significand) = exponent_and_significand(steps, a);
    let f = steps.sub(&significand, 1.0);
    let square = steps.mul(&f, &f);
    let t = match steps.lanes.float() {
        Float::F32 => {
            let tail = steps.polynomial(
                &f,
                &[
                    0.3333333134651184,
                    -0.2500082552433014,
                    0.20001237094402313,
                    -0.1662314236164093,
                    0.1420133113861084,
                    -0.13161973655223846,
                    0.12765686213970184,
                    -0.07634800672531128,
                ],
            );
            let factor = steps.fma(&f, &tail, -0.5);
            match rest {
                Some(rest) => steps.fma(&square, &factor, rest),
                None => steps.mul(&square, &factor),
            }
        }
        Float::F64 => {
            let s = steps.div(&f, &steps.add(&f, 2.0));
            let z = steps.mul(&s, &s);
            let tail = steps.polynomial(
                &z,
                &[
                    0.6666666666666666,
                    0.4000000000000633,
                    0.28571428569058466,
                    0.22222222650956105,
                    0.18181775330638744,
                    0.15387105479593535,
                    0.13249784515865787,
                    0.13254376904568532,
                ],
            );
            let half_square = steps.mul(&square, 0.5);
            let product = steps.mul(&s, &steps.fma(&z, &tail, &half_square));
            let sum = rest.map_or_else(|| product.clone(), |rest| steps.add(&product, rest));
            steps.sub(&sum, &half_square)
        }
    };
    Parts { e, f, t }
}

/// a = 2^e · significand with the significand in [√½, √2), for positive finite a; both as reals.
pub(super) fn exponent_and_significand<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
) -> (Chains<'ctx>, Chains<'ctx>) {
    let float = steps.lanes.float();
    let (bits, bias) = (i64::from(float.mantissa_bits()), float.exponent_bias());
    let (root_half, one) = match float {
        Float::F32 => (i64::from(std::f32::consts::FRAC_1_SQRT_2.to_bits()), i64::from(1f32.to_bits())),
        Float::F64 => (std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64, 1f64.to_bits() as i64),
    };
    let (least_normal, lift) = (((1 - bias) as f64).exp2(), (bits + 1) as f64);
    let magic = 1.5 * (bits as f64).exp2();
    let magic_bits = match float {
        Float::F32 => i64::from((magic as f32).to_bits()),
        Float::F64 => magic.to_bits() as i64,
    };

    let small = steps.less(a, least_normal);
    let lifted = steps.select(&small, &steps.mul(a, lift.exp2()), a);
    let shifted = steps.integer_add(&steps.bits(&lifted), one - root_half);
    let exponent = steps.from_bits(&steps.integer_add(&steps.shift_right(&shifted, bits), magic_bits));
    let zero_exponent = steps.select(&small, magic + bias as f64 + lift, magic + bias as f64);
    let significand = steps.from_bits(&steps.integer_add(&steps.and(&shifted, (1 << bits) - 1), root_half));
    (steps.sub(&exponent, &zero_exponent), significand)
}

/// `result`, or the edge value where a is not positive and finite.
fn with_edges<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>], result: &[Vector<'ctx>]) -> Chains<'ctx> {
    let infinity_bits = match steps.lanes.float() {
        Float::F32 => i64::from(f32::INFINITY.to_bits()),
        Float::F64 => f64::INFINITY.to_bits() as i64,
    };
    let regular = steps.integer_below(&steps.integer_sub(&steps.bits(a), 1), infinity_bits - 1);
    let negative = steps.less(a, 0.0);
    let edge = steps.select(&steps.equal(a, 0.0), f64::NEG_INFINITY, &steps.select(&negative, f64::NAN, a));
    steps.select(&regular, result, &edge)
}
