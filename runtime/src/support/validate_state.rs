//! The states of a call, checked like its tensors: nothing is touched before everything is known to fit.

use super::arena::times;
use super::message::Message;
use super::problem::{Extents, Phase, States, list};
use super::state::STATE_ALIGNMENT;
use crate::abi::{EntryDescriptor, PassDescriptor, Status};

/// The pass that states belong to, of an entry that has shards.
///
/// # Safety
/// The entry is valid.
pub unsafe fn reducing_pass(entry: &EntryDescriptor) -> Result<&PassDescriptor, Status> {
    // SAFETY: as the caller promises. Records are the same in all clones.
    let first = unsafe {
        list(entry.clones, entry.num_clones).first().and_then(|clone| list(clone.passes, clone.num_passes).first())
    };
    first.filter(|pass| pass.record_size > 0).ok_or(Status::Unsupported)
}

/// Checks a call's states against its extents. Gives their first byte and their size, which is 0 where the call has none.
///
/// # Safety
/// The entry is valid.
pub unsafe fn check(
    entry: &EntryDescriptor,
    phase: &Phase,
    extents: &Extents,
    message: &mut Message,
) -> Result<(usize, usize), Status> {
    let states = match phase {
        Phase::Whole => return Ok((0, 0)),
        Phase::Partial { states, .. } | Phase::Finalize { states } => states,
    };
    // SAFETY: as the caller promises.
    let pass = unsafe { reducing_pass(entry)? };
    if let Phase::Partial { first, .. } = phase {
        check_first(*first, extents.rows(pass.columns), message)?;
    }
    let rows = extents.rows(pass.rows);
    let size = times(times(extents.batch_count, rows), pass.record_size as usize);
    if states.size != size as u64 {
        message
            .text("state has ")
            .number(saturated(states.size))
            .text(" bytes, expected ")
            .number(saturated(size as u64))
            .text(" (");
        if extents.batch_dimensions > 0 {
            message.number(saturated(extents.batch_count as u64)).text(" batch elements of ");
        }
        message.number(saturated(rows as u64)).text(" rows of ").number(pass.record_size.into()).text(" bytes)");
        return Err(Status::Shape);
    }
    check_memory("state", states, message)?;
    Ok((states.records as usize, size))
}

/// Checks the states of a merge. Gives the number of their rows.
pub fn check_merge(
    pass: &PassDescriptor,
    states: &States,
    later: &States,
    message: &mut Message,
) -> Result<usize, Status> {
    let record_size = u64::from(pass.record_size).max(1);
    if !states.size.is_multiple_of(record_size) || states.size > isize::MAX as u64 {
        message.text("state has ").number(saturated(states.size)).text(" bytes, expected a multiple of ");
        message.number(pass.record_size.into()).text(", the bytes of a row");
        return Err(Status::Shape);
    }
    check_memory("state", states, message)?;
    check_memory("later state", later, message)?;
    let (one, other, size) = (states.records as usize, later.records as usize, states.size as usize);
    if size > 0 && one < other.saturating_add(size) && other < one.saturating_add(size) {
        message.text("state shares memory with the later state");
        return Err(Status::Stride);
    }
    Ok((states.size / record_size) as usize)
}

fn check_first(first: i64, columns: usize, message: &mut Message) -> Result<(), Status> {
    if first < 0 {
        message.text("first is ").number(first).text(", expected 0 or more");
        return Err(Status::Arguments);
    }
    let last = i64::try_from(columns).ok().and_then(|columns| first.checked_add(columns));
    if last.is_none() {
        message.text("first is ").number(first).text(": with ").number(saturated(columns as u64));
        message.text(" columns, their numbers pass 2^63 - 1");
        return Err(Status::Arguments);
    }
    Ok(())
}

/// A size as a number of messages.
fn saturated(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn check_memory(name: &str, states: &States, message: &mut Message) -> Result<(), Status> {
    if states.size > 0 && states.records.is_null() {
        message.text(name).text(" is NULL");
        return Err(Status::NullPointer);
    }
    if states.records as usize & (STATE_ALIGNMENT - 1) != 0 {
        message.text(name).text(" is not aligned to ").number(STATE_ALIGNMENT as i64).text(" bytes");
        return Err(Status::Stride);
    }
    Ok(())
}
