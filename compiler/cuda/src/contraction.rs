//! What is computed first for all pairs of a tile: sums over so many coordinates of a row and a column that it pays to keep several rows' and
//! columns' coordinates in registers, as in a matrix product.
//!
//! These are scalar products and squared distances in float32, which tensor cores compute, as `skeleton/tensor.cu` says. In a ring, where it is to be seen
//! whether all pairs count once, any such sum is one, term by term (`skeleton/contract.cu`). Everything else of a pass is as it would be without.

use keopsc_ir::plan::{Block, Definition, Pass, Plan, Value, ValueId};
use keopsc_ir::types::{Products, ScalarType};
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::scalar::{Counter, Index, Scalar};

use crate::expression::{Operands, Position, Writer, apply};
use crate::library::Packed;
use crate::schedule::Place;
use crate::spelling::{Arithmetic, Spelling, Text, fold_neutral, spelling};
use crate::uses::{Needed, for_each_read};
use crate::wide::WideSums;

/// A fold over the coordinates of one row value and one column value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contraction {
    /// The pair value.
    pub value: ValueId,
    /// What its terms are.
    pub form: Form,
    /// The number of terms.
    pub count: u32,
    /// Whose coordinates meet.
    pub row: ValueId,
    /// Those they meet.
    pub column: ValueId,
    /// Whether there are wide sums beside it, which take registers and shared memory.
    pub has_wide_sums: bool,
    /// Words of a column that these multiply where they are added up in quads.
    pub wide_words: u32,
    /// Whether numbers that are multiplied have fewer digits than float32, and take half the room.
    pub is_narrow: bool,
}

/// Rows of a block, and columns of a part of a tile.
pub(crate) const CONTRACTED_ROWS: u32 = 128;
pub(crate) const CONTRACTED_COLUMNS: u32 = 32;

/// What the terms of a contraction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Anything.
    Terms,
    /// Products.
    Products,
    /// Squared differences.
    Distances,
}

/// Coordinates from which on tensor cores pay. What would be computed term by term does not: it takes longer than with rows in registers.
const LEAST_PRODUCTS: u32 = 16;
/// The most steps of rows that registers hold, alone and beside wide sums.
const MOST_IN_REGISTERS: u32 = 8;
const MOST_BESIDE_WIDE_SUMS: u32 = 4;
/// The most whose middle fits into shared memory.
const MOST_PRODUCTS: u32 = 8192;
/// In a ring, where it is to be seen whether results are right.
const LEAST_IN_RING: u32 = 3;

/// How the skeleton computes a contraction: the name of a class there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Term by term.
    Terms,
    /// By tensor cores, with rows in registers or shared memory for the whole time.
    Products,
    /// By tensor cores, rows and columns step by step.
    LongProducts,
}

impl Contraction {
    /// How it is computed.
    pub(crate) fn method(&self) -> Method {
        let most_in_registers = if self.has_wide_sums { MOST_BESIDE_WIDE_SUMS } else { MOST_IN_REGISTERS };
        match self.form {
            Form::Terms => Method::Terms,
            Form::Products | Form::Distances if self.steps() <= most_in_registers => Method::Products,
            Form::Products | Form::Distances => Method::LongProducts,
        }
    }

    /// Whether tensor cores compute it.
    pub(crate) fn is_of_products(&self) -> bool {
        self.form != Form::Terms
    }

    /// Coordinates that are taken at a time: as many as 16 bytes hold four of.
    fn step(&self) -> u32 {
        if self.is_narrow { 32 } else { 16 }
    }

    fn steps(&self) -> u32 {
        self.count.div_ceil(self.step())
    }

    /// Columns that are contracted at a time, at most.
    pub(crate) fn tile_columns(&self) -> u32 {
        if self.is_of_products() { 128 } else { 32 }
    }

    /// How many times 32 columns long rows are multiplied with at a time. Where sums may be long, those of a few steps have registers of their own.
    pub(crate) fn long_parts(&self, room: &Room<'_>) -> u32 {
        match self.form {
            _ if self.has_wide_sums || room.column_bytes > KEPT_COLUMN_BYTES => 1,
            Form::Products if !self.is_narrow => 2,
            Form::Terms | Form::Products | Form::Distances => 4,
        }
    }

