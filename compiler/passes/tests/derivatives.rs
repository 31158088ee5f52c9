//! Derivatives against central differences in float64: every operation and every reduction, and random formulas, with respect to variables of all
//! three roles.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::verify::{Stage, verify};
use keopsc_ir::formula::{Entry, Input, InputId, NodeId, NodeKind, Origin, Output, Program, generate};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Axis, Numerics, Role, ScalarType};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::{OperationId, ReductionId, catalogue, reductions};
use keopsc_passes::{differentiate::differentiate, hoist::hoist, simplify::simplify};

const SIZES: Sizes = Sizes { i: 3, j: 4 };
const ROLES: [Role; 3] = [Role::I, Role::J, Role::Parameter];

/// What a check found.
#[derive(Debug, PartialEq)]
enum Verdict {
    Right,
    /// The formula is not smooth or not finite there, so that differences say nothing.
    NotSmooth,
}

/// A program whose one entry has one output, and values for its inputs.
struct Case {
    program: Program,
    node: NodeId,
    values: Vec<Vec<f64>>,
}

impl Case {
    /// The output for inputs that lie `step` away in a direction in one input.
    fn at(&self, input: InputId, direction: &[f64], step: f64) -> Vec<f64> {
        let mut values = self.values.clone();
        for (value, direction) in values[input.0 as usize].iter_mut().zip(direction) {
            *value += step * direction;
        }
        run(&self.program, self.node, &values)
    }

    /// Reverse and forward mode with respect to an input against central differences.
    fn check(&self, input: InputId, what: &str) -> Verdict {
        let mut random = Random::new(7 + u64::from(input.0));
        let mut draw = |count: usize| -> Vec<f64> { (0..count).map(|_| random.real(-1.0, 1.0)).collect() };
        let direction = draw(self.values[input.0 as usize].len());
        let value = self.at(input, &direction, 0.0);
        let cotangent = draw(value.len());
        let difference = |step: f64| -> Vec<f64> {
            let (above, below) = (self.at(input, &direction, step), self.at(input, &direction, -step));
            above.iter().zip(&below).map(|(above, below)| (above - below) / (2.0 * step)).collect()
        };
        let (coarse, fine) = (difference(1e-4), difference(5e-5));
        let magnitude = fine.iter().chain(&value).fold(1.0, |most: f64, value| most.max(value.abs()));
        let rough = coarse
            .iter()
            .zip(&fine)
            .any(|(a, b)| !(a.is_finite() && b.is_finite() && (a - b).abs() <= 1e-5 * magnitude));
        if rough || magnitude > 1e6 {
            return Verdict::NotSmooth;
        }
        let (gradient, tangent) = self.derivatives(input, &direction, &cotangent);
        let expected: f64 = fine.iter().zip(&cotangent).map(|(value, cotangent)| value * cotangent).sum();
        let found: f64 = gradient.iter().zip(&direction).map(|(value, direction)| value * direction).sum();
        let tolerance = 1e-4 * magnitude * (value.len() as f64);
        assert!((expected - found).abs() <= tolerance, "{what}: gradient {found} where differences give {expected}");
        for (expected, found) in fine.iter().zip(&tangent) {
            assert!((expected - found).abs() <= tolerance, "{what}: tangent {found} where differences give {expected}");
        }
        Verdict::Right
    }

    /// The gradient in an input, as a case of its own that has the cotangent for another input; `None` where it is 0 for all rows.
    fn gradient(&self, input: InputId) -> Option<Case> {
        let mut program = self.program.clone();
        let of = program.graph.node(self.node).clone();
        let variable = program.input(input).clone();
        let e = add_input(&mut program, "e", of.role, of.dim);
        let v = program.graph.input(input, &variable);
        let node = program.graph.gradient(self.node, v, e, variable.role);
        let program = differentiate(with_output(&program, node, variable.role)).expect("it can be differentiated");
        let program = hoist(simplify(program));
        let node = program.entries[0].outputs[0].node;
        let mut random = Random::new(3);
        let mut values = self.values.clone();
        values.push((0..SIZES.rows(of.role) * of.dim as usize).map(|_| random.real(-1.0, 1.0)).collect());
        (program.graph.node(node).role == variable.role).then_some(Case { program, node, values })
    }

