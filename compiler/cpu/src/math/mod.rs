//! The intrinsics on vectors: one file a family of functions, inlined into the kernel as polynomials; [`ring`] has what they stand for in
//! [`Arithmetic::Ring`].
//!
//! Every function takes the vectors of several independent chains and advances them step by step ([`steps`]), so that a processor
//! finds work while a polynomial waits for itself. [`emit`] is the one entry that needs the name of a function.
//!
//! `sin`, `cos` and `tan`, and powers in the ring, end in another basic block than they began in: a loop that carries values takes its back edge
//! from where the builder stands afterwards.

pub mod exp;
mod far_reduction;
pub mod hyperbolic;
pub mod inverse_trig;
pub mod log;
pub mod pow;
mod reduction;
pub mod ring;
pub mod root;
pub mod steps;
pub mod trig;

use crate::vector::{Arithmetic, Lanes, Vector, built};
use inkwell::values::IntValue;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Sign;
use steps::Steps;

/// The values of an intrinsic for several independent vectors.
///
/// `arguments` has one entry an argument, each with one vector a chain: real lanes, masks for truth values, integer lanes, all
/// of one width, for row numbers. So has the result. Edge values and error bounds are those of the table of intrinsics.
///
/// Panics if `arguments` is shorter than the intrinsic's argument list.
pub fn emit<'ctx>(lanes: &Lanes<'_, 'ctx>, intrinsic: Intrinsic, arguments: &[Vec<Vector<'ctx>>]) -> Vec<Vector<'ctx>> {
    match lanes.arithmetic() {
        Arithmetic::Real => emit_real(lanes, intrinsic, arguments),
        Arithmetic::Ring => ring::emit(lanes, intrinsic, arguments),
    }
}

/// Whether [`emit_signed`] makes use of signs.
pub fn heeds_signs(intrinsic: Intrinsic) -> bool {
    matches!(intrinsic, Intrinsic::Exp | Intrinsic::Exp2)
}

/// [`emit`] where something is known of the signs of the arguments.
pub fn emit_signed<'ctx>(
    lanes: &Lanes<'_, 'ctx>,
    intrinsic: Intrinsic,
    arguments: &[Vec<Vector<'ctx>>],
    signs: &[Sign],
) -> Vec<Vector<'ctx>> {
    if lanes.arithmetic() == Arithmetic::Real && signs.first().is_some_and(|sign| sign.nonpositive) {
        match intrinsic {
            Intrinsic::Exp => return exp::exp_of_nonpositive(lanes, &arguments[0]),
            Intrinsic::Exp2 => return exp::exp2_of_nonpositive(lanes, &arguments[0]),
            _ => {}
        }
    }
    emit(lanes, intrinsic, arguments)
}

/// A constant in every lane.
pub fn constant<'ctx>(lanes: &Lanes<'_, 'ctx>, value: f64) -> Vector<'ctx> {
    match lanes.arithmetic() {
        Arithmetic::Real => lanes.splat(value),
        Arithmetic::Ring => ring::constant(lanes, value),
    }
}

/// An i64 as a number, in every lane.
pub fn number<'ctx>(lanes: &Lanes<'_, 'ctx>, integer: IntValue<'ctx>) -> Vector<'ctx> {
    match lanes.arithmetic() {
        Arithmetic::Real => {
            let real = lanes.builder().build_signed_int_to_float(integer, lanes.scalar_type(), "");
            lanes.broadcast(built(real).into())
        }
        Arithmetic::Ring => ring::number(lanes, integer),
    }
}

/// a · b + c for each vector, rounded as [`Lanes::fma`] is.
pub fn fma<'ctx>(
    lanes: &Lanes<'_, 'ctx>,
    a: &[Vector<'ctx>],
    b: &[Vector<'ctx>],
    c: &[Vector<'ctx>],
) -> Vec<Vector<'ctx>> {
    match lanes.arithmetic() {
        Arithmetic::Real => Steps::new(lanes, c.len()).fma(a, b, c),
        Arithmetic::Ring => ring::fma(lanes, a, b, c),
    }
}

/// c − a · b for each vector, rounded as [`Lanes::fma`] is.
pub fn fnma<'ctx>(
    lanes: &Lanes<'_, 'ctx>,
    a: &[Vector<'ctx>],
    b: &[Vector<'ctx>],
    c: &[Vector<'ctx>],
) -> Vec<Vector<'ctx>> {
    fma(lanes, &emit(lanes, Intrinsic::Neg, &[a.to_vec()]), b, c)
}

/// a · b − c for each vector, rounded as [`Lanes::fma`] is.
pub fn fms<'ctx>(
    lanes: &Lanes<'_, 'ctx>,
    a: &[Vector<'ctx>],
    b: &[Vector<'ctx>],
    c: &[Vector<'ctx>],
) -> Vec<Vector<'ctx>> {
    fma(lanes, a, b, &emit(lanes, Intrinsic::Neg, &[c.to_vec()]))
}

/// float32 lanes as float64 lanes. `lanes` has the type of the vectors.
pub fn widen<'ctx>(lanes: &Lanes<'_, 'ctx>, vectors: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let widen = |vector: &Vector<'ctx>| match lanes.arithmetic() {
        Arithmetic::Real => lanes.widen(*vector),
        Arithmetic::Ring => ring::widen(lanes, *vector),
    };
    vectors.iter().map(widen).collect()
}

/// float64 lanes as float32 lanes. `lanes` has the type of the vectors.
pub fn narrow<'ctx>(lanes: &Lanes<'_, 'ctx>, vectors: &[Vector<'ctx>]) -> Vec<Vector<'ctx>> {
    let narrow = |vector: &Vector<'ctx>| match lanes.arithmetic() {
        Arithmetic::Real => lanes.narrow(*vector),
        Arithmetic::Ring => ring::narrow(lanes, *vector),
    };
    vectors.iter().map(narrow).collect()
}

