//! `keopsc check`: the errors and warnings of a formula, and nothing else.

use keopsc_driver::session;

use super::{Stop, show_diagnostics, stop};
use crate::arguments::Check;
use crate::console::Console;
use crate::formula;

/// Runs the command.
pub fn run(arguments: &Check, console: &Console) -> Result<(), Stop> {
    let source = formula::read_source(&arguments.source)?;
    let options = formula::formula_options(&arguments.source)?;
    let warnings = session::check(&source, &options).map_err(stop(&source))?;
    show_diagnostics(console, &source, &warnings);
    Ok(())
}
