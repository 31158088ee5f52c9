//! Vector instructions as short methods: what a kernel and the functions of [`crate::math`] are written in.
//!
//! A [`Lanes`] fixes the floating type, the number of lanes and the [`Level`]; its methods build one LLVM instruction each (or the
//! few that the level needs) on [`Vector`]s. Three shapes of vector occur, all of the same lane count: *real* (`<L x float>`,
//! `<L x double>`), *integer* (`<L x i32>`, `<L x i64>`: as wide as the real ones) and *mask* (`<L x i1>`).
//!
//! Rounding, infinities and NaN are IEEE 754's throughout: no fast-math flag is ever set, and [`Lanes::fma`] is the only method
//! whose rounding depends on the level.

use crate::level::Level;
use inkwell::builder::{Builder, BuilderError};
use inkwell::context::ContextRef;
use inkwell::intrinsics::Intrinsic;
use inkwell::module::Module;
use inkwell::types::{BasicTypeEnum, FloatType, IntType, VectorType};
use inkwell::values::{BasicValueEnum, FunctionValue, IntValue, PointerValue, VectorValue};
use inkwell::{FloatPredicate, IntPredicate};
use keopsc_ir::types::ScalarType;

/// A vector of reals, integers or truth values.
pub type Vector<'ctx> = VectorValue<'ctx>;

/// The computing type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Float {
    /// IEEE binary32.
    F32,
    /// IEEE binary64.
    F64,
}

impl Float {
    /// That of a type that is computed in: `F32` or `F64`.
    pub fn of(scalar: ScalarType) -> Float {
        if scalar == ScalarType::F64 { Float::F64 } else { Float::F32 }
    }

    /// Bits of a value.
    pub fn bits(self) -> u32 {
        match self {
            Float::F32 => 32,
            Float::F64 => 64,
        }
    }

    /// Explicit bits of the significand.
    pub fn mantissa_bits(self) -> u32 {
        match self {
            Float::F32 => 23,
            Float::F64 => 52,
        }
    }

    /// The bits of a number, rounded to the type.
    pub fn bits_of(self, value: f64) -> i64 {
        match self {
            Float::F32 => i64::from((value as f32).to_bits()),
            Float::F64 => value.to_bits() as i64,
        }
    }

    /// What is added to an exponent where it is stored.
    pub fn exponent_bias(self) -> i64 {
        match self {
            Float::F32 => 127,
            Float::F64 => 1023,
        }
    }
}

/// What the real lanes of a kernel hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// Numbers of the floating type: what libraries compute with.
    Real,
    /// Integers of that width in the same registers and places of memory, by [`keopsc_ops::ring`]: what tests compare bit for bit.
    Ring,
}

/// Builds vector instructions of one floating type and lane count at a builder's insertion point.
#[derive(Clone, Copy)]
pub struct Lanes<'a, 'ctx> {
    context: ContextRef<'ctx>,
    module: &'a Module<'ctx>,
    builder: &'a Builder<'ctx>,
    level: &'static Level,
    float: Float,
    count: u32,
    arithmetic: Arithmetic,
}

/// The result of a builder call, which fails only where the builder has no insertion point: a defect of the caller.
pub(crate) fn built<T>(result: Result<T, BuilderError>) -> T {
    result.expect("a vector instruction was built without an insertion point or on operands of another type")
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident => $build:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> { built(self.builder.$build(a, b, "")) })*
    };
}

