//! asin a, acos a, atan a and atan2(a, b).
//!
//! atan works on the magnitude and leaves a quotient of at most 7/16: with c of 0, 1/2, 1, 3/2 or ∞ next to a,
//! atan a = atan c + atan((a − c)/(1 + a·c)), and atan t = t + t³·A(t²). asin a = a + a³·R(a²) up to 1/2 and
//! π/2 − 2·asin √((1 − a)/2) above.
//!
//! Edge values: as in C; atan ±∞ = ±π/2, asin and acos NaN outside [−1, 1], the signs of zeros count in atan2. Bounds: atan 1 ULP,
//! the others 2.

use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// The arc tangent within 1 ULP. See the file's head for the method and edge values.
pub fn atan<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let value = atan_of_magnitude(steps, &steps.abs(a));
    steps.copy_sign(&value, a)
}

/// The angle of the point (b, a) within 2 ULP: in [−π, π], with the sign of a. (0, 0) has the angle 0 or π by the sign of b's zero;
/// where both are infinite, they count as equal.
pub fn atan2<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let (height, width) = (steps.abs(a), steps.abs(b));
    let diagonal = steps.select(&steps.equal(a, 0.0), 0.0, 1.0);
    let slope = steps.select(&steps.equal(&height, &width), &diagonal, &steps.div(&height, &width));
    let angle = atan_of_magnitude(steps, &slope);
    let [pi, pi_rest] = half_pi_parts(lanes.float()).map(|part| 2.0 * part);
    let left = steps.sub(pi, &steps.sub(&angle, pi_rest));
    let is_left = steps.integer_less(&steps.bits(b), 0);
    steps.copy_sign(&steps.select(&is_left, &left, &angle), a)
}

/// The arc sine within 2 ULP. See the file's head for the method and edge values.
pub fn asin<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let Folded { outer, argument, tail } = folded_asin(steps, &steps.abs(a));
    let [half_pi, rest] = half_pi_parts(lanes.float());
    let (large, lost) = steps.fast_two_sum(&steps.splat(half_pi), &steps.mul(&argument, -2.0));
    let complement = steps.add(&large, &steps.add(&lost, &steps.fma(&tail, -2.0, rest)));
    let value = steps.add(&argument, &tail);
    steps.copy_sign(&steps.select(&outer, &complement, &value), a)
}

/// The arc cosine within 2 ULP. See the file's head for the method and edge values.
pub fn acos<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let Folded { outer, argument, tail } = folded_asin(steps, &steps.abs(a));
    let value = steps.add(&argument, &tail);
    let [half_pi, rest] = half_pi_parts(lanes.float());
    let inner = steps.sub(half_pi, &steps.sub(&steps.copy_sign(&value, a), rest));
    let double = steps.add(&value, &value);
    let opposite = steps.sub(2.0 * half_pi, &steps.sub(&double, 2.0 * rest));
    let negative = steps.less(a, 0.0);
    steps.select(&outer, &steps.select(&negative, &opposite, &double), &inner)
}

/// asin of the argument, which is the magnitude, or where `outer` holds √((1 − magnitude)/2), is the argument and the tail.
struct Folded<'ctx> {
    outer: Chains<'ctx>,
    argument: Chains<'ctx>,
    tail: Chains<'ctx>,
}

