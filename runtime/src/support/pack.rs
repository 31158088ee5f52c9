//! Strided tensors of any storage type to dense tiles and records of the computing type, and back.

use super::convert::{BFloat, Compute, Double, Half, Single, Storage};
use crate::abi::{BF16, C64, C128, F16, F32, F64, I64};

/// Bytes of an element of a storage type.
pub fn size_of_type(dtype: u8) -> usize {
    match dtype {
        F16 | BF16 => 2,
        F32 => 4,
        C128 => 16,
        _ => 8,
    }
}

/// Where elements of a storage type may lie: at multiples of this. A complex number is aligned as its parts are.
pub fn alignment_of_type(dtype: u8) -> usize {
    size_of_type(part_of(dtype).unwrap_or(dtype))
}

/// The type of the two parts of a complex number; `None` for other types.
fn part_of(dtype: u8) -> Option<u8> {
    match dtype {
        C64 => Some(F32),
        C128 => Some(F64),
        _ => None,
    }
}

/// A tensor at one batch element.
#[derive(Clone, Copy)]
pub struct View {
    /// Its first element at batch element 0.
    pub base: *mut u8,
    /// Its first element at the batch element at hand.
    pub data: *mut u8,
    /// Elements from row to row; 0 where all rows are the same.
    pub row_stride: isize,
    /// Elements from component to component.
    pub component_stride: isize,
    /// Storage type.
    pub dtype: u8,
}

impl View {
    /// Dense rows of that many elements.
    pub fn dense(data: *mut u8, width: usize, dtype: u8) -> View {
        View { base: data, data, row_stride: width as isize, component_stride: 1, dtype }
    }

    /// The rows from that number on.
    pub fn at_row(&self, first: usize) -> View {
        let bytes = (first as isize).wrapping_mul(self.row_stride).wrapping_mul(size_of_type(self.dtype) as isize);
        View { data: self.data.wrapping_offset(bytes), ..*self }
    }

    /// Every second number: the real parts (0) or the imaginary ones (1), or the halves of int64.
    fn part(&self, number: usize, dtype: u8) -> View {
        View {
            data: self.data.wrapping_add(number * size_of_type(dtype)),
            // Along what has one element steps may be anything.
            row_stride: self.row_stride.wrapping_mul(2),
            component_stride: self.component_stride.wrapping_mul(2),
            dtype,
            ..*self
        }
    }
}

/// Elements of the computing type with a place for each row and component.
#[derive(Clone, Copy)]
pub struct Block {
    /// First element.
    pub data: *mut u8,
    /// Elements from row to row.
    pub row_stride: usize,
    /// Elements from component to component.
    pub component_stride: usize,
}

impl Block {
    /// Every second component, from component `number` on.
    fn part(self, number: usize, compute: u8) -> Block {
        let data = self.data.wrapping_add(number * self.component_stride * size_of_type(compute));
        Block { data, component_stride: 2 * self.component_stride, ..self }
    }
}

/// Instantiates `$function` for a pair of storage type and computing type.
macro_rules! dispatch {
    ($dtype:expr, $compute:expr, $function:ident, $($argument:expr),*) => {
        match ($dtype, $compute) {
            (F16, F32) => $function::<Half, f32>($($argument),*),
            (F16, _) => $function::<Half, f64>($($argument),*),
            (BF16, F32) => $function::<BFloat, f32>($($argument),*),
            (BF16, _) => $function::<BFloat, f64>($($argument),*),
            (F32, F32) => $function::<Single, f32>($($argument),*),
            (F32, _) => $function::<Single, f64>($($argument),*),
            (_, F32) => $function::<Double, f32>($($argument),*),
            (_, _) => $function::<Double, f64>($($argument),*),
        }
    };
}

/// Components of the computing type that an element of a tensor takes: one, but two halves for an int64 beside float32, and two parts for a
/// complex number.
pub fn width(dtype: u8, compute: u8) -> usize {
    if (dtype == I64 && compute == F32) || part_of(dtype).is_some() { 2 } else { 1 }
}

