//! No optimisation changes the answer: everything that may be left out is left out in turn, each pass, each rule and each law.
//!
//! The answer is that of the formulas before any optimisation, in float64 and in a finite field.

use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::formula::{Program, verify};
use keopsc_ir::plan;
use keopsc_ops::catalogue;
use keopsc_passes::simplify::Switches;
use keopsc_passes::{differentiate::differentiate, hoist, plan::plan, simplify};

use crate::cases::{count, files, program_of};
use crate::exactness;
use crate::instances::{choices, file, program};
use crate::meaning::{SIZES, assert_same, evaluate, evaluate_plans};
use crate::numbers::field::Field;

/// What is left out.
#[derive(Clone)]
enum Switch {
    Nothing,
    Simplify,
    Hoist,
    /// A rule or law, by name.
    One(String),
}

fn switches() -> Vec<Switch> {
    let mut names = simplify::names();
    names.extend(hoist::names().map(str::to_owned));
    names.sort_unstable();
    names.dedup();
    [Switch::Nothing, Switch::Simplify, Switch::Hoist].into_iter().chain(names.into_iter().map(Switch::One)).collect()
}

impl Switch {
    fn name(&self) -> String {
        match self {
            Switch::Nothing => "nothing left out".to_owned(),
            Switch::Simplify => "without simplify".to_owned(),
            Switch::Hoist => "without hoist".to_owned(),
            Switch::One(name) => format!("without `{name}`"),
        }
    }

    /// The program after the passes that are left, leaving out in them what `base` names as well.
    fn optimise(&self, program: &Program, base: &[String]) -> Program {
        let own = match self {
            Switch::One(name) => Some(name.clone()),
            _ => None,
        };
        let switches = Switches::without(base.iter().cloned().chain(own));
        let program = match self {
            Switch::Simplify => program.clone(),
            _ => simplify::simplify_with(program, &switches).0,
        };
        match self {
            Switch::Hoist => program,
            _ => hoist::hoist_with(&program, &switches),
        }
    }
}

/// A program without requests, under a name.
type Named = (String, Program);

/// Formulas for rules that neither files nor laws need.
const RULES_SHOWN_BY: &[&str] = &[
    "Scalprod(ElemT(b, 3, 1), y)",
    "SumT(b, 3) * y",
    "Exp(SumT(b, 3))",
    "Sum(SumT(b, 3))",
    "Elem(Concat(y, z), 4)",
    "Elem(Concat(y, z), 1)",
    "Elem(ElemT(b, 3, 1), 1) + Elem(ElemT(b, 3, 1), 2)",
    "Elem(y * b, 2)",
    "Sum(b * y)",
    "Scalprod(b * y, y)",
];

/// The files, a formula of the shape of each law, and formulas for rules.
fn written_programs() -> Vec<Named> {
    let of_laws = catalogue::laws().flat_map(|law| {
        let instances = choices(law, None).into_iter().filter_map(|choice| program(&file(&law.left, &choice, law)));
        instances.take(2).map(|instance| (law.name.clone(), instance)).collect::<Vec<Named>>()
    });
    let of_rules = RULES_SHOWN_BY.iter().map(|formula| {
        let program = program_of(&format!("b = Vj(1); y = Vj(3); z = Vj(2)\nout f = Sum[j]({formula})"));
        ((*formula).to_owned(), program.expect("it is sound"))
    });
    // Only files have requests; the others are left as they are, as differentiation applies early laws.
    let differentiated = |program: Program| differentiate(program).expect("it can be differentiated");
    let files = files().into_iter().map(|(name, program)| (name, differentiated(program)));
    files.chain(of_laws).chain(of_rules).collect()
}

fn random_programs(seeds: std::ops::Range<u64>) -> Vec<Named> {
    let one = |seed: u64| {
        let program = if seed.is_multiple_of(2) {
            Some(generate(seed))
        } else {
            differentiate(generate_with_requests(seed)).ok()
        };
        program.map(|program| (format!("seed {seed}"), program))
    };
    seeds.filter_map(one).collect()
}

fn check(switch: &Switch, (name, program): &Named, inexact: &[String], seed: u64) {
    let what = format!("{name}, {}", switch.name());
    let optimised = switch.optimise(program, &[]);
    verify::verify(&optimised, verify::Stage::Differentiated).unwrap_or_else(|defects| panic!("{what}: {defects:?}"));
    for plan in plan(&optimised) {
        plan::verify::verify(&plan).unwrap_or_else(|defects| panic!("{what}: {defects:?}"));
    }
    let sizes = SIZES[seed as usize % SIZES.len()];
    let before = evaluate(program, sizes, seed, 0.0);
    let nearby = evaluate(program, sizes, seed, 1e-13);
    assert_same(seed, &what, &before, &nearby, &evaluate_plans(&optimised, sizes, seed));

    if exactness::has_roots(program) {
        return;
    }
    let exact = switch.optimise(program, inexact);
    let before = exactness::evaluate::<Field>(program, sizes, seed);
    assert_eq!(exactness::evaluate_plans::<Field>(&exact, sizes, seed), before, "{what}, in the field");
}

#[test]
fn written_programs_compute_the_same_whatever_is_left_out() {
    let inexact = exactness::inexact::<Field>();
    let programs = written_programs();
    for (number, switch) in switches().into_iter().enumerate() {
        for (place, program) in programs.iter().enumerate() {
            // Whole passes are left out of all files; else some programs do, others for each switch.
            let is_file = program.0.ends_with(".kf") && !matches!(switch, Switch::One(_));
            if is_file || (place + number).is_multiple_of(16) {
                check(&switch, program, &inexact, place as u64);
            }
        }
    }
}

#[test]
fn random_programs_compute_the_same_whatever_is_left_out() {
    let inexact = exactness::inexact::<Field>();
    let programs = random_programs(0..count(200));
    let switches = switches();
    for (number, program) in programs.iter().enumerate() {
        // Each program is for one switch, so that the long run covers all pairs of kinds.
        check(&switches[number % switches.len()], program, &inexact, number as u64);
    }
}
