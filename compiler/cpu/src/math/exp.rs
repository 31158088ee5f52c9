//! e^a, 2^a and e^a − 1.
//!
//! Let k be a multiple of 1/T next to a·log2 e, and r = a − k·ln 2, which is small. Then `e^a = 2^⌊k⌋ · 2^(k−⌊k⌋) · e^r`:
//! a polynomial for e^r, a table of T entries for 2^(k−⌊k⌋), and a power of two. ln 2 is subtracted in two parts, so that a is
//! never multiplied and rounded first. 2^a is the same with k near a and r = a − k, exactly.
//!
//! | level | T | degree f32, f64 | results that become 0 |
//! | --- | --- | --- | --- |
//! | AVX-512 | 32 in f32, 16 in f64 (two registers) | 3, 6 | below 2^−126, 2^−1022: the subnormal ones |
//! | AVX2 | 8 in f32, 2 in f64 (one register) | 3, 9 | below 2^−125.9, 2^−1021.7 |
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
    // The polynomials of the other tables are too short for results that are rounded again.
    if let Some(table) = Table::of(Base::E, steps.lanes).filter(|table| table.rounds_down) {
        return table_parts(&table, Base::E, steps, a, &table.rounded(Base::E, steps, a), None, scale);
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

/// A table for 2^(k−⌊k⌋): entry j is `factor`·2^(j/T), rounded.
///
/// A rounded entry is up to half a unit wrong, on top of which comes the rounding of the result. With the factors chosen all entries
/// happen to lie close to a number of the type, and the entry of 2^0 is exact: within 0.33 (float32) and 0.15 (float64) units on AVX-512,
/// 0.1 and 3e-5 on AVX2.
struct Table {
    /// T.
    entries: u32,
    /// Whether k is rounded down, else to nearest.
    rounds_down: bool,
    factor: f64,
    /// The polynomial of base^r / factor − 1: for r from 0 to 1/T relative error 3e-10 in float32 and 9e-18 in float64, none at 0; for |r|
    /// up to 1/2T 2e-8 and 3e-17.
    coefficients: &'static [f64],
}

impl Table {
    /// That of a full register, if its level has an instruction that looks up.
    fn of(base: Base, lanes: &Lanes<'_, '_>) -> Option<Table> {
        let rounds_down = lanes.is_avx512_register();
        let (entries, factor, coefficients) = match rounds_down {
            true => two_register_table(base, lanes.float()),
            false if lanes.is_avx2_register() => one_register_table(base, lanes.float()),
            false => return None,
        };
        Some(Table { entries, rounds_down, factor, coefficients })
    }

    /// The step of k.
    fn step(&self) -> f64 {
        1.0 / f64::from(self.entries)
    }

    /// Added to a small number, it leaves the multiple of the step in the low bits of the significand.
    fn magic(&self, float: Float) -> f64 {
        rounding_constant(float) * self.step()
    }

    /// k with [`Table::magic`] added.
    fn rounded<'ctx>(&self, base: Base, steps: &Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> Chains<'ctx> {
        let magic = self.magic(steps.lanes.float());
        match base {
            Base::E if self.rounds_down => steps.avx512_fma_down(a, LOG2_E, magic),
            Base::Two if self.rounds_down => steps.avx512_add_down(a, magic),
            _ => shifted_exponent(base, steps, a, magic),
        }
    }

    /// The least and the greatest k whose power is a normal number.
    ///
    /// Where k is rounded to nearest, it may be the first power that overflows, of an a below it. So the factor is less than 2^(−1/2T), and
    /// the entry of 2^0 alone is below 1: of that k it is a normal number, and of the least exponent no longer one.
    fn range(&self, float: Float) -> [f64; 2] {
        let (bias, moved) = (float.exponent_bias() as f64, if self.rounds_down { 0.0 } else { self.step() });
        [1.0 - bias + moved, bias + 1.0 - self.step() + moved]
    }

    /// The bits of every lane's entry, times 2^scale, less the index where [`table_parts`] adds it.
    fn entry<'ctx>(&self, steps: &Steps<'_, '_, 'ctx>, index: &[Vector<'ctx>], scale: i32) -> Chains<'ctx> {
        let lanes = steps.lanes;
        let float = lanes.float();
        let register = |first: u32| {
            lanes.constant_bits(first..first + lanes.count(), |entry| {
                let entry = entry % self.entries;
                let value = self.factor * (f64::from(entry) * self.step() + f64::from(scale)).exp2();
                float.bits_of(value) - (i64::from(entry) << (float.mantissa_bits() - self.entries.ilog2()))
            })
        };
        let entry = match self.rounds_down {
            true => steps.avx512_table(index, register(0), register(lanes.count())),
            false => steps.avx2_table(index, register(0)),
        };
        steps.bits(&entry)
    }
}

/// Entries, factor and coefficients of a [`Table`] in two registers of AVX-512.
fn two_register_table(base: Base, float: Float) -> (u32, f64, &'static [f64]) {
    match (base, float) {
        (Base::E, Float::F32) => (
            32,
            1.0049934387207031,
            &[-0.004968628287315369, 0.9950315952301025, 0.49747341871261597, 0.16825322806835175],
        ),
        (Base::Two, Float::F32) => (
            32,
            1.0049934387207031,
            &[-0.004968628287315369, 0.6897033452987671, 0.23901259899139404, 0.05603247508406639],
        ),
        (Base::E, Float::F64) => (
            16,
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
            16,
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

/// Entries, factor and coefficients of a [`Table`] in one register of AVX2.
fn one_register_table(base: Base, float: Float) -> (u32, f64, &'static [f64]) {
    match (base, float) {
        (Base::E, Float::F32) => {
            (8, 0.9513709545135498, &[0.05111468583345413, 1.051114797592163, 0.5256397128105164, 0.17516930401325226])
        }
        (Base::Two, Float::F32) => {
            (8, 0.9513709545135498, &[0.05111468583345413, 0.728577196598053, 0.2525450885295868, 0.05833570659160614])
        }
        (Base::E, Float::F64) => (
            2,
            0.8268177762378601,
            &[
                0.20945633819115977,
                1.2094563381911596,
                0.6047281690955536,
                0.20157605636524836,
                0.05039401409831723,
                0.010078802812005834,
                0.0016797998138197848,
                0.00023997174210653105,
                3.0021436792174152e-05,
                3.330680002058037e-06,
            ],
        ),
        (Base::Two, Float::F64) => (
            2,
            0.8268177762378601,
            &[
                0.20945633819115977,
                0.838331250827558,
                0.2905434714431945,
                0.06712979602033765,
                0.011632707212381386,
                0.001612635640083796,
                0.000186298901935232,
                1.8447534510765982e-05,
                1.5996872721348749e-06,
                1.230161463454958e-07,
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
    match Table::of(base, steps.lanes) {
        Some(table) => with_table(&table, base, steps, a, rest, range),
        None => without_table(base, steps, a, rest, range),
    }
}

/// k is rounded to where its power is finite for all a whose power is ([`Table::range`]). Its integer part is added to the
/// exponent of the table's entry. k is cut there, so that r alone grows for larger a, and the polynomial, whose coefficients
/// are positive but for the first, with it to ∞. Where k is below the exponents of normal numbers, the result is masked: to
/// compute a subnormal number or 0 from normal ones would cost some processors a hundred cycles, and pairs far from each
/// other are the common case.
fn with_table<'ctx>(
    table: &Table,
    base: Base,
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    rest: Option<&[Vector<'ctx>]>,
    range: Range,
) -> Chains<'ctx> {
    let float = steps.lanes.float();
    let (magic, [least, greatest]) = (table.magic(float), table.range(float));
    let rounded = table.rounded(base, steps, a);
    let shifted = match range {
        Range::All => steps.min_or_second(magic + greatest, &rounded),
        Range::Nonpositive => rounded,
    };
    let (power, less_one) = table_parts(table, base, steps, a, &shifted, rest, 0);
    let normal = steps.not_less(&shifted, magic + least);
    steps.select(&normal, &steps.fma(&power, &less_one, &power), 0.0)
}

/// 2^(k + scale) and e^r − 1, up to the common factor of the table, for k with [`Table::magic`] added.
fn table_parts<'ctx>(
    table: &Table,
    base: Base,
    steps: &Steps<'_, '_, 'ctx>,
    a: &[Vector<'ctx>],
    shifted: &[Vector<'ctx>],
    rest: Option<&[Vector<'ctx>]>,
    scale: i32,
) -> (Chains<'ctx>, Chains<'ctx>) {
    let float = steps.lanes.float();
    let k = steps.sub(shifted, table.magic(float));
    let r = remainder(base, steps, a, &k, rest);
    let index = steps.bits(shifted);
    let exponent = steps.shift_left(&index, i64::from(float.mantissa_bits() - table.entries.ilog2()));
    let power = steps.from_bits(&steps.integer_add(&table.entry(steps, &index, scale), &exponent));
    (power, steps.polynomial(&r, table.coefficients))
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
