//! Contractions: long folds over components of the pair's two points, for all row vectors and several columns at once, as in a matrix product.
//!
//! A register tile of `row_vectors × columns` partial results stays in registers over a stretch of components short enough for the rows'
//! components to stay in the first-level cache from one tile to the next.
//!
//! Where row vectors read columns for themselves ([`super::subtrahend`]), they do so for most of a tile's columns, so that neither the units for sums nor
//! the two loads of a cycle are what is waited for.

use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Definition, ValueId};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Counter, Scalar};

use super::Kernel;
use super::accumulate::Chunk;
use super::expression::{Component, Reader};
use super::reader::PlanReader;
use crate::math;

/// Components a stretch, about.
const STRETCH: u32 = 128;
/// Components up to which a fold is one stretch.
const LONGEST_STRETCH: u32 = 2 * STRETCH;
/// Which share of a tile's columns each row vector reads for itself, where that pays.
const READ_BY_EACH_ROW: (i64, i64) = (3, 4);

/// A contraction.
#[derive(Clone, Copy)]
struct Contraction<'a> {
    value: ValueId,
    with: Intrinsic,
    counter: Counter,
    body: &'a Scalar<ValueId>,
}

/// The components of a stretch.
#[derive(Clone, Copy)]
struct Stretch<'ctx> {
    first: Component<'ctx>,
    end: IntValue<'ctx>,
    /// Whether what earlier stretches made is to be joined.
    goes_on: bool,
}

impl<'a, 'ctx> Kernel<'a, 'ctx> {
    /// Computes the contractions with columns `first..first + columns`, and keeps them.
    pub(super) fn contract(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        chunk: &Chunk<'ctx>,
        first: IntValue<'ctx>,
        columns: IntValue<'ctx>,
    ) {
        for value in &self.schedule.contractions {
            let Definition::Compute(Scalar::Fold { with, counter, count, body }) = &self.pass.value(*value).definition
            else {
                continue;
            };
            let contraction = Contraction { value: *value, with: *with, counter: *counter, body };
            let all = |stretch| self.contract_stretch(shared, chunk, (first, columns), contraction, stretch);
            let stretches = if *count > LONGEST_STRETCH { count.div_ceil(STRETCH) } else { 1 };
            let length = i64::from(count.div_ceil(stretches));
            let [zero, count] = [0, i64::from(*count)].map(|number| self.integer(number));
            let end = if stretches == 1 { count } else { self.integer(length) };
            all(Stretch { first: Component::Known(0), end, goes_on: false });
            if stretches > 1 {
                self.counted_loop(self.add(zero, self.integer(length)), count, length, |first| {
                    let end = self.smaller(self.add(first, self.integer(length)), count);
                    all(Stretch { first: Component::Looped(first), end, goes_on: true });
                });
            }
        }
    }

    fn contract_stretch(
        &self,
        shared: &PlanReader<'_, 'a, 'ctx>,
        chunk: &Chunk<'ctx>,
        (first, columns): (IntValue<'ctx>, IntValue<'ctx>),
        contraction: Contraction<'a>,
        stretch: Stretch<'ctx>,
    ) {
        self.in_groups(first, columns, |column, group| {
            let at = |number: i64| self.at_column(shared, chunk, first, self.add(column, self.integer(number)));
            let mut readers: Vec<_> = (0..group).map(at).collect();
            if group > 1 {
                let of_first = self.column_for_rows(chunk.records, column);
                let (share, whole) = READ_BY_EACH_ROW;
                for (number, reader) in (0..group * share / whole).zip(&mut readers) {
                    let record = |first: &PointerValue<'ctx>| self.record(*first, self.integer(number));
                    reader.column_for_rows = of_first.iter().map(record).collect();
                }
            }
            self.contract_tile(contraction, stretch, &mut readers);
        });
    }

    /// One loop over components for all columns. A column's terms are added before the next column's are begun, so that the sums and the
    /// rows' components are all that registers have to hold.
    fn contract_tile(
        &self,
        Contraction { value, with, counter, body }: Contraction<'a>,
        stretch: Stretch<'ctx>,
        readers: &mut [PlanReader<'_, 'a, 'ctx>],
    ) {
        let vector = self.lanes.vector_type();
        let rows = i64::from(self.schedule.row_vectors);
        let sums = self.local(vector, (readers.len() as i64 * rows) as u32);
        let places = |column: usize| -> Vec<PointerValue<'ctx>> {
            let first = column as i64 * rows;
            (first..first + rows).map(|number| self.element(vector, sums, self.integer(number))).collect()
        };
        for (column, reader) in readers.iter_mut().enumerate() {
            reader.enter();
            let first = self.evaluate(body, &vec![(counter, stretch.first)], reader);
            self.store_all(&first, &places(column));
            reader.leave();
        }
        let second = self.add(self.component_number(stretch.first), self.integer(1));
        self.counted_loop(second, stretch.end, 1, |number| {
            for (column, reader) in readers.iter_mut().enumerate() {
                reader.enter();
                let sum = self.load_all(&places(column), vector);
                let sum = self.fold_step(with, sum, body, &vec![(counter, Component::Looped(number))], reader);
                self.store_all(&sum, &places(column));
                reader.leave();
            }
        });
        for (column, reader) in readers.iter().enumerate() {
            let mut sum = self.load_all(&places(column), vector);
            let kept = reader.kept_addresses(value);
            if stretch.goes_on {
                sum = math::emit(&self.lanes, with, &[self.load_all(&kept, vector), sum]);
            }
            self.store_all(&sum, &kept);
        }
    }
}
