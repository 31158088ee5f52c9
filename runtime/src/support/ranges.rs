//! Block-sparse ranges: which columns each block of rows is reduced over.
//!
//! Six int64 tensors describe them twice, for reductions over j and for reductions over i: blocks of rows (half-open), the ends of their
//! lists of column blocks, and the column blocks (half-open). Rows in no block get the neutral element.

use super::arena::Arena;
use super::message::Message;
use super::problem::Extents;
use super::tensor::Tensor;
use crate::abi::{DL_CPU, DLTensor, I64, ROLE_I, ROLE_J, ROLE_PARAMETER, Status, TensorDescriptor};
use core::ffi::CStr;

/// Both descriptions.
#[derive(Clone, Copy)]
pub struct Ranges {
    over_j: Side,
    over_i: Side,
}

impl Ranges {
    /// The description for a pass, `None` if the pass has no pairs of i and j.
    pub fn side(&self, rows: u8, columns: u8) -> Option<&Side> {
        match (rows, columns) {
            (ROLE_I, ROLE_J) => Some(&self.over_j),
            (ROLE_J, ROLE_I) => Some(&self.over_i),
            _ => None,
        }
    }

    /// The most blocks of rows.
    pub fn most_blocks(&self) -> usize {
        self.over_j.blocks.count.max(self.over_i.blocks.count)
    }
}

/// One description.
#[derive(Clone, Copy)]
pub struct Side {
    blocks: Table,
    ends: Table,
    parts: Table,
    /// Pairs in all blocks.
    pub pairs: usize,
    /// Rows in all blocks.
    pub rows: usize,
}

impl Side {
    /// Number of blocks of rows.
    pub fn blocks(&self) -> usize {
        self.blocks.count
    }

    /// Number of column blocks, of all rows together.
    pub fn parts(&self) -> usize {
        self.parts.count
    }

    /// The first row of a block, and the row past its end.
    pub fn block(&self, number: usize) -> (usize, usize) {
        self.blocks.interval(number)
    }

    /// The column blocks of a block of rows.
    pub fn columns(&self, block: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let first = if block == 0 { 0 } else { self.ends.get(block - 1, 0) as usize };
        (first..self.ends.get(block, 0) as usize).map(|part| self.parts.interval(part))
    }
}

/// An int64 tensor of one or two columns.
#[derive(Clone, Copy)]
struct Table {
    data: *const i64,
    count: usize,
    row_stride: isize,
    component_stride: isize,
}

impl Table {
    fn get(&self, row: usize, component: usize) -> i64 {
        let offset = row as isize * self.row_stride + component as isize * self.component_stride;
        // SAFETY: callers stay below `count`; the tensor has been checked.
        unsafe { self.data.offset(offset).read() }
    }

    fn interval(&self, row: usize) -> (usize, usize) {
        (self.get(row, 0) as usize, self.get(row, 1) as usize)
    }
}

const NAMES: [&CStr; 6] = [c"ranges_i", c"slices_i", c"redranges_j", c"ranges_j", c"slices_j", c"redranges_i"];

/// Checks the six tensors and everything in them.
///
/// # Safety
/// `given` has six pointers, each NULL or to a valid tensor.
pub unsafe fn check(given: *const *const DLTensor, extents: &Extents, message: &mut Message) -> Result<Ranges, Status> {
    // SAFETY: as the caller promises.
    unsafe {
        let over_j = side(given, 0, (extents.rows_i, extents.rows_j), message)?;
        let over_i = side(given, 3, (extents.rows_j, extents.rows_i), message)?;
        Ok(Ranges { over_j, over_i })
    }
}

unsafe fn side(
    given: *const *const DLTensor,
    first: usize,
    (rows, columns): (usize, usize),
    message: &mut Message,
) -> Result<Side, Status> {
    // SAFETY: as the caller promises; each tensor is checked before it is read.
    unsafe {
        let blocks = table(given, first, 2, message)?;
        let ends = table(given, first + 1, 1, message)?;
        let parts = table(given, first + 2, 2, message)?;
        let mut side = Side { blocks, ends, parts, pairs: 0, rows: 0 };
        check_intervals(&blocks, first, rows, message)?;
        check_intervals(&parts, first + 2, columns, message)?;
        check_ends(&side, first + 1, message)?;
        check_disjoint(&side, first, (rows, columns), message)?;
        for block in 0..side.blocks() {
            let (begin, end) = side.block(block);
            let width = side.columns(block).fold(0_usize, |sum, (begin, end)| sum.saturating_add(end - begin));
            side.rows += end - begin;
            side.pairs = side.pairs.saturating_add((end - begin).saturating_mul(width));
        }
        Ok(side)
    }
}