fn emit_real<'ctx>(
    lanes: &Lanes<'_, 'ctx>,
    intrinsic: Intrinsic,
    arguments: &[Vec<Vector<'ctx>>],
) -> Vec<Vector<'ctx>> {
    if let Some(half) = lanes.half().filter(|_| has_register_form(intrinsic)) {
        return emit_by_halves(lanes, &half, intrinsic, arguments);
    }
    let a = &arguments[0];
    let steps = Steps::new(lanes, a.len());
    match intrinsic {
        Intrinsic::Add => steps.add(a, &arguments[1]),
        Intrinsic::Sub => steps.sub(a, &arguments[1]),
        Intrinsic::Mul => steps.mul(a, &arguments[1]),
        Intrinsic::Div => steps.div(a, &arguments[1]),
        Intrinsic::Neg => steps.neg(a),
        Intrinsic::Abs => steps.abs(a),
        Intrinsic::Min => steps.min(a, &arguments[1]),
        Intrinsic::Max => steps.max(a, &arguments[1]),
        Intrinsic::Floor => steps.floor(a),
        Intrinsic::Ceil => steps.ceil(a),
        Intrinsic::Trunc => steps.trunc(a),
        Intrinsic::Round => steps.round(a),
        Intrinsic::Sqrt => root::sqrt(lanes, a),
        Intrinsic::Rsqrt => root::rsqrt(lanes, a),
        Intrinsic::Exp => exp::exp(lanes, a),
        Intrinsic::Exp2 => exp::exp2(lanes, a),
        Intrinsic::Expm1 => exp::expm1(lanes, a),
        Intrinsic::Log => log::log(lanes, a),
        Intrinsic::Log2 => log::log2(lanes, a),
        Intrinsic::Log10 => log::log10(lanes, a),
        Intrinsic::Log1p => log::log1p(lanes, a),
        Intrinsic::Sin => trig::sin(lanes, a),
        Intrinsic::Cos => trig::cos(lanes, a),
        Intrinsic::Tan => trig::tan(lanes, a),
        Intrinsic::Asin => inverse_trig::asin(lanes, a),
        Intrinsic::Acos => inverse_trig::acos(lanes, a),
        Intrinsic::Atan => inverse_trig::atan(lanes, a),
        Intrinsic::Atan2 => inverse_trig::atan2(lanes, a, &arguments[1]),
        Intrinsic::Sinh => hyperbolic::sinh(lanes, a),
        Intrinsic::Cosh => hyperbolic::cosh(lanes, a),
        Intrinsic::Tanh => hyperbolic::tanh(lanes, a),
        Intrinsic::Pow => pow::pow(lanes, a, &arguments[1]),
        Intrinsic::Less => steps.less(a, &arguments[1]),
        Intrinsic::LessEqual => steps.less_equal(a, &arguments[1]),
        Intrinsic::Equal => steps.equal(a, &arguments[1]),
        Intrinsic::NotEqual => steps.not_equal(a, &arguments[1]),
        Intrinsic::EqualIndex => steps.integer_equal(a, &arguments[1]),
        Intrinsic::Select | Intrinsic::SelectIndex => steps.select(a, &arguments[1], &arguments[2]),
    }
}

/// Whether an intrinsic of real numbers uses instructions that there are for full registers only.
fn has_register_form(intrinsic: Intrinsic) -> bool {
    use Intrinsic::*;
    matches!(intrinsic, Min | Max | Sqrt | Rsqrt | Exp | Exp2 | Log | Log2 | Sinh | Cosh | Tanh)
}

/// The values for vectors of two registers, register by register: twice as many chains.
fn emit_by_halves<'ctx>(
    lanes: &Lanes<'_, 'ctx>,
    half: &Lanes<'_, 'ctx>,
    intrinsic: Intrinsic,
    arguments: &[Vec<Vector<'ctx>>],
) -> Vec<Vector<'ctx>> {
    let all: Vec<u32> = (0..lanes.count()).collect();
    let (low, high) = all.split_at(half.count() as usize);
    let split = |vector: &Vector<'ctx>| [low, high].map(|part| lanes.shuffle(*vector, *vector, part));
    let arguments: Vec<Vec<_>> = arguments.iter().map(|vectors| vectors.iter().flat_map(split).collect()).collect();
    let values = emit(half, intrinsic, &arguments);
    values.chunks(2).map(|parts| half.shuffle(parts[0], parts[1], &all)).collect()
}
