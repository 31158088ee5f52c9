//! Derivatives to third order: what `differentiate` makes of the gradient texts of the tables, against automatic differentiation of the *values* of
//! their rows in [`Dual`] numbers.
//!
//! A derivative is a sequence of steps, each with respect to one input: forward (`Diff`, in a direction) or reverse (`Grad`, with a cotangent).
//! Both sides are reduced to one number. For a weight w of the form of the last result,
//!
//! ```text
//! forward    ⟨Dᵥf·t, w⟩   =  Dᵥ⟨f, w⟩·t          v moves along t, the weight of f is w
//! reverse    ⟨Dᵥfᵀ·e, w⟩  =  Dᵥ⟨f, e⟩·w          v moves along w, the weight of f is e
//! ```
//!
//! so that any sequence is one coefficient of one evaluation of f.

use std::collections::BTreeSet;

use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::formula::{InputId, NodeKind, Program};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::scalar::Number;
use keopsc_ops::{OperationId, ReductionId, catalogue, reductions};
use keopsc_passes::differentiate::differentiate;

use crate::cases::{Case, SIZES, add_input, count, last_result, operation_case, reduction_case, run, with_output};
use crate::numbers::Exact;
use crate::numbers::dual::{Dual, ORDERS, Smoothness};
use crate::numbers::field::Field;

/// One derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    variable: InputId,
    reverse: bool,
}

/// A derivative of a case as a program, and how long its directions and its result are.
struct Derivative {
    program: Program,
    steps: Vec<Step>,
    lengths: Vec<usize>,
    result: usize,
}

/// The numbers that a derivative is compared for.
struct Point<C> {
    values: Vec<Vec<C>>,
    directions: Vec<Vec<C>>,
    weight: Vec<C>,
}

/// The summands of the one number that both sides are reduced to.
struct Sides<C> {
    /// What is differentiated.
    values: Vec<C>,
    by_rules: Vec<C>,
    by_texts: Vec<C>,
    is_smooth: bool,
}

impl Derivative {
    /// `None` where something inside has no derivative.
    fn new(case: &Case, steps: &[Step]) -> Option<Derivative> {
        let mut program = case.program.clone();
        let mut current = case.node;
        let mut rows = program.graph.node(current).role;
        let mut lengths = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let variable = program.input(step.variable).clone();
            let node = program.graph.input(step.variable, &variable);
            let dim = program.graph.node(current).dim;
            let (role, dim) = if step.reverse { (rows, dim) } else { (variable.role, variable.dim) };
            let direction = add_input(&mut program, &format!("direction{number}"), role, dim);
            lengths.push(SIZES.rows(role) * dim as usize);
            current = if step.reverse {
                rows = variable.role;
                program.graph.gradient(current, node, direction, rows)
            } else {
                program.graph.tangent(current, node, direction, rows)
            };
        }
        let result = SIZES.rows(rows) * program.graph.node(current).dim as usize;
        let program = differentiate(with_output(&program, current, rows)).ok()?;
        Some(Derivative { program, steps: steps.to_vec(), lengths, result })
    }

    fn draw<C>(&self, case: &Case, mut number: impl FnMut((f64, f64)) -> C) -> Point<C> {
        let mut list = |length: usize, interval| -> Vec<C> { (0..length).map(|_| number(interval)).collect() };
        let inputs = case.program.inputs.iter().enumerate();
        let values = inputs
            .map(|(position, input)| list(SIZES.rows(input.role) * input.dim as usize, case.interval(position)))
            .collect();
        let directions = self.lengths.iter().map(|&length| list(length, (-1.0, 1.0))).collect();
        Point { values, directions, weight: list(self.result, (-1.0, 1.0)) }
    }

    fn sides<C: Number + PartialEq>(&self, case: &Case, point: &Point<C>) -> Sides<C> {
        let inputs: Vec<Vec<C>> = point.values.iter().chain(&point.directions).cloned().collect();
        let by_texts = products(&run(&self.program, &inputs), &point.weight);

        let mut moved: Vec<Vec<Dual<C>>> =
            point.values.iter().map(|values| values.iter().cloned().map(Dual::constant).collect()).collect();
        let mut weight = &point.weight;
        for (number, (step, direction)) in self.steps.iter().zip(&point.directions).enumerate().rev() {
            let along = if step.reverse { weight } else { direction };
            for (value, along) in moved[step.variable.0 as usize].iter_mut().zip(along) {
                value.coefficients[1 << number] = along.clone();
            }
            weight = if step.reverse { direction } else { weight };
        }
        let role = case.program.graph.node(case.node).role;
        let result = run(&with_output(&case.program, case.node, role), &moved);
        let coefficients: Vec<C> =
            result.iter().map(|value| value.coefficients[(1 << self.steps.len()) - 1].clone()).collect();
        let is_smooth = result.iter().all(|value| value.smoothness == Smoothness::Smooth);
        let values = result.iter().map(|value| value.coefficients[0].clone()).collect();
        Sides { values, by_rules: products(&coefficients, weight), by_texts, is_smooth }
    }
}

