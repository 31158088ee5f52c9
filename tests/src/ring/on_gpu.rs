//! The same call on a GPU: with tensors in the CPU's memory, and with tensors in the GPU's.

use std::ffi::c_void;

use keopsc_ir::plan::{Plan, Verified};
use keopsc_ir::random::Random;
use keopsc_ir::types::ScalarType;
use keopsc_runtime::abi::{DL_CPU, DL_CUDA, DLDevice, DLTensor};

use super::reference::{is_converted, is_nan, reads};
use super::trial::{Layer, Trial, compare, memory};
use crate::Compiled;
use crate::gpu::Gpu;
use crate::gpu::memory::Copy;
use crate::guarded::with_words_for_faults;
use crate::strided::Strided;

/// What came of a call that agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All bits are right.
    Agrees,
    /// Not compared: results depend on how a processor converts NaNs.
    DependsOnNans,
    /// Refused, as a GPU with so little memory may.
    NoRoom,
}

/// How a call is made.
#[derive(Clone, Copy)]
pub enum Way<'g> {
    /// On the CPU, then through the GPU's memory in both ways, on a stream.
    Everywhere(&'g Gpu, *mut c_void),
    /// On the GPU of that number with tensors in the CPU's memory, which may be refused for want of room.
    InSlabs(i32),
}

impl Trial {
    /// The same without what GPUs do not do: shards, and NaNs in arguments of another type than that of the arithmetic.
    pub fn for_gpus(mut self, plan: &Plan) -> Trial {
        if self.layer == Layer::Three {
            self.layer = Layer::Two;
        }
        let arguments = plan.tensors.iter().enumerate().zip(&mut self.tensors);
        for ((number, tensor), (_, strided)) in arguments {
            if plan.passes.iter().any(|pass| reads(pass, number) && is_converted(tensor.scalar, pass)) {
                // The highest bit of the exponent.
                let bit = 1_u64 << (8 * tensor.scalar.real().size() - 2);
                strided.change(|word| if is_nan(word, tensor.scalar) { word & !bit } else { word });
            }
        }
        self
    }

    /// Calls the entry and compares all results, bit for bit; what is wrong, if something is. Should the process end, there are words.
    pub fn check_on_gpu(
        &mut self,
        compiled: &Compiled,
        entry: usize,
        plan: &Verified,
        way: Way<'_>,
        who: &str,
    ) -> Result<Verdict, String> {
        let words = format!("{who}\n{}", self.words());
        with_words_for_faults(words, || self.check_all(compiled, entry, plan, way))
    }

    fn check_all(
        &mut self,
        compiled: &Compiled,
        entry: usize,
        plan: &Verified,
        way: Way<'_>,
    ) -> Result<Verdict, String> {
        let (expected, depends_on_nans) = self.expected(plan);
        if depends_on_nans {
            return Ok(Verdict::DependsOnNans);
        }
        let number_of_inputs = self.tensors.len() - expected.len();
        let before: Vec<Vec<u8>> =
            self.tensors[number_of_inputs..].iter().map(|(_, strided)| strided.bytes().to_vec()).collect();
        let restore = |trial: &mut Trial| {
            let results = trial.tensors[number_of_inputs..].iter_mut().zip(&before);
            results.for_each(|((_, strided), bytes)| strided.set_bytes(bytes));
        };
        if let Way::Everywhere(gpu, stream) = way {
            self.call(compiled, entry, (DL_CPU, 0))?;
            self.compare_but_nans(plan, &expected).map_err(|wrong| format!("on the CPU: {wrong}"))?;
            restore(self);
            let found = self.call_on_device(compiled, entry, gpu, stream, number_of_inputs)?;
            let results = self.tensors[number_of_inputs..].iter_mut().zip(&found);
            results.for_each(|((_, strided), bytes)| strided.set_bytes(bytes));
            self.compare_but_nans(plan, &expected).map_err(|wrong| format!("in the GPU's memory: {wrong}"))?;
            restore(self);
        }
        let number = match way {
            Way::Everywhere(gpu, _) => gpu.number(),
            Way::InSlabs(number) => number,
        };
        let called = match self.layer {
            Layer::One => self.call_plain(compiled, entry),
            Layer::Two | Layer::Three => self.call(compiled, entry, (DL_CUDA, number)),
        };
        match (called, way) {
            (Err(words), Way::InSlabs(_)) if words.contains("may be used") || words == "layer 1: status 7, " => {
                return Ok(Verdict::NoRoom);
            }
            (called, _) => called?,
        }
        self.compare_but_nans(plan, &expected).map_err(|wrong| format!("from the CPU's memory: {wrong}"))?;
        Ok(Verdict::Agrees)
    }

