//! Prints a formula file after each pass: `cargo run -p keopsc-passes --example passes -- file.kf`.

use std::path::Path;

use keopsc_diagnostics::{Source, render};
use keopsc_passes::load::load;
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;

fn main() {
    let path = std::env::args().nth(1).unwrap_or_else(|| "-".to_owned());
    let text = std::fs::read_to_string(&path);
    let place = text.is_ok().then_some(Path::new(&path));
    let mut source = Source::new(path.as_str(), text.unwrap_or_else(|_| path.clone()));
    let loaded = load(&mut source, place);
    let mut show = |pass: &'static str, printed: &dyn std::fmt::Display| println!("==== {pass}\n{printed}");
    let result = loaded.and_then(|loaded| pipeline::run(&loaded.file, &Options::default(), &mut show));
    let diagnostics = result.map_or_else(|errors| errors, |output| output.warnings);
    print!("{}", render(&source, &diagnostics, false));
}
