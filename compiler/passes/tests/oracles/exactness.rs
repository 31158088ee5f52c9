//! Passes preserve meaning bit for bit in numbers that do not round: random programs before and after each.
//!
//! Laws that hold for real numbers need not hold in another structure; which do is found out by trying. One that holds in none of the structures has
//! to be in [`REAL_LAWS`]; those are held by the tests in float64 alone. So is the evaluation of constants, which is float64's by definition.

use keopsc_ir::evaluation::{Array, Sizes};
use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::formula::{self, Entry, Program};
use keopsc_ir::plan;
use keopsc_ir::random::Random;
use keopsc_ops::catalogue::{self, ParsedLaw};
use keopsc_passes::plan::plan;
use keopsc_passes::without::Without;
use keopsc_passes::{differentiate::differentiate, hoist, simplify};

use crate::cases::{LAW_DIMS, count, law_program};
use crate::numbers::Exact;
use crate::numbers::field::Field;
use crate::numbers::pair::Pair;

/// Left sides of laws that need the real numbers: of roundings, and of functions whose stand-ins are not each other's inverses.
const REAL_LAWS: &[&str] = &[
    "Square(Sin(a)) + Square(Cos(a))",
    "Log(a) + Log(b)",
    "Log(a) - Log(b)",
    "a * Rsqrt(a)",
    "a / Sqrt(a)",
    "Square(Rsqrt(a))",
    "Powf(a, -0.5)",
    "Powf(a, 1.5)",
    "Log(Sqrt(a))",
    "Log(Inv(a))",
    "Log1p(Expm1(a))",
    "Floor(Floor(a))",
    "Ceil(Ceil(a))",
    "Trunc(Trunc(a))",
    "Round(Round(a, 0), 0)",
];

/// The rule that computes in float64 what is known when the formula is compiled.
const EVALUATE_CONSTANTS: &str = "evaluate_constants";

const SIZES: &[Sizes] = &[Sizes { i: 2, j: 3 }, Sizes { i: 3, j: 1 }];

/// What has to be left out for a pass to be exact in a structure.
pub fn inexact<N: Exact>() -> Without {
    let laws = catalogue::laws().filter(|law| !holds::<N>(law)).collect();
    Without { rules: vec![EVALUATE_CONSTANTS], laws }
}

/// Whether both sides of a law are equal for all of some random numbers.
fn holds<N: Exact>(law: &ParsedLaw) -> bool {
    let mut tried = 0;
    let right = LAW_DIMS.iter().copied().filter_map(|dims| law_program(law, dims)).all(|program| {
        tried += 1;
        (0..4).all(|seed| {
            let sides = evaluate::<N>(&program, SIZES[0], seed);
            let (left, right) = (&sides[0].values, &sides[1].values);
            // A law may give a scalar where a vector is meant.
            let rows = sides[0].values.len() / sides[0].dim.max(1);
            let repeated = if sides[1].dim == 1 { left.len() / rows.max(1) } else { 1 };
            assert_eq!(left.len(), right.len() * repeated, "{}", law.name);
            left.iter().enumerate().all(|(place, left)| *left == right[place / repeated])
        })
    });
    assert!(tried > 0, "the law {} has no formulas", law.name);
    right
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

fn check<N: Exact>(program: &Program, inexact: &Without, seed: u64) {
    let simplified = simplify::simplify_without(program.clone(), inexact);
    let hoisted = hoist::hoist_without(simplified.clone(), inexact);
    for &sizes in SIZES {
        let before = evaluate::<N>(program, sizes, seed);
        assert_eq!(evaluate::<N>(&simplified, sizes, seed), before, "seed {seed}: simplify");
        assert_eq!(evaluate::<N>(&hoisted, sizes, seed), before, "seed {seed}: hoist");
        assert_eq!(evaluate_plans::<N>(&hoisted, sizes, seed), before, "seed {seed}: plan");
    }
}

fn check_random_programs<N: Exact>(seeds: std::ops::Range<u64>) {
    let inexact = inexact::<N>();
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
    let mut wrong = Vec::new();
    for law in catalogue::laws() {
        let is_real = REAL_LAWS.contains(&law.law.left);
        let is_exact = holds::<Field>(law) || holds::<Pair>(law);
        if is_exact == is_real {
            wrong.push(format!("`{}`: exact {is_exact}, in REAL_LAWS {is_real}", law.law.left));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_that_are_left_out_exist() {
    assert!(simplify::rules().any(|rule| rule == EVALUATE_CONSTANTS));
    assert!(hoist::rules().any(|rule| rule == EVALUATE_CONSTANTS));
}

#[test]
fn passes_are_exact_in_a_field() {
    check_random_programs::<Field>(0..count(120));
}

#[test]
fn passes_are_exact_where_exponentials_of_sums_are_products() {
    check_random_programs::<Pair>(0..count(40));
}
