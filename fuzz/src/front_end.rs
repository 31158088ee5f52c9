//! What has to hold of any text that is taken for a formula file. The targets `parse` and `pipeline` ask it of what they find, the tests of the
//! workspace (`tests/tests/fuzz_corpus.rs`) of the inputs that are committed.

use std::fmt::Display;
use std::path::Path;

use keopsc_diagnostics::{Diagnostic, Source, render, to_json};
use keopsc_grammar::{parse_expression, parse_file, print_expression, print_file};
use keopsc_ir::{formula, plan};
use keopsc_passes::load::load;
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;
use keopsc_passes::schedule::{Machine, Ports, schedule};

/// The parser returns, its errors lie in the text and can be shown, and what it keeps prints to text that it reads again without a mistake.
pub fn parses(text: &str) {
    let (file, errors) = parse_file(text);
    for error in &errors {
        let (start, end) = (error.span.start as usize, error.span.end as usize);
        assert!(start <= end && text.is_char_boundary(start) && text.is_char_boundary(end), "{error:?}");
    }
    show(&Source::new("fuzz.kf", text), errors.into_iter().map(Diagnostic::from).collect());
    let printed = print_file(&file);
    assert_eq!(parse_file(&printed), (file, Vec::new()), "{printed}");
    if let Ok(expr) = parse_expression(text) {
        let printed = print_expression(&expr);
        assert_eq!(parse_expression(&printed).as_ref(), Ok(&expr), "{printed}");
    }
}

/// All passes return, their results are what they print, and so do the schedules and the text for GPUs. Tells whether the file was sound.
pub fn compiles(text: &str) -> bool {
    let mut source = Source::new("fuzz.kf", text);
    let file = match load(&mut source, Some(Path::new(NOWHERE))) {
        Ok(loaded) => loaded.file,
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty(), "refused without a word");
            show(&source, diagnostics);
            return false;
        }
    };
    let mut observer = |pass: &'static str, printed: &dyn Display| {
        let printed = printed.to_string();
        if pass == "plan" {
            let plans = plan::parse::parse_all(&printed).unwrap_or_else(|error| panic!("{error:?}: {printed}"));
            let again: String = plans.iter().map(plan::print::print).collect();
            assert_eq!(again, without_comments(&printed), "after {pass}");
        } else {
            let program = formula::parse::parse(&printed).unwrap_or_else(|error| panic!("{error:?}: {printed}"));
            assert_eq!(formula::print::print(&program), without_comments(&printed), "after {pass}");
        }
    };
    match pipeline::run(&file, &Options::default(), &mut observer) {
        Ok(output) => {
            show(&source, output.warnings);
            for plan in &output.plans {
                MACHINES.iter().for_each(|machine| drop(schedule(plan, machine)));
            }
            drop(keopsc_cuda::library(&output.plans));
            true
        }
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty(), "refused without a word");
            show(&source, diagnostics);
            false
        }
    }
}

fn show(source: &Source, diagnostics: Vec<Diagnostic>) {
    drop(render(source, &diagnostics, true));
    diagnostics.iter().for_each(|diagnostic| drop(to_json(source, diagnostic)));
}

fn without_comments(printed: &str) -> String {
    printed.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect()
}

/// Where texts are said to stand: there are no other files that they could use, but for the compiler's libraries.
const NOWHERE: &str = "/no-such-folder/fuzz.kf";

const PORTS: Ports = Ports { products: 2, sums: 2, computing: 4, loads: 2, stores: 2, all: 5, latency: 4, quotient: 5 };

/// A small machine and a large one.
const MACHINES: [Machine; 2] = [
    Machine { lanes_f32: 4, registers: 16, fused: false, tables: false, ports: PORTS },
    Machine { lanes_f32: 16, registers: 32, fused: true, tables: true, ports: PORTS },
];
