//! No pass changes what a program computes: random programs before and after each, in float64.

use keopsc_ir::evaluation::{Array, Sizes};
use keopsc_ir::formula::verify::Stage;
use keopsc_ir::formula::{self, Program, generate};
use keopsc_ir::plan;
use keopsc_ir::random::Random;
use keopsc_ir::types::Algebra;
use keopsc_passes::{differentiate::differentiate, hoist::hoist, plan::plan, simplify::simplify};

use crate::cases::count;

pub const SIZES: &[Sizes] = &[Sizes { i: 3, j: 4 }, Sizes { i: 1, j: 5 }, Sizes { i: 4, j: 1 }];

/// All outputs of all entries, with inputs that follow from the seed, shifted a little where `shift` is not 0.
pub fn evaluate(program: &Program, sizes: Sizes, seed: u64, shift: f64) -> Vec<Array> {
    let mut results = Vec::new();
    for entry in &program.entries {
        let inputs = inputs(program, entry, sizes, seed, shift);
        results
            .extend(formula::evaluate::evaluate(program, entry, sizes, &inputs).expect("the program can be evaluated"));
    }
    results
}

/// The same by the entries' plans.
pub fn evaluate_plans(program: &Program, sizes: Sizes, seed: u64) -> Vec<Array> {
    let mut results = Vec::new();
    for (entry, plan) in program.entries.iter().zip(plan(program)) {
        let inputs = inputs(program, entry, sizes, seed, 0.0);
        results.extend(plan::evaluate::evaluate(&plan, sizes, &inputs).expect("the plan can be evaluated"));
    }
    results
}

fn inputs(program: &Program, entry: &formula::Entry, sizes: Sizes, seed: u64, shift: f64) -> Vec<Vec<f64>> {
    let mut inputs = generate::generate_inputs(program, entry, sizes, &mut Random::new(seed));
    let mut random = Random::new(seed ^ 0x5eed);
    inputs.iter_mut().flatten().for_each(|value| *value += shift * random.real(-1.0, 1.0));
    inputs
}

/// Equal up to rounding: `nearby` is the result for inputs that differ in the last digits, and says how much rounding is magnified.
pub fn assert_same(seed: u64, what: &str, before: &[Array], nearby: &[Array], after: &[Array]) {
    assert_eq!(before.len(), after.len(), "seed {seed}, {what}");
    for (number, ((before, nearby), after)) in before.iter().zip(nearby).zip(after).enumerate() {
        assert_eq!(before.values.len(), after.values.len(), "seed {seed}, {what}, output {number}");
        let magnitude =
            before.values.iter().filter(|value| value.is_finite()).fold(1e-6, |most: f64, value| most.max(value.abs()));
        for ((&before, &nearby), &after) in before.values.iter().zip(&nearby.values).zip(&after.values) {
            let tolerance = 1e-9 * magnitude + 1e3 * (before - nearby).abs();
            let same = !before.is_finite() || !nearby.is_finite() || (before - after).abs() <= tolerance;
            assert!(same, "seed {seed}, {what}, output {number}: {before:e} became {after:e}");
        }
    }
}

#[test]
fn simplified_programs_and_their_plans_compute_the_same() {
    for seed in 0..count(300) {
        let program = generate::generate(seed);
        let simplified = simplify(program.clone());
        formula::verify::verify(&simplified, Stage::Differentiated)
            .unwrap_or_else(|defects| panic!("seed {seed}: {defects:?}"));
        let hoisted = hoist(simplified.clone());
        formula::verify::verify(&hoisted, Stage::Differentiated)
            .unwrap_or_else(|defects| panic!("seed {seed}: {defects:?}"));
        for plan in plan(&hoisted) {
            plan::verify::verify(&plan)
                .unwrap_or_else(|defects| panic!("seed {seed}: {defects:?}\n{}", plan::print::print(&plan)));
        }
        for sizes in SIZES {
            let before = evaluate(&program, *sizes, seed, 0.0);
            let nearby = evaluate(&program, *sizes, seed, 1e-13);
            assert_same(seed, "simplify", &before, &nearby, &evaluate(&simplified, *sizes, seed, 0.0));
            assert_same(seed, "hoist", &before, &nearby, &evaluate(&hoisted, *sizes, seed, 0.0));
            assert_same(seed, "plan", &before, &nearby, &evaluate_plans(&hoisted, *sizes, seed));
        }
    }
}

#[test]
fn derivatives_survive_simplification() {
    for seed in 0..count(300) / 3 {
        let Ok(program) = differentiate(generate::generate_with_requests(seed)) else { continue };
        formula::verify::verify(&program, Stage::Differentiated)
            .unwrap_or_else(|defects| panic!("seed {seed}: {defects:?}"));
        let simplified = hoist(simplify(program.clone()));
        let sizes = SIZES[0];
        let before = evaluate(&program, sizes, seed, 0.0);
        let nearby = evaluate(&program, sizes, seed, 1e-13);
        assert_same(seed, "simplify", &before, &nearby, &evaluate(&simplified, sizes, seed, 0.0));
    }
}

/// Rules that undo each other would go on until the rounds are over, and leave something to do.
#[test]
fn what_is_simplified_cannot_be_simplified_further() {
    for seed in 0..count(300) {
        let mut program = generate::generate(seed);
        // Nodes of two algebras are numbered anew when they are joined, and operands are ordered by number.
        let algebra = if seed % 3 == 0 { Algebra::Fast } else { Algebra::Exact };
        program.entries.iter_mut().for_each(|entry| entry.numerics.algebra = algebra);
        let simplified = simplify(program);
        let again = simplify(simplified.clone());
        let text = |program: &Program| formula::print::print(program);
        assert!(text(&again) == text(&simplified), "seed {seed}:\n{}became\n{}", text(&simplified), text(&again));
    }
}
