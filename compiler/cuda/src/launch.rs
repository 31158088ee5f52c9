//! What a caller needs to know of a plan's kernels in order to launch them, one after the other.

use keopsc_ir::plan::{Definition, Pass, Plan, TensorId};
use keopsc_ir::types::{Axis, Role};

use crate::schedule::{GpuSchedule, Place, schedule};

/// One kernel: `extern "C" __global__ void NAME(long long rows, long long columns, tensors…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// Its name.
    pub kernel: String,
    /// The tensors whose addresses it takes, in order. Rows are contiguous, one after the other.
    pub tensors: Vec<TensorId>,
    /// The first argument: how many rows of this role there are, 1 for parameters.
    pub rows: Role,
    /// The second: how many values this index has; 0 where none is reduced.
    pub over: Option<Axis>,
    /// Threads a block. There is a block for each so many rows; where there are no rows there is nothing to launch.
    pub threads: u32,
    /// Bytes of shared memory, which the kernel declares itself.
    pub shared_bytes: u32,
}

/// The launches of a plan, in order.
pub fn launches(plan: &Plan) -> Vec<Launch> {
    let schedules = schedule(plan);
    let passes = plan.passes.iter().zip(&schedules).enumerate().filter(|(_, (pass, _))| !pass.writes.is_empty());
    let launch = |(number, (pass, schedule)): (usize, (&Pass, &GpuSchedule))| Launch {
        kernel: kernel_name(plan, number),
        tensors: tensors(pass, schedule),
        rows: pass.rows,
        over: pass.over,
        threads: schedule.threads,
        shared_bytes: schedule.shared_bytes,
    };
    passes.map(launch).collect()
}

/// The name of a pass's kernel.
pub(crate) fn kernel_name(plan: &Plan, number: usize) -> String {
    format!("{}_{number}", plan.name)
}

/// The tensors that a pass reads or writes, in the plan's order.
pub(crate) fn tensors(pass: &Pass, schedule: &GpuSchedule) -> Vec<TensorId> {
    let values = pass.values.iter().zip(&schedule.places);
    let read = values.filter_map(|(value, place)| match value.definition {
        Definition::Read(tensor) if *place != Place::Nowhere => Some(tensor),
        _ => None,
    });
    let mut tensors: Vec<TensorId> = read.chain(pass.writes.iter().map(|write| write.tensor)).collect();
    tensors.sort();
    tensors.dedup();
    tensors
}
