//! Derivatives in a finite field, bit for bit: that reverse and forward mode are transposes of one another for all programs, and that both are right
//! for those whose derivatives follow by algebra alone.

use std::collections::BTreeSet;

use keopsc_ir::formula::NodeKind;
use keopsc_ir::formula::generate::generate;
use keopsc_ir::random::Random;
use keopsc_ir::types::Axis;
use keopsc_ops::{OperationId, ReductionId, catalogue, reductions};

use crate::cases::{Case, SIZES, count, last_result, operation_case, reduction_case, run};
use crate::derivative::{Derivative, Step, draw_steps, products};
use crate::numbers::Exact;
use crate::numbers::dual::ORDERS;
use crate::numbers::field::Field;

/// The sides as numbers of the field; `None` at a kink.
fn exact_sides(derivative: &Derivative, case: &Case, seed: u64) -> Option<(Field, Field)> {
    let mut random = Random::new(seed);
    let sides = derivative.sides(&derivative.draw(case, |_| Field::draw(&mut random)));
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
