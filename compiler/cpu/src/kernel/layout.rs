//! Where each value of a pass lies in the buffers that the support code hands to the kernels.
//!
//! Row tile `[row_values][tile_rows]`, column record `[column_values]`, parameter record `[parameter_values]`: first what is read from
//! tensors or counted, in order, then what the prologue computes; of a row number in a float32 pass the two halves of the int64 follow each other
//! as components, the lower one first. State: each slot `[dim][tile_rows]`, reals in the accumulators' type, row numbers as
//! int64. Results: each write likewise, reals in the computing type.

use keopsc_ir::plan::{Block, Definition, Pass, TensorId, Value, ValueId};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::Slot;
use keopsc_passes::schedule::PassSchedule;

use crate::vector::Float;

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
    /// Bytes of a real number in the state.
    pub accumulator_size: u64,
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
    let [real_size, accumulator_size] =
        [pass.compute, schedule.accumulate].map(|scalar| u64::from(Float::of(scalar).bits() / 8));
    let block_size = |dim: u32, element: u64| (u64::from(dim) * u64::from(tile_rows) * element).next_multiple_of(64);
    let mut layout = Layout {
        tile_rows,
        real_size,
        accumulator_size,
        first_component: vec![0; pass.values.len()],
        row_values: 0,
        column_values: 0,
        parameter_values: 0,
        slots: Vec::new(),
        state_size: 0,
        writes: Vec::new(),
        result_size: 0,
    };
    layout.parameter_values = layout.place(pass, Block::Parameter);
    layout.row_values = layout.place(pass, Block::Row);
    layout.column_values = layout.place(pass, Block::Column);
    for accumulation in &pass.accumulations {
        let mut places = Vec::new();
        for slot in &accumulation.rule.slots {
            places.push(SlotPlace { offset: layout.state_size });
            layout.state_size += block_size(slot.dim, layout.element_size(slot));
        }
        layout.slots.push(places);
    }
    for write in &pass.writes {
        let value = pass.value(write.value);
        layout.writes.push(layout.result_size);
        layout.result_size += block_size(value.dim, if value.is_index { 8 } else { real_size });
    }
    layout
}

/// What the support code fills in of a block, in the order of its components: a tensor's rows, or their numbers where there is no tensor.
pub fn reads(pass: &Pass, block: Block) -> Vec<(ValueId, Option<TensorId>)> {
    let read = |(id, value): (ValueId, &Value)| match value.definition {
        Definition::Read(tensor) => Some((id, Some(tensor))),
        Definition::Number => Some((id, None)),
        Definition::Compute(_) | Definition::Outcome { .. } => None,
    };
    pass.block(block).filter_map(read).collect()
}

/// The values that a block's prologue computes, in order.
pub fn computed(pass: &Pass, block: Block) -> Vec<ValueId> {
    pass.block(block)
        .filter(|(_, value)| matches!(value.definition, Definition::Compute(_)))
        .map(|(id, _)| id)
        .collect()
}

impl Layout {
    /// How many real numbers' room a component of a value takes.
    pub fn width(&self, value: &Value) -> u32 {
        if value.is_index { (8 / self.real_size) as u32 } else { 1 }
    }

    /// Bytes of an element of a slot in the state.
    pub fn element_size(&self, slot: &Slot) -> u64 {
        if slot.kind == Kind::Index { 8 } else { self.accumulator_size }
    }

    fn place(&mut self, pass: &Pass, block: Block) -> u32 {
        let order = reads(pass, block).into_iter().map(|(id, _)| id).chain(computed(pass, block));
        order.fold(0, |first, id| {
            self.first_component[id.0 as usize] = first;
            first + pass.value(id).dim * self.width(pass.value(id))
        })
    }
}
