//! The function that reduces magnitudes of any size by quarter turns (Payne and Hanek), lane after lane, in integers.
//!
//! a = M·2^E with an integer M. Of the bits of 2/π only 256 matter: those before stand for multiples of four quarter turns, those
//! behind for less than 2^−200. Their product with M has the quarter in its top two bits and the remainder below, of which
//! cancellation leaves at least 64 bits right. The remainder, normalised to 64 bits, times π/2 as a 64-bit number gives 106 bits,
//! which are cut into two numbers.

use crate::vector::{Float, Lanes, built};
use inkwell::IntPredicate;
use inkwell::attributes::{Attribute, AttributeLoc};
use inkwell::builder::Builder;
use inkwell::context::ContextRef;
use inkwell::intrinsics::Intrinsic;
use inkwell::module::{Linkage, Module};
use inkwell::types::{BasicType, IntType};
use inkwell::values::{FloatValue, FunctionValue, IntValue, PointerValue};

/// 64 zero bits, then the first 1280 bits of 2/π.
const TWO_OVER_PI: [u64; 21] = [
    0,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
    0xf0cf_bc20_9af4_361d,
];

/// π/2 · 2^63.
const HALF_PI: u64 = 0xc90f_daa2_2168_c235;

/// The function `<L x T> -> {<L x integer> quarters, <L x T> high, <L x T> low}`, made once a module: [`super::reduction`] says
/// what the fields mean. For a magnitude below 2^−10, that of a lane that is not far, they are unspecified.
pub(super) fn far_reduction<'ctx>(lanes: &Lanes<'_, 'ctx>) -> FunctionValue<'ctx> {
    let name = format!("keopsc.far_reduction.f{}x{}", lanes.float().bits(), lanes.count());
    if let Some(function) = lanes.module().get_function(&name) {
        return function;
    }
    let context = lanes.context();
    let (real, integer) = (lanes.vector_type(), lanes.integer_type());
    let result = context.struct_type(&[integer.into(), real.into(), real.into()], false);
    let function = lanes.module().add_function(&name, result.fn_type(&[real.into()], false), Some(Linkage::Private));
    lanes.level().attach(context, function);
    for attribute in ["cold", "noinline", "nounwind"] {
        let kind = Attribute::get_named_enum_kind_id(attribute);
        function.add_attribute(AttributeLoc::Function, context.create_enum_attribute(kind, 0));
    }
    let builder = lanes.context().create_builder();
    build_body(&builder, lanes, function);
    function
}

/// The lanes go through memory, so that one copy of the integer code serves them all.
fn build_body<'ctx>(builder: &Builder<'ctx>, lanes: &Lanes<'_, 'ctx>, function: FunctionValue<'ctx>) {
    let context = lanes.context();
    let block = |name| context.append_basic_block(function, name);
    let (entry, body, exit) = (block("entry"), block("lane"), block("exit"));
    let long = context.i64_type();

    builder.position_at_end(entry);
    let [argument, high, low] = [(); 3].map(|()| built(builder.build_alloca(lanes.vector_type(), "")));
    let quarters = built(builder.build_alloca(lanes.integer_type(), ""));
    built(builder.build_store(argument, function.get_nth_param(0).expect("the function has a parameter")));
    built(builder.build_unconditional_branch(body));

    builder.position_at_end(body);
    let lane = built(builder.build_phi(long, "lane"));
    let index = lane.as_basic_value().into_int_value();
    let (real, integer) = (lanes.scalar_type(), lanes.integer_scalar_type());
    let code = Scalar { builder, context, module: lanes.module() };
    let magnitude = built(builder.build_load(real, code.element(real, argument, index), "")).into_float_value();
    let reduced = code.reduce(code.widened(lanes.float(), magnitude));
    let (upper, lower) = code.narrowed(lanes.float(), reduced.high, reduced.low);
    built(builder.build_store(code.element(real, high, index), upper));
    built(builder.build_store(code.element(real, low, index), lower));
    let quarter = built(builder.build_int_truncate_or_bit_cast(reduced.quarter, integer, ""));
    built(builder.build_store(code.element(integer, quarters, index), quarter));
    let next = code.add(index, long.const_int(1, false));
    lane.add_incoming(&[(&long.const_zero(), entry), (&next, body)]);
    let more =
        built(builder.build_int_compare(IntPredicate::ULT, next, long.const_int(u64::from(lanes.count()), false), ""));
    built(builder.build_conditional_branch(more, body, exit));

    builder.position_at_end(exit);
    let load = |from: PointerValue<'ctx>, vector| {
        built(builder.build_load::<inkwell::types::VectorType<'ctx>>(vector, from, ""))
    };
    let fields =
        [load(quarters, lanes.integer_type()), load(high, lanes.vector_type()), load(low, lanes.vector_type())];
    built(builder.build_aggregate_return(&fields));
}

