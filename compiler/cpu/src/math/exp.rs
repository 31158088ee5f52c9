//! e^a, 2^a and e^a − 1.
//!
//! Let k be a multiple of 1/T next to a·log2 e, and r = a − k·ln 2, which is small. Then `e^a = 2^⌊k⌋ · 2^(k−⌊k⌋) · e^r`:
//! a polynomial for e^r, a table of T entries for 2^(k−⌊k⌋), and a power of two. ln 2 is subtracted in two parts, so that a is
//! never multiplied and rounded first. 2^a is the same with k near a and r = a − k, exactly.
//!
//! | level | T | degree f32, f64 | results that become 0 |
//! | --- | --- | --- | --- |
//! | AVX-512 | 32 in f32, 16 in f64 (two registers) | 3, 6 | below 2^−126, 2^−1022: the subnormal ones |
//! | others | 1 | 6, 11 | below 2^−125.5, 2^−1021.5 |
//!
//! Edge values: 0 for −∞ and all below the range, ∞ for ∞ and all above, 1 for ±0, NaN for NaN. Bound: 1 ULP.
//! e^a − 1 is never computed by a table; it is −1 for −∞ and ±0 at ±0.

use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector};
use std::f64::consts::{LN_2, LOG2_E};

/// e^a within 1 ULP. See the file's head for the method and edge values.
pub fn exp<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    power_of(Base::E, &Steps::new(lanes, a.len()), a, None, Range::All)
}

/// [`exp`] of numbers that are not above 0.
pub fn exp_of_nonpositive<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    power_of(Base::E, &Steps::new(lanes, a.len()), a, None, Range::Nonpositive)
}

/// [`exp2`] of numbers that are not above 0.
pub fn exp2_of_nonpositive<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    power_of(Base::Two, &Steps::new(lanes, a.len()), a, None, Range::Nonpositive)
}

/// 2^a within 1 ULP; exact where a is an integer. See the file's head for the method and edge values.
pub fn exp2<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    power_of(Base::Two, &Steps::new(lanes, a.len()), a, None, Range::All)
}

/// e^a − 1 within 1 ULP. See the file's head for edge values.
///
/// With e^a = 2^k·(1 + r + t) it is (2^k − 1) + 2^k·r, the sum's error kept, + 2^k·t; r is in two parts. Half of that is computed, as 2^k may be
/// too large.
pub fn expm1<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = &Steps::new(lanes, a.len());
    let float = lanes.float();
    let (bits, bias) = (float.mantissa_bits(), float.exponent_bias() as f64);
    let (lowest, highest) = (-LN_2 * f64::from(bits + 3), LN_2 * (bias + 1.25));
    let magic = rounding_constant(float) + bias - 1.0;

    let near = steps.max_or_second(lowest, &steps.min_or_second(highest, a));
    let shifted = shifted_exponent(Base::E, steps, &near, magic);
    let k = steps.sub(&shifted, magic);
    let half = steps.from_bits(&steps.shift_left(&steps.bits(&shifted), i64::from(bits)));
    let [first, second] = ln_2_parts(float, lanes.level().has_fma);
    let (start, rest) = (steps.fnma(&k, first, &near), steps.mul(&k, second));
    let r = steps.sub(&start, &rest);
    let r_low = steps.sub(&steps.sub(&start, &r), &rest);
    let tail = steps.polynomial(&r, expm1_polynomial(float));
    let tail = steps.fma(&steps.mul(&r, &r), &tail, &r_low);
    let (start, start_lost) = steps.fast_two_sum(&half, &steps.splat(-0.5));
    let (large, lost) = steps.fast_two_sum(&start, &steps.mul(&half, &r));
    let value = steps.add(&large, &steps.fma(&half, &tail, &steps.add(&lost, &start_lost)));
    steps.copy_sign(&steps.add(&value, &value), a)
}

/// e^(a + b) for a b as small as what the rounding of a took.
pub(super) fn exp_of_sum<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> Chains<'ctx> {
    power_of(Base::E, steps, a, Some(b), Range::All)
}

