//! The layout of one pass, put together: what all its layouts share, the tiles it can have, and the best of them.

use keopsc_ir::plan::cost::cost;
use keopsc_ir::plan::{Block, Pass, Plan, ValueId};
use keopsc_ir::types::{Role, ScalarType};

use super::cost::{Candidate, Costs, ranked};
use super::instructions::Work;
use super::storage::{choose_storage, is_contraction};
use super::stretches::{Stretches, block_columns};
use super::tile::{LONG_LOCALS, Pressure, Tile, long_locals, tiles};
use super::updates::{choose_updates, components, vectors_of_component};
use super::work::Counter;
use super::{Machine, PassSchedule, Storage, UNROLL, Update};

/// What all layouts of a pass on a machine share.
pub(super) struct Frame<'a> {
    pass: &'a Pass,
    machine: &'a Machine,
    /// The work on a vector of pairs.
    pub(super) work: Work,
    accumulate: ScalarType,
    updates: Vec<Update>,
    storage: Vec<Storage>,
    contractions: Vec<ValueId>,
    /// Registers that a vector of accumulators takes.
    registers: u32,
    pressure: Pressure,
    pair_cycles: f64,
    stretches: Stretches,
    block: u32,
    tiles: Vec<Tile>,
}

impl<'a> Frame<'a> {
    /// Decides what does not depend on the tile.
    pub(super) fn new(plan: &Plan, pass: &'a Pass, machine: &'a Machine) -> Frame<'a> {
        let (updates, kept) = choose_updates(pass);
        let storage = choose_storage(pass, &kept, machine);
        let contractions: Vec<ValueId> = pass
            .block(Block::Pair)
            .filter(|(_, value)| is_contraction(pass, value, machine))
            .map(|(id, _)| id)
            .collect();
        let accumulate = plan.numerics.accumulators(pass.compute);
        let registers = if accumulate == pass.compute { 1 } else { 2 };
        let pair_cycles = cost(pass).per_pair.cycles();
        let group = (!contractions.is_empty()).then_some(if machine.registers >= 32 { 8 } else { 5 });
        let stretches = Stretches::of(plan, pass, &updates, group, pair_cycles);
        let work =
            Counter { pass, machine, storage: &storage, contractions: &contractions, updates: &updates, registers };
        // Where sums are made group by group, groups are those of the level.
        let is_free = group.is_some() && !stretches.blocked.contains(&true);
        let columns = if is_free { &[4, 5, 8, 10][..] } else { &[stretches.columns] };
        let is_single = pass.rows == Role::Parameter || long_locals(pass, &storage, registers) > LONG_LOCALS;
        let pressure = Pressure::of(pass, machine, &updates, registers);
        let is_good = |tile: &Tile| (tile.row_vectors == 1 || !is_single) && pressure.fits(*tile, machine);
        let tiles = tiles(columns).filter(is_good).collect();
        Frame {
            pass,
            machine,
            work: work.work(),
            accumulate,
            pressure,
            block: block_columns(plan, &updates, group, stretches.columns),
            updates,
            storage,
            contractions,
            registers,
            pair_cycles,
            stretches,
            tiles,
        }
    }

    /// Its tiles, the best first.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        ranked(&Costs { work: &self.work, pressure: &self.pressure, machine: self.machine }, &self.tiles)
    }

    /// The layout with the best tile.
    pub(super) fn best(&self) -> PassSchedule {
        let tile = self.candidates().first().map(|candidate| candidate.tile);
        self.lay_out(tile.unwrap_or(Tile { row_vectors: 1, columns: self.stretches.columns }))
    }

    /// The layout with that tile.
    pub(super) fn lay_out(&self, Tile { row_vectors, columns }: Tile) -> PassSchedule {
        let lanes =
            if self.pass.compute == ScalarType::F64 { self.machine.lanes_f32 / 2 } else { self.machine.lanes_f32 };
        let components =
            |one| components(vectors_of_component(self.pass, one, self.registers), self.machine, row_vectors);
        let resident = row_vectors.saturating_mul(self.pressure.rows);
        PassSchedule {
            lanes,
            accumulate: self.accumulate,
            row_vectors,
            columns,
            chunk: self.stretches.chunk,
            order: self.stretches.order,
            block: if self.block == self.stretches.columns { columns } else { self.block },
            components: self.pass.accumulations.iter().map(components).collect(),
            updates: self.updates.clone(),
            blocked: self.stretches.blocked.clone(),
            unroll: UNROLL,
            rows_in_registers: self.contractions.is_empty() && resident <= self.machine.registers / 2,
            storage: self.storage.clone(),
            contractions: self.contractions.clone(),
            pair_cost: (self.pair_cycles * 16.0 / f64::from(lanes)).ceil() as u32,
        }
    }
}