    /// What is multiplied where there is more shared memory than every GPU has.
    pub(crate) fn large(&self, room: &Room<'_>, in_quads: bool) -> Option<Large> {
        if !self.is_of_products() {
            return None;
        }
        let keeps_rows = self.method() == Method::Products;
        let parts = match keeps_rows {
            true if room.column_bytes > KEPT_COLUMN_BYTES => 1,
            true if self.wide_words > 0 => 2,
            true if self.has_wide_sums => 1,
            true => 4,
            false => self.long_parts(room),
        };
        let kept = if keeps_rows { ROW_STEP_BYTES * u64::from(self.steps()) } else { 0 };
        let stages = 2 * (STEP_BYTES * u64::from(parts) + if keeps_rows { 0 } else { ROW_STEP_BYTES });
        // A column without values takes as many bytes as it is aligned to.
        let columns = 2 * 32 * u64::from(parts) * (room.column_bytes.max(4) + MEASURE_BYTES);
        let pairs = match self.wide_words {
            0 if in_quads => 0,
            0 => room.bytes_of_pairs(),
            words => 2 * 32 * u64::from(parts * words) * WORD_BYTES,
        };
        let needed = pairs + columns + kept + stages + OTHER_LARGE_BYTES;
        let parameters = (room.parameter_bytes + OTHER_BYTES).next_multiple_of(128);
        let of_blocks = |blocks: u32| MULTIPROCESSOR_BYTES / u64::from(blocks) - BLOCK_BYTES - parameters;
        // Half of the rows at a time leave registers for more blocks; all steps of two tiles have to be there.
        let of_halves = needed - stages + 2 * u64::from(self.steps()) * STEP_BYTES * u64::from(parts);
        let can_be_halved = in_quads && keeps_rows && parts == 4 && self.steps() <= 2;
        let in_halves = can_be_halved && of_halves <= of_blocks(BLOCKS_OF_HALVES);
        let blocks = if in_halves {
            BLOCKS_OF_HALVES
        } else if needed <= of_blocks(2) {
            2
        } else {
            1
        };
        Some(Large { parts, blocks, in_halves, bytes: of_blocks(blocks) as u32 })
    }

    /// Whether everything fits into shared memory.
    pub(crate) fn has_room(&self, room: &Room<'_>) -> bool {
        // Columns of a tile, in thirty-twos, bytes of their coordinates, and of how many tiles there is all else.
        let long_parts = u64::from(self.long_parts(room));
        let (parts, coordinates, slots) = match self.method() {
            Method::Terms => (1, 0, 1),
            Method::Products => (1, STEP_BYTES * u64::from(self.steps()), 2),
            Method::LongProducts => (long_parts, 2 * STEP_BYTES * long_parts, 2),
        };
        room.suffices_for(coordinates + slots * 32 * parts * (room.column_bytes + MEASURE_BYTES))
    }

    /// What is laid out for it, as `Packed` of the skeleton has it: halves of 16 bytes for every four numbers, or narrow ones for eight, and a measure,
    /// in whole lines of the cache; and what wide sums multiply. For sm_90a they lie in tiles, which take no more.
    pub(crate) fn packed(&self) -> Packed {
        let size_of = |words: u32| (64 * self.steps() + 16 * words + 16).next_multiple_of(LINE);
        let middle = 4 * self.step() * self.steps();
        let header = if self.form == Form::Distances { middle.next_multiple_of(LINE) } else { 0 };
        let sizes = match self.method() {
            Method::Terms => return Packed::default(),
            Method::Products => [size_of(self.wide_words), 0],
            Method::LongProducts => [size_of(self.wide_words), size_of(0)],
        };
        Packed { header, sizes, kernels: [None; 2] }
    }

    /// Registers of a thread for rows step by step, sums and contractions, addresses and the like.
    pub(crate) fn registers(&self) -> u64 {
        match self.method() {
            Method::Terms => 90,
            Method::Products => 16 * u64::from(self.steps()) + 104,
            Method::LongProducts => 200,
        }
    }
}

/// How a contraction is multiplied where there is more shared memory than every GPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Large {
    /// How many times 32 columns are multiplied with at a time.
    pub parts: u32,
    /// Blocks that are to fit on a multiprocessor.
    pub blocks: u32,
    /// Whether half of the rows are multiplied at a time.
    pub in_halves: bool,
    /// Bytes of shared memory of a block.
    pub bytes: u32,
}

