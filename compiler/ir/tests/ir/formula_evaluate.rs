//! The reference interpreter against loops written by hand, and the generator's programs through it.

use std::collections::BTreeSet;

use keopsc_grammar::syntax::{Expr, ExprKind};
use keopsc_ir::evaluation::{Array, EvaluationError, Sizes};
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::generate::{generate, generate_inputs};
use keopsc_ir::formula::parse::parse;
use keopsc_ir::formula::print::print;
use keopsc_ir::formula::{Entry, NodeKind, Output, Program};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Numerics, Role};
use keopsc_ops::catalogue::{self, operators};
use keopsc_ops::reductions;

use crate::samples::PROGRAM;

const SIZES: Sizes = Sizes { i: 4, j: 5 };

fn sample() -> (Program, Vec<Vec<f64>>) {
    let program = parse(PROGRAM).expect("the sample is a program");
    let mut inputs = generate_inputs(&program, &program.entries[0], SIZES, &mut Random::new(7));
    inputs[3] = vec![0.7];
    (program, inputs)
}

fn square_distance(inputs: &[Vec<f64>], i: usize, j: usize) -> f64 {
    (0..3).map(|q| (inputs[0][3 * i + q] - inputs[1][3 * j + q]).powi(2)).sum()
}

fn gaussian_sum(inputs: &[Vec<f64>], i: usize) -> f64 {
    (0..SIZES.j).map(|j| (-square_distance(inputs, i, j) / inputs[3][0]).exp() * inputs[2][j]).sum()
}

fn assert_close(found: &Array, expected: &[f64]) {
    assert_eq!(found.values.len(), expected.len());
    for (found, expected) in found.values.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{found} is not {expected}");
    }
}

#[test]
fn a_gaussian_sum() {
    let (program, inputs) = sample();
    let results = evaluate(&program, &program.entries[0], SIZES, &inputs).expect("it can be evaluated");
    let expected: Vec<f64> = (0..SIZES.i).map(|i| gaussian_sum(&inputs, i)).collect();
    assert_close(&results[0], &expected);
}

#[test]
fn the_nearest_neighbour() {
    let (program, inputs) = sample();
    let results = evaluate(&program, &program.entries[1], SIZES, &inputs[..2]).expect("it can be evaluated");
    for i in 0..SIZES.i {
        let distance = |j: &usize| square_distance(&inputs, i, *j);
        let nearest = (0..SIZES.j).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        assert_eq!(Some(results[0].row(i)[0] as usize), nearest);
    }
}

/// Σ_j of what is chosen is the row where it is chosen, Σ_i counts by how many rows a column is.
#[test]
fn choices_by_the_nearest_neighbour() {
    let text = PROGRAM.replacen("entry conv", CHOICES, 1);
    let program = parse(&text).expect("it is a program");
    let inputs = sample().1;
    let results = evaluate(&program, &program.entries[0], SIZES, &inputs[..2]).expect("it can be evaluated");
    let nearest: Vec<usize> = results[0].values.iter().map(|number| *number as usize).collect();
    let second = nearest.iter().map(|&j| inputs[1][3 * j + 1]);
    assert_close(&results[1], &second.collect::<Vec<_>>());
    let count = |j: usize| nearest.iter().filter(|&&other| other == j).count() as f64;
    assert_close(&results[2], &(0..SIZES.j).map(count).collect::<Vec<_>>());
}

const CHOICES: &str = "\
n15: ij[1] = chosen[j](n10, n12)
n16: j[1] = Elem(n1, 1)
n17: ij[1] = Mult(n15, n16)
n18: i[1] = Sum[j](n17)
n19: i[1] = Add(n18, n18)
n20: j[1] = Sum[i](n15)
n21: j[1] = Add(n20, n20)
entry chosen(x, y) -> near: i[1] = n10, second: i[1] = n19, times: j[1] = n21
entry conv";

#[test]
fn results_of_reductions_are_reduced_and_computed_with() {
    let (program, inputs) = sample();
    let results = evaluate(&program, &program.entries[2], SIZES, &inputs).expect("it can be evaluated");
    let sums: Vec<f64> = (0..SIZES.i).map(|i| gaussian_sum(&inputs, i)).collect();
    assert_close(&results[0], &[sums.iter().sum()]);
    assert_close(&results[1], &sums.iter().map(|sum| sum * 0.5).collect::<Vec<_>>());
    assert_close(&results[2], &(0..SIZES.i).map(|i| inputs[0][3 * i + 1]).collect::<Vec<_>>());
}

#[test]
fn rows_of_a_result_that_depends_on_less_are_repeated() {
    let (mut program, inputs) = sample();
    let node = program.entries[2].outputs[0].node;
    program.entries[0].outputs = vec![Output {
        name: "wide".to_string(),
        node,
        rows: Role::J,
        shape: vec![1],
        is_complex: false,
        gradient_of: None,
    }];
    let results = evaluate(&program, &program.entries[0], SIZES, &inputs).expect("it can be evaluated");
    assert_eq!(results[0].values, vec![results[0].values[0]; SIZES.j]);
}

