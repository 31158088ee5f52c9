//! CUDA C++ text → PTX or machine code, by NVRTC: NVIDIA's compiler as a shared library, which needs no other tool.
//!
//! ```text
//! libnvrtc.so.13 ─open─▶ Nvrtc ─compile(text, --gpu-architecture=sm_90)─▶ cubin, and the PTX on the way to it
//! ```
//!
//! Texts that several threads have compiled at the same time are compiled side by side.
//!
//! The library is opened while this program runs; nothing of it is needed to build keopsc. All `unsafe` code that it takes is here.

use std::ffi::{CString, OsString, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::{fmt, ptr};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// `nvrtcResult`; 0 is success.
type Status = c_int;

/// `NVRTC_ERROR_COMPILATION`: the log says what is wrong with the text.
const COMPILATION: Status = 6;

/// `nvrtcProgram`.
type Handle = *mut c_void;

/// `(program)`, the size of something in bytes.
type GetSize = unsafe extern "C" fn(Handle, *mut usize) -> Status;

/// `(program)`, something into a buffer of that size.
type GetBytes = unsafe extern "C" fn(Handle, *mut c_char) -> Status;

/// What a program can give: its size, and it.
#[derive(Clone, Copy)]
struct Part {
    size: GetSize,
    bytes: GetBytes,
}

/// The compiler.
pub struct Nvrtc {
    version: unsafe extern "C" fn(*mut c_int, *mut c_int) -> Status,
    create: unsafe extern "C" fn(
        *mut Handle,
        *const c_char,
        *const c_char,
        c_int,
        *const *const c_char,
        *const *const c_char,
    ) -> Status,
    destroy: unsafe extern "C" fn(*mut Handle) -> Status,
    compile: unsafe extern "C" fn(Handle, c_int, *const *const c_char) -> Status,
    log: Part,
    ptx: Part,
    cubin: Part,
    // These stay open until the process ends, which takes less time than closing them.
    _code: ManuallyDrop<Library>,
    _builtins: ManuallyDrop<Vec<Library>>,
}

/// What a text is compiled into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Text that drivers compile for any later GPU.
    Ptx,
    /// Machine code.
    Cubin,
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The text has mistakes; the compiler's words.
    Text(String),
    /// Something else; in words.
    Compiler(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Text(words) | Error::Compiler(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for Error {}

impl Nvrtc {
    /// Opens `libnvrtc.so` at that place. This runs code of the file: open what you trust.
    pub fn open(path: &Path) -> Result<Nvrtc, Error> {
        // The loader's own words stand behind libloading's.
        let failed = |error: libloading::Error| {
            Error::Compiler(std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
        };
        // NVRTC opens its built-in functions by name alone, which finds a library that is open already wherever it is.
        let builtins = builtins(path).iter().filter_map(|name| open_global(name).ok()).collect();
        let code = open_global(path.as_os_str()).map_err(failed)?;
        // SAFETY: these are the functions of nvrtc.h, whose types have been the same since CUDA 11.1.
        unsafe {
            let part = |size: &[u8], bytes: &[u8]| -> Result<Part, libloading::Error> {
                Ok(Part { size: *code.get(size)?, bytes: *code.get(bytes)? })
            };
            let functions = || -> Result<_, libloading::Error> {
                Ok((
                    *code.get(b"nvrtcVersion\0")?,
                    *code.get(b"nvrtcCreateProgram\0")?,
                    *code.get(b"nvrtcDestroyProgram\0")?,
                    *code.get(b"nvrtcCompileProgram\0")?,
                    part(b"nvrtcGetProgramLogSize\0", b"nvrtcGetProgramLog\0")?,
                    part(b"nvrtcGetPTXSize\0", b"nvrtcGetPTX\0")?,
                    part(b"nvrtcGetCUBINSize\0", b"nvrtcGetCUBIN\0")?,
                ))
            };
            let (version, create, destroy, compile, log, ptx, cubin) = functions().map_err(failed)?;
            let (_code, _builtins) = (ManuallyDrop::new(code), ManuallyDrop::new(builtins));
            Ok(Nvrtc { version, create, destroy, compile, log, ptx, cubin, _code, _builtins })
        }
    }

    /// The version of CUDA it is of: 13 and 0.
    pub fn version(&self) -> Option<[i32; 2]> {
        let [mut major, mut minor] = [0; 2];
        // SAFETY: both pointers are to integers that live as long as the call.
        let status = unsafe { (self.version)(&mut major, &mut minor) };
        (status == 0).then_some([major, minor])
    }

    /// Compiles a text that calls itself `name`, with options of NVRTC such as `--gpu-architecture=sm_90`, `compute_90` for PTX alone. Warnings are
    /// mistakes.
    pub fn compile(
        &self,
        text: &str,
        name: &str,
        options: &[String],
        outputs: &[Output],
    ) -> Result<Vec<Vec<u8>>, Error> {
        let has_nul = |_| Error::Compiler("the text or an option has a NUL in it".to_owned());
        let text = CString::new(text).map_err(has_nul)?;
        let name = CString::new(name).map_err(has_nul)?;
        let options = options.iter().map(|option| CString::new(option.as_str()).map_err(has_nul));
        let options: Vec<CString> = options.collect::<Result<_, _>>()?;
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program = Program { nvrtc: self, handle: ptr::null_mut() };
        // SAFETY: the texts end with a NUL and there are no headers; the handle is where the result goes.
        let status =
            unsafe { (self.create)(&mut program.handle, text.as_ptr(), name.as_ptr(), 0, ptr::null(), ptr::null()) };
        succeeded(status, "nvrtcCreateProgram")?;
        // SAFETY: the program was created, there are that many options, and each ends with a NUL.
        let status = unsafe { (self.compile)(program.handle, pointers.len() as c_int, pointers.as_ptr()) };
        let log = program.part(self.log).map(|log| String::from_utf8_lossy(&log).trim().to_owned()).unwrap_or_default();
        match status {
            COMPILATION => return Err(Error::Text(log)),
            0 if has_warnings(&log) => return Err(Error::Text(log)),
            0 => {}
            // What is wrong with an option stands in the log, too.
            status => {
                let log = if log.is_empty() { log } else { format!(": {log}") };
                return Err(Error::Compiler(format!("nvrtcCompileProgram gives error {status}{log}")));
            }
        }
        let part = |output: &Output| match output {
            Output::Ptx => self.ptx,
            Output::Cubin => self.cubin,
        };
        outputs.iter().map(|output| program.part(part(output))).collect()
    }
}

/// A program that is destroyed in the end.
struct Program<'n> {
    nvrtc: &'n Nvrtc,
    handle: Handle,
}

impl Program<'_> {
    /// Its log, PTX or machine code; NULs at the end of texts do not count.
    fn part(&self, part: Part) -> Result<Vec<u8>, Error> {
        let mut size = 0;
        // SAFETY: the program was created; the size goes to an integer that lives as long as the call.
        succeeded(unsafe { (part.size)(self.handle, &mut size) }, "the size of a result")?;
        let mut bytes = vec![0_u8; size];
        // SAFETY: the buffer has the size that was just given.
        succeeded(unsafe { (part.bytes)(self.handle, bytes.as_mut_ptr().cast()) }, "a result")?;
        if !bytes.starts_with(b"\x7fELF") {
            bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(size));
        }
        Ok(bytes)
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: the program was created and is not used any more.
            unsafe { (self.nvrtc.destroy)(&mut self.handle) };
        }
    }
}