/// What else there is in shared memory where pairs are computed by tiles of 32 columns.
pub(crate) struct Room<'a> {
    /// The type of arithmetic.
    pub(crate) compute: ScalarType,
    /// How exact numbers are that are multiplied.
    pub(crate) products: Products,
    /// Bytes of a column beside its coordinates.
    pub(crate) column_bytes: u64,
    /// Bytes of parameters.
    pub(crate) parameter_bytes: u64,
    /// Sums whose factors and columns are there.
    pub(crate) wide: Option<&'a WideSums>,
}

impl Room<'_> {
    /// Whether it suffices where nothing is contracted.
    pub(crate) fn suffices_without_contraction(&self) -> bool {
        self.suffices_for(u64::from(CONTRACTED_COLUMNS) * self.column_bytes)
    }

    fn suffices_for(&self, bytes: u64) -> bool {
        self.bytes_of_pairs() + bytes + self.parameter_bytes + OTHER_BYTES <= SHARED_BYTES
    }

    /// What is there of pairs, and of wide sums.
    fn bytes_of_pairs(&self) -> u64 {
        let real = if self.compute == ScalarType::F64 { 8 } else { 4 };
        let values = u64::from(CONTRACTED_ROWS) * PITCH * real;
        values + self.wide.map_or(0, |wide| wide.shared_bytes(self.compute, self.products))
    }
}

/// Shared memory that every kernel may have.
const SHARED_BYTES: u64 = 48 << 10;
/// That of a multiprocessor of compute capability 9.0, and what each of its blocks takes of it for the system.
const MULTIPROCESSOR_BYTES: u64 = 228 << 10;
const BLOCK_BYTES: u64 = 1 << 10;
/// What the skeleton has there: from row to row of a tile's pairs; bytes of a step's coordinates of 32 columns and of 128 rows; of a column's measure; up to which all else
/// of a column is read ahead; of eight components of it; of norms of rows, and what alignment may take.
const PITCH: u64 = 36;
const STEP_BYTES: u64 = 2048;
const ROW_STEP_BYTES: u64 = 8192;
const MEASURE_BYTES: u64 = 8;
const WORD_BYTES: u64 = 16;
const KEPT_COLUMN_BYTES: u64 = 16;
const OTHER_BYTES: u64 = 640;
/// The same, and barriers, where there is more of it.
const OTHER_LARGE_BYTES: u64 = 1024;
/// Blocks of a multiprocessor where half of the rows are multiplied at a time.
const BLOCKS_OF_HALVES: u32 = 3;
/// Bytes of a line of the cache.
const LINE: u32 = 128;

/// The longest contraction of a pass that pays.
pub(crate) fn contraction(
    plan: &Plan,
    pass: &Pass,
    needed: &Needed,
    places: &[Place],
    arithmetic: Arithmetic,
) -> Option<Contraction> {
    let candidates = pass.block(Block::Pair).filter(|(id, _)| needed.values[id.0 as usize]);
    let found = candidates.filter_map(|(id, value)| of_value(plan, pass, id, value, places, arithmetic));
    let longest = found.max_by_key(|contraction| (contraction.count, std::cmp::Reverse(contraction.value)))?;
    Some(Contraction { is_narrow: plan.numerics.products != Products::Auto, ..longest })
}

fn of_value(
    plan: &Plan,
    pass: &Pass,
    id: ValueId,
    value: &Value,
    places: &[Place],
    arithmetic: Arithmetic,
) -> Option<Contraction> {
    let Definition::Compute(Scalar::Fold { with, counter, count, body }) = &value.definition else { return None };
    if value.dim != 1 || body.contains_fold() {
        return None;
    }
    let mut operands = [None, None];
    let mut is_plain = true;
    for_each_read(body, &mut |read, index| {
        let read_value = pass.value(read);
        let at_counter = *index == Index::Counter(*counter);
        match read_value.block {
            Block::Row | Block::Column => {
                let operand = &mut operands[usize::from(read_value.block == Block::Column)];
                is_plain &= at_counter && *operand.get_or_insert(read) == read;
            }
            Block::Parameter => {
                let is_known = matches!(index, Index::Constant(_));
                is_plain &= is_known || places[read.0 as usize] == Place::Shared;
            }
            Block::Pair | Block::Epilogue => is_plain = false,
        }
    });
    let [Some(row), Some(column)] = operands else { return None };
    let has_terms = [row, column].into_iter().all(|operand| is_cheap(plan, pass, operand, places));
    if !is_plain || !has_terms {
        return None;
    }
    let can_multiply = arithmetic == Arithmetic::Real && pass.compute == ScalarType::F32 && *count <= MOST_PRODUCTS;
    let form = if *with == Intrinsic::Add && can_multiply { form(body, row, column) } else { Form::Terms };
    let least = match (arithmetic, form) {
        (Arithmetic::Ring, _) => LEAST_IN_RING,
        (Arithmetic::Real, Form::Terms) => return None,
        (Arithmetic::Real, Form::Products | Form::Distances) => LEAST_PRODUCTS,
    };
    let found = Contraction {
        value: id,
        form,
        count: *count,
        row,
        column,
        has_wide_sums: false,
        wide_words: 0,
        is_narrow: false,
    };
    (*count >= least).then_some(found)
}

