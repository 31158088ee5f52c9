//! A GPU through the driver's C API, its memory, and the compiler for it: the emulator of `tests/emulator`, or with `KEOPSC_TEST_GPU=1` this
//! machine's own.
//!
//! The emulated `libcuda.so.1` is opened by its path; a library that asks for that name later is given the same, as its name is in the file.

mod emulator;
pub mod memory;

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr::null_mut;

use keopsc_driver::device::DeviceTarget;
use keopsc_driver::device::architecture::KNOWN;
use keopsc_driver::device::find::{Compiler, Purpose, Search};
use libloading::os::unix::Library;

/// The attributes of a device that are its compute capability.
const CAPABILITY: [c_int; 2] = [75, 76];

/// Whether tests run on this machine's GPU.
fn is_real() -> bool {
    std::env::var_os("KEOPSC_TEST_GPU").is_some_and(|value| value == "1")
}

/// A device, and its primary context.
pub struct Gpu {
    library: Library,
    number: i32,
    device: c_int,
    context: *mut c_void,
}

// SAFETY: the driver's functions may be called from any thread; the context is only handed to them.
unsafe impl Send for Gpu {}
// SAFETY: as above.
unsafe impl Sync for Gpu {}

/// Calls a function of the driver, of these types; its status.
macro_rules! driver {
    ($gpu:expr, $name:ident($($type:ty = $value:expr),* $(,)?)) => {{
        let name = concat!(stringify!($name), "\0").as_bytes();
        // SAFETY: the types are those of `cuda.h`.
        let function = unsafe { $gpu.library.get::<unsafe extern "C" fn($($type),*) -> i32>(name) };
        let function = function.expect("a function of the driver");
        // SAFETY: pointers lead to what the function reads or writes.
        unsafe { function($($value),*) }
    }};
}
use driver;

/// The same, which must succeed.
macro_rules! succeed {
    ($gpu:expr, $name:ident($($arguments:tt)*)) => {
        let status = driver!($gpu, $name($($arguments)*));
        assert_eq!(status, 0, "{}: an error of the driver", stringify!($name));
    };
}
use succeed;

impl Gpu {
    /// The first two devices at most. The emulator, which has one with many multiprocessors and one with few, is built where it has changed.
    pub fn all() -> Vec<Gpu> {
        let first = Gpu::open(0);
        let mut count = 0;
        succeed!(first, cuDeviceGetCount(*mut c_int = &raw mut count));
        std::iter::once(first).chain((1..count.min(2)).map(Gpu::open)).collect()
    }

    fn open(number: i32) -> Gpu {
        let path = if is_real() { "libcuda.so.1".into() } else { emulator::library() };
        // SAFETY: the driver's initializers may run in any process.
        let library = unsafe { Library::new(&path) }.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut gpu = Gpu { library, number, device: 0, context: null_mut() };
        succeed!(gpu, cuInit(c_uint = 0));
        let mut device = 0;
        succeed!(gpu, cuDeviceGet(*mut c_int = &raw mut device, c_int = number));
        gpu.device = device;
        let mut context = null_mut();
        succeed!(gpu, cuDevicePrimaryCtxRetain(*mut *mut c_void = &raw mut context, c_int = device));
        gpu.context = context;
        gpu
    }

    /// Its number among all.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Its name.
    pub fn words(&self) -> String {
        let mut name: [c_char; 256] = [0; 256];
        succeed!(self, cuDeviceGetName(*mut c_char = name.as_mut_ptr(), c_int = 255, c_int = self.device));
        let name: Vec<u8> = name.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0).collect();
        String::from_utf8_lossy(&name).into_owned()
    }

    /// Who makes code for it: machine code of its own architecture, or PTX of the latest one that is known and not newer.
    pub fn target(&self) -> DeviceTarget {
        let mut numbers = [0, 0];
        for (number, attribute) in numbers.iter_mut().zip(CAPABILITY) {
            succeed!(self, cuDeviceGetAttribute(*mut c_int = number, c_int = attribute, c_int = self.device));
        }
        let own = (10 * numbers[0] + numbers[1]) as u32;
        let architecture = KNOWN.into_iter().filter(|known| *known <= own).max();
        let architecture = architecture.unwrap_or_else(|| panic!("no code is made for compute capability {own}"));
        let compiler = match is_real() {
            true => Search::of_this_process().compiler(Purpose::ToKeep),
            false => Ok(Compiler::Nvcc(emulator::nvcc())),
        };
        DeviceTarget { architectures: vec![architecture], has_ptx: true, compiler }
    }

    /// Calls `body` with its context current in this thread.
    pub fn enter<T>(&self, body: impl FnOnce() -> T) -> T {
        succeed!(self, cuCtxPushCurrent_v2(*mut c_void = self.context));
        let result = body();
        let mut context = null_mut();
        succeed!(self, cuCtxPopCurrent_v2(*mut *mut c_void = &raw mut context));
        result
    }

    /// Waits for all that it has to do; the status of what failed.
    pub fn wait(&self) -> i32 {
        self.enter(|| driver!(self, cuCtxSynchronize()))
    }

    /// What an emulator says of the last error.
    pub fn words_of_error(&self) -> String {
        type Words = unsafe extern "C" fn() -> *const c_char;
        // SAFETY: the emulator's function has this type; real drivers do not have it.
        match unsafe { self.library.get::<Words>(b"emulator_words\0") } {
            // SAFETY: the words end with a NUL.
            Ok(words) => unsafe { CStr::from_ptr(words()) }.to_string_lossy().into_owned(),
            Err(_) => "on a real GPU".to_owned(),
        }
    }

    /// A stream of its own, never destroyed.
    pub fn stream(&self) -> *mut c_void {
        const NON_BLOCKING: c_uint = 1;
        let mut stream = null_mut();
        self.enter(|| {
            succeed!(self, cuStreamCreate(*mut *mut c_void = &raw mut stream, c_uint = NON_BLOCKING));
        });
        stream
    }
}

/// A file of the repository.
fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
