//! Plans → the layouts that are fastest on this machine, by timing the few that the cost models find best: register tiles on the processor, rows of a
//! thread or blocks of a multiprocessor on a GPU.
//!
//! ```text
//! for each pass of each plan:  remembered?  ─yes─▶ that layout
//!                              └─no─▶ libraries with each of the best candidates, timed in turn ─▶ the fastest, remembered
//! ```
//!
//! Invariant: a layout changes how fast a result is found and not one bit of it.

mod cpu;
mod gpu;
mod memory;
mod timing;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use keopsc_cuda::schedule as kernels;
use keopsc_ir::plan::Plan;
use keopsc_passes::schedule as tiles;
use keopsc_runtime::loader::{self, Library};

use crate::cache::{Cache, Key};
use crate::failure::{Failure, Problem};
use crate::formula::Formula;
use crate::options::Options;
use crate::session::{FrontEnd, front_end};

/// Another layout than the model's has to be faster by this factor, so that noise does not choose.
const LEAST_GAIN: f64 = 1.02;

/// What tuning found.
#[derive(Debug)]
pub struct Tuned {
    /// The tiles that are to be others than the model's.
    pub tiles: Vec<tiles::Choice>,
    /// The same for layouts of kernels.
    pub layouts: Vec<kernels::Choice>,
    /// What was found, a line a pass that has several layouts.
    pub findings: Vec<String>,
    /// Why the findings could not be remembered.
    pub forgotten: Option<Problem>,
}

/// What can be chosen for a pass: `3 x 8`.
trait Layout: Copy + PartialEq + fmt::Debug + fmt::Display {
    /// As two numbers.
    fn numbers(self) -> [u32; 2];
    /// What those numbers mean, if they are of one.
    fn from_numbers(numbers: [u32; 2]) -> Option<Self>;
}

/// A layout for a pass of a plan.
#[derive(Clone, Debug, PartialEq)]
struct Choice<L> {
    plan: String,
    pass: usize,
    layout: L,
}

/// What was found for a pass with several candidates.
#[derive(Clone, Debug, PartialEq)]
struct Finding<L> {
    /// The pass; the layout is the fastest.
    choice: Choice<L>,
    /// The cost model's layout.
    model: L,
    /// By which factor the plan is faster with the fastest.
    gain: f64,
    /// Each timed layout with the nanoseconds of a call; none if the finding was remembered.
    times: Vec<(L, f64)>,
}

/// `conv, pass 0: 3 x 8, 1.08 times as fast as with the model's 4 x 5`
impl<L: Layout> fmt::Display for Finding<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { choice: Choice { plan, pass, layout }, model, gain, times } = self;
        write!(f, "{plan}, pass {pass}: {layout}, ")?;
        match layout == model {
            true => write!(f, "the model's choice")?,
            false => write!(f, "{gain:.2} times as fast as with the model's {model}")?,
        }
        let timed = times.iter().map(|(layout, time)| format!("{layout}: {:.2} ms", time / 1e6));
        match times[..] {
            [] => write!(f, " (remembered)"),
            _ => write!(f, " ({})", timed.collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Where code is timed.
trait Site {
    /// What is chosen there.
    type Layout: Layout;
    /// What a finding for a plan depends on.
    fn key(&self, plan: &Plan) -> Key;
    /// The layouts of a pass that are worth timing, the model's first; fewer than two if there is nothing to choose.
    fn candidates(&self, plan: usize, pass: usize) -> Vec<Self::Layout>;
    /// A library with these layouts, written to a file and opened.
    fn library(&self, choices: &[Choice<Self::Layout>], path: &Path) -> Result<Library, Failure>;
    /// The sizes of problems.
    fn sizes(&self) -> Sizes;
    /// How calls are made.
    fn call(&self) -> loader::Options;
    /// The time that counts.
    fn now(&self) -> Duration;
}

/// The sizes of the problems that are timed.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Estimated cycles of a first call, which tells how many pairs a longer one has.
    first_cycles: f64,
    /// Rows are in whole tiles, whatever the layout is: a multiple of so many.
    whole_tiles: u64,
    /// Rows of the index that stays, at least.
    few_rows: u64,
    /// Numbers of an input at most.
    most_numbers: u64,
}

/// Times the best layouts of each pass of a formula on this machine, or remembers what was found before: on the GPU, if there is to be code for one, and
/// on the processor, unless there is to be code for a GPU and for several instruction sets.
pub fn tune(formula: &Formula, options: &Options, cache: &Cache) -> Result<Tuned, Failure> {
    let front = front_end(formula, &options.formula, &mut |_, _| {})?;
    let mut tuned = Tuned { tiles: Vec::new(), layouts: Vec::new(), findings: Vec::new(), forgotten: None };
    if options.device.is_none() || options.levels.len() == 1 {
        let choices = tuned.add(&cpu::Processor::new(&front, options)?, &front, cache)?;
        tuned.tiles = choices.into_iter().map(cpu::choice).collect();
    }
    if let Some(target) = &options.device {
        let choices = tuned.add(&gpu::Gpu::new(&front, options, target)?, &front, cache)?;
        tuned.layouts = choices.into_iter().map(gpu::choice).collect();
    }
    Ok(tuned)
}

impl Tuned {
    /// Adds what is found or remembered; gives the layouts that are not the model's.
    fn add<S: Site>(
        &mut self,
        site: &S,
        front: &FrontEnd<'_>,
        cache: &Cache,
    ) -> Result<Vec<Choice<S::Layout>>, Failure> {
        let plans = &front.output.plans;
        let mut findings = Vec::new();
        let mut open = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            match cache.recall(&site.key(plan)).and_then(|text| memory::read(&text, &plan.name)) {
                Some(found) => findings.extend(found),
                None => open.push(number),
            }
        }
        for (number, found) in open.iter().zip(timing::find(site, plans, &open)?) {
            let problem = cache.remember(&site.key(&plans[*number]), &memory::write(&found)).err();
            self.forgotten = self.forgotten.take().or(problem);
            findings.extend(found);
        }
        self.findings.extend(findings.iter().map(Finding::to_string));
        let others = findings.into_iter().filter(|finding| finding.choice.layout != finding.model);
        Ok(others.map(|finding| finding.choice).collect())
    }
}

#[cfg(test)]
mod tests {
    use keopsc_passes::schedule::Tile;

    use super::*;

    #[test]
    fn a_finding_is_a_line() {
        let tile = |row_vectors| Tile { row_vectors, columns: 8 };
        let choice = |layout| Choice { plan: "f".to_owned(), pass: 0, layout };
        let mut finding = Finding { choice: choice(tile(3)), model: tile(3), gain: 1.0, times: Vec::new() };
        assert_eq!(finding.to_string(), "f, pass 0: 3 x 8, the model's choice (remembered)");
        let times = vec![(tile(3), 5.4e6), (tile(2), 5e6)];
        finding = Finding { choice: choice(tile(2)), gain: 1.08, times, ..finding };
        assert_eq!(
            finding.to_string(),
            "f, pass 0: 2 x 8, 1.08 times as fast as with the model's 3 x 8 (3 x 8: 5.40 ms, 2 x 8: 5.00 ms)"
        );
    }
}
