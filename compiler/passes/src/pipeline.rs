//! All passes in order, one line each. What is printed after a pass, its time, and the verification hang on that line.

use std::fmt;

use keopsc_diagnostics::Diagnostic;
use keopsc_grammar::syntax::File;
use keopsc_ir::defect::Defect;
use keopsc_ir::formula::{self, Program, verify::Stage};
use keopsc_ir::plan::{self, Plan, Verified};

use crate::resolve::Options;
use crate::{differentiate, hoist, plan as plan_pass, resolve, simplify};

/// What a file becomes.
#[derive(Clone, Debug)]
pub struct Output {
    /// The simplified formula graph.
    pub program: Program,
    /// The plan of each entry.
    pub plans: Vec<Verified>,
    /// What is worth saying although there is a result.
    pub warnings: Vec<Diagnostic>,
}

/// The names of the passes, for `--emit after:PASS`.
pub const PASSES: &[&str] = &["resolve", "differentiate", "simplify", "hoist", "plan"];

/// Told after each pass its name and its result, which prints itself on demand.
pub type Observer<'a> = dyn FnMut(&'static str, &dyn fmt::Display) + 'a;

/// Runs all passes that know nothing of machines. Panics where a pass leaves something that its verifier refuses: a defect.
pub fn run(file: &File, options: &Options, observer: &mut Observer<'_>) -> Result<Output, Vec<Diagnostic>> {
    let (program, warnings) = resolve::resolve(file, options);
    let program = program.ok_or_else(|| warnings.clone())?;
    let program = checked("resolve", program, Stage::Resolved, observer);
    let program = checked("differentiate", differentiate::differentiate(program)?, Stage::Differentiated, observer);
    let program = checked("simplify", simplify::simplify(program), Stage::Differentiated, observer);
    let program = checked("hoist", hoist::hoist(program), Stage::Differentiated, observer);
    let plans = checked_plans("plan", plan_pass::plan(&program), observer);
    Ok(Output { program, plans, warnings })
}

fn checked(pass: &'static str, program: Program, stage: Stage, observer: &mut Observer<'_>) -> Program {
    observer(pass, &Printed(&program));
    refuse_defects(pass, formula::verify::verify(&program, stage));
    program
}

fn checked_plans(pass: &'static str, plans: Vec<Plan>, observer: &mut Observer<'_>) -> Vec<Verified> {
    observer(pass, &PrintedPlans(&plans));
    plans.into_iter().map(|plan| refuse_defects(pass, Verified::new(plan))).collect()
}

fn refuse_defects<T>(pass: &str, verdict: Result<T, Vec<Defect>>) -> T {
    verdict.unwrap_or_else(|defects| {
        let list: Vec<String> = defects.iter().map(Defect::to_string).collect();
        panic!("after the pass `{pass}`: {}", list.join("; "))
    })
}

struct Printed<'a>(&'a Program);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&formula::print::print(self.0))
    }
}

struct PrintedPlans<'a>(&'a [Plan]);

impl fmt::Display for PrintedPlans<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|plan| formatter.write_str(&plan::print::print(plan)))
    }
}
