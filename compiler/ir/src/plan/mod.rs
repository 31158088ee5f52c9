//! The kernel plan: one entry of a library as a sequence of passes over the pairs.
//!
//! ```text
//! parameter block   once per call                      v0 = 1/sigma²
//! row block         once per row                       what depends on the row alone
//! column block      once per column
//! pair block        once per pair                      v5 = exp(-Σ_q (x[q]-y[q])² · v0)
//! accumulations     Σ, LogSumExp, argmin … over columns
//! epilogue          once per row, on the accumulations' outcomes
//! scatters          when all rows are written: values of rows, summed up by column number
//! ```
//!
//! *Row* is the index that stays, *column* the one that is reduced: in `Sum[j]` rows are i. A pass reads tensors (arguments,
//! temporaries of earlier passes) and its epilogue writes tensors (results, temporaries). The values of a pass are in SSA form: each is
//! defined once, by a scalar expression for its component `k`, from values that stand before it.

pub mod cost;
pub mod evaluate;
pub mod generate;
mod generate_scalar;
mod index_range;
mod notation;
pub mod parse;
mod parse_scalar;
pub mod print;
pub mod print_scalar;
pub mod shards;
pub mod signs;
pub mod verify;
mod verify_scalar;

pub use verify::Verified;

use keopsc_ops::ReductionId;
use keopsc_ops::reductions::Rule;
use keopsc_ops::scalar::Scalar;

use crate::types::{Axis, Numerics, Role, ScalarType};

/// A value of a [`Pass`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// A tensor of a [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

/// What a tensor is to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TensorKind {
    /// An argument.
    Input,
    /// A result.
    Output,
    /// Left by one pass for a later one.
    Temporary,
}

/// An argument, a result or a temporary.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// What it is to the plan.
    pub kind: TensorKind,
    /// `I`, `J` or `Parameter`.
    pub role: Role,
    /// The extents of a row, in elements.
    pub shape: Vec<u32>,
    /// How it is stored.
    pub scalar: ScalarType,
    /// The input that it is the gradient in, if it is nothing but that.
    pub gradient_of: Option<TensorId>,
}

impl Tensor {
    /// Elements a row.
    pub fn elements(&self) -> u32 {
        self.shape.iter().product()
    }

    /// Components a row: one an element, two a complex one.
    pub fn dim(&self) -> u32 {
        self.elements() * self.scalar.components()
    }
}

/// Where in a pass a value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Block {
    /// Once per call (and batch element).
    Parameter,
    /// Once per row.
    Row,
    /// Once per column.
    Column,
    /// Once per pair.
    Pair,
    /// Once per row, after the accumulations.
    Epilogue,
}

impl Block {
    /// The blocks whose values this one may use.
    pub fn sees(self) -> &'static [Block] {
        match self {
            Block::Parameter => &[Block::Parameter],
            Block::Row => &[Block::Parameter, Block::Row],
            Block::Column => &[Block::Parameter, Block::Column],
            Block::Pair => &[Block::Parameter, Block::Row, Block::Column, Block::Pair],
            Block::Epilogue => &[Block::Parameter, Block::Row, Block::Epilogue],
        }
    }
}

/// How a value comes about.
#[derive(Clone, Debug, PartialEq)]
pub enum Definition {
    /// Read from a tensor, whose role puts it in the parameter, row or column block.
    Read(TensorId),
    /// The number of the row or of the column, as its block says.
    Number,
    /// Component `k` (counter 0) by a scalar expression over earlier values.
    Compute(Scalar<ValueId>),
    /// An outcome of an accumulation (epilogue only).
    Outcome {
        /// Number of the accumulation.
        accumulation: u32,
        /// Which of its outcomes.
        outcome: u32,
    },
}

/// A value: a vector of `dim` components per call, row, column or pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Where it is computed.
    pub block: Block,
    /// Components.
    pub dim: u32,
    /// Whether it holds row numbers.
    pub is_index: bool,
    /// How.
    pub definition: Definition,
}

/// A reduction over the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Accumulation {
    /// Which, for printing.
    pub reduction: ReductionId,
    /// Its integer parameters, for printing.
    pub parameters: Vec<i64>,
    /// What is reduced: values of any block but the epilogue.
    pub arguments: Vec<ValueId>,
    /// How.
    pub rule: Rule,
}

/// A value that the epilogue writes to a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Write {
    /// The value: of the parameter, row or epilogue block.
    pub value: ValueId,
    /// Where to.
    pub tensor: TensorId,
}

/// Values of a pass's rows, summed up by column: once all rows are written, each row of `sums` is the sum of the values of those rows of the pass
/// among whose numbers is its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scatter {
    /// A temporary with the column numbers of each row, -1 for none.
    pub numbers: TensorId,
    /// An input or a temporary with values of each row; `None` for ones, which are counted.
    pub values: Option<TensorId>,
    /// A temporary with a row for each column, of the other index.
    pub sums: TensorId,
}

/// One pass over the pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// The role of the rows: `I`, `J` or `Parameter` (one row).
    pub rows: Role,
    /// The index that is reduced; `None` where there are no accumulations.
    pub over: Option<Axis>,
    /// The type of arithmetic: `F32` or `F64`.
    pub compute: ScalarType,
    /// All values; arguments stand before users.
    pub values: Vec<Value>,
    /// The reductions.
    pub accumulations: Vec<Accumulation>,
    /// What is written.
    pub writes: Vec<Write>,
    /// What is summed up by column number, once everything is written.
    pub scatters: Vec<Scatter>,
}

impl Pass {
    /// One without values, that reduces and writes nothing.
    pub fn new(rows: Role, over: Option<Axis>, compute: ScalarType) -> Pass {
        let (values, accumulations) = (Vec::new(), Vec::new());
        Pass { rows, over, compute, values, accumulations, writes: Vec::new(), scatters: Vec::new() }
    }

    /// The value of that number. Panics if it is not one of this pass's.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// The values of a block, in order.
    pub fn block(&self, block: Block) -> impl Iterator<Item = (ValueId, &Value)> {
        let numbered = self.values.iter().enumerate().map(|(number, value)| (ValueId(number as u32), value));
        numbered.filter(move |(_, value)| value.block == block)
    }
}

/// One entry of a library.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The entry's name.
    pub name: String,
    /// Arguments in call order, then results in call order, then temporaries.
    pub tensors: Vec<Tensor>,
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// Accuracy settings.
    pub numerics: Numerics,
}

impl Plan {
    /// The tensor of that number. Panics if it is not one of this plan's.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0 as usize]
    }
}
