//! Derivatives to third order in float64: every operation, every differentiable reduction, random programs, and derivatives of those.

use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::{catalogue, reductions};
use keopsc_passes::differentiate::differentiate;

use crate::cases::{Case, count, last_formula, last_result, operation_case, reduction_case, run, with_output};
use crate::derivative::{Derivative, Point, Step, draw_steps};
use crate::numbers::dual::ORDERS;

/// Random numbers, of which the inputs are then changed by up to the part `shift` of themselves.
fn point(derivative: &Derivative, case: &Case, seed: u64, (shift, noise): (f64, u64)) -> Point<f64> {
    let (mut random, mut noise) = (Random::new(seed), Random::new(noise));
    let mut point = derivative.draw(case, |(low, high)| random.real(low, high));
    point.values.iter_mut().flatten().for_each(|value| *value *= 1.0 + shift * noise.real(-1.0, 1.0));
    point
}

/// Whether everything that a case is computed from is finite.
fn is_finite_inside(case: &Case, values: &[Vec<f64>]) -> bool {
    case.program.graph.reached_from(&[case.node]).into_iter().all(|id| {
        let mut program = case.program.clone();
        let role = program.graph.node(id).role;
        let (node, rows) = match role {
            Role::Pair => (program.graph.sum_over(Axis::J, Role::I, id).expect("a sum takes any dimension"), Role::I),
            _ => (id, role),
        };
        run(&with_output(&program, node, rows), values).iter().all(|value| value.is_finite())
    })
}

/// The sums of both sides there; `None` where they say nothing.
fn sums(derivative: &Derivative, case: &Case, seed: u64, (shift, noise): (f64, u64)) -> Option<Sums> {
    let sides = derivative.sides(&point(derivative, case, seed, (shift, noise)));
    let size = sides.by_rules.iter().chain(&sides.by_texts).map(|term| term.abs()).sum();
    let sums = Sums { rules: sides.by_rules.iter().sum(), texts: sides.by_texts.iter().sum(), size };
    // Where the value is none, its derivatives may look like numbers: 1/x where log x is NaN.
    let is_defined = sides.values.iter().all(|value| value.is_finite());
    (is_defined && sides.is_smooth && sums.rules.is_finite()).then_some(sums)
}

struct Sums {
    rules: f64,
    texts: f64,
    /// The sum of all absolute values.
    size: f64,
}

impl Sums {
    /// How far both sides are from those at other inputs.
    fn distance(&self, other: &Sums) -> f64 {
        (self.rules - other.rules).abs() + (self.texts - other.texts).abs()
    }
}

/// Whether the sides agree in float64; `None` where that says nothing. What counts as equal follows from how much both sides change for inputs
/// that differ a little: in the last digits, and where that does not explain the difference, in some more.
fn agrees(derivative: &Derivative, case: &Case, seed: u64) -> Option<Result<(), String>> {
    let at = |shift: f64, noise: u64| sums(derivative, case, seed, (shift, noise));
    let here = at(0.0, 0)?;
    if !here.texts.is_finite() {
        // A component that is NaN and not used gets the cotangent 0, and 0 * NaN is NaN; without one inside it is a mistake.
        if !is_finite_inside(case, &point(derivative, case, seed, (0.0, 0)).values) {
            return None;
        }
        return Some(Err(format!(
            "{:?}: the texts give {} where calculus gives {:e}",
            derivative.steps, here.texts, here.rules
        )));
    }
    let difference = (here.rules - here.texts).abs();
    let mut tolerance = 1e-10 * here.size.max(1e-2) + 1e3 * here.distance(&at(1e-13, 1)?);
    if difference > tolerance {
        for noise in 2..8 {
            tolerance += 30.0 * here.distance(&at(1e-10, noise)?);
        }
    }
    if tolerance.is_nan() || tolerance > 1e-3 * here.size.max(1.0) {
        return None;
    }
    Some((difference <= tolerance).then_some(()).ok_or_else(|| {
        let (steps, Sums { rules, texts, .. }) = (&derivative.steps, here);
        format!("{steps:?}: the texts give {texts:e} where calculus gives {rules:e} (tolerance {tolerance:e})")
    }))
}

