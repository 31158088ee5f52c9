//! What of a plan can be computed in shards of its columns, and the portable state between shards and results.
//!
//! A plan has shards if its first pass reduces and no later one does: the pass can then stop at the state of its accumulations, states of
//! neighbouring shards be merged, and the rest of the plan go on from there. A plan whose later pass reduces what an earlier one found
//! (a gradient of LogSumExp in y, say) would have to be cut in the middle, and has none.
//!
//! ```text
//! pass rows i, over j, compute f32
//!   accumulate a0 = Min_ArgMin(v3)       v3 has 2 components
//! record of a row, 24 bytes:  a0.m f32 × 2 at 0,  a0.a i64 × 2 at 8
//! ```
//!
//! Invariant: a record depends on the plan alone, not on tiles or instruction sets; libraries for different machines understand each other.

use std::collections::BTreeSet;

use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::Slot;

use super::{Block, Definition, Pass, Plan, TensorId, TensorKind};
use crate::types::{Axis, ScalarType};

/// Every record begins at a multiple of this.
const RECORD_ALIGNMENT: u64 = 8;

/// Descriptors count a record's bytes in 32 bits.
const LARGEST_RECORD: u64 = u32::MAX as u64;

/// How a plan is computed in shards.
#[derive(Clone, Debug, PartialEq)]
pub struct Shards<'a> {
    /// The pass that reduces: the plan's first.
    pub pass: &'a Pass,
    /// The index that it reduces.
    pub over: Axis,
    /// The slots of the accumulations, in order.
    pub fields: Vec<Field>,
    /// Bytes of a row's record.
    pub record_size: u64,
    /// The inputs from which, with the states, the results are found.
    pub finalize_reads: BTreeSet<TensorId>,
}

/// A slot of an accumulation in a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The accumulation and the slot, as plans print them: `a0.s`.
    pub name: String,
    /// Number of the accumulation.
    pub accumulation: usize,
    /// Number of the slot.
    pub slot: usize,
    /// Its type.
    pub scalar: ScalarType,
    /// Elements.
    pub count: u32,
    /// Bytes from the beginning of the record.
    pub offset: u64,
}

impl Plan {
    /// How it is computed in shards, `None` if it cannot be.
    pub fn shards(&self) -> Option<Shards<'_>> {
        let (pass, later) = self.passes.split_first()?;
        let over = pass.over?;
        if later.iter().any(|pass| pass.over.is_some()) {
            return None;
        }
        let (fields, record_size) = record(pass);
        if record_size > LARGEST_RECORD {
            return None;
        }
        let epilogue = reads(pass, &[Block::Parameter, Block::Row]);
        let everything = later.iter().flat_map(|pass| reads(pass, &[Block::Parameter, Block::Row, Block::Column]));
        let is_argument = |id: &TensorId| self.tensor(*id).kind == TensorKind::Input;
        let finalize_reads = epilogue.into_iter().chain(everything).filter(is_argument).collect();
        Some(Shards { pass, over, fields, record_size, finalize_reads })
    }
}

/// The type in which a slot of a pass's accumulators is kept.
pub fn slot_scalar(pass: &Pass, slot: &Slot) -> ScalarType {
    if slot.kind == Kind::Index { ScalarType::I64 } else { pass.compute }
}

/// The fields of a record, each at a multiple of its element's size, and the record's bytes.
fn record(pass: &Pass) -> (Vec<Field>, u64) {
    let mut fields = Vec::new();
    let mut end = 0_u64;
    for (accumulation, accumulated) in pass.accumulations.iter().enumerate() {
        for (number, slot) in accumulated.rule.slots.iter().enumerate() {
            let scalar = slot_scalar(pass, slot);
            let offset = end.next_multiple_of(scalar.size());
            let name = format!("a{accumulation}.{}", slot.name);
            fields.push(Field { name, accumulation, slot: number, scalar, count: slot.dim, offset });
            end = offset + u64::from(slot.dim) * scalar.size();
        }
    }
    (fields, end.next_multiple_of(RECORD_ALIGNMENT))
}

/// The tensors that some blocks of a pass read.
fn reads(pass: &Pass, blocks: &[Block]) -> Vec<TensorId> {
    let values = pass.values.iter().filter(|value| blocks.contains(&value.block));
    let tensor = |definition: &Definition| match definition {
        Definition::Read(tensor) => Some(*tensor),
        _ => None,
    };
    values.filter_map(|value| tensor(&value.definition)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::parse::parse;

    fn plan(text: &str) -> Plan {
        parse(text).unwrap_or_else(|error| panic!("{error:?}"))
    }

    const TENSORS: &str = "plan f
tensor x: input i[3] f32
tensor y: input j[3] f32
tensor p: input p[1] f32
tensor f: output i[3] f32
tensor t0: temporary p[3] f32
tensor t1: temporary i[3] f32
";

    fn parts(passes: &str) -> Option<(String, u64, Vec<String>)> {
        let plan = plan(&format!("{TENSORS}{passes}"));
        let shards = plan.shards()?;
        let fields = shards
            .fields
            .iter()
            .map(|field| format!("{} {} x {} at {}", field.name, field.scalar.name(), field.count, field.offset));
        let reads = shards.finalize_reads.iter().map(|id| plan.tensor(*id).name.clone());
        Some((fields.collect::<Vec<_>>().join(", "), shards.record_size, reads.collect()))
    }

    const NEAREST: &str = "pass rows i, over j, compute f32
  row v0[3] = read x
  column v1[3] = read y
  pair v2[3] = v0[k] - v1[k]
  accumulate a0 = Sum(v2)
  accumulate a1 = ArgMin(v2)
  epilogue v3[3] = outcome a0
  write f = v3
";

    #[test]
    fn numbers_are_aligned_whatever_the_type_of_the_others() {
        let fields = "a0.s f32 x 3 at 0, a1.m f32 x 3 at 12, a1.a i64 x 3 at 24";
        assert_eq!(parts(NEAREST), Some((fields.to_owned(), 48, vec!["x".to_owned()])));
        let fields = "a0.s f64 x 3 at 0, a1.m f64 x 3 at 24, a1.a i64 x 3 at 48";
        assert_eq!(parts(&NEAREST.replace("compute f32", "compute f64")).unwrap().0, fields);
    }

    #[test]
    fn passes_that_reduce_nothing_belong_to_what_follows_the_states() {
        let passes = "pass rows p, over j, compute f32
  column v0[3] = read y
  accumulate a0 = Sum(v0)
  epilogue v1[3] = outcome a0
  write t0 = v1
pass rows i, compute f32
  parameter v0[3] = read t0
  parameter v1[1] = read p
  row v2[3] = read x
  epilogue v3[3] = v2[k] * v0[k] * v1
  write f = v3
";
        let reads = vec!["x".to_owned(), "p".to_owned()];
        assert_eq!(parts(passes), Some(("a0.s f32 x 3 at 0".to_owned(), 16, reads)));
    }

    #[test]
    fn two_reductions_after_each_other_are_not_cut() {
        let second = NEAREST.replace("read x", "read t1");
        let passes = format!("{}{second}", NEAREST.replace("write f", "write t1"));
        assert_eq!(parts(&passes), None);
    }

    #[test]
    fn a_plan_without_reductions_has_no_shards() {
        assert_eq!(parts("pass rows i, compute f32\n  row v0[3] = read x\n  write f = v0\n"), None);
    }
}
