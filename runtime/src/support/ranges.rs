//! Block-sparse ranges: which columns each block of rows is reduced over.
//!
//! Six int64 tensors describe them twice, for reductions over j and for reductions over i: blocks of rows (half-open), the ends of their
//! lists of column blocks, and the column blocks (half-open). Each may have batch dimensions, which broadcast with those of the call; numbers
//! of rows and columns are local to the batch element. Rows in no block get the neutral element.
//!
//! Everything in them is looked at once, for every batch element that they tell apart, before anything is computed.

use super::arena::{Arena, times};
use super::bits::Bits;
use super::location::Location;
use super::message::Message;
use super::overlap;
use super::pack::View;
use super::problem::Extents;
use super::tensor::{MAX_DIMENSIONS, Tensor};
use super::validate::{has_impossible_dimensions, refuse_dimensions};
use crate::abi::{DLTensor, I64, NO_TENSOR, ROLE_I, ROLE_J, ROLE_PARAMETER, Status, TensorDescriptor};
use core::ffi::CStr;

/// Both descriptions.
#[derive(Clone, Copy)]
pub struct Ranges<'a> {
    tables: Tables<'a>,
    over_j: Load,
    over_i: Load,
}

/// How much there is to do in one description.
#[derive(Clone, Copy)]
pub struct Load {
    /// Blocks of rows in a batch element.
    pub blocks: usize,
    /// Column blocks in a batch element, of all rows together.
    pub parts: usize,
    /// The batch element with the most pairs.
    pub most: Pairs,
    /// A batch element on average.
    pub mean: Pairs,
}

/// Numbers of pairs.
#[derive(Clone, Copy, Default)]
pub struct Pairs {
    /// Pairs in all blocks.
    pub pairs: usize,
    /// Columns of all blocks.
    pub widths: usize,
}

impl Pairs {
    fn plus(self, other: Pairs) -> Pairs {
        Pairs { pairs: self.pairs.saturating_add(other.pairs), widths: self.widths.saturating_add(other.widths) }
    }

    /// The pairs that tiles of this many rows have: the last tile of a block is half empty on average.
    pub fn in_tiles(&self, tile_rows: usize) -> usize {
        self.pairs.saturating_add(times(self.widths, tile_rows / 2))
    }
}

impl<'a> Ranges<'a> {
    /// What is to do in a pass, `None` if the pass has no pairs of i and j.
    pub fn load(&self, rows: u8, columns: u8) -> Option<&Load> {
        match (rows, columns) {
            (ROLE_I, ROLE_J) => Some(&self.over_j),
            (ROLE_J, ROLE_I) => Some(&self.over_i),
            _ => None,
        }
    }

    /// The description for a pass at a batch element, `None` if the pass has no pairs of i and j.
    pub fn side(&self, rows: u8, columns: u8, extents: &Extents, element: usize) -> Option<Side<'a>> {
        let tables = &self.tables;
        let [blocks, ends, parts] = match (rows, columns) {
            (ROLE_I, ROLE_J) => tables.over_j(),
            (ROLE_J, ROLE_I) => tables.over_i(),
            _ => return None,
        };
        let place = Elements::all(extents).place(element);
        Some(Side { blocks: blocks.at(&place), ends: ends.at(&place), parts: parts.at(&place) })
    }

    /// The most blocks of rows.
    pub fn most_blocks(&self) -> usize {
        self.over_j.blocks.max(self.over_i.blocks)
    }
}

/// One description at a batch element.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    blocks: Table<'a>,
    ends: Table<'a>,
    parts: Table<'a>,
}

impl<'a> Side<'a> {
    /// Number of blocks of rows.
    pub fn blocks(&self) -> usize {
        self.blocks.count
    }

    /// The first row of a block, and the row past its end.
    pub fn block(&self, number: usize) -> (usize, usize) {
        self.blocks.interval(number)
    }

    /// The columns of a block of rows: its column blocks in order, those that touch made one, empty ones left out.
    pub fn columns(&self, block: usize) -> Columns<'a> {
        let (next, end) = self.list(block);
        Columns { parts: self.parts, next, end }
    }

    /// The list of a block's column blocks: the first one's number, and the one past its end.
    fn list(&self, block: usize) -> (usize, usize) {
        let first = if block == 0 { 0 } else { self.ends.get(block - 1, 0) };
        (first as usize, self.ends.get(block, 0) as usize)
    }

    fn pairs(&self) -> Pairs {
        (0..self.blocks()).fold(Pairs::default(), |sum, block| {
            let (begin, end) = self.block(block);
            let widths = self.columns(block).fold(0, |sum: usize, (begin, end)| sum.saturating_add(end - begin));
            sum.plus(Pairs { pairs: times(end - begin, widths), widths })
        })
    }
}

