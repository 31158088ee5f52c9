//! An example: a formula file with one output and numbers for its inputs, and what the front end and the float64 interpreter make of it.

use keopsc_grammar::parse_file;
use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::Program;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_passes::differentiate::differentiate;
use keopsc_passes::resolve::{Options, resolve};

/// A formula file with one output, numbers for its inputs, and the results.
#[derive(Clone, Debug)]
pub struct Example {
    /// The file, without a storage type: its output is called `result`.
    pub source: String,
    /// Rows.
    pub sizes: Sizes,
    /// `rows × dim` numbers for each input, in the order in which the file declares them.
    pub inputs: Vec<Vec<f64>>,
    /// The interpreter's float64 results: one, or values and row numbers.
    pub results: Vec<Vec<f64>>,
    /// How many rows they have.
    pub rows: usize,
}

/// An input of an example: how it is declared, and its numbers.
pub(super) type Given = (String, Vec<f64>);

impl Example {
    /// The results of `formula` over inputs `(x = Vi(2), …)`, or why there are none.
    pub(super) fn compute(given: &[Given], formula: &str, sizes: Sizes) -> Result<Example, String> {
        let declarations: Vec<&str> = given.iter().map(|(declaration, _)| declaration.as_str()).collect();
        let source = format!("{}\nout result = {formula}\n", declarations.join("; "));
        let program = program(&source)?;
        let entry = &program.entries[0];
        let inputs: Vec<Vec<f64>> = entry.inputs.iter().map(|id| given[id.0 as usize].1.clone()).collect();
        let results = evaluate(&program, entry, sizes, &inputs).map_err(|error| error.to_string())?;
        let results = results.into_iter().map(|array| array.values).collect();
        let rows = sizes.rows(entry.outputs[0].rows);
        Ok(Example { source, sizes, inputs, results, rows })
    }
}

/// A formula file as a graph without requests for derivatives, and not simplified; or the first thing that is wrong with it.
pub fn program(source: &str) -> Result<Program, String> {
    let (file, errors) = parse_file(source);
    if let Some(error) = errors.first() {
        return Err(error.message.clone());
    }
    let (program, diagnostics) = resolve(&file, &Options::default());
    let first = |diagnostics: Vec<keopsc_diagnostics::Diagnostic>| {
        diagnostics.first().map(|d| d.message.clone()).unwrap_or_default()
    };
    differentiate(program.ok_or_else(|| first(diagnostics))?).map_err(first)
}
