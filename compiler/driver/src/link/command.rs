//! Linking with a program of this machine: `ld`, or a C compiler that calls one.
//!
//! The program runs in a folder of its own on files with fixed names, so that nothing of the place gets into the result.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keopsc_diagnostics::Code;

use super::{LinkRequest, common_options, version_script};
use crate::failure::{Problem, system_words};

const VERSION_SCRIPT: &str = "exports.map";
const OUTPUT: &str = "output.so";
const C_COMPILERS: [&str; 6] = ["cc", "gcc", "clang", "c++", "g++", "clang++"];

/// A program that links, and how it wants to be spoken to.
pub struct Tool {
    path: PathBuf,
    /// Whether options for the linker need `-Wl,`.
    pub is_compiler: bool,
}

impl Tool {
    /// A program whose name tells whether it is a C compiler (`cc`, `gcc-12`, `x86_64-linux-gnu-gcc`, `clang++`) or an `ld`.
    pub fn from_path(path: &Path) -> Tool {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_compiler = name.split('-').any(|word| C_COMPILERS.contains(&word));
        // The tool runs in another folder; a bare name is still looked up in PATH.
        let is_bare = path.components().count() == 1;
        let path = match is_bare {
            true => path.to_path_buf(),
            false => std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
        };
        Tool { path, is_compiler }
    }
}

/// The C compiler of this machine.
pub fn c_compiler() -> Result<Tool, Problem> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut build = cc::Build::new();
    build.target(&triple).host(&triple).opt_level(2).cargo_metadata(false).cargo_warnings(false);
    match build.try_get_compiler() {
        Ok(tool) => Ok(Tool { path: tool.path().to_path_buf(), is_compiler: true }),
        Err(error) => Err(Problem::new("no C compiler was found to link with")
            .with_code(Code::LinkerFailed)
            .with_note(error.to_string())
            .with_help("leave `--linker` out: the built-in linker needs no tools")),
    }
}

/// Links with that program.
pub fn link(
    tool: &Tool,
    request: &LinkRequest<'_>,
    system_libraries: &[(String, Vec<u8>)],
) -> Result<Vec<u8>, Problem> {
    let folder = tempfile::Builder::new().prefix("keopsc-link-").tempdir().map_err(|error| cannot_prepare(&error))?;
    write_inputs(folder.path(), request, system_libraries).map_err(|error| cannot_prepare(&error))?;

    let mut command = Command::new(&tool.path);
    command.args(arguments(tool, request, system_libraries)).current_dir(folder.path()).stdin(Stdio::null());
    let result = command.output().map_err(|error| cannot_run(tool, &system_words(&error)))?;
    if !result.status.success() {
        let words = [result.stderr, result.stdout].map(|text| String::from_utf8_lossy(&text).into_owned());
        return Err(failed(tool, &result.status.to_string(), words.concat().trim()));
    }
    std::fs::read(folder.path().join(OUTPUT))
        .map_err(|error| failed(tool, &format!("it wrote no output ({})", system_words(&error)), ""))
}

fn write_inputs(folder: &Path, request: &LinkRequest<'_>, system_libraries: &[(String, Vec<u8>)]) -> io::Result<()> {
    std::fs::write(folder.join(VERSION_SCRIPT), version_script(request.exports))?;
    for (name, bytes) in request.objects {
        std::fs::write(folder.join(name), bytes)?;
    }
    for (name, bytes) in system_libraries {
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn arguments(tool: &Tool, request: &LinkRequest<'_>, system_libraries: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut options = common_options(request);
    options.push(format!("--version-script={VERSION_SCRIPT}"));
    let mut arguments: Vec<String> = match tool.is_compiler {
        true => ["-shared", "-nostdlib"].map(str::to_owned).into(),
        false => Vec::new(),
    };
    arguments.extend(options.into_iter().map(|option| match tool.is_compiler {
        true => format!("-Wl,{option}"),
        false => option,
    }));
    arguments.extend(["-o".to_owned(), OUTPUT.to_owned()]);
    arguments.extend(request.objects.iter().map(|(name, _)| format!("./{name}")));
    arguments.extend(system_libraries.iter().map(|(name, _)| format!("./{name}")));
    arguments
}

fn cannot_prepare(error: &io::Error) -> Problem {
    let folder = std::env::temp_dir();
    Problem::new(format!("cannot write the linker's inputs below `{}`: {}", folder.display(), system_words(error)))
        .with_code(Code::CannotWrite)
        .with_help("set TMPDIR to a folder with room, or leave `--linker` out: the built-in linker writes no files")
}

fn cannot_run(tool: &Tool, reason: &str) -> Problem {
    Problem::new(format!("cannot run the linker `{}`: {reason}", tool.path.display()))
        .with_code(Code::LinkerFailed)
        .with_help("`--linker` takes `wild` (built in, the default), `cc` or the path of a linker")
}

fn failed(tool: &Tool, status: &str, words: &str) -> Problem {
    let problem =
        Problem::new(format!("the linker `{}` failed: {status}", tool.path.display())).with_code(Code::LinkerFailed);
    let problem = if words.is_empty() { problem } else { problem.with_note(words) };
    problem.with_help("leave `--linker` out to use the built-in linker")
}
