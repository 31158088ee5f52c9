//! Values of a pass → bundles: what is in a buffer is loaded, what is not is evaluated.
//!
//! What has been read with a known component number is remembered, so that a row's coordinates stay in registers over all columns
//! and a shared sub-expression of a pair is computed once.

use std::collections::HashMap;

use inkwell::types::VectorType;
use inkwell::values::{IntValue, PointerValue};
use keopsc_ir::plan::{Block, Definition, ValueId};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Counter, Scalar, Sign, Signs};
use keopsc_passes::schedule::Storage;

use super::Kernel;
use super::expression::{Bundle, Component, Reader};
use super::remembered::Remembered;
use crate::vector::Vector;

/// The rows that bundles cover.
#[derive(Clone, Copy)]
pub enum Rows<'ctx> {
    /// All row vectors of a tile.
    Tile(PointerValue<'ctx>),
    /// One vector, that begins at the given row of the tile.
    Vector(PointerValue<'ctx>, IntValue<'ctx>),
    /// None: the parameters' prologue.
    None,
}

/// Reads the values of a pass inside one of its functions.
#[derive(Clone)]
pub struct PlanReader<'k, 'a, 'ctx> {
    /// The function.
    pub kernel: &'k Kernel<'a, 'ctx>,
    /// The parameter record.
    pub parameters: PointerValue<'ctx>,
    /// The rows, or in a column prologue the columns as rows.
    pub rows: Rows<'ctx>,
    /// The column records that bundles cover; empty outside `accumulate`.
    pub columns: Vec<PointerValue<'ctx>>,
    /// Where each row vector reads the record of the only column, as far as it reads it for itself.
    pub column_for_rows: Vec<PointerValue<'ctx>>,
    /// Memory of pair and epilogue values that have some: `[dim][width]` vectors.
    pub memory: HashMap<ValueId, PointerValue<'ctx>>,
    /// Memory of pair values that are kept: `[columns of a block][row_vectors]` vectors.
    pub kept: HashMap<ValueId, PointerValue<'ctx>>,
    /// The number of the column in its block.
    pub kept_column: IntValue<'ctx>,
    /// Whether the pairs of the block have been computed before: what is not kept of them is computed again.
    pub afterwards: bool,
    known: Remembered<'ctx, (ValueId, i64)>,
    looped: HashMap<(ValueId, IntValue<'ctx>), Bundle<'ctx>>,
}

impl<'k, 'a, 'ctx> PlanReader<'k, 'a, 'ctx> {
    /// A reader that remembers nothing yet.
    pub fn new(kernel: &'k Kernel<'a, 'ctx>, parameters: PointerValue<'ctx>, rows: Rows<'ctx>) -> Self {
        PlanReader {
            kernel,
            parameters,
            rows,
            columns: Vec::new(),
            column_for_rows: Vec::new(),
            memory: HashMap::new(),
            kept: HashMap::new(),
            kept_column: kernel.integer(0),
            afterwards: false,
            known: Remembered::default(),
            looped: HashMap::new(),
        }
    }

    /// Remembers a component.
    pub fn remember(&mut self, value: ValueId, component: i64, bundle: Bundle<'ctx>) {
        self.known.insert((value, component), bundle);
    }

    /// Loads a component of a row value whose number is a loop's, for all that ask for that very number.
    pub fn remember_looped(&mut self, value: ValueId, component: IntValue<'ctx>) {
        let bundle = self.load(value, Component::Looped(component));
        self.looped.insert((value, component), bundle);
    }

    /// The same pairs, computed before, in other rows.
    pub fn of_rows(self, rows: Rows<'ctx>) -> Self {
        PlanReader { rows, afterwards: true, known: Remembered::default(), looped: HashMap::new(), ..self }
    }

    fn row_vectors(&self) -> usize {
        match self.rows {
            Rows::Tile(_) => self.kernel.schedule.row_vectors as usize,
            Rows::Vector(..) | Rows::None => 1,
        }
    }

