//! Which compiler makes code for GPUs: the environment → a path of nvcc or of NVRTC.
//!
//! A library to keep is compiled by nvcc, one for now by NVRTC, which takes half the time, unless `$KEOPSC_NVCC` is set; where there is only the
//! other, by that.
//!
//! | | nvcc | NVRTC |
//! | --- | --- | --- |
//! | said | `$KEOPSC_NVCC` | `$KEOPSC_NVRTC` |
//! | found | `$PATH`, `$CUDA_HOME`, `$CUDA_PATH`, `/usr/local/cuda`, Python's packages | `$LD_LIBRARY_PATH` and the same places |
//!
//! Nothing is run to find it: a library in the cache is found in milliseconds.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use keopsc_diagnostics::Code;
use keopsc_nvrtc::Nvrtc;

use crate::failure::Problem;

/// A compiler of CUDA C++.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// The program.
    Nvcc(PathBuf),
    /// The shared library.
    Nvrtc(PathBuf),
}

/// What a library is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be kept, and to run anywhere.
    ToKeep,
    /// To run here and now.
    ForNow,
}

/// What is looked at to find one.
#[derive(Clone, Debug)]
pub struct Search {
    wish: Option<OsString>,
    nvcc: Option<PathBuf>,
    nvrtc: Option<PathBuf>,
    nvcc_folders: Vec<PathBuf>,
    nvrtc_folders: Vec<PathBuf>,
}

/// Versions of NVRTC, the newest first.
const NVRTC_NAMES: [&str; 3] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

/// Where the packages of PyPI put things, in Python's folder of packages.
const NVCC_PACKAGES: [&str; 2] = ["nvidia/cu13/bin", "nvidia/cuda_nvcc/bin"];
const NVRTC_PACKAGES: [&str; 2] = ["nvidia/cu13/lib", "nvidia/cuda_nvrtc/lib"];

/// Where shared libraries are on common systems.
const LIBRARY_FOLDERS: [&str; 4] = ["usr/lib64", "usr/lib", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu"];

/// Variables that change what nvcc does.
const NVCC_VARIABLES: [&str; 3] = ["NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS", "NVCC_CCBIN"];

impl Search {
    /// By the environment of this process.
    pub fn of_this_process() -> Search {
        Search::new(|name| std::env::var_os(name), Path::new("/"))
    }

    /// By these variables, on a system whose root is that folder.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>, root: &Path) -> Search {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let file = |name: &str| variable(name).map(PathBuf::from);
        let folders = |name: &str| -> Vec<PathBuf> {
            let value = variable(name).unwrap_or_default();
            std::env::split_paths(&value).filter(|folder| folder.is_absolute()).collect()
        };
        let path = folders("PATH");
        let toolkits: Vec<PathBuf> =
            ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(file).chain([root.join("usr/local/cuda")]).collect();
        let packages = python_packages(file("VIRTUAL_ENV"), &path, file("HOME"));
        let in_packages = |places: [&str; 2]| -> Vec<PathBuf> {
            packages.iter().flat_map(|folder| places.map(|place| folder.join(place))).collect()
        };
        let below = |folder: &str| -> Vec<PathBuf> { toolkits.iter().map(|toolkit| toolkit.join(folder)).collect() };
        let system: Vec<PathBuf> = LIBRARY_FOLDERS.iter().map(|folder| root.join(folder)).collect();
        Search {
            wish: variable("KEOPSC_DEVICE_COMPILER"),
            nvcc: file("KEOPSC_NVCC"),
            nvrtc: file("KEOPSC_NVRTC"),
            nvcc_folders: [path, below("bin"), in_packages(NVCC_PACKAGES)].concat(),
            nvrtc_folders: [
                folders("LD_LIBRARY_PATH"),
                below("lib64"),
                below("lib"),
                system,
                in_packages(NVRTC_PACKAGES),
            ]
            .concat(),
        }
    }

    /// The compiler to use for a library of that purpose: where both are there nvcc, the toolkit's own, or NVRTC, which is faster.
    pub fn compiler(&self, purpose: Purpose) -> Result<Compiler, Problem> {
        let (first, second) = match self.wish.as_ref().map(|wish| wish.to_string_lossy()).as_deref() {
            None if purpose == Purpose::ForNow && self.nvcc.is_none() => (self.nvrtc()?, self.nvcc()?),
            None => (self.nvcc()?, self.nvrtc()?),
            Some("nvcc") => return self.nvcc()?.ok_or_else(|| missing("nvcc")),
            Some("nvrtc") => return self.nvrtc()?.ok_or_else(|| missing("NVRTC")),
            Some(other) => {
                return Err(Problem::new(format!("KEOPSC_DEVICE_COMPILER is `{other}`"))
                    .with_code(Code::DeviceCompilerFailed)
                    .with_help("it can be nvcc or nvrtc; unset, keopsc chooses"));
            }
        };
        first.or(second).ok_or_else(|| missing("nvcc or NVRTC"))
    }

    fn nvcc(&self) -> Result<Option<Compiler>, Problem> {
        let places = self.nvcc_folders.iter().map(|folder| folder.join("nvcc"));
        Ok(said("KEOPSC_NVCC", &self.nvcc)?
            .or_else(|| places.into_iter().find(|path| is_program(path)))
            .map(Compiler::Nvcc))
    }

    fn nvrtc(&self) -> Result<Option<Compiler>, Problem> {
        let places = self.nvrtc_folders.iter().flat_map(|folder| NVRTC_NAMES.map(|name| folder.join(name)));
        Ok(said("KEOPSC_NVRTC", &self.nvrtc)?
            .or_else(|| places.into_iter().find(|path| path.is_file()))
            .map(Compiler::Nvrtc))
    }
}