/// Whether a component of a value can be computed from what is stored, and without a loop.
pub(crate) fn is_cheap(plan: &Plan, pass: &Pass, id: ValueId, places: &[Place]) -> bool {
    let value = pass.value(id);
    match &value.definition {
        Definition::Read(tensor) if value.block != Block::Parameter => plan.tensor(*tensor).scalar.components() == 1,
        _ if value.block == Block::Parameter => value.dim == 1 || places[id.0 as usize] == Place::Shared,
        Definition::Compute(scalar) => {
            let mut cheap = !scalar.contains_fold() && !value.is_index;
            for_each_read(scalar, &mut |read, _| cheap &= is_cheap(plan, pass, read, places));
            cheap
        }
        _ => false,
    }
}

fn form(body: &Scalar<ValueId>, row: ValueId, column: ValueId) -> Form {
    let reads = |scalar: &Scalar<ValueId>, id: ValueId| matches!(scalar, Scalar::Component(read, _) if *read == id);
    let both = |a, b| reads(a, row) && reads(b, column) || reads(a, column) && reads(b, row);
    let Scalar::Call(Intrinsic::Mul, factors) = body else { return Form::Terms };
    match factors.as_slice() {
        [a, b] if both(a, b) => Form::Products,
        [a, b] if a == b => match a {
            Scalar::Call(Intrinsic::Sub, terms) if matches!(terms.as_slice(), [a, b] if both(a, b)) => Form::Distances,
            _ => Form::Terms,
        },
        _ => Form::Terms,
    }
}

/// The terms of a contraction in C: of coordinate `q`, which is `x` in the row and `y` in the column.
pub(crate) struct Terms<'a> {
    /// The contraction.
    pub(crate) contraction: &'a Contraction,
    /// Where parameters are, and the pass' values.
    pub(crate) values: &'a dyn PassValues,
}

/// The values of a pass.
pub(crate) trait PassValues: Operands<ValueId> {
    /// The definition of one.
    fn definition(&self, id: ValueId) -> &Definition;
}

impl Terms<'_> {
    fn fold(&self) -> (Intrinsic, Counter, &Scalar<ValueId>) {
        match self.values.definition(self.contraction.value) {
            Definition::Compute(Scalar::Fold { with, counter, body, .. }) => (*with, *counter, body),
            other => unreachable!("a contraction is a fold, not {other:?}"),
        }
    }

    /// The sum of no terms.
    pub(crate) fn neutral(&self, writer: &Writer) -> String {
        fold_neutral(self.fold().0, writer.real, writer.arithmetic()).loose().to_owned()
    }

    /// A statement that adds a term to `sum`.
    pub(crate) fn add(&self, writer: &mut Writer) -> String {
        let (with, counter, body) = self.fold();
        let counters = vec![(counter, Position::Computed(Text::primary("q")))];
        let term = writer.expression(body, Kind::Real, &counters, self);
        match spelling(with) {
            Spelling::Infix(operator, _) => format!("sum {operator}= {};", term.loose()),
            _ => {
                format!("sum = {};", apply(with, &[Text::primary("sum"), term], writer.real).loose())
            }
        }
    }
}

impl Operands<ValueId> for Terms<'_> {
    fn read(&self, id: ValueId, position: &Position, writer: &mut Writer) -> Text {
        match id {
            id if id == self.contraction.row => Text::primary("x"),
            id if id == self.contraction.column => Text::primary("y"),
            id => self.values.read(id, position, writer),
        }
    }
}
