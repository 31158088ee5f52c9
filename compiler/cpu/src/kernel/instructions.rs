//! Scalar instructions, memory and control flow, in the few forms that kernels use.

use inkwell::IntPredicate;
use inkwell::builder::BuilderError;
use inkwell::types::{BasicType, BasicTypeEnum, VectorType};
use inkwell::values::{BasicValue, FunctionValue, IntValue, PointerValue};

use super::Kernel;
use super::expression::Bundle;
use crate::vector::{Float, Vector};

/// Building fails only on malformed requests, which are defects of this crate.
fn built<T>(result: Result<T, BuilderError>) -> T {
    result.expect("an instruction was built without an insertion point or on operands of another type")
}

/// What the support code and locals guarantee: buffers are 64-byte aligned, and int64 lanes may take two registers.
fn alignment(vector: VectorType<'_>) -> u32 {
    let bits = match vector.get_element_type() {
        BasicTypeEnum::IntType(lane) => lane.get_bit_width(),
        BasicTypeEnum::FloatType(lane) => lane.get_bit_width(),
        _ => 8,
    };
    (vector.get_size() * bits / 8).min(64)
}

/// Integers.
impl<'ctx> Kernel<'_, 'ctx> {
    /// An i64 constant.
    pub fn integer(&self, value: i64) -> IntValue<'ctx> {
        self.lanes.context().i64_type().const_int(value as u64, true)
    }

    /// a + b
    pub fn add(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.lanes.builder().build_int_add(a, b, ""))
    }

    /// a - b
    pub fn subtract(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.lanes.builder().build_int_sub(a, b, ""))
    }

    /// a * b
    pub fn multiply(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.lanes.builder().build_int_mul(a, b, ""))
    }

    /// a / b of non-negative numbers.
    pub fn divide(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.lanes.builder().build_int_unsigned_div(a, b, ""))
    }

    /// The remainder of non-negative numbers.
    pub fn remainder(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.lanes.builder().build_int_unsigned_rem(a, b, ""))
    }

    /// A comparison.
    pub fn compare(&self, predicate: IntPredicate, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.lanes.builder().build_int_compare(predicate, a, b, ""))
    }

    /// The integers that the function is given, in order.
    pub fn integer_parameters(&self) -> Vec<IntValue<'ctx>> {
        let integers = self.function.get_param_iter().filter(|value| value.is_int_value());
        integers.map(|value| value.into_int_value()).collect()
    }

    /// `a` where a condition holds, else `b`.
    pub fn choose(&self, condition: IntValue<'ctx>, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        built(self.lanes.builder().build_select(condition, a, b, "")).into_int_value()
    }

    /// The same address under a name of its own: what is read through both is read twice.
    pub fn renamed(&self, address: PointerValue<'ctx>) -> PointerValue<'ctx> {
        let address_type = address.get_type();
        let function = address_type.fn_type(&[address_type.into()], false);
        // Nothing, with side effects that LLVM does not know, so that it joins no two of them.
        let nothing =
            self.lanes.context().create_inline_asm(function, String::new(), "=r,0".into(), true, false, None, false);
        let call = built(self.lanes.builder().build_indirect_call(function, nothing, &[address.into()], ""));
        call.try_as_basic_value().unwrap_basic().into_pointer_value()
    }

    /// The smaller of two.
    pub fn smaller(&self, a: IntValue<'ctx>, b: IntValue<'ctx>) -> IntValue<'ctx> {
        self.choose(self.compare(IntPredicate::SLT, a, b), a, b)
    }

    /// The low bits of an i64 as an integer of the lanes' width.
    pub fn narrow_integer(&self, a: IntValue<'ctx>) -> IntValue<'ctx> {
        let narrow = self.lanes.integer_scalar_type();
        if narrow == a.get_type() { a } else { built(self.lanes.builder().build_int_truncate(a, narrow, "")) }
    }
}

