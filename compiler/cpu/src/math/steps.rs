//! One step for several independent vectors at a time.
//!
//! A polynomial is a chain of dependent instructions; a processor is full only if several chains are under way. [`Steps`] writes
//! step k of every chain before step k+1 of any, which is the order that schedulers of processors and of LLVM keep:
//!
//! ```text
//! steps.fma(&p, &r, 0.5)        p0 = fma p0, r0, 0.5
//!                               p1 = fma p1, r1, 0.5
//!                               p2 = fma p2, r2, 0.5
//! ```

use crate::vector::{Lanes, Vector};

/// The vectors of all chains at one step.
pub type Chains<'ctx> = Vec<Vector<'ctx>>;

/// What a step takes: the chains' own vectors, or a constant for all of them.
pub trait Operand<'ctx> {
    /// The operand of one chain.
    fn of_chain(&self, lanes: &Lanes<'_, 'ctx>, chain: usize) -> Vector<'ctx>;
}

impl<'ctx> Operand<'ctx> for &[Vector<'ctx>] {
    fn of_chain(&self, _: &Lanes<'_, 'ctx>, chain: usize) -> Vector<'ctx> {
        self[chain]
    }
}

impl<'ctx> Operand<'ctx> for &Chains<'ctx> {
    fn of_chain(&self, _: &Lanes<'_, 'ctx>, chain: usize) -> Vector<'ctx> {
        self[chain]
    }
}

impl<'ctx> Operand<'ctx> for Vector<'ctx> {
    fn of_chain(&self, _: &Lanes<'_, 'ctx>, _: usize) -> Vector<'ctx> {
        *self
    }
}

impl<'ctx> Operand<'ctx> for f64 {
    fn of_chain(&self, lanes: &Lanes<'_, 'ctx>, _: usize) -> Vector<'ctx> {
        lanes.splat(*self)
    }
}

impl<'ctx> Operand<'ctx> for i64 {
    fn of_chain(&self, lanes: &Lanes<'_, 'ctx>, _: usize) -> Vector<'ctx> {
        lanes.splat_integer(*self)
    }
}

/// Builds one step for a number of chains.
#[derive(Clone, Copy)]
pub struct Steps<'s, 'a, 'ctx> {
    /// Builds the instructions of one chain.
    pub lanes: &'s Lanes<'a, 'ctx>,
    chains: usize,
}

macro_rules! steps {
    ($($name:ident($($operand:ident),*);)*) => {
        $(#[doc = concat!("[`Lanes::", stringify!($name), "`] for every chain.")]
        pub fn $name(&self, $($operand: impl Operand<'ctx>),*) -> Chains<'ctx> {
            (0..self.chains).map(|chain| self.lanes.$name($($operand.of_chain(self.lanes, chain)),*)).collect()
        })*
    };
}

impl<'s, 'a, 'ctx> Steps<'s, 'a, 'ctx> {
    /// Steps for that many chains.
    pub fn new(lanes: &'s Lanes<'a, 'ctx>, chains: usize) -> Self {
        Steps { lanes, chains }
    }

    /// The number of chains.
    pub fn chains(&self) -> usize {
        self.chains
    }

    /// The same constant or vector for every chain.
    pub fn splat(&self, operand: impl Operand<'ctx>) -> Chains<'ctx> {
        (0..self.chains).map(|chain| operand.of_chain(self.lanes, chain)).collect()
    }

    steps! {
        add(a, b); sub(a, b); mul(a, b); div(a, b); neg(a); abs(a); fma(a, b, c); fnma(a, b, c);
        floor(a); ceil(a); trunc(a); round_even(a); round(a); copy_sign(a, b);
        min(a, b); max(a, b); min_or_second(a, b); max_or_second(a, b); hardware_sqrt(a);
        less(a, b); less_equal(a, b); equal(a, b); not_equal(a, b); unordered(a, b); not_less(a, b); not_less_equal(a, b); is_nan(a); select(mask, b, c);
        integer_less(a, b); integer_below(a, b); integer_equal(a, b);
        integer_add(a, b); integer_sub(a, b); integer_mul(a, b); and(a, b); or(a, b); xor(a, b); not(a);
        shift_left(a, b); shift_right(a, b); shift_right_signed(a, b);
        bits(a); from_bits(a); integer_to_real(a); real_to_integer(a); widen(a); narrow(a);
        avx512_fma_down(a, b, c); avx512_add_down(a, b); avx512_rsqrt14(a); avx512_table(index, low, high); avx2_table(index, table);
    }

    /// The polynomial `coefficients[0] + coefficients[1]·x + …` by Horner's rule. There is at least one coefficient.
    pub fn polynomial(&self, x: &[Vector<'ctx>], coefficients: &[f64]) -> Chains<'ctx> {
        let (last, rest) = coefficients.split_last().expect("a polynomial has a coefficient");
        rest.iter().rev().fold(self.splat(*last), |sum, coefficient| self.fma(&sum, x, *coefficient))
    }

    /// a + b and the error of that sum, exactly (Knuth's two-sum).
    pub fn two_sum(&self, a: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> (Chains<'ctx>, Chains<'ctx>) {
        let sum = self.add(a, b);
        let b_part = self.sub(&sum, a);
        let a_part = self.sub(&sum, &b_part);
        let error = self.add(&self.sub(a, &a_part), &self.sub(b, &b_part));
        (sum, error)
    }

    /// a + b and the error of that sum, exactly, where |a| ≥ |b| or a = 0 (Dekker's fast two-sum).
    pub fn fast_two_sum(&self, a: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> (Chains<'ctx>, Chains<'ctx>) {
        let sum = self.add(a, b);
        let error = self.sub(b, &self.sub(&sum, a));
        (sum, error)
    }
    /// a · b and the error of that product, exactly: by a fused multiply-add, or by halves of the factors (Veltkamp and Dekker),
    /// which need factors below 2^(max − significand/2).
    pub fn two_product(&self, a: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> (Chains<'ctx>, Chains<'ctx>) {
        let product = self.mul(a, b);
        if self.lanes.level().has_fma {
            let error = self.fma(a, b, &self.neg(&product));
            return (product, error);
        }
        let ((a_high, a_low), (b_high, b_low)) = (self.halves(a), self.halves(b));
        let error = self.sub(&self.mul(&a_high, &b_high), &product);
        let error = self.add(&error, &self.mul(&a_high, &b_low));
        let error = self.add(&error, &self.mul(&a_low, &b_high));
        let error = self.add(&error, &self.mul(&a_low, &b_low));
        (product, error)
    }

    /// a − q · b exactly, where q is next to a / b.
    pub fn division_rest(&self, a: &[Vector<'ctx>], q: &[Vector<'ctx>], b: &[Vector<'ctx>]) -> Chains<'ctx> {
        if self.lanes.level().has_fma {
            return self.fnma(q, b, a);
        }
        let (product, lost) = self.two_product(q, b);
        self.sub(&self.sub(a, &product), &lost)
    }

    /// a as a sum of two numbers of half its significant bits.
    fn halves(&self, a: &[Vector<'ctx>]) -> (Chains<'ctx>, Chains<'ctx>) {
        let half_bits = self.lanes.float().mantissa_bits().div_ceil(2) + 1;
        let scaled = self.mul(a, f64::from(half_bits).exp2() + 1.0);
        let high = self.sub(&scaled, &self.sub(&scaled, a));
        let low = self.sub(a, &high);
        (high, low)
    }
}
