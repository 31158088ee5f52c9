//! `keopsc targets`: what code can be made for, and which of it runs here.

use keopsc_driver::targets::targets;

use super::Stop;
use crate::console;

/// Runs the command.
pub fn run() -> Result<(), Stop> {
    let lines = targets().into_iter().map(|target| {
        let levels: Vec<&str> = target.levels().iter().map(|level| level.name).collect();
        let made = match levels.as_slice() {
            [] => "not on this machine".to_owned(),
            [same] if *same == target.name => String::new(),
            levels => levels.join(", "),
        };
        let made = if made.is_empty() { made } else { format!(" ({made})") };
        format!("{:<12}  {}{made}\n", target.name, target.description)
    });
    Ok(console::output(lines.collect::<String>().as_bytes())?)
}