macro_rules! unary_intrinsic {
    ($($(#[$doc:meta])* $name:ident => $intrinsic:literal;)*) => {
        $($(#[$doc])* pub fn $name(&self, a: Vector<'ctx>) -> Vector<'ctx> { self.intrinsic($intrinsic, &[a]) })*
    };
}

macro_rules! compare {
    ($($(#[$doc:meta])* $name:ident => $predicate:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
            built(self.builder.build_float_compare(FloatPredicate::$predicate, a, b, ""))
        })*
    };
}

macro_rules! compare_integer {
    ($($(#[$doc:meta])* $name:ident => $predicate:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
            built(self.builder.build_int_compare(IntPredicate::$predicate, a, b, ""))
        })*
    };
}

/// Construction and types.
impl<'a, 'ctx> Lanes<'a, 'ctx> {
    /// Full registers of a level.
    pub fn new(module: &'a Module<'ctx>, builder: &'a Builder<'ctx>, level: &'static Level, float: Float) -> Self {
        let count = match float {
            Float::F32 => level.lanes_f32,
            Float::F64 => level.lanes_f64,
        };
        Lanes { context: module.get_context(), module, builder, level, float, count, arithmetic: Arithmetic::Real }
    }

    /// The same with another number of lanes; other than a full register costs the special instructions of the level.
    pub fn with_count(self, count: u32) -> Self {
        Lanes { count, ..self }
    }

    /// The same with another floating type, the lane count kept.
    pub fn with_float(self, float: Float) -> Self {
        Lanes { float, ..self }
    }

    /// The same with another meaning of real lanes: that of [`crate::math`]'s functions, the methods here being what they say.
    pub fn with_arithmetic(self, arithmetic: Arithmetic) -> Self {
        Lanes { arithmetic, ..self }
    }

    /// What real lanes mean.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// The context that types are made in.
    pub fn context(&self) -> ContextRef<'ctx> {
        self.context
    }

    /// The module that intrinsics are declared in.
    pub fn module(&self) -> &'a Module<'ctx> {
        self.module
    }

    /// The builder whose insertion point all methods use.
    pub fn builder(&self) -> &'a Builder<'ctx> {
        self.builder
    }

    /// The instruction-set level.
    pub fn level(&self) -> &'static Level {
        self.level
    }

    /// The floating type.
    pub fn float(&self) -> Float {
        self.float
    }

    /// Lanes a vector.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether a vector is one AVX-512 register, so that its special instructions apply.
    pub fn is_avx512_register(&self) -> bool {
        self.level.has_avx512 && self.count * self.float.bits() == self.level.vector_bits
    }

    /// Whether a vector is one AVX2 register, so that its special instructions apply.
    pub fn is_avx2_register(&self) -> bool {
        self.level.has_avx2 && self.count * self.float.bits() == 256
    }

    /// Lanes of one full register, where vectors take two.
    pub fn half(self) -> Option<Self> {
        let full = Lanes::new(self.module, self.builder, self.level, self.float);
        (self.count == 2 * full.count).then_some(full)
    }

    /// The type of one real lane.
    pub fn scalar_type(&self) -> FloatType<'ctx> {
        match self.float {
            Float::F32 => self.context.f32_type(),
            Float::F64 => self.context.f64_type(),
        }
    }

    /// The type of one integer lane.
    pub fn integer_scalar_type(&self) -> IntType<'ctx> {
        match self.float {
            Float::F32 => self.context.i32_type(),
            Float::F64 => self.context.i64_type(),
        }
    }

    /// The type of a real vector.
    pub fn vector_type(&self) -> VectorType<'ctx> {
        self.scalar_type().vec_type(self.count)
    }

    /// The type of an integer vector.
    pub fn integer_type(&self) -> VectorType<'ctx> {
        self.integer_scalar_type().vec_type(self.count)
    }

    /// The type of a mask.
    pub fn mask_type(&self) -> VectorType<'ctx> {
        self.context.bool_type().vec_type(self.count)
    }
}