/// Copies `rows` rows from number `first` on out of a tensor, converting to the computing type; int64 stays what it is.
///
/// # Safety
/// The view has these rows and `dim` components, the block has room for them.
pub unsafe fn read(view: &View, first: usize, rows: usize, dim: usize, block: Block, compute: u8) {
    if let Some(part) = part_of(view.dtype) {
        for number in 0..2 {
            // SAFETY: as the caller promises, of each of the two parts.
            unsafe { read(&view.part(number, part), first, rows, dim, block.part(number, compute), compute) };
        }
        return;
    }
    // SAFETY: as the caller promises.
    unsafe {
        match (view.dtype, compute) {
            (I64, F32) => read_halves(view, first, rows, dim, block),
            (I64, _) => read_with::<i64, i64>(view, first, rows, dim, block, |value| value),
            (dtype, compute) => dispatch!(dtype, compute, read_as, view, first, rows, dim, block),
        }
    }
}

/// Fills a component of `rows` rows with their numbers, the first one's being `first`.
///
/// # Safety
/// The block has room for them.
pub unsafe fn count(first: usize, rows: usize, block: Block, compute: u8) {
    for row in 0..rows {
        let number = (first + row) as u64;
        let place = row * block.row_stride;
        // SAFETY: as the caller promises.
        unsafe {
            if compute == F32 {
                block.data.cast::<u32>().add(place).write(number as u32);
                block.data.cast::<u32>().add(place + block.component_stride).write((number >> 32) as u32);
            } else {
                block.data.cast::<u64>().add(place).write(number);
            }
        }
    }
}

/// Copies a block of results into a tensor, converting to its storage type; int64 tensors take int64 blocks.
///
/// # Safety
/// As for [`read`].
pub unsafe fn write(view: &View, first: usize, rows: usize, dim: usize, block: Block, compute: u8) {
    if let Some(part) = part_of(view.dtype) {
        for number in 0..2 {
            // SAFETY: as the caller promises, of each of the two parts.
            unsafe { write(&view.part(number, part), first, rows, dim, block.part(number, compute), compute) };
        }
        return;
    }
    // SAFETY: as the caller promises.
    unsafe {
        if view.dtype == I64 {
            write_with::<i64, i64>(view, first, rows, dim, block, |value| value);
        } else {
            dispatch!(view.dtype, compute, write_as, view, first, rows, dim, block);
        }
    }
}

/// Fills rows `valid..rows` of a tile `[dim][rows]` with copies of row `valid - 1`.
///
/// # Safety
/// The tile has `dim * rows` elements, of which the first `valid >= 1` rows are written.
pub unsafe fn repeat_last_row(tile: *mut u8, dim: usize, rows: usize, valid: usize, compute: u8) {
    // SAFETY: as the caller promises.
    unsafe {
        if compute == F32 {
            repeat_last_row_of(tile.cast::<f32>(), dim, rows, valid);
        } else {
            repeat_last_row_of(tile.cast::<f64>(), dim, rows, valid);
        }
    }
}

/// Turns a tile `[dim][tile_rows]` into `rows` records of `dim` elements.
///
/// # Safety
/// The tile has `dim * tile_rows` elements, the records have `rows * dim`.
pub unsafe fn transpose(tile: *const u8, tile_rows: usize, records: *mut u8, rows: usize, dim: usize, compute: u8) {
    let strides =
        Strides { source_outer: 1, source_inner: tile_rows as isize, target_outer: dim as isize, target_inner: 1 };
    // SAFETY: as the caller promises.
    unsafe {
        if compute == F32 {
            copy(rows, dim, tile.cast::<f32>(), records.cast::<f32>(), strides, |value| value);
        } else {
            copy(rows, dim, tile.cast::<f64>(), records.cast::<f64>(), strides, |value| value);
        }
    }
}

/// Copies `rows` rows of `dim` components from one tensor to another of the same type, as they are.
///
/// # Safety
/// Both views have these rows and components.
#[inline(never)]
pub unsafe fn transport(source: &View, target: &View, rows: usize, dim: usize) {
    if let Some(part) = part_of(source.dtype) {
        for number in 0..2 {
            // SAFETY: as the caller promises, of each of the two parts.
            unsafe { transport(&source.part(number, part), &target.part(number, part), rows, dim) };
        }
        return;
    }
    let strides = Strides {
        source_outer: source.row_stride,
        source_inner: source.component_stride,
        target_outer: target.row_stride,
        target_inner: target.component_stride,
    };
    // SAFETY: as the caller promises.
    unsafe {
        match size_of_type(source.dtype) {
            2 => copy(rows, dim, source.data.cast::<u16>(), target.data.cast::<u16>(), strides, |value| value),
            4 => copy(rows, dim, source.data.cast::<u32>(), target.data.cast::<u32>(), strides, |value| value),
            _ => copy(rows, dim, source.data.cast::<u64>(), target.data.cast::<u64>(), strides, |value| value),
        }
    }
}

