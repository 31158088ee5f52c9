//! Plans → the tiles that are fastest on this machine, by timing the few that the cost model finds best.
//!
//! ```text
//! for each pass of each plan:  remembered?  ─yes─▶ that tile
//!                              └─no─▶ libraries with each of the best candidates, timed in turn ─▶ the fastest, remembered
//! ```
//!
//! Invariant: a tile changes how fast a result is found and not one bit of it.

mod memory;
mod timing;

use std::fmt;

use keopsc_cpu::level::Level;
use keopsc_diagnostics::Code;
use keopsc_ir::plan::Plan;
use keopsc_passes::schedule::{Candidate, Choice, Machine, Scheduled, Tile};
use keopsc_runtime::support::processor_level;

use crate::cache::Cache;
use crate::failure::{Failure, Problem};
use crate::formula::Formula;
use crate::options::Options;
use crate::session::{FrontEnd, front_end};

/// Candidates of a pass that are timed.
const TIMED: usize = 4;

/// Another tile than the model's has to be faster by this factor, so that noise does not choose.
const LEAST_GAIN: f64 = 1.02;

/// What tuning found.
#[derive(Debug)]
pub struct Tuned {
    /// The tiles that are to be others than the model's.
    pub tiles: Vec<Choice>,
    /// What was found, pass by pass.
    pub findings: Vec<Finding>,
    /// Why the findings could not be remembered.
    pub forgotten: Option<Problem>,
}

/// What was found for a pass with several candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The plan.
    pub plan: String,
    /// The pass.
    pub pass: usize,
    /// The cost model's tile.
    pub model: Tile,
    /// The fastest tile.
    pub chosen: Tile,
    /// By which factor the plan is faster with it.
    pub gain: f64,
    /// Each timed tile with the nanoseconds of a call; none if the finding was remembered.
    pub times: Vec<(Tile, f64)>,
}

/// `conv, pass 0: 3 x 8, 1.08 times as fast as with the model's 4 x 5`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { plan, pass, model, chosen, gain, times } = self;
        write!(f, "{plan}, pass {pass}: {chosen}, ")?;
        match chosen == model {
            true => write!(f, "the model's choice")?,
            false => write!(f, "{gain:.2} times as fast as with the model's {model}")?,
        }
        let timed = times.iter().map(|(tile, time)| format!("{tile}: {:.2} ms", time / 1e6));
        match times[..] {
            [] => write!(f, " (remembered)"),
            _ => write!(f, " ({})", timed.collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Times the best tiles of each pass of a formula on this machine, or remembers what was found before.
pub fn tune(formula: &Formula, options: &Options, cache: &Cache) -> Result<Tuned, Failure> {
    let level = only_level(options)?;
    let front = front_end(formula, &options.formula, &mut |_, _| {})?;
    let machine = level.machine();
    let plans = Plans { front: &front, options, level, machine };
    let (mut findings, mut forgotten) = (Vec::new(), None);
    let mut open = Vec::new();
    for (number, plan) in front.output.plans.iter().enumerate() {
        match cache.recall(&memory::key(plan, level)).and_then(|text| memory::read(&text, &plan.name)) {
            Some(found) => findings.extend(found),
            None => open.push(number),
        }
    }
    for (number, found) in open.iter().zip(timing::find(&plans, &open)?) {
        let plan = &front.output.plans[*number];
        forgotten = forgotten.or(cache.remember(&memory::key(plan, level), &memory::write(&found)).err());
        findings.extend(found);
    }
    let others = findings.iter().filter(|finding| finding.chosen != finding.model);
    let choice = |finding: &Finding| Choice { plan: finding.plan.clone(), pass: finding.pass, tile: finding.chosen };
    Ok(Tuned { tiles: others.map(choice).collect(), findings, forgotten })
}

/// The plans of a formula and where they are to run.
struct Plans<'a> {
    front: &'a FrontEnd<'a>,
    options: &'a Options,
    level: &'static Level,
    machine: Machine,
}

impl Plans<'_> {
    fn plan(&self, number: usize) -> &Plan {
        &self.front.output.plans[number]
    }

    fn scheduled(&self, number: usize) -> Scheduled {
        keopsc_passes::schedule::schedule(&self.front.output.plans[number], &self.machine)
    }

    /// The candidates of a pass that are worth timing, the model's first.
    fn candidates(&self, number: usize, pass: usize) -> Vec<Candidate> {
        let (_, mut candidates) = self.scheduled(number).candidates(pass, &self.machine);
        candidates.truncate(TIMED);
        candidates
    }
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

    #[test]
    fn a_finding_is_a_line() {
        let tile = |row_vectors| Tile { row_vectors, columns: 8 };
        let mut finding =
            Finding { plan: "f".to_owned(), pass: 0, model: tile(3), chosen: tile(3), gain: 1.0, times: Vec::new() };
        assert_eq!(finding.to_string(), "f, pass 0: 3 x 8, the model's choice (remembered)");
        finding = Finding { chosen: tile(2), gain: 1.08, times: vec![(tile(3), 5.4e6), (tile(2), 5e6)], ..finding };
        assert_eq!(
            finding.to_string(),
            "f, pass 0: 2 x 8, 1.08 times as fast as with the model's 3 x 8 (3 x 8: 5.40 ms, 2 x 8: 5.00 ms)"
        );
    }
}
