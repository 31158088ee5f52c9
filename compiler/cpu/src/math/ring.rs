//! The intrinsics on integers in place of real numbers, as the table of [`keopsc_ops::ring`] has them.
//!
//! Real lanes stay real to everything that loads, stores, packs and selects; here their bits are what is computed with, modulo 2^width.

use super::steps::{Chains, Steps};
use crate::vector::{Float, Lanes, Vector, built};
use inkwell::IntPredicate;
use inkwell::values::{BasicValue, IntValue};
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::ring::{BOUNDED_SHIFT, EXP_BASE, Ring, Scrambling};
use keopsc_ops::scalar::Number;

/// The values of an intrinsic, as [`super::emit`] has it.
pub fn emit<'ctx>(lanes: &Lanes<'_, 'ctx>, intrinsic: Intrinsic, arguments: &[Chains<'ctx>]) -> Chains<'ctx> {
    let steps = Steps::new(lanes, arguments[0].len());
    let integers = |(kind, argument): (&Kind, &Chains<'ctx>)| match kind {
        Kind::Real => steps.bits(argument),
        Kind::Bool | Kind::Index => argument.clone(),
    };
    let arguments: Vec<Chains> = intrinsic.arguments().iter().zip(arguments).map(integers).collect();
    let result = compute(&steps, intrinsic, &arguments);
    if intrinsic.result() == Kind::Real { steps.from_bits(&result) } else { result }
}

/// A constant in every lane.
pub fn constant<'ctx>(lanes: &Lanes<'_, 'ctx>, value: f64) -> Vector<'ctx> {
    let bits = match lanes.float() {
        Float::F32 => Ring::<32>::real(value).bits(),
        Float::F64 => Ring::<64>::real(value).bits(),
    };
    lanes.from_bits(lanes.splat_integer(bits as i64))
}

/// An i64 in every lane.
pub fn number<'ctx>(lanes: &Lanes<'_, 'ctx>, integer: IntValue<'ctx>) -> Vector<'ctx> {
    let narrow = lanes.integer_scalar_type();
    let integer = match lanes.float() {
        Float::F32 => built(lanes.builder().build_int_truncate(integer, narrow, "")),
        Float::F64 => integer,
    };
    lanes.from_bits(lanes.broadcast(integer.into()))
}

/// a · b + c for each vector.
pub fn fma<'ctx>(lanes: &Lanes<'_, 'ctx>, a: &[Vector<'ctx>], b: &[Vector<'ctx>], c: &[Vector<'ctx>]) -> Chains<'ctx> {
    let product = emit(lanes, Intrinsic::Mul, &[a.to_vec(), b.to_vec()]);
    emit(lanes, Intrinsic::Add, &[product, c.to_vec()])
}

/// Signed integers modulo 2^32 as integers modulo 2^64.
pub fn widen<'ctx>(lanes: &Lanes<'_, 'ctx>, a: Vector<'ctx>) -> Vector<'ctx> {
    let wide = lanes.with_float(Float::F64);
    wide.from_bits(built(lanes.builder().build_int_s_extend(lanes.bits(a), wide.integer_type(), "")))
}

/// Integers modulo 2^64 as integers modulo 2^32.
pub fn narrow<'ctx>(lanes: &Lanes<'_, 'ctx>, a: Vector<'ctx>) -> Vector<'ctx> {
    let narrow = lanes.with_float(Float::F32);
    narrow.from_bits(built(lanes.builder().build_int_truncate(lanes.bits(a), narrow.integer_type(), "")))
}

