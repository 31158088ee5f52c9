//! Entries in shards, through the table of entries: `partial`, `merge` and `finalize` as docs/abi.md says.

use std::ffi::c_void;
use std::ptr;

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::{Tensor, TensorId, TensorKind};
use keopsc_ir::types::{Axis, Role};
use keopsc_runtime::abi::{Call, DL_CPU, DLDevice, DLTensor};
use keopsc_runtime::support::dlpack_type;

use super::{Compiled, load, store};

/// A tensor with its memory.
struct Array<'a> {
    tensor: &'a Tensor,
    shape: Vec<i64>,
    data: Vec<u64>,
}

impl Array<'_> {
    fn new<'a>(tensor: &'a Tensor, rows: usize, values: &[f64]) -> Array<'a> {
        let dim = tensor.dim() as usize;
        let mut data = vec![0; (rows * dim).max(1)];
        store(&mut data, values, tensor.scalar);
        let rows = (tensor.role != Role::Parameter).then_some(rows as i64);
        let elements = i64::from(tensor.elements());
        Array { tensor, shape: rows.into_iter().chain([elements]).collect(), data }
    }

    fn as_dlpack(&mut self) -> DLTensor {
        DLTensor {
            data: self.data.as_mut_ptr().cast(),
            device: DLDevice { device_type: DL_CPU, device_id: 0 },
            ndim: self.shape.len() as i32,
            dtype: dlpack_type(super::dtype(self.tensor.scalar)),
            shape: self.shape.as_mut_ptr(),
            strides: ptr::null_mut(),
            byte_offset: 0,
        }
    }
}

fn with_call(arrays: &mut [Option<Array<'_>>], sizes: Sizes, function: impl FnOnce(&Call) -> i32) {
    let tensors: Vec<_> = arrays.iter_mut().map(|array| array.as_mut().map(Array::as_dlpack)).collect();
    let pointers: Vec<*const DLTensor> =
        tensors.iter().map(|tensor| tensor.as_ref().map_or(ptr::null(), ptr::from_ref)).collect();
    let mut message = [0_u8; 300];
    let call = Call {
        struct_size: size_of::<Call>() as u32,
        num_tensors: pointers.len() as u32,
        tensors: pointers.as_ptr(),
        rows_i: sizes.i as i64,
        rows_j: sizes.j as i64,
        threads: 0,
        device_type: 0,
        device_id: 0,
        check: 0,
        stream: ptr::null_mut(),
        ranges: ptr::null(),
        workspace: ptr::null_mut(),
        workspace_size: 0,
        message: message.as_mut_ptr().cast(),
        message_size: message.len() as u64,
    };
    let status = function(&call);
    assert_eq!(status, 0, "{}", String::from_utf8_lossy(&message));
}

impl Compiled {
    /// Runs an entry in at most `shards` shards; `None` if it has none.
    pub fn run_in_shards(&self, entry: usize, sizes: Sizes, inputs: &[Vec<f64>], shards: i64) -> Option<Vec<Vec<f64>>> {
        let plan = &self.plans[entry];
        let described = plan.shards()?;
        let over = described.over;
        let columns = sizes.rows(over.role());
        let length = self.shard(entry, columns, shards) as usize;
        let size = self.state_size(entry, sizes.rows(described.rows)) as u64;
        let mut states = Vec::new();
        for first in (0..columns.max(1)).step_by(length) {
            let count = length.min(columns - first);
            let part = match over {
                Axis::I => Sizes { i: count, ..sizes },
                Axis::J => Sizes { j: count, ..sizes },
            };
            let tensors = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input);
            let mut arrays: Vec<_> =
                tensors.zip(inputs).map(|(tensor, values)| Some(cut(tensor, values, over, first, part))).collect();
            let mut state = vec![7_u64; size as usize / 8];
            // SAFETY: tensors and state have the sizes that they say.
            with_call(&mut arrays, part, |call| unsafe {
                self.partial(entry, call, first as i64, (state.as_mut_ptr().cast::<c_void>(), size))
            });
            states.push(state);
        }
        let mut step = 1;
        while step < states.len() {
            for shard in (0..states.len() - step).step_by(2 * step) {
                let (left, right) = states.split_at_mut(shard + step);
                let (state, later) = (left[shard].as_mut_ptr(), right[0].as_mut_ptr());
                // SAFETY: both states have that size.
                with_call(&mut [], sizes, |call| unsafe {
                    self.merge(entry, call, (state.cast(), size), (later.cast(), size))
                });
            }
            step *= 2;
        }
        let mut given = inputs.iter();
        let tensors = (0..).zip(&plan.tensors).filter(|(_, tensor)| tensor.kind != TensorKind::Temporary);
        let mut arrays: Vec<Option<Array<'_>>> = Vec::new();
        for (number, tensor) in tensors {
            let rows = sizes.rows(tensor.role);
            arrays.push(if tensor.kind == TensorKind::Output {
                Some(Array::new(tensor, rows, &[]))
            } else {
                let values = given.next().expect("one array an input");
                let is_read = described.finalize_reads.contains(&TensorId(number));
                is_read.then(|| Array::new(tensor, rows, values))
            });
        }
        let state = (states[0].as_mut_ptr().cast(), size);
        // SAFETY: tensors and state have the sizes that they say.
        with_call(&mut arrays, sizes, |call| unsafe { self.finalize(entry, call, state) });
        let results = arrays.iter().flatten().filter(|array| array.tensor.kind == TensorKind::Output);
        Some(
            results
                .map(|array| {
                    let count = sizes.rows(array.tensor.role) * array.tensor.dim() as usize;
                    load(&array.data, count, array.tensor.scalar)
                })
                .collect(),
        )
    }
}

/// An input's rows of a shard.
fn cut<'a>(tensor: &'a Tensor, values: &[f64], over: Axis, first: usize, part: Sizes) -> Array<'a> {
    let (rows, dim) = (part.rows(tensor.role), tensor.dim() as usize);
    let begin = if tensor.role == over.role() { first * dim } else { 0 };
    Array::new(tensor, rows, &values[begin..begin + rows * dim])
}
