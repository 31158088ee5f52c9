//! The text cases of this crate: a formula file in, what is said or made of it out.
//!
//! `tests/cases/diagnostics/NAME.kf` has mistakes, `NAME.txt` beside it what the user reads. `tests/cases/stages/NAME.kf` has none, `NAME.txt`
//! is the file after each pass. `tests/cases/layouts/NAME.txt` is how the passes of `NAME.kf` are laid out on three machines. `used` beside them has files that cases use. `BLESS=1 cargo test -p keopsc-passes --test cases` writes the expected texts anew; read the difference.

#[path = "support/machines.rs"]
mod machines;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use keopsc_diagnostics::{Code, Source, render};
use keopsc_passes::load::load;
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;
use keopsc_passes::schedule::{Candidate, Instructions, Machine, PassSchedule, Scheduled, Work, schedule};
use machines::MACHINES;

struct Outcome {
    codes: Vec<Code>,
    said: String,
    stages: String,
}

fn run(path: &Path) -> Outcome {
    let text = std::fs::read_to_string(path).expect("the case can be read");
    run_text(path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned()), text, Some(path))
}

fn run_text(name: String, text: String, path: Option<&Path>) -> Outcome {
    let mut source = Source::new(name, text.as_str());
    let loaded = load(&mut source, path);
    let mut stages = String::new();
    let mut before = String::new();
    let mut observer = |pass: &'static str, printed: &dyn std::fmt::Display| {
        let printed = printed.to_string();
        let shown = if printed == before { "(unchanged)\n" } else { printed.as_str() };
        write!(stages, "---- {pass}\n{}\n", shown.trim_end()).expect("strings can be written to");
        before.clone_from(&printed);
    };
    let result = loaded.and_then(|loaded| pipeline::run(&loaded.file, &options(&text), &mut observer));
    let diagnostics = result.map_or_else(|found| found, |output| output.warnings);
    let codes = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    // Where the cases lie is not the same everywhere.
    let folder = path.and_then(Path::parent).map_or(String::new(), |folder| format!("{}/", folder.display()));
    Outcome { codes, said: render(&source, &diagnostics, false).replace(&folder, ""), stages }
}

/// `# dims: D=4, E=5` in the first line stands for `-D D=4 -D E=5`, `# only: f, g` for `--only f,g`.
fn options(text: &str) -> Options {
    let list = |prefix: &str| text.lines().next().and_then(|line| line.strip_prefix(prefix)).unwrap_or("");
    let one = |item: &str| {
        let (name, value) = item.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().parse().ok()?))
    };
    let names = list("# only: ").split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    Options { dims: list("# dims: ").split(',').filter_map(one).collect(), only: names.collect(), ..Options::default() }
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "kf"));
    paths.sort();
    assert!(!paths.is_empty(), "no cases in {}", folder.display());
    paths
}

/// Compares with the text beside the case, or writes it.
fn compare(path: &Path, found: &str, failures: &mut Vec<String>) {
    let expected = path.with_extension("txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&expected, found).expect("the expected text can be written");
        return;
    }
    let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
    if wanted != found {
        failures.push(format!("{}\n---- expected\n{wanted}\n---- found\n{found}", path.display()));
    }
}

fn is_of_meaning(code: Code) -> bool {
    code.as_str().starts_with("E02") || code.as_str().starts_with("W02")
}

#[test]
fn diagnostics() {
    let mut failures = Vec::new();
    let mut seen = BTreeSet::new();
    for path in cases("diagnostics") {
        let outcome = run(&path);
        assert!(!outcome.codes.is_empty(), "{} has no mistake", path.display());
        seen.extend(outcome.codes);
        compare(&path, &outcome.said, &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let of_meaning = |code: &&Code| is_of_meaning(**code);
    let missing: Vec<&Code> = Code::ALL.iter().filter(of_meaning).filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn examples_of_codes() {
    for code in Code::ALL.iter().filter(|code| is_of_meaning(**code)) {
        let run = |text: &str| run_text(code.to_string(), text.to_owned(), None);
        if !code.wrong_example().is_empty() {
            assert!(
                run(code.wrong_example()).codes.contains(code),
                "the wrong example of {code} gives\n{}",
                run(code.wrong_example()).said
            );
        }
        if !code.right_example().is_empty() {
            assert!(
                run(code.right_example()).codes.is_empty(),
                "the right example of {code} gives\n{}",
                run(code.right_example()).said
            );
        }
    }
}

#[test]
fn stages() {
    let mut failures = Vec::new();
    for path in cases("stages") {
        let outcome = run(&path);
        assert!(outcome.said.is_empty(), "{}: {}", path.display(), outcome.said);
        compare(&path, &outcome.stages, &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn layouts() {
    let mut failures = Vec::new();
    for path in cases("layouts") {
        let text = std::fs::read_to_string(&path).expect("the case can be read");
        let (file, errors) = keopsc_grammar::parse_file(&text);
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        let output = pipeline::run(&file, &Options::default(), &mut |_, _| {}).expect("it is sound");
        let laid_out = output.plans.iter().flat_map(|plan| MACHINES.map(|machine| (schedule(plan, &machine), machine)));
        compare(
            &path,
            &laid_out.map(|(scheduled, machine)| layout(&scheduled, &machine)).collect::<String>(),
            &mut failures,
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The layout of each pass, its work, and the tiles that it can have, the best first.
fn layout(scheduled: &Scheduled, machine: &Machine) -> String {
    let name = &scheduled.plan().name;
    let one = |(number, (_, layout)): (usize, (_, &PassSchedule))| {
        let PassSchedule { lanes, accumulate, chunk, order, block, unroll, rows_in_registers, pair_cost, .. } = layout;
        let PassSchedule { updates, components, blocked, storage, contractions, .. } = layout;
        let (Work { pairs, contractions: contracted }, candidates) = scheduled.candidates(number, machine);
        let tiles: String = candidates.iter().map(tile).collect();
        format!(
            "{name}, pass {number}: {lanes} lanes, {registers} registers, fused {fused}\n  chunks of {chunk} ({order:?}), blocks of {block}{waiting}, \
             unrolled {unroll}, rows in registers {rows_in_registers}, {pair_cost} sixteenths of a cycle\n  accumulators {accumulate:?} {updates:?} \
             {components:?} {blocked:?}\n  values {storage:?}, contracted {contractions:?}\n  pairs {}\n  contractions {}\n{tiles}",
            instructions(&pairs),
            instructions(&contracted),
            waiting = if layout.has_blocks() { ", which wait" } else { "" },
            registers = machine.registers,
            fused = machine.fused,
        )
    };
    let passes: String = scheduled.passes().enumerate().map(one).collect();
    let for_ranges = scheduled.for_ranges().map(|other| format!("with ranges: {}", layout(other, machine)));
    passes + &for_ranges.unwrap_or_default()
}

fn instructions(counted: &Instructions) -> String {
    let Instructions { products, sums, lookups, quotients, loads, stores, column_loads, carried } = counted;
    format!(
        "{products} products, {sums} sums, {lookups} look-ups, {quotients} quotients, {loads} + {column_loads} loads, {stores} stores, {carried} carried"
    )
}

fn tile(Candidate { tile, cycles, registers, bound }: &Candidate) -> String {
    format!("  tile {tile}: {cycles:.3} cycles, {registers} registers, {bound:?}\n")
}