impl Compiler {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Compiler::Nvcc(path) | Compiler::Nvrtc(path) => path,
        }
    }

    /// What tells it from other versions and installations, without running it: its place, size and date, and variables that it obeys.
    pub fn identity(&self) -> String {
        let found = std::fs::metadata(self.path());
        let size = found.as_ref().map_or(0, std::fs::Metadata::len);
        let changed = found.and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let age = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let variables = match self {
            Compiler::Nvcc(_) => NVCC_VARIABLES.map(|name| std::env::var_os(name).unwrap_or_default()).to_vec(),
            Compiler::Nvrtc(_) => Vec::new(),
        };
        format!("{self:?} {size} {age} {variables:?}")
    }

    /// `nvcc 13.0.88`, or why it cannot be asked.
    pub fn version(&self) -> Result<String, String> {
        match self {
            Compiler::Nvcc(path) => {
                let output = Command::new(path).arg("--version").stdin(Stdio::null()).output();
                let output = output.map_err(|error| crate::failure::system_words(&error))?;
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let version = text.rsplit_once(", V").and_then(|(_, rest)| rest.split_whitespace().next());
                version.map(|version| format!("nvcc {version}")).ok_or_else(|| "it does not say its version".to_owned())
            }
            Compiler::Nvrtc(path) => {
                let version = Nvrtc::open(path).map_err(|error| error.to_string())?.version();
                version
                    .map(|[major, minor]| format!("NVRTC {major}.{minor}"))
                    .ok_or_else(|| "it does not say its version".to_owned())
            }
        }
    }
}

/// The file that a variable names, which has to be there.
fn said(variable: &str, path: &Option<PathBuf>) -> Result<Option<PathBuf>, Problem> {
    match path {
        Some(path) if !path.is_file() => {
            Err(Problem::new(format!("{variable} is `{}`, and there is no such file", path.display()))
                .with_code(Code::DeviceCompilerFailed)
                .with_help(format!("set {variable} to the file, or unset it")))
        }
        // The compiler runs in another folder.
        Some(path) => Ok(Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))),
        None => Ok(None),
    }
}

fn missing(what: &str) -> Problem {
    Problem::new(format!("code for GPUs needs {what}, and there is none"))
        .with_code(Code::DeviceCompilerFailed)
        .with_note("nvcc is looked for in PATH, CUDA_HOME, CUDA_PATH, /usr/local/cuda and Python's packages; NVRTC in LD_LIBRARY_PATH and there")
        .with_help(INSTALL)
}

/// What to do where there is no compiler.
pub const INSTALL: &str = "`pip install 'nvidia-cuda-nvrtc==13.0.*'` is enough; or install NVIDIA's CUDA toolkit, or set KEOPSC_NVCC to an nvcc";

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The folders of packages of a virtual environment, of the `python3` on the path, and of the user.
fn python_packages(environment: Option<PathBuf>, path: &[PathBuf], home: Option<PathBuf>) -> Vec<PathBuf> {
    let python = path.iter().map(|folder| folder.join("python3")).find(|path| is_program(path));
    // A link to a Python elsewhere has its packages there; that of a virtual environment has them here.
    let linked = python.as_ref().and_then(|python| std::fs::canonicalize(python).ok());
    let prefix = |python: PathBuf| python.parent().and_then(Path::parent).map(Path::to_path_buf);
    let prefixes: Vec<PathBuf> =
        environment.into_iter().chain([python, linked].into_iter().flatten().filter_map(prefix)).collect();
    let libraries = prefixes.iter().flat_map(|prefix| ["lib", "lib64", "local/lib"].map(|folder| prefix.join(folder)));
    let of_user = home.map(|home| home.join(".local/lib"));
    libraries.chain(of_user).flat_map(|folder| packages_below(&folder)).collect()
}

/// `lib/python3.12/site-packages` and the like, the newest Python first.
fn packages_below(library: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(library).into_iter().flatten().flatten().map(|child| child.path());
    let name = |folder: &PathBuf| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut pythons: Vec<PathBuf> = folders.filter(|folder| name(folder).starts_with("python3")).collect();
    // 3.12 comes before 3.9.
    pythons.sort_by_key(|folder| std::cmp::Reverse((name(folder).len(), name(folder))));
    pythons.iter().flat_map(|folder| ["site-packages", "dist-packages"].map(|kind| folder.join(kind))).collect()
}

#[cfg(test)]
mod tests;