/// Integer lanes.
impl<'ctx> Kernel<'_, 'ctx> {
    /// Integer lanes as int64 lanes.
    pub fn sign_extend(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        let long = self.long_type();
        if a.get_type() == long { a } else { built(self.lanes.builder().build_int_s_extend(a, long, "")) }
    }

    /// int64 lanes as integer lanes, which have room for their values.
    pub fn truncate(&self, a: Vector<'ctx>) -> Vector<'ctx> {
        let narrow = self.lanes.integer_type();
        if a.get_type() == narrow { a } else { built(self.lanes.builder().build_int_truncate(a, narrow, "")) }
    }

    /// int64 lanes of which these are the lower and the upper halves.
    pub fn join_halves(&self, low: Vector<'ctx>, high: Vector<'ctx>) -> Vector<'ctx> {
        let (builder, long) = (self.lanes.builder(), self.lanes.with_float(Float::F64));
        let [low, high] = [low, high].map(|half| built(builder.build_int_z_extend(half, self.long_type(), "")));
        long.or(low, long.shift_left(high, long.splat_integer(32)))
    }

    /// The lower and the upper halves of int64 lanes.
    pub fn halves(&self, a: Vector<'ctx>) -> (Vector<'ctx>, Vector<'ctx>) {
        let (builder, long) = (self.lanes.builder(), self.lanes.with_float(Float::F64));
        let narrow = |a| built(builder.build_int_truncate(a, self.lanes.integer_type(), ""));
        (narrow(a), narrow(long.shift_right(a, long.splat_integer(32))))
    }

    /// A comparison of integer lanes.
    pub fn compare_vectors(&self, predicate: IntPredicate, a: Vector<'ctx>, b: Vector<'ctx>) -> Vector<'ctx> {
        built(self.lanes.builder().build_int_compare(predicate, a, b, ""))
    }
}

/// Memory.
impl<'ctx> Kernel<'_, 'ctx> {
    /// Stack memory for `count` vectors, in the entry block so that it can become registers.
    pub fn local(&self, vector: VectorType<'ctx>, count: u32) -> PointerValue<'ctx> {
        let builder = self.lanes.builder();
        let current = builder.get_insert_block().expect("an insertion point");
        let entry = self.function.get_first_basic_block().expect("an entry block");
        match entry.get_first_instruction() {
            Some(first) => builder.position_before(&first),
            None => builder.position_at_end(entry),
        }
        let memory: BasicTypeEnum =
            if count == 1 { vector.into() } else { vector.array_type(count).as_basic_type_enum() };
        let pointer = built(builder.build_alloca(memory, ""));
        builder.position_at_end(current);
        pointer
    }

    /// The address `bytes` behind `base`.
    pub fn address(&self, base: PointerValue<'ctx>, bytes: IntValue<'ctx>) -> PointerValue<'ctx> {
        // SAFETY: `getelementptr` without `inbounds` computes an address and touches no memory.
        built(unsafe { self.lanes.builder().build_gep(self.lanes.context().i8_type(), base, &[bytes], "") })
    }

    /// The address of element `index` of an array of vectors.
    pub fn element(
        &self,
        vector: VectorType<'ctx>,
        base: PointerValue<'ctx>,
        index: IntValue<'ctx>,
    ) -> PointerValue<'ctx> {
        // SAFETY: as above.
        built(unsafe { self.lanes.builder().build_gep(vector, base, &[index], "") })
    }

    /// Stack memory for a state.
    pub fn state_buffer(&self) -> PointerValue<'ctx> {
        const LINE: u32 = 64;
        let bytes = self.lanes.context().i8_type().vec_type(LINE);
        let lines = (self.layout.state_size.max(u64::from(LINE)) as u32).div_ceil(LINE);
        let buffer = self.local(bytes, lines);
        if let Some(instruction) = buffer.as_instruction() {
            instruction.set_alignment(LINE).expect("alignments are powers of two");
        }
        buffer
    }

    /// The lanes of a line of a state whose elements have 4 or 8 bytes.
    pub fn line_type(&self, size: u64) -> VectorType<'ctx> {
        self.lanes.with_float(if size == 8 { Float::F64 } else { Float::F32 }).integer_type()
    }

    /// Stores the first lane as an element of so many bytes.
    pub fn store_lane(&self, vector: Vector<'ctx>, place: PointerValue<'ctx>, size: u64) {
        let instruction = built(self.lanes.builder().build_store(place, self.lanes.lane(vector, 0)));
        instruction.set_alignment(size as u32).expect("alignments are powers of two");
    }

    /// Loads a vector each.
    pub fn load_all(&self, places: &[PointerValue<'ctx>], vector: VectorType<'ctx>) -> Bundle<'ctx> {
        let load = |place: &PointerValue<'ctx>| {
            let value = built(self.lanes.builder().build_load(vector, *place, "")).into_vector_value();
            if let Some(instruction) = value.as_instruction() {
                instruction.set_alignment(alignment(vector)).expect("alignments are powers of two");
            }
            value
        };
        places.iter().map(load).collect()
    }

    /// Stores a vector each.
    pub fn store_all(&self, vectors: &Bundle<'ctx>, places: &[PointerValue<'ctx>]) {
        for (vector, place) in vectors.iter().zip(places) {
            let instruction = built(self.lanes.builder().build_store(*place, *vector));
            instruction.set_alignment(alignment(vector.get_type())).expect("alignments are powers of two");
        }
    }

    /// Stores a scalar as a component of a record.
    pub fn store_scalar(&self, value: impl BasicValue<'ctx>, place: PointerValue<'ctx>) {
        let instruction = built(self.lanes.builder().build_store(place, value));
        instruction.set_alignment(self.layout.real_size as u32).expect("alignments are powers of two");
    }

    /// Loads a row number that is a component of a record.
    pub fn load_long(&self, place: PointerValue<'ctx>) -> IntValue<'ctx> {
        let value = built(self.lanes.builder().build_load(self.lanes.context().i64_type(), place, "")).into_int_value();
        if let Some(instruction) = value.as_instruction() {
            instruction.set_alignment(self.layout.real_size as u32).expect("alignments are powers of two");
        }
        value
    }
}

