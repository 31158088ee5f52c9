//! Kernel plan → scheduled plan: how each pass is laid out on a machine with vector registers.
//!
//! Rows lie in the lanes of `row_vectors` registers; columns come one after the other, `columns` at a time, and are broadcast. Folds and
//! component loops up to `unroll` are unrolled into registers; longer ones stay loops, and a long fold over components of the pair's two
//! points (a *contraction*) is computed for the whole register tile of `row_vectors × columns` at once, like a matrix product.
//!
//! ```text
//! Σ_j exp(-|x-y|²)·b, D = 3,   32 registers:  3 row vectors × 8 columns,   everything in registers
//! Σ_j exp(-|x-y|²)·b, D = 100, 32 registers:  3 row vectors × 8 columns,  24 partial distances in registers
//! ```
//!
//! Accumulations that are dear to update column by column wait: what they need of the pairs (*kept* values) is computed for a block of columns
//! first. Then the exponentials of all its columns are taken relative to one largest value; sums of many components are added up some
//! components at a time, which stay in registers over the whole block, like a second matrix product; and lists of the best columns look at
//! those alone that get in.
//!
//! Which tile a pass has is chosen by a cost model ([`cost`]), or from outside by [`Scheduled::with_tiles`].
//!
//! Invariants: a schedule changes how fast a result is found and in which order of columns it is summed, nothing else, and the order depends on
//! plan and machine alone, not on the tile. [`Scheduled`] can only be made here, from a verified plan: back ends take nothing else.

mod cost;
mod instructions;
mod machine;
mod pass;
mod storage;
mod stretches;
mod tile;
mod updates;
mod work;

use keopsc_ir::plan::{Pass, Plan, ValueId, Verified};
use keopsc_ir::types::ScalarType;
use keopsc_ops::scalar::Scalar;

pub use cost::{Bound, Candidate};
pub use instructions::{Instructions, Work};
pub use machine::{Machine, Ports};
use pass::Frame;
pub use tile::Tile;
pub use updates::rows_at_component;

/// Where a value of a pass lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Each component in registers, computed at its first use.
    Registers,
    /// Nowhere: its expression is computed where its one use stands.
    Inline,
    /// In memory, all components computed by a loop where the value is defined.
    Memory,
    /// In memory for all columns of a block; a scalar.
    Kept,
}

/// When an accumulation takes a column in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// When its pairs have been computed.
    Along,
    /// Then too, but only if the column gets past the reduction's guard in some row.
    Guarded,
    /// When the pairs of all columns of a block have been computed.
    After,
}

/// In which order the states of chunks become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In a binary tree.
    Tree,
    /// One after the other.
    Sequence,
    /// One after the other, a chunk having as many columns as there are chunks: about √N.
    Roots,
    /// None are merged where nothing forces it: each chunk goes on with the state of the one before.
    Carried,
}

/// The layout of one pass.
#[derive(Clone, Debug, PartialEq)]
pub struct PassSchedule {
    /// Lanes of a vector of the computing type.
    pub lanes: u32,
    /// The accumulators' type; a vector of them has as many lanes, where they are wider in more registers.
    pub accumulate: ScalarType,
    /// Row vectors of a tile: a tile has `lanes * row_vectors` rows.
    pub row_vectors: u32,
    /// Columns that are computed together.
    pub columns: u32,
    /// Columns whose results are accumulated without looking at the others, before they are merged; at most so many in
    /// [`Order::Roots`].
    pub chunk: u32,
    /// In which order chunks are merged.
    pub order: Order,
    /// Columns whose pairs are computed before kept values are used; [`PassSchedule::columns`] where none are kept.
    pub block: u32,
    /// When each accumulation takes a column in.
    pub updates: Vec<Update>,
    /// For each accumulation the components of its long slots that stay in registers while the columns of a block are taken in.
    pub components: Vec<u32>,
    /// For each accumulation whether [`PassSchedule::columns`] columns are summed before their sum is added to the chunk's.
    pub blocked: Vec<bool>,
    /// Folds and component loops up to this count are unrolled.
    pub unroll: u32,
    /// Whether the components of row values stay in registers over all columns, or are read again for each.
    pub rows_in_registers: bool,
    /// Storage of each value.
    pub storage: Vec<Storage>,
    /// Pair values that are computed for the whole register tile.
    pub contractions: Vec<ValueId>,
    /// Estimated cycles a pair, in sixteenths.
    pub pair_cost: u32,
}

