//! C programs against the header and the library that the driver makes: all three layers of the ABI as a program of the level's architecture has them.

use std::path::Path;
use std::process::Command;

use keopsc_cpu::level::Level;
use keopsc_driver::formula::Formula;
use keopsc_driver::link::Linker;
use keopsc_driver::options::{FormulaOptions, Options};
use keopsc_driver::session;
use keopsc_tests::emulated::process::{c_compiler, emulator};
use keopsc_tests::{is_foreign, runnable_levels, support_code};

/// Programs of `gauss.h` that end with a status other than 0 where something is wrong.
const PROGRAMS: [&str; 3] = ["samples/c/gauss.c", "tests/c/layer2.c", "tests/c/shards.c"];

/// What `shards.c` asks of beside the sample's entries.
const WITHOUT_SHARDS: &str = "out conv_s = Grad(conv, sigma)\n";

#[test]
fn c_programs_agree_with_their_own_loops() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let formula = root.join("samples/gauss.kf");
    let text = std::fs::read_to_string(formula).expect("the sample is there") + WITHOUT_SHARDS;
    for level in runnable_levels() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_library(&text, level, folder.path());
        for program in PROGRAMS {
            run(level, &root.join(program), folder.path());
        }
    }
}

fn write_library(text: &str, level: &'static Level, folder: &Path) {
    let source = Formula::from_text("gauss.kf", text).expect("the sample is right");
    let (options, linker) = (FormulaOptions::default(), Linker::InProcess);
    let options = Options {
        name: "gauss".to_owned(),
        formula: options,
        levels: vec![level],
        linker,
        tiles: Vec::new(),
        layouts: Vec::new(),
        device: None,
    };
    let made =
        session::compile_with(support_code(level), &source, &options, "libgauss.so").expect("the sample compiles");
    std::fs::write(folder.join("libgauss.so"), made.library).expect("a writable temporary folder");
    std::fs::write(folder.join("gauss.h"), made.header).expect("a writable temporary folder");
}

/// Compiles the program beside the library and runs it.
fn run(level: &Level, source: &Path, folder: &Path) {
    let program = folder.join("program");
    let mut compiler = if is_foreign(level) { c_compiler(level.triple_arch) } else { Command::new("cc") };
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"]).arg(folder).arg(source).arg("-o").arg(&program);
    compiler.arg("-L").arg(folder).args(["-lgauss", "-lm", "-Wl,-rpath,$ORIGIN"]);
    succeeds(&mut compiler);
    match is_foreign(level) {
        true => succeeds(emulator(level.triple_arch).arg(&program)),
        false => succeeds(&mut Command::new(&program)),
    }
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat();
    assert!(output.status.success(), "{command:?}: {}\n{words}", output.status);
}
