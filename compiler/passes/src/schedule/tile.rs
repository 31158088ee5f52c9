//! The tiles that a pass can have, and the registers they need.

use std::fmt;

use keopsc_ir::plan::{Block, Definition, Pass, Value, ValueId};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Scalar;

use super::storage::has_contractions;
use super::updates::{components, vectors_of_component};
use super::{Machine, Storage, UNROLL, Update};

/// A register tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Vectors of rows.
    pub row_vectors: u32,
    /// Columns that are computed together.
    pub columns: u32,
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.row_vectors, self.columns)
    }
}

/// Row vectors of a tile at most.
const ROW_VECTORS: u32 = 4;
/// Coefficients of an exponential.
const COEFFICIENTS: u32 = 6;
/// Registers of the tables that exponentials look up.
const TABLES: u32 = 2;
/// Registers for the column's component at hand and what is made of it.
const COLUMN: u32 = 2;

/// All tiles with so many columns.
pub(super) fn tiles(columns: &[u32]) -> impl Iterator<Item = Tile> {
    let with = |columns: &u32| {
        let columns = *columns;
        (1..=ROW_VECTORS).map(move |row_vectors| Tile { row_vectors, columns })
    };
    columns.iter().flat_map(with)
}

/// Components of accumulators and of pair values in memory above which a tile has a single row vector, to spare the caller's stack.
pub(super) const LONG_LOCALS: u32 = 1024;

pub(super) fn long_locals(pass: &Pass, storage: &[Storage], registers: u32) -> u32 {
    let slots = pass.accumulations.iter().flat_map(|accumulation| &accumulation.rule.slots);
    let slots = slots.map(|slot| slot.dim.saturating_mul(registers));
    let in_memory = |(id, _): &(ValueId, &Value)| storage[id.0 as usize] == Storage::Memory;
    slots.chain(pass.block(Block::Pair).filter(in_memory).map(|(_, value)| value.dim)).fold(0, u32::saturating_add)
}

/// How many registers a row vector needs, by kind.
pub(super) struct Pressure {
    pub(super) rows: u32,
    accumulators: u32,
    temporaries: u32,
    coefficients: u32,
    /// For each accumulation that is updated some components at a time the vectors that one needs, and how many there are.
    windows: Vec<(u32, u32)>,
    is_contracted: bool,
}

impl Pressure {
    /// `registers` is what a vector of accumulators takes.
    pub(super) fn of(pass: &Pass, machine: &Machine, updates: &[Update], registers: u32) -> Pressure {
        let uses = count_uses(pass);
        let used = |id: ValueId| uses[id.0 as usize] > 0;
        let is_contracted = has_contractions(pass, machine);
        // Contractions read rows from memory.
        let rows = pass.block(Block::Row).filter(|(id, _)| used(*id) && !is_contracted);
        let rows = rows.map(|(_, value)| value.dim).fold(0, u32::saturating_add);
        let slots = pass.accumulations.iter().zip(updates).flat_map(|(one, update)| {
            let pivots = one.rule.raising.iter().flat_map(|raising| &raising.pivots);
            let held = move |number: &u32| match update {
                Update::Along => true,
                Update::Guarded => false,
                Update::After => pivots.clone().any(|pivot| pivot == number),
            };
            (0..).zip(&one.rule.slots).filter(move |(number, _)| held(number)).map(|(_, slot)| slot)
        });
        let shared = pass.block(Block::Pair).filter(|(id, _)| uses[id.0 as usize] > 1);
        let shared: u32 = shared.map(|(_, value)| value.dim.min(UNROLL)).sum();
        let temporaries = 2 + shared + if is_contracted { 0 } else { shared_differences(pass) };
        let waiting = pass.accumulations.iter().zip(updates).filter(|(_, update)| **update == Update::After);
        let windows = waiting.filter_map(|(one, _)| {
            let longest = one.rule.slots.iter().map(|slot| slot.dim).max().filter(|dim| *dim > 1);
            longest.map(|dim| (vectors_of_component(pass, one, registers), dim))
        });
        Pressure {
            rows,
            accumulators: registers * slots.map(|slot| slot.dim).sum::<u32>(),
            temporaries,
            coefficients: coefficients(pass),
            windows: windows.collect(),
            is_contracted,
        }
    }