unsafe fn read_as<S: Storage, T: Compute>(view: &View, first: usize, rows: usize, dim: usize, block: Block) {
    // SAFETY: as the caller promises.
    unsafe { read_with::<S::Bits, T>(view, first, rows, dim, block, S::load::<T>) }
}

/// Both halves of each int64, little-endian as all machines are that there is code for.
unsafe fn read_halves(view: &View, first: usize, rows: usize, dim: usize, block: Block) {
    for half in 0..2 {
        // SAFETY: as the caller promises.
        unsafe { read_with::<u32, u32>(&view.part(half, F32), first, rows, dim, block.part(half, F32), |half| half) };
    }
}

unsafe fn read_with<A: Copy, B>(
    view: &View,
    first: usize,
    rows: usize,
    dim: usize,
    block: Block,
    convert: impl Fn(A) -> B,
) {
    // SAFETY: the first row exists; the copies stay inside as the caller promises.
    unsafe {
        let source = view.data.cast::<A>().offset(first as isize * view.row_stride);
        let target = block.data.cast::<B>();
        let by_component = Strides {
            source_outer: view.component_stride,
            source_inner: view.row_stride,
            target_outer: block.component_stride as isize,
            target_inner: block.row_stride as isize,
        };
        if block.row_stride == 1 {
            copy(dim, rows, source, target, by_component, convert);
        } else {
            copy(rows, dim, source, target, by_component.swapped(), convert);
        }
    }
}

unsafe fn write_as<S: Storage, T: Compute>(view: &View, first: usize, rows: usize, dim: usize, block: Block) {
    // SAFETY: as the caller promises.
    unsafe { write_with::<T, S::Bits>(view, first, rows, dim, block, S::store::<T>) }
}

unsafe fn write_with<A: Copy, B>(
    view: &View,
    first: usize,
    rows: usize,
    dim: usize,
    block: Block,
    convert: impl Fn(A) -> B,
) {
    let by_row = Strides {
        source_outer: block.row_stride as isize,
        source_inner: block.component_stride as isize,
        target_outer: view.row_stride,
        target_inner: view.component_stride,
    };
    // SAFETY: as the caller promises.
    unsafe {
        let target = view.data.cast::<B>().offset(first as isize * view.row_stride);
        copy(rows, dim, block.data.cast::<A>(), target, by_row, convert);
    }
}

unsafe fn repeat_last_row_of<T: Copy>(tile: *mut T, dim: usize, rows: usize, valid: usize) {
    for component in 0..dim {
        // SAFETY: `valid - 1 < rows`, and the tile has `dim * rows` elements.
        unsafe {
            let line = tile.add(component * rows);
            let last = line.add(valid - 1).read();
            for row in valid..rows {
                line.add(row).write(last);
            }
        }
    }
}

/// The steps of a doubly nested copy, in elements.
#[derive(Clone, Copy)]
struct Strides {
    source_outer: isize,
    source_inner: isize,
    target_outer: isize,
    target_inner: isize,
}

impl Strides {
    fn swapped(self) -> Strides {
        Strides {
            source_outer: self.source_inner,
            source_inner: self.source_outer,
            target_outer: self.target_inner,
            target_inner: self.target_outer,
        }
    }
}

#[inline(always)]
unsafe fn copy<A: Copy, B>(
    outer: usize,
    inner: usize,
    source: *const A,
    target: *mut B,
    strides: Strides,
    convert: impl Fn(A) -> B,
) {
    // The long loop belongs inside.
    let (outer, inner, strides) = if inner == 1 { (1, outer, strides.swapped()) } else { (outer, inner, strides) };
    for o in 0..outer as isize {
        // SAFETY: both sides have `outer * inner` elements at these strides.
        unsafe {
            let source = source.offset(o * strides.source_outer);
            let target = target.offset(o * strides.target_outer);
            if strides.source_inner == 1 && strides.target_inner == 1 {
                for i in 0..inner {
                    target.add(i).write(convert(source.add(i).read()));
                }
            } else {
                for i in 0..inner as isize {
                    target
                        .offset(i * strides.target_inner)
                        .write(convert(source.offset(i * strides.source_inner).read()));
                }
            }
        }
    }
}