/// Constants, memory and lanes.
impl<'ctx> Lanes<'_, 'ctx> {
    /// A real constant in every lane.
    pub fn splat(&self, value: f64) -> Vector<'ctx> {
        VectorType::const_vector(&vec![self.scalar_type().const_float(value); self.count as usize])
    }

    /// An integer constant in every lane.
    pub fn splat_integer(&self, value: i64) -> Vector<'ctx> {
        VectorType::const_vector(&vec![self.integer_scalar_type().const_int(value as u64, true); self.count as usize])
    }

    /// A real constant a lane. `values` has one entry a lane.
    pub fn constant(&self, values: &[f64]) -> Vector<'ctx> {
        let values: Vec<_> = values.iter().map(|value| self.scalar_type().const_float(*value)).collect();
        VectorType::const_vector(&values)
    }

    /// A real constant a lane, given by its bits for each of a range of numbers, one a lane.
    pub fn constant_bits(&self, numbers: std::ops::Range<u32>, bits: impl Fn(u32) -> i64) -> Vector<'ctx> {
        let values: Vec<_> =
            numbers.map(|number| self.integer_scalar_type().const_int(bits(number) as u64, true)).collect();
        self.from_bits(VectorType::const_vector(&values))
    }

    /// The numbers 0, 1, 2, … as integer lanes.
    pub fn lane_numbers(&self) -> Vector<'ctx> {
        let values: Vec<_> =
            (0..u64::from(self.count)).map(|lane| self.integer_scalar_type().const_int(lane, false)).collect();
        VectorType::const_vector(&values)
    }

    /// A mask of which the first `live` lanes hold (`live` an integer of the lanes' width).
    pub fn first_lanes(&self, live: IntValue<'ctx>) -> Vector<'ctx> {
        self.integer_less(self.lane_numbers(), self.broadcast(live.into()))
    }

    /// A scalar (real, integer or truth value) in every lane.
    pub fn broadcast(&self, scalar: BasicValueEnum<'ctx>) -> Vector<'ctx> {
        let (element, integer) = (scalar.get_type(), self.context.i32_type());
        let undefined = match element {
            BasicTypeEnum::FloatType(element) => element.vec_type(self.count).get_poison(),
            BasicTypeEnum::IntType(element) => element.vec_type(self.count).get_poison(),
            other => unreachable!("only numbers and truth values are broadcast, not {other}"),
        };
        let first = built(self.builder.build_insert_element(undefined, scalar, integer.const_zero(), ""));
        built(self.builder.build_shuffle_vector(first, undefined, integer.vec_type(self.count).const_zero(), ""))
    }

    /// The real number at an address, in every lane.
    pub fn broadcast_load(&self, address: PointerValue<'ctx>) -> Vector<'ctx> {
        self.broadcast(built(self.builder.build_load(self.scalar_type(), address, "")))
    }

    /// The vector at an address that is a multiple of `alignment` bytes.
    pub fn load(&self, address: PointerValue<'ctx>, alignment: u32) -> Vector<'ctx> {
        self.load_as(self.vector_type(), address, alignment)
    }

    /// Asks for the memory at an address, which need not exist, to be in the first-level cache when it is read.
    pub fn prefetch(&self, address: PointerValue<'ctx>) {
        let [read, keep, data] = [0, 3, 1].map(|number| self.context.i32_type().const_int(number, false).into());
        let function = self.declaration("llvm.prefetch", &[address.get_type().into()]);
        built(self.builder.build_call(function, &[address.into(), read, keep, data], ""));
    }

    /// The integer vector at an address that is a multiple of `alignment` bytes.
    pub fn load_integer(&self, address: PointerValue<'ctx>, alignment: u32) -> Vector<'ctx> {
        self.load_as(self.integer_type(), address, alignment)
    }

    fn load_as(&self, vector: VectorType<'ctx>, address: PointerValue<'ctx>, alignment: u32) -> Vector<'ctx> {
        let value = built(self.builder.build_load(vector, address, "")).into_vector_value();
        if let Some(load) = value.as_instruction() {
            load.set_alignment(alignment).expect("alignments are powers of two");
        }
        value
    }

    /// Stores a real or integer vector at an address that is a multiple of `alignment` bytes.
    pub fn store(&self, value: Vector<'ctx>, address: PointerValue<'ctx>, alignment: u32) {
        built(self.builder.build_store(address, value)).set_alignment(alignment).expect("alignments are powers of two");
    }

    /// The address `index` real lanes behind `base`.
    pub fn offset(&self, base: PointerValue<'ctx>, index: IntValue<'ctx>) -> PointerValue<'ctx> {
        // SAFETY: `getelementptr` without `inbounds` computes an address and touches no memory.
        built(unsafe { self.builder.build_gep(self.scalar_type(), base, &[index], "") })
    }

    /// One lane, by constant number.
    pub fn lane(&self, a: Vector<'ctx>, lane: u32) -> BasicValueEnum<'ctx> {
        built(self.builder.build_extract_element(a, self.context.i32_type().const_int(u64::from(lane), false), ""))
    }

    /// The vector with one lane replaced, by constant number.
    pub fn with_lane(&self, a: Vector<'ctx>, value: BasicValueEnum<'ctx>, lane: u32) -> Vector<'ctx> {
        built(self.builder.build_insert_element(
            a,
            value,
            self.context.i32_type().const_int(u64::from(lane), false),
            "",
        ))
    }

    /// The lanes of `a` followed by those of `b`, by constant numbers: `lanes[k]` is what lane k of the result takes.
    pub fn shuffle(&self, a: Vector<'ctx>, b: Vector<'ctx>, lanes: &[u32]) -> Vector<'ctx> {
        let numbers: Vec<_> =
            lanes.iter().map(|lane| self.context.i32_type().const_int(u64::from(*lane), false)).collect();
        built(self.builder.build_shuffle_vector(a, b, VectorType::const_vector(&numbers), ""))
    }

    /// Whether any lane of a mask holds, as an `i1`.
    pub fn any(&self, mask: Vector<'ctx>) -> IntValue<'ctx> {
        self.call("llvm.vector.reduce.or", &[mask.get_type().into()], &[mask.into()]).into_int_value()
    }

    /// Whether every lane of a mask holds, as an `i1`.
    pub fn all(&self, mask: Vector<'ctx>) -> IntValue<'ctx> {
        self.call("llvm.vector.reduce.and", &[mask.get_type().into()], &[mask.into()]).into_int_value()
    }
}

/// Arithmetic on real lanes.
impl<'ctx> Lanes<'_, 'ctx> {
    binary! {
        /// a + b
        add => build_float_add;
        /// a − b
        sub => build_float_sub;
        /// a · b
        mul => build_float_mul;
        /// a / b
        div => build_float_div;
    }

    unary_intrinsic! {
        /// The absolute value.
        abs => "llvm.fabs";
        /// The largest integer not above.
        floor => "llvm.floor";
        /// The smallest integer not below.
        ceil => "llvm.ceil";
        /// The integer part.
        trunc => "llvm.trunc";
        /// The nearest integer, ties to even.
        round_even => "llvm.roundeven";
    }

    /// −a
    pub fn neg(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_float_neg(a, ""))
    }

    /// a · b + c, rounded once where the level has the instruction and twice elsewhere.
    pub fn fma(&self, a: Vector<'ctx>, b: Vector<'ctx>, c: Vector<'ctx>) -> Vector<'ctx> {
        self.intrinsic(if self.level.has_fma { "llvm.fma" } else { "llvm.fmuladd" }, &[a, b, c])
    }

    /// c − a · b, rounded as [`Lanes::fma`] is.
    pub fn fnma(&self, a: Vector<'ctx>, b: Vector<'ctx>, c: Vector<'ctx>) -> Vector<'ctx> {
        self.fma(self.neg(a), b, c)
    }

    /// `magnitude` with the sign bit of `sign`.
    pub fn copy_sign(&self, magnitude: Vector<'ctx>, sign: Vector<'ctx>) -> Vector<'ctx> {
        self.intrinsic("llvm.copysign", &[magnitude, sign])
    }

    /// The nearest integer, ties away from zero: the integer part of a + copysign(the number below 1/2, a).
    ///
    /// With 1/2 itself, the number below 1/2 would round up to 1. Infinities, NaN and integers pass.
    pub fn round(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        let below_half = match self.float {
            Float::F32 => 0.5 - f64::from(f32::EPSILON) / 4.0,
            Float::F64 => 0.5 - f64::EPSILON / 4.0,
        };
        self.trunc(self.add(a, self.copy_sign(self.splat(below_half), a)))
    }

    /// The smaller; where one is a (quiet) NaN, the other. As the table of intrinsics has it.
    ///
    /// One `vrangeps` on AVX-512; elsewhere `minps`, which takes its second operand where either is NaN, and a blend.
    pub fn min(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        if self.is_avx512_register() {
            return self.avx512_range(a, b, RANGE_MIN);
        }
        self.select(self.is_nan(b), a, self.min_or_second(a, b))
    }

    /// The larger; where one is NaN, the other. As the table of intrinsics has it.
    pub fn max(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        if self.is_avx512_register() {
            return self.avx512_range(a, b, RANGE_MAX);
        }
        self.select(self.is_nan(b), a, self.max_or_second(a, b))
    }

    /// `a < b ? a : b`: one instruction on x86, b where either is NaN. With a constant as `a` NaN passes through, as `b` it is replaced.
    pub fn min_or_second(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        self.select(self.less(a, b), a, b)
    }

    /// `a > b ? a : b`: one instruction on x86, b where either is NaN.
    pub fn max_or_second(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        self.select(self.less(b, a), a, b)
    }
}

/// Comparison and choice.
impl<'ctx> Lanes<'_, 'ctx> {
    compare! {
        /// a < b, false where one is NaN.
        less => OLT;
        /// a ≤ b, false where one is NaN.
        less_equal => OLE;
        /// a = b, false where one is NaN.
        equal => OEQ;
        /// a ≠ b, true where one is NaN.
        not_equal => UNE;
        /// Whether one of a and b is NaN.
        unordered => UNO;
        /// Not a < b: a ≥ b or one is NaN.
        not_less => UGE;
        /// Not a ≤ b: a > b or one is NaN.
        not_less_equal => UGT;
    }

    compare_integer! {
        /// a < b of signed integers.
        integer_less => SLT;
        /// a < b of unsigned integers.
        integer_below => ULT;
        /// a = b of integers.
        integer_equal => EQ;
    }

    /// Whether a is NaN.
    pub fn is_nan(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        self.unordered(a, a)
    }

    /// b in the lanes where the mask holds, else c. b and c are real, integer or masks.
    pub fn select(&self, mask: Vector<'ctx>, b: Vector<'ctx>, c: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_select(mask, b, c, "")).into_vector_value()
    }
}