    fn derivatives(&self, input: InputId, direction: &[f64], cotangent: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut program = self.program.clone();
        let of = program.graph.node(self.node).clone();
        let variable = program.input(input).clone();
        let e = add_input(&mut program, "d_f", of.role, of.dim);
        let t = add_input(&mut program, "t_v", variable.role, variable.dim);
        let v = program.graph.input(input, &variable);
        let gradient = program.graph.gradient(self.node, v, e, variable.role);
        let tangent = program.graph.tangent(self.node, v, t, of.role);
        let mut values = self.values.clone();
        values.extend([cotangent.to_vec(), direction.to_vec()]);
        let one = |node: NodeId, role: Role| {
            let program = differentiate(with_output(&program, node, role)).expect("it can be differentiated");
            let program = hoist(simplify(program));
            run(&program, program.entries[0].outputs[0].node, &values)
        };
        (one(gradient, variable.role), one(tangent, of.role))
    }
}

fn run(program: &Program, node: NodeId, values: &[Vec<f64>]) -> Vec<f64> {
    let role = program.graph.node(node).role;
    let rows = program.entries.first().map_or(role, |entry| entry.outputs[0].rows);
    let program = with_output(program, node, rows);
    let result = evaluate(&program, &program.entries[0], SIZES, values).expect("the program can be evaluated");
    result[0].values.clone()
}

fn with_output(program: &Program, node: NodeId, rows: Role) -> Program {
    let inputs = (0..program.inputs.len() as u32).map(InputId).collect();
    let shape = vec![program.graph.node(node).dim];
    let outputs = vec![Output { name: "f".to_owned(), node, rows, shape, is_complex: false, gradient_of: None }];
    let entries = vec![Entry { name: "f".to_owned(), inputs, outputs, numerics: Numerics::default() }];
    Program { entries, ..program.clone() }
}

fn add_input(program: &mut Program, name: &str, role: Role, dim: u32) -> NodeId {
    let input = Input { name: name.to_owned(), role, dim, scalar: ScalarType::F64, origin: Origin::Declared };
    program.inputs.push(input.clone());
    program.graph.input(InputId(program.inputs.len() as u32 - 1), &input)
}

/// Dimensions and parameters that a row takes, found by trial.
fn fitting_shapes(
    arguments: usize,
    parameters: usize,
    random: &mut Random,
    fits: impl Fn(&[u32], &[i64]) -> bool,
) -> Option<(Vec<u32>, Vec<i64>)> {
    (0..3000).find_map(|_| {
        let dims: Vec<u32> = (0..arguments).map(|_| random.pick(&[1, 2, 3, 3, 4, 6])).collect();
        let parameters: Vec<i64> = (0..parameters).map(|_| random.integer(0, 4)).collect();
        fits(&dims, &parameters).then_some((dims, parameters))
    })
}

fn draw_values(program: &Program, intervals: &[(f64, f64)], random: &mut Random) -> Vec<Vec<f64>> {
    let one = |(number, input): (usize, &Input)| {
        let (low, high) = intervals.get(number).copied().unwrap_or((-1.0, 1.0));
        (0..SIZES.rows(input.role) * input.dim as usize).map(|_| random.real(low, high)).collect()
    };
    program.inputs.iter().enumerate().map(one).collect()
}

/// Σ_j op(…), and i-valued things made of it, so that cotangents come from an epilogue.
fn operation_case(operation: OperationId, shift: usize, seed: u64) -> Option<Case> {
    let mut random = Random::new(seed);
    let signature = catalogue::signature(operation);
    let fits = |dims: &[u32], parameters: &[i64]| {
        catalogue::infer_dim(operation, dims, parameters).is_ok_and(|dim| dim <= 40)
            && !matches!(catalogue::expansion(operation, dims, parameters), Ok(Some(_)))
    };
    let (dims, parameters) = fitting_shapes(signature.arguments.len(), signature.parameters.len(), &mut random, fits)?;
    let mut program = Program { scalar: Some(ScalarType::F64), ..Program::default() };
    let arguments: Vec<NodeId> = (0..dims.len())
        .map(|number| add_input(&mut program, &format!("x{number}"), ROLES[(number + shift) % 3], dims[number]))
        .collect();
    let weight = add_input(&mut program, "w", Role::J, 1);
    let value = program.graph.operation(operation, &parameters, &arguments).ok()?;
    let weighted = program.graph.multiply(value, weight).ok()?;
    let sum = program.graph.sum_over(Axis::J, Role::I, weighted).ok()?;
    let node = program.graph.named("Sin", &[], &[sum]).ok()?;
    let values = draw_values(&program, catalogue::operation(operation).domain, &mut random);
    Some(Case { program, node, values })
}

