//! How a pass is cut into chunks, and those into groups and blocks of columns: the order of summation.
//!
//! It depends on the plan alone but for the size of groups, which is the level's.

use keopsc_ir::plan::{Accumulation, Pass, Plan};
use keopsc_ir::types::SumScheme;
use keopsc_ops::reductions;

use super::storage::may_have_contractions;
use super::{Order, UNROLL, Update};

/// Columns of a block: computed in one turn of the loop over columns, so that their sums are added up first and then added to the chunk's.
const BLOCK: u32 = 8;
/// Columns a chunk of blocks, and where pairs are too dear to be unrolled into blocks, so that merging chunks is cheap. No term is part of
/// more than 8 + 8 + log2(N / 64) additions, or 64 + log2(N / 64) without blocks.
const SHORTEST_CHUNK: u32 = 64;
/// Columns a chunk of other sums, whose merges are dearer: 128 + log2(N / 128) additions.
const SHORT_CHUNK: u32 = 128;
/// Columns a chunk where nothing is gained by shorter ones, and a merge may be dear.
const LONG_CHUNK: u32 = 512;
/// Columns a chunk where sums are to run on: columns and counts below it are exact in float32.
const LONGEST_CHUNK: u32 = 1 << 23;
/// Estimated cycles of the pairs of a row vector that are unrolled into a loop's body at most.
const BODY_CYCLES: f64 = 160.0;
/// Columns of which pair values are kept: the values of all row vectors stay in the first-level cache.
const KEPT_COLUMNS: u32 = 64;
/// The same where columns come in groups of 8 and of 5.
const KEPT_GROUPS: u32 = 40;

/// How a pass is cut into chunks, and those into blocks.
pub(super) struct Stretches {
    pub(super) chunk: u32,
    pub(super) order: Order,
    /// Columns that are computed together where there is no other reason to.
    pub(super) columns: u32,
    pub(super) blocked: Vec<bool>,
}

impl Stretches {
    /// `group` is how many columns are computed together for the sake of contractions, if there are any.
    pub(super) fn of(plan: &Plan, pass: &Pass, updates: &[Update], group: Option<u32>, pair_cycles: f64) -> Stretches {
        let columns = group.unwrap_or(if is_waiting(updates) { unrolled_columns(pair_cycles) } else { 1 });
        let whole = |chunk, order| Stretches { chunk, order, columns, blocked: vec![false; pass.accumulations.len()] };
        let narrow = plan.numerics.accumulators(pass.compute) == pass.compute;
        let mut stretches = match plan.numerics.sum {
            _ if is_exact(pass) => whole(LONG_CHUNK, Order::Carried),
            SumScheme::Direct => return whole(LONGEST_CHUNK, Order::Sequence),
            SumScheme::Block => return whole(LONGEST_CHUNK, Order::Roots),
            SumScheme::Auto if narrow && pass.accumulations.iter().any(rounds) => {
                Stretches::short(pass, updates, group, pair_cycles)
            }
            SumScheme::Kahan if pass.accumulations.iter().any(is_compensated) => whole(SHORT_CHUNK, Order::Tree),
            SumScheme::Auto | SumScheme::Kahan => whole(LONG_CHUNK, Order::Tree),
        };
        // Whole groups of 8 and of 5 columns on every machine: chunks, and with them the shards of states, depend on the plan alone.
        if plan.passes.iter().any(may_have_contractions) {
            stretches.chunk = stretches.chunk / 8 * 5;
        }
        stretches
    }

    /// Those of a pass in which sums round. There are blocks where they are merged by additions, of sums that are few enough for those of
    /// the block and those of the chunk to be in registers.
    fn short(pass: &Pass, updates: &[Update], group: Option<u32>, pair_cycles: f64) -> Stretches {
        let added = |(one, update): (&Accumulation, &Update)| {
            rounds(one) && one.rule.merges_at_once() && *update == Update::Along
        };
        let all = || pass.accumulations.iter().zip(updates);
        let slots = all().filter(|one| added(*one)).flat_map(|(one, _)| &one.rule.slots);
        let few = (1..=UNROLL).contains(&slots.map(|slot| slot.dim).fold(0, u32::saturating_add));
        let columns = group.unwrap_or(if few || is_waiting(updates) { unrolled_columns(pair_cycles) } else { 1 });
        let blocked: Vec<bool> = all().map(|one| few && columns > 1 && added(one)).collect();
        let others = || pass.accumulations.iter().zip(&blocked).filter(|(_, blocked)| !**blocked).map(|(one, _)| one);
        let chunk = if others().all(|one| one.rule.merges_at_once()) {
            if few { SHORTEST_CHUNK } else { SHORT_CHUNK }
        } else if others().any(rounds) {
            SHORT_CHUNK
        } else {
            LONG_CHUNK
        };
        Stretches { chunk, order: Order::Tree, columns, blocked }
    }
}

/// Columns whose pairs are computed before kept values are used.
pub(super) fn block_columns(plan: &Plan, updates: &[Update], group: Option<u32>, columns: u32) -> u32 {
    if group.is_none() && !updates.contains(&Update::After) {
        columns
    } else if plan.passes.iter().any(may_have_contractions) {
        KEPT_GROUPS
    } else {
        KEPT_COLUMNS
    }
}

/// Whether any accumulation waits for the pairs of several columns.
pub(super) fn is_waiting(updates: &[Update]) -> bool {
    updates.iter().any(|update| *update != Update::Along)
}

/// How many columns' pairs are unrolled into a loop's body.
pub(super) fn unrolled_columns(pair_cycles: f64) -> u32 {
    [BLOCK, BLOCK / 2].into_iter().find(|columns| f64::from(*columns) * pair_cycles <= BODY_CYCLES).unwrap_or(1)
}

/// Whether the order of columns makes no difference to what a pass accumulates, so that no state need be merged.
pub(super) fn is_exact(pass: &Pass) -> bool {
    let exact = |one: &Accumulation| reductions::reduction(one.reduction).exact;
    !pass.accumulations.is_empty() && pass.accumulations.iter().all(exact)
}

/// Whether an accumulation has sums that round.
pub(super) fn rounds(accumulation: &Accumulation) -> bool {
    reductions::rounds(accumulation.reduction)
}

/// Whether an accumulation makes up for rounding in its sums.
pub(super) fn is_compensated(accumulation: &Accumulation) -> bool {
    reductions::is_compensated(accumulation.reduction)
}