/// The columns of a block of rows.
pub struct Columns<'a> {
    parts: Table<'a>,
    next: usize,
    end: usize,
}

impl Iterator for Columns<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let mut columns: Option<(usize, usize)> = None;
        while self.next < self.end {
            let (begin, end) = self.parts.interval(self.next);
            match columns {
                _ if begin == end => {}
                None => columns = Some((begin, end)),
                Some((first, last)) if last == begin => columns = Some((first, end)),
                Some(_) => break,
            }
            self.next += 1;
        }
        columns
    }
}

/// An int64 tensor of one or two columns, at a batch element.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    tensor: Tensor<'a>,
    data: *const i64,
    count: usize,
    row_stride: isize,
    component_stride: isize,
}

impl<'a> Table<'a> {
    /// Rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.tensor.descriptor.dim as usize
    }

    /// Its memory and steps.
    pub fn view(&self) -> View {
        let data = self.data.cast_mut().cast();
        View { base: data, data, row_stride: self.row_stride, component_stride: self.component_stride, dtype: I64 }
    }

    /// The step along one of the call's `dimensions` batch dimensions, in elements.
    pub fn batch_step(&self, dimension: usize, dimensions: usize) -> i64 {
        self.tensor.batch_step(dimension, dimensions)
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.tensor.is_empty()
    }

    /// The first byte of its elements and the one past the end.
    pub fn addresses(&self) -> (u64, u64) {
        if self.tensor.is_empty() { (0, 0) } else { overlap::addresses(&self.tensor) }
    }

    /// Reads its elements so many bytes further on.
    pub fn move_by(&mut self, bytes: isize) {
        self.data = self.data.wrapping_byte_offset(bytes);
    }

    fn get(&self, row: usize, component: usize) -> i64 {
        let offset = row as isize * self.row_stride + component as isize * self.component_stride;
        // SAFETY: callers stay below `count`; the tensor has been checked.
        unsafe { self.data.offset(offset).read() }
    }

    fn interval(&self, row: usize) -> (usize, usize) {
        (self.get(row, 0) as usize, self.get(row, 1) as usize)
    }

    /// The table of a batch element.
    fn at(&self, place: &Place) -> Table<'a> {
        let mut offset = 0_isize;
        for (dimension, &number) in place.numbers.iter().enumerate().take(place.dimensions) {
            offset =
                offset.wrapping_add(number as isize * self.tensor.batch_step(dimension, place.dimensions) as isize);
        }
        Table { data: self.data.wrapping_offset(offset), ..*self }
    }
}

/// A batch element: its number along each batch dimension of the call.
struct Place {
    dimensions: usize,
    numbers: [usize; MAX_DIMENSIONS],
}

/// Batch elements of a call.
struct Elements {
    dimensions: usize,
    extents: [usize; MAX_DIMENSIONS],
    count: usize,
}

impl Elements {
    /// All of them.
    fn all(extents: &Extents) -> Elements {
        let mut all =
            Elements { dimensions: extents.batch_dimensions, extents: [1; MAX_DIMENSIONS], count: extents.batch_count };
        for (extent, given) in all.extents.iter_mut().zip(&extents.batch_shape) {
            *extent = *given as usize;
        }
        all
    }

    /// Those that some tables tell apart: dimensions along which none of them moves count once.
    fn told_apart(tables: &[&Table<'_>], extents: &Extents) -> Elements {
        let mut elements = Elements::all(extents);
        elements.count = 1;
        for (dimension, extent) in elements.extents.iter_mut().enumerate().take(extents.batch_dimensions) {
            // A step of 0 says nothing of a dimension that is empty.
            let stays = |table: &&Table<'_>| table.tensor.batch_step(dimension, extents.batch_dimensions) == 0;
            if *extent > 1 && tables.iter().all(stays) {
                *extent = 1;
            }
            elements.count = elements.count.saturating_mul(*extent);
        }
        elements
    }

    fn place(&self, element: usize) -> Place {
        let mut place = Place { dimensions: self.dimensions, numbers: [0; MAX_DIMENSIONS] };
        let mut rest = element;
        for (number, extent) in place.numbers.iter_mut().zip(&self.extents).take(self.dimensions).rev() {
            let extent = (*extent).max(1);
            *number = rest % extent;
            rest /= extent;
        }
        place
    }

    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        (0..self.count).map(|element| self.place(element))
    }
}