/// Whether a log has more than what ptxas tells of its own work, of which nothing is a mistake in a text.
fn has_warnings(log: &str) -> bool {
    log.lines().any(|line| !line.trim().is_empty() && !line.starts_with("ptxas info"))
}

fn succeeded(status: Status, what: &str) -> Result<(), Error> {
    match status {
        0 => Ok(()),
        status => Err(Error::Compiler(format!("{what}: NVRTC gives error {status}"))),
    }
}

/// The libraries of built-in functions beside `libnvrtc.so`.
fn builtins(path: &Path) -> Vec<OsString> {
    // A link leads to where the real files are.
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let files = place.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut names: Vec<OsString> = files
        .filter(|file| file.file_name().to_string_lossy().starts_with("libnvrtc-builtins.so"))
        .map(|file| file.path().into_os_string())
        .collect();
    names.sort();
    names
}

fn open_global(path: impl libloading::AsFilename) -> Result<Library, libloading::Error> {
    // SAFETY: the initializers of NVIDIA's libraries ask nothing of their callers; trusting the file is the caller's part.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_nvrtc_is_refused() {
        assert!(matches!(Nvrtc::open(Path::new("/nowhere/libnvrtc.so")), Err(Error::Compiler(_))));
        let Err(Error::Compiler(words)) = Nvrtc::open(Path::new("libc.so.6")) else { panic!("libc is no compiler") };
        assert!(words.contains("nvrtcVersion"), "{words}");
    }

    #[test]
    fn what_ptxas_tells_is_no_warning() {
        let told = "ptxas info    : (C7519) warpgroup.arrive is injected in around line 7 by compiler in function 'f'";
        assert!(!has_warnings("") && !has_warnings(told) && !has_warnings(&format!("{told}\n\n{told}")));
        assert!(has_warnings("k.cu(1): warning #177-D: variable \"unused\" was declared but never referenced"));
        assert!(has_warnings(&format!("{told}\nptxas warning : Registers are spilled")));
    }

    /// With `KEOPSC_NVRTC`.
    #[test]
    fn texts_are_compiled_or_refused() {
        let Some(path) = std::env::var_os("KEOPSC_NVRTC") else {
            return eprintln!("NOT TESTED: there is no NVRTC here; set KEOPSC_NVRTC to one");
        };
        let nvrtc = Nvrtc::open(Path::new(&path)).unwrap();
        assert!(nvrtc.version().unwrap()[0] >= 12);
        let kernel = |body: &str| format!("extern \"C\" __global__ void f(float *x) {{ {body} }}\n");
        let good = kernel("x[threadIdx.x] = expf(x[threadIdx.x]);");
        let option = |architecture: &str| [format!("--gpu-architecture={architecture}")];
        let both = nvrtc.compile(&good, "k.cu", &option("sm_75"), &[Output::Cubin, Output::Ptx]).unwrap();
        let [cubin, ptx] = &both[..] else { panic!("two were asked for") };
        assert!(cubin.starts_with(b"\x7fELF"));
        assert!(nvrtc.compile(&good, "k.cu", &option("sm_75"), &[Output::Cubin]).unwrap()[..] == both[..1]);
        assert_eq!(nvrtc.compile(&good, "k.cu", &option("compute_75"), &[Output::Ptx]).unwrap()[..], both[1..]);
        let ptx = std::str::from_utf8(ptx).unwrap();
        assert!(ptx.contains(".target sm_75") && ptx.contains(".entry f(") && !ptx.contains('\0'));
        let refused =
            |body: &str, architecture| nvrtc.compile(&kernel(body), "k.cu", &option(architecture), &[Output::Cubin]);
        for (body, words) in [("x[0] = y;", "\"y\" is undefined"), ("int unused; x[0] = 0;", "never referenced")] {
            let Err(Error::Text(log)) = refused(body, "sm_90") else { panic!("{body} is refused") };
            assert!(log.starts_with("k.cu(1): ") && log.contains(words), "{log}");
        }
        let Err(Error::Compiler(words)) = refused("", "sm_12") else { panic!("there is no sm_12") };
        assert!(words.contains("gpu-architecture"), "{words}");
    }
}
