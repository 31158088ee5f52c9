//! `keopsc explain E0101`: what a code means, with an example.

use keopsc_diagnostics::{Code, suggest};
use keopsc_driver::failure::Problem;

use super::Stop;
use crate::arguments::Explain;
use crate::console;

/// Runs the command.
pub fn run(arguments: &Explain) -> Result<(), Stop> {
    let code = Code::parse(&arguments.code).ok_or_else(|| unknown(&arguments.code))?;
    Ok(console::output(code.explanation().as_bytes())?)
}

fn unknown(written: &str) -> Problem {
    let problem = Problem::new(format!("there is no code `{written}`"));
    match suggest(written, Code::ALL.iter().map(|code| code.as_str())) {
        Some(near) => problem.with_help(format!("did you mean `{near}`?")),
        None => problem.with_help("codes look like E0101 and stand in brackets after the word `error`"),
    }
}
