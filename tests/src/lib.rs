//! What the end-to-end tests share: plans compiled into a library that is loaded and called in this process, or in an emulator of another processor.

pub mod emulated;
mod functions;
pub mod gpu;
pub mod guarded;
pub mod ring;
mod shards;
pub mod strided;

use std::ffi::c_void;

use keopsc_cpu::level::Level;
use keopsc_driver::device::{self, DeviceTarget};
use keopsc_driver::link::{LinkRequest, Linker, link, machine};
use keopsc_driver::targets::targets;
use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::{Tensor, TensorKind, Verified};
use keopsc_ir::types::ScalarType;
use keopsc_passes::schedule::{Choice, Scheduled};
use keopsc_runtime::SUPPORT_OBJECT;
use keopsc_runtime::abi::{C64, C128, F32, F64, I64, MODULE_SYMBOL};
use keopsc_runtime::support::processor_level;

use emulated::{Emulated, support_object};

/// The prefix of the compiled functions.
const NAME: &str = "test";

/// Compiled plans, loaded.
pub struct Compiled {
    code: Code,
    plans: Vec<Verified>,
}

/// Where it runs.
enum Code {
    Here(libloading::Library, #[expect(dead_code, reason = "kept as long as the library")] tempfile::TempDir),
    Emulated(Emulated),
}

/// The levels that tests cover: those that this processor can run, or the one that `KEOPSC_LEVEL` names.
pub fn runnable_levels() -> Vec<&'static Level> {
    if let Ok(name) = std::env::var("KEOPSC_LEVEL") {
        return vec![Level::from_name(&name).unwrap_or_else(|| panic!("KEOPSC_LEVEL={name}: there is no such level"))];
    }
    let levels = targets()[0].levels();
    levels.into_iter().filter(|level| level.requirement <= processor_level()).collect()
}

/// Whether only an emulator runs code of that level.
pub fn is_foreign(level: &Level) -> bool {
    !["", std::env::consts::ARCH].contains(&level.triple_arch)
}

/// The support code for the architecture of a level.
pub fn support_code(level: &Level) -> &'static [u8] {
    if is_foreign(level) { support_object(level) } else { SUPPORT_OBJECT }
}

/// Compiles, links and loads plans for one level.
pub fn compile(plans: &[Verified], level: &'static Level) -> Compiled {
    compile_with_tiles(plans, level, &[])
}

/// The same with other tiles than the scheduler's.
pub fn compile_with_tiles(plans: &[Verified], level: &'static Level, tiles: &[Choice]) -> Compiled {
    let library = keopsc_cpu::Library { name: NAME, plans, manifest: "{}", tiles, has_device_code: false };
    open(plans, level, &keopsc_cpu::compile(&library, &[level]).expect("plans compile"))
}

/// The same in integers instead of real numbers, by [`keopsc_ops::ring`], in the given layouts.
pub fn compile_in_ring(plans: &[Verified], level: &'static Level, schedules: Vec<Scheduled>) -> Compiled {
    let library = keopsc_cpu::Library { name: NAME, plans, manifest: "{}", tiles: &[], has_device_code: false };
    open(plans, level, &keopsc_cpu::compile_in_ring(&library, level, schedules).expect("plans compile"))
}

/// The same with kernels for GPUs beside, in integers, too.
pub fn compile_in_ring_for_gpus(
    plans: &[Verified],
    level: &'static Level,
    schedules: Vec<Scheduled>,
    target: &DeviceTarget,
) -> Compiled {
    let library = keopsc_cpu::Library { name: NAME, plans, manifest: "{}", tiles: &[], has_device_code: true };
    let mut objects = keopsc_cpu::compile_in_ring(&library, level, schedules).expect("plans compile");
    let kernels = keopsc_cuda::library_in_ring(plans);
    let images = device::compile(&kernels, target).unwrap_or_else(|failure| panic!("{failure:?}"));
    let machine = machine(&objects[0].bytes).expect("an object for a processor");
    let bytes = device::tables::object(plans, &kernels, &images, machine).expect("kernels are those of the plans");
    objects.push(keopsc_cpu::Object { name: "device".to_owned(), bytes });
    open(plans, level, &objects)
}

