//! A call whose arguments have been checked: what the execution works on.

use super::cuda::OnDevice;
use super::pack::View;
use super::ranges::{Load, Ranges, Side};
use super::state::Layout;
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

/// Which part of an entry a call computes. The states of all rows follow each other, batch elements outermost.
#[derive(Clone, Copy)]
pub enum Phase {
    /// From arguments to results.
    Whole,
    /// A shard's columns to states.
    Partial {
        /// The number of the first column.
        first: i64,
        /// Where states go.
        states: States,
    },
    /// The states of all columns to results.
    Finalize {
        /// Where they are.
        states: States,
    },
}

/// A caller's memory for states.
#[derive(Clone, Copy)]
pub struct States {
    /// The first record.
    pub records: *mut u8,
    /// Bytes of all records.
    pub size: u64,
}

impl Phase {
    /// Whether the call reads or writes that argument or result; others are not looked at.
    pub fn takes(&self, descriptor: &TensorDescriptor) -> bool {
        match self {
            Phase::Whole => true,
            Phase::Partial { .. } => descriptor.is_output == 0,
            Phase::Finalize { .. } => descriptor.is_output != 0 || descriptor.finalize_reads != 0,
        }
    }

    /// Whether the call reads that tensor while it writes states, or writes it while it reads states.
    pub fn must_not_meet_states(&self, descriptor: &TensorDescriptor) -> bool {
        match self {
            Phase::Whole => false,
            Phase::Partial { .. } => descriptor.is_output == 0,
            Phase::Finalize { .. } => descriptor.is_output != 0,
        }
    }

    /// Whether a call with ranges looks at them.
    pub fn reads_ranges(&self) -> bool {
        !matches!(self, Phase::Finalize { .. })
    }

    /// Whether a pass goes over its columns; it does not where states are given.
    pub fn reduces(&self, pass: &PassDescriptor) -> bool {
        pass.columns != ROLE_PARAMETER && !matches!(self, Phase::Finalize { .. })
    }
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
    /// Which part of the entry is computed.
    pub phase: Phase,
    /// Which pairs count, all if `None`.
    pub ranges: Option<Ranges<'a>>,
    /// Threads the caller asks for, 0 if it leaves that to us.
    pub asked_threads: usize,
    /// The GPU that it runs on, if it does.
    pub device: Option<OnDevice<'a>>,
}

impl<'a> Problem<'a> {
    /// The passes that the call runs, in order.
    pub fn passes(&self) -> &'a [PassDescriptor] {
        // SAFETY: a clone has this many passes.
        let all = unsafe { list(self.clone.passes, self.clone.num_passes) };
        match self.phase {
            Phase::Partial { .. } => Layout::of(all).map_or(all, |layout| layout.passes),
            _ => all,
        }
    }

    /// The records of a batch element.
    pub fn records(&self) -> usize {
        match self.phase {
            Phase::Whole => 0,
            _ => Layout::of(self.passes()).map_or(0, |layout| self.extents.rows(layout.rows)),
        }
    }

    /// How many pairs of a pass count, all if `None`.
    pub fn load(&self, pass: &PassDescriptor) -> Option<&Load> {
        self.ranges.as_ref().filter(|_| self.phase.reduces(pass))?.load(pass.rows, pass.columns)
    }

    /// Which pairs of a pass count at a batch element, all if `None`.
    pub fn side(&self, pass: &PassDescriptor, element: usize) -> Option<Side<'a>> {
        let ranges = self.ranges.as_ref().filter(|_| self.phase.reduces(pass))?;
        ranges.side(pass.rows, pass.columns, &self.extents, element)
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

    /// A tensor's memory and steps; a temporary (whose number is past the arguments') is dense, its memory not yet known, and what the call
    /// does not take has none.
    pub fn view(&self, number: usize, descriptor: &TensorDescriptor) -> View {
        let row_stride = if descriptor.role == ROLE_PARAMETER { 0 } else { descriptor.dim as isize };
        let dense = |data| View { base: data, data, row_stride, component_stride: 1, dtype: descriptor.dtype };
        if number >= self.entry.num_tensors as usize || !self.phase.takes(descriptor) {
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

    /// Whether an argument has no elements at all, as its shape says: a step of 0 says nothing of a batch dimension that is empty.
    pub fn is_empty(&self, number: usize, descriptor: &TensorDescriptor) -> bool {
        let Source::Tensors(tensors) = self.source else { return false };
        // SAFETY: as in `view`.
        unsafe { Tensor::new(descriptor, &**tensors.add(number)) }.is_empty()
    }

    /// Whether an argument is the same for all indices of a batch dimension that has several or none.
    pub fn is_shared(&self, number: usize, descriptor: &TensorDescriptor, dimension: usize) -> bool {
        let Source::Tensors(tensors) = self.source else { return false };
        // SAFETY: as in `view`.
        let tensor = unsafe { Tensor::new(descriptor, &**tensors.add(number)) };
        let extent = tensor.batch_extent(dimension, self.extents.batch_dimensions);
        extent == 1 && self.extents.batch_shape.get(dimension).is_some_and(|&extent| extent != 1)
    }

    /// The step of an argument along a batch dimension, in elements; 0 where it is broadcast.
    pub fn batch_stride(&self, number: usize, descriptor: &TensorDescriptor, dimension: usize) -> isize {
        let Source::Tensors(tensors) = self.source else { return 0 };
        if !self.phase.takes(descriptor) {
            return 0;
        }
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
