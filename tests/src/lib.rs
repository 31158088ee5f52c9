//! What the end-to-end tests share: plans compiled into a library that is loaded and called in this process.

pub mod guarded;
pub mod ring;
mod shards;
pub mod strided;

use std::ffi::c_void;

use keopsc_cpu::level::Level;
use keopsc_driver::link::{LinkRequest, Linker, link};
use keopsc_driver::targets::targets;
use keopsc_ir::evaluation::Sizes;
use keopsc_ir::plan::{Tensor, TensorKind, Verified};
use keopsc_ir::types::ScalarType;
use keopsc_passes::schedule::{Choice, Scheduled};
use keopsc_runtime::SUPPORT_OBJECT;
use keopsc_runtime::abi::{C64, C128, Call, EntryPoint, F32, F64, I64, MODULE_SYMBOL, Module};
use keopsc_runtime::support::processor_level;

/// The prefix of the compiled functions.
const NAME: &str = "test";

/// Compiled plans, loaded.
pub struct Compiled {
    library: libloading::Library,
    plans: Vec<Verified>,
    _folder: tempfile::TempDir,
}

/// The levels that this processor can run, so that tests cover each.
pub fn runnable_levels() -> Vec<&'static Level> {
    let levels = targets()[0].levels();
    levels.into_iter().filter(|level| level.requirement <= processor_level()).collect()
}

/// Compiles, links and loads plans for one level.
pub fn compile(plans: &[Verified], level: &'static Level) -> Compiled {
    compile_with_tiles(plans, level, &[])
}

/// The same with other tiles than the scheduler's.
pub fn compile_with_tiles(plans: &[Verified], level: &'static Level, tiles: &[Choice]) -> Compiled {
    let library = keopsc_cpu::Library { name: NAME, plans, manifest: "{}", tiles };
    open(plans, &keopsc_cpu::compile(&library, &[level]).expect("plans compile"))
}

/// The same in integers instead of real numbers, by [`keopsc_ops::ring`], in the given layouts.
pub fn compile_in_ring(plans: &[Verified], level: &'static Level, schedules: Vec<Scheduled>) -> Compiled {
    let library = keopsc_cpu::Library { name: NAME, plans, manifest: "{}", tiles: &[] };
    open(plans, &keopsc_cpu::compile_in_ring(&library, level, schedules).expect("plans compile"))
}

fn open(plans: &[Verified], objects: &[keopsc_cpu::Object]) -> Compiled {
    let mut files: Vec<(String, &[u8])> =
        objects.iter().map(|object| (format!("{}.o", object.name), object.bytes.as_slice())).collect();
    files.push(("support.o".to_string(), SUPPORT_OBJECT));
    let mut exports: Vec<String> = plans.iter().map(|plan| format!("{NAME}_{}", plan.name)).collect();
    exports.push(MODULE_SYMBOL.to_string());
    let request = LinkRequest { soname: "libtest.so", exports: &exports, objects: &files };
    let bytes = link(&Linker::InProcess, &request).expect("objects link");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("libtest.so");
    std::fs::write(&path, bytes).expect("a writable temporary folder");
    // SAFETY: the library was compiled here and has no initializers.
    let library = unsafe { libloading::Library::new(&path) }.expect("the library loads");
    Compiled { library, plans: plans.to_vec(), _folder: folder }
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

    /// Calls an entry through layer 1; the status.
    ///
    /// # Safety
    /// There is a pointer for each argument and each result, to as many elements as the sizes say.
    unsafe fn call_layer_1(&self, entry: usize, sizes: Sizes, pointers: &[*mut c_void]) -> i32 {
        let name = format!("{NAME}_{}", self.plans[entry].name);
        // SAFETY: the symbol is a C function of two int64 and this many pointers.
        unsafe {
            let symbol = self.library.get::<unsafe extern "C" fn()>(name).expect("an exported entry");
            invoke(*symbol, sizes, pointers)
        }
    }

    /// Calls an entry through layer 2; the status.
    ///
    /// # Safety
    /// The call is as the ABI wants it.
    unsafe fn call_layer_2(&self, entry: usize, call: &Call) -> i32 {
        // SAFETY: as the caller promises.
        unsafe { (self.entry_point(entry).run)(call) }
    }

    /// The bytes of workspace that a call wants, and the status.
    ///
    /// # Safety
    /// As for [`Compiled::call_layer_2`].
    unsafe fn workspace_of(&self, entry: usize, call: &Call) -> (u64, i32) {
        let mut bytes = 0;
        // SAFETY: as the caller promises.
        let status = unsafe { (self.entry_point(entry).workspace)(call, &mut bytes) };
        (bytes, status)
    }

    /// The functions of an entry.
    pub fn entry_point(&self, number: usize) -> &EntryPoint {
        // SAFETY: every library has the symbol with this type; the table lives as long as the library.
        let module = unsafe {
            let symbol = self.library.get::<unsafe extern "C" fn() -> *const Module>(MODULE_SYMBOL);
            &*symbol.expect("an exported module")()
        };
        assert!(number < module.num_entries as usize);
        // SAFETY: entries lie `entry_size` apart.
        unsafe { &*module.entries.byte_add(number * module.entry_size as usize) }
    }
}

macro_rules! pointer_type {
    ($number:expr) => {
        *mut c_void
    };
}

macro_rules! invoke_by_count {
    ($function:expr, $sizes:expr, $pointers:expr; $($count:literal: $($number:literal)*;)*) => {
        match $pointers.len() {
            $($count => {
                type Function = unsafe extern "C" fn(i64, i64, $(pointer_type!($number)),*) -> i32;
                // SAFETY: as the caller promises, the function has this signature.
                unsafe {
                    let function = std::mem::transmute::<unsafe extern "C" fn(), Function>($function);
                    function($sizes.i as i64, $sizes.j as i64, $($pointers[$number]),*)
                }
            })*
            count => panic!("no call of {count} pointers is spelled out"),
        }
    };
}

/// # Safety
/// The function takes two int64 and as many pointers as given.
unsafe fn invoke(function: unsafe extern "C" fn(), sizes: Sizes, pointers: &[*mut c_void]) -> i32 {
    invoke_by_count! { function, sizes, pointers;
        1: 0;
        2: 0 1;
        3: 0 1 2;
        4: 0 1 2 3;
        5: 0 1 2 3 4;
        6: 0 1 2 3 4 5;
        7: 0 1 2 3 4 5 6;
        8: 0 1 2 3 4 5 6 7;
        9: 0 1 2 3 4 5 6 7 8;
        10: 0 1 2 3 4 5 6 7 8 9;
        11: 0 1 2 3 4 5 6 7 8 9 10;
        12: 0 1 2 3 4 5 6 7 8 9 10 11;
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