/// e^a·2^scale as power · (1 + less_one), |less_one| < 1/2, where that is a normal number: what hyperbolic functions are made of with few
/// roundings.
pub(super) fn exp_parts<'ctx>(
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    scale: i32,
) -> (Chains<'ctx>, Chains<'ctx>) {
    let float = steps.lanes.float();
    if steps.lanes.is_avx512_register() {
        let magic = table_magic(steps.lanes);
        return table_parts(Base::E, steps, a, &steps.avx512_fma_down(a, LOG2_E, magic), None, scale);
    }
    let magic = rounding_constant(float) + float.exponent_bias() as f64 + f64::from(scale);
    let shifted = shifted_exponent(Base::E, steps, a, magic);
    let r = remainder(Base::E, steps, a, &steps.sub(&shifted, magic), None);
    let power = steps.from_bits(&steps.shift_left(&steps.bits(&shifted), i64::from(float.mantissa_bits())));
    let tail = steps.polynomial(&r, full_polynomial(Base::E, float));
    (power, steps.fma(&steps.mul(&r, &r), &tail, &r))
}

/// What is raised to a power.
#[derive(Clone, Copy)]
enum Base {
    E,
    Two,
}

/// Which exponents may occur.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    All,
    /// None above 0, so that nothing overflows.
    Nonpositive,
}

/// The factor of all table entries, and the polynomial of base^r / factor − 1 for r from 0 to a step of k: relative error 3e-10 in
/// float32 and 9e-18 in float64, none at 0.
///
/// A rounded entry is up to half a unit wrong, on top of which comes the rounding of the result. With this factor all entries
/// happen to lie within 0.33 (float32) and 0.15 (float64) units of a number of the type, and the entry of 2^0 is exact.
fn table_polynomial(base: Base, float: Float) -> (f64, &'static [f64]) {
    match (base, float) {
        (Base::E, Float::F32) => {
            (1.0049934387207031, &[-0.004968628287315369, 0.9950315952301025, 0.49747341871261597, 0.16825322806835175])
        }
        (Base::Two, Float::F32) => {
            (1.0049934387207031, &[-0.004968628287315369, 0.6897033452987671, 0.23901259899139404, 0.05603247508406639])
        }
        (Base::E, Float::F64) => (
            1.0012331763253282,
            &[
                -0.0012316574744897016,
                0.9987683425254991,
                0.49938417126778045,
                0.16646138967269103,
                0.041615398820637514,
                0.008321298297798735,
                0.0014172549554778858,
            ],
        ),
        (Base::Two, Float::F64) => (
            1.0012331763253282,
            &[
                -0.0012316574744897016,
                0.6922934606540794,
                0.2399306301886484,
                0.05543574636534151,
                0.009606294689336195,
                0.0013314301764897054,
                0.00015718125442949505,
            ],
        ),
    }
}

/// Coefficients of Q in base^r = 1 + r·(ln base + r·Q(r)) for |r| up to half a step of k = 1: relative error 6e-9 in float32
/// and 8e-18 in float64. For e in float32 it is 2e-9 at the ends, where the roundings are largest.
fn full_polynomial(base: Base, float: Float) -> &'static [f64] {
    match (base, float) {
        (Base::E, Float::F32) => {
            &[0.49999988079071045, 0.166664719581604, 0.04166894033551216, 0.008373180404305458, 0.0013809737283736467]
        }
        (Base::Two, Float::F32) => &[
            0.24022647738456726,
            0.055503617972135544,
            0.009618528187274933,
            0.0013390389503911138,
            0.0001532109745312482,
        ],
        (Base::E, Float::F64) => &[
            0.5000000000000011,
            0.16666666666666408,
            0.04166666666652808,
            0.008333333333496496,
            0.0013888888944254682,
            0.00019841269503679035,
            2.4801492382497922e-05,
            2.755758759247493e-06,
            2.763052558694457e-07,
            2.500011516790119e-08,
        ],
        (Base::Two, Float::F64) => &[
            0.24022650695910122,
            0.05550410866482072,
            0.009618129107596487,
            0.0013333558146689506,
            0.00015403530454785274,
            1.5252733544541033e-05,
            1.3215436212656805e-06,
            1.0178185129097527e-07,
            7.073653081701437e-09,
            4.4363119890008053e-10,
        ],
    }
}