/// The six tensors, their values not yet looked at.
#[derive(Clone, Copy)]
pub struct Tables<'a>([Table<'a>; 6]);

impl<'a> Tables<'a> {
    /// How many there are.
    pub const COUNT: usize = 6;

    /// The table of that number.
    pub fn get(&self, number: usize) -> Option<&Table<'a>> {
        self.0.get(number)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, number: usize) -> Option<&mut Table<'a>> {
        self.0.get_mut(number)
    }

    fn over_j(&self) -> [&Table<'a>; 3] {
        let [blocks, ends, parts, ..] = &self.0;
        [blocks, ends, parts]
    }

    fn over_i(&self) -> [&Table<'a>; 3] {
        let [_, _, _, blocks, ends, parts] = &self.0;
        [blocks, ends, parts]
    }

    /// The tensors.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor<'a>> {
        self.0.iter().map(|table| &table.tensor)
    }
}

/// What the six tensors are, as if they were arguments of an entry.
const DESCRIPTORS: &[TensorDescriptor; 6] = &[
    describe(c"ranges_i", 2),
    describe(c"slices_i", 1),
    describe(c"redranges_j", 2),
    describe(c"ranges_j", 2),
    describe(c"slices_j", 1),
    describe(c"redranges_i", 2),
];

/// A list of numbers is described as a parameter, a list of pairs as rows.
const fn describe(name: &'static CStr, components: u32) -> TensorDescriptor {
    let role = if components == 1 { ROLE_PARAMETER } else { ROLE_I };
    TensorDescriptor {
        name: name.as_ptr(),
        dim: components,
        role,
        dtype: I64,
        is_output: 0,
        finalize_reads: 0,
        gradient_of: NO_TENSOR,
    }
}

/// Checks what the six tensors are; they must lie where the call's tensors do.
///
/// # Safety
/// `given` has six pointers, each NULL or to a valid tensor that lives for `'a`.
pub unsafe fn tables<'a>(
    given: *const *const DLTensor,
    wanted: Location,
    message: &mut Message,
) -> Result<Tables<'a>, Status> {
    let mut descriptors = DESCRIPTORS.iter().enumerate();
    let mut next = || match descriptors.next() {
        // SAFETY: there are six pointers.
        Some((number, descriptor)) => unsafe { table(descriptor, given.add(number).read(), wanted, message) },
        None => Err(Status::Ranges),
    };
    Ok(Tables([next()?, next()?, next()?, next()?, next()?, next()?]))
}

/// One of the six tensors.
unsafe fn table<'a>(
    descriptor: &'static TensorDescriptor,
    given: *const DLTensor,
    wanted: Location,
    message: &mut Message,
) -> Result<Table<'a>, Status> {
    // SAFETY: as the caller promises.
    let Some(given) = (unsafe { given.as_ref() }) else {
        return Err(refuse(descriptor, " is NULL", Status::NullPointer, message));
    };
    if Location::of(given) != Some(wanted) {
        name(descriptor, message).text(" is not ");
        wanted.describe(message);
        return Err(Status::Device);
    }
    if given.dtype != super::tensor::dlpack_type(I64) {
        return Err(refuse(descriptor, " is not int64", Status::Dtype, message));
    }
    // SAFETY: shape and strides are read only if there is a shape.
    let tensor = unsafe { Tensor::new(descriptor, given) };
    if given.ndim > 0 && given.shape.is_null() {
        return Err(refuse(descriptor, ": shape is NULL", Status::NullPointer, message));
    }
    if has_impossible_dimensions(given) {
        refuse_dimensions(given, name(descriptor, message));
        return Err(Status::Ranges);
    }
    let is_list = descriptor.dim == 1;
    let fits = tensor.ndim() >= tensor.own_dimensions()
        && (is_list || tensor.components() == 2)
        && tensor.shape().all(|extent| extent >= 0);
    if !fits {
        let wanted = if is_list { "(batch..., blocks)" } else { "(batch..., blocks, 2)" };
        name(descriptor, message).text(": expected shape ").text(wanted).text(", given shape ").tuple(tensor.shape());
        return Err(Status::Ranges);
    }
    if tensor.address() == 0 && !tensor.is_empty() {
        return Err(refuse(descriptor, ": data is NULL", Status::NullPointer, message));
    }
    if !tensor.data().cast::<i64>().is_aligned() {
        return Err(refuse(descriptor, ": data is not aligned to 8 bytes", Status::Stride, message));
    }
    let (count, row_stride) =
        if is_list { (tensor.components(), tensor.component_stride()) } else { (tensor.rows(), tensor.row_stride()) };
    let component_stride = if is_list { 0 } else { tensor.component_stride() as isize };
    let data = tensor.data().cast_const().cast();
    Ok(Table { tensor, data, count: count as usize, row_stride: row_stride as isize, component_stride })
}

