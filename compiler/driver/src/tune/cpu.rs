//! Register tiles, timed on this processor in one thread.

use std::path::Path;
use std::time::Duration;

use keopsc_cpu::Library as Source;
use keopsc_cpu::level::Level;
use keopsc_diagnostics::Code;
use keopsc_ir::plan::Plan;
use keopsc_ir::plan::print::print;
use keopsc_passes::schedule::{self, Machine, Tile, schedule};
use keopsc_runtime::SUPPORT_OBJECT;
use keopsc_runtime::loader::{self, Library, thread_time};
use keopsc_runtime::support::processor_level;

use super::{Choice, Layout, Site, Sizes, timing};
use crate::cache::Key;
use crate::failure::{Failure, Problem};
use crate::options::Options;
use crate::session::{FrontEnd, code_generation, json, link_library};

/// Candidates of a pass that are timed.
const TIMED: usize = 4;

/// Inputs stay in a cache, and there are many columns for each row, as in problems that take long.
const SIZES: Sizes = Sizes { first_cycles: 1e7, whole_tiles: 192, few_rows: 2 * 192, most_numbers: 1 << 18 };

impl Layout for Tile {
    fn numbers(self) -> [u32; 2] {
        [self.row_vectors, self.columns]
    }

    fn from_numbers([row_vectors, columns]: [u32; 2]) -> Option<Tile> {
        Some(Tile { row_vectors, columns })
    }
}

/// As the scheduler takes it.
pub fn choice(Choice { plan, pass, layout }: Choice<Tile>) -> schedule::Choice {
    schedule::Choice { plan, pass, tile: layout }
}

/// This processor, with one instruction set.
pub struct Processor<'a> {
    front: &'a FrontEnd<'a>,
    options: &'a Options,
    level: &'static Level,
    machine: Machine,
}

impl<'a> Processor<'a> {
    /// For the one instruction set that there is to be code for.
    pub fn new(front: &'a FrontEnd<'a>, options: &'a Options) -> Result<Self, Problem> {
        let level = only_level(options)?;
        Ok(Processor { front, options, level, machine: level.machine() })
    }
}

impl Site for Processor<'_> {
    type Layout = Tile;

    fn key(&self, plan: &Plan) -> Key {
        Key::new(&[
            ("what", "tiles"),
            ("build", env!("KEOPSC_BUILD")),
            ("processor", &processor()),
            ("level", self.level.name),
            ("plan", &print(plan)),
        ])
    }

    fn candidates(&self, plan: usize, pass: usize) -> Vec<Tile> {
        let scheduled = schedule(&self.front.output.plans[plan], &self.machine);
        let (_, candidates) = scheduled.candidates(pass, &self.machine);
        candidates.iter().take(TIMED).map(|candidate| candidate.tile).collect()
    }

    fn library(&self, choices: &[Choice<Tile>], path: &Path) -> Result<Library, Failure> {
        let manifest = self.front.manifest(self.options);
        let tiles: Vec<_> = choices.iter().cloned().map(choice).collect();
        let source = Source {
            name: &self.options.name,
            plans: &self.front.output.plans,
            manifest: &json(&manifest)?,
            tiles: &tiles,
            has_device_code: false,
        };
        let objects = keopsc_cpu::compile(&source, &[self.level]).map_err(code_generation)?;
        let bytes = link_library(&objects, SUPPORT_OBJECT, &manifest, self.options, timing::SONAME)?;
        timing::open(&bytes, path)
    }

    fn sizes(&self) -> Sizes {
        SIZES
    }

    fn call(&self) -> loader::Options {
        loader::Options { threads: Some(1), ..loader::Options::default() }
    }

    fn now(&self) -> Duration {
        thread_time()
    }
}

/// The processor's own name for itself, as far as the system tells.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = |field: &str| text.lines().find(|line| line.starts_with(field)).unwrap_or_default().to_owned();
    ["vendor_id", "cpu family", "model", "stepping", "CPU part"].map(name).join("\n")
}

/// The one instruction set that is to be tuned for; it has to be one that this machine has.
fn only_level(options: &Options) -> Result<&'static Level, Problem> {
    let refused = |message: String, help: &str| Problem::new(message).with_code(Code::CannotTune).with_help(help);
    match options.levels[..] {
        [level] if level.requirement <= processor_level() => Ok(level),
        [level] => Err(refused(
            format!("code for `{}` cannot be timed here: this processor does not have it", level.name),
            "`--target native` is what this machine runs best",
        )),
        _ => Err(refused(
            format!("tuning is for one instruction set, and there are {}", options.levels.len()),
            "leave out `--target`, or name the one that this machine is to use",
        )),
    }
}

#[cfg(test)]
mod tests {
    use keopsc_cpu::level::X86_64_V2;

    use super::*;
    use crate::link::Linker;
    use crate::options::FormulaOptions;

    /// No processor has it.
    static FUTURE: Level = Level { name: "future", requirement: u32::MAX, ..X86_64_V2 };

    #[test]
    fn code_that_does_not_run_here_is_not_timed() {
        let options = Options {
            name: "k".to_owned(),
            formula: FormulaOptions::default(),
            levels: vec![&FUTURE],
            tiles: Vec::new(),
            layouts: Vec::new(),
            linker: Linker::InProcess,
            device: None,
        };
        let problem = only_level(&options).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "error[E0306]: code for `future` cannot be timed here: this processor does not have it\n  \
             = help: `--target native` is what this machine runs best"
        );
    }
}