/// Coefficients of Q in e^r − 1 = r + r²·Q(r) for |r| up to half of ln 2: relative error 2e-9 in float32, 8e-19 in float64.
fn expm1_polynomial(float: Float) -> &'static [f64] {
    match float {
        Float::F32 => &[
            0.5,
            0.1666666716337204,
            0.041666463017463684,
            0.00833331048488617,
            0.0013933820882812142,
            0.00019891180272679776,
        ],
        Float::F64 => &[
            0.5,
            0.1666666666666667,
            0.04166666666666667,
            0.008333333333326025,
            0.001388888888888367,
            0.00019841269875205077,
            2.4801587325822283e-05,
            2.75572549134867e-06,
            2.7557273295539724e-07,
            2.5105419192016337e-08,
            2.091483135138041e-09,
        ],
    }
}

/// base^a, or base^(a + `rest`) for a small rest.
fn power_of<'ctx>(
    base: Base,
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    rest: Option<&[Vector<'ctx>]>,
    range: Range,
) -> Chains<'ctx> {
    if steps.lanes.is_avx512_register() {
        with_table(base, steps, a, rest, range)
    } else {
        without_table(base, steps, a, rest, range)
    }
}

/// k is rounded down, so that it stays below the first power that overflows for all a whose power does not. Its integer
/// part is added to the exponent of the table's entry. k is cut there, so that r alone grows for larger a, and the
/// polynomial, whose coefficients are positive but for the first, with it to ∞. Where k is below the exponents of normal
/// numbers, the result is masked: to compute a subnormal number or 0 from normal ones would cost some processors a hundred
/// cycles, and pairs far from each other are the common case.
fn with_table<'ctx>(
    base: Base,
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    rest: Option<&[Vector<'ctx>]>,
    range: Range,
) -> Chains<'ctx> {
    let float = steps.lanes.float();
    let magic = table_magic(steps.lanes);
    let greatest = float.exponent_bias() as f64 + 1.0 - table_step(steps.lanes);
    let rounded = match base {
        Base::E => steps.avx512_fma_down(a, LOG2_E, magic),
        Base::Two => steps.avx512_add_down(a, magic),
    };
    let shifted = match range {
        Range::All => steps.min_or_second(magic + greatest, &rounded),
        Range::Nonpositive => rounded,
    };
    let (power, less_one) = table_parts(base, steps, a, &shifted, rest, 0);
    let normal = steps.not_less(&shifted, magic + (1 - float.exponent_bias()) as f64);
    steps.select(&normal, &steps.fma(&power, &less_one, &power), 0.0)
}

/// The step of k for tables of two registers.
fn table_step(lanes: &Lanes<'_, '_>) -> f64 {
    0.5 / f64::from(lanes.count())
}

/// Added to a small number, it leaves the multiple of the step in the low bits of the significand.
fn table_magic(lanes: &Lanes<'_, '_>) -> f64 {
    rounding_constant(lanes.float()) * table_step(lanes)
}

