//! Linking: relocatable objects → the bytes of one shared library.
//!
//! ```text
//! gauss.o + support.o  ─wild, ld or cc─▶  libgauss.so: exports `gauss_conv`, `keops_module_v1`; needs libc.so.6 only
//! ```
//!
//! Invariants: nothing but the wanted symbols is exported, nothing but functions of the C library ([`system`]) stays
//! undefined, and the bytes depend on the request alone, not on time, folder or environment. The objects say what machine they are for.

mod command;
mod in_process;
mod memory_files;
mod system;

use std::path::PathBuf;

use object::{Architecture, Object as _};

use crate::failure::Problem;

/// Who links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Linker {
    /// `libwild`, inside this process: no tool on the machine is needed.
    #[default]
    InProcess,
    /// The C compiler of this machine, as the `cc` crate finds it (`$CC` included).
    CCompiler,
    /// This program; one that is named like a C compiler is called as one, any other as `ld`.
    Program(PathBuf),
}

impl Linker {
    /// What `--linker TEXT` means.
    pub fn from_option(text: &str) -> Linker {
        match text {
            "wild" => Linker::InProcess,
            "cc" => Linker::CCompiler,
            path => Linker::Program(PathBuf::from(path)),
        }
    }

    /// The text that [`Linker::from_option`] reads back.
    pub fn option_text(&self) -> String {
        match self {
            Linker::InProcess => "wild".to_owned(),
            Linker::CCompiler => "cc".to_owned(),
            Linker::Program(path) => path.to_string_lossy().into_owned(),
        }
    }
}

/// What is to be linked.
#[derive(Clone, Copy, Debug)]
pub struct LinkRequest<'a> {
    /// The library's own name, `libgauss.so`.
    pub soname: &'a str,
    /// The symbols to export; all others are hidden.
    pub exports: &'a [String],
    /// File names (unique, without folder) and contents of the relocatable objects.
    pub objects: &'a [(String, &'a [u8])],
}

/// Links a shared library and gives its bytes.
pub fn link(linker: &Linker, request: &LinkRequest<'_>) -> Result<Vec<u8>, Problem> {
    // What is no object is the linker's to refuse.
    let first = request.objects.first().and_then(|(_, bytes)| machine(bytes));
    let machine = first.unwrap_or(Architecture::X86_64);
    let system_libraries = system::stubs(machine).map_err(in_process::problem)?;
    match linker {
        Linker::InProcess => in_process::link(machine, request, &system_libraries).map_err(in_process::problem),
        Linker::CCompiler => command::link(&command::c_compiler()?, request, &system_libraries),
        Linker::Program(path) => command::link(&command::Tool::from_path(path), request, &system_libraries),
    }
}

/// The machine that an object is for.
pub fn machine(object: &[u8]) -> Option<Architecture> {
    object::File::parse(object).ok().map(|file| file.architecture())
}

/// Options of `ld` that are the same for every linker; the version script and the file names are added to them.
fn common_options(request: &LinkRequest<'_>) -> Vec<String> {
    let options = [
        "-shared",
        "-soname",
        request.soname,
        "--gc-sections",
        "-Bsymbolic",
        "--strip-all",
        "--build-id=none",
        "--hash-style=gnu",
        "--as-needed",
        "--no-undefined",
        "-z",
        "noexecstack",
        "-z",
        "relro",
        "-z",
        "now",
    ];
    options.iter().map(|option| (*option).to_owned()).collect()
}

/// A version script that exports just these symbols.
fn version_script(exports: &[String]) -> String {
    let names: String = exports.iter().map(|name| format!(" {name};")).collect();
    format!("{{ global:{names} local: *; }};\n")
}

#[cfg(test)]
mod tests;
