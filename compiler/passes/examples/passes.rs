//! Prints a formula file after each pass: `cargo run -p keopsc-passes --example passes -- file.kf`.

use keopsc_diagnostics::{Diagnostic, Source, render};
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;

fn main() {
    let path = std::env::args().nth(1).unwrap_or_else(|| "-".to_owned());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| path.clone());
    let (file, errors) = keopsc_grammar::parse_file(&text);
    let mut diagnostics: Vec<Diagnostic> = errors.into_iter().map(Diagnostic::from).collect();
    let result = pipeline::run(&file, &Options::default(), &mut |pass, printed| println!("==== {pass}\n{printed}"));
    match result {
        Ok(output) => diagnostics.extend(output.warnings),
        Err(errors) => diagnostics.extend(errors),
    }
    print!("{}", render(&Source { name: path, text }, &diagnostics, false));
}
