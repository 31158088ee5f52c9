//! The layout of one pass, put together.

use keopsc_ir::plan::cost::cost;
use keopsc_ir::plan::{Block, Pass, Plan, ValueId};
use keopsc_ir::types::{Role, ScalarType};

use super::storage::{choose_storage, is_contraction};
use super::stretches::{Stretches, block_columns};
use super::tile::{LONG_LOCALS, Pressure, long_locals};
use super::updates::{choose_updates, components};
use super::{Machine, PassSchedule, UNROLL};

/// Lays out a pass on a machine.
pub(super) fn schedule_pass(plan: &Plan, pass: &Pass, machine: &Machine) -> PassSchedule {
    let lanes = if pass.compute == ScalarType::F64 { machine.lanes_f32 / 2 } else { machine.lanes_f32 };
    let (updates, kept) = choose_updates(pass);
    let storage = choose_storage(pass, &kept);
    let contractions: Vec<ValueId> =
        pass.block(Block::Pair).filter(|(_, value)| is_contraction(pass, value)).map(|(id, _)| id).collect();
    let accumulate = plan.numerics.accumulators(pass.compute);
    let registers = if accumulate == pass.compute { 1 } else { 2 };
    let pressure = Pressure::of(pass, &updates, registers);
    let pair_cycles = cost(pass).per_pair.cycles();
    let (row_vectors, group) = if contractions.is_empty() {
        (pressure.row_vectors(machine), None)
    } else if machine.registers >= 32 {
        (3, Some(8))
    } else {
        (2, Some(5))
    };
    let stretches = Stretches::of(plan, pass, &updates, group, pair_cycles);
    let is_single = pass.rows == Role::Parameter || long_locals(pass, &storage, registers) > LONG_LOCALS;
    let row_vectors = if is_single { 1 } else { row_vectors };
    let components = |one| components(pass, one, machine, row_vectors, registers);
    PassSchedule {
        lanes,
        accumulate,
        row_vectors,
        columns: stretches.columns,
        chunk: stretches.chunk,
        order: stretches.order,
        block: block_columns(plan, &updates, group, stretches.columns),
        components: pass.accumulations.iter().map(components).collect(),
        updates,
        blocked: stretches.blocked,
        unroll: UNROLL,
        rows_in_registers: contractions.is_empty() && row_vectors * pressure.rows <= machine.registers / 2,
        storage,
        contractions,
        pair_cost: (pair_cycles * 16.0 / f64::from(lanes)).ceil() as u32,
    }
}
