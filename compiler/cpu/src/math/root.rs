//! √a and 1/√a.

use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector};

/// The square root, correctly rounded: ±0 at ±0, ∞ at ∞, NaN below 0.
pub fn sqrt<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    Steps::new(lanes, a.len()).hardware_sqrt(a)
}

/// 1/√a within 1 ULP: ±∞ at ±0, 0 at ∞, NaN below 0; subnormal arguments in full.
///
/// On AVX-512, which starts from 14 bits, Newton steps: with e = 1 − a·y², y·(1 + e/2 + 3e²/8) has three times the bits of y, and
/// y·(1 + e/2) twice. Elsewhere √(1/a), which halves the error of the division where 1/√a would double that of the root; a is
/// scaled so that 1/a neither overflows nor loses bits.
pub fn rsqrt<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let steps = Steps::new(lanes, a.len());
    if lanes.is_avx512_register() { rsqrt_by_newton(steps, a) } else { rsqrt_by_division(steps, a) }
}

fn rsqrt_by_division<'ctx>(steps: Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> Chains<'ctx> {
    let lift: f64 = match steps.lanes.float() {
        Float::F32 => 30.0,
        Float::F64 => 60.0,
    };
    let small = steps.less(a, 1.0);
    let scaled = steps.mul(a, &steps.select(&small, lift.exp2(), 1.0 / 16.0));
    let inverse = steps.div(1.0, &scaled);
    let root = steps.mul(&steps.hardware_sqrt(&inverse), &steps.select(&small, (lift / 2.0).exp2(), 0.25));
    // At −0 the inverse is −infinity, whose root is NaN; for large negative numbers it is −0, whose root is −0.
    let edge = steps.select(&steps.equal(a, 0.0), &inverse, f64::NAN);
    steps.select(&steps.less(0.0, a), &root, &edge)
}

fn rsqrt_by_newton<'ctx>(steps: Steps<'_, '_, 'ctx>, a: &[Vector<'ctx>]) -> Chains<'ctx> {
    let start = steps.avx512_rsqrt14(a);
    let error = steps.fnma(&steps.mul(a, &start), &start, 1.0);
    let factor = steps.fma(&error, 0.375, 0.5);
    let third_order = steps.fma(&steps.mul(&start, &error), &factor, &start);
    let refined = match steps.lanes.float() {
        Float::F32 => third_order,
        Float::F64 => {
            let error = steps.fnma(&steps.mul(a, &third_order), &third_order, 1.0);
            steps.fma(&steps.mul(&third_order, &error), 0.5, &third_order)
        }
    };
    // At 0 and infinity the error is 0·∞, and the start is the answer; for NaN and negative numbers the start is NaN.
    steps.select(&steps.is_nan(&error), &start, &refined)
}