/// Checks that there is an end for each block of rows.
pub fn check_counts(tables: &Tables<'_>, message: &mut Message) -> Result<(), Status> {
    for [blocks, ends, _] in [tables.over_j(), tables.over_i()] {
        check_ends(ends, blocks.count, message)?;
    }
    Ok(())
}

fn check_ends(ends: &Table<'_>, blocks: usize, message: &mut Message) -> Result<(), Status> {
    if ends.count == blocks {
        return Ok(());
    }
    name(ends.tensor.descriptor, message).text(" has ").number(ends.count as i64).text(" entries for ");
    message.number(blocks as i64).text(" blocks of rows");
    Err(Status::Ranges)
}

/// Checks everything in the six tensors.
pub fn check<'a>(tables: Tables<'a>, extents: &Extents, message: &mut Message) -> Result<Ranges<'a>, Status> {
    let limit = extents.rows_i.max(extents.rows_j);
    let mut check = Check { extents, marks: Marks { limit, arena: None }, message };
    let over_j = check.side(tables.over_j(), (extents.rows_i, extents.rows_j))?;
    let over_i = check.side(tables.over_i(), (extents.rows_j, extents.rows_i))?;
    Ok(Ranges { tables, over_j, over_i })
}

struct Check<'c> {
    extents: &'c Extents,
    marks: Marks,
    message: &'c mut Message,
}