#[test]
fn shared_formulas_are_evaluated_once() {
    let mut program =
        parse("input x: i[1] f64\ninput y: j[1] f64\nn0: i[1] = input x\nn1: j[1] = input y\nn2: ij[1] = Add(n0, n1)")
            .expect("it is a program");
    let mut node = program.graph.nodes().last().expect("there are nodes").0;
    for _ in 0..60 {
        node = program.graph.plus(node, node).expect("dimensions fit");
    }
    let node = program.graph.sum_over(keopsc_ir::types::Axis::J, Role::I, node).expect("dimensions fit");
    let outputs = vec![Output {
        name: "sum".to_string(),
        node,
        rows: Role::I,
        shape: vec![1],
        is_complex: false,
        gradient_of: None,
    }];
    let inputs = (0..2).map(keopsc_ir::formula::InputId).collect();
    let entry = Entry { name: "f".to_string(), inputs, outputs, numerics: Numerics::default() };
    let results =
        evaluate(&program, &entry, Sizes { i: 1, j: 1 }, &[vec![1.0], vec![2.0]]).expect("it can be evaluated");
    assert_eq!(results[0].values, [3.0 * 2f64.powi(60)]);
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let (program, mut inputs) = sample();
    let entry = &program.entries[0];
    let error = evaluate(&program, entry, SIZES, &inputs[1..]).expect_err("an input is missing");
    assert_eq!(error, EvaluationError::InputCount { expected: 4, found: 3 });
    inputs[1].pop();
    let error = evaluate(&program, entry, SIZES, &inputs).expect_err("an input is too short");
    assert_eq!(error.to_string(), "input `y` needs 15 numbers (rows × components), but 14 were given");
    let text = PROGRAM.replace("Mult(n9, n12)", "gradient(n9, n3, n9)");
    let (program, inputs) = (parse(&text).expect("it is a program"), sample().1);
    let error = evaluate(&program, &program.entries[2], SIZES, &inputs).expect_err("a derivative is requested");
    assert_eq!(error.to_string(), "a derivative must be replaced by its formula before it is evaluated");
}

#[test]
fn generated_programs_are_mostly_finite_and_cover_the_tables() {
    let (mut finite, mut total) = (0, 0);
    let mut used = BTreeSet::new();
    for seed in 0..3000 {
        let program = generate(seed);
        let mut random = Random::new(seed);
        used.extend(program.graph.nodes().filter_map(|(_, node)| name(&node.kind)));
        for entry in &program.entries {
            let inputs = generate_inputs(&program, entry, SIZES, &mut random);
            let results = evaluate(&program, entry, SIZES, &inputs)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", print(&program)));
            for (array, output) in results.iter().zip(&entry.outputs) {
                assert_eq!(array.values.len(), SIZES.rows(output.rows) * array.dim, "seed {seed}");
                total += 1;
                finite += usize::from(array.values.iter().all(|value| value.is_finite()));
            }
        }
    }
    assert!(finite * 100 >= total * 95, "only {finite} of {total} results are finite");
    let recipes = catalogue::operations().filter(|(_, row)| matches!(row.value, catalogue::Value::Recipe(_)));
    let missing: Vec<&str> = recipes
        .map(|(_, row)| row.name)
        .chain(reductions::reductions().map(|(_, row)| row.name))
        .chain(["chosen"])
        .filter(|name| !used.contains(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "are never generated");
    for (_, row) in catalogue::operations() {
        let catalogue::Value::Expansion(cases) = row.value else { continue };
        for (_, formula) in cases {
            let formula = keopsc_grammar::parse_expression(formula).expect("it parses");
            assert!(
                is_generated(&formula, &used),
                "the expansion of {} has operations that are never generated",
                row.name
            );
        }
    }
}

/// Whether all operations of an expansion are among these, or expand to such.
fn is_generated(formula: &Expr, used: &BTreeSet<&str>) -> bool {
    let all = |parts: &[&Expr]| parts.iter().all(|part| is_generated(part, used));
    match &formula.kind {
        ExprKind::Unary(operator, operand) => {
            let known = operators::unary(*operator).is_none_or(|id| used.contains(catalogue::operation(id).name));
            known && all(&[operand])
        }
        ExprKind::Binary(operator, left, right) => {
            used.contains(catalogue::operation(operators::binary(*operator).0).name) && all(&[left, right])
        }
        ExprKind::Call { function, arguments, .. } => {
            let row = catalogue::find_operation(&function.text).map(catalogue::operation).expect("an operation");
            // What expands again is looked at for its own row.
            let known = matches!(row.value, catalogue::Value::Expansion(_)) || used.contains(row.name);
            known && arguments.iter().all(|argument| is_generated(argument, used))
        }
        _ => true,
    }
}

fn name(kind: &NodeKind) -> Option<&'static str> {
    match kind {
        NodeKind::Operation { operation, .. } => Some(catalogue::operation(*operation).name),
        NodeKind::Reduction { reduction, .. } => Some(reductions::reduction(*reduction).name),
        NodeKind::Chosen { .. } => Some("chosen"),
        _ => None,
    }
}
