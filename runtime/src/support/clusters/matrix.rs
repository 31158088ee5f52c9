//! A matrix of blocks to keep → the lists of column blocks of each block of rows, and the other way round.

use super::argument::{Argument, Kind, Request, named};
use crate::abi::{DLTensor, Status, TensorDescriptor};

const RANGES_I: &TensorDescriptor = &named(c"ranges_i");
const RANGES_J: &TensorDescriptor = &named(c"ranges_j");
const KEEP: &TensorDescriptor = &named(c"keep");
const LISTS: [&TensorDescriptor; 4] =
    [&named(c"slices_i"), &named(c"redranges_j"), &named(c"slices_j"), &named(c"redranges_i")];

/// See [`crate::abi::Clusters::from_matrix`]. Returns the number of blocks kept.
pub fn from_matrix(
    request: &mut Request<'_>,
    ranges_i: *const DLTensor,
    ranges_j: *const DLTensor,
    keep: *const DLTensor,
    lists: [*const DLTensor; 4],
) -> Result<usize, Status> {
    let ranges_i = request.argument(RANGES_I, ranges_i, Kind::Integer, &[-1, 2])?;
    let ranges_j = request.argument(RANGES_J, ranges_j, Kind::Integer, &[-1, 2])?;
    let (rows, columns) = (ranges_i.rows(), ranges_j.rows());
    let keep = request.argument(KEEP, keep, Kind::Whole, &[rows as i64, columns as i64])?;
    let arena = request.memory(rows.saturating_add(columns), size_of::<usize>())?;
    // SAFETY: there is room for a number for each row and column; all-zero bytes are 0.
    let (of_rows, of_columns) = unsafe {
        let base = arena.base().cast::<usize>();
        base.write_bytes(0, rows + columns);
        (core::slice::from_raw_parts_mut(base, rows), core::slice::from_raw_parts_mut(base.add(rows), columns))
    };
    let mut kept = 0;
    each_kept(&keep, |row, column| {
        kept += 1;
        for place in [of_rows.get_mut(row), of_columns.get_mut(column)].into_iter().flatten() {
            *place += 1;
        }
    });
    if lists.iter().all(|list| list.is_null()) {
        return Ok(kept);
    }
    let [slices_i, redranges_j, slices_j, redranges_i] = LISTS;
    let slices_i = request.argument(slices_i, lists[0], Kind::Integer, &[rows as i64])?;
    let redranges_j = request.argument(redranges_j, lists[1], Kind::Integer, &[-1, 2])?;
    let slices_j = request.argument(slices_j, lists[2], Kind::Integer, &[columns as i64])?;
    let redranges_i = request.argument(redranges_i, lists[3], Kind::Integer, &[-1, 2])?;
    let results = [&slices_i, &redranges_j, &slices_j, &redranges_i];
    for (number, result) in results.iter().enumerate() {
        request.writable(result, &[&ranges_i, &ranges_j, &keep])?;
        for other in results.iter().take(number) {
            request.writable(result, &[*other])?;
        }
    }
    for list in [&redranges_j, &redranges_i] {
        if list.rows() < kept {
            request.subject(list.tensor().descriptor).text(" has room for ").number(list.rows() as i64);
            request.message.text(" blocks, but ").number(kept as i64).text(" are kept");
            return Err(Status::Shape);
        }
    }
    for (slices, lists) in [(&slices_i, &redranges_j), (&slices_j, &redranges_i)] {
        request.holds(slices, kept)?;
        let largest = |ranges: &Argument<'_>| {
            (0..ranges.rows()).map(|row| ranges.integer(row, 0).max(ranges.integer(row, 1))).max().unwrap_or(0)
        };
        request.holds(lists, largest(&ranges_i).max(largest(&ranges_j)).max(0) as usize)?;
    }
    write_ends(of_rows, &slices_i);
    write_ends(of_columns, &slices_j);
    let copy = |list: &Argument<'_>, place: Option<&mut usize>, ranges: &Argument<'_>, number: usize| {
        if let Some(place) = place {
            for component in 0..2 {
                list.write_integer(*place, component, ranges.integer(number, component));
            }
            *place += 1;
        }
    };
    each_kept(&keep, |row, column| {
        copy(&redranges_j, of_rows.get_mut(row), &ranges_j, column);
        copy(&redranges_i, of_columns.get_mut(column), &ranges_i, row);
    });
    for list in [&redranges_j, &redranges_i] {
        for row in kept..list.rows() {
            list.write_integer(row, 0, 0);
            list.write_integer(row, 1, 0);
        }
    }
    Ok(kept)
}

/// Visits the blocks that are kept in the order of memory: for each row columns ascend, and for each column rows do.
fn each_kept(keep: &Argument<'_>, mut visit: impl FnMut(usize, usize)) {
    let [row_stride, column_stride] = keep.strides().map(isize::unsigned_abs);
    if row_stride >= column_stride {
        for row in 0..keep.rows() {
            (0..keep.columns()).filter(|column| keep.integer(row, *column) != 0).for_each(|column| visit(row, column));
        }
    } else {
        for column in 0..keep.columns() {
            (0..keep.rows()).filter(|row| keep.integer(*row, column) != 0).for_each(|row| visit(row, column));
        }
    }
}

/// Writes where each list ends, and turns lengths into beginnings.
fn write_ends(lengths: &mut [usize], ends: &Argument<'_>) {
    let mut end = 0;
    for (number, length) in lengths.iter_mut().enumerate() {
        (*length, end) = (end, end + *length);
        ends.write_integer(number, 0, end as i64);
    }
}