/// Bits and integers. `and`, `or`, `xor` and `not` take integers or masks.
impl<'ctx> Lanes<'_, 'ctx> {
    binary! {
        /// a + b of integers, modulo 2^width.
        integer_add => build_int_add;
        /// a − b of integers, modulo 2^width.
        integer_sub => build_int_sub;
        /// a · b of integers, modulo 2^width.
        integer_mul => build_int_mul;
        /// Bitwise and.
        and => build_and;
        /// Bitwise or.
        or => build_or;
        /// Bitwise exclusive or.
        xor => build_xor;
        /// a shifted left by b bits.
        shift_left => build_left_shift;
    }

    /// a shifted right by b bits, zeros coming in.
    pub fn shift_right(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_right_shift(a, b, false, ""))
    }

    /// a shifted right by b bits, copies of the sign coming in.
    pub fn shift_right_signed(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_right_shift(a, b, true, ""))
    }

    /// How many zeros are below the lowest one, the width for 0.
    pub fn trailing_zeros(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        let zero_is_allowed = self.context.bool_type().const_zero().into();
        self.call("llvm.cttz", &[self.integer_type().into()], &[a.into(), zero_is_allowed]).into_vector_value()
    }

    /// The complement.
    pub fn not(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_not(a, ""))
    }

    /// The bits of real lanes as integers.
    pub fn bits(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_bit_cast(a, self.integer_type(), "")).into_vector_value()
    }

    /// The real lanes with those bits.
    pub fn from_bits(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_bit_cast(a, self.vector_type(), "")).into_vector_value()
    }

    /// Integers to reals of the same width, rounded to nearest.
    pub fn integer_to_real(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_signed_int_to_float(a, self.vector_type(), ""))
    }

    /// Reals to integers of the same width, towards zero; only for reals within the integers' range.
    pub fn real_to_integer(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_float_to_signed_int(a, self.integer_type(), ""))
    }

    /// float32 lanes to float64 lanes, exactly. `self` has the type of the argument.
    pub fn widen(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_float_ext(a, self.with_float(Float::F64).vector_type(), ""))
    }

    /// float64 lanes to float32 lanes, rounded to nearest. `self` has the type of the argument.
    pub fn narrow(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        built(self.builder.build_float_trunc(a, self.with_float(Float::F32).vector_type(), ""))
    }
}

