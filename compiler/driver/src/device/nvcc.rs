//! nvcc: a text in a folder → the images of one architecture.
//!
//! nvcc runs in that folder, which is also where its temporary files go, on files with fixed names. It starts the C++ preprocessor of the machine.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use keopsc_diagnostics::Code;

use super::{Form, Image, Job, Refusal, TEXT, unknown_architecture};
use crate::failure::{Problem, system_words};

/// What all images are compiled with. Only the preprocessor of the host's compiler is used, so that its version does not matter; that an architecture
/// will go some day is nothing to refuse a text for.
const OPTIONS: [&str; 6] =
    ["-O3", "-std=c++17", "-Werror", "all-warnings", "-allow-unsupported-compiler", "-Wno-deprecated-gpu-targets"];

/// Compiles the text in `folder`. Where PTX is wanted, machine code is made from it: the longer part of the work is done once.
pub fn compile(nvcc: &Path, folder: &Path, job: Job) -> Result<Vec<Image>, Refusal> {
    let tool = Nvcc { nvcc, folder, job };
    let architecture = job.architecture;
    let ptx = format!("compute_{architecture}.ptx");
    let has_ptx = job.forms.contains(&Form::Ptx);
    let mut images = Vec::new();
    if has_ptx {
        let bytes = tool.run("-ptx", &format!("compute_{architecture}"), TEXT, &ptx)?;
        images.push(job.image(Form::Ptx, without_module_number(bytes)));
    }
    if job.forms.contains(&Form::MachineCode) {
        let text = if has_ptx { &ptx } else { TEXT };
        let bytes = tool.run("-cubin", &job.name(), text, &format!("{}.cubin", job.name()))?;
        images.push(job.image(Form::MachineCode, bytes));
    }
    Ok(images)
}

/// nvcc puts a number that depends on the names of its temporary files into the names of what is local to a text:
/// `_INTERNAL_7bbf9ba5_10_kernels_cu_…`. It becomes 0, so that the same text gives the same bytes.
fn without_module_number(mut ptx: Vec<u8>) -> Vec<u8> {
    const BEFORE: &[u8] = b"_INTERNAL_";
    const AFTER: &[u8] = b"_10_kernels_cu_";
    const DIGITS: usize = 8;
    for start in 0..ptx.len().saturating_sub(DIGITS + AFTER.len()) {
        let rest = &mut ptx[start..];
        if !rest.starts_with(BEFORE) {
            continue;
        }
        if let Some((digits, rest)) = rest[BEFORE.len()..].split_at_mut_checked(DIGITS)
            && digits.iter().all(u8::is_ascii_hexdigit)
            && rest.starts_with(AFTER)
        {
            digits.fill(b'0');
        }
    }
    ptx
}

struct Nvcc<'a> {
    nvcc: &'a Path,
    folder: &'a Path,
    job: Job,
}

impl Nvcc<'_> {
    /// Compiles one file in the folder into another; gives its bytes.
    fn run(&self, form: &str, architecture: &str, text: &str, output: &str) -> Result<Vec<u8>, Refusal> {
        let Nvcc { nvcc, folder, job } = *self;
        let mut command = Command::new(nvcc);
        command.args([form, "-arch", architecture]).args(OPTIONS).args(["-o", output, text]);
        command.current_dir(folder).env("TMPDIR", folder).env("LC_ALL", "C").stdin(Stdio::null());
        let result = command.output().map_err(|error| Refusal::Environment(cannot_run(nvcc, &system_words(&error))))?;
        let words = [result.stderr, result.stdout].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let words = words.trim();
        if !result.status.success() {
            return Err(refusal(nvcc, job, result.status, words));
        }
        match std::fs::read(folder.join(output)) {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            _ => Err(Refusal::Environment(failed(nvcc, "it wrote nothing", words))),
        }
    }
}

/// Whose turn it is, by nvcc's words.
fn refusal(nvcc: &Path, job: Job, status: ExitStatus, words: &str) -> Refusal {
    if is_about_the_text(words) {
        return Refusal::Text(words.to_owned());
    }
    Refusal::Environment(
        if words.contains("Unsupported gpu architecture") || words.contains("is not defined for option 'gpu-arch") {
            unknown_architecture(&nvcc.display().to_string(), job).with_note(words)
        } else if words.contains("host compiler") || words.contains("gcc: ") || words.contains("cc1plus") {
            failed(nvcc, "it needs a C++ compiler, whose preprocessor it runs", words)
            .with_help("install g++ (`apt-get install g++`), or `pip install 'nvidia-cuda-nvrtc==13.0.*'` and set KEOPSC_DEVICE_COMPILER=nvrtc")
        } else if let Some(signal) = status.signal() {
            failed(nvcc, &format!("it was killed by signal {signal}"), words).with_help(SHORT_OF_MEMORY)
        } else if words.contains("died due to signal") {
            failed(nvcc, "a part of it was killed", words).with_help(SHORT_OF_MEMORY)
        } else {
            failed(nvcc, &status.to_string(), words)
                .with_help("set KEOPSC_NVCC to another nvcc, or KEOPSC_DEVICE_COMPILER=nvrtc")
        },
    )
}

const SHORT_OF_MEMORY: &str = "this machine may be short of memory: name fewer architectures (`--gpu-arch`)";

/// `kernels.cu(3): error: …`, or ptxas on what was made of it.
fn is_about_the_text(words: &str) -> bool {
    let place = format!("{TEXT}(");
    let is_ptxas = |line: &str| {
        line.starts_with("ptxas")
            && ["error", "warning"].iter().any(|kind| line.contains(kind))
            && !line.contains("fatal")
    };
    words.lines().any(|line| line.starts_with(&place) || is_ptxas(line))
}

fn cannot_run(nvcc: &Path, reason: &str) -> Problem {
    Problem::new(format!("cannot run `{}`: {reason}", nvcc.display()))
        .with_code(Code::DeviceCompilerFailed)
        .with_help("set KEOPSC_NVCC to another nvcc, or KEOPSC_DEVICE_COMPILER=nvrtc")
}

fn failed(nvcc: &Path, how: &str, words: &str) -> Problem {
    let problem = Problem::new(format!("`{}` failed: {how}", nvcc.display())).with_code(Code::DeviceCompilerFailed);
    if words.is_empty() { problem } else { problem.with_note(words) }
}

#[cfg(test)]
mod tests {
    use super::without_module_number;

    #[test]
    fn numbers_of_modules_are_gone() {
        let cases = [
            (
                "_ZN41_INTERNAL_7bbf9ba5_10_kernels_cu_af6 _INTERNAL_0123abcd_10_kernels_cu_",
                "_ZN41_INTERNAL_00000000_10_kernels_cu_af6 _INTERNAL_00000000_10_kernels_cu_",
            ),
            (
                "x_INTERNAL_7bbf9ba5_y _INTERNAL_7bbf9bag_10_kernels_cu_ _INTERNAL_7bb",
                "x_INTERNAL_7bbf9ba5_y _INTERNAL_7bbf9bag_10_kernels_cu_ _INTERNAL_7bb",
            ),
            ("", ""),
            ("_INTERNAL_", "_INTERNAL_"),
        ];
        for (before, after) in cases {
            assert_eq!(String::from_utf8(without_module_number(before.into())).unwrap(), after);
        }
    }
}
