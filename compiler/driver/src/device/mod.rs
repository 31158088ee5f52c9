//! Code for GPUs: the text of a library's kernels → images for several architectures → an object file with them and their tables.
//!
//! ```text
//! architecture   what `--gpu-arch` takes        find     nvcc or NVRTC on this machine
//! here           the GPUs of this machine
//! nvcc           text ─nvcc─▶ image             tables   kernels + images ─▶ device.o
//! ```
//!
//! NVRTC compiles the parts of a text side by side, each into an image of its own; nvcc, which takes long to start, all at once.
//!
//! Invariants: images depend on the text, the architectures and the version of the compiler alone. Nothing is left on disk but, where a compiler
//! refuses a text, that text.

pub mod architecture;
pub mod find;
pub mod here;
mod nvcc;
pub mod tables;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use keopsc_cuda::library::Library;
use keopsc_diagnostics::Code;
use keopsc_nvrtc::{Error, Nvrtc, Output};

use crate::failure::{Failure, Problem, system_words};
use find::Compiler;

/// What the text is called in a compiler's messages.
const TEXT: &str = "kernels.cu";

/// What makes NVRTC faster and changes no code, and since which version it can be said. Without declarations that no kernel uses, a text is read in
/// two thirds of the time. Without NVRTC's own cache, the driver is not started, in which that is: tenths of a second where there is a GPU.
const SHORT_CUTS: [([i32; 2], &str); 2] = [([12, 4], "--minimal"), ([12, 9], "--no-cache")];

/// The GPUs to make code for.
#[derive(Clone, Debug)]
pub struct DeviceTarget {
    /// Compute capabilities times ten, in ascending order, each once. At least one.
    pub architectures: Vec<u32>,
    /// Whether the highest is there as PTX, too, for all newer GPUs.
    pub has_ptx: bool,
    /// Who compiles, or why nobody does.
    pub compiler: Result<Compiler, Problem>,
}

/// What an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For GPUs of one major number.
    MachineCode,
    /// Text that the driver compiles for any later GPU.
    Ptx,
}

/// What is compiled in one go: PTX of an architecture is on the way to its machine code, where that has no instructions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    architecture: u32,
    forms: &'static [Form],
    /// The part of the text, if not all of it.
    part: Option<u32>,
}

/// Kernels of a library, compiled: all, or those of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Compute capability times ten.
    pub architecture: u32,
    /// What the bytes are.
    pub form: Form,
    /// An ELF file, or text without a NUL.
    pub bytes: Vec<u8>,
}

/// Why there is no image.
#[derive(Debug)]
enum Refusal {
    /// The text is wrong, in the compiler's words.
    Text(String),
    /// Something else is in the way.
    Environment(Problem),
}

impl DeviceTarget {
    /// The architecture that there is PTX of, if there is one.
    pub fn ptx(&self) -> Option<u32> {
        self.has_ptx.then(|| self.highest())
    }

    fn highest(&self) -> u32 {
        self.architectures.last().copied().unwrap_or_default()
    }

    /// All of it as text, for the cache's key. No compiler is started.
    pub fn key_text(&self) -> String {
        let compiler = match &self.compiler {
            Ok(compiler) => compiler.identity(),
            Err(_) => "none".to_owned(),
        };
        format!("{:?} {} {compiler}", self.architectures, self.has_ptx)
    }

    fn jobs(&self) -> Vec<Job> {
        let forms = |architecture| -> &[&'static [Form]] {
            match (Some(architecture) == self.ptx(), architecture == architecture::WITH_OWN_INSTRUCTIONS) {
                (true, true) => &[&[Form::MachineCode], &[Form::Ptx]],
                (true, false) => &[&[Form::MachineCode, Form::Ptx]],
                (false, _) => &[&[Form::MachineCode]],
            }
        };
        let jobs = self.architectures.iter().flat_map(|number| forms(*number).iter().map(|forms| (*number, *forms)));
        jobs.map(|(architecture, forms)| Job { architecture, forms, part: None }).collect()
    }
}

impl Job {
    /// `sm_80`, or `compute_80` for PTX alone. Machine code of one architecture has instructions that later ones do not have.
    fn name(self) -> String {
        let Job { architecture, .. } = self;
        match (self.forms.contains(&Form::MachineCode), architecture == architecture::WITH_OWN_INSTRUCTIONS) {
            (true, true) => format!("sm_{architecture}a"),
            (true, false) => format!("sm_{architecture}"),
            (false, _) => format!("compute_{architecture}"),
        }
    }

    /// The same for each part of a text.
    fn parts(self, number: u32) -> impl Iterator<Item = Job> {
        (0..number).map(move |part| Job { part: Some(part), ..self })
    }

    /// What this form of it is.
    fn image(self, form: Form, bytes: Vec<u8>) -> Image {
        Image { architecture: self.architecture, form, bytes }
    }
}

/// The images of kernels, side by side on all processors: machine code of each architecture, and PTX last.
pub fn compile(library: &Library, target: &DeviceTarget) -> Result<Vec<Image>, Failure> {
    let jobs: Vec<Job> = match target.compiler {
        Ok(Compiler::Nvrtc(_)) => target.jobs().into_iter().flat_map(|job| job.parts(library.parts)).collect(),
        _ => target.jobs(),
    };
    let mut images = images(&library.text, target, &jobs)?;
    // Parts stay in order.
    images.sort_by_key(|image| (image.form == Form::Ptx, image.architecture));
    Ok(images)
}