fn products<C: Number>(values: &[C], weights: &[C]) -> Vec<C> {
    assert_eq!(values.len(), weights.len());
    let multiply =
        |(value, weight): (&C, &C)| C::call(keopsc_ops::intrinsics::Intrinsic::Mul, &[value.clone(), weight.clone()]);
    values.iter().zip(weights).map(multiply).collect()
}

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
    let sides = derivative.sides(case, &point(derivative, case, seed, (shift, noise)));
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
    let mut tolerance = 1e-10 * here.size.max(1e-3) + 1e3 * here.distance(&at(1e-13, 1)?);
    if !(difference <= tolerance) {
        for noise in 2..8 {
            tolerance += 10.0 * here.distance(&at(1e-10, noise)?);
        }
    }
    if !(tolerance <= 1e-3 * here.size.max(1.0)) {
        return None;
    }
    Some((difference <= tolerance).then_some(()).ok_or_else(|| {
        let (steps, Sums { rules, texts, .. }) = (&derivative.steps, here);
        format!("{steps:?}: the texts give {texts:e} where calculus gives {rules:e} (tolerance {tolerance:e})")
    }))
}

/// Random steps, as many as the order says, half of them reverse.
fn draw_steps(variables: &[InputId], order: usize, random: &mut Random) -> Vec<Step> {
    (0..order).map(|_| Step { variable: random.pick(variables), reverse: random.percent(50) }).collect()
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
    let mut compared = [0; ORDERS];
    let cases = count(150);
    for seed in 0..cases {
        // Requests that are there already are replaced first: what is differentiated is then a derivative itself.
        let program =
            if seed % 3 == 0 { differentiate(generate_with_requests(seed)).ok() } else { Some(generate(seed)) };
        let Some(case) = program.and_then(last_result) else { continue };
        let found = check(&case, "a random program", 2, seed);
        compared.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
    }
    assert!(compared.iter().all(|&number| u64::from(number) * 2 > cases), "of {cases} programs only {compared:?}");
}

/// The sides as numbers of the field; `None` at a kink.
fn exact_sides(derivative: &Derivative, case: &Case, seed: u64) -> Option<(Field, Field)> {
    let mut random = Random::new(seed);
    let sides = derivative.sides(case, &derivative.draw(case, |_| Field::draw(&mut random)));
    let total = |side: &[Field]| side.iter().fold(Field::ZERO, |sum, &term| sum.plus(term));
    sides.is_smooth.then(|| (total(&sides.by_rules), total(&sides.by_texts)))
}

/// What the texts give for one step, as a number of the field that follows from the two directions.
fn exact_step(case: &Case, step: Step, directions: [&[Field]; 2], values: &[Vec<Field>]) -> Option<Field> {
    let derivative = Derivative::new(case, &[step])?;
    let [direction, weight] = directions.map(<[Field]>::to_vec);
    let inputs: Vec<Vec<Field>> = values.iter().cloned().chain([direction]).collect();
    let terms = products(&run(&derivative.program, &inputs), &weight);
    Some(terms.iter().fold(Field::ZERO, |sum, &term| sum.plus(term)))
}

