//! Portable states: the accumulators of row tiles ↔ records, one a row; and the merge of two states.
//!
//! A record has the same fields at the same places whatever tiles are, so that libraries for different processors understand each other.
//!
//! Why shards can give the bits of one call: the tree over the chunks of all columns (`pass::Counter`) splits `C` chunks into the largest
//! power of two below `C`, on the left, and the rest. Let shards have `S = 2^k` chunks, the last one 1 to `S`, and let there be `R` of them.
//! For `R = 1` the shard's state is the tree's. For more, let `q` be the largest power of two below `R`. Then `qS < C <= 2qS`, so that the tree
//! splits where `q` shards end, and both parts are trees of whole shards. By induction it is the tree over `R` leaves, the shards' states.
//! That tree is what merging shard `r + step` into `r` does, for `step = 1, 2, 4, …` and all multiples `r` of `2 step` with `r + step < R`:
//! after the round of `step`, shard `r` holds the tree over shards `r..min(r + 2 step, R)`, its left part the `step` shards that it held before.

use super::arena::{Arena, times};
use super::problem::list;
use super::schedule::worthwhile;
use super::threads::parallel_for;
use crate::abi::{ORDER_CARRIED, ORDER_TREE, PassDescriptor, ROLE_PARAMETER, StateField, Status};

/// States begin at multiples of this.
pub const STATE_ALIGNMENT: usize = 8;

/// Cycles to take apart and put together a byte of a record, about.
const CYCLES_A_BYTE: usize = 2;

/// The states of an entry that has shards.
#[derive(Clone, Copy)]
pub struct Layout<'a> {
    /// The passes that reduce, the entry's first ones: each has some fields of every record.
    pub passes: &'a [PassDescriptor],
    /// The role of the rows that there is a record for.
    pub rows: u8,
    /// Bytes of a record.
    pub record_size: usize,
    /// Columns of which shards that keep all bits have a power of two; `None` if no length does for all passes.
    pub chunk: Option<u32>,
}

impl<'a> Layout<'a> {
    /// Of the entry that has these passes; `None` if it has no shards.
    pub fn of(passes: &'a [PassDescriptor]) -> Option<Layout<'a>> {
        let count = passes.iter().take_while(|pass| pass.record_size > 0).count();
        let passes = passes.get(..count)?;
        let rows = passes.iter().map(|pass| pass.rows).find(|rows| *rows != ROLE_PARAMETER).unwrap_or(ROLE_PARAMETER);
        let longest = passes.iter().map(|pass| pass.chunk.max(1)).max()?;
        let has_trees = |pass: &PassDescriptor| {
            let chunk = pass.chunk.max(1);
            let in_tree =
                pass.order == ORDER_TREE && longest.is_multiple_of(chunk) && (longest / chunk).is_power_of_two();
            in_tree || pass.order == ORDER_CARRIED
        };
        let chunk = passes.iter().all(has_trees).then_some(longest);
        Some(Layout { passes, rows, record_size: passes.first()?.record_size as usize, chunk })
    }

    /// The bytes of a state of so many rows, `None` if there is no such state.
    pub fn size(&self, rows: i64) -> Option<i64> {
        (self.record_size as i64).checked_mul(rows).filter(|_| rows >= 0)
    }

    /// The shortest length of shards, in columns, with which at most `shards` cover `columns` and no bit changes: a power of two of chunks (which
    /// saturates), or all columns where these do not make a tree. `None` if a number makes no sense.
    pub fn shard(&self, columns: i64, shards: i64) -> Option<i64> {
        if columns < 0 || shards < 1 {
            return None;
        }
        let Some(chunk) = self.chunk else { return Some(columns.max(1)) };
        let mut length = i64::from(chunk);
        while length < i64::MAX && i128::from(length) * i128::from(shards) < i128::from(columns) {
            length = length.saturating_mul(2);
        }
        Some(length)
    }
}

/// Copies the first `rows` rows of a tile's state to the pass's fields of their records.
///
/// # Safety
/// The state is complete, the records have room.
pub unsafe fn store(pass: &PassDescriptor, state: *const u8, records: *mut u8, rows: usize) {
    let record_size = pass.record_size as usize;
    // SAFETY: as the caller promises; places are the descriptor's.
    unsafe {
        each_element(pass, |field, in_state, in_record| {
            for row in 0..rows {
                let (from, to) = (state.add(in_state + row * field), records.add(in_record + row * record_size));
                copy(from, to, field);
            }
        });
    }
}

/// Fills a tile's state from `rows` records, of which the last is repeated.
///
/// # Safety
/// There are `rows` records, at least one and at most a tile's; the state has room.
pub unsafe fn load(pass: &PassDescriptor, records: *const u8, rows: usize, state: *mut u8) {
    let record_size = pass.record_size as usize;
    // SAFETY: as the caller promises; places are the descriptor's.
    unsafe {
        each_element(pass, |field, in_state, in_record| {
            for row in 0..tile_rows(pass) {
                let record = row.min(rows - 1);
                let (from, to) = (records.add(in_record + record * record_size), state.add(in_state + row * field));
                copy(from, to, field);
            }
        });
    }
}

/// Calls `body(element_size, place of row 0 in the state, place in the record)` for each element of a record.
fn each_element(pass: &PassDescriptor, mut body: impl FnMut(usize, usize, usize)) {
    // SAFETY: a pass has this many fields.
    let fields: &[StateField] = unsafe { list(pass.fields, pass.num_fields) };
    for field in fields {
        let size = field.element_size as usize;
        for component in 0..field.dim as usize {
            let in_state = field.state_offset as usize + component * tile_rows(pass) * size;
            body(size, in_state, field.record_offset as usize + component * size);
        }
    }
}

/// Copies an element of 4 or 8 bytes.
///
/// # Safety
/// Both places are aligned to `size` and have as many bytes.
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if size == 4 {
            to.cast::<u32>().write(from.cast::<u32>().read());
        } else {
            to.cast::<u64>().write(from.cast::<u64>().read());
        }
    }
}

