//! `keopsc explain`: what a code means, with an example; or how a formula is computed, in words, and what that costs.

use std::path::Path;

use keopsc_diagnostics::{Code, suggest};
use keopsc_driver::failure::Problem;
use keopsc_driver::session;

use super::{Stop, stop};
use crate::arguments::{Explain, SourceArguments};
use crate::{console, formula};

/// Runs the command.
pub fn run(arguments: &Explain) -> Result<(), Stop> {
    let code = arguments.subject.as_deref().and_then(Code::parse);
    let text = match code {
        Some(code) => code.explanation(),
        None => explain_formula(arguments)?,
    };
    Ok(console::output(text.as_bytes())?)
}

fn explain_formula(arguments: &Explain) -> Result<String, Stop> {
    if let Some(word) = arguments.subject.as_deref().filter(|subject| is_no_file(subject)) {
        return Err(unknown(word).into());
    }
    let source_arguments = SourceArguments {
        file: arguments.subject.as_ref().map(Into::into),
        expression: arguments.expression.clone(),
        name: None,
        dims: arguments.dims.clone(),
        dtype: arguments.dtype.clone(),
        sum: None,
        accumulate: None,
        algebra: arguments.algebra.clone(),
        products: None,
        only: Vec::new(),
    };
    let formula = formula::read(&source_arguments)?;
    let options = formula::formula_options(&source_arguments)?;
    let explained = match arguments.cost {
        true => session::costs(&formula, &options, arguments.json),
        false => session::explain(&formula, &options),
    };
    explained.map_err(stop(&formula))
}

/// A word that was meant as a code: it names no file and does not look like the path of one.
fn is_no_file(subject: &str) -> bool {
    subject != "-" && !subject.contains(['/', '.']) && !Path::new(subject).exists()
}

fn unknown(written: &str) -> Problem {
    let problem = Problem::new(format!("there is no code and no file `{written}`"));
    match suggest(written, Code::ALL.iter().map(|code| code.as_str())) {
        Some(near) => problem.with_help(format!("did you mean `{near}`?")),
        None => problem.with_help("codes look like E0101 and stand in brackets after the word `error`"),
    }
}
