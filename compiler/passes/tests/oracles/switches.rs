//! No optimisation changes the answer: everything that may be left out is left out in turn, each pass, each rule and each law.
//!
//! The answer is that of the formulas before any optimisation, in float64 and in a finite field.

use keopsc_grammar::print_expression;
use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::formula::{Program, verify};
use keopsc_ir::plan;
use keopsc_ops::catalogue::{self, ParsedLaw};
use keopsc_passes::without::Without;
use keopsc_passes::{differentiate::differentiate, hoist, plan::plan, simplify};

use crate::cases::{LAW_DIMS, count, files, law_program, program_of};
use crate::exactness;
use crate::meaning::{SIZES, assert_same, evaluate, evaluate_plans};
use crate::numbers::field::Field;

/// The rule that stands for all laws.
const APPLY_LAWS: &str = "apply_laws";

/// What is left out.
#[derive(Clone, Copy)]
enum Switch {
    Nothing,
    Simplify,
    Hoist,
    Rule(&'static str),
    Law(&'static ParsedLaw),
}

fn switches() -> Vec<Switch> {
    let mut switches = vec![Switch::Nothing, Switch::Simplify, Switch::Hoist];
    let mut rules: Vec<&'static str> = simplify::rules().chain(hoist::rules()).collect();
    rules.sort_unstable();
    rules.dedup();
    switches.extend(rules.into_iter().map(Switch::Rule));
    switches.extend(catalogue::laws().map(Switch::Law));
    switches
}

impl Switch {
    fn name(self) -> String {
        match self {
            Switch::Nothing => "nothing left out".to_owned(),
            Switch::Simplify => "without simplify".to_owned(),
            Switch::Hoist => "without hoist".to_owned(),
            Switch::Rule(rule) => format!("without the rule {rule}"),
            Switch::Law(law) => format!("without the law {}", law.name),
        }
    }

    /// The program after the passes that are left, leaving out in them what `base` says as well.
    fn optimise(self, program: Program, base: &Without) -> Program {
        let mut without = base.clone();
        match self {
            Switch::Rule(rule) => without.rules.push(rule),
            Switch::Law(law) => without.laws.push(law),
            _ => {}
        }
        let program = match self {
            Switch::Simplify => program,
            _ => simplify::simplify_without(program, &without),
        };
        match self {
            Switch::Hoist => program,
            _ => hoist::hoist_without(program, &without),
        }
    }
}

/// A program without requests, under a name.
type Named = (String, Program);

/// Formulas for rules that files and laws do not need; the end of a sum over j.
const OF_RULES: &[(&str, &str)] = &[
    ("a component of a vector", "Scalprod(ElemT(b, 3, 1), y))"),
    ("a spread scalar", "SumT(b, 3) * y)"),
    ("a function of a spread scalar", "Exp(SumT(b, 3)))"),
    ("a difference", "b * (x - y)) numerics algebra = fast"),
];

/// The files, a formula of the shape of each law, and some for rules that these do not need.
fn written_programs() -> Vec<Named> {
    let of_laws = catalogue::laws().flat_map(|law| {
        let name = print_expression(&law.left);
        LAW_DIMS.iter().copied().filter_map(move |dims| Some((name.clone(), law_program(law, dims)?)))
    });
    let of_rules = OF_RULES.iter().map(|(name, formula)| {
        let text = format!("x = Vi(3); b = Vj(1); y = Vj(3)\nout f = Sum[j]({formula}\n");
        ((*name).to_owned(), program_of(&text).expect("it is sound"))
    });
    let resolved = files().into_iter().chain(of_laws).chain(of_rules);
    resolved.map(|(name, program)| (name, differentiate(program).expect("it can be differentiated"))).collect()
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

fn check(switch: Switch, (name, program): &Named, inexact: &Without, seed: u64) {
    let what = format!("{name}, {}", switch.name());
    let optimised = switch.optimise(program.clone(), &Without::default());
    verify::verify(&optimised, verify::Stage::Differentiated).unwrap_or_else(|defects| panic!("{what}: {defects:?}"));
    for plan in plan(&optimised) {
        plan::verify::verify(&plan).unwrap_or_else(|defects| panic!("{what}: {defects:?}"));
    }
    let sizes = SIZES[seed as usize % SIZES.len()];
    let before = evaluate(program, sizes, seed, 0.0);
    let nearby = evaluate(program, sizes, seed, 1e-13);
    assert_same(seed, &what, &before, &nearby, &evaluate_plans(&optimised, sizes, seed));

    let exact = switch.optimise(program.clone(), inexact);
    let before = exactness::evaluate::<Field>(program, sizes, seed);
    assert_eq!(exactness::evaluate_plans::<Field>(&exact, sizes, seed), before, "{what}, in the field");
}

#[test]
fn written_programs_compute_the_same_whatever_is_left_out() {
    let inexact = exactness::inexact::<Field>();
    let programs = written_programs();
    for (number, switch) in switches().into_iter().enumerate() {
        for (place, program) in programs.iter().enumerate() {
            // Rules are left out of all files; else some programs do, others for each switch.
            let is_file = program.0.ends_with(".kf") && !matches!(switch, Switch::Law(_));
            if is_file || (place + number).is_multiple_of(8) {
                check(switch, program, &inexact, place as u64);
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
        check(switches[number % switches.len()], program, &inexact, number as u64);
    }
}

#[test]
fn each_rule_and_law_applies_to_some_program() {
    let programs = [written_programs(), random_programs(0..400)].concat();
    let alone = |switch: &Switch| {
        let is_other = |rule: &&str| !matches!(switch, Switch::Rule(kept) if kept == rule);
        let is_other_law = |law: &&ParsedLaw| !matches!(switch, Switch::Law(kept) if std::ptr::eq(*kept, *law));
        let is_law = matches!(switch, Switch::Law(_));
        let rules =
            simplify::rules().chain(hoist::rules()).filter(|rule| is_other(rule) && !(is_law && *rule == APPLY_LAWS));
        Without { rules: rules.collect(), laws: catalogue::laws().filter(|law| is_law && is_other_law(law)).collect() }
    };
    let nothing = Without { rules: simplify::rules().chain(hoist::rules()).collect(), laws: Vec::new() };
    let bare: Vec<Program> =
        programs.iter().map(|(_, program)| Switch::Nothing.optimise(program.clone(), &nothing)).collect();
    let applies = |switch: &Switch| {
        let without = alone(switch);
        programs
            .iter()
            .zip(&bare)
            .any(|((_, program), bare)| Switch::Nothing.optimise(program.clone(), &without) != *bare)
    };
    let of_rules = |switch: &Switch| matches!(switch, Switch::Rule(_) | Switch::Law(_));
    let idle: Vec<String> =
        switches().into_iter().filter(of_rules).filter(|switch| !applies(switch)).map(Switch::name).collect();
    assert_eq!(idle, Vec::<String>::new(), "no program shows");
}