    fn load(&mut self, value: ValueId, index: Component<'ctx>) -> Bundle<'ctx> {
        match self.kernel.pass.value(value).block {
            Block::Parameter => vec![self.load_broadcast(self.parameters, value, index)],
            Block::Row if self.kernel.across => vec![self.load_row(value, index)],
            Block::Row => self.load_rows(value, index),
            Block::Column if self.columns.is_empty() => self.load_rows(value, index),
            Block::Column if self.kernel.across => {
                self.columns.iter().map(|record| self.load_columns(*record, value, index)).collect()
            }
            Block::Column => {
                let by_rows = self.kernel.subtrahends[value.0 as usize] && !self.column_for_rows.is_empty();
                let records = if by_rows { &self.column_for_rows } else { &self.columns };
                records.iter().map(|record| self.load_broadcast(*record, value, index)).collect()
            }
            Block::Pair if self.is_kept(value) => {
                self.kernel.load_all(&self.kept_addresses(value), self.kernel.type_of(value))
            }
            Block::Pair | Block::Epilogue => self.load_memory(value, index),
        }
    }

    /// A component of a record, in every lane.
    fn load_broadcast(&self, record: PointerValue<'ctx>, value: ValueId, index: Component<'ctx>) -> Vector<'ctx> {
        let kernel = self.kernel;
        let address = kernel.lanes.offset(record, kernel.place(value, index));
        if kernel.pass.value(value).is_index {
            return kernel.lanes.broadcast(kernel.load_long(address).into());
        }
        kernel.lanes.broadcast_load(address)
    }

    /// A component of one row, in every lane.
    fn load_row(&self, value: ValueId, index: Component<'ctx>) -> Vector<'ctx> {
        let kernel = self.kernel;
        let tile = match self.rows {
            Rows::Tile(tile) | Rows::Vector(tile, _) => tile,
            Rows::None => self.parameters,
        };
        let line = |place| kernel.multiply(place, kernel.integer(i64::from(kernel.layout.tile_rows)));
        let place = kernel.place(value, index);
        let low = kernel.lanes.broadcast_load(kernel.lanes.offset(tile, line(place)));
        if !kernel.pass.value(value).is_index {
            return low;
        }
        let low = kernel.lanes.bits(low);
        if kernel.lanes.integer_type() == kernel.long_type() {
            return low;
        }
        let next = line(kernel.add(place, kernel.integer(1)));
        let high = kernel.lanes.bits(kernel.lanes.broadcast_load(kernel.lanes.offset(tile, next)));
        kernel.join_halves(low, high)
    }

    /// A component of the columns of a row of a column tile.
    fn load_columns(&self, record: PointerValue<'ctx>, value: ValueId, index: Component<'ctx>) -> Vector<'ctx> {
        let kernel = self.kernel;
        let lanes = kernel.integer(i64::from(kernel.lanes.count()));
        let at = |place| kernel.lanes.offset(record, kernel.multiply(place, lanes));
        let place = kernel.place(value, index);
        if !kernel.pass.value(value).is_index {
            return kernel.load_all(&[at(place)], kernel.lanes.vector_type())[0];
        }
        let low = kernel.load_all(&[at(place)], kernel.lanes.integer_type())[0];
        if kernel.lanes.integer_type() == kernel.long_type() {
            return low;
        }
        let next = at(kernel.add(place, kernel.integer(1)));
        kernel.join_halves(low, kernel.load_all(&[next], kernel.lanes.integer_type())[0])
    }