fn tile_rows(pass: &PassDescriptor) -> usize {
    (pass.tile_rows as usize).max(1)
}

/// Joins the state `later` of later columns into `state`, both of `rows` rows.
///
/// # Safety
/// Both have been checked.
pub unsafe fn merge(
    layout: &Layout<'_>,
    rows: usize,
    state: *mut u8,
    later: *const u8,
    threads: usize,
    workspace: (*mut u8, u64),
) -> Result<(), Status> {
    if rows == 0 {
        return Ok(());
    }
    let work = |pass: &PassDescriptor| {
        layout.record_size.saturating_mul(CYCLES_A_BYTE).saturating_add(pass.pair_cost as usize / 16)
    };
    let cycles = layout.passes.iter().map(work).fold(0, usize::saturating_add);
    let threads = worthwhile(times(rows, cycles), threads);
    let scratch = layout.passes.iter().map(|pass| times(2, pass.state_size as usize)).max().unwrap_or(0);
    let arena = Arena::new(times(threads, scratch), workspace.0, workspace.1)?;
    for pass in layout.passes {
        let merge = Merge { pass, rows, state, later, scratch: arena.base() };
        // SAFETY: each thread has two states of scratch, each unit its own rows.
        unsafe { parallel_for(threads, rows.div_ceil(tile_rows(pass)), &merge, Merge::tile) };
    }
    Ok(())
}

struct Merge<'a> {
    pass: &'a PassDescriptor,
    rows: usize,
    state: *mut u8,
    later: *const u8,
    scratch: *mut u8,
}

impl Merge<'_> {
    unsafe fn tile(&self, tile: usize, thread: usize) {
        let first = tile * tile_rows(self.pass);
        let rows = tile_rows(self.pass).min(self.rows - first);
        let offset = first * self.pass.record_size as usize;
        let size = self.pass.state_size as usize;
        let left = self.scratch.wrapping_add(thread * 2 * size);
        let right = left.wrapping_add(size);
        // SAFETY: the scratch is this thread's, the rows are this unit's; `rows` is at least 1.
        unsafe {
            load(self.pass, self.state.add(offset), rows, left);
            load(self.pass, self.later.add(offset), rows, right);
            (self.pass.merge)(left.cast(), right.cast_const().cast());
            store(self.pass, left, self.state.add(offset), rows);
        }
    }
}
