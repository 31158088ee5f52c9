//! Runs a checked call: batch elements one after the other or side by side, passes in order.

use super::arena::{Arena, times};
use super::pack::{View, size_of_type};
use super::pass::{PassRun, run_pass};
use super::problem::{Phase, Problem};
use super::scatter;
use super::schedule::{LaneBytes, Schedule, temporary_bytes, worthwhile};
use super::sparse::BlockPlan;
use super::sum::Sums;
use super::threads::parallel_for;
use crate::abi::Status;

/// Runs a call, in `workspace` if its `size` suffices.
///
/// # Safety
/// The problem has been checked; its tensors may be read and written.
pub unsafe fn execute(problem: &Problem<'_>, workspace: *mut u8, size: u64) -> Result<(), Status> {
    if problem.extents.batch_count == 0 {
        // SAFETY: no batch element has been computed, so that none is read.
        unsafe { Sums::new(problem, core::ptr::null_mut()).add_up(1) };
        return Ok(());
    }
    let schedule = Schedule::of(problem);
    let arena = Arena::new(schedule.bytes(), workspace, size)?;
    let steps = arena.base();
    let sums = Sums::new(problem, steps.wrapping_add(schedule.steps_bytes));
    let lanes = steps.wrapping_add(schedule.steps_bytes).wrapping_add(schedule.sum_bytes);
    let scratch = lanes.wrapping_add(times(schedule.lanes(), schedule.lane_bytes()));
    let execution = Execution { problem, schedule: &schedule, sums, steps: steps.cast(), lanes, scratch };
    // SAFETY: the arena has the bytes that the schedule asks for.
    unsafe {
        if let Phase::Partial { states, .. } = problem.phase {
            // Bytes between fields are no pass's.
            states.records.write_bytes(0, states.size as usize);
        }
        execution.write_steps();
        for number in 0..schedule.lanes() {
            execution.write_views(&execution.lane(number));
        }
        let threads = if schedule.across_batch { schedule.threads } else { 1 };
        parallel_for(threads, problem.extents.batch_count, &execution, Execution::run_element);
        sums.add_up(worthwhile(schedule.sum_bytes, schedule.threads));
    }
    Ok(())
}

struct Execution<'a> {
    problem: &'a Problem<'a>,
    schedule: &'a Schedule,
    sums: Sums<'a>,
    steps: *mut isize,
    lanes: *mut u8,
    scratch: *mut u8,
}

/// The memory of a batch element that is being worked on.
#[derive(Clone, Copy)]
pub struct Lane {
    /// Views of all tensors.
    pub views: *mut View,
    /// Temporaries between passes.
    pub temporaries: *mut u8,
    /// The parameter record.
    pub parameters: *mut u8,
    /// Column records.
    pub columns: *mut u8,
    /// States between units and the final merge.
    pub states: *mut u8,
    /// How blocks of rows are divided.
    pub plans: *mut BlockPlan,
    /// Which rows are in blocks.
    pub covered: *mut u8,
    /// What scatters take.
    pub scatters: *mut u8,
}

impl Lane {
    fn at(base: *mut u8, bytes: &LaneBytes) -> Lane {
        let temporaries = base.wrapping_add(bytes.views);
        let parameters = temporaries.wrapping_add(bytes.temporaries);
        let columns = parameters.wrapping_add(bytes.parameters);
        let states = columns.wrapping_add(bytes.columns);
        let plans = states.wrapping_add(bytes.states);
        let covered = plans.wrapping_add(bytes.plans);
        let scatters = covered.wrapping_add(bytes.covered);
        Lane { views: base.cast(), temporaries, parameters, columns, states, plans: plans.cast(), covered, scatters }
    }
}

impl Execution<'_> {
    fn lane(&self, number: usize) -> Lane {
        Lane::at(self.lanes.wrapping_add(times(number, self.schedule.lane_bytes())), &self.schedule.lane)
    }

    /// The arguments' steps along the batch dimensions.
    unsafe fn write_steps(&self) {
        let dimensions = self.problem.extents.batch_dimensions;
        for (number, descriptor) in self.problem.arguments().iter().enumerate() {
            let is_added_up = self.sums.view(number).is_some();
            for dimension in 0..dimensions {
                let step = match is_added_up {
                    true => self.sums.batch_stride(descriptor, dimension),
                    false => self.problem.batch_stride(number, descriptor, dimension),
                };
                // SAFETY: there is room for `dimensions` steps of each argument.
                unsafe { self.steps.add(number * dimensions + dimension).write(step) };
            }
        }
    }

    /// What of a lane's views does not depend on the batch element.
    unsafe fn write_views(&self, lane: &Lane) {
        let mut temporary = lane.temporaries;
        if let Phase::Partial { .. } = self.problem.phase {
            // No pass gets so far as to write them, but prologues read them in passing.
            // SAFETY: the lane has these bytes.
            unsafe { temporary.write_bytes(0, self.schedule.lane.temporaries) };
        }
        for (number, descriptor) in self.problem.descriptors().iter().enumerate() {
            let mut view = self.sums.view(number).unwrap_or_else(|| self.problem.view(number, descriptor));
            if number >= self.problem.entry.num_tensors as usize {
                view.base = temporary;
                view.data = temporary;
                temporary = temporary.wrapping_add(temporary_bytes(self.problem, descriptor));
            }
            // SAFETY: there is room for a view of each tensor.
            unsafe { lane.views.add(number).write(view) };
        }
    }

    /// Points a lane's views to a batch element.
    unsafe fn move_views(&self, lane: &Lane, element: usize) {
        let extents = &self.problem.extents;
        if extents.batch_dimensions == 0 {
            return;
        }
        for number in 0..self.problem.arguments().len() {
            let mut rest = element;
            let mut offset = 0_isize;
            for (dimension, &extent) in extents.batch_shape.iter().enumerate().take(extents.batch_dimensions).rev() {
                let extent = (extent as usize).max(1);
                // SAFETY: `write_steps` wrote it.
                let step = unsafe { self.steps.add(number * extents.batch_dimensions + dimension).read() };
                // Steps of what has no elements may be anything.
                offset = offset.wrapping_add(((rest % extent) as isize).wrapping_mul(step));
                rest /= extent;
            }
            // SAFETY: `write_views` wrote it.
            let view = unsafe { &mut *lane.views.add(number) };
            view.data = view.base.wrapping_offset(offset.wrapping_mul(size_of_type(view.dtype) as isize));
        }
    }

    unsafe fn run_element(&self, element: usize, thread: usize) {
        let schedule = self.schedule;
        let lane = self.lane(thread);
        // A loop inside an element uses all threads' scratch, elements side by side one each.
        let scratch = self.scratch.wrapping_add(times(thread, schedule.scratch_bytes));
        let threads = if schedule.across_batch { 1 } else { schedule.threads };
        // SAFETY: lanes and scratch of different threads do not overlap.
        unsafe {
            self.move_views(&lane, element);
            for pass in self.problem.passes() {
                let run = PassRun::new(self.problem, pass, element, lane, scratch, schedule.scratch_bytes, threads);
                run_pass(&run);
                let view = |tensor: u32| *lane.views.add(tensor as usize);
                scatter::run(self.problem, pass, view, lane.scatters, threads);
            }
        }
    }
}