fn compute<'ctx>(steps: &Steps<'_, '_, 'ctx>, intrinsic: Intrinsic, arguments: &[Chains<'ctx>]) -> Chains<'ctx> {
    let a = &arguments[0];
    let b = || &arguments[1];
    match intrinsic {
        Intrinsic::Add => steps.integer_add(a, b()),
        Intrinsic::Sub => steps.integer_sub(a, b()),
        Intrinsic::Mul => steps.integer_mul(a, b()),
        Intrinsic::Div => quotient(steps, a, b()),
        Intrinsic::Neg => steps.integer_sub(0, a),
        Intrinsic::Abs => steps.select(&steps.integer_less(a, 0), &steps.integer_sub(0, a), a),
        Intrinsic::Min => steps.select(&steps.integer_less(b(), a), b(), a),
        Intrinsic::Max => steps.select(&steps.integer_less(a, b()), b(), a),
        Intrinsic::Exp | Intrinsic::Exp2 => power(steps, &steps.splat(EXP_BASE as i64), a),
        Intrinsic::Pow => power(steps, a, b()),
        Intrinsic::Floor
        | Intrinsic::Ceil
        | Intrinsic::Trunc
        | Intrinsic::Round
        | Intrinsic::Sqrt
        | Intrinsic::Rsqrt
        | Intrinsic::Log
        | Intrinsic::Expm1
        | Intrinsic::Log2
        | Intrinsic::Log10
        | Intrinsic::Log1p
        | Intrinsic::Tan
        | Intrinsic::Sinh
        | Intrinsic::Cosh => scrambled(steps, intrinsic, a),
        Intrinsic::Sin | Intrinsic::Cos | Intrinsic::Asin | Intrinsic::Acos | Intrinsic::Atan | Intrinsic::Tanh => {
            bounded(steps, intrinsic, a)
        }
        Intrinsic::Atan2 => {
            let sum = steps.integer_add(a, &scrambled(steps, intrinsic, b()));
            bounded(steps, intrinsic, &sum)
        }
        Intrinsic::Less => steps.integer_less(a, b()),
        Intrinsic::LessEqual => steps.not(&steps.integer_less(b(), a)),
        Intrinsic::Equal | Intrinsic::EqualIndex => steps.integer_equal(a, b()),
        Intrinsic::NotEqual => steps.not(&steps.integer_equal(a, b())),
        Intrinsic::Select | Intrinsic::SelectIndex => steps.select(a, b(), &arguments[2]),
    }
}

fn scrambled<'ctx>(steps: &Steps<'_, '_, 'ctx>, intrinsic: Intrinsic, a: &Chains<'ctx>) -> Chains<'ctx> {
    let Scrambling { linear, cubic } = Scrambling::of(intrinsic);
    let factor = steps.integer_mul(&steps.integer_mul(a, a), cubic as i64);
    steps.integer_mul(a, &steps.integer_add(&factor, linear as i64))
}

fn bounded<'ctx>(steps: &Steps<'_, '_, 'ctx>, intrinsic: Intrinsic, a: &Chains<'ctx>) -> Chains<'ctx> {
    steps.shift_right_signed(&scrambled(steps, intrinsic, a), i64::from(BOUNDED_SHIFT))
}

/// a · 2^k / odd, where b = 2^k · odd: the inverse by Newton's iteration x (2 − odd x), which doubles the digits that are right.
fn quotient<'ctx>(steps: &Steps<'_, '_, 'ctx>, a: &Chains<'ctx>, b: &Chains<'ctx>) -> Chains<'ctx> {
    let width = i64::from(steps.lanes.float().bits());
    // 0 has as many zeros as bits; shifted by none it stays 0, and so does everything that follows.
    let twos: Chains = b.iter().map(|b| steps.lanes.trailing_zeros(*b)).collect();
    let twos = steps.and(&twos, width - 1);
    let odd = steps.shift_right(b, &twos);
    // Odd numbers are their own inverses modulo 8.
    let (mut inverse, mut digits) = (odd.clone(), 3);
    while digits < width {
        let error = steps.integer_sub(2, &steps.integer_mul(&odd, &inverse));
        inverse = steps.integer_mul(&inverse, &error);
        digits *= 2;
    }
    steps.integer_mul(a, &steps.shift_left(&inverse, &twos))
}

/// The base to a power taken as unsigned, bit by bit in a loop: code stays short, and speed does not matter here.
fn power<'ctx>(steps: &Steps<'_, '_, 'ctx>, base: &Chains<'ctx>, exponent: &Chains<'ctx>) -> Chains<'ctx> {
    let (lanes, builder, context) = (steps.lanes, steps.lanes.builder(), steps.lanes.context());
    let before = builder.get_insert_block().expect("an insertion point");
    let function = before.get_parent().expect("blocks are parts of functions");
    let [block, after] = ["power", "after"].map(|name| context.append_basic_block(function, name));
    built(builder.build_unconditional_branch(block));

    builder.position_at_end(block);
    let integer = context.i32_type();
    let bit = built(builder.build_phi(integer, ""));
    let carried = |initial: &Chains<'ctx>| -> Vec<_> {
        let phi = |value: &Vector<'ctx>| {
            let phi = built(builder.build_phi(lanes.integer_type(), ""));
            phi.add_incoming(&[(value, before)]);
            phi
        };
        initial.iter().map(phi).collect()
    };
    let phis = [&steps.splat(1), base, exponent].map(carried);
    let [result, square, rest] =
        phis.each_ref().map(|phis| phis.iter().map(|phi| phi.as_basic_value().into_vector_value()).collect::<Chains>());
    let taken = steps.integer_equal(&steps.and(&rest, 1), 1);
    let next_result = steps.select(&taken, &steps.integer_mul(&result, &square), &result);
    let next = [next_result.clone(), steps.integer_mul(&square, &square), steps.shift_right(&rest, 1)];
    for (phi, value) in phis.iter().flatten().zip(next.iter().flatten()) {
        phi.add_incoming(&[(value as &dyn BasicValue<'ctx>, block)]);
    }
    let number = bit.as_basic_value().into_int_value();
    let following = built(builder.build_int_add(number, integer.const_int(1, false), ""));
    bit.add_incoming(&[(&integer.const_zero(), before), (&following, block)]);
    let bits = integer.const_int(u64::from(lanes.float().bits()), false);
    let goes_on = built(builder.build_int_compare(IntPredicate::ULT, following, bits, ""));
    built(builder.build_conditional_branch(goes_on, block, after));
    builder.position_at_end(after);
    next_result
}
