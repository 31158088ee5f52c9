//! How many row vectors a tile has.

use keopsc_ir::plan::{Block, Definition, Pass, Value, ValueId};

use super::{Machine, Storage, UNROLL, Update};

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
}

impl Pressure {
    /// `registers` is what a vector of accumulators takes.
    pub(super) fn of(pass: &Pass, updates: &[Update], registers: u32) -> Pressure {
        let uses = count_uses(pass, |block| block == Block::Pair);
        let used = |id: ValueId| uses[id.0 as usize] > 0;
        let rows = pass.block(Block::Row).filter(|(id, _)| used(*id)).map(|(_, value)| value.dim).sum();
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
        let temporaries = 3 + shared.map(|(_, value)| value.dim.min(UNROLL)).sum::<u32>();
        Pressure { rows, accumulators: registers * slots.map(|slot| slot.dim).sum::<u32>(), temporaries }
    }

    pub(super) fn row_vectors(&self, machine: &Machine) -> u32 {
        // Coefficients of functions, parameters, the column.
        let shared = 8;
        let fits = |vectors: &u32| {
            let resident = vectors * self.rows;
            let rows = if resident <= machine.registers / 2 { resident } else { 0 };
            rows + vectors * (self.accumulators + self.temporaries) + shared <= machine.registers
        };
        (1..=4).rev().find(fits).unwrap_or(1)
    }
}

/// How often each value stands in the definitions of a block's values, in accumulations and (for all blocks) in writes.
fn count_uses(pass: &Pass, block: impl Fn(Block) -> bool) -> Vec<u32> {
    let mut uses = vec![0; pass.values.len()];
    for value in pass.values.iter().filter(|value| block(value.block)) {
        if let Definition::Compute(body) = &value.definition {
            body.for_each_read(&mut |id, _| uses[id.0 as usize] += 1);
        }
    }
    for argument in pass.accumulations.iter().flat_map(|accumulation| &accumulation.arguments) {
        uses[argument.0 as usize] += 1;
    }
    for write in &pass.writes {
        uses[write.value.0 as usize] += u32::from(block(Block::Epilogue));
    }
    uses
}