    /// The call with all tensors in the GPU's memory; what is in that of the results then. Nothing else may have changed.
    fn call_on_device(
        &self,
        compiled: &Compiled,
        entry: usize,
        gpu: &Gpu,
        stream: *mut c_void,
        number_of_inputs: usize,
    ) -> Result<Vec<Vec<u8>>, String> {
        let random = &mut Random::new(self.seed);
        let mut copy = |strided: &Strided| Copy::of(gpu, strided.bytes(), strided.alignment(), random);
        let copies: Vec<Copy<'_>> = self.tensors.iter().map(|(_, strided)| copy(strided)).collect();
        let tables: Vec<Copy<'_>> = self.ranges.iter().flat_map(|ranges| &ranges.tensors).map(copy).collect();
        let there = |strided: &Strided, copy: &Copy<'_>| -> DLTensor {
            strided.tensor_in(copy.data(), DLDevice { device_type: DL_CUDA, device_id: gpu.number() })
        };
        let tensors: Vec<DLTensor> =
            self.tensors.iter().zip(&copies).map(|((_, strided), copy)| there(strided, copy)).collect();
        let range_tensors = self.ranges.iter().flat_map(|ranges| &ranges.tensors);
        let ranges: Vec<DLTensor> = range_tensors.zip(&tables).map(|(strided, copy)| there(strided, copy)).collect();
        let (device_type, check) = (random.pick(&[0, DL_CUDA]), random.pick(&[0, 0, 1]));
        let change = |call: &mut keopsc_runtime::abi::Call| {
            (call.device_type, call.device_id) = (device_type, gpu.number());
            (call.check, call.stream) = (check, stream);
        };
        // What was copied is there.
        working(gpu, "copies")?;
        let memory = |bytes: usize| Copy::of(gpu, &vec![0xff; bytes], 1, random);
        let workspace =
            self.call_with(compiled, entry, &tensors, &ranges, change, memory, |copy: &Copy<'_>| copy.data())?;
        working(gpu, "kernels")?;
        for (number, copy) in copies[..number_of_inputs].iter().chain(&tables).enumerate() {
            let found = copy.read().map_err(|words| format!("argument {number}: {words}"))?;
            if found != copy.original() {
                return Err(format!("argument {number} was written"));
            }
        }
        if let Some(workspace) = workspace {
            workspace.read().map_err(|words| format!("workspace: {words}"))?;
        }
        let results = copies[number_of_inputs..].iter().enumerate();
        results.map(|(number, copy)| copy.read().map_err(|words| format!("result {number}: {words}"))).collect()
    }

    /// Compares all results. Any NaN is as good as another in what is stored as another type than it was computed in.
    fn compare_but_nans(&self, plan: &Plan, expected: &[Vec<u64>]) -> Result<(), String> {
        for ((output, strided), expected) in self.results(plan).zip(expected) {
            let is_written = |pass: &&keopsc_ir::plan::Pass| {
                pass.writes.iter().any(|write| plan.tensors[write.tensor.0 as usize].name == output.name)
            };
            let mut found = memory(strided);
            if plan.passes.iter().find(is_written).is_some_and(|pass| is_converted(output.scalar, pass)) {
                let nans = |word: u64| output.scalar != ScalarType::I64 && is_nan(word, output.scalar);
                let pairs = found.iter_mut().zip(expected);
                pairs.filter(|(one, other)| nans(**one) && nans(**other)).for_each(|(one, other)| *one = *other);
            }
            compare(&output.name, &found, expected)?;
        }
        Ok(())
    }
}

/// Waits for the GPU.
fn working(gpu: &Gpu, what: &str) -> Result<(), String> {
    match gpu.wait() {
        0 => Ok(()),
        status => Err(format!("{what}: error {status} of the driver, {}", gpu.words_of_error())),
    }
}
