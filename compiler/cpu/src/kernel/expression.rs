//! Scalar expressions → vector instructions, several independent vectors at a time.
//!
//! A [`Bundle`] is one vector for each row vector (times each column) of the register tile; every operation is emitted for all of them
//! before the next one, so that their chains interleave. Short folds are unrolled, long ones become loops.
//!
//! Where the components come from is the [`Reader`]'s business.

use inkwell::IntPredicate;
use inkwell::values::{IntValue, PointerValue};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Comparison, Counter, Index, Scalar, Sign};

use super::Kernel;
use crate::math;
use crate::vector::Vector;

/// Independent vectors that are computed together.
pub type Bundle<'ctx> = Vec<Vector<'ctx>>;

/// The number of a component: known to the compiler, or only in a loop.
#[derive(Clone, Copy, Debug)]
pub enum Component<'ctx> {
    /// Unrolled.
    Known(i64),
    /// A loop's counter, or computed from one (i64).
    Looped(IntValue<'ctx>),
}

/// The counters in scope.
pub type Counters<'ctx> = Vec<(Counter, Component<'ctx>)>;

/// Where the components of an expression come from.
pub trait Reader<'ctx, V: Copy> {
    /// Vectors in the bundles it gives.
    fn width(&self) -> usize;
    /// Component `index` of a value.
    fn read(&mut self, value: V, index: Component<'ctx>) -> Bundle<'ctx>;
    /// The two factors of a component that is a product nobody else needs, so that it can become part of a fused multiply-add.
    fn factors(&mut self, value: V, index: Component<'ctx>) -> Option<(Bundle<'ctx>, Bundle<'ctx>)>;
    /// What is known of the sign of an expression.
    fn sign(&self, scalar: &Scalar<V>) -> Sign;
    /// Called around code that may run not at all or several times: what is remembered inside is forgotten after.
    fn enter(&mut self);
    /// See [`Reader::enter`].
    fn leave(&mut self);
}

impl<'ctx> Kernel<'_, 'ctx> {
    /// Evaluates an expression at the insertion point.
    pub fn evaluate<V: Copy>(
        &self,
        scalar: &Scalar<V>,
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Bundle<'ctx> {
        match scalar {
            Scalar::Constant(value) => vec![math::constant(&self.lanes, *value); reader.width()],
            Scalar::Component(value, index) => {
                let index = self.index(index, counters);
                reader.read(*value, index)
            }
            Scalar::Index(index) => {
                let vector = match self.index(index, counters) {
                    Component::Known(number) => math::constant(&self.lanes, number as f64),
                    Component::Looped(number) => math::number(&self.lanes, number),
                };
                vec![vector; reader.width()]
            }
            Scalar::Call(Intrinsic::Add, arguments) => self.sum(&arguments[0], &arguments[1], counters, reader),
            Scalar::Call(Intrinsic::Sub, arguments) => self.difference(&arguments[0], &arguments[1], counters, reader),
            Scalar::Call(intrinsic, arguments) => {
                let heeded = math::heeds_signs(*intrinsic);
                let signs: Vec<_> = arguments.iter().filter(|_| heeded).map(|argument| reader.sign(argument)).collect();
                let arguments: Vec<_> =
                    arguments.iter().map(|argument| self.evaluate(argument, counters, reader)).collect();
                math::emit_signed(&self.lanes, *intrinsic, &arguments, &signs)
            }
            Scalar::Fold { with, counter, count, body } => {
                if *count <= self.schedule.unroll {
                    self.unrolled_fold(*with, *counter, *count, body, counters, reader)
                } else {
                    self.looped_fold(*with, *counter, *count, body, counters, reader)
                }
            }
            Scalar::Choose { left, comparison, right, then, otherwise } => {
                match (self.index(left, counters), self.index(right, counters)) {
                    (Component::Known(left), Component::Known(right)) => {
                        let arm = if comparison.holds(left, right) { then } else { otherwise };
                        self.evaluate(arm, counters, reader)
                    }
                    (left, right) => self.branch(left, *comparison, right, [&**then, &**otherwise], counters, reader),
                }
            }
        }
    }

    /// a + b, as a fused multiply-add where one of them is a product.
    fn sum<V: Copy>(
        &self,
        a: &Scalar<V>,
        b: &Scalar<V>,
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Bundle<'ctx> {
        if let Some((x, y)) = self.factors(b, counters, reader) {
            let a = self.evaluate(a, counters, reader);
            return math::fma(&self.lanes, &x, &y, &a);
        }
        if let Some((x, y)) = self.factors(a, counters, reader) {
            let b = self.evaluate(b, counters, reader);
            return math::fma(&self.lanes, &x, &y, &b);
        }
        let (a, b) = (self.evaluate(a, counters, reader), self.evaluate(b, counters, reader));
        math::emit(&self.lanes, Intrinsic::Add, &[a, b])
    }

    /// a - b, fused where one of them is a product.
    fn difference<V: Copy>(
        &self,
        a: &Scalar<V>,
        b: &Scalar<V>,
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Bundle<'ctx> {
        if let Some((x, y)) = self.factors(b, counters, reader) {
            let a = self.evaluate(a, counters, reader);
            return math::fnma(&self.lanes, &x, &y, &a);
        }
        if let Some((x, y)) = self.factors(a, counters, reader) {
            let b = self.evaluate(b, counters, reader);
            return math::fms(&self.lanes, &x, &y, &b);
        }
        let (a, b) = (self.evaluate(a, counters, reader), self.evaluate(b, counters, reader));
        math::emit(&self.lanes, Intrinsic::Sub, &[a, b])
    }

    fn factors<V: Copy>(
        &self,
        scalar: &Scalar<V>,
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Option<(Bundle<'ctx>, Bundle<'ctx>)> {
        match scalar {
            Scalar::Call(Intrinsic::Mul, arguments) => {
                let x = self.evaluate(&arguments[0], counters, reader);
                Some((x, self.evaluate(&arguments[1], counters, reader)))
            }
            Scalar::Component(value, index) => {
                let index = self.index(index, counters);
                reader.factors(*value, index)
            }
            _ => None,
        }
    }

    /// One more term of a fold.
    pub fn fold_step<V: Copy>(
        &self,
        with: Intrinsic,
        sum: Bundle<'ctx>,
        body: &Scalar<V>,
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Bundle<'ctx> {
        if with == Intrinsic::Add
            && let Some((x, y)) = self.factors(body, counters, reader)
        {
            return math::fma(&self.lanes, &x, &y, &sum);
        }
        let term = self.evaluate(body, counters, reader);
        math::emit(&self.lanes, with, &[sum, term])
    }

    fn unrolled_fold<V: Copy>(
        &self,
        with: Intrinsic,
        counter: Counter,
        count: u32,
        body: &Scalar<V>,
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Bundle<'ctx> {
        let at = |number: u32| with_counter(counters, counter, Component::Known(i64::from(number)));
        let first = self.evaluate(body, &at(0), reader);
        (1..count).fold(first, |sum, number| self.fold_step(with, sum, body, &at(number), reader))
    }

    /// The first term, then a loop over the rest with one register a vector for the running result.
    fn looped_fold<V: Copy>(
        &self,
        with: Intrinsic,
        counter: Counter,
        count: u32,
        body: &Scalar<V>,
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Bundle<'ctx> {
        let at = |component| with_counter(counters, counter, component);
        self.prefetch(body, &at(Component::Known(0)), counter, reader);
        let first = self.evaluate(body, &at(Component::Known(0)), reader);
        let sums: Vec<PointerValue> = first.iter().map(|vector| self.local(vector.get_type(), 1)).collect();
        self.store_all(&first, &sums);
        reader.enter();
        self.fixed_loop(1, u64::from(count), |number| {
            let sum = self.load_all(&sums, first[0].get_type());
            let sum = self.fold_step(with, sum, body, &at(Component::Looped(number)), reader);
            self.store_all(&sum, &sums);
        });
        reader.leave();
        self.load_all(&sums, first[0].get_type())
    }

    /// Reads now what a loop's body would read again and again: components whose number does not depend on the loop's counter.
    fn prefetch<V: Copy>(
        &self,
        scalar: &Scalar<V>,
        counters: &Counters<'ctx>,
        looped: Counter,
        reader: &mut dyn Reader<'ctx, V>,
    ) {
        match scalar {
            Scalar::Component(value, index) => {
                if !index.mentions(looped)
                    && let Component::Known(number) = self.index(index, counters)
                {
                    reader.read(*value, Component::Known(number));
                }
            }
            Scalar::Call(_, arguments) => {
                arguments.iter().for_each(|argument| self.prefetch(argument, counters, looped, reader));
            }
            Scalar::Fold { counter, count, body, .. } if *count <= self.schedule.unroll => {
                for number in 0..i64::from(*count) {
                    self.prefetch(body, &with_counter(counters, *counter, Component::Known(number)), looped, reader);
                }
            }
            Scalar::Constant(_) | Scalar::Index(_) | Scalar::Fold { .. } | Scalar::Choose { .. } => {}
        }
    }

    fn branch<V: Copy>(
        &self,
        left: Component<'ctx>,
        comparison: Comparison,
        right: Component<'ctx>,
        arms: [&Scalar<V>; 2],
        counters: &Counters<'ctx>,
        reader: &mut dyn Reader<'ctx, V>,
    ) -> Bundle<'ctx> {
        let predicate = match comparison {
            Comparison::Less => IntPredicate::SLT,
            Comparison::LessEqual => IntPredicate::SLE,
            Comparison::Equal => IntPredicate::EQ,
        };
        let condition = self.compare(predicate, self.component_number(left), self.component_number(right));
        let mut results: Vec<PointerValue> = Vec::new();
        let mut vector = self.lanes.vector_type();
        self.if_else(condition, |holds| {
            reader.enter();
            let value = self.evaluate(arms[usize::from(!holds)], counters, reader);
            if results.is_empty() {
                vector = value.first().map_or(vector, |first| first.get_type());
                results = value.iter().map(|_| self.local(vector, 1)).collect();
            }
            self.store_all(&value, &results);
            reader.leave();
        });
        self.load_all(&results, vector)
    }

    fn index(&self, index: &Index, counters: &Counters<'ctx>) -> Component<'ctx> {
        let pair = |a: &Index, b: &Index| (self.index(a, counters), self.index(b, counters));
        match index {
            Index::Constant(number) => Component::Known(*number),
            Index::Counter(counter) => {
                let known = counters.iter().rev().find(|(candidate, _)| candidate == counter);
                known.map_or(Component::Known(0), |(_, component)| *component)
            }
            Index::Add(a, b) => self.index_operation(pair(a, b), i64::wrapping_add, |x, y| self.add(x, y)),
            Index::Sub(a, b) => self.index_operation(pair(a, b), i64::wrapping_sub, |x, y| self.subtract(x, y)),
            Index::Mul(a, b) => self.index_operation(pair(a, b), i64::wrapping_mul, |x, y| self.multiply(x, y)),
            Index::Div(a, b) => {
                self.index_operation(pair(a, b), |x, y| x.checked_div(y).unwrap_or(0), |x, y| self.divide(x, y))
            }
            Index::Rem(a, b) => {
                self.index_operation(pair(a, b), |x, y| x.checked_rem(y).unwrap_or(0), |x, y| self.remainder(x, y))
            }
        }
    }

    fn index_operation(
        &self,
        (a, b): (Component<'ctx>, Component<'ctx>),
        known: impl Fn(i64, i64) -> i64,
        looped: impl Fn(IntValue<'ctx>, IntValue<'ctx>) -> IntValue<'ctx>,
    ) -> Component<'ctx> {
        match (a, b) {
            (Component::Known(a), Component::Known(b)) => Component::Known(known(a, b)),
            (a, b) => Component::Looped(looped(self.component_number(a), self.component_number(b))),
        }
    }

    /// The number of a component as an i64.
    pub fn component_number(&self, component: Component<'ctx>) -> IntValue<'ctx> {
        match component {
            Component::Known(number) => self.integer(number),
            Component::Looped(number) => number,
        }
    }
}

/// The counters with one more.
pub fn with_counter<'ctx>(counters: &Counters<'ctx>, counter: Counter, component: Component<'ctx>) -> Counters<'ctx> {
    let mut counters = counters.clone();
    counters.push((counter, component));
    counters
}
