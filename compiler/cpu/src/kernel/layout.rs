//! Where each value of a pass lies in the buffers that the support code hands to the kernels.
//!
//! Row tile `[row_values][tile_rows]`, column record `[column_values]`, parameter record `[parameter_values]`: first what is read from
//! tensors, in order, then what the prologue computes. State: each slot `[dim][tile_rows]`, reals in the computing type, row numbers as
//! int64. Results: each write likewise.

use keopsc_ir::plan::{Block, Definition, Pass, TensorId, ValueId};
use keopsc_ir::types::ScalarType;
use keopsc_ops::intrinsics::Kind;
use keopsc_passes::schedule::PassSchedule;

/// A slot of an accumulation's state.
#[derive(Clone, Copy, Debug)]
pub struct SlotPlace {
    /// Bytes from the beginning of the state.
    pub offset: u64,
}

/// The buffers of a pass.
#[derive(Debug)]
pub struct Layout {
    /// Rows of a tile.
    pub tile_rows: u32,
    /// Bytes of a real number.
    pub real_size: u64,
    /// First component of each value in its buffer; meaningful for the parameter, row and column blocks.
    pub first_component: Vec<u32>,
    /// Components of a row tile, a column record and the parameter record.
    pub row_values: u32,
    /// As above.
    pub column_values: u32,
    /// As above.
    pub parameter_values: u32,
    /// For each accumulation its slots.
    pub slots: Vec<Vec<SlotPlace>>,
    /// Bytes of the state.
    pub state_size: u64,
    /// For each write its offset in bytes.
    pub writes: Vec<u64>,
    /// Bytes of the results.
    pub result_size: u64,
}

/// Lays out a pass.
pub fn layout(pass: &Pass, schedule: &PassSchedule) -> Layout {
    let tile_rows = schedule.lanes * schedule.row_vectors;
    let real_size: u64 = if pass.compute == ScalarType::F64 { 8 } else { 4 };
    let block_size = |dim: u32, is_index: bool| {
        let size = u64::from(dim) * u64::from(tile_rows) * if is_index { 8 } else { real_size };
        size.next_multiple_of(64)
    };
    let mut layout = Layout {
        tile_rows,
        real_size,
        first_component: vec![0; pass.values.len()],
        row_values: 0,
        column_values: 0,
        parameter_values: 0,
        slots: Vec::new(),
        state_size: 0,
        writes: Vec::new(),
        result_size: 0,
    };
    layout.parameter_values = place(pass, Block::Parameter, &mut layout.first_component);
    layout.row_values = place(pass, Block::Row, &mut layout.first_component);
    layout.column_values = place(pass, Block::Column, &mut layout.first_component);
    for accumulation in &pass.accumulations {
        let mut places = Vec::new();
        for slot in &accumulation.rule.slots {
            places.push(SlotPlace { offset: layout.state_size });
            layout.state_size += block_size(slot.dim, slot.kind == Kind::Index);
        }
        layout.slots.push(places);
    }
    for write in &pass.writes {
        let value = pass.value(write.value);
        layout.writes.push(layout.result_size);
        layout.result_size += block_size(value.dim, value.is_index);
    }
    layout
}

/// The tensors that a block reads, in the order of their components.
pub fn reads(pass: &Pass, block: Block) -> Vec<(ValueId, TensorId)> {
    let read = |(id, value): (ValueId, &keopsc_ir::plan::Value)| match value.definition {
        Definition::Read(tensor) => Some((id, tensor)),
        _ => None,
    };
    pass.block(block).filter_map(read).collect()
}

/// The values that a block's prologue computes, in order.
pub fn computed(pass: &Pass, block: Block) -> Vec<ValueId> {
    pass.block(block).filter(|(_, value)| !matches!(value.definition, Definition::Read(_))).map(|(id, _)| id).collect()
}

fn place(pass: &Pass, block: Block, first_component: &mut [u32]) -> u32 {
    let order = reads(pass, block).into_iter().map(|(id, _)| id).chain(computed(pass, block));
    order.fold(0, |first, id| {
        first_component[id.0 as usize] = first;
        first + pass.value(id).dim
    })
}
