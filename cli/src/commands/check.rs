//! `keopsc check`: the errors and warnings of a formula, and nothing else.

use keopsc_driver::session;

use super::{Stop, show_diagnostics, stop};
use crate::arguments::Check;
use crate::console::Console;
use crate::formula;

/// Runs the command.
pub fn run(arguments: &Check, console: &Console) -> Result<(), Stop> {
    let formula = formula::read(&arguments.source)?;
    let options = formula::formula_options(&arguments.source)?;
    let warnings = session::check(&formula, &options).map_err(stop(&formula))?;
    show_diagnostics(console, &formula.source, &warnings);
    Ok(())
}