/// Square roots.
impl<'ctx> Lanes<'_, 'ctx> {
    unary_intrinsic! {
        /// The square root, correctly rounded, by the processor's instruction.
        hardware_sqrt => "llvm.sqrt";
    }
}

/// Towards −∞, no exceptions raised.
const ROUND_DOWN: u64 = 0b1001;
/// The smaller by IEEE 754-2008's minNum, with the sign of the result of the comparison.
const RANGE_MIN: u64 = 0b0100;
/// The larger.
const RANGE_MAX: u64 = 0b0101;

/// Instructions of AVX-512, on full registers only ([`Lanes::is_avx512_register`]).
impl<'ctx> Lanes<'_, 'ctx> {
    /// Lane k is the entry of the table `low`, `high` (2·L entries) that the lowest bits of `index[k]` say.
    pub fn avx512_table(&self, index: Vector<'ctx>, low: Vector<'ctx>, high: Vector<'ctx>) -> Vector<'ctx> {
        self.avx512("vpermi2var", &[low.into(), index.into(), high.into()])
    }

    /// About 1/√a, to 14 bits: ±infinity at ±0, 0 at infinity, NaN below; subnormal numbers are not flushed.
    pub fn avx512_rsqrt14(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        self.avx512("rsqrt14", &[a.into(), a.into(), self.full_mask()])
    }

    /// a · b + c, rounded down.
    pub fn avx512_fma_down(&self, a: Vector<'ctx>, b: Vector<'ctx>, c: Vector<'ctx>) -> Vector<'ctx> {
        let down = self.context.i32_type().const_int(ROUND_DOWN, false).into();
        self.avx512("vfmadd", &[a.into(), b.into(), c.into(), down])
    }

    /// a + b, rounded down.
    pub fn avx512_add_down(&self, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        let down = self.context.i32_type().const_int(ROUND_DOWN, false).into();
        self.avx512("add", &[a.into(), b.into(), down])
    }

    fn avx512_range(&self, a: Vector<'ctx>, b: Vector<'ctx>, what: u64) -> Vector<'ctx> {
        let what = self.context.i32_type().const_int(what, false).into();
        self.avx512("mask.range", &[a.into(), b.into(), what, a.into(), self.full_mask(), self.current_rounding()])
    }

    fn full_mask(&self) -> BasicValueEnum<'ctx> {
        self.context
            .custom_width_int_type(self.count.try_into().expect("a register has lanes"))
            .expect("8 and 16 are widths")
            .const_all_ones()
            .into()
    }

    fn current_rounding(&self) -> BasicValueEnum<'ctx> {
        self.context.i32_type().const_int(4, false).into()
    }

    fn avx512(&self, name: &str, arguments: &[BasicValueEnum<'ctx>]) -> Vector<'ctx> {
        let suffix = match self.float {
            Float::F32 => "ps",
            Float::F64 => "pd",
        };
        self.call(&format!("llvm.x86.avx512.{name}.{suffix}.512"), &[], arguments).into_vector_value()
    }
}

/// Instructions of AVX and AVX2, on vectors of 256 bits only ([`Lanes::is_avx2_register`]).
impl<'ctx> Lanes<'_, 'ctx> {
    /// Lane k is the entry of `table` that the lowest bits of `index[k]` say: one of 8 in float32; in float64 one of 2, which the upper
    /// half of `table` repeats.
    pub fn avx2_table(&self, index: Vector<'ctx>, table: Vector<'ctx>) -> Vector<'ctx> {
        let (name, index) = match self.float {
            Float::F32 => ("llvm.x86.avx2.permps", index),
            Float::F64 => ("llvm.x86.avx.vpermilvar.pd.256", self.integer_add(index, index)),
        };
        self.call(name, &[], &[table.into(), index.into()]).into_vector_value()
    }
}

/// Calls of LLVM's intrinsics.
impl<'ctx> Lanes<'_, 'ctx> {
    fn intrinsic(&self, name: &str, arguments: &[Vector<'ctx>]) -> Vector<'ctx> {
        let values: Vec<_> = arguments.iter().map(|argument| (*argument).into()).collect();
        self.call(name, &[self.vector_type().into()], &values).into_vector_value()
    }

    fn call(
        &self,
        name: &str,
        overload: &[BasicTypeEnum<'ctx>],
        arguments: &[BasicValueEnum<'ctx>],
    ) -> BasicValueEnum<'ctx> {
        let function = self.declaration(name, overload);
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).into()).collect();
        built(self.builder.build_call(function, &arguments, "")).try_as_basic_value().unwrap_basic()
    }

    fn declaration(&self, name: &str, overload: &[BasicTypeEnum<'ctx>]) -> FunctionValue<'ctx> {
        Intrinsic::find(name)
            .and_then(|intrinsic| intrinsic.get_declaration(self.module, overload))
            .unwrap_or_else(|| panic!("this LLVM has no intrinsic {name}"))
    }
}
