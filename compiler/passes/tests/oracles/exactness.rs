//! Passes preserve meaning bit for bit in numbers that do not round: random programs before and after each.
//!
//! Laws that hold for real numbers need not hold in another structure; which do is found out by trying. One that holds in none of the structures has
//! to be in [`REAL_LAWS`]; those are held by the tests in float64 alone. So is the evaluation of constants, which is float64's by definition.

use keopsc_ir::evaluation::{Array, Sizes};
use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::formula::{self, Entry, NodeKind, Program};
use keopsc_ir::plan;
use keopsc_ir::random::Random;
use keopsc_ops::catalogue::{self, Condition, ParsedLaw};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Scalar;
use keopsc_passes::plan::plan;
use keopsc_passes::simplify::Switches;
use keopsc_passes::{differentiate::differentiate, hoist, simplify};

use crate::cases::count;
use crate::instances::{by_this_law, choices, file, program, was_applied};
use crate::numbers::Exact;
use crate::numbers::field::Field;
use crate::numbers::pair::Pair;

/// Laws that need the real numbers by what they say: their order, or functions that undo each other.
const REAL_LAWS: &[&str] = &[
    "Square(Sin(a)) + Square(Cos(a)) -> 1",
    "Log(a) + Log(b) -> Log(a * b)",
    "Log(a) - Log(b) -> Log(a / b)",
    "a * Rsqrt(a) -> Sqrt(a)",
    "Powf(a, -0.5) -> Inv(Sqrt(a))",
    "Powf(a, 1.5) -> a * Sqrt(a)",
    "Log(Sqrt(a)) -> 0.5 * Log(a)",
    "Log(Inv(a)) -> -Log(a)",
    "Floor(Floor(a)) -> Floor(a)",
    "Ceil(Ceil(a)) -> Ceil(a)",
    "Trunc(Trunc(a)) -> Trunc(a)",
    "Round(Round(a, 0), 0) -> Round(a, 0)",
    "Minimum(c, Minimum(d, a)) -> Minimum(Minimum(c, d), a)",
    "Maximum(c, Maximum(d, a)) -> Maximum(Maximum(c, d), a)",
    "IfElse(c, a, b) -> a if c >= 0",
];

/// The rule that computes in float64 what is known when the formula is compiled.
const EVALUATE_CONSTANTS: &str = "evaluate constants";

const SIZES: &[Sizes] = &[Sizes { i: 2, j: 3 }, Sizes { i: 3, j: 1 }];

/// How many instances of a law are tried.
const INSTANCES: usize = 4;

/// What has to be left out for a pass to be exact in a structure.
pub fn inexact<N: Exact>() -> Vec<String> {
    let laws = catalogue::laws().filter(|law| needs_real_numbers(law) || !holds::<N>(law)).map(|law| law.name.clone());
    std::iter::once(EVALUATE_CONSTANTS.to_owned()).chain(laws).collect()
}

/// Whether a law is about signs, of which only the real numbers have such that sums of squares are never below zero, or computes with
/// constants, which is done in float64.
fn needs_real_numbers(law: &ParsedLaw) -> bool {
    use Condition::{Exact, Moderate, Nonnegative, Positive};
    law.conditions.iter().any(|condition| matches!(condition, Nonnegative(_) | Positive(_) | Moderate(_) | Exact(_)))
}

/// Whether applying a law to instances of it changes nothing, for all of some random numbers.
fn holds<N: Exact>(law: &ParsedLaw) -> bool {
    let applied = choices(law, None).into_iter().filter_map(|choice| {
        let before = program(&file(&law.left, &choice, law))?;
        let (after, applied) = by_this_law(law, &before);
        was_applied(law, &applied).then_some((before, after))
    });
    let instances: Vec<(Program, Program)> = applied.take(INSTANCES).collect();
    assert!(!instances.is_empty(), "`{}` is never applied", law.name);
    instances.iter().all(|(before, after)| {
        (0..4).all(|seed| evaluate::<N>(before, SIZES[0], seed) == evaluate::<N>(after, SIZES[0], seed))
    })
}

/// All outputs of all entries, for numbers that follow from the seed.
pub fn evaluate<N: Exact>(program: &Program, sizes: Sizes, seed: u64) -> Vec<Array<N>> {
    let evaluate = |entry: &Entry| {
        let inputs = inputs(program, entry, sizes, seed);
        formula::evaluate::evaluate(program, entry, sizes, &inputs).expect("the program can be evaluated")
    };
    program.entries.iter().flat_map(evaluate).collect()
}