impl Check<'_> {
    fn side(&mut self, tables: [&Table<'_>; 3], (rows, columns): (usize, usize)) -> Result<Load, Status> {
        let [blocks, ends, parts] = tables;
        self.intervals(blocks, rows)?;
        self.intervals(parts, columns)?;
        self.ends(ends, blocks.count, parts.count)?;
        self.disjoint_blocks(blocks)?;
        self.disjoint_columns(tables)?;
        let elements = Elements::told_apart(&tables, self.extents);
        let (mut most, mut sum) = (Pairs::default(), Pairs::default());
        for place in elements.places() {
            let side = Side { blocks: blocks.at(&place), ends: ends.at(&place), parts: parts.at(&place) };
            let pairs = side.pairs();
            sum = sum.plus(pairs);
            most = Pairs { pairs: most.pairs.max(pairs.pairs), widths: most.widths.max(pairs.widths) };
        }
        let count = elements.count.max(1);
        let mean = Pairs { pairs: sum.pairs.div_ceil(count), widths: sum.widths.div_ceil(count) };
        Ok(Load { blocks: blocks.count, parts: parts.count, most, mean })
    }

    fn intervals(&mut self, table: &Table<'_>, limit: usize) -> Result<(), Status> {
        for place in Elements::told_apart(&[table], self.extents).places() {
            let table = table.at(&place);
            let bad = (0..table.count).find(|row| {
                let (begin, end) = (table.get(*row, 0), table.get(*row, 1));
                begin < 0 || end < begin || end as usize > limit
            });
            if let Some(row) = bad {
                let interval = [table.get(row, 0), table.get(row, 1)];
                self.entry(&table, row, &place).text(" is ").tuple(interval.into_iter());
                self.message.text(", expected 0 <= begin <= end <= ").number(limit as i64);
                return Err(Status::Ranges);
            }
        }
        Ok(())
    }

    /// The ends never fall, and stay within the column blocks; there is one for each block of rows.
    fn ends(&mut self, ends: &Table<'_>, blocks: usize, parts: usize) -> Result<(), Status> {
        check_ends(ends, blocks, self.message)?;
        for place in Elements::told_apart(&[ends], self.extents).places() {
            let ends = ends.at(&place);
            let mut previous = 0;
            for block in 0..ends.count {
                let end = ends.get(block, 0);
                if end < previous || end as usize > parts {
                    self.entry(&ends, block, &place).text(" is ").number(end).text(", expected ").number(previous);
                    self.message.text(" to ").number(parts as i64);
                    return Err(Status::Ranges);
                }
                previous = end;
            }
        }
        Ok(())
    }

    fn disjoint_blocks(&mut self, blocks: &Table<'_>) -> Result<(), Status> {
        for place in Elements::told_apart(&[blocks], self.extents).places() {
            let table = blocks.at(&place);
            if !self.disjoint(|| (0..table.count).map(|block| table.interval(block)))? {
                name(table.tensor.descriptor, self.message).text(": blocks");
                self.element(&place).text(" overlap");
                return Err(Status::Ranges);
            }
        }
        Ok(())
    }

    /// The column blocks of one block of rows do not overlap.
    fn disjoint_columns(&mut self, [blocks, ends, parts]: [&Table<'_>; 3]) -> Result<(), Status> {
        for place in Elements::told_apart(&[ends, parts], self.extents).places() {
            let side = Side { blocks: *blocks, ends: ends.at(&place), parts: parts.at(&place) };
            for block in 0..side.blocks() {
                let (first, end) = side.list(block);
                if !self.disjoint(|| (first..end).map(|part| side.parts.interval(part)))? {
                    name(parts.tensor.descriptor, self.message).text(": the column blocks of block ");
                    self.message.number(block as i64).text(" of rows");
                    self.element(&place).text(" overlap");
                    return Err(Status::Ranges);
                }
            }
        }
        Ok(())
    }

    fn disjoint<I: Iterator<Item = (usize, usize)>>(&mut self, intervals: impl Fn() -> I) -> Result<bool, Status> {
        let message = &mut *self.message;
        self.marks.disjoint(intervals).inspect_err(|_| {
            message.text("out of memory");
        })
    }

    /// `ranges_i[3] of batch element (0, 1)`.
    fn entry(&mut self, table: &Table<'_>, row: usize, place: &Place) -> &mut Message {
        name(table.tensor.descriptor, self.message).text("[").number(row as i64).text("]");
        self.element(place)
    }

    fn element(&mut self, place: &Place) -> &mut Message {
        if place.dimensions > 0 {
            let numbers = place.numbers.iter().take(place.dimensions).map(|number| *number as i64);
            self.message.text(" of batch element ").tuple(numbers);
        }
        self.message
    }
}

/// A bit for each row or column, allocated when intervals are first found out of order.
struct Marks {
    limit: usize,
    arena: Option<Arena>,
}

impl Marks {
    fn disjoint<I: Iterator<Item = (usize, usize)>>(&mut self, intervals: impl Fn() -> I) -> Result<bool, Status> {
        let filled = || intervals().filter(|(begin, end)| begin < end);
        if filled().zip(filled().skip(1)).all(|((_, end), (next, _))| end <= next) {
            return Ok(true);
        }
        let bits = match &self.arena {
            Some(arena) => Bits::at(arena.base()),
            None => {
                let arena = Arena::new(Bits::bytes(self.limit), core::ptr::null_mut(), 0)?;
                // SAFETY: the arena has these bytes.
                unsafe { Bits::empty(self.arena.insert(arena).base(), self.limit) }
            }
        };
        // SAFETY: intervals end at most at the limit.
        unsafe {
            if !filled().all(|(begin, end)| bits.insert(begin, end)) {
                return Ok(false);
            }
            filled().for_each(|(begin, end)| bits.remove(begin, end));
        }
        Ok(true)
    }
}

fn name<'m>(descriptor: &TensorDescriptor, message: &'m mut Message) -> &'m mut Message {
    // SAFETY: the names are C strings.
    unsafe { message.name(descriptor.name) }
}

fn refuse(descriptor: &TensorDescriptor, text: &str, status: Status, message: &mut Message) -> Status {
    name(descriptor, message).text(text);
    status
}