#[test]
fn forward_and_reverse_are_transposes() {
    let cases = count(300);
    let mut compared = 0;
    for seed in 0..cases {
        let Some(case) = last_result(generate(seed)) else { continue };
        let mut random = Random::new(seed);
        for variable in case.variables() {
            let form = |role, dim: u32| SIZES.rows(role) * dim as usize;
            let (of, input) = (case.program.graph.node(case.node), case.program.input(variable));
            let mut draw = |length: usize| -> Vec<Field> { (0..length).map(|_| Field::draw(&mut random)).collect() };
            let values: Vec<Vec<Field>> =
                case.program.inputs.iter().map(|input| draw(form(input.role, input.dim))).collect();
            let (tangent, cotangent) = (draw(form(input.role, input.dim)), draw(form(of.role, of.dim)));
            let forward = exact_step(&case, Step { variable, reverse: false }, [&tangent, &cotangent], &values);
            let reverse = exact_step(&case, Step { variable, reverse: true }, [&cotangent, &tangent], &values);
            assert_eq!(forward, reverse, "seed {seed}, {variable:?}");
            compared += u64::from(forward.is_some());
        }
    }
    assert!(compared > cases, "of {cases} programs only {compared} derivatives");
}

/// Whether the derivatives of a case follow from its value by algebra alone, so that they are exact in a finite field; others need the addition theorem of
/// a function, or a series.
fn is_algebraic(case: Option<Case>, seed: u64) -> bool {
    let Some(case) = case else { return false };
    let variables = case.variables();
    let mut random = Random::new(seed);
    (1..=ORDERS).all(|order| {
        let derivative = Derivative::new(&case, &draw_steps(&variables, order, &mut random));
        let agree = |(rules, texts): (Field, Field)| rules == texts;
        derivative.is_some_and(|derivative| exact_sides(&derivative, &case, seed).is_none_or(agree))
    })
}

/// The rows of which that is so.
fn algebraic_rows() -> (BTreeSet<OperationId>, BTreeSet<ReductionId>) {
    let operation = |id: OperationId| (0..3).all(|seed| is_algebraic(operation_case(id, seed as usize, seed), seed));
    let reduction = |id: ReductionId| (0..3).all(|seed| is_algebraic(reduction_case(id, Axis::J, seed), seed));
    let recipes = catalogue::operations().filter(|(_, row)| matches!(row.value, catalogue::Value::Recipe(_)));
    let recipes: Vec<OperationId> = recipes.map(|(id, _)| id).collect();
    let operations: BTreeSet<OperationId> = recipes.iter().copied().filter(|&id| operation(id)).collect();
    assert!(operations.len() * 2 > recipes.len(), "only {} of {} operations", operations.len(), recipes.len());
    (operations, reductions::reductions().map(|(id, _)| id).filter(|&id| reduction(id)).collect())
}

#[test]
fn derivatives_of_algebraic_programs_are_exact() {
    let (operations, reductions) = algebraic_rows();
    let cases = count(150);
    let mut compared = [0u32; ORDERS];
    for seed in 0..cases {
        let Some(case) = last_result(generate(seed)) else { continue };
        let variables = case.variables();
        let inside = case.program.graph.reached_from(&[case.node]);
        let is_exact = inside.iter().all(|&id| match &case.program.graph.node(id).kind {
            NodeKind::Operation { operation, .. } => operations.contains(operation),
            NodeKind::Reduction { reduction, .. } => reductions.contains(reduction),
            _ => true,
        });
        if variables.is_empty() || !is_exact {
            continue;
        }
        let mut random = Random::new(seed);
        for order in 1..=ORDERS {
            let Some(derivative) = Derivative::new(&case, &draw_steps(&variables, order, &mut random)) else {
                continue;
            };
            let Some((rules, texts)) = exact_sides(&derivative, &case, seed) else { continue };
            assert_eq!(texts, rules, "seed {seed}, {:?}", derivative.steps);
            compared[order - 1] += 1;
        }
    }
    assert!(compared.iter().all(|&number| u64::from(number) * 10 > cases), "of {cases} programs only {compared:?}");
}
