//! Linking inside this process with `libwild`. No file is read or written: see [`super::memory_files`].

use libwild::Args;
use libwild::error::Result;
use object::Architecture;

use keopsc_diagnostics::Code;

use super::memory_files::MemoryFiles;
use super::{LinkRequest, common_options, version_script};
use crate::failure::Problem;

const VERSION_SCRIPT: &str = "exports.map";
const OUTPUT: &str = "output.so";

/// Links the request against the stubs of the system libraries.
pub fn link(
    machine: Architecture,
    request: &LinkRequest<'_>,
    system_libraries: &[(String, Vec<u8>)],
) -> Result<Vec<u8>> {
    let script = version_script(request.exports);
    let mut options = common_options(request);
    options.push(format!("--version-script={VERSION_SCRIPT}"));
    options.extend(request.objects.iter().map(|(name, _)| name.clone()));
    options.extend(system_libraries.iter().map(|(name, _)| name.clone()));

    let mut files = vec![(VERSION_SCRIPT, script.as_bytes())];
    files.extend(request.objects.iter().map(|(name, bytes)| (name.as_str(), *bytes)));
    files.extend(system_libraries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    run(machine, &options, &files)
}

/// Runs the linker on files in memory and gives the output's bytes.
pub fn run(machine: Architecture, options: &[&str], files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let fixed = ["ld", "-m", emulation(machine), "--no-identity-comment", "-o", OUTPUT];
    let arguments = || fixed.iter().chain(options).copied();
    let mut parsed = Args::new(arguments)?;
    parsed.on_warning(Box::new(|_| {}));
    parsed.parse(arguments)?;

    let memory = MemoryFiles::new(files);
    // One thread: a library of this size links in a millisecond, and no pool outlives the call.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let linker_files = memory.clone();
    pool.install(move || -> Result<()> {
        libwild::Linker::with_file_system(linker_files).run(&parsed)?;
        Ok(())
    })?;
    memory.take(OUTPUT).ok_or_else(|| libwild::error!("the linker wrote no output"))
}

/// What the linker said, as a problem of this machine.
pub fn problem(error: libwild::error::Error) -> Problem {
    Problem::new("the built-in linker failed")
        .with_code(Code::LinkerFailed)
        .with_note(error.to_string())
        .with_help("`--linker cc` links with the C compiler of this machine instead")
}

fn emulation(machine: Architecture) -> &'static str {
    match machine {
        Architecture::Aarch64 => "aarch64linux",
        _ => "elf_x86_64",
    }
}