/// Relative error of the fit 7e-10 in float32, 3e-18 in float64.
fn folded_asin<'ctx>(steps: &Steps<'_, '_, 'ctx>, magnitude: &[Vector<'ctx>]) -> Folded<'ctx> {
    let tail: &[f64] = match steps.lanes.float() {
        Float::F32 => &[
            0.16666659712791443,
            0.07500513643026352,
            0.04451511427760124,
            0.031822994351387024,
            0.014381078071892262,
            0.037596993148326874,
        ],
        Float::F64 => &[
            0.16666666666666763,
            0.07499999999969856,
            0.044642857175531854,
            0.030381942662864776,
            0.022372216271897657,
            0.017351588654537516,
            0.013981103654230411,
            0.011396572908997944,
            0.01079348447258191,
            0.003655997331391534,
            0.021831121714495763,
            -0.02117549476273672,
            0.03273983209169038,
        ],
    };
    let outer = steps.not_less_equal(magnitude, 0.5);
    let folded = steps.fma(magnitude, -0.5, 0.5);
    let square = steps.select(&outer, &folded, &steps.mul(magnitude, magnitude));
    let argument = steps.select(&outer, &steps.hardware_sqrt(&folded), magnitude);
    let tail = steps.polynomial(&square, tail);
    let tail = steps.mul(&steps.mul(&argument, &square), &tail);
    Folded { outer, argument, tail }
}

/// atan of a magnitude. Relative error of the fit 3e-9 in float32, 6e-18 in float64.
fn atan_of_magnitude<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> Chains<'ctx> {
    let tail: &[f64] = match steps.lanes.float() {
        Float::F32 => {
            &[-0.3333330452442169, 0.19997751712799072, -0.14229753613471985, 0.10491648316383362, -0.05820414051413536]
        }
        Float::F64 => &[
            -0.3333333333333292,
            0.19999999999873896,
            -0.14285714272265457,
            0.11111110394546628,
            -0.0909088684545847,
            0.0769187150975873,
            -0.06661024278922087,
            0.058332451089213,
            -0.04975540694613572,
            0.03650058231608244,
            -0.01625489709348551,
        ],
    };
    let Nearest { quotient, angle, rest } = nearest_angle(steps, a);
    let square = steps.mul(&quotient, &quotient);
    let tail = steps.polynomial(&square, tail);
    let small = steps.fma(&steps.mul(&square, &quotient), &tail, &rest);
    steps.add(&angle, &steps.add(&quotient, &small))
}

/// atan a = angle + rest + atan quotient.
struct Nearest<'ctx> {
    quotient: Chains<'ctx>,
    angle: Chains<'ctx>,
    rest: Chains<'ctx>,
}

/// Up to what a, which c, and atan c in two parts.
fn known_angles(float: Float) -> [(f64, f64, [f64; 2]); 4] {
    let angles = match float {
        Float::F32 => [
            [0.46364760398864746, 5.012158655276756e-09],
            [0.7853981852531433, -2.1855695000931213e-08],
            [0.9827937483787537, -2.5131424594123664e-08],
        ],
        Float::F64 => [
            [0.4636476090008061, 2.2698777452961687e-17],
            [FRAC_PI_4, 3.061616997868383e-17],
            [0.982793723247329, 1.3903311031230998e-17],
        ],
    };
    [(0.4375, 0.0, [0.0, 0.0]), (0.6875, 0.5, angles[0]), (1.1875, 1.0, angles[1]), (2.4375, 1.5, angles[2])]
}

/// π/2 in two parts.
fn half_pi_parts(float: Float) -> [f64; 2] {
    match float {
        Float::F32 => [1.5707963705062866, -4.371138828673793e-8],
        Float::F64 => [FRAC_PI_2, 6.123233995736766e-17],
    }
}

fn nearest_angle<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> Nearest<'ctx> {
    let float = steps.lanes.float();
    let [far_angle, far_rest] = half_pi_parts(float);
    let rows = known_angles(float);
    let last_limit = rows[rows.len() - 1].0;
    // c, and its angle, from the last row to the first: an earlier row overrides a later one.
    let (mut c, mut angle, mut rest) = (steps.splat(0.0), steps.splat(far_angle), steps.splat(far_rest));
    for (limit, known, [known_angle, known_rest]) in rows.into_iter().rev() {
        let below = steps.less(a, limit);
        c = steps.select(&below, known, &c);
        angle = steps.select(&below, known_angle, &angle);
        rest = steps.select(&below, known_rest, &rest);
    }
    let finite = steps.less(a, last_limit);
    let numerator = steps.select(&finite, &steps.sub(a, &c), -1.0);
    let denominator = steps.select(&finite, &steps.fma(a, &c, 1.0), a);
    Nearest { quotient: steps.div(&numerator, &denominator), angle, rest }
}
