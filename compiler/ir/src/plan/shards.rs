//! How a plan is computed in shards of its columns, and the portable state between shards and results.
//!
//! A plan has shards if everything that it reduces can be reduced before anything else: its passes can then stop at the states of their
//! accumulations, states of neighbouring shards be merged, and the rest of the plan go on from there. Where a pass reduces what another one has
//! found (a gradient of LogSumExp in y, say) the plan would have to be cut in the middle; it has no shards, nor has one that scatters: results
//! along the columns are not those of a shard alone.
//!
//! ```text
//! pass rows i, over j, compute f32
//!   accumulate a0 = Min_ArgMin(v3)       v3 has 2 components
//! record of a row, 24 bytes:  a0.m f32 × 2 at 0,  a0.a i64 × 2 at 8
//! ```
//!
//! A pass whose one row depends on no index (`Sum[j](b)`) beside passes with rows has its accumulators in every record.
//!
//! Invariant: a record depends on the plan alone, not on tiles or instruction sets; libraries for different machines understand each other.

use std::collections::BTreeSet;

use keopsc_ops::intrinsics::Kind;

use super::{Block, Definition, Pass, Plan, TensorId, TensorKind};
use crate::types::{Axis, Numerics, Role, ScalarType};

/// Every record begins at a multiple of this.
const RECORD_ALIGNMENT: u64 = 8;

/// Descriptors count a record's bytes in 32 bits.
const LARGEST_RECORD: u64 = u32::MAX as u64;

/// How a plan is computed in shards.
#[derive(Clone, Debug, PartialEq)]
pub struct Shards<'a> {
    /// The passes that reduce: the plan's first ones.
    pub passes: &'a [Pass],
    /// The index that they reduce.
    pub over: Axis,
    /// What there is a record for.
    pub rows: Role,
    /// The slots of all accumulations, in order.
    pub fields: Vec<Field>,
    /// Bytes of a record.
    pub record_size: u64,
    /// The inputs from which, with the states, the results are found.
    pub finalize_reads: BTreeSet<TensorId>,
}

/// A slot of an accumulation in a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The accumulation, counted over all passes, and the slot: `a0.s`.
    pub name: String,
    /// Number of the pass.
    pub pass: usize,
    /// Number of the accumulation in its pass.
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
        let count = self.passes.iter().take_while(|pass| pass.over.is_some()).count();
        let (passes, later) = self.passes.split_at(count);
        let over = passes.first()?.over?;
        let rows = passes.iter().map(|pass| pass.rows).find(|rows| *rows != Role::Parameter).unwrap_or(Role::Parameter);
        let (fields, record_size) = record(&self.numerics, passes);
        let possible = later.iter().all(|pass| pass.over.is_none())
            && passes.iter().all(|pass| pass.over == Some(over) && self.reduces_arguments(pass))
            && self.passes.iter().all(|pass| pass.scatters.is_empty())
            && self.is_kept_by_rows(passes, rows)
            && record_size <= LARGEST_RECORD;
        let epilogues = passes.iter().flat_map(|pass| reads(pass, &[Block::Parameter, Block::Row]));
        let everything = later.iter().flat_map(|pass| reads(pass, &[Block::Parameter, Block::Row, Block::Column]));
        let is_argument = |id: &TensorId| self.tensor(*id).kind == TensorKind::Input;
        let finalize_reads = epilogues.chain(everything).filter(is_argument).collect();
        possible.then_some(Shards { passes, over, rows, fields, record_size, finalize_reads })
    }

    /// Whether what a pass accumulates depends on arguments alone, not on what other passes leave.
    fn reduces_arguments(&self, pass: &Pass) -> bool {
        let mut needed = vec![false; pass.values.len()];
        let arguments = pass.accumulations.iter().flat_map(|accumulation| &accumulation.arguments);
        arguments.for_each(|argument| needed[argument.0 as usize] = true);
        // A value stands behind those that it reads.
        for number in (0..pass.values.len()).rev() {
            if !needed[number] {
                continue;
            }
            match &pass.values[number].definition {
                Definition::Read(tensor) if self.tensor(*tensor).kind == TensorKind::Temporary => return false,
                Definition::Compute(body) => body.for_each_read(&mut |read, _| needed[read.0 as usize] = true),
                Definition::Read(_) | Definition::Number | Definition::Outcome { .. } => {}
            }
        }
        true
    }

    /// Whether every result can be found from the records of the rows that there are, even if there are none.
    fn is_kept_by_rows(&self, passes: &[Pass], rows: Role) -> bool {
        let mut outputs = self.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Output);
        passes.iter().all(|pass| pass.rows == rows) || outputs.all(|output| output.role == rows)
    }
}