/// One of the six tensors, its values not yet looked at.
unsafe fn table(
    given: *const *const DLTensor,
    number: usize,
    components: u32,
    message: &mut Message,
) -> Result<Table, Status> {
    let name = NAMES.get(number).copied().unwrap_or(c"ranges");
    let role = if components == 1 { ROLE_PARAMETER } else { ROLE_I };
    let descriptor =
        TensorDescriptor { name: name.as_ptr(), dim: components, role, dtype: I64, is_output: 0, finalize_reads: 0 };
    // SAFETY: there are six pointers.
    let Some(given) = (unsafe { given.add(number).read().as_ref() }) else {
        return Err(refuse(name, " is NULL", Status::NullPointer, message));
    };
    if given.device.device_type != DL_CPU {
        return Err(refuse(name, " is not in the CPU's memory", Status::Device, message));
    }
    if given.dtype != super::tensor::dlpack_type(I64) {
        return Err(refuse(name, " is not int64", Status::Dtype, message));
    }
    let dimensions = if components == 1 { 1 } else { 2 };
    // SAFETY: shape and strides are read only if there is a shape.
    let tensor = unsafe { Tensor::new(&descriptor, given) };
    if given.ndim > 0 && given.shape.is_null() {
        return Err(refuse(name, ": shape is NULL", Status::NullPointer, message));
    }
    if given.ndim > dimensions {
        return Err(refuse(name, " has batch dimensions, which this version cannot do", Status::Unsupported, message));
    }
    if given.ndim < dimensions || tensor.extent(0) < 0 || (components == 2 && tensor.extent(1) != 2) {
        let wanted = if components == 1 { ": expected one dimension" } else { ": expected shape (..., 2)" };
        return Err(refuse(name, wanted, Status::Ranges, message));
    }
    if tensor.address() == 0 && !tensor.is_empty() {
        return Err(refuse(name, ": data is NULL", Status::NullPointer, message));
    }
    if !tensor.data().cast::<i64>().is_aligned() {
        return Err(refuse(name, ": data is not aligned to 8 bytes", Status::Stride, message));
    }
    Ok(Table {
        data: tensor.data().cast(),
        count: tensor.extent(0) as usize,
        row_stride: tensor.stride(0) as isize,
        component_stride: tensor.stride(1) as isize,
    })
}

fn check_intervals(table: &Table, number: usize, limit: usize, message: &mut Message) -> Result<(), Status> {
    for row in 0..table.count {
        let (begin, end) = (table.get(row, 0), table.get(row, 1));
        if begin < 0 || end < begin || end as usize > limit {
            begin_message(number, row, message).text(" is ").tuple([begin, end].into_iter());
            message.text(", expected 0 <= begin <= end <= ").number(limit as i64);
            return Err(Status::Ranges);
        }
    }
    Ok(())
}

/// The ends never fall, and stay within the column blocks; there is one for each block of rows.
fn check_ends(side: &Side, number: usize, message: &mut Message) -> Result<(), Status> {
    if side.ends.count != side.blocks.count {
        name(number, message).text(" has ").number(side.ends.count as i64).text(" entries for ");
        message.number(side.blocks.count as i64).text(" blocks of rows");
        return Err(Status::Ranges);
    }
    let mut previous = 0;
    for block in 0..side.ends.count {
        let end = side.ends.get(block, 0);
        if end < previous || end as usize > side.parts.count {
            begin_message(number, block, message)
                .text(" is ")
                .number(end)
                .text(", expected ")
                .number(previous)
                .text(" to ");
            message.number(side.parts.count as i64);
            return Err(Status::Ranges);
        }
        previous = end;
    }
    Ok(())
}

/// Blocks of rows do not overlap, nor do the column blocks of one of them.
fn check_disjoint(
    side: &Side,
    number: usize,
    (rows, columns): (usize, usize),
    message: &mut Message,
) -> Result<(), Status> {
    let bytes = rows.max(columns) / 8 + 1;
    let mut marks = Marks { bytes, arena: None };
    let mut short = |_: &Status| {
        message.text("out of memory");
    };
    if !marks.disjoint(|| (0..side.blocks()).map(|block| side.block(block))).inspect_err(&mut short)? {
        name(number, message).text(": blocks overlap");
        return Err(Status::Ranges);
    }
    for block in 0..side.blocks() {
        if !marks.disjoint(|| side.columns(block)).inspect_err(|_| {
            message.text("out of memory");
        })? {
            name(number + 2, message)
                .text(": the column blocks of block ")
                .number(block as i64)
                .text(" of rows overlap");
            return Err(Status::Ranges);
        }
    }
    Ok(())
}

/// A bit for each row or column, allocated when intervals are first found out of order.
struct Marks {
    bytes: usize,
    arena: Option<Arena>,
}

impl Marks {
    fn disjoint<I: Iterator<Item = (usize, usize)>>(&mut self, intervals: impl Fn() -> I) -> Result<bool, Status> {
        let filled = || intervals().filter(|(begin, end)| begin < end);
        if filled().zip(filled().skip(1)).all(|((_, end), (next, _))| end <= next) {
            return Ok(true);
        }
        let base = match &self.arena {
            Some(arena) => arena.base(),
            None => {
                let arena = Arena::new(self.bytes, core::ptr::null_mut(), 0)?;
                // SAFETY: the arena has these bytes.
                unsafe { arena.base().write_bytes(0, self.bytes) };
                self.arena.insert(arena).base()
            }
        };
        // SAFETY: intervals end at most at the number of bits.
        let flip = |bit: usize| unsafe {
            let byte = base.add(bit / 8);
            let mask = 1 << (bit % 8);
            byte.write(byte.read() ^ mask);
            byte.read() & mask != 0
        };
        let mut marked = 0_usize;
        let fresh = filled().flat_map(|(begin, end)| begin..end).all(|bit| {
            marked += 1;
            flip(bit)
        });
        // The same bits once more leave none.
        filled().flat_map(|(begin, end)| begin..end).take(marked).for_each(|bit| {
            flip(bit);
        });
        Ok(fresh)
    }
}

fn name(number: usize, message: &mut Message) -> &mut Message {
    let name = NAMES.get(number).copied().unwrap_or(c"ranges");
    // SAFETY: the names are C strings.
    unsafe { message.name(name.as_ptr()) }
}

fn begin_message(number: usize, row: usize, message: &mut Message) -> &mut Message {
    name(number, message).text("[").number(row as i64).text("]")
}

fn refuse(name: &CStr, text: &str, status: Status, message: &mut Message) -> Status {
    // SAFETY: the name is a C string.
    unsafe { message.name(name.as_ptr()) }.text(text);
    status
}