/// Control flow.
impl<'ctx> Kernel<'_, 'ctx> {
    /// Whether any lane of any mask holds.
    pub fn is_any(&self, masks: &[Vector<'ctx>]) -> IntValue<'ctx> {
        let (builder, context) = (self.lanes.builder(), self.lanes.context());
        let any = masks.iter().copied().reduce(|a, b| built(builder.build_or(a, b, "")));
        let Some(any) = any else { return context.bool_type().const_zero() };
        let bits = context.custom_width_int_type(self.lanes.count().try_into().expect("there are lanes"));
        let bits = bits.expect("LLVM has integers of this width");
        let any = built(builder.build_bit_cast(any, bits, "")).into_int_value();
        self.compare(IntPredicate::NE, any, bits.const_zero())
    }

    /// `body` where the condition holds, which it seldom does.
    pub fn if_rare(&self, condition: IntValue<'ctx>, mut body: impl FnMut()) {
        self.if_else(condition, |holds| {
            if holds {
                body();
            }
        });
    }

    /// Calls a function of the module that takes pointers.
    pub fn call(&self, function: FunctionValue<'ctx>, pointers: &[PointerValue<'ctx>]) {
        let arguments: Vec<_> = pointers.iter().map(|pointer| (*pointer).into()).collect();
        built(self.lanes.builder().build_call(function, &arguments, ""));
    }

    /// Ends the function.
    pub fn return_nothing(&self) {
        built(self.lanes.builder().build_return(None));
    }

    /// `body` for each number in `first..end`, at least once.
    pub fn fixed_loop(&self, first: u64, end: u64, body: impl FnOnce(IntValue<'ctx>)) {
        if end - first == 1 {
            return body(self.integer(first as i64));
        }
        self.repeat(self.integer(first as i64), self.integer(end as i64), 1, body);
    }

    /// `body` for `first, first + step, …` below `end`, perhaps never.
    pub fn counted_loop(
        &self,
        first: IntValue<'ctx>,
        end: IntValue<'ctx>,
        step: i64,
        mut body: impl FnMut(IntValue<'ctx>),
    ) {
        self.if_else(self.compare(IntPredicate::SLT, first, end), |holds| {
            if holds {
                self.repeat(first, end, step, &mut body);
            }
        });
    }

    /// `body` for `first, first + step, …` below `end`, at least once.
    fn repeat(&self, first: IntValue<'ctx>, end: IntValue<'ctx>, step: i64, body: impl FnOnce(IntValue<'ctx>)) {
        let (builder, context) = (self.lanes.builder(), self.lanes.context());
        let before = builder.get_insert_block().expect("an insertion point");
        let block = context.append_basic_block(self.function, "loop");
        let after = context.append_basic_block(self.function, "after");
        built(builder.build_unconditional_branch(block));
        builder.position_at_end(block);
        let counter = built(builder.build_phi(context.i64_type(), ""));
        let number = counter.as_basic_value().into_int_value();
        body(number);
        let next = self.add(number, self.integer(step));
        let last = builder.get_insert_block().expect("an insertion point");
        counter.add_incoming(&[(&first, before), (&next, last)]);
        built(builder.build_conditional_branch(self.compare(IntPredicate::SLT, next, end), block, after));
        builder.position_at_end(after);
    }

    /// `arm(true)` where the condition holds, else `arm(false)`.
    pub fn if_else(&self, condition: IntValue<'ctx>, mut arm: impl FnMut(bool)) {
        let (builder, context) = (self.lanes.builder(), self.lanes.context());
        let then = context.append_basic_block(self.function, "then");
        let otherwise = context.append_basic_block(self.function, "else");
        let after = context.append_basic_block(self.function, "after");
        built(builder.build_conditional_branch(condition, then, otherwise));
        for (block, holds) in [(then, true), (otherwise, false)] {
            builder.position_at_end(block);
            arm(holds);
            built(builder.build_unconditional_branch(after));
        }
        builder.position_at_end(after);
    }
}