/// The same by the entries' plans.
pub fn evaluate_plans<N: Exact>(program: &Program, sizes: Sizes, seed: u64) -> Vec<Array<N>> {
    let evaluate = |(entry, plan): (&Entry, plan::Plan)| {
        let inputs = inputs(program, entry, sizes, seed);
        plan::evaluate::evaluate(&plan, sizes, &inputs).expect("the plan can be evaluated")
    };
    program.entries.iter().zip(plan(program)).flat_map(evaluate).collect()
}

/// What an input is follows from its number, as passes may change which inputs an entry uses, but not their order.
fn inputs<N: Exact>(program: &Program, entry: &Entry, sizes: Sizes, seed: u64) -> Vec<Vec<N>> {
    let values = |id: &formula::InputId| {
        let input = program.input(*id);
        let mut random = Random::new(seed ^ (u64::from(id.0) << 32));
        (0..sizes.rows(input.role) * input.dim as usize).map(|_| N::draw(&mut random)).collect()
    };
    entry.inputs.iter().map(values).collect()
}

/// Whether something in a program takes a root. Early laws, which cannot be left out, know that Square(Sqrt(a)) is a where a is no less than zero, for
/// reasons that are those of the real numbers; where the field has no root of a, it is not.
pub fn has_roots(program: &Program) -> bool {
    program.graph.nodes().any(|(_, node)| {
        let NodeKind::Operation { operation, parameters, arguments } = &node.kind else { return false };
        let recipe = catalogue::instantiate(*operation, &program.graph.dims(arguments), parameters);
        let mut found = false;
        let is_root = |part: &Scalar<u32>| matches!(part, Scalar::Call(Intrinsic::Sqrt | Intrinsic::Rsqrt, _));
        recipe.is_ok_and(|recipe| {
            recipe.visit(&mut |part| found |= is_root(part));
            found
        })
    })
}

pub fn check<N: Exact>(program: &Program, inexact: &Switches, seed: u64) {
    if has_roots(program) {
        return;
    }
    let (simplified, _) = simplify::simplify_with(program, inexact);
    let hoisted = hoist::hoist_with(&simplified, inexact);
    for &sizes in SIZES {
        let before = evaluate::<N>(program, sizes, seed);
        assert_eq!(evaluate::<N>(&simplified, sizes, seed), before, "seed {seed}: simplify");
        assert_eq!(evaluate::<N>(&hoisted, sizes, seed), before, "seed {seed}: hoist");
        assert_eq!(evaluate_plans::<N>(&hoisted, sizes, seed), before, "seed {seed}: plan");
    }
}

fn check_random_programs<N: Exact>(seeds: std::ops::Range<u64>) {
    let inexact = Switches::without(inexact::<N>());
    let mut derivatives = 0;
    for seed in seeds.clone() {
        check::<N>(&generate(seed), &inexact, seed);
        if let Ok(program) = differentiate(generate_with_requests(seed)) {
            check::<N>(&program, &inexact, seed);
            derivatives += 1;
        }
    }
    assert!(derivatives * 4 > seeds.end - seeds.start, "only {derivatives} programs with derivatives");
}

#[test]
fn laws_hold_in_some_structure() {
    let wrong: Vec<&str> = catalogue::laws()
        .filter(|law| !needs_real_numbers(law))
        .map(|law| (law, holds::<Field>(law) || holds::<Pair>(law)))
        .filter(|(law, exact)| *exact == REAL_LAWS.contains(&law.name.as_str()))
        .map(|(law, _)| law.name.as_str())
        .collect();
    assert!(wrong.is_empty(), "exact and in REAL_LAWS, or neither: {wrong:#?}");
}

#[test]
fn the_rule_that_is_left_out_exists() {
    assert!(simplify::names().iter().any(|rule| rule == EVALUATE_CONSTANTS));
    assert!(hoist::names().any(|rule| rule == EVALUATE_CONSTANTS));
}

#[test]
fn passes_are_exact_in_a_field() {
    check_random_programs::<Field>(0..count(120));
}

#[test]
fn passes_are_exact_where_exponentials_of_sums_are_products() {
    check_random_programs::<Pair>(0..count(40));
}
