//! Every operation of which rules and laws know something, applied to every other one: what a pass may do to a formula two operations deep.
//!
//! Random programs seldom have just the two operations that a rule is about.

use keopsc_ir::formula::Program;
use keopsc_ir::random::Random;
use keopsc_ops::{OperationId, catalogue};
use keopsc_passes::simplify::Switches;
use keopsc_passes::{hoist::hoist, simplify::simplify};

use crate::cases::{call, count, operation_shapes, program_of};
use crate::exactness;
use crate::meaning;
use crate::numbers::field::Field;

/// The inputs of a formula as text, few enough that some are used twice.
struct Inputs {
    random: Random,
    dims: Vec<u32>,
}

impl Inputs {
    /// An input of that dimension.
    fn of(&mut self, dim: u32) -> String {
        let known: Vec<usize> = (0..self.dims.len()).filter(|&number| self.dims[number] == dim).collect();
        let number = match self.random.pick_any(&known) {
            Some(number) if self.random.percent(50) => number,
            _ => {
                self.dims.push(dim);
                self.dims.len() - 1
            }
        };
        format!("x{number}")
    }

    fn declarations(&self, shift: usize) -> String {
        let one =
            |(number, dim): (usize, &u32)| format!("x{number} = {}({dim})\n", ["Vi", "Vj", "Pm"][(number + shift) % 3]);
        self.dims.iter().enumerate().map(one).collect()
    }
}

/// `Sum[j](Outer(…, Inner(…), …))`; `None` where the dimensions do not fit.
fn composition(outer: OperationId, inner: OperationId, seed: u64) -> Option<Program> {
    let mut inputs = Inputs { random: Random::new(seed), dims: Vec::new() };
    let (inner_text, dim) = application(inner, &mut inputs, None)?;
    let (outer_text, _) = application(outer, &mut inputs, Some((inner_text, dim)))?;
    program_of(&format!("dtype f64\n{}out f = Sum[j]({outer_text})\n", inputs.declarations(seed as usize % 3)))
}

/// An operation on inputs, one of which may be another formula; with its dimension.
fn application(operation: OperationId, inputs: &mut Inputs, inside: Option<(String, u32)>) -> Option<(String, u32)> {
    let signature = catalogue::signature(operation);
    let count = signature.arguments.len();
    let place = inputs.random.below(count);
    let fits = |dims: &[u32], parameters: &[i64]| {
        let is_inside = inside.as_ref().is_none_or(|(_, dim)| dims.get(place) == Some(dim));
        is_inside && catalogue::infer_dim(operation, dims, parameters).is_ok_and(|dim| dim <= 12)
    };
    let (dims, parameters) = operation_shapes(operation, &mut inputs.random, fits)?;
    let dim = catalogue::infer_dim(operation, &dims, &parameters).ok()?;
    let mut arguments = Vec::new();
    for (number, &dim) in dims.iter().enumerate() {
        arguments.push(match &inside {
            Some((text, _)) if number == place => text.clone(),
            _ => inputs.of(dim),
        });
    }
    Some((call(signature, &arguments, &parameters)?, dim))
}

/// Checks the passes on a composition, in float64 and in a finite field; whether there is one.
fn check(outer: OperationId, inner: OperationId, inexact: &Switches, seed: u64) -> bool {
    let Some(program) = composition(outer, inner, seed) else { return false };
    let names = [outer, inner].map(|id| catalogue::operation(id).name);
    let sizes = meaning::SIZES[0];
    let [before, nearby] = [0.0, 1e-13].map(|shift| meaning::evaluate(&program, sizes, seed, shift));
    let after = meaning::evaluate_plans(&hoist(simplify(program.clone())), sizes, seed);
    meaning::assert_same(seed, &names.join(" of "), &before, &nearby, &after);
    exactness::check::<Field>(&program, inexact, seed);
    true
}

#[test]
fn operations_that_rules_know_of_each_other() {
    let known = |row: &catalogue::Operation| !row.laws.is_empty() || !row.linear_in.is_empty();
    let operations: Vec<OperationId> =
        catalogue::operations().filter(|(_, row)| known(row)).map(|(id, _)| id).collect();
    let inexact = Switches::without(exactness::inexact::<Field>());
    let pairs = operations.iter().flat_map(|&outer| operations.iter().map(move |&inner| (outer, inner)));
    // The long run takes all pairs, the usual one every so many.
    let step = (operations.len().pow(2) as u64 / count(600)).max(1) as usize;
    let pairs: Vec<(OperationId, OperationId)> = pairs.step_by(step).collect();
    let seed = |outer: OperationId, inner: OperationId| u64::from(outer.0) * 1000 + u64::from(inner.0);
    let all = pairs.len();
    let is_checked = |&(outer, inner): &(OperationId, OperationId)| check(outer, inner, &inexact, seed(outer, inner));
    let checked = pairs.iter().filter(|pair| is_checked(pair)).count();
    assert!(checked * 10 > all * 8, "only {checked} of {all}");
}

#[test]
fn any_operations_of_each_other() {
    let operations: Vec<OperationId> = catalogue::operations().map(|(id, _)| id).collect();
    let inexact = Switches::without(exactness::inexact::<Field>());
    let cases = count(400);
    let is_checked = |seed: &u64| {
        let mut random = Random::new(*seed);
        check(random.pick(&operations), random.pick(&operations), &inexact, *seed)
    };
    let checked = (0..cases).filter(is_checked).count() as u64;
    assert!(checked * 2 > cases, "only {checked} of {cases}");
}
