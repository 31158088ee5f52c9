//! nvcc: a text in a folder → the bytes of one image.
//!
//! nvcc runs in that folder, which is also where its temporary files go, on files with fixed names. It starts the C++ preprocessor of the machine.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use keopsc_diagnostics::Code;

use super::{Form, Refusal, TEXT, Wanted, unknown_architecture};
use crate::failure::{Problem, system_words};

/// What all images are compiled with. Only the preprocessor of the host's compiler is used, so that its version does not matter; that an architecture
/// will go some day is nothing to refuse a text for.
const OPTIONS: [&str; 6] =
    ["-O3", "-std=c++17", "-Werror", "all-warnings", "-allow-unsupported-compiler", "-Wno-deprecated-gpu-targets"];

/// Compiles the text in `folder`.
pub fn compile(nvcc: &Path, folder: &Path, wanted: Wanted) -> Result<Vec<u8>, Refusal> {
    let (form, output) = match wanted.form {
        Form::MachineCode => ("-cubin", format!("{}.cubin", wanted.name())),
        Form::Ptx => ("-ptx", format!("{}.ptx", wanted.name())),
    };
    let mut command = Command::new(nvcc);
    command.args([form, "-arch", &wanted.name()]).args(OPTIONS).args(["-o", &output, TEXT]);
    command.current_dir(folder).env("TMPDIR", folder).env("LC_ALL", "C").stdin(Stdio::null());
    let result = command.output().map_err(|error| Refusal::Environment(cannot_run(nvcc, &system_words(&error))))?;
    let words = [result.stderr, result.stdout].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    let words = words.trim();
    if !result.status.success() {
        return Err(refusal(nvcc, wanted, result.status, words));
    }
    match std::fs::read(folder.join(&output)) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(Refusal::Environment(failed(nvcc, "it wrote nothing", words))),
    }
}

/// Whose turn it is, by nvcc's words.
fn refusal(nvcc: &Path, wanted: Wanted, status: ExitStatus, words: &str) -> Refusal {
    if is_about_the_text(words) {
        return Refusal::Text(words.to_owned());
    }
    Refusal::Environment(
        if words.contains("Unsupported gpu architecture") || words.contains("is not defined for option 'gpu-arch") {
            unknown_architecture(&nvcc.display().to_string(), wanted).with_note(words)
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
    words
        .lines()
        .any(|line| line.starts_with(&place) || line.starts_with("ptxas error") || line.starts_with("ptxas warning"))
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
