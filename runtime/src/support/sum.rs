//! Gradients in inputs that several batch elements share: every element's is computed into memory of its own, then they are added up.
//!
//! The elements that meet in one place are a group. Its sum is a binary tree over the group's members in row-major order of their batch
//! indices: in round `step = 1, 2, 4, …` member `m`, a multiple of `2 * step`, takes in member `m + step`. No thread changes that.

use super::arena::{align, times};
use super::pack::{self, Block, View, size_of_type};
use super::problem::{Phase, Problem};
use super::threads::parallel_for;
use crate::abi::{C64, C128, F32, NO_TENSOR, TensorDescriptor};

/// Numbers of a member that a unit adds up.
const NUMBERS_A_UNIT: usize = 4096;

/// The results of a call that are added up over batch elements, in one block of memory.
#[derive(Clone, Copy)]
pub struct Sums<'a> {
    problem: &'a Problem<'a>,
    memory: *mut u8,
}

impl<'a> Sums<'a> {
    /// The sums of a call, in `memory`.
    pub fn new(problem: &'a Problem<'a>, memory: *mut u8) -> Sums<'a> {
        Sums { problem, memory }
    }

    /// Bytes of the memory.
    pub fn bytes(&self) -> usize {
        self.results().fold(0, |sum: usize, (_, descriptor)| sum.saturating_add(self.bytes_of(descriptor)))
    }

    /// The memory for all batch elements of a result, one after the other; `None` if it is not added up.
    pub fn view(&self, number: usize) -> Option<View> {
        let mut offset = 0;
        for (other, descriptor) in self.results() {
            if other == number {
                let data = self.memory.wrapping_add(offset);
                let row_stride = descriptor.dim as isize;
                return Some(View { base: data, data, row_stride, component_stride: 1, dtype: self.dtype(descriptor) });
            }
            offset += self.bytes_of(descriptor);
        }
        None
    }

    /// The step of such a result along a batch dimension, in elements.
    pub fn batch_stride(&self, descriptor: &TensorDescriptor, dimension: usize) -> isize {
        let extents = &self.problem.extents;
        let finer = extents.batch_shape.iter().take(extents.batch_dimensions).skip(dimension + 1);
        let elements = finer.fold(1_usize, |product, &extent| times(product, extent.max(0) as usize));
        times(elements, self.elements(descriptor)) as isize
    }

    /// Adds up all groups and writes the results.
    ///
    /// # Safety
    /// The memory has [`Sums::bytes`] bytes, and all batch elements have been computed into it; the results may be written.
    pub unsafe fn add_up(&self, threads: usize) {
        for (number, descriptor) in self.results() {
            let Some(view) = self.view(number) else { return };
            let parts = pack::width(view.dtype, self.compute());
            let width = (descriptor.dim as usize) * parts;
            let sum = Sum {
                sums: self,
                number,
                descriptor,
                view,
                width,
                rows: self.problem.extents.rows(descriptor.role),
                rows_a_unit: (NUMBERS_A_UNIT / width.max(1)).max(1),
            };
            let units = times(sum.count(false), sum.rows.div_ceil(sum.rows_a_unit.max(1)));
            // SAFETY: units write different rows of different places.
            unsafe { parallel_for(threads, units, &sum, Sum::add_up) };
        }
    }

    fn results(&self) -> impl Iterator<Item = (usize, &'a TensorDescriptor)> + '_ {
        let numbered = self.problem.arguments().iter().enumerate();
        numbered.filter(|(number, descriptor)| self.is_added_up(*number, descriptor))
    }

    /// Whether a result is added up over batch elements.
    pub fn is_added_up(&self, number: usize, descriptor: &TensorDescriptor) -> bool {
        let is_shared = |dimension| self.problem.is_shared(number, descriptor, dimension);
        let is_written = !matches!(self.problem.phase, Phase::Partial { .. });
        is_written && descriptor.gradient_of != NO_TENSOR && (0..self.problem.extents.batch_dimensions).any(is_shared)
    }

    /// Elements of a batch element.
    fn elements(&self, descriptor: &TensorDescriptor) -> usize {
        times(self.problem.extents.rows(descriptor.role), descriptor.dim as usize)
    }

    fn bytes_of(&self, descriptor: &TensorDescriptor) -> usize {
        let elements = times(self.problem.extents.batch_count, self.elements(descriptor));
        align(times(elements, size_of_type(self.dtype(descriptor))))
    }

    /// Sums are computed in the computing type, and rounded to the storage type once.
    pub fn dtype(&self, descriptor: &TensorDescriptor) -> u8 {
        match (descriptor.dtype, self.compute()) {
            (C64 | C128, F32) => C64,
            (C64 | C128, _) => C128,
            (_, compute) => compute,
        }
    }

    /// The computing type, which all passes of an entry share.
    fn compute(&self) -> u8 {
        self.problem.passes().first().map_or(F32, |pass| pass.compute)
    }
}

