//! Many cases as one library: what compiled code makes of a point, in one precision.

use keopsc_grammar::parse_file;
use keopsc_ir::plan::Verified;
use keopsc_ir::types::ScalarType;
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;
use keopsc_tests::{Compiled, compile, runnable_levels};

use super::formulas::Case;
use super::interpreter::{Point, SIZES};

/// All outputs of all cases, but for the sums of gradients, which only the interpreter needs.
pub struct Library {
    compiled: Compiled,
    names: Vec<String>,
}

impl Library {
    /// Compiles cases in a precision, for the best level that runs here.
    pub fn new(cases: &[Case], scalar: ScalarType) -> Library {
        let plans: Vec<Verified> = cases.iter().flat_map(|case| plans(case, scalar)).collect();
        let names = plans.iter().map(|plan| plan.name.clone()).collect();
        let level = runnable_levels().pop().expect("a level that this processor runs");
        Library { compiled: compile(&plans, level), names }
    }

    /// What an entry gives at a point of its case: its outputs one after the other.
    pub fn run(&self, case: &Case, entry: usize, point: &Point<'_>) -> Vec<f64> {
        let entry = &case.program.entries[entry];
        let number = self.names.iter().position(|name| *name == entry.name).expect("a compiled entry");
        self.compiled.run(number, SIZES, &point.inputs(entry)).concat()
    }
}

/// The plans of a case in the order of its entries.
fn plans(case: &Case, scalar: ScalarType) -> Vec<Verified> {
    let (file, errors) = parse_file(&case.source);
    assert!(errors.is_empty(), "{}: {errors:?}", case.source);
    let options = Options { dtype: Some(scalar), ..Options::default() };
    let output = pipeline::run(&file, &options, &mut |_, _| {});
    let plans = output.unwrap_or_else(|errors| panic!("{}: {errors:?}", case.source)).plans;
    case.compiled().map(|entry| plans[entry].clone()).collect()
}