impl PassSchedule {
    /// Whether kept values wait for more columns than are computed together.
    pub fn has_blocks(&self) -> bool {
        self.block != self.columns
    }
}

/// A verified plan with a layout for each of its passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    plan: Plan,
    passes: Vec<PassSchedule>,
    for_ranges: Option<Box<Scheduled>>,
}

impl Scheduled {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Each pass with its layout.
    pub fn passes(&self) -> impl Iterator<Item = (&Pass, &PassSchedule)> {
        self.plan.passes.iter().zip(&self.passes)
    }

    /// The same entry for calls in which only some pairs count, if its plan is another one.
    pub fn for_ranges(&self) -> Option<&Scheduled> {
        self.for_ranges.as_deref()
    }
}

/// Another tile than the cheapest for a pass of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The plan's name.
    pub plan: String,
    /// The pass.
    pub pass: usize,
    /// The tile.
    pub tile: Tile,
}

/// Other layouts than the one that was chosen.
impl Scheduled {
    /// The tiles that a pass can have on a machine, with what they are estimated to cost, best first; and the work that they share.
    pub fn candidates(&self, pass: usize, machine: &Machine) -> (Work, Vec<Candidate>) {
        let frame = Frame::new(&self.plan, &self.plan.passes[pass], machine);
        (frame.work, frame.candidates())
    }

    /// The same with the tiles that are chosen for its plan, as far as they are candidates. Results have the same bits.
    pub fn with_tiles(mut self, choices: &[Choice], machine: &Machine) -> Scheduled {
        for Choice { pass, tile, .. } in choices.iter().filter(|choice| choice.plan == self.plan.name) {
            if let Some(found) = self.plan.passes.get(*pass) {
                let frame = Frame::new(&self.plan, found, machine);
                if frame.candidates().iter().any(|candidate| candidate.tile == *tile) {
                    self.passes[*pass] = frame.lay_out(*tile);
                }
            }
        }
        self
    }
}

/// For tests, which have to meet the ends of chunks and the work of several threads in small problems.
impl Scheduled {
    /// The same with chunks of that many columns, at least 1.
    pub fn with_chunk(mut self, chunk: u32) -> Scheduled {
        self.change_passes(&|pass| pass.chunk = chunk.max(1));
        self
    }

    /// The same with another estimate of what a pair costs.
    pub fn with_pair_cost(mut self, pair_cost: u32) -> Scheduled {
        self.change_passes(&|pass| pass.pair_cost = pair_cost);
        self
    }

    fn change_passes(&mut self, change: &impl Fn(&mut PassSchedule)) {
        self.passes.iter_mut().for_each(change);
        if let Some(other) = &mut self.for_ranges {
            other.change_passes(change);
        }
    }
}

/// Lays out a plan on a machine.
pub fn schedule(plan: &Verified, machine: &Machine) -> Scheduled {
    let lay_out = |plan: &Plan, for_ranges| {
        let passes = plan.passes.iter().map(|pass| Frame::new(plan, pass, machine).best()).collect();
        Scheduled { plan: plan.clone(), passes, for_ranges }
    };
    lay_out(plan, plan.for_ranges().map(|plan| Box::new(lay_out(plan, None))))
}

/// Components up to which loops are unrolled.
const UNROLL: u32 = 16;

/// Whether an expression reads a value.
pub fn reads_value(scalar: &Scalar<ValueId>, value: ValueId) -> bool {
    let mut found = false;
    scalar.for_each_read(&mut |id, _| found |= *id == value);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use keopsc_ops::intrinsics::Intrinsic;
    use keopsc_ops::scalar::Index;

    #[test]
    fn values_that_are_read() {
        let [first, last] = [0, 1].map(|number| Scalar::Component(ValueId(number), Index::K));
        let difference = Scalar::Call(Intrinsic::Sub, vec![first, last]);
        assert_eq!([0, 1, 2].map(|number| reads_value(&difference, ValueId(number))), [true, true, false]);
    }
}