/// One result.
struct Sum<'a> {
    sums: &'a Sums<'a>,
    number: usize,
    descriptor: &'a TensorDescriptor,
    /// All batch elements.
    view: View,
    /// Numbers of the computing type a row.
    width: usize,
    rows: usize,
    rows_a_unit: usize,
}

impl Sum<'_> {
    fn is_shared(&self, dimension: usize) -> bool {
        self.sums.problem.is_shared(self.number, self.descriptor, dimension)
    }

    /// The members of a group, or the number of groups.
    fn count(&self, shared: bool) -> usize {
        let extents = self.dimensions().filter(|(dimension, _)| self.is_shared(*dimension) == shared);
        extents.fold(1, |product, (_, extent)| times(product, extent))
    }

    fn dimensions(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> + '_ {
        let extents = &self.sums.problem.extents;
        let shape = extents.batch_shape.get(..extents.batch_dimensions).unwrap_or_default();
        shape.iter().map(|extent| (*extent).max(0) as usize).enumerate()
    }

    /// Calls `see` with each batch dimension and the index there that the member of a group has.
    fn indices(&self, mut group: usize, mut member: usize, mut see: impl FnMut(usize, usize)) {
        for (dimension, extent) in self.dimensions().rev() {
            let rest = if self.is_shared(dimension) { &mut member } else { &mut group };
            let extent = extent.max(1);
            see(dimension, *rest % extent);
            *rest /= extent;
        }
    }

    /// The first number of a member's row.
    fn place(&self, group: usize, member: usize, row: usize) -> *mut u8 {
        let mut offset = 0;
        self.indices(group, member, |dimension, index| {
            offset += index as isize * self.sums.batch_stride(self.descriptor, dimension);
        });
        let elements = offset + row as isize * self.view.row_stride;
        self.view.data.wrapping_offset(elements * size_of_type(self.view.dtype) as isize)
    }

    unsafe fn add_up(&self, unit: usize, _thread: usize) {
        let blocks = self.rows.div_ceil(self.rows_a_unit.max(1)).max(1);
        let (group, first) = (unit / blocks, unit % blocks * self.rows_a_unit);
        let rows = self.rows_a_unit.min(self.rows - first);
        let members = self.count(true);
        let compute = self.sums.compute();
        let mut step = 1;
        while step < members {
            let mut member = 0;
            while member + step < members {
                let [left, right] = [member, member + step].map(|member| self.place(group, member, first));
                // SAFETY: both are this many numbers of different members, which no other unit touches.
                unsafe {
                    match compute {
                        F32 => add::<f32>(left.cast(), right.cast(), rows * self.width),
                        _ => add::<f64>(left.cast(), right.cast(), rows * self.width),
                    }
                }
                member += 2 * step;
            }
            step *= 2;
        }
        let zero = 0_u64;
        let block = if members > 0 {
            Block { data: self.place(group, 0, first), row_stride: self.width, component_stride: 1 }
        } else {
            // Over no batch elements the sum is 0, in either type.
            Block { data: core::ptr::from_ref(&zero).cast_mut().cast(), row_stride: 0, component_stride: 0 }
        };
        let mut result = self.sums.problem.view(self.number, self.descriptor);
        self.indices(group, 0, |dimension, index| {
            let stride = self.sums.problem.batch_stride(self.number, self.descriptor, dimension);
            let bytes = index as isize * stride * size_of_type(result.dtype) as isize;
            result.data = result.data.wrapping_offset(bytes);
        });
        // SAFETY: these rows of the result are this unit's.
        unsafe { pack::write(&result, first, rows, self.descriptor.dim as usize, block, compute) };
    }
}

/// Adds `count` numbers to as many others.
unsafe fn add<T: Copy + core::ops::AddAssign>(left: *mut T, right: *const T, count: usize) {
    // SAFETY: as the caller promises; the two do not overlap.
    unsafe {
        let (left, right) = (core::slice::from_raw_parts_mut(left, count), core::slice::from_raw_parts(right, count));
        left.iter_mut().zip(right).for_each(|(left, right)| *left += *right);
    }
}