/// The remainder of one number, in float64.
struct Remainder<'ctx> {
    quarter: IntValue<'ctx>,
    high: FloatValue<'ctx>,
    low: FloatValue<'ctx>,
}

/// Scalar code.
struct Scalar<'b, 'ctx> {
    builder: &'b Builder<'ctx>,
    context: ContextRef<'ctx>,
    module: &'b Module<'ctx>,
}

impl<'ctx> Scalar<'_, 'ctx> {
    fn reduce(&self, a: FloatValue<'ctx>) -> Remainder<'ctx> {
        let bits = built(self.builder.build_bit_cast(a, self.context.i64_type(), "")).into_int_value();
        let exponent = self.and(self.shift_right(bits, self.long(52)), self.long(0x7ff));
        let integer = self.or(self.and(bits, self.long((1 << 52) - 1)), self.long(1 << 52));
        // a = integer · 2^(exponent − 1075); the two bits for the quarter begin 2 bits before that of weight 1.
        let first = built(self.builder.build_int_sub(exponent, self.long(1075 - 62), ""));
        // Lanes below that are near, and their result is not taken: any place in the table will do.
        let near = built(self.builder.build_int_compare(IntPredicate::SLT, first, self.long(0), ""));
        let first = built(self.builder.build_select(near, self.long(0), first, "")).into_int_value();
        let [turns, middle, last] = self.product(first, integer);

        let quarter = self.shift_right(self.add(turns, self.long(1 << 61)), self.long(62));
        let joined = self.or(self.shift_left(self.widen(turns), self.wide(64)), self.widen(middle));
        let fraction =
            self.or(self.shift_left(joined, self.wide(2)), self.widen(self.shift_right(last, self.long(62))));
        let (negative, high, low) = self.radians(fraction);

        // The difference is 0, or NaN where a is infinite.
        let nothing = built(self.builder.build_float_sub(a, a, ""));
        let signed = |value| {
            let minus = built(self.builder.build_float_neg(value, ""));
            built(self.builder.build_select(negative, minus, value, "")).into_float_value()
        };
        Remainder { quarter, high: built(self.builder.build_float_add(signed(high), nothing, "")), low: signed(low) }
    }

    /// The upper 192 of the 256 bits of `integer` times the bits of 2/π that begin at `first`, the bits above left out.
    fn product(&self, first: IntValue<'ctx>, integer: IntValue<'ctx>) -> [IntValue<'ctx>; 3] {
        let word = self.shift_right(first, self.long(6));
        let [w0, w1, w2, w3, w4] = [0, 1, 2, 3, 4].map(|k| self.two_over_pi(self.add(word, self.long(k))));
        let window = [(w0, w1), (w1, w2), (w2, w3), (w3, w4)].map(|(upper, lower)| self.funnel(upper, lower, first));
        let mut carry = self.wide(0);
        let words = [3, 2, 1, 0].map(|k| {
            let product: IntValue<'ctx> = window[k];
            let sum = self.add(built(self.builder.build_int_mul(self.widen(product), self.widen(integer), "")), carry);
            carry = self.shift_right(sum, self.wide(64));
            self.low_word(sum)
        });
        [words[3], words[2], words[1]]
    }

    /// A signed fraction of 2^128 of a quarter turn: whether it is negative, and its magnitude in radians as two numbers.
    fn radians(&self, fraction: IntValue<'ctx>) -> (IntValue<'ctx>, FloatValue<'ctx>, FloatValue<'ctx>) {
        let negative = built(self.builder.build_int_compare(IntPredicate::SLT, fraction, self.wide(0), ""));
        let minus = built(self.builder.build_int_neg(fraction, ""));
        let magnitude = built(self.builder.build_select(negative, minus, fraction, "")).into_int_value();
        let zeros = self.leading_zeros(magnitude);
        let normal = self.low_word(self.shift_right(self.shift_left(magnitude, zeros), self.wide(64)));
        let product = built(self.builder.build_int_mul(self.widen(normal), self.widen(self.long(HALF_PI)), ""));
        let zeros = self.low_word(zeros);
        let high = self.scaled(self.low_word(self.shift_right(product, self.wide(75))), 52, zeros);
        let rest = self.and(self.low_word(self.shift_right(product, self.wide(22))), self.long((1 << 53) - 1));
        (negative, high, self.scaled(rest, 105, zeros))
    }

    /// integer · 2^(−point − zeros).
    fn scaled(&self, integer: IntValue<'ctx>, point: u64, zeros: IntValue<'ctx>) -> FloatValue<'ctx> {
        let exponent = built(self.builder.build_int_sub(self.long(1023 - point), zeros, ""));
        let power = self.shift_left(exponent, self.long(52));
        let power = built(self.builder.build_bit_cast(power, self.context.f64_type(), "")).into_float_value();
        let real = built(self.builder.build_signed_int_to_float(integer, self.context.f64_type(), ""));
        built(self.builder.build_float_mul(real, power, ""))
    }

    fn two_over_pi(&self, index: IntValue<'ctx>) -> IntValue<'ctx> {
        let name = "keopsc.two_over_pi";
        let table = self.module.get_global(name).unwrap_or_else(|| {
            let words = self.context.i64_type().const_array(&TWO_OVER_PI.map(|word| self.long(word)));
            let table = self.module.add_global(words.get_type(), None, name);
            table.set_initializer(&words);
            table.set_constant(true);
            table.set_linkage(Linkage::Private);
            table
        });
        let long = self.context.i64_type();
        built(self.builder.build_load(long, self.element(long, table.as_pointer_value(), index), "")).into_int_value()
    }

    fn element(
        &self,
        element: impl BasicType<'ctx>,
        base: PointerValue<'ctx>,
        index: IntValue<'ctx>,
    ) -> PointerValue<'ctx> {
        // SAFETY: `getelementptr` without `inbounds` computes an address and touches no memory.
        built(unsafe { self.builder.build_gep(element, base, &[index], "") })
    }

    fn widened(&self, float: Float, a: FloatValue<'ctx>) -> FloatValue<'ctx> {
        match float {
            Float::F32 => built(self.builder.build_float_ext(a, self.context.f64_type(), "")),
            Float::F64 => a,
        }
    }

    /// high + low in the floating type: high rounded, low what is missing.
    fn narrowed(
        &self,
        float: Float,
        high: FloatValue<'ctx>,
        low: FloatValue<'ctx>,
    ) -> (FloatValue<'ctx>, FloatValue<'ctx>) {
        match float {
            Float::F64 => (high, low),
            Float::F32 => {
                let upper = built(self.builder.build_float_trunc(high, self.context.f32_type(), ""));
                let missing = built(self.builder.build_float_sub(high, self.widened(float, upper), ""));
                (upper, built(self.builder.build_float_trunc(missing, self.context.f32_type(), "")))
            }
        }
    }

    fn funnel(&self, upper: IntValue<'ctx>, lower: IntValue<'ctx>, by: IntValue<'ctx>) -> IntValue<'ctx> {
        self.intrinsic("llvm.fshl", self.context.i64_type(), &[upper, lower, by])
    }

    fn leading_zeros(&self, a: IntValue<'ctx>) -> IntValue<'ctx> {
        self.intrinsic("llvm.ctlz", self.context.i128_type(), &[a, self.context.bool_type().const_zero()])
    }

    fn intrinsic(&self, name: &str, overload: IntType<'ctx>, arguments: &[IntValue<'ctx>]) -> IntValue<'ctx> {
        let declaration =
            Intrinsic::find(name).and_then(|intrinsic| intrinsic.get_declaration(self.module, &[overload.into()]));
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).into()).collect();
        let function = declaration.unwrap_or_else(|| panic!("this LLVM has no intrinsic {name}"));
        built(self.builder.build_call(function, &arguments, "")).try_as_basic_value().unwrap_basic().into_int_value()
    }

    fn long(&self, value: u64) -> IntValue<'ctx> {
        self.context.i64_type().const_int(value, false)
    }

    fn wide(&self, value: u64) -> IntValue<'ctx> {
        self.context.i128_type().const_int(value, false)
    }

    fn widen(&self, a: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.builder.build_int_z_extend(a, self.context.i128_type(), ""))
    }

    fn low_word(&self, a: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.builder.build_int_truncate(a, self.context.i64_type(), ""))
    }

    fn add(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.builder.build_int_add(a, b, ""))
    }

    fn and(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.builder.build_and(a, b, ""))
    }

    fn or(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.builder.build_or(a, b, ""))
    }

    fn shift_left(&self, a: IntValue<'ctx>, by: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.builder.build_left_shift(a, by, ""))
    }

    fn shift_right(&self, a: IntValue<'ctx>, by: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.builder.build_right_shift(a, by, false, ""))
    }
}