    /// Registers that hold what changes from pair to pair.
    pub(super) fn registers(&self, tile: Tile, machine: &Machine) -> u32 {
        let pairs = tile.row_vectors.saturating_mul(self.accumulators.saturating_add(self.temporaries));
        let tables = if machine.tables && self.coefficients > 0 { TABLES } else { 0 };
        pairs.saturating_add(COLUMN + tables).max(self.whole(tile, machine))
    }

    /// Whether what has to be in registers all the time is: the sums of contractions, and those of a window of components.
    pub(super) fn fits(&self, tile: Tile, machine: &Machine) -> bool {
        tile.row_vectors == 1 || self.whole(tile, machine) <= machine.registers
    }

    /// Registers of contractions, and of windows of components.
    fn whole(&self, Tile { row_vectors, columns }: Tile, machine: &Machine) -> u32 {
        // A product that is not part of an addition has to be somewhere.
        let column = if machine.fused { 1 } else { 2 };
        let windows = self.windows.iter().map(|(vectors, dim)| {
            let components = components(*vectors, machine, row_vectors).min(*dim);
            row_vectors * (components * vectors + 1) + column
        });
        let contraction = if self.is_contracted { row_vectors * (columns + 1) + COLUMN } else { 0 };
        windows.fold(contraction, u32::max)
    }

    /// What is read from memory where it is used, if only so many registers are left: rows, and the coefficients of functions.
    pub(super) fn memory_operands(&self, tile: Tile, left: u32) -> u32 {
        tile.row_vectors.saturating_mul(self.rows).saturating_add(self.coefficients).saturating_sub(left)
    }
}

/// Components of differences of the pair's points that several values need: those of a distance and of its gradient.
fn shared_differences(pass: &Pass) -> u32 {
    let (mut found, mut shared) = (Vec::new(), Vec::new());
    for (id, value) in pass.block(Block::Pair) {
        let Definition::Compute(body) = &value.definition else { continue };
        body.visit(&mut |part| {
            if let Scalar::Call(Intrinsic::Sub, arguments) = part
                && let [Scalar::Component(one, _), Scalar::Component(other, _)] = arguments[..]
                && !shared.contains(&(one, other))
            {
                let is_shared = found.iter().any(|(points, by)| *points == (one, other) && *by != id);
                if is_shared { shared.push((one, other)) } else { found.push(((one, other), id)) }
            }
        });
    }
    shared.iter().map(|(one, _)| pass.value(*one).dim.min(UNROLL)).sum()
}

/// Coefficients of the functions of a pass: those of an exponential, about, for each.
fn coefficients(pass: &Pass) -> u32 {
    let mut functions = Vec::new();
    for (_, value) in pass.block(Block::Pair) {
        let Definition::Compute(body) = &value.definition else { continue };
        body.visit(&mut |part| {
            if let Scalar::Call(intrinsic, _) = part
                && intrinsic.is_function()
                && !functions.contains(intrinsic)
            {
                functions.push(*intrinsic);
            }
        });
    }
    COEFFICIENTS * functions.len() as u32
}

/// How often each value stands in the definitions of pair values and in accumulations.
fn count_uses(pass: &Pass) -> Vec<u32> {
    let mut uses = vec![0; pass.values.len()];
    for (_, value) in pass.block(Block::Pair) {
        if let Definition::Compute(body) = &value.definition {
            body.for_each_read(&mut |id, _| uses[id.0 as usize] += 1);
        }
    }
    for argument in pass.accumulations.iter().flat_map(|accumulation| &accumulation.arguments) {
        uses[argument.0 as usize] += 1;
    }
    uses
}
