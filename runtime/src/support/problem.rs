//! A call whose arguments have been checked: what the execution works on.

use super::pack::View;
use super::ranges::{Load, Ranges, Side};
use super::tensor::{MAX_DIMENSIONS, Tensor};
use crate::abi::{
    CloneDescriptor, DLTensor, EntryDescriptor, PassDescriptor, ROLE_I, ROLE_J, ROLE_PARAMETER, TensorDescriptor,
};
use core::ffi::c_void;

/// How many rows each index has, and how many problems of that size there are.
#[derive(Clone, Copy)]
pub struct Extents {
    /// M.
    pub rows_i: usize,
    /// N.
    pub rows_j: usize,
    /// Number of batch dimensions.
    pub batch_dimensions: usize,
    /// Their extents, the first `batch_dimensions` count.
    pub batch_shape: [i64; MAX_DIMENSIONS],
    /// Their product.
    pub batch_count: usize,
}

impl Extents {
    /// A single problem.
    pub fn unbatched(rows_i: usize, rows_j: usize) -> Extents {
        Extents { rows_i, rows_j, batch_dimensions: 0, batch_shape: [1; MAX_DIMENSIONS], batch_count: 1 }
    }

    /// The rows of a role.
    pub fn rows(&self, role: u8) -> usize {
        match role {
            ROLE_I => self.rows_i,
            ROLE_J => self.rows_j,
            _ => 1,
        }
    }
}

/// Where a call's tensors are.
#[derive(Clone, Copy)]
pub enum Source {
    /// Layer 1: row-major contiguous memory.
    Pointers(*const *mut c_void),
    /// Layer 2.
    Tensors(*const *const DLTensor),
}

/// A checked call.
pub struct Problem<'a> {
    /// The entry.
    pub entry: &'a EntryDescriptor,
    /// Its clone for this processor.
    pub clone: &'a CloneDescriptor,
    /// Its arguments.
    pub source: Source,
    /// Its sizes.
    pub extents: Extents,
    /// Which pairs count, all if `None`.
    pub ranges: Option<Ranges<'a>>,
    /// Threads the caller asks for, 0 if it leaves that to us.
    pub asked_threads: usize,
}

impl<'a> Problem<'a> {
    /// The passes, in order.
    pub fn passes(&self) -> &'a [PassDescriptor] {
        // SAFETY: a clone has this many passes.
        unsafe { list(self.clone.passes, self.clone.num_passes) }
    }

    /// How many pairs of a pass count, all if `None`.
    pub fn load(&self, pass: &PassDescriptor) -> Option<&Load> {
        self.ranges.as_ref()?.load(pass.rows, pass.columns)
    }

    /// Which pairs of a pass count at a batch element, all if `None`.
    pub fn side(&self, pass: &PassDescriptor, element: usize) -> Option<Side<'a>> {
        self.ranges.as_ref()?.side(pass.rows, pass.columns, &self.extents, element)
    }

    /// Arguments, results and temporaries.
    pub fn descriptors(&self) -> &'a [TensorDescriptor] {
        // SAFETY: an entry has this many tensors.
        unsafe { list(self.entry.tensors, self.entry.num_tensors + self.entry.num_temporaries) }
    }

    /// Arguments and results.
    pub fn arguments(&self) -> &'a [TensorDescriptor] {
        // SAFETY: an entry has this many tensors.
        unsafe { list(self.entry.tensors, self.entry.num_tensors) }
    }

    /// A tensor's memory and steps; a temporary (whose number is past the arguments') is dense, its memory not yet known.
    pub fn view(&self, number: usize, descriptor: &TensorDescriptor) -> View {
        let row_stride = if descriptor.role == ROLE_PARAMETER { 0 } else { descriptor.dim as isize };
        let dense = |data| View { base: data, data, row_stride, component_stride: 1, dtype: descriptor.dtype };
        if number >= self.entry.num_tensors as usize {
            return dense(core::ptr::null_mut());
        }
        match self.source {
            // SAFETY: a call has a pointer for each argument.
            Source::Pointers(pointers) => dense(unsafe { pointers.add(number).read() }.cast()),
            Source::Tensors(tensors) => {
                // SAFETY: a checked call has a tensor for each argument.
                let tensor = unsafe { Tensor::new(descriptor, &**tensors.add(number)) };
                View {
                    base: tensor.data(),
                    data: tensor.data(),
                    row_stride: tensor.row_stride() as isize,
                    component_stride: tensor.component_stride() as isize,
                    dtype: descriptor.dtype,
                }
            }
        }
    }

    /// The step of an argument along a batch dimension, in elements; 0 where it is broadcast.
    pub fn batch_stride(&self, number: usize, descriptor: &TensorDescriptor, dimension: usize) -> isize {
        let Source::Tensors(tensors) = self.source else { return 0 };
        // SAFETY: as in `view`.
        let tensor = unsafe { Tensor::new(descriptor, &**tensors.add(number)) };
        tensor.batch_step(dimension, self.extents.batch_dimensions) as isize
    }
}

/// A descriptor's list; generated code may leave the pointer of an empty one NULL.
///
/// # Safety
/// `first` points to `count` valid elements that live for `'a`.
pub unsafe fn list<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { core::slice::from_raw_parts(first, count as usize) }
}