fn open(plans: &[Verified], level: &'static Level, objects: &[keopsc_cpu::Object]) -> Compiled {
    let mut files: Vec<(String, &[u8])> =
        objects.iter().map(|object| (format!("{}.o", object.name), object.bytes.as_slice())).collect();
    files.push(("support.o".to_string(), support_code(level)));
    let mut exports: Vec<String> = plans.iter().map(|plan| format!("{NAME}_{}", plan.name)).collect();
    exports.push(MODULE_SYMBOL.to_string());
    let request = LinkRequest { soname: "libtest.so", exports: &exports, objects: &files };
    let bytes = link(&Linker::InProcess, &request).expect("objects link");
    let code =
        if is_foreign(level) { Code::Emulated(Emulated::load(level.triple_arch, &bytes)) } else { open_here(&bytes) };
    Compiled { code, plans: plans.to_vec() }
}

fn open_here(library: &[u8]) -> Code {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("libtest.so");
    std::fs::write(&path, library).expect("a writable temporary folder");
    // SAFETY: the library was compiled here and has no initializers.
    Code::Here(unsafe { libloading::Library::new(&path) }.expect("the library loads"), folder)
}

impl Compiled {
    /// Runs an entry through layer 1. `inputs` are `rows × dim` numbers each, in float64, whatever the storage type.
    pub fn run(&self, entry: usize, sizes: Sizes, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let plan = &self.plans[entry];
        let tensors: Vec<&Tensor> = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary).collect();
        let mut given = inputs.iter();
        let mut buffers: Vec<Vec<u64>> = Vec::new();
        for tensor in &tensors {
            let count = sizes.rows(tensor.role) * tensor.dim() as usize;
            let mut buffer = vec![0_u64; count.max(1)];
            if tensor.kind == TensorKind::Input {
                let values = given.next().expect("one array an input");
                store(&mut buffer, values, tensor.scalar);
            }
            buffers.push(buffer);
        }
        let pointers: Vec<*mut c_void> = buffers.iter_mut().map(|buffer| buffer.as_mut_ptr().cast()).collect();
        // SAFETY: the buffers are as long as the sizes say.
        let status = unsafe { self.call_layer_1(entry, sizes, &pointers) };
        assert_eq!(status, 0, "{} with {sizes:?}", plan.name);
        let results = tensors.iter().zip(&buffers).filter(|(tensor, _)| tensor.kind == TensorKind::Output);
        results
            .map(|(tensor, buffer)| load(buffer, sizes.rows(tensor.role) * tensor.dim() as usize, tensor.scalar))
            .collect()
    }
}

/// The most arguments and results of an entry that is called through layer 1.
const MOST_POINTERS: usize = 12;

/// The number of a storage type in descriptors.
fn dtype(scalar: ScalarType) -> u8 {
    match scalar {
        ScalarType::F32 => F32,
        ScalarType::F64 => F64,
        ScalarType::C64 => C64,
        ScalarType::C128 => C128,
        ScalarType::I64 => I64,
        other => panic!("tests have no {other:?}"),
    }
}

fn store(buffer: &mut [u64], values: &[f64], scalar: ScalarType) {
    for (number, value) in values.iter().enumerate() {
        match scalar.real() {
            ScalarType::F64 => buffer[number] = value.to_bits(),
            ScalarType::F32 => {
                let half = (number % 2) * 32;
                buffer[number / 2] =
                    buffer[number / 2] & !(0xffff_ffff << half) | u64::from((*value as f32).to_bits()) << half;
            }
            other => panic!("tests store no {other:?}"),
        }
    }
}

fn load(buffer: &[u64], count: usize, scalar: ScalarType) -> Vec<f64> {
    let value = |number: usize| match scalar.real() {
        ScalarType::F64 => f64::from_bits(buffer[number]),
        ScalarType::F32 => f64::from(f32::from_bits((buffer[number / 2] >> ((number % 2) * 32)) as u32)),
        ScalarType::I64 => buffer[number] as i64 as f64,
        other => panic!("tests load no {other:?}"),
    };
    (0..count).map(value).collect()
}

/// Numbers from 0 to 1 without a pattern.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count).map(|_| next()).collect()
}