/// Checks each first derivative, forward and reverse, and some second and third ones; returns how many were compared, by order.
fn check(case: &Case, what: &str, higher: usize, seed: u64) -> [u32; ORDERS] {
    let mut compared = [0; ORDERS];
    let variables = case.variables();
    if variables.is_empty() {
        return compared;
    }
    let mut random = Random::new(seed);
    let first = variables.iter().flat_map(|&variable| [true, false].map(|reverse| vec![Step { variable, reverse }]));
    let mut sequences: Vec<Vec<Step>> = first.collect();
    for order in 2..=ORDERS {
        sequences.extend((0..higher).map(|_| draw_steps(&variables, order, &mut random)));
    }
    for steps in sequences {
        let Some(derivative) = Derivative::new(case, &steps) else { continue };
        match agrees(&derivative, case, seed) {
            None => {}
            Some(Ok(())) => compared[steps.len() - 1] += 1,
            Some(Err(message)) => panic!("{what}, seed {seed}: {message}"),
        }
    }
    compared
}

/// Says which rows were hardly compared.
struct Coverage {
    least: u32,
    missing: Vec<String>,
}

impl Coverage {
    fn add(&mut self, name: &str, compared: [u32; ORDERS]) {
        if compared.iter().any(|&number| number < self.least) {
            self.missing.push(format!("{name} {compared:?}"));
        }
    }
}

#[test]
fn derivatives_of_every_operation() {
    let mut coverage = Coverage { least: 3, missing: Vec::new() };
    for (operation, row) in catalogue::operations() {
        if catalogue::signature(operation).arguments.is_empty() {
            continue;
        }
        let mut compared = [0; ORDERS];
        for shift in 0..3 {
            for seed in 0..count(100).div_ceil(100) {
                let Some(case) = operation_case(operation, shift, seed) else { continue };
                let found = check(&case, &format!("{}, shift {shift}", row.name), 3, seed);
                compared.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
                let formula = case.formula().expect("the case has an operation");
                check(&formula, &format!("{}, pair by pair, shift {shift}", row.name), 2, seed);
            }
        }
        coverage.add(row.name, compared);
    }
    assert!(coverage.missing.is_empty(), "hardly compared: {:?}", coverage.missing);
}

#[test]
fn derivatives_of_every_reduction() {
    let mut coverage = Coverage { least: 3, missing: Vec::new() };
    for (reduction, row) in reductions::reductions() {
        if reductions::gradient(reduction).is_empty() && reductions::equivalent(reduction).is_none() {
            continue;
        }
        let mut compared = [0; ORDERS];
        for over in [Axis::I, Axis::J] {
            for seed in 0..count(200).div_ceil(100) {
                let Some(case) = reduction_case(reduction, over, seed) else { continue };
                let found = check(&case, &format!("{}, over {over}", row.name), 3, seed);
                compared.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
            }
        }
        coverage.add(row.name, compared);
    }
    assert!(coverage.missing.is_empty(), "hardly compared: {:?}", coverage.missing);
}

#[test]
fn derivatives_of_random_programs() {
    let (mut whole, mut pair_by_pair) = ([0; ORDERS], [0; ORDERS]);
    let cases = count(150);
    for seed in 0..cases {
        // Requests that are there already are replaced first: what is differentiated is then a derivative itself.
        let program =
            if seed % 3 == 0 { differentiate(generate_with_requests(seed)).ok() } else { Some(generate(seed)) };
        let Some(program) = program else { continue };
        for (case, compared) in [(last_formula(&program), &mut pair_by_pair), (last_result(program), &mut whole)] {
            let Some(case) = case else { continue };
            let found = check(&case, "a random program", 2, seed);
            compared.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
        }
    }
    for compared in [whole, pair_by_pair] {
        assert!(compared.iter().all(|&number| u64::from(number) * 2 > cases), "of {cases} programs only {compared:?}");
    }
}