    fn load_rows(&self, value: ValueId, index: Component<'ctx>) -> Bundle<'ctx> {
        let kernel = self.kernel;
        let place = kernel.place(value, index);
        let addresses = self.row_addresses(place);
        if !kernel.pass.value(value).is_index {
            let alignment = (kernel.lanes.count() as u64 * kernel.layout.real_size) as u32;
            return addresses.into_iter().map(|address| kernel.lanes.load(address, alignment)).collect();
        }
        let low = kernel.load_all(&addresses, kernel.lanes.integer_type());
        if kernel.lanes.integer_type() == kernel.long_type() {
            return low;
        }
        let high = self.row_addresses(kernel.add(place, kernel.integer(1)));
        let high = kernel.load_all(&high, kernel.lanes.integer_type());
        low.into_iter().zip(high).map(|(low, high)| kernel.join_halves(low, high)).collect()
    }

    /// Stores a component of a row value, for each row vector.
    pub fn store_rows(&self, value: ValueId, index: Component<'ctx>, bundle: &Bundle<'ctx>) {
        let kernel = self.kernel;
        let place = kernel.place(value, index);
        if !kernel.pass.value(value).is_index || kernel.lanes.integer_type() == kernel.long_type() {
            return kernel.store_all(bundle, &self.row_addresses(place));
        }
        let (low, high) = bundle.iter().map(|vector| kernel.halves(*vector)).unzip();
        kernel.store_all(&low, &self.row_addresses(place));
        kernel.store_all(&high, &self.row_addresses(kernel.add(place, kernel.integer(1))));
    }

    /// Where line `place` of the tile begins, for each row vector.
    fn row_addresses(&self, place: IntValue<'ctx>) -> Vec<PointerValue<'ctx>> {
        let kernel = self.kernel;
        let line = kernel.multiply(place, kernel.integer(i64::from(kernel.layout.tile_rows)));
        match self.rows {
            Rows::Tile(tile) => (0..kernel.schedule.row_vectors)
                .map(|vector| kernel.integer(i64::from(vector * kernel.lanes.count())))
                .map(|row| kernel.lanes.offset(tile, kernel.add(line, row)))
                .collect(),
            Rows::Vector(tile, row) => vec![kernel.lanes.offset(tile, kernel.add(line, row))],
            Rows::None => Vec::new(),
        }
    }

    fn load_memory(&self, value: ValueId, index: Component<'ctx>) -> Bundle<'ctx> {
        let kernel = self.kernel;
        let vector = kernel.type_of(value);
        kernel.load_all(&self.memory_addresses(value, index), vector)
    }

    /// Where a component of a value with memory of its own lies, for each vector.
    pub fn memory_addresses(&self, value: ValueId, index: Component<'ctx>) -> Vec<PointerValue<'ctx>> {
        let kernel = self.kernel;
        let vector = kernel.type_of(value);
        let width = self.width() as i64;
        let base = self.memory[&value];
        let first = kernel.multiply(kernel.component_number(index), kernel.integer(width));
        (0..width).map(|n| kernel.element(vector, base, kernel.add(first, kernel.integer(n)))).collect()
    }

    /// Where a kept value lies, for each vector.
    pub fn kept_addresses(&self, value: ValueId) -> Vec<PointerValue<'ctx>> {
        let kernel = self.kernel;
        let first = kernel.multiply(self.kept_column, kernel.integer(i64::from(kernel.schedule.row_vectors)));
        let vectors: Vec<_> = match self.rows {
            Rows::Vector(_, row) => vec![kernel.divide(row, kernel.integer(i64::from(kernel.lanes.count())))],
            _ => (0..i64::from(kernel.schedule.row_vectors)).map(|vector| kernel.integer(vector)).collect(),
        };
        let element = |vector| kernel.element(kernel.type_of(value), self.kept[&value], kernel.add(first, vector));
        vectors.into_iter().map(element).collect()
    }

    fn is_kept(&self, value: ValueId) -> bool {
        self.kernel.schedule.storage[value.0 as usize] == Storage::Kept
    }

    /// One bundle from what is there a row vector, a column, or once.
    fn spread(&self, bundle: &Bundle<'ctx>, block: Block) -> Bundle<'ctx> {
        let (rows, columns) = (self.row_vectors(), self.columns.len().max(1));
        let pick = |column: usize, row: usize| match block {
            Block::Parameter => bundle[0],
            Block::Row => bundle[row],
            Block::Column if self.columns.is_empty() || bundle.len() > columns => bundle[row],
            Block::Column => bundle[column],
            Block::Pair | Block::Epilogue => bundle[column * rows + row],
        };
        (0..columns).flat_map(|column| (0..rows).map(move |row| pick(column, row))).collect()
    }

    fn is_evaluated(&self, value: ValueId) -> bool {
        let storage = self.kernel.schedule.storage[value.0 as usize];
        self.kernel.pass.value(value).block == Block::Pair
            && storage != Storage::Kept
            && (storage != Storage::Memory || self.afterwards)
    }

    fn definition(&self, value: ValueId) -> Option<&'a Scalar<ValueId>> {
        match &self.kernel.pass.value(value).definition {
            Definition::Compute(body) => Some(body),
            _ => None,
        }
    }
}

impl<'ctx> Kernel<'_, 'ctx> {
    /// Lanes of a value: row numbers are int64 outside accumulators.
    pub fn type_of(&self, value: ValueId) -> VectorType<'ctx> {
        if self.pass.value(value).is_index { self.long_type() } else { self.lanes.vector_type() }
    }

    /// Where a component of a value lies in its record or tile, counted in components.
    pub fn place(&self, value: ValueId, index: Component<'ctx>) -> IntValue<'ctx> {
        let first = self.integer(i64::from(self.layout.first_component[value.0 as usize]));
        let width = self.integer(i64::from(self.layout.width(self.pass.value(value))));
        self.add(first, self.multiply(self.component_number(index), width))
    }
}

/// The signs of a pass's values.
struct ValueSigns<'s>(&'s [Sign]);

impl Signs<ValueId> for ValueSigns<'_> {
    fn of_value(&self, value: &ValueId) -> Sign {
        self.0[value.0 as usize]
    }
}