/// PTX of the highest architecture, all kernels in one.
pub fn ptx(text: &str, target: &DeviceTarget) -> Result<String, Failure> {
    let images = images(text, target, &[Job { architecture: target.highest(), forms: &[Form::Ptx], part: None }])?;
    Ok(images.iter().map(|image| String::from_utf8_lossy(&image.bytes)).collect())
}

fn images(text: &str, target: &DeviceTarget, jobs: &[Job]) -> Result<Vec<Image>, Failure> {
    let compiler = target.compiler.clone()?;
    match &compiler {
        Compiler::Nvcc(path) => {
            let folder = tempfile::Builder::new().prefix("keopsc-cuda-").tempdir().map_err(|error| no_room(&error))?;
            std::fs::write(folder.path().join(TEXT), text).map_err(|error| no_room(&error))?;
            each(text, &compiler, jobs, |job| nvcc::compile(path, folder.path(), job))
        }
        Compiler::Nvrtc(path) => {
            let nvrtc = Nvrtc::open(path).map_err(|error| nvrtc_problem(path, &error.to_string()))?;
            each(text, &compiler, jobs, |job| by_nvrtc(&nvrtc, path, text, job))
        }
    }
}

/// What `compile` makes of each, or why the first of those that fail does.
fn each(
    text: &str,
    compiler: &Compiler,
    jobs: &[Job],
    compile: impl Fn(Job) -> Result<Vec<Image>, Refusal> + Sync,
) -> Result<Vec<Image>, Failure> {
    let mut images = Vec::new();
    for (job, result) in jobs.iter().zip(side_by_side(jobs, compile)) {
        images.extend(result.map_err(|refusal| match refusal {
            Refusal::Environment(problem) => Failure::Environment(problem),
            Refusal::Text(words) => Failure::Internal(defect(text, compiler, *job, &words)),
        })?);
    }
    Ok(images)
}

/// What `work` makes of each, in order, by as many threads as there are processors. They begin in order, too: what takes longest comes first.
fn side_by_side<T: Send>(jobs: &[Job], work: impl Fn(Job) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let one_after_the_other = || -> Vec<(usize, T)> {
        let numbers = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        numbers.map_while(|number| jobs.get(number).map(|job| (number, work(*job)))).collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let mut results: Vec<(usize, T)> = std::thread::scope(|scope| {
        // Where no more threads can be started, there are fewer.
        let start = |_| std::thread::Builder::new().spawn_scoped(scope, one_after_the_other).ok();
        let others: Vec<_> = (1..threads).filter_map(start).collect();
        let own = one_after_the_other();
        let join = |other: ScopedJoinHandle<'_, Vec<(usize, T)>>| {
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        own.into_iter().chain(others.into_iter().flat_map(join)).collect()
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

fn by_nvrtc(nvrtc: &Nvrtc, path: &Path, text: &str, job: Job) -> Result<Vec<Image>, Refusal> {
    let output = |form: &Form| match form {
        Form::MachineCode => Output::Cubin,
        Form::Ptx => Output::Ptx,
    };
    let outputs: Vec<Output> = job.forms.iter().map(output).collect();
    let architecture = format!("--gpu-architecture={}", job.name());
    let version = nvrtc.version().unwrap_or_default();
    let short_cuts = SHORT_CUTS.iter().filter(|(since, _)| version >= *since).map(|(_, option)| (*option).to_owned());
    let part = job.part.map(|number| format!("--define-macro=KEOPS_PART={number}"));
    let options: Vec<String> = [architecture].into_iter().chain(short_cuts).chain(part).collect();
    let results = nvrtc.compile(text, TEXT, &options, &outputs).map_err(|error| match error {
        Error::Text(words) => Refusal::Text(words),
        Error::Compiler(words) if words.contains("--gpu-architecture") => {
            let name = path.display().to_string();
            Refusal::Environment(unknown_architecture(&name, job).with_note(words))
        }
        Error::Compiler(words) => Refusal::Environment(nvrtc_problem(path, &words)),
    })?;
    Ok(job.forms.iter().zip(results).map(|(form, bytes)| job.image(*form, bytes)).collect())
}

fn nvrtc_problem(path: &Path, words: &str) -> Problem {
    Problem::new(format!("NVRTC at `{}` cannot be used", path.display()))
        .with_code(Code::DeviceCompilerFailed)
        .with_note(words)
        .with_help("install another version of it, or set KEOPSC_DEVICE_COMPILER=nvcc")
}

/// A compiler that is too old, or too new, for an architecture.
fn unknown_architecture(compiler: &str, job: Job) -> Problem {
    Problem::new(format!("`{compiler}` makes no code for {}", job.name()))
        .with_code(Code::DeviceCompilerFailed)
        .with_help("leave it out of `--gpu-arch`, or install CUDA 13, which makes code for all that `--gpu-arch` takes")
}

fn no_room(error: &io::Error) -> Problem {
    let folder = std::env::temp_dir();
    Problem::new(format!("cannot write the kernels' text below `{}`: {}", folder.display(), system_words(error)))
        .with_code(Code::CannotWrite)
        .with_help("set TMPDIR to a folder with room")
}

/// What to say of a text that its compiler refuses. The text is kept.
fn defect(text: &str, compiler: &Compiler, job: Job, words: &str) -> String {
    let kept = match keep(text) {
        Ok(path) => format!("the text is kept in `{}`", path.display()),
        Err(error) => format!("the text could not be kept: {}", system_words(&error)),
    };
    format!("`{}` refuses the kernels for {}; {kept}\n{words}", compiler.path().display(), job.name())
}

fn keep(text: &str) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("keopsc-defect-").suffix(".cu").tempfile()?;
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}
