//! Cells of a grid: points → numbers of the cells that they lie in, among the cells that have points.
//!
//! The cell of a point is ⌊point / cell⌋ along each axis, divided and rounded down in the points' type. Axes are packed into keys of at most 64
//! bits, as many axes into one as fit, and sorted key after key, the last axes first: any number of axes and any extent will do.

use super::argument::{Argument, Kind, Request, named};
use super::sort::{Keys, bits};
use crate::abi::{DLTensor, Status, TensorDescriptor};

const POINTS: &TensorDescriptor = &named(c"points");
const CELL: &TensorDescriptor = &named(c"cell");
const LABELS: &TensorDescriptor = &named(c"labels");

/// Cells farther from 0 have numbers that floats cannot tell apart.
const FARTHEST: f64 = (1_u64 << 53) as f64;

/// See [`crate::abi::Clusters::grid_cluster`]. Returns the number of cells that have points.
pub fn grid_cluster(
    request: &mut Request<'_>,
    points: *const DLTensor,
    cell: *const DLTensor,
    labels: *const DLTensor,
) -> Result<usize, Status> {
    let points = request.argument(POINTS, points, Kind::Float, &[-1, -1])?;
    let (count, axes) = (points.rows(), points.columns());
    let cell = request.argument(CELL, cell, Kind::Float, &[-1])?;
    if cell.rows() != 1 && cell.rows() != axes {
        request.subject(CELL);
        return Err(request.refuse_shape(cell.tensor(), &[axes as i64]));
    }
    if cell.is_single() != points.is_single() {
        request.subject(CELL).text(": expected the type of points, ");
        request.message.text(if points.is_single() { "float32" } else { "float64" });
        return Err(Status::Dtype);
    }
    let labels = request.argument(LABELS, labels, Kind::Integer, &[count as i64])?;
    request.writable(&labels, &[&points, &cell])?;
    request.holds(&labels, count)?;
    for axis in 0..cell.rows() {
        let length = cell.float(axis, 0);
        if !(length > 0.0 && length < f64::INFINITY) {
            request.place(&cell, axis, None).text(" is not a positive number");
            return Err(Status::Value);
        }
    }
    let grid = Grid { points, cell };
    let bounds = request.memory(axes, size_of::<(i64, i64)>())?;
    // SAFETY: there is room for the bounds of each axis, and `measure` writes them.
    let bounds = unsafe {
        let place = bounds.base().cast::<(i64, i64)>();
        for axis in 0..axes {
            place.add(axis).write(grid.measure(request, axis)?);
        }
        core::slice::from_raw_parts(place, axes)
    };
    number_cells(request, &grid, bounds, &labels)
}

struct Grid<'a> {
    points: Argument<'a>,
    cell: Argument<'a>,
}

impl Grid<'_> {
    /// The quotient, in the points' type.
    fn quotient(&self, row: usize, axis: usize) -> f64 {
        let length = self.cell.float(if self.cell.rows() == 1 { 0 } else { axis }, 0);
        let point = self.points.float(row, axis);
        if self.points.is_single() { f64::from(point as f32 / length as f32) } else { point / length }
    }

    /// The cell of a point along an axis.
    fn cell(&self, row: usize, axis: usize) -> i64 {
        let quotient = self.quotient(row, axis);
        let towards_zero = quotient as i64;
        towards_zero - i64::from(towards_zero as f64 > quotient)
    }

    /// The first and last cell along an axis.
    fn measure(&self, request: &mut Request<'_>, axis: usize) -> Result<(i64, i64), Status> {
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for row in 0..self.points.rows() {
            let quotient = self.quotient(row, axis);
            if !(quotient > -FARTHEST && quotient < FARTHEST) {
                let is_finite = self.points.float(row, axis).abs() < f64::INFINITY;
                request.place(&self.points, row, Some(axis)).text(if is_finite {
                    " is too far from 0 for cells of this length"
                } else {
                    " is not finite"
                });
                return Err(Status::Value);
            }
            let cell = self.cell(row, axis);
            (first, last) = (first.min(cell), last.max(cell));
        }
        Ok((first, last.max(first)))
    }
}

/// Axes that share a key.
struct Pack {
    first: usize,
    end: usize,
    bits: u32,
}

/// The axes before `end` that fit into one key.
fn pack(bounds: &[(i64, i64)], end: usize) -> Pack {
    let mut pack = Pack { first: end, end, bits: 0 };
    for (axis, (first, last)) in bounds.iter().enumerate().take(end).rev() {
        let wanted = pack.bits + bits(last.wrapping_sub(*first) as u64);
        if wanted > u64::BITS {
            break;
        }
        (pack.first, pack.bits) = (axis, wanted);
    }
    pack
}

fn write_keys(keys: &mut Keys, grid: &Grid<'_>, bounds: &[(i64, i64)], pack: &Pack) {
    for keyed in keys.list_mut() {
        keyed.key = 0;
    }
    for (axis, (first, last)) in bounds.iter().enumerate().take(pack.end).skip(pack.first) {
        let width = bits(last.wrapping_sub(*first) as u64);
        for keyed in keys.list_mut() {
            let cell = grid.cell(keyed.row, axis).wrapping_sub(*first) as u64;
            keyed.key = keyed.key.checked_shl(width).unwrap_or(0) | cell;
        }
    }
}

fn number_cells(
    request: &mut Request<'_>,
    grid: &Grid<'_>,
    bounds: &[(i64, i64)],
    labels: &Argument<'_>,
) -> Result<usize, Status> {
    let mut keys = Keys::new(request, labels.rows())?;
    let mut end = bounds.len();
    let mut packs = 0_usize;
    while end > 0 {
        let pack = pack(bounds, end);
        write_keys(&mut keys, grid, bounds, &pack);
        keys.sort(pack.bits);
        packs += 1;
        end = pack.first;
    }
    // A byte for each point: whether its cell is another than that of the point before it.
    let begins = keys.spare();
    // SAFETY: there is room for a byte a point.
    let begins = unsafe {
        begins.write_bytes(0, labels.rows());
        core::slice::from_raw_parts_mut(begins, labels.rows())
    };
    let mut end = bounds.len();
    while end > 0 {
        let pack = pack(bounds, end);
        // The keys of the first axes, which were sorted last, are still there.
        if packs > 1 {
            write_keys(&mut keys, grid, bounds, &pack);
        }
        let pairs = keys.list().iter().zip(keys.list().iter().skip(1));
        for (begins, (before, keyed)) in begins.iter_mut().skip(1).zip(pairs) {
            *begins |= u8::from(before.key != keyed.key);
        }
        end = pack.first;
    }
    let mut cell = 0;
    for (keyed, begins) in keys.list().iter().zip(begins.iter()) {
        cell += usize::from(*begins);
        labels.write_integer(keyed.row, 0, cell as i64);
    }
    Ok(if labels.rows() == 0 { 0 } else { cell + 1 })
}
