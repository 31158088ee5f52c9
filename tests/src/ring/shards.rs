//! The same call in shards of the reduced index: states of stretches of columns, merged in some order of neighbours, then the results.

use keopsc_ir::plan::{Plan, TensorKind};
use keopsc_ir::random::Random;
use keopsc_ir::types::Axis;
use keopsc_runtime::abi::{Call, DLTensor};

use super::trial::{Trial, succeeded};
use crate::Compiled;
use crate::guarded::{Flush, Guarded};

impl Trial {
    /// Writes the results by way of states.
    pub(super) fn call_in_shards(&self, compiled: &Compiled, entry: usize, plan: &Plan) -> Result<(), String> {
        let shards = plan.shards().expect("a call in shards is drawn where there are shards");
        let columns = self.sizes.of(shards.over);
        let mut random = Random::new(self.seed);
        let mut cuts: Vec<usize> = (0..random.below(6)).map(|_| random.below(columns + 1)).collect();
        cuts.extend([0, columns]);
        cuts.sort_unstable();
        let rows = self.elements() * self.sizes.rows(shards.rows);
        let size =
            usize::try_from(compiled.state_size(entry, rows)).map_err(|_| format!("{rows} rows have no states"))?;

        let number_of_inputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input).count();
        let mut states = Vec::new();
        for stretch in cuts.windows(2) {
            let (first, count) = (stretch[0], stretch[1] - stretch[0]);
            let inputs = plan.tensors.iter().zip(&self.tensors).take(number_of_inputs);
            let shapes: Vec<Vec<i64>> = inputs
                .clone()
                .map(|(tensor, (_, strided))| match tensor.role == shards.over.role() {
                    true => strided.shape_of_rows(count),
                    false => strided.shape().to_vec(),
                })
                .collect();
            let tensors: Vec<DLTensor> = inputs
                .zip(&shapes)
                .map(|((tensor, (_, strided)), shape)| {
                    let first = if tensor.role == shards.over.role() { first } else { 0 };
                    strided.tensor_from_row(first, shape)
                })
                .collect();
            let pointers: Vec<*const DLTensor> = tensors.iter().map(std::ptr::from_ref).collect();
            // Results, which alone may tell the other index, are no part of this call.
            let rows = match shards.over {
                Axis::I => (count as i64, self.sizes.j as i64),
                Axis::J => (self.sizes.i as i64, count as i64),
            };
            let mut message = [0_u8; 512];
            let call = self.call_of(&pointers, rows, &mut message);
            let state = Guarded::new(size, random.pick(&[Flush::Front, Flush::Back]));
            // SAFETY: all pointers in the call lead to what the ABI says; the state has its size.
            let status = unsafe { compiled.partial(entry, &call, first as i64, (state.data().cast(), size as u64)) };
            succeeded("partial", status, &message)?;
            states.push(state);
        }
        while states.len() > 1 {
            let later = random.integer(1, states.len() as i64 - 1) as usize;
            let mut state = states.remove(later);
            state.forbid_writing();
            let mut message = [0_u8; 512];
            let call = self.call_of(&[], (-1, -1), &mut message);
            let earlier = states[later - 1].data().cast();
            let later = (state.data().cast(), size as u64);
            // SAFETY: both states have this size.
            let status = unsafe { compiled.merge(entry, &call, (earlier, size as u64), later) };
            succeeded("merge", status, &message)?;
        }
        let tensors: Vec<DLTensor> = self.tensors.iter().map(|(_, strided)| strided.tensor()).collect();
        let mut pointers: Vec<*const DLTensor> = tensors.iter().map(std::ptr::from_ref).collect();
        if random.percent(50) {
            let unread = |number: &usize| !shards.finalize_reads.iter().any(|id| id.0 as usize == *number);
            (0..number_of_inputs).filter(unread).for_each(|number| pointers[number] = std::ptr::null());
        }
        states[0].forbid_writing();
        let mut message = [0_u8; 512];
        let call = self.call_of(&pointers, (self.sizes.i as i64, self.sizes.j as i64), &mut message);
        // SAFETY: as above; the results may be written.
        let status = unsafe { compiled.finalize(entry, &call, (states[0].data().cast(), size as u64)) };
        succeeded("finalize", status, &message)
    }

    fn call_of(&self, tensors: &[*const DLTensor], rows: (i64, i64), message: &mut [u8; 512]) -> Call {
        Call {
            struct_size: size_of::<Call>() as u32,
            num_tensors: tensors.len() as u32,
            tensors: tensors.as_ptr(),
            rows_i: rows.0,
            rows_j: rows.1,
            threads: self.threads,
            device_type: 0,
            device_id: 0,
            check: 0,
            stream: std::ptr::null_mut(),
            ranges: std::ptr::null(),
            workspace: std::ptr::null_mut(),
            workspace_size: 0,
            message: message.as_mut_ptr().cast(),
            message_size: message.len() as u64,
        }
    }
}
