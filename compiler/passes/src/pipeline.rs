//! All passes in order, one line each. What is printed after a pass, its time, and the verification hang on that line.

use std::fmt;

use keopsc_diagnostics::Diagnostic;
use keopsc_grammar::syntax::File;
use keopsc_ir::defect::Defect;
use keopsc_ir::formula::cost::{Cost, cost, plan_cost};
use keopsc_ir::formula::{self, Program, verify::Stage};
use keopsc_ir::plan::{self, Plan, Verified};

use crate::resolve::Options;
use crate::simplify::{Applied, DENSE_ONLY, Switches};
use crate::{differentiate, hoist, plan as plan_pass, resolve, simplify};

/// What a file becomes.
#[derive(Clone, Debug)]
pub struct Output {
    /// The simplified formula graph.
    pub program: Program,
    /// The plan of each entry.
    pub plans: Vec<Verified>,
    /// What each entry would cost as differentiated, and what its plan costs.
    pub costs: Vec<Saving>,
    /// What is worth saying although there is a result.
    pub warnings: Vec<Diagnostic>,
}

/// The work of an entry before and after the passes that save some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// The differentiated formulas as they are.
    pub before: Cost,
    /// The plan.
    pub after: Cost,
}

/// The names of the passes, for `--emit after:PASS`.
pub const PASSES: &[&str] = &["resolve", "differentiate", "simplify", "hoist", "plan"];

/// Told after each pass its name and its result, which prints itself on demand.
pub type Observer<'a> = dyn FnMut(&'static str, &dyn fmt::Display) + 'a;

/// Runs all passes that know nothing of machines. Panics where a pass leaves something that its verifier refuses: a defect.
pub fn run(file: &File, options: &Options, observer: &mut Observer<'_>) -> Result<Output, Vec<Diagnostic>> {
    let (program, warnings) = resolve::resolve(file, options);
    let program = program.ok_or_else(|| warnings.clone())?;
    let switches = Switches::default();
    let program = checked("resolve", program, "", Stage::Resolved, observer);
    let program = checked("differentiate", differentiate::differentiate(program)?, "", Stage::Differentiated, observer);
    let before: Vec<Cost> = program.entries.iter().map(|entry| cost(&program, entry)).collect();
    let (simplified, applied) = simplify::simplify_with(&program, &switches);
    let for_ranges = plans_for_ranges(&program, &applied);
    let program = checked("simplify", simplified, applied, Stage::Differentiated, observer);
    let program = checked("hoist", hoist::hoist(program), "", Stage::Differentiated, observer);
    let plans = plan_pass::plan(&program);
    let costs: Vec<Saving> =
        before.into_iter().zip(&plans).map(|(before, plan)| Saving { before, after: plan_cost(plan) }).collect();
    let plans = checked_plans("plan", plans, for_ranges, &costs, observer);
    Ok(Output { program, plans, costs, warnings })
}

/// `notes` are comment lines that stand above the printed program.
fn checked(
    pass: &'static str,
    program: Program,
    notes: impl fmt::Display,
    stage: Stage,
    observer: &mut Observer<'_>,
) -> Program {
    observer(pass, &Printed(&program, notes));
    refuse_defects(pass, formula::verify::verify(&program, stage));
    program
}

/// The plans for calls in which only some pairs count, if a rule was applied that does not hold there: the same passes without it.
fn plans_for_ranges(program: &Program, applied: &Applied) -> Option<Vec<Plan>> {
    applied.iter().find(|(name, _)| *name == DENSE_ONLY)?;
    let (program, _) = simplify::simplify_with(program, &Switches::without([DENSE_ONLY]));
    let mut unobserved = |_: &'static str, _: &dyn fmt::Display| {};
    let program = checked("simplify", program, "", Stage::Differentiated, &mut unobserved);
    let program = checked("hoist", hoist::hoist(program), "", Stage::Differentiated, &mut unobserved);
    Some(plan_pass::plan(&program))
}

fn checked_plans(
    pass: &'static str,
    plans: Vec<Plan>,
    for_ranges: Option<Vec<Plan>>,
    costs: &[Saving],
    observer: &mut Observer<'_>,
) -> Vec<Verified> {
    let verified = |plan| refuse_defects(pass, Verified::new(plan));
    let mut plans: Vec<Verified> = plans.into_iter().map(verified).collect();
    if let Some(others) = for_ranges {
        plans = plans.into_iter().zip(others).map(|(plan, other)| plan.with_ranges(verified(other))).collect();
    }
    observer(pass, &PrintedPlans(&plans, costs));
    plans
}

fn refuse_defects<T>(pass: &str, verdict: Result<T, Vec<Defect>>) -> T {
    verdict.unwrap_or_else(|defects| {
        let list: Vec<String> = defects.iter().map(Defect::to_string).collect();
        panic!("after the pass `{pass}`: {}", list.join("; "))
    })
}

struct Printed<'a, N>(&'a Program, N);

impl<N: fmt::Display> fmt::Display for Printed<'_, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.1, formula::print::print(self.0))
    }
}

/// Plans, each below comment lines that say what it costs and what its formulas would have cost, and above what is done instead if only some
/// pairs count, as comment lines.
struct PrintedPlans<'a>(&'a [Verified], &'a [Saving]);

impl fmt::Display for PrintedPlans<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().zip(self.1).try_for_each(|(plan, Saving { before, after })| {
            write!(formatter, "# as written: {before}\n# as planned: {after}\n{}", plan::print::print(plan))?;
            let Some(plan) = plan.for_ranges() else { return Ok(()) };
            writeln!(formatter, "# with block-sparse ranges:")?;
            plan::print::print(plan).lines().try_for_each(|line| writeln!(formatter, "# {line}"))
        })
    }
}