#[test]
fn every_operation() {
    let mut unchecked = Vec::new();
    for (operation, row) in catalogue::operations().filter(|(_, row)| !row.gradient.is_empty()) {
        let mut right = 0;
        for shift in 0..3 {
            for seed in 0..3 {
                let Some(case) = operation_case(operation, shift, seed) else { continue };
                for number in 0..case.program.inputs.len() {
                    let what = format!("{}, input {number}, shift {shift}, seed {seed}", row.name);
                    right += u32::from(case.check(InputId(number as u32), &what) == Verdict::Right);
                }
            }
        }
        if right < 3 {
            unchecked.push(row.name);
        }
    }
    assert!(unchecked.is_empty(), "operations that were not checked: {unchecked:?}");
}

/// Whether a result is more than row numbers.
fn has_value(reduction: ReductionId) -> bool {
    let signature = reductions::signature(reduction);
    let dims = vec![1; signature.arguments.len()];
    let outcomes = reductions::infer(reduction, &dims, &vec![2; signature.parameters.len()]);
    outcomes.is_ok_and(|outcomes| outcomes[0].0 == Kind::Real)
}

fn reduction_case(reduction: ReductionId, over: Axis, seed: u64) -> Option<Case> {
    let mut random = Random::new(seed);
    let signature = reductions::signature(reduction);
    let fits = |dims: &[u32], parameters: &[i64]| {
        // Lists longer than there are columns end in infinities, of which this cosine is NaN.
        let full = parameters.iter().all(|&length| length as usize <= SIZES.of(over));
        full && dims.iter().all(|&dim| dim <= 3) && reductions::infer(reduction, dims, parameters).is_ok()
    };
    let (dims, parameters) = fitting_shapes(signature.arguments.len(), signature.parameters.len(), &mut random, fits)?;
    let mut program = Program { scalar: Some(ScalarType::F64), ..Program::default() };
    let mut arguments = Vec::new();
    for (number, &dim) in dims.iter().enumerate() {
        let x = add_input(&mut program, &format!("x{number}"), Role::I, dim);
        let y = add_input(&mut program, &format!("y{number}"), Role::J, dim);
        let p = add_input(&mut program, &format!("p{number}"), Role::Parameter, 1);
        let sum = program.graph.plus(x, y).ok()?;
        let product = program.graph.multiply(sum, p).ok()?;
        let sine = program.graph.named("Sin", &[], &[product]).ok()?;
        let one = program.graph.constant(1.5);
        arguments.push(program.graph.plus(sine, one).ok()?);
    }
    let outcomes = program.graph.reduction(reduction, over, over.other().role(), &parameters, &arguments).ok()?;
    let node = program.graph.named("Cos", &[], &outcomes[..1]).ok()?;
    let values = draw_values(&program, &[], &mut random);
    Some(Case { program, node, values })
}

#[test]
fn every_reduction() {
    let mut unchecked = Vec::new();
    for (reduction, row) in reductions::reductions().filter(|(reduction, _)| has_value(*reduction)) {
        let mut right = 0;
        for over in [Axis::I, Axis::J] {
            for seed in 0..4 {
                let Some(case) = reduction_case(reduction, over, seed) else { continue };
                for number in 0..case.program.inputs.len() {
                    let what = format!("{}, input {number}, over {over}, seed {seed}", row.name);
                    right += u32::from(case.check(InputId(number as u32), &what) == Verdict::Right);
                }
            }
        }
        if right < 6 {
            unchecked.push(row.name);
        }
    }
    assert!(unchecked.is_empty(), "reductions that were not checked: {unchecked:?}");
}

/// Derivatives of gradients: by each variable and by the cotangent.
#[test]
fn every_reduction_twice() {
    let mut unchecked = Vec::new();
    for (reduction, row) in reductions::reductions().filter(|(reduction, _)| has_value(*reduction)) {
        let mut right = 0;
        for (over, seed) in [(Axis::I, 0), (Axis::J, 1), (Axis::J, 2)] {
            let Some(case) = reduction_case(reduction, over, seed) else { continue };
            for first in 0..3 {
                let Some(gradient) = case.gradient(InputId(first)) else {
                    right += 1;
                    continue;
                };
                for second in (0..3).chain([gradient.program.inputs.len() as u32 - 1]) {
                    let what = format!("{}, inputs {first} and {second}, over {over}, seed {seed}", row.name);
                    right += u32::from(gradient.check(InputId(second), &what) == Verdict::Right);
                }
            }
        }
        if right < 6 {
            unchecked.push(row.name);
        }
    }
    assert!(unchecked.is_empty(), "reductions that were not checked: {unchecked:?}");
}