/// 2^(k + scale) and e^r − 1, up to the common factor of the table, for k with [`table_magic`] added.
fn table_parts<'ctx>(
    base: Base,
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    shifted: &[Vector<'ctx>],
    rest: Option<&[Vector<'ctx>]>,
    scale: i32,
) -> (Chains<'ctx>, Chains<'ctx>) {
    let lanes = steps.lanes;
    let (float, step, entries) = (lanes.float(), table_step(lanes), 2 * lanes.count());
    let index_bits = entries.ilog2();
    let (factor, coefficients) = table_polynomial(base, float);
    let table = |entries| {
        lanes.constant_bits(entries, |entry: u32| {
            let value = factor * (f64::from(entry) * step + f64::from(scale)).exp2();
            float.bits_of(value) - (i64::from(entry) << (float.mantissa_bits() - index_bits))
        })
    };
    let (low, high) = (table(0..entries / 2), table(entries / 2..entries));

    let k = steps.sub(shifted, table_magic(lanes));
    let r = remainder(base, steps, a, &k, rest);
    let index = steps.bits(shifted);
    let exponent = steps.shift_left(&index, i64::from(float.mantissa_bits() - index_bits));
    let entry = steps.bits(&steps.avx512_table(&index, low, high));
    let power = steps.from_bits(&steps.integer_add(&entry, &exponent));
    (power, steps.polynomial(&r, coefficients))
}

/// a is cut to where the exponent of the result, less one, is one that a normal number can have, or that of 0.
fn without_table<'ctx>(
    base: Base,
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    rest: Option<&[Vector<'ctx>]>,
    range: Range,
) -> Chains<'ctx> {
    let float = steps.lanes.float();
    let bias = float.exponent_bias();
    let unit = match base {
        Base::E => LN_2,
        Base::Two => 1.0,
    };
    let (lowest, highest) = (unit * (1 - bias) as f64, unit * (bias as f64 + 1.25));
    let magic = rounding_constant(float) + (bias - 1) as f64;

    let a = match range {
        Range::All => steps.min_or_second(highest, a),
        Range::Nonpositive => a.to_vec(),
    };
    let a = steps.max_or_second(lowest, &a);
    let shifted = shifted_exponent(base, steps, &a, magic);
    let k = steps.sub(&shifted, magic);
    let r = remainder(base, steps, &a, &k, rest);
    let half = steps.from_bits(&steps.shift_left(&steps.bits(&shifted), i64::from(float.mantissa_bits())));
    steps.mul(&twice_power(base, steps, &r), &half)
}

/// Added to a small number, it leaves the nearest integer in the low bits of the significand.
fn rounding_constant(float: Float) -> f64 {
    1.5 * f64::from(float.mantissa_bits()).exp2()
}

fn shifted_exponent<'ctx>(base: Base, steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>], magic: f64) -> Chains<'ctx> {
    match base {
        Base::E => steps.fma(a, LOG2_E, magic),
        Base::Two => steps.add(a, magic),
    }
}

/// r = a − k·unit + rest. The second part of ln 2 makes up for the rounding of the first; without fused multiply-add the first is
/// short enough for its product with k to be exact.
fn remainder<'ctx>(
    base: Base,
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    k: &[Vector<'ctx>],
    rest: Option<&[Vector<'ctx>]>,
) -> Chains<'ctx> {
    let r = match base {
        Base::Two => steps.sub(a, k),
        Base::E => {
            let [first, second] = ln_2_parts(steps.lanes.float(), steps.lanes.level().has_fma);
            steps.fnma(k, second, &steps.fnma(k, first, a))
        }
    };
    match rest {
        Some(rest) => steps.add(&r, rest),
        None => r,
    }
}

/// ln 2 as a sum of two numbers of the type. Where `full` is not asked for, the first has 16 or 42 bits, so that its product with
/// an exponent is exact.
pub(super) fn ln_2_parts(float: Float, full: bool) -> [f64; 2] {
    match (float, full) {
        (Float::F32, true) => [0.6931471824645996, -1.904654299957768e-9],
        (Float::F32, false) => [0.693145751953125, 1.4286068203094173e-6],
        (Float::F64, true) => [LN_2, 2.3190468138462996e-17],
        (Float::F64, false) => [0.6931471805598903, 5.497923018708371e-14],
    }
}

/// 2·base^r = 2 + 2·(r·ln base + r²·Q), in few roundings.
fn twice_power<'ctx>(base: Base, steps: &Steps<'_, '_, 'ctx>, r: &[Vector<'ctx>]) -> Chains<'ctx> {
    let tail = steps.polynomial(r, full_polynomial(base, steps.lanes.float()));
    let square = steps.mul(r, r);
    match base {
        Base::E => steps.fma(&steps.fma(&square, &tail, r), 2.0, 2.0),
        Base::Two if steps.lanes.level().has_fma => {
            steps.fma(&steps.fma(r, LN_2, &steps.mul(&square, &tail)), 2.0, 2.0)
        }
        Base::Two => {
            let (large, lost) = steps.fast_two_sum(&steps.splat(2.0), &steps.mul(r, 2.0 * LN_2));
            steps.add(&large, &steps.fma(&steps.mul(&square, 2.0), &tail, &lost))
        }
    }
}
