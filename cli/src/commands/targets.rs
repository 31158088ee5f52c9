//! `keopsc targets`: what code can be made for, and which of it runs here.

use keopsc_driver::device::find::{Purpose, Search};
use keopsc_driver::targets::targets;

use super::Stop;
use crate::console;

/// Runs the command.
pub fn run() -> Result<(), Stop> {
    let lines = targets().into_iter().map(|target| {
        let levels: Vec<&str> = target.levels().iter().map(|level| level.name).collect();
        let made = match levels.as_slice() {
            _ if target.is_gpus() => device_compiler(),
            [] => "not on this machine".to_owned(),
            [same] if *same == target.name => String::new(),
            levels => levels.join(", "),
        };
        let made = if made.is_empty() { made } else { format!(" ({made})") };
        format!("{:<12}  {}{made}\n", target.name, target.description)
    });
    Ok(console::output(lines.collect::<String>().as_bytes())?)
}

/// Who compiles for GPUs, or what to do.
fn device_compiler() -> String {
    match Search::of_this_process().compiler(Purpose::ToKeep) {
        Ok(compiler) => match compiler.version() {
            Ok(version) => format!("by {version}, {}", compiler.path().display()),
            Err(words) => format!("not now: {} cannot be used, {words}", compiler.path().display()),
        },
        Err(problem) => format!("not now: {}; {}", problem.message, problem.help.unwrap_or_default()),
    }
}