/// Products with no, one, two and three factors that are 0: first and second derivatives against products of what is left.
#[test]
fn products_of_zeros() {
    for zeros in 0..=3 {
        let mut program = Program { scalar: Some(ScalarType::F64), ..Program::default() };
        let y = add_input(&mut program, "y", Role::J, 1);
        let product = reductions::find_reduction("Prod").expect("a row of the table");
        let node = program.graph.reduction(product, Axis::J, Role::Parameter, &[], &[y]).expect("it fits")[0];
        let values: Vec<f64> = (0..SIZES.j).map(|j| if j < zeros { 0.0 } else { j as f64 - 0.5 }).collect();
        let without = |left_out: &[usize]| -> f64 {
            let left = values.iter().enumerate().filter(|(j, _)| !left_out.contains(j));
            left.map(|(_, value)| value).product()
        };
        let one = |j: usize| (0..SIZES.j).map(|other| if other == j { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
        let case = Case { program, node, values: vec![values.clone()] };
        let mut gradient = case.gradient(InputId(0)).expect("a product has a gradient");
        gradient.values[1] = vec![1.0];
        for j in 0..SIZES.j {
            let first = gradient.at(InputId(0), &one(j), 0.0);
            assert_eq!(first[j], without(&[j]), "{zeros} zeros, factor {j}");
            let (second, _) = gradient.derivatives(InputId(0), &one(j), &one(j));
            for other in (0..SIZES.j).filter(|other| *other != j) {
                assert_eq!(second[other], without(&[j, other]), "{zeros} zeros, factors {j} and {other}");
            }
            assert_eq!(second[j], 0.0, "{zeros} zeros, factor {j} twice");
        }
    }
}

#[test]
fn random_formulas() {
    let mut right = 0;
    for seed in 0..400 {
        let program = generate::generate(seed);
        let differentiable = |node: NodeId| {
            let real = !program.graph.node(node).is_index && program.graph.node(node).role != Role::Pair;
            real && inside(&program, node).iter().any(|&inner| is_reduction(&program, inner))
        };
        let nodes: Vec<NodeId> = program.graph.nodes().map(|(id, _)| id).filter(|&id| differentiable(id)).collect();
        let Some(&node) = nodes.last() else { continue };
        let mut random = Random::new(seed);
        let values = draw_values(&program, &[], &mut random);
        let entries = with_output(&program, node, program.graph.node(node).role).entries;
        let case = Case { program: Program { entries, ..program }, node, values };
        // Minima pass NaNs over, the derivatives of what gives them do not.
        let gives_nan = |&inner: &NodeId| {
            let node = case.program.graph.node(inner);
            let program = with_output(&case.program, inner, node.role);
            node.role != Role::Pair && run(&program, inner, &case.values).iter().any(|value| value.is_nan())
        };
        if inside(&case.program, node).iter().any(gives_nan) {
            continue;
        }
        for number in 0..case.program.inputs.len() {
            let what = format!("seed {seed}, input {number}");
            right += u32::from(case.check(InputId(number as u32), &what) == Verdict::Right);
        }
    }
    assert!(right >= 200, "only {right} derivatives were checked");
}

fn inside(program: &Program, node: NodeId) -> Vec<NodeId> {
    let mut found = vec![node];
    let mut next = 0;
    while next < found.len() {
        for argument in program.graph.node(found[next]).kind.arguments() {
            if !found.contains(&argument) {
                found.push(argument);
            }
        }
        next += 1;
    }
    found
}

fn is_reduction(program: &Program, node: NodeId) -> bool {
    matches!(program.graph.node(node).kind, NodeKind::Reduction { .. })
}

/// What stands in for a direction while a derivative is made is no input of the file, however many there are.
#[test]
fn stand_ins_are_no_inputs() {
    let more: String = (0..40).map(|number| format!("out f{number} = Sum[j](x * Vj({}, 2))\n", number + 2)).collect();
    for request in ["Diff(Sum[j](x * y), x)", "Diff(Sum[j](Exp(x | y)), x)"] {
        let programs = ["", &more].map(|more| {
            let (file, errors) = keopsc_grammar::parse_file(&format!(
                "x = Vi(0, 3); y = Vj(1, 3)\nout f = {request}\n{}",
                more.replace("x *", "Sum(x) *")
            ));
            assert!(errors.is_empty(), "{errors:?}");
            let (program, diagnostics) = keopsc_passes::resolve::resolve(&file, &Default::default());
            differentiate(program.unwrap_or_else(|| panic!("{diagnostics:?}"))).expect("it can be differentiated")
        });
        for program in programs {
            verify(&program, Stage::Differentiated).unwrap_or_else(|defects| panic!("{request}: {defects:?}"));
        }
    }
}