/// The fields of a record, each at a multiple of its element's size, and the record's bytes. Real numbers have the accumulators' type.
fn record(numerics: &Numerics, passes: &[Pass]) -> (Vec<Field>, u64) {
    let mut fields = Vec::new();
    let mut end = 0_u64;
    let accumulations = passes.iter().enumerate().flat_map(|(pass, reducing)| {
        reducing.accumulations.iter().enumerate().map(move |(accumulation, rule)| (pass, accumulation, rule))
    });
    for (counted, (pass, accumulation, accumulated)) in accumulations.enumerate() {
        for (number, slot) in accumulated.rule.slots.iter().enumerate() {
            let real = numerics.accumulators(passes[pass].compute);
            let scalar = if slot.kind == Kind::Index { ScalarType::I64 } else { real };
            let offset = end.next_multiple_of(scalar.size());
            let name = format!("a{counted}.{}", slot.name);
            fields.push(Field { name, pass, accumulation, slot: number, scalar, count: slot.dim, offset });
            end = offset + u64::from(slot.dim) * scalar.size();
        }
    }
    (fields, end.next_multiple_of(RECORD_ALIGNMENT))
}

/// The tensors that some blocks of a pass read.
fn reads(pass: &Pass, blocks: &'static [Block]) -> impl Iterator<Item = TensorId> {
    let values = pass.values.iter().filter(|value| blocks.contains(&value.block));
    values.filter_map(|value| match value.definition {
        Definition::Read(tensor) => Some(tensor),
        Definition::Number | Definition::Compute(_) | Definition::Outcome { .. } => None,
    })
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

    const BESIDE: &str = "pass rows p, over j, compute f32
  column v0[3] = read y
  accumulate a0 = Sum(v0)
  epilogue v1[3] = outcome a0
  write t0 = v1
pass rows i, over j, compute f32
  parameter v0[3] = read t0
  row v1[3] = read x
  column v2[3] = read y
  pair v3[3] = v1[k] * v2[k]
  accumulate a0 = Max_ArgMax(v3)
  epilogue v4[3] = outcome a0
  epilogue v5[3] = v4[k] - v0[k]
  write f = v5
";

    #[test]
    fn reductions_beside_each_other_share_a_record() {
        let fields = "a0.s f32 x 3 at 0, a1.m f32 x 3 at 12, a1.a i64 x 3 at 24";
        assert_eq!(parts(BESIDE), Some((fields.to_owned(), 48, vec!["x".to_owned()])));
        assert_eq!(plan(&format!("{TENSORS}{BESIDE}")).shards().unwrap().rows, Role::I);
    }

    #[test]
    fn what_reduces_the_result_of_another_pass_is_not_cut() {
        assert_eq!(parts(&BESIDE.replace("v1[k] * v2[k]", "v1[k] * v2[k] * v0[k]")), None);
    }

    #[test]
    fn results_without_rows_cannot_be_kept_in_records_of_rows() {
        let tensors = TENSORS.replace("f: output i[3]", "f: output i[3] f32\ntensor g: output p[3]");
        let passes = BESIDE.replace("write t0 = v1", "write t0 = v1\n  write g = v1");
        assert_eq!(plan(&format!("{tensors}{passes}")).shards(), None);
    }

    #[test]
    fn passes_over_both_indices_are_not_cut() {
        let passes = BESIDE.replace("rows p, over j", "rows p, over i").replacen("read y", "read x", 1);
        assert_eq!(parts(&passes), None);
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