impl<'ctx> Reader<'ctx, ValueId> for PlanReader<'_, '_, 'ctx> {
    fn width(&self) -> usize {
        self.row_vectors() * self.columns.len().max(1)
    }

    fn read(&mut self, value: ValueId, index: Component<'ctx>) -> Bundle<'ctx> {
        let block = self.kernel.pass.value(value).block;
        if let Component::Known(number) = index
            && let Some(bundle) = self.known.get((value, number))
        {
            return self.spread(bundle, block);
        }
        if let Component::Looped(number) = index
            && let Some(bundle) = self.looped.get(&(value, number))
        {
            return self.spread(bundle, block);
        }
        let bundle = match self.definition(value) {
            Some(body) if self.is_evaluated(value) => self.kernel.evaluate(body, &vec![(Counter(0), index)], self),
            _ => self.load(value, index),
        };
        if let Component::Known(number) = index {
            let remembered = match block {
                Block::Row => self.kernel.schedule.rows_in_registers,
                Block::Pair => {
                    matches!(self.kernel.schedule.storage[value.0 as usize], Storage::Registers | Storage::Kept)
                }
                Block::Epilogue => false,
                Block::Parameter | Block::Column => true,
            };
            if remembered {
                self.remember(value, number, bundle.clone());
            }
        }
        self.spread(&bundle, block)
    }

    fn factors(&mut self, value: ValueId, index: Component<'ctx>) -> Option<(Bundle<'ctx>, Bundle<'ctx>)> {
        if self.kernel.pass.value(value).block != Block::Pair
            || self.kernel.schedule.storage[value.0 as usize] != Storage::Inline
        {
            return None;
        }
        let Some(Scalar::Call(Intrinsic::Mul, arguments)) = self.definition(value) else { return None };
        let counters = vec![(Counter(0), index)];
        let first = self.kernel.evaluate(&arguments[0], &counters, self);
        Some((first, self.kernel.evaluate(&arguments[1], &counters, self)))
    }

    fn sign(&self, scalar: &Scalar<ValueId>) -> Sign {
        scalar.sign(&ValueSigns(self.kernel.signs))
    }

    fn enter(&mut self) {
        self.known.enter();
    }

    fn leave(&mut self) {
        self.known.leave();
    }
}
